//! No gap and no duplicate in candles, whenever history arrives and however many trades were missed.

use market::{View, ViewConfig};
use model::{
    candle::{Candle, Interval},
    event::{CandleHistory, HistoryRequest, MarketEventKind, TradeId},
    proof::Books,
    status::FeedHealth,
    time::Timestamp,
};
use proptest::prelude::*;
use topics::lane::Lane;

use crate::common::{event, id, naive_bars, now_at, price, size, trade, venue_at};

/// A trade at the venue: milliseconds after the start, price, size.
type Print = (u64, i64, i64);

/// Between two turns.
const TURN_MS: u64 = 500;

/// Candles kept of a series that nobody follows.
const N_UNFOLLOWED: usize = 160;

/// Time for the last doubt to be requested and answered, including failed answers.
const REST_MS: u64 = 200_000;

fn any_prints(gap_ms: u64, n_max: usize) -> impl Strategy<Value = Vec<Print>> {
    prop::collection::vec((0..gap_ms, 1_i64..1_000, 1_i64..100), 1..n_max).prop_map(|steps| {
        let mut time = 0;
        let print = |(gap, cents, lots): (u64, i64, i64)| {
            time += gap;
            (time, cents, lots)
        };
        steps.into_iter().map(print).collect()
    })
}

fn bars_of(interval: Interval, prints: &[Print]) -> Vec<Candle> {
    naive_bars(interval, prints.iter().map(|(millis, cents, lots)| (venue_at(*millis), price(*cents), size(*lots))))
}

#[test]
fn without_history_candles_are_the_trades() {
    proptest!(ProptestConfig::with_cases(ProptestConfig::default().cases / 4), |(prints in any_prints(5_000, 400), late in prop::collection::vec(0_u64..3_000, 400))| {
        // Each trade may arrive after some that are younger.
        let mut arrivals: Vec<(u64, usize)> = prints.iter().zip(&late).map(|(print, late)| print.0 + late).zip(0..).collect();
        arrivals.sort_unstable();
        let mut view = View::new(ViewConfig::default());
        for (millis, print_idx) in arrivals {
            let (venue_ms, cents, lots) = prints[print_idx];
            view.apply(&event(id(0), millis, Some(venue_at(venue_ms)), trade(TradeId::Text("".into()), cents, lots)));
        }
        for interval in Interval::ALL {
            let mut expected = bars_of(interval, &prints);
            // Of series that nobody follows the newest are kept.
            expected.drain(..expected.len().saturating_sub(N_UNFOLLOWED));
            let bars = view.candles(&id(0), interval, N_UNFOLLOWED).unwrap();
            // Trades within the same millisecond have no order.
            let is_tied = |bar: &Candle| prints.windows(2).any(|pair| pair[0].0 == pair[1].0 && interval.open_time(venue_at(pair[0].0)) == bar.open_time);
            for (bar, expected) in bars.iter().zip(&expected) {
                let expected = if is_tied(expected) { Candle { open: bar.open, close: bar.close, ..*expected } } else { *expected };
                prop_assert_eq!(*bar, expected, "{}", interval);
            }
            prop_assert_eq!(bars.len(), expected.len());
        }
    });
}

/// A venue that continues while we join late, miss trades, and request history over a slow and failing line.
#[derive(Clone, Debug)]
struct World {
    prints: Vec<Print>,
    /// From the venue to us, for trades.
    latency_ms: u64,
    is_numbered: bool,
    /// We are connected from the first to the second, repeatedly, in milliseconds; then for good.
    outages: Vec<(u64, u64)>,
    /// From a request until the venue reads its candles, and from there to us; used in turn.
    answer_ms: Vec<(u64, u64)>,
    /// This many history requests get no answer.
    n_failures: usize,
    interval: Interval,
}

fn any_world() -> impl Strategy<Value = World> {
    let outages = prop::collection::vec((0_u64..200_000, 0_u64..60_000), 0..4);
    let interval = prop_oneof![Just((Interval::S1, 3_000)), Just((Interval::M1, 4_000)), Just((Interval::M5, 9_000))];
    (
        interval,
        outages,
        prop::collection::vec((0_u64..3_000, prop_oneof![Just(0_u64), 0_u64..3_000]), 1..6),
        0_usize..2,
        (any::<bool>(), 0_u64..1_500),
    )
        .prop_flat_map(|((interval, gap_ms), outages, answer_ms, n_failures, (is_numbered, latency_ms))| {
            any_prints(gap_ms, 200).prop_map(move |prints| World {
                prints,
                latency_ms,
                is_numbered,
                outages: outages.iter().map(|(from, span)| (*from, from + span)).collect(),
                answer_ms: answer_ms.clone(),
                n_failures,
                interval,
            })
        })
}

impl World {
    fn is_out(&self, millis: u64) -> bool {
        self.outages.iter().any(|(from, until)| (*from..*until).contains(&millis))
    }

