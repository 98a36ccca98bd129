//! The outbox on disk: waiting deliveries, their outcomes, and those that people send again.
//!
//! A delivery leaves the waiting ones in the same commit that says what the other server answered. Between the answer and
//! that commit a crash can repeat a message, with the same identity; it can never lose one.

use std::collections::BTreeMap;

use model::{
    alert::{
        channel::{Channel, ChannelId, ChannelKind, ChannelState, SubscriptionId},
        delivery::{Delivery, DeliveryState},
        notice::Notice,
    },
    time::Timestamp,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{Alerts, CHANNELS, NewDelivery, json, parse, put_channel, unsigned};
use crate::{error::StoreError, journal::row_id};

/// A delivery that waits, with what decides about its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The delivery.
    pub delivery: Delivery,
    /// The rule of its alert.
    pub rule_id: String,
}

/// Content of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Parcel {
    /// The alert, with the count of all that were folded into the message.
    pub notice: Notice,
    /// Browsers that have it already.
    pub reached: Vec<SubscriptionId>,
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The alert.
    pub notice_id: u64,
    /// The channel.
    pub channel_id: ChannelId,
    /// The moment.
    pub time: Timestamp,
    /// The other server's status or reply code.
    pub status: Option<u16>,
    /// Outcome of the attempt.
    pub outcome: Outcome,
    /// Browsers that have it now.
    pub reached: Vec<SubscriptionId>,
    /// Browsers that ended their subscription.
    pub ended: Vec<SubscriptionId>,
}

/// Outcome of an attempt for the delivery and its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken: the channel works.
    Sent,
    /// It is tried again.
    Retry {
        /// Not before.
        next_time: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// This message is given up.
    Dead {
        /// Why.
        error: String,
    },
    /// The channel takes nothing any more: everything that waits for it is given up.
    Disabled {
        /// Why.
        error: String,
    },
}

impl Alerts {
    /// Returns everything that waits, by channel, oldest first.
    ///
    /// # Errors
    /// The file or a row cannot be read.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let select = "SELECT deliveries.*, notices.rule_id FROM deliveries JOIN notices USING (notice_id) \
                      WHERE state IN ('pending', 'failed') ORDER BY channel_id, notice_id";
        let rows = self.read(sqlx::query(select).fetch_all(&self.readers).await)?;
        let read = |row: &SqliteRow| {
            Ok(Waiting { delivery: self.delivery(row)?, rule_id: self.read(row.try_get("rule_id"))? })
        };
        rows.iter().map(read).collect()
    }

    /// Returns the message of a delivery; `None` where there is no such delivery.
    ///
    /// # Errors
    /// The file or the row cannot be read.
    pub async fn parcel(&self, notice_id: u64, channel_id: &ChannelId) -> Result<Option<Parcel>, StoreError> {
        let select = "SELECT notice_id, body, notices.n_folded + deliveries.n_folded, reached \
                      FROM deliveries JOIN notices USING (notice_id) WHERE notice_id = ?1 AND channel_id = ?2";
        let select = sqlx::query(select).bind(row_id(notice_id)).bind(channel_id.as_str());
        let Some(row) = self.read(select.fetch_optional(&self.readers).await)? else { return Ok(None) };
        let reached: String = self.read(row.try_get(3))?;
        let reached = parse(DELIVERIES, &notice_id.to_string(), &reached)?;
        Ok(Some(Parcel { notice: self.notice(&row)?, reached }))
    }

    /// Writes the outcome of an attempt. A delivery that does not wait any more stays as it is.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn attempted(&self, attempt: &Attempt) -> Result<(), StoreError> {
        let mut writing = self.begin().await?;
        let written = put_attempt(&mut writing.connection, attempt).await;
        self.end(writing, written).await
    }

    /// Writes what a test of a channel found: that it works, and browsers that ended their subscription.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn tested(
        &self,
        channel_id: &ChannelId,
        verified_time: Option<Timestamp>,
        ended: &[SubscriptionId],
    ) -> Result<(), StoreError> {
        let mut writing = self.begin().await?;
        let written = put_test(&mut writing.connection, channel_id, verified_time, ended).await;
        self.end(writing, written).await
    }

    /// Folds waiting deliveries of a channel into a newer one, which carries their count.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn fold(&self, channel_id: &ChannelId, into: u64, from: &[u64]) -> Result<(), StoreError> {
        let mut writing = self.begin().await?;
        let written = fold(&mut writing.connection, channel_id, into, from).await;
        self.end(writing, written).await
    }

    /// Gives up a delivery that waits.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn give_up(&self, notice_id: u64, channel_id: &ChannelId, error: &str) -> Result<(), StoreError> {
        let mut writing = self.begin().await?;
        let update = "UPDATE deliveries SET state = 'dead', last_error = coalesce(last_error, ?3) \
                      WHERE notice_id = ?1 AND channel_id = ?2 AND state IN ('pending', 'failed')";
        let update = sqlx::query(update).bind(row_id(notice_id)).bind(channel_id.as_str()).bind(error);
        let written = update.execute(&mut *writing.connection).await;
        self.end(writing, written.map(|_| ()).map_err(StoreError::from)).await
    }

    /// Lets a dead delivery begin again. Returns false where it is not dead.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn resend(&self, notice_id: u64, channel_id: &ChannelId, now: Timestamp) -> Result<bool, StoreError> {
        let mut writing = self.begin().await?;
        let update = "UPDATE deliveries SET state = 'pending', n_attempts = 0, created_ns = ?3, next_ns = ?3, \
                      last_error = NULL, last_status = NULL \
                      WHERE notice_id = ?1 AND channel_id = ?2 AND state = 'dead'";
        let update = sqlx::query(update).bind(row_id(notice_id)).bind(channel_id.as_str()).bind(now.as_nanos());
        let written = update.execute(&mut *writing.connection).await;
        self.end(writing, written.map(|done| done.rows_affected() > 0).map_err(StoreError::from)).await
    }

    /// Returns at most `limit` dead deliveries, those of the newest alerts first.
    ///
    /// # Errors
    /// The file or a row cannot be read.
    pub async fn dead_letters(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let select = "SELECT * FROM deliveries WHERE state = 'dead' ORDER BY notice_id DESC, channel_id LIMIT ?1";
        let rows = self.read(sqlx::query(select).bind(limit).fetch_all(&self.readers).await)?;
        rows.iter().map(|row| self.delivery(row)).collect()
    }

    /// Reads a row of the table.
    pub(super) fn delivery(&self, row: &SqliteRow) -> Result<Delivery, StoreError> {
        let Columns { notice_id, channel_id, state, n_attempts, created, next, last, status, error, n_folded, into } =
            self.read(Columns::of(row))?;
        let bad = |reason: &str| StoreError::BadRow {
            table: DELIVERIES,
            row: notice_id.to_string(),
            source: serde::de::Error::custom(reason),
        };
        Ok(Delivery {
            notice_id: unsigned(notice_id),
            channel_id: ChannelId::parse(&channel_id).map_err(|_| bad("its channel has no valid name"))?,
            state: DeliveryState::parse(&state).ok_or_else(|| bad("its state is not known"))?,
            n_attempts: u32::try_from(n_attempts).unwrap_or(u32::MAX),
            created_time: Timestamp::from_nanos(created),
            next_time: Timestamp::from_nanos(next),
            last_time: last.map(Timestamp::from_nanos),
            last_status: status.and_then(|status| u16::try_from(status).ok()),
            last_error: error,
            n_folded: unsigned(n_folded),
            folded_into: into.map(unsigned),
        })
    }
}

