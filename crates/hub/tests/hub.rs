//! Tests the guarantees of the hub, one per test. It is long because all of them share the small hub made below.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use hub::{
    config::HubConfig,
    error::{Closed, HubError},
    hub::{Hub, Published, StreamKind, StreamSpec},
    subscriber::{Delivery, DeliveryKind, ResetReason, Resume, Subscriber},
};

const NOW: Duration = Duration::ZERO;

fn state(topic: &str) -> StreamSpec {
    StreamSpec { topic: topic.into(), owner: "feed".into(), lane: 0, kind: StreamKind::State }
}

fn event(topic: &str) -> StreamSpec {
    StreamSpec { kind: StreamKind::Event, ..state(topic) }
}

fn item(stream: u32, offset: u64) -> Published<Arc<str>> {
    Published { stream, offset, payload: format!("{stream} at {offset}").into(), size_bytes: 10 }
}

fn hub(config: HubConfig) -> Hub<Arc<str>> {
    let hub = Hub::new(config);
    hub.begin("feed", "epoch");
    hub
}

/// Returns kind, stream and offset of the queued items.
fn drained(subscriber: &Subscriber<Arc<str>>) -> Vec<(DeliveryKind, u32, u64)> {
    subscriber
        .take_batch()
        .unwrap()
        .iter()
        .map(|Delivery { kind, stream, offset, .. }| (*kind, *stream, *offset))
        .collect()
}

#[track_caller]
fn publish(hub: &Hub<Arc<str>>, turn: Vec<Published<Arc<str>>>) {
    assert_eq!(hub.publish(turn).n_refused, 0);
}

/// Publishes a snapshot for each stream with waiting readers; returns how many.
fn serve(hub: &Hub<Arc<str>>) -> usize {
    let demand = hub.take_demand("feed", 0, NOW);
    let waiting: Vec<_> = demand.active.into_iter().filter(|active| active.is_waiting).collect();
    waiting.iter().for_each(|active| assert!(hub.snapshot(item(active.stream, active.offset))));
    waiting.len()
}

use DeliveryKind::{Delta, Restart, Snapshot};

#[test]
fn one_snapshot_serves_all_who_wait_and_all_who_come_before_the_next_delta() {
    let hub = hub(HubConfig::default());
    let crowd: Vec<_> = (0..2_000).map(|_| hub.connect().unwrap()).collect();
    let streams: Vec<u32> = crowd.iter().map(|one| one.subscribe(&state("quote")).unwrap()).collect();
    assert!(streams.iter().all(|stream| *stream == streams[0]));
    assert_eq!(serve(&hub), 1);
    let payloads: Vec<_> = crowd.iter().map(|one| one.take_batch().unwrap().remove(0).payload).collect();
    assert!(payloads.iter().all(|payload| Arc::ptr_eq(payload, &payloads[0])));
    let late = hub.connect().unwrap();
    late.subscribe(&state("quote")).unwrap();
    assert_eq!(drained(&late), [(Snapshot, streams[0], 0)]);
    assert_eq!(serve(&hub), 0);
    hub.publish(vec![item(streams[0], 1)]);
    let later = hub.connect().unwrap();
    later.subscribe(&state("quote")).unwrap();
    assert_eq!(drained(&later), [], "the old snapshot is no longer the newest state");
    assert_eq!(serve(&hub), 1);
    assert_eq!(drained(&later), [(Snapshot, streams[0], 1)]);
}

#[test]
fn deltas_come_after_the_snapshot_only() {
    let hub = hub(HubConfig::default());
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&state("quote")).unwrap();
    hub.publish(vec![item(stream, 1)]);
    assert_eq!(drained(&one), []);
    serve(&hub);
    hub.publish(vec![item(stream, 2), item(stream, 3)]);
    assert_eq!(drained(&one), [(Snapshot, stream, 1), (Delta, stream, 2), (Delta, stream, 3)]);
}

