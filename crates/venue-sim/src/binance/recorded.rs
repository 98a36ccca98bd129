//! A market from recordings: frames with their streams, the REST answers among them, and the oracle that follows.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::bail;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    REQUIRED_KEYS, exchange_info, fixed,
    market::{self, Depth, Market},
    note::{self, Note},
    oracle::{Oracle, TrueBook},
};
use crate::{
    bars::{self, Bar, BarQuery, Print},
    config::Steps,
    ladder::Row,
    recording::{RecordedAnswer, RecordedFrame, Recording},
    steps::Tally,
    venue::{Backend, Frame},
};

/// The envelope of combined connections.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// A recorded market.
pub(super) struct RecordedMarket {
    /// When each frame is due.
    due: Vec<Duration>,
    frames: Vec<Arc<Frame>>,
    /// What each frame means, and its venue time.
    notes: Vec<(Note, Option<i64>)>,
    /// The first book of each symbol that the recording holds.
    snapshots: BTreeMap<String, TrueBook>,
    /// Symbols recorded with aggregated trades only.
    aggregated: BTreeSet<String>,
    exchange_info: Value,
    oracle: Mutex<Oracle>,
}

impl RecordedMarket {
    /// Reads a recording's frames and answers.
    pub(super) fn new(recording: &Recording, steps: &Steps) -> anyhow::Result<Self> {
        let (mut due, mut frames, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut single, mut aggregated) = (BTreeSet::new(), BTreeSet::new());
        for recorded in &recording.frames {
            let Some((frame, note, event_ms)) = read(recorded) else { continue };
            if let Note::Print { symbol, is_aggregate, .. } = &note {
                if *is_aggregate { &mut aggregated } else { &mut single }.insert(symbol.clone());
            }
            due.push(recorded.at);
            frames.push(Arc::new(frame));
            notes.push((note, event_ms));
        }
        if frames.is_empty() {
            bail!("the recording holds no frame of a known stream");
        }
        let mut snapshots = BTreeMap::new();
        for (symbol, book) in recording.answers.iter().filter_map(snapshot) {
            snapshots.entry(symbol).or_insert(book);
        }
        let recorded_info = recording.answers.iter().find(|answer| answer.url.contains("/api/v3/exchangeInfo"));
        let exchange_info = recorded_info
            .and_then(|answer| serde_json::from_str(&answer.body).ok())
            .unwrap_or_else(|| worked_out_info(&notes, &snapshots, steps));
        let oracle = Mutex::new(Oracle::new(snapshots.clone()));
        Ok(Self { due, frames, notes, snapshots, aggregated: &aggregated - &single, exchange_info, oracle })
    }

    fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The book as it was when its last update was `at`, or the last one before.
    fn book_at(&self, symbol: &str, at: u64) -> Option<TrueBook> {
        self.oracle().find(symbol)?;
        let mut book = self.snapshots.get(symbol).cloned().unwrap_or_default();
        for (note, _) in &self.notes {
            if let Note::Depth { symbol: whose, first, last, bids, asks } = note
                && whose == symbol
                && *last <= at
            {
                book.apply(*first, *last, bids, asks);
            }
        }
        Some(book)
    }
}

/// The frame as clients get it, what it means, and its venue time; `None` for acknowledgements and the unknown.
fn read(recorded: &RecordedFrame) -> Option<(Frame, Note, Option<i64>)> {
    let text = &recorded.text;
    let (stream, wrapped, bare) = match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(envelope) => {
            let data = envelope.data.get();
            let start = data.as_ptr().addr() - text.as_ptr().addr();
            (envelope.stream.into_owned(), text.clone(), start..start + data.len())
        }
        Err(_) => {
            let event: Value = serde_json::from_str(text).ok()?;
            let stream = note::derived_stream(&event, recorded.url.as_deref())?;
            let head = format!("{{\"stream\":{},\"data\":", Value::from(stream.as_str()));
            let bare = head.len()..head.len() + text.len();
            (stream, format!("{head}{text}}}"), bare)
        }
    };
    let event: Value = serde_json::from_str(wrapped.get(bare.clone())?).ok()?;
    let note = Note::read(&event);
    let event_ms = event.get("E").and_then(Value::as_i64);
    let frame = Frame::with_part(stream.into(), wrapped, bare, note.id())?;
    Some((frame, note, event_ms))
}

/// The book of a recorded REST answer.
fn snapshot(answer: &RecordedAnswer) -> Option<(String, TrueBook)> {
    let (path, query) = answer.url.split_once('?')?;
    let symbol = query.split('&').find_map(|pair| pair.strip_prefix("symbol=")).filter(|_| path.ends_with("/depth"))?;
    let body: Value = serde_json::from_str(&answer.body).ok()?;
    let (bids, asks) = (note::rows(body.get("bids")?)?, note::rows(body.get("asks")?)?);
    Some((symbol.to_owned(), TrueBook::from_snapshot(body.get("lastUpdateId")?.as_u64()?, &bids, &asks)))
}

