//! Settings as the server reports them, what the reader has typed, and which rows are shown. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::format;

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl Value {
    /// Returns the value as a field has it: a list one a line.
    pub fn text(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(items) => items.join("\n"),
        }
    }

    /// Returns the value as a sentence has it.
    pub fn words(&self) -> String {
        match self {
            Self::Flag(true) => "on".to_owned(),
            Self::Flag(false) => "off".to_owned(),
            Self::List(items) if items.is_empty() => "none".to_owned(),
            Self::List(items) => items.join(", "),
            other => other.text(),
        }
    }
}

/// A setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// The title.
    pub title: String,
    /// One or two sentences about it.
    pub help: String,
    /// The unit; empty without one.
    pub unit: String,
    /// `number`, `text`, `flag`, `choice`, `list` or `secret`.
    pub kind: String,
    /// The smallest number.
    pub min: Option<u64>,
    /// The largest number.
    pub max: Option<u64>,
    /// The words of a choice.
    pub choices: Vec<String>,
    /// `at_once`, `new_connections`, `new_feed`, `restart` or `not_here`.
    pub applies: String,
    /// The value; absent if there is none, and for secrets.
    pub value: Option<Value>,
    /// The value without any source.
    pub default: Option<Value>,
    /// The value that a reset gives.
    pub below: Option<Value>,
    /// True if there is a value, also a secret one.
    pub is_set: bool,
    /// `default`, `file`, `page`, `environment` or `flag`.
    pub source: String,
    /// The file, variable or flag.
    pub set_by: Option<String>,
    /// True if it cannot be changed here.
    pub is_locked: bool,
    /// True if a change waits for a restart.
    pub is_pending: bool,
    /// The value until the restart.
    pub running: Option<Value>,
}

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Report {
    /// The name of these settings.
    pub revision: String,
    /// False for a server that keeps no settings.
    pub is_kept: bool,
    /// The settings.
    pub settings: Vec<Setting>,
}

/// A change that the server has checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The title.
    pub title: String,
    /// The value before.
    #[serde(deserialize_with = "words_of")]
    pub before: String,
    /// The value then.
    #[serde(deserialize_with = "words_of")]
    pub after: String,
    /// True if there will be a value, also a secret one.
    pub is_set: bool,
    /// The moment at which it takes effect.
    pub applies: String,
}

fn words_of<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::<Value>::deserialize(from)?.map_or_else(|| "none".to_owned(), |value| value.words()))
}

/// A setting that cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Fault {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The remedy.
    pub remedy: String,
}

/// The effects of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Check {
    /// The settings that get another value.
    pub changes: Vec<Change>,
    /// The settings that cannot be changed so.
    pub faults: Vec<Fault>,
}

/// A change that is not saved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// The text of the field.
    Text(String),
    /// The value without the page.
    Reset,
}

/// Changes that are not saved yet, by key.
pub type Drafts = BTreeMap<String, Draft>;

impl Setting {
    /// Returns the text of the field: what was typed, or the value.
    pub fn text(&self, draft: Option<&Draft>) -> String {
        let of = |value: &Option<Value>| value.as_ref().map(Value::text).unwrap_or_default();
        match draft {
            Some(Draft::Text(text)) => text.clone(),
            Some(Draft::Reset) => of(&self.below),
            None => of(&self.value),
        }
    }

    /// Returns what a draft asks the server for; `None` takes back what the page has set.
    pub fn wanted(&self, draft: &Draft) -> Option<Value> {
        let Draft::Text(text) = draft else { return None };
        let trimmed = text.trim();
        match self.kind.as_str() {
            "flag" => Some(Value::Flag(trimmed == "true")),
            "list" => {
                let items = text.lines().map(str::trim).filter(|line| !line.is_empty());
                Some(Value::List(items.map(str::to_owned).collect()))
            }
            _ if trimmed.is_empty() => None,
            // Another text goes as it is, and the server says what to write.
            "number" => Some(trimmed.parse().map_or_else(|_| Value::Text(trimmed.to_owned()), Value::Number)),
            _ => Some(Value::Text(trimmed.to_owned())),
        }
    }

    /// Returns true if the text of the field is that of the value.
    pub fn is_same(&self, text: &str) -> bool {
        text == self.text(None)
    }

    /// Returns the default, the source and when a change takes effect, as a sentence.
    pub fn facts(&self) -> String {
        let default = match (&self.default, self.kind.as_str()) {
            (_, "secret") => (if self.is_set { "set" } else { "not set" }).to_owned(),
            (Some(default), _) => format!("default {}", default.words()),
            (None, _) => "no default".to_owned(),
        };
        let by = self.set_by.as_deref().unwrap_or_default();
        let source = match self.source.as_str() {
            "file" => format!(" · from {by}"),
            "page" => " · changed here".to_owned(),
            "environment" | "flag" => format!(" · set by {by}; change it there"),
            _ => String::new(),
        };
        let applies = match self.applies.as_str() {
            "at_once" => "applies at once",
            "new_connections" => "applies to new connections",
            "new_feed" => "applies at once; the feed starts again",
            "not_here" => "not changed here",
            _ => "applies after a restart",
        };
        format!("{default}{source} · {applies}")
    }

