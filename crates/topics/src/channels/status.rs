//! Channel `status`: one entry for each stream (an instrument on a feed) and one for each venue's connections.

use model::{
    instrument::{InstrumentId, Venue},
    status::{BreakerState, FeedMode, RestWeight, Silence, StreamState},
    time::Timestamp,
};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    error::FieldError,
    limits::MAX_ENTRIES,
    payload::{FieldReader, FieldWriter, Merge, Payload, check_length, oldest, when},
};

/// The state of all feeds. A snapshot has all entries; a delta the changed ones, whole, and the removed ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusData {
    /// Streams, sorted by instrument.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamEntry>,
    /// Connections, sorted by venue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConnectionEntry>,
    /// Removed streams (their feed was stopped); in deltas only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_streams: Vec<InstrumentId>,
    /// Removed venues; in deltas only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_connections: Vec<Venue>,
}

/// The state of one instrument on one feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamEntry {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The state, shown as the colour of the stream's light.
    pub state: StreamState,
    /// Way of delivery: WebSocket, REST polling, or simulated.
    pub mode: FeedMode,
    /// Updates since the feed started.
    pub updates: u64,
    /// Updates per second over the last five seconds; sent with one decimal.
    #[serde(serialize_with = "one_decimal")]
    pub rate: f64,
    /// Milliseconds from the last update to the creation of this entry. If only this changed, deltas repeat an entry
    /// only when its whole seconds change; clients advance the age themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// The server's clock at the last update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_ms: Option<i64>,
    /// Why the stream is not live, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Time of the next connection attempt, on the server's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_ms: Option<i64>,
    /// True for a simulated market; pages label it wherever it appears.
    #[serde(default)]
    pub is_simulated: bool,
    /// True for a replay of a recording; pages label it wherever it appears, and its ages do not advance by themselves.
    #[serde(default)]
    pub is_replay: bool,
    /// Decimal places of displayed prices, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_decimals: Option<u32>,
    /// Decimal places of displayed quantities, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_decimals: Option<u32>,
    /// Why no data has arrived for a while although the connection is open; absent if data arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
}

/// The state of a venue's connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectionEntry {
    /// The venue.
    pub venue: Venue,
    /// True while at least one connection is open, or polling or simulation runs.
    pub is_connected: bool,
    /// Way of delivery: WebSocket, REST polling, or simulated.
    pub mode: FeedMode,
    /// Why nothing is connected, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Time of the next connection attempt, on the server's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_ms: Option<i64>,
    /// The server's clock at the last frame of any kind: it shows that the transport lives, not that data arrives. If
    /// only this changed, deltas come once a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_frame_ms: Option<i64>,
    /// Open connections, if the venue has any.
    #[serde(default)]
    pub n_open: u32,
    /// Connections opened after the first.
    #[serde(default)]
    pub reconnects: u64,
    /// Sequence gaps found on the feed.
    #[serde(default)]
    pub gaps: u64,
    /// Unreadable frames.
    #[serde(default)]
    pub malformed: u64,
    /// State of the circuit breaker for REST requests.
    #[serde(default)]
    pub breaker: Breaker,
    /// While the breaker is open: when one trial request is sent, on the server's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_until_ms: Option<i64>,
    /// Weight used by REST requests in the venue's window, and the allowance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest_weight: Option<RestWeight>,
}

/// The circuit breaker in front of a venue's REST API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// Requests are sent.
    #[default]
    Closed,
    /// No requests are sent for now.
    Open,
    /// One trial request is in flight.
    HalfOpen,
}

impl Breaker {
    /// Returns the breaker's state, and until when it is open.
    pub fn of(state: BreakerState) -> (Self, Option<i64>) {
        match state {
            BreakerState::Closed => (Self::Closed, None),
            BreakerState::Open { until } => (Self::Open, Some(Timestamp::as_millis(until))),
            BreakerState::HalfOpen => (Self::HalfOpen, None),
        }
    }

    /// Returns the displayed words, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half open",
        }
    }
}

