//! A market from recordings: the oracle that follows them, and what new readers are told.
//!
//! The first snapshot of every stream is the state at the start and is not played: whoever subscribes gets one made from
//! the state of the moment, at any time and as often as wanted. Numbers of frames are made anew for each connection.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::bail;
use model::time::Timestamp;
use serde_json::{Value, json};

use super::{
    Feed, REQUIRED_KEYS,
    channel::Channel,
    decode::{self, Note, Piece},
    encode, shown_book,
};
use crate::{
    bars::{self, Bar, BarQuery, Print},
    config::Steps,
    fixed,
    ladder::Ladder,
    market::{self, Market, Pair},
    recording::Recording,
    steps::Tally,
    venue::{Backend, Frame},
};

/// Trades in a snapshot.
const SNAPSHOT_TRADES: usize = 50;

/// A recorded market.
pub(super) struct RecordedFeed {
    recording: Recording,
    due: Vec<Duration>,
    pieces: Vec<Piece>,
    pairs: Vec<Pair>,
    /// The state before the first frame.
    initial: State,
    state: Mutex<State>,
}

/// The true state after every frame played so far.
#[derive(Clone, Debug, Default)]
struct State {
    by_product: BTreeMap<String, Known>,
    now: Timestamp,
}

/// One product's.
#[derive(Clone, Debug, Default)]
struct Known {
    ladder: Option<Ladder>,
    /// Oldest first.
    prints: Vec<Print>,
    /// The last trades as they stood, newest first.
    trades: VecDeque<String>,
    /// By channel.
    tickers: BTreeMap<Channel, String>,
    /// By start.
    candles: BTreeMap<u64, String>,
}

impl RecordedFeed {
    /// Reads a recording's frames.
    pub(super) fn new(recording: Recording, steps: &Steps) -> anyhow::Result<Self> {
        let (mut initial, mut due, mut pieces) = (State::default(), Vec::new(), Vec::new());
        let (mut begun, mut tallies) = (BTreeSet::new(), BTreeMap::<String, (Tally, Tally)>::new());
        for frame in &recording.frames {
            for piece in decode::read(&frame.text) {
                count(tallies.entry(piece.product.clone()).or_default(), &piece.note);
                if begun.insert(piece.frame.stream.clone()) && piece.is_snapshot {
                    initial.learn(&piece);
                } else {
                    due.push(frame.at);
                    pieces.push(piece);
                }
            }
        }
        if tallies.is_empty() {
            bail!("the recording holds no frame of a known channel");
        }
        let pairs = market::recorded_pairs(&tallies, '-', steps);
        Ok(Self { due, pieces, pairs, state: Mutex::new(initial.clone()), initial, recording })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count((prices, quantities): &mut (Tally, Tally), note: &Note) {
    match note {
        Note::Level2 { bids, asks } => {
            for (price, quantity) in bids.iter().chain(asks) {
                fixed::parse(price).into_iter().for_each(|price| prices.add(price));
                fixed::parse(quantity).into_iter().for_each(|quantity| quantities.add(quantity));
            }
        }
        Note::Trades(trades) => {
            for (print, _) in trades {
                prices.add(print.price);
                quantities.add(print.quantity);
            }
        }
        Note::Ticker(_) | Note::Candles(_) | Note::Other => {}
    }
}

impl State {
    fn learn(&mut self, piece: &Piece) {
        self.now = self.now.max(piece.time);
        let known = self.by_product.entry(piece.product.clone()).or_default();
        match &piece.note {
            Note::Level2 { bids, asks } => {
                if piece.is_snapshot {
                    known.ladder = Some(Ladder::default());
                }
                // Before its snapshot a book is not known.
                if let Some(ladder) = &mut known.ladder {
                    ladder.set(bids, asks);
                }
            }
            Note::Trades(trades) => {
                for (print, text) in trades.iter().rev() {
                    known.prints.push(print.clone());
                    known.trades.push_front(text.clone());
                    known.trades.truncate(SNAPSHOT_TRADES);
                }
            }
            Note::Ticker(text) => {
                known.tickers.insert(piece.channel, text.clone());
            }
            Note::Candles(candles) => known.candles.extend(candles.iter().cloned()),
            Note::Other => {}
        }
    }
}

impl Feed for RecordedFeed {
    fn snapshot(&self, channel: Channel, product: &str, _has_others: bool) -> Option<String> {
        if channel == Channel::Status {
            return Some(encode::status("snapshot", &[self.pair(product)?]));
        }
        let state = self.state();
        let known = state.by_product.get(product)?;
        let list = |name: &str, texts: Vec<&str>| {
            (!texts.is_empty()).then(|| format!(r#"[{{"type":"snapshot","{name}":[{}]}}]"#, texts.join(",")))
        };
        match channel {
            Channel::Level2 => {
                let ladder = known.ladder.as_ref()?;
                Some(encode::level2("snapshot", product, &ladder.top(usize::MAX), state.now))
            }
            Channel::MarketTrades => list("trades", known.trades.iter().map(String::as_str).collect()),
            Channel::Ticker | Channel::TickerBatch => {
                list("tickers", known.tickers.get(&channel).map(String::as_str).into_iter().collect())
            }
            Channel::Candles => list("candles", known.candles.values().map(String::as_str).collect()),
            Channel::Status | Channel::Heartbeats => None,
        }
    }
}

impl Market for RecordedFeed {
    fn pairs(&self) -> Vec<Pair> {
        self.pairs.clone()
    }

    fn ladder(&self, symbol: &str) -> Option<Ladder> {
        self.state().by_product.get(symbol)?.ladder.clone()
    }

    fn prints(&self, symbol: &str, limit: usize) -> Vec<Print> {
        let state = self.state();
        let Some(known) = state.by_product.get(symbol) else { return Vec::new() };
        known.prints.iter().skip(known.prints.len().saturating_sub(limit)).cloned().collect()
    }

    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar> {
        self.state().by_product.get(symbol).map(|known| market::traded(&known.prints, query)).unwrap_or_default()
    }

    fn day(&self, symbol: &str) -> Option<Bar> {
        bars::day_bar(&self.state().by_product.get(symbol)?.prints)
    }

    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn recorded(&self, path_end: &str, parameters: &[(&str, &str)]) -> Option<String> {
        self.recording.answer(path_end, parameters).map(str::to_owned)
    }
}

impl Backend for RecordedFeed {
    fn due(&self) -> Option<&[Duration]> {
        Some(&self.due)
    }

    fn play(&self, frame_idx: usize, _wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        let Some(piece) = self.pieces.get(frame_idx) else { return Vec::new() };
        self.state().learn(piece);
        vec![piece.frame.clone()]
    }

    fn reset(&self) {
        *self.state() = self.initial.clone();
    }

    fn advance(&self, _slot: u64, _wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    /// Only now: a connection's numbers are its own.
    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value> {
        let ladder = self.ladder(symbol).filter(|_| at.is_none())?;
        Some(shown_book(symbol, &ladder, depth))
    }

    fn top(&self, symbol: &str) -> Option<Value> {
        let (bids, asks) = self.ladder(symbol)?.top(1);
        Some(json!({ "symbol": symbol, "bid": bids.first(), "ask": asks.first() }))
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let length_ms = interval.parse::<i64>().ok().filter(|minutes| *minutes > 0)? * 60_000;
        let built = bars::traded_bars(&self.state().by_product.get(symbol)?.prints, length_ms);
        Some(market::shown_bars(symbol, interval, &built.into_values().collect::<Vec<_>>()))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}
