//! Measures an event and a turn: a trade into quote, tape and the candles of seven intervals, and the deltas of a lane.
//!
//! Not here: parsing and encoding. The budget of a trade from frame to encoded delta is 3 µs.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use market::{View, ViewConfig};
use model::{
    candle::Interval,
    decimal::{Price, Quantity},
    event::{AggressorSide, BookUpdate, Level, MarketEvent, MarketEventKind, Trade, TradeId},
    instrument::InstrumentId,
    proof::{BookState, Books},
    status::FeedHealth,
    time::{Monotonic, Now, Timestamp},
};
use topics::{lane::Lane, topic::Topic};

const N_EVENTS: i64 = 1_000;
const DEPTH: i64 = 1_000;
const BEST_BID_CENTS: i64 = 6_160_201;

fn level(cents: i64, lots: i64) -> Level {
    Level {
        price: Price::from_mantissa(i128::from(cents), 2).unwrap_or_default(),
        quantity: Quantity::from_mantissa(i128::from(lots), 5).unwrap_or_default(),
    }
}

fn event(instrument: &InstrumentId, millis: i64, kind: MarketEventKind) -> MarketEvent {
    let time = Timestamp::from_millis(millis);
    MarketEvent { instrument: instrument.clone(), event_time: Some(time), receive_time: time, kind }
}

fn trade(instrument: &InstrumentId, number: i64) -> MarketEvent {
    let row = level(BEST_BID_CENTS + number * 7 % 50, 1 + number % 1_000);
    let kind = MarketEventKind::Trade(Trade {
        id: TradeId::Sequence(number.unsigned_abs()),
        price: row.price,
        size: row.quantity,
        aggressor_side: AggressorSide::Buyer,
    });
    event(instrument, number * 50, kind)
}

fn view_costs(criterion: &mut Criterion) {
    let Ok(instrument) = InstrumentId::parse("demo:AAABBB") else { return };
    let (mut view, mut number) = (View::new(ViewConfig::default()), 0);
    let mut group = criterion.benchmark_group("view");
    group.throughput(Throughput::Elements(N_EVENTS.unsigned_abs()));
    group.bench_function("apply_trade_x1000", |bencher| {
        bencher.iter(|| {
            for _ in 0..N_EVENTS {
                number += 1;
                view.apply(black_box(&trade(&instrument, number)));
            }
        });
    });

    let (mut view, mut books, health) = (View::new(ViewConfig::default()), Books::new(), FeedHealth::default());
    let tracked = books.entry(instrument.clone()).or_default();
    let rows = |first: i64, step: i64| (0..DEPTH).map(|row| level(first + row * step, 100)).collect::<Vec<_>>();
    tracked.book.apply_snapshot(&rows(BEST_BID_CENTS, -1), &rows(BEST_BID_CENTS + 1, 1));
    tracked.state = BookState::Live;
    let minutes = Topic::candles(Interval::M1, &instrument);
    for topic in [Topic::quote(&instrument), Topic::tape(&instrument), Topic::book(&instrument), minutes] {
        view.start_topic(&topic, Lane::Fast);
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("turn_after_20_levels_and_a_trade", |bencher| {
        bencher.iter(|| {
            number += 1;
            let bids: Vec<Level> = (0..20).map(|row| level(BEST_BID_CENTS - row, 1 + (number + row) % 9)).collect();
            if let Some(tracked) = books.get_mut(&instrument) {
                tracked.book.apply_delta(&bids, &[]);
            }
            let update = BookUpdate::Delta { state: BookState::Live, bids, asks: Vec::new() };
            view.apply(&event(&instrument, number * 50, MarketEventKind::Book(update)));
            view.apply(&trade(&instrument, number));
            let span = Duration::from_millis(number.unsigned_abs() * 50);
            let now = Now { monotonic: Monotonic::from_zero(span), wall: Timestamp::from_millis(number * 50) };
            black_box(view.turn(Lane::Fast, now, &health, &books))
        });
    });
    group.finish();
}

criterion_group!(benches, view_costs);
criterion_main!(benches);