#[test]
fn wrong_offsets_and_unknown_streams_are_refused() {
    let hub = hub(HubConfig::default());
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&state("quote")).unwrap();
    let report = hub.publish(vec![item(stream, 2), item(stream, 1), item(stream, 1), item(stream + 1, 1)]);
    assert_eq!((report.n_published, report.n_refused), (1, 3));
    assert!(!hub.snapshot(item(stream, 0)));
    assert!(!hub.snapshot(item(stream + 1, 0)));
    assert!(hub.snapshot(item(stream, 1)));
}

#[test]
fn a_slow_reader_of_state_skips_to_a_snapshot() {
    let hub = hub(HubConfig { queue_bytes: 30, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&state("quote")).unwrap();
    serve(&hub);
    assert_eq!(hub.queued_bytes(), 10, "the snapshot");
    (1..=5).for_each(|offset| publish(&hub, vec![item(stream, offset)]));
    assert_eq!(serve(&hub), 0, "no snapshot is made for one who does not read");
    assert_eq!(drained(&one), [], "what was queued is dropped");
    assert_eq!(hub.queued_bytes(), 0);
    assert_eq!(serve(&hub), 1);
    hub.publish(vec![item(stream, 6)]);
    assert_eq!(drained(&one), [(Snapshot, stream, 5), (Delta, stream, 6)]);
    assert_eq!(hub.stats().n_conflated, 1);
}

#[test]
fn a_slow_reader_of_events_is_told_what_it_skips() {
    let hub = hub(HubConfig { queue_bytes: 30, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&event("tape")).unwrap();
    serve(&hub);
    assert_eq!(drained(&one), [(Snapshot, stream, 0)]);
    (1..=4).for_each(|offset| publish(&hub, vec![item(stream, offset)]));
    assert_eq!(drained(&one), [], "full");
    assert_eq!(serve(&hub), 1);
    hub.publish(vec![item(stream, 5)]);
    assert_eq!(drained(&one), [(Restart, stream, 4), (Delta, stream, 5)]);
    assert!(one.request_snapshot("tape"));
    serve(&hub);
    assert_eq!(drained(&one), [(Snapshot, stream, 5)], "told once");
}

/// Number of deltas of 10 bytes that wait for a reader that does not drain, beside what waits already.
#[test]
fn waiting_deltas_are_dropped_in_time() {
    #[track_caller]
    fn check(spec: &StreamSpec, snapshot_bytes: usize, lag_bytes: usize, expected: Option<u64>) {
        let hub = hub(HubConfig { lag_bytes, ..HubConfig::default() });
        let one = hub.connect().unwrap();
        let stream = one.subscribe(spec).unwrap();
        assert!(hub.snapshot(Published { size_bytes: snapshot_bytes, ..item(stream, 0) }));
        drained(&one);
        let kept = (1..=100).find(|offset| {
            publish(&hub, vec![item(stream, *offset)]);
            hub.stats().n_conflated > 0
        });
        assert_eq!(kept.map(|dropped| dropped - 1), expected, "{spec:?} {snapshot_bytes} {lag_bytes}");
    }
    let much = 10_000;
    // A snapshot smaller than the deltas, and one larger.
    check(&state("quote"), 10, much, Some(4));
    check(&state("quote"), 75, much, Some(7));
    check(&state("quote"), 2_000, much, None);
    // Earlier once too much waits, but never a large snapshot in place of less than half of it.
    check(&state("quote"), 90, 20, Some(4));
    check(&state("quote"), 90, 65, Some(7));
    check(&state("quote"), 200, 20, Some(9));
    check(&state("quote"), 3_000, 20, None);
    // Events wait longer, and whatever the size of their snapshot while there is room.
    check(&event("tape"), 10, much, None);
    check(&event("tape"), 10, 20, Some(16));
    check(&event("tape"), 600, 20, Some(29));
    check(&event("tape"), 600, 500, Some(51));
}

/// Five streams with more than the reader takes, at once and at each turn: none waits for more than three rounds.
#[test]
fn streams_are_served_in_turn() {
    let hub = hub(HubConfig { lag_bytes: 100, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let specs = ["s0", "s1", "s2"].map(state).into_iter().chain(["e0", "e1"].map(event));
    let streams: Vec<u32> = specs.map(|spec| one.subscribe(&spec).unwrap()).collect();
    serve(&hub);
    let mut context = Context::from_waker(Waker::noop());
    let mut last_served: BTreeMap<u32, u64> = streams.iter().map(|stream| (*stream, 0)).collect();
    for n_drains in 1..=100 {
        for offset in 6 * n_drains - 5..=6 * n_drains {
            publish(&hub, streams.iter().map(|stream| item(*stream, offset)).collect());
            serve(&hub);
        }
        if let Poll::Ready(Ok(batch)) = pin!(one.next_batch(20, |_| 10)).poll(&mut context) {
            last_served.extend(batch.iter().map(|delivery| (delivery.stream, n_drains)));
        }
        assert!(last_served.values().all(|last| n_drains - last <= 15), "{n_drains}: {last_served:?}");
    }
    assert!(hub.stats().n_conflated > 100);
}

/// One stream whose items are as large as twenty of the others', and more of all than the reader takes.
#[test]
fn a_large_stream_takes_no_more_than_its_share() {
    let hub = hub(HubConfig { lag_bytes: 400, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let streams: Vec<u32> = (0..5).map(|number| one.subscribe(&state(&format!("s{number}"))).unwrap()).collect();
    let size_of = |stream: u32| if stream == streams[2] { 200 } else { 10 };
    let item = |stream, offset| Published { size_bytes: size_of(stream), ..item(stream, offset) };
    let mut context = Context::from_waker(Waker::noop());
    let mut n_bytes: BTreeMap<u32, usize> = BTreeMap::new();
    for offset in 1..=1_000 {
        publish(&hub, streams.iter().map(|stream| item(*stream, offset)).collect());
        for active in hub.take_demand("feed", 0, NOW).active.iter().filter(|active| active.is_waiting) {
            assert!(hub.snapshot(item(active.stream, active.offset)));
        }
        let size_of = |payload: &Arc<str>| size_of(payload.split(' ').next().unwrap().parse().unwrap());
        if let Poll::Ready(Ok(batch)) = pin!(one.next_batch(20, size_of)).poll(&mut context) {
            batch.iter().for_each(|delivery| *n_bytes.entry(delivery.stream).or_default() += delivery.size_bytes);
        }
    }
    let mean = n_bytes.values().sum::<usize>() / streams.len();
    assert!(n_bytes.len() == 5 && n_bytes.values().all(|n| (mean / 2..mean * 2).contains(n)), "{n_bytes:?}");
}

#[test]
fn snapshots_come_as_a_slow_reader_takes_them_and_in_turn() {
    let hub = hub(HubConfig { lag_bytes: 100, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let streams: Vec<u32> = (0..5).map(|number| one.subscribe(&state(&format!("s{number}"))).unwrap()).collect();
    serve(&hub);
    drained(&one);
    let turn = |offset| publish(&hub, streams.iter().map(|stream| item(*stream, offset)).collect());
    (1..=8).for_each(turn);
    let mut context = Context::from_waker(Waker::noop());
    let mut taken = || match pin!(one.next_batch(20, |_| 10)).poll(&mut context) {
        Poll::Ready(Ok(batch)) => batch.iter().map(|delivery| (delivery.kind, delivery.stream)).collect(),
        _ => Vec::new(),
    };
    assert!(taken().is_empty());
    let mut seen = Vec::new();
    for (offset, n_expected) in [(9, 2), (10, 2), (11, 1), (12, 0)] {
        assert_eq!(serve(&hub), n_expected, "no more than are taken at once");
        seen.extend(taken().into_iter().filter(|(kind, _)| *kind == Snapshot).map(|(_, stream)| stream));
        turn(offset);
        while !taken().is_empty() {}
    }
    assert_eq!(seen, streams, "none waits for ever");
}

#[test]
fn an_item_larger_than_the_queue_is_still_delivered() {
    let hub = hub(HubConfig { queue_bytes: 5, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let (first, second) = (one.subscribe(&state("a")).unwrap(), one.subscribe(&state("b")).unwrap());
    serve(&hub);
    assert_eq!(drained(&one), [(Snapshot, first, 0)]);
    serve(&hub);
    assert_eq!(drained(&one), [(Snapshot, second, 0)]);
}

#[test]
fn resume_says_why_it_cannot() {
    let hub = hub(HubConfig { history_len: 2, ..HubConfig::default() });
    let keeper = hub.connect().unwrap();
    let stream = keeper.subscribe(&state("quote")).unwrap();
    (1..=5).for_each(|offset| publish(&hub, vec![item(stream, offset)]));
    let check = |epoch: &str, offset: u64, expected: Resume| {
        let one = hub.connect().unwrap();
        assert_eq!(one.resume(&state("quote"), epoch, offset), Ok(expected), "{epoch} {offset}");
    };
    let reset = |reason| Resume::Reset { stream, reason };
    check("epoch", 5, Resume::Resumed { stream, replayed: 0 });
    check("epoch", 3, Resume::Resumed { stream, replayed: 2 });
    check("epoch", 2, reset(ResetReason::HistoryExceeded));
    check("epoch", 6, reset(ResetReason::HistoryExceeded));
    check("another", 5, reset(ResetReason::EpochChanged));
    let slow = StreamSpec { lane: 2, ..state("quote") };
    let Ok(Resume::Reset { stream: other, .. }) = hub.connect().unwrap().resume(&slow, "epoch", 5) else {
        panic!("another lane is another stream");
    };
    assert_ne!(other, stream);
}

#[test]
fn another_lane_takes_the_place_of_the_first() {
    let hub = hub(HubConfig { max_topics: 1, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let slow = one.subscribe(&StreamSpec { lane: 2, ..state("quote") }).unwrap();
    let fast = one.subscribe(&state("quote")).unwrap();
    assert_ne!(fast, slow);
    assert_eq!(one.topics(), [(Arc::from("quote"), fast)]);
    serve(&hub);
    publish(&hub, vec![item(fast, 1)]);
    assert_eq!(hub.publish(vec![item(slow, 1)]).n_refused, 0, "kept for a while, for those who return");
    assert_eq!(drained(&one), [(Snapshot, fast, 0), (Delta, fast, 1)]);
    assert_eq!(hub.take_demand("feed", 2, NOW).active.len(), 1);
    assert_eq!(hub.take_demand("feed", 2, NOW + HubConfig::default().retain_idle).active.len(), 0);
}

#[test]
fn a_stream_without_subscribers_outlives_a_reconnect_and_no_more() {
    let hub = hub(HubConfig { retain_idle: Duration::from_secs(60), ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&state("quote")).unwrap();
    assert!(hub.take_demand("feed", 0, NOW).active[0].is_new);
    serve(&hub);
    hub.publish(vec![item(stream, 1)]);
    drop(one);
    let active = hub.take_demand("feed", 0, Duration::from_secs(100)).active;
    assert_eq!((active.len(), active[0].is_new), (1, false), "idle since now");
    hub.publish(vec![item(stream, 2)]);
    let again = hub.connect().unwrap();
    assert_eq!(again.resume(&state("quote"), "epoch", 1), Ok(Resume::Resumed { stream, replayed: 1 }));
    hub.take_demand("feed", 0, Duration::from_secs(150));
    drop(again);
    hub.take_demand("feed", 0, Duration::from_secs(155));
    assert_eq!(hub.take_demand("feed", 0, Duration::from_secs(214)).stopped, []);
    let demand = hub.take_demand("feed", 0, Duration::from_secs(215));
    assert_eq!((demand.active.len(), demand.stopped), (0, vec![Arc::from("quote")]));
    assert_eq!(hub.stats().history_bytes, 0);
    assert_eq!(hub.publish(vec![item(stream, 3)]).n_refused, 1);
    let late = hub.connect().unwrap();
    let Ok(Resume::Reset { stream: again, reason: ResetReason::HistoryExceeded }) =
        late.resume(&state("quote"), "epoch", 2)
    else {
        panic!("the history is gone");
    };
    assert_ne!(again, stream, "a number is never used again");
    let offset = hub.take_demand("feed", 0, Duration::from_secs(216)).active[0].offset;
    assert!(offset > 2, "offset {offset}: an old position must not pass for one of the new stream");
}

#[test]
fn retiring_an_owner_ends_all_positions() {
    let hub = hub(HubConfig::default());
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&state("quote")).unwrap();
    let abandoned = one.subscribe(&state("book")).unwrap();
    one.unsubscribe("book");
    serve(&hub);
    hub.publish(vec![item(stream, 1)]);
    drained(&one);
    hub.retire("feed", "an earlier one");
    assert_eq!(hub.take_demand("feed", 0, NOW).active[0].offset, 1, "who ends late does not end the next run");
    hub.retire("feed", "epoch");
    assert_eq!(hub.publish(vec![item(abandoned, 1)]).n_refused, 1);
    let back = hub.connect().unwrap();
    let reset = Resume::Reset { stream, reason: ResetReason::EpochChanged };
    assert_eq!(back.resume(&state("quote"), "epoch", 1), Ok(reset));
    hub.begin("feed", "next");
    let active = hub.take_demand("feed", 0, NOW).active;
    assert_eq!((active.len(), active[0].offset, active[0].is_new, active[0].is_waiting), (1, 3, true, true));
    assert_eq!(serve(&hub), 1);
    assert_eq!(drained(&one), [(Snapshot, stream, 3)]);
    assert_eq!(drained(&back), [(Snapshot, stream, 3)]);
    hub.retire("feed", "next");
    drop((one, back));
    assert_eq!(hub.stats().n_streams, 0, "nobody will ask for the demand of a retired owner");
}

#[test]
fn an_epoch_is_its_owners_alone() {
    let hub = hub(HubConfig::default());
    hub.begin("server", "run");
    let status = StreamSpec { owner: "server".into(), ..state("status") };
    let one = hub.connect().unwrap();
    let (quote, own) = (one.subscribe(&state("quote")).unwrap(), one.subscribe(&status).unwrap());
    publish(&hub, vec![item(quote, 1), item(own, 1)]);
    hub.begin("feed", "next");
    let back = hub.connect().unwrap();
    assert_eq!(back.resume(&status, "run", 0), Ok(Resume::Resumed { stream: own, replayed: 1 }));
    let reset = Resume::Reset { stream: quote, reason: ResetReason::EpochChanged };
    assert_eq!(back.resume(&state("quote"), "epoch", 1), Ok(reset));
    let other = hub.connect().unwrap();
    let reset = Resume::Reset { stream: own, reason: ResetReason::EpochChanged };
    assert_eq!(other.resume(&status, "next", 1), Ok(reset), "another owner's epoch");
}

#[test]
fn a_fresh_snapshot_can_be_asked_for() {
    let hub = hub(HubConfig::default());
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&event("tape")).unwrap();
    serve(&hub);
    drained(&one);
    assert!(one.request_snapshot("tape"));
    assert!(!one.request_snapshot("quote"));
    hub.publish(vec![item(stream, 1)]);
    assert_eq!(serve(&hub), 1);
    hub.publish(vec![item(stream, 2)]);
    assert_eq!(drained(&one), [(Delta, stream, 1), (Snapshot, stream, 1), (Delta, stream, 2)], "nothing is skipped");
}

#[test]
fn unsubscribing_forgets_what_is_queued() {
    let hub = hub(HubConfig::default());
    let one = hub.connect().unwrap();
    let (quote, book) = (one.subscribe(&state("quote")).unwrap(), one.subscribe(&state("book")).unwrap());
    serve(&hub);
    assert_eq!(one.unsubscribe("quote"), Some(quote));
    assert_eq!(one.unsubscribe("quote"), None);
    hub.publish(vec![item(quote, 1), item(book, 1)]);
    assert_eq!(drained(&one), [(Snapshot, book, 0), (Delta, book, 1)]);
    assert_eq!(one.subscribe(&state("quote")), Ok(quote));
    serve(&hub);
    assert_eq!(drained(&one), [(Snapshot, quote, 1)]);
    assert_eq!(one.topics(), [("book".into(), book), ("quote".into(), quote)]);
}

#[test]
fn everything_has_a_bound() {
    let config = HubConfig { max_streams: 3, max_topics: 2, max_subscribers: 2, ..HubConfig::default() };
    let hub = hub(config);
    let (one, two) = (hub.connect().unwrap(), hub.connect().unwrap());
    assert_eq!(hub.connect().unwrap_err(), HubError::TooManySubscribers { limit: 2 });
    one.subscribe(&state("a")).unwrap();
    one.subscribe(&state("b")).unwrap();
    assert_eq!(one.subscribe(&state("c")), Err(HubError::TooManyTopics { limit: 2 }));
    one.subscribe(&state("b")).unwrap();
    two.subscribe(&state("c")).unwrap();
    assert_eq!(two.subscribe(&state("d")), Err(HubError::TooManyStreams { limit: 3 }));
    two.subscribe(&state("a")).unwrap();
    drop(two);
    hub.connect().unwrap();
}

#[test]
fn histories_share_a_bound() {
    let hub = hub(HubConfig { total_history_bytes: 45, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let (quote, book) = (one.subscribe(&state("quote")).unwrap(), one.subscribe(&state("book")).unwrap());
    (1..=3).for_each(|offset| publish(&hub, vec![item(quote, offset), item(book, offset)]));
    assert_eq!(hub.stats().history_bytes, 40);
    let back = hub.connect().unwrap();
    assert_eq!(back.resume(&state("quote"), "epoch", 1), Ok(Resume::Resumed { stream: quote, replayed: 2 }));
    let reset = Resume::Reset { stream: book, reason: ResetReason::HistoryExceeded };
    assert_eq!(back.resume(&state("book"), "epoch", 0), Ok(reset), "nothing is promised that is not kept");
}

#[test]
fn closing_tells_every_subscriber() {
    let hub = hub(HubConfig::default());
    let one = hub.connect().unwrap();
    hub.close();
    assert_eq!(one.take_batch(), Err(Closed::Shutdown));
    assert_eq!(hub.connect().unwrap_err(), HubError::Closed(Closed::Shutdown));
}

#[test]
fn waiting_is_cancel_safe_and_wakes_once_a_turn() {
    let hub = hub(HubConfig::default());
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&state("quote")).unwrap();
    serve(&hub);
    drained(&one);
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut waiting = pin!(one.next_batch(usize::MAX, |_| 1));
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        hub.publish(vec![item(stream, 1), item(stream, 2)]);
        // Woken, and dropped before it could take anything.
    }
    let Poll::Ready(Ok(batch)) = pin!(one.next_batch(usize::MAX, |_| 1)).poll(&mut context) else {
        panic!("still queued")
    };
    assert_eq!(batch.len(), 2, "the whole turn at once");
    assert!(pin!(one.next_batch(usize::MAX, |_| 1)).poll(&mut context).is_pending(), "no empty batches");
    hub.close();
    assert_eq!(pin!(one.next_batch(usize::MAX, |_| 1)).poll(&mut context), Poll::Ready(Err(Closed::Shutdown)));
}

#[test]
fn unsubscribing_hands_the_turn_on() {
    let hub = hub(HubConfig::default());
    let one = hub.connect().unwrap();
    let (quote, book) = (one.subscribe(&state("quote")).unwrap(), one.subscribe(&state("book")).unwrap());
    serve(&hub);
    drained(&one);
    (1..=5).for_each(|offset| publish(&hub, vec![item(quote, offset), item(book, offset)]));
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = pin!(one.next_batch(10, |_| 10));
    assert!(waiting.as_mut().poll(&mut context).is_pending(), "both wait for a snapshot, and the quote's is requested");
    one.unsubscribe("quote");
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    serve(&hub);
    let Poll::Ready(Ok(batch)) = waiting.poll(&mut context) else { panic!("the book's was requested") };
    assert_eq!((batch[0].kind, batch[0].stream), (Snapshot, book));
}

#[test]
fn a_slow_reader_takes_little_at_a_time_and_the_rest_is_conflated() {
    let hub = hub(HubConfig { queue_bytes: 50, ..HubConfig::default() });
    let one = hub.connect().unwrap();
    let stream = one.subscribe(&state("quote")).unwrap();
    assert!(hub.snapshot(Published { size_bytes: 1_000, ..item(stream, 0) }));
    let mut context = Context::from_waker(Waker::noop());
    let mut taken = |max_bytes| match pin!(one.next_batch(max_bytes, |_| 10)).poll(&mut context) {
        Poll::Ready(Ok(batch)) => batch.iter().map(|delivery| (delivery.kind, delivery.offset)).collect(),
        _ => Vec::new(),
    };
    assert_eq!(taken(1), [(Snapshot, 0)], "one item, whatever its size");
    publish(&hub, (1..=5).map(|offset| item(stream, offset)).collect());
    assert_eq!(taken(25), [(Delta, 1), (Delta, 2)]);
    publish(&hub, vec![item(stream, 6), item(stream, 7)]);
    assert_eq!(taken(10), [(Delta, 3)], "what was taken has made room");
    publish(&hub, vec![item(stream, 8), item(stream, 9)]);
    assert!(taken(10).is_empty(), "full: what waits is dropped for a snapshot");
    assert_eq!(serve(&hub), 1);
    assert_eq!(taken(10), [(Snapshot, 9)]);
}

/// Readers on their own threads beside a publisher: no delta is missed or duplicated, and none waits forever.
#[test]
fn threads_see_contiguous_offsets() {
    const N_TURNS: u64 = 3_000;
    const N_STREAMS: usize = 4;
    /// Counts a reader as gone however its thread ends.
    struct Gone<'a>(&'a AtomicUsize);
    impl Drop for Gone<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let hub = hub(HubConfig { queue_bytes: 400, ..HubConfig::default() });
    let readers: Vec<_> = (0..3).map(|_| hub.connect().unwrap()).collect();
    let n_gone = AtomicUsize::new(0);
    for reader in &readers {
        (0..N_STREAMS).for_each(|number| assert!(reader.subscribe(&state(&format!("s{number}"))).is_ok()));
    }
    std::thread::scope(|scope| {
        for reader in &readers {
            let n_gone = &n_gone;
            scope.spawn(move || {
                let _gone = Gone(n_gone);
                let mut seen = BTreeMap::new();
                while seen.len() < N_STREAMS || seen.values().any(|offset| *offset < N_TURNS) {
                    for delivery in reader.take_batch().unwrap() {
                        let before = seen.insert(delivery.stream, delivery.offset);
                        if delivery.kind == Delta {
                            assert_eq!(before, Some(delivery.offset - 1));
                        }
                        assert_eq!(*delivery.payload, *format!("{} at {}", delivery.stream, delivery.offset));
                    }
                    std::thread::yield_now();
                }
            });
        }
        for turn in 1..=N_TURNS {
            let active = hub.take_demand("feed", 0, NOW).active;
            publish(&hub, active.iter().map(|active| item(active.stream, turn)).collect());
            serve(&hub);
        }
        while n_gone.load(Ordering::Relaxed) < readers.len() {
            serve(&hub);
            std::thread::yield_now();
        }
    });
}

#[test]
fn new_limits_hold_from_the_next_use() {
    let hub = hub(HubConfig { max_topics: 1, ..HubConfig::default() });
    let reader = hub.connect().unwrap();
    reader.subscribe(&state("a")).unwrap();
    assert!(matches!(reader.subscribe(&state("b")), Err(HubError::TooManyTopics { limit: 1 })));
    hub.set_config(HubConfig { max_topics: 2, ..HubConfig::default() });
    reader.subscribe(&state("b")).unwrap();
    assert!(matches!(reader.subscribe(&state("c")), Err(HubError::TooManyTopics { limit: 2 })));
}
