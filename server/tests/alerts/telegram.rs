//! Telegram: a stand-in for its Bot API.

use std::time::Duration;

use model::alert::channel::Channel;
use server::{
    alerts::{channels::Verdict, message::Message},
    clock::Clock,
};

use crate::{
    http_sink::{HttpSink, Planned},
    rig::{attempt, channel, notice, open, senders},
};

const TOKEN: &str = "123456:never-to-be-seen-in-errors";

fn telegram(url: &str) -> Channel {
    channel("chat", &format!(r#"{{"telegram":{{"chat_id":"-100123","token":"{TOKEN}","api":"{url}"}}}}"#))
}

#[tokio::test]
async fn a_message_is_plain_text() {
    let sink = HttpSink::start().await;
    sink.plan([Planned::json(200, r#"{"ok":true,"result":{"message_id":1}}"#)]);
    assert_eq!(attempt(&telegram(&sink.url)).await.verdict, Verdict::Delivered);
    let received = sink.received().remove(0);
    assert_eq!(received.path, format!("/bot{TOKEN}/sendMessage"));
    let body: serde_json::Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!((&body["chat_id"], &body["parse_mode"]), (&"-100123".into(), &serde_json::Value::Null));
    assert!(body["text"].as_str().unwrap().starts_with("BTCUSDT rose to 7\nA longer text.\n"), "{body}");
}

#[tokio::test]
async fn answers_mean_what_telegram_says() {
    let sink = HttpSink::start().await;
    for (status, body, verdict, text) in [
        (
            429,
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}"#,
            Verdict::Retry { after: Some(Duration::from_secs(3)) },
            "Too Many Requests: retry after 3",
        ),
        (
            403,
            r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#,
            Verdict::Gone,
            "Forbidden: bot was blocked by the user",
        ),
        (401, r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#, Verdict::Gone, "Unauthorized"),
        (
            400,
            r#"{"ok":false,"description":"Bad Request: group chat was upgraded","parameters":{"migrate_to_chat_id":-1009}}"#,
            Verdict::Rejected,
            "the group has a new number: a test of the channel tells it",
        ),
        (502, "<html>Bad Gateway</html>", Verdict::Retry { after: None }, "HTTP 502 <html>Bad Gateway</html>"),
        (200, "not JSON", Verdict::Retry { after: None }, "HTTP 200 not JSON"),
    ] {
        sink.plan([Planned::json(status, body)]);
        let report = attempt(&telegram(&sink.url)).await;
        assert_eq!((report.verdict, report.status, report.text.as_str()), (verdict, Some(status), text));
        // The number is an address: only whoever tests the channel reads it.
        let advice = body.contains("-1009").then_some("the group has a new number: write -1009 as the chat");
        assert_eq!(report.advice.as_deref(), advice);
    }
}

#[tokio::test]
async fn the_token_is_in_no_error() {
    let sink = HttpSink::start().await;
    sink.plan([Planned::json(400, &format!(r#"{{"ok":false,"description":"wrong path /bot{TOKEN}/sendMessage"}}"#))]);
    let repeated = attempt(&telegram(&sink.url)).await;
    assert_eq!(repeated.text, "wrong path /bot(hidden)/sendMessage");
    let url = sink.url.clone();
    drop(sink);
    let refused = attempt(&telegram(&url)).await;
    assert_eq!(refused.text, "connection refused");
}

#[tokio::test]
async fn a_long_message_is_cut_to_what_telegram_takes() {
    let sink = HttpSink::start().await;
    sink.plan([Planned::json(200, r#"{"ok":true}"#)]);
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    let now = Clock::start().now().wall;
    let mut message = Message { notice: notice(7, "level", now), channel_id: telegram(&sink.url).channel_id };
    message.notice.text = "😀".repeat(4_000);
    senders(&alerts).await.send(&telegram(&sink.url), &message, &[], now).await;
    let body: serde_json::Value = serde_json::from_slice(&sink.received()[0].body).unwrap();
    let n_units = body["text"].as_str().unwrap().encode_utf16().count();
    assert!((4_094..=4_096).contains(&n_units), "{n_units}");
}
