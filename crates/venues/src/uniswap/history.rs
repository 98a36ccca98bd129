//! Historical candles from the subgraph: history requests, the pages that answer them, and candles built from the rows.
//!
//! Candles of hours and days are the subgraph's own; those of four hours are built from hours, those of minutes from
//! swaps. A candle without swaps has no row and stays a gap. The subgraph is behind the chain: it is asked again until
//! it knows everything that had closed at the time of the request. Its requests have their own budget, so that its
//! limits never delay the node. Not here: the text of queries ([`super::graphql`]), prices ([`super::pool`]).

use std::collections::{BTreeMap, BTreeSet};

use model::{
    candle::{Candle, Interval},
    event::CandleHistory,
    status::FeedCause,
    time::{Monotonic, Now, Timestamp},
};

use crate::{
    kit::{
        bars,
        outputs::Outputs,
        requests::{self, RequestOutcome, Requests, Task},
    },
    session::{HttpAnswer, HttpFailure, RequestId},
    uniswap::{
        HISTORY_ATTEMPTS, HISTORY_BARS, HISTORY_PAGES, HISTORY_RULES, LAG_ATTEMPTS, LAG_RETRY, REFUSED_RETRY,
        graphql::{self, Answer, BarRow, Refusal, Rows, SwapRow},
        pool::{PoolInfo, Print},
    },
};

/// Requests to the subgraph, and the answers so far.
#[derive(Debug)]
pub(super) struct History {
    requests: Requests<Page>,
    /// Receives the outputs of these requests alone: their budget is not the node's.
    out: Outputs,
    wanted: BTreeMap<(usize, Interval), HistoryQuery>,
    /// No request is sent before: the subgraph refuses our key.
    refused_until: Option<Monotonic>,
    /// Unreadable answers and rows since the last call that took them.
    n_malformed: u64,
}

/// A page of requested history. Pools are positions in the session's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pool: usize,
    interval: Interval,
}

impl requests::Purpose for Page {
    fn rank(&self) -> u8 {
        0
    }

    fn is_history(&self) -> bool {
        true
    }

    fn subject(&self) -> &'static str {
        "bars"
    }
}

/// A history request in progress. Times are seconds.
#[derive(Debug)]
struct HistoryQuery {
    from: i64,
    /// Start of the candle that had not closed at the request: everything before it is final.
    target: i64,
    /// The end of the next page.
    until: i64,
    n_pages: usize,
    /// Answers from a subgraph that was behind.
    n_behind: u32,
    /// Candles of hours or days by their time.
    parts: BTreeMap<i64, Candle>,
    /// Swaps by time, index in the block and id: pages overlap.
    prints: BTreeMap<(i64, u64, String), Print>,
    /// Times of unreadable swaps: their candles stay gaps.
    unread: BTreeSet<i64>,
}

/// The result of an answer.
pub(super) enum Outcome {
    /// Nothing to report.
    None,
    /// Candles of this pool.
    Bars(usize, CandleHistory),
    /// Why there is no history.
    Cause(FeedCause),
}

impl History {
    /// Creates an empty history. `is_limited` is false for a recording.
    pub(super) fn new(is_limited: bool) -> Self {
        Self {
            requests: Requests::new(HISTORY_RULES, is_limited).numbered_from(FIRST_ID),
            out: Outputs::default(),
            wanted: BTreeMap::new(),
            refused_until: None,
            n_malformed: 0,
        }
    }

    /// Returns the number of unreadable items since the last call.
    pub(super) fn take_malformed(&mut self) -> u64 {
        std::mem::take(&mut self.n_malformed)
    }

    /// Returns true for a request that was made here.
    pub(super) fn owns(id: RequestId) -> bool {
        id.0 >= FIRST_ID
    }

