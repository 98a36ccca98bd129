//! A simulated market: twenty instruments that move, trade and quote ten times a second, without any connection.
//!
//! Not here: the market over a real venue's protocol (`venue-sim` does that from the same [`market`]). Everything is a
//! pure function of seed, instrument and slot (a tenth of a second since the epoch), so any time in the past can be
//! queried, and server, browser and tests see the same market. None of it is a real price.
//!
//! - [`market`]: trades, quotes, books · [`candles`]: candles and day statistics of any span without visiting every
//!   trade
//! - [`listing`]: the instruments · `catalogue`: their list for a search · [`noise`]: the source of prices and sizes · [`session`]: the venue's session

pub mod candles;
pub(crate) mod catalogue;
pub mod listing;
pub mod market;
pub mod noise;
pub mod session;
