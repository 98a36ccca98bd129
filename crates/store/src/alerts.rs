//! Storage of alerts: rules and their states, alerts, channels, signals and the outbox.
//!
//! In the desk's file, so a backup has them, but with a connection of its own ([`crate::turns`]): the desk does not wait
//! for alerts beyond one commit. An alert and its deliveries are one commit. Not here: what a rule means, when a delivery
//! is tried (`server::alerts`). Deliveries are in [`outbox`].

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use model::{
    alert::{
        channel::{Channel, ChannelId, ChannelRow, ChannelState},
        delivery::Delivery,
        notice::Notice,
    },
    time::Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Row, Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};
use tokio::sync::SemaphorePermit;

use crate::{
    error::StoreError,
    files::{Lock, damaged_at},
    journal::row_id,
    turns::Turns,
};

pub mod outbox;

/// The kinds of JSON that are kept by identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A rule of alerts.
    AlertRule,
    /// State of an alert rule: armed, fired, snoozed.
    AlertState,
    /// A rule of signals.
    SignalRule,
    /// State of a signal rule.
    SignalState,
    /// A setting of all alerts, as the quiet hours.
    Setting,
}

impl Document {
    fn word(self) -> &'static str {
        match self {
            Self::AlertRule => "alert_rule",
            Self::AlertState => "alert_state",
            Self::SignalRule => "signal_rule",
            Self::SignalState => "signal_state",
            Self::Setting => "setting",
        }
    }
}

/// Changes written together. Empty parts change nothing.
#[derive(Clone, Debug, Default)]
pub struct AlertCommit {
    /// The moment.
    pub time: Timestamp,
    /// Alerts that fired. Their numbers are new.
    pub notices: Vec<Notice>,
    /// Their deliveries; one that is there already stays as it is.
    pub deliveries: Vec<NewDelivery>,
    /// Alerts that more were folded into, with the new count.
    pub folded: Vec<(u64, u64)>,
    /// Alerts that somebody acknowledged.
    pub acknowledged: Vec<u64>,
    /// New or changed documents: kind, identity, JSON.
    pub documents: Vec<(Document, String, String)>,
    /// Documents that are deleted.
    pub removed: Vec<(Document, String)>,
    /// New or changed signals.
    pub signals: Vec<SignalRow>,
    /// New or changed channels. A change keeps the state of the channel.
    pub channels: Vec<Channel>,
    /// Channels that are deleted; what waits for them is given up.
    pub removed_channels: Vec<ChannelId>,
}

/// An alert's way to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The alert.
    pub notice_id: u64,
    /// The channel.
    pub channel_id: ChannelId,
    /// Not before this moment, as the end of quiet hours; absent: at once.
    pub not_before: Option<Timestamp>,
}

/// A signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalRow {
    /// Its rule.
    pub rule_id: String,
    /// Identity of the signal: a second one with the same key replaces it.
    pub key: String,
    /// Its time, for the order.
    pub time: Timestamp,
    /// All of it, as JSON.
    pub body: String,
}

/// An alert with what happened since.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeRow {
    /// The alert as it fired, with the newest count.
    pub notice: Notice,
    /// Time at which somebody acknowledged it.
    pub acknowledged_time: Option<Timestamp>,
    /// Its deliveries, by channel.
    pub deliveries: Vec<Delivery>,
}

/// The tables of alerts. Clones share a connection that writes and a few that read.
#[derive(Clone, Debug)]
pub struct Alerts {
    writer: SqlitePool,
    readers: SqlitePool,
    turns: Turns,
    path: PathBuf,
    #[expect(dead_code, reason = "others stay off the file for as long as one of these lives")]
    lock: Arc<Lock>,
}

impl Alerts {
    /// Uses a file that was opened, checked and migrated already.
    pub(crate) fn new(
        options: SqliteConnectOptions,
        readers: SqlitePool,
        turns: Turns,
        path: PathBuf,
        lock: Arc<Lock>,
    ) -> Self {
        let writer = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        // A commit whose caller went away is taken back before the next one begins.
        let writer = writer.after_release(|connection, _| {
            Box::pin(async move {
                // Fails where no transaction is open, as it should be.
                let _none_open = sqlx::query("ROLLBACK").execute(connection).await;
                Ok(true)
            })
        });
        Self { writer: writer.connect_lazy_with(options), readers, turns, path, lock }
    }

