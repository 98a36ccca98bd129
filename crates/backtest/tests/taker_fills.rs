//! Market orders on a recorded Binance book against hftbacktest: the same orders at the same times give the same fills.
//!
//! `oracles/taker_fills.json` holds the orders and what became of them there; `oracles/taker_fills.py` writes it, and
//! `cargo xtask oracles` does it again. hftbacktest's book does not remember what an order took, so each order has a desk
//! of its own here. A second desk takes all of them: where it differs, the evidence of its fills says why.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    rc::Rc,
    sync::Arc,
};

use desk::{config::DeskConfig, desk::Desk};
use flate2::read::MultiGzDecoder;
use market::desk_feed::{DeskFeeds, DeskQueue, DeskSink};
use model::{
    decimal::{Notional, Price, Quantity},
    desk_feed::DESK_DEPTH,
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    proof::Books,
    recording_entry::RecordingEntry,
    time::Timestamp,
    trading::{
        account::RiskLimits,
        command::{DeskCommand, DeskReply},
        fill::{Fill, FillCause},
        order::{OrderId, Side},
        record::Record,
        refusal::DenyCode,
    },
};
use serde::Deserialize;
use serde_json::json;
use venues::{replay::Replay, session::Session};

#[derive(Deserialize)]
struct Golden {
    simulator: String,
    orders: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    time_ns: i64,
    side: Side,
    lots: i128,
    n_fills: usize,
    filled_lots: i128,
    ticks_times_lots: i128,
}

const LOT_DECIMALS: u32 = 5;
const TICK_DECIMALS: u32 = 2;

#[derive(Clone, Debug, Default)]
struct Reader(Rc<RefCell<DeskQueue>>);

impl DeskSink for Reader {
    fn with_queue(&mut self, push: impl FnOnce(&mut DeskQueue)) -> bool {
        push(&mut self.0.borrow_mut());
        true
    }
}

/// A desk and its end of the feed.
struct Floor {
    desk: Desk,
    reader: Reader,
}

impl Floor {
    /// Opens a desk that can pay for everything, and lets it follow the instrument.
    fn open(feeds: &mut DeskFeeds<Reader>, books: &Books, now: Timestamp) -> Self {
        let mut config = DeskConfig { default_limits: RiskLimits::default(), ..DeskConfig::default() };
        config.default_account.start =
            [(config.default_account.currency.clone(), Notional::from_mantissa(1_000_000_000_000, 0).unwrap())].into();
        let mut desk = Desk::new(config);
        desk.list(Arc::new(Instrument {
            id: id(),
            base: "BTC".into(),
            quote: "USDT".into(),
            tick_size: Price::from_mantissa(1, TICK_DECIMALS).unwrap(),
            lot_size: Quantity::from_mantissa(1, LOT_DECIMALS).unwrap(),
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: false,
        }));
        desk.start(now);
        let reader = Reader::default();
        feeds.subscribe(id(), reader.clone(), books);
        let mut floor = Self { desk, reader };
        floor.update(now);
        floor
    }

    /// Takes what the feed has brought.
    fn update(&mut self, now: Timestamp) {
        for update in self.reader.0.borrow_mut().drain() {
            self.desk.update(&id(), &update, now);
        }
        drop(self.desk.take_effects());
    }

    /// Places a market order. Returns its fills, and why the rest of it was cancelled.
    fn place(&mut self, number: usize, golden: &Case) -> (Vec<Fill>, Option<DenyCode>) {
        let quantity = Quantity::from_mantissa(golden.lots, LOT_DECIMALS).unwrap();
        let request = json!({
            "client_order_id": format!("o-{number}"), "instrument": id(), "side": golden.side, "type": "market",
            "quantity": quantity
        });
        let command = DeskCommand::PlaceOrder(Box::new(serde_json::from_value(request).unwrap()));
        let now = Timestamp::from_nanos(golden.time_ns);
        let reply = self.desk.command(command, now).unwrap_or_else(|refusal| panic!("order {number}: {refusal:?}"));
        let order_id: OrderId = match reply {
            DeskReply::Order(order) => order.order_id,
            other => panic!("{other:?}"),
        };
        let effects = self.desk.take_effects();
        let fills = effects.records.iter().filter_map(|record| match record {
            Record::Filled(fill) => Some((**fill).clone()),
            _ => None,
        });
        let reason = effects.orders.get(&order_id).and_then(|order| order.reason.clone());
        (fills.collect(), reason.map(|reason| reason.code))
    }
}

