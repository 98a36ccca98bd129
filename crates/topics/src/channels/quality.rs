//! Channel `quality`: counts of the faults of an instrument's book and its feed, with the evidence, samples and
//! latencies.
//!
//! Not here: whether connections are open and what they deliver now (channel `status`).

pub mod latency;

use model::{
    histogram::Quantiles,
    proof::{BookCounters, BookState, Checksum},
    quality::FeedCounters,
};
use serde::{Deserialize, Serialize};

use crate::{
    channels::quality::latency::{LatencyData, VenueClock},
    error::FieldError,
    exact::changed,
    payload::{BOOK_STATES, FieldReader, FieldWriter, Merge, Payload, newest, optional_fields, when},
};

/// The book's state, all counters, and their details. Absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QualityData {
    /// State of the book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub book_state: Option<BookState>,
    /// Counters of the instrument's book.
    #[serde(default, skip_serializing_if = "BookQuality::is_empty")]
    pub book: BookQuality,
    /// Counters of the instrument's feed, since that feed started.
    #[serde(default, skip_serializing_if = "FeedQuality::is_empty")]
    pub feed: FeedQuality,
    /// The evidence for or against the book.
    #[serde(default, skip_serializing_if = "BookProof::is_empty")]
    pub proof: BookProof,
    /// The latencies of this instrument's messages.
    #[serde(default, skip_serializing_if = "LatencyData::is_empty")]
    pub latency: LatencyData,
    /// The latencies of all messages of the feed.
    #[serde(default, skip_serializing_if = "LatencyData::is_empty")]
    pub feed_latency: LatencyData,
    /// The venue's clock against the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_clock: Option<VenueClock>,
    /// The last unreadable frames of the feed, oldest first, at most [`MALFORMED_SAMPLES`]; a delta has all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed_samples: Option<Vec<MalformedSample>>,
    /// The server's clock when this was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_time_us: Option<i64>,
}

/// The evidence for or against an instrument's book. Absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BookProof {
    /// The last checksum that was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_checksum: Option<Checksum>,
    /// The server's clock at the book's last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_ms: Option<i64>,
    /// Time and reason of the last resynchronisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_resync: Option<Resync>,
    /// Trades of the instrument that arrived after a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_trades: Option<u64>,
    /// Trades of the instrument whose stamp was years or days off: they count for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_stamps: Option<u64>,
}

optional_fields!(BookProof { last_checksum, changed_ms, last_resync, late_trades, wrong_stamps });

/// A fresh snapshot that was needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resync {
    /// The server's clock when the need was noticed.
    pub at_ms: i64,
    /// The reason.
    pub reason: ResyncReason,
}

/// Why a fresh snapshot was needed; derived from the other counters at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResyncReason {
    /// Updates were missing.
    Gap,
    /// The venue's checksum disagreed.
    Checksum,
    /// The book was crossed for too long.
    Crossed,
    /// The connection was lost.
    Connection,
    /// Something else contradicted the book.
    Contradiction,
}

impl ResyncReason {
    /// Returns the displayed word, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Checksum => "checksum",
            Self::Crossed => "crossed",
            Self::Connection => "connection",
            Self::Contradiction => "contradiction",
        }
    }
}

/// An unreadable frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MalformedSample {
    /// The server's clock when the frame arrived.
    pub at_ms: i64,
    /// The beginning of the frame, at most [`SAMPLE_CHARS`] characters, without control characters.
    pub text: String,
}

/// Samples kept for each feed: enough to see a pattern.
pub const MALFORMED_SAMPLES: usize = 5;

/// Characters kept from each sample.
pub const SAMPLE_CHARS: usize = 120;

impl QualityData {
    /// Creates the snapshot of these counters.
    pub fn new(book_state: BookState, book: &BookCounters, feed: &FeedCounters) -> Self {
        Self {
            book_state: Some(book_state),
            book: BookQuality::from(book),
            feed: FeedQuality::from(feed),
            ..Self::default()
        }
    }
}

impl Merge for QualityData {
    /// Adopts the fields present in `delta`.
    fn merge(&mut self, delta: &Self) {
        self.book_state = delta.book_state.or(self.book_state);
        self.book.merge(&delta.book);
        self.feed.merge(&delta.feed);
        self.proof.merge(&delta.proof);
        self.latency.merge(&delta.latency);
        self.feed_latency.merge(&delta.feed_latency);
        self.venue_clock = delta.venue_clock.or(self.venue_clock);
        if delta.malformed_samples.is_some() {
            self.malformed_samples.clone_from(&delta.malformed_samples);
        }
        self.publish_time_us = delta.publish_time_us.or(self.publish_time_us);
    }

