//! Helpers to create values in tests.

use std::time::Duration;

use model::{
    decimal::{Price, Quantity},
    event::{AggressorSide, Level, MarketEvent, MarketEventKind, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    time::{Monotonic, Now, Timestamp},
};

/// The server's wall clock at `now_at(0)`.
pub(crate) const WALL_MS: i64 = 1_763_668_000_000;

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub(crate) fn size(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

pub(crate) fn level(at: &str, quantity: &str) -> Level {
    Level { price: price(at), quantity: size(quantity) }
}

pub(crate) fn id() -> InstrumentId {
    InstrumentId::parse("demo:AAABBB").unwrap()
}

pub(crate) fn now_at(millis: u64) -> Now {
    Now {
        monotonic: Monotonic::from_zero(Duration::from_millis(millis)),
        wall: Timestamp::from_millis(WALL_MS + i64::try_from(millis).unwrap()),
    }
}

pub(crate) fn instrument(id: &str, tick_size: &str, lot_size: &str) -> Instrument {
    Instrument {
        id: InstrumentId::parse(id).unwrap(),
        base: "AAA".into(),
        quote: "BBB".into(),
        tick_size: price(tick_size),
        lot_size: size(lot_size),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: true,
    }
}

/// An event of [`id`] received at `now_at(received_ms)`.
pub(crate) fn event(received_ms: u64, event_ms: Option<i64>, kind: MarketEventKind) -> MarketEvent {
    MarketEvent {
        instrument: id(),
        event_time: event_ms.map(Timestamp::from_millis),
        receive_time: now_at(received_ms).wall,
        kind,
    }
}

pub(crate) fn trade(number: u64, at: &str, lots: &str) -> Trade {
    Trade { id: TradeId::Sequence(number), price: price(at), size: size(lots), aggressor_side: AggressorSide::Buyer }
}
