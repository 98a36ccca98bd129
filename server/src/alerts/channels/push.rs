//! Web Push: one encrypted message to each browser of the channel.
//!
//! Sources: RFC 8030 (requests and answers), RFC 8291 ([`encryption`]), RFC 8292 ([`vapid`]). A message waits at the push
//! service while the browser is off; a newer one of the same rule takes its place there.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;
use model::{
    alert::{
        channel::{Push, Subscription, SubscriptionId},
        notice::Severity,
    },
    time::Timestamp,
};
use reqwest::{
    Url,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use ring::digest;
use serde_json::json;

use self::vapid::VapidKey;
use super::{Report, Verdict};
use crate::alerts::{
    caller::{Call, Caller, Reply},
    message::{Message, shorten},
    reach::Reach,
};

pub mod encryption;
pub mod vapid;

/// Input of one attempt.
pub struct Attempt<'a> {
    /// The channel's settings.
    pub settings: &'a Push,
    /// Networks that it may reach.
    pub reach: Reach,
    /// The message.
    pub message: &'a Message,
    /// Browsers that have it already.
    pub reached: &'a [SubscriptionId],
    /// The moment.
    pub now: Timestamp,
}

/// Sends the message to every browser that does not have it yet.
pub async fn send(caller: &Caller, key: &VapidKey, attempt: &Attempt<'_>) -> Report {
    let missing = attempt.settings.subscriptions.iter();
    let missing = missing.filter(|one| !attempt.reached.contains(&one.subscription_id));
    let results = join_all(missing.map(async |one| (one, send_one(caller, key, attempt, one).await))).await;
    summary(attempt.reached, results)
}

/// Answer of one push service.
#[derive(Debug)]
enum Answer {
    Taken(u16),
    /// The subscription has ended.
    Ended,
    Retry(Option<Duration>, Option<u16>, String),
    Refused(Option<u16>, String),
}

fn summary(reached: &[SubscriptionId], results: Vec<(&Subscription, Answer)>) -> Report {
    let mut report = Report::new(Verdict::Rejected, None, "no browser is subscribed");
    report.reached = reached.to_vec();
    let (mut retry, mut failures) = (None, Vec::new());
    for (subscription, answer) in results {
        let (id, label) = (subscription.subscription_id.clone(), &subscription.label);
        match answer {
            Answer::Taken(status) => {
                report.status = Some(status);
                report.reached.push(id);
            }
            Answer::Ended => {
                failures.push(format!("{label} has ended its subscription"));
                report.ended.push(id);
            }
            Answer::Retry(after, status, text) => {
                retry = Some(retry.flatten().max(after));
                report.status = report.status.or(status);
                failures.push(format!("{label}: {text}"));
            }
            Answer::Refused(status, text) => {
                report.status = report.status.or(status);
                failures.push(format!("{label}: {text}"));
            }
        }
    }
    report.verdict = match retry {
        Some(after) => Verdict::Retry { after },
        None if !report.reached.is_empty() => Verdict::Delivered,
        None => Verdict::Rejected,
    };
    if !report.reached.is_empty() {
        failures.insert(0, format!("{} of the browsers have it", report.reached.len()));
    }
    if !failures.is_empty() {
        report.text = shorten(&failures.join("; "), MAX_LINE);
    }
    report
}

async fn send_one(caller: &Caller, key: &VapidKey, attempt: &Attempt<'_>, subscription: &Subscription) -> Answer {
    let long = post(caller, key, attempt, subscription, MAX_TEXT).await;
    match long {
        Ok(reply) if reply.status == 413 => {
            post(caller, key, attempt, subscription, 0).await.map_or_else(|own| own, answer)
        }
        Ok(reply) => answer(reply),
        Err(own) => own,
    }
}

fn answer(reply: Reply) -> Answer {
    match reply.status {
        200..300 => Answer::Taken(reply.status),
        404 | 410 => Answer::Ended,
        429 | 500..600 => Answer::Retry(reply.retry_after, Some(reply.status), reply.line()),
        status => Answer::Refused(Some(status), reply.line()),
    }
}