    /// Notes a request; it is made once the pool is known. Candles of seconds are not available.
    pub(super) fn want(&mut self, pool: usize, interval: Interval, n_bars: usize, now: Now) {
        if source(interval).is_none() || self.refused_until.is_some_and(|until| now.monotonic < until) {
            return;
        }
        let target = seconds(interval.open_time(now.wall));
        let length = length_s(interval);
        let n_before = i64::try_from(n_bars.clamp(1, HISTORY_BARS) - 1).unwrap_or(0);
        let from = target - length * n_before;
        let wanted = HistoryQuery {
            from,
            target,
            until: target + length - 1,
            n_pages: 0,
            n_behind: 0,
            parts: BTreeMap::new(),
            prints: BTreeMap::new(),
            unread: BTreeSet::new(),
        };
        // The older request is answered sooner: the subgraph has less to catch up with.
        self.wanted.entry((pool, interval)).or_insert(wanted);
        if !self.requests.has(|page| *page == Page { pool, interval }) {
            self.requests.push(Task::new(Page { pool, interval }), now.monotonic);
        }
    }

    /// Notes that a pool is known: makes the earlier requests.
    pub(super) fn known(&mut self, pool: usize, now: Now) {
        for (_, interval) in self.wanted.keys().filter(|(wanted, _)| *wanted == pool) {
            self.requests.push(Task::new(Page { pool, interval: *interval }), now.monotonic);
        }
    }

    /// Sends everything that may be sent; `address` returns the contract of a known pool.
    pub(super) fn send_due(&mut self, now: Now, out: &mut Outputs, address: impl Fn(usize) -> Option<String>) {
        let wanted = &self.wanted;
        self.requests.send_due(now, &mut self.out, |page| {
            let wanted = wanted.get(&(page.pool, page.interval))?;
            Some(graphql::request(source(page.interval)?, &address(page.pool)?, wanted.from, wanted.until))
        });
        out.queue.append(&mut self.out.queue);
    }

