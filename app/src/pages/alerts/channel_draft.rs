//! A channel as a form holds it. Secrets are written only: an empty field keeps the one that the server has. Pure.

use model::alert::channel::{Channel, ChannelKind, Subscription};
use serde_json::{Map, Value, json};

/// A channel in a form.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelDraft {
    /// The channel that is changed; `None` for a new one.
    pub of: Option<Channel>,
    /// Its name.
    pub name: String,
    /// Its way of delivery.
    pub kind: &'static Way,
    /// True where its server may be in a private network.
    pub allows_private: bool,
    /// One text a field of the way.
    pub values: Vec<String>,
}

/// A way of delivery.
#[derive(Debug, PartialEq)]
pub struct Way {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Summary for newcomers.
    pub summary: &'static str,
    /// Its settings, in the order of a form.
    pub fields: &'static [WayField],
}

/// A setting of a way of delivery.
#[derive(Debug, PartialEq)]
pub struct WayField {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// An example, or what it means.
    pub help: &'static str,
    /// Kind of value that it takes.
    pub takes: Takes,
}

/// Kind of value that a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A text.
    Text,
    /// A text that may be absent.
    Optional,
    /// Texts with commas between them.
    List,
    /// A number.
    Port,
    /// One of these, each with its words.
    Choice(&'static [(&'static str, &'static str)]),
    /// A text that is never shown.
    Secret,
}

const fn field(name: &'static str, title: &'static str, help: &'static str, takes: Takes) -> WayField {
    WayField { name, title, help, takes }
}

const TLS: &[(&str, &str)] =
    &[("required", "TLS from the first byte"), ("starttls", "STARTTLS"), ("none", "none: on this machine only")];

/// All ways of delivery.
pub const WAYS: &[Way] = &[
    Way {
        name: "webhook",
        title: "Webhook",
        summary: "A signed POST (Standard Webhooks). The receiver checks the signature with the same key.",
        fields: &[
            field("url", "Address", "https://example.com/hook", Takes::Text),
            field("secret", "Signing key", "whsec_ and base64", Takes::Secret),
            field("old_secret", "Key before it", "signs too until the receiver knows the new one", Takes::Secret),
        ],
    },
    Way {
        name: "telegram",
        title: "Telegram",
        summary: "Messages of a bot. BotFather gives the token; write to the bot once, or add it to the group.",
        fields: &[
            field("chat_id", "Chat", "its number, or @channel", Takes::Text),
            field("token", "Token", "123456:ABC…", Takes::Secret),
            field("api", "Server", "empty: Telegram's own", Takes::Optional),
        ],
    },
    Way {
        name: "email",
        title: "E-mail",
        summary: "Mail by an SMTP server. Nothing is sent before the connection is encrypted.",
        fields: &[
            field("server", "Server", "mail.example.com", Takes::Text),
            field("port", "Port", "465 for TLS, 587 for STARTTLS", Takes::Port),
            field("tls", "Encryption", "", Takes::Choice(TLS)),
            field("user", "Account", "empty: no login", Takes::Optional),
            field("password", "Password", "", Takes::Secret),
            field("from", "From", "Desk <desk@example.com>", Takes::Text),
            field("to", "To", "with commas between them", Takes::List),
        ],
    },
    Way {
        name: "push",
        title: "Web Push",
        summary: "Notifications of this page's browsers, also while no page is open.",
        fields: &[field("contact", "Contact", "mailto: or https:, for the push services", Takes::Text)],
    },
];

impl Default for ChannelDraft {
    fn default() -> Self {
        Self::new(&WAYS[0])
    }
}

impl ChannelDraft {
    /// Returns a new channel.
    pub fn new(kind: &'static Way) -> Self {
        let value = |field: &WayField| match field.takes {
            Takes::Choice(choices) => choices[0].0.to_owned(),
            Takes::Port => "465".to_owned(),
            _ => String::new(),
        };
        let values = kind.fields.iter().map(value).collect();
        Self { of: None, name: String::new(), kind, allows_private: false, values }
    }

