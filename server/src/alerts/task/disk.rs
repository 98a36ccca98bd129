//! Storage of rules, signals and alerts, and reading them again at a start.

use std::collections::BTreeMap;

use ::alerts::{
    engine::{Budget, Effects, Engine},
    memory::{EngineMemory, Kept},
};
use model::{
    alert::{
        channel::ChannelId,
        rule::{AlertRow, AlertRule},
        rule_id::RuleId,
        signal::{Signal, SignalRule},
    },
    time::Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};
use store::{
    alerts::{AlertCommit, Alerts, Document, NewDelivery, NoticeRow, SignalRow},
    error::StoreError,
};

use super::{
    super::{evaluation::Evaluation, signal_board::SignalBoard},
    AlertTask,
};

/// Reads rules, states and the newest alerts from disk.
pub(super) async fn restore(alerts: &Alerts, now: Timestamp) -> Result<Evaluation, StoreError> {
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
    let mut with_said = Vec::new();
    for rule in signal_rules {
        let newest = alerts.signals(rule.rule_id.as_str()).await?;
        let said = newest.iter().filter_map(|body| serde_json::from_str::<Signal>(body).ok()).collect();
        with_said.push((rule, said));
    }
    Ok(Evaluation::new(engine, SignalBoard::new(with_said)))
}

/// Returns the moment up to which an earlier run looked at prices.
pub(super) async fn last_stamp(alerts: &Alerts) -> Result<Option<Timestamp>, StoreError> {
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
pub(crate) fn is_alert(row: &NoticeRow) -> bool {
    !row.notice.rule_id.is_empty()
}

fn row_of(row: NoticeRow) -> AlertRow {
    let NoticeRow { notice, acknowledged_time, deliveries } = row;
    AlertRow { notice, has_sound: false, acknowledged_time, deliveries }
}

impl AlertTask {
    /// Gathers what has to be kept of a turn.
    pub(super) fn collect(&self, effects: &Effects, found: &[Signal], commit: &mut AlertCommit) {
        let engine = &self.evaluation.engine;
        for fired in &effects.fired {
            commit.notices.push(fired.notice.clone());
            let to = |channel_id: &ChannelId| NewDelivery {
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
}

pub(super) fn document(
    kind: Document,
    id: &impl ToString,
    body: &impl Serialize,
) -> Option<(Document, String, String)> {
    serde_json::to_string(body).ok().map(|body| (kind, id.to_string(), body))
}

/// The document of the engine's memory.
const MEMORY: &str = "engine";
/// The document of the moment up to which prices were looked at.
pub(super) const STAMP: &str = "looked";
/// Alerts that are read at a start.
const N_READ: u32 = 1_000;
