//! Webhooks, signed as Standard Webhooks says, so that a receiver can use any library of it.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::{Engine, engine::general_purpose::STANDARD};
use model::{
    alert::{channel::Webhook, secret::Secret},
    time::Timestamp,
};
use reqwest::{
    Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use ring::hmac;

use super::{Report, Verdict};
use crate::alerts::{
    caller::{Call, Caller, Reply},
    message::Message,
    reach::Reach,
};

/// Makes one attempt.
pub async fn send(caller: &Caller, webhook: &Webhook, reach: Reach, message: &Message, now: Timestamp) -> Report {
    let Ok(url) = Url::parse(webhook.url.as_str()) else {
        return Report::new(Verdict::Gone, None, "the address is not valid; write it again");
    };
    let (id, body) = (message.id(), message.json());
    let seconds = now.as_millis().div_euclid(1_000);
    let Some(signature) = signatures(webhook, &format!("{id}.{seconds}.{body}")) else {
        return Report::new(Verdict::Gone, None, "the signing key is not base64; write whsec_ and the key in base64");
    };
    let text = |text: &str| HeaderValue::from_str(text).expect("invariant: numbers, identities and base64 are ASCII");
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), text(&id)),
        (HeaderName::from_static("webhook-timestamp"), text(&seconds.to_string())),
        (HeaderName::from_static("webhook-signature"), text(&signature)),
    ]);
    match caller.post(Call { url, reach, headers, body: body.into_bytes(), now }).await {
        Ok(reply) => Report::new(verdict(&reply), Some(reply.status), reply.line()),
        Err(error) => Report::unanswered(error),
    }
}

/// Returns a signature for each key: the receiver may know the one or the other.
fn signatures(webhook: &Webhook, signed: &str) -> Option<String> {
    let sign = |secret: &Secret| {
        let key = STANDARD.decode(secret.reveal()?.strip_prefix("whsec_")?).ok()?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        Some(format!("v1,{}", STANDARD.encode(tag)))
    };
    let newest = sign(&webhook.secret)?;
    Some(match sign(&webhook.old_secret) {
        Some(old) => format!("{newest} {old}"),
        None => newest,
    })
}

fn verdict(reply: &Reply) -> Verdict {
    match reply.status {
        200..300 => Verdict::Delivered,
        410 => Verdict::Gone,
        // About this message: the next may be taken. All else may be a server that is being repaired.
        400 | 413 | 415 | 422 => Verdict::Rejected,
        _ => Verdict::Retry { after: reply.retry_after },
    }
}

#[cfg(test)]
mod tests {
    use model::alert::channel::HttpUrl;

    use super::*;

    /// The example of the specification.
    #[test]
    fn it_signs_as_the_specification_does() {
        let webhook = Webhook {
            url: HttpUrl::parse("https://example.com").unwrap(),
            secret: Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            old_secret: Secret::Unset,
        };
        let signed = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures(&webhook, signed).as_deref(), Some(expected));
        let rotated = Webhook { secret: Secret::new("whsec_YQ=="), old_secret: webhook.secret, ..webhook };
        assert!(signatures(&rotated, signed).unwrap().ends_with(&format!(" {expected}")));
    }
}
