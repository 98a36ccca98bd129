//! The task of access: sees changes made elsewhere, ends what is over by time, and writes the audit log.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{
    Access, AccessError, LOOK_EVERY,
    audit::{Entry, Note},
};

/// Runs until the shutdown; lines of the audit log that wait then are written.
pub(super) async fn run(access: Access, mut entries: mpsc::Receiver<Entry>, stopping: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut n_ticks = 0_u32;
    loop {
        tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            Some(entry) = entries.recv() => take(&access, entry).await,
            _ = ticks.tick() => {
                n_ticks = n_ticks.wrapping_add(1);
                if let Err(error) = look(&access, n_ticks.is_multiple_of(TICKS_OF_SEEN)).await {
                    tracing::warn!(%error, "cannot read who has access; the last known users stay valid");
                }
            }
        }
    }
    while let Ok(entry) = entries.try_recv() {
        take(&access, entry).await;
    }
    if let Some(tables) = access.0.tables.get() {
        let seen = access.roster().take_seen();
        if let Err(error) = tables.note_seen(&seen).await {
            tracing::warn!(%error, "the last uses of sessions are not kept");
        }
        if let Err(error) = tables.close().await {
            tracing::warn!(%error, "the tables of access are not closed cleanly; nothing is lost");
        }
    }
}

/// Looks for changes; writes the times of use once a minute.
async fn look(access: &Access, is_minute: bool) -> Result<(), AccessError> {
    if access.0.tables.get().is_none() && !access.has_file() {
        return Ok(());
    }
    let tables = access.tables().await?;
    let expired = access.roster().expire(access.0.clock.now().wall, access.times());
    tables.remove_sessions(&expired).await?;
    if tables.n_changes().await? != access.0.n_changes.load(Ordering::Relaxed) {
        access.reload().await?;
    }
    if is_minute {
        let seen = access.roster().take_seen();
        tables.note_seen(&seen).await?;
    }
    Ok(())
}

async fn take(access: &Access, entry: Entry) {
    match entry {
        Entry::Line(note) => write(access, note).await,
        Entry::Reader(reader) => {
            let _gone = reader.send(());
        }
    }
}

async fn write(access: &Access, note: Note) {
    // A server without users and without a file keeps no log.
    let Some(tables) = access.0.tables.get() else { return };
    if let Err(error) = tables.note(&note.row(access.0.clock.now().wall)).await {
        tracing::warn!(%error, "a line of the audit log is not kept");
    }
}

/// Looks between two writings of the times of use.
const TICKS_OF_SEEN: u32 = Duration::from_secs(60).as_millis().div_ceil(LOOK_EVERY.as_millis()) as u32;
