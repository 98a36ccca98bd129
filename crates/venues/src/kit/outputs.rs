//! The destination of a session's parts: the queue of outputs and the feed's health. Shared by all venues.

use std::collections::{BTreeMap, VecDeque};

use model::{
    event::{BookUpdate, MarketEvent, MarketEventKind},
    instrument::InstrumentId,
    status::{FeedCause, FeedHealth, FeedMode},
    time::{Now, Timestamp},
};

use crate::session::Output;

/// Outputs in order, and health. The shell drains the queue after each input, so it stays short.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    pub(crate) queue: VecDeque<Output>,
    pub(crate) health: FeedHealth,
    transport_cause: Option<FeedCause>,
    rest_cause: Option<FeedCause>,
    venue_cause: Option<FeedCause>,
    symbol_cause: Option<FeedCause>,
    /// By the word for the requests that the venue refuses.
    not_offered: BTreeMap<&'static str, FeedCause>,
    is_polling: bool,
}

impl Outputs {
    /// Counts a frame, whatever its content: the transport lives.
    pub(crate) fn frame(&mut self, now: Now) {
        self.health.counters.frames += 1;
        self.health.last_frame = Some(now.wall);
    }

    /// Queues an event and counts it.
    pub(crate) fn event(&mut self, id: &InstrumentId, event_time: Option<Timestamp>, now: Now, kind: MarketEventKind) {
        let counters = &mut self.health.counters;
        match &kind {
            MarketEventKind::Trade(_) | MarketEventKind::OffMarketTrade(_) => counters.trades += 1,
            MarketEventKind::Quote(_) => counters.quotes += 1,
            MarketEventKind::Book(BookUpdate::State { .. }) => {}
            MarketEventKind::Book(_) => counters.books += 1,
            MarketEventKind::Candle(_)
            | MarketEventKind::History(_)
            | MarketEventKind::Day(_)
            | MarketEventKind::Instrument(_) => counters.others += 1,
        }
        let event = MarketEvent { instrument: id.clone(), event_time, receive_time: now.wall, kind };
        self.queue.push_back(Output::Event(event));
    }

    /// Sets why connections fail; `None` once data flows.
    pub(crate) fn set_transport_cause(&mut self, cause: Option<FeedCause>) {
        self.transport_cause = cause;
        self.merge_causes();
    }

    /// Sets why requests fail; `None` once one was answered.
    pub(crate) fn set_rest_cause(&mut self, cause: Option<FeedCause>) {
        self.rest_cause = cause;
        self.merge_causes();
    }

    /// Sets why the venue refuses requests for `subject`.
    pub(crate) fn not_offered(&mut self, subject: &'static str, cause: FeedCause) {
        self.not_offered.insert(subject, cause);
        self.merge_causes();
    }

    /// Notes that a request for `subject` was answered.
    pub(crate) fn offered(&mut self, subject: &'static str) {
        if self.not_offered.remove(subject).is_some() {
            self.merge_causes();
        }
    }

    /// Sets the venue's own report; `None` once it reports that all is well.
    pub(crate) fn set_venue_cause(&mut self, cause: Option<FeedCause>) {
        self.venue_cause = cause;
        self.merge_causes();
    }

    /// Notes an unknown symbol; `is_last` if the venue knows none of them, so that nothing is followed at all.
    pub(crate) fn symbol_unknown(&mut self, id: &InstrumentId, suggestion: Option<String>, is_last: bool) {
        let cause = FeedCause::UnknownSymbol { symbol: id.symbol().to_owned(), suggestion };
        self.health.instrument_causes.insert(id.clone(), cause.clone());
        if is_last {
            self.symbol_cause = Some(cause);
            self.merge_causes();
        }
    }

    /// Notes that a symbol is followed that the venue may know.
    pub(crate) fn symbol_added(&mut self) {
        if self.symbol_cause.take().is_some() {
            self.merge_causes();
        }
    }

    /// Sets the number of open connections.
    pub(crate) fn set_open_connections(&mut self, n_open: usize) {
        self.health.n_open = u32::try_from(n_open).unwrap_or(u32::MAX);
        self.health.is_connected = n_open > 0 || self.is_polling;
    }

    /// Sets whether polling delivers data instead of connections.
    pub(crate) fn set_polling(&mut self, is_polling: bool) {
        self.is_polling = is_polling;
        self.health.is_connected = self.health.n_open > 0 || is_polling;
        self.health.mode = if is_polling { FeedMode::RestPolling } else { FeedMode::WebSocket };
    }

    fn merge_causes(&mut self) {
        let causes = [&self.transport_cause, &self.venue_cause, &self.rest_cause, &self.symbol_cause];
        // A feature that is not offered explains nothing else.
        self.health.cause = causes.into_iter().flatten().chain(self.not_offered.values()).next().cloned();
    }
}
