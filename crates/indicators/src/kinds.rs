//! The indicators, one file each: specification, state, arithmetic, test. Alphabetical.

pub(crate) mod atr;
pub(crate) mod bb;
pub(crate) mod dema;
pub(crate) mod donchian;
pub(crate) mod ema;
pub(crate) mod macd;
pub(crate) mod mom;
pub(crate) mod rsi;
pub(crate) mod rv;
pub(crate) mod sma;
pub(crate) mod tema;
