//! One connection: pending subscriptions, acknowledgements, the time of the last data, and why it ended.
//!
//! Not here: the set of connections ([`super::pool`]).

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use model::{
    status::FeedCause,
    time::{Monotonic, Now},
};

use crate::session::{CloseReason, ConnectionId};

/// A message to the venue that requests data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// Positions of its symbols.
    pub(crate) symbols: Vec<usize>,
    /// Its number, if the venue's answer contains it; without one no answer is awaited.
    pub(crate) request: Option<u64>,
    /// The frame.
    pub(crate) text: String,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    /// Last sign of life: a frame that counts as one, the opening, or the time at which the opening is due.
    pub(crate) alive_at: Monotonic,
    /// The last WebSocket ping or pong.
    pub(crate) pinged_at: Option<Monotonic>,
    /// Time at which its successor is due.
    pub(crate) roll_at: Option<Monotonic>,
    /// True if the venue has announced that it will close the connection.
    pub(crate) is_leaving: bool,
    is_open: bool,
    has_data: bool,
    opened_at: Monotonic,
    /// Data frames so far.
    n_data: u32,
    to_send: VecDeque<Subscription>,
    next_send: Monotonic,
    message_spacing: Duration,
    unanswered: BTreeMap<u64, Vec<usize>>,
    /// Symbols without data so far.
    quiet: BTreeSet<usize>,
    /// Last message sent or answered.
    settled_at: Monotonic,
}

impl Connection {
    /// Creates a connection that is not open yet; the opening begins at `due`.
    pub(crate) fn new(id: ConnectionId, due: Monotonic, message_spacing: Duration) -> Self {
        Self {
            id,
            alive_at: due,
            pinged_at: None,
            roll_at: None,
            is_leaving: false,
            is_open: false,
            has_data: false,
            opened_at: due,
            n_data: 0,
            to_send: VecDeque::new(),
            next_send: due,
            message_spacing,
            unanswered: BTreeMap::new(),
            quiet: BTreeSet::new(),
            settled_at: due,
        }
    }

    /// Returns true after the opening.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns true once data has arrived.
    pub(crate) fn has_data(&self) -> bool {
        self.has_data
    }

    /// Notes that it is open: everything must be subscribed.
    pub(crate) fn opened(
        &mut self,
        members: &[usize],
        messages: Vec<Subscription>,
        roll_at: Option<Monotonic>,
        now: Monotonic,
    ) {
        self.is_open = true;
        self.alive_at = now;
        self.opened_at = now;
        self.next_send = now;
        self.settled_at = now;
        self.roll_at = roll_at;
        self.quiet = members.iter().copied().collect();
        self.to_send = messages.into();
    }

    /// Queues subscriptions to further symbols of an open connection.
    pub(crate) fn more(&mut self, members: &[usize], messages: Vec<Subscription>) {
        self.quiet.extend(members);
        self.to_send.extend(messages);
    }

    /// Queues a further request.
    pub(crate) fn enqueue(&mut self, message: Subscription) {
        self.to_send.push_back(message);
    }

    /// Returns the next message, if it is due.
    pub(crate) fn next_message(&mut self, now: Monotonic) -> Option<String> {
        if !self.is_open || now < self.next_send {
            return None;
        }
        let Subscription { symbols, request, text } = self.to_send.pop_front()?;
        if let Some(request) = request {
            self.unanswered.insert(request, symbols);
        }
        self.next_send = now + self.message_spacing;
        self.settled_at = now;
        Some(text)
    }

    /// Returns when the next subscription is due.
    pub(crate) fn send_at(&self) -> Option<Monotonic> {
        (self.is_open && !self.to_send.is_empty()).then_some(self.next_send)
    }

    /// Notes the answer to a request; returns its symbols.
    pub(crate) fn accepted(&mut self, request: u64, now: Monotonic) -> Vec<usize> {
        self.settled_at = now;
        self.unanswered.remove(&request).unwrap_or_default()
    }