    /// Returns when [`Self::send_due`] or [`Self::expire`] is due.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        self.requests.deadline()
    }

    /// Counts overdue requests as failed.
    pub(super) fn expire(&mut self, now: Now) {
        for task in self.requests.take_overdue(now, &mut self.out) {
            self.retry(task, now);
        }
    }

    /// Processes the end of a request; `info` returns the description of a pool.
    pub(super) fn answered<'p>(
        &mut self,
        id: RequestId,
        result: Result<HttpAnswer<'_>, HttpFailure>,
        now: Now,
        info: impl Fn(usize) -> Option<&'p PoolInfo>,
    ) -> Outcome {
        match self.requests.settle(id, result, now, &mut self.out) {
            RequestOutcome::Late => Outcome::None,
            RequestOutcome::Failed(task) => {
                self.retry(task, now);
                Outcome::None
            }
            RequestOutcome::Forbidden(task, cause) => {
                self.wanted.remove(&(task.purpose.pool, task.purpose.interval));
                Outcome::Cause(cause)
            }
            // A refusal as text, with any status.
            RequestOutcome::Answered(task, body) | RequestOutcome::Refused(task, HttpAnswer { body, .. }) => {
                match info(task.purpose.pool) {
                    Some(info) => self.page(task, body, info, now),
                    None => Outcome::None,
                }
            }
        }
    }

    fn page(&mut self, task: Task<Page>, body: &str, info: &PoolInfo, now: Now) -> Outcome {
        let Page { pool, interval } = task.purpose;
        let (Some(rows), Some(wanted)) = (source(interval), self.wanted.get_mut(&(pool, interval))) else {
            return Outcome::None;
        };
        let taken = match rows {
            Rows::Swaps => serde_json::from_str(body).map(|answer| wanted.take_swaps(answer, info)),
            Rows::Hours | Rows::Days => serde_json::from_str(body).map(|answer| wanted.take_bars(answer, info)),
        };
        match taken {
            Err(_) | Ok(Err(None)) => {
                self.n_malformed += 1;
                self.retry(task, now);
                Outcome::None
            }
            Ok(Err(Some(refusal))) => self.refused(refusal, task, now),
            Ok(Ok(PageOutcome::Behind { .. })) if wanted.n_behind < LAG_ATTEMPTS => {
                wanted.n_behind += 1;
                self.requests.push(Task::new(task.purpose), now.monotonic + LAG_RETRY);
                Outcome::None
            }
            Ok(Ok(PageOutcome::Behind { known_until })) => {
                self.wanted.remove(&(pool, interval));
                let behind_s = seconds(now.wall).saturating_sub(known_until);
                let detail = format!("no history: the subgraph is {behind_s} s behind the chain");
                Outcome::Cause(FeedCause::Refused { detail })
            }
            Ok(Ok(PageOutcome::Page { n_malformed })) => {
                self.n_malformed += n_malformed;
                self.requests.push(Task::new(task.purpose), now.monotonic);
                Outcome::None
            }
            Ok(Ok(PageOutcome::All { n_malformed })) => {
                self.n_malformed += n_malformed;
                self.emit(pool, interval, now)
            }
        }
    }

    fn refused(&mut self, refusal: Refusal, task: Task<Page>, now: Now) -> Outcome {
        match refusal {
            Refusal::Limit => {
                self.requests.refused_as_too_many(None, now, &mut self.out);
                self.retry(task, now);
                Outcome::None
            }
            Refusal::Credentials(detail) => {
                self.wanted.clear();
                self.refused_until = Some(now.monotonic + REFUSED_RETRY);
                Outcome::Cause(FeedCause::CredentialsRefused { detail: format!("no history: {detail}") })
            }
            Refusal::Other(detail) => {
                self.retry(task, now);
                Outcome::Cause(FeedCause::Refused { detail: format!("no history: {detail}") })
            }
        }
    }

    /// Retries, or abandons the request: the view asks again, at growing intervals.
    fn retry(&mut self, mut task: Task<Page>, now: Now) {
        let wait = task.fail();
        if task.n_failed < HISTORY_ATTEMPTS {
            self.requests.push(task, now.monotonic + wait);
        } else {
            self.wanted.remove(&(task.purpose.pool, task.purpose.interval));
        }
    }

    fn emit(&mut self, pool: usize, interval: Interval, now: Now) -> Outcome {
        let key = (pool, interval);
        let Some(wanted) = self.wanted.remove(&key) else { return Outcome::None };
        let is_forming = seconds(interval.open_time(now.wall)) == wanted.target;
        if needs_forming_bar(interval) && !is_forming {
            // The candle closed while the pages arrived: they may lack its last swaps.
            let n_bars = usize::try_from((wanted.target - wanted.from) / length_s(interval)).unwrap_or(0) + 1;
            self.want(pool, interval, n_bars, now);
            return Outcome::None;
        }
        Outcome::Bars(pool, CandleHistory { interval, candles: wanted.candles(interval) })
    }
}

/// The result of a page.
enum PageOutcome {
    /// The subgraph does not yet know everything that had closed at the request.
    Behind { known_until: i64 },
    /// More pages will follow.
    Page { n_malformed: u64 },
    /// This was the last page.
    All { n_malformed: u64 },
}

impl HistoryQuery {
    fn take_bars(&mut self, answer: Answer<'_, BarRow<'_>>, info: &PoolInfo) -> Result<PageOutcome, Option<Refusal>> {
        let (known_until, rows) = answer.into_rows()?;
        if known_until < self.target {
            return Ok(PageOutcome::Behind { known_until });
        }
        let (mut n_malformed, mut oldest) = (0, self.until);
        for row in rows.iter().take(graphql::ROWS).filter(|row| (self.from..=self.until).contains(&row.time)) {
            oldest = oldest.min(row.time - 1);
            match info.bar(row) {
                Some(candle) => drop(self.parts.insert(row.time, candle)),
                None => n_malformed += 1,
            }
        }
        Ok(self.turn_page(rows.len(), oldest, n_malformed))
    }

