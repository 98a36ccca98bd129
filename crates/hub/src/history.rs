//! The newest deltas of one stream, bounded in bytes and number, for subscribers that resume.

use std::collections::VecDeque;

/// Deltas without a gap up to the stream's top.
#[derive(Debug)]
pub(crate) struct History<P> {
    /// Offset of the newest delta, or of the last restart.
    top: u64,
    kept: VecDeque<Kept<P>>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept<P> {
    payload: P,
    size_bytes: usize,
}

impl<P> History<P> {
    pub(crate) fn new(top: u64) -> Self {
        Self { top, kept: VecDeque::new(), bytes: 0 }
    }

    pub(crate) fn top(&self) -> u64 {
        self.top
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends the delta after the top, then drops the oldest until at most `max_bytes` and `max_len` are kept.
    pub(crate) fn push(&mut self, payload: P, size_bytes: usize, max_bytes: usize, max_len: usize) {
        self.top += 1;
        self.bytes += size_bytes;
        self.kept.push_back(Kept { payload, size_bytes });
        while self.bytes > max_bytes || self.kept.len() > max_len {
            match self.kept.pop_front() {
                Some(oldest) => self.bytes -= oldest.size_bytes,
                None => break,
            }
        }
    }

    /// Drops all deltas and advances by one, so that no earlier position can be resumed.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.top + 1);
    }

    /// Returns the deltas after `offset`, oldest first, with offsets and sizes; `None` if not all of them are kept, or
    /// if `offset` was never used.
    pub(crate) fn after(&self, offset: u64) -> Option<impl Iterator<Item = (u64, &P, usize)>> {
        let n_missed = usize::try_from(self.top.checked_sub(offset)?).ok()?;
        let n_skipped = self.kept.len().checked_sub(n_missed)?;
        let offsets = offset + 1..;
        Some(offsets.zip(self.kept.range(n_skipped..)).map(|(offset, kept)| (offset, &kept.payload, kept.size_bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(history: &History<u64>, offset: u64) -> Option<Vec<u64>> {
        let missed = history.after(offset)?;
        Some(
            missed
                .map(|(offset, payload, _)| {
                    assert_eq!(offset, *payload);
                    offset
                })
                .collect(),
        )
    }

    #[test]
    fn gives_all_that_was_missed_or_nothing() {
        let mut history = History::new(5);
        (6..=10).for_each(|offset| history.push(offset, 10, 1_000, 3));
        assert_eq!(history.top(), 10);
        assert_eq!(after(&history, 10), Some(vec![]));
        assert_eq!(after(&history, 8), Some(vec![9, 10]));
        assert_eq!(after(&history, 7), Some(vec![8, 9, 10]));
        assert_eq!(after(&history, 6), None, "7 is no longer kept");
        assert_eq!(after(&history, 11), None, "never given out");
    }

    #[test]
    fn a_fresh_one_can_be_resumed_at_its_top_only() {
        let history = History::<u64>::new(5);
        assert_eq!(after(&history, 5), Some(vec![]));
        assert_eq!(after(&history, 4), None);
    }

    #[test]
    fn bytes_bound_it_too() {
        let mut history = History::new(0);
        (1..=10).for_each(|offset| history.push(offset, 40, 100, 1_000));
        assert_eq!((history.bytes(), after(&history, 8)), (80, Some(vec![9, 10])));
        history.push(11, 500, 100, 1_000);
        assert_eq!((history.bytes(), after(&history, 10)), (0, None), "larger than the bound: not kept");
    }

    #[test]
    fn a_restart_ends_all_positions() {
        let mut history = History::new(0);
        history.push(1, 1, 100, 100);
        history.restart();
        assert_eq!((history.top(), history.bytes()), (2, 0));
        assert_eq!((after(&history, 0), after(&history, 1)), (None, None));
    }
}
