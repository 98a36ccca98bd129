//! The facts shown about a venue's feed and about one stream, combined from status, quality and the page's own
//! measurements.
//!
//! Transport and data have separate clocks: a connection may live while a market is quiet, and data may stop while
//! heartbeats continue. Not here: the table of books ([`super::rows`]).

use model::{
    instrument::{InstrumentId, Venue},
    proof::BookState,
    quality::FeedCounters,
    status::StreamState,
    time::{Now, Timestamp},
};
use topics::channels::{
    quality::{MalformedSample, QualityData},
    status::{Breaker, ConnectionEntry, StreamEntry},
};

use crate::{
    format::{self, UNKNOWN},
    live::model::{LiveModel, StreamView},
    quality::{
        budget::Budget,
        clocks::Clocks,
        words::{self, stream_word},
    },
};

/// The state of a venue's feed.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueFacts {
    /// The venue.
    pub venue: Venue,
    /// The colour of its light.
    pub state: StreamState,
    /// The same as a word.
    pub word: &'static str,
    /// The way of delivery.
    pub mode: &'static str,
    /// True for a simulated market.
    pub is_simulated: bool,
    /// The fault; empty if there is none.
    pub cause: String,
    /// Time of the last frame of any kind: the transport's clock.
    pub last_frame: String,
    /// Time of the last data of any of its streams.
    pub last_data: String,
    /// Both combined, for `data-transport` and `data-data`: `alive` or `silent`, `fresh` or `old`.
    pub liveness: (&'static str, &'static str),
    /// Streams, and those that are live.
    pub streams: String,
    /// Open connections, and the number opened after the first.
    pub connections: String,
    /// The circuit breaker, and until when it is open.
    pub breaker: String,
    /// True while REST requests are held back.
    pub is_breaker_open: bool,
    /// REST weight used out of the allowance.
    pub weight: String,
    /// The feed's counters; `None` until they have arrived.
    pub counters: Option<FeedCounters>,
    /// The last unreadable frames, newest first: time of day and text.
    pub samples: Vec<(String, String)>,
    /// The latency budget.
    pub budget: Budget,
    /// The clock differences.
    pub clocks: Clocks,
}

/// The state of one stream, with the checks of its book.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamFacts {
    /// The colour of its light.
    pub state: StreamState,
    /// The same as a word.
    pub word: &'static str,
    /// The word, the duration and the reason.
    pub sentence: String,
    /// Labelled figures, in reading order.
    pub lines: Vec<(&'static str, String)>,
    /// The latency budget.
    pub budget: Budget,
}

impl VenueFacts {
    /// Returns the facts at `now`, in the venues' order.
    pub fn all(model: &LiveModel, now: Now) -> Vec<Self> {
        let Some(status) = model.status() else { return Vec::new() };
        status.connections.iter().map(|connection| Self::new(model, connection, &status.streams, now)).collect()
    }

    /// Returns the facts about one venue at `now`.
    pub fn of(model: &LiveModel, venue: &Venue, now: Now) -> Option<Self> {
        let status = model.status()?;
        let connection = status.connections.iter().find(|connection| connection.venue == *venue)?;
        Some(Self::new(model, connection, &status.streams, now))
    }

