//! The troubles of venues and instruments: raised from the status of all feeds, removed when resolved, and
//! kept in a bounded list.
//!
//! Not here: the connection of this page to its server, which the banner reports.

use std::collections::VecDeque;

use model::{
    instrument::{InstrumentId, Venue},
    sorted::SortedMap,
    status::{FeedMode, Silence, StreamState},
    time::Timestamp,
};
use topics::channels::status::{ConnectionEntry, StatusData, StreamEntry};

use crate::format;

/// One trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// A venue's or an instrument's name.
    pub who: String,
    /// Description of the trouble, for people.
    pub what: String,
    /// Its beginning, on the server's clock.
    pub since: Timestamp,
    /// Its end; `None` while it lasts.
    pub until: Option<Timestamp>,
    /// True if the reader has dismissed it: it lasts, and is not announced any more.
    pub is_dismissed: bool,
    key: Key,
}

impl Trouble {
    /// Returns its weight: 0 for a whole venue, more for less.
    pub fn rank(&self) -> u8 {
        match self.key {
            Key::Connection(_) => 0,
            Key::Gaps(_) => 1,
            Key::Stream(_) => 2,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Connection(Venue),
    Gaps(Venue),
    Stream(InstrumentId),
}

/// A trouble in the status of all feeds.
struct Lasting {
    key: Key,
    who: String,
    what: String,
    /// The last data before it, on the server's clock.
    last_ms: Option<i64>,
}

/// All troubles since the page was opened, up to a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// Newest last; resolved troubles are forgotten before lasting ones.
    known: VecDeque<Trouble>,
    gaps: SortedMap<Venue, u64>,
}

impl Troubles {
    /// Processes the status of all feeds; `now` is the server's clock. Returns whether anything to be kept changed: a
    /// trouble, or a counter to compare with later.
    pub fn observe(&mut self, status: &StatusData, now: Timestamp) -> bool {
        let before = self.clone();
        let mut lasting: Vec<Lasting> = Vec::new();
        for connection in &status.connections {
            if let Some(what) = connection_trouble(connection, now) {
                let key = Key::Connection(connection.venue.clone());
                lasting.push(Lasting {
                    key,
                    who: connection.venue.to_string(),
                    what,
                    last_ms: connection.last_frame_ms,
                });
            }
        }
        for stream in &status.streams {
            // A trouble of the whole venue is reported once, by the connection.
            let venue = stream.instrument.venue();
            let is_told = lasting.iter().any(|one| one.key == Key::Connection(venue.clone()));
            if let Some(what) = stream_trouble(stream).filter(|_| !is_told) {
                let key = Key::Stream(stream.instrument.clone());
                lasting.push(Lasting { key, who: stream.instrument.to_string(), what, last_ms: stream.last_update_ms });
            }
        }
        for trouble in self.known.iter_mut().filter(|trouble| trouble.until.is_none()) {
            let is_over = match trouble.key {
                Key::Gaps(_) => now.saturating_since(trouble.since) >= GAPS_SHOWN,
                _ => !lasting.iter().any(|one| one.key == trouble.key),
            };
            trouble.until = is_over.then_some(now);
        }
        for Lasting { key, who, what, last_ms } in lasting {
            // It began when the last data came, which may be long before this page was opened.
            let since = last_ms.map(Timestamp::from_millis).filter(|since| *since < now).unwrap_or(now);
            self.raise(key, who, what, since);
        }
        status.connections.iter().for_each(|connection| self.count_gaps(connection, now));
        before != *self
    }

    /// Returns the lasting troubles, newest first.
    pub fn lasting(&self) -> impl Iterator<Item = &Trouble> {
        self.known.iter().rev().filter(|trouble| trouble.until.is_none())
    }

    /// Dismisses all lasting troubles with this description.
    pub fn dismiss(&mut self, what: &str) {
        let lasting = self.known.iter_mut().filter(|trouble| trouble.until.is_none() && trouble.what == what);
        lasting.for_each(|trouble| trouble.is_dismissed = true);
    }

    /// Returns all remembered troubles, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Trouble> {
        self.known.iter().rev()
    }

