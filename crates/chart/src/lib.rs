//! A candle chart without a page: bars, viewport and size in, drawing through plotters' `DrawingArea` out.
//!
//! The same [`Chart`] draws on canvas layers in the page and as SVG natively. Not here: the DOM, pointers, clocks and
//! animation frames (`app/src/chart`), and building bars (`market`). Pixels are device pixels, times are the venue's,
//! and `f64` holds pixels and statistics only: every price shown as text comes from exact decimals or from a number of
//! ticks.
//!
//! # Layout
//! - [`chart`]: the facade that callers use · [`series`]: the bars · [`viewport`]: which of them are in view
//! - [`scale`]: time and price to pixels, ticks · [`layout`]: positions of plot and axes · [`decimate`]: one mark a
//!   column
//! - [`indicator`]: lines of indicators · [`flow`]: cumulative volume delta · [`profile`]: volume by price
//! - [`draw`]: the layers · [`legend`]: the bar under the cursor as text · [`theme`]: colours · [`format`]: numbers, times
//! - [`zone`]: the time zone of the texts · [`curves`]: a picture of curves over time
//! - [`invalidate`]: how much must be redrawn · [`price_rows`]: where prices stand, for what is laid over the chart

pub mod chart;
pub mod curves;
pub mod decimate;
pub mod draw;
mod flow;
pub mod format;
pub mod indicator;
pub mod invalidate;
pub mod layout;
pub mod legend;
pub mod price_rows;
pub mod profile;
pub mod scale;
pub mod series;
pub mod theme;
pub mod viewport;
pub mod zone;

pub use chart::Chart;
