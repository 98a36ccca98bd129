//! Compares the two sources of one instrument: does one deliver data that the other does not?
//!
//! Trades are compared by their ids: a trade that one source has delivered and the other has not within [`GRACE`] is
//! missing there.
//! Best bids and asks are compared over time: as both are sampled, each source must show within the grace period what
//! the other has shown. So a feed that acknowledges and then sends nothing is detected, whichever source it is. Pure;
//! the times are arguments, and all memory is bounded.

use std::{collections::VecDeque, time::Duration};

use model::{
    decimal::Price,
    event::TradeId,
    instrument::InstrumentId,
    sorted::SortedMap,
    time::{Monotonic, Now},
};
use topics::channels::TopicData;
use wire::message::{Update, UpdateKind};

use crate::live::source::Source;

/// A running comparison.
#[derive(Clone, Debug)]
pub struct CrossCheck {
    instrument: InstrumentId,
    began: Monotonic,
    sides: [Side; 2],
    /// Trades delivered by one source only, and when.
    pending: SortedMap<TradeId, (Source, Monotonic)>,
    n_matched: u64,
    n_tops_matched: u64,
    /// Time when a source last showed what the other had shown.
    tops_agreed_at: Option<Monotonic>,
}

/// The data from one source.
#[derive(Clone, Debug, Default)]
struct Side {
    last_at: Option<Monotonic>,
    has_tape: bool,
    /// The newest ids, oldest first.
    ids: VecDeque<TradeId>,
    /// Past best bids and asks, oldest first.
    tops: VecDeque<(Monotonic, (Price, Price))>,
    bid: Option<Price>,
    ask: Option<Price>,
}

/// The result of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrossReport {
    /// Trades that both sources have delivered.
    pub n_matched: u64,
    /// Trades that the server has delivered and direct has not; and the reverse.
    pub missing: [Option<Missing>; 2],
    /// Times when one source's best bid and ask equalled the other's.
    pub n_tops_matched: u64,
    /// Time for which the best bids and asks have differed; `None` if they agree, or cannot be compared yet.
    pub tops_differ: Option<Duration>,
    /// Best bid and ask from each source.
    pub tops: [Option<(Price, Price)>; 2],
    /// Silence of each source; since the comparison began if it has never delivered.
    pub silent: [Duration; 2],
    /// True for a source that has delivered anything.
    pub has_come: [bool; 2],
}

/// Trades that one source has not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The number of trades.
    pub n_trades: usize,
    /// Time since the oldest of them came from the other source.
    pub since: Duration,
}

impl CrossCheck {
    /// Starts a comparison.
    pub fn new(instrument: InstrumentId, now: Now) -> Self {
        Self {
            instrument,
            began: now.monotonic,
            sides: Default::default(),
            pending: SortedMap::new(),
            n_matched: 0,
            n_tops_matched: 0,
            tops_agreed_at: None,
        }
    }

    /// Returns the compared instrument.
    pub fn instrument(&self) -> &InstrumentId {
        &self.instrument
    }

    /// Processes an update from `source`; updates of other instruments are skipped.
    pub fn take(&mut self, source: Source, update: &Update, now: Now) {
        if update.topic.instrument() != Some(&self.instrument) {
            return;
        }
        let at = now.monotonic;
        match &update.data {
            TopicData::Tape(tape) => {
                self.side(source).last_at = Some(at);
                if !std::mem::replace(&mut self.side(source).has_tape, true) {
                    // The source has only just begun: it could not have the trades that the other had before.
                    self.pending.clear();
                }
                for trade in &tape.trades {
                    self.trade(source, &trade.id, update.kind, at);
                }
            }
            TopicData::Quote(quote) => {
                self.side(source).last_at = Some(at);
                let side = self.side(source);
                side.bid = quote.bid.or(side.bid).filter(|_| !quote.is_bid_gone);
                side.ask = quote.ask.or(side.ask).filter(|_| !quote.is_ask_gone);
                if let (Some(bid), Some(ask)) = (side.bid, side.ask) {
                    self.top(source, (bid, ask), at);
                }
            }
            _ => {}
        }
    }

