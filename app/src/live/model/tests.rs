//! The page's data after given items, and its freshness.

use model::{
    decimal::{Price, Quantity},
    event::Level,
    proof::BookState,
};

use topics::channels::status::ConnectionEntry;

use super::*;

fn at(monotonic_ms: u64) -> Now {
    let monotonic = Monotonic::from_zero(Duration::from_millis(monotonic_ms));
    Now { monotonic, wall: Timestamp::from_millis(monotonic_ms as i64) }
}

fn instrument() -> InstrumentId {
    InstrumentId::parse("demo:AAABBB").unwrap()
}

fn item(kind: UpdateKind, topic: Topic, data: TopicData) -> Update {
    Update { kind, epoch: None, topic, offset: 1, data }
}

fn quote(kind: UpdateKind, last: &str, receive_ms: i64) -> Update {
    let data = QuoteData {
        last: Price::parse(last).ok(),
        receive_time_us: Some(receive_ms * 1_000),
        publish_time_us: Some(receive_ms * 1_000),
        ..QuoteData::default()
    };
    item(kind, Topic::quote(&instrument()), TopicData::Quote(data))
}

fn status(state: StreamState, last_update_ms: Option<i64>, cause: Option<&str>) -> Update {
    let entry = StreamEntry {
        state,
        updates: 142,
        rate: 1.5,
        last_update_ms,
        cause: cause.map(str::to_owned),
        is_simulated: true,
        ..StreamEntry::new(&instrument(), FeedMode::WebSocket)
    };
    let data = StatusData { streams: vec![entry], ..StatusData::default() };
    item(UpdateKind::Snapshot, Topic::STATUS, TopicData::Status(data))
}

fn connected() -> LiveModel {
    let mut model = LiveModel::default();
    model.set_link(LinkState::Connected, at(0).monotonic, at(0));
    model
}

fn book(kind: UpdateKind, state: BookState, bids: &[(&str, &str)]) -> Update {
    let levels = bids.iter().map(|(price, quantity)| Level {
        price: Price::parse(price).unwrap(),
        quantity: Quantity::parse(quantity).unwrap(),
    });
    let data = BookData { state, bids: levels.collect(), ..BookData::default() };
    item(kind, Topic::book(&instrument()), TopicData::Book(data))
}

#[test]
fn deltas_change_what_the_snapshot_said() {
    let mut model = connected();
    let topics = [Topic::quote(&instrument())];
    assert_eq!(model.revision(&topics), 0);
    model.apply(quote(UpdateKind::Snapshot, "10.50", 1), at(1));
    let first = model.revision(&topics);
    model.apply(quote(UpdateKind::Delta, "10.60", 2), at(2));
    assert!(model.revision(&topics) > first);
    assert_eq!(model.quote(&instrument()).and_then(|quote| quote.last), Price::parse("10.60").ok());
    model.forget(&topics[0]);
    assert!(model.quote(&instrument()).is_none());
}

#[test]
fn the_last_good_levels_outlive_the_books_trouble() {
    for kind in [UpdateKind::Snapshot, UpdateKind::Delta] {
        let mut model = connected();
        model.apply(book(UpdateKind::Snapshot, BookState::Live, &[("10", "1"), ("9", "2")]), at(0));
        model.apply(book(kind, BookState::Resyncing, &[]), at(1));
        let known = model.book(&instrument()).unwrap();
        assert_eq!((known.state, known.bids.len()), (BookState::Resyncing, 2), "{kind:?}");
        // The next snapshot replaces them entirely.
        model.apply(book(UpdateKind::Snapshot, BookState::Live, &[("8", "1")]), at(2));
        let known = model.book(&instrument()).unwrap();
        assert_eq!((known.state, known.bids.len()), (BookState::Live, 1), "{kind:?}");
    }
}

#[test]
fn waiting_live_stale_and_refused_are_told_apart() {
    let topics = [Topic::quote(&instrument())];
    let mut model = connected();
    assert_eq!(model.freshness(&topics, at(10)), Freshness::Waiting);

    model.apply(quote(UpdateKind::Snapshot, "10", 1_000), at(1_000));
    model.apply(status(StreamState::Live, Some(1_000), None), at(1_000));
    model.set_link(LinkState::Connected, at(1_000).monotonic, at(1_000));
    assert_eq!(model.freshness(&topics, at(1_200)), Freshness::Fresh);

    model.apply(status(StreamState::Stale, Some(1_000), None), at(6_500));
    model.set_link(LinkState::Connected, at(6_500).monotonic, at(6_500));
    assert_eq!(model.freshness(&topics, at(7_000)), Freshness::Stale { age_ms: 6_000, is_quiet: false });

    model.refuse(&topics[0], "no such instrument");
    assert_eq!(model.freshness(&topics, at(7_000)), Freshness::Refused { message: "no such instrument".into() });
}

