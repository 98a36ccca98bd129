//! The audit log: who did what, when and from where. Never a secret.
//!
//! Written by the task of access, so that nothing waits for the disk; a line that cannot be kept stands in the server's
//! own log.

use std::net::IpAddr;

use model::{access::UserName, time::Timestamp};
use store::access::AuditRow;
use tokio::sync::mpsc;

use super::caller::Caller;

/// The way to the audit log. Clones share it.
#[derive(Clone, Debug)]
pub struct AuditLog(mpsc::Sender<Note>);

/// A line on its way.
#[derive(Clone, Debug)]
pub struct Note {
    user: Option<UserName>,
    address: Option<IpAddr>,
    action: &'static str,
    detail: String,
}

impl AuditLog {
    /// Returns a log and the lines to write.
    pub fn new() -> (Self, mpsc::Receiver<Note>) {
        let (sender, notes) = mpsc::channel(MAX_WAITING);
        (Self(sender), notes)
    }

    /// Notes what a caller did, to whom or what.
    pub fn note(&self, caller: &Caller, action: &'static str, detail: impl Into<String>) {
        let note = Note { user: caller.user.clone(), address: caller.address, action, detail: detail.into() };
        let user = note.user.as_ref().map(UserName::as_str);
        tracing::info!(action, user, address = ?note.address, detail = note.detail, "audit");
        if self.0.try_send(note).is_err() {
            tracing::warn!(action, "the audit log takes no more lines; this one stands only here");
        }
    }
}

impl Note {
    /// Returns the line for the table.
    pub fn row(self, time: Timestamp) -> AuditRow {
        AuditRow {
            number: 0,
            time,
            user: self.user,
            address: self.address.map(|address| address.to_string()),
            action: self.action.to_owned(),
            detail: self.detail,
        }
    }
}

/// Lines that wait for the disk.
const MAX_WAITING: usize = 1_000;