impl ConnectionEntry {
    /// Creates the entry of a venue of which only the delivery mode is known.
    pub fn new(venue: &Venue, mode: FeedMode) -> Self {
        Self {
            venue: venue.clone(),
            is_connected: false,
            mode,
            cause: None,
            next_attempt_ms: None,
            last_frame_ms: None,
            n_open: 0,
            reconnects: 0,
            gaps: 0,
            malformed: 0,
            breaker: Breaker::Closed,
            breaker_until_ms: None,
            rest_weight: None,
        }
    }
}

impl StreamEntry {
    /// Creates the entry of a stream without any data yet.
    pub fn new(instrument: &InstrumentId, mode: FeedMode) -> Self {
        Self {
            instrument: instrument.clone(),
            state: StreamState::Initialising,
            mode,
            updates: 0,
            rate: 0.0,
            age_ms: None,
            last_update_ms: None,
            cause: None,
            next_attempt_ms: None,
            is_simulated: false,
            is_replay: instrument.venue().is_replay(),
            price_decimals: None,
            size_decimals: None,
            silence: None,
        }
    }
}

impl Merge for StatusData {
    /// Sets the entries of the delta by instrument and venue, and drops those it lists as removed.
    fn merge(&mut self, delta: &Self) {
        upsert(&mut self.streams, &delta.streams, |entry| &entry.instrument);
        upsert(&mut self.connections, &delta.connections, |entry| &entry.venue);
        self.streams.retain(|entry| !delta.removed_streams.contains(&entry.instrument));
        self.connections.retain(|entry| !delta.removed_connections.contains(&entry.venue));
    }

    /// Returns the delta that turns the snapshot `self` into the snapshot `newer`; `None` if nothing changed except
    /// fractions of a second in `age_ms`. Both must be sorted.
    fn diff(&self, newer: &Self) -> Option<Self> {
        let is_same = |older: &StreamEntry, newer: &StreamEntry| {
            let seconds = |entry: &StreamEntry| entry.age_ms.map(|age_ms| age_ms / 1_000);
            seconds(older) == seconds(newer) && *older == StreamEntry { age_ms: older.age_ms, ..newer.clone() }
        };
        let (streams, removed_streams) = compare(&self.streams, &newer.streams, |entry| &entry.instrument, is_same);
        let (connections, removed_connections) =
            compare(&self.connections, &newer.connections, |entry| &entry.venue, ConnectionEntry::eq);
        let delta = Self { streams, connections, removed_streams, removed_connections };
        (delta != Self::default()).then_some(delta)
    }
}

fn upsert<T: Clone, K: Ord>(entries: &mut Vec<T>, changes: &[T], key: impl Fn(&T) -> &K) {
    for change in changes {
        match entries.binary_search_by(|entry| key(entry).cmp(key(change))) {
            Ok(at) => entries[at] = change.clone(),
            Err(at) => entries.insert(at, change.clone()),
        }
    }
}

/// Returns entries of `newer` that are new or differ, and keys of `older` that are gone.
fn compare<T: Clone, K: Ord + Clone>(
    older: &[T],
    newer: &[T],
    key: impl Fn(&T) -> &K,
    is_same: impl Fn(&T, &T) -> bool,
) -> (Vec<T>, Vec<K>) {
    let find = |entries: &[T], wanted: &T| entries.binary_search_by(|entry| key(entry).cmp(key(wanted)));
    let changed = newer.iter().filter(|entry| find(older, entry).map_or(true, |at| !is_same(&older[at], entry)));
    let removed = older.iter().filter(|entry| find(newer, entry).is_err()).map(|entry| key(entry).clone());
    (changed.cloned().collect(), removed.collect())
}

/// Writes a rate like the binary form: with one decimal, never negative, never NaN.
fn one_decimal<S: Serializer>(rate: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(f64::from((rate * 10.0).round() as u32) / 10.0)
}

