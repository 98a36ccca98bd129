//! Draws rectangles, dashes and labels directly on the backend of a drawing area, clipped.
//!
//! A chart of 500 bars is one plotters element ([`paint`]), not a thousand: no allocation and no bookkeeping per shape.

use std::{convert::Infallible, iter::Empty};

use plotters::element::{Drawable, PointCollection};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontFamily,
    text_anchor::{HPos, Pos, VPos},
};

use super::{Area, DrawResult};
use crate::{
    layout::{LABEL_PADDING_PX, Layout, Rect},
    theme::Rgb,
};

/// The result of drawing directly on a backend.
pub(crate) type PenResult<DB> = Result<(), DrawingErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Runs `draw` with the area's backend.
pub(crate) fn paint<DB: DrawingBackend>(
    area: &Area<DB>,
    draw: impl Fn(&mut Pen<'_, DB>) -> PenResult<DB>,
) -> DrawResult<DB> {
    area.draw(&Painting(draw))
}

/// An element without its own points.
struct Painting<F>(F);

impl<'a, F> PointCollection<'a, BackendCoord> for &'a Painting<F> {
    type Point = &'a BackendCoord;
    type IntoIter = Empty<&'a BackendCoord>;

    fn point_iter(self) -> Self::IntoIter {
        std::iter::empty()
    }
}

impl<DB: DrawingBackend, F: Fn(&mut Pen<'_, DB>) -> PenResult<DB>> Drawable<DB> for Painting<F> {
    fn draw<I: Iterator<Item = BackendCoord>>(&self, _: I, backend: &mut DB, _: (u32, u32)) -> PenResult<DB> {
        (self.0)(&mut Pen { backend })
    }
}

/// Draws on one backend.
pub(crate) struct Pen<'a, DB> {
    backend: &'a mut DB,
}

impl<DB: DrawingBackend> Pen<'_, DB> {
    /// Fills the part of `rect` inside `clip`.
    pub(crate) fn fill(&mut self, rect: Rect, clip: Rect, ink: Ink) -> PenResult<DB> {
        let seen = Rect {
            x0: rect.x0.max(clip.x0),
            y0: rect.y0.max(clip.y0),
            x1: rect.x1.min(clip.x1),
            y1: rect.y1.min(clip.y1),
        };
        if seen.is_empty() {
            return Ok(());
        }
        self.backend.draw_rect((seen.x0, seen.y0), (seen.x1, seen.y1), &ink.color(), true)
    }

    /// Fills `rect` with dashes along its longer side, each `dash` pixels long with equal gaps.
    pub(crate) fn dashes(&mut self, rect: Rect, clip: Rect, dash: i32, ink: Ink) -> PenResult<DB> {
        let is_across = rect.width() >= rect.height();
        let (from, to) = if is_across { (rect.x0, rect.x1) } else { (rect.y0, rect.y1) };
        let mut start = from;
        while start < to {
            let end = (start + dash).min(to);
            let piece =
                if is_across { Rect { x0: start, x1: end, ..rect } } else { Rect { y0: start, y1: end, ..rect } };
            self.fill(piece, clip, ink)?;
            start += 2 * dash.max(1);
        }
        Ok(())
    }

    /// Draws the parts of a polyline inside `clip`, `width` pixels wide.
    pub(crate) fn line(&mut self, points: &[BackendCoord], clip: Rect, width: i32, ink: Ink) -> PenResult<DB> {
        let stroke = Stroke { ink, width: width.unsigned_abs() };
        let mut run: Vec<BackendCoord> = Vec::new();
        for pair in points.windows(2) {
            let Some((from, to)) = clipped(pair[0], pair[1], clip) else { continue };
            if run.last() != Some(&from) {
                self.stroke(&mut run, &stroke)?;
                run.push(from);
            }
            run.push(to);
        }
        self.stroke(&mut run, &stroke)
    }

    fn stroke(&mut self, run: &mut Vec<BackendCoord>, stroke: &Stroke) -> PenResult<DB> {
        if run.is_empty() {
            return Ok(());
        }
        self.backend.draw_path(run.drain(..), stroke)
    }

    /// Writes `text` on the price axis with its middle row at `y`; what the axis has no room for is cut off at the end,
    /// so that the leading digits stay.
    pub(crate) fn axis_text(&mut self, text: &str, y: i32, layout: &Layout, font: Font<'_>, ink: Ink) -> PenResult<DB> {
        let x = layout.price_axis.x1 - layout.px(LABEL_PADDING_PX);
        match text.char_indices().nth(layout.axis_chars()) {
            None => self.text(text, (x, y), HPos::Right, font, ink),
            Some(_) => {
                let kept = text.char_indices().nth(layout.axis_chars().saturating_sub(1)).map_or(0, |(at, _)| at);
                self.text(&[&text[..kept], "…"].concat(), (x, y), HPos::Right, font, ink)
            }
        }
    }

    /// Writes `text` with its middle row at `y` and its left end, middle or right end at `x`.
    pub(crate) fn text(
        &mut self,
        text: &str,
        (x, y): (i32, i32),
        align: HPos,
        font: Font<'_>,
        ink: Ink,
    ) -> PenResult<DB> {
        self.backend.draw_text(text, &LabelStyle { font, ink, align }, (x, y))
    }
}

