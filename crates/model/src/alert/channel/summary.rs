//! A channel as everybody may see it: name, way and state, and of its addresses as little as tells channels apart.
//!
//! An address may be a secret of its own (a webhook of a chat service) or somebody's name (mail). Not here: the settings
//! ([`Channel`]), which only those who may change them are shown.

use std::{cmp::Reverse, collections::BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Channel, ChannelId, ChannelKind, ChannelName, ChannelRow, ChannelState, Email, MailAddress};

/// A channel without its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelSummary {
    /// Its identity.
    pub channel_id: ChannelId,
    /// Its name.
    pub name: ChannelName,
    /// True while its alerts wait.
    pub is_paused: bool,
    /// The word of its way of delivery, as in [`ChannelKind::word`].
    pub kind: String,
    /// Destination of its messages, for people: `https://hooks.example/…`, `…@example.com`, `a chat`, `2 browsers`.
    pub target: String,
    /// Its state.
    pub state: ChannelState,
}

impl ChannelSummary {
    /// Returns the summary of a row.
    pub fn of(ChannelRow { channel, state }: &ChannelRow) -> Self {
        Self {
            channel_id: channel.channel_id.clone(),
            name: channel.name.clone(),
            is_paused: channel.is_paused,
            kind: channel.kind.word().to_owned(),
            target: target(&channel.kind),
            state: state.clone(),
        }
    }
}

impl Channel {
    /// Returns what a summary leaves out of its addresses, whole and in parts, the longest first: for taking it out of texts
    /// that everybody may read.
    pub fn hidden_parts(&self) -> Vec<String> {
        let mut parts: Vec<String> = match &self.kind {
            ChannelKind::Webhook(webhook) => parts_of_url(webhook.url.as_str()),
            ChannelKind::Telegram(telegram) => {
                let api = telegram.api.iter().flat_map(|api| parts_of_url(api.as_str()));
                api.chain([telegram.chat_id.to_string()]).collect()
            }
            ChannelKind::Email(email) => {
                let user = email.user.iter().filter(|user| user.contains('@')).cloned();
                addresses(email)
                    .flat_map(|address| [address.to_string(), bare(address).to_owned()])
                    .chain(user)
                    .collect()
            }
            ChannelKind::Push(push) => {
                let contact = push.contact.as_str();
                vec![contact.to_owned(), contact.trim_start_matches("mailto:").to_owned()]
            }
        };
        parts.sort_by_key(|part| Reverse(part.len()));
        parts
    }
}

fn target(kind: &ChannelKind) -> String {
    match kind {
        ChannelKind::Webhook(webhook) => format!("{}/…", split_url(webhook.url.as_str()).0),
        ChannelKind::Telegram(_) => "a chat".to_owned(),
        ChannelKind::Email(email) => {
            let domain = |address| bare(address).rsplit('@').next().unwrap_or_default();
            let domains: BTreeSet<&str> = email.to.iter().map(domain).collect();
            domains.into_iter().map(|domain| format!("…@{domain}")).collect::<Vec<_>>().join(", ")
        }
        ChannelKind::Push(push) => match push.subscriptions.len() {
            1 => "1 browser".to_owned(),
            n_browsers => format!("{n_browsers} browsers"),
        },
    }
}

/// Returns scheme and host of an address, and what follows them.
fn split_url(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[host..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| host + at);
    url.split_at(end)
}

fn parts_of_url(url: &str) -> Vec<String> {
    let (_, rest) = split_url(url);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let long = rest.split(['/', '\\', '?', '&', '=', '#']).filter(|part| part.len() >= SHORTEST_PART);
    let wholes = [rest, path].into_iter().filter(|part| part.len() > 1);
    [url].into_iter().filter(|_| rest.len() > 1).chain(wholes).chain(long).map(str::to_owned).collect()
}

fn addresses(email: &Email) -> impl Iterator<Item = &MailAddress> {
    email.to.iter().chain([&email.from])
}

/// Returns `desk@example.com` of `Desk <desk@example.com>`.
fn bare(address: &MailAddress) -> &str {
    let text = address.as_str();
    text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'))
}

/// A part of an address by itself: shorter ones are words that other sentences have too.
const SHORTEST_PART: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str) -> ChannelRow {
        let json = format!(r#"{{"channel":{{"channel_id":"ops","name":"Ops","kind":{kind}}},"state":{{}}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_summary_has_the_host_alone() {
        #[track_caller]
        fn check(kind: &str, target: &str, hidden: &[&str]) {
            let row = row(kind);
            let summary = ChannelSummary::of(&row);
            assert_eq!(summary.target, target);
            let (json, parts) = (serde_json::to_string(&summary).unwrap(), row.channel.hidden_parts());
            for text in hidden {
                assert!(!json.contains(text), "{text} in {json}");
                assert!(parts.iter().any(|part| part == text), "{text} in {parts:?}");
            }
            assert!(parts.is_sorted_by_key(|part| Reverse(part.len())), "{parts:?}");
        }
        let webhook = |url: &str| format!(r#"{{"webhook":{{"url":"{url}","secret":{{"is_set":true}}}}}}"#);
        check(
            &webhook("https://hooks.example/services/T0P?token=abcdefgh#x"),
            "https://hooks.example/…",
            &["/services/T0P?token=abcdefgh#x", "/services/T0P", "abcdefgh"],
        );
        check(&webhook("http://[::1]:8080?key=secret-key"), "http://[::1]:8080/…", &["?key=secret-key", "secret-key"]);
        check(&webhook("https://hooks.example"), "https://hooks.example/…", &[]);
        check(
            r#"{"telegram":{"chat_id":"-1001234","token":{"is_set":true},"api":"https://bots.example/own/path"}}"#,
            "a chat",
            &["-1001234", "/own/path"],
        );
        check(
            r#"{"email":{"server":"mail.example.com","port":465,"user":"me@example.com","password":{"is_set":true},
                "from":"Desk <desk@example.com>","to":["a.b@example.com","Ada <ada@other.example>","c@example.com"]}}"#,
            "…@example.com, …@other.example",
            &["a.b@example.com", "ada@other.example", "Desk <desk@example.com>", "desk@example.com", "me@example.com"],
        );
        check(r#"{"push":{"contact":"mailto:me@example.com"}}"#, "0 browsers", &["me@example.com"]);
    }
}
