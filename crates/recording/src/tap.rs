//! The hook in a feed: receives all traffic, keeps the last half minute, and passes entries on while a recording runs.
//!
//! Owned by the feed's owner, so nothing here waits or locks. Without a recording, an entry costs one push of shared
//! text. Not here: the destination of entries ([`Sink`]), the window's rules ([`crate::ring`]).

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use market::View;
use model::{
    recording_entry::EntryKind,
    time::{Now, Timestamp},
};
use venues::session::{ConnectionId, HttpRequest, RequestId, Session, SnapshotFrame};

use crate::{
    entry::{Body, RawEntry},
    prelude::{ConnectionContext, SNAPSHOT_DEPTH, address},
    ring::{Ring, Window},
    secrets,
    text::Text,
};

/// Receives the entries of a recording; never makes the feed wait.
pub trait Sink {
    /// Receives an entry.
    fn entry(&mut self, entry: RawEntry);

    /// Returns true if the file is full: a new [`Self::part`] is due.
    fn wants_part(&self) -> bool;

    /// Begins a file with this prelude.
    fn part(&mut self, prelude: Vec<RawEntry>);

    /// Returns true once no more entries are accepted.
    fn is_over(&self) -> bool;
}

/// The hook of one feed.
#[derive(Debug)]
pub struct Tap<S> {
    base: String,
    urls: BTreeMap<ConnectionId, Arc<str>>,
    slots: BTreeMap<ConnectionId, u32>,
    open_requests: BTreeMap<RequestId, OpenRequest>,
    known: ConnectionContext,
    ring: Ring,
    sink: Option<S>,
}

#[derive(Debug)]
struct OpenRequest {
    path: String,
    url: Arc<str>,
    request: Option<Arc<str>>,
}

impl<S: Sink> Tap<S> {
    /// Creates the tap of a feed whose REST address is `base`.
    pub fn new(base: Option<&str>) -> Self {
        Self {
            base: base.unwrap_or_default().to_owned(),
            urls: BTreeMap::new(),
            slots: BTreeMap::new(),
            open_requests: BTreeMap::new(),
            known: ConnectionContext::default(),
            ring: Ring::default(),
            sink: None,
        }
    }

    /// Notes a connection being opened.
    pub fn connecting(&mut self, connection: ConnectionId, url: &str) {
        self.urls.insert(connection, secrets::address(url).into());
    }

    /// Notes that the connection is open.
    pub fn connected(&mut self, connection: ConnectionId, now: Now) {
        // The lowest free number: a connection that replaces another continues under its number.
        let slot = (0..).find(|slot| self.slots.values().all(|taken| taken != slot)).unwrap_or_default();
        self.slots.insert(connection, slot);
        let url = self.urls.get(&connection).cloned();
        let entry = RawEntry { url, ..entry(EntryKind::Connect, now.wall, slot, Body::None) };
        self.known.connected(entry.clone());
        self.push(entry);
    }

    /// Notes that a connection was closed or could not be opened.
    pub fn closed(&mut self, connection: ConnectionId, why: &str, time: Timestamp) {
        self.urls.remove(&connection);
        let Some(slot) = self.slots.remove(&connection) else { return };
        self.known.closed(slot);
        self.push(entry(EntryKind::Close, time, slot, Body::Text(why.into())));
    }

    /// Records a text frame received.
    pub fn received(&mut self, connection: ConnectionId, text: Text, now: Now) {
        self.push(entry(EntryKind::Recv, now.wall, self.slot(connection), Body::Text(text)));
    }

    /// Records a binary frame received.
    pub fn received_binary(&mut self, connection: ConnectionId, bytes: Bytes, now: Now) {
        self.push(entry(EntryKind::Recv, now.wall, self.slot(connection), Body::Binary(bytes)));
    }

    /// Records a text frame sent.
    pub fn sent(&mut self, connection: ConnectionId, text: &str, now: Now) {
        let body = Body::Text(secrets::sent(text).into_owned().into());
        self.push(entry(EntryKind::Send, now.wall, self.slot(connection), body));
    }

    /// Notes a request.
    pub fn asked(&mut self, request: &HttpRequest) {
        let asked = OpenRequest {
            path: request.path.clone().into_owned(),
            url: address(&self.base, &request.path, &request.query).into(),
            request: request.body.as_deref().map(|body| secrets::sent(body).into()),
        };
        self.open_requests.insert(request.id, asked);
    }

    /// Records the answer to a request; `None` if no answer came.
    pub fn answered(&mut self, id: RequestId, answer: Option<(u16, Text)>, now: Now) {
        let Some(OpenRequest { path, url, request }) = self.open_requests.remove(&id) else { return };
        let Some((status, text)) = answer else { return };
        let is_success = (200..300).contains(&status);
        let body = if is_success { Body::Text(text) } else { Body::Refusal(status, text) };
        let entry = RawEntry { url: Some(url), request, ..entry(EntryKind::Http, now.wall, 0, body) };
        if is_success {
            self.known.answered(&path, entry.clone());
        }
        self.push(entry);
    }

    /// Called at each turn of the feed: makes snapshot frames if they are due.
    pub fn turn(&mut self, session: &dyn Session, view: &View, now: Now) {
        if self.ring.wants_checkpoint(now.monotonic) {
            let prelude = self.prelude(session, view, now);
            self.ring.checkpoint(prelude, now);
        }
        if self.sink.as_ref().is_some_and(|sink| !sink.is_over() && sink.wants_part()) {
            self.begin_part(session, view, now);
        }
    }

