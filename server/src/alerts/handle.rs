//! Handle through which the rest of the server reaches signals and alerts.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    alert::{
        channel::ChannelRow,
        command::{AlertCommand, AlertReply},
        rule::AlertRow,
        signal::Signal,
    },
    trading::refusal::{DenyCode, Refusal},
};
use store::alerts::Alerts;
use tokio::sync::{mpsc, oneshot};
use topics::channels::desk::RowText;

/// The answer to a command.
pub type Answer = Result<AlertReply, Refusal>;

/// A request to the task.
#[derive(Debug)]
pub enum Request {
    /// To carry a command out; the answer goes to `reply` once what it changes is on disk.
    Command {
        /// The command.
        command: Box<AlertCommand>,
        /// Receives the answer.
        reply: oneshot::Sender<Answer>,
    },
    /// For the rows of all rules and summaries of channels.
    Rules(oneshot::Sender<BTreeMap<String, RowText>>),
}

/// A handle to signals and alerts. Clones refer to the same.
#[derive(Clone, Debug)]
pub struct AlertsHandle {
    /// `None` where this server evaluates none.
    open: Option<Open>,
    push_key: Arc<str>,
}

#[derive(Clone, Debug)]
struct Open {
    requests: mpsc::Sender<Request>,
    alerts: Alerts,
}

impl AlertsHandle {
    /// Returns the handle of a task that reads `requests`' other end.
    pub fn new(requests: mpsc::Sender<Request>, alerts: Alerts, push_key: &str) -> Self {
        Self { open: Some(Open { requests, alerts }), push_key: push_key.into() }
    }

    /// Returns the handle of a server that evaluates none.
    pub fn closed() -> Self {
        Self { open: None, push_key: "".into() }
    }

    fn open(&self) -> Result<&Open, Refusal> {
        let closed = || Refusal::new(DenyCode::Unavailable, "this server evaluates no alerts");
        self.open.as_ref().ok_or_else(closed)
    }

    /// Returns the public key that browsers subscribe with.
    pub fn push_key(&self) -> &str {
        &self.push_key
    }

    /// Returns the rows of all rules and summaries of channels by their keys.
    ///
    /// # Errors
    /// The task is busy or stopping.
    pub async fn rules(&self) -> Result<BTreeMap<String, RowText>, Refusal> {
        let (reply, rows) = oneshot::channel();
        self.open()?.requests.try_send(Request::Rules(reply)).map_err(|_| busy())?;
        rows.await.map_err(|_| stopping())
    }

    /// Returns the settings of all channels, for those who may change them.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn channels(&self) -> Result<Vec<ChannelRow>, Refusal> {
        self.open()?.alerts.channels().await.map_err(|error| unreadable(&error))
    }

    /// Carries a command out. Cancel-safe: it is carried out anyway.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn command(&self, command: AlertCommand) -> Answer {
        let (reply, answer) = oneshot::channel();
        let request = Request::Command { command: Box::new(command), reply };
        self.open()?.requests.try_send(request).map_err(|_| busy())?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Returns at most `limit` alerts before a number, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn alerts(&self, before: Option<u64>, limit: u32) -> Result<Vec<AlertRow>, Refusal> {
        let rows = self.open()?.alerts.notices(before, limit).await.map_err(|error| unreadable(&error))?;
        let row = |row: store::alerts::NoticeRow| AlertRow {
            notice: row.notice,
            has_sound: false,
            acknowledged_time: row.acknowledged_time,
            deliveries: row.deliveries,
        };
        Ok(rows.into_iter().filter(super::task::is_alert).map(row).collect())
    }

    /// Returns the newest signals of a rule, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn signals(&self, rule_id: &str) -> Result<Vec<Signal>, Refusal> {
        let rows = self.open()?.alerts.signals(rule_id).await.map_err(|error| unreadable(&error))?;
        Ok(rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect())
    }
}

fn stopping() -> Refusal {
    Refusal::new(DenyCode::Unavailable, "the server is stopping")
}

fn busy() -> Refusal {
    Refusal::new(DenyCode::Unavailable, "too many commands wait already; try again in a moment")
}

fn unreadable(error: &store::error::StoreError) -> Refusal {
    Refusal::new(DenyCode::Unavailable, format!("the alerts cannot be read: {error}"))
}
