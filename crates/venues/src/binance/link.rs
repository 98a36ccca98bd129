//! One connection: what is still to be subscribed, what was acknowledged, and when data last came.
//!
//! Not here: which connections there are ([`super::pool`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::time::Monotonic;
use serde::Serialize;

use crate::{
    binance::limits::{MESSAGE_SPACING, QUIET_GRACE, STREAMS_PER_MESSAGE},
    session::ConnectionId,
};

/// Streams followed for each symbol: prints, best bid and offer, the book, figures of 24 hours.
pub(super) const STREAMS: [&str; STREAMS_PER_SYMBOL] = ["trade", "bookTicker", "depth@100ms", "miniTicker"];
/// Their number.
pub(super) const STREAMS_PER_SYMBOL: usize = 4;

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: ConnectionId,
    /// Last sign of life: a data frame, the opening, or the moment from which the opening is due.
    pub(super) alive_at: Monotonic,
    /// When its successor is due.
    pub(super) roll_at: Option<Monotonic>,
    /// The venue has announced that it will close it.
    pub(super) is_leaving: bool,
    is_open: bool,
    has_data: bool,
    /// Messages to send, with the symbols each is about.
    to_send: VecDeque<(Vec<usize>, Vec<String>)>,
    next_send: Monotonic,
    unanswered: BTreeMap<u64, Vec<usize>>,
    /// Symbols without data so far.
    quiet: BTreeSet<usize>,
    /// Last message sent or answered.
    settled_at: Monotonic,
}

impl Link {
    /// Not open yet; the opening begins at `due`.
    pub(super) fn new(id: ConnectionId, due: Monotonic) -> Self {
        Self {
            id,
            alive_at: due,
            roll_at: None,
            is_leaving: false,
            is_open: false,
            has_data: false,
            to_send: VecDeque::new(),
            next_send: due,
            unanswered: BTreeMap::new(),
            quiet: BTreeSet::new(),
            settled_at: due,
        }
    }

    /// True from the opening on.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// True once data has come.
    pub(super) fn has_data(&self) -> bool {
        self.has_data
    }

    /// It is open: everything is to be subscribed.
    pub(super) fn opened(
        &mut self,
        members: &[usize],
        stream_names: &[String],
        roll_at: Option<Monotonic>,
        now: Monotonic,
    ) {
        self.is_open = true;
        self.alive_at = now;
        self.next_send = now;
        self.settled_at = now;
        self.roll_at = roll_at;
        self.quiet = members.iter().copied().collect();
        self.to_send = members
            .chunks(STREAMS_PER_MESSAGE / STREAMS_PER_SYMBOL)
            .map(|symbols| {
                let names = symbols.iter().filter_map(|symbol| stream_names.get(*symbol));
                let params = names.flat_map(|name| STREAMS.iter().map(move |stream| format!("{name}@{stream}")));
                (symbols.to_vec(), params.collect())
            })
            .collect();
    }

