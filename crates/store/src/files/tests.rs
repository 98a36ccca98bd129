//! Migrations from every older version: what a file held is there afterwards, also where the process was killed at any
//! write of it.
//!
//! A migration is added with a line in [`FIXTURES`] for the version that it comes from. The newest version is tested with
//! a migration that only this test knows.

use std::{fs, process::Command};

use sqlx::{
    Row, SqlStr,
    migrate::{Migration, MigrationType},
};

use super::*;

/// Statements that fill a file of the first version, as its program would have.
macro_rules! first_version {
    () => {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) \
         INSERT INTO journal (seq, time_ns, body) SELECT i, i * 1000, '{\"restarted\":{\"time\":' || i || '}}' FROM n; \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) \
         INSERT INTO orders (order_id, account, client_order_id, instrument, is_open, created_ns, body) \
         SELECT i, 'paper', 'c-' || i, 'demo:AAABBB', i % 2, i, printf('{\"order_id\":\"%d\",\"text\":\"%0300d\"}', i, i) FROM n; \
         INSERT INTO fills (seq, fill_id, order_id, account, instrument, side, time_ns, body) \
         SELECT order_id, order_id || '-1', order_id, account, instrument, 'buy', created_ns, body FROM orders; \
         INSERT INTO equity (account, time_ns, equity) VALUES ('paper', 1, '100000');"
    };
}

/// Statements that fill a file of the second version.
macro_rules! second_version {
    () => {
        concat!(
            first_version!(),
            "INSERT INTO alert_documents (kind, id, body) VALUES ('alert_rule', 'a', '{}'); \
             INSERT INTO alert_channels (channel_id, body, secrets, state) VALUES ('hook', '{}', '{\"secret\":\"s\"}', '{}'); \
             INSERT INTO notices (notice_id, rule_id, fired_ns, n_folded, body) SELECT order_id, 'a', 1, 0, '{}' FROM orders; \
             INSERT INTO deliveries (notice_id, channel_id, state, created_ns, next_ns) \
             SELECT notice_id, 'hook', 'pending', 1, 1 FROM notices; \
             INSERT INTO signals (rule_id, signal_key, time_ns, body) VALUES ('s', 'k', 1, '{}');"
        )
    };
}

/// Statements that fill a file of the third version.
macro_rules! third_version {
    () => {
        concat!(
            second_version!(),
            "INSERT INTO users (name, role, password, created_ns) VALUES ('ada', 'admin', 'hash', 1); \
             INSERT INTO sessions (digest, session_id, user, created_ns, seen_ns, address, agent) \
             VALUES (x'01', 's', 'ada', 1, 1, '127.0.0.1', 'browser'); \
             INSERT INTO tokens (digest, token_id, user, label, scope, created_ns) \
             VALUES (x'02', 't', 'ada', 'bot', 'viewer', 1); \
             INSERT INTO audit (time_ns, user, action, detail) VALUES (1, 'ada', 'login', '');"
        )
    };
}

/// For each version: the statements that fill a file of it, and the number of rows that they make.
const FIXTURES: [(i64, &str, usize); 4] = [
    (1, first_version!(), 601),
    (2, second_version!(), 1_004),
    (3, third_version!(), 1_008),
    (4, concat!(third_version!(), "INSERT INTO recovery_codes (user, digest) VALUES ('ada', x'03');"), 1_009),
];

/// The migrations of this program and one that is still to come: a column, a table, and rows that change.
fn with_next() -> Migrator {
    let sql = "ALTER TABLE orders ADD COLUMN note TEXT; \
               CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT; \
               INSERT INTO notes (body) SELECT body FROM orders; \
               INSERT INTO notes (body) SELECT body || id FROM notes; \
               UPDATE orders SET note = 'none'; \
               CREATE INDEX notes_by_body ON notes (body);";
    let version = newest_of(&DESK_MIGRATIONS) + 1;
    let next = Migration::new(version, "next".into(), MigrationType::Simple, SqlStr::from_static(sql), false);
    let all = DESK_MIGRATIONS.iter().cloned().chain([next]);
    Migrator { migrations: all.collect::<Vec<_>>().into(), ..Migrator::DEFAULT }
}

