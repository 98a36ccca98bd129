//! Channels: where alerts are sent when no page is open.
//!
//! Not here: how they are sent (`server::alerts`). Secrets ([`super::secret`]) are written only: rows and replies say
//! whether one is set.

pub mod summary;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::secret::Secret;
use crate::{error::ModelError, time::Timestamp, trading::checked_text};

checked_text! {
    /// A channel's identity.
    ChannelId, |text| (1..=32).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')),
    "^[a-z0-9_-]{1,32}$",
    "1 to 32 of a to z, 0 to 9, - and _"
}

checked_text! {
    /// A name as people read it.
    ChannelName, |text| is_line(text, 64) && !text.trim().is_empty(),
    r"^.*\S.*$",
    "1 to 64 characters on one line"
}

checked_text! {
    /// The address of a server that is asked by HTTP.
    HttpUrl, |text| is_http(text),
    "^https?://",
    "an address that begins with https:// or http://, without a name or password in it"
}

checked_text! {
    /// The name or number of a mail server.
    HostName, |text| (1..=253).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte)),
    "^[A-Za-z0-9.:-]{1,253}$",
    "a host name or an IP address"
}

checked_text! {
    /// A mail address, with or without a name before it.
    MailAddress, |text| is_line(text, 254) && text.contains('@'),
    "@",
    "an e-mail address, as in desk@example.com or Desk <desk@example.com>"
}

checked_text! {
    /// A Telegram chat: its number, or the name of a channel.
    ChatId, |text| is_chat(text),
    "^(-?[0-9]+|@[A-Za-z0-9_]+)$",
    "a chat's number, as in -1001234567890, or the name of a channel, as in @alerts"
}

checked_text! {
    /// Contact of this server for push services.
    PushContact, |text| is_line(text, 254) && (text.starts_with("mailto:") && text.contains('@') || text.starts_with("https://")),
    "^(mailto:|https://)",
    "a real mailto: or https: address; push services refuse made-up ones"
}

checked_text! {
    /// A browser's identity within a push channel.
    SubscriptionId, |text| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
    "^[A-Za-z0-9_-]{1,64}$",
    "1 to 64 letters, digits, - and _"
}

/// A channel's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its identity.
    pub channel_id: ChannelId,
    /// Its name.
    pub name: ChannelName,
    /// True while its alerts wait.
    #[serde(default)]
    pub is_paused: bool,
    /// True where its server may be in a private network or on this machine.
    #[serde(default)]
    pub allows_private: bool,
    /// The way of delivery.
    pub kind: ChannelKind,
}

/// The ways of delivery.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A signed HTTP request.
    Webhook(Webhook),
    /// A message of a Telegram bot.
    Telegram(Telegram),
    /// An e-mail.
    Email(Email),
    /// Web Push to browsers.
    Push(Push),
}

/// A signed `POST` (Standard Webhooks).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The receiver.
    pub url: HttpUrl,
    /// The signing key: `whsec_` and base64.
    pub secret: Secret,
    /// The key before it, which signs too until the receiver knows the new one.
    #[serde(default)]
    pub old_secret: Secret,
}

/// A bot and a chat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// The chat that gets the messages.
    pub chat_id: ChatId,
    /// The bot's token.
    pub token: Secret,
    /// The server of the Bot API; absent: Telegram's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<HttpUrl>,
}

/// A mail server and addresses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The server.
    pub server: HostName,
    /// Its port: 465 for `required`, 587 for `starttls` as a rule.
    pub port: u16,
    /// Encryption of the connection.
    #[serde(default)]
    pub tls: MailTls,
    /// The account; absent: without a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The account's password.
    #[serde(default)]
    pub password: Secret,
    /// The sender.
    pub from: MailAddress,
    /// The receivers, at most [`MAX_RECEIVERS`].
    pub to: Vec<MailAddress>,
}

/// Encryption of the connection to a mail server. Nothing is sent before it is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// TLS from the first byte.
    #[default]
    Required,
    /// TLS after `STARTTLS`; a server without it is refused.
    Starttls,
    /// None: on this machine only.
    None,
}

/// Browsers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Contact for push services.
    pub contact: PushContact,
    /// The browsers, at most [`MAX_SUBSCRIPTIONS`].
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
}

/// One browser, as its `PushSubscription` describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Its identity, chosen by the browser.
    pub subscription_id: SubscriptionId,
    /// Name for people (`Firefox on the laptop`).
    pub label: ChannelName,
    /// The address at the push service; who knows it can send.
    pub endpoint: Secret,
    /// The browser's public key, base64url.
    pub p256dh: String,
    /// The browser's authentication secret, base64url.
    pub auth: Secret,
}