#[test]
fn a_stopped_instrument_is_absent_and_keeps_its_last_values() {
    let topics = [Topic::quote(&instrument())];
    let mut model = connected();
    model.apply(quote(UpdateKind::Snapshot, "10", 1_000), at(1_000));
    assert!(!model.is_absent(&instrument()), "nothing is known before the first status");
    model.apply(status(StreamState::Live, Some(1_000), None), at(1_000));
    assert!(!model.is_absent(&instrument()));
    // The next status lists it no more.
    let of_others = TopicData::Status(StatusData::default());
    model.apply(item(UpdateKind::Snapshot, Topic::STATUS, of_others), at(1_100));
    assert!(model.is_absent(&instrument()) && model.has_values(&instrument()));
    let stream = model.stream(&instrument(), at(1_200));
    assert_eq!((stream.state, stream.is_absent), (StreamState::Stale, true), "at once, not when it has grown old");
    assert_eq!(model.freshness(&topics, at(1_200)), Freshness::NotFollowed);
    model.apply(status(StreamState::Live, Some(1_200), None), at(1_300));
    assert!(!model.is_absent(&instrument()), "started again");
}

#[test]
fn an_empty_snapshot_of_a_stream_that_has_not_begun_says_nothing() {
    let mut model = connected();
    let empty = |model: &mut LiveModel, state: StreamState| {
        model.apply(book(UpdateKind::Snapshot, BookState::Empty, &[]), at(1_000));
        let tape = TopicData::Tape(TapeData::default());
        model.apply(item(UpdateKind::Snapshot, Topic::tape(&instrument()), tape), at(1_000));
        model.apply(status(state, None, None), at(1_000));
        [Topic::book(&instrument()), Topic::tape(&instrument())].map(|topic| model.freshness(&[topic], at(1_100)))
    };
    assert_eq!(empty(&mut model, StreamState::Initialising), [Freshness::Waiting, Freshness::Waiting]);
    assert_eq!(empty(&mut model, StreamState::Failed), [Freshness::Waiting, Freshness::Waiting], "not 0 s old");
    // In a live stream an empty snapshot means that there is no data.
    assert_eq!(empty(&mut model, StreamState::Live), [Freshness::Fresh, Freshness::Fresh]);
    model.apply(book(UpdateKind::Snapshot, BookState::Buffering, &[("9", "1")]), at(1_000));
    model.apply(status(StreamState::Initialising, None, None), at(1_000));
    assert_eq!(model.freshness(&[Topic::book(&instrument())], at(1_100)), Freshness::Fresh);
}

#[test]
fn without_the_server_nothing_is_live() {
    let topics = [Topic::quote(&instrument())];
    let mut model = connected();
    model.apply(quote(UpdateKind::Snapshot, "10", 1_000), at(1_000));
    model.apply(status(StreamState::Live, Some(1_000), None), at(1_000));
    let lost = LinkState::Reconnecting { at: at(3_000).monotonic };
    model.set_link(lost.clone(), at(1_000).monotonic, at(1_100));
    assert_eq!(model.freshness(&topics, at(1_500)), Freshness::Fresh, "a short loss is bridged");
    model.set_link(lost, at(1_000).monotonic, at(2_000));
    assert_eq!(model.freshness(&topics, at(2_200)), Freshness::Stale { age_ms: 1_200, is_quiet: false });
    assert_eq!(model.stream(&instrument(), at(2_200)).state, StreamState::Stale);

    // A silent connection is no better than none.
    let mut model = connected();
    model.apply(quote(UpdateKind::Snapshot, "10", 1_000), at(1_000));
    model.apply(status(StreamState::Live, Some(1_000), None), at(1_000));
    model.set_link(LinkState::Connected, at(1_000).monotonic, at(7_001));
    assert_eq!(model.freshness(&topics, at(7_001)), Freshness::Stale { age_ms: 6_001, is_quiet: false });
}

#[test]
fn ages_follow_the_servers_clock() {
    let mut model = connected();
    // The server is 500 ms ahead of us.
    model.clock.add(at(0), at(0), 500);
    model.apply(quote(UpdateKind::Snapshot, "10", 1_500), at(1_000));
    let age_ms = model.stream(&instrument(), at(1_200)).age_ms.unwrap();
    assert!((199..=201).contains(&age_ms), "{age_ms}");
}

#[test]
fn a_cause_is_named_while_nothing_comes() {
    let topics = [Topic::quote(&instrument())];
    let mut model = LiveModel::default();
    assert_eq!(model.waiting_cause(&topics, at(0)).as_deref(), Some("connecting to the server"));
    model.set_link(LinkState::Reconnecting { at: at(2_500).monotonic }, Monotonic::ZERO, at(0));
    let cause = model.waiting_cause(&topics, at(0));
    assert_eq!(cause.as_deref(), Some("no connection to the server, next attempt in 3 s"));
    model.set_link(LinkState::Connected, Monotonic::ZERO, at(0));
    assert_eq!(model.waiting_cause(&topics, at(0)), None);
    model.apply(status(StreamState::Failed, None, Some("unknown symbol AAABBB")), at(0));
    assert_eq!(model.waiting_cause(&topics, at(0)).as_deref(), Some("unknown symbol AAABBB"));
    model.apply(status(StreamState::Initialising, None, None), at(0));
    assert_eq!(model.waiting_cause(&topics, at(0)).as_deref(), Some("the venue has not sent any data yet"));
}

