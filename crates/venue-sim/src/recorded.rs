//! A market from recordings: an oracle that follows them frame by frame.
//!
//! Tests compare the product's books with this one, so it shares neither parser nor book with the product: a [`Ladder`]
//! for each symbol, and the rules of the venue's documentation. Faults never reach it. The first snapshot of every
//! stream is the initial state and is not played: each subscriber gets one made from the current state, at any time and
//! as often as requested. Not here: parsing of a venue's frames (its `decode`).

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use anyhow::bail;
use model::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    bars::{self, Bar, BarQuery, Print},
    config::Steps,
    fixed,
    ladder::{Ladder, Row},
    market::{Market, Pair, Played, PlayedKind, RecordedBook},
    recording::{RecordedAnswer, Recording},
    steps::Tally,
    venue::Frame,
};

/// Trades in a snapshot.
const SNAPSHOT_TRADES: usize = 50;

/// A recorded frame, or the part of one that is about one symbol.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// Time at which it is due.
    pub(crate) at: Duration,
    pub(crate) symbol: String,
    pub(crate) is_snapshot: bool,
    /// The venue's time in it, if it has one.
    pub(crate) time: Option<Timestamp>,
    pub(crate) frame: Arc<Frame>,
    pub(crate) note: Note,
}

/// The content of a piece.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    Book(BookNote),
    /// Oldest first, each with its text if snapshots repeat it.
    Trades(Vec<(Print, String)>),
    /// Best bid and ask at an update id.
    Top(u64, Row, Row),
    /// The text of each entry under its key; a newer entry replaces an older one.
    Entries(Vec<(String, String)>),
    Other,
}

/// A piece's content about a book.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BookNote {
    pub(crate) bids: Vec<Row>,
    pub(crate) asks: Vec<Row>,
    /// Rows a side that the recording follows.
    pub(crate) depth: usize,
    /// Numbers of the first and the last change, on venues that number them.
    pub(crate) ids: Option<(u64, u64)>,
    pub(crate) checksum: Option<u32>,
}

/// Counts the decimals of all numbers, to derive the steps.
#[derive(Debug)]
pub(crate) struct Tallies {
    by_symbol: BTreeMap<String, (Tally, Tally)>,
    /// True if the venue writes all decimals of a step.
    is_padded: bool,
}

impl Tallies {
    /// Creates an empty tally.
    pub(crate) fn new(is_padded: bool) -> Self {
        Self { by_symbol: BTreeMap::new(), is_padded }
    }

    fn add(&self, tally: &mut Tally, text: &str) {
        if self.is_padded {
            tally.add_text(text);
        } else if let Some(value) = fixed::parse(text) {
            tally.add(value);
        }
    }

    /// Counts a price and a quantity.
    pub(crate) fn see(&mut self, symbol: &str, price: &str, quantity: &str) {
        let (mut prices, mut quantities) = self.by_symbol.remove(symbol).unwrap_or_default();
        self.add(&mut prices, price);
        self.add(&mut quantities, quantity);
        self.by_symbol.insert(symbol.to_owned(), (prices, quantities));
    }
}

/// Functions that read a venue's recordings.
pub(crate) struct Reader {
    /// The pieces of all frames, in order.
    pub(crate) read: fn(&Recording, &mut Tallies) -> Vec<Piece>,
    /// Base and quote of a symbol.
    pub(crate) split: fn(&str) -> (String, String),
    /// True if the venue writes all decimals of a step.
    pub(crate) is_padded: bool,
    /// The checksum of a book, if frames have one.
    pub(crate) checksum: Option<fn(&Ladder) -> u32>,
}

/// A recorded market.
pub(crate) struct RecordedMarket {
    answers: Vec<RecordedAnswer>,
    due: Arc<[Duration]>,
    pieces: Vec<Piece>,
    pairs: Vec<Pair>,
    streams: BTreeSet<Arc<str>>,
    checksum: Option<fn(&Ladder) -> u32>,
    /// The state before the first frame.
    initial: State,
    state: State,
}