    /// Closes the connections of all clones.
    pub async fn close(self) {
        self.writer.close().await;
        self.readers.close().await;
    }

    /// Writes a commit; it is on disk when this returns. Cancel-safe: what is cancelled is not written.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn commit(&self, commit: &AlertCommit) -> Result<(), StoreError> {
        let mut writing = self.begin().await?;
        let written = write(&mut writing.connection, commit).await;
        self.end(writing, written).await
    }

    /// Returns all documents of a kind as identity and JSON, by identity.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn documents(&self, kind: Document) -> Result<Vec<(String, String)>, StoreError> {
        let select = sqlx::query("SELECT id, body FROM alert_documents WHERE kind = ?1 ORDER BY id").bind(kind.word());
        let rows = self.read(select.fetch_all(&self.readers).await)?;
        self.read(rows.into_iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect())
    }

    /// Keeps a document unless there is one of that identity, and returns the one that is kept.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn keep_first(&self, kind: Document, id: &str, body: &str) -> Result<String, StoreError> {
        let mut writing = self.begin().await?;
        let kept = keep_first(&mut writing.connection, kind, id, body).await;
        self.end(writing, kept).await
    }

    /// Returns all channels with their secrets, by identity.
    ///
    /// # Errors
    /// The file or a row cannot be read.
    pub async fn channels(&self) -> Result<Vec<ChannelRow>, StoreError> {
        let select = "SELECT channel_id, body, secrets, state FROM alert_channels ORDER BY channel_id";
        let rows = self.read(sqlx::query(select).fetch_all(&self.readers).await)?;
        rows.iter().map(|row| self.channel_row(row)).collect()
    }

    /// Returns one channel with its secrets; `None` where there is none of that identity.
    ///
    /// # Errors
    /// The file or the row cannot be read.
    pub async fn channel(&self, channel_id: &ChannelId) -> Result<Option<ChannelRow>, StoreError> {
        let select = "SELECT channel_id, body, secrets, state FROM alert_channels WHERE channel_id = ?1";
        let select = sqlx::query(select).bind(channel_id.as_str());
        let row = self.read(select.fetch_optional(&self.readers).await)?;
        row.map(|row| self.channel_row(&row)).transpose()
    }

    /// Returns the number of the newest alert; 0 where there was none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn last_notice_id(&self) -> Result<u64, StoreError> {
        let select = "SELECT coalesce(max(notice_id), 0) FROM notices";
        let number: i64 = self.read(sqlx::query_scalar(select).fetch_one(&self.readers).await)?;
        Ok(unsigned(number))
    }

    /// Returns at most `limit` alerts before a number, newest first; without one, from the newest on.
    ///
    /// # Errors
    /// The file or a row cannot be read.
    pub async fn notices(&self, before: Option<u64>, limit: u32) -> Result<Vec<NoticeRow>, StoreError> {
        let before = before.map_or(i64::MAX, row_id);
        let select = "SELECT notice_id, body, n_folded, acknowledged_ns FROM notices WHERE notice_id < ?1 \
                      ORDER BY notice_id DESC LIMIT ?2";
        let rows = self.read(sqlx::query(select).bind(before).bind(limit).fetch_all(&self.readers).await)?;
        let mut deliveries = self.deliveries_of(&rows, before).await?;
        let mut notices = Vec::with_capacity(rows.len());
        for row in rows {
            let notice = self.notice(&row)?;
            let acknowledged: Option<i64> = self.read(row.try_get(3))?;
            notices.push(NoticeRow {
                deliveries: deliveries.remove(&notice.notice_id).unwrap_or_default(),
                acknowledged_time: acknowledged.map(Timestamp::from_nanos),
                notice,
            });
        }
        Ok(notices)
    }

    /// Returns the signals of a rule as JSON, oldest first; at most [`N_SIGNALS_KEPT`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn signals(&self, rule_id: &str) -> Result<Vec<String>, StoreError> {
        let select = "SELECT body FROM signals WHERE rule_id = ?1 ORDER BY time_ns, signal_key";
        self.read(sqlx::query_scalar(select).bind(rule_id).fetch_all(&self.readers).await)
    }

    async fn deliveries_of(
        &self,
        notices: &[SqliteRow],
        before: i64,
    ) -> Result<BTreeMap<u64, Vec<Delivery>>, StoreError> {
        let oldest: Option<i64> = notices.last().map(|row| self.read(row.try_get(0))).transpose()?;
        let select = "SELECT * FROM deliveries WHERE notice_id >= ?1 AND notice_id < ?2 ORDER BY channel_id";
        let select = sqlx::query(select).bind(oldest.unwrap_or(before)).bind(before);
        let mut deliveries: BTreeMap<u64, Vec<Delivery>> = BTreeMap::new();
        for row in self.read(select.fetch_all(&self.readers).await)? {
            let delivery = self.delivery(&row)?;
            deliveries.entry(delivery.notice_id).or_default().push(delivery);
        }
        Ok(deliveries)
    }

    /// Reads a row that begins with number, body and count.
    fn notice(&self, row: &SqliteRow) -> Result<Notice, StoreError> {
        let read = || Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        let (number, body, n_folded): (i64, String, i64) = self.read(read())?;
        let notice: Notice = parse("notices", &number.to_string(), &body)?;
        Ok(Notice { n_folded: unsigned(n_folded), ..notice })
    }

    fn channel_row(&self, row: &SqliteRow) -> Result<ChannelRow, StoreError> {
        let read = || Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?));
        let (id, body, secrets, state): (String, String, String, String) = self.read(read())?;
        let channel: Channel = parse(CHANNELS, &id, &body)?;
        let secrets: BTreeMap<String, String> = parse(CHANNELS, &id, &secrets)?;
        Ok(ChannelRow { channel: channel.with_secrets(&secrets), state: parse(CHANNELS, &id, &state)? })
    }

    async fn begin(&self) -> Result<Writing<'_>, StoreError> {
        let turn = self.turns.take().await;
        let mut connection = self.writer.acquire().await?;
        self.read(sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await)?;
        Ok(Writing { connection, _turn: turn })
    }

    async fn end<T>(&self, mut writing: Writing<'_>, written: Result<T, StoreError>) -> Result<T, StoreError> {
        let result = match written {
            Ok(value) => {
                sqlx::query("COMMIT").execute(&mut *writing.connection).await.map(|_| value).map_err(StoreError::from)
            }
            Err(error) => Err(error),
        };
        if result.is_err() {
            // Fails where SQLite has taken it back already.
            let _already = sqlx::query("ROLLBACK").execute(&mut *writing.connection).await;
        }
        result.map_err(|error| error.at(&self.path))
    }

    fn read<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        damaged_at(&self.path, result)
    }
}