fn id() -> InstrumentId {
    InstrumentId::parse("binance:BTCUSDT").unwrap()
}

/// Returns number, lots and Σ ticks × lots of fills.
fn sums(fills: &[Fill]) -> (usize, i128, i128) {
    let lots = |fill: &Fill| fill.quantity.at_scale(LOT_DECIMALS).mantissa();
    let ticks = |fill: &Fill| fill.price.at_scale(TICK_DECIMALS).mantissa();
    (fills.len(), fills.iter().map(lots).sum(), fills.iter().map(|fill| ticks(fill) * lots(fill)).sum())
}

/// True if a fill says that earlier orders had taken something of its level.
fn has_taken_before(fills: &[Fill]) -> bool {
    fills
        .iter()
        .any(|fill| matches!(&fill.evidence.cause, FillCause::Level { taken_before, .. } if !taken_before.is_zero()))
}

#[test]
fn market_orders_fill_as_in_an_independent_simulator() {
    let Some(folder) = std::env::var_os("TRUETAPE_CAPTURES").map(PathBuf::from) else {
        println!("skipped: TRUETAPE_CAPTURES names no folder with recordings");
        return;
    };
    let golden: Golden = serde_json::from_str(include_str!("../../../oracles/taker_fills.json")).unwrap();
    let path = folder.join("binance/btcusdt_20240808_spot_depth100ms_bookticker_trade.tape.jsonl.gz");
    let mut lines = BufReader::new(MultiGzDecoder::new(File::open(path).unwrap())).lines().peekable();
    let mut replay = Replay::new("binance").unwrap();
    let mut feeds = DeskFeeds::default();
    let mut steady = Floor::open(&mut feeds, Session::books(&replay), Timestamp::EPOCH);
    let mut taken = BTreeSet::new();
    let (mut n_fills, mut n_beyond, mut n_of_steady, mut n_explained) = (0, 0, 0, 0);
    for (number, order) in golden.orders.iter().enumerate() {
        let now = Timestamp::from_nanos(order.time_ns);
        while let Some(line) = lines.next_if(|line| {
            let entry = RecordingEntry::parse(line.as_ref().unwrap()).unwrap();
            entry.receive_time().is_none_or(|time| time <= now)
        }) {
            let line = line.unwrap();
            let entry = RecordingEntry::parse(&line).unwrap();
            replay.feed(&entry, |event| feeds.apply(event));
            replay.settle();
            feeds.batch_end(Session::books(&replay));
            steady.update(entry.receive_time().unwrap_or(Timestamp::EPOCH));
        }
        let mut fresh = Floor::open(&mut DeskFeeds::default(), Session::books(&replay), now);
        let (fills, reason) = fresh.place(number, order);
        if order.n_fills > DESK_DEPTH {
            // The desk knows no more levels than these, and says that it has used them up.
            assert_eq!((fills.len(), reason), (DESK_DEPTH, Some(DenyCode::NothingLeftToTake)), "order {number}");
            n_beyond += 1;
            continue;
        }
        assert_eq!(sums(&fills), (order.n_fills, order.filled_lots, order.ticks_times_lots), "order {number}");
        n_fills += fills.len();
        let (of_steady, _) = steady.place(number, order);
        n_of_steady += 1;
        if sums(&of_steady) != sums(&fills) {
            // Of a level that was taken whole nothing is left to fill, so no fill tells of it.
            let is_gone = fills.iter().any(|fill| taken.contains(&fill.price));
            assert!(is_gone || has_taken_before(&of_steady), "order {number} differs without a reason: {of_steady:?}");
            n_explained += 1;
        }
        taken.extend(of_steady.iter().map(|fill| fill.price));
    }
    println!(
        "{} market orders, {n_fills} fills equal those of {}; {n_beyond} orders reach beyond {DESK_DEPTH} levels; of \
         {n_of_steady} orders on one desk {n_explained} find liquidity that was taken before",
        golden.orders.len(),
        golden.simulator
    );
    assert!(golden.orders.len() > 200, "the golden file is cut");
}
