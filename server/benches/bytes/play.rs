//! A recording over the stream: the bytes that one reader receives.
//!
//! The recording runs through the player of replays, the market's view, the lanes' turns and the hub, by its own clock and as
//! fast as the machine can. The reader comes when all books are live, reads every message in both forms, and must hold at
//! the end what the view has published: nothing it needs is left out of the count. Not here: what the venue sent (`raw`).

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
    path::PathBuf,
    sync::Arc,
};

use hub::{
    config::HubConfig,
    hub::Hub,
    subscriber::{Delivery, DeliveryKind, Subscriber},
};
use model::{
    candle::Interval,
    instrument::{InstrumentId, Venue},
    time::{Monotonic, Now, Timestamp},
};
use recording::{
    contents,
    feed_topics::FeedTopics,
    playback::Playback,
    player::{Player, first_report},
};
use server::{
    clock::Clock,
    publish::{Publishing, SharedUpdate, spec},
    recorder::files::Files,
};
use topics::{
    channels::{Channel, TopicData, replay::PlayState},
    lane::{Lane, LaneClock},
    source::TopicSource,
    topic::Topic,
};
use venues::{replay::Replay, session::Session};
use wire::{
    Encoding, decode_server, decode_server_json, encode_batch,
    encoded::EncodedUpdate,
    message::{Item, ServerMessage, StreamName, Subscribed, Update, UpdateKind},
    names::StreamNames,
};

/// The topics of a page that shows an instrument: its quote, book, trades and minute candles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageTopics {
    /// The lane of quote, book and trades.
    pub(crate) shown: Lane,
    /// The lane of candles.
    pub(crate) chart: Lane,
    /// True for a panel with more rows than the book's 20 levels a side: it follows the 50 of the ladder, too.
    pub(crate) is_deep: bool,
}

impl PageTopics {
    fn topics(self, instrument: &InstrumentId) -> impl Iterator<Item = (Topic, Lane)> {
        let ladder = self.is_deep.then(|| Topic::ladder(1, instrument));
        let shown = [Topic::quote(instrument), Topic::book(instrument), Topic::tape(instrument)];
        let candles = Topic::candles(Interval::M1, instrument);
        shown.into_iter().chain(ladder).map(move |topic| (topic, self.shown)).chain([(candles, self.chart)])
    }
}

/// Bytes in both forms, without the frames of the WebSocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) json: usize,
    pub(crate) binary: usize,
}

impl Bytes {
    fn of(n_bytes: impl Fn(Encoding) -> usize) -> Self {
        Self { json: n_bytes(Encoding::Json), binary: n_bytes(Encoding::Binary) }
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        self.json += other.json;
        self.binary += other.binary;
    }
}

/// The bytes that the reader received. Snapshots and changes of the same turn count as a message each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    /// Time at which the reader came.
    pub(crate) from: Timestamp,
    /// The end of the recording.
    pub(crate) until: Timestamp,
    /// The first snapshot of each topic.
    pub(crate) snapshots: Bytes,
    /// All changes.
    pub(crate) deltas: Bytes,
    /// The trades among the changes.
    pub(crate) trades: Bytes,
    /// JSON of the changes with the whole state in place of each change of a quote, book or ladder.
    pub(crate) whole_json: usize,
}

/// Plays the files, which are one recording of a venue, to a reader of all its instruments.
pub(crate) fn play(venue: &str, files: &[PathBuf], page: PageTopics) -> Traffic {
    let name = Venue::new(venue);
    let contents = contents::read(&mut Files::new(files)).unwrap();
    let instruments = contents::instruments(&mut Files::new(files), venue, &name);
    let playback = Playback::new(Files::new(files), venue, &name).unwrap();
    let report = first_report(Vec::new(), name, instruments.iter().cloned().collect(), &contents);
    let mut player = Player::new(playback, contents, report, Monotonic::ZERO);
    let publishing = Publishing::new(Hub::new(HubConfig::default()), Clock::start());
    let mut owner = publishing.own(venue);
    let mut lanes = LaneClock::new(Monotonic::ZERO);
    let mut reader = None;
    loop {
        let due = lanes.next();
        let now = Now { monotonic: due, wall: contents.start + due.since_zero() };
        player.advance(now, || false, &mut ());
        let (position, is_over) = (player.position(), player.state() == PlayState::Ended);
        let now = player.clock(now);
        let (view, replay) = player.lend();
        if reader.is_none() && are_live(&instruments, replay) {
            let topics = instruments.iter().flat_map(|instrument| page.topics(instrument)).collect();
            reader = Some(Reader::new(&publishing, topics, position));
        }
        let mut source = FeedTopics { view, session: replay };
        // The last turn is every lane's, so that the reader ends with everything.
        let turns: Vec<Lane> = if is_over { Lane::ALL.to_vec() } else { lanes.take_due(due).collect() };
        for lane in turns {
            let n_published = owner.turn(lane, &mut source, now);
            lanes.turned(lane, n_published);
        }
        if let Some(reader) = &mut reader {
            reader.receive(&source);
        }
        if is_over {
            return reader.expect("the books were live once").finish(&source, position);
        }
        player.forward_history_requests(&mut ());
    }
}