/// Encrypts and posts the message with at most `max_text` units of its text.
async fn post(
    caller: &Caller,
    key: &VapidKey,
    attempt: &Attempt<'_>,
    subscription: &Subscription,
    max_text: usize,
) -> Result<Reply, Answer> {
    let refused = |text: &str| Answer::Refused(None, text.to_owned());
    let url =
        endpoint(subscription, attempt.reach).ok_or_else(|| refused("the push service needs an https address"))?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    let auth = subscription.auth.reveal().and_then(bytes);
    let (Some(browser), Some(auth)) = (bytes(&subscription.p256dh), auth) else {
        return Err(refused("the browser's keys are not base64url; subscribe again"));
    };
    let plain = payload(attempt.message, max_text);
    let body = encryption::encrypt(&browser, &auth, &plain)
        .ok_or_else(|| refused("the browser's keys are not usable; subscribe again"))?;
    let token = key.authorization(&url.origin().ascii_serialization(), attempt.settings.contact.as_str(), attempt.now);
    let token = token.ok_or_else(|| refused("the message could not be signed"))?;
    let headers = headers(attempt.message, &token).ok_or_else(|| refused("the contact is not valid"))?;
    let call = Call { url, reach: attempt.reach, headers, body, now: attempt.now };
    caller.post(call).await.map_err(|error| Answer::Retry(None, None, error))
}

/// Returns the push service's address: https, or anything where private addresses are allowed.
fn endpoint(subscription: &Subscription, reach: Reach) -> Option<Url> {
    let url = Url::parse(subscription.endpoint.reveal()?).ok()?;
    let is_allowed = url.scheme() == "https" || (url.scheme() == "http" && reach == Reach::Private);
    is_allowed.then_some(url)
}

fn headers(message: &Message, token: &str) -> Option<HeaderMap> {
    let (ttl, urgency) = match message.notice.severity {
        Severity::Info => ("14400", "normal"),
        Severity::Warning => ("43200", "high"),
        Severity::Critical => ("86400", "high"),
    };
    let mut headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
        (HeaderName::from_static("ttl"), HeaderValue::from_static(ttl)),
        (HeaderName::from_static("urgency"), HeaderValue::from_static(urgency)),
        (AUTHORIZATION, HeaderValue::from_str(token).ok()?),
    ]);
    if !message.notice.rule_id.is_empty() {
        headers.insert(HeaderName::from_static("topic"), HeaderValue::from_str(&topic(&message.notice.rule_id)).ok()?);
    }
    Some(headers)
}

/// Returns the name under which a newer message of a rule replaces an older one: 32 characters of base64url.
fn topic(rule_id: &str) -> String {
    let hash = digest::digest(&digest::SHA256, rule_id.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..24])
}

/// Returns what the page's service worker gets.
fn payload(message: &Message, max_text: usize) -> Vec<u8> {
    let notice = &message.notice;
    let text = if max_text == 0 { String::new() } else { shorten(&message.text(), max_text) };
    let payload = json!({
        "id": message.id(),
        "instrument": notice.instrument,
        "notice_id": notice.notice_id,
        "rule_id": shorten(&notice.rule_id, MAX_TITLE),
        "severity": notice.severity,
        "text": text,
        "title": shorten(&message.subject(), MAX_TITLE),
    });
    payload.to_string().into_bytes()
}

/// Units of text and title. A service need not take more than 4,096 bytes; a unit can become six of JSON.
const MAX_TEXT: usize = 320;
const MAX_TITLE: usize = 120;
const MAX_LINE: usize = 300;

#[cfg(test)]
mod tests {
    use model::alert::channel::ChannelId;

    use super::*;

    #[test]
    fn the_longest_message_fits_a_record() {
        let mut message = Message::test(ChannelId::parse(&"p".repeat(32)).unwrap(), Timestamp::from_millis(1));
        message.notice.text = "\u{1}".repeat(5_000);
        message.notice.title = "\u{1f600}".repeat(500);
        message.notice.rule_id = "\u{1}".repeat(500);
        let n_bytes = payload(&message, MAX_TEXT).len();
        assert!(n_bytes <= encryption::MAX_PLAIN, "{n_bytes}");
        assert_eq!(topic("a").len(), 32);
    }
}