    /// Passes all entries to `sink` from now on, after the necessary context. Replaces any earlier sink.
    pub fn record(&mut self, sink: S, session: &dyn Session, view: &View, now: Now) {
        self.sink = Some(sink);
        self.begin_part(session, view, now);
    }

    /// Returns the current sink.
    pub fn sink(&self) -> Option<&S> {
        self.sink.as_ref()
    }

    /// Stops recording and returns the sink.
    pub fn take_sink(&mut self) -> Option<S> {
        self.sink.take()
    }

    /// Returns the last half minute; `None` if nothing was kept.
    pub fn window(&self, now: Now) -> Option<Window> {
        self.ring.window(now.monotonic)
    }

    fn begin_part(&mut self, session: &dyn Session, view: &View, now: Now) {
        let prelude = self.prelude(session, view, now);
        if let Some(sink) = &mut self.sink {
            sink.part(prelude);
        }
    }

    fn prelude(&self, session: &dyn Session, view: &View, now: Now) -> Vec<RawEntry> {
        let slot_of = |snapshot: &SnapshotFrame| match snapshot {
            SnapshotFrame::Answer { .. } => 0,
            SnapshotFrame::Frame(connection, _) => self.slot(*connection),
        };
        let bars = view.histories().filter_map(|(id, interval, bars)| session.history_answer(id, interval, &bars));
        let snapshots = session.snapshot_frames(SNAPSHOT_DEPTH).into_iter().chain(bars);
        self.known.prelude(snapshots, &self.base, slot_of, now.wall)
    }

    fn push(&mut self, entry: RawEntry) {
        if let Some(sink) = self.sink.as_mut().filter(|sink| !sink.is_over()) {
            sink.entry(entry.clone());
        }
        self.ring.push(entry);
    }

    fn slot(&self, connection: ConnectionId) -> u32 {
        self.slots.get(&connection).copied().unwrap_or_default()
    }
}

fn entry(kind: EntryKind, time: Timestamp, slot: u32, body: Body) -> RawEntry {
    RawEntry { kind, time, slot, url: None, request: None, body, is_prelude: false }
}

#[cfg(test)]
mod tests {
    use market::ViewConfig;
    use venues::replay::Replay;

    use super::*;

    /// Keeps all entries.
    #[derive(Default)]
    struct Kept(Vec<RawEntry>);

    impl Sink for Kept {
        fn entry(&mut self, entry: RawEntry) {
            self.0.push(entry);
        }

        fn wants_part(&self) -> bool {
            false
        }

        fn part(&mut self, prelude: Vec<RawEntry>) {
            self.0.extend(prelude);
        }

        fn is_over(&self) -> bool {
            false
        }
    }

    fn at(seconds: u64) -> Now {
        let wall = Timestamp::from_millis(i64::try_from(seconds).unwrap() * 1_000);
        Now { monotonic: model::time::Monotonic::from_zero(std::time::Duration::from_secs(seconds)), wall }
    }

    #[test]
    fn a_recording_begins_with_what_was_known_and_holds_what_passes() {
        let session = Replay::new("binance").unwrap();
        let mut tap = Tap::<Kept>::new(Some("https://x.test"));
        let (first, second) = (ConnectionId(7), ConnectionId(8));
        tap.connecting(first, "wss://x.test/ws?token=canary");
        tap.connected(first, at(1));
        let request = HttpRequest { id: RequestId(1), path: "/info".into(), query: vec![], weight: 1, body: None };
        tap.asked(&request);
        tap.answered(RequestId(1), Some((200, "{}".into())), at(2));
        tap.record(Kept::default(), &session, &View::new(ViewConfig::default()), at(3));
        tap.received(first, "frame".into(), at(4));
        tap.sent(first, r#"{"api_key":"canary"}"#, at(4));
        tap.connecting(second, "wss://x.test/ws");
        tap.connected(second, at(5));
        tap.closed(first, "over", at(6).wall);
        tap.connecting(first, "wss://x.test/ws");
        tap.connected(first, at(7));
        tap.asked(&HttpRequest { id: RequestId(2), ..request });
        tap.answered(RequestId(2), Some((429, "slow down".into())), at(8));
        tap.answered(RequestId(9), Some((200, "never asked".into())), at(8));
        let mut lines = Vec::new();
        tap.take_sink().unwrap().0.iter().for_each(|entry| entry.write(&mut lines).unwrap());
        let lines = String::from_utf8(lines).unwrap();
        assert!(!lines.contains("canary"), "{lines}");
        let expected = [
            r#"{"t":"http","ts":3.0,"url":"https://x.test/info","data":"{}","prelude":true}"#,
            r#"{"t":"connect","ts":3.0,"url":"wss://x.test/ws?token=removed","prelude":true}"#,
            r#"{"t":"recv","ts":4.0,"data":"frame"}"#,
            r#"{"t":"send","ts":4.0,"data":"{\"api_key\":\"removed\"}"}"#,
            r#"{"t":"connect","ts":5.0,"conn":"2","url":"wss://x.test/ws"}"#,
            r#"{"t":"close","ts":6.0,"data":"over"}"#,
            r#"{"t":"connect","ts":7.0,"url":"wss://x.test/ws"}"#,
            r#"{"t":"http","ts":8.0,"url":"https://x.test/info","status":429,"body":"slow down"}"#,
        ];
        assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    }
}
