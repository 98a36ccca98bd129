//! Channel `quality`: what was found wrong on an instrument's book and on its feed, counted.

use model::{
    proof::{BookCounters, BookState},
    quality::FeedCounters,
};
use serde::{Deserialize, Serialize};

use crate::data::optional_fields;

/// The book's state and all counters. Absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityData {
    /// How far the book can be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub book_state: Option<BookState>,
    /// Counters of the instrument's book.
    #[serde(default, skip_serializing_if = "BookQuality::is_empty")]
    pub book: BookQuality,
    /// Counters of the feed it comes by, since that feed started.
    #[serde(default, skip_serializing_if = "FeedQuality::is_empty")]
    pub feed: FeedQuality,
}

impl QualityData {
    /// The snapshot of these counters.
    pub fn new(book_state: BookState, book: &BookCounters, feed: &FeedCounters) -> Self {
        Self { book_state: Some(book_state), book: BookQuality::from(book), feed: FeedQuality::from(feed) }
    }

    /// Takes over the fields that `delta` has.
    pub fn merge(&mut self, delta: &Self) {
        self.book_state = delta.book_state.or(self.book_state);
        self.book.merge(&delta.book);
        self.feed.merge(&delta.feed);
    }

    /// The fields of `newer` that differ; `None` where none does.
    pub fn diff(&self, newer: &Self) -> Option<Self> {
        let delta = Self {
            book_state: crate::exact::changed(&self.book_state, &newer.book_state),
            book: self.book.diff(&newer.book).unwrap_or_default(),
            feed: self.feed.diff(&newer.feed).unwrap_or_default(),
        };
        (delta != Self::default()).then_some(delta)
    }
}

/// A struct of optional counters beside the model's plain one.
macro_rules! counters {
    ($(#[$meta:meta])* $name:ident of $plain:ident { $($(#[$field_meta:meta])* $field:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$field_meta])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<u64>,)*
        }

        optional_fields!($name { $($field),* });

        impl From<&$plain> for $name {
            fn from(plain: &$plain) -> Self {
                Self { $($field: Some(plain.$field)),* }
            }
        }

        impl $name {
            /// The plain counters; absent ones are 0.
            pub fn counters(&self) -> $plain {
                $plain { $($field: self.$field.unwrap_or(0)),* }
            }

            /// All fields in the order of the binary form: append only.
            pub(crate) fn fields(&self) -> impl Iterator<Item = Option<u64>> + '_ {
                [$(self.$field),*].into_iter()
            }

            /// The same fields, to be filled.
            pub(crate) fn fields_mut(&mut self) -> impl Iterator<Item = &mut Option<u64>> {
                [$(&mut self.$field),*].into_iter()
            }
        }
    };
}

counters! {
    /// Counters of one book; see [`BookCounters`].
    BookQuality of BookCounters {
        /// Updates applied.
        updates,
        /// Sequence gaps.
        gaps,
        /// Updates that were wholly older than the book.
        duplicates,
        /// Fresh snapshots needed after the first.
        resyncs,
        /// Times the book stood crossed after an update.
        crossed,
        /// Checksums that agreed.
        checksums_ok,
        /// Checksums that did not.
        checksums_bad,
        /// Times the book's top equalled the venue's own best bid and offer.
        quote_matches,
        /// Times it did not.
        quote_mismatches,
    }
}

counters! {
    /// Counters of one feed; see [`FeedCounters`].
    FeedQuality of FeedCounters {
        /// Text frames received.
        frames,
        /// Frames that could not be read.
        malformed,
        /// Well-formed frames of no known kind.
        unknown,
        /// Trades.
        trades,
        /// Best bid and offer updates.
        quotes,
        /// Book snapshots and changes.
        books,
        /// Other events.
        others,
        /// Sequence gaps in books and trades.
        gaps,
        /// Items seen before.
        duplicates,
        /// Items that came after a later one.
        out_of_order,
        /// Book snapshots needed after the first.
        resyncs,
        /// Connections opened after the first.
        reconnects,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_counters_come_back() {
        let book = BookCounters { updates: 7, gaps: 1, ..BookCounters::default() };
        let feed = FeedCounters { frames: 9, ..FeedCounters::default() };
        let quality = QualityData::new(BookState::Live, &book, &feed);
        assert_eq!((quality.book.counters(), quality.feed.counters()), (book, feed));
    }

    proptest! {
        #[test]
        fn snapshot_and_deltas_are_the_later_snapshot(
            steps in prop::collection::vec((0_u64..3, 0_u64..3, any::<bool>()), 1..20),
        ) {
            let (mut book, mut feed) = (BookCounters::default(), FeedCounters::default());
            let mut older = QualityData::new(BookState::Empty, &book, &feed);
            let mut merged = older.clone();
            for (gaps, frames, is_live) in steps {
                book.gaps += gaps;
                feed.frames += frames;
                let state = if is_live { BookState::Live } else { BookState::Suspect };
                let newer = QualityData::new(state, &book, &feed);
                if let Some(delta) = older.diff(&newer) {
                    merged.merge(&delta);
                }
                prop_assert_eq!(&merged, &newer);
                older = newer;
            }
        }
    }
}