    /// Notes the answer to a request for one of its symbols.
    pub(crate) fn accepted_symbol(&mut self, request: u64, symbol: usize, now: Monotonic) {
        self.settled_at = now;
        if let Some(symbols) = self.unanswered.get_mut(&request) {
            symbols.retain(|known| *known != symbol);
            if symbols.is_empty() {
                self.unanswered.remove(&request);
            }
        }
    }

    /// Notes a frame that only proves that the transport is alive.
    pub(crate) fn alive(&mut self, now: Monotonic) {
        self.alive_at = self.alive_at.max(now);
    }

    /// Notes data; returns whether it was the first.
    pub(crate) fn data(&mut self, symbol: Option<usize>, now: Monotonic) -> bool {
        self.alive_at = self.alive_at.max(now);
        self.n_data = self.n_data.saturating_add(1);
        if let Some(symbol) = symbol
            && !self.quiet.is_empty()
        {
            self.quiet.remove(&symbol);
        }
        !std::mem::replace(&mut self.has_data, true)
    }

    /// Returns true if data has been rare here on average, the present silence included, so that it is nothing new.
    pub(crate) fn is_thin(&self, now: Monotonic) -> bool {
        now.saturating_since(self.opened_at) >= THIN_SPACING * self.n_data
    }

    /// Stops expecting data of this symbol.
    pub(crate) fn drop_symbol(&mut self, symbol: usize) {
        self.quiet.remove(&symbol);
    }

    /// Returns true if every subscription is active.
    pub(crate) fn is_established(&self) -> bool {
        self.is_open && self.has_data && self.to_send.is_empty() && self.unanswered.is_empty()
    }

    /// Returns true if every subscription is active and every symbol has had data; quiet ones, and missing
    /// acknowledgements, are awaited only for a limited time.
    pub(crate) fn can_take_over(&self, now: Monotonic) -> bool {
        let is_complete = self.unanswered.is_empty() && self.quiet.is_empty();
        let is_settled = now.saturating_since(self.settled_at) >= QUIET_GRACE;
        self.is_open && self.has_data && self.to_send.is_empty() && !self.is_leaving && (is_complete || is_settled)
    }

    /// Returns when waiting for quiet symbols ends.
    pub(crate) fn quiet_at(&self) -> Option<Monotonic> {
        (self.is_open && self.has_data && self.to_send.is_empty() && !self.is_leaving)
            .then_some(self.settled_at + QUIET_GRACE)
    }
}

/// Returns why a connection ended, as a helpful text, and the minimum wait before reconnecting.
pub(crate) fn cause_of_end(
    reason: &CloseReason,
    is_leaving: bool,
    refused_wait: Duration,
    now: Now,
) -> (FeedCause, Duration) {
    let limited = |wait| (FeedCause::RateLimited { until: now.wall + wait }, wait);
    let stated = reason.stated_wait(now.wall);
    let at_least = |wait: Duration| wait.max(stated.unwrap_or_default());
    match reason {
        CloseReason::CannotConnect { status: Some(451), .. } => (FeedCause::RegionBlocked, at_least(refused_wait)),
        CloseReason::CannotConnect { status: Some(401), detail, .. } => {
            (FeedCause::CredentialsRefused { detail: detail.clone() }, at_least(refused_wait))
        }
        CloseReason::CannotConnect { status: Some(429), .. } => limited(at_least(refused_wait)),
        CloseReason::CannotConnect { status: Some(418), .. } => limited(at_least(refused_wait * 2)),
        CloseReason::CannotConnect { .. } | CloseReason::Ended { .. } if stated.is_some() => {
            limited(at_least(Duration::ZERO))
        }
        CloseReason::CannotConnect { status: Some(403), .. } => {
            (FeedCause::Refused { detail: "connections are not allowed (403)".to_owned() }, refused_wait)
        }
        CloseReason::CannotConnect { status: Some(status), .. } => {
            (FeedCause::CannotConnect { detail: format!("the venue answered {status}") }, Duration::ZERO)
        }
        CloseReason::CannotConnect { status: None, detail, .. } => {
            (FeedCause::CannotConnect { detail: detail.clone() }, Duration::ZERO)
        }
        CloseReason::Ended { code: Some(1008), detail } if detail.to_lowercase().contains("too many") => {
            limited(refused_wait)
        }
        CloseReason::Ended { .. } if is_leaving => {
            (FeedCause::Maintenance { detail: "announced by the venue".to_owned() }, Duration::ZERO)
        }
        CloseReason::Ended { code: Some(code), detail } => {
            (FeedCause::Closed { detail: format!("{code} {detail}").trim_end().to_owned() }, Duration::ZERO)
        }
        CloseReason::Ended { code: None, detail } => (FeedCause::Closed { detail: detail.clone() }, Duration::ZERO),
    }
}

