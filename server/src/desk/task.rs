//! The desk's loop: the market, commands and time in; the journal, answers and topics out.

use std::time::Duration;

use anyhow::Context;
use desk::{
    config::DeskConfig,
    desk::{Desk, Effects},
    reconcile::{Mismatch, Reconciliation},
    state::{SNAPSHOT_FORM, Saved},
};
use futures::FutureExt;
use model::{
    access::Role,
    desk_feed::DeskUpdate,
    instrument::InstrumentId,
    time::{Monotonic, Now, Timestamp},
    trading::{
        account::AccountId,
        command::{DeskCommand, DeskReply, Kill, KillReport},
    },
};
use portfolio::round_trip::RoundTrip;
use store::{
    error::StoreError,
    files::Store,
    journal::{Commit, Journal, RoundTripRow, Snapshot},
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    halt::Halt,
    handle::{Answer, DeskHandle, Request},
    market::Market,
    publisher::Publisher,
    replay::ReplayDesks,
};
use crate::{
    clock::Clock,
    metrics::counters::{StoreCounters, trading::TradingCounters},
    notices::Notices,
    shutdown::Shutdown,
};

/// Parts of the server that the task needs.
#[derive(Debug)]
pub struct DeskParts {
    /// The settings.
    pub config: DeskConfig,
    /// The open files.
    pub store: Store,
    /// The feeds.
    pub market: Market,
    /// The topics.
    pub publisher: Publisher,
    /// The desk of the replay, for the handle.
    pub replay: ReplayDesks,
    /// The clocks.
    pub clock: Clock,
    /// Tells people that the disk is full.
    pub notices: Notices,
    /// Counts commands and what came of them.
    pub counters: TradingCounters,
    /// Counts commits.
    pub commits: StoreCounters,
}

/// Restores the desk and starts its task.
///
/// # Errors
/// The journal cannot be read, or contradicts itself.
pub async fn start(mut parts: DeskParts, shutdown: &Shutdown) -> anyhow::Result<DeskHandle> {
    let default_account = parts.config.default_account.account.clone();
    let (lists, replay) = (parts.store.lists.clone(), parts.replay.clone());
    let mut desk = restore(&parts.config, &mut parts.store.journal).await.context("restore the trading desk")?;
    let mismatches = reconcile(&desk, &mut parts.store.journal).await.context("compare the desk with its lists")?;
    for mismatch in &mismatches {
        let Mismatch { account, what, expected, found } = mismatch;
        tracing::error!(%account, what, expected, found, "the desk's state and the lists of orders and fills differ");
        desk.report(mismatch);
    }
    if let Some(Mismatch { what, .. }) = mismatches.first() {
        let sentence =
            format!("The paper desk's records differ ({what}). See its events, and restore a backup if need be.");
        parts.notices.show(MISMATCH_NOTICE, Role::Viewer, sentence, parts.clock.now().monotonic);
    }
    let (requests, received) = mpsc::channel(MAX_REQUESTS);
    let mut task =
        DeskTask { next_try: Monotonic::ZERO, n_since_snapshot: 0, halt: None, unwritten_kill: None, parts, desk };
    task.begin().await;
    shutdown.tasks.spawn(task.run(received, shutdown.stopping.clone()));
    Ok(DeskHandle::new(requests, lists, replay, default_account))
}

/// Reads the desk from disk: the newest snapshot and the records after it.
async fn restore(config: &DeskConfig, journal: &mut Journal) -> anyhow::Result<Desk> {
    let snapshot = journal.snapshot(SNAPSHOT_FORM).await?;
    let mut seq = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
    let saved = match snapshot {
        Some(snapshot) => Some(Saved { body: snapshot.body, round_trips: round_trips(journal).await? }),
        None => None,
    };
    let mut desk = Desk::restore(config.clone(), saved, [])?;
    loop {
        let records = journal.records_after(seq, READ_AT_ONCE).await?;
        let Some((last, _)) = records.last() else { return Ok(desk) };
        seq = *last;
        desk.replay(records.iter().map(|(_, record)| record))?;
    }
}