    /// The next subscription, if it is due.
    pub(super) fn next_message(&mut self, n_requests: &mut u64, now: Monotonic) -> Option<String> {
        #[derive(Serialize)]
        struct Subscribe<'a> {
            method: &'static str,
            params: &'a [String],
            id: u64,
        }
        if !self.is_open || now < self.next_send {
            return None;
        }
        let (symbols, params) = self.to_send.pop_front()?;
        *n_requests += 1;
        self.unanswered.insert(*n_requests, symbols);
        self.next_send = now + MESSAGE_SPACING;
        self.settled_at = now;
        serde_json::to_string(&Subscribe { method: "SUBSCRIBE", params: &params, id: *n_requests }).ok()
    }

    /// When the next subscription is due.
    pub(super) fn send_at(&self) -> Option<Monotonic> {
        (self.is_open && !self.to_send.is_empty()).then_some(self.next_send)
    }

    /// A request was answered; returns its symbols.
    pub(super) fn accepted(&mut self, request: u64, now: Monotonic) -> Vec<usize> {
        self.settled_at = now;
        self.unanswered.remove(&request).unwrap_or_default()
    }

    /// Data came; returns whether it was the first.
    pub(super) fn data(&mut self, symbol: Option<usize>, now: Monotonic) -> bool {
        self.alive_at = self.alive_at.max(now);
        if let Some(symbol) = symbol
            && !self.quiet.is_empty()
        {
            self.quiet.remove(&symbol);
        }
        !std::mem::replace(&mut self.has_data, true)
    }

    /// Nothing is expected of this symbol any more.
    pub(super) fn drop_symbol(&mut self, symbol: usize) {
        self.quiet.remove(&symbol);
    }

    /// Every subscription is in force.
    pub(super) fn is_established(&self) -> bool {
        self.is_open && self.has_data && self.to_send.is_empty() && self.unanswered.is_empty()
    }

    /// Every subscription is in force and every symbol has had data; quiet ones, and acknowledgements that do not
    /// come, are waited for only so long.
    pub(super) fn can_take_over(&self, now: Monotonic) -> bool {
        let is_complete = self.unanswered.is_empty() && self.quiet.is_empty();
        let is_settled = now.saturating_since(self.settled_at) >= QUIET_GRACE;
        self.is_open && self.has_data && self.to_send.is_empty() && !self.is_leaving && (is_complete || is_settled)
    }

    /// When waiting for quiet symbols ends.
    pub(super) fn quiet_at(&self) -> Option<Monotonic> {
        (self.is_open && self.has_data && self.to_send.is_empty() && !self.is_leaving)
            .then_some(self.settled_at + QUIET_GRACE)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    #[test]
    fn subscriptions_go_out_in_batches_with_distance() {
        let names: Vec<String> = (0..120).map(|idx| format!("s{idx}")).collect();
        let members: Vec<usize> = (0..120).collect();
        let mut link = Link::new(ConnectionId(1), at(0));
        let mut n_requests = 0;
        assert_eq!(link.next_message(&mut n_requests, at(0)), None);
        link.opened(&members, &names, None, at(100));
        let mut sent = Vec::new();
        for millis in 100..2_000 {
            if let Some(text) = link.next_message(&mut n_requests, at(millis)) {
                sent.push((millis, text.matches("@bookTicker").count()));
                assert!(text.starts_with(r#"{"method":"SUBSCRIBE","params":["s"#), "{text}");
            }
        }
        assert_eq!(sent, [(100, 50), (400, 50), (700, 20)]);
        assert_eq!(link.send_at(), None);
        assert_eq!(link.accepted(3, at(800)).len(), 20);
        assert_eq!(link.accepted(3, at(800)).len(), 0);
    }

    #[test]
    fn it_takes_over_when_all_symbols_had_data() {
        let mut link = Link::new(ConnectionId(1), at(0));
        let mut n_requests = 0;
        link.opened(&[4, 7], &vec!["s".to_owned(); 8], None, at(0));
        link.next_message(&mut n_requests, at(0));
        assert!(link.data(Some(4), at(10)));
        assert!(!link.data(Some(7), at(20)));
        assert!(!link.can_take_over(at(20)) && !link.is_established());
        link.accepted(1, at(30));
        assert!(link.can_take_over(at(30)) && link.is_established());
    }

    #[test]
    fn quiet_symbols_are_not_waited_for_for_ever() {
        let mut link = Link::new(ConnectionId(1), at(0));
        let mut n_requests = 0;
        link.opened(&[4, 7], &vec!["s".to_owned(); 8], None, at(0));
        link.next_message(&mut n_requests, at(0));
        link.accepted(1, at(30));
        assert_eq!(link.quiet_at(), None);
        link.data(Some(4), at(40));
        assert_eq!(link.quiet_at(), Some(at(10_030)));
        assert!(!link.can_take_over(at(10_029)) && link.can_take_over(at(10_030)));
    }
}