    /// Returns the fields of `newer` that differ; `None` if none does.
    fn diff(&self, newer: &Self) -> Option<Self> {
        let delta = Self {
            book_state: changed(&self.book_state, &newer.book_state),
            book: self.book.diff(&newer.book).unwrap_or_default(),
            feed: self.feed.diff(&newer.feed).unwrap_or_default(),
            proof: self.proof.diff(&newer.proof).unwrap_or_default(),
            latency: self.latency.diff(&newer.latency).unwrap_or_default(),
            feed_latency: self.feed_latency.diff(&newer.feed_latency).unwrap_or_default(),
            venue_clock: changed(&self.venue_clock, &newer.venue_clock),
            malformed_samples: newer
                .malformed_samples
                .clone()
                .filter(|samples| self.malformed_samples.as_ref() != Some(samples)),
            publish_time_us: changed(&self.publish_time_us, &newer.publish_time_us),
        };
        (delta != Self::default()).then_some(delta)
    }
}

impl Payload for QualityData {
    fn write(&self, writer: &mut impl FieldWriter) {
        let counters = || self.book.fields().chain(self.feed.fields());
        let bare = QualityData {
            book_state: self.book_state,
            book: self.book.clone(),
            feed: self.feed.clone(),
            ..QualityData::default()
        };
        let has_details = *self != bare;
        let present = [self.book_state.is_some()].into_iter().chain(counters().map(|field| field.is_some()));
        writer.mask(present.chain([has_details]));
        if let Some(state) = self.book_state {
            writer.coded(&BOOK_STATES, &state);
        }
        counters().flatten().for_each(|count| writer.unsigned(count));
        if has_details {
            write_details(writer, self);
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mask = reader.mask(23)?;
        let mut data = QualityData {
            book_state: when(mask, 0, || reader.coded("book state", &BOOK_STATES))?,
            ..QualityData::default()
        };
        let fields = data.book.fields_mut().chain(data.feed.fields_mut());
        for (bit, field) in (1..).zip(fields) {
            *field = when(mask, bit, || reader.unsigned())?;
        }
        if mask & (1 << 22) != 0 {
            read_details(reader, &mut data)?;
        }
        Ok(data)
    }
}

/// Writes the details with a mask of their own, so that both parts can grow.
fn write_details(writer: &mut impl FieldWriter, data: &QualityData) {
    let BookProof { last_checksum, changed_ms, last_resync, late_trades, wrong_stamps } = &data.proof;
    let latencies = [&data.latency.venue, &data.latency.server, &data.feed_latency.venue, &data.feed_latency.server];
    let present = [
        last_checksum.is_some(),
        changed_ms.is_some(),
        last_resync.is_some(),
        late_trades.is_some(),
        data.venue_clock.is_some(),
        data.venue_clock.is_some_and(|clock| clock.round_trip_us.is_some()),
        data.malformed_samples.is_some(),
        data.publish_time_us.is_some(),
    ];
    let present = present.into_iter().chain(latencies.iter().map(|latency| latency.is_some()));
    writer.mask(present.chain([wrong_stamps.is_some()]));
    if let Some(checksum) = last_checksum {
        writer.unsigned(checksum.venue.into());
        writer.unsigned(checksum.own.into());
    }
    changed_ms.iter().for_each(|time| writer.time(*time));
    if let Some(resync) = last_resync {
        writer.time(resync.at_ms);
        writer.coded(&RESYNC_REASONS, &resync.reason);
    }
    late_trades.iter().for_each(|count| writer.unsigned(*count));
    if let Some(clock) = &data.venue_clock {
        writer.signed(clock.fastest_us);
        clock.round_trip_us.iter().for_each(|span| writer.unsigned(*span));
    }
    if let Some(samples) = &data.malformed_samples {
        let samples = newest(samples, MALFORMED_SAMPLES);
        writer.count(samples.len());
        for sample in samples {
            writer.time(sample.at_ms);
            writer.text(&sample.text);
        }
    }
    data.publish_time_us.iter().for_each(|time| writer.signed(*time));
    for latency in latencies.into_iter().flatten() {
        [latency.p50_us, latency.p95_us, latency.p99_us, latency.n]
            .into_iter()
            .for_each(|figure| writer.unsigned(figure));
    }
    wrong_stamps.iter().for_each(|count| writer.unsigned(*count));
}

fn read_details(reader: &mut impl FieldReader, data: &mut QualityData) -> Result<(), FieldError> {
    let mask = reader.mask(13)?;
    data.proof = BookProof {
        last_checksum: when(mask, 0, || {
            Ok(Checksum { venue: reader.narrow("checksum")?, own: reader.narrow("checksum")? })
        })?,
        changed_ms: when(mask, 1, || reader.time())?,
        last_resync: when(mask, 2, || {
            Ok(Resync { at_ms: reader.time()?, reason: reader.coded("reason", &RESYNC_REASONS)? })
        })?,
        late_trades: when(mask, 3, || reader.unsigned())?,
        wrong_stamps: None,
    };
    data.venue_clock = when(mask, 4, || {
        Ok(VenueClock { fastest_us: reader.signed()?, round_trip_us: when(mask, 5, || reader.unsigned())? })
    })?;
    data.malformed_samples = when(mask, 6, || {
        let n_samples = reader.count("samples", MALFORMED_SAMPLES)?;
        (0..n_samples).map(|_| Ok(MalformedSample { at_ms: reader.time()?, text: reader.text()?.to_owned() })).collect()
    })?;
    data.publish_time_us = when(mask, 7, || reader.signed())?;
    let latencies = [
        &mut data.latency.venue,
        &mut data.latency.server,
        &mut data.feed_latency.venue,
        &mut data.feed_latency.server,
    ];
    for (bit, latency) in (8..).zip(latencies) {
        *latency = when(mask, bit, || {
            Ok(Quantiles {
                p50_us: reader.unsigned()?,
                p95_us: reader.unsigned()?,
                p99_us: reader.unsigned()?,
                n: reader.unsigned()?,
            })
        })?;
    }
    data.proof.wrong_stamps = when(mask, 12, || reader.unsigned())?;
    Ok(())
}

// The positions are the numbers in the binary form: append only.
const RESYNC_REASONS: [ResyncReason; 5] = [
    ResyncReason::Gap,
    ResyncReason::Checksum,
    ResyncReason::Crossed,
    ResyncReason::Connection,
    ResyncReason::Contradiction,
];

/// Creates a struct of optional counters beside the model's plain one.
macro_rules! counters {
    ($(#[$meta:meta])* $name:ident of $plain:ident { $($(#[$field_meta:meta])* $field:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
            /// Returns the plain counters; absent ones are 0.
            pub fn counters(&self) -> $plain {
                $plain { $($field: self.$field.unwrap_or(0)),* }
            }

            /// Iterates over all fields in the order of the binary form: append only.
            pub(crate) fn fields(&self) -> impl Iterator<Item = Option<u64>> + '_ {
                [$(self.$field),*].into_iter()
            }

            /// Iterates over the same fields for filling.
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
        /// Updates that were entirely older than the book.
        duplicates,
        /// Fresh snapshots needed after the first.
        resyncs,
        /// Times the book was crossed after an update.
        crossed,
        /// Checksums that agreed.
        checksums_ok,
        /// Checksums that disagreed.
        checksums_bad,
        /// Times the book's top equalled the venue's own best bid and ask.
        quote_matches,
        /// Times the book's top differed from it.
        quote_mismatches,
    }
}

counters! {
    /// Counters of one feed; see [`FeedCounters`].
    FeedQuality of FeedCounters {
        /// Text frames received.
        frames,
        /// Unreadable frames.
        malformed,
        /// Well-formed frames of an unknown kind.
        unknown,
        /// Trades.
        trades,
        /// Best bid and ask updates.
        quotes,
        /// Book snapshots and changes.
        books,
        /// Other events.
        others,
        /// Sequence gaps in books and trades.
        gaps,
        /// Items received before.
        duplicates,
        /// Items that arrived after a later one.
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
            steps in prop::collection::vec((0_u64..3, 0_u64..3, any::<bool>(), 0_u8..4), 1..20),
        ) {
            let (mut book, mut feed) = (BookCounters::default(), FeedCounters::default());
            let mut older = QualityData::new(BookState::Empty, &book, &feed);
            let mut merged = older.clone();
            for (step, (gaps, frames, is_live, what)) in (0_i64..).zip(steps) {
                book.gaps += gaps;
                feed.frames += frames;
                let state = if is_live { BookState::Live } else { BookState::Suspect };
                let mut newer = QualityData::new(state, &book, &feed);
                newer.merge(&QualityData { book_state: None, book: BookQuality::default(), feed: FeedQuality::default(), ..older.clone() });
                match what {
                    0 => newer.proof.last_resync = Some(Resync { at_ms: step, reason: ResyncReason::Gap }),
                    1 => newer.venue_clock = Some(VenueClock { fastest_us: step, round_trip_us: None }),
                    2 => newer.malformed_samples = Some(vec![MalformedSample { at_ms: step, text: "{".into() }]),
                    _ => newer.latency.venue = Some(Quantiles { n: gaps, ..Default::default() }),
                }
                if let Some(delta) = older.diff(&newer) {
                    merged.merge(&delta);
                }
                prop_assert_eq!(&merged, &newer);
                older = newer;
            }
        }
    }
}
