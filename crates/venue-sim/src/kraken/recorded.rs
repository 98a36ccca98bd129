//! A market from recordings: the oracle that follows them, and the frames that each depth gets.
//!
//! The first snapshot of every stream is the state at the start and is not played: whoever subscribes gets one made from
//! the state of the moment, at any time and as often as wanted. Readers of the recorded depth get the recorded frames;
//! readers of other depths get updates that follow from the same book.

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
    channel::{Channel, DEPTHS, INTERVALS},
    checksum::checksum,
    decode::{self, Note, Piece},
    encode::{self, Kind},
    shown_book,
    views::Views,
};
use crate::{
    bars::{self, Bar, BarQuery, Print},
    config::Steps,
    ladder::Ladder,
    market::{self, Market, Pair},
    moment,
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
    /// Bars that the recording has frames of; others are built from its trades.
    recorded_bars: BTreeSet<(String, i64)>,
    /// The state before the first frame.
    initial: State,
    state: Mutex<State>,
}

/// The true state after every frame played so far.
#[derive(Clone, Debug, Default)]
struct State {
    by_symbol: BTreeMap<String, Known>,
    views: Views,
    now: Timestamp,
}

/// One symbol's.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Depth of the recorded book.
    depth: usize,
    ladder: Option<Ladder>,
    /// Recorded checksums that were not the oracle's own.
    n_bad_checksums: u64,
    /// Oldest first.
    prints: Vec<Print>,
    /// The last trades as they stood, oldest first.
    trades: VecDeque<String>,
    ticker: Option<String>,
    /// Text of each bar by its begin, by minutes.
    bars: BTreeMap<i64, BTreeMap<String, String>>,
}

