//! Why the desk takes nothing, and what its callers and readers are told then.

use desk::rows::JournalState;
use model::trading::refusal::{DenyCode, Refusal};
use store::error::{StoreError, Trouble};

/// Why the desk takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The disk is full or refuses to write.
    Full,
    /// Another program is writing to the file.
    Busy,
    /// The file is damaged.
    Damaged,
    /// A record contradicted the state, or a commit broke a rule of the database: a fault of this program.
    Fault,
}

impl Halt {
    /// Returns what a failed write leads to.
    pub fn of(error: &StoreError) -> Self {
        match error.trouble() {
            Trouble::Full => Self::Full,
            Trouble::Busy => Self::Busy,
            Trouble::Damaged => Self::Damaged,
            Trouble::Fault => Self::Fault,
        }
    }

    /// True where the desk goes on by itself once the cause has ended.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Full | Self::Busy)
    }

    /// Returns what pages are told of the journal.
    pub fn journal(self) -> JournalState {
        match self {
            Self::Full => JournalState::Full,
            Self::Busy => JournalState::Busy,
            Self::Damaged => JournalState::Damaged,
            Self::Fault => JournalState::Fault,
        }
    }

    /// Returns the refusal of a command.
    pub fn refusal(self) -> Refusal {
        let (code, message) = match self {
            Self::Full => (
                DenyCode::StorageFull,
                "the journal cannot be written: the disk is full; free some space, the desk goes on by itself",
            ),
            Self::Busy => (
                DenyCode::Unavailable,
                "the journal cannot be written: another program holds its file; stop it, the desk goes on by itself",
            ),
            Self::Damaged => (
                DenyCode::Unavailable,
                "the journal is damaged; stop the server and restore a backup with `truetape restore`",
            ),
            Self::Fault => (
                DenyCode::Unavailable,
                "the desk has stopped after a fault of its own; restart the server and report its log",
            ),
        };
        Refusal::new(code, message)
    }

    /// Returns the sentence for every page.
    pub fn notice(self) -> &'static str {
        match self {
            Self::Full => "The paper desk takes no orders: its journal cannot be written. Free some disk space.",
            Self::Busy => "The paper desk takes no orders: another program holds its database. Stop that program.",
            Self::Damaged => "The paper desk takes no orders: its database is damaged. Restore a backup.",
            Self::Fault => "The paper desk takes no orders after a fault of its own. Restart the server.",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn each_trouble_is_told_apart() {
        #[track_caller]
        fn check(error: &StoreError, expected: Halt, code: DenyCode, is_temporary: bool) {
            let halt = Halt::of(error);
            assert_eq!((halt, halt.refusal().code, halt.is_temporary()), (expected, code, is_temporary), "{error}");
        }
        check(&StoreError::Full { detail: String::new() }, Halt::Full, DenyCode::StorageFull, true);
        check(&StoreError::Busy { detail: String::new() }, Halt::Busy, DenyCode::Unavailable, true);
        let damaged = StoreError::Damaged { path: PathBuf::new(), detail: String::new() };
        check(&damaged, Halt::Damaged, DenyCode::Unavailable, false);
        let broken = StoreError::OldSqlite { found: String::new(), needed: "" };
        check(&broken, Halt::Fault, DenyCode::Unavailable, false);
    }
}
