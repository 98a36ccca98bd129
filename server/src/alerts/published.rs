//! The topics `rules`, `alert_channels`, `alerts` and `signals`: what is published of them, and what each lane has published.
//!
//! A channel is in two topics: its summary for everybody in `rules`, its settings for admins in `alert_channels`. Not here:
//! the engine (`alerts`), what is on disk (`store`).

use std::collections::{BTreeMap, VecDeque};

use model::{
    alert::{
        channel::{ChannelRow, summary::ChannelSummary},
        rule::AlertRow,
        signal::Signal,
    },
    sorted::SortedMap,
    time::Now,
};
use serde::Serialize;
use topics::{
    channels::{
        Channel, TopicData,
        desk::{DeskLog, DeskRows, RowText},
    },
    lane::Lane,
    limits::DESK_LOG_LENGTH,
    source::TopicSource,
    topic::Topic,
};

/// Published rows, and each lane's state of them.
#[derive(Debug, Default)]
pub struct Published {
    rules: Rows,
    channels: Rows,
    alerts: Rows,
    signals: VecDeque<(u64, RowText)>,
    n_signals: u64,
    lanes: [BTreeMap<Topic, (u64, TopicData)>; Lane::ALL.len()],
}

/// Rows with a number that rises with each change.
#[derive(Debug, Default)]
struct Rows {
    rows: SortedMap<String, RowText>,
    revision: u64,
}

impl Rows {
    fn set(&mut self, key: String, row: &impl Serialize) {
        if let Some(row) = RowText::of(row)
            && self.rows.get(&key) != Some(&row)
        {
            self.rows.insert(key, row);
            self.revision += 1;
        }
    }

    fn remove(&mut self, key: &str) {
        if self.rows.remove(&key.to_owned()).is_some() {
            self.revision += 1;
        }
    }
}

impl Published {
    /// Sets the row of a rule or the settings.
    pub fn set_rule(&mut self, key: String, row: &impl Serialize) {
        self.rules.set(key, row);
    }

    /// Sets a channel.
    pub fn set_channel(&mut self, row: &ChannelRow) {
        let id = row.channel.channel_id.to_string();
        self.rules.set(channel_key(&id), &ChannelSummary::of(row));
        self.channels.set(id, row);
    }

    /// Removes a channel.
    pub fn remove_channel(&mut self, id: &str) {
        self.rules.remove(&channel_key(id));
        self.channels.remove(id);
    }

    /// Returns rules, summaries of channels and settings by their keys.
    pub fn rules(&self) -> BTreeMap<String, RowText> {
        self.rules.rows.iter().map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// Removes a rule.
    pub fn remove_rule(&mut self, key: &str) {
        self.rules.remove(key);
    }

    /// Sets an alert, or what is known of it. The oldest ones leave.
    pub fn set_alert(&mut self, row: &AlertRow) {
        self.alerts.set(alert_key(row.notice.notice_id), row);
        while self.alerts.rows.len() > N_ALERTS {
            let Some(oldest) = self.alerts.rows.keys().next().cloned() else { break };
            self.alerts.remove(&oldest);
        }
    }

    /// Removes alerts that are no longer kept.
    pub fn remove_alerts(&mut self, ids: &[u64]) {
        ids.iter().for_each(|id| self.alerts.remove(&alert_key(*id)));
    }

    /// Adds a signal, which has a number.
    pub fn add_signal(&mut self, signal: &Signal) {
        let (Some(number), Some(row)) = (signal.number, RowText::of(signal)) else { return };
        self.signals.push_back((number, row));
        let n_surplus = self.signals.len().saturating_sub(DESK_LOG_LENGTH);
        self.signals.drain(..n_surplus);
        self.n_signals += 1;
    }

    fn current(&self, topic: &Topic) -> Option<(u64, TopicData)> {
        let rows = |rows: &Rows| DeskRows { rows: rows.rows.clone(), removed: Vec::new() };
        let data = match topic.channel() {
            Channel::Rules => TopicData::Rules(rows(&self.rules)),
            Channel::AlertChannels => TopicData::AlertChannels(rows(&self.channels)),
            Channel::Alerts => TopicData::Alerts(rows(&self.alerts)),
            Channel::Signals => TopicData::Signals(DeskLog { entries: self.signals.iter().cloned().collect() }),
            _ => return None,
        };
        Some((self.revision(topic), data))
    }

    fn revision(&self, topic: &Topic) -> u64 {
        match topic.channel() {
            Channel::Rules => self.rules.revision,
            Channel::AlertChannels => self.channels.revision,
            Channel::Alerts => self.alerts.revision,
            _ => self.n_signals,
        }
    }
}

impl TopicSource for Published {
    fn start(&mut self, topic: &Topic, lane: Lane) {
        if let Some(current) = self.current(topic) {
            self.lanes[usize::from(lane.index())].insert(topic.clone(), current);
        }
    }

    fn stop(&mut self, topic: &Topic, lane: Lane) {
        self.lanes[usize::from(lane.index())].remove(topic);
    }

