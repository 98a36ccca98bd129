//! The positions of plot, volume, panes and axes on a surface of device pixels.

use crate::indicator::MAX_INDICATOR_PANES;

/// A rectangle of pixels: `x0..x1` by `y0..y1`, ends excluded. May be empty, never inverted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// First column.
    pub x0: i32,
    /// First row.
    pub y0: i32,
    /// Column after the last.
    pub x1: i32,
    /// Row after the last.
    pub y1: i32,
}

impl Rect {
    /// Returns the number of columns.
    pub fn width(self) -> i32 {
        self.x1 - self.x0
    }

    /// Returns the number of rows.
    pub fn height(self) -> i32 {
        self.y1 - self.y0
    }

    /// Returns true if it contains no pixel.
    pub fn is_empty(self) -> bool {
        self.width() <= 0 || self.height() <= 0
    }

    /// Returns true if the point is inside.
    pub fn contains(self, x: f64, y: f64) -> bool {
        x >= f64::from(self.x0) && x < f64::from(self.x1) && y >= f64::from(self.y0) && y < f64::from(self.y1)
    }
}

/// The surface a chart is drawn on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surface {
    /// Width in device pixels.
    pub width: u32,
    /// Height in device pixels.
    pub height: u32,
    /// Device pixels per CSS pixel, above zero.
    pub ratio: f64,
    /// Width of a digit in the labels' font, in device pixels.
    pub digit_width: f64,
}

impl Surface {
    /// Creates a surface without a page: one device pixel per CSS pixel, digits of usual width.
    pub fn plain(width: u32, height: u32) -> Self {
        Self { width, height, ratio: 1.0, digit_width: LABEL_FONT_PX * 0.6 }
    }
}

/// Size of labels in CSS pixels.
pub const LABEL_FONT_PX: f64 = 11.0;

/// The panes that a chart has below prices and volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Panes {
    /// True for the pane of cumulative volume delta.
    pub delta: bool,
    /// Panes of indicators below it, at most [`MAX_INDICATOR_PANES`].
    pub n_indicators: usize,
}

impl Panes {
    /// Prices and volume only.
    pub const NONE: Self = Self { delta: false, n_indicators: 0 };
}

/// The parts of a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Everything.
    pub surface: Rect,
    /// Candles, grid and volume.
    pub plot: Rect,
    /// The rows of `plot` used by prices; the strip below is for the volume.
    pub prices: Rect,
    /// The volume strip at the bottom of `plot`.
    pub volume: Rect,
    /// Below `plot`, equally wide: cumulative volume delta. Empty if not shown.
    pub delta: Rect,
    /// Below that, the panes of indicators; empty where there is none.
    pub indicators: [Rect; MAX_INDICATOR_PANES],
    /// Price labels, right of the plot and of the panes.
    pub price_axis: Rect,
    /// Time labels, below all.
    pub time_axis: Rect,
    /// Device pixels of a one-pixel line.
    pub line: i32,
    /// Font size of labels in device pixels.
    pub font_px: f64,
    /// Width of a digit in device pixels.
    pub digit_width: f64,
    /// Device pixels per CSS pixel.
    pub ratio: f64,
}

impl Layout {
    /// Lays out `surface` with room for price labels of `n_label_chars` characters, and with `panes` below the plot. If there is too little room, the axes shrink first, to half of the surface.
    pub fn new(surface: &Surface, n_label_chars: usize, panes: Panes) -> Self {
        let ratio = if surface.ratio.is_finite() && surface.ratio > 0.0 { surface.ratio.min(16.0) } else { 1.0 };
        let [width, height] =
            [surface.width, surface.height].map(|side| i32::try_from(side.min(MAX_SIDE)).unwrap_or(0));
        let chars = u32::try_from(n_label_chars.min(60)).unwrap_or(60);
        let axis_width =
            pixels(f64::from(chars) * surface.digit_width.clamp(0.0, 1_000.0) + 2.0 * LABEL_PADDING_PX * ratio);
        let x1 = width - axis_width.min(width / 2);
        let y1 = height - pixels(TIME_AXIS_PX * ratio).min(height / 2);
        let n_indicators = panes.n_indicators.min(MAX_INDICATOR_PANES);
        let n_panes = n_indicators + usize::from(panes.delta);
        // Few, so exact.
        let n = f64::from(u32::try_from(n_panes).unwrap_or(u32::MAX));
        let pane_height = pixels(f64::from(y1) * PANE_SHARE.min(PANES_SHARE / n.max(1.0)));
        let plot = Rect { x0: 0, y0: 0, x1, y1: y1 - pane_height * i32::try_from(n_panes).unwrap_or(0) };
        let mut next = plot.y1;
        let mut pane = |is_shown: bool| {
            let y0 = next;
            next += if is_shown { pane_height } else { 0 };
            Rect { x0: 0, y0, x1, y1: next }
        };
        let delta = pane(panes.delta);
        let indicators = std::array::from_fn(|at| pane(at < n_indicators));
        let rows = |share: f64| pixels(f64::from(plot.height()) * share);
        Self {
            surface: Rect { x0: 0, y0: 0, x1: width, y1: height },
            plot,
            prices: Rect { y0: rows(PRICES_FROM), y1: rows(PRICES_TO), ..plot },
            volume: Rect { y0: rows(VOLUME_FROM), ..plot },
            delta,
            indicators,
            price_axis: Rect { x0: x1, y0: 0, x1: width, y1 },
            time_axis: Rect { x0: 0, y0: y1, x1: width, y1: height },
            line: pixels(ratio.floor()).max(1),
            font_px: LABEL_FONT_PX * ratio,
            digit_width: surface.digit_width,
            ratio,
        }
    }

