//! The candle chart on stacked canvases: this room is the shell around the DOM-free crate `chart`.
//!
//! The owner of the data holds a [`ChartSeries`], puts bars into it and shows it with [`CandleChart`]; the chart draws
//! itself at most once an animation frame, only while something changed, and not while the page is hidden. Not here:
//! where bars come from (`live`), empty and error states (`fragment`), clocks (`live` tells [`ChartSeries::set_clock`]).
//!
//! # Layout
//! - `component`: the markup and its events · `handle`: [`ChartSeries`] · `gesture`: pointers and keys as actions (pure)
//! - in the browser only: `surface`: size, frames, attributes · `layer`: one canvas · `backend`: plotters on it ·
//!   `palette`: colours from the style sheet
//!
//! # What tests read
//! The root has `data-testid="chart"` and, after each frame that changed them, `data-interval`, `data-bars` (count), `data-last-open-time-ms`,
//! `data-last-close` (instrument's decimals, digits not grouped), `data-stale` and `data-bars-hash`: 16 hexadecimal
//! digits, FNV-1a 64 over the UTF-8 text `t,o,h,l,c,v;` of each of the last 500 bars, oldest first. `t` is the open time
//! in milliseconds, prices have `price_decimals` digits behind the point and the volume `size_decimals` (more only where a
//! value has more digits that are not zero). In TypeScript:
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
//! `data-testid="chart-legend"` holds the bar under the cursor, or the newest, as text (`9 Aug 2024 14:05 O … H … L … C … ±… % V …`).

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
