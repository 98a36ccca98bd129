//! The made-up market over this protocol: `BTC-SIM` at the price of `BTC-SIM`.
//!
//! Books and trades come with every slot, tickers and candles once a second. Updates follow from what readers were told
//! last, so a pause ends with one large update and no reader loses the thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Feed, REQUIRED_KEYS, channel::Channel, encode, shown_book};
use crate::{
    bars::BarQuery,
    ladder::Ladder,
    made_up::SECOND_SLOTS,
    market::{self, MadeUpPairs, Market, OverPairs},
    venue::{Backend, Frame},
};

/// Trades in a snapshot.
const SNAPSHOT_TRADES: usize = 50;
/// Candles in a snapshot.
const SNAPSHOT_CANDLES: i64 = 100;
/// Bars shown at the control endpoint.
const SHOWN_BARS: i64 = 500;
/// Slots between two frames of the batch.
const BATCH_SLOTS: u64 = 5 * SECOND_SLOTS;

/// The made-up market as this venue.
pub(super) struct DemoFeed {
    pairs: MadeUpPairs,
    /// What readers of each book have been told.
    views: Mutex<BTreeMap<String, Ladder>>,
}

impl DemoFeed {
    /// The protocol over these pairs.
    pub(super) fn new(pairs: MadeUpPairs) -> Self {
        Self { pairs, views: Mutex::default() }
    }

    fn views(&self) -> MutexGuard<'_, BTreeMap<String, Ladder>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events of a stream in this slot, with the number for the log of what was sent.
    fn events(&self, channel: Channel, product: &str, slot: u64) -> Option<(String, Option<u64>)> {
        let asset = self.pairs.find(product)?;
        match channel {
            Channel::Level2 => {
                let truth = self.ladder(product)?;
                let mut views = self.views();
                let changed = views.entry(product.to_owned()).or_default().follow(&truth, usize::MAX, encode::zero);
                let is_silent = changed.0.is_empty() && changed.1.is_empty();
                (!is_silent).then(|| (encode::level2("update", product, &changed, self.now()), Some(slot)))
            }
            Channel::MarketTrades => {
                let print = asset.print(slot);
                Some((encode::trades("update", product, std::iter::once(&print)), Some(print.id)))
            }
            Channel::Ticker if slot.is_multiple_of(SECOND_SLOTS) => {
                Some((encode::ticker(self, "update", &self.pair(product)?, channel)?, None))
            }
            Channel::TickerBatch if slot.is_multiple_of(BATCH_SLOTS) => {
                Some((encode::ticker(self, "update", &self.pair(product)?, channel)?, None))
            }
            Channel::Candles if slot.is_multiple_of(SECOND_SLOTS) => {
                Some((encode::candles("update", product, &asset.running(slot, encode::CANDLE_MS)), None))
            }
            _ => None,
        }
    }
}

impl Feed for DemoFeed {
    fn snapshot(&self, channel: Channel, product: &str, has_others: bool) -> Option<String> {
        let pair = self.pair(product)?;
        Some(match channel {
            Channel::Level2 => {
                let truth = self.ladder(product)?;
                let mut views = self.views();
                if !has_others {
                    views.remove(product);
                }
                let view = views.entry(product.to_owned()).or_insert(truth);
                encode::level2("snapshot", product, &view.top(usize::MAX), self.now())
            }
            Channel::MarketTrades => {
                encode::trades("snapshot", product, self.prints(product, SNAPSHOT_TRADES).iter().rev())
            }
            Channel::Ticker | Channel::TickerBatch => encode::ticker(self, "snapshot", &pair, channel)?,
            Channel::Candles => {
                let query =
                    BarQuery { length_ms: encode::CANDLE_MS, start_ms: None, end_ms: None, limit: SNAPSHOT_CANDLES };
                encode::candles("snapshot", product, &self.bars(product, &query))
            }
            Channel::Status => encode::status("snapshot", &[pair]),
            Channel::Heartbeats => return None,
        })
    }
}

impl OverPairs for DemoFeed {
    fn pairs(&self) -> &MadeUpPairs {
        &self.pairs
    }
}

impl Backend for DemoFeed {
    fn due(&self) -> Option<&[Duration]> {
        None
    }

    fn play(&self, _frame_idx: usize, _wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    fn reset(&self) {}

    fn advance(&self, slot: u64, wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        self.pairs.market.go_to(slot);
        let frame = |stream: &Arc<str>| {
            let (channel, product) = Channel::of_stream(stream)?;
            let (events, id) = self.events(channel, product, slot)?;
            Some(encode::frame(stream.to_string(), channel.wire(), self.now(), &events, id))
        };
        wanted.iter().filter_map(frame).collect()
    }

    /// At a slot where asked, as the log of sent frames numbers book frames.
    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value> {
        let slot = at.unwrap_or_else(|| self.pairs.market.slot());
        Some(shown_book(symbol, &self.pairs.ladder_at(symbol, slot)?, depth))
    }

    fn top(&self, symbol: &str) -> Option<Value> {
        let (bids, asks) = self.ladder(symbol)?.top(1);
        Some(json!({ "symbol": symbol, "bid": bids.first(), "ask": asks.first() }))
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let length_ms = interval.parse::<i64>().ok().filter(|minutes| *minutes > 0)? * 60_000;
        let query = BarQuery { length_ms, start_ms: None, end_ms: None, limit: SHOWN_BARS };
        Some(market::shown_bars(symbol, interval, &self.bars(symbol, &query)))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}
