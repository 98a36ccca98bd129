//! Bounded queues between a producer and a fragment: the newest values win, drops are counted, every item has its time.
//!
//! Not here: waking a reader, locks and tasks. A queue has one owner and two ways to be read: [`DataQueue::latest`] for
//! values that are displayed (a price), [`DataQueue::drain`] for items that must all be seen (order updates). Ages use
//! the monotonic clock, which is an argument.
//!
//! Several independent queues, each with its own capacity and time to live:
//!
//! ```
//! use std::time::Duration;
//!
//! use model::{queue::DataQueue, time::Monotonic};
//!
//! let at = |millis: u64| Monotonic::from_zero(Duration::from_millis(millis));
//!
//! // Prices: many, only the newest is shown. Orders: all are shown. Status: an old status is dropped.
//! let mut prices: DataQueue<&str> = DataQueue::new(DataQueue::<&str>::PRICE_CAPACITY);
//! let mut orders: DataQueue<u32> = DataQueue::default();
//! let mut status: DataQueue<&str> = DataQueue::new(10).with_time_to_live(Duration::from_secs(30));
//!
//! prices.push("61602.01", at(0));
//! prices.push("61602.02", at(100));
//! assert_eq!(prices.latest(at(150)).map(|newest| newest.item), Some("61602.02"));
//! // The newest stays until a newer one arrives, so a fragment can sample at its own cadence.
//! assert_eq!(prices.latest(at(250)).map(|newest| newest.age(at(250))), Some(Duration::from_millis(150)));
//! assert!(!prices.is_stale(at(5_000), Duration::from_secs(5)));
//! assert!(prices.is_stale(at(5_101), Duration::from_secs(5)));
//!
//! orders.push(1, at(0));
//! orders.push(2, at(10));
//! let seen: Vec<u32> = orders.drain(at(20)).map(|stamped| stamped.item).collect();
//! assert_eq!(seen, [1, 2]);
//! assert_eq!(orders.drain(at(30)).count(), 0);
//!
//! status.push("connected", at(0));
//! assert!(status.latest(at(31_000)).is_none(), "older than its time to live");
//! ```

use std::{collections::VecDeque, time::Duration};

use crate::time::Monotonic;

/// An item and the time when it was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    /// Time at which it was pushed.
    pub at: Monotonic,
    /// The item.
    pub item: T,
}

impl<T> Stamped<T> {
    /// Returns the time since it was pushed.
    pub fn age(&self, now: Monotonic) -> Duration {
        now.saturating_since(self.at)
    }
}

/// A bounded queue that drops its oldest item when full and counts what it dropped.
#[derive(Clone, Debug)]
pub struct DataQueue<T> {
    /// Oldest first; never more than `capacity`.
    items: VecDeque<Stamped<T>>,
    capacity: usize,
    time_to_live: Option<Duration>,
    last_push: Option<Monotonic>,
    n_dropped: u64,
    n_expired: u64,
}

impl<T> Default for DataQueue<T> {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl<T> DataQueue<T> {
    /// The default capacity: ten seconds of a fragment at its fastest cadence.
    pub const DEFAULT_CAPACITY: usize = 100;

    /// The capacity for a price stream: the longest live series a page keeps.
    pub const PRICE_CAPACITY: usize = 1_000;