/// The true state after every frame played so far.
#[derive(Clone, Debug, Default)]
struct State {
    by_symbol: BTreeMap<String, SymbolState>,
    by_stream: BTreeMap<Arc<str>, Entries>,
    now: Timestamp,
}

/// One symbol's state.
#[derive(Clone, Debug, Default)]
struct SymbolState {
    ladder: Option<Ladder>,
    update_id: Option<u64>,
    book: RecordedBook,
    /// Oldest first.
    prints: Vec<Print>,
}

/// Texts for the snapshots of a stream.
#[derive(Clone, Debug, Default)]
struct Entries {
    /// The latest ones, oldest first.
    trades: VecDeque<String>,
    by_key: BTreeMap<String, String>,
}

impl RecordedMarket {
    /// Reads a recording.
    ///
    /// # Errors
    /// A recording without any frame of a known stream.
    pub(crate) fn new(recording: Recording, reader: &Reader, steps: &Steps) -> anyhow::Result<Self> {
        let mut tallies = Tallies::new(reader.is_padded);
        let (mut initial, mut pieces) = (State::default(), Vec::new());
        let mut streams = BTreeSet::new();
        for piece in (reader.read)(&recording, &mut tallies) {
            match &piece.note {
                Note::Book(book) => {
                    let rows = book.bids.iter().chain(&book.asks);
                    rows.for_each(|(price, quantity)| tallies.see(&piece.symbol, price, quantity));
                }
                Note::Top(_, bid, ask) => {
                    [bid, ask].iter().for_each(|(price, quantity)| tallies.see(&piece.symbol, price, quantity));
                }
                _ => {}
            }
            if streams.insert(piece.frame.stream.clone()) && piece.is_snapshot {
                initial.learn(&piece, reader.checksum);
            } else {
                pieces.push(piece);
            }
        }
        if streams.is_empty() {
            bail!("the recording has no frame of a known stream");
        }
        if initial.now == Timestamp::EPOCH {
            initial.now = pieces.iter().find_map(|piece| piece.time).unwrap_or_default();
        }
        let pair = |(symbol, (prices, quantities)): (&String, &(Tally, Tally))| {
            let (base, quote) = (reader.split)(symbol);
            let (price_decimals, quantity_decimals) = steps.or_seen(symbol, prices.decimals(), quantities.decimals());
            Pair { symbol: symbol.clone(), base, quote, price_decimals, quantity_decimals }
        };
        Ok(Self {
            answers: recording.answers,
            due: pieces.iter().map(|piece| piece.at).collect(),
            pieces,
            pairs: tallies.by_symbol.iter().map(pair).collect(),
            streams,
            checksum: reader.checksum,
            state: initial.clone(),
            initial,
        })
    }

    fn find(&self, symbol: &str) -> Option<&SymbolState> {
        self.state.by_symbol.get(symbol)
    }
}

impl SymbolState {
    /// Updates a book by the venue's rules; a frame entirely older than the book changes nothing.
    fn follow(&mut self, note: &BookNote, is_snapshot: bool, checksum: Option<fn(&Ladder) -> u32>) {
        if is_snapshot {
            (self.ladder, self.update_id) = (Some(Ladder::default()), None);
        }
        if let Some((first, last)) = note.ids {
            if self.update_id.is_some_and(|own| last <= own) {
                return;
            }
            self.book.n_gaps += u64::from(self.update_id.is_some_and(|own| first > own + 1));
            self.update_id = Some(last);
            self.ladder.get_or_insert_default();
        }
        // Without numbers a book is unknown before its snapshot.
        let Some(ladder) = &mut self.ladder else { return };
        ladder.set(&note.bids, &note.asks);
        ladder.cut(note.depth);
        if let (Some(recorded), Some(checksum)) = (note.checksum, checksum) {
            self.book.n_bad_checksums += u64::from(recorded != checksum(ladder));
        }
    }
}

