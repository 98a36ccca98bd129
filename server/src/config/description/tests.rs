//! The descriptions match the sections: no setting without one, no description without a setting, the same ranges.

use std::collections::BTreeSet;

use super::*;
use crate::config::{
    Config,
    error::ConfigError,
    load::{FileText, KnownVenue, Sources, load_texts},
    setting::{SettingValue, values},
};

fn load(text: &str) -> Result<Config, ConfigError> {
    let venue = KnownVenue { name: "demo".to_owned(), default_symbols: vec!["AAABBB".to_owned()] };
    let sources = Sources { known_venues: vec![venue], ..Sources::default() };
    let file: FileText = ("truetape.toml".into(), text.to_owned());
    load_texts(&sources, Some(&file), None).map(|(config, _)| config)
}

/// Returns all keys of a section, as the loader knows them.
fn known(section: &str) -> Vec<String> {
    let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
    match load(&format!("{header}no_such_key = 1")) {
        Err(ConfigError::UnknownKey { known, .. }) => known,
        other => panic!("{section}: {other:?}"),
    }
}

#[test]
fn every_setting_is_described_and_nothing_else() {
    let described: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
    assert_eq!(described.len(), SETTINGS.len(), "each once");
    let mut keys = BTreeSet::new();
    for section in known("") {
        match section.as_str() {
            "feeds" => {
                keys.insert(section);
            }
            "venues" => keys.extend(known("venues.demo").into_iter().map(|key| format!("venues.*.{key}"))),
            _ => keys.extend(known(&section).into_iter().map(|key| format!("{section}.{key}"))),
        }
    }
    // The one section below a section.
    assert!(keys.remove("desk.fees"));
    keys.extend(known("desk.fees.demo").into_iter().map(|key| format!("desk.fees.*.{key}")));
    assert_eq!(keys.iter().map(String::as_str).collect::<BTreeSet<_>>(), described);
    for setting in SETTINGS {
        assert!(setting.help.ends_with('.') && !setting.title.is_empty(), "{}", setting.key);
    }
}

/// Text of a file that sets a number.
fn file_with(key: &str, number: u64) -> String {
    // A pair of limits keeps its order.
    let beside = match key {
        "venues.demo.backoff_min_ms" => "venues.demo.backoff_max_ms = 600000\n",
        "venues.demo.backoff_max_ms" => "venues.demo.backoff_min_ms = 10\n",
        _ => "",
    };
    format!("{beside}{key} = {number}")
}

#[test]
fn ranges_are_those_of_the_loader() {
    for setting in SETTINGS {
        let key = setting.key.replace('*', "demo");
        let Kind::Number { min, max } = setting.kind else { continue };
        for (number, is_good) in
            [(Some(min), true), (Some(max), true), (min.checked_sub(1), false), (Some(max + 1), false)]
        {
            let Some(number) = number else { continue };
            let loaded = load(&file_with(&key, number));
            assert_eq!(loaded.is_ok(), is_good, "{key} = {number}: {:?}", loaded.err());
        }
    }
}

#[test]
fn kinds_are_those_of_the_values() {
    let config = load("").unwrap();
    let values = values(&config, ["demo"]);
    for setting in SETTINGS {
        let key = setting.key.replace('*', "demo");
        let Some(value) = values.get(&key) else { continue };
        let fits = match setting.kind {
            Kind::Number { .. } => matches!(value, SettingValue::Number(_)),
            Kind::Text | Kind::Secret => matches!(value, SettingValue::Text(_)),
            Kind::Flag => matches!(value, SettingValue::Flag(_)),
            Kind::List => matches!(value, SettingValue::List(_)),
            Kind::Choice(words) => matches!(value, SettingValue::Text(word) if words.contains(&word.as_str())),
        };
        assert!(fits, "{key} = {value}");
        if let Kind::Choice(words) = setting.kind {
            for word in words {
                assert!(load(&format!("{key} = \"{word}\"")).is_ok(), "{key} = {word}");
            }
            assert!(load(&format!("{key} = \"{}\"", words.join("|"))).is_err(), "{key}");
        }
    }
}

#[test]
fn keys_of_venues_are_found() {
    for (key, expected) in [
        ("venues.demo.token", Some("venues.*.token")),
        ("desk.fees.demo.maker", Some("desk.fees.*.maker")),
        ("stream.ping_ms", Some("stream.ping_ms")),
        ("feeds", Some("feeds")),
        ("stream", None),
        ("stream.ping_ms.x", None),
        ("venues..token", None),
        ("", None),
    ] {
        assert_eq!(find(key).map(|found| found.key), expected, "{key}");
    }
    assert_eq!(keys(find("venues.a.token").unwrap(), ["a", "b"]), ["venues.a.token", "venues.b.token"]);
}
