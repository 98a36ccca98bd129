//! Changes against real files in a folder of their own.

use std::{fs, path::Path};

use super::*;
use crate::{
    config::{
        load::{KnownVenue, Sources},
        setting::SettingValue,
    },
    configuration::candidate::changes_of,
};

/// Settings over a file, and one variable.
fn configuration(folder: &Path, file: &str) -> Configuration {
    let path = folder.join("truetape.toml");
    fs::write(&path, format!("server.data_dir = {folder:?}\n{file}")).unwrap();
    let venue = |name: &str| KnownVenue { name: name.to_owned(), default_symbols: vec!["AAABBB".to_owned()] };
    let sources = Sources {
        file: Some(path),
        variables: vec![("TRUETAPE__STREAM__MAX_TOPICS".to_owned(), "7".to_owned())],
        known_venues: vec![venue("alpha"), venue("demo")],
        ..Sources::default()
    };
    Configuration::new(Base::read(sources).unwrap().load().unwrap(), |_| {})
}

fn number(value: u64) -> Option<SettingValue> {
    Some(SettingValue::Number(value))
}

fn text(value: &str) -> Option<SettingValue> {
    Some(SettingValue::Text(value.to_owned()))
}

fn changes<const N: usize>(changes: [(&str, Option<SettingValue>); N]) -> Changes {
    changes.map(|(key, value)| (key.to_owned(), value)).into()
}

async fn change(configuration: &Configuration, wanted: Changes) -> Result<Report, ConfigurationError> {
    configuration.change(&Caller::OWNER, &AuditLog::new().0, wanted, None).await
}

fn of<'a>(report: &'a Report, key: &str) -> &'a Setting {
    report.settings.iter().find(|setting| setting.key == key).unwrap()
}

#[tokio::test]
async fn a_change_applies_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = configuration(folder.path(), "[stream]\nping_ms = 1000");
    let live = first.live();
    let report = change(&first, changes([("stream.ping_ms", number(2_000)), ("desk.protection_bps", number(9))])).await;
    let report = report.unwrap();
    assert_eq!(live.config().stream.ping.as_millis(), 2_000);
    let ping = of(&report, "stream.ping_ms");
    assert_eq!((ping.value.clone(), ping.source, ping.is_pending), (number(2_000), "page", false));
    assert_eq!((ping.below.clone(), ping.default.clone()), (number(1_000), number(25_000)), "what a reset gives");
    let protection = of(&report, "desk.protection_bps");
    assert_eq!((protection.is_pending, protection.running.clone()), (true, number(200)));

    let second = configuration(folder.path(), "[stream]\nping_ms = 1000");
    let report = second.report().await;
    assert_eq!(of(&report, "stream.ping_ms").value, number(2_000));
    assert_eq!(of(&report, "desk.protection_bps").value, number(9));
    assert!(report.settings.iter().all(|setting| !setting.is_pending));

    let report = change(&second, changes([("stream.ping_ms", None), ("desk.protection_bps", None)])).await.unwrap();
    let ping = of(&report, "stream.ping_ms");
    assert_eq!((ping.value.clone(), ping.source), (number(1_000), "file"), "what the file has");
    assert_eq!(fs::read_to_string(folder.path().join("settings.toml")).unwrap(), "");
}

#[tokio::test]
async fn a_waiting_change_that_is_taken_back_waits_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(folder.path(), "");
    let wanted = changes([("desk.currency", text("EUR")), ("desk.enabled", Some(SettingValue::Flag(false)))]);
    let report = change(&configuration, wanted).await.unwrap();
    assert!(of(&report, "desk.currency").is_pending && of(&report, "desk.enabled").is_pending);
    let report = change(&configuration, changes([("desk.currency", None), ("desk.enabled", None)])).await.unwrap();
    assert!(report.settings.iter().all(|setting| !setting.is_pending));
}

