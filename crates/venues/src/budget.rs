//! Limits of REST requests to a venue: weights in a window, `Retry-After`, and a circuit breaker.
//!
//! Not here: queues of requests (the sessions), the venues' limits (their folders). Time is an argument.

use std::{collections::VecDeque, time::Duration};

use model::{
    status::{BreakerState, RestWeight},
    time::{Monotonic, Now, Timestamp},
};

/// Permission to send a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Granted, and counted.
    Granted,
    /// Not before then.
    At(Monotonic),
    /// Not before the probe in flight has been answered.
    AfterProbe,
}

/// The weight budget of one venue address, with its circuit breaker.
///
/// At most half of the venue's limit is used, so that other programs behind the same address have room. Any answer with
/// 429 or 418, or with a stated wait, opens the breaker until `Retry-After` is over; [`FAILURES_TO_OPEN`] consecutive failures open it for a
/// while; afterwards exactly one request is sent as a probe, and its answer decides.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: u32,
    spent: VecDeque<(Monotonic, u32)>,
    n_spent: u32,
    counted_by_venue: Option<(Monotonic, u32)>,
    breaker: Breaker,
    n_openings: u32,
}

#[derive(Clone, Copy, Debug)]
enum Breaker {
    Closed { n_failures: u32 },
    Open { until: Monotonic },
    Probing { since: Monotonic },
}

impl Budget {
    /// Creates a budget; `limit` is the weight that the venue allows per minute.
    pub fn new(limit: u32) -> Self {
        Self {
            limit,
            spent: VecDeque::new(),
            n_spent: 0,
            counted_by_venue: None,
            breaker: Breaker::Closed { n_failures: 0 },
            n_openings: 0,
        }
    }

    /// Adopts the limit stated by the venue.
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Returns when requests are allowed again, if the breaker is open.
    pub fn open_until(&self) -> Option<Monotonic> {
        match self.breaker {
            Breaker::Open { until } => Some(until),
            Breaker::Closed { .. } | Breaker::Probing { .. } => None,
        }
    }

