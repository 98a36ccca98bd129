//! The outbox with real channels: attempts, dead letters, storms, tests, and a stop in the middle.

use std::time::Duration;

use model::alert::{channel::ChannelState, delivery::DeliveryState};
use server::alerts::outbox::TestError;

use crate::{
    http_sink::{HttpSink, Planned},
    rig::{Rig, webhook},
    webhook::assert_signed,
};

#[tokio::test]
async fn a_retry_is_the_same_message() {
    let sink = HttpSink::start().await;
    sink.plan([Planned::wait(503, 1), Planned::wait(500, 1)]);
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let channel = webhook(&sink.url);
    rig.put(&channel).await;
    rig.fire([1], "level", &channel.channel_id).await;
    let sent = rig.wait_until(1, DeliveryState::Sent).await;
    assert_eq!((sent.n_attempts, sent.last_status, sent.last_error), (3, Some(200), None));
    let received = sink.received();
    assert_eq!(received.len(), 3);
    for one in &received {
        assert_signed(one);
        assert_eq!((one.header("webhook-id"), &one.body), (received[0].header("webhook-id"), &received[0].body));
    }
    rig.stop().await;
}

#[tokio::test]
async fn alerts_of_a_channel_come_in_their_order() {
    let sink = HttpSink::start().await;
    sink.plan([Planned::wait(503, 1)]);
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let channel = webhook(&sink.url);
    rig.put(&channel).await;
    rig.fire(1..=10, "level", &channel.channel_id).await;
    rig.wait_until(10, DeliveryState::Sent).await;
    let number = |id: &str| id.split('-').next().unwrap().parse::<u64>().unwrap();
    let numbers: Vec<u64> = sink.received().iter().map(|one| number(one.header("webhook-id"))).collect();
    assert_eq!(numbers, [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    rig.stop().await;
}

#[tokio::test]
async fn a_storm_becomes_counts_and_nothing_is_dropped() {
    let sink = HttpSink::start().await;
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let channel = webhook(&sink.url);
    rig.put(&channel).await;
    rig.fire(1..=300, "storm", &channel.channel_id).await;
    rig.fire(301..=302, "other", &channel.channel_id).await;
    rig.wait_until(302, DeliveryState::Sent).await;
    let bodies: Vec<serde_json::Value> =
        sink.received().iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect();
    let n_said = |rule: &str| -> u64 {
        let of_rule = bodies.iter().filter(|body| body["data"]["rule_id"] == rule);
        of_rule.map(|body| 1 + body["data"]["n_folded"].as_u64().unwrap()).sum()
    };
    assert_eq!((n_said("storm"), n_said("other")), (300, 2));
    assert!(bodies.len() <= 4, "{} messages", bodies.len());
    rig.stop().await;
}

#[tokio::test]
async fn a_dead_letter_is_sent_again_by_a_person() {
    let sink = HttpSink::start().await;
    sink.plan([Planned::json(422, "what is this?")]);
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let channel = webhook(&sink.url);
    rig.put(&channel).await;
    rig.fire([1, 2], "level", &channel.channel_id).await;
    let dead = rig.wait_until(1, DeliveryState::Dead).await;
    assert_eq!((dead.last_status, dead.last_error.as_deref()), (Some(422), Some("HTTP 422 what is this?")));
    rig.wait_until(2, DeliveryState::Sent).await;
    assert!(!rig.outbox.resend(2, &channel.channel_id).await.unwrap());
    assert!(rig.outbox.resend(1, &channel.channel_id).await.unwrap());
    rig.wait_until(1, DeliveryState::Sent).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_test_tells_what_the_server_said_and_brings_a_channel_back() {
    let sink = HttpSink::start().await;
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let channel = webhook(&sink.url);
    let unknown = rig.outbox.test(&channel.channel_id).await.unwrap_err();
    assert!(matches!(unknown, TestError::UnknownChannel { .. }), "{unknown}");
    rig.put(&channel).await;
    let state = async || rig.alerts.channel(&channel.channel_id).await.unwrap().unwrap().state;
    sink.plan([Planned::status(410)]);
    rig.fire([1, 2], "level", &channel.channel_id).await;
    rig.wait_until(2, DeliveryState::Dead).await;
    rig.fire([3], "level", &channel.channel_id).await;
    let dead = rig.wait_until(3, DeliveryState::Dead).await;
    assert_eq!(
        (sink.received().len(), dead.last_error.as_deref()),
        (1, Some("HTTP 410")),
        "nothing goes to it any more"
    );
    assert_eq!(state().await, ChannelState { verified_time: None, disabled: Some("HTTP 410".to_owned()) });
    sink.plan([Planned::json(500, "not yet")]);
    let failed = rig.outbox.test(&channel.channel_id).await.unwrap();
    assert_eq!((failed.is_delivered, failed.status, failed.text.as_str()), (false, Some(500), "HTTP 500 not yet"));
    assert!(state().await.disabled.is_some());
    let changes = rig.outbox.changes();
    let n_before = *changes.borrow();
    sink.plan([Planned::json(200, "hello")]);
    let passed = rig.outbox.test(&channel.channel_id).await.unwrap();
    assert_eq!((passed.is_delivered, passed.status, passed.text.as_str()), (true, Some(200), "HTTP 200 hello"));
    let works = state().await;
    assert!(works.verified_time.is_some() && works.disabled.is_none(), "{works:?}");
    rig.fire([4], "level", &channel.channel_id).await;
    rig.wait_until(4, DeliveryState::Sent).await;
    assert!(*changes.borrow() > n_before, "whoever shows it is told");
    rig.stop().await;
}

#[tokio::test]
async fn a_paused_channel_keeps_what_waits() {
    let sink = HttpSink::start().await;
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let mut channel = webhook(&sink.url);
    channel.is_paused = true;
    rig.put(&channel).await;
    rig.fire(1..=50, "level", &channel.channel_id).await;
    rig.wait_until(1, DeliveryState::Folded).await;
    assert!(sink.received().is_empty());
    channel.is_paused = false;
    rig.put(&channel).await;
    rig.wait_until(50, DeliveryState::Sent).await;
    assert_eq!(sink.received().len(), 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_what_is_on_its_way_but_not_for_long() {
    let sink = HttpSink::start().await;
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let channel = webhook(&sink.url);
    rig.put(&channel).await;
    sink.plan([Planned { silence: Duration::from_millis(300), ..Planned::status(200) }]);
    rig.fire([1], "level", &channel.channel_id).await;
    sink.wait_for(1).await;
    rig.stop().await;
    let rig = Rig::start(folder.path()).await;
    rig.wait_until(1, DeliveryState::Sent).await;
    sink.plan([Planned { silence: Duration::from_secs(3_600), ..Planned::status(200) }]);
    rig.fire([2], "level", &channel.channel_id).await;
    sink.wait_for(2).await;
    rig.stop().await;
    let rig = Rig::start(folder.path()).await;
    rig.wait_until(2, DeliveryState::Sent).await;
    assert_eq!(sink.received().len(), 3, "the first once, the second again");
    rig.stop().await;
}