impl State {
    fn learn(&mut self, piece: &Piece, checksum: Option<fn(&Ladder) -> u32>) {
        self.now = self.now.max(piece.time.unwrap_or_default());
        let symbol = self.by_symbol.entry(piece.symbol.clone()).or_default();
        match &piece.note {
            Note::Book(note) => symbol.follow(note, piece.is_snapshot, checksum),
            Note::Trades(trades) => {
                symbol.prints.extend(trades.iter().map(|(print, _)| print.clone()));
                let own = &mut self.by_stream.entry(piece.frame.stream.clone()).or_default().trades;
                own.extend(trades.iter().map(|(_, text)| text.clone()));
                own.drain(..own.len().saturating_sub(SNAPSHOT_TRADES));
            }
            Note::Top(update_id, bid, ask) => {
                symbol.book.ticker = Some((*update_id, bid.clone(), ask.clone()));
            }
            Note::Entries(entries) => {
                let own = &mut self.by_stream.entry(piece.frame.stream.clone()).or_default().by_key;
                own.extend(entries.iter().cloned());
            }
            Note::Other => {}
        }
    }
}

impl Market for RecordedMarket {
    fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    fn ladder(&self, symbol: &str) -> Option<Cow<'_, Ladder>> {
        self.find(symbol)?.ladder.as_ref().map(Cow::Borrowed)
    }

    fn update_id(&self, symbol: &str) -> u64 {
        self.find(symbol).and_then(|state| state.update_id).unwrap_or(0)
    }

    /// Returns the book as of update `update_id`, or of the last update before it.
    fn ladder_at(&self, symbol: &str, update_id: u64) -> Option<(Ladder, u64)> {
        let mut state = self.initial.by_symbol.get(symbol).cloned().unwrap_or_default();
        let mut has_ids = false;
        for piece in self.pieces.iter().filter(|piece| piece.symbol == symbol) {
            if let Note::Book(note) = &piece.note {
                has_ids |= note.ids.is_some();
                if note.ids.is_some_and(|(_, last)| last <= update_id) {
                    state.follow(note, piece.is_snapshot, self.checksum);
                }
            }
        }
        Some((state.ladder.filter(|_| has_ids)?, state.update_id.unwrap_or(0)))
    }

    fn prints(&self, symbol: &str, limit: usize) -> Vec<Print> {
        let Some(SymbolState { prints, .. }) = self.find(symbol) else { return Vec::new() };
        prints.iter().skip(prints.len().saturating_sub(limit)).cloned().collect()
    }

    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar> {
        self.find(symbol).map(|state| bars::bars(&state.prints, query)).unwrap_or_default()
    }

    fn shown_bars(&self, symbol: &str, length_ms: i64) -> Vec<Bar> {
        let built = self.find(symbol).map(|state| bars::traded_bars(&state.prints, length_ms));
        built.into_iter().flat_map(BTreeMap::into_values).collect()
    }

    fn running(&self, symbol: &str, length_ms: i64) -> Vec<Bar> {
        let Some(SymbolState { prints, .. }) = self.find(symbol) else { return Vec::new() };
        let begin_ms = prints.last().map_or(0, |print| print.time_ms.div_euclid(length_ms) * length_ms);
        let n_inside = prints.iter().rev().take_while(|print| print.time_ms >= begin_ms).count();
        let inside = prints.get(prints.len() - n_inside..).unwrap_or_default();
        bars::traded_bars(inside, length_ms).into_values().next_back().into_iter().collect()
    }

    fn day(&self, symbol: &str) -> Option<Bar> {
        bars::day_bar(&self.find(symbol)?.prints)
    }

    fn now(&self) -> Timestamp {
        self.state.now
    }

    fn advance(&mut self, frame_idx: u64) -> Option<Played> {
        let piece = usize::try_from(frame_idx).ok().and_then(|idx| self.pieces.get(idx))?;
        self.state.learn(piece, self.checksum);
        let is_known = self.state.by_symbol.get(&piece.symbol).is_some_and(|state| state.ladder.is_some());
        let kind = match &piece.note {
            Note::Book(_) if !is_known => PlayedKind::UnknownBook,
            Note::Book(_) if piece.is_snapshot => PlayedKind::BookSnapshot,
            Note::Book(_) => PlayedKind::BookUpdate,
            Note::Trades(_) => PlayedKind::Trades,
            _ => PlayedKind::Other,
        };
        Some(Played { symbol: piece.symbol.clone(), frame: piece.frame.clone(), kind })
    }

    fn recorded_answer(&self, path_end: &str, parameters: &[(&str, &str)]) -> Option<&str> {
        self.answers.iter().find(|answer| answer.is_for(path_end, parameters)).map(|answer| answer.body.as_str())
    }

    fn recorded_entries(&self, stream: &str) -> Option<Vec<&str>> {
        if !self.streams.contains(stream) {
            return None;
        }
        let entries = self.state.by_stream.get(stream);
        let texts = entries.into_iter().flat_map(|entries| entries.trades.iter().chain(entries.by_key.values()));
        Some(texts.map(String::as_str).collect())
    }

    fn recorded_book(&self, symbol: &str) -> RecordedBook {
        self.find(symbol).map(|state| state.book.clone()).unwrap_or_default()
    }

    fn reset(&mut self) {
        self.state = self.initial.clone();
    }

    fn due(&self) -> Option<Arc<[Duration]>> {
        Some(self.due.clone())
    }
}