/// Writes a file of an older version.
async fn write_old(path: &Path, version: i64, fixture: &'static str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap();
    DESK_MIGRATIONS.run_direct(Some(version), &mut connection, false).await.unwrap();
    sqlx::raw_sql(fixture).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Returns what the tables hold that a version has.
async fn contents(connection: &mut SqliteConnection, of_version: i64) -> Vec<String> {
    let mut contents = Vec::new();
    for (since, select) in [
        (1, "SELECT seq || ' ' || time_ns || ' ' || body FROM journal ORDER BY seq"),
        (1, "SELECT order_id || ' ' || client_order_id || ' ' || is_open || ' ' || body FROM orders ORDER BY order_id"),
        (1, "SELECT seq || ' ' || fill_id || ' ' || body FROM fills ORDER BY seq"),
        (1, "SELECT account || ' ' || time_ns || ' ' || equity FROM equity"),
        (2, "SELECT kind || ' ' || id || ' ' || body FROM alert_documents"),
        (2, "SELECT channel_id || ' ' || body || ' ' || secrets || ' ' || state FROM alert_channels"),
        (2, "SELECT notice_id || ' ' || rule_id || ' ' || body FROM notices ORDER BY notice_id"),
        (2, "SELECT notice_id || ' ' || channel_id || ' ' || state FROM deliveries ORDER BY notice_id"),
        (2, "SELECT rule_id || ' ' || signal_key || ' ' || body FROM signals"),
        (3, "SELECT name || ' ' || role || ' ' || password FROM users"),
        (3, "SELECT session_id || ' ' || user || ' ' || hex(digest) FROM sessions"),
        (3, "SELECT token_id || ' ' || user || ' ' || scope || ' ' || hex(digest) FROM tokens"),
        (3, "SELECT number || ' ' || user || ' ' || action FROM audit"),
        (4, "SELECT user || ' ' || hex(digest) FROM recovery_codes"),
    ] {
        if since <= of_version {
            let rows = sqlx::query(select).fetch_all(&mut *connection).await.unwrap();
            contents.extend(rows.iter().map(|row| row.get::<String, _>(0)));
        }
    }
    contents
}

async fn contents_of(path: &Path) -> (i64, Vec<String>) {
    let mut connection = open_to_read(path).await.unwrap();
    whole_check(&mut connection, path).await.unwrap();
    let version = version(&mut connection).await.unwrap();
    (version, contents(&mut connection, version).await)
}

#[tokio::test]
async fn every_older_version_becomes_the_newest() {
    let newest = newest_of(&DESK_MIGRATIONS);
    assert_eq!(
        FIXTURES.map(|(version, ..)| version).to_vec(),
        (1..=newest).collect::<Vec<_>>(),
        "one for each version"
    );
    for (from, fixture, n_rows) in FIXTURES {
        for migrations in [&DESK_MIGRATIONS, &with_next()] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(DESK_FILE);
            write_old(&path, from, fixture).await;
            let before = contents_of(&path).await;
            assert_eq!((before.0, before.1.len()), (from, n_rows));
            let mut writer = open_writer(&path, SqliteSynchronous::Full, migrations).await.unwrap();
            let to = newest_of(migrations);
            assert_eq!(version(&mut writer).await.unwrap(), to);
            assert_eq!(contents(&mut writer, from).await, before.1);
            let copy = copy_before(&path, to);
            assert_eq!(copy.exists(), from < to);
            if copy.exists() {
                assert_eq!(contents_of(&copy).await, before, "the copy is the file as it was");
            }
        }
    }
}

