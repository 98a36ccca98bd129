//! Limits what a client may have received without having read it, by numbered pings between its updates.
//!
//! A client's system takes more than a hundred kilobytes on its own. There updates grow old, nothing tells a slow client
//! from one that has stopped, and the memory of thousands of clients that have stopped is the kernel's. An answered ping
//! proves that everything before it was read. Not here: pings that only ask whether the client is there, time limits.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The pings of one connection.
#[derive(Debug)]
pub struct Window {
    /// Bytes since the last step.
    n_bytes: usize,
    /// Steps of [`STEP_BYTES`].
    n_sent: u64,
    /// Steps before the last ping.
    n_asked: u64,
    n_answered: u64,
    /// Time at which each unanswered step was sent, or the ping after it.
    sent_at: VecDeque<Instant>,
    answered_at: Instant,
    /// The number of steps that may be unanswered. Grows while answers come quickly: a long way needs more on it.
    n_allowed: usize,
}

impl Window {
    /// Creates a window for a new connection.
    pub fn new(now: Instant) -> Self {
        let sent_at = VecDeque::new();
        Self { n_bytes: 0, n_sent: 0, n_asked: 0, n_answered: 0, sent_at, answered_at: now, n_allowed: FEWEST }
    }

    /// Returns true if further updates may be sent.
    pub fn is_open(&self) -> bool {
        self.sent_at.len() < self.n_allowed
    }

    /// Counts the bytes of a message; returns the content of a ping that must follow it.
    pub fn sent(&mut self, n_bytes: usize, now: Instant) -> Option<[u8; 8]> {
        self.n_bytes = self.n_bytes.saturating_add(n_bytes);
        // A large message counts as several steps, and the answer to its ping as the answer to all of them.
        let n_steps = self.n_bytes / STEP_BYTES;
        self.n_bytes %= STEP_BYTES;
        for _ in 0..n_steps {
            self.n_sent += 1;
            self.sent_at.push_back(now);
        }
        let n_unasked = self.n_unasked();
        // A quick client is asked less often: each answer costs both sides a turn.
        let is_due = n_unasked >= (self.n_allowed / PINGS).max(1) || n_unasked > 0 && !self.is_open();
        is_due.then(|| self.ping(now))
    }

    /// Returns the content of a ping, whose answer counts for all that was sent before it. A client may answer only the
    /// newest of several.
    pub fn ping(&mut self, now: Instant) -> [u8; 8] {
        let n_unasked = self.n_unasked();
        self.sent_at.iter_mut().rev().take(n_unasked).for_each(|at| *at = now);
        self.n_asked = self.n_sent;
        self.n_sent.to_be_bytes()
    }

    fn n_unasked(&self) -> usize {
        usize::try_from(self.n_sent - self.n_asked).unwrap_or(usize::MAX)
    }

    /// Processes a pong; returns the content of a ping that must follow, if the window has narrowed over steps that no ping
    /// has asked about. Others than answers to our pings are allowed, and mean nothing.
    pub fn answered(&mut self, content: &[u8], now: Instant) -> Option<[u8; 8]> {
        let number = content.try_into().map(u64::from_be_bytes).ok()?;
        while self.n_answered < number.min(self.n_asked) {
            self.n_answered += 1;
            self.answered_at = now;
            let is_quick = self.sent_at.pop_front().is_some_and(|at| now.saturating_duration_since(at) < QUICK);
            self.n_allowed = if is_quick { (self.n_allowed + 1).min(MOST) } else { (self.n_allowed / 2).max(FEWEST) };
        }
        (self.n_unasked() > 0 && !self.is_open()).then(|| self.ping(now))
    }

    /// Returns since when a closed window has waited for an answer; `None` while it is open.
    pub fn closed_since(&self) -> Option<Instant> {
        let newest = self.sent_at.back().filter(|_| !self.is_open())?;
        Some(self.answered_at.max(*newest))
    }
}

