//! REST requests that wait or are out: order, pace, and the shared budget.
//!
//! At most one request of a kind waits for a symbol, so the queue is bounded by the symbols followed; wishes for history
//! are bounded by [`HISTORY_QUEUE`]. Not here: what the answers mean ([`super::session`]).

use std::collections::BTreeMap;

use model::{
    candle::Interval,
    time::{Monotonic, Now},
};

use crate::{
    binance::{
        limits::{HISTORY_QUEUE, REQUEST_TIMEOUT, REQUESTS_IN_FLIGHT, WEIGHT_PER_MINUTE},
        output::Out,
        rest::Request,
    },
    budget::{Budget, Permit},
    session::{HttpRequest, Output, RequestId},
};

/// What a request is for. Symbols are positions in the session's list. The order is that of urgency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// A book's snapshot, for the connection of that epoch.
    Snapshot { symbol: usize, epoch: u32 },
    /// What is known of these symbols; of all where the list is empty.
    Symbols(Vec<usize>),
    /// Bars.
    History { symbol: usize, interval: Interval, n_bars: usize },
    /// Figures of 24 hours, instead of the stream.
    DayTicker { symbol: usize },
    /// Single prints, instead of the stream.
    Trades { symbol: usize },
    /// Aggregated prints, instead of the stream.
    AggTrades { symbol: usize },
}

/// A purpose with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) purpose: Purpose,
    /// Attempts that failed.
    pub(super) n_failed: u32,
}

impl Task {
    /// Not tried yet.
    pub(super) fn new(purpose: Purpose) -> Self {
        Self { purpose, n_failed: 0 }
    }
}

/// All requests of a session.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) budget: Budget,
    waiting: Vec<(Monotonic, Task)>,
    in_flight: BTreeMap<RequestId, (Monotonic, Task)>,
    /// Before this nothing can go out; `None` where nothing waits or an answer must come first.
    next_due: Option<Monotonic>,
    n_requests: u64,
    /// False for a recording: its answers cost nothing, and many never come.
    is_limited: bool,
}

impl Requests {
    /// Nothing waits.
    pub(super) fn new() -> Self {
        Self {
            is_limited: true,
            budget: Budget::new(WEIGHT_PER_MINUTE),
            waiting: Vec::new(),
            in_flight: BTreeMap::new(),
            next_due: None,
            n_requests: 0,
        }
    }

    /// For a recording: nothing is held back.
    pub(super) fn unlimited() -> Self {
        Self { is_limited: false, ..Self::new() }
    }

    /// Adds a task that is not to go out before `not_before`. A task of the same purpose that waits already is kept instead.
    pub(super) fn push(&mut self, task: Task, not_before: Monotonic) {
        if self.waiting.iter().any(|(_, waiting)| waiting.purpose == task.purpose) {
            return;
        }
        let is_history = |task: &Task| matches!(task.purpose, Purpose::History { .. });
        if is_history(&task) && self.waiting.iter().filter(|(_, task)| is_history(task)).count() >= HISTORY_QUEUE {
            // The newest wish is the one somebody looks at.
            if let Some(oldest_idx) = self.waiting.iter().position(|(_, task)| is_history(task)) {
                self.waiting.remove(oldest_idx);
            }
        }
        self.waiting.push((not_before, task));
        self.next_due = Some(self.next_due.map_or(not_before, |due| due.min(not_before)));
    }

    /// True where a task of this kind waits or is out.
    pub(super) fn has(&self, is_it: impl Fn(&Purpose) -> bool) -> bool {
        self.waiting.iter().chain(self.in_flight.values()).any(|(_, task)| is_it(&task.purpose))
    }

    /// Sends what may go out now; returns the purposes sent. `request` gives a purpose's request, `None` drops the task.
    pub(super) fn send_due(
        &mut self,
        now: Now,
        out: &mut Out,
        request: impl Fn(&Purpose) -> Option<Request>,
    ) -> Vec<Purpose> {
        let mut sent = Vec::new();
        if self.next_due.is_none_or(|due| now.monotonic < due) {
            return sent;
        }
        loop {
            self.next_due = self.waiting.iter().map(|(not_before, _)| *not_before).min();
            if self.next_due.is_none_or(|due| now.monotonic < due) {
                return sent;
            }
            if self.is_limited && self.in_flight.len() >= REQUESTS_IN_FLIGHT {
                self.next_due = None;
                return sent;
            }
            let due = self.waiting.iter().enumerate().filter(|(_, (not_before, _))| *not_before <= now.monotonic);
            let Some(idx) = due.min_by_key(|(idx, (_, task))| (rank(&task.purpose), *idx)).map(|(idx, _)| idx) else {
                return sent;
            };
            let Some((path, query, weight)) = request(&self.waiting[idx].1.purpose) else {
                self.waiting.remove(idx);
                continue;
            };
            let permit = if self.is_limited { self.budget.acquire(weight, now.monotonic) } else { Permit::Granted };
            match permit {
                Permit::Granted => {}
                Permit::At(later) => {
                    self.next_due = Some(later);
                    return sent;
                }
                Permit::AfterProbe => {
                    self.next_due = None;
                    return sent;
                }
            }
            let (_, task) = self.waiting.remove(idx);
            self.n_requests += 1;
            let id = RequestId(self.n_requests);
            sent.push(task.purpose.clone());
            self.in_flight.insert(id, (now.monotonic, task));
            out.queue.push_back(Output::Http(HttpRequest { id, path, query, weight }));
        }
    }

