//! The input of an indicator: one bar, with what order flow adds to it where it is known.

use model::candle::Candle;

/// One bar in floating point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Start of the bar, in milliseconds since the epoch.
    pub open_ms: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Base units traded.
    pub volume: f64,
    /// The part of the volume bought by aggressors; `None` where it is not known for the whole volume.
    pub buy_volume: Option<f64>,
    /// Figures of the book over the bar; `None` where no verified book was seen for the whole bar.
    pub book: Option<BookFigures>,
}

/// Figures of the order book over one bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BookFigures {
    /// Bids' share less asks' share of the base units on the best levels, at the end of the bar: -1 to 1.
    pub imbalance: f64,
    /// Best bid and ask weighted by each other's size, at the end of the bar.
    pub microprice: f64,
    /// Order-flow imbalance (Cont, Kukanov and Stoikov, 2014): base units added to the best bid less those added to the
    /// best ask, over the bar.
    pub flow: f64,
}

impl From<&Candle> for Bar {
    fn from(candle: &Candle) -> Self {
        Self {
            open_ms: candle.open_time.as_millis(),
            open: candle.open.to_f64_lossy(),
            high: candle.high.to_f64_lossy(),
            low: candle.low.to_f64_lossy(),
            close: candle.close.to_f64_lossy(),
            volume: candle.volume.to_f64_lossy(),
            buy_volume: candle.buy_volume.map(|volume| volume.to_f64_lossy()),
            book: None,
        }
    }
}
