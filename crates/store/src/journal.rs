//! The one writer of the desk's file.
//!
//! A commit is one transaction: records at the end of the journal, and the rows of the lists that they change. It is on
//! disk when [`Journal::append`] returns; an error means that nothing of it was written. The desk gathers what came
//! while the last commit was under way, so one sync serves many.

use std::path::PathBuf;

use model::{
    decimal::Notional,
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::AccountId,
        fill::Fill,
        order::{Order, Side},
        record::Record,
    },
};
use serde::de::DeserializeOwned;
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteRow};

use crate::{error::StoreError, files::damaged_at, turns::Turns};

/// Changes written together.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The moment.
    pub time: Timestamp,
    /// Records, in order.
    pub records: Vec<Record>,
    /// Orders that changed, as they are now.
    pub orders: Vec<Order>,
    /// Round trips that were closed.
    pub round_trips: Vec<RoundTripRow>,
}

impl Commit {
    /// True where there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.orders.is_empty() && self.round_trips.is_empty()
    }
}

/// A closed round trip, its figures as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTripRow {
    /// The account.
    pub account: AccountId,
    /// Instrument traded.
    pub instrument: InstrumentId,
    /// Side of its opening.
    pub side: Side,
    /// Its first fill.
    pub opened_time: Timestamp,
    /// Its last fill.
    pub closed_time: Timestamp,
    /// Result after fees.
    pub net_pnl: Notional,
    /// Value at entry, for sorting.
    pub value: Notional,
    /// All of it, as JSON.
    pub body: String,
}

/// The state of the desk at one position of its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record in it.
    pub seq: i64,
    /// The version of its form.
    pub form: i64,
    /// The state, as JSON.
    pub body: String,
}

/// The one writer.
#[derive(Debug)]
pub struct Journal {
    connection: SqliteConnection,
    path: PathBuf,
    turns: Turns,
    last_seq: Option<i64>,
}

impl Journal {
    pub(crate) fn new(connection: SqliteConnection, path: PathBuf, turns: Turns) -> Self {
        Self { connection, path, turns, last_seq: None }
    }

    pub(crate) async fn close(mut self) -> Result<(), StoreError> {
        // Where others have the file open still, closing alone leaves everything in the log. This waits for nobody.
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_all(&mut self.connection).await?;
        Ok(self.connection.close().await?)
    }

    /// Writes a commit and returns the position of its last record. Not cancel-safe: let it finish.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn append(&mut self, commit: &Commit) -> Result<i64, StoreError> {
        let seq = self.last_seq().await?;
        let _turn = self.turns.take().await;
        let connection = &mut self.connection;
        // Immediate: a transaction that becomes a writer later may fail at once, whatever its time-out. In SQL, not with
        // sqlx's own transactions: when the disk refuses, SQLite takes the transaction back by itself, and sqlx would
        // count it as open for ever.
        damaged_at(&self.path, sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await)?;
        match write(connection, seq, commit).await {
            Ok(seq) => {
                self.last_seq = Some(seq);
                Ok(seq)
            }
            Err(error) => {
                // Fails where SQLite has taken it back already.
                let _already = sqlx::query("ROLLBACK").execute(connection).await;
                Err(error.at(&self.path))
            }
        }
    }

    /// Keeps the state of the desk, so that the next start need not read what came before.
    ///
    /// # Errors
    /// The older one is still there.
    pub async fn put_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let put = "INSERT INTO snapshot (id, seq, form, body) VALUES (1, ?1, ?2, ?3) \
                   ON CONFLICT (id) DO UPDATE SET seq = ?1, form = ?2, body = ?3";
        let put = sqlx::query(put).bind(snapshot.seq).bind(snapshot.form).bind(&snapshot.body);
        let _turn = self.turns.take().await;
        put.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Returns the newest snapshot of a form; `None` where there is none, or one of another form.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn snapshot(&mut self, form: i64) -> Result<Option<Snapshot>, StoreError> {
        let row = sqlx::query("SELECT seq, form, body FROM snapshot").fetch_optional(&mut self.connection).await;
        let row = damaged_at(&self.path, row)?;
        let read = |row: SqliteRow| Ok(Snapshot { seq: row.try_get(0)?, form: row.try_get(1)?, body: row.try_get(2)? });
        let snapshot = damaged_at(&self.path, row.map(read).transpose())?;
        Ok(snapshot.filter(|snapshot| snapshot.form == form))
    }

    /// Returns at most `limit` records after a position, oldest first, each with its position.
    ///
    /// # Errors
    /// The file cannot be read, or a record is not known to this program.
    pub async fn records_after(&mut self, seq: i64, limit: u32) -> Result<Vec<(i64, Record)>, StoreError> {
        let select = "SELECT seq, body FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        self.rows("journal", select, seq, limit).await
    }

    /// Returns at most `limit` fills after a position of the journal, oldest first, each with its position.
    ///
    /// # Errors
    /// The file or a row cannot be read.
    pub async fn fills_after(&mut self, seq: i64, limit: u32) -> Result<Vec<(i64, Fill)>, StoreError> {
        self.rows("fills", "SELECT seq, body FROM fills WHERE seq > ?1 ORDER BY seq LIMIT ?2", seq, limit).await
    }

    /// Returns at most `limit` orders after a number, in the order of their numbers, each with its own.
    ///
    /// # Errors
    /// The file or a row cannot be read.
    pub async fn orders_after(&mut self, number: i64, limit: u32) -> Result<Vec<(i64, Order)>, StoreError> {
        let select = "SELECT order_id, body FROM orders WHERE order_id > ?1 ORDER BY order_id LIMIT ?2";
        self.rows("orders", select, number, limit).await
    }

    /// Returns all closed round trips as JSON, oldest first, each with its account.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn round_trips(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query("SELECT account, body FROM round_trips ORDER BY trip_id");
        let rows = damaged_at(&self.path, rows.fetch_all(&mut self.connection).await)?;
        let read = |row: SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        damaged_at(&self.path, rows.into_iter().map(read).collect())
    }

    async fn rows<T: DeserializeOwned>(
        &mut self,
        table: &'static str,
        select: &'static str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, T)>, StoreError> {
        let rows = sqlx::query(select).bind(after).bind(limit).fetch_all(&mut self.connection).await;
        let rows = damaged_at(&self.path, rows)?;
        let read = |row: SqliteRow| {
            // Text that is no UTF-8 is no text: what a damaged file may hold must not end the program.
            let read = || Ok((row.try_get(0)?, row.try_get(1)?));
            let (key, body): (i64, String) = damaged_at(&self.path, read())?;
            let value = serde_json::from_str(&body);
            Ok((key, value.map_err(|source| StoreError::BadRow { table, row: key.to_string(), source })?))
        };
        rows.into_iter().map(read).collect()
    }

    /// Returns the position of the last record; 0 for an empty journal.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn last_seq(&mut self) -> Result<i64, StoreError> {
        if let Some(seq) = self.last_seq {
            return Ok(seq);
        }
        let select = "SELECT coalesce(max(seq), 0) FROM journal";
        let seq = damaged_at(&self.path, sqlx::query_scalar(select).fetch_one(&mut self.connection).await)?;
        self.last_seq = Some(seq);
        Ok(seq)
    }
}