    /// Returns a channel opened for changes.
    pub fn of(channel: &Channel) -> Self {
        let (kind, settings) = (way(&channel.kind), settings(channel));
        let value = |field: &WayField| match settings.get(field.name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            _ => String::new(),
        };
        let values = kind.fields.iter().map(value).collect();
        let (name, allows_private) = (channel.name.to_string(), channel.allows_private);
        Self { of: Some(channel.clone()), name, kind, allows_private, values }
    }

    /// Returns true if the server has a secret for the field.
    pub fn is_set(&self, field: &WayField) -> bool {
        let settings = self.of.as_ref().map(settings).unwrap_or_default();
        settings.get(field.name).and_then(|secret| secret.get("is_set")?.as_bool()).unwrap_or_default()
    }

    /// Returns the command that saves it; `known` are the identities that are taken.
    ///
    /// # Errors
    /// A value is missing or cannot be read; the error names its field.
    pub fn command(&self, known: &[String]) -> Result<Value, String> {
        let name = self.name.trim();
        if name.is_empty() {
            return Err("Name: give the channel a name".to_owned());
        }
        let mut settings = self.of.as_ref().map(settings).unwrap_or_default();
        for (field, text) in self.kind.fields.iter().zip(&self.values) {
            let text = text.trim();
            let value = match field.takes {
                Takes::Secret if text.is_empty() => json!({ "is_set": self.is_set(field) }),
                Takes::Optional if text.is_empty() => {
                    settings.remove(field.name);
                    continue;
                }
                _ if text.is_empty() => return Err(format!("{} is empty", field.title)),
                Takes::Text | Takes::Optional | Takes::Secret | Takes::Choice(_) => json!(text),
                Takes::List => json!(text.split(',').map(str::trim).filter(|one| !one.is_empty()).collect::<Vec<_>>()),
                Takes::Port => match text.parse::<u16>() {
                    Ok(port) => json!(port),
                    Err(_) => return Err(format!("{}: {text:?} is not a port", field.title)),
                },
            };
            settings.insert(field.name.to_owned(), value);
        }
        let (id, is_paused) = match &self.of {
            Some(channel) => (channel.channel_id.to_string(), channel.is_paused),
            None => (fresh_id(name, known), false),
        };
        let channel = json!({"channel_id": id, "name": name, "is_paused": is_paused,
                             "allows_private": self.allows_private, "kind": {self.kind.name: settings}});
        check(&channel)?;
        Ok(json!({ "save_channel": { "channel": channel } }))
    }
}

/// Returns the command that saves a channel as it is, with `change` made to it.
pub fn changed(channel: &Channel, change: impl FnOnce(&mut Value)) -> Value {
    let mut channel = serde_json::to_value(channel).unwrap_or_default();
    change(&mut channel);
    json!({ "save_channel": { "channel": channel } })
}

/// Returns the browsers of a push channel; `None` for another one.
pub fn browsers(channel: &Channel) -> Option<&[Subscription]> {
    match &channel.kind {
        ChannelKind::Push(push) => Some(&push.subscriptions),
        _ => None,
    }
}

/// Returns a channel's way of delivery.
fn way(kind: &ChannelKind) -> &'static Way {
    let at = match kind {
        ChannelKind::Webhook(_) => 0,
        ChannelKind::Telegram(_) => 1,
        ChannelKind::Email(_) => 2,
        ChannelKind::Push(_) => 3,
    };
    &WAYS[at]
}

/// Returns the settings of a channel's way, secrets as `{"is_set":…}`.
fn settings(channel: &Channel) -> Map<String, Value> {
    match serde_json::to_value(&channel.kind) {
        Ok(Value::Object(kind)) => match kind.into_iter().next() {
            Some((_, Value::Object(settings))) => settings,
            _ => Map::new(),
        },
        _ => Map::new(),
    }
}

/// Reads it as the server does, for its own words of what is wrong.
fn check(channel: &Value) -> Result<(), String> {
    serde_json::from_value::<Channel>(channel.clone()).map(drop).map_err(|error| error.to_string())
}