fn direct(model: &mut LiveModel) {
    let venue = instrument().venue().clone();
    model.set_direct(&SortedSet::from([venue.clone()]), SortedSet::from([venue]));
}

fn worker_says(model: &mut LiveModel, state: StreamState, now: Now) {
    let TopicData::Status(data) = status(state, Some(now.wall.as_millis()), None).data else { unreachable!() };
    model.apply_worker_status(instrument().venue(), UpdateKind::Snapshot, data, now);
}

#[test]
fn of_a_direct_venue_the_workers_word_counts() {
    let mut model = connected();
    model.apply(status(StreamState::Live, Some(1_000), None), at(1_000));
    worker_says(&mut model, StreamState::Initialising, at(1_000));
    let state = |model: &LiveModel| model.stream(&instrument(), at(1_100)).state;
    assert_eq!(state(&model), StreamState::Live, "nothing shown comes from it yet");
    direct(&mut model);
    assert_eq!(
        (state(&model), model.stream(&instrument(), at(1_100)).source),
        (StreamState::Initialising, Source::Direct)
    );
    worker_says(&mut model, StreamState::Live, at(1_050));
    model.apply(status(StreamState::Failed, None, Some("not our business")), at(1_060));
    assert_eq!(state(&model), StreamState::Live);
    let revision = model.revision(&[Topic::STATUS]);
    worker_says(&mut model, StreamState::Stale, at(1_070));
    assert!(model.revision(&[Topic::STATUS]) > revision);
    model.set_direct(&SortedSet::new(), SortedSet::new());
    assert_eq!((state(&model), model.worker_status(instrument().venue())), (StreamState::Failed, None));
}

#[test]
fn direct_data_does_not_age_with_the_server() {
    let topics = [Topic::quote(&instrument())];
    let mut model = connected();
    // The server's clock is far ahead; the worker's stamps are our own.
    model.clock.add(at(0), at(0), 50_000);
    direct(&mut model);
    let quote = quote(UpdateKind::Snapshot, "10", 20_000);
    model.apply_from(Source::Direct, Ruling::TakeOver, quote, at(20_000));
    worker_says(&mut model, StreamState::Live, at(20_000));
    model.set_link(LinkState::Reconnecting { at: at(30_000).monotonic }, at(1_000).monotonic, at(2_000));
    assert_eq!(model.freshness(&topics, at(20_100)), Freshness::Fresh);
    assert_eq!(model.stream(&instrument(), at(20_100)).age_ms, Some(100));
    assert_eq!(model.waiting_cause(&topics, at(20_100)), None);
    // A worker that hangs is detected nevertheless.
    assert_eq!(model.freshness(&topics, at(26_100)), Freshness::Stale { age_ms: 6_100, is_quiet: false });
}

#[test]
fn what_goes_on_without_the_server_is_what_comes_directly_and_is_connected() {
    let venue = instrument().venue().clone();
    let mut model = connected();
    let worker_is = |is_connected: bool, model: &mut LiveModel| {
        let connection = ConnectionEntry { is_connected, ..ConnectionEntry::new(&venue, FeedMode::WebSocket) };
        let status = StatusData { connections: vec![connection], ..StatusData::default() };
        model.apply_worker_status(&venue, UpdateKind::Snapshot, status, at(1_000));
    };
    worker_is(true, &mut model);
    assert_eq!(model.direct_going_on(at(1_100)), [], "nothing shown comes from it yet");
    direct(&mut model);
    assert_eq!(model.direct_going_on(at(1_100)), [instrument().venue().clone()]);
    assert_eq!(model.direct_going_on(at(8_000)), [], "the worker hangs");
    worker_is(false, &mut model);
    assert_eq!(model.direct_going_on(at(1_100)), []);
}

#[test]
fn going_over_keeps_what_the_other_way_has_not_heard_yet() {
    let mut model = connected();
    let mut whole = quote(UpdateKind::Snapshot, "10", 1_000);
    if let TopicData::Quote(data) = &mut whole.data {
        data.day_high = Price::parse("12").ok();
    }
    model.apply(whole, at(1_000));
    model.apply_from(Source::Direct, Ruling::TakeOver, quote(UpdateKind::Snapshot, "11", 2_000), at(2_000));
    let known = model.quote(&instrument()).unwrap();
    assert_eq!((known.last, known.day_high), (Price::parse("11").ok(), Price::parse("12").ok()));
}
