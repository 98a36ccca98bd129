//! Counts what each caller has open. Memory is bounded by what is open: a caller with nothing is forgotten.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts by caller. Clones share them.
#[derive(Clone, Debug)]
pub struct Shares<K: Ord>(Arc<Mutex<BTreeMap<K, usize>>>);

/// One of what a caller has, until it is dropped.
#[derive(Debug)]
pub struct Share<K: Ord> {
    of: K,
    shares: Shares<K>,
}

impl<K: Clone + Ord> Shares<K> {
    /// Takes one for a caller; `None` if it has `max` already.
    pub fn take(&self, of: &K, max: usize) -> Option<Share<K>> {
        let mut counts = self.lock();
        let n_open = counts.get(of).copied().unwrap_or_default();
        if n_open >= max {
            return None;
        }
        counts.insert(of.clone(), n_open + 1);
        drop(counts);
        Some(Share { of: of.clone(), shares: Self(Arc::clone(&self.0)) })
    }

    /// Returns how many a caller has.
    pub fn n_open(&self, of: &K) -> usize {
        self.lock().get(of).copied().unwrap_or_default()
    }
}

impl<K: Ord> Shares<K> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord> Default for Shares<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Ord> Drop for Share<K> {
    fn drop(&mut self) {
        let mut counts = self.shares.lock();
        let Some(n_open) = counts.get_mut(&self.of) else { return };
        *n_open -= 1;
        if *n_open == 0 {
            counts.remove(&self.of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_back_and_nothing_is_remembered() {
        let shares = Shares::default();
        let take = |of: &'static str| shares.take(&of, 2);
        let held = [take("one"), take("one"), take("other")];
        assert!(held.iter().all(Option::is_some));
        assert!(take("one").is_none());
        let [first, rest @ ..] = held;
        drop(first);
        assert!(take("one").is_some());
        assert!(!shares.lock().is_empty());
        drop(rest);
        assert!(shares.lock().is_empty(), "{shares:?}");
    }
}
