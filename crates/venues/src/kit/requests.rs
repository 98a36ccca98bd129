//! REST requests that wait or are in flight: order, pace, the shared budget, and the meaning of an answer's status.
//!
//! At most one request for each purpose waits, so the queue is bounded by the followed symbols; requests for history
//! are bounded by [`RequestRules::history_queue`]. Shared by all venues. Not here: the content of answers (the venues).

use std::{borrow::Cow, cmp::Reverse, collections::BTreeMap, fmt::Debug, time::Duration};

use model::{
    status::FeedCause,
    time::{Monotonic, Now},
};

use crate::{
    budget::{Budget, Permit},
    kit::outputs::Outputs,
    session::{HttpAnswer, HttpFailure, HttpRequest, Output, RequestId},
};

/// The venue's limits, and how far we use each.
#[derive(Clone, Debug)]
pub(crate) struct RequestRules {
    /// Weight per minute and address; half of it is used.
    pub(crate) weight_per_minute: u32,
    /// Minimum time between two requests.
    pub(crate) spacing: Duration,
    /// Maximum concurrent requests.
    pub(crate) in_flight: usize,
    /// A request without an answer for this long counts as failed.
    pub(crate) timeout: Duration,
    /// Maximum waiting requests for history; further ones replace the oldest.
    pub(crate) history_queue: usize,
    /// Returns true for a body that says that the request is not in the plan; `None` for a venue without plans.
    pub(crate) is_not_in_plan: Option<fn(&str) -> bool>,
}

/// The purpose of a request. Of two equal ones only one waits.
pub(crate) trait Purpose: Clone + Debug + PartialEq + Send {
    /// Returns the rank of its kind: the lowest is sent first.
    fn rank(&self) -> u8;

    /// Returns the position of the symbol it is about, if it is about one: of equal kinds, the most urgent comes first.
    fn symbol(&self) -> Option<usize> {
        None
    }

    /// Returns true for requested candles: their number is bounded.
    fn is_history(&self) -> bool;

    /// Returns the word for what is requested, in the plural: `bars`.
    fn subject(&self) -> &'static str;

    /// Returns the number of attempts. One for requests that are repeated anyway.
    fn attempts(&self) -> u32 {
        1
    }
}

/// Urgency of a symbol's requests among those of their kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Nobody has looked at it.
    #[default]
    Never,
    /// Somebody looked at it until then.
    Before(Monotonic),
    /// Somebody looks at it.
    Now,
}

/// A request in the form of a venue's REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RestRequest {
    /// Path from the root.
    pub(crate) path: Cow<'static, str>,
    /// Query parameters in order, not yet escaped.
    pub(crate) query: Vec<(&'static str, String)>,
    /// Share of the budget.
    pub(crate) weight: u32,
    /// A body makes it a `POST` of JSON.
    pub(crate) body: Option<String>,
}

impl RestRequest {
    /// Creates a `GET`.
    pub(crate) fn get(path: impl Into<Cow<'static, str>>, query: Vec<(&'static str, String)>, weight: u32) -> Self {
        Self { path: path.into(), query, weight, body: None }
    }
}

/// A purpose and its failed attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task<P> {
    pub(crate) purpose: P,
    /// Failed attempts.
    pub(crate) n_failed: u32,
}

impl<P> Task<P> {
    /// Creates a task that has not been tried yet.
    pub(crate) fn new(purpose: P) -> Self {
        Self { purpose, n_failed: 0 }
    }

    /// Counts a failure; returns how long to wait before the next attempt.
    pub(crate) fn fail(&mut self) -> Duration {
        let wait = RETRY_FIRST.saturating_mul(1 << self.n_failed.min(5)).min(RETRY_LAST);
        self.n_failed += 1;
        wait
    }
}