    /// A request ended; returns its task.
    pub(super) fn ended(&mut self, id: RequestId, now: Monotonic) -> Option<Task> {
        let (_, task) = self.in_flight.remove(&id)?;
        self.next_due = Some(now);
        Some(task)
    }

    /// Tasks whose answer has not come for too long. A late answer is ignored.
    pub(super) fn take_overdue(&mut self, now: Monotonic) -> Vec<Task> {
        let is_overdue = |sent_at: Monotonic| now.saturating_since(sent_at) >= REQUEST_TIMEOUT;
        let overdue = self.in_flight.extract_if(.., |_, (sent_at, _)| is_overdue(*sent_at));
        let tasks: Vec<Task> = overdue.map(|(_, (_, task))| task).collect();
        if !tasks.is_empty() {
            self.next_due = Some(now);
        }
        tasks
    }

    /// When [`Self::send_due`] or [`Self::take_overdue`] is wanted.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        let overdue = self.in_flight.values().map(|(sent_at, _)| *sent_at + REQUEST_TIMEOUT);
        overdue.chain(self.next_due).min()
    }
}

/// Urgency: books first, then symbols, then what was wished for, then polling.
fn rank(purpose: &Purpose) -> u8 {
    match purpose {
        Purpose::Snapshot { .. } => 0,
        Purpose::Symbols(_) => 1,
        Purpose::History { .. } => 2,
        Purpose::DayTicker { .. } => 3,
        Purpose::Trades { .. } | Purpose::AggTrades { .. } => 4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::binance::rest;

    fn now(millis: u64) -> Now {
        Now { monotonic: Monotonic::from_zero(Duration::from_millis(millis)), ..Now::default() }
    }

    fn request(purpose: &Purpose) -> Option<Request> {
        Some(match purpose {
            Purpose::Snapshot { .. } => rest::depth("A"),
            Purpose::History { interval, n_bars, .. } => rest::klines("A", *interval, *n_bars),
            _ => rest::exchange_info(&[]),
        })
    }

    fn history(n_bars: usize) -> Task {
        Task::new(Purpose::History { symbol: 0, interval: Interval::M1, n_bars })
    }

    #[test]
    fn urgent_ones_first_and_not_too_many_at_once() {
        let (mut requests, mut out) = (Requests::new(), Out::default());
        for n_bars in 1..=REQUESTS_IN_FLIGHT {
            requests.push(history(n_bars), now(0).monotonic);
        }
        requests.push(Task::new(Purpose::Snapshot { symbol: 3, epoch: 0 }), now(0).monotonic);
        requests.push(Task::new(Purpose::Snapshot { symbol: 3, epoch: 0 }), now(0).monotonic);
        let sent = requests.send_due(now(0), &mut out, request);
        assert_eq!((sent.len(), &sent[0]), (REQUESTS_IN_FLIGHT, &Purpose::Snapshot { symbol: 3, epoch: 0 }));
        assert!(requests.send_due(now(1), &mut out, request).is_empty());
        assert_eq!(requests.ended(RequestId(1), now(2).monotonic).map(|task| task.purpose), Some(sent[0].clone()));
        assert_eq!(requests.send_due(now(2), &mut out, request).len(), 1);
    }

    #[test]
    fn nothing_leaves_before_its_time_or_inside_retry_after() {
        let (mut requests, mut out) = (Requests::new(), Out::default());
        requests.push(history(1), now(500).monotonic);
        assert!(requests.send_due(now(499), &mut out, request).is_empty());
        assert_eq!(requests.deadline(), Some(now(500).monotonic));
        requests.budget.answered(429, Some(Duration::from_secs(7)), None, now(499).monotonic);
        assert!(requests.send_due(now(500), &mut out, request).is_empty());
        assert_eq!(requests.deadline(), Some(now(7_499).monotonic));
        assert_eq!(requests.send_due(now(7_499), &mut out, request).len(), 1);
    }

    #[test]
    fn overdue_requests_come_back_once() {
        let (mut requests, mut out) = (Requests::new(), Out::default());
        requests.push(history(1), now(0).monotonic);
        requests.send_due(now(0), &mut out, request);
        assert_eq!(requests.deadline(), Some(now(20_000).monotonic));
        assert!(requests.take_overdue(now(19_999).monotonic).is_empty());
        assert_eq!(requests.take_overdue(now(20_000).monotonic), [history(1)]);
        assert_eq!(requests.ended(RequestId(1), now(20_001).monotonic), None);
    }

    #[test]
    fn wishes_are_bounded() {
        let mut requests = Requests::new();
        for n_bars in 0..(HISTORY_QUEUE + 10) {
            requests.push(history(n_bars), now(0).monotonic);
        }
        assert_eq!(requests.waiting.len(), HISTORY_QUEUE);
        assert_eq!(requests.waiting[0].1, history(10));
    }
}