    /// Creates a queue of at most `capacity` items; 0 counts as 1.
    pub fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            capacity: capacity.max(1),
            time_to_live: None,
            last_push: None,
            n_dropped: 0,
            n_expired: 0,
        }
    }

    /// Returns the same queue, but items older than `time_to_live` are never returned.
    #[must_use]
    pub fn with_time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = Some(time_to_live);
        self
    }

    /// Adds an item; a full queue drops its oldest item and counts it.
    pub fn push(&mut self, item: T, now: Monotonic) {
        self.forget_expired(now);
        if self.items.len() >= self.capacity {
            self.items.pop_front();
            self.n_dropped += 1;
        }
        self.items.push_back(Stamped { at: now, item });
        self.last_push = Some(now);
    }

    /// Drops everything but the newest item and returns that one. It stays, so a later call returns it again until a
    /// newer one arrives, [`Self::drain`] takes it or its time to live ends.
    pub fn latest(&mut self, now: Monotonic) -> Option<&Stamped<T>> {
        self.forget_expired(now);
        let n_older = self.items.len().saturating_sub(1);
        self.items.drain(..n_older);
        self.items.back()
    }

    /// Takes all items, oldest first. Items the iterator has not yielded when it is dropped are dropped too.
    pub fn drain(&mut self, now: Monotonic) -> impl Iterator<Item = Stamped<T>> + '_ {
        self.forget_expired(now);
        self.items.drain(..)
    }

    /// Returns true if the last push is longer ago than `after`. A queue that never had an item is waiting, not stale.
    pub fn is_stale(&self, now: Monotonic, after: Duration) -> bool {
        self.last_push.is_some_and(|at| now.saturating_since(at) > after)
    }

    /// Returns when something was last pushed, even if since taken; `None` while waiting for the first item.
    pub fn last_push(&self) -> Option<Monotonic> {
        self.last_push
    }

    /// Returns the number of items held, including expired ones not yet looked at.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns true if nothing is held.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the most items it ever holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns the number of items dropped to make room for newer ones.
    pub fn n_dropped(&self) -> u64 {
        self.n_dropped
    }

    /// Returns the number of items that expired unread.
    pub fn n_expired(&self) -> u64 {
        self.n_expired
    }

    fn forget_expired(&mut self, now: Monotonic) {
        let Some(time_to_live) = self.time_to_live else { return };
        while self.items.front().is_some_and(|oldest| oldest.age(now) > time_to_live) {
            self.items.pop_front();
            self.n_expired += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    fn drained(queue: &mut DataQueue<u32>, now: Monotonic) -> Vec<u32> {
        queue.drain(now).map(|stamped| stamped.item).collect()
    }

    #[test]
    fn a_full_queue_drops_its_oldest_and_says_so() {
        let mut queue = DataQueue::new(3);
        (0..5).for_each(|item| queue.push(item, at(u64::from(item))));
        assert_eq!((queue.len(), queue.n_dropped(), queue.n_expired()), (3, 2, 0));
        assert_eq!(drained(&mut queue, at(9)), [2, 3, 4]);
        assert!(queue.is_empty());
    }

    #[test]
    fn sizes_are_the_promised_ones() {
        assert_eq!(DataQueue::<u8>::default().capacity(), 100);
        assert_eq!(DataQueue::<u8>::PRICE_CAPACITY, 1_000);
        let mut smallest = DataQueue::new(0);
        smallest.push(1, at(0));
        assert_eq!(smallest.len(), 1);
    }

    #[test]
    fn latest_keeps_the_newest_only() {
        let mut queue = DataQueue::default();
        assert_eq!(queue.latest(at(0)), None);
        (0..5).for_each(|item| queue.push(item, at(10)));
        let expected = Stamped { at: at(10), item: 4 };
        assert_eq!(queue.latest(at(11)), Some(&expected));
        assert_eq!(queue.latest(at(12)), Some(&expected));
        assert_eq!((queue.len(), queue.n_dropped()), (1, 0));
        assert_eq!(drained(&mut queue, at(13)), [4]);
        assert_eq!(queue.latest(at(14)), None);
    }

    #[test]
    fn stale_is_counted_from_the_last_push_taken_or_not() {
        let mut queue = DataQueue::default();
        let after = Duration::from_millis(50);
        assert!(!queue.is_stale(at(1_000), after), "waiting is not stale");
        queue.push(1, at(1_000));
        assert_eq!(drained(&mut queue, at(1_000)), [1]);
        assert!(!queue.is_stale(at(1_050), after));
        assert!(queue.is_stale(at(1_051), after));
        assert!(!queue.is_stale(at(900), after), "a clock read earlier is no age");
        assert_eq!(queue.last_push(), Some(at(1_000)));
    }

    #[test]
    fn items_past_their_time_to_live_are_never_given_out() {
        let mut queue = DataQueue::new(10).with_time_to_live(Duration::from_millis(100));
        queue.push(1, at(0));
        queue.push(2, at(50));
        assert_eq!(drained(&mut queue, at(101)), [2]);
        assert_eq!((queue.n_expired(), queue.n_dropped()), (1, 0));
        queue.push(3, at(200));
        assert_eq!(queue.latest(at(300)).map(|newest| newest.item), Some(3));
        assert_eq!(queue.latest(at(301)), None);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push,
        Latest,
        Drain,
    }

    proptest! {
        /// Every item is drained, held, dropped, expired or skipped by `latest`: none is lost, none appears twice, the
        /// order is kept.
        #[test]
        fn nothing_is_lost_or_doubled(
            capacity in 0_usize..6,
            time_to_live in prop::option::of(0_u64..40),
            steps in prop::collection::vec((prop_oneof![3 => Just(Step::Push), 1 => Just(Step::Latest), 1 => Just(Step::Drain)], 0_u64..20), 0..200),
        ) {
            let mut queue = DataQueue::new(capacity);
            queue.time_to_live = time_to_live.map(Duration::from_millis);
            let (mut now, mut n_pushed, mut n_drained, mut n_skipped, mut last) = (0_u64, 0_u64, 0_u64, 0_u64, None);
            for (step, gap) in steps {
                now += gap;
                match step {
                    Step::Push => {
                        queue.push(n_pushed, at(now));
                        n_pushed += 1;
                    }
                    Step::Latest => {
                        let before = (queue.len() as u64, queue.n_expired());
                        let newest = queue.latest(at(now)).copied();
                        n_skipped += before.0 - queue.len() as u64 - (queue.n_expired() - before.1);
                        if let Some(newest) = newest {
                            prop_assert_eq!(newest.item, n_pushed - 1);
                            prop_assert!(time_to_live.is_none_or(|millis| newest.age(at(now)) <= Duration::from_millis(millis)));
                        }
                    }
                    Step::Drain => {
                        for stamped in queue.drain(at(now)) {
                            prop_assert!(last < Some(stamped.item));
                            prop_assert!(time_to_live.is_none_or(|millis| stamped.age(at(now)) <= Duration::from_millis(millis)));
                            last = Some(stamped.item);
                            n_drained += 1;
                        }
                    }
                }
                prop_assert!(queue.len() <= queue.capacity());
                let accounted = n_drained + n_skipped + queue.len() as u64 + queue.n_dropped() + queue.n_expired();
                prop_assert_eq!(accounted, n_pushed);
            }
        }
    }
}
