//! The candle chart on stacked canvases: the browser shell around the DOM-free crate `chart`.
//!
//! The data's owner holds a [`ChartSeries`], adds candles to it and shows it with [`CandleChart`]; the chart draws
//! itself at most once per animation frame, only when something changed, and not while the page is hidden. Not here:
//! the source of candles (`live`), empty and error states (`fragment`), clocks (see [`ChartSeries::set_clock`]).
//!
//! # Layout
//! - `component`: the markup and its events · `handle`: [`ChartSeries`] · `gesture`: pointers and keys as actions (pure)
//! - in the browser only: `surface`: size, frames, attributes · `layer`: one canvas · `backend`: plotters on it ·
//!   `palette`: colours from the style sheet
//!
//! # Attributes read by tests
//! The root has `data-testid="chart"` and, after each frame that changed them, `data-interval`, `data-bars` (count),
//! `data-last-open-time-ms`, `data-last-close` (instrument's decimals, digits not grouped), `data-stale` and
//! `data-bars-hash`: 16 hexadecimal digits, FNV-1a 64 over the UTF-8 text `t,o,h,l,c,v;` of each of the last 500
//! candles, oldest first. `t` is the open time in milliseconds, prices have `price_decimals` decimal places and the
//! volume `size_decimals` (more only if a value has more non-zero digits). In TypeScript:
//!
//! ```ts
//! const hash = (bars: [number, string, string, string, string, string][]) => {
//!   let h = 0xcbf29ce484222325n;
//!   for (const byte of new TextEncoder().encode(bars.slice(-500).map((bar) => bar.join(",") + ";").join("")))
//!     h = BigInt.asUintN(64, (h ^ BigInt(byte)) * 0x100000001b3n);
//!   return h.toString(16).padStart(16, "0");
//! };
//! ```
//!
//! `data-prices` is `chosen` while the reader has chosen the range of prices, otherwise `fitted`. The custom property
//! `--chart-axis` is the width of the price axis.
//!
//! `data-testid="chart-legend"` holds the candle under the cursor, or the newest, as text (`9 Aug 2024 14:05 O … H … L
//! … C … ±… % V … MA …`).

#[cfg(feature = "browser")]
mod backend;
pub mod component;
mod gesture;
mod handle;
#[cfg(feature = "browser")]
mod layer;
#[cfg(feature = "browser")]
mod palette;
#[cfg(feature = "browser")]
mod view;

pub use component::{CandleChart, ChartInstrument};
pub use handle::ChartSeries;
