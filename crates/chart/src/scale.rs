//! Time and price to pixels and back, and the positions of ticks.
//!
//! Not here: which part is in view (`viewport`), drawing (`draw`). Pixels are device pixels, x to the right, y down.

mod price;
mod time;

pub(crate) use price::nice_step;
pub use price::{PriceMode, PriceScale, PriceTick};
pub use time::{TimeScale, TimeTick};