/// A transaction that is under way, and its turn.
struct Writing<'a> {
    connection: PoolConnection<Sqlite>,
    _turn: SemaphorePermit<'a>,
}

async fn write(connection: &mut SqliteConnection, commit: &AlertCommit) -> Result<(), StoreError> {
    for channel in &commit.channels {
        put_channel(connection, channel).await?;
    }
    for channel_id in &commit.removed_channels {
        sqlx::query("DELETE FROM alert_channels WHERE channel_id = ?1")
            .bind(channel_id.as_str())
            .execute(&mut *connection)
            .await?;
        outbox::give_up_all(connection, channel_id, "the channel was deleted").await?;
    }
    for (kind, id, body) in &commit.documents {
        let put = "INSERT INTO alert_documents (kind, id, body) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (kind, id) DO UPDATE SET body = ?3";
        sqlx::query(put).bind(kind.word()).bind(id).bind(body).execute(&mut *connection).await?;
    }
    for (kind, id) in &commit.removed {
        let delete = sqlx::query("DELETE FROM alert_documents WHERE kind = ?1 AND id = ?2");
        delete.bind(kind.word()).bind(id).execute(&mut *connection).await?;
        if *kind == Document::SignalRule {
            sqlx::query("DELETE FROM signals WHERE rule_id = ?1").bind(id).execute(&mut *connection).await?;
        }
    }
    for signal in &commit.signals {
        put_signal(connection, signal).await?;
    }
    for notice in &commit.notices {
        insert_notice(connection, notice).await?;
    }
    for delivery in &commit.deliveries {
        outbox::insert(connection, delivery, commit.time).await?;
    }
    for (notice_id, n_folded) in &commit.folded {
        let update = sqlx::query("UPDATE notices SET n_folded = ?2 WHERE notice_id = ?1");
        update.bind(row_id(*notice_id)).bind(row_id(*n_folded)).execute(&mut *connection).await?;
    }
    for notice_id in &commit.acknowledged {
        let update = "UPDATE notices SET acknowledged_ns = coalesce(acknowledged_ns, ?2) WHERE notice_id = ?1";
        let update = sqlx::query(update).bind(row_id(*notice_id)).bind(commit.time.as_nanos());
        update.execute(&mut *connection).await?;
    }
    if !commit.notices.is_empty() {
        forget_old(connection).await?;
    }
    Ok(())
}