    fn new(model: &LiveModel, connection: &ConnectionEntry, streams: &[StreamEntry], now: Now) -> Self {
        let venue = &connection.venue;
        let own: Vec<&StreamEntry> = streams.iter().filter(|entry| entry.instrument.venue() == venue).collect();
        let views: Vec<StreamView> = own.iter().map(|entry| model.stream(&entry.instrument, now)).collect();
        let best = views.iter().min_by_key(|view| rank(view.state));
        let state = match best.map(|view| view.state).unwrap_or_default() {
            _ if !connection.is_connected && connection.cause.is_some() => StreamState::Failed,
            _ if !connection.is_connected => StreamState::Initialising,
            state => state,
        };
        let word = best.filter(|view| view.state == state).map_or(state.as_str(), stream_word);
        let frame_ms = connection.last_frame_ms.map(|at_ms| since(model, at_ms, now));
        let data_ms = views.iter().filter_map(|view| view.age_ms).min();
        // One instrument's quality includes the whole feed's; the newest is as good as any.
        let quality = own.iter().find_map(|entry| model.quality(&entry.instrument));
        let clock = quality.and_then(|quality| quality.venue_clock);
        Self {
            state,
            word,
            mode: words::mode(state, words::feed_mode(connection, own.iter().copied())),
            is_simulated: own.iter().any(|entry| entry.is_simulated),
            cause: connection.cause.clone().unwrap_or_default(),
            last_frame: ago(frame_ms),
            last_data: ago(data_ms),
            liveness: (
                if frame_ms.is_some_and(|age_ms| age_ms <= ALIVE_MS) { "alive" } else { "silent" },
                if state == StreamState::Live { "fresh" } else { "old" },
            ),
            streams: format!(
                "{} of {} live",
                views.iter().filter(|view| view.state == StreamState::Live).count(),
                views.len()
            ),
            connections: format!("{} open, {} reconnects", connection.n_open, connection.reconnects),
            breaker: breaker_words(connection, model.clock.server_time(now)),
            is_breaker_open: connection.breaker != Breaker::Closed,
            weight: connection.rest_weight.map_or_else(
                || UNKNOWN.to_owned(),
                |weight| {
                    format!(
                        "{} of {}",
                        format::grouped(&weight.used.to_string()),
                        format::grouped(&weight.limit.to_string())
                    )
                },
            ),
            counters: quality.map(|quality| quality.feed.counters()),
            samples: quality
                .and_then(|quality| quality.malformed_samples.as_ref())
                .map_or_else(Vec::new, |samples| sample_lines(samples)),
            budget: quality.map_or_else(Budget::default, |quality| {
                let browser = model.latency.stages.of_venue(venue);
                Budget::new(&quality.feed_latency, clock, browser, clock_error_us(model))
            }),
            clocks: Clocks::new(venue.as_str(), clock, model.clock.offset()),
            venue: venue.clone(),
        }
    }
}

impl StreamFacts {
    /// Returns the facts about one instrument's stream at `now`.
    pub fn of(model: &LiveModel, instrument: &InstrumentId, title: &str, now: Now) -> Self {
        let stream = model.stream(instrument, now);
        let connection =
            model.status().and_then(|status| status.connections.iter().find(|one| one.venue == *instrument.venue()));
        let quality = model.quality(instrument);
        let frame_ms = connection.and_then(|one| one.last_frame_ms).map(|at_ms| since(model, at_ms, now));
        let mut lines = vec![
            ("Mode", words::mode(stream.state, stream.mode).to_owned()),
            ("Last message", ago(frame_ms)),
            ("Last data", ago(stream.age_ms)),
            ("Updates", format!("{}, {:.1}/s", format::grouped(&stream.updates.to_string()), stream.rate)),
        ];
        if let Some(quality) = quality {
            lines.extend(book_lines(model, quality, now));
        }
        Self {
            state: stream.state,
            word: stream_word(&stream),
            sentence: words::sentence(&stream, title),
            lines,
            budget: quality.map_or_else(Budget::default, |quality| {
                let browser = model.latency.stages.of_stream(instrument);
                Budget::new(&quality.latency, quality.venue_clock, browser, clock_error_us(model))
            }),
        }
    }
}

