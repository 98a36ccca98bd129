//! The tables of alerts on real files: commits, the outbox, secrets, bounds, older forms, backups.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::path::Path;

use model::{
    alert::{
        channel::{Channel, ChannelId, ChannelKind, ChannelState},
        delivery::{Delivery, DeliveryState},
        notice::{Notice, Severity},
    },
    time::Timestamp,
};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use store::{
    alerts::{
        AlertCommit, Alerts, Document, N_NOTICES_KEPT, N_SIGNALS_KEPT, NewDelivery, SignalRow,
        outbox::{Attempt, Outcome},
    },
    backup,
    error::StoreError,
    files::{DESK_FILE, Store},
    journal::Commit,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn id(text: &str) -> ChannelId {
    ChannelId::parse(text).unwrap()
}

fn notice(notice_id: u64, rule_id: &str) -> Notice {
    Notice {
        notice_id,
        rule_id: rule_id.to_owned(),
        rule_version: 1,
        severity: Severity::Warning,
        title: format!("number {notice_id}"),
        text: String::new(),
        instrument: None,
        value: None,
        level: None,
        bar_time: None,
        event_time: None,
        receive_time: None,
        fired_time: at(10),
        is_late: false,
        n_folded: 0,
    }
}

fn fired(numbers: impl IntoIterator<Item = u64>, channels: &[&str]) -> AlertCommit {
    let notices: Vec<Notice> = numbers.into_iter().map(|number| notice(number, "a")).collect();
    let deliveries = notices.iter().flat_map(|notice| {
        let new =
            |channel: &&str| NewDelivery { notice_id: notice.notice_id, channel_id: id(channel), not_before: None };
        channels.iter().map(new)
    });
    AlertCommit { time: at(10), deliveries: deliveries.collect(), notices, ..AlertCommit::default() }
}

fn channel(json: &str) -> Channel {
    serde_json::from_str::<Channel>(json).unwrap().complete(None).unwrap()
}

fn webhook() -> Channel {
    let kind = r#"{"webhook":{"url":"https://example.com/x","secret":"whsec_c2VjcmV0"}}"#;
    channel(&format!(r#"{{"channel_id":"hook","name":"Hook","kind":{kind}}}"#))
}

fn push() -> Channel {
    let browser = |name: &str| {
        format!(
            r#"{{"subscription_id":"{name}","label":"{name}","endpoint":"https://{name}.example","p256dh":"x","auth":"y"}}"#
        )
    };
    let browsers = format!("[{},{}]", browser("one"), browser("two"));
    let kind = format!(r#"{{"push":{{"contact":"mailto:me@example.com","subscriptions":{browsers}}}}}"#);
    channel(&format!(r#"{{"channel_id":"push","name":"Push","kind":{kind}}}"#))
}

fn attempt(notice_id: u64, channel: &str, outcome: Outcome) -> Attempt {
    Attempt {
        notice_id,
        channel_id: id(channel),
        time: at(20),
        status: Some(500),
        outcome,
        reached: Vec::new(),
        ended: Vec::new(),
    }
}

async fn open(folder: &Path) -> Alerts {
    Store::open(folder).await.unwrap().alerts.take().unwrap()
}

async fn delivery(alerts: &Alerts, notice_id: u64) -> Delivery {
    let rows = alerts.notices(Some(notice_id + 1), 1).await.unwrap();
    rows[0].deliveries[0].clone()
}

#[tokio::test]
async fn a_commit_is_there_after_a_restart_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let documents = vec![(Document::AlertRule, "a".to_owned(), "{}".to_owned())];
    let channels = vec![webhook(), push()];
    open(folder.path())
        .await
        .commit(&AlertCommit { documents, channels, ..fired([1], &["hook", "push"]) })
        .await
        .unwrap();
    let alerts = open(folder.path()).await;
    assert_eq!(alerts.last_notice_id().await.unwrap(), 1);
    assert_eq!(alerts.documents(Document::AlertRule).await.unwrap(), [("a".to_owned(), "{}".to_owned())]);
    let rows = alerts.channels().await.unwrap();
    assert_eq!(rows.into_iter().map(|row| row.channel).collect::<Vec<_>>(), [webhook(), push()], "with their secrets");
    let waiting = alerts.waiting().await.unwrap();
    let shown: Vec<_> = waiting.iter().map(|one| (one.delivery.channel_id.as_str(), one.rule_id.as_str())).collect();
    assert_eq!(shown, [("hook", "a"), ("push", "a")]);
    // A second alert of the same number is a fault of the caller: nothing of its commit is written.
    let documents = vec![(Document::AlertRule, "b".to_owned(), "{}".to_owned())];
    let again = AlertCommit { documents, ..fired([2, 1], &["hook"]) };
    assert!(alerts.commit(&again).await.is_err());
    assert_eq!(alerts.last_notice_id().await.unwrap(), 1);
    assert_eq!(alerts.documents(Document::AlertRule).await.unwrap().len(), 1);
    alerts.commit(&fired([2], &["hook"])).await.unwrap();
}

#[tokio::test]
async fn deliveries_end_once() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    alerts.commit(&AlertCommit { channels: vec![webhook()], ..fired(1..=3, &["hook"]) }).await.unwrap();
    let retry = Outcome::Retry { next_time: at(50), error: "busy".to_owned() };
    alerts.attempted(&attempt(1, "hook", retry)).await.unwrap();
    let failed = delivery(&alerts, 1).await;
    assert_eq!((failed.state, failed.n_attempts, failed.next_time), (DeliveryState::Failed, 1, at(50)));
    assert_eq!(
        (failed.last_error.as_deref(), failed.last_status, failed.last_time),
        (Some("busy"), Some(500), Some(at(20)))
    );
    alerts.attempted(&attempt(1, "hook", Outcome::Sent)).await.unwrap();
    alerts.attempted(&attempt(2, "hook", Outcome::Dead { error: "refused".to_owned() })).await.unwrap();
    alerts.attempted(&attempt(1, "hook", Outcome::Dead { error: "too late".to_owned() })).await.unwrap();
    assert_eq!(delivery(&alerts, 1).await.state, DeliveryState::Sent, "what is sent stays sent");
    let verified = alerts.channel(&id("hook")).await.unwrap().unwrap().state;
    assert_eq!(verified, ChannelState { verified_time: Some(at(20)), disabled: None });
    // Only what is dead can be sent again.
    assert!(!alerts.resend(1, &id("hook"), at(60)).await.unwrap());
    assert!(alerts.resend(2, &id("hook"), at(60)).await.unwrap());
    let again = delivery(&alerts, 2).await;
    assert_eq!((again.state, again.n_attempts, again.created_time), (DeliveryState::Pending, 0, at(60)));
    // A channel that takes nothing more ends everything that waits for it.
    alerts.attempted(&attempt(2, "hook", Outcome::Disabled { error: "410 Gone".to_owned() })).await.unwrap();
    assert!(alerts.waiting().await.unwrap().is_empty());
    let dead = alerts.dead_letters(10).await.unwrap();
    assert_eq!(dead.iter().map(|one| one.notice_id).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(dead[0].last_error.as_deref(), Some("410 Gone"));
    assert_eq!(alerts.channel(&id("hook")).await.unwrap().unwrap().state.disabled.as_deref(), Some("410 Gone"));
    alerts.tested(&id("hook"), Some(at(70)), &[]).await.unwrap();
    let works = alerts.channel(&id("hook")).await.unwrap().unwrap().state;
    assert_eq!(works, ChannelState { verified_time: Some(at(70)), disabled: None });
}

#[tokio::test]
async fn folding_counts_every_alert() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    let commit = AlertCommit { folded: vec![(2, 10)], ..fired(1..=4, &["hook"]) };
    alerts.commit(&commit).await.unwrap();
    alerts.fold(&id("hook"), 3, &[1, 2]).await.unwrap();
    alerts.fold(&id("hook"), 4, &[3]).await.unwrap();
    let waiting = alerts.waiting().await.unwrap();
    assert_eq!(waiting.iter().map(|one| one.delivery.notice_id).collect::<Vec<_>>(), [4]);
    // 1, 2 with ten more, and 3.
    assert_eq!(alerts.parcel(4, &id("hook")).await.unwrap().unwrap().notice.n_folded, 13);
    let folded = delivery(&alerts, 2).await;
    assert_eq!((folded.state, folded.folded_into), (DeliveryState::Folded, Some(3)));
}

#[tokio::test]
async fn a_browser_that_ended_its_subscription_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    alerts.commit(&AlertCommit { channels: vec![push()], ..fired([1], &["push"]) }).await.unwrap();
    let ChannelKind::Push(both) = push().kind else { unreachable!() };
    let (one, two) = (both.subscriptions[0].clone(), both.subscriptions[1].clone());
    let retry = Outcome::Retry { next_time: at(50), error: "busy".to_owned() };
    let reached = vec![two.subscription_id.clone()];
    let ended = vec![one.subscription_id.clone()];
    alerts.attempted(&Attempt { reached: reached.clone(), ended, ..attempt(1, "push", retry) }).await.unwrap();
    assert_eq!(alerts.parcel(1, &id("push")).await.unwrap().unwrap().reached, reached);
    let ChannelKind::Push(left) = alerts.channel(&id("push")).await.unwrap().unwrap().channel.kind else {
        unreachable!()
    };
    assert_eq!(left.subscriptions, [two]);
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    let n_fired = u64::from(N_NOTICES_KEPT) + 50;
    alerts.commit(&fired([1, 2], &["hook"])).await.unwrap();
    alerts.attempted(&attempt(1, "hook", Outcome::Sent)).await.unwrap();
    alerts.commit(&fired(3..=n_fired, &[])).await.unwrap();
    let kept = alerts.notices(None, 10_000).await.unwrap();
    assert_eq!(kept.len(), N_NOTICES_KEPT as usize + 1);
    assert_eq!(kept.last().unwrap().notice.notice_id, 2, "it is still on its way");
    let page = alerts.notices(Some(n_fired), 2).await.unwrap();
    assert_eq!(page.iter().map(|row| row.notice.notice_id).collect::<Vec<_>>(), [n_fired - 1, n_fired - 2]);
    let signal = |rule: &str, number: i64| SignalRow {
        rule_id: rule.to_owned(),
        key: format!("{number:04}"),
        time: at(number),
        body: number.to_string(),
    };
    let n_signals = i64::from(N_SIGNALS_KEPT) + 20;
    let mut signals: Vec<SignalRow> = (1..=n_signals).map(|number| signal("s", number)).collect();
    signals.extend([signal("t", 1), SignalRow { body: "revised".to_owned(), ..signal("s", n_signals) }]);
    alerts.commit(&AlertCommit { signals, ..AlertCommit::default() }).await.unwrap();
    let kept = alerts.signals("s").await.unwrap();
    assert_eq!((kept.len(), kept[0].as_str(), kept[99].as_str()), (N_SIGNALS_KEPT as usize, "21", "revised"));
    assert_eq!(alerts.signals("t").await.unwrap(), ["1"]);
    let removed = vec![(Document::SignalRule, "s".to_owned())];
    alerts.commit(&AlertCommit { removed, ..AlertCommit::default() }).await.unwrap();
    assert!(alerts.signals("s").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_deleted_channel_leaves_nothing_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    alerts.commit(&AlertCommit { channels: vec![webhook()], ..fired([1], &["hook"]) }).await.unwrap();
    let removed_channels = vec![id("hook")];
    alerts.commit(&AlertCommit { removed_channels, ..AlertCommit::default() }).await.unwrap();
    assert!(alerts.channels().await.unwrap().is_empty());
    assert_eq!(delivery(&alerts, 1).await.last_error.as_deref(), Some("the channel was deleted"));
}

#[tokio::test]
async fn the_first_of_two_keys_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    for key in ["first", "second"] {
        assert_eq!(alerts.keep_first(Document::Setting, "push_key", key).await.unwrap(), "first");
    }
}

#[tokio::test]
async fn journal_and_alerts_write_in_turns() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    let alerts = store.alerts.take().unwrap();
    let writes = async {
        for number in 1..=40 {
            alerts.commit(&fired([number], &["hook"])).await.unwrap();
        }
    };
    let appends = async {
        for _ in 0..40 {
            store.journal.append(&Commit { time: at(1), ..Commit::default() }).await.unwrap();
        }
    };
    tokio::join!(writes, appends);
    assert_eq!(alerts.waiting().await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_commit_that_is_cancelled_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    for number in 1..=20 {
        let commit = fired([number], &["hook"]);
        let cancelled = alerts.commit(&commit);
        // Polled once or a few times, then dropped wherever it is.
        tokio::select! {
            biased;
            result = cancelled => result.unwrap(),
            () = async { for _ in 0..number { tokio::task::yield_now().await } } => {}
        }
    }
    alerts.commit(&fired([100], &["hook"])).await.unwrap();
    assert_eq!(alerts.last_notice_id().await.unwrap(), 100);
}

#[tokio::test]
async fn an_older_file_gets_the_tables_and_backups_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DESK_FILE);
    let older = folder.path().join("older.db");
    Store::open(folder.path()).await.unwrap().close().await.unwrap();
    {
        // The form before: without the tables, and without the line that says so.
        let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        let access = ["recovery_codes", "tokens", "sessions", "users", "audit", "access_changes"];
        let alerts = ["deliveries", "notices", "signals", "alert_channels", "alert_documents"];
        for table in access.into_iter().chain(alerts) {
            sqlx::query(sqlx::AssertSqlSafe(format!("DROP TABLE {table}"))).execute(&mut connection).await.unwrap();
        }
        sqlx::query("DELETE FROM _sqlx_migrations WHERE version >= 2").execute(&mut connection).await.unwrap();
    }
    let contents = backup::backup(folder.path(), &older).await.unwrap();
    assert_eq!((contents.version, contents.n_rows.len()), (1, 5));
    let alerts = open(folder.path()).await;
    assert!(path.with_file_name(format!("{DESK_FILE}.before-4")).exists(), "a copy was kept");
    alerts.commit(&AlertCommit { channels: vec![webhook()], ..fired([1, 2], &["hook"]) }).await.unwrap();
    alerts.close().await;
    let newer = folder.path().join("newer.db");
    let contents = backup::backup(folder.path(), &newer).await.unwrap();
    assert_eq!(contents.version, 4);
    for (table, n_rows) in [("notices", 2), ("deliveries", 2), ("alert_channels", 1), ("signals", 0)] {
        assert!(contents.n_rows.contains(&(table, n_rows)), "{:?}", contents.n_rows);
    }
    backup::restore(folder.path(), &older).await.unwrap();
    assert_eq!(open(folder.path()).await.last_notice_id().await.unwrap(), 0);
    backup::restore(folder.path(), &newer).await.unwrap();
    let alerts = open(folder.path()).await;
    assert_eq!(alerts.last_notice_id().await.unwrap(), 2);
    assert_eq!(alerts.channels().await.unwrap()[0].channel, webhook());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_file_and_its_backups() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    // The journal stays open, so the log is the one that it began with.
    let mut store = Store::open(folder.path()).await.unwrap();
    let alerts = store.alerts.take().unwrap();
    alerts.commit(&fired([1], &[])).await.unwrap();
    let copy = folder.path().join("copy.db");
    backup::backup(folder.path(), &copy).await.unwrap();
    let log = folder.path().join(format!("{DESK_FILE}-wal"));
    for path in [folder.path().join(DESK_FILE), log, copy] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn the_file_is_locked_while_alerts_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    assert!(matches!(Store::open(folder.path()).await, Err(StoreError::Locked { .. })));
    drop(alerts);
    Store::open(folder.path()).await.unwrap();
}
