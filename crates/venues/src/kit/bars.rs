//! Candles built from other data of a venue: from shorter candles, or from trades.
//!
//! Not here: requests, and candles of live trades (`market`).

use model::{
    candle::{Candle, CandleBuilder, CandleChange, Interval},
    decimal::{Price, Quantity},
    event::AggressorSide,
    time::Timestamp,
};

/// Builds candles of `interval` from shorter ones, both oldest first. A candle without trades has no row and stays a
/// gap.
pub(crate) fn joined(interval: Interval, parts: impl IntoIterator<Item = Candle>) -> Vec<Candle> {
    let mut bars: Vec<Candle> = Vec::new();
    for part in parts {
        let open_time = interval.open_time(part.open_time);
        match bars.last_mut().filter(|bar| bar.open_time == open_time) {
            Some(bar) => {
                bar.high = bar.high.max(part.high);
                bar.low = bar.low.min(part.low);
                bar.close = part.close;
                bar.add_volume(part.volume, part.buy_volume);
            }
            None => bars.push(Candle { open_time, ..part }),
        }
    }
    bars
}

/// Builds candles from trades, both oldest first, the last one still forming.
pub(crate) fn of_prints(
    interval: Interval,
    prints: impl IntoIterator<Item = (Timestamp, Price, Quantity, AggressorSide)>,
) -> Vec<Candle> {
    let mut builder = CandleBuilder::new(interval);
    let closed =
        prints.into_iter().filter_map(|(time, price, size, side)| match builder.add(time, price, size, side) {
            CandleChange::Began { closed } => closed,
            CandleChange::Updated | CandleChange::Late => None,
        });
    let mut bars: Vec<Candle> = closed.collect();
    bars.extend(builder.forming());
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    #[track_caller]
    fn check(bars: &[Candle], expected: &[&str]) {
        let shown = bars.iter().map(|bar| {
            let Candle { open_time, open, high, low, close, volume, .. } = bar;
            format!("{} {open} {high} {low} {close} {volume}", open_time.as_millis() / 1_000)
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn shorter_bars_are_joined_and_gaps_stay() {
        let part = |seconds, open: &str, close: &str| {
            let [open, close] = [open, close].map(price);
            let volume = Quantity::parse("1.5").unwrap();
            Candle {
                open_time: at(seconds),
                open,
                high: open.max(close),
                low: open.min(close),
                close,
                volume,
                buy_volume: None,
            }
        };
        let parts = [part(0, "5", "7"), part(7_200, "6", "4"), part(36_000, "1", "2")];
        check(&joined(Interval::H4, parts), &["0 5 7 4 4 3.0", "28800 1 2 1 2 1.5"]);
    }

    #[test]
    fn prints_make_bars_and_the_last_one_is_there() {
        let half = Quantity::parse("0.5").unwrap();
        let print = |seconds, paid: &str| (at(seconds), price(paid), half, AggressorSide::Buyer);
        let prints = [print(59, "3"), print(60, "5"), print(119, "4"), print(240, "7")];
        check(&of_prints(Interval::M1, prints), &["0 3 3 3 3 0.5", "60 5 5 4 4 1.0", "240 7 7 7 7 0.5"]);
        assert_eq!(of_prints(Interval::M1, prints)[1].buy_volume, Quantity::parse("1").ok());
        check(&of_prints(Interval::M1, []), &[]);
    }
}