/// Writes a commit within a transaction and ends that. Returns the position of the last record.
async fn write(connection: &mut SqliteConnection, mut seq: i64, commit: &Commit) -> Result<i64, StoreError> {
    for record in &commit.records {
        seq += 1;
        insert_record(connection, seq, commit.time, record).await?;
    }
    for order in &commit.orders {
        put_order(connection, order).await?;
    }
    for trip in &commit.round_trips {
        insert_round_trip(connection, trip).await?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(seq)
}

async fn insert_record(
    connection: &mut SqliteConnection,
    seq: i64,
    time: Timestamp,
    record: &Record,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO journal (seq, time_ns, body) VALUES (?1, ?2, ?3)";
    sqlx::query(insert).bind(seq).bind(time.as_nanos()).bind(json(record)).execute(&mut *connection).await?;
    match record {
        Record::Filled(fill) => {
            let insert = "INSERT INTO fills (seq, fill_id, order_id, account, instrument, side, time_ns, body) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let insert = sqlx::query(insert)
                .bind(seq)
                .bind(fill.fill_id.to_string())
                .bind(row_id(fill.order_id.0))
                .bind(fill.account.as_str())
                .bind(fill.instrument.to_string())
                .bind(fill.side.as_str())
                .bind(fill.time.as_nanos())
                .bind(json(fill));
            insert.execute(&mut *connection).await?;
        }
        Record::EquitySampled { account, time, equity } => {
            let insert = "INSERT OR REPLACE INTO equity (account, time_ns, equity) VALUES (?1, ?2, ?3)";
            let insert = sqlx::query(insert).bind(account.as_str()).bind(time.as_nanos()).bind(equity.to_string());
            insert.execute(&mut *connection).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn put_order(connection: &mut SqliteConnection, order: &Order) -> Result<(), StoreError> {
    let put = "INSERT INTO orders (order_id, account, client_order_id, instrument, is_open, created_ns, body) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
               ON CONFLICT (order_id) DO UPDATE SET is_open = ?5, body = ?7";
    let put = sqlx::query(put)
        .bind(row_id(order.order_id.0))
        .bind(order.account.as_str())
        .bind(order.client_order_id.as_str())
        .bind(order.instrument.to_string())
        .bind(order.state.is_open())
        .bind(order.created_time.as_nanos())
        .bind(json(order));
    put.execute(connection).await?;
    Ok(())
}

async fn insert_round_trip(connection: &mut SqliteConnection, trip: &RoundTripRow) -> Result<(), StoreError> {
    let insert = "INSERT INTO round_trips \
                  (account, instrument, side, opened_ns, closed_ns, net_order, size_order, body) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let insert = sqlx::query(insert)
        .bind(trip.account.as_str())
        .bind(trip.instrument.to_string())
        .bind(trip.side.as_str())
        .bind(trip.opened_time.as_nanos())
        .bind(trip.closed_time.as_nanos())
        .bind(trip.net_pnl.to_f64_lossy())
        .bind(trip.value.to_f64_lossy())
        .bind(&trip.body);
    insert.execute(connection).await?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("invariant: records have string keys only")
}

/// SQLite's integers are signed; numbers of orders count from 1.
pub(crate) fn row_id(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