/// State of a channel, as the server knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelState {
    /// Time of the last message that got through; absent: the channel is not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_time: Option<Timestamp>,
    /// Why nothing is sent any more; a successful test ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<String>,
}

/// A channel as those who may change it see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelRow {
    /// The settings; secrets hidden.
    pub channel: Channel,
    /// Its state.
    pub state: ChannelState,
}

/// The result of a test: what the other server really said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelTest {
    /// True where it took the message.
    pub is_delivered: bool,
    /// Its status or reply code.
    pub status: Option<u16>,
    /// Its words, shortened, or why there are none.
    pub text: String,
}

impl Channel {
    /// Returns the channel with the secrets that a form left out, taken from the version before.
    ///
    /// # Errors
    /// A secret is missing or has not its form, a login would go to another server than before, or a list is too long.
    pub fn complete(mut self, before: Option<&Self>) -> Result<Self, ModelError> {
        let known = before.map(Self::secrets).unwrap_or_default();
        let is_same_target = before.is_some_and(|before| before.login_target() == self.login_target());
        let mut missing = None;
        self.each_secret(|name, secret| {
            if *secret == Secret::Kept {
                match known.get(&name).filter(|_| is_same_target) {
                    Some(text) => *secret = Secret::new(text),
                    None => missing = Some(name),
                }
            }
        });
        match missing {
            Some(name) => Err(ModelError::SecretNeeded { name }),
            None => self.check().map(|()| self),
        }
    }

    /// Returns the secrets by name, for the store alone.
    pub fn secrets(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        self.clone().each_secret(|name, secret| {
            found.extend(secret.reveal().map(|text| (name, text.to_owned())));
        });
        found
    }

    /// Returns the channel with its secrets, as the store reads it.
    #[must_use]
    pub fn with_secrets(mut self, secrets: &BTreeMap<String, String>) -> Self {
        self.each_secret(|name, secret| *secret = secrets.get(&name).map_or(Secret::Unset, |text| Secret::new(text)));
        self
    }

    /// Returns the target of a login or token. A signing key is never sent, so a webhook may move and keep it.
    fn login_target(&self) -> Option<String> {
        match &self.kind {
            ChannelKind::Telegram(telegram) => telegram.api.as_ref().map(ToString::to_string),
            ChannelKind::Email(email) => Some(format!("{} {} {:?}", email.server, email.port, email.tls)),
            ChannelKind::Webhook(_) | ChannelKind::Push(_) => None,
        }
    }

    fn each_secret(&mut self, mut visit: impl FnMut(String, &mut Secret)) {
        match &mut self.kind {
            ChannelKind::Webhook(webhook) => {
                visit("secret".to_owned(), &mut webhook.secret);
                visit("old_secret".to_owned(), &mut webhook.old_secret);
            }
            ChannelKind::Telegram(telegram) => visit("token".to_owned(), &mut telegram.token),
            ChannelKind::Email(email) => visit("password".to_owned(), &mut email.password),
            ChannelKind::Push(push) => {
                for subscription in &mut push.subscriptions {
                    let id = subscription.subscription_id.clone();
                    visit(format!("endpoint {id}"), &mut subscription.endpoint);
                    visit(format!("auth {id}"), &mut subscription.auth);
                }
            }
        }
    }

    fn check(&self) -> Result<(), ModelError> {
        let bad = |name: &'static str, remedy| Err(ModelError::BadSetting { name, remedy });
        match &self.kind {
            ChannelKind::Webhook(webhook) => {
                let is_key = |secret: &Secret| secret.reveal().is_some_and(|text| text.starts_with("whsec_"));
                if !is_key(&webhook.secret) || webhook.old_secret.is_set() && !is_key(&webhook.old_secret) {
                    return bad("secret", "write whsec_ and the key in base64");
                }
            }
            ChannelKind::Telegram(telegram) => {
                let is_token = |text: &str| {
                    text.split_once(':').is_some_and(|(bot, key)| {
                        bot.bytes().all(|byte| byte.is_ascii_digit())
                            && (20..=100).contains(&key.len())
                            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
                    })
                };
                if !telegram.token.reveal().is_some_and(is_token) {
                    return bad("token", "write the bot's token as BotFather gave it: digits, a colon and the key");
                }
            }
            ChannelKind::Email(email) => {
                if email.to.is_empty() || email.to.len() > MAX_RECEIVERS {
                    return bad("to", "write 1 to 10 addresses");
                }
                if email.user.is_some() != email.password.is_set() {
                    return bad("password", "write user and password, or neither");
                }
            }
            ChannelKind::Push(push) => {
                if push.subscriptions.len() > MAX_SUBSCRIPTIONS {
                    return bad("subscriptions", "remove a browser: there can be 32");
                }
            }
        }
        Ok(())
    }
}

