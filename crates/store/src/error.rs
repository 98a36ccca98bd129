//! The only error type of this crate.

use std::{io, path::PathBuf};

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the files open.
    #[error("{path} is in use by another truetape; stop it first")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The SQLite inside this program damages files under rare circumstances.
    #[error("SQLite {found} has a known fault in its write-ahead log; this program needs {needed} or newer")]
    OldSqlite {
        /// Its version.
        found: String,
        /// The first without the fault.
        needed: &'static str,
    },
    /// A newer program wrote the file.
    #[error(
        "{path} was written by a newer truetape (version {found} of its form, this program knows {known}); \
         start that one, or restore a backup made before the update"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The form of the file is not the one that was published under its version.
    #[error("{path}: migration {version} differs from the published one; restore a backup")]
    Altered {
        /// The file.
        path: PathBuf,
        /// The version.
        version: i64,
    },
    /// The file is damaged.
    #[error("{path} is damaged ({detail}); restore a backup with `truetape restore`")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first finding.
        detail: String,
    },
    /// The disk is full or refuses to write.
    #[error("the disk refuses to write ({detail}); free some space")]
    Full {
        /// The system's words.
        detail: String,
    },
    /// A backup file that cannot be used.
    #[error("{path} is not a usable backup: {detail}")]
    BadBackup {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A row that this program cannot read.
    #[error("{table} row {row} cannot be read: {source}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// The reason.
        source: serde_json::Error,
    },
    /// A file operation failed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// SQLite failed otherwise.
    #[error("the database refuses: {0}")]
    Sql(#[source] sqlx::Error),
}

impl StoreError {
    /// True where the same may succeed once there is room on the disk.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        match code.map(|code| code & 0xff) {
            Some(SQLITE_FULL | SQLITE_IOERR | SQLITE_CANTOPEN | SQLITE_READONLY) => {
                Self::Full { detail: error.to_string() }
            }
            _ => Self::Sql(error),
        }
    }
}

// Primary result codes, https://www.sqlite.org/rescode.html; extended ones hold them in their lowest byte.
const SQLITE_READONLY: u32 = 8;
const SQLITE_IOERR: u32 = 10;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;
