//! Highest and lowest value of the last span of time, in constant time a value.

use std::{collections::VecDeque, time::Duration};

use model::time::Timestamp;

/// The extremes of a span that moves with time. Holds at most one value a slot of a sixty-fourth of the span, so that its
/// memory is bounded at any rate of values.
#[derive(Clone, Debug)]
pub struct MovingExtremes<T> {
    span: Duration,
    slots: VecDeque<Slot<T>>,
}

#[derive(Clone, Copy, Debug)]
struct Slot<T> {
    begin: Timestamp,
    newest: Timestamp,
    low: T,
    high: T,
}

impl<T: PartialOrd + Copy> MovingExtremes<T> {
    /// Nothing has come yet.
    pub fn new(span: Duration) -> Self {
        Self { span, slots: VecDeque::new() }
    }

    /// Takes a value in; times that go back count as the newest.
    pub fn push(&mut self, time: Timestamp, value: T) {
        let length = self.span / N_SLOTS;
        match self.slots.back_mut() {
            Some(last) if time.saturating_since(last.begin) < length => {
                last.newest = last.newest.max(time);
                if value < last.low {
                    last.low = value;
                }
                if value > last.high {
                    last.high = value;
                }
            }
            _ => self.slots.push_back(Slot { begin: time, newest: time, low: value, high: value }),
        }
        while self.slots.front().is_some_and(|first| time.saturating_since(first.newest) > self.span) {
            self.slots.pop_front();
        }
    }

    /// Returns the lowest and highest value of the span; `None` while there is none.
    pub fn extremes(&self) -> Option<(T, T)> {
        let mut slots = self.slots.iter();
        let first = slots.next()?;
        Some(slots.fold((first.low, first.high), |(low, high), slot| {
            (if slot.low < low { slot.low } else { low }, if slot.high > high { slot.high } else { high })
        }))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.slots.clear();
    }
}

/// Slots of a span: a value counts for at most one slot longer than the span.
const N_SLOTS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_leave_with_their_span_and_memory_is_bounded() {
        let mut window = MovingExtremes::new(Duration::from_secs(64));
        let at = |second: i64| Timestamp::from_millis(second * 1_000);
        assert_eq!(window.extremes(), None);
        window.push(at(0), 5);
        window.push(at(10), 9);
        window.push(at(20), 7);
        assert_eq!(window.extremes(), Some((5, 9)));
        window.push(at(65), 8);
        assert_eq!(window.extremes(), Some((7, 9)));
        window.push(at(75), 8);
        assert_eq!(window.extremes(), Some((7, 8)));
        for millis in 0..100_000 {
            window.push(Timestamp::from_millis(100_000 + millis), 1);
        }
        assert!(window.slots.len() <= 66, "{}", window.slots.len());
        window.clear();
        assert_eq!(window.extremes(), None);
    }
}
