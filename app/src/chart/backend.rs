//! Plotters' drawing backend on one canvas: shapes are collected and painted style by style.
//!
//! Changing the style for each shape makes canvases slow. So `present` paints style by style in order of first use,
//! filled rectangles before lines, texts last (see `chart::draw` for why that is correct). Rectangles are filled
//! individually, which browsers do without a path; hundreds of them as one path cost a scan of all edges for every row.
//! Coordinates are device pixels. Not here: clearing and sizing the canvas (`layer`).

use std::{cell::RefCell, collections::HashMap, convert::Infallible};

use chart::draw::PLOTTERS_SIZE;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    text_anchor::{HPos, VPos},
};
use web_sys::CanvasRenderingContext2d;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// Collects shapes until `present`. Buffers are kept from frame to frame: a chart in steady use allocates almost
/// nothing.
#[derive(Debug)]
pub(super) struct CanvasBackend {
    context: CanvasRenderingContext2d,
    size: (u32, u32),
    /// In order of first use in this frame.
    batches: Vec<Batch>,
    /// Empty batches with their buffers, for the next frame.
    spare: Vec<Batch>,
    texts: Vec<Text>,
    widths: RefCell<HashMap<String, u32>>,
    widths_font: RefCell<String>,
    /// The font set on the context. Setting a font makes the browser compute all styles first, which costs a layout in
    /// the middle of a frame: so it is set only when it changes.
    font: RefCell<String>,
}

/// All shapes of one style.
#[derive(Debug, Default)]
struct Batch {
    ink: Ink,
    rects: Vec<[i32; 4]>,
    /// Polylines by stroke width: the number of points, and the points of all of them.
    lines: Vec<(u32, usize)>,
    points: Vec<BackendCoord>,
}

#[derive(Debug)]
struct Text {
    text: String,
    at: BackendCoord,
    ink: Ink,
    px: f64,
    family: String,
    align: (&'static str, &'static str),
}

/// Colour and opacity, eight bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ink([u8; 4]);

impl Ink {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn new(color: BackendColor) -> Self {
        let (red, green, blue) = color.rgb;
        Self([red, green, blue, (color.alpha * 255.0).round().clamp(0.0, 255.0) as u8])
    }

    fn css(self) -> String {
        let [red, green, blue, alpha] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}{alpha:02x}")
    }
}

impl CanvasBackend {
    pub(super) fn new(context: CanvasRenderingContext2d) -> Self {
        Self {
            context,
            size: (0, 0),
            batches: Vec::new(),
            spare: Vec::new(),
            texts: Vec::new(),
            widths: RefCell::default(),
            widths_font: RefCell::default(),
            font: RefCell::default(),
        }
    }

    /// Sets the canvas's size in device pixels. Resizing a canvas resets its font.
    pub(super) fn set_size(&mut self, size: (u32, u32)) {
        self.size = size;
        self.font.get_mut().clear();
    }

    /// Returns the width of one digit of a font in device pixels.
    pub(super) fn digit_width(&self, px: f64, family: &str) -> f64 {
        const DIGITS: &str = "0123456789";
        self.use_font(font(px, family));
        self.context.measure_text(DIGITS).map_or(px * 0.6, |metrics| metrics.width() / 10.0)
    }

    fn batch(&mut self, color: BackendColor) -> &mut Batch {
        let ink = Ink::new(color);
        let batch_idx = self.batches.iter().position(|batch| batch.ink == ink).unwrap_or_else(|| {
            let spare = self.spare.pop().unwrap_or_default();
            self.batches.push(Batch { ink, ..spare });
            self.batches.len() - 1
        });
        &mut self.batches[batch_idx]
    }

    fn use_font(&self, font: String) {
        if *self.font.borrow() != font {
            self.context.set_font(&font);
            self.font.replace(font);
        }
    }

