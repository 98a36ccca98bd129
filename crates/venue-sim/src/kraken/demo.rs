//! The made-up market over this protocol: `BTC/SIM` at the price of `BTC-SIM`.
//!
//! Books and trades come with every slot, tickers and bars once a second. Updates follow from what readers were told
//! last, so a pause ends with one large update and no reader loses the thread.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Feed, REQUIRED_KEYS,
    channel::Channel,
    encode::{self, Kind},
    shown_book,
    views::Views,
};
use crate::{
    bars::BarQuery,
    made_up::SECOND_SLOTS,
    market::{self, MadeUpPairs, Market, OverPairs},
    moment,
    venue::{Backend, Frame},
};

/// Trades in a snapshot.
const SNAPSHOT_TRADES: usize = 50;
/// Bars in a snapshot.
const SNAPSHOT_BARS: i64 = 60;
/// Bars shown at the control endpoint.
const SHOWN_BARS: i64 = 500;

/// The made-up market as this venue.
pub(super) struct DemoFeed {
    pairs: MadeUpPairs,
    views: Mutex<Views>,
}

impl DemoFeed {
    /// The protocol over these pairs.
    pub(super) fn new(pairs: MadeUpPairs) -> Self {
        Self { pairs, views: Mutex::default() }
    }

    fn views(&self) -> MutexGuard<'_, Views> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time(&self) -> String {
        moment::show(self.now(), 6)
    }

    /// The frame of a stream in this slot, with the number for the log of what was sent.
    fn frame(&self, channel: Channel, symbol: &str, slot: u64) -> Option<(String, Option<u64>)> {
        let is_second = slot.is_multiple_of(SECOND_SLOTS);
        let pair = self.pair(symbol)?;
        let asset = self.pairs.find(symbol)?;
        match channel {
            Channel::Book(depth) => {
                let truth = self.ladder(symbol)?;
                Some((self.views().update(symbol, depth, &truth, &self.time())?, Some(slot)))
            }
            Channel::Trade => {
                let print = asset.print(slot);
                Some((encode::frame("trade", Kind::Update, &[encode::trade(&pair, &print)]), Some(print.id)))
            }
            Channel::Ticker if is_second => {
                Some((encode::frame("ticker", Kind::Update, &[encode::ticker(self, &pair)?]), None))
            }
            Channel::Ohlc(minutes) if is_second => {
                let running = asset.running(slot, minutes * 60_000);
                let entries: Vec<String> = running.iter().map(|bar| encode::bar(&pair, minutes, bar)).collect();
                Some((encode::ohlc_frame(Kind::Update, self.now(), &entries), None))
            }
            _ => None,
        }
    }
}

impl Feed for DemoFeed {
    fn snapshot(&self, channel: Channel, symbol: &str, has_others: bool) -> Option<String> {
        if channel == Channel::Instrument {
            return Some(encode::instruments(&Market::pairs(self)));
        }
        let pair = self.pair(symbol)?;
        Some(match channel {
            Channel::Book(depth) => {
                let truth = self.ladder(symbol)?;
                self.views().snapshot(symbol, depth, &truth, has_others, &self.time())
            }
            Channel::Trade => {
                let prints = self.prints(symbol, SNAPSHOT_TRADES);
                let entries: Vec<String> = prints.iter().map(|print| encode::trade(&pair, print)).collect();
                encode::frame("trade", Kind::Snapshot, &entries)
            }
            Channel::Ticker => encode::frame("ticker", Kind::Snapshot, &[encode::ticker(self, &pair)?]),
            Channel::Ohlc(minutes) => {
                let query =
                    BarQuery { length_ms: minutes * 60_000, start_ms: None, end_ms: None, limit: SNAPSHOT_BARS };
                let bars = self.bars(symbol, &query);
                let entries: Vec<String> = bars.iter().map(|bar| encode::bar(&pair, minutes, bar)).collect();
                encode::ohlc_frame(Kind::Snapshot, self.now(), &entries)
            }
            Channel::Instrument => return None,
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
            let (channel, symbol) = Channel::of_stream(stream)?;
            let (text, id) = self.frame(channel, symbol, slot)?;
            Some(Arc::new(Frame::whole(stream.clone(), text, id)))
        };
        wanted.iter().filter_map(frame).collect()
    }

    /// At a slot where asked, as the log of sent frames numbers book frames.
    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value> {
        let slot = at.unwrap_or_else(|| self.pairs.market.slot());
        Some(shown_book(symbol, &self.pairs.ladder_at(symbol, slot)?, depth, 0))
    }

    fn top(&self, symbol: &str) -> Option<Value> {
        let (bids, asks) = self.ladder(symbol)?.top(1);
        Some(json!({ "symbol": symbol, "bid": bids.first(), "ask": asks.first() }))
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let minutes: i64 = interval.parse().ok().filter(|minutes| *minutes > 0)?;
        let query = BarQuery { length_ms: minutes * 60_000, start_ms: None, end_ms: None, limit: SHOWN_BARS };
        Some(market::shown_bars(symbol, interval, &self.bars(symbol, &query)))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}
