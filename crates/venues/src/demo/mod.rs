//! A made-up market: twenty instruments that move, trade and quote ten times a second, without any connection.
//!
//! Not here: the market spoken over a real venue's protocol (`venue-sim` does that from the same [`market`]). Everything
//! is a pure function of seed, instrument and slot (a tenth of a second since the epoch), so any moment of its past can
//! be asked for, and server, browser and tests see the same market. Nothing of it is anyone's real price.
//!
//! - [`market`]: trades, quotes, books · [`candles`]: bars and day figures of any span without visiting every trade
//! - [`listing`]: the instruments · [`noise`]: where prices and sizes come from · [`session`]: the venue's session

pub mod candles;
pub mod listing;
pub mod market;
pub mod noise;
pub mod session;
