//! Common parts of the panes below the prices: an axis with its grid and labels, and a caption.

use plotters_backend::{DrawingBackend, text_anchor::HPos};

use super::pen::{Font, Pen, PenResult};
use crate::{
    layout::{Layout, Rect},
    scale::{PriceMode, PriceScale},
    theme::Theme,
};

/// A pane's axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PaneScale {
    pub(crate) axis: PriceScale,
    /// Decimal places of its labels: enough to distinguish its steps.
    decimals: u32,
    most_decimals: u32,
}

impl PaneScale {
    /// Creates the axis of a pane for values from `low` to `high`, with labels of at most `most_decimals` decimals. The
    /// ends are rounded outwards, so that the axis seldom moves while the values do.
    pub(crate) fn rounded((low, high): (f64, f64), most_decimals: u32, pane: Rect, layout: &Layout) -> Self {
        // A step is an eighth of the power of two at or below the span.
        let step = power_of_two((high - low).max(f64::MIN_POSITIVE)) / 8.0;
        let (low, high) =
            if low < high { ((low / step).floor() * step, (high / step).ceil() * step) } else { (low, high) };
        Self::exact((low, high), most_decimals, pane, layout)
    }

    /// Creates the axis from exactly `low` to `high`.
    pub(crate) fn exact((low, high): (f64, f64), most_decimals: u32, pane: Rect, layout: &Layout) -> Self {
        // The caption has its own rows if there are enough.
        let caption = layout.px(2.0 * CAPTION_Y_PX).min(pane.height() / 3);
        let (top, bottom) = (pane.y0 + caption, pane.y1 - pane.height() / 8);
        let axis = PriceScale::new(PriceMode::Linear, low, high, most_decimals, top, bottom);
        // The axis has about four labels.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let decimals = (1.0 - ((high - low) / 4.0).log10()).floor().clamp(0.0, f64::from(most_decimals)) as u32;
        Self { axis, decimals, most_decimals }
    }

    /// Returns the value at pixel row `y`, one digit finer than the steps of the axis.
    pub(crate) fn label_at(&self, y: f64) -> String {
        self.axis.label_of(y, self.fine_decimals())
    }

    /// Returns the decimals of values as text, one more than those of the labels.
    pub(crate) fn fine_decimals(&self) -> u32 {
        (self.decimals + 1).min(self.most_decimals)
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

/// Draws the parts below the lines: the pane's edge, grid and labels.
pub(crate) fn draw_pane_axis<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    (pane, scale): (Rect, Option<&PaneScale>),
    layout: &Layout,
    font: Font<'_>,
    theme: &Theme,
) -> PenResult<DB> {
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
pub(crate) fn draw_pane_caption<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    words: &str,
    pane: Rect,
    layout: &Layout,
    (font, theme): (Font<'_>, &Theme),
) -> PenResult<DB> {
    let at = (layout.px(CAPTION_X_PX), pane.y0 + layout.px(CAPTION_Y_PX));
    pen.text(words, at, HPos::Left, font, theme.muted.into())
}

/// The caption's left end and middle row in CSS pixels, aligned with the legend above.
const CAPTION_X_PX: f64 = 8.0;
const CAPTION_Y_PX: f64 = 11.0;

/// Minimum distance between labels in CSS pixels.
const LABEL_GAP_PX: f64 = 28.0;

/// Height of a line of label text in CSS pixels.
const LABEL_ROWS_PX: f64 = 15.0;
