//! Indicators on the view's candles: what is published equals a fresh computation over the candles that are published.

use indicators::{bar::Bar, indicator::Indicator, spec::Spec};
use market::{View, ViewConfig};
use model::{
    candle::{Candle, Interval},
    event::{AggressorSide, BookUpdate, CandleHistory, MarketEventKind, TradeId},
    proof::{BookState, Books},
    status::FeedHealth,
};
use proptest::prelude::*;
use topics::{
    channels::{TopicData, indicators::IndicatorsData},
    lane::Lane,
    payload::Merge,
    topic::Topic,
};

use crate::common::{event, id, level, now_at, price, size, trade, venue_at};

const SPECS: [&str; 4] = ["sma(3)", "ema(3)", "rsi(2)", "macd(2,3,2)"];

fn turn(view: &mut View, lane: Lane, millis: u64, books: &Books) -> Vec<(Topic, IndicatorsData)> {
    let changes = view.turn(lane, now_at(millis), &FeedHealth::default(), books);
    let of = |(topic, data)| match data {
        TopicData::Indicators(data) => Some((topic, data)),
        _ => None,
    };
    changes.into_iter().filter_map(of).collect()
}

fn snapshot(view: &View, topic: &Topic, lane: Lane) -> IndicatorsData {
    match view.snapshot(topic, lane) {
        Some(TopicData::Indicators(data)) => data,
        other => panic!("{other:?}"),
    }
}

/// The values of a computation without any memory.
fn fresh(view: &View, spec: &str) -> Vec<(i64, Vec<Option<u64>>)> {
    let candles = view.candles(&id(0), Interval::S1, 500).unwrap();
    let bars: Vec<Bar> = candles.iter().map(Bar::from).collect();
    let spec = Spec::parse(spec).unwrap();
    let n_outputs = spec.definition().outputs.len();
    let (_, rows) = Indicator::open(&spec, Interval::S1, &bars);
    let bits = |at: usize| (0..n_outputs).map(|output| rows[at].get(output).map(f64::to_bits)).collect();
    (0..rows.len()).map(|at| (bars[at].open_ms, bits(at))).collect()
}

fn bits(data: &IndicatorsData) -> Vec<(i64, Vec<Option<u64>>)> {
    let row = |row: &topics::channels::indicators::IndicatorRow| {
        (row.open_ms, row.values.iter().map(|value| value.map(f64::to_bits)).collect())
    };
    data.rows.iter().map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn published_values_are_those_of_the_published_candles(
        trades in prop::collection::vec((0_u64..2_000, 0_u64..4_000, 1_i64..1_000, any::<bool>()), 1..120),
        history_at in prop::option::of(0_usize..120),
    ) {
        let mut view = View::new(ViewConfig::default());
        let topics = SPECS.map(|spec| Topic::indicators(Interval::S1, spec, &id(0)));
        topics.iter().for_each(|topic| view.start_topic(topic, Lane::Fast));
        let (books, mut now_ms) = (Books::new(), 10_000);
        let mut pages: Option<Vec<IndicatorsData>> = None;
        for (number, (gap_ms, late_ms, cents, is_turn)) in trades.into_iter().enumerate() {
            now_ms += gap_ms;
            if history_at == Some(number) {
                let bar = |back: u64| Candle::of_trade(
                    Interval::S1.open_time(venue_at(now_ms - 1_000 * back)), price(500), size(7), AggressorSide::Buyer,
                );
                let candles = (0..9).rev().map(bar).collect();
                let kind = MarketEventKind::History(CandleHistory { interval: Interval::S1, candles });
                view.apply(&event(id(0), now_ms, None, kind));
            }
            let stamp = venue_at(now_ms - late_ms);
            let kind = trade(TradeId::Sequence(number as u64), cents, 1);
            view.apply(&event(id(0), now_ms, Some(stamp), kind));
            if !is_turn {
                continue;
            }
            let changes = turn(&mut view, Lane::Fast, now_ms, &books);
            let pages = pages.get_or_insert_with(|| topics.iter().map(|_| IndicatorsData::default()).collect());
            for (topic, delta) in changes {
                let at = topics.iter().position(|own| *own == topic).unwrap();
                pages[at].merge(&delta);
            }
            for ((topic, spec), page) in topics.iter().zip(SPECS).zip(pages) {
                let shown = snapshot(&view, topic, Lane::Fast);
                prop_assert_eq!(bits(&shown), fresh(&view, spec), "{}", spec);
                prop_assert_eq!(bits(page), bits(&shown), "{}", spec);
            }
        }
    }
}