/// The result of a request.
#[derive(Debug)]
pub(crate) enum RequestOutcome<'a, P> {
    /// The request is no longer awaited.
    Late,
    /// The answer, status 2xx.
    Answered(Task<P>, &'a str),
    /// The venue refuses the request: status 4xx other than limits and blocks.
    Refused(Task<P>, HttpAnswer<'a>),
    /// The venue refuses all requests of this kind, for this reason; others go on.
    Forbidden(Task<P>, FeedCause),
    /// No answer, or one that says to retry later.
    Failed(Task<P>),
}

/// A request in flight.
#[derive(Debug)]
struct Sent<P> {
    at: Monotonic,
    task: Task<P>,
    path: Cow<'static, str>,
}

/// All requests of a session.
#[derive(Debug)]
pub(crate) struct Requests<P> {
    pub(crate) budget: Budget,
    rules: RequestRules,
    waiting: Vec<(Monotonic, Task<P>)>,
    in_flight: BTreeMap<RequestId, Sent<P>>,
    last_sent: Option<Monotonic>,
    /// Time of the last report of the weight.
    weight_at: Option<Monotonic>,
    /// No request is due before this; `None` if nothing waits or an answer must come first.
    next_due: Option<Monotonic>,
    /// Paths of refused requests for history, and until when none is made.
    forbidden: BTreeMap<Cow<'static, str>, Monotonic>,
    /// By position; the others are [`Urgency::Never`].
    urgencies: BTreeMap<usize, Urgency>,
    n_requests: u64,
    /// False for a recording: its answers are free, and many never come.
    is_limited: bool,
}

impl<P: Purpose> Requests<P> {
    /// Creates an empty set. `is_limited` is false for a recording: nothing is delayed.
    pub(crate) fn new(rules: RequestRules, is_limited: bool) -> Self {
        Self {
            is_limited,
            budget: Budget::new(rules.weight_per_minute),
            rules,
            waiting: Vec::new(),
            in_flight: BTreeMap::new(),
            last_sent: None,
            weight_at: None,
            next_due: None,
            forbidden: BTreeMap::new(),
            urgencies: BTreeMap::new(),
            n_requests: 0,
        }
    }

    /// Numbers its requests starting at `first_id`: for a second set of requests beside another.
    pub(crate) fn numbered_from(self, first_id: u64) -> Self {
        Self { n_requests: first_id, ..self }
    }

    /// Adds a task that must not be sent before `not_before`. A waiting task with the same purpose is kept instead.
    pub(crate) fn push(&mut self, task: Task<P>, not_before: Monotonic) {
        if self.waiting.iter().any(|(_, waiting)| waiting.purpose == task.purpose) {
            return;
        }
        let mut histories = self.waiting.iter().enumerate().filter(|(_, (_, task))| task.purpose.is_history());
        let oldest_idx = histories.next().map(|(idx, _)| idx);
        let n_histories = histories.count() + usize::from(oldest_idx.is_some());
        if let Some(oldest_idx) = oldest_idx
            && task.purpose.is_history()
            && n_histories >= self.rules.history_queue
        {
            // The newest request is the one that a reader is viewing.
            self.waiting.remove(oldest_idx);
        }
        self.waiting.push((not_before, task));
        self.next_due = Some(self.next_due.map_or(not_before, |due| due.min(not_before)));
    }

    /// Notes how soon a symbol's requests are sent.
    pub(crate) fn set_urgency(&mut self, symbol: usize, urgency: Urgency) {
        self.urgencies.insert(symbol, urgency);
    }

    /// Returns what decides between tasks that are due: the lowest is sent first.
    fn order(&self, purpose: &P) -> (u8, Reverse<Urgency>) {
        let urgency = purpose.symbol().and_then(|symbol| self.urgencies.get(&symbol));
        (purpose.rank(), Reverse(urgency.copied().unwrap_or_default()))
    }

    /// Returns true if a task of this kind waits or is in flight.
    pub(crate) fn has(&self, is_it: impl Fn(&P) -> bool) -> bool {
        let in_flight = self.in_flight.values().map(|sent| &sent.task);
        self.waiting.iter().map(|(_, task)| task).chain(in_flight).any(|task| is_it(&task.purpose))
    }

    /// Sends everything that may be sent now; returns the purposes sent. `request` returns a purpose's request, `None`
    /// drops the task.
    pub(crate) fn send_due(
        &mut self,
        now: Now,
        out: &mut Outputs,
        request: impl Fn(&P) -> Option<RestRequest>,
    ) -> Vec<P> {
        let mut sent = Vec::new();
        self.report_weight(now.monotonic, out);
        if self.next_due.is_none_or(|due| now.monotonic < due) {
            return sent;
        }
        loop {
            self.next_due = self.waiting.iter().map(|(not_before, _)| *not_before).min();
            if self.next_due.is_none_or(|due| now.monotonic < due) {
                return sent;
            }
            if self.is_limited && self.in_flight.len() >= self.rules.in_flight {
                self.next_due = None;
                return sent;
            }
            let due = self.waiting.iter().enumerate().filter(|(_, (not_before, _))| *not_before <= now.monotonic);
            let Some(idx) = due.min_by_key(|(idx, (_, task))| (self.order(&task.purpose), *idx)).map(|(idx, _)| idx)
            else {
                return sent;
            };
            let purpose = &self.waiting[idx].1.purpose;
            let is_forbidden = |path: &str| self.forbidden.get(path).is_some_and(|until| now.monotonic < *until);
            let rest_request = request(purpose).filter(|request| !purpose.is_history() || !is_forbidden(&request.path));
            let Some(rest_request) = rest_request else {
                self.waiting.remove(idx);
                continue;
            };
            match self.permit(rest_request.weight, now.monotonic) {
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
            let RestRequest { path, query, weight, body } = rest_request;
            self.in_flight.insert(id, Sent { at: now.monotonic, task, path: path.clone() });
            self.last_sent = Some(now.monotonic);
            out.queue.push_back(Output::Http(HttpRequest { id, path, query, weight, body }));
        }
    }

    /// Once a second, because used weight expires after a minute even without any request.
    fn report_weight(&mut self, now: Monotonic, out: &mut Outputs) {
        let is_due = self.weight_at.is_none_or(|at| now.saturating_since(at) >= WEIGHT_PERIOD);
        if self.is_limited && self.n_requests > 0 && is_due {
            out.health.rest_weight = Some(self.budget.weight(now));
            self.weight_at = Some(now);
        }
    }

    fn permit(&mut self, weight: u32, now: Monotonic) -> Permit {
        if !self.is_limited {
            return Permit::Granted;
        }
        match self.last_sent.map(|last| last + self.rules.spacing) {
            Some(earliest) if now < earliest => Permit::At(earliest),
            _ => self.budget.acquire(weight, now),
        }
    }

    /// Processes the end of a request: informs the budget, and reports a failure in health.
    pub(crate) fn settle<'a>(
        &mut self,
        id: RequestId,
        result: Result<HttpAnswer<'a>, HttpFailure>,
        now: Now,
        out: &mut Outputs,
    ) -> RequestOutcome<'a, P> {
        // A request that is no longer awaited was sent before everything in flight now.
        let asked_at = self.in_flight.get(&id).map_or(Monotonic::ZERO, |sent| sent.at);
        match &result {
            Ok(HttpAnswer { status, retry_after, used_weight, .. }) => {
                self.budget.answered(asked_at, *status, *retry_after, *used_weight, now.monotonic);
            }
            Err(_) => self.budget.unanswered(asked_at, now.monotonic),
        }
        out.health.breaker = self.budget.breaker_state(now);
        let Some(Sent { task, path, .. }) = self.in_flight.remove(&id) else { return RequestOutcome::Late };
        self.next_due = Some(now.monotonic);
        let Ok(answer) = result else { return RequestOutcome::Failed(task) };
        let is_not_in_plan = self.rules.is_not_in_plan.is_some_and(|is_it| is_it(answer.body));
        match answer.status {
            _ if is_not_in_plan => self.forbidden(task, path, answer, now),
            200..300 => {
                out.set_rest_cause(None);
                out.offered(task.purpose.subject());
                RequestOutcome::Answered(task, answer.body)
            }
            429 | 418 => {
                self.limited(now, out);
                RequestOutcome::Failed(task)
            }
            451 => {
                out.set_rest_cause(Some(FeedCause::RegionBlocked));
                RequestOutcome::Failed(task)
            }
            402 | 403 => self.forbidden(task, path, answer, now),
            400..500 => {
                out.set_rest_cause(None);
                RequestOutcome::Refused(task, answer)
            }
            _ => RequestOutcome::Failed(task),
        }
    }

    /// Handles the refusal of a kind of request: none of it is made for a while.
    fn forbidden(
        &mut self,
        task: Task<P>,
        path: Cow<'static, str>,
        answer: HttpAnswer<'_>,
        now: Now,
    ) -> RequestOutcome<'static, P> {
        let until = now.monotonic + FORBIDDEN_WAIT;
        if task.purpose.is_history() {
            self.forbidden.retain(|_, until| now.monotonic < *until);
            self.forbidden.insert(path, until);
        } else {
            // It waits in the place of any other with its purpose.
            self.push(Task::new(task.purpose.clone()), until);
        }
        let subject = task.purpose.subject();
        let detail = match self.rules.is_not_in_plan {
            Some(_) => format!("{subject} are not in your plan"),
            None => format!("the venue refuses requests for {subject} ({})", answer.status),
        };
        RequestOutcome::Forbidden(task, FeedCause::NotOffered { detail })
    }

    /// Handles a venue's own report of too many requests (some send it with status 200).
    pub(crate) fn refused_as_too_many(&mut self, retry_after: Option<Duration>, now: Now, out: &mut Outputs) {
        self.budget.answered(now.monotonic, 429, retry_after, None, now.monotonic);
        out.health.breaker = self.budget.breaker_state(now);
        self.limited(now, out);
    }

    fn limited(&self, now: Now, out: &mut Outputs) {
        let open_until = self.budget.open_until().unwrap_or(now.monotonic);
        let until = now.wall + open_until.saturating_since(now.monotonic);
        out.set_rest_cause(Some(FeedCause::RateLimited { until }));
    }

    /// Returns tasks whose answer is overdue; they count as failed, and a late answer is ignored.
    pub(crate) fn take_overdue(&mut self, now: Now, out: &mut Outputs) -> Vec<Task<P>> {
        let timeout = self.rules.timeout;
        let overdue = self.in_flight.extract_if(.., |_, sent| now.monotonic.saturating_since(sent.at) >= timeout);
        let overdue: Vec<Sent<P>> = overdue.map(|(_, sent)| sent).collect();
        let mut tasks = Vec::new();
        for Sent { at, task, .. } in overdue {
            self.budget.unanswered(at, now.monotonic);
            tasks.push(task);
        }
        if !tasks.is_empty() {
            self.next_due = Some(now.monotonic);
            out.health.breaker = self.budget.breaker_state(now);
        }
        tasks
    }

    /// Returns when [`Self::send_due`] or [`Self::take_overdue`] is due.
    pub(crate) fn deadline(&self) -> Option<Monotonic> {
        let overdue = self.in_flight.values().map(|sent| sent.at + self.rules.timeout);
        overdue.chain(self.next_due).min()
    }
}

/// Wait after the first failure; doubles.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait between two attempts.
const RETRY_LAST: Duration = Duration::from_secs(30);
/// Wait after a kind of request was refused: a firewall opens again, a plan may change.
const FORBIDDEN_WAIT: Duration = Duration::from_secs(120);

/// Minimum time between two reports of the weight.
const WEIGHT_PERIOD: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
