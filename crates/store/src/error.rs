//! The only error type of this crate.

use std::{
    io,
    path::{Path, PathBuf},
};

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
         start that one, or {}", way_back(copy.as_deref())
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
        /// The copy that was made before the update, if it is still there.
        copy: Option<PathBuf>,
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
    /// Another program is writing to the file.
    #[error("another program is writing to the database ({detail}); stop it")]
    Busy {
        /// SQLite's words.
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
    #[error("{table} row {row} cannot be read")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// The reason.
        source: serde_json::Error,
    },
    /// A file operation failed.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// SQLite failed otherwise.
    #[error("the database refuses")]
    Sql(#[source] sqlx::Error),
}

/// Meaning of an error for the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The same may succeed once there is room on the disk.
    Full,
    /// The same may succeed once another program lets go of the file.
    Busy,
    /// The file is damaged: it takes a backup.
    Damaged,
    /// A rule of the database is broken, or something else that never succeeds: a fault of this program.
    Fault,
}

impl StoreError {
    /// Returns what it means for whoever writes.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Full { .. } => Trouble::Full,
            Self::Busy { .. } | Self::Locked { .. } => Trouble::Busy,
            Self::Damaged { .. } | Self::BadRow { .. } => Trouble::Damaged,
            Self::Sql(error) if is_damage(error) => Trouble::Damaged,
            _ => Trouble::Fault,
        }
    }

    /// Names the file, where SQLite found it damaged.
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::Sql(error) if is_damage(&error) => Self::Damaged { path: path.to_owned(), detail: error.to_string() },
            error => error,
        }
    }
}

/// Returns how to go on with this program; what was written after the update is left aside then.
fn way_back(copy: Option<&Path>) -> String {
    match copy {
        Some(copy) => format!("go back to the state before the update with `truetape restore {}`", copy.display()),
        None => "restore a backup made before the update".to_owned(),
    }
}

/// True where SQLite says so, or where a value is not what its column holds.
fn is_damage(error: &sqlx::Error) -> bool {
    let is_value = matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_));
    let is_cut_off = extended_code(error) == Some(SQLITE_IOERR_SHORT_READ);
    is_value || is_cut_off || matches!(code(error), Some(SQLITE_CORRUPT | SQLITE_NOTADB))
}

/// Returns SQLite's result code, an extended one where there is one.
fn extended_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok())
}

/// Returns SQLite's primary result code; extended ones hold it in their lowest byte.
fn code(error: &sqlx::Error) -> Option<u32> {
    extended_code(error).map(|code| code & 0xff)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match code(&error) {
            // Whoever knows the file names it.
            _ if is_damage(&error) => Self::Sql(error),
            Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Busy { detail: error.to_string() },
            Some(SQLITE_FULL | SQLITE_IOERR | SQLITE_CANTOPEN | SQLITE_READONLY) => {
                Self::Full { detail: error.to_string() }
            }
            _ => Self::Sql(error),
        }
    }
}

// Result codes, https://www.sqlite.org/rescode.html.
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_READONLY: u32 = 8;
const SQLITE_IOERR: u32 = 10;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;
const SQLITE_NOTADB: u32 = 26;
const SQLITE_IOERR_SHORT_READ: u32 = 522;
