//! Webhooks: the signature as a receiver checks it, answers, and addresses that are not reached.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, digest};
use server::alerts::channels::Verdict;

use crate::{
    http_sink::{HttpSink, Planned, Received},
    rig::{KEY, attempt, channel, webhook},
};

/// HMAC-SHA256 from its definition (RFC 2104), so that the sender's own is not asked about itself.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad).to_vec();
    let inner = digest(&SHA256, &[padded(0x36), text.to_vec()].concat());
    digest(&SHA256, &[padded(0x5c), inner.as_ref().to_vec()].concat()).as_ref().to_vec()
}

pub(crate) fn assert_signed(received: &Received) {
    let (id, time) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", received.body.as_ref()].concat();
    let key = STANDARD.decode(&KEY["whsec_".len()..]).unwrap();
    assert_eq!(received.header("webhook-signature"), format!("v1,{}", STANDARD.encode(hmac(&key, &signed))));
}

#[tokio::test]
async fn a_receiver_can_check_who_wrote() {
    let sink = HttpSink::start().await;
    let report = attempt(&webhook(&sink.url)).await;
    assert_eq!((report.verdict, report.status, report.text.as_str()), (Verdict::Delivered, Some(200), "HTTP 200"));
    let received = sink.received().remove(0);
    assert_eq!((received.path.as_str(), received.header("content-type")), ("/hook", "application/json"));
    assert_signed(&received);
    let body: serde_json::Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["notice_id"]), (&"alert.fired".into(), &7.into()));
    assert!(received.header("webhook-id").starts_with("7-"), "{received:?}");
}

#[tokio::test]
async fn answers_mean_what_the_specification_says() {
    let sink = HttpSink::start().await;
    let retry = Verdict::Retry { after: None };
    for (planned, verdict) in [
        (Planned::status(204), Verdict::Delivered),
        (Planned::status(410), Verdict::Gone),
        (Planned::status(400), Verdict::Rejected),
        (Planned::status(404), retry),
        (Planned::status(500), retry),
        (Planned::wait(429, 90), Verdict::Retry { after: Some(Duration::from_secs(90)) }),
    ] {
        sink.plan([planned.clone()]);
        let report = attempt(&webhook(&sink.url)).await;
        assert_eq!((report.verdict, report.status), (verdict, Some(planned.status)));
    }
    sink.plan([Planned::json(500, &format!("broken\r\n{}", "x".repeat(1 << 20)))]);
    let report = attempt(&webhook(&sink.url)).await;
    assert!(report.text.starts_with("HTTP 500 broken  xx") && report.text.chars().count() <= 300, "{}", report.text);
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (sink, other) = (HttpSink::start().await, HttpSink::start().await);
    sink.plan([Planned { headers: vec![("location", format!("{}/elsewhere", other.url))], ..Planned::status(307) }]);
    let report = attempt(&webhook(&sink.url)).await;
    assert_eq!((report.verdict, report.status), (Verdict::Retry { after: None }, Some(307)));
    assert!(other.received().is_empty());
}

#[tokio::test]
async fn a_private_address_is_reached_with_leave_alone() {
    let sink = HttpSink::start().await;
    let port = sink.url.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let mut channel = webhook(&format!("http://{host}:{port}"));
        channel.allows_private = false;
        let report = attempt(&channel).await;
        assert!(report.text.contains("private address"), "{host}: {}", report.text);
        assert_eq!(report.verdict, Verdict::Retry { after: None });
    }
    assert!(sink.received().is_empty());
    let metadata = attempt(&webhook("http://169.254.169.254")).await;
    assert!(metadata.text.contains("never contacted"), "{}", metadata.text);
}

#[tokio::test]
async fn nothing_of_the_address_is_in_an_error() {
    let sink = HttpSink::start().await;
    let url = format!("{}/T0PSECRET", sink.url);
    drop(sink);
    let report = attempt(&webhook(&url)).await;
    assert_eq!((report.verdict, report.text.as_str()), (Verdict::Retry { after: None }, "connection refused"));
}

#[tokio::test]
async fn a_silent_server_costs_ten_seconds() {
    let sink = HttpSink::start().await;
    sink.plan([Planned { silence: Duration::from_secs(3_600), ..Planned::status(200) }]);
    let report = attempt(&webhook(&sink.url)).await;
    assert_eq!(
        (report.verdict, report.text.as_str()),
        (Verdict::Retry { after: None }, "no answer within ten seconds")
    );
}

#[tokio::test]
async fn a_key_that_is_no_base64_is_said_before_anything_is_sent() {
    let sink = HttpSink::start().await;
    let kind = format!(r#"{{"webhook":{{"url":"{}","secret":"whsec_not base64"}}}}"#, sink.url);
    let report = attempt(&channel("hook", &kind)).await;
    assert!(report.verdict == Verdict::Gone && report.text.contains("base64"), "{}", report.text);
    assert!(sink.received().is_empty());
}