impl Payload for StatusData {
    fn write(&self, writer: &mut impl FieldWriter) {
        let streams = oldest(&self.streams, MAX_ENTRIES);
        writer.count(streams.len());
        for entry in streams {
            writer.text(&entry.instrument.to_string());
            writer.coded(&STREAM_STATES, &entry.state);
            writer.coded(&MODES, &entry.mode);
            writer.mask([
                entry.is_simulated,
                entry.age_ms.is_some(),
                entry.last_update_ms.is_some(),
                entry.cause.is_some(),
                entry.next_attempt_ms.is_some(),
                entry.price_decimals.is_some(),
                entry.size_decimals.is_some(),
                entry.silence.is_some(),
                entry.is_replay,
            ]);
            writer.unsigned(entry.updates);
            writer.unsigned(tenths(entry.rate));
            entry.age_ms.into_iter().for_each(|age_ms| writer.unsigned(age_ms));
            entry.last_update_ms.into_iter().for_each(|time| writer.time(time));
            entry.cause.iter().for_each(|cause| writer.text(cause));
            entry.next_attempt_ms.into_iter().for_each(|time| writer.time(time));
            [entry.price_decimals, entry.size_decimals].into_iter().flatten().for_each(|n| writer.unsigned(n.into()));
            entry.silence.iter().for_each(|silence| writer.coded(&SILENCES, silence));
        }
        let connections = oldest(&self.connections, MAX_ENTRIES);
        writer.count(connections.len());
        for entry in connections {
            writer.text(entry.venue.as_str());
            writer.coded(&MODES, &entry.mode);
            writer.mask([
                entry.is_connected,
                entry.cause.is_some(),
                entry.next_attempt_ms.is_some(),
                entry.last_frame_ms.is_some(),
                entry.breaker_until_ms.is_some(),
                entry.rest_weight.is_some(),
            ]);
            entry.cause.iter().for_each(|cause| writer.text(cause));
            [entry.next_attempt_ms, entry.last_frame_ms, entry.breaker_until_ms]
                .into_iter()
                .flatten()
                .for_each(|time| writer.time(time));
            if let Some(weight) = entry.rest_weight {
                [weight.used, weight.limit].into_iter().for_each(|figure| writer.unsigned(figure.into()));
            }
            writer.coded(&BREAKERS, &entry.breaker);
            [entry.n_open.into(), entry.reconnects, entry.gaps, entry.malformed]
                .into_iter()
                .for_each(|count| writer.unsigned(count));
        }
        writer.count(oldest(&self.removed_streams, MAX_ENTRIES).len());
        oldest(&self.removed_streams, MAX_ENTRIES).iter().for_each(|instrument| writer.text(&instrument.to_string()));
        writer.count(oldest(&self.removed_connections, MAX_ENTRIES).len());
        oldest(&self.removed_connections, MAX_ENTRIES).iter().for_each(|venue| writer.text(venue.as_str()));
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let n_streams = reader.count("streams", MAX_ENTRIES)?;
        let streams = (0..n_streams).map(|_| read_stream_entry(reader)).collect::<Result<_, _>>()?;
        let n_connections = reader.count("connections", MAX_ENTRIES)?;
        let connections = (0..n_connections).map(|_| read_connection_entry(reader)).collect::<Result<_, _>>()?;
        let n_removed = reader.count("streams", MAX_ENTRIES)?;
        let removed_streams = (0..n_removed).map(|_| reader.instrument()).collect::<Result<_, _>>()?;
        let n_removed = reader.count("connections", MAX_ENTRIES)?;
        let removed_connections =
            (0..n_removed).map(|_| Ok(Venue::new(reader.text()?))).collect::<Result<_, FieldError>>()?;
        Ok(StatusData { streams, connections, removed_streams, removed_connections })
    }

    fn check(&self) -> Result<(), FieldError> {
        check_length("streams", self.streams.len(), MAX_ENTRIES)
    }
}

fn read_stream_entry(reader: &mut impl FieldReader) -> Result<StreamEntry, FieldError> {
    let instrument = reader.instrument()?;
    let state = reader.coded("stream state", &STREAM_STATES)?;
    let mode = reader.coded("mode", &MODES)?;
    let mask = reader.mask(9)?;
    Ok(StreamEntry {
        instrument,
        state,
        mode,
        is_simulated: mask & 1 == 1,
        is_replay: mask & 1 << 8 != 0,
        updates: reader.unsigned()?,
        rate: f64::from(reader.narrow("rate")?) / 10.0,
        age_ms: when(mask, 1, || reader.unsigned())?,
        last_update_ms: when(mask, 2, || reader.time())?,
        cause: when(mask, 3, || reader.text().map(str::to_owned))?,
        next_attempt_ms: when(mask, 4, || reader.time())?,
        price_decimals: when(mask, 5, || reader.narrow("decimals"))?,
        size_decimals: when(mask, 6, || reader.narrow("decimals"))?,
        silence: when(mask, 7, || reader.coded("silence", &SILENCES))?,
    })
}