/// Bytes of a step: a second's worth for a client that reads 16 kB/s.
const STEP_BYTES: usize = 16 << 10;
/// Steps that may be unanswered at first, and while answers take long.
const FEWEST: usize = 2;
/// The same while they come quickly: a quarter of a megabyte, more than any turn.
const MOST: usize = 16;
/// Pings on the way to a client at most, but for the first few steps.
const PINGS: usize = 4;
/// An answer that takes longer shows a client that reads slowly, or a very long way.
const QUICK: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends until the window closes; returns the number of bytes.
    fn fill(window: &mut Window, now: Instant) -> usize {
        let mut n_bytes = 0;
        while window.is_open() {
            n_bytes += 1_000;
            window.sent(1_000, now);
        }
        n_bytes
    }

    #[test]
    fn who_never_answers_gets_little() {
        let now = Instant::now();
        let mut window = Window::new(now);
        assert_eq!(window.closed_since(), None);
        // It waits from when the last step was sent, not from the beginning.
        let now = now + Duration::from_secs(3);
        let n_bytes = fill(&mut window, now);
        assert!((32_000..35_000).contains(&n_bytes), "{n_bytes}");
        let later = now + Duration::from_secs(9);
        // Unasked, of another kind, and from the future.
        for content in [&[][..], &[1], &0_u64.to_be_bytes()] {
            window.answered(content, later);
        }
        assert_eq!(window.closed_since(), Some(now));
    }

    #[test]
    fn a_large_message_is_several_steps_and_its_rest_counts() {
        let now = Instant::now();
        let mut window = Window::new(now);
        assert_eq!(window.sent(STEP_BYTES, now), Some(1_u64.to_be_bytes()));
        assert_eq!(window.closed_since(), None, "open, although a step is unanswered");
        assert_eq!(window.sent(2 * STEP_BYTES + 1, now), Some(3_u64.to_be_bytes()));
        assert_eq!(window.sent_at.len(), 3);
        assert_eq!(window.sent(STEP_BYTES - 2, now), None);
        assert_eq!(window.sent(1, now), Some(4_u64.to_be_bytes()));
    }

    #[test]
    fn quick_answers_widen_it_and_slow_ones_narrow_it() {
        let mut now = Instant::now();
        let mut window = Window::new(now);
        for _ in 0..30 {
            fill(&mut window, now);
            now += Duration::from_millis(200);
            // One answer to several pings, as a client may give.
            let all = window.ping(now);
            window.answered(&all, now);
        }
        let n_bytes = fill(&mut window, now);
        assert!((250_000..280_000).contains(&n_bytes), "{n_bytes}");
        now += Duration::from_secs(2);
        window.answered(&u64::MAX.to_be_bytes(), now);
        assert!(window.is_open());
        let n_bytes = fill(&mut window, now);
        assert!(n_bytes < 35_000, "{n_bytes}");
        // Any answer is progress.
        let first = window.n_answered + 1;
        window.sent(100_000, now);
        assert!(!window.is_open());
        let later = now + Duration::from_secs(5);
        window.answered(&first.to_be_bytes(), later);
        assert_eq!(window.closed_since(), Some(later));
        let all = window.ping(later);
        window.answered(&all, later);
        assert!(window.is_open() && window.closed_since().is_none());
    }
    #[test]
    fn a_quick_client_is_asked_less_often_and_never_forgotten() {
        let mut now = Instant::now();
        let mut window = Window::new(now);
        let mut n_pings = 0;
        for _ in 0..1_000 {
            now += Duration::from_millis(100);
            if let Some(ping) = window.sent(5_000, now) {
                n_pings += 1;
                assert_eq!(window.answered(&ping, now + Duration::from_millis(1)), None);
            }
        }
        assert!((70..110).contains(&n_pings), "{n_pings} pings for 305 steps");
        // Three steps that nobody was asked about, and then a late answer that narrows the window below them.
        let asked = window.ping(now);
        for _ in 0..13 {
            window.sent(STEP_BYTES, now);
        }
        let late = now + Duration::from_secs(3);
        window.answered(&asked, late);
        let mut rest = window.n_asked.to_be_bytes();
        while let Some(ping) = window.answered(&rest, late) {
            rest = ping;
        }
        assert!(window.is_open() && window.closed_since().is_none());
    }
}
