//! Candles: open, high, low, close, volume and the buyers' share of it, over `[open_time, close_time)`, built from
//! trades.
//!
//! Not here: merging a venue's history with live candles (`market`), drawing (`chart`). Times are the venue's.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    decimal::{Price, Quantity},
    error::ModelError,
    event::AggressorSide,
    time::Timestamp,
};

/// A candle's length. Candles start at multiples of it since the epoch (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// One second.
    S1,
    /// One minute.
    M1,
    /// Five minutes.
    M5,
    /// Fifteen minutes.
    M15,
    /// Thirty minutes.
    M30,
    /// One hour.
    H1,
    /// Four hours.
    H4,
    /// One day, from midnight UTC.
    D1,
}

impl Interval {
    /// All intervals, shortest first.
    pub const ALL: [Self; 8] = [Self::S1, Self::M1, Self::M5, Self::M15, Self::M30, Self::H1, Self::H4, Self::D1];

    /// Returns the name used in topics (`15m`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S1 => "1s",
            Self::M1 => "1m",
            Self::M5 => "5m",
            Self::M15 => "15m",
            Self::M30 => "30m",
            Self::H1 => "1h",
            Self::H4 => "4h",
            Self::D1 => "1d",
        }
    }

    /// Returns the length.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::S1 => 1,
            Self::M1 => 60,
            Self::M5 => 300,
            Self::M15 => 900,
            Self::M30 => 1_800,
            Self::H1 => 3_600,
            Self::H4 => 14_400,
            Self::D1 => 86_400,
        })
    }

    /// Returns the interval of this many seconds.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|interval| interval.duration().as_secs() == seconds)
    }

    /// Returns the start of the candle that contains `time`.
    pub fn open_time(self, time: Timestamp) -> Timestamp {
        let length = i64::try_from(self.duration().as_nanos()).unwrap_or(i64::MAX);
        Timestamp::from_nanos(time.as_nanos().div_euclid(length).saturating_mul(length))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Interval {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        Self::ALL
            .into_iter()
            .find(|interval| interval.as_str() == text)
            .ok_or_else(|| ModelError::NotAnInterval { text: text.chars().take(64).collect() })
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// One candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    /// Start of the candle, inclusive; a multiple of the interval.
    pub open_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Base units traded.
    pub volume: Quantity,
    /// The part of the volume bought by aggressors; the rest was sold. `None` unless it is known for the whole volume.
    pub buy_volume: Option<Quantity>,
}

impl Candle {
    /// Creates the candle of a single trade.
    pub fn of_trade(open_time: Timestamp, price: Price, size: Quantity, aggressor: AggressorSide) -> Self {
        let buy_volume = bought(size, aggressor);
        Self { open_time, open: price, high: price, low: price, close: price, volume: size, buy_volume }
    }

    /// Adds a trade later than all others of this candle. A volume that would exceed the decimal range stays unchanged.
    pub fn add(&mut self, price: Price, size: Quantity, aggressor: AggressorSide) {
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.add_volume(size, bought(size, aggressor));
    }

    /// Adds volume, and the buyers' part of it if known. A volume that would exceed the decimal range stays unchanged.
    pub fn add_volume(&mut self, volume: Quantity, buy_volume: Option<Quantity>) {
        let Some(sum) = self.volume.checked_add(volume) else { return };
        self.volume = sum;
        self.buy_volume = self.buy_volume.zip(buy_volume).and_then(|(known, more)| known.checked_add(more));
    }
}

/// Returns the quantity of a trade that its buyer took as aggressor.
fn bought(size: Quantity, aggressor: AggressorSide) -> Option<Quantity> {
    match aggressor {
        AggressorSide::Buyer => Some(size),
        AggressorSide::Seller => Some(Quantity::ZERO),
        AggressorSide::Unknown => None,
    }
}

/// Effect of a trade on the candles of one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandleChange {
    /// The forming candle changed.
    Updated,
    /// A new candle began; the previous one, if any, is now closed.
    Began {
        /// The candle that closed.
        closed: Option<Candle>,
    },
    /// The trade belongs to a candle that closed earlier; it was not added.
    Late,
}

/// Builds the candles of one interval from trades. An interval without trades has no candle: gaps stay gaps.
#[derive(Clone, Debug)]
pub struct CandleBuilder {
    interval: Interval,
    forming: Option<Candle>,
}

impl CandleBuilder {
    /// Creates a builder without any trades.
    pub fn new(interval: Interval) -> Self {
        Self { interval, forming: None }
    }

    /// Continues from a candle that is still forming (the last row of a venue's history).
    pub fn resume(interval: Interval, forming: Candle) -> Self {
        Self { interval, forming: Some(forming) }
    }

    /// Returns the candles' length.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns the candle that is still forming.
    pub fn forming(&self) -> Option<&Candle> {
        self.forming.as_ref()
    }