    /// Raises a trouble. Its text may change while it lasts; its beginning does not.
    fn raise(&mut self, key: Key, who: String, what: String, since: Timestamp) {
        let known = self.known.iter_mut().find(|trouble| trouble.key == key && trouble.until.is_none());
        match known {
            Some(known) => known.what = what,
            None => {
                if self.known.len() >= MAX_KNOWN {
                    let over_idx = self.known.iter().position(|trouble| trouble.until.is_some()).unwrap_or(0);
                    self.known.remove(over_idx);
                }
                self.known.push_back(Trouble { who, what, since, until: None, is_dismissed: false, key });
            }
        }
    }

    /// Counts gaps. The counters include gaps from before the page was opened; only new ones are reported.
    fn count_gaps(&mut self, connection: &ConnectionEntry, now: Timestamp) {
        let known = self.gaps.insert(connection.venue.clone(), connection.gaps);
        let Some(n_new) = known.and_then(|known| connection.gaps.checked_sub(known)).filter(|n_new| *n_new > 0) else {
            return;
        };
        let key = Key::Gaps(connection.venue.clone());
        let what = match n_new {
            1 => "missed updates (a gap). Reloading the order books".to_owned(),
            n_new => format!("missed updates ({n_new} gaps). Reloading the order books"),
        };
        // Each new gap is shown as long as the first.
        self.known.iter_mut().filter(|trouble| trouble.key == key && trouble.until.is_none()).for_each(|trouble| {
            trouble.until = Some(now);
        });
        self.raise(key, connection.venue.to_string(), what, now);
    }
}

fn connection_trouble(connection: &ConnectionEntry, now: Timestamp) -> Option<String> {
    let cause = connection.cause.as_ref()?;
    let next_attempt = connection.next_attempt_ms.map(Timestamp::from_millis).filter(|at| *at > now);
    Some(match (connection.mode, next_attempt) {
        (FeedMode::RestPolling, _) => format!("{cause}. Prices come by REST until it is back"),
        (_, Some(at)) => format!("{cause}. Next try {}", format::time_of_day(at)),
        (FeedMode::WebSocket | FeedMode::Simulated, None) => cause.clone(),
    })
}

fn stream_trouble(stream: &StreamEntry) -> Option<String> {
    match (stream.state, stream.silence, &stream.cause) {
        (StreamState::Failed, _, Some(cause)) => Some(cause.clone()),
        (StreamState::Stale, Some(Silence::Dead), _) => Some("gets no updates although trades go on".to_owned()),
        _ => None,
    }
}

/// Troubles remembered: a bad hour of a few venues.
const MAX_KNOWN: usize = 50;

