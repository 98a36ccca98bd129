//! The kinds of streams, by name; in the order in which a slot's frames are sent.

use crate::made_up::SECOND_SLOTS;

/// The content of a stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Trade,
    AggregateTrade,
    BookTicker,
    /// Changes, every so many slots.
    Depth(u64),
    /// The best rows, every so many slots.
    Partial(usize, u64),
    /// Interval name and length.
    Kline(String, i64),
    MiniTicker,
    Ticker,
}

impl Kind {
    /// Parses the kind from its name.
    pub(super) fn read(name: &str) -> Option<Self> {
        let (name, every) = match name.split_once("@100ms") {
            Some((name, "")) => (name, 1),
            Some(_) => return None,
            None => (name, SECOND_SLOTS),
        };
        Some(match name {
            "trade" => Self::Trade,
            "aggTrade" => Self::AggregateTrade,
            "bookTicker" => Self::BookTicker,
            "depth" => Self::Depth(every),
            "depth5" => Self::Partial(5, every),
            "depth10" => Self::Partial(10, every),
            "depth20" => Self::Partial(20, every),
            "miniTicker" => Self::MiniTicker,
            "ticker" => Self::Ticker,
            _ => {
                let interval = name.strip_prefix("kline_")?;
                Self::Kline(interval.to_owned(), interval_ms(interval)?)
            }
        })
    }

    /// Returns the slots between two frames.
    pub(super) fn every(&self) -> u64 {
        match self {
            Self::Trade | Self::AggregateTrade | Self::BookTicker => 1,
            Self::Depth(every) | Self::Partial(_, every) => *every,
            Self::Kline(..) | Self::MiniTicker | Self::Ticker => SECOND_SLOTS,
        }
    }
}

/// Returns symbol, in capitals, and kind of a stream.
pub(super) fn read(stream: &str) -> Option<(String, Kind)> {
    let (symbol, kind) = stream.split_once('@')?;
    Some((symbol.to_uppercase(), Kind::read(kind)?))
}

/// Returns the length of the venue's interval with this name, up to a day.
pub(super) fn interval_ms(name: &str) -> Option<i64> {
    let (number, unit) = name.split_at_checked(name.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let known = ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"];
    Some(number.parse::<i64>().ok().filter(|_| known.contains(&name))? * unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_venues_intervals() {
        for (name, expected) in [
            ("1s", Some(1_000)),
            ("15m", Some(900_000)),
            ("1d", Some(86_400_000)),
            ("7m", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(interval_ms(name), expected, "{name:?}");
        }
    }
}
