//! Opening the files: the lock, SQLite's version, integrity, and migrations that go forward only.
//!
//! Before a migration changes an existing file, a copy of it is put beside it. A file of a newer form is refused.

use std::{
    borrow::Cow,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    alerts::Alerts, backup, candles::Candles, error::StoreError, journal::Journal, lists::Lists, turns::Turns,
};

/// The file of the desk in the data folder.
pub const DESK_FILE: &str = "truetape.db";
/// The file of the candles.
pub const CANDLE_FILE: &str = "candles.db";
const LOCK_FILE: &str = "truetape.lock";

static DESK_MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
static CANDLE_MIGRATIONS: Migrator = sqlx::migrate!("./candle_migrations");

/// The open files of a data folder, for as long as the process lives.
#[derive(Debug)]
pub struct Store {
    /// The desk's one writer.
    pub journal: Journal,
    /// Lists made from the journal.
    pub lists: Lists,
    /// Storage of alerts; `None` once it was handed to their own tasks, which close it.
    pub alerts: Option<Alerts>,
    /// Kept candles; `None` once they were handed to their own task.
    pub candles: Option<Candles>,
    /// Holds the lock.
    pub lock: Arc<Lock>,
}

/// Keeps other processes off the files until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the file is the lock")] File);

impl Lock {
    /// Takes the lock of a data folder.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be written.
    pub fn take(data_dir: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(data_dir).map_err(|source| StoreError::File { path: data_dir.to_owned(), source })?;
        let path = data_dir.join(LOCK_FILE);
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|source| StoreError::File { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path }),
            Err(TryLockError::Error(source)) => Err(StoreError::File { path, source }),
        }
    }
}

impl Store {
    /// Opens the files of a data folder, creating what is missing, and checks them.
    ///
    /// # Errors
    /// Another process has them, they are damaged, or a newer program wrote them.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let lock = Arc::new(Lock::take(data_dir)?);
        let desk_path = data_dir.join(DESK_FILE);
        keep_private(&desk_path)?;
        let mut writer = open_writer(&desk_path, SqliteSynchronous::Full, &DESK_MIGRATIONS).await?;
        assert_sqlite(&mut writer).await?;
        let candle_path = data_dir.join(CANDLE_FILE);
        let candle_writer = open_writer(&candle_path, SqliteSynchronous::Normal, &CANDLE_MIGRATIONS).await?;
        let turns = Turns::new();
        let alert_writer = shared_options(&desk_path);
        let alert_readers = read_pool(&desk_path);
        let alerts = Alerts::new(alert_writer, alert_readers, turns.clone(), desk_path.clone(), Arc::clone(&lock));
        Ok(Self {
            journal: Journal::new(writer, desk_path.clone(), turns),
            lists: Lists::new(read_pool(&desk_path)),
            alerts: Some(alerts),
            candles: Some(Candles::new(candle_writer)),
            lock,
        })
    }

    /// Closes the files in order: the write-ahead log becomes part of its file, then the lock is given back.
    ///
    /// # Errors
    /// A file refuses; nothing is lost, the next start reads the log.
    pub async fn close(self) -> Result<(), StoreError> {
        let Self { journal, lists, alerts, candles, lock } = self;
        lists.close().await;
        if let Some(alerts) = alerts {
            alerts.close().await;
        }
        let journal = journal.close().await;
        let candles = match candles {
            Some(candles) => candles.close().await,
            None => Ok(()),
        };
        drop(lock);
        journal.and(candles)
    }
}

/// Opens a file for its one writer: checks it, and brings it to the newest form.
async fn open_writer(
    path: &Path,
    synchronous: SqliteSynchronous,
    migrations: &Migrator,
) -> Result<SqliteConnection, StoreError> {
    let is_new = !path.exists();
    let mut writer = damaged_at(path, writer_options(path, synchronous).connect().await)?;
    if !is_new {
        quick_check(&mut writer, path).await?;
    }
    migrate(&mut writer, path, migrations).await.map_err(|error| error.at(path))?;
    Ok(writer)
}

/// Brings the desk's file to the newest form; the caller has the lock.
///
/// # Errors
/// It is damaged, or a newer program wrote it.
pub(crate) async fn prepare_desk(path: &Path) -> Result<(), StoreError> {
    keep_private(path)?;
    let mut writer = open_writer(path, SqliteSynchronous::Full, &DESK_MIGRATIONS).await?;
    assert_sqlite(&mut writer).await?;
    Ok(writer.close().await?)
}

/// Options for a connection to the desk's file beside its one writer.
pub(crate) fn shared_options(path: &Path) -> SqliteConnectOptions {
    writer_options(path, SqliteSynchronous::Full).create_if_missing(false)
}

fn writer_options(path: &Path, synchronous: SqliteSynchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
}