async fn round_trips(journal: &mut Journal) -> anyhow::Result<Vec<(AccountId, RoundTrip)>> {
    let rows = journal.round_trips().await?;
    let read = |((account, body), row): ((String, String), u64)| {
        let unreadable = |source| StoreError::BadRow { table: "round_trips", row: row.to_string(), source };
        Ok((AccountId::parse(&account)?, serde_json::from_str(&body).map_err(unreadable)?))
    };
    rows.into_iter().zip(1..).map(read).collect()
}

/// Compares the desk with the lists of orders and fills.
async fn reconcile(desk: &Desk, journal: &mut Journal) -> Result<Vec<Mismatch>, StoreError> {
    let mut comparison = Reconciliation::of(desk.state());
    let mut after = 0;
    loop {
        let fills = journal.fills_after(after, READ_AT_ONCE).await?;
        let Some((last, _)) = fills.last() else { break };
        after = *last;
        fills.iter().for_each(|(_, fill)| comparison.fill(fill));
    }
    after = 0;
    loop {
        let orders = journal.orders_after(after, READ_AT_ONCE).await?;
        let Some((last, _)) = orders.last() else { return Ok(comparison.finish()) };
        after = *last;
        orders.iter().for_each(|(_, order)| comparison.order(order));
    }
}

struct DeskTask {
    parts: DeskParts,
    desk: Desk,
    /// Why the desk shows what is on disk and takes nothing; `None`: it trades.
    halt: Option<Halt>,
    /// The kill switch as it was set, until it is on disk.
    unwritten_kill: Option<Kill>,
    next_try: Monotonic,
    n_since_snapshot: usize,
}

/// An answer that waits for the disk.
type Pending = (oneshot::Sender<Answer>, Answer);

