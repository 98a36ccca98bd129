//! A store in a folder of its own, and an outbox on it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use model::{
    alert::{
        channel::{Channel, ChannelId},
        delivery::{Delivery, DeliveryState},
        notice::{Notice, Severity},
    },
    time::Timestamp,
};
use server::{
    alerts::{
        channels::{Report, Senders, push::vapid::VapidKey},
        message::Message,
        outbox::{self, OutboxHandle},
        reach::Names,
    },
    clock::Clock,
    shutdown::Shutdown,
    tls,
};
use store::{
    alerts::{AlertCommit, Alerts, NewDelivery},
    files::Store,
};

/// Longer than anything here may take on a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running outbox.
pub(crate) struct Rig {
    pub(crate) alerts: Alerts,
    pub(crate) outbox: OutboxHandle,
    pub(crate) clock: Clock,
    pub(crate) shutdown: Shutdown,
}

/// Opens the store of a folder.
pub(crate) async fn open(folder: &Path) -> Alerts {
    Store::open(folder).await.unwrap().alerts.take().unwrap()
}

/// Creates senders with the key of a store.
pub(crate) async fn senders(alerts: &Alerts) -> Senders {
    senders_with(alerts, Names::default()).await
}

async fn senders_with(alerts: &Alerts, names: Names) -> Senders {
    Senders::new(&tls::client_config().unwrap(), VapidKey::kept(alerts).await.unwrap(), names).unwrap()
}

impl Rig {
    /// Starts an outbox on the store of a folder.
    pub(crate) async fn start(folder: &Path) -> Self {
        let (clock, shutdown) = (Clock::start(), Shutdown::default());
        let alerts = open(folder).await;
        let senders = senders(&alerts).await;
        let outbox = outbox::start(alerts.clone(), senders, Default::default(), clock, &shutdown);
        Self { alerts, outbox, clock, shutdown }
    }

    /// Writes alerts of a rule with a delivery each, and wakes the outbox.
    pub(crate) async fn fire(&self, numbers: impl IntoIterator<Item = u64>, rule_id: &str, channel: &ChannelId) {
        self.alerts.commit(&fired(numbers, rule_id, channel, self.clock.now().wall)).await.unwrap();
        self.outbox.wake();
    }

    /// Writes a channel.
    pub(crate) async fn put(&self, channel: &Channel) {
        let channels = vec![channel.clone()];
        self.alerts.commit(&AlertCommit { channels, ..AlertCommit::default() }).await.unwrap();
        self.outbox.wake();
    }

    /// Waits until the first delivery of an alert is in a state.
    pub(crate) async fn wait_until(&self, notice_id: u64, state: DeliveryState) -> Delivery {
        let begun = Instant::now();
        loop {
            let row = self.alerts.notices(Some(notice_id + 1), 1).await.unwrap().remove(0);
            if row.deliveries[0].state == state {
                return row.deliveries[0].clone();
            }
            assert!(begun.elapsed() < PATIENCE, "{:?}", row.deliveries);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends the outbox as the server does.
    pub(crate) async fn stop(self) {
        self.shutdown.begin();
        self.shutdown.finish().await;
        self.alerts.close().await;
    }
}

/// Alerts of a rule with a delivery each.
pub(crate) fn fired(
    numbers: impl IntoIterator<Item = u64>,
    rule_id: &str,
    channel: &ChannelId,
    now: Timestamp,
) -> AlertCommit {
    let notices: Vec<Notice> = numbers.into_iter().map(|number| notice(number, rule_id, now)).collect();
    let new =
        |notice: &Notice| NewDelivery { notice_id: notice.notice_id, channel_id: channel.clone(), not_before: None };
    AlertCommit { time: now, deliveries: notices.iter().map(new).collect(), notices, ..AlertCommit::default() }
}

pub(crate) fn notice(notice_id: u64, rule_id: &str, now: Timestamp) -> Notice {
    let test = Message::test(ChannelId::parse("any").unwrap(), now).notice;
    let (title, text) = (format!("BTCUSDT rose to {notice_id}"), "A longer text.".to_owned());
    Notice { notice_id, rule_id: rule_id.to_owned(), severity: Severity::Warning, title, text, ..test }
}

/// Reads a channel that may reach this machine.
pub(crate) fn channel(channel_id: &str, kind: &str) -> Channel {
    let json = format!(r#"{{"channel_id":"{channel_id}","name":"Test","allows_private":true,"kind":{kind}}}"#);
    serde_json::from_str::<Channel>(&json).unwrap().complete(None).unwrap()
}

pub(crate) fn webhook(url: &str) -> Channel {
    channel("hook", &format!(r#"{{"webhook":{{"url":"{url}/hook","secret":"{KEY}"}}}}"#))
}

/// Makes one attempt without an outbox.
pub(crate) async fn attempt(channel: &Channel) -> Report {
    attempt_with(channel, Names::default()).await
}

/// Makes one attempt, looking names up with `names`.
pub(crate) async fn attempt_with(channel: &Channel, names: Names) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    let now = Clock::start().now().wall;
    let message = Message { notice: notice(7, "level", now), channel_id: channel.channel_id.clone() };
    senders_with(&alerts, names).await.send(channel, &message, &[], now).await
}

/// The signing key: the 16 bytes `0123456789abcdef`.
pub(crate) const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZg==";
