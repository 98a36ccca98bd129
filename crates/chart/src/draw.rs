//! The layers of a chart, each drawn in one go on a plotters `DrawingArea` whose top left pixel is (0, 0).
//!
//! Lines are filled rectangles of whole pixels, so that they are crisp on every backend. A backend may paint style by
//! style (styles in order of first use, texts last) instead of shape by shape: within a layer, shapes of different
//! styles overlap only where the order makes no difference. Nothing here calls `present`: the caller does when the
//! layer is done.

mod candles;
mod crosshair;
mod delta;
mod grid_axes;
mod indicator;
mod last_price;
mod line;
mod pane;
mod pen;
mod profile;
mod volume;

pub(crate) use candles::draw_candles;
pub(crate) use crosshair::{Crosshair, draw_crosshair};
pub(crate) use delta::{delta_scale, draw_delta};
pub(crate) use grid_axes::draw_grid_axes;
pub(crate) use indicator::{draw_indicator, draw_levels};
pub(crate) use last_price::{LastPrice, draw_last_price};
pub(crate) use line::draw_line;
pub(crate) use pane::{PaneScale, draw_pane_axis, draw_pane_caption};
pub use pen::PLOTTERS_SIZE;
pub(crate) use pen::{Font, Ink, Pen, PenResult, paint};
pub(crate) use profile::{draw_profile, row_step};
pub(crate) use volume::{draw_volume, volume_top};

use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters_backend::DrawingBackend;

/// A drawing area in device pixels.
pub type Area<DB> = DrawingArea<DB, plotters::coord::Shift>;

/// The result of drawing on a backend.
pub type DrawResult<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;