/// Data that comes less often than this is rare.
const THIN_SPACING: Duration = Duration::from_secs(3);
/// During a roll-over, symbols that are quiet this long after the last acknowledgement are not awaited.
const QUIET_GRACE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    const SPACING: Duration = Duration::from_millis(300);

    fn message(request: u64, symbols: &[usize]) -> Subscription {
        Subscription { symbols: symbols.to_vec(), request: Some(request), text: format!("message {request}") }
    }

    #[test]
    fn messages_go_out_with_distance() {
        let mut connection = Connection::new(ConnectionId(1), at(0), SPACING);
        assert_eq!(connection.next_message(at(0)), None);
        connection.opened(&[0, 1, 2], vec![message(1, &[0]), message(2, &[1]), message(3, &[2])], None, at(100));
        let mut sent = Vec::new();
        for millis in 100..2_000 {
            if let Some(text) = connection.next_message(at(millis)) {
                sent.push((millis, text));
            }
            if millis == 1_000 {
                connection.enqueue(message(4, &[0]));
            }
        }
        let texts: Vec<(u64, &str)> = sent.iter().map(|(millis, text)| (*millis, text.as_str())).collect();
        assert_eq!(texts, [(100, "message 1"), (400, "message 2"), (700, "message 3"), (1_001, "message 4")]);
        assert_eq!(connection.send_at(), None);
        assert_eq!((connection.accepted(3, at(800)), connection.accepted(3, at(800))), (vec![2], vec![]));
    }

    #[test]
    fn it_takes_over_when_all_symbols_had_data() {
        let mut connection = Connection::new(ConnectionId(1), at(0), SPACING);
        connection.opened(&[4, 7], vec![message(1, &[4, 7])], None, at(0));
        connection.next_message(at(0));
        assert!(connection.data(Some(4), at(10)));
        assert!(!connection.data(Some(7), at(20)));
        assert!(!connection.can_take_over(at(20)) && !connection.is_established());
        connection.accepted(1, at(30));
        assert!(connection.can_take_over(at(30)) && connection.is_established());
    }

    #[test]
    fn acknowledgements_may_come_symbol_by_symbol() {
        let mut connection = Connection::new(ConnectionId(1), at(0), SPACING);
        connection.opened(&[4, 7], vec![message(1, &[4, 7])], None, at(0));
        connection.next_message(at(0));
        connection.data(Some(4), at(10));
        connection.accepted_symbol(1, 4, at(20));
        assert!(!connection.is_established());
        connection.accepted_symbol(1, 9, at(20));
        connection.accepted_symbol(1, 7, at(30));
        assert!(connection.is_established());
    }

    #[test]
    fn quiet_symbols_are_not_waited_for_for_ever() {
        let mut connection = Connection::new(ConnectionId(1), at(0), SPACING);
        connection.opened(&[4, 7], vec![message(1, &[4, 7])], None, at(0));
        connection.next_message(at(0));
        connection.accepted(1, at(30));
        assert_eq!(connection.quiet_at(), None);
        connection.data(Some(4), at(40));
        assert_eq!(connection.quiet_at(), Some(at(10_030)));
        assert!(!connection.can_take_over(at(10_029)) && connection.can_take_over(at(10_030)));
    }
}