fn read_connection_entry(reader: &mut impl FieldReader) -> Result<ConnectionEntry, FieldError> {
    let venue = Venue::new(reader.text()?);
    let mode = reader.coded("mode", &MODES)?;
    let mask = reader.mask(6)?;
    Ok(ConnectionEntry {
        venue,
        mode,
        is_connected: mask & 1 == 1,
        cause: when(mask, 1, || reader.text().map(str::to_owned))?,
        next_attempt_ms: when(mask, 2, || reader.time())?,
        last_frame_ms: when(mask, 3, || reader.time())?,
        breaker_until_ms: when(mask, 4, || reader.time())?,
        rest_weight: when(mask, 5, || {
            Ok(RestWeight { used: reader.narrow("weight")?, limit: reader.narrow("weight")? })
        })?,
        breaker: reader.coded("breaker", &BREAKERS)?,
        n_open: reader.narrow("connections")?,
        reconnects: reader.unsigned()?,
        gaps: reader.unsigned()?,
        malformed: reader.unsigned()?,
    })
}

/// Returns a rate in tenths; 0 for an invalid rate.
fn tenths(rate: f64) -> u64 {
    // The cast saturates and turns NaN into 0.
    u64::from((rate * 10.0).round() as u32)
}

// The positions are the numbers in the binary form: append only.
const STREAM_STATES: [StreamState; 4] =
    [StreamState::Initialising, StreamState::Live, StreamState::Stale, StreamState::Failed];
const SILENCES: [Silence; 4] = [Silence::QuietBesideOthers, Silence::QuietByVenue, Silence::Unexplained, Silence::Dead];
const BREAKERS: [Breaker; 3] = [Breaker::Closed, Breaker::Open, Breaker::HalfOpen];
const MODES: [FeedMode; 3] = [FeedMode::WebSocket, FeedMode::RestPolling, FeedMode::Simulated];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn entry(symbol: u8, updates: u64, age_ms: u64) -> StreamEntry {
        let instrument = InstrumentId::new(&Venue::new("demo"), &format!("S{symbol}"));
        StreamEntry {
            state: StreamState::Live,
            updates,
            rate: 1.5,
            age_ms: Some(age_ms),
            last_update_ms: Some(1),
            is_simulated: true,
            is_replay: false,
            price_decimals: Some(2),
            ..StreamEntry::new(&instrument, FeedMode::Simulated)
        }
    }

    fn snapshot(entries: &BTreeMap<u8, u64>, age_ms: u64) -> StatusData {
        let connection = |number: &u8| ConnectionEntry {
            is_connected: entries[number].is_multiple_of(2),
            ..ConnectionEntry::new(&Venue::new(&format!("v{number}")), FeedMode::WebSocket)
        };
        StatusData {
            streams: entries.iter().map(|(symbol, updates)| entry(*symbol, *updates, age_ms)).collect(),
            connections: entries.keys().map(connection).collect(),
            ..StatusData::default()
        }
    }

    #[test]
    fn an_age_alone_is_told_once_a_second() {
        let entries = BTreeMap::from([(1, 1)]);
        assert_eq!(snapshot(&entries, 100).diff(&snapshot(&entries, 999)), None);
        assert!(snapshot(&entries, 999).diff(&snapshot(&entries, 1_000)).is_some());
    }

    proptest! {
        #[test]
        fn snapshot_and_deltas_are_the_later_snapshot(
            steps in prop::collection::vec((0_u8..6, prop::option::of(0_u64..3)), 1..40),
        ) {
            let mut entries = BTreeMap::new();
            let mut older = snapshot(&entries, 0);
            let mut merged = older.clone();
            for (step, (symbol, updates)) in steps.into_iter().enumerate() {
                match updates {
                    Some(updates) => { entries.insert(symbol, updates); }
                    None => { entries.remove(&symbol); }
                }
                let newer = snapshot(&entries, step as u64 * 1_000);
                if let Some(delta) = older.diff(&newer) {
                    merged.merge(&delta);
                }
                prop_assert_eq!(&merged, &newer);
                older = newer;
            }
        }
    }
}
