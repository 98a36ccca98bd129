//! Measures delivery: publishing a turn of 20 streams to 100, 1,000 and 2,000 subscribers, and draining it.
//!
//! Criterion's throughput counts delivered items, so its inverse is nanoseconds per item. Readers do not wait in tasks
//! here: waking them is the runtime's cost.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hub::{
    config::HubConfig,
    hub::{Hub, Published, StreamKind, StreamSpec},
    subscriber::Subscriber,
};

const N_STREAMS: u64 = 20;
const ITEM_BYTES: usize = 260;

type Payload = Arc<[u8]>;

/// A hub whose subscribers follow all streams and have drained their snapshots.
fn crowd(n_subscribers: usize) -> (Hub<Payload>, Vec<Subscriber<Payload>>, Vec<u32>) {
    let hub = Hub::new(HubConfig::default());
    hub.begin("demo", "epoch");
    let subscribers: Vec<_> = (0..n_subscribers).map(|_| hub.connect().expect("room for all")).collect();
    let payload: Payload = vec![0; ITEM_BYTES].into();
    let streams = (0..N_STREAMS).map(|number| {
        let topic = format!("quote:demo:S{number}").into();
        let spec = StreamSpec { topic, owner: "demo".into(), lane: 0, kind: StreamKind::State };
        let subscribe = |_, subscriber: &Subscriber<Payload>| subscriber.subscribe(&spec).expect("room for all");
        let stream = subscribers.iter().fold(0, subscribe);
        hub.snapshot(Published { stream, offset: 0, payload: Arc::clone(&payload), size_bytes: ITEM_BYTES });
        stream
    });
    let streams = streams.collect();
    subscribers.iter().for_each(|subscriber| drop(subscriber.take_batch()));
    (hub, subscribers, streams)
}

fn turn(streams: &[u32], offset: u64) -> Vec<Published<Payload>> {
    let item = |stream: &u32| {
        let payload: Payload = vec![0; ITEM_BYTES].into();
        Published { stream: *stream, offset, payload, size_bytes: ITEM_BYTES }
    };
    streams.iter().map(item).collect()
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan_out");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3)).sample_size(20);
    for n_subscribers in [100, 1_000, 2_000] {
        group.throughput(Throughput::Elements(N_STREAMS * n_subscribers as u64));
        let (hub, subscribers, streams) = crowd(n_subscribers);
        let mut offset = 0;
        // One side is timed while the other runs untimed, so that queues neither fill up nor run empty.
        let mut run = |n_turns: u64| {
            let (mut publishing, mut draining) = (Duration::ZERO, Duration::ZERO);
            for _ in 0..n_turns {
                offset += 1;
                let turn = turn(&streams, offset);
                let start = Instant::now();
                black_box(hub.publish(turn));
                publishing += start.elapsed();
                let start = Instant::now();
                for subscriber in &subscribers {
                    black_box(subscriber.take_batch()).expect("open").into_iter().for_each(drop);
                }
                draining += start.elapsed();
            }
            (publishing, draining)
        };
        group.bench_function(BenchmarkId::new("publish", n_subscribers), |bencher| bencher.iter_custom(|n| run(n).0));
        group.bench_function(BenchmarkId::new("drain", n_subscribers), |bencher| bencher.iter_custom(|n| run(n).1));
        let stats = hub.stats();
        assert_eq!(stats.n_conflated, 0, "every item was delivered");
    }
    group.finish();
}

criterion_group!(benches, fan_out);
criterion_main!(benches);
