//! The candles of one instrument in every interval.
//!
//! All intervals are built from trades all the time, so that a page that requests another one sees it at once; the
//! venue is asked for history only of followed intervals.

use model::{
    candle::Interval,
    decimal::Quantity,
    event::{CandleHistory, CandleUpdate, Trade},
    time::{Monotonic, Timestamp},
};

mod flow;
mod recovery;
mod series;

use flow::TradeFlow;
pub(crate) use series::{N_KEPT, Series};

/// Candles of all intervals.
#[derive(Clone, Debug)]
pub(crate) struct Candles {
    series: [Series; Interval::ALL.len()],
    flow: TradeFlow,
    /// The newest trade's time at the last turn.
    turned_at: Option<Timestamp>,
}

impl Default for Candles {
    fn default() -> Self {
        Self { series: Interval::ALL.map(Series::new), flow: TradeFlow::default(), turned_at: None }
    }
}

impl Candles {
    pub(crate) fn on_trade(&mut self, trade: &Trade, time: Timestamp) {
        let continuity = self.flow.on_trade(time, &trade.id);
        for series in &mut self.series {
            series.on_trade(time, trade, continuity);
        }
    }

    /// Adds the volume of a trade whose price counts for nothing, where a candle is known.
    pub(crate) fn on_off_market_trade(&mut self, size: Quantity, time: Timestamp) {
        self.series.iter_mut().for_each(|series| series.on_off_market_trade(time, size));
    }

    pub(crate) fn on_history(&mut self, history: &CandleHistory) {
        self.series_mut(history.interval).on_history(&history.candles);
    }

    pub(crate) fn on_venue_bar(&mut self, update: &CandleUpdate) {
        self.series_mut(update.interval).on_venue_bar(update);
    }

    /// Notes a reconnect since the last turn: trades without numbers may be missing since then.
    pub(crate) fn on_reconnect(&mut self) {
        if self.flow.is_numbered() {
            return;
        }
        self.flow.on_reconnect();
        if let (Some(before), Some(newest)) = (self.turned_at, self.flow.newest_time()) {
            self.series.iter_mut().for_each(|series| series.suspect(before, newest));
        }
    }

    /// Notes that the venue has restarted its trade numbers.
    pub(crate) fn on_restart(&mut self) {
        self.flow = TradeFlow::default();
    }

    /// Notes that the published digits changed.
    pub(crate) fn touch(&mut self) {
        self.series.iter_mut().for_each(Series::touch);
    }

    pub(crate) fn turned(&mut self) {
        self.turned_at = self.flow.newest_time();
    }

    /// Returns the history to request now: interval and number of candles.
    pub(crate) fn requests(
        &mut self,
        venue_time: Option<Timestamp>,
        now: Monotonic,
    ) -> impl Iterator<Item = (Interval, usize)> {
        let of = move |(series, interval): (&mut Series, Interval)| Some((interval, series.request(venue_time, now)?));
        self.series.iter_mut().zip(Interval::ALL).filter_map(of)
    }

    pub(crate) fn series(&self, interval: Interval) -> &Series {
        &self.series[index(interval)]
    }

    pub(crate) fn series_mut(&mut self, interval: Interval) -> &mut Series {
        &mut self.series[index(interval)]
    }
}

fn index(interval: Interval) -> usize {
    interval as usize
}

#[cfg(test)]
mod tests {
    use model::event::{AggressorSide, TradeId};

    use super::*;
    use crate::{
        digits::Digits,
        testing::{price, size, trade},
    };

    #[test]
    fn intervals_are_where_they_are_looked_for() {
        for (at, interval) in Interval::ALL.into_iter().enumerate() {
            assert_eq!(index(interval), at);
        }
    }

    #[test]
    fn every_interval_gets_every_trade() {
        let mut candles = Candles::default();
        for number in 0..10 {
            candles.on_trade(&trade(number, "10", "1"), Timestamp::from_millis(i64::try_from(number).unwrap() * 1_000));
        }
        let n_bars = |interval: Interval| candles.series(interval).newest(500, Digits::default()).len();
        assert_eq!(Interval::ALL.map(n_bars), [10, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(candles.series(Interval::D1).newest(1, Digits::default())[0].volume, size("10"));
    }

    #[test]
    fn a_reconnect_is_suspect_only_without_numbers() {
        let wished = |is_numbered: bool| {
            let mut candles = Candles::default();
            candles.series_mut(Interval::M1).follow();
            let now = |seconds: u64| Monotonic::from_zero(std::time::Duration::from_secs(seconds));
            let id = |number: u64| if is_numbered { TradeId::Sequence(number) } else { TradeId::Text("".into()) };
            let at = |second: i64| Timestamp::from_millis(second * 1_000);
            let on = |candles: &mut Candles, number: u64, second: i64| {
                candles.on_trade(&Trade { id: id(number), ..trade(0, "10", "1") }, at(second));
            };
            on(&mut candles, 1, 10);
            candles.turned();
            assert_eq!(candles.requests(None, now(0)).count(), 1);
            let bar = |minute: i64| {
                model::candle::Candle::of_trade(at(minute * 60), price("10"), size("1"), AggressorSide::Buyer)
            };
            candles.on_history(&CandleHistory { interval: Interval::M1, candles: vec![bar(0), bar(1)] });
            on(&mut candles, 2, 70);
            candles.turned();
            on(&mut candles, 3, 130);
            candles.on_reconnect();
            candles.requests(Some(at(130)), now(60)).collect::<Vec<_>>()
        };
        assert_eq!(wished(true), []);
        assert_eq!(wished(false), [(Interval::M1, 3)]);
    }
}