#[tokio::test]
async fn mistakes_name_key_value_and_remedy_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(folder.path(), "[venues.demo]\nbackoff_min_ms = 100");
    let before = configuration.report().await;
    for (key, value, words) in [
        ("stream.ping_ms", number(1), "stream.ping_ms = 1: write a whole number from 100 to 600000"),
        ("stream.ping_ms", text("often"), "stream.ping_ms = often: write a whole number"),
        ("stream.pings_ms", number(1_000), "did you mean stream.ping_ms?"),
        (
            "stream.max_topics",
            number(9),
            "stream.max_topics = 9: it is set by the variable TRUETAPE__STREAM__MAX_TOPICS",
        ),
        ("server.data_dir", text("x"), "server.data_dir = x: change it in"),
        ("venues.demo.backoff_max_ms", number(50), "venues.demo.backoff_min_ms"),
        ("venues.demo.token", text("s3cret with blanks"), "venues.demo.token = (hidden): write the token"),
        (
            "venues.nowhere.token",
            text("s3cret"),
            "venues.nowhere.token = (hidden): there is no such venue; write one of alpha, demo",
        ),
        ("desk.fees.demo.maker", text("0.001"), "desk.fees.demo.maker = 0.001: missing field"),
        ("feeds", Some(SettingValue::List(vec!["alfa=X".to_owned()])), "did you mean alpha?"),
        ("access.login", text("sometimes"), "write one of auto, always, never"),
        ("tls.cert", text("cert.pem"), "name its private key too"),
    ] {
        let good = ("recordings.max_age_days", number(5));
        let error = change(&configuration, changes([(key, value), good])).await.unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("s3cret"), "{key}: {error}");
    }
    assert_eq!(configuration.report().await, before);
    assert!(!folder.path().join("settings.toml").exists());

    let two =
        changes([("stream.ping_ms", number(1)), ("stream.queue_bytes", number(1)), ("stream.history_len", number(1))]);
    let checked = configuration.check(two).await.unwrap();
    let keys: Vec<&str> = checked.faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["stream.ping_ms", "stream.queue_bytes"], "one each");
    assert_eq!(checked.changes.len(), 1, "the rest can be used");
}

#[tokio::test]
async fn two_admins_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(folder.path(), "");
    let read = configuration.report().await.revision;
    let (owner, audit) = (Caller::OWNER, AuditLog::new().0);
    let change = |wanted| configuration.change(&owner, &audit, wanted, Some(&read));
    change(changes([("stream.ping_ms", number(2_000))])).await.unwrap();
    let error = change(changes([("stream.ping_ms", number(3_000))])).await.unwrap_err();
    assert!(matches!(error, ConfigurationError::RevisionMismatch), "{error}");

    fs::write(folder.path().join("settings.toml"), "[stream]\nping_ms = 4000").unwrap();
    let beside = configuration.change(&owner, &audit, changes([("stream.ping_ms", None)]), None).await;
    assert!(matches!(beside.unwrap_err(), ConfigurationError::ChangedBeside { .. }));
}

#[tokio::test]
async fn an_export_can_be_imported_and_has_no_secret() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = configuration(one.path(), "[access]\nidle_minutes = 10");
    let wanted = changes([("venues.demo.token", text("s3cret")), ("desk.currency", text("EUR"))]);
    change(&first, wanted).await.unwrap();
    let exported = first.export().await;
    assert!(!exported.contains("s3cret") && !exported.contains("data_dir"), "{exported}");
    let second = configuration(other.path(), "");
    let checked = second.check(changes_of(&exported).unwrap()).await.unwrap();
    let keys: Vec<&str> = checked.changes.iter().map(|change| change.key.as_str()).collect();
    assert_eq!((keys, checked.faults), (vec!["access.idle_minutes", "desk.currency"], Vec::new()));

    let faults = changes_of("[stream]\nping_ms = ").unwrap_err();
    assert!(faults[0].remedy.contains("line 2"), "{faults:?}");
    assert_eq!(changes_of("[stream]\nping_ms = 1.5").unwrap_err()[0].key, "stream.ping_ms");
    let hidden = changes_of("[venues.demo]\ntoken = \"(hidden)\"").unwrap();
    assert!(hidden.is_empty(), "what `truetape config show` prints");
}

#[tokio::test]
async fn a_server_of_another_command_keeps_nothing() {
    let configuration = Configuration::new(Config::default().into(), |_| {});
    let report = configuration.report().await;
    assert!(!report.is_kept && !report.settings.is_empty());
    let refused = change(&configuration, changes([("stream.ping_ms", number(1_000))])).await;
    assert!(matches!(refused.unwrap_err(), ConfigurationError::NotKept));
}
