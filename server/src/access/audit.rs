//! The audit log: who did what, when and from where. Never a secret.
//!
//! Written by the task of access, so that no change waits for the disk; a reader waits for the lines noted before. A line
//! that cannot be kept stands in the server's own log.

use std::net::IpAddr;

use model::{access::UserName, time::Timestamp};
use store::access::AuditRow;
use tokio::sync::{mpsc, oneshot};

use super::caller::Caller;

/// The way to the audit log. Clones share it.
#[derive(Clone, Debug)]
pub struct AuditLog(mpsc::Sender<Entry>);

/// An entry of the queue to the task of access.
#[derive(Debug)]
pub enum Entry {
    /// A line to write.
    Line(Note),
    /// A reader that waits for the lines before it.
    Reader(oneshot::Sender<()>),
}

/// A line on its way.
#[derive(Clone, Debug)]
pub struct Note {
    user: Option<UserName>,
    address: Option<IpAddr>,
    action: &'static str,
    detail: String,
}

impl AuditLog {
    /// Returns a log and the entries for its writer.
    pub fn new() -> (Self, mpsc::Receiver<Entry>) {
        let (sender, entries) = mpsc::channel(MAX_WAITING);
        (Self(sender), entries)
    }

    /// Notes what a caller did, to whom or what.
    pub fn note(&self, caller: &Caller, action: &'static str, detail: impl Into<String>) {
        let note = Note { user: caller.user.clone(), address: caller.address, action, detail: detail.into() };
        let user = note.user.as_ref().map(UserName::as_str);
        tracing::info!(action, user, address = ?note.address, detail = note.detail, "audit");
        if self.0.try_send(Entry::Line(note)).is_err() {
            tracing::warn!(action, "the audit log takes no more lines; this one stands only here");
        }
    }

    /// Waits until the lines noted before are written, or nobody writes any more.
    pub async fn wait_written(&self) {
        let (reader, written) = oneshot::channel();
        if self.0.send(Entry::Reader(reader)).await.is_ok() {
            // An error is a writer that has stopped.
            let _stopped = written.await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_waits_for_the_lines_before_it() {
        let (log, mut entries) = AuditLog::new();
        log.note(&Caller::OWNER, "stop_feed", "");
        let reading = tokio::spawn(async move { log.wait_written().await });
        assert!(matches!(entries.recv().await, Some(Entry::Line(note)) if note.action == "stop_feed"));
        let Some(Entry::Reader(reader)) = entries.recv().await else { panic!("no reader waits") };
        assert!(!reading.is_finished());
        reader.send(()).unwrap();
        reading.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_a_writer_that_has_stopped() {
        let (log, entries) = AuditLog::new();
        drop(entries);
        log.wait_written().await;
    }
}