    /// Adds a trade at venue time `time`.
    pub fn add(&mut self, time: Timestamp, price: Price, size: Quantity, aggressor: AggressorSide) -> CandleChange {
        let open_time = self.interval.open_time(time);
        match &mut self.forming {
            Some(forming) if forming.open_time == open_time => {
                forming.add(price, size, aggressor);
                CandleChange::Updated
            }
            Some(forming) if open_time < forming.open_time => CandleChange::Late,
            _ => {
                let closed = self.forming.replace(Candle::of_trade(open_time, price, size, aggressor));
                CandleChange::Began { closed }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    fn size(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn bars_start_at_multiples_of_the_interval() {
        let time = Timestamp::from_millis(1_723_161_601_273);
        for (interval, expected) in [
            (Interval::S1, 1_723_161_601_000),
            (Interval::M1, 1_723_161_600_000),
            (Interval::M15, 1_723_161_600_000),
            (Interval::M30, 1_723_161_600_000),
            (Interval::H1, 1_723_161_600_000),
            (Interval::D1, 1_723_161_600_000),
        ] {
            assert_eq!(interval.open_time(time).as_millis(), expected, "{interval}");
        }
        assert_eq!(Interval::M1.open_time(Timestamp::from_millis(-1)).as_millis(), -60_000);
    }

    #[test]
    fn names_round_trip() {
        for interval in Interval::ALL {
            assert_eq!(interval.as_str().parse::<Interval>(), Ok(interval));
            assert_eq!(Interval::from_seconds(interval.duration().as_secs()), Some(interval));
        }
        assert!("2m".parse::<Interval>().is_err());
    }

    #[test]
    fn late_trades_change_nothing() {
        let mut builder = CandleBuilder::new(Interval::M1);
        assert_eq!(
            builder.add(Timestamp::from_millis(60_000), price("10"), size("1"), AggressorSide::Buyer),
            CandleChange::Began { closed: None }
        );
        let late = builder.add(Timestamp::from_millis(59_999), price("99"), size("1"), AggressorSide::Buyer);
        assert_eq!(late, CandleChange::Late);
        assert_eq!(builder.forming().map(|bar| bar.high), Some(price("10")));
    }

    #[test]
    fn what_buyers_took_is_known_while_every_side_is() {
        use AggressorSide::{Buyer, Seller, Unknown};
        for (sides, expected) in [
            (&[Buyer][..], Some("1")),
            (&[Seller], Some("0")),
            (&[Buyer, Seller, Buyer], Some("2")),
            (&[Buyer, Unknown], None),
            (&[Unknown, Buyer], None),
        ] {
            let mut bar = Candle::of_trade(Timestamp::EPOCH, price("1"), size("1"), sides[0]);
            sides[1..].iter().for_each(|side| bar.add(price("1"), size("1"), *side));
            assert_eq!(bar.buy_volume, expected.map(size), "{sides:?}");
            assert_eq!(bar.volume.to_string(), sides.len().to_string());
        }
    }

    proptest! {
        #[test]
        fn bars_hold_every_trade_once(
            trades in prop::collection::vec((0_i64..2_000, 1_i64..1_000, 0_i64..1_000, any::<bool>()), 1..200),
        ) {
            let mut time = 0_i64;
            let mut builder = CandleBuilder::new(Interval::S1);
            let mut bars: Vec<Candle> = Vec::new();
            let (mut total, mut bought) = (Quantity::ZERO, Quantity::ZERO);
            for (gap, cents, lots, is_buy) in trades {
                time += gap;
                let (at, paid) = (Timestamp::from_millis(time), Price::from_mantissa(i128::from(cents), 2).unwrap());
                let lots = Quantity::from_mantissa(i128::from(lots), 3).unwrap();
                total = total.checked_add(lots).unwrap();
                let side = if is_buy { AggressorSide::Buyer } else { AggressorSide::Seller };
                bought = if is_buy { bought.checked_add(lots).unwrap() } else { bought };
                if let CandleChange::Began { closed: Some(bar) } = builder.add(at, paid, lots, side) {
                    bars.push(bar);
                }
            }
            bars.extend(builder.forming().copied());
            let sum = bars.iter().fold(Quantity::ZERO, |sum, bar| sum.checked_add(bar.volume).unwrap());
            prop_assert_eq!(sum, total);
            let sum = bars.iter().fold(Quantity::ZERO, |sum, bar| sum.checked_add(bar.buy_volume.unwrap()).unwrap());
            prop_assert_eq!(sum, bought);
            prop_assert!(bars.windows(2).all(|pair| pair[0].open_time < pair[1].open_time));
            for bar in bars {
                prop_assert!(bar.low <= bar.open.min(bar.close) && bar.open.max(bar.close) <= bar.high);
            }
        }
    }
}
