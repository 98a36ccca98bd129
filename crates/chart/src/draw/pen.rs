//! Draws rectangles, dashes and labels directly on the backend of a drawing area, clipped.
//!
//! A chart of 500 bars is one plotters element ([`paint`]), not a thousand: no allocation and no bookkeeping per shape.

use std::{convert::Infallible, iter::Empty};

use plotters::element::{Drawable, PointCollection};
use plotters_backend::{
    BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontFamily,
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