/// Symbols and steps from all numbers in the recording.
fn worked_out_info(notes: &[(Note, Option<i64>)], snapshots: &BTreeMap<String, TrueBook>, steps: &Steps) -> Value {
    let mut numbers: BTreeMap<&str, (Tally, Tally)> = BTreeMap::new();
    let mut see = |symbol, rows: &[Row]| {
        let (prices, sizes) = numbers.entry(symbol).or_default();
        rows.iter().filter_map(|row| fixed::parse(&row.0)).for_each(|price| prices.add(price));
        rows.iter().filter_map(|row| fixed::parse(&row.1)).for_each(|size| sizes.add(size));
    };
    for (symbol, book) in snapshots {
        let whole = book.depth(usize::MAX);
        see(symbol, &whole.bids);
        see(symbol, &whole.asks);
    }
    for (note, _) in notes {
        match note {
            Note::Depth { symbol, bids, asks, .. } => {
                see(symbol, bids);
                see(symbol, asks);
            }
            Note::Ticker { symbol, bid, ask, .. } => see(symbol, &[bid.clone(), ask.clone()]),
            Note::Print { symbol, print, .. } => {
                see(symbol, &[(fixed::show(print.price), fixed::show(print.quantity))]);
            }
            Note::Other => {}
        }
    }
    let entries: Vec<exchange_info::Entry> = numbers
        .into_iter()
        .map(|(symbol, (prices, sizes))| {
            let decimals = steps.or_seen(symbol, prices.decimals(), sizes.decimals());
            exchange_info::Entry::of(symbol, decimals)
        })
        .collect();
    let now_ms = notes.iter().find_map(|(_, event_ms)| *event_ms).unwrap_or(0);
    exchange_info::body(&entries, now_ms)
}

impl Market for RecordedMarket {
    fn exchange_info(&self) -> Value {
        self.exchange_info.clone()
    }

    fn symbols(&self) -> Vec<String> {
        let named: BTreeSet<&str> = self
            .notes
            .iter()
            .filter_map(|(note, _)| note.symbol())
            .chain(self.snapshots.keys().map(String::as_str))
            .collect();
        named.into_iter().map(str::to_owned).collect()
    }

    fn depth(&self, symbol: &str, limit: usize) -> Option<Depth> {
        Some(self.oracle().find(symbol)?.book.depth(limit))
    }

    fn prints(&self, symbol: &str, limit: usize) -> Option<Vec<Print>> {
        let oracle = self.oracle();
        let prints = &oracle.find(symbol)?.prints;
        Some(prints.iter().skip(prints.len().saturating_sub(limit)).cloned().collect())
    }

    fn klines(&self, symbol: &str, query: &BarQuery) -> Option<Vec<Bar>> {
        Some(bars::bars(&self.oracle().find(symbol)?.prints, query))
    }

    fn day(&self, symbol: &str) -> Option<Bar> {
        bars::day_bar(&self.oracle().find(symbol)?.prints)
    }

    fn now_ms(&self) -> i64 {
        self.oracle().now_ms
    }
}

impl Backend for RecordedMarket {
    fn due(&self) -> Option<&[Duration]> {
        Some(&self.due)
    }

    fn play(&self, frame_idx: usize, _wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        if let Some((note, event_ms)) = self.notes.get(frame_idx) {
            let wants_aggregates = note.symbol().is_some_and(|symbol| self.aggregated.contains(symbol));
            self.oracle().learn(note, *event_ms, wants_aggregates);
        }
        self.frames.get(frame_idx).cloned().into_iter().collect()
    }

    fn reset(&self) {
        *self.oracle() = Oracle::new(self.snapshots.clone());
    }

    fn advance(&self, _slot: u64, _wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value> {
        let seen = match at {
            Some(at) => self.book_at(symbol, at)?.depth(depth),
            None => Market::depth(self, symbol, depth)?,
        };
        Some(shown_book(symbol, &seen))
    }

    fn top(&self, symbol: &str) -> Option<Value> {
        let oracle = self.oracle();
        let state = oracle.find(symbol)?;
        let top = state.book.depth(1);
        let ticker =
            state.ticker.as_ref().map(|(update_id, bid, ask)| json!({ "u": update_id, "bid": bid, "ask": ask }));
        Some(json!({
            "symbol": symbol,
            "lastUpdateId": top.last_update_id,
            "bid": top.bids.first(),
            "ask": top.asks.first(),
            "bookTicker": ticker,
        }))
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let length_ms = market::interval_ms(interval)?;
        let bars = bars::traded_bars(&self.oracle().find(symbol)?.prints, length_ms);
        Some(shown_bars(symbol, interval, bars.values()))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}

/// A book as the control endpoint shows it.
pub(super) fn shown_book(symbol: &str, seen: &Depth) -> Value {
    json!({
        "symbol": symbol,
        "lastUpdateId": seen.last_update_id,
        "n_bids": seen.n_bids,
        "n_asks": seen.n_asks,
        "n_gaps": seen.n_gaps,
        "bids": seen.bids,
        "asks": seen.asks,
    })
}

/// Bars as the control endpoint shows them: only those with trades, oldest first.
pub(super) fn shown_bars<'a>(symbol: &str, interval: &str, bars: impl Iterator<Item = &'a Bar>) -> Value {
    let row = |bar: &Bar| {
        let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(fixed::show);
        json!([bar.open_ms, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]])
    };
    json!({ "symbol": symbol, "interval": interval, "bars": bars.map(row).collect::<Vec<_>>() })
}