    /// Returns the breaker's state as shown in health.
    pub fn breaker_state(&self, now: Now) -> BreakerState {
        match self.breaker {
            Breaker::Closed { .. } => BreakerState::Closed,
            Breaker::Open { until } => BreakerState::Open { until: now.wall + until.saturating_since(now.monotonic) },
            Breaker::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    /// Returns the weight used in the last minute, including other callers if the venue counts them.
    pub fn weight(&self, now: Monotonic) -> RestWeight {
        let is_current = |at: Monotonic| now.saturating_since(at) < WINDOW;
        let own = self
            .spent
            .iter()
            .filter(|(at, _)| is_current(*at))
            .fold(0_u32, |sum, (_, weight)| sum.saturating_add(*weight));
        let counted = self.counted_by_venue.filter(|(at, _)| is_current(*at)).map_or(0, |(_, n_used)| n_used);
        RestWeight { used: own.max(counted), limit: self.limit }
    }

    /// Requests permission for `weight`. A request heavier than the whole share is sent alone in its window.
    pub fn acquire(&mut self, weight: u32, now: Monotonic) -> Permit {
        match self.breaker {
            Breaker::Open { until } if now < until => return Permit::At(until),
            // A probe that never returns must not block requests forever.
            Breaker::Probing { since } if now.saturating_since(since) < PROBE_TIMEOUT => return Permit::AfterProbe,
            Breaker::Open { .. } | Breaker::Probing { .. } | Breaker::Closed { .. } => {}
        }
        while self.spent.front().is_some_and(|(at, _)| now.saturating_since(*at) >= WINDOW) {
            self.n_spent -= self.spent.pop_front().map_or(0, |(_, weight)| weight);
        }
        let share = self.limit / 2;
        if let Some((at, n_used)) = self.counted_by_venue {
            let is_current = now.saturating_since(at) < WINDOW;
            if is_current && n_used.saturating_add(weight) > share {
                return Permit::At(at + WINDOW);
            }
        }
        if self.n_spent > 0 && self.n_spent.saturating_add(weight) > share {
            return Permit::At(self.freed_at(self.n_spent.saturating_add(weight) - share));
        }
        self.spent.push_back((now, weight));
        self.n_spent = self.n_spent.saturating_add(weight);
        if !matches!(self.breaker, Breaker::Closed { .. }) {
            self.breaker = Breaker::Probing { since: now };
        }
        Permit::Granted
    }

    /// Counts `weight` sent with another budget's permission, for a budget shared by several callers.
    pub fn spend(&mut self, weight: u32, now: Monotonic) {
        self.spent.push_back((now, weight));
        self.n_spent = self.n_spent.saturating_add(weight);
        while self.spent.front().is_some_and(|(at, _)| now.saturating_since(*at) >= WINDOW) {
            self.n_spent -= self.spent.pop_front().map_or(0, |(_, weight)| weight);
        }
    }

    /// Processes the answer to a request sent at `asked_at`. `used_weight`: the venue's own count for the current
    /// minute, which includes other callers.
    pub fn answered(
        &mut self,
        asked_at: Monotonic,
        status: u16,
        retry_after: Option<Duration>,
        used_weight: Option<u32>,
        now: Monotonic,
    ) {
        if let Some(n_used) = used_weight {
            self.counted_by_venue = Some((now, n_used));
        }
        match status {
            429 => self.open(now + retry_after.unwrap_or(UNSTATED_429)),
            418 => self.open(now + retry_after.unwrap_or(UNSTATED_418)),
            // Asking again soon does not help with a region block.
            451 => self.open(now + retry_after.unwrap_or(UNSTATED_418)),
            500.. => self.failed(asked_at, retry_after, now),
            // A stated wait is for all, whatever the status says. Without one, a refusal (403) is of one kind of request,
            // which its sender must not repeat soon.
            _ if retry_after.is_some_and(|wait| !wait.is_zero()) => self.open(now + retry_after.unwrap_or_default()),
            _ => {
                if !self.is_beside_probe(asked_at) && !matches!(self.breaker, Breaker::Open { .. }) {
                    self.breaker = Breaker::Closed { n_failures: 0 };
                    self.n_openings = 0;
                }
            }
        }
    }

    /// Notes that a request sent at `asked_at` got no answer.
    pub fn unanswered(&mut self, asked_at: Monotonic, now: Monotonic) {
        self.failed(asked_at, None, now);
    }

    /// Returns true while a probe is in flight and the request was sent before it: its result proves nothing.
    fn is_beside_probe(&self, asked_at: Monotonic) -> bool {
        matches!(self.breaker, Breaker::Probing { since } if asked_at < since)
    }

    fn failed(&mut self, asked_at: Monotonic, retry_after: Option<Duration>, now: Monotonic) {
        if self.is_beside_probe(asked_at) {
            return;
        }
        let cool_down =
            COOL_DOWN.saturating_mul(1 << self.n_openings.min(4)).max(retry_after.unwrap_or(Duration::ZERO));
        match &mut self.breaker {
            Breaker::Closed { n_failures } => {
                *n_failures += 1;
                if *n_failures >= FAILURES_TO_OPEN || retry_after.is_some() {
                    self.open(now + cool_down);
                }
            }
            Breaker::Probing { .. } => self.open(now + cool_down),
            Breaker::Open { .. } => {}
        }
    }

    fn open(&mut self, until: Monotonic) {
        let until = self.open_until().map_or(until, |known| known.max(until));
        self.n_openings = self.n_openings.saturating_add(1);
        self.breaker = Breaker::Open { until };
    }

    /// Returns when `needed` of the spent weight has left the window.
    fn freed_at(&self, needed: u32) -> Monotonic {
        let mut n_freed = 0_u32;
        for (at, weight) in &self.spent {
            n_freed = n_freed.saturating_add(*weight);
            if n_freed >= needed {
                return *at + WINDOW;
            }
        }
        // Heavier than the whole share: it waits until the window is empty.
        self.spent.back().map_or(Monotonic::ZERO, |(at, _)| *at + WINDOW)
    }
}

/// Returns the wait that a venue states in words beside a refusal; `None` if it names no time to come. Venues write the
/// end as milliseconds or seconds since 1970, or the seconds to wait. At most [`LONGEST_WAIT`].
///
/// ```text
/// Way too much request weight used; IP banned until 1764300000000. Please use WebSocket Streams …
/// {"code":-1003,"msg":"…","data":{"serverTime":1659142907531,"retryAfter":1659142919531}}
/// EService:Throttled: 1764300000
/// Too many requests, retry after 30 s
/// ```
pub fn stated_wait(text: &str, now: Timestamp) -> Option<Duration> {
    let start = text.char_indices().nth(LONGEST_WORDS).map_or(text, |(end, _)| &text[..end]);
    let words = start.to_ascii_lowercase();
    let waits = WAIT_WORDS.iter().flat_map(|word| words.match_indices(word).map(move |(at, _)| at + word.len()));
    waits.filter_map(|at| wait_at(&words[at..], now)).max().filter(|wait| !wait.is_zero())
}

/// Returns the wait until the number that `text` begins with, after at most a few other characters.
fn wait_at(text: &str, now: Timestamp) -> Option<Duration> {
    let at = text.find(|letter: char| letter.is_ascii_digit()).filter(|at| *at <= WORDS_TO_NUMBER)?;
    let digits = &text[at..];
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    // More digits than any time has: the longest wait.
    let number: i64 = digits[..end].parse().unwrap_or(i64::MAX);
    let wait = if number < FIRST_SECOND {
        Duration::from_secs(number.unsigned_abs())
    } else {
        let until = if number < FIRST_SECOND * 1_000 { number.saturating_mul(1_000) } else { number };
        Duration::from_millis(u64::try_from(until.saturating_sub(now.as_millis())).unwrap_or(0))
    };
    Some(wait.min(LONGEST_WAIT))
}

/// The longest wait that a venue can ask for: a day. A venue's mistake must not end its feed until a restart. Binance
/// documents bans of up to three days, and repeats their end when it is asked again.
pub const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// Words in front of the time, in lower case.
const WAIT_WORDS: &[&str] =
    &["until", "retryafter", "retry after", "retry-after", "retry_after", "try again in", "throttled"];
/// Characters of a text that are searched.
const LONGEST_WORDS: usize = 1_000;
/// Characters between the words and the number.
const WORDS_TO_NUMBER: usize = 4;
/// Numbers from here on are seconds since 1970 (this one is in 2001).
const FIRST_SECOND: i64 = 1_000_000_000;

/// Limits the number of events in any window: connection attempts.
#[derive(Clone, Debug)]
pub struct RateWindow {
    n_allowed: usize,
    window: Duration,
    booked: VecDeque<Monotonic>,
}

impl RateWindow {
    /// Allows `n_allowed` (at least one) in any span of `window`.
    pub fn new(n_allowed: usize, window: Duration) -> Self {
        Self { n_allowed: n_allowed.max(1), window, booked: VecDeque::new() }
    }

    /// Books one event at `earliest` or as soon after it as allowed; returns when.
    pub fn book(&mut self, earliest: Monotonic) -> Monotonic {
        let at = match self.booked.len().checked_sub(self.n_allowed).and_then(|idx| self.booked.get(idx)) {
            Some(oldest) => earliest.max(*oldest + self.window),
            None => earliest,
        };
        let place = self.booked.partition_point(|known| *known <= at);
        self.booked.insert(place, at);
        while self.booked.len() > self.n_allowed {
            self.booked.pop_front();
        }
        at
    }
}

/// Length of the window that weights are counted in.
const WINDOW: Duration = Duration::from_secs(60);
/// Consecutive failures (no answer, or 5xx) that open the breaker.
pub const FAILURES_TO_OPEN: u32 = 5;
/// First time for which the breaker stays open; doubles up to sixteen times as long.
const COOL_DOWN: Duration = Duration::from_secs(5);
/// After this long a probe counts as lost and another one may be sent.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);
/// A 429 without `Retry-After`: one window.
const UNSTATED_429: Duration = WINDOW;
/// A 418 without `Retry-After`: the shortest documented ban.
const UNSTATED_418: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    #[test]
    fn half_of_the_limit_is_used() {
        let mut budget = Budget::new(1_200);
        for _ in 0..12 {
            assert_eq!(budget.acquire(50, at(1_000)), Permit::Granted);
        }
        assert_eq!(budget.acquire(50, at(2_000)), Permit::At(at(61_000)));
        assert_eq!(budget.acquire(50, at(61_000)), Permit::Granted);
    }

    #[test]
    fn what_others_used_counts() {
        let mut budget = Budget::new(6_000);
        budget.answered(at(0), 200, None, Some(2_990), at(0));
        assert_eq!(budget.acquire(50, at(1)), Permit::At(at(60_000)));
        assert_eq!(budget.acquire(5, at(1)), Permit::Granted);
        assert_eq!(budget.acquire(50, at(60_000)), Permit::Granted);
    }

    #[test]
    fn the_weight_is_the_larger_count_of_the_last_minute() {
        let mut budget = Budget::new(6_000);
        let used = |budget: &Budget, millis| budget.weight(at(millis)).used;
        budget.acquire(250, at(0));
        assert_eq!(budget.weight(at(1)), RestWeight { used: 250, limit: 6_000 });
        budget.answered(at(1_000), 200, None, Some(900), at(1_000));
        assert_eq!((used(&budget, 2_000), used(&budget, 60_999), used(&budget, 61_000)), (900, 900, 0));
        budget.acquire(40, at(62_000));
        assert_eq!((used(&budget, 62_000), used(&budget, 122_000)), (40, 0));
    }

    #[test]
    fn what_another_spends_leaves_less() {
        let mut budget = Budget::new(1_200);
        budget.spend(580, at(0));
        assert_eq!(budget.acquire(50, at(1)), Permit::At(at(60_000)));
        assert_eq!(budget.acquire(20, at(1)), Permit::Granted);
        budget.spend(1, at(60_001));
        assert_eq!(budget.acquire(50, at(60_001)), Permit::Granted);
    }

    #[test]
    fn a_request_heavier_than_the_share_goes_alone() {
        let mut budget = Budget::new(10);
        assert_eq!(budget.acquire(250, at(0)), Permit::Granted);
        assert_eq!(budget.acquire(1, at(1)), Permit::At(at(60_000)));
    }

    #[test]
    fn nothing_goes_out_inside_retry_after_and_then_one_probe() {
        let mut budget = Budget::new(6_000);
        budget.answered(at(0), 429, Some(Duration::from_secs(7)), None, at(0));
        // A late success of an earlier request does not close the breaker.
        budget.answered(at(10), 200, None, None, at(10));
        for millis in [0, 1, 6_999] {
            assert_eq!(budget.acquire(2, at(millis)), Permit::At(at(7_000)));
        }
        assert_eq!(budget.acquire(2, at(7_000)), Permit::Granted);
        assert_eq!(budget.acquire(2, at(7_001)), Permit::AfterProbe);
        budget.answered(at(7_100), 418, Some(Duration::from_secs(120)), None, at(7_100));
        assert_eq!(budget.acquire(2, at(7_200)), Permit::At(at(127_100)));
        assert_eq!(budget.acquire(2, at(127_100)), Permit::Granted);
        budget.answered(at(127_200), 200, None, None, at(127_200));
        assert_eq!(budget.acquire(2, at(127_201)), Permit::Granted);
        assert_eq!(budget.acquire(2, at(127_202)), Permit::Granted);
    }

    #[test]
    fn only_the_probe_decides() {
        let mut budget = Budget::new(6_000);
        for _ in 0..3 {
            assert_eq!(budget.acquire(2, at(0)), Permit::Granted);
        }
        budget.answered(at(0), 429, Some(Duration::from_secs(7)), None, at(100));
        assert_eq!(budget.acquire(2, at(7_100)), Permit::Granted);
        // Two requests sent long before end while the probe is in flight.
        budget.answered(at(0), 200, None, None, at(7_200));
        assert_eq!(budget.acquire(2, at(7_200)), Permit::AfterProbe);
        budget.answered(at(0), 503, None, None, at(7_300));
        assert_eq!((budget.acquire(2, at(7_300)), budget.open_until()), (Permit::AfterProbe, None));
        budget.answered(at(7_100), 200, None, None, at(7_400));
        assert_eq!(budget.acquire(2, at(7_400)), Permit::Granted);
    }

    #[test]
    fn failures_open_it_for_longer_each_time() {
        let mut budget = Budget::new(6_000);
        for _ in 1..FAILURES_TO_OPEN {
            budget.unanswered(at(0), at(0));
            assert_eq!(budget.open_until(), None);
        }
        budget.answered(at(0), 503, None, None, at(0));
        assert_eq!(budget.open_until(), Some(at(5_000)));
        assert_eq!(budget.acquire(1, at(5_000)), Permit::Granted);
        budget.unanswered(at(5_100), at(5_100));
        assert_eq!(budget.open_until(), Some(at(15_100)));
        assert_eq!(budget.acquire(1, at(15_100)), Permit::Granted);
        assert_eq!(budget.acquire(1, at(45_000)), Permit::AfterProbe);
        assert_eq!(budget.acquire(1, at(45_100)), Permit::Granted);
    }

    #[test]
    fn a_wait_in_words_is_understood() {
        #[track_caller]
        fn check(text: &str, seconds: Option<u64>) {
            let now = Timestamp::from_millis(1_764_300_000_000);
            assert_eq!(stated_wait(text, now).map(|wait| wait.as_secs()), seconds, "{text}");
        }
        check("Way too much request weight used; IP banned until 1764300170000. Please use", Some(170));
        check(r#"{"code":-1003,"data":{"serverTime":1764300000000,"retryAfter":1764300012000}}"#, Some(12));
        check("EService:Throttled: 1764300030", Some(30));
        check("Too many requests, Retry after 45 seconds", Some(45));
        check("try again in 5s", Some(5));
        check("banned until 1764300005000, then until 1764300009000", Some(9));
        check("banned until 1764299999000", None);
        check("banned until 99999999999999999999999", Some(86_400));
        check("banned until 1864300000000", Some(86_400));
        check("banned until further notice 1764300170000", None);
        check(r#"{"lastUpdateId":1764300170000}"#, None);
        check("until", None);
        check("哈until 哈1764300170000", Some(170));
    }

    #[test]
    fn a_stated_wait_is_kept_whatever_the_status() {
        for status in [200, 400, 403, 429, 418, 451, 503] {
            let mut budget = Budget::new(6_000);
            budget.answered(at(0), status, Some(Duration::from_secs(300)), None, at(0));
            assert_eq!(budget.acquire(1, at(299_999)), Permit::At(at(300_000)), "{status}");
        }
        let mut budget = Budget::new(6_000);
        budget.answered(at(0), 403, None, None, at(0));
        assert_eq!(budget.acquire(1, at(0)), Permit::Granted);
    }

    #[test]
    fn connections_keep_their_rate() {
        let mut window = RateWindow::new(100, Duration::from_secs(300));
        let times: Vec<Monotonic> = (0..350).map(|idx| window.book(at(idx))).collect();
        for pair in times.windows(101) {
            assert!(pair[100].saturating_since(pair[0]) >= Duration::from_secs(300));
        }
        assert_eq!((times[99], times[100]), (at(99), at(300_000)));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_share(requests in prop::collection::vec((0_u64..5_000, 1_u32..60), 1..300)) {
            let mut budget = Budget::new(400);
            let mut now = 0;
            let mut granted: Vec<(u64, u32)> = Vec::new();
            for (gap, weight) in requests {
                now += gap;
                match budget.acquire(weight, at(now)) {
                    Permit::Granted => granted.push((now, weight)),
                    Permit::At(later) => prop_assert!(later > at(now)),
                    Permit::AfterProbe => prop_assert!(false, "no probe is out"),
                }
                let used: u32 = granted.iter().filter(|(when, _)| now - when < 60_000).map(|(_, weight)| weight).sum();
                prop_assert!(used <= 200, "{}", used);
            }
        }
    }
}