    fn paint_texts(&mut self) {
        let mut ink = None;
        let mut texts = std::mem::take(&mut self.texts);
        for text in texts.drain(..) {
            if ink != Some(text.ink) {
                self.context.set_fill_style_str(&text.ink.css());
                ink = Some(text.ink);
            }
            self.use_font(font(text.px, &text.family));
            self.context.set_text_align(text.align.0);
            self.context.set_text_baseline(text.align.1);
            // Fails only for positions that are not finite; integers are always finite.
            let _never = self.context.fill_text(&text.text, f64::from(text.at.0), f64::from(text.at.1));
        }
        self.texts = texts;
    }
}

impl Batch {
    fn paint(&mut self, context: &CanvasRenderingContext2d) {
        if !self.rects.is_empty() {
            context.set_fill_style_str(&self.ink.css());
            for [x, y, width, height] in self.rects.drain(..).map(|rect| rect.map(f64::from)) {
                context.fill_rect(x, y, width, height);
            }
        }
        if self.lines.is_empty() {
            return;
        }
        context.set_stroke_style_str(&self.ink.css());
        let mut points = self.points.drain(..);
        let mut open_width = None;
        for (width, n_points) in self.lines.drain(..) {
            if open_width != Some(width) {
                if open_width.is_some() {
                    context.stroke();
                }
                context.set_line_width(f64::from(width));
                context.begin_path();
                open_width = Some(width);
            }
            // Lines of odd width are crisp between pixel edges.
            let shift = if width % 2 == 1 { 0.5 } else { 0.0 };
            for (point_idx, (x, y)) in points.by_ref().take(n_points).enumerate() {
                let (x, y) = (f64::from(x) + shift, f64::from(y) + shift);
                if point_idx == 0 {
                    context.move_to(x, y);
                } else {
                    context.line_to(x, y);
                }
            }
        }
        context.stroke();
    }
}

impl DrawingBackend for CanvasBackend {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        for mut batch in self.batches.drain(..) {
            batch.paint(&self.context);
            self.spare.push(batch);
        }
        self.paint_texts();
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.batch(color).rects.push([x, y, 1, 1]);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if fill {
            self.batch(style.color()).rects.push([x0, y0, x1 - x0, y1 - y0]);
            return Ok(());
        }
        self.draw_path([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let batch = self.batch(style.color());
        let n_before = batch.points.len();
        batch.points.extend(path);
        let n_points = batch.points.len() - n_before;
        batch.lines.push((style.stroke_width(), n_points));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let across = match style.anchor().h_pos {
            HPos::Left => "left",
            HPos::Center => "center",
            HPos::Right => "right",
        };
        let down = match style.anchor().v_pos {
            VPos::Top => "top",
            VPos::Center => "middle",
            VPos::Bottom => "bottom",
        };
        self.texts.push(Text {
            text: text.to_owned(),
            at,
            ink: Ink::new(style.color()),
            px: style.size() / PLOTTERS_SIZE,
            family: style.family().as_str().to_owned(),
            align: (across, down),
        });
        Ok(())
    }

    /// Plotters' own method would add an element to the page for every text it measures.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let px = style.size() / PLOTTERS_SIZE;
        let font = font(px, style.family().as_str());
        let mut widths = self.widths.borrow_mut();
        if *self.widths_font.borrow() != font || widths.len() > MAX_KEPT_WIDTHS {
            widths.clear();
            self.widths_font.replace(font.clone());
        }
        let width = match widths.get(text) {
            Some(&width) => width,
            None => {
                self.use_font(font);
                let measured = self.context.measure_text(text).map_or(0.0, |metrics| metrics.width());
                widths.insert(text.to_owned(), measured.ceil() as u32);
                measured.ceil() as u32
            }
        };
        Ok((width, px.ceil() as u32))
    }
}

fn font(px: f64, family: &str) -> String {
    // Hundredths are finer than any screen and avoid float formatting.
    #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
    let hundredths = (px * 100.0).round() as i64;
    format!("{}.{:02}px {family}", hundredths / 100, hundredths % 100)
}

/// The labels of a few full screens.
const MAX_KEPT_WIDTHS: usize = 256;
