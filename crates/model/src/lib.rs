//! The words of the house: prices, quantities, instruments, market events, order books and candles.
//!
//! Not here: parsing of any venue's frames (`venues`), what crosses the browser socket (`wire`), and anything that
//! reads a clock or a socket. Every function takes time as an argument.
//!
//! # Layout
//! - [`decimal`]: exact decimal newtypes · [`time`]: instants on two clocks
//! - [`instrument`]: venues, symbols, tick and lot · [`event`]: what a venue said
//! - [`book`]: the order book · [`proof`]: how far a book can be trusted · [`quality`]: what went wrong, counted
//! - [`candle`]: open, high, low, close, volume · [`queue`]: bounded hand-over between producers and fragments
//! - [`status`]: how a feed fares · [`tape`]: the recording format

pub mod book;
pub mod candle;
pub mod decimal;
pub mod error;
pub mod event;
pub mod instrument;
pub mod proof;
pub mod quality;
pub mod queue;
pub mod status;
pub mod tape;
pub mod time;
