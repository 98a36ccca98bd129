//! The loop of signals and alerts: data, commands and time in; the disk, topics, deliveries and answers out.
//!
//! Signals and alerts are on disk, with their deliveries, before anybody is told. If the disk
//! refuses, the state machines in memory are thrown away and restored from disk: start-up, crash
//! and a full disk are one path, as on the trading desk.
//!
//! # Layout
//! - `commands`: what people and programs ask for · `disk`: what is kept, and read at a start

mod commands;
mod disk;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use ::alerts::{engine::Effects, happening::HealthEvent};
use anyhow::Context;
use model::{
    access::Role,
    alert::{rule_id::RuleId, signal::Signal},
    candle::Interval,
    instrument::InstrumentId,
    time::{Monotonic, Now, Timestamp},
};
use store::{
    alerts::{AlertCommit, Alerts, Document},
    error::StoreError,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use topics::lane::LaneClock;

pub(crate) use self::disk::is_alert;
use self::{
    commands::{refusal_of, storage_refusal},
    disk::{STAMP, document, last_stamp, restore},
};
use super::{
    evaluation::Evaluation,
    handle::{AlertsHandle, Answer, Request},
    outbox::OutboxHandle,
    published::Published,
    sources::{Arrival, DataNeeds, Sources},
};
use crate::{
    clock::Clock,
    desk::calendar,
    disk::free_bytes,
    log::ErrorCount,
    metrics::counters::{StoreCounters, trading::AlertCounters},
    notices::Notices,
    publish::{Publishing, TopicOwner},
    recorder::recordings::RecordingEnd,
    shutdown::Shutdown,
};

/// Parts of the server that the task needs.
#[derive(Debug)]
pub struct AlertParts {
    /// The tables.
    pub alerts: Alerts,
    /// The outbox, which delivers.
    pub outbox: OutboxHandle,
    /// Sources of data.
    pub sources: Sources,
    /// Ends of recordings.
    pub recording_ends: broadcast::Receiver<RecordingEnd>,
    /// The topics.
    pub publishing: Publishing,
    /// The public key that browsers subscribe with.
    pub push_key: String,
    /// The folder whose disk is watched.
    pub data_dir: PathBuf,
    /// The clocks.
    pub clock: Clock,
    /// Tells people that the disk is full.
    pub notices: Notices,
    /// Counts alerts.
    pub counters: AlertCounters,
    /// Counts commits.
    pub commits: StoreCounters,
}

/// Restores the rules and starts their task.
///
/// # Errors
/// The tables cannot be read.
pub async fn start(parts: AlertParts, shutdown: &Shutdown) -> anyhow::Result<AlertsHandle> {
    let now = parts.clock.now();
    let evaluation = restore(&parts.alerts, now.wall).await.context("restore the rules of alerts")?;
    let (requests, received) = mpsc::channel(MAX_REQUESTS);
    let handle = AlertsHandle::new(requests, parts.alerts.clone(), &parts.push_key);
    let (owner, outcomes) = (parts.publishing.own_as_alerts(), parts.outbox.changes());
    let mut task = AlertTask {
        lanes: LaneClock::new(now.monotonic),
        published: Published::default(),
        is_halted: false,
        down_since: last_stamp(&parts.alerts).await.context("read when alerts were last evaluated")?,
        next_stamp: Monotonic::ZERO,
        next_try: Monotonic::ZERO,
        next_status: Monotonic::ZERO,
        next_disk: Monotonic::ZERO,
        next_rules: Monotonic::ZERO,
        signalled: BTreeSet::new(),
        errors: ErrorCount::default(),
        parts,
        evaluation,
        owner,
    };
    task.publish_all().await.context("read the alerts")?;
    task.want();
    shutdown.tasks.spawn(task.run(received, outcomes, shutdown.stopping.clone()));
    Ok(handle)
}

struct AlertTask {
    parts: AlertParts,
    evaluation: Evaluation,
    owner: TopicOwner,
    lanes: LaneClock,
    published: Published,
    /// True while the disk takes nothing.
    is_halted: bool,
    /// Time at which an earlier run last looked at prices; `None` if there was none.
    down_since: Option<Timestamp>,
    next_stamp: Monotonic,
    next_try: Monotonic,
    next_status: Monotonic,
    next_disk: Monotonic,
    next_rules: Monotonic,
    /// Signal rules whose newest signal is not in their row yet.
    signalled: BTreeSet<RuleId>,
    errors: ErrorCount,
}

/// An answer that waits for the disk.
type Pending = (oneshot::Sender<Answer>, Answer);

/// The part of a turn that is not the engine's.
#[derive(Debug, Default)]
struct Others {
    commit: AlertCommit,
    /// Keys of rules that go.
    gone: Vec<String>,
}

impl AlertTask {
    async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut outcomes: watch::Receiver<u64>,
        stop: CancellationToken,
    ) {
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
                }
                arrival = self.parts.sources.recv() => self.take(arrival),
                Ok(()) = outcomes.changed() => self.show_outcomes().await,
                Ok(end) = self.parts.recording_ends.recv() => self.recording_ended(end),
                () = tokio::time::sleep_until(self.parts.clock.instant(wake)) => {}
            }
            self.turn(taken).await;
        }
        // The rest of the last turn, and the moment: the next start begins there.
        self.next_stamp = Monotonic::ZERO;
        self.turn(Vec::new()).await;
        self.parts.alerts.close().await;
    }

    fn wake_at(&self) -> Monotonic {
        let now = self.parts.clock.now();
        let due = self.evaluation.deadline().map(|due| now.monotonic + due.saturating_since(now.wall));
        let others = [self.lanes.next(), self.parts.sources.next_look(), self.next_status, self.next_disk];
        let next = others.into_iter().chain(due).min().unwrap_or(now.monotonic);
        if self.is_halted { next.max(now.monotonic + HALTED_TICK) } else { next }
    }

    fn take(&mut self, arrival: Arrival) {
        let now = self.parts.clock.now().wall;
        match arrival {
            Arrival::Ticks(ticks) => {
                for (instrument, updates) in ticks {
                    if self.evaluation.ticks(&instrument, &updates, now) {
                        self.parts.sources.ended(&instrument);
                    }
                }
            }
            Arrival::Topics(updates) => {
                updates.iter().for_each(|(update, is_whole)| self.evaluation.topic(update, *is_whole, now));
            }
        }
    }

    fn recording_ended(&mut self, end: RecordingEnd) {
        let RecordingEnd { venue, failure } = end;
        let now = self.parts.clock.now().wall;
        self.evaluation.engine.health(&HealthEvent::Recording { venue, failure }, now);
    }

    async fn turn(&mut self, requests: Vec<Request>) {
        let now = self.parts.clock.now();
        if self.is_halted && now.monotonic >= self.next_try {
            self.try_again(now).await;
        }
        self.look_around(now).await;
        let found = self.evaluation.advance(now.wall);
        let mut others =
            Others { commit: AlertCommit { time: now.wall, ..AlertCommit::default() }, ..Others::default() };
        let mut pending = Vec::new();
        for request in requests {
            let (command, reply) = match request {
                Request::Command { command, reply } => (command, reply),
                Request::Rules(reply) => {
                    let _gone = reply.send(self.published.rules());
                    continue;
                }
            };
            if self.is_halted {
                pending.push((reply, Err(storage_refusal())));
            } else if let Some(answer) = self.command(*command, reply, &mut others, now).await {
                pending.push(answer);
            }
        }
        self.commit(found, others, pending, now).await;
        self.parts.sources.sync(now.monotonic);
        for lane in self.lanes.take_due(now.monotonic) {
            let n_published = self.owner.turn(lane, &mut self.published, now);
            self.lanes.turned(lane, n_published);
        }
    }

    /// Looks at what nobody reports: feeds, the disk, the log.
    async fn look_around(&mut self, now: Now) {
        if now.monotonic >= self.next_status {
            self.next_status = now.monotonic + STATUS_EVERY;
            let status = self.parts.sources.feeds().status();
            self.evaluation.status(&status, now.wall);
            let followed = self.evaluation.engine.needs().instruments;
            for instrument in self.evaluation.take_missing(&followed) {
                self.catch_up(&instrument, now).await;
            }
            if let Some((n_new, what)) = self.errors.take_new() {
                for _ in 0..n_new.min(MAX_ERRORS) {
                    self.evaluation.engine.health(&HealthEvent::Error { what: what.clone() }, now.wall);
                }
            }
        }
        if now.monotonic >= self.next_rules && !self.signalled.is_empty() {
            self.next_rules = now.monotonic + RULES_EVERY;
            for rule_id in std::mem::take(&mut self.signalled) {
                self.show_signal_rule(&rule_id);
            }
            self.lanes.changed_alone(now.monotonic);
        }
        if now.monotonic >= self.next_disk {
            self.next_disk = now.monotonic + DISK_EVERY;
            if let Some(free_bytes) = free_bytes(&self.parts.data_dir) {
                self.evaluation.engine.health(&HealthEvent::Disk { free_bytes }, now.wall);
            }
            let offset = self.evaluation.engine.settings().quiet_hours.as_ref();
            let minutes = offset.map_or(0, |quiet| calendar::offset_minutes(&quiet.time_zone, now.wall));
            self.evaluation.engine.set_zone_offset(minutes);
        }
    }

    /// Tells rules of an instrument what they missed while nobody looked: the bars since they last did.
    async fn catch_up(&mut self, instrument: &InstrumentId, now: Now) {
        let Some(since) = self.down_since else { return };
        let candles = self.history(instrument, Interval::M1).await;
        // The forming bar's prices come as trades.
        let n_closed = candles.len().saturating_sub(1);
        let from = candles.partition_point(|candle| candle.open_time < since);
        if from < n_closed {
            self.evaluation.missed(instrument, &candles[from..n_closed], now.wall);
        }
    }

    /// Puts everything on disk, then out.
    async fn commit(&mut self, found: Vec<Signal>, mut others: Others, pending: Vec<Pending>, now: Now) {
        let effects = self.evaluation.engine.take_effects();
        let has_nothing = effects.is_empty() && found.is_empty() && pending.is_empty() && others.gone.is_empty();
        let is_empty = has_nothing && now.monotonic < self.next_stamp;
        if is_empty || self.is_halted {
            return answer_all(pending);
        }
        self.collect(&effects, &found, &mut others.commit);
        self.stamp(&mut others.commit, now);
        let begun = self.parts.clock.now().monotonic;
        let written = self.parts.alerts.commit(&others.commit).await;
        let took = self.parts.clock.now().monotonic.saturating_since(begun);
        self.parts.commits.committed("alerts", took, written.is_ok());
        if let Err(error) = written {
            tracing::error!(error = &error as &dyn std::error::Error, "alerts cannot be written");
            self.halt(now).await;
            return answer_all(pending.into_iter().map(|(reply, _)| (reply, Err(refusal_of(&error)))).collect());
        }
        others.commit.notices.iter().for_each(|notice| self.parts.counters.fired(notice.severity));
        let sends = !others.commit.deliveries.is_empty() || !others.commit.removed_channels.is_empty();
        if sends {
            self.parts.outbox.wake();
        }
        self.show(&effects, &found, &others);
        self.lanes.changed_alone(now.monotonic);
        answer_all(pending);
        let is_of_signals = |kind: &Document| *kind == Document::SignalRule;
        let saved = others.commit.documents.iter().any(|(kind, ..)| is_of_signals(kind));
        if effects.have_needs_changed || saved || others.commit.removed.iter().any(|(kind, _)| is_of_signals(kind)) {
            self.want();
        }
    }

    /// Keeps the moment up to which prices were looked at.
    fn stamp(&mut self, commit: &mut AlertCommit, now: Now) {
        if now.monotonic >= self.next_stamp {
            self.next_stamp = now.monotonic + STAMP_EVERY;
            commit.documents.extend(document(Document::Setting, &STAMP, &now.wall));
        }
    }

    /// Publishes what is on disk now.
    fn show(&mut self, effects: &Effects, found: &[Signal], others: &Others) {
        let engine = &self.evaluation.engine;
        effects.alerts.iter().for_each(|row| self.published.set_alert(row));
        self.published.remove_alerts(&effects.removed_alerts);
        let rules: BTreeSet<&RuleId> = effects.saved.iter().chain(&effects.changed).chain(&effects.shown).collect();
        for rule_id in rules {
            if let Some(row) = engine.row(rule_id) {
                self.published.set_rule(alert_key(rule_id), &row);
            }
        }
        effects.deleted.iter().for_each(|rule_id| self.published.remove_rule(&alert_key(rule_id)));
        self.published.set_rule(SETTINGS.to_owned(), engine.settings());
        found.iter().for_each(|signal| self.published.add_signal(signal));
        self.signalled.extend(found.iter().map(|signal| signal.rule_id.clone()));
        let saved = others.commit.documents.iter().filter(|(kind, ..)| *kind == Document::SignalRule);
        for rule_id in saved.filter_map(|(_, id, _)| RuleId::parse(id).ok()) {
            self.show_signal_rule(&rule_id);
        }
        others.gone.iter().for_each(|key| self.published.remove_rule(key));
        let channels = &others.commit.removed_channels;
        channels.iter().for_each(|channel_id| self.published.remove_channel(channel_id.as_str()));
    }

    fn show_signal_rule(&mut self, rule_id: &RuleId) {
        if let Some(row) = self.evaluation.signals.row(rule_id) {
            self.published.set_rule(signal_key(rule_id), &row);
        }
    }

    /// Publishes everything, after a start.
    async fn publish_all(&mut self) -> Result<(), StoreError> {
        let engine = &self.evaluation.engine;
        engine.rows().for_each(|row| self.published.set_rule(alert_key(&row.rule.rule_id), &row));
        engine.log().rows().for_each(|row| self.published.set_alert(row));
        self.published.set_rule(SETTINGS.to_owned(), engine.settings());
        let mut signals = Vec::new();
        for (rule_id, row) in self.evaluation.signals.rows() {
            self.published.set_rule(signal_key(rule_id), &row);
            let kept = self.parts.alerts.signals(rule_id.as_str()).await?;
            signals.extend(kept.iter().filter_map(|body| serde_json::from_str::<Signal>(body).ok()));
        }
        signals.sort_by_key(|signal| signal.number);
        signals.iter().for_each(|signal| self.published.add_signal(signal));
        for row in self.parts.alerts.channels().await? {
            self.published.set_channel(&row);
        }
        Ok(())
    }

    /// Shows how far deliveries are, and how channels do.
    async fn show_outcomes(&mut self) {
        let (Ok(rows), Ok(channels)) =
            (self.parts.alerts.notices(None, N_SHOWN).await, self.parts.alerts.channels().await)
        else {
            return;
        };
        let log = self.evaluation.engine.log_mut();
        rows.into_iter().flat_map(|row| row.deliveries).for_each(|delivery| log.set_delivery(delivery));
        for row in channels {
            self.published.set_channel(&row);
        }
    }

    /// Follows what rules read.
    fn want(&mut self) {
        let needs = self.evaluation.engine.needs();
        let signals = self.evaluation.signals.needs();
        let mut instruments = needs.instruments;
        instruments.extend(signals.iter().map(|(instrument, _)| instrument.clone()));
        let bars = needs.bars.into_keys().chain(signals).collect();
        self.parts.sources.want(DataNeeds { instruments, bars });
    }

    /// The disk takes nothing: what is in memory and not on disk has not happened.
    async fn halt(&mut self, now: Now) {
        self.is_halted = true;
        self.next_try = now.monotonic + TRY_EVERY;
        self.parts.notices.show(NOTICE, Role::Viewer, NOTICE_WORDS.to_owned(), now.monotonic);
    }

    async fn try_again(&mut self, now: Now) {
        self.next_try = now.monotonic + TRY_EVERY;
        // An empty commit tells whether the disk takes anything.
        let probe = AlertCommit { time: now.wall, ..AlertCommit::default() };
        if self.parts.alerts.commit(&probe).await.is_err() {
            return;
        }
        if let Ok(evaluation) = restore(&self.parts.alerts, now.wall).await {
            self.evaluation = evaluation;
            self.is_halted = false;
            self.parts.notices.end(NOTICE);
            self.parts.sources.restart();
            if let Err(error) = self.publish_all().await {
                tracing::error!(error = &error as &dyn std::error::Error, "alerts cannot be read");
            }
            self.want();
        }
    }
}