/// Returns an identity made from a name, that no other channel has.
fn fresh_id(name: &str, known: &[String]) -> String {
    let plain = name.to_lowercase().replace(|char: char| !char.is_ascii_alphanumeric(), "-");
    let plain: String = plain.trim_matches('-').chars().take(28).collect();
    let plain = if plain.is_empty() { "channel".to_owned() } else { plain };
    let is_free = |id: &String| !known.contains(id);
    let mut numbered = (2..1_000).map(|number| format!("{plain}-{number}"));
    Some(plain.clone()).filter(is_free).or_else(|| numbered.find(is_free)).unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(name: &str, values: &[&str]) -> ChannelDraft {
        let kind = WAYS.iter().find(|way| way.name == name).unwrap();
        let mut draft = ChannelDraft::new(kind);
        draft.name = "Night shift!".to_owned();
        for (value, text) in draft.values.iter_mut().zip(values) {
            (*text).clone_into(value);
        }
        draft
    }

    fn channel(command: &Value) -> Channel {
        serde_json::from_value(command["save_channel"]["channel"].clone()).unwrap()
    }

    #[test]
    fn every_way_is_saved_from_its_form_and_opened_again() {
        for (name, values) in [
            ("webhook", &["https://example.com/hook", "whsec_YQ=="][..]),
            ("telegram", &["-100123", "1:abc"]),
            ("email", &["mail.example.com", "587", "starttls", "desk", "secret", "desk@example.com", "a@b.c, d@e.f"]),
            ("push", &["mailto:me@example.com"]),
        ] {
            let saved = channel(&filled(name, values).command(&[]).unwrap());
            assert_eq!((saved.channel_id.as_str(), way(&saved.kind).name), ("night-shift", name));
            let again = ChannelDraft::of(&saved);
            for (field, (value, typed)) in again.kind.fields.iter().zip(again.values.iter().zip(values)) {
                assert_eq!(value, if field.takes == Takes::Secret { "" } else { *typed }, "{name} {}", field.name);
            }
        }
    }

    #[test]
    fn a_secret_goes_out_and_never_comes_back() {
        let command = filled("webhook", &["https://example.com/hook", "whsec_YQ=="]).command(&[]).unwrap();
        assert_eq!(command["save_channel"]["channel"]["kind"]["webhook"]["secret"], "whsec_YQ==");
        // The channel as the server publishes it.
        let shown: Channel = serde_json::from_value(serde_json::to_value(channel(&command)).unwrap()).unwrap();
        let again = ChannelDraft::of(&shown);
        assert_eq!((again.is_set(&again.kind.fields[1]), again.is_set(&again.kind.fields[2])), (true, false));
        let kept = again.command(&[]).unwrap();
        assert_eq!(kept["save_channel"]["channel"]["kind"]["webhook"]["secret"], json!({"is_set": true}));
        let paused = changed(&shown, |channel| channel["is_paused"] = json!(true));
        assert!(channel(&paused).is_paused);
    }

    #[test]
    fn what_is_missing_is_named() {
        #[track_caller]
        fn check(draft: &ChannelDraft, words: &str) {
            let error = draft.command(&[]).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        check(&filled("webhook", &[""]), "Address is empty");
        check(&filled("webhook", &["ftp://x"]), "https://");
        check(&filled("email", &["mail.example.com", "x"]), "\"x\" is not a port");
        check(&ChannelDraft { name: " ".to_owned(), ..filled("push", &["mailto:a@b.c"]) }, "give the channel a name");
    }

    #[test]
    fn identities_are_not_used_twice() {
        for (name, known, expected) in [
            ("Ops", &[][..], "ops"),
            ("Ops", &["ops"], "ops-2"),
            ("Ops", &["ops", "ops-2"], "ops-3"),
            ("é", &[], "channel"),
        ] {
            let known: Vec<String> = known.iter().map(|id| (*id).to_owned()).collect();
            assert_eq!(fresh_id(name, &known), expected);
        }
    }
}
