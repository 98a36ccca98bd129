//! Measures the whole desk at a market event: broker, strategy, ledger and the watch of each second, with 50 open orders
//! and a running grid of 100 levels. The aim is 2 µs an event.
//!
//! The mixes have the proportions and the pace of the recorded BTCUSDT tape of 8 and 9 August 2024: of 1,000 events 754
//! are trades, 204 change some rows (11 is the median), 28 the best price (and 62 rows), 8 one row and 6 none; an event
//! comes each 24.6 ms. The second mix has 3 fills, as many as the tape gives a grid of 40 levels. The floor is a bare
//! [`DeskBook`] that takes the first mix. Orders rest at every known row, more than any real grid has. Not here: how
//! updates are made and queued (`market`), and the journal.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use desk::{config::DeskConfig, desk::Desk};
use model::{
    decimal::{Notional, Price, Quantity},
    desk_feed::{DESK_DEPTH, DeskBook, DeskLevels, DeskState, DeskTrade, DeskUpdate, StateCause},
    event::{AggressorSide, Level, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    proof::BookState,
    time::Timestamp,
    trading::{
        account::{FeeRates, RiskLimits},
        command::DeskCommand,
    },
};
use serde_json::json;

const MID: i128 = 6_160_200;
const START: Timestamp = Timestamp::from_millis(1_723_161_600_000);
const PACE: Duration = Duration::from_micros(24_600);
const N_EVENTS: usize = 1_000;
const N_ORDERS: usize = 50;
const N_GRID_LEVELS: usize = 100;
/// Displayed at a row: more than all trades together.
const LOTS: i128 = 10_000_000_000;

/// The kinds of event.
#[derive(Clone, Copy)]
enum Kind {
    /// Between the best rows.
    TradeElsewhere,
    /// At the best row, where orders rest behind others.
    TradeAtAnOwnPrice,
    /// Through the nearest order of the grid, from either side in turn.
    TradeThatFills,
    /// This many rows get another size.
    Rows(usize),
    /// A better bid comes or goes, and this many rows get another size.
    Best(usize),
    /// The book is lost, live again, and comes whole: three updates.
    WholeBook,
}

/// A market that is made up from a fixed seed.
struct Feed {
    seed: u64,
    offset: u64,
    now: Timestamp,
    bid_lots: Vec<i128>,
    ask_lots: Vec<i128>,
    has_better_bid: bool,
    is_fill_below: bool,
}

impl Feed {
    fn new() -> Self {
        let lots = vec![LOTS; DESK_DEPTH];
        Self {
            seed: 0x2545_F491_4F6C_DD1D,
            offset: 0,
            now: START,
            bid_lots: lots.clone(),
            ask_lots: lots,
            has_better_bid: false,
            is_fill_below: false,
        }
    }

    fn random(&mut self, below: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        usize::try_from(self.seed % below as u64).unwrap_or_default()
    }

    fn event(&mut self, kind: Kind) -> Vec<DeskUpdate> {
        self.offset += 1;
        match kind {
            Kind::TradeElsewhere => vec![self.trade(MID - 1, 1, AggressorSide::Seller)],
            Kind::TradeAtAnOwnPrice => vec![self.trade(MID - 2, 1, AggressorSide::Seller)],
            Kind::TradeThatFills => {
                self.is_fill_below = !self.is_fill_below;
                let below = (MID - 3, AggressorSide::Seller);
                let (cents, side) = if self.is_fill_below { below } else { (MID + 1, AggressorSide::Buyer) };
                vec![self.trade(cents, 100, side)]
            }
            Kind::Rows(n_rows) => vec![self.levels(n_rows)],
            Kind::Best(n_rows) => {
                self.has_better_bid = !self.has_better_bid;
                vec![self.levels(n_rows)]
            }
            Kind::WholeBook => vec![self.state(BookState::Resyncing), self.state(BookState::Live), self.levels(0)],
        }
    }

    fn trade(&self, cents: i128, size: i128, aggressor_side: AggressorSide) -> DeskUpdate {
        let trade = Trade { id: TradeId::Sequence(self.offset), price: price(cents), size: lots(size), aggressor_side };
        DeskUpdate::Trade(DeskTrade { trade, event_time: None, receive_time: self.now, offset: self.offset })
    }

    fn state(&self, state: BookState) -> DeskUpdate {
        DeskUpdate::BookState(DeskState { state, cause: StateCause::Judgement, offset: self.offset })
    }

    fn levels(&mut self, n_rows: usize) -> DeskUpdate {
        for _ in 0..n_rows {
            let (idx, change) = (self.random(2 * DESK_DEPTH), self.random(1_000));
            if let Some(lots) = self.bid_lots.iter_mut().chain(&mut self.ask_lots).nth(idx) {
                *lots = LOTS + change as i128;
            }
        }
        let row = |sign: i128| {
            move |(row, size): (i128, &i128)| Level { price: price(MID + 2 * sign * row), quantity: lots(*size) }
        };
        let better = self.has_better_bid.then(|| Level { price: price(MID - 1), quantity: lots(LOTS) });
        DeskUpdate::Levels(Arc::new(DeskLevels {
            bids: better.into_iter().chain((1..).zip(&self.bid_lots).map(row(-1))).take(DESK_DEPTH).collect(),
            asks: (1..).zip(&self.ask_lots).map(row(1)).collect(),
            last_update_id: Some(self.offset),
            event_time: None,
            receive_time: Some(self.now),
            offset: self.offset,
        }))
    }
}

fn price(cents: i128) -> Price {
    Price::from_mantissa(cents, 2).unwrap_or_default()
}

fn lots(lots: i128) -> Quantity {
    Quantity::from_mantissa(lots, 5).unwrap_or_default()
}

/// 40 limit orders around the middle and 10 stops far away, then the grid.
fn commands(id: &InstrumentId) -> Vec<DeskCommand> {
    let mut commands = Vec::new();
    for number in 0..N_ORDERS {
        let distance = 4 + 2 * number as i128;
        let (side, cents) = if number % 2 == 0 { ("buy", MID - distance) } else { ("sell", MID + distance) };
        let order = if number < N_ORDERS - 10 {
            json!({
                "client_order_id": format!("o-{number}"), "instrument": id, "side": side, "type": "limit",
                "quantity": "0.01", "price": price(cents)
            })
        } else {
            json!({
                "client_order_id": format!("o-{number}"), "instrument": id, "side": "sell", "type": "stop",
                "quantity": "0.01", "stop_price": price(MID - 100_000 - distance)
            })
        };
        commands.extend(serde_json::from_value(order).ok().map(|order| DeskCommand::PlaceOrder(Box::new(order))));
    }
    let width = N_GRID_LEVELS as i128;
    let grid = json!({
        "strategy_id": "grid", "kind": "grid", "instrument": id, "settings": {
            "lower": price(MID - width), "upper": price(MID + width), "n_lines": N_GRID_LEVELS + 1, "mode": "neutral",
            "size": { "base": "0.001" }
        }
    });
    commands.extend(serde_json::from_value(grid).ok().map(|start| DeskCommand::StartStrategy(Box::new(start))));
    commands
}

/// Opens a desk with its orders and its grid on a live market.
fn desk(id: &InstrumentId, feed: &mut Feed) -> Desk {
    let mut config = DeskConfig { default_limits: RiskLimits::default(), ..DeskConfig::default() };
    config.broker.default_fees = FeeRates::default();
    let account = &mut config.default_account;
    let cash = Notional::from_mantissa(1_000_000_000, 0).unwrap_or_default();
    account.start = [(account.currency.clone(), cash)].into();
    let mut desk = Desk::new(config);
    desk.list(Arc::new(Instrument {
        id: id.clone(),
        base: "BTC".into(),
        quote: "USDT".into(),
        tick_size: price(1),
        lot_size: lots(1),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: true,
    }));
    desk.start(START);
    for update in feed.event(Kind::WholeBook).into_iter().chain(feed.event(Kind::TradeElsewhere)) {
        desk.update(id, &update, START);
    }
    for command in commands(id) {
        let reply = desk.command(command, START);
        assert!(reply.is_ok(), "{reply:?}");
    }
    drop(desk.take_effects());
    assert_eq!(desk.broker().open_orders().count(), N_ORDERS + N_GRID_LEVELS, "an order is missing");
    desk
}

/// Returns 1,000 events in the tape's proportions, `n_fills` of them fills.
fn mix(n_fills: usize) -> Vec<Kind> {
    let parts = [
        (Kind::TradeThatFills, n_fills),
        (Kind::TradeAtAnOwnPrice, 377),
        (Kind::TradeElsewhere, 377 - n_fills),
        (Kind::Rows(11), 204),
        (Kind::Best(62), 28),
        (Kind::Rows(1), 8),
        (Kind::Rows(0), 6),
    ];
    let mut kinds: Vec<Kind> = parts.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count)).collect();
    let mut feed = Feed::new();
    for idx in (1..kinds.len()).rev() {
        kinds.swap(idx, feed.random(idx + 1));
    }
    kinds
}