impl DeskTask {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>, stop: CancellationToken) {
        loop {
            let mut taken = Vec::new();
            let wake = self.wake_at();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                n_taken = requests.recv_many(&mut taken, MAX_BATCH) => {
                    if n_taken == 0 {
                        break;
                    }
                    // A flood of requests holds no market data up.
                    if let Some(updates) = self.parts.market.recv().now_or_never() {
                        self.take_updates(updates);
                    }
                }
                updates = self.parts.market.recv() => self.take_updates(updates),
                () = tokio::time::sleep_until(self.parts.clock.instant(wake)) => {}
            }
            self.turn(taken).await;
        }
        self.finish().await;
    }

    fn take_updates(&mut self, updates: Vec<(InstrumentId, Vec<DeskUpdate>)>) {
        let now = self.parts.clock.now();
        if self.can_trade() {
            self.parts.market.apply(&mut self.desk, updates, now);
        }
    }

    /// Takes in the time and the market, then commands; writes to disk, then answers.
    async fn turn(&mut self, requests: Vec<Request>) {
        let now = self.parts.clock.now();
        if self.halt.is_some_and(Halt::is_temporary) && now.monotonic >= self.next_try {
            self.try_again(now).await;
        }
        if self.can_trade() {
            self.desk.advance(now.wall);
        }
        let pending = self.take_requests(requests, now);
        self.commit(pending, now).await;
        self.parts.counters.halted.set(i64::from(self.halt.is_some()));
        self.parts.market.sync(&mut self.desk, now);
        self.parts.publisher.turn(&self.desk, now);
    }

    fn can_trade(&self) -> bool {
        self.halt.is_none()
    }

    fn wake_at(&self) -> Monotonic {
        let now = self.parts.clock.now();
        let deadline = self.desk.deadline();
        let desk = match self.can_trade() {
            true => now.monotonic + deadline.saturating_since(now.wall),
            false if self.halt.is_some_and(Halt::is_temporary) => self.next_try,
            false => now.monotonic + TRY_EVERY,
        };
        desk.min(self.parts.publisher.next())
    }

    fn take_requests(&mut self, requests: Vec<Request>, now: Now) -> Vec<Pending> {
        let mut pending = Vec::new();
        for request in requests {
            match request {
                Request::Command { command, reply } => {
                    pending.push((reply, self.command(*command, now)));
                }
                Request::Look(look) => look(&self.desk, now.wall),
                Request::See { instrument, reply } => {
                    self.parts.market.see(&mut self.desk, instrument, reply, now);
                }
            }
        }
        pending
    }

    fn command(&mut self, command: DeskCommand, now: Now) -> Answer {
        match (self.halt, command) {
            (None, command) => {
                if let DeskCommand::Kill(kill) = &command {
                    self.unwritten_kill = Some(kill.clone());
                }
                self.desk.command(command, now.wall)
            }
            (Some(halt), DeskCommand::Kill(kill)) => {
                self.unwritten_kill = Some(kill);
                self.desk.set_journal(halt.journal(), true);
                Ok(self.kill_in_memory(now))
            }
            (Some(halt), _) => Err(halt.refusal()),
        }
    }

    /// Sets the kill switch of a desk that takes nothing: seen at once, and on disk with the first commit that succeeds.
    fn kill_in_memory(&mut self, now: Now) -> DeskReply {
        if let Some(kill) = self.unwritten_kill.clone() {
            // Setting it is never refused; its records go to the journal when this is done again.
            let _set = self.desk.command(DeskCommand::Kill(kill), now.wall);
            let _later = self.desk.take_effects();
            self.parts.publisher.changed(now.monotonic);
        }
        DeskReply::Kill(KillReport { is_on_disk: false, ..self.desk.kill_report(0) })
    }

    /// Puts everything that happened on disk, then answers.
    async fn commit(&mut self, pending: Vec<Pending>, now: Now) {
        if self.halt.is_some() {
            return self.answer_all(pending);
        }
        let effects = self.desk.take_effects();
        if let Err(halt) = self.put(effects, now).await {
            return self.halted(halt, pending, now).await;
        }
        self.unwritten_kill = None;
        // The kill switch is on disk: now it takes effect, and the answer tells what is left.
        let report = self.desk.must_sweep().then(|| self.desk.sweep(now.wall));
        if report.is_some() {
            let effects = self.desk.take_effects();
            if let Err(halt) = self.put(effects, now).await {
                return self.halted(halt, pending, now).await;
            }
        }
        let with_report = |answer| match (answer, &report) {
            (Ok(DeskReply::Kill(_)), Some(report)) => Ok(DeskReply::Kill(report.clone())),
            (answer, _) => answer,
        };
        self.answer_all(pending.into_iter().map(|(reply, answer)| (reply, with_report(answer))).collect());
    }

    /// Puts effects on disk, and then out.
    async fn put(&mut self, effects: Effects, now: Now) -> Result<(), Halt> {
        if effects.is_empty() {
            return Ok(());
        }
        if let Some(fault) = &effects.fault {
            tracing::error!(%fault, "the desk contradicted itself; it takes nothing more");
            return Err(Halt::Fault);
        }
        self.write(&effects, now.wall).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the desk's journal cannot be written");
            Halt::of(&error)
        })?;
        self.parts.publisher.take(effects.events);
        self.parts.publisher.changed(now.monotonic);
        Ok(())
    }

    async fn write(&mut self, effects: &Effects, time: Timestamp) -> Result<(), StoreError> {
        let round_trips = effects.round_trips.iter().filter_map(|(account, trip)| row(account.clone(), trip));
        let commit = Commit {
            time,
            records: effects.records.clone(),
            orders: effects.orders.values().cloned().collect(),
            round_trips: round_trips.collect(),
        };
        if commit.is_empty() {
            return Ok(());
        }
        let begun = self.parts.clock.now().monotonic;
        let written = self.parts.store.journal.append(&commit).await;
        let took = self.parts.clock.now().monotonic.saturating_since(begun);
        self.parts.commits.committed("journal", took, written.is_ok());
        let seq = written?;
        self.parts.counters.records(&commit.records);
        self.parts.counters.open_orders.set(i64::try_from(self.desk.state().orders.len()).unwrap_or(i64::MAX));
        self.n_since_snapshot += commit.records.len();
        if self.n_since_snapshot >= SNAPSHOT_EVERY {
            self.n_since_snapshot = 0;
            self.put_snapshot(seq).await;
        }
        Ok(())
    }

    async fn put_snapshot(&mut self, seq: i64) {
        let snapshot = Snapshot { seq, form: SNAPSHOT_FORM, body: self.desk.snapshot() };
        if let Err(error) = self.parts.store.journal.put_snapshot(&snapshot).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the desk's snapshot could not be kept; the next start takes longer");
        }
    }

    /// The journal cannot be written: what is in memory and not on disk has not happened, but for a kill switch.
    async fn halted(&mut self, halt: Halt, pending: Vec<Pending>, now: Now) {
        self.parts.notices.show(NOTICE, Role::Viewer, halt.notice().to_owned(), now.monotonic);
        self.halt = Some(halt);
        self.next_try = now.monotonic + TRY_EVERY;
        match restore(&self.parts.config, &mut self.parts.store.journal).await {
            Ok(desk) => self.desk = desk,
            Err(error) => tracing::error!(error = format!("{error:#}"), "the desk's journal cannot be read"),
        }
        self.desk.set_journal(halt.journal(), self.unwritten_kill.is_some());
        let killed = self.unwritten_kill.is_some().then(|| self.kill_in_memory(now));
        let instead = |answer| match (answer, &killed) {
            (Ok(DeskReply::Kill(_)), Some(killed)) => Ok(killed.clone()),
            (Err(refusal), _) => Err(refusal),
            (Ok(_), _) => Err(halt.refusal()),
        };
        self.answer_all(pending.into_iter().map(|(reply, answer)| (reply, instead(answer))).collect());
    }

    /// Looks whether the disk takes something again.
    async fn try_again(&mut self, now: Now) {
        self.next_try = now.monotonic + TRY_EVERY;
        let Ok(desk) = restore(&self.parts.config, &mut self.parts.store.journal).await else { return };
        self.desk = desk;
        self.halt = None;
        self.parts.market.follow_again();
        self.begin().await;
        if self.halt.is_none() {
            tracing::info!("the desk's journal can be written again");
            self.parts.notices.end(NOTICE);
        }
    }

    /// Lets a restored desk begin.
    async fn begin(&mut self) {
        let now = self.parts.clock.now();
        for instrument in self.desk.state().instruments.values().cloned().collect::<Vec<_>>() {
            self.desk.list(instrument.into());
        }
        self.desk.start(now.wall);
        if let Some(kill) = self.unwritten_kill.clone() {
            // Setting it is never refused.
            let _set = self.desk.command(DeskCommand::Kill(kill), now.wall);
        }
        self.commit(Vec::new(), now).await;
        self.parts.market.sync(&mut self.desk, now);
    }

    fn answer_all(&self, pending: Vec<Pending>) {
        for (reply, answer) in pending {
            self.parts.counters.command(answer.is_ok());
            // Whoever asked may be gone.
            let _gone = reply.send(answer);
        }
    }

    async fn finish(mut self) {
        let now = self.parts.clock.now();
        self.commit(Vec::new(), now).await;
        if self.can_trade()
            && let Ok(seq) = self.parts.store.journal.last_seq().await
        {
            self.put_snapshot(seq).await;
        }
        let Self { parts, .. } = self;
        if let Err(error) = parts.store.close().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the desk's files could not be closed in order");
        }
    }
}

fn row(account: AccountId, trip: &RoundTrip) -> Option<RoundTripRow> {
    Some(RoundTripRow {
        account,
        instrument: trip.instrument.clone(),
        side: trip.side,
        opened_time: trip.entry_time,
        closed_time: trip.exit_time,
        net_pnl: trip.net_pnl().unwrap_or(trip.realised_pnl),
        value: trip.entry_value,
        body: serde_json::to_string(trip).ok()?,
    })
}

/// Requests that wait for the desk, from everybody together; each takes some tens of microseconds. When the queue is
/// full, commands are refused and the caller told to try again.
const MAX_REQUESTS: usize = 1_024;
/// Requests that share a commit.
const MAX_BATCH: usize = 64;
/// Records after which the state is kept whole: a start reads at most as many.
const SNAPSHOT_EVERY: usize = 5_000;
/// Records read at once at a start.
const READ_AT_ONCE: u32 = 1_000;
/// Interval at which a disk that refused is tried again.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// The cause of the notice about the journal.
const NOTICE: &str = "desk journal";
/// The cause of the notice about records that differ.
const MISMATCH_NOTICE: &str = "desk reconciliation";
