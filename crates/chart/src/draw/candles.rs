//! Candles: a wick from low to high and a body from open to close, merged if several share a pixel column.

use std::ops::Range;

use plotters_backend::DrawingBackend;

use super::pen::{Ink, Pen, PenResult};
use crate::{
    decimate::columns,
    layout::{Layout, Rect},
    scale::{PriceScale, TimeScale},
    series::Series,
    theme::Theme,
};

/// Draws the bars in `range`; `alpha` is below 1 if they are stale. A body is at least one line high.
pub(crate) fn draw_candles<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    (series, range): (&Series, Range<usize>),
    layout: &Layout,
    (time, price): (&TimeScale, &PriceScale),
    theme: &Theme,
    alpha: f64,
) -> PenResult<DB> {
    let widths = Widths::new(time.slot_width(), layout.line);
    for column in columns(series, range, time) {
        let bar = column.bar;
        let ink = Ink::mix(if bar.is_up() { theme.up } else { theme.down }, alpha);
        let (high, low) = (price.row_of(bar.high), price.row_of(bar.low));
        let (top, bottom) = (price.row_of(bar.open.max(bar.close)), price.row_of(bar.open.min(bar.close)));
        let body = widths.body_at(column.x, top, bottom.max(top + layout.line));
        pen.fill(body, layout.plot, ink)?;
        // The wick is drawn only above and below the body; behind the body it would be a wasted shape.
        let wick = widths.wick_at(column.x, high, low.max(body.y1));
        pen.fill(Rect { y1: body.y0, ..wick }, layout.plot, ink)?;
        pen.fill(Rect { y0: body.y1, ..wick }, layout.plot, ink)?;
    }
    Ok(())
}

/// The widths of candles: both odd or both even, so that the wick is in the middle of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Widths {
    pub(super) body: i32,
    wick: i32,
}

impl Widths {
    /// Returns the widths for slots of `slot_width` pixels; the body takes three quarters of a slot, and from three
    /// pixels on one pixel between two bodies stays free.
    #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
    pub(super) fn new(slot_width: f64, line: i32) -> Self {
        let most = (slot_width.floor() - 1.0).clamp(1.0, 10_000.0);
        let mut body = (slot_width * 0.75).round().clamp(1.0, most) as i32;
        let wick = line.min(body);
        if body % 2 != wick % 2 {
            body = (body - 1).max(wick);
        }
        Self { body, wick }
    }

    pub(super) fn body_at(self, x: i32, y0: i32, y1: i32) -> Rect {
        let x0 = x - self.body / 2;
        Rect { x0, y0, x1: x0 + self.body, y1 }
    }

    fn wick_at(self, x: i32, y0: i32, y1: i32) -> Rect {
        let x0 = x - self.wick / 2;
        Rect { x0, y0, x1: x0 + self.wick, y1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wicks_stand_in_the_middle_and_bodies_apart() {
        for (slot_width, line, expected) in [
            (0.2, 1, (1, 1)),
            (1.9, 1, (1, 1)),
            (3.0, 1, (1, 1)),
            (4.0, 1, (3, 1)),
            (9.4, 1, (7, 1)),
            (3.8, 2, (2, 2)),
            (20.0, 2, (14, 2)),
        ] {
            let widths = Widths::new(slot_width, line);
            assert_eq!((widths.body, widths.wick), expected, "{slot_width} {line}");
            let (body, wick) = (widths.body_at(100, 0, 1), widths.wick_at(100, 0, 1));
            assert_eq!(wick.x0 - body.x0, body.x1 - wick.x1, "{slot_width} {line}");
            assert!(slot_width < 3.0 || f64::from(widths.body) <= slot_width - 1.0, "{slot_width} {line}");
        }
    }
}