/// The columns of a delivery.
struct Columns {
    notice_id: i64,
    channel_id: String,
    state: String,
    n_attempts: i64,
    created: i64,
    next: i64,
    last: Option<i64>,
    status: Option<i64>,
    error: Option<String>,
    n_folded: i64,
    into: Option<i64>,
}

impl Columns {
    fn of(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            notice_id: row.try_get("notice_id")?,
            channel_id: row.try_get("channel_id")?,
            state: row.try_get("state")?,
            n_attempts: row.try_get("n_attempts")?,
            created: row.try_get("created_ns")?,
            next: row.try_get("next_ns")?,
            last: row.try_get("last_ns")?,
            status: row.try_get("last_status")?,
            error: row.try_get("last_error")?,
            n_folded: row.try_get("n_folded")?,
            into: row.try_get("folded_into")?,
        })
    }
}

/// Adds a delivery; one that is there already stays as it is.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    delivery: &NewDelivery,
    now: Timestamp,
) -> Result<(), StoreError> {
    let begin = delivery.not_before.unwrap_or(now).max(now).as_nanos();
    let insert = "INSERT INTO deliveries (notice_id, channel_id, state, created_ns, next_ns) \
                  VALUES (?1, ?2, 'pending', ?3, ?3) ON CONFLICT (notice_id, channel_id) DO NOTHING";
    let insert = sqlx::query(insert).bind(row_id(delivery.notice_id)).bind(delivery.channel_id.as_str()).bind(begin);
    insert.execute(connection).await?;
    Ok(())
}

/// Gives up everything that waits for a channel.
pub(super) async fn give_up_all(
    connection: &mut SqliteConnection,
    channel_id: &ChannelId,
    error: &str,
) -> Result<(), StoreError> {
    let update = "UPDATE deliveries SET state = 'dead', last_error = ?2 \
                  WHERE channel_id = ?1 AND state IN ('pending', 'failed')";
    sqlx::query(update).bind(channel_id.as_str()).bind(error).execute(connection).await?;
    Ok(())
}