/// Returns the lines that prove or refute a book.
fn book_lines(model: &LiveModel, quality: &QualityData, now: Now) -> Vec<(&'static str, String)> {
    let counters = quality.book.counters();
    let state = quality.book_state.unwrap_or_default();
    if state == BookState::Empty && counters.updates == 0 {
        return vec![("Book", "none".to_owned())];
    }
    let changed = ago(quality.proof.changed_ms.map(|at_ms| since(model, at_ms, now)));
    let resyncs = match quality.proof.last_resync {
        Some(resync) => format!(
            "{}, last for {} at {}",
            counters.resyncs,
            resync.reason.as_str(),
            format::time_of_day(Timestamp::from_millis(resync.at_ms))
        ),
        None => counters.resyncs.to_string(),
    };
    let checksums = match quality.proof.last_checksum {
        Some(last) => format!(
            "{} ok, {} bad; last {:08x} {} {:08x}",
            counters.checksums_ok,
            counters.checksums_bad,
            last.venue,
            if last.agrees() { "=" } else { "≠" },
            last.own
        ),
        None if counters.checksums_ok + counters.checksums_bad > 0 => {
            format!("{} ok, {} bad", counters.checksums_ok, counters.checksums_bad)
        }
        None => "the venue sends none".to_owned(),
    };
    vec![
        ("Book", format!("{}, changed {changed}", state.as_str())),
        ("Checksums", checksums),
        ("Gaps, crossed", format!("{}, {}", counters.gaps, counters.crossed)),
        ("Resyncs", resyncs),
        (
            "Best bid/ask vs. venue ticker",
            format!("{} matched, {} not", counters.quote_matches, counters.quote_mismatches),
        ),
    ]
}

/// Ranks states: a venue's state is the best of its streams'.
fn rank(state: StreamState) -> u8 {
    match state {
        StreamState::Live => 0,
        StreamState::Stale => 1,
        StreamState::Initialising => 2,
        StreamState::Failed => 3,
    }
}

fn since(model: &LiveModel, at_ms: i64, now: Now) -> u64 {
    let age = model.clock.server_time(now).saturating_since(Timestamp::from_millis(at_ms));
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}

fn ago(age_ms: Option<u64>) -> String {
    age_ms.map_or_else(|| UNKNOWN.to_owned(), |age_ms| format!("{} ago", format::whole_age(age_ms)))
}

fn clock_error_us(model: &LiveModel) -> Option<u64> {
    model.clock.offset().map(|known| (known.error_ms.max(0.0) * 1e3).ceil() as u64)
}

/// A breaker whose time is over stays open until the next request, whose result decides.
fn breaker_words(connection: &ConnectionEntry, now: Timestamp) -> String {
    match (connection.breaker, connection.breaker_until_ms.map(Timestamp::from_millis)) {
        (Breaker::Open, Some(until)) if until > now => format!("open until {}", format::time_of_day(until)),
        (Breaker::Open, _) => "open; the next request is a trial".to_owned(),
        (breaker, _) => breaker.as_str().to_owned(),
    }
}

fn sample_lines(samples: &[MalformedSample]) -> Vec<(String, String)> {
    let line =
        |sample: &MalformedSample| (format::time_of_day(Timestamp::from_millis(sample.at_ms)), sample.text.clone());
    samples.iter().rev().map(line).collect()
}

