//! Helpers to create events, and candles computed from trades in the simplest way.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::{AggressorSide, Level, MarketEvent, MarketEventKind, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    time::{Monotonic, Now, Timestamp},
};

/// The venue's clock at 0: an old recording, far from the wall clock.
pub(crate) const VENUE_MS: i64 = 1_500_000_000_000;

/// The wall clock at 0.
pub(crate) const WALL_MS: i64 = 1_763_668_000_000;

pub(crate) fn price(cents: i64) -> Price {
    Price::from_mantissa(i128::from(cents), 2).unwrap()
}

pub(crate) fn size(lots: i64) -> Quantity {
    Quantity::from_mantissa(i128::from(lots), 3).unwrap()
}

pub(crate) fn level(cents: i64, lots: i64) -> Level {
    Level { price: price(cents), quantity: size(lots) }
}

pub(crate) fn id(number: u8) -> InstrumentId {
    InstrumentId::parse(&format!("demo:S{number}")).unwrap()
}

pub(crate) fn now_at(millis: u64) -> Now {
    Now {
        monotonic: Monotonic::from_zero(Duration::from_millis(millis)),
        wall: Timestamp::from_millis(WALL_MS + i64::try_from(millis).unwrap()),
    }
}

pub(crate) fn venue_at(millis: u64) -> Timestamp {
    Timestamp::from_millis(VENUE_MS + i64::try_from(millis).unwrap())
}

/// An event received at `millis`, with the venue's timestamp `stamp`.
pub(crate) fn event(
    instrument: InstrumentId,
    millis: u64,
    stamp: Option<Timestamp>,
    kind: MarketEventKind,
) -> MarketEvent {
    MarketEvent { instrument, event_time: stamp, receive_time: now_at(millis).wall, kind }
}

pub(crate) fn trade(id: TradeId, cents: i64, lots: i64) -> MarketEventKind {
    let price = price(cents);
    MarketEventKind::Trade(Trade { id, price, size: size(lots), aggressor_side: side_at(price) })
}

/// Even prices are bought, odd ones sold.
fn side_at(price: Price) -> AggressorSide {
    if price.mantissa() % 2 == 0 { AggressorSide::Buyer } else { AggressorSide::Seller }
}

pub(crate) fn instrument(id: InstrumentId, n_decimals: u32) -> MarketEventKind {
    MarketEventKind::Instrument(Arc::new(Instrument {
        id,
        base: "AAA".into(),
        quote: "BBB".into(),
        tick_size: Price::from_mantissa(1, n_decimals).unwrap(),
        lot_size: Quantity::from_mantissa(1, n_decimals).unwrap(),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: true,
    }))
}

/// Candles of trades (venue time, price, size) that may come in any order.
pub(crate) fn naive_bars(
    interval: Interval,
    trades: impl Iterator<Item = (Timestamp, Price, Quantity)>,
) -> Vec<Candle> {
    let mut sorted: Vec<(Timestamp, Price, Quantity)> = trades.collect();
    sorted.sort_by_key(|trade| trade.0);
    let mut bars: BTreeMap<Timestamp, Candle> = BTreeMap::new();
    for (time, price, size) in sorted {
        let open_time = interval.open_time(time);
        match bars.get_mut(&open_time) {
            Some(bar) => bar.add(price, size, side_at(price)),
            None => {
                bars.insert(open_time, Candle::of_trade(open_time, price, size, side_at(price)));
            }
        }
    }
    bars.into_values().collect()
}
