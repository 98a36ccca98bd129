//! The loop of signals and alerts: data, commands and time in; the disk, topics, deliveries and answers out.
//!
//! What fires is on disk, with its deliveries, before anything is told. If the disk refuses, the state machines in memory
//! are thrown away and restored from disk: start-up, crash and a full disk are one path, as on the trading desk.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use ::alerts::{
    check::check,
    dry_run::dry_run,
    engine::{Budget, Effects, Engine},
    happening::HealthEvent,
    memory::{EngineMemory, Kept},
};
use anyhow::Context;
use indicators::bar::Bar;
use model::{
    alert::{
        command::{AlertCommand, AlertReply, CheckAlert, Deleted, SaveChannel},
        condition::Condition,
        delivery::Delivery,
        rule::{AlertRow, AlertRule},
        rule_id::RuleId,
        signal::{Signal, SignalRule},
    },
    candle::{Candle, Interval},
    decimal::Price,
    instrument::InstrumentId,
    time::{Monotonic, Now, Timestamp},
    trading::refusal::{DenyCode, Refusal},
};
use serde::{Serialize, de::DeserializeOwned};
use store::{
    alerts::{AlertCommit, Alerts, Document, NewDelivery, NoticeRow, SignalRow},
    error::StoreError,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use topics::lane::LaneClock;

use super::{
    evaluation::Evaluation,
    handle::{AlertsHandle, Answer, Request},
    outbox::{OutboxHandle, TestError},
    published::Published,
    signal_board::SignalBoard,
    sources::{Arrival, Sources, Wanted},
};
use crate::{
    clock::Clock,
    desk::calendar,
    log::ErrorCount,
    notices::Notices,
    publish::{Publishing, TopicOwner},
    shutdown::Shutdown,
};

/// What the task needs of the server.
#[derive(Debug)]
pub struct AlertParts {
    /// The tables.
    pub alerts: Alerts,
    /// Who delivers.
    pub outbox: OutboxHandle,
    /// Where data comes from.
    pub sources: Sources,
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

/// Reads rules, states and the newest alerts from disk.
async fn restore(alerts: &Alerts, now: Timestamp) -> Result<Evaluation, StoreError> {
    let rules: Vec<AlertRule> = documents(alerts, Document::AlertRule).await?.into_values().collect();
    let states: BTreeMap<String, Kept> = documents(alerts, Document::AlertState).await?;
    let kept = states.into_iter().filter_map(|(id, kept)| Some((RuleId::parse(&id).ok()?, kept))).collect();
    let settings = alerts.documents(Document::Setting).await?;
    let memory = settings.iter().find(|(id, _)| id == MEMORY).and_then(|(_, body)| serde_json::from_str(body).ok());
    let mut memory: EngineMemory = memory.unwrap_or_default();
    memory.next_notice_id = memory.next_notice_id.max(alerts.last_notice_id().await? + 1);
    let rows = alerts.notices(None, N_READ).await?.into_iter().rev().filter(is_alert).map(row_of).collect();
    let engine = Engine::new(Budget::default(), rules, kept, memory, rows, now);
    let signal_rules: Vec<SignalRule> = documents(alerts, Document::SignalRule).await?.into_values().collect();
    let mut n_signals = 0;
    for rule in &signal_rules {
        let newest = alerts.signals(rule.rule_id.as_str()).await?;
        let numbers = newest.iter().filter_map(|body| serde_json::from_str::<Signal>(body).ok()?.number);
        n_signals = numbers.max().unwrap_or(0).max(n_signals);
    }
    Ok(Evaluation::new(engine, SignalBoard::new(signal_rules, n_signals)))
}

/// Returns the moment up to which an earlier run looked at prices.
async fn last_stamp(alerts: &Alerts) -> Result<Option<Timestamp>, StoreError> {
    let settings = alerts.documents(Document::Setting).await?;
    Ok(settings.iter().find(|(id, _)| id == STAMP).and_then(|(_, body)| serde_json::from_str(body).ok()))
}

async fn documents<T: DeserializeOwned>(alerts: &Alerts, kind: Document) -> Result<BTreeMap<String, T>, StoreError> {
    let rows = alerts.documents(kind).await?;
    let read = |(id, body): (String, String)| match serde_json::from_str(&body) {
        Ok(document) => Some((id, document)),
        Err(error) => {
            tracing::warn!(id, %error, "a rule of another version cannot be read and is left out");
            None
        }
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Returns false for a summary of alerts that the page has shown one by one.
pub(super) fn is_alert(row: &NoticeRow) -> bool {
    !row.notice.rule_id.is_empty()
}

fn row_of(row: NoticeRow) -> AlertRow {
    let NoticeRow { notice, acknowledged_time, deliveries } = row;
    AlertRow { notice, has_sound: false, acknowledged_time, deliveries }
}

struct AlertTask {
    parts: AlertParts,
    evaluation: Evaluation,
    owner: TopicOwner,
    lanes: LaneClock,
    published: Published,
    /// True while the disk takes nothing.
    is_halted: bool,
    /// When an earlier run last looked at prices; `None` if there was none.
    down_since: Option<Timestamp>,
    next_stamp: Monotonic,
    next_try: Monotonic,
    next_status: Monotonic,
    next_disk: Monotonic,
    errors: ErrorCount,
}

/// An answer that waits for the disk.
type Pending = (oneshot::Sender<Answer>, Answer);

/// What of a turn is not the engine's.
#[derive(Debug, Default)]
struct Others {
    commit: AlertCommit,
    /// Keys of rows that go.
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
                () = tokio::time::sleep_until(self.parts.clock.instant(wake)) => {}
            }
            self.turn(taken).await;
        }
        // What the last turn left, and the moment: the next start looks at what came after it.
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

    async fn history(&self, instrument: &InstrumentId, interval: Interval) -> Vec<Candle> {
        let Ok(feed) = self.parts.sources.feeds().find(instrument) else { return Vec::new() };
        let asked =
            tokio::time::timeout(HISTORY_PATIENCE, feed.candles(instrument.clone(), interval, usize::MAX)).await;
        asked.ok().and_then(Result::ok).map(|data| data.bars).unwrap_or_default()
    }

    /// Carries a command out; `None` where the answer comes by itself.
    async fn command(
        &mut self,
        command: AlertCommand,
        reply: oneshot::Sender<Answer>,
        others: &mut Others,
        now: Now,
    ) -> Option<Pending> {
        let answer = match command {
            AlertCommand::CheckAlert(check) => Ok(self.check(&check, now).await),
            AlertCommand::SaveSignal(save) => {
                self.evaluation.signals.save(save.rule).map(|rule| keep_signal(rule, others))
            }
            AlertCommand::DeleteSignal(one) => self.evaluation.signals.delete(&one.rule_id).map(|()| {
                others.commit.removed.push((Document::SignalRule, one.rule_id.to_string()));
                others.gone.push(signal_key(&one.rule_id));
                AlertReply::Deleted(Deleted { deleted: one.rule_id.to_string() })
            }),
            AlertCommand::PauseSignal(one) => {
                self.evaluation.signals.pause(&one.rule_id, true).map(|rule| keep_signal(rule, others))
            }
            AlertCommand::ResumeSignal(one) => {
                self.evaluation.signals.pause(&one.rule_id, false).map(|rule| keep_signal(rule, others))
            }
            AlertCommand::SaveChannel(save) => self.save_channel(*save, now).await,
            AlertCommand::DeleteChannel(one) => {
                others.commit.removed_channels.push(one.channel_id.clone());
                others.gone.push(format!("channel/{}", one.channel_id));
                Ok(AlertReply::Deleted(Deleted { deleted: one.channel_id.to_string() }))
            }
            AlertCommand::TestChannel(one) => {
                let outbox = self.parts.outbox.clone();
                // The other server takes its time; whoever asked waits, nobody else does.
                tokio::spawn(async move {
                    let answer =
                        outbox.test(&one.channel_id).await.map(AlertReply::Test).map_err(|error| test_refusal(&error));
                    let _gone = reply.send(answer);
                });
                return None;
            }
            AlertCommand::ResendDelivery(again) => self.resend(again.notice_id, &again.channel_id).await,
            command => {
                let last_price = self.last_price(&command);
                match self.evaluation.engine.command(&command, last_price, now.wall) {
                    Some(answer) => answer,
                    None => {
                        Err(Refusal::new(DenyCode::BadRequest, format!("{} is not carried out here", command.name())))
                    }
                }
            }
        };
        Some((reply, answer))
    }

    /// Returns the last price of the instrument that a rule to save is about.
    fn last_price(&self, command: &AlertCommand) -> Option<Price> {
        let instrument = match command {
            AlertCommand::SaveAlert(save) => save.rule.instrument.as_ref()?,
            AlertCommand::ResumeAlert(one) => return self.price_of(&one.rule_id),
            _ => return None,
        };
        self.quoted(instrument)
    }

    fn price_of(&self, rule_id: &RuleId) -> Option<Price> {
        let row = self.evaluation.engine.row(rule_id)?;
        self.quoted(row.rule.instrument.as_ref()?)
    }

    fn quoted(&self, instrument: &InstrumentId) -> Option<Price> {
        let tops = self.parts.sources.feeds().tops(self.parts.clock.now().monotonic);
        let top = tops.into_iter().find(|top| top.instrument == *instrument)?;
        top.bid.map(|(price, _)| price)
    }

    async fn check(&self, wanted: &CheckAlert, now: Now) -> AlertReply {
        if let Err(refusal) = check(&wanted.rule, now.wall) {
            return AlertReply::Check(Box::new(model::alert::command::CheckReport {
                note: refusal.message,
                ..Default::default()
            }));
        }
        let hours = wanted.hours.clamp(1, MAX_HOURS);
        let from = Timestamp::from_millis(now.wall.as_millis() - i64::from(hours) * 3_600_000);
        let mut history = BTreeMap::new();
        if let Some(instrument) = &wanted.rule.instrument {
            for interval in intervals(&wanted.rule, hours) {
                let bars: Vec<Bar> = self.history(instrument, interval).await.iter().map(Bar::from).collect();
                history.insert(interval, bars);
            }
        }
        AlertReply::Check(Box::new(dry_run(&wanted.rule, &history, from)))
    }

    /// Keeps a channel at once, and shows it.
    async fn save_channel(&mut self, save: SaveChannel, now: Now) -> Answer {
        let alerts = &self.parts.alerts;
        let channel_id = save.channel.channel_id.clone();
        let before = alerts.channel(&channel_id).await.map_err(|error| refusal_of(&error))?;
        let channel = save.channel.complete(before.as_ref().map(|row| &row.channel));
        let channel = channel.map_err(|error| Refusal::new(DenyCode::BadRequest, error.to_string()))?;
        let commit = AlertCommit { time: now.wall, channels: vec![channel], ..AlertCommit::default() };
        alerts.commit(&commit).await.map_err(|error| refusal_of(&error))?;
        let row = alerts.channel(&channel_id).await.map_err(|error| refusal_of(&error))?;
        self.parts.outbox.wake();
        let row = row.ok_or_else(|| Refusal::new(DenyCode::Unavailable, "the channel is gone again"))?;
        self.published.set_rule(format!("channel/{channel_id}"), &row);
        Ok(AlertReply::Channel(Box::new(row)))
    }

    async fn resend(&mut self, notice_id: u64, channel_id: &model::alert::channel::ChannelId) -> Answer {
        let is_again = self.parts.outbox.resend(notice_id, channel_id).await.map_err(|error| refusal_of(&error))?;
        if !is_again {
            let message = format!("there is no delivery of alert {notice_id} to {channel_id} that was given up");
            return Err(Refusal::new(DenyCode::BadRequest, message));
        }
        self.show_outcomes().await;
        let rows = self.parts.alerts.notices(Some(notice_id + 1), 1).await.map_err(|error| refusal_of(&error))?;
        let delivery: Option<Delivery> = rows
            .into_iter()
            .find(|row| row.notice.notice_id == notice_id)
            .and_then(|row| row.deliveries.into_iter().find(|delivery| delivery.channel_id == *channel_id));
        delivery
            .map(|delivery| AlertReply::Delivery(Box::new(delivery)))
            .ok_or_else(|| Refusal::new(DenyCode::Unavailable, "the delivery is gone again"))
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
        if let Err(error) = self.parts.alerts.commit(&others.commit).await {
            tracing::error!(error = &error as &dyn std::error::Error, "alerts cannot be written");
            self.halt(now).await;
            return answer_all(pending.into_iter().map(|(reply, _)| (reply, Err(refusal_of(&error)))).collect());
        }
        let sends = !others.commit.deliveries.is_empty() || !others.commit.removed_channels.is_empty();
        if sends {
            self.parts.outbox.wake();
        }
        self.show(&effects, &found, &others);
        self.lanes.changed(now.monotonic);
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

    /// Gathers what has to be kept of a turn.
    fn collect(&self, effects: &Effects, found: &[Signal], commit: &mut AlertCommit) {
        let engine = &self.evaluation.engine;
        for fired in &effects.fired {
            commit.notices.push(fired.notice.clone());
            let to = |channel_id: &model::alert::channel::ChannelId| NewDelivery {
                notice_id: fired.notice.notice_id,
                channel_id: channel_id.clone(),
                not_before: None,
            };
            commit.deliveries.extend(fired.channels.iter().map(to));
        }
        for row in &effects.alerts {
            let is_new = commit.notices.iter().any(|notice| notice.notice_id == row.notice.notice_id);
            if !is_new && row.notice.n_folded > 0 {
                commit.folded.push((row.notice.notice_id, row.notice.n_folded));
            }
            if row.acknowledged_time.is_some() {
                commit.acknowledged.push(row.notice.notice_id);
            }
        }
        for rule_id in &effects.saved {
            let rule = engine.row(rule_id).map(|row| row.rule);
            commit.documents.extend(rule.and_then(|rule| document(Document::AlertRule, rule_id, &rule)));
        }
        for rule_id in effects.saved.union(&effects.changed) {
            let kept = engine.kept(rule_id);
            commit.documents.extend(kept.and_then(|kept| document(Document::AlertState, rule_id, &kept)));
        }
        for rule_id in &effects.deleted {
            commit.removed.push((Document::AlertRule, rule_id.to_string()));
            commit.removed.push((Document::AlertState, rule_id.to_string()));
        }
        if effects.has_memory_changed || !effects.fired.is_empty() {
            commit.documents.extend(document(Document::Setting, &MEMORY, engine.memory()));
        }
        let row = |signal: &Signal| {
            let body = serde_json::to_string(signal).ok()?;
            let Signal { version, interval, side, state, .. } = signal;
            let at = (signal.instrument.to_string(), signal.bar_time.as_millis());
            // Each state of a signal is a row of its own; the same again takes its place.
            let key = serde_json::to_string(&(version, at, interval, side, state)).ok()?;
            Some(SignalRow { rule_id: signal.rule_id.to_string(), key, time: signal.fired_time, body })
        };
        commit.signals.extend(found.iter().filter_map(row));
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
        let saved = others.commit.documents.iter().filter(|(kind, ..)| *kind == Document::SignalRule);
        let saved = saved.filter_map(|(_, id, _)| RuleId::parse(id).ok());
        let shown: BTreeSet<RuleId> = saved.chain(found.iter().map(|signal| signal.rule_id.clone())).collect();
        for rule_id in shown {
            if let Some(row) = self.evaluation.signals.row(&rule_id) {
                self.published.set_rule(signal_key(&rule_id), &row);
            }
        }
        others.gone.iter().for_each(|key| self.published.remove_rule(key));
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
            self.published.set_rule(format!("channel/{}", row.channel.channel_id), &row);
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
            self.published.set_rule(format!("channel/{}", row.channel.channel_id), &row);
        }
    }

    /// Follows what rules read.
    fn want(&mut self) {
        let needs = self.evaluation.engine.needs();
        let signals = self.evaluation.signals.needs();
        let mut instruments = needs.instruments;
        instruments.extend(signals.iter().map(|(instrument, _)| instrument.clone()));
        let bars = needs.bars.into_keys().chain(signals).collect();
        self.parts.sources.want(Wanted { instruments, bars });
    }

    /// The disk takes nothing: what is in memory and not on disk has not happened.
    async fn halt(&mut self, now: Now) {
        self.is_halted = true;
        self.next_try = now.monotonic + TRY_EVERY;
        self.parts.notices.show(NOTICE, NOTICE_WORDS.to_owned(), now.monotonic);
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

fn keep_signal(rule: SignalRule, others: &mut Others) -> AlertReply {
    others.commit.documents.extend(document(Document::SignalRule, &rule.rule_id, &rule));
    AlertReply::Signal(Box::new(rule))
}

fn document(kind: Document, id: &impl ToString, body: &impl Serialize) -> Option<(Document, String, String)> {
    serde_json::to_string(body).ok().map(|body| (kind, id.to_string(), body))
}

fn alert_key(rule_id: &RuleId) -> String {
    format!("alert/{rule_id}")
}

fn signal_key(rule_id: &RuleId) -> String {
    format!("signal/{rule_id}")
}

/// Returns the lengths of bars that a rule reads, with one for prices that covers the hours.
fn intervals(rule: &AlertRule, hours: u32) -> BTreeSet<Interval> {
    let of = |condition: &Condition| match condition {
        Condition::IndicatorLevel { interval, .. }
        | Condition::IndicatorCross { interval, .. }
        | Condition::VolumeBurst { interval, .. } => Some(*interval),
        _ => None,
    };
    let mut intervals: BTreeSet<Interval> = rule.conditions.iter().filter_map(of).collect();
    // A feed has 500 bars.
    let covering = if hours <= 8 { Interval::M1 } else { Interval::M5 };
    intervals.insert(covering);
    intervals
}

fn test_refusal(error: &TestError) -> Refusal {
    match error {
        TestError::UnknownChannel { .. } => Refusal::new(DenyCode::BadRequest, error.to_string()),
        _ => Refusal::new(DenyCode::Unavailable, error.to_string()),
    }
}

fn refusal_of(error: &StoreError) -> Refusal {
    tracing::warn!(error = error as &dyn std::error::Error, "a command of alerts could not be kept");
    storage_refusal()
}

fn storage_refusal() -> Refusal {
    Refusal::new(DenyCode::StorageFull, "the disk takes nothing: free some space; what exists is kept")
}

/// Returns the free bytes of a folder's disk; `None` where the system does not say.
fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _folder = folder;
        None
    }
}

/// The document of the engine's memory.
const MEMORY: &str = "engine";
/// The document of the moment up to which prices were looked at.
const STAMP: &str = "looked";
/// The row of the settings.
const SETTINGS: &str = "settings";
const NOTICE: &str = "alerts";
const NOTICE_WORDS: &str = "Alerts are not evaluated: the disk takes nothing. Free some space.";
/// Commands that wait at most; more are told to come again.
const MAX_REQUESTS: usize = 256;
const MAX_BATCH: usize = 64;
/// Alerts that are read at a start.
const N_READ: u32 = 1_000;
/// Alerts whose deliveries are looked at again after an attempt.
const N_SHOWN: u32 = 200;
/// Longest time that a rule is tried on.
const MAX_HOURS: u32 = 24 * 30;
const HISTORY_PATIENCE: Duration = Duration::from_secs(10);
const STATUS_EVERY: Duration = Duration::from_millis(250);
const DISK_EVERY: Duration = Duration::from_secs(10);
/// A crash forgets at most this long, which is then looked at twice.
const STAMP_EVERY: Duration = Duration::from_secs(60);
/// Errors that are told one by one.
const MAX_ERRORS: u64 = 100;
const TRY_EVERY: Duration = Duration::from_secs(1);
const HALTED_TICK: Duration = Duration::from_millis(100);