/// Venues send something every second or two, heartbeats included; some only every 20 s. A transport without any frame
/// for longer is called silent.
const ALIVE_MS: u64 = 5_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{
        proof::{BookCounters, Checksum},
        quality::FeedCounters,
        status::{BreakerState, FeedMode, RestWeight, Silence},
        time::Monotonic,
    };
    use topics::{
        channels::{
            TopicData,
            quality::{BookProof, Resync, ResyncReason},
            status::StatusData,
        },
        topic::Topic,
    };
    use wire::message::{Update, UpdateKind};

    use super::*;
    use crate::live::link::LinkState;

    fn at(millis: u64) -> Now {
        let monotonic = Monotonic::from_zero(Duration::from_millis(millis));
        Now { monotonic, wall: Timestamp::from_millis(millis as i64) }
    }

    fn id() -> InstrumentId {
        InstrumentId::parse("kraken:BTC/USD").unwrap()
    }

    /// Frames arrived until 20 s, data until 8 s.
    fn model() -> LiveModel {
        let mut model = LiveModel::default();
        model.set_link(LinkState::Connected, at(20_000).monotonic, at(20_000));
        let stream = StreamEntry {
            state: StreamState::Stale,
            silence: Some(Silence::QuietBesideOthers),
            last_update_ms: Some(8_000),
            updates: 1_142,
            ..StreamEntry::new(&id(), FeedMode::WebSocket)
        };
        let (breaker, breaker_until_ms) = Breaker::of(BreakerState::Open { until: Timestamp::from_millis(25_000) });
        let connection = ConnectionEntry {
            is_connected: true,
            last_frame_ms: Some(20_000),
            n_open: 2,
            reconnects: 1,
            breaker,
            breaker_until_ms,
            rest_weight: Some(RestWeight { used: 1_250, limit: 6_000 }),
            ..ConnectionEntry::new(&Venue::new("kraken"), FeedMode::WebSocket)
        };
        let status = TopicData::Status(StatusData {
            streams: vec![stream],
            connections: vec![connection],
            ..StatusData::default()
        });
        let counters =
            BookCounters { updates: 9, checksums_ok: 7, checksums_bad: 1, resyncs: 1, ..BookCounters::default() };
        let mut quality =
            QualityData::new(BookState::Live, &counters, &FeedCounters { frames: 5, ..FeedCounters::default() });
        quality.proof = BookProof {
            last_checksum: Some(Checksum { venue: 0xab, own: 0xcd }),
            changed_ms: Some(8_000),
            last_resync: Some(Resync { at_ms: 3_661_000, reason: ResyncReason::Checksum }),
            late_trades: Some(0),
            wrong_stamps: Some(0),
        };
        quality.malformed_samples = Some(vec![
            MalformedSample { at_ms: 1_000, text: "{".to_owned() },
            MalformedSample { at_ms: 2_000, text: "[".to_owned() },
        ]);
        for (topic, data) in [(Topic::STATUS, status), (Topic::quality(&id()), TopicData::Quality(Box::new(quality)))] {
            model.apply(Update { kind: UpdateKind::Snapshot, epoch: None, topic, offset: 1, data }, at(20_000));
        }
        model
    }

    #[test]
    fn transport_and_data_are_told_apart() {
        let facts = VenueFacts::of(&model(), &Venue::new("kraken"), at(20_300)).unwrap();
        assert_eq!((facts.last_frame.as_str(), facts.last_data.as_str()), ("0 s ago", "12 s ago"));
        assert_eq!((facts.liveness, facts.word), (("alive", "old"), "quiet"));
        assert_eq!(facts.breaker, "open until 00:00:25");
        let later = VenueFacts::of(&model(), &Venue::new("kraken"), at(25_001)).unwrap();
        assert_eq!(later.breaker, "open; the next request is a trial");
        assert_eq!(facts.weight.replace('\u{202f}', " "), "1 250 of 6 000");
        assert_eq!((facts.connections.as_str(), facts.streams.as_str()), ("2 open, 1 reconnects", "0 of 1 live"));
        assert_eq!(facts.counters.map(|counters| counters.frames), Some(5));
        assert_eq!(facts.samples, [("00:00:02".into(), "[".into()), ("00:00:01".into(), "{".into())]);
        assert_eq!(VenueFacts::of(&model(), &Venue::new("other"), at(0)), None);
    }

    #[test]
    fn a_stream_shows_its_proof() {
        let facts = StreamFacts::of(&model(), &id(), "Kraken", at(20_300));
        assert_eq!(facts.sentence, "quiet 12 s: other instruments on this feed are updating");
        let line = |label| facts.lines.iter().find(|line| line.0 == label).map(|line| line.1.as_str());
        assert_eq!(line("Checksums"), Some("7 ok, 1 bad; last 000000ab ≠ 000000cd"));
        assert_eq!(line("Resyncs"), Some("1, last for checksum at 01:01:01"));
        assert_eq!(line("Book"), Some("live, changed 12 s ago"));
        let none = StreamFacts::of(&LiveModel::default(), &id(), "Kraken", at(0));
        assert_eq!((none.state, none.lines.len()), (StreamState::Initialising, 4));
    }
}
