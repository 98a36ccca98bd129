//! The ways of delivery: one attempt to give a message to a channel, and what the other server said.
//!
//! Not here: when the next attempt is made ([`super::outbox`]).

use std::{sync::Arc, time::Duration};

use model::{
    alert::channel::{Channel, ChannelKind, SubscriptionId},
    time::Timestamp,
};
use rustls::ClientConfig;

use super::{
    caller::Caller,
    message::Message,
    reach::{Names, Reach},
};
use crate::metrics::counters::trading::DELIVERED;

pub mod email;
pub mod push;
pub mod telegram;
pub mod webhook;

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Meaning of the answer.
    pub verdict: Verdict,
    /// The other server's status or reply code.
    pub status: Option<u16>,
    /// Its words, shortened, or why there are none. Without secrets and addresses: everybody may read them.
    pub text: String,
    /// Advice for those who may change the channel, in place of the text: by a test.
    pub advice: Option<String>,
    /// Browsers that have the message now.
    pub reached: Vec<SubscriptionId>,
    /// Browsers that ended their subscription.
    pub ended: Vec<SubscriptionId>,
}

/// The meaning of an attempt's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The other server has the message.
    Delivered,
    /// The same may succeed later.
    Retry {
        /// The wait that the other server asks for.
        after: Option<Duration>,
    },
    /// This message never succeeds.
    Rejected,
    /// No message to this channel succeeds any more.
    Gone,
}

impl Verdict {
    /// Returns its word, as metrics have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delivered => DELIVERED,
            Self::Retry { .. } => "retry",
            Self::Rejected => "rejected",
            Self::Gone => "gone",
        }
    }
}

impl Report {
    /// Creates a report without anything about browsers.
    pub fn new(verdict: Verdict, status: Option<u16>, text: impl Into<String>) -> Self {
        Self { verdict, status, text: text.into(), advice: None, reached: Vec::new(), ended: Vec::new() }
    }

    /// Creates the report of an attempt without an answer.
    pub fn unanswered(text: impl Into<String>) -> Self {
        Self::new(Verdict::Retry { after: None }, None, text)
    }
}

/// Sends messages. Clones share connections and keys.
#[derive(Clone, Debug)]
pub struct Senders {
    caller: Caller,
    names: Names,
    push_key: Arc<push::vapid::VapidKey>,
}

impl Senders {
    /// Creates the senders, which look names up with `names`.
    ///
    /// # Errors
    /// The TLS configuration is not usable.
    pub fn new(tls: &Arc<ClientConfig>, push_key: push::vapid::VapidKey, names: Names) -> anyhow::Result<Self> {
        Ok(Self { caller: Caller::new(tls, &names)?, names, push_key: Arc::new(push_key) })
    }

    /// Returns the public key that browsers subscribe with.
    pub fn push_key(&self) -> &str {
        self.push_key.public_text()
    }

    /// Makes one attempt; `reached` are browsers that have the message already. Ends within half a minute.
    pub async fn send(
        &self,
        channel: &Channel,
        message: &Message,
        reached: &[SubscriptionId],
        now: Timestamp,
    ) -> Report {
        let reach = Reach::of(channel.allows_private);
        let report = match &channel.kind {
            ChannelKind::Webhook(settings) => webhook::send(&self.caller, settings, reach, message, now).await,
            ChannelKind::Telegram(settings) => telegram::send(&self.caller, settings, reach, message, now).await,
            ChannelKind::Email(settings) => email::send(&self.names, settings, reach, message).await,
            ChannelKind::Push(settings) => {
                let attempt = push::Attempt { settings, reach, message, reached, now };
                push::send(&self.caller, &self.push_key, &attempt).await
            }
        };
        Report { text: without_secrets(report.text, channel), ..report }
    }
}

/// Takes out what another server repeats of secrets and addresses.
fn without_secrets(text: String, channel: &Channel) -> String {
    let hidden = channel.secrets().into_values().chain(channel.hidden_parts());
    let hidden = hidden.filter(|hidden| hidden.len() >= SHORTEST_SECRET);
    hidden.fold(text, |text, hidden| without(&text, &hidden))
}

/// Takes out a text, and its beginning where [`super::message::shorten`] has cut off the rest of it.
fn without(text: &str, hidden: &str) -> String {
    let text = text.replace(hidden, HIDDEN);
    if !text.contains('…') {
        return text;
    }
    let ends = hidden.char_indices().map(|(end, _)| end).rev().take_while(|end| *end >= SHORTEST_SECRET);
    ends.fold(text, |text, end| text.replace(&format!("{}…", &hidden[..end]), &format!("{HIDDEN}…")))
}

const HIDDEN: &str = "(hidden)";

/// Shorter ones would take single letters out of any sentence.
const SHORTEST_SECRET: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::message::shorten;

    #[test]
    fn nothing_of_an_address_is_repeated_not_even_its_beginning() {
        let url = "https://hooks.example/services/T0PSECRET/K3YSECRET?token=T0KEN-SECRET";
        let json = format!(
            r#"{{"channel_id":"ops","name":"Ops","kind":{{"webhook":{{"url":"{url}","secret":"whsec_c2VjcmV0LWtleQ=="}}}}}}"#
        );
        let channel = serde_json::from_str::<Channel>(&json).unwrap().complete(None).unwrap();
        for said in [
            format!("HTTP 404 cannot POST {url}"),
            "HTTP 404 cannot POST /services/T0PSECRET/K3YSECRET?token=T0KEN-SECRET HTTP/1.1".to_owned(),
            "HTTP 404 no route /services/T0PSECRET/K3YSECRET".to_owned(),
            r#"HTTP 403 {"error":"no token T0KEN-SECRET for \/T0PSECRET"}"#.to_owned(),
            "HTTP 400 wrong key whsec_c2VjcmV0LWtleQ==".to_owned(),
        ] {
            for n_units in 10..=said.len() {
                let shown = without_secrets(shorten(&said, n_units), &channel);
                // Four letters and more of each secret, from its beginning.
                for part in ["T0PS", "K3YS", "T0KE", "c2Vj"] {
                    assert!(!shown.contains(part), "{n_units} of {said}: {shown}");
                }
            }
        }
        let plain = "HTTP 500 internal error…";
        assert_eq!(without_secrets(plain.to_owned(), &channel), plain);
    }
}
