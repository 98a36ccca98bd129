//! Cumulative volume delta: a stepped line in its own pane, one step a bar; broken where the sum is unknown.

use std::ops::Range;

use plotters_backend::{DrawingBackend, text_anchor::HPos};

use super::pen::{Font, Ink, Pen, PenResult};
use crate::{
    layout::{Layout, Rect},
    scale::{PriceMode, PriceScale, TimeScale},
    series::Series,
    theme::Theme,
};

/// The pane's axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DeltaScale {
    axis: PriceScale,
    /// Decimal places of its labels: enough to distinguish its steps.
    decimals: u32,
    size_decimals: u32,
}

impl DeltaScale {
    /// Creates the axis for the bars in `range` on `layout`, exact to at most `size_decimals`; `None` if their delta is
    /// unknown. The ends are rounded outwards, so that the axis seldom moves while the sum does.
    pub(crate) fn new(series: &Series, range: Range<usize>, size_decimals: u32, layout: &Layout) -> Option<Self> {
        let totals = || range.clone().filter_map(|idx| series.cumulative_delta(idx));
        let (low, high) = (totals().reduce(f64::min)?, totals().reduce(f64::max)?);
        // A step is an eighth of the power of two at or below the span.
        let step = power_of_two((high - low).max(f64::MIN_POSITIVE)) / 8.0;
        let (low, high) =
            if low < high { ((low / step).floor() * step, (high / step).ceil() * step) } else { (low, high) };
        let pane = layout.delta;
        // The caption has its own rows if there are enough.
        let caption = layout.px(2.0 * CAPTION_Y_PX).min(pane.height() / 3);
        let (top, bottom) = (pane.y0 + caption, pane.y1 - pane.height() / 8);
        let axis = PriceScale::new(PriceMode::Linear, low, high, size_decimals, top, bottom);
        // The axis has about four labels.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let decimals = (1.0 - ((high - low) / 4.0).log10()).floor().clamp(0.0, f64::from(size_decimals)) as u32;
        Some(Self { axis, decimals, size_decimals })
    }

    /// Returns the sum at pixel row `y`, one digit finer than its steps.
    pub(crate) fn label_at(&self, y: f64) -> String {
        self.axis.label_of(y, (self.decimals + 1).min(self.size_decimals))
    }

    /// Returns the number of characters of its longest label.
    pub(crate) fn label_chars(&self, pane: Rect) -> usize {
        let ends = [pane.y0, pane.y1].map(|y| self.label_at(f64::from(y)));
        ends.iter().map(|label| label.chars().count()).max().unwrap_or_default()
    }
}

/// Returns the power of two at or below a normal positive number: its exponent alone.
fn power_of_two(number: f64) -> f64 {
    f64::from_bits(number.to_bits() & f64::INFINITY.to_bits())
}

/// Draws the parts below the line: the pane's edge, grid and labels.
pub(crate) fn draw_delta_axis<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    scale: Option<&DeltaScale>,
    layout: &Layout,
    font: Font<'_>,
    theme: &Theme,
) -> PenResult<DB> {
    let pane = layout.delta;
    if pane.is_empty() {
        return Ok(());
    }
    pen.fill(Rect { y1: pane.y0 + layout.line, x1: layout.surface.x1, ..pane }, layout.surface, theme.border.into())?;
    let Some(scale) = scale else { return Ok(()) };
    let half = layout.px(LABEL_ROWS_PX / 2.0);
    for tick in scale.axis.ticks((pane.y0 + half, pane.y1 - half), LABEL_GAP_PX * layout.ratio, scale.decimals) {
        pen.fill(Rect { y0: tick.y, y1: tick.y + layout.line, ..pane }, pane, theme.grid.into())?;
        pen.axis_text(&tick.label, tick.y, layout, font, theme.muted.into())?;
    }
    Ok(())
}

/// Writes the pane's caption at its upper left.
pub(crate) fn draw_delta_caption<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    words: &str,
    layout: &Layout,
    font: Font<'_>,
    theme: &Theme,
) -> PenResult<DB> {
    let at = (layout.px(CAPTION_X_PX), layout.delta.y0 + layout.px(CAPTION_Y_PX));
    pen.text(words, at, HPos::Left, font, theme.muted.into())
}

/// Draws the steps of the bars in `range`, each from the previous one.
pub(crate) fn draw_delta<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    (series, range): (&Series, Range<usize>),
    layout: &Layout,
    (time, scale): (&TimeScale, &DeltaScale),
    theme: &Theme,
    alpha: f64,
) -> PenResult<DB> {
    let (pane, line) = (layout.delta, layout.line);
    let ink = Ink::mix(theme.text, alpha);
    let times = series.open_time_ms();
    let point = |idx: usize| {
        let row = scale.axis.row_of(series.cumulative_delta(idx)?);
        Some((time.column_of_time(*times.get(idx)?), row))
    };
    let mut before = range.start.checked_sub(1).and_then(point);
    for idx in range {
        let Some((x, row)) = point(idx) else {
            before = None;
            continue;
        };
        match before {
            // Bars of one pixel column form one stroke.
            Some((left, from)) => {
                pen.fill(Rect { x0: left, x1: x, y0: from, y1: from + line }, pane, ink)?;
                pen.fill(Rect { x0: x, x1: x + line, y0: from.min(row), y1: from.max(row) + line }, pane, ink)?;
            }
            None => pen.fill(Rect { x0: x, x1: x + line, y0: row, y1: row + line }, pane, ink)?,
        }
        before = Some((x, row));
    }
    Ok(())
}

/// The caption's left end and middle row in CSS pixels, aligned with the legend above.
const CAPTION_X_PX: f64 = 8.0;
const CAPTION_Y_PX: f64 = 11.0;

/// Minimum distance between labels in CSS pixels.
const LABEL_GAP_PX: f64 = 28.0;

/// Height of a line of label text in CSS pixels.
const LABEL_ROWS_PX: f64 = 15.0;