fn are_live(instruments: &BTreeSet<InstrumentId>, replay: &Replay) -> bool {
    let books = replay.books();
    instruments.iter().all(|instrument| books.get(instrument).is_some_and(|book| book.state.is_served()))
}

/// One client of the hub, and its market as each form's messages give it.
struct Reader {
    subscriber: Subscriber<SharedUpdate>,
    topics: BTreeMap<Topic, Lane>,
    names: StreamNames,
    by_json: BTreeMap<Topic, TopicData>,
    by_binary: BTreeMap<Topic, TopicData>,
    n_snapshots: usize,
    traffic: Traffic,
}

impl Reader {
    fn new(publishing: &Publishing, topics: BTreeMap<Topic, Lane>, from: Timestamp) -> Self {
        let subscriber = publishing.hub().connect().unwrap();
        let follow = |(topic, lane): (&Topic, &Lane)| {
            let stream = subscriber.subscribe(&spec(topic, *lane)).unwrap();
            StreamName { topic: topic.clone(), stream }
        };
        let mut names = StreamNames::new();
        names.learn(&ServerMessage::Subscribed(Subscribed { id: 1, topics: topics.iter().map(follow).collect() }));
        let none = Bytes::default();
        Self {
            subscriber,
            topics,
            names,
            by_json: BTreeMap::new(),
            by_binary: BTreeMap::new(),
            n_snapshots: 0,
            traffic: Traffic { from, until: from, snapshots: none, deltas: none, trades: none, whole_json: 0 },
        }
    }

    /// Takes what a turn has brought; `source` is as it was published.
    fn receive(&mut self, source: &FeedTopics<'_>) {
        let batch = self.subscriber.take_batch().unwrap();
        let is_delta = |delivery: &&Delivery<SharedUpdate>| delivery.kind == DeliveryKind::Delta;
        let (deltas, snapshots): (Vec<_>, Vec<_>) = batch.iter().partition(is_delta);
        self.n_snapshots += snapshots.len();
        let n_bytes = self.read(&snapshots);
        self.traffic.snapshots += n_bytes;
        if deltas.is_empty() {
            return;
        }
        let n_bytes = self.read(&deltas);
        self.traffic.deltas += n_bytes;
        for delta in deltas.iter().filter(|delta| delta.payload.update().topic.channel() == Channel::Tape) {
            self.traffic.trades += Bytes::of(|encoding| delta.payload.bytes(encoding).len());
        }
        let whole: Vec<SharedUpdate> = deltas.iter().map(|delta| self.whole(&delta.payload, source)).collect();
        let numbered = deltas.iter().zip(&whole).map(|(delta, update)| (delta.stream, &**update));
        self.traffic.whole_json += encode_batch(numbered, Encoding::Json).len();
    }

    /// Reads a message of these items in both forms; returns its bytes.
    fn read(&mut self, items: &[&Delivery<SharedUpdate>]) -> Bytes {
        if items.is_empty() {
            return Bytes::default();
        }
        let message = |encoding| encode_batch(items.iter().map(|item| (item.stream, &*item.payload)), encoding);
        let (json, binary) = (message(Encoding::Json), message(Encoding::Binary));
        merge(decode_server_json(std::str::from_utf8(&json).unwrap()).unwrap(), &mut self.by_json);
        merge(decode_server(&binary, &self.names).unwrap(), &mut self.by_binary);
        Bytes { json: json.len(), binary: binary.len() }
    }

    /// Returns the state that a change leads to. Trades and candles are what is new in any form.
    fn whole(&self, delta: &SharedUpdate, source: &FeedTopics<'_>) -> SharedUpdate {
        let Update { topic, offset, .. } = delta.update();
        if !matches!(topic.channel(), Channel::Quote | Channel::Book | Channel::Ladder) {
            return Arc::clone(delta);
        }
        let data = source.snapshot(topic, self.topics[topic]).unwrap();
        let (topic, offset) = (topic.clone(), *offset);
        Arc::new(EncodedUpdate::new(Update { kind: UpdateKind::Snapshot, epoch: None, topic, offset, data }))
    }

    fn finish(self, source: &FeedTopics<'_>, until: Timestamp) -> Traffic {
        assert_eq!(self.n_snapshots, self.topics.len(), "a reader that keeps up needs one snapshot of a topic");
        for (topic, lane) in &self.topics {
            let published = source.snapshot(topic, *lane);
            assert_eq!(self.by_json.get(topic), published.as_ref(), "{topic} on the lane of {lane}, by JSON");
            assert_eq!(self.by_binary.get(topic), published.as_ref(), "{topic} on the lane of {lane}, in binary");
        }
        Traffic { until, ..self.traffic }
    }
}

fn merge(message: ServerMessage, held: &mut BTreeMap<Topic, TopicData>) {
    let ServerMessage::Batch(batch) = message else { panic!("no batch: {message:?}") };
    for Item { update: Update { kind, topic, data, .. }, .. } in batch.items {
        match kind {
            UpdateKind::Snapshot => {
                held.insert(topic, data);
            }
            UpdateKind::Delta => held.get_mut(&topic).expect("a snapshot came first").merge(&data),
        }
    }
}
