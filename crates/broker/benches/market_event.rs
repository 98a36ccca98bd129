//! Measures a market event with 50 open orders and a grid of 100 resting ones: levels that change one row, levels that
//! change every row, a trade that meets nothing, and one that moves a queue. The aim is 2 µs an event.
//!
//! Not here: how updates are made and queued (`market`), and the journal.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{hint::black_box, sync::Arc};

use broker::{Broker, BrokerConfig};
use criterion::{Criterion, criterion_group, criterion_main};
use model::{
    decimal::{Price, Quantity},
    desk_feed::{DESK_DEPTH, DeskLevels, DeskState, DeskTrade, DeskUpdate, StateCause},
    event::{AggressorSide, Level, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    proof::BookState,
    time::Timestamp,
    trading::{
        account::AccountId,
        order::{ClientOrderId, Order, OrderId, OrderRequest, OrderType, Side},
    },
};

const MID: i128 = 6_160_200;
const NOW: Timestamp = Timestamp::from_millis(1);

fn price(cents: i128) -> Price {
    Price::from_mantissa(cents, 2).unwrap_or_default()
}

fn lots(lots: i128) -> Quantity {
    Quantity::from_mantissa(lots, 5).unwrap_or_default()
}

fn levels(offset: u64, lots_of: impl Fn(i128) -> i128) -> DeskUpdate {
    let depth = i128::try_from(DESK_DEPTH).unwrap_or_default();
    let row = |sign: i128| {
        let lots_of = &lots_of;
        move |row: i128| Level { price: price(MID + sign * row), quantity: lots(lots_of(row)) }
    };
    DeskUpdate::Levels(Arc::new(DeskLevels {
        bids: (1..=depth).map(row(-1)).collect(),
        asks: (1..=depth).map(row(1)).collect(),
        last_update_id: Some(offset),
        event_time: Some(NOW),
        receive_time: Some(NOW),
        offset,
    }))
}

fn trade(offset: u64, cents: i128) -> DeskUpdate {
    let trade = Trade {
        id: TradeId::Sequence(offset),
        price: price(cents),
        size: lots(1),
        aggressor_side: AggressorSide::Seller,
    };
    DeskUpdate::Trade(DeskTrade { trade, event_time: None, receive_time: NOW, offset })
}

/// 50 stops far away, and a grid of 50 buys and 50 sells on the known rows.
fn broker(id: &InstrumentId) -> Option<Broker> {
    let mut broker = Broker::new(BrokerConfig::default());
    broker.list(Arc::new(Instrument {
        id: id.clone(),
        base: "AAA".into(),
        quote: "BBB".into(),
        tick_size: price(1),
        lot_size: lots(1),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: true,
    }));
    let state = DeskState { state: BookState::Live, cause: StateCause::Subscribed, offset: 0 };
    broker.update(id, &DeskUpdate::BookState(state), NOW);
    broker.update(id, &levels(1, |_| 1_000_000), NOW);
    let order = |number: u64, side, kind, cents: i128| {
        let name = ClientOrderId::parse(&number.to_string()).ok()?;
        let request = OrderRequest {
            kind,
            price: (kind == OrderType::Limit).then(|| price(cents)),
            stop_price: (kind == OrderType::Stop).then(|| price(cents)),
            ..OrderRequest::market(name, id.clone(), side, lots(100))
        };
        Some(Order::of_request(request, OrderId(number), AccountId::parse("main").ok()?, NOW))
    };
    for row in 1..=50 {
        let number = u64::try_from(row).unwrap_or_default() * 3;
        let orders = [
            order(number, Side::Buy, OrderType::Limit, MID - row),
            order(number + 1, Side::Sell, OrderType::Limit, MID + row),
            order(number + 2, Side::Sell, OrderType::Stop, MID - 100_000 - row),
        ];
        orders.into_iter().flatten().for_each(|order| broker.submit(order, NOW));
    }
    Some(broker)
}

fn market_event(criterion: &mut Criterion) {
    let Some(id) = InstrumentId::parse("demo:AAABBB").ok() else { return };
    let mut group = criterion.benchmark_group("market_event");
    let cases: [(&str, [DeskUpdate; 2]); 4] = [
        ("levels_one_row_changed", [levels(2, |row| 1_000_000 + i128::from(row == 3)), levels(2, |_| 1_000_000)]),
        ("levels_all_rows_changed", [levels(2, |row| 900_000 + row), levels(2, |row| 900_001 + row)]),
        ("trade_at_no_own_price", [trade(3, MID), trade(4, MID)]),
        ("trade_at_an_own_price", [trade(3, MID - 1), trade(4, MID - 1)]),
    ];
    for (name, updates) in &cases {
        let Some(mut broker) = broker(&id) else { return };
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                for update in updates {
                    broker.update(&id, black_box(update), NOW);
                }
                // Two events an iteration.
                black_box(broker.drain())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, market_event);
criterion_main!(benches);