    /// Returns the current result.
    pub fn report(&self, now: Now) -> CrossReport {
        let since = |at: Monotonic| now.monotonic.saturating_since(at);
        let missing = |source: Source| {
            let overdue = self.pending.values().filter(|(by, at)| *by == source && since(*at) > GRACE);
            let n_trades = overdue.clone().count();
            overdue.map(|(_, at)| since(*at)).max().map(|since| Missing { n_trades, since })
        };
        let both = |of: fn(&Side) -> Option<Monotonic>| self.sides.each_ref().map(of);
        let last = both(|side| side.last_at);
        let top_at = both(|side| side.tops.back().map(|(at, _)| *at));
        let tops = self.sides.each_ref().map(|side| side.bid.zip(side.ask));
        let tops_differ = match (tops, top_at) {
            ([Some(left), Some(right)], [Some(left_at), Some(right_at)]) if left != right => {
                let agreed = self.tops_agreed_at.unwrap_or(left_at.max(right_at));
                Some(since(agreed)).filter(|since| *since > GRACE)
            }
            _ => None,
        };
        CrossReport {
            n_matched: self.n_matched,
            missing: [missing(Source::Server), missing(Source::Direct)],
            n_tops_matched: self.n_tops_matched,
            tops_differ,
            tops,
            silent: last.map(|at| since(at.unwrap_or(self.began))),
            has_come: last.map(|at| at.is_some()),
        }
    }

    fn side(&mut self, source: Source) -> &mut Side {
        &mut self.sides[index(source)]
    }

    fn trade(&mut self, source: Source, id: &TradeId, kind: UpdateKind, at: Monotonic) {
        let [ours, theirs] = [&self.sides[index(source)], &self.sides[index(other(source))]];
        if ours.ids.contains(id) {
            return;
        }
        let is_known_there = theirs.ids.contains(id);
        remember(&mut self.side(source).ids, id.clone(), MAX_IDS);
        self.pending.remove(id);
        if is_known_there {
            self.n_matched += 1;
        } else if kind == UpdateKind::Delta {
            // A snapshot may be older than the other source's beginning; only new trades are waited for.
            self.pending.insert(id.clone(), (source, at));
            if self.pending.len() > MAX_IDS
                && let Some(oldest) = self.pending.iter().min_by_key(|(_, (_, at))| *at).map(|(id, _)| id.clone())
            {
                self.pending.remove(&oldest);
            }
        }
    }

    fn top(&mut self, source: Source, top: (Price, Price), at: Monotonic) {
        let is_recent = |(seen_at, _): &&(Monotonic, (Price, Price))| at.saturating_since(*seen_at) <= GRACE;
        let theirs = &self.sides[index(other(source))].tops;
        // The last one remains valid until the next, however old it is.
        let standing = theirs.back().into_iter();
        if theirs.iter().filter(is_recent).chain(standing).any(|(_, seen)| *seen == top) {
            self.n_tops_matched += 1;
            self.tops_agreed_at = Some(at);
        }
        remember(&mut self.side(source).tops, (at, top), MAX_TOPS);
    }
}

impl CrossReport {
    /// Returns the differences as sentences for the reader; empty if there are none.
    pub fn differences(&self) -> Vec<String> {
        let mut words = Vec::new();
        for source in [Source::Server, Source::Direct] {
            let (idx, name, there) = (index(source), NAMES[index(source)], NAMES[index(other(source))]);
            if let Some(missing) = self.missing[idx] {
                let (n_trades, seconds) = (missing.n_trades, missing.since.as_secs());
                let plural = if n_trades == 1 { "" } else { "s" };
                words.push(format!("{name} has {n_trades} trade{plural} missing from {there} for {seconds} s"));
            }
            let is_silent = self.silent[idx] > SILENCE && self.silent[index(other(source))] < SILENCE;
            if is_silent {
                let ever = if self.has_come[idx] { "has been silent" } else { "has sent nothing" };
                words.push(format!("{name} {ever} for {} s while {there} still delivers", self.silent[idx].as_secs()));
            }
        }
        if let Some(since) = self.tops_differ {
            words.push(format!("best bid and ask have differed for {} s", since.as_secs()));
        }
        words
    }
}

fn index(source: Source) -> usize {
    match source {
        Source::Server => 0,
        Source::Direct => 1,
    }
}

fn other(source: Source) -> Source {
    match source {
        Source::Server => Source::Direct,
        Source::Direct => Source::Server,
    }
}

fn remember<T>(queue: &mut VecDeque<T>, newest: T, limit: usize) {
    queue.push_back(newest);
    if queue.len() > limit {
        queue.pop_front();
    }
}

const NAMES: [&str; 2] = ["the server", "direct"];
/// Lanes, delivery and turns of both sides together take well below this time.
const GRACE: Duration = Duration::from_secs(2);
/// One source is reported if it is silent for this long while the other is not.
const SILENCE: Duration = Duration::from_secs(4);
/// Trades remembered and waited for from each source: more than a busy market makes in the grace period.
const MAX_IDS: usize = 500;
/// Best bids and asks remembered from each source: the grace period on the fastest lane, twice.
const MAX_TOPS: usize = 40;

#[cfg(test)]
mod tests;
