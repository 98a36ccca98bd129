//! A process that dies between trigger and delivery, or between the answer and its line in the store.
//!
//! The runtime is thrown away in the middle, as a kill does with a process: no task ends in order, nothing is closed. Each
//! run dies before anything was sent; then every third once the other server has the message, and every third at some
//! moment between.

use std::{collections::BTreeMap, time::Duration};

use model::alert::delivery::DeliveryState;
use store::alerts::AlertCommit;

use crate::{
    http_sink::{HttpSink, Planned},
    rig::{Rig, fired, open, webhook},
};

#[test]
fn no_alert_is_lost_and_doubles_can_be_told() {
    let n_runs: u64 = std::env::var("ALERT_CRASHES").map_or(10, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sinks = runtime();
    let sink = sinks.block_on(HttpSink::start());
    let channel = webhook(&sink.url);
    let mut n_deaths = n_runs;
    for run in 1..=n_runs {
        let first = runtime();
        first.block_on(async {
            let alerts = open(path).await;
            let now = server::clock::Clock::start().now().wall;
            let commit = fired([run], "level", &channel.channel_id, now);
            alerts.commit(&AlertCommit { channels: vec![channel.clone()], ..commit }).await.unwrap();
        });
        // Dead between trigger and delivery.
        first.shutdown_timeout(Duration::from_secs(10));
        if !run.is_multiple_of(3) {
            let (n_before, is_late) = (sink.received().len(), run % 3 == 1);
            if is_late {
                // Dead after the delivery, before anybody knows.
                sink.plan([Planned { silence: Duration::from_millis(50), ..Planned::status(200) }]);
            }
            let second = runtime();
            let rig = second.block_on(Rig::start(path));
            if is_late {
                second.block_on(sink.wait_for(n_before + 1));
            } else {
                std::thread::sleep(Duration::from_micros(run * 397 % 12_000));
            }
            drop(rig);
            second.shutdown_timeout(Duration::from_secs(10));
            n_deaths += 1;
        }
        let third = runtime();
        third.block_on(async {
            let rig = Rig::start(path).await;
            rig.wait_until(run, DeliveryState::Sent).await;
            rig.stop().await;
        });
    }
    let mut bodies: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for one in sink.received() {
        bodies.entry(one.header("webhook-id").to_owned()).or_default().push(one.body.to_vec());
    }
    let numbers = bodies.keys().map(|id| id.split('-').next().unwrap().parse::<u64>().unwrap());
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    let n_lost = n_runs - numbers.len() as u64;
    let n_doubled = bodies.values().filter(|copies| copies.len() > 1).count();
    println!("{n_runs} alerts, {n_deaths} deaths: {n_lost} lost, {n_doubled} doubled with the same identity and body");
    assert_eq!(numbers, (1..=n_runs).collect::<Vec<_>>());
    assert!(bodies.values().flatten().count() as u64 <= n_deaths);
    assert!(bodies.values().all(|copies| copies.iter().all(|body| *body == copies[0])), "a double is the same message");
}