async fn put_attempt(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<(), StoreError> {
    let Attempt { notice_id, channel_id, time, status, outcome, reached, ended } = attempt;
    let (state, next_time, error) = match outcome {
        Outcome::Sent => (DeliveryState::Sent, None, None),
        Outcome::Retry { next_time, error } => (DeliveryState::Failed, Some(*next_time), Some(error)),
        Outcome::Dead { error } | Outcome::Disabled { error } => (DeliveryState::Dead, None, Some(error)),
    };
    let update = "UPDATE deliveries SET state = ?3, n_attempts = n_attempts + 1, next_ns = coalesce(?4, next_ns), \
                  last_ns = ?5, last_status = ?6, last_error = ?7, reached = ?8 \
                  WHERE notice_id = ?1 AND channel_id = ?2 AND state IN ('pending', 'failed')";
    let update = sqlx::query(update)
        .bind(row_id(*notice_id))
        .bind(channel_id.as_str())
        .bind(state.word())
        .bind(next_time.map(Timestamp::as_nanos))
        .bind(time.as_nanos())
        .bind(status.map(i64::from))
        .bind(error)
        .bind(json(reached));
    update.execute(&mut *connection).await?;
    match outcome {
        Outcome::Sent => change_state(connection, channel_id, |state| state.verified_time = Some(*time)).await?,
        Outcome::Disabled { error } => {
            change_state(connection, channel_id, |state| state.disabled = Some(error.clone())).await?;
            give_up_all(connection, channel_id, error).await?;
        }
        Outcome::Retry { .. } | Outcome::Dead { .. } => {}
    }
    drop_subscriptions(connection, channel_id, ended).await
}

async fn put_test(
    connection: &mut SqliteConnection,
    channel_id: &ChannelId,
    verified_time: Option<Timestamp>,
    ended: &[SubscriptionId],
) -> Result<(), StoreError> {
    if verified_time.is_some() {
        let works = ChannelState { verified_time, disabled: None };
        change_state(connection, channel_id, |state| *state = works).await?;
    }
    drop_subscriptions(connection, channel_id, ended).await
}

async fn change_state(
    connection: &mut SqliteConnection,
    channel_id: &ChannelId,
    change: impl FnOnce(&mut ChannelState),
) -> Result<(), StoreError> {
    let select = sqlx::query_scalar("SELECT state FROM alert_channels WHERE channel_id = ?1").bind(channel_id.as_str());
    let Some(text): Option<String> = select.fetch_optional(&mut *connection).await? else { return Ok(()) };
    let mut state: ChannelState = parse(CHANNELS, channel_id.as_str(), &text)?;
    change(&mut state);
    let update = sqlx::query("UPDATE alert_channels SET state = ?2 WHERE channel_id = ?1");
    update.bind(channel_id.as_str()).bind(json(&state)).execute(connection).await?;
    Ok(())
}

/// Forgets browsers that ended their subscription, as the channel is on disk now: a person may have changed it meanwhile.
async fn drop_subscriptions(
    connection: &mut SqliteConnection,
    channel_id: &ChannelId,
    ended: &[SubscriptionId],
) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    let select = sqlx::query("SELECT body, secrets FROM alert_channels WHERE channel_id = ?1");
    let row = select.bind(channel_id.as_str()).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(()) };
    let (body, secrets): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let secrets: BTreeMap<String, String> = parse(CHANNELS, channel_id.as_str(), &secrets)?;
    let mut channel = parse::<Channel>(CHANNELS, channel_id.as_str(), &body)?.with_secrets(&secrets);
    if let ChannelKind::Push(push) = &mut channel.kind {
        push.subscriptions.retain(|subscription| !ended.contains(&subscription.subscription_id));
    }
    put_channel(connection, &channel).await
}

async fn fold(
    connection: &mut SqliteConnection,
    channel_id: &ChannelId,
    into: u64,
    from: &[u64],
) -> Result<(), StoreError> {
    for notice_id in from {
        // The folded delivery's own count is added.
        let carry = "UPDATE deliveries SET n_folded = n_folded + \
                     (SELECT 1 + folded.n_folded + notices.n_folded FROM deliveries AS folded \
                      JOIN notices USING (notice_id) WHERE folded.notice_id = ?2 AND folded.channel_id = ?3) \
                     WHERE notice_id = ?1 AND channel_id = ?3";
        let carry = sqlx::query(carry).bind(row_id(into)).bind(row_id(*notice_id)).bind(channel_id.as_str());
        carry.execute(&mut *connection).await?;
        let update = "UPDATE deliveries SET state = 'folded', folded_into = ?1 \
                      WHERE notice_id = ?2 AND channel_id = ?3 AND state = 'pending'";
        let update = sqlx::query(update).bind(row_id(into)).bind(row_id(*notice_id)).bind(channel_id.as_str());
        update.execute(&mut *connection).await?;
    }
    Ok(())
}

const DELIVERIES: &str = "deliveries";
