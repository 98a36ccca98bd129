//! The rows of the topics `rules`, `alert_channels`, `alerts` and `signals`, read from their JSON.

use model::{
    alert::{
        channel::{ChannelRow, summary::ChannelSummary},
        rule::{AlertRow, RuleRow},
        settings::AlertSettings,
        signal::{Signal, SignalRule},
    },
    sorted::sorted_by,
};
use serde::Deserialize;
use topics::topic::Topic;

use crate::{
    live::model::LiveModel,
    pages::desk::rows::{read_rows_of, unreadable},
};

/// Content of the topic `rules`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Alert rules, by name for people.
    pub alerts: Vec<RuleRow>,
    /// Signal rules, by name for people.
    pub signals: Vec<SignalRuleRow>,
    /// Channels without their settings, by identity.
    pub channels: Vec<ChannelSummary>,
    /// Settings of all alerts.
    pub settings: AlertSettings,
}

/// A signal rule as it is published.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SignalRuleRow {
    /// The rule.
    pub rule: SignalRule,
    /// Its condition, in words.
    pub sentence: String,
    /// Its newest signal since the server started.
    #[serde(default)]
    pub last: Option<Signal>,
}

/// Returns rules, channels and settings; `None` until they have arrived.
///
/// # Errors
/// A row of another form.
pub fn rules(model: &LiveModel) -> Result<Option<Rules>, String> {
    let Some(rows) = model.desk_rows(&Topic::RULES) else { return Ok(None) };
    let mut rules = Rules::default();
    for (key, row) in rows.rows.iter() {
        match key.split_once('/').map_or(key.as_str(), |(sort, _)| sort) {
            "alert" => rules.alerts.push(row.read().map_err(unreadable)?),
            "signal" => rules.signals.push(row.read().map_err(unreadable)?),
            "channel" => rules.channels.push(row.read().map_err(unreadable)?),
            "settings" => rules.settings = row.read().map_err(unreadable)?,
            // Of a newer server.
            _ => {}
        }
    }
    rules.alerts = sorted_by(rules.alerts, |one, other| one.rule.name.cmp(&other.rule.name));
    rules.signals = sorted_by(rules.signals, |one, other| one.rule.name.cmp(&other.rule.name));
    Ok(Some(rules))
}

/// Returns the channels with their settings, by identity; `None` until they have arrived, and for whoever may not change them.
///
/// # Errors
/// A row of another form.
pub fn channels(model: &LiveModel) -> Result<Option<Vec<ChannelRow>>, String> {
    let rows = read_rows_of::<ChannelRow>(model, &Topic::ALERT_CHANNELS, |_| true)?;
    Ok(rows.map(|rows| rows.into_iter().map(|(_, row)| row).collect()))
}

/// Returns the alerts, newest first; `None` until they have arrived.
///
/// # Errors
/// A row of another form.
pub fn alerts(model: &LiveModel) -> Result<Option<Vec<AlertRow>>, String> {
    let rows = read_rows_of::<AlertRow>(model, &Topic::ALERTS, |_| true)?;
    Ok(rows.map(|rows| rows.into_iter().rev().map(|(_, row)| row).collect()))
}

#[cfg(test)]
pub(crate) mod tests {
    use model::time::Now;
    use serde_json::{Value, json};
    use topics::channels::{
        TopicData,
        desk::{DeskRows, RowText},
    };
    use wire::message::{Update, UpdateKind};

    use super::*;

    /// A model with the rows of a topic.
    pub(crate) fn model_with(topic: Topic, data: fn(DeskRows) -> TopicData, rows: &[(&str, Value)]) -> LiveModel {
        let mut content = DeskRows::default();
        for (key, row) in rows {
            content.rows.insert((*key).to_owned(), RowText::of(row).unwrap());
        }
        let mut model = LiveModel::default();
        let (kind, data) = (UpdateKind::Snapshot, data(content));
        model.apply(Update { kind, topic, epoch: None, offset: 1, data }, Now::default());
        model
    }

    /// An alert's row.
    pub(crate) fn alert(notice_id: u64, severity: &str) -> Value {
        json!({"notice_id": notice_id, "rule_id": "a", "rule_version": 1, "severity": severity, "title": "BTC rose",
               "text": "", "instrument": "demo:BTC-SIM", "value": "62000.0", "level": "62000", "bar_time": null,
               "event_time": null, "receive_time": null, "fired_time": 1_000, "acknowledged_time": null})
    }

    #[test]
    fn rules_are_told_apart_by_their_keys() {
        let rule = json!({"rule_id": "b", "version": 1, "name": "B", "instrument": "demo:BTC-SIM",
                          "conditions": [{"kind": "price_above", "level": "1"}]});
        let state = json!({"status": {"kind": "armed"}, "saved_time": 0, "last_fired_time": null, "n_fired": 0, "n_suppressed": 0});
        let mut other = rule.clone();
        other["name"] = json!("A");
        let webhook = json!({"channel_id": "ops", "name": "Ops", "is_paused": false, "kind": "webhook",
                             "target": "https://example.com/…", "state": {}});
        let rows = [
            ("alert/b", json!({"rule": rule, "state": state, "sentence": "x"})),
            ("alert/c", json!({"rule": other, "state": state, "sentence": "y"})),
            ("channel/ops", webhook),
            ("settings", json!({"muted": {"until": null}})),
            ("strange/x", json!(1)),
        ];
        let rules = rules(&model_with(Topic::RULES, TopicData::Rules, &rows)).unwrap().unwrap();
        assert_eq!(rules.alerts.iter().map(|row| row.rule.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!((rules.channels.len(), rules.signals.len()), (1, 0));
        assert!(rules.settings.muted.is_some());
        assert_eq!(super::rules(&LiveModel::default()), Ok(None));
    }

    #[test]
    fn settings_of_channels_are_there_for_whoever_gets_them() {
        let kind = json!({"webhook": {"url": "https://example.com/hook", "secret": {"is_set": true}}});
        let row = json!({"channel": {"channel_id": "ops", "name": "Ops", "kind": kind}, "state": {}});
        let model = model_with(Topic::ALERT_CHANNELS, TopicData::AlertChannels, &[("ops", row)]);
        let found = channels(&model).unwrap().unwrap();
        assert_eq!(found.iter().map(|row| row.channel.channel_id.as_str()).collect::<Vec<_>>(), ["ops"]);
        assert_eq!(channels(&LiveModel::default()), Ok(None));
    }

    #[test]
    fn the_newest_alert_is_first_and_a_strange_row_an_error() {
        let rows = [("0000000001", alert(1, "info")), ("0000000002", alert(2, "critical"))];
        let found = alerts(&model_with(Topic::ALERTS, TopicData::Alerts, &rows)).unwrap().unwrap();
        assert_eq!(found.iter().map(|row| row.notice.notice_id).collect::<Vec<_>>(), [2, 1]);
        assert!(alerts(&model_with(Topic::ALERTS, TopicData::Alerts, &[("1", json!(5))])).is_err());
    }
}
