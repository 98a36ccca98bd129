//! A bucket for each caller, in fixed memory: the caller that was silent longest is forgotten for a new one. Pure: time is
//! an argument.
//!
//! A caller that was forgotten begins with a full bucket: to gain by that, one would need as many addresses as are
//! remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::time::Monotonic;

use super::bucket::{Bucket, Rate};

/// The buckets of callers that are told apart by `K`.
#[derive(Clone, Debug)]
pub struct Rates<K> {
    max_callers: usize,
    buckets: BTreeMap<K, Bucket>,
    /// The callers in the order of their latest calls.
    order: BTreeSet<(Monotonic, K)>,
}

impl<K: Clone + Ord> Rates<K> {
    /// Creates buckets for at most `max_callers` at once.
    pub fn new(max_callers: usize) -> Self {
        Self { max_callers, buckets: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// Takes one time of a caller's bucket, which fills at `rate` since its latest call. After a change of the rate a bucket
    /// keeps what it has, up to the new burst.
    ///
    /// # Errors
    /// The time to wait for one.
    pub fn take(&mut self, caller: &K, rate: Rate, now: Monotonic) -> Result<(), Duration> {
        let mut bucket = match self.buckets.remove(caller) {
            Some(bucket) => {
                self.order.remove(&(bucket.filled(), caller.clone()));
                bucket
            }
            None => {
                if self.buckets.len() >= self.max_callers
                    && let Some((_, oldest)) = self.order.pop_first()
                {
                    self.buckets.remove(&oldest);
                }
                Bucket::full(rate, now)
            }
        };
        let taken = bucket.take(rate, now);
        self.order.insert((bucket.filled(), caller.clone()));
        self.buckets.insert(caller.clone(), bucket);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Rate = Rate { per_second: 1, burst: 1 };

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    #[test]
    fn another_rate_holds_from_the_next_call() {
        let mut rates = Rates::new(100);
        let (wide, narrow) = (Rate { per_second: 1, burst: 10 }, Rate { per_second: 1, burst: 2 });
        let mut passes = |rate: Rate, millis: u64| rates.take(&"one", rate, at(millis)).is_ok();
        assert_eq!([wide, narrow, narrow, narrow].map(|rate| passes(rate, 0)), [true, true, true, false]);
        // The additional room of a wider burst fills up first.
        assert_eq!([0, 999, 1_000].map(|millis| passes(wide, millis)), [false, false, true]);
    }

    #[test]
    fn callers_do_not_take_from_each_other() {
        let (mut rates, rate) = (Rates::new(100), Rate { per_second: 1, burst: 2 });
        let mut passes = |caller: &str, millis: u64| rates.take(&caller.to_owned(), rate, at(millis)).is_ok();
        assert_eq!([0, 0, 0].map(|millis| passes("one", millis)), [true, true, false]);
        assert!(passes("other", 0));
        assert_eq!([999, 1_000, 1_001].map(|millis| passes("one", millis)), [false, true, false]);
    }

    #[test]
    fn the_longest_silent_is_forgotten() {
        let mut rates = Rates::new(3);
        for (millis, caller) in [(0, 1), (1, 2), (2, 3), (3, 1), (4, 4)] {
            let _either = rates.take(&caller, ONE, at(millis));
            assert!(rates.buckets.len() <= 3 && rates.order.len() == rates.buckets.len());
        }
        assert_eq!(rates.buckets.keys().copied().collect::<Vec<u8>>(), [1, 3, 4], "2 was silent longest");
        assert!(rates.take(&1, ONE, at(5)).is_err(), "remembered");
    }

    #[test]
    fn memory_is_bounded() {
        let mut rates = Rates::new(50);
        for caller in 0..10_000_u32 {
            assert_eq!(rates.take(&caller, ONE, at(u64::from(caller))), Ok(()));
        }
        assert_eq!((rates.buckets.len(), rates.order.len()), (50, 50));
    }
}
