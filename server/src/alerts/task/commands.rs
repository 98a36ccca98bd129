//! The commands of signals and alerts.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ::alerts::{check::check, dry_run::dry_run};
use indicators::bar::Bar;
use model::{
    alert::{
        channel::ChannelId,
        command::{AlertCommand, AlertReply, CheckAlert, CheckReport, Deleted, SaveChannel},
        condition::Condition,
        delivery::Delivery,
        rule::AlertRule,
        rule_id::RuleId,
        signal::SignalRule,
    },
    candle::{Candle, Interval},
    decimal::Price,
    instrument::InstrumentId,
    time::{Now, Timestamp},
    trading::refusal::{DenyCode, Refusal},
};
use store::{
    alerts::{AlertCommit, Document},
    error::StoreError,
};
use tokio::sync::oneshot;

use super::{
    super::{handle::Answer, outbox::TestError},
    AlertTask, Others, Pending,
    disk::document,
    signal_key,
};

impl AlertTask {
    /// Carries a command out; `None` where the answer comes by itself.
    pub(super) async fn command(
        &mut self,
        command: AlertCommand,
        reply: oneshot::Sender<Answer>,
        others: &mut Others,
        now: Now,
    ) -> Option<Pending> {
        let answer = match command {
            AlertCommand::CheckAlert(check) => Ok(self.check(&check, now).await),
            AlertCommand::SaveSignal(save) => match self.evaluation.signals.save(save.rule) {
                Ok(rule) => Ok(self.begin_signal(rule, others, now).await),
                Err(refusal) => Err(refusal),
            },
            AlertCommand::DeleteSignal(one) => self.evaluation.signals.delete(&one.rule_id).map(|()| {
                others.commit.removed.push((Document::SignalRule, one.rule_id.to_string()));
                others.gone.push(signal_key(&one.rule_id));
                AlertReply::Deleted(Deleted { deleted: one.rule_id.to_string() })
            }),
            AlertCommand::PauseSignal(one) => {
                self.evaluation.signals.pause(&one.rule_id, true).map(|rule| keep_signal(rule, others))
            }
            AlertCommand::ResumeSignal(one) => match self.evaluation.signals.pause(&one.rule_id, false) {
                Ok(rule) => Ok(self.begin_signal(rule, others, now).await),
                Err(refusal) => Err(refusal),
            },
            AlertCommand::SaveChannel(save) => self.save_channel(*save, now).await,
            AlertCommand::DeleteChannel(one) => {
                others.commit.removed_channels.push(one.channel_id.clone());
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
                    Some(answer) => {
                        self.evaluation.tell_states(now.wall);
                        answer
                    }
                    None => {
                        Err(Refusal::new(DenyCode::BadRequest, format!("{} is not carried out here", command.name())))
                    }
                }
            }
        };
        Some((reply, answer))
    }

    /// Keeps a signal rule that begins, with the bars that are followed already.
    async fn begin_signal(&mut self, rule: SignalRule, others: &mut Others, now: Now) -> AlertReply {
        if self.parts.sources.follows(&rule.instrument, rule.interval) {
            let bars: Vec<Bar> = self.history(&rule.instrument, rule.interval).await.iter().map(Bar::from).collect();
            self.evaluation.signals.seed(&rule.rule_id, &bars, now.wall);
        }
        keep_signal(rule, others)
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
            return AlertReply::Check(Box::new(CheckReport { note: refusal.message, ..Default::default() }));
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
        self.published.set_channel(&row);
        Ok(AlertReply::Channel(Box::new(row)))
    }

    async fn resend(&mut self, notice_id: u64, channel_id: &ChannelId) -> Answer {
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

    pub(super) async fn history(&self, instrument: &InstrumentId, interval: Interval) -> Vec<Candle> {
        let Ok(feed) = self.parts.sources.feeds().find(instrument) else { return Vec::new() };
        let asked =
            tokio::time::timeout(HISTORY_PATIENCE, feed.candles(instrument.clone(), interval, usize::MAX)).await;
        asked.ok().and_then(Result::ok).map(|data| data.bars).unwrap_or_default()
    }
}

fn keep_signal(rule: SignalRule, others: &mut Others) -> AlertReply {
    others.commit.documents.extend(document(Document::SignalRule, &rule.rule_id, &rule));
    AlertReply::Signal(Box::new(rule))
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

pub(super) fn refusal_of(error: &StoreError) -> Refusal {
    tracing::warn!(error = error as &dyn std::error::Error, "a command of alerts could not be kept");
    storage_refusal()
}

pub(super) fn storage_refusal() -> Refusal {
    Refusal::new(DenyCode::StorageFull, "the disk takes nothing: free some space; what exists is kept")
}

/// Longest time that a rule is tried on.
const MAX_HOURS: u32 = 24 * 30;
const HISTORY_PATIENCE: Duration = Duration::from_secs(10);
