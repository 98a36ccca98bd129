//! The pace of the ticket's previews: at once after a change of the order, at most four times a second; once a second
//! while only the book moves; never two at a time. Pure; the time is an argument.

use std::time::Duration;

use model::time::Monotonic;

/// Reason for another preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The order is another one.
    Request,
    /// The market has moved.
    Book,
}

/// Decides when to ask.
#[derive(Debug, Default)]
pub struct Pacer {
    begun: Option<Monotonic>,
    is_asking: bool,
    change: Option<Change>,
}

impl Pacer {
    /// Notes a change.
    pub fn note(&mut self, change: Change) {
        if self.change != Some(Change::Request) {
            self.change = Some(change);
        }
    }

    /// Forgets all changes: there is nothing to ask about.
    pub fn forget(&mut self) {
        self.change = None;
    }

    /// Returns when to ask next; `None` if nothing has changed, or an answer is awaited.
    pub fn due(&self) -> Option<Monotonic> {
        let span = match self.change.filter(|_| !self.is_asking)? {
            Change::Request => AFTER_REQUEST,
            Change::Book => AFTER_BOOK,
        };
        Some(self.begun.map_or(Monotonic::ZERO, |begun| begun + span))
    }

    /// Notes that a question was sent.
    pub fn begin(&mut self, now: Monotonic) {
        *self = Self { begun: Some(now), is_asking: true, change: None };
    }

    /// Notes that it was answered.
    pub fn end(&mut self) {
        self.is_asking = false;
    }
}

/// Between two questions about different orders.
const AFTER_REQUEST: Duration = Duration::from_millis(250);

/// Between two questions about the same order.
const AFTER_BOOK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn at_most_four_a_second_and_never_two_at_a_time() {
        let mut pacer = Pacer::default();
        assert_eq!(pacer.due(), None);
        pacer.note(Change::Request);
        assert_eq!(pacer.due(), Some(at(0)), "the first one at once");
        pacer.begin(at(1_000));
        pacer.note(Change::Request);
        assert_eq!(pacer.due(), None, "an answer is awaited");
        pacer.end();
        assert_eq!(pacer.due(), Some(at(1_250)));
        pacer.begin(at(1_250));
        pacer.end();
        pacer.note(Change::Book);
        assert_eq!(pacer.due(), Some(at(2_250)));
        pacer.note(Change::Request);
        pacer.note(Change::Book);
        assert_eq!(pacer.due(), Some(at(1_500)), "the order counts more than the book");
        pacer.forget();
        assert_eq!(pacer.due(), None);
    }
}