/// A colour and its opacity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ink {
    rgb: Rgb,
    alpha: f64,
}

impl Ink {
    pub(crate) fn mix(rgb: Rgb, alpha: f64) -> Self {
        Self { rgb, alpha }
    }

    fn color(self) -> BackendColor {
        BackendColor { alpha: self.alpha, rgb: (self.rgb.0, self.rgb.1, self.rgb.2) }
    }
}

impl From<Rgb> for Ink {
    fn from(rgb: Rgb) -> Self {
        Self { rgb, alpha: 1.0 }
    }
}

/// The colour and width of a line.
struct Stroke {
    ink: Ink,
    width: u32,
}

impl BackendStyle for Stroke {
    fn color(&self) -> BackendColor {
        self.ink.color()
    }

    fn stroke_width(&self) -> u32 {
        self.width
    }
}

/// Returns the part of a segment inside `clip`. Source: Liang and Barsky, "A new concept and method for line clipping".
#[expect(clippy::cast_possible_truncation, reason = "inside the surface")]
fn clipped(from: BackendCoord, to: BackendCoord, clip: Rect) -> Option<(BackendCoord, BackendCoord)> {
    let [(x0, y0), (x1, y1)] = [from, to].map(|(x, y)| (f64::from(x), f64::from(y)));
    let (dx, dy) = (x1 - x0, y1 - y0);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (way, room) in [
        (-dx, x0 - f64::from(clip.x0)),
        (dx, f64::from(clip.x1 - 1) - x0),
        (-dy, y0 - f64::from(clip.y0)),
        (dy, f64::from(clip.y1 - 1) - y0),
    ] {
        if way < 0.0 {
            enter = enter.max(room / way);
        } else if way > 0.0 {
            leave = leave.min(room / way);
        } else if room < 0.0 {
            return None;
        }
    }
    let at = |share: f64| ((x0 + share * dx).round() as i32, (y0 + share * dy).round() as i32);
    (enter <= leave).then(|| (at(enter), at(leave)))
}

/// The face and size of labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Font<'a> {
    /// A CSS font stack.
    pub(crate) family: &'a str,
    /// Device pixels.
    pub(crate) px: f64,
}

/// A text style of our own, because plotters' style would pull in its font machinery.
struct LabelStyle<'a> {
    font: Font<'a>,
    ink: Ink,
    align: HPos,
}

impl BackendTextStyle for LabelStyle<'_> {
    type FontError = Infallible;

    fn color(&self) -> BackendColor {
        self.ink.color()
    }

    /// Plotters' sizes are 1.24 times the font size used by SVG and canvas.
    fn size(&self) -> f64 {
        self.font.px * PLOTTERS_SIZE
    }

    fn anchor(&self) -> Pos {
        Pos::new(self.align, VPos::Center)
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name(self.font.family)
    }

    /// Estimates the size, for backends that cannot measure text.
    #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
    fn layout_box(&self, text: &str) -> Result<((i32, i32), (i32, i32)), Infallible> {
        let n_chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        Ok(((0, 0), ((f64::from(n_chars) * self.font.px * 0.6) as i32, self.font.px as i32)))
    }

    /// Drawing text as pixels is for backends without text; all of ours have it.
    fn draw<E, F: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        _: &str,
        _: BackendCoord,
        _: F,
    ) -> Result<Result<(), E>, Infallible> {
        Ok(Ok(()))
    }
}

/// Plotters' text size for a font of one pixel; backends divide by it.
pub const PLOTTERS_SIZE: f64 = 1.24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_cut_at_the_edges() {
        let clip = Rect { x0: 0, y0: 0, x1: 101, y1: 51 };
        for (from, to, expected) in [
            ((10, 10), (20, 20), Some(((10, 10), (20, 20)))),
            ((-10, 10), (10, 30), Some(((0, 20), (10, 30)))),
            ((90, 40), (110, 60), Some(((90, 40), (100, 50)))),
            ((50, -100), (50, 1_000), Some(((50, 0), (50, 50)))),
            ((0, 60), (100, 60), None),
            ((-10, 25), (-1, 25), None),
            ((-10, 0), (0, -10), None),
            ((5, 5), (5, 5), Some(((5, 5), (5, 5)))),
        ] {
            assert_eq!(clipped(from, to, clip), expected, "{from:?} {to:?}");
        }
    }
}