impl ChannelKind {
    /// Returns its word, as in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Telegram(_) => "telegram",
            Self::Email(_) => "email",
            Self::Push(_) => "push",
        }
    }
}

/// The word alone: the address of a webhook may be a secret of its own.
impl fmt::Debug for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

fn is_line(text: &str, max_chars: usize) -> bool {
    (1..=max_chars).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_http(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#', '\\']).next());
    let has_host = authority.is_some_and(|authority| !authority.is_empty() && !authority.contains('@'));
    has_host && text.len() <= 2_048 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_chat(text: &str) -> bool {
    let is_number = |text: &str| (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = |text: &str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    is_number(text.strip_prefix('-').unwrap_or(text)) || text.strip_prefix('@').is_some_and(is_name)
}

/// Receivers of one e-mail.
pub const MAX_RECEIVERS: usize = 10;
/// Browsers of one channel.
pub const MAX_SUBSCRIPTIONS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(kind: &str) -> Channel {
        serde_json::from_str(&format!(r#"{{"channel_id":"ops","name":"Ops","kind":{kind}}}"#)).unwrap()
    }

    const TELEGRAM: &str = r#"{"telegram":{"chat_id":"-100123","token":"123:abcdefghijklmnopqrstuvwxyz"}}"#;
    const MAIL: &str = r#"{"email":{"server":"mail.example.com","port":587,"tls":"starttls","user":"desk","password":"hunter2",
        "from":"Desk <desk@example.com>","to":["me@example.com"]}}"#;

    #[test]
    fn nothing_shows_a_secret() {
        let webhook = r#"{"webhook":{"url":"https://example.com/T0P","secret":"whsec_c2VjcmV0"}}"#;
        for (kind, secret) in [(TELEGRAM, "abcdefgh"), (MAIL, "hunter2"), (webhook, "c2Vj")] {
            let channel = channel(kind).complete(None).unwrap();
            let (debug, json) = (format!("{channel:?}"), serde_json::to_string(&channel).unwrap());
            assert!(!debug.contains(secret) && !debug.contains("T0P"), "{debug}");
            assert!(!json.contains(secret) && json.contains(r#"{"is_set":true}"#), "{json}");
            let kept: Channel = serde_json::from_str(&json).unwrap();
            assert_eq!(kept.clone().with_secrets(&channel.secrets()), channel, "the store brings them back");
            assert_eq!(kept.complete(Some(&channel)).unwrap(), channel, "a form brings them back");
        }
    }

    #[test]
    fn a_login_goes_to_no_other_server_unasked() {
        let known = channel(MAIL).complete(None).unwrap();
        let shown = serde_json::to_string(&known).unwrap();
        let moved: Channel = serde_json::from_str(&shown.replace("mail.example.com", "evil.example.com")).unwrap();
        assert_eq!(moved.complete(Some(&known)), Err(ModelError::SecretNeeded { name: "password".to_owned() }));
        let renamed: Channel = serde_json::from_str(&shown.replace("Ops", "Others")).unwrap();
        assert_eq!(renamed.complete(Some(&known)).unwrap().secrets(), known.secrets());
    }

    #[test]
    fn wrong_settings_are_refused() {
        #[track_caller]
        fn check(kind: &str, words: &str) {
            let json = format!(r#"{{"channel_id":"ops","name":"Ops","kind":{kind}}}"#);
            let error = match serde_json::from_str::<Channel>(&json) {
                Ok(channel) => channel.complete(None).unwrap_err().to_string(),
                Err(error) => error.to_string(),
            };
            assert!(error.contains(words), "{kind}: {error}");
        }
        check(r#"{"webhook":{"url":"ftp://example.com","secret":"whsec_YQ=="}}"#, "https://");
        check(r#"{"webhook":{"url":"https://me:pw@example.com","secret":"whsec_YQ=="}}"#, "without a name");
        check(r#"{"webhook":{"url":"https://example.com","secret":"YQ=="}}"#, "whsec_");
        check(r#"{"webhook":{"url":"https://example.com","secret":{"is_set":true}}}"#, "secret");
        check(&TELEGRAM.replace("123:", "12a:"), "BotFather");
        check(&TELEGRAM.replace("-100123", "my chat"), "chat's number");
        check(&MAIL.replace("me@example.com", "me@example.com\\r\\nBcc: x@example.com"), "e-mail address");
        check(&MAIL.replace(r#""user":"desk","#, ""), "user and password");
        check(&MAIL.replace("\"port\"", "\"prot\""), "unknown field");
        check(r#"{"push":{"contact":"localhost"}}"#, "mailto:");
        check(r#"{"pigeon":{}}"#, "unknown variant");
    }
}