    fn take_swaps(&mut self, answer: Answer<'_, SwapRow<'_>>, info: &PoolInfo) -> Result<PageOutcome, Option<Refusal>> {
        let (known_until, rows) = answer.into_rows()?;
        if known_until < self.target {
            return Ok(PageOutcome::Behind { known_until });
        }
        let (mut n_malformed, mut oldest) = (0, self.until);
        for row in rows.iter().take(graphql::ROWS) {
            let Ok(time) = row.time.parse::<i64>() else { return Err(None) };
            if !(self.from..=self.until).contains(&time) {
                continue;
            }
            // Swaps of one second may be on both sides of a page's end.
            oldest = oldest.min(time);
            let Some(print) = info.print_of(&row.amount0, &row.amount1) else {
                n_malformed += 1;
                self.unread.insert(time);
                continue;
            };
            let place = row.log_index.as_deref().or_else(|| row.id.rsplit_once('#').map(|(_, place)| place));
            let place = place.and_then(|place| place.parse().ok()).unwrap_or(0);
            self.prints.insert((time, place, row.id.chars().take(100).collect()), print);
        }
        Ok(self.turn_page(rows.len(), oldest, n_malformed))
    }

    /// Decides whether another page is needed, which then ends at `until`.
    fn turn_page(&mut self, n_rows: usize, until: i64, n_malformed: u64) -> PageOutcome {
        self.n_pages += 1;
        if n_rows < graphql::ROWS || until < self.from {
            return PageOutcome::All { n_malformed };
        }
        if self.n_pages < HISTORY_PAGES && until < self.until {
            self.until = until;
            return PageOutcome::Page { n_malformed };
        }
        // Older rows are not requested: everything before these is unknown.
        self.from = until + 1;
        PageOutcome::All { n_malformed }
    }

    /// Returns complete candles, oldest first.
    fn candles(self, interval: Interval) -> Vec<Candle> {
        let open = |time_s: i64| seconds(interval.open_time(stamp(time_s)));
        // A candle that begins before the first known row may lack its beginning.
        let first = if open(self.from) == self.from { self.from } else { open(self.from) + length_s(interval) };
        let last = if needs_forming_bar(interval) { self.target } else { self.target - 1 };
        let holes: BTreeSet<i64> = self.unread.into_iter().map(open).collect();
        let prints = self.prints.into_iter();
        let prints = prints.map(|((time, ..), print)| (stamp(time), print.price, print.size, print.aggressor_side));
        let mut bars = bars::of_prints(interval, prints);
        bars.extend(bars::joined(interval, self.parts.into_values()));
        bars.retain(|bar| {
            let time = seconds(bar.open_time);
            (first..=last).contains(&time) && !holes.contains(&time)
        });
        bars
    }
}

/// Returns the rows from which candles of this length are built.
fn source(interval: Interval) -> Option<Rows> {
    match interval {
        Interval::S1 => None,
        Interval::M1 | Interval::M5 | Interval::M15 | Interval::M30 => Some(Rows::Swaps),
        Interval::H1 | Interval::H4 => Some(Rows::Hours),
        Interval::D1 => Some(Rows::Days),
    }
}

/// Returns true if the forming candle is built from the node's swaps, which go back further than one short candle.
fn needs_forming_bar(interval: Interval) -> bool {
    !matches!(interval, Interval::S1 | Interval::M1 | Interval::M5)
}

fn length_s(interval: Interval) -> i64 {
    i64::try_from(interval.duration().as_secs()).unwrap_or(i64::MAX)
}

fn seconds(time: Timestamp) -> i64 {
    time.as_nanos().div_euclid(1_000_000_000)
}

fn stamp(time_s: i64) -> Timestamp {
    Timestamp::from_millis(time_s.saturating_mul(1_000))
}

/// First number of these requests, far from the node's.
const FIRST_ID: u64 = 1 << 32;