fn events(feed: &mut Feed, kinds: &[Kind], pace: Duration) -> Vec<(Timestamp, DeskUpdate)> {
    let mut events = Vec::new();
    for kind in kinds {
        feed.now = feed.now + pace;
        events.extend(feed.event(*kind).into_iter().map(|update| (feed.now, update)));
    }
    events
}

fn market_event(criterion: &mut Criterion) {
    let id = InstrumentId::parse("demo:BTCUSDT").expect("invariant: the name is valid");
    let mut group = criterion.benchmark_group("desk_market_event");
    group.throughput(Throughput::Elements(N_EVENTS as u64));
    let all = |kind| (vec![kind; N_EVENTS], Duration::ZERO);
    let cases = [
        ("trade_elsewhere", all(Kind::TradeElsewhere)),
        ("trade_at_an_own_price", all(Kind::TradeAtAnOwnPrice)),
        ("trade_that_fills", all(Kind::TradeThatFills)),
        ("no_row_changed", all(Kind::Rows(0))),
        ("1_row_changed", all(Kind::Rows(1))),
        ("11_rows_changed", all(Kind::Rows(11))),
        ("best_and_62_rows_changed", all(Kind::Best(62))),
        ("whole_book", all(Kind::WholeBook)),
        ("mix", (mix(0), PACE)),
        ("mix_with_fills", (mix(3), PACE)),
    ];
    for (name, (kinds, pace)) in cases {
        let mut feed = Feed::new();
        let desk = desk(&id, &mut feed);
        let events = events(&mut feed, &kinds, pace);
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || desk.clone(),
                |desk| {
                    for (now, update) in &events {
                        desk.update(&id, black_box(update), *now);
                        if desk.deadline() <= *now {
                            desk.advance(*now);
                        }
                        black_box(desk.take_effects());
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    let mut feed = Feed::new();
    drop(desk(&id, &mut feed));
    let events = events(&mut feed, &mix(0), PACE);
    group.bench_function("mix_floor", |bencher| {
        let take = |book: &mut DeskBook| events.iter().for_each(|(_, update)| book.apply(black_box(update)));
        bencher.iter_batched_ref(DeskBook::default, take, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, market_event);
criterion_main!(benches);
