//! Indicators: bars and book figures in, values out; the same bits natively and in WebAssembly.
//!
//! Prices and sizes are `f64` here: an indicator is an average, not money. Not here: candles and books themselves
//! (`model`, `market`), which bars there are (`market`), drawing (`chart`).
//!
//! # Layout
//! - [`bar`]: the input

pub mod bar;