    fn turn(&mut self, lane: Lane, _now: Now) -> Vec<(Topic, TopicData)> {
        let idx = usize::from(lane.index());
        let behind = |(topic, (seen, _)): &(&Topic, &(u64, TopicData))| *seen != self.revision(topic);
        let topics: Vec<Topic> = self.lanes[idx].iter().filter(behind).map(|(topic, _)| topic.clone()).collect();
        let delta = |topic: Topic| {
            let (revision, newer) = self.current(&topic)?;
            let (seen, published) = self.lanes[idx].get_mut(&topic)?;
            *seen = revision;
            let delta = published.diff(&newer)?;
            *published = newer;
            Some((topic, delta))
        };
        topics.into_iter().filter_map(delta).collect()
    }

    fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        self.lanes[usize::from(lane.index())].get(topic).map(|(_, data)| data.clone())
    }
}

/// The key of a channel's summary.
fn channel_key(id: &str) -> String {
    format!("channel/{id}")
}

/// Numbers of one length, so that keys and alerts have the same order.
fn alert_key(notice_id: u64) -> String {
    format!("{notice_id:010}")
}

/// Alerts in the topic; REST has more.
const N_ALERTS: usize = 200;

#[cfg(test)]
mod tests {
    use model::alert::notice::{Notice, Severity};

    use super::*;

    fn alert(notice_id: u64, title: &str) -> AlertRow {
        AlertRow {
            notice: Notice {
                notice_id,
                rule_id: "r".into(),
                rule_version: 1,
                severity: Severity::Info,
                title: title.into(),
                text: String::new(),
                instrument: None,
                value: None,
                level: None,
                bar_time: None,
                event_time: None,
                receive_time: None,
                fired_time: model::time::Timestamp::from_millis(1),
                is_late: false,
                n_folded: 0,
            },
            has_sound: false,
            acknowledged_time: None,
            deliveries: Vec::new(),
        }
    }

    fn rows(data: &TopicData) -> (Vec<String>, Vec<String>) {
        match data {
            TopicData::Alerts(rows) | TopicData::Rules(rows) | TopicData::AlertChannels(rows) => {
                (rows.rows.keys().cloned().collect(), rows.removed.clone())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lane_gets_what_changed_and_a_late_one_all() {
        let mut published = Published::default();
        published.start(&Topic::ALERTS, Lane::Fast);
        published.set_alert(&alert(9, "one"));
        published.set_alert(&alert(10, "two"));
        let deltas = published.turn(Lane::Fast, Now::default());
        assert_eq!(rows(&deltas[0].1).0, ["0000000009", "0000000010"]);
        assert!(published.turn(Lane::Fast, Now::default()).is_empty());
        published.set_alert(&alert(10, "two"));
        assert!(published.turn(Lane::Fast, Now::default()).is_empty(), "the same row again is no change");
        published.set_alert(&alert(10, "other"));
        published.remove_alerts(&[9]);
        let deltas = published.turn(Lane::Fast, Now::default());
        assert_eq!(rows(&deltas[0].1), (vec!["0000000010".to_owned()], vec!["0000000009".to_owned()]));
        published.start(&Topic::ALERTS, Lane::Slow);
        assert_eq!(rows(&published.snapshot(&Topic::ALERTS, Lane::Slow).unwrap()).0, ["0000000010"]);
        published.stop(&Topic::ALERTS, Lane::Fast);
        assert_eq!(published.snapshot(&Topic::ALERTS, Lane::Fast), None);
    }

    #[test]
    fn alerts_are_bounded_and_the_newest_stay() {
        let mut published = Published::default();
        (1..=250).for_each(|id| published.set_alert(&alert(id, "x")));
        assert_eq!(published.alerts.rows.len(), N_ALERTS);
        assert_eq!(published.alerts.rows.keys().next().map(String::as_str), Some("0000000051"));
    }

    #[test]
    fn a_channel_is_a_summary_for_everybody_and_its_settings_for_admins() {
        let json = r#"{"channel":{"channel_id":"ops","name":"Ops","kind":{"webhook":{"url":"https://hooks.example/T0P",
                       "secret":"whsec_YQ=="}}},"state":{}}"#;
        let row: ChannelRow = serde_json::from_str(json).unwrap();
        let mut published = Published::default();
        published.set_channel(&row);
        let content = |published: &Published, topic| format!("{:?}", published.current(&topic).unwrap().1);
        let (summary, settings) = (content(&published, Topic::RULES), content(&published, Topic::ALERT_CHANNELS));
        assert!(summary.contains("https://hooks.example/…") && !summary.contains("T0P"), "{summary}");
        assert!(settings.contains("https://hooks.example/T0P") && !settings.contains("YQ=="), "{settings}");
        assert_eq!(published.rules().into_keys().collect::<Vec<_>>(), ["channel/ops"]);
        published.remove_channel("ops");
        for topic in [Topic::RULES, Topic::ALERT_CHANNELS] {
            assert_eq!(rows(&published.current(&topic).unwrap().1).0, Vec::<String>::new(), "{topic}");
        }
    }
}
