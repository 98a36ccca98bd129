//! Backups of the desk's file: a consistent copy while the desk runs, checked before it counts, and the way back.
//!
//! A copy of the file alone would miss what is still in the write-ahead log; SQLite's own `VACUUM INTO` does not. The
//! copy is written under another name, checked, put on disk with its folder, and only then renamed.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use sqlx::{Connection, SqliteConnection};

use crate::{
    error::StoreError,
    files::{self, DESK_FILE, Lock},
};

/// Contents of a checked file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The version of the file's form.
    pub version: i64,
    /// Rows of each table of the desk, by name.
    pub n_rows: Vec<(&'static str, i64)>,
}

/// Copies the desk's file of a data folder to `target`, whether or not a server is running on it.
///
/// # Errors
/// There is no file, it is damaged, or the copy cannot be written; an older backup at `target` is still there.
pub async fn backup(data_dir: &Path, target: &Path) -> Result<Contents, StoreError> {
    let source = existing(&data_dir.join(DESK_FILE))?;
    let mut connection = files::open_to_read(&source).await?;
    let part = target.with_extension("part");
    remove(&part)?;
    let copied = copy_into(&mut connection, &part).await;
    connection.close().await?;
    copied?;
    let contents = check_file(&part).await?;
    put_in_place(&part, target)?;
    Ok(contents)
}

/// Puts a backup in the place of the desk's file; that one is kept beside it under the returned name.
///
/// # Errors
/// A server is running on the folder, or the backup is no usable one; nothing has changed then.
pub async fn restore(data_dir: &Path, source: &Path) -> Result<(Contents, Option<PathBuf>), StoreError> {
    let _lock = Lock::take(data_dir)?;
    let source = existing(source)?;
    let contents = check_file(&source).await?;
    let known = files::newest_version();
    if contents.version > known {
        return Err(files::newer(&source, contents.version, known));
    }
    if contents.version == 0 {
        return Err(StoreError::BadBackup { path: source, detail: "it holds no desk".to_owned() });
    }
    let target = data_dir.join(DESK_FILE);
    let part = target.with_extension("part");
    std::fs::copy(&source, &part).map_err(|error| file_error(&part, error))?;
    check_file(&part).await?;
    let kept = keep_older(&target)?;
    put_in_place(&part, &target)?;
    Ok((contents, kept))
}

/// Reads every page and index of the desk's file of a data folder.
///
/// # Errors
/// There is no file, it is damaged, or a newer program wrote it.
pub async fn check(data_dir: &Path) -> Result<Contents, StoreError> {
    check_file(&existing(&data_dir.join(DESK_FILE))?).await
}

async fn check_file(path: &Path) -> Result<Contents, StoreError> {
    contents(path).await.map_err(|error| error.at(path))
}

async fn contents(path: &Path) -> Result<Contents, StoreError> {
    let mut connection = files::open_to_read(path).await?;
    files::whole_check(&mut connection, path).await?;
    let version = files::version(&mut connection).await?;
    let mut n_rows = Vec::new();
    if version > 0 {
        // A backup made before an update lacks the tables that came with it.
        for (_, table, count) in COUNTS.iter().filter(|(since, ..)| *since <= version) {
            n_rows.push((*table, sqlx::query_scalar(*count).fetch_one(&mut connection).await?));
        }
    }
    connection.close().await?;
    Ok(Contents { version, n_rows })
}

/// Puts a consistent copy of an open file at `target`; one that was not finished does not count.
pub(crate) async fn copy_to(connection: &mut SqliteConnection, target: &Path) -> Result<(), StoreError> {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    remove(&part)?;
    copy_into(connection, &part).await?;
    put_in_place(&part, target)
}

/// Writes a consistent copy of an open file.
async fn copy_into(connection: &mut SqliteConnection, target: &Path) -> Result<(), StoreError> {
    let text = target.to_string_lossy();
    sqlx::query("VACUUM INTO ?1").bind(text.as_ref()).execute(connection).await?;
    files::keep_private(target)?;
    sync(target)
}

/// Moves the file and its log aside; returns the new name.
fn keep_older(target: &Path) -> Result<Option<PathBuf>, StoreError> {
    if !target.exists() {
        return Ok(None);
    }
    let kept = (1..).map(|number| target.with_extension(format!("db.replaced-{number}"))).find(|path| !path.exists());
    let kept = kept.expect("invariant: the numbers do not end");
    // The log belongs to its file: without it, the newest commits would be lost.
    for suffix in ["", "-wal", "-shm"] {
        let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        let (from, to) = (with(target), with(&kept));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|error| file_error(&from, error))?;
        }
    }
    Ok(Some(kept))
}

fn put_in_place(part: &Path, target: &Path) -> Result<(), StoreError> {
    sync(part)?;
    std::fs::rename(part, target).map_err(|error| file_error(target, error))?;
    match target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => sync(folder),
        None => Ok(()),
    }
}

fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| file_error(path, error))
}

fn existing(path: &Path) -> Result<PathBuf, StoreError> {
    match path.metadata() {
        Ok(_) => Ok(path.to_owned()),
        Err(error) => Err(file_error(path, error)),
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(path, error)),
        _ => Ok(()),
    }
}

fn file_error(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File { path: path.to_owned(), source }
}

/// The version of the form that brought a table, the table, and its count.
const COUNTS: [(i64, &str, &str); 15] = [
    (1, "journal", "SELECT count(*) FROM journal"),
    (1, "orders", "SELECT count(*) FROM orders"),
    (1, "fills", "SELECT count(*) FROM fills"),
    (1, "round_trips", "SELECT count(*) FROM round_trips"),
    (1, "equity", "SELECT count(*) FROM equity"),
    (2, "alert_documents", "SELECT count(*) FROM alert_documents"),
    (2, "alert_channels", "SELECT count(*) FROM alert_channels"),
    (2, "notices", "SELECT count(*) FROM notices"),
    (2, "deliveries", "SELECT count(*) FROM deliveries"),
    (2, "signals", "SELECT count(*) FROM signals"),
    (3, "users", "SELECT count(*) FROM users"),
    (3, "sessions", "SELECT count(*) FROM sessions"),
    (3, "tokens", "SELECT count(*) FROM tokens"),
    (4, "recovery_codes", "SELECT count(*) FROM recovery_codes"),
    (3, "audit", "SELECT count(*) FROM audit"),
];