async fn put_channel(connection: &mut SqliteConnection, channel: &Channel) -> Result<(), StoreError> {
    let put = "INSERT INTO alert_channels (channel_id, body, secrets, state) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (channel_id) DO UPDATE SET body = ?2, secrets = ?3";
    let put = sqlx::query(put).bind(channel.channel_id.as_str()).bind(json(channel));
    put.bind(json(&channel.secrets())).bind(json(&ChannelState::default())).execute(connection).await?;
    Ok(())
}

async fn keep_first(
    connection: &mut SqliteConnection,
    kind: Document,
    id: &str,
    body: &str,
) -> Result<String, StoreError> {
    let insert = sqlx::query("INSERT OR IGNORE INTO alert_documents (kind, id, body) VALUES (?1, ?2, ?3)");
    insert.bind(kind.word()).bind(id).bind(body).execute(&mut *connection).await?;
    let select = sqlx::query_scalar("SELECT body FROM alert_documents WHERE kind = ?1 AND id = ?2");
    Ok(select.bind(kind.word()).bind(id).fetch_one(connection).await?)
}

async fn put_signal(connection: &mut SqliteConnection, signal: &SignalRow) -> Result<(), StoreError> {
    let put = "INSERT INTO signals (rule_id, signal_key, time_ns, body) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (rule_id, signal_key) DO UPDATE SET time_ns = ?3, body = ?4";
    let put = sqlx::query(put).bind(&signal.rule_id).bind(&signal.key).bind(signal.time.as_nanos()).bind(&signal.body);
    put.execute(&mut *connection).await?;
    let delete = "DELETE FROM signals WHERE rule_id = ?1 AND signal_key NOT IN \
                  (SELECT signal_key FROM signals WHERE rule_id = ?1 ORDER BY time_ns DESC, signal_key DESC LIMIT ?2)";
    sqlx::query(delete).bind(&signal.rule_id).bind(N_SIGNALS_KEPT).execute(connection).await?;
    Ok(())
}

async fn insert_notice(connection: &mut SqliteConnection, notice: &Notice) -> Result<(), StoreError> {
    let insert = "INSERT INTO notices (notice_id, rule_id, fired_ns, n_folded, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let insert = sqlx::query(insert).bind(row_id(notice.notice_id)).bind(&notice.rule_id);
    let insert = insert.bind(notice.fired_time.as_nanos()).bind(row_id(notice.n_folded)).bind(json(notice));
    insert.execute(connection).await?;
    Ok(())
}

/// Forgets alerts beyond the newest, but none that is still on its way. Those are few: the outbox folds what waits.
async fn forget_old(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let delete = "DELETE FROM notices WHERE notice_id < \
                  (SELECT notice_id FROM notices ORDER BY notice_id DESC LIMIT 1 OFFSET ?1) AND NOT EXISTS \
                  (SELECT 1 FROM deliveries WHERE deliveries.notice_id = notices.notice_id \
                   AND state IN ('pending', 'failed'))";
    sqlx::query(delete).bind(N_NOTICES_KEPT - 1).execute(connection).await?;
    Ok(())
}

fn parse<T: DeserializeOwned>(table: &'static str, row: &str, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|source| StoreError::BadRow { table, row: row.to_owned(), source })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("invariant: rows have string keys only")
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Alerts kept, beside those still on their way.
pub const N_NOTICES_KEPT: u32 = 1_000;
/// Signals kept of a rule.
pub const N_SIGNALS_KEPT: u32 = 100;
const CHANNELS: &str = "alert_channels";
