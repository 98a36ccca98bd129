//! The ways of delivery: one attempt to give a message to a channel, and what the other server said.
//!
//! Not here: when the next attempt is made ([`super::outbox`]).

use std::{sync::Arc, time::Duration};

use model::{
    alert::channel::{Channel, ChannelKind, SubscriptionId},
    time::Timestamp,
};
use rustls::ClientConfig;

use super::{caller::Caller, message::Message, reach::Reach};

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
    /// Its words, shortened, or why there are none. Without secrets.
    pub text: String,
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

impl Report {
    /// Creates a report without anything about browsers.
    pub fn new(verdict: Verdict, status: Option<u16>, text: impl Into<String>) -> Self {
        Self { verdict, status, text: text.into(), reached: Vec::new(), ended: Vec::new() }
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
    push_key: Arc<push::vapid::VapidKey>,
}

impl Senders {
    /// Creates the senders.
    ///
    /// # Errors
    /// The TLS configuration is not usable.
    pub fn new(tls: &Arc<ClientConfig>, push_key: push::vapid::VapidKey) -> anyhow::Result<Self> {
        Ok(Self { caller: Caller::new(tls)?, push_key: Arc::new(push_key) })
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
            ChannelKind::Email(settings) => email::send(settings, reach, message).await,
            ChannelKind::Push(settings) => {
                let attempt = push::Attempt { settings, reach, message, reached, now };
                push::send(&self.caller, &self.push_key, &attempt).await
            }
        };
        Report { text: without_secrets(report.text, channel), ..report }
    }
}

/// Takes out secrets that another server repeats.
fn without_secrets(text: String, channel: &Channel) -> String {
    let secrets = channel.secrets();
    let secrets = secrets.values().filter(|secret| secret.len() >= SHORTEST_SECRET);
    secrets.fold(text, |text, secret| text.replace(secret, "(hidden)"))
}

/// Shorter ones would take single letters out of any sentence.
const SHORTEST_SECRET: usize = 4;