/// Creates the file where it is missing, before SQLite does, and lets its owner alone read it: it holds the secrets of
/// channels. SQLite gives its log the rights of the file; a log that is there already gets them here.
pub(crate) fn keep_private(path: &Path) -> Result<(), StoreError> {
    let error = |source| StoreError::File { path: path.to_owned(), source };
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600).open(path).map_err(error)?;
        for suffix in ["", "-wal", "-shm"] {
            let file = PathBuf::from(format!("{}{suffix}", path.display()));
            if file.exists() {
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).map_err(error)?;
            }
        }
    }
    #[cfg(not(unix))]
    options.open(path).map_err(error)?;
    Ok(())
}

fn read_pool(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    SqlitePoolOptions::new().max_connections(MAX_READERS).connect_lazy_with(options)
}

/// Returns the version of the SQLite inside this program.
///
/// # Errors
/// It has a fault that can damage files.
pub async fn sqlite_version() -> Result<String, StoreError> {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
    let found = assert_sqlite(&mut connection).await?;
    connection.close().await?;
    Ok(found)
}

async fn assert_sqlite(connection: &mut SqliteConnection) -> Result<String, StoreError> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await?;
    let number = |text: &str| text.split('.').filter_map(|part| part.parse::<u32>().ok()).collect::<Vec<_>>();
    if number(&found) < number(OLDEST_SQLITE) {
        return Err(StoreError::OldSqlite { found, needed: OLDEST_SQLITE });
    }
    Ok(found)
}

/// Reads every page once and compares what must agree.
///
/// # Errors
/// The file is damaged.
pub(crate) async fn quick_check(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let found: Result<String, _> = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(connection).await;
    match damaged_at(path, found)?.as_str() {
        "ok" => Ok(()),
        detail => Err(StoreError::Damaged { path: path.to_owned(), detail: detail.to_owned() }),
    }
}

/// Reads every page and every index.
///
/// # Errors
/// The file is damaged.
pub(crate) async fn whole_check(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let found: Result<String, _> = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(connection).await;
    match damaged_at(path, found)?.as_str() {
        "ok" => Ok(()),
        detail => Err(StoreError::Damaged { path: path.to_owned(), detail: detail.to_owned() }),
    }
}

/// Gives SQLite's words for a damaged file our own.
pub(crate) fn damaged_at<T>(path: &Path, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::from(error).at(path))
}

/// Returns the version of the file's form; 0 for an empty one.
pub(crate) async fn version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let has_table = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let n_tables: i64 = sqlx::query_scalar(has_table).fetch_one(&mut *connection).await?;
    if n_tables == 0 {
        return Ok(0);
    }
    let newest = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations";
    Ok(sqlx::query_scalar(newest).fetch_one(connection).await?)
}

/// Returns the newest form that this program knows.
pub(crate) fn newest_version() -> i64 {
    newest_of(&DESK_MIGRATIONS)
}

fn newest_of(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}

async fn migrate(connection: &mut SqliteConnection, path: &Path, migrations: &Migrator) -> Result<(), StoreError> {
    let (found, known) = (version(connection).await?, newest_of(migrations));
    if found > known {
        return Err(newer(path, found, known));
    }
    if 0 < found && found < known {
        let copy = copy_before(path, known);
        tracing::info!(file = %path.display(), copy = %copy.display(), "the form of the database changes; a copy is kept");
        backup::copy_to(connection, &copy).await?;
    }
    migrations.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::VersionMismatch(version) => StoreError::Altered { path: path.to_owned(), version },
        MigrateError::VersionMissing(found) => newer(path, found, known),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        error => StoreError::Sql(sqlx::Error::Migrate(Box::new(error))),
    })
}

/// Returns the error for a file of a newer form, with the copy of the first update beyond what this program knows.
pub(crate) fn newer(path: &Path, found: i64, known: i64) -> StoreError {
    let versions = (known + 1..=found).take(MAX_VERSIONS);
    let copy = versions.map(|version| copy_before(path, version)).find(|copy| copy.exists());
    StoreError::Newer { path: path.to_owned(), found, known, copy }
}

fn copy_before(path: &Path, version: i64) -> PathBuf {
    let name = path.file_name().map_or(Cow::Borrowed(DESK_FILE), |name| name.to_string_lossy());
    path.with_file_name(format!("{name}.before-{version}"))
}

/// Opens a file to read it alone, as a backup or for a check.
///
/// # Errors
/// It cannot be opened.
pub(crate) async fn open_to_read(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    damaged_at(path, SqliteConnection::connect_with(&options).await)
}

/// The first version without the fault of the write-ahead log that can damage a file
/// (<https://www.sqlite.org/wal.html>, "The WAL-Reset Bug").
const OLDEST_SQLITE: &str = "3.51.3";
/// Versions whose copies are looked for; a file may name any number.
const MAX_VERSIONS: usize = 1_000;
/// Lists are read by people: a few at once.
const MAX_READERS: u32 = 4;

#[cfg(test)]
mod tests;