impl RecordedFeed {
    /// Reads a recording's frames.
    pub(super) fn new(recording: Recording, steps: &Steps) -> anyhow::Result<Self> {
        let (mut initial, mut due, mut pieces) = (State::default(), Vec::new(), Vec::new());
        let mut depths: BTreeMap<String, usize> = BTreeMap::new();
        for (symbol, depth) in recording.frames.iter().filter_map(|frame| decode::acknowledged_depth(&frame.text)) {
            depths.entry(symbol).or_insert(depth);
        }
        let mut begun = BTreeSet::new();
        let mut tallies: BTreeMap<String, (Tally, Tally)> = BTreeMap::new();
        let mut recorded_bars = BTreeSet::new();
        for frame in &recording.frames {
            for piece in decode::read(&frame.text) {
                count(&mut tallies, &piece);
                let known = initial.by_symbol.entry(piece.symbol.clone()).or_default();
                if let Note::Book { bids, asks, .. } = &piece.note
                    && known.depth == 0
                {
                    let n_rows = bids.len().max(asks.len());
                    let wide_enough = DEPTHS.into_iter().find(|depth| *depth >= n_rows).unwrap_or(DEPTHS[4]);
                    known.depth = depths.get(&piece.symbol).copied().unwrap_or(wide_enough);
                }
                if let Note::Bars(minutes, _) = &piece.note {
                    recorded_bars.insert((piece.symbol.clone(), *minutes));
                }
                let stream = piece.channel(known.depth).stream(&piece.symbol);
                if begun.insert(stream) && piece.is_snapshot {
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
        if initial.now == Timestamp::EPOCH {
            initial.now = pieces.iter().find_map(Piece::time).unwrap_or_default();
        }
        let pairs = market::recorded_pairs(&tallies, '/', steps);
        Ok(Self { due, pieces, pairs, recorded_bars, state: Mutex::new(initial.clone()), initial, recording })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bars of a symbol whose frames the recording lacks, after new trades.
    fn built_bars(&self, symbol: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        let Some(pair) = self.pair(symbol) else { return Vec::new() };
        let lacking =
            INTERVALS.into_iter().filter(|minutes| !self.recorded_bars.contains(&(symbol.to_owned(), *minutes)));
        lacking
            .filter_map(|minutes| {
                let stream = Channel::Ohlc(minutes).stream(symbol);
                if !wanted(&stream) {
                    return None;
                }
                let state = self.state();
                let prints = &state.by_symbol.get(symbol)?.prints;
                let length_ms = minutes * 60_000;
                let begin_ms = prints.last()?.time_ms.div_euclid(length_ms) * length_ms;
                let n_inside = prints.iter().rev().take_while(|print| print.time_ms >= begin_ms).count();
                let inside = prints.get(prints.len() - n_inside..)?;
                let (_, bar) = bars::traded_bars(inside, length_ms).pop_last()?;
                let text = encode::ohlc_frame(Kind::Update, state.now, &[encode::bar(&pair, minutes, &bar)]);
                Some(Arc::new(Frame::whole(stream.into(), text, None)))
            })
            .collect()
    }
}

/// Decimals as they are shown: the venue writes them all.
fn count(tallies: &mut BTreeMap<String, (Tally, Tally)>, piece: &Piece) {
    let (prices, quantities) = tallies.entry(piece.symbol.clone()).or_default();
    match &piece.note {
        Note::Book { bids, asks, .. } => {
            for (price, quantity) in bids.iter().chain(asks) {
                prices.add_text(price);
                quantities.add_text(quantity);
            }
        }
        Note::Trades(trades) => {
            for (_, text) in trades {
                let trade: BTreeMap<String, &serde_json::value::RawValue> =
                    serde_json::from_str(text).unwrap_or_default();
                trade.get("price").into_iter().for_each(|price| prices.add_text(price.get()));
                trade.get("qty").into_iter().for_each(|quantity| quantities.add_text(quantity.get()));
            }
        }
        Note::Ticker(_) | Note::Bars(..) => {}
    }
}

impl State {
    fn learn(&mut self, piece: &Piece) {
        self.now = self.now.max(piece.time().unwrap_or_default());
        let known = self.by_symbol.entry(piece.symbol.clone()).or_default();
        match &piece.note {
            Note::Book { bids, asks, checksum: recorded, .. } => {
                if piece.is_snapshot {
                    known.ladder = Some(Ladder::default());
                }
                // Before its snapshot a book is not known.
                let Some(ladder) = &mut known.ladder else { return };
                ladder.set(bids, asks);
                ladder.cut(known.depth);
                if recorded.is_some_and(|recorded| recorded != checksum(ladder)) {
                    known.n_bad_checksums += 1;
                }
            }
            Note::Trades(trades) => {
                for (print, text) in trades {
                    known.prints.push(print.clone());
                    known.trades.push_back(text.clone());
                    if known.trades.len() > SNAPSHOT_TRADES {
                        known.trades.pop_front();
                    }
                }
            }
            Note::Ticker(text) => known.ticker = Some(text.clone()),
            Note::Bars(minutes, bars) => {
                let own = known.bars.entry(*minutes).or_default();
                own.extend(bars.iter().cloned());
            }
        }
    }

    /// The frames of a book's readers after `piece`.
    fn book_frames(&mut self, piece: &Piece, wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        let Self { by_symbol, views, now } = self;
        let symbol = piece.symbol.as_str();
        let Some((known, ladder)) = by_symbol.get(symbol).and_then(|known| Some((known, known.ladder.as_ref()?)))
        else {
            return Vec::new();
        };
        let time = moment::show(*now, 6);
        let frame = |depth: usize| {
            let stream = Channel::Book(depth).stream(symbol);
            if !wanted(&stream) {
                return None;
            }
            let text = if depth == known.depth {
                piece.text.clone()
            } else if piece.is_snapshot {
                views.snapshot(symbol, depth, ladder, false, &time)
            } else {
                views.update(symbol, depth, ladder, &time)?
            };
            Some(Arc::new(Frame::whole(stream.into(), text, None)))
        };
        DEPTHS.into_iter().filter_map(frame).collect()
    }
}

impl Feed for RecordedFeed {
    fn snapshot(&self, channel: Channel, symbol: &str, has_others: bool) -> Option<String> {
        if channel == Channel::Instrument {
            return Some(encode::instruments(&self.pairs));
        }
        let mut state = self.state();
        let State { by_symbol, views, now } = &mut *state;
        let known = by_symbol.get(symbol)?;
        match channel {
            Channel::Book(depth) => {
                let (truth, time) = (known.ladder.as_ref()?, moment::show(*now, 6));
                if depth == known.depth {
                    return Some(encode::book(Kind::Snapshot, symbol, &truth.top(depth), truth, &time));
                }
                Some(views.snapshot(symbol, depth, truth, has_others, &time))
            }
            Channel::Trade => {
                let trades: Vec<String> = known.trades.iter().cloned().collect();
                (!trades.is_empty()).then(|| encode::frame("trade", Kind::Snapshot, &trades))
            }
            Channel::Ticker => known.ticker.clone().map(|text| encode::frame("ticker", Kind::Snapshot, &[text])),
            Channel::Ohlc(minutes) => {
                let now = *now;
                let entries: Vec<String> = match known.bars.get(&minutes) {
                    Some(recorded) => recorded.values().cloned().collect(),
                    None => {
                        let pair = self.pair(symbol)?;
                        let built = bars::traded_bars(&known.prints, minutes * 60_000);
                        built.values().map(|bar| encode::bar(&pair, minutes, bar)).collect()
                    }
                };
                (!entries.is_empty()).then(|| encode::ohlc_frame(Kind::Snapshot, now, &entries))
            }
            Channel::Instrument => None,
        }
    }
}

impl Market for RecordedFeed {
    fn pairs(&self) -> Vec<Pair> {
        self.pairs.clone()
    }

    fn ladder(&self, symbol: &str) -> Option<Ladder> {
        self.state().by_symbol.get(symbol)?.ladder.clone()
    }

    fn prints(&self, symbol: &str, limit: usize) -> Vec<Print> {
        let state = self.state();
        let Some(known) = state.by_symbol.get(symbol) else { return Vec::new() };
        known.prints.iter().skip(known.prints.len().saturating_sub(limit)).cloned().collect()
    }

    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar> {
        self.state().by_symbol.get(symbol).map(|known| market::traded(&known.prints, query)).unwrap_or_default()
    }

    fn day(&self, symbol: &str) -> Option<Bar> {
        bars::day_bar(&self.state().by_symbol.get(symbol)?.prints)
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

    fn play(&self, frame_idx: usize, wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        let Some(piece) = self.pieces.get(frame_idx) else { return Vec::new() };
        let mut state = self.state();
        state.learn(piece);
        match &piece.note {
            Note::Book { .. } => state.book_frames(piece, wanted),
            note => {
                drop(state);
                let stream = piece.channel(0).stream(&piece.symbol);
                let id = match note {
                    Note::Trades(trades) => trades.last().map(|(print, _)| print.id),
                    _ => None,
                };
                let own = Arc::new(Frame::whole(stream.into(), piece.text.clone(), id));
                let built =
                    if matches!(note, Note::Trades(_)) { self.built_bars(&piece.symbol, wanted) } else { vec![] };
                std::iter::once(own).chain(built).collect()
            }
        }
    }

    fn reset(&self) {
        *self.state() = self.initial.clone();
    }

    fn advance(&self, _slot: u64, _wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    /// Only now: books of this venue have no numbers to ask for.
    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value> {
        let state = self.state();
        let known = state.by_symbol.get(symbol).filter(|_| at.is_none())?;
        Some(shown_book(symbol, known.ladder.as_ref()?, depth, known.n_bad_checksums))
    }

    fn top(&self, symbol: &str) -> Option<Value> {
        let (bids, asks) = self.ladder(symbol)?.top(1);
        Some(json!({ "symbol": symbol, "bid": bids.first(), "ask": asks.first() }))
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let minutes: i64 = interval.parse().ok().filter(|minutes| *minutes > 0)?;
        let state = self.state();
        let built = bars::traded_bars(&state.by_symbol.get(symbol)?.prints, minutes * 60_000);
        Some(market::shown_bars(symbol, interval, &built.into_values().collect::<Vec<_>>()))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}