    /// Returns plot and panes: the area where bars have their columns.
    pub fn columns(&self) -> Rect {
        Rect { y1: self.time_axis.y0, ..self.plot }
    }

    /// Returns the number of characters that a label of the price axis has room for.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    pub(crate) fn axis_chars(&self) -> usize {
        let room = f64::from(self.price_axis.width() - 2 * self.px(LABEL_PADDING_PX));
        // The axis was made as wide as its longest label, rounded to whole pixels.
        ((room + 1.0) / self.digit_width.max(1.0)) as usize
    }

    /// Returns `css` CSS pixels in device pixels, at least one.
    pub(crate) fn px(&self, css: f64) -> i32 {
        pixels(css * self.ratio).max(1)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "float casts saturate; NaN is 0")]
fn pixels(value: f64) -> i32 {
    value.round().min(f64::from(MAX_SIDE)) as i32
}

/// Larger than any canvas a browser allows.
const MAX_SIDE: u32 = 32_767;

/// Padding left and right of a price label, in CSS pixels.
pub(crate) const LABEL_PADDING_PX: f64 = 6.0;

/// Height of the time axis: a line of 11 px text with 4 px of padding, in CSS pixels.
const TIME_AXIS_PX: f64 = 22.0;

/// Share of the height taken by a pane, and at most by all of them.
const PANE_SHARE: f64 = 0.24;
const PANES_SHARE: f64 = 0.6;

const PRICES_FROM: f64 = 0.08;
const PRICES_TO: f64 = 0.80;
const VOLUME_FROM: f64 = 0.83;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn axes_take_what_their_labels_need() {
        let layout = Layout::new(&Surface { width: 1_000, height: 500, ratio: 1.0, digit_width: 6.0 }, 8, Panes::NONE);
        assert_eq!(layout.plot, Rect { x0: 0, y0: 0, x1: 940, y1: 478 });
        assert!(layout.delta.is_empty());
        assert_eq!(layout.price_axis, Rect { x0: 940, y0: 0, x1: 1_000, y1: 478 });
        assert_eq!(layout.time_axis, Rect { x0: 0, y0: 478, x1: 1_000, y1: 500 });
        assert_eq!((layout.line, layout.font_px), (1, 11.0));
        let double =
            Layout::new(&Surface { width: 2_000, height: 1_000, ratio: 2.0, digit_width: 12.0 }, 8, Panes::NONE);
        assert_eq!(double.plot, Rect { x0: 0, y0: 0, x1: 1_880, y1: 956 });
        assert_eq!((double.line, double.font_px), (2, 22.0));
        let surface = Surface { width: 1_000, height: 500, ratio: 1.0, digit_width: 6.0 };
        let both = Layout::new(&surface, 8, Panes { delta: true, n_indicators: 0 });
        assert_eq!(both.plot, Rect { x0: 0, y0: 0, x1: 940, y1: 363 });
        assert_eq!(both.delta, Rect { x0: 0, y0: 363, x1: 940, y1: 478 });
        assert_eq!((both.columns(), both.time_axis), (layout.plot, layout.time_axis));
        let many = Layout::new(&surface, 8, Panes { delta: true, n_indicators: 3 });
        let rows = |rect: Rect| (rect.y0, rect.y1);
        assert_eq!((rows(many.plot), rows(many.delta)), ((0, 190), (190, 262)));
        assert_eq!(many.indicators.map(rows), [(262, 334), (334, 406), (406, 478), (478, 478), (478, 478)]);
    }

    proptest! {
        #[test]
        fn parts_are_inside_and_never_inverted(
            width in 0_u32..100_000, height in 0_u32..100_000, ratio in prop_oneof![0.1..8.0_f64, Just(f64::NAN), Just(-1.0)],
            digit_width in 0.0..100.0_f64, n_chars in 0_usize..100, delta in any::<bool>(),
            n_indicators in 0_usize..9,
        ) {
            let panes = Panes { delta, n_indicators };
            let layout = Layout::new(&Surface { width, height, ratio, digit_width }, n_chars, panes);
            let parts = [layout.plot, layout.prices, layout.volume, layout.delta, layout.price_axis, layout.time_axis];
            for part in parts.into_iter().chain(layout.indicators) {
                prop_assert!(part.width() >= 0 && part.height() >= 0, "{:?}", layout);
                prop_assert!(part.x0 >= 0 && part.x1 <= layout.surface.x1 && part.y0 >= 0 && part.y1 <= layout.surface.y1);
            }
            prop_assert!(layout.line >= 1);
        }
    }
}