    fn rows(&self, until_ms: u64, n_bars: usize) -> Vec<Candle> {
        let n_prints = self.prints.partition_point(|print| print.0 <= until_ms);
        let mut rows = bars_of(self.interval, &self.prints[..n_prints]);
        rows.drain(..rows.len().saturating_sub(n_bars));
        rows
    }

    /// Runs it and returns the final candles.
    fn play(&self) -> Vec<Candle> {
        let mut view = View::new(ViewConfig { history_at_start: None, ..ViewConfig::default() });
        view.follow(&id(0), self.interval);
        let (mut health, books) = (FeedHealth { is_connected: true, ..FeedHealth::default() }, Books::new());
        let mut answers: Vec<(u64, Option<Vec<Candle>>)> = Vec::new();
        let (mut next_print, mut n_requests, mut was_out) = (0, 0, false);
        let last_ms =
            self.prints.last().map_or(0, |print| print.0).max(self.outages.iter().map(|out| out.1).max().unwrap_or(0));
        let interval_ms = u64::try_from(self.interval.duration().as_millis()).unwrap();
        for turn in 0..(last_ms + 2 * interval_ms + REST_MS) / TURN_MS {
            let now_ms = turn * TURN_MS;
            // Trades and answers of this turn, in the order of arrival.
            let mut arrivals: Vec<(u64, MarketEventKind, Option<Timestamp>)> = Vec::new();
            while let Some((print_ms, cents, lots)) =
                self.prints.get(next_print).copied().filter(|print| print.0 + self.latency_ms <= now_ms)
            {
                let number = u64::try_from(next_print).unwrap();
                next_print += 1;
                if self.is_out(print_ms) {
                    was_out = true;
                    continue;
                }
                // Without numbers, a connection that was down is the only sign of a gap.
                health.counters.reconnects += u64::from(std::mem::take(&mut was_out));
                let trade_id = if self.is_numbered { TradeId::Sequence(number) } else { TradeId::Text("".into()) };
                arrivals.push((print_ms + self.latency_ms, trade(trade_id, cents, lots), Some(venue_at(print_ms))));
            }
            answers.retain(|(at_ms, rows)| {
                let is_due = *at_ms <= now_ms;
                if let (true, Some(rows)) = (is_due, rows) {
                    let history = CandleHistory { interval: self.interval, candles: rows.clone() };
                    arrivals.push((*at_ms, MarketEventKind::History(history), None));
                }
                !is_due
            });
            arrivals.sort_by_key(|arrival| arrival.0);
            for (at_ms, kind, stamp) in arrivals {
                view.apply(&event(id(0), at_ms, stamp, kind));
            }
            view.turn(Lane::Fast, now_at(now_ms), &health, &books);
            for HistoryRequest { interval, n_bars, .. } in view.take_history_requests() {
                assert_eq!(interval, self.interval);
                let (look_ms, back_ms) = self.answer_ms[n_requests % self.answer_ms.len()];
                let rows = (n_requests >= self.n_failures).then(|| self.rows(now_ms + look_ms, n_bars));
                answers.push((now_ms + look_ms + back_ms, rows));
                n_requests += 1;
            }
        }
        assert!(n_requests < 40, "{n_requests} requests");
        view.candles(&id(0), self.interval, 500).unwrap_or_default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    #[test]
    fn history_and_live_trades_join_without_hole_or_double(world in any_world()) {
        let mut world = world;
        // A gap shows at the trade after it: the last trade is not missed.
        let last_ms = world.prints.last().unwrap().0;
        world.outages.retain(|out| !(out.0..out.1).contains(&last_ms));
        prop_assert_eq!(world.play(), bars_of(world.interval, &world.prints));
    }
}

/// The current candle is right at once if the venue read it just before it answered, and the answer took no time.
#[test]
fn the_running_bar_is_whole_before_it_closes() {
    let prints: Vec<Print> =
        (0..100).map(|second| (second * 1_000, 100 + i64::try_from(second % 7).unwrap(), 1)).collect();
    for joined in [0_usize, 10, 59, 60, 75] {
        let mut view = View::new(ViewConfig::default());
        let rows = |n_prints: usize| CandleHistory {
            interval: Interval::M1,
            candles: bars_of(Interval::M1, &prints[..n_prints]),
        };
        for (number, (millis, cents, lots)) in prints.iter().enumerate().skip(joined) {
            let trade_id = TradeId::Sequence(u64::try_from(number).unwrap());
            view.apply(&event(id(0), *millis, Some(venue_at(*millis)), trade(trade_id, *cents, *lots)));
            if number == joined + 3 {
                view.apply(&event(id(0), *millis, None, MarketEventKind::History(rows(number + 1))));
            }
        }
        assert_eq!(view.candles(&id(0), Interval::M1, 500).unwrap(), rows(100).candles, "joined at {joined}");
    }
}
