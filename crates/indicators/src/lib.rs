//! Indicators: bars and book figures in, values out; the same bits natively and in WebAssembly.
//!
//! Prices and sizes are `f64` here: an indicator is an average, not money. Not here: candles and books themselves
//! (`model`, `market`), which bars there are (`market`), drawing (`chart`).
//!
//! Bit for bit means: only `+ - * /` and square roots, which every machine rounds alike; logarithms from `libm`, never the
//! platform's; no fused multiplication and addition.
//!
//! # Layout
//! - [`bar`]: the input · [`source`]: the price of a bar that is read · [`book_flow`]: figures of the book over a bar
//! - [`definition`]: the specification of an indicator · [`registry`]: the list of all
//! - [`spec`]: an indicator with its parameters, as text · [`error`] · [`document`]: the documentation · [`table`]: bars in a table
//! - [`indicator`]: a running one · [`series`]: one over the last bars of a market · [`values`]: a row
//! - `kinds`: the indicators · `kind`: what each implements · `smooth`, `window`, `weighted`, `spread`, `true_range`: what they share
//! - [`fingerprint`]: the values of all indicators as hashes · `higher`: bars of a higher interval · `words`: the state as a list of words
//!
//! # Example
//! ```
//! use indicators::{bar::Bar, indicator::Indicator, spec::Spec};
//! use model::candle::Interval;
//!
//! let spec = Spec::parse("SMA(2)")?;
//! let bar = |minute: i64, close: f64| Bar {
//!     open_ms: minute * 60_000, open: close, high: close, low: close, close, volume: 1.0, buy_volume: None, book: None,
//! };
//! let (mut sma, rows) = Indicator::open(&spec, Interval::M1, &[bar(0, 1.0), bar(1, 2.0)]);
//! assert_eq!((rows[0].get(0), rows[1].get(0)), (None, Some(1.5)));
//! assert_eq!(sma.peek(&bar(2, 4.0)).get(0), Some(3.0));
//! assert_eq!(sma.update(&bar(2, 6.0)).get(0), Some(4.0));
//! # Ok::<(), indicators::error::SpecError>(())
//! ```

pub mod bar;
pub mod book_flow;
pub mod definition;
pub mod document;
pub mod error;
pub mod fingerprint;
mod higher;
pub mod indicator;
mod kind;
mod kinds;
mod oscillator;
pub mod registry;
pub mod series;
mod session;
mod smooth;
pub mod source;
pub mod spec;
mod spread;
pub mod table;
#[cfg(test)]
mod testing;
mod true_range;
pub mod values;
mod weighted;
mod window;
mod words;