/// An entry about one symbol, under any venue's field name.
#[derive(Deserialize)]
struct SymbolEntry<'a> {
    #[serde(borrow, alias = "product_id", alias = "s")]
    symbol: Cow<'a, str>,
}

/// Groups the entries of a frame by symbol, in the order of first appearance; entries without a symbol are left out.
pub(crate) fn by_symbol<'a>(entries: &[&'a RawValue]) -> Vec<(String, Vec<&'a str>)> {
    let mut by_symbol: Vec<(String, Vec<&str>)> = Vec::new();
    for entry in entries {
        let Ok(SymbolEntry { symbol }) = serde_json::from_str(entry.get()) else { continue };
        match by_symbol.iter_mut().find(|(known, _)| *known == symbol) {
            Some((_, own)) => own.push(entry.get()),
            None => by_symbol.push((symbol.into_owned(), vec![entry.get()])),
        }
    }
    by_symbol
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::rows;

    fn note(ids: (u64, u64), bids: &[(&str, &str)], asks: &[(&str, &str)]) -> BookNote {
        BookNote { bids: rows(bids), asks: rows(asks), depth: usize::MAX, ids: Some(ids), checksum: None }
    }

    #[test]
    fn follows_the_venues_rules_of_update_ids() {
        let mut book = SymbolState::default();
        book.follow(&note((10, 10), &[("9.0", "1"), ("8.0", "1")], &[("10.0", "1")]), true, None);
        book.follow(&note((5, 10), &[("9.5", "7")], &[]), false, None);
        assert_eq!(book.ladder.as_ref().unwrap().top(5).0, rows(&[("9.0", "1"), ("8.0", "1")]));
        let changes = note((9, 12), &[("9.5", "7"), ("8.00", "0"), ("1", "0")], &[("10.00", "2.50")]);
        book.follow(&changes, false, None);
        let seen = book.ladder.as_ref().unwrap();
        assert_eq!(seen.top(1), (rows(&[("9.5", "7")]), rows(&[("10.00", "2.50")])));
        assert_eq!((book.update_id, seen.bids().len(), book.book.n_gaps), (Some(12), 2, 0));
        book.follow(&note((14, 14), &[], &[]), false, None);
        assert_eq!((book.update_id, book.book.n_gaps), (Some(14), 1));
    }

    #[test]
    fn without_numbers_a_book_is_unknown_before_its_snapshot() {
        let mut book = SymbolState::default();
        let update = BookNote { ids: None, depth: 1, ..note((0, 0), &[("9", "1"), ("8", "1")], &[]) };
        book.follow(&update, false, None);
        assert_eq!(book.ladder, None);
        book.follow(&BookNote { checksum: Some(7), ..update.clone() }, true, Some(|_| 8));
        assert_eq!((book.ladder.unwrap().top(9).0, book.book.n_bad_checksums), (rows(&[("9", "1")]), 1));
    }
}