/// A gap is over as soon as it is found; it is shown for this long.
const GAPS_SHOWN: std::time::Duration = std::time::Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn connection(cause: Option<&str>, gaps: u64) -> ConnectionEntry {
        ConnectionEntry {
            is_connected: cause.is_none(),
            cause: cause.map(str::to_owned),
            gaps,
            ..ConnectionEntry::new(&Venue::new("kraken"), FeedMode::WebSocket)
        }
    }

    fn stream(state: StreamState, cause: Option<&str>, silence: Option<Silence>) -> StreamEntry {
        let instrument = InstrumentId::parse("kraken:BTC/USD").unwrap();
        let cause = cause.map(str::to_owned);
        StreamEntry { state, cause, silence, ..StreamEntry::new(&instrument, FeedMode::WebSocket) }
    }

    fn status(connection: ConnectionEntry, stream: StreamEntry) -> StatusData {
        StatusData { connections: vec![connection], streams: vec![stream], ..StatusData::default() }
    }

    fn told(troubles: &Troubles) -> Vec<(String, String, Timestamp)> {
        troubles.lasting().map(|one| (one.who.clone(), one.what.clone(), one.since)).collect()
    }

    #[test]
    fn a_lost_connection_is_told_once_and_leaves_when_mended() {
        let mut troubles = Troubles::default();
        let well = || status(connection(None, 0), stream(StreamState::Live, None, None));
        assert!(troubles.observe(&well(), at(0)), "counts to compare with");
        assert!(!troubles.observe(&well(), at(1)));
        let lost = "connection closed: 1006";
        let ill = || status(connection(Some(lost), 0), stream(StreamState::Failed, Some(lost), None));
        assert!(troubles.observe(&ill(), at(2)));
        assert!(!troubles.observe(&ill(), at(3)), "nothing new");
        assert_eq!(told(&troubles), [("kraken".into(), lost.into(), at(2))]);
        let worse =
            status(connection(Some("cannot connect: refused"), 0), stream(StreamState::Failed, Some(lost), None));
        assert!(troubles.observe(&worse, at(4)));
        assert_eq!(told(&troubles), [("kraken".into(), "cannot connect: refused".into(), at(2))]);
        assert!(troubles.observe(&well(), at(5)));
        assert_eq!(told(&troubles), []);
        assert_eq!(troubles.all().map(|one| one.until).collect::<Vec<_>>(), [Some(at(5))]);
    }

    #[test]
    fn a_trouble_begins_when_the_data_ends() {
        #[track_caller]
        fn check(last_ms: Option<i64>, expected: Timestamp) {
            let lost = ConnectionEntry { last_frame_ms: last_ms, ..connection(Some("lost"), 0) };
            let quiet = StreamEntry { last_update_ms: last_ms, ..stream(StreamState::Failed, Some("unknown"), None) };
            for status in [status(lost, stream(StreamState::Live, None, None)), status(connection(None, 0), quiet)] {
                let mut troubles = Troubles::default();
                troubles.observe(&status, at(100));
                assert_eq!(troubles.lasting().map(|one| one.since).collect::<Vec<_>>(), [expected]);
            }
        }
        check(Some(40_000), at(40));
        check(None, at(100));
        // The server's clock is known with an error only.
        check(Some(100_500), at(100));
    }

    #[test]
    fn a_lost_connection_tells_what_happens_next() {
        #[track_caller]
        fn check(mode: FeedMode, next_attempt_ms: Option<i64>, expected: &str) {
            let lost = ConnectionEntry { mode, next_attempt_ms, ..connection(Some("refused"), 0) };
            assert_eq!(connection_trouble(&lost, at(10)).as_deref(), Some(expected));
        }
        check(FeedMode::WebSocket, None, "refused");
        check(FeedMode::WebSocket, Some(10_000), "refused");
        check(FeedMode::WebSocket, Some(18_505_000), "refused. Next try 05:08:25");
        check(FeedMode::RestPolling, Some(18_505_000), "refused. Prices come by REST until it is back");
    }

    #[test]
    fn a_stream_of_a_connected_feed_speaks_for_itself() {
        #[track_caller]
        fn check(stream: StreamEntry, expected: &[&str]) {
            let mut troubles = Troubles::default();
            troubles.observe(&status(connection(None, 0), stream), at(1));
            assert_eq!(troubles.lasting().map(|one| one.what.as_str()).collect::<Vec<_>>(), expected);
        }
        check(stream(StreamState::Failed, Some("unknown symbol X"), None), &["unknown symbol X"]);
        check(stream(StreamState::Stale, None, Some(Silence::Dead)), &["gets no updates although trades go on"]);
        check(stream(StreamState::Stale, None, Some(Silence::QuietBesideOthers)), &[]);
        check(stream(StreamState::Initialising, None, None), &[]);
    }

    #[test]
    fn only_new_gaps_are_news_and_each_is_told_ten_seconds() {
        let mut troubles = Troubles::default();
        let mut told_at = |gaps, seconds| {
            troubles.observe(&status(connection(None, gaps), stream(StreamState::Live, None, None)), at(seconds));
            troubles.lasting().map(|one| one.what.split('.').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(told_at(7, 0), Vec::<String>::new(), "from before");
        assert_eq!(told_at(8, 10), ["missed updates (a gap)"]);
        assert_eq!(told_at(10, 15), ["missed updates (2 gaps)"]);
        assert_eq!(told_at(10, 24), ["missed updates (2 gaps)"]);
        assert_eq!(told_at(10, 25), Vec::<String>::new());
        assert_eq!(told_at(0, 26), Vec::<String>::new(), "a feed that was restarted counts from zero");
        assert_eq!(told_at(1, 27), ["missed updates (a gap)"]);
    }

    #[test]
    fn the_list_is_bounded_and_what_lasts_stays() {
        let mut troubles = Troubles::default();
        let lost = |cause| status(connection(Some(cause), 0), stream(StreamState::Live, None, None));
        troubles.observe(&lost("lasting"), at(0));
        for round in 0..200_u64 {
            let mut status = lost("lasting");
            status.connections[0].gaps = round;
            troubles.observe(&status, at(round as i64 * 20));
        }
        assert_eq!(troubles.all().count(), MAX_KNOWN);
        assert!(troubles.lasting().any(|one| one.what == "lasting"));
    }
}
