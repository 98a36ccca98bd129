//! A picture of curves over time on one axis, as two equity curves of a back-test. No viewport and no cursor: everything
//! is in view. The values are for pixels and axis labels only.

use plotters_backend::{DrawingBackend, text_anchor::HPos};

use crate::{
    decimate,
    draw::{Area, DrawResult, Font, Ink, Pen, PenResult, draw_grid_axes, paint},
    format::format_fixed,
    layout::{LABEL_PADDING_PX, Layout, Panes, Rect, Surface},
    scale::{PriceMode, PriceScale, TimeScale},
    theme::{Rgb, Theme},
    zone::Zone,
};

/// One curve.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its colour.
    pub rgb: Rgb,
    /// Milliseconds since the epoch and value, oldest first; between two points it goes straight.
    pub points: &'a [(i64, f64)],
}

/// Look of a picture of curves.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Its colours.
    pub theme: Theme,
    /// The CSS font stack of its texts.
    pub font_family: &'a str,
    /// Name of the values, in front of the legend.
    pub caption: &'a str,
    /// Decimal places of the labels.
    pub decimals: u32,
}

/// Draws curves with their axes and a legend, in UTC, on a whole area of `width` by `height` pixels. Without a point it
/// says so.
///
/// # Errors
/// The backend's error.
pub fn draw_curves<DB: DrawingBackend>(
    area: &Area<DB>,
    (width, height): (u32, u32),
    curves: &[Curve<'_>],
    look: &Look<'_>,
) -> DrawResult<DB> {
    let surface = Surface::plain(width, height);
    let scales = Scales::of(curves, &surface, look.decimals);
    paint(area, |pen| {
        let Some(scales) = &scales else {
            let layout = Layout::new(&surface, 0, Panes::NONE);
            let font = Font { family: look.font_family, px: layout.font_px };
            draw_grid_axes(pen, &layout, &[], &[], "", (font, &look.theme))?;
            let middle = ((layout.plot.x0 + layout.plot.x1) / 2, (layout.plot.y0 + layout.plot.y1) / 2);
            return pen.text("No data", middle, HPos::Center, font, look.theme.muted.into());
        };
        scales.draw(pen, curves, look)
    })
}

/// The axes that show all points.
struct Scales {
    layout: Layout,
    time: TimeScale,
    value: PriceScale,
}

impl Scales {
    fn of(curves: &[Curve<'_>], surface: &Surface, decimals: u32) -> Option<Self> {
        let points = || curves.iter().flat_map(|curve| curve.points).filter(|(_, value)| value.is_finite());
        let (begin, end) = (points().map(|(time, _)| *time).min()?, points().map(|(time, _)| *time).max()?);
        let low = points().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let high = points().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        let n_chars = [low, high].map(|value| format_fixed(value, decimals).chars().count());
        let layout = Layout::new(surface, n_chars[0].max(n_chars[1]), Panes::NONE);
        let plot = layout.plot;
        let head = layout.px(HEAD_PX);
        let value = PriceScale::new(PriceMode::Linear, low, high, decimals, plot.y0 + head, plot.y1 - head / 2);
        // Slots of a second, or what a pixel holds where that is more: the columns of a time are exact either way.
        #[expect(clippy::cast_precision_loss, reason = "slot numbers are below 2^53")]
        let slot = |time: i64| time as f64 / SLOT_MS as f64;
        let time = TimeScale::new(slot(begin), (slot(end) - slot(begin)).max(1.0), plot.x0, plot.width(), SLOT_MS);
        Some(Self { layout, time, value })
    }

    fn draw<DB: DrawingBackend>(&self, pen: &mut Pen<'_, DB>, curves: &[Curve<'_>], look: &Look<'_>) -> PenResult<DB> {
        let (layout, theme) = (&self.layout, &look.theme);
        let plot = layout.plot;
        let font = Font { family: look.font_family, px: layout.font_px };
        let values = self.value.ticks((plot.y0 + layout.px(HEAD_PX), plot.y1 - 1), TICK_GAP_PX, look.decimals);
        let times = self.time.ticks(TIME_GAP_PX, Zone::UTC);
        draw_grid_axes(pen, layout, &values, &times, "UTC", (font, theme))?;
        for curve in curves {
            let finite = curve.points.iter().filter(|(_, value)| value.is_finite());
            let pixels = finite.map(|(time, value)| (self.column_of(*time), self.value.row_of(*value)));
            pen.line(&decimate::line(pixels), plot, LINE_PX, curve.rgb.into())?;
        }
        self.draw_legend(pen, curves, font, look)
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "slot numbers are below 2^53; float casts saturate"
    )]
    fn column_of(&self, time_ms: i64) -> i32 {
        self.time.x_of_slot(time_ms as f64 / SLOT_MS as f64).floor() as i32
    }

    fn draw_legend<DB: DrawingBackend>(
        &self,
        pen: &mut Pen<'_, DB>,
        curves: &[Curve<'_>],
        font: Font<'_>,
        look: &Look<'_>,
    ) -> PenResult<DB> {
        let layout = &self.layout;
        let (gap, row) = (layout.px(LABEL_PADDING_PX), layout.px(HEAD_PX / 2.0));
        // As wide as digits: the texts are of letters and digits, and the room between them need not be exact.
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a label's length")]
        let width = |text: &str| (text.chars().count() as f64 * layout.digit_width).ceil() as i32;
        let mut x = layout.plot.x0 + 2 * gap;
        pen.text(look.caption, (x, row), HPos::Left, font, look.theme.text.into())?;
        x += width(look.caption) + 3 * gap;
        for curve in curves {
            let mark = Rect { x0: x, x1: x + 3 * gap, y0: row - 1, y1: row + 1 };
            pen.fill(mark, layout.surface, Ink::from(curve.rgb))?;
            x = mark.x1 + gap;
            pen.text(curve.name, (x, row), HPos::Left, font, look.theme.muted.into())?;
            x += width(curve.name) + 3 * gap;
        }
        Ok(())
    }
}

/// One slot of the time axis.
const SLOT_MS: i64 = 1_000;
/// Rows above the curves, for the legend.
const HEAD_PX: f64 = 32.0;
/// The least distance between two labels of the value axis, and of the time axis.
const TICK_GAP_PX: f64 = 32.0;
const TIME_GAP_PX: f64 = 90.0;
/// Width of the curves.
const LINE_PX: i32 = 2;