#[test]
fn a_turn_without_a_change_publishes_nothing_and_lanes_are_their_own() {
    let mut view = View::new(ViewConfig::default());
    let topic = Topic::indicators(Interval::S1, "sma(2)", &id(0));
    for lane in [Lane::Fast, Lane::Slow] {
        view.start_topic(&topic, lane);
    }
    let books = Books::new();
    for second in 0..4_u64 {
        let kind = trade(TradeId::Sequence(second), 100 + i64::try_from(second).unwrap() * 10, 1);
        view.apply(&event(id(0), second * 1_000, Some(venue_at(second * 1_000)), kind));
    }
    let rows = |changes: Vec<(Topic, IndicatorsData)>| -> Vec<Vec<Option<f64>>> {
        changes.into_iter().flat_map(|(_, data)| data.rows).map(|row| row.values).collect()
    };
    let all = vec![vec![None], vec![Some(1.05)], vec![Some(1.15)], vec![Some(1.25)]];
    assert_eq!(rows(turn(&mut view, Lane::Fast, 3_100, &books)), all);
    assert_eq!(rows(turn(&mut view, Lane::Fast, 3_200, &books)), Vec::<Vec<_>>::new());
    let kind = trade(TradeId::Sequence(9), 150, 1);
    view.apply(&event(id(0), 3_300, Some(venue_at(3_300)), kind));
    assert_eq!(rows(turn(&mut view, Lane::Fast, 3_400, &books)), [[Some(1.35)]]);
    assert_eq!(rows(turn(&mut view, Lane::Slow, 3_500, &books)).last(), Some(&vec![Some(1.35)]));
    view.stop_topic(&topic, Lane::Fast);
    assert_eq!(view.snapshot(&topic, Lane::Fast), None);
    assert!(view.snapshot(&topic, Lane::Slow).is_some());
}

#[test]
fn an_indicator_wants_the_history_of_its_interval() {
    let mut view = View::new(ViewConfig { history_at_start: None, ..ViewConfig::default() });
    view.expect(&id(0));
    assert!(view.take_history_requests().is_empty());
    view.start_topic(&Topic::indicators(Interval::H1, "sma(2)", &id(0)), Lane::Fast);
    let wanted: Vec<Interval> = view.take_history_requests().iter().map(|request| request.interval).collect();
    assert_eq!(wanted, [Interval::H1]);
}

#[test]
fn figures_of_the_book_need_a_live_book_all_through_the_bar() {
    let mut view = View::new(ViewConfig::default());
    let topic = Topic::indicators(Interval::S1, "microprice", &id(0));
    view.start_topic(&topic, Lane::Fast);
    assert!(view.reads_books());
    let mut books = Books::new();
    let mut at = |view: &mut View, millis: u64, state: BookState, sizes: (i64, i64)| {
        let book = books.entry(id(0)).or_default();
        book.book.apply_snapshot(&[level(100, sizes.0)], &[level(200, sizes.1)]);
        (book.state, book.event_time) = (state, Some(venue_at(millis)));
        let kind = trade(TradeId::Sequence(millis), 150, 1);
        view.apply(&event(id(0), millis, Some(venue_at(millis)), kind));
        let kind = MarketEventKind::Book(BookUpdate::State { state });
        view.apply(&event(id(0), millis, Some(venue_at(millis)), kind));
        view.note_books(&books);
        turn(view, Lane::Fast, millis, &books);
        let newest = snapshot(view, &topic, Lane::Fast).rows.pop().unwrap();
        (newest.open_ms - venue_at(0).as_millis(), newest.values[0])
    };
    assert_eq!(at(&mut view, 500, BookState::Live, (1, 1)), (0, None), "its begin was not seen");
    assert_eq!(at(&mut view, 1_100, BookState::Live, (3, 1)), (1_000, Some(1.75)));
    assert_eq!(at(&mut view, 1_200, BookState::Live, (1, 1)), (1_000, Some(1.5)));
    assert_eq!(at(&mut view, 1_300, BookState::Suspect, (1, 1)), (1_000, None));
    assert_eq!(at(&mut view, 1_400, BookState::Live, (1, 1)), (1_000, None), "it has a hole");
    assert_eq!(at(&mut view, 2_100, BookState::Live, (1, 3)), (2_000, Some(1.25)));
    view.stop_topic(&topic, Lane::Fast);
    assert!(!view.reads_books());
}