    /// Returns the section's identity: its name, or the venue of a venue's setting.
    fn section(&self) -> String {
        let mut parts = self.key.split('.');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("venues"), Some(venue), _) | (Some("desk"), Some("fees"), Some(venue)) => format!("venue-{venue}"),
            (Some(section), ..) => section.to_owned(),
            (None, ..) => String::new(),
        }
    }

    /// Returns true if each word of a search is in the title, the key, the help or the unit.
    fn has_words(&self, search: &str) -> bool {
        let text = format!("{} {} {} {}", self.title, self.key, self.help, self.unit).to_lowercase();
        search.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }

    /// Returns true if any source has set it.
    fn is_changed(&self) -> bool {
        self.source != "default" || self.is_pending
    }
}

/// A section with the settings shown in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Section {
    /// Its identity, for links.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The keys, in the server's order.
    pub keys: Vec<String>,
    /// True if it is open at first: most venues are not used.
    pub is_open: bool,
}

/// Returns the sections with what a search finds.
pub fn sections(settings: &[Setting], search: &str, only_changed: bool) -> Vec<Section> {
    let is_filtered = only_changed || !search.trim().is_empty();
    let shown = settings.iter().filter(|setting| setting.has_words(search) && (!only_changed || setting.is_changed()));
    let mut sections: Vec<Section> = Vec::new();
    for setting in shown {
        let id = setting.section();
        let is_open = is_filtered || setting.is_changed() || !id.starts_with("venue-");
        match sections.iter_mut().find(|section| section.id == id) {
            Some(section) => {
                section.keys.push(setting.key.clone());
                section.is_open |= is_open;
            }
            None => sections.push(Section { title: title(&id), id, keys: vec![setting.key.clone()], is_open }),
        }
    }
    sections
}

fn title(section: &str) -> String {
    if let Some(venue) = section.strip_prefix("venue-") {
        return format::capitalised(venue);
    }
    match section {
        "server" => "Server",
        "log" => "Log",
        "feeds" => "Feeds",
        "access" => "Logins",
        "limits" => "Limits",
        "tls" => "Certificate",
        "stream" => "Stream to pages and programs",
        "recordings" => "Recordings",
        "desk" => "Paper desk",
        other => other,
    }
    .to_owned()
}

/// Returns a count of changes in words.
pub fn count(n_changes: usize) -> String {
    if n_changes == 1 { "1 change".to_owned() } else { format!("{n_changes} changes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(key: &str, kind: &str, value: Option<Value>) -> Setting {
        let (key, kind) = (key.to_owned(), kind.to_owned());
        Setting { key, kind, value, source: "default".to_owned(), ..Setting::default() }
    }

    #[test]
    fn a_draft_asks_for_a_value_of_its_kind() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let list = |items: &[&str]| Some(Value::List(items.iter().map(ToString::to_string).collect()));
        for (kind, typed, expected) in [
            ("number", " 25 ", Some(Value::Number(25))),
            ("number", "often", text("often")),
            ("number", "", None),
            ("text", "127.0.0.1:1", text("127.0.0.1:1")),
            ("secret", "", None),
            ("flag", "true", Some(Value::Flag(true))),
            ("flag", "false", Some(Value::Flag(false))),
            ("choice", "auto", text("auto")),
            ("list", "a\n\n b \n", list(&["a", "b"])),
            ("list", "", list(&[])),
        ] {
            let setting = setting("x", kind, None);
            assert_eq!(setting.wanted(&Draft::Text(typed.to_owned())), expected, "{kind} {typed:?}");
            assert_eq!(setting.wanted(&Draft::Reset), None);
        }
    }

    #[test]
    fn the_text_of_a_value_is_no_change() {
        for value in [Value::Number(5), Value::Flag(true), Value::List(vec!["a".into(), "b".into()])] {
            let setting = setting("x", "list", Some(value));
            assert!(setting.is_same(&setting.text(None)) && !setting.is_same("other"));
        }
    }

    #[test]
    fn a_search_reads_titles_keys_and_help() {
        let mut settings = [
            setting("server.listen", "text", None),
            setting("stream.ping_ms", "number", None),
            setting("venues.a.token", "secret", None),
        ];
        settings[0].help = "Host address and port".to_owned();
        settings[1].source = "page".to_owned();
        let found = |search: &str, only_changed: bool| -> Vec<String> {
            sections(&settings, search, only_changed).into_iter().flat_map(|section| section.keys).collect()
        };
        assert_eq!(found("PORT", false), ["server.listen"]);
        assert_eq!(found("stream ms", false), ["stream.ping_ms"]);
        assert_eq!(found("", true), ["stream.ping_ms"]);
        assert_eq!(found("nothing like it", false), Vec::<String>::new());
        let all = sections(&settings, "", false);
        assert_eq!(
            all.iter().map(|section| (section.id.as_str(), section.is_open)).collect::<Vec<_>>(),
            [("server", true), ("stream", true), ("venue-a", false)]
        );
        assert!(sections(&settings, "token", false)[0].is_open, "what was searched for is not hidden");
    }

    #[test]
    fn facts_say_where_a_value_comes_from() {
        let mut one = setting("stream.ping_ms", "number", Some(Value::Number(5)));
        (one.default, one.applies) = (Some(Value::Number(25_000)), "new_connections".to_owned());
        assert_eq!(one.facts(), "default 25000 · applies to new connections");
        (one.source, one.set_by) = ("environment".to_owned(), Some("TRUETAPE__STREAM__PING_MS".to_owned()));
        assert!(one.facts().contains("set by TRUETAPE__STREAM__PING_MS; change it there"));
        one.kind = "secret".to_owned();
        assert!(one.facts().starts_with("not set"));
    }
}