/// The way back from an update: the older program names the copy, and restoring it gives the state before the update.
#[tokio::test]
async fn an_older_program_names_the_copy_that_it_can_go_back_to() {
    let (from, fixture, _) = FIXTURES[FIXTURES.len() - 1];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DESK_FILE);
    write_old(&path, from, fixture).await;
    let before = contents_of(&path).await;
    open_writer(&path, SqliteSynchronous::Full, &with_next()).await.unwrap().close().await.unwrap();
    let updated = fs::read(&path).unwrap();
    for names_copy in [true, false] {
        let refused = open_writer(&path, SqliteSynchronous::Full, &DESK_MIGRATIONS).await.unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), updated, "left alone");
        let copy = copy_before(&path, from + 1);
        assert!(
            matches!(&refused, StoreError::Newer { copy: named, .. } if named.is_some() == names_copy),
            "{refused}"
        );
        let command = format!("`truetape restore {}`", copy.display());
        assert_eq!(refused.to_string().contains(&command), names_copy, "{refused}");
        if names_copy {
            let (contents, kept) = backup::restore(folder.path(), &copy).await.unwrap();
            assert_eq!((contents.version, contents_of(&path).await), (from, before.clone()));
            let mut writer = open_writer(&path, SqliteSynchronous::Full, &DESK_MIGRATIONS).await.unwrap();
            assert_eq!(version(&mut writer).await.unwrap(), from);
            writer.close().await.unwrap();
            // The updated file again, now without a copy beside it.
            fs::remove_file(copy).unwrap();
            fs::rename(kept.unwrap(), &path).unwrap();
        }
    }
}

/// The process that is killed: opens the folder that it is given, and is no test without one.
#[tokio::test]
async fn opens_the_folder_that_it_is_given() {
    if let Some(path) = std::env::var_os(FOLDER) {
        open_writer(Path::new(&path), SqliteSynchronous::Full, &with_next()).await.unwrap();
    }
}

/// The limit on the size of files ends the process at the first write beyond it; larger by 4 KiB each time, it ends it
/// at one write after another: of the copy, of the log, and of the file itself.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_migration_that_is_killed_at_any_write_is_made_at_the_next_start() {
    use std::os::unix::process::ExitStatusExt;

    let script = format!("ulimit -c 0; ulimit -f $LIMIT; exec \"$0\" --exact {CHILD} --nocapture >/dev/null 2>&1");
    let (mut n_kills, mut was_copied) = (0, [false; 2]);
    let (from, fixture, _) = FIXTURES[FIXTURES.len() - 1];
    let old = tempfile::tempdir().unwrap();
    write_old(&old.path().join(DESK_FILE), from, fixture).await;
    let before = contents_of(&old.path().join(DESK_FILE)).await;
    for step in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        fs::copy(old.path().join(DESK_FILE), &path).unwrap();
        let mut child = Command::new("sh");
        child.args(["-c", &script]).arg(std::env::current_exe().unwrap());
        let status = child.env("LIMIT", (8 * step).to_string()).env(FOLDER, &path).status().unwrap();
        if status.success() {
            assert_eq!(contents_of(&path).await.0, newest_of(&with_next()));
            break;
        }
        n_kills += 1;
        assert!(status.signal().is_some(), "{status}");
        was_copied[usize::from(copy_before(&path, newest_of(&with_next())).exists())] = true;
        let mut writer = open_writer(&path, SqliteSynchronous::Full, &with_next()).await.unwrap();
        assert_eq!(version(&mut writer).await.unwrap(), newest_of(&with_next()), "killed at {} KiB", 4 * step);
        assert_eq!(contents(&mut writer, from).await, before.1, "killed at {} KiB", 4 * step);
        assert_eq!(contents_of(&copy_before(&path, newest_of(&with_next()))).await, before);
    }
    println!("{n_kills} kills during a migration, each made good at the next start");
    assert!(n_kills > 5 && was_copied == [true; 2], "{n_kills} kills, copied {was_copied:?}");
}

const FOLDER: &str = "STORE_TEST_FILE";
const CHILD: &str = "files::tests::opens_the_folder_that_it_is_given";