fn answer_all(pending: Vec<Pending>) {
    for (reply, answer) in pending {
        // Whoever asked may be gone.
        let _gone = reply.send(answer);
    }
}

fn alert_key(rule_id: &RuleId) -> String {
    format!("alert/{rule_id}")
}

fn signal_key(rule_id: &RuleId) -> String {
    format!("signal/{rule_id}")
}

/// The row of the settings.
const SETTINGS: &str = "settings";
const NOTICE: &str = "alerts";
const NOTICE_WORDS: &str = "Alerts are not evaluated: the disk takes nothing. Free some space.";
/// Commands that wait at most; more are told to come again.
const MAX_REQUESTS: usize = 256;
const MAX_BATCH: usize = 64;
/// Alerts whose deliveries are looked at again after an attempt.
const N_SHOWN: u32 = 200;
const STATUS_EVERY: Duration = Duration::from_millis(250);
/// Rows of signal rules follow their signals at this pace: the signals themselves are in their own topic at once.
const RULES_EVERY: Duration = Duration::from_secs(1);
const DISK_EVERY: Duration = Duration::from_secs(10);
/// A crash forgets at most this long, which is then looked at twice.
const STAMP_EVERY: Duration = Duration::from_secs(60);
/// Errors that are told one by one.
const MAX_ERRORS: u64 = 100;
const TRY_EVERY: Duration = Duration::from_secs(1);
const HALTED_TICK: Duration = Duration::from_millis(100);
