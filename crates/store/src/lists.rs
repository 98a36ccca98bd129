//! Lists of orders, fills and round trips, filtered, sorted and paged, and the equity of an account.
//!
//! A page is at most [`MAX_ROWS`] long and gives a cursor for the next one. A cursor holds the last row's place in the
//! order, so rows that are added meanwhile shift nothing.

use std::{ops::Range, time::Duration};

use model::{
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::AccountId,
        fill::{Fill, FillId},
        order::{ClientOrderId, Order, OrderId, Side},
    },
};
use serde::de::DeserializeOwned;
use sqlx::{
    QueryBuilder, Row, SqlitePool,
    sqlite::{Sqlite, SqliteRow},
};

use crate::{error::StoreError, journal::row_id};

/// Longest page.
pub const MAX_ROWS: u32 = 1_000;

/// Filter of a list. Absent: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one account.
    pub account: Option<AccountId>,
    /// Of one instrument.
    pub instrument: Option<InstrumentId>,
    /// Bought or sold; of a round trip: how it was opened.
    pub side: Option<Side>,
    /// Of one order; fills only.
    pub order_id: Option<OrderId>,
    /// True: orders that can still fill, false: those that cannot.
    pub is_open: Option<bool>,
    /// Not before; of a round trip: its end.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// The part of a list that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Rows, at most [`MAX_ROWS`].
    pub limit: u32,
    /// The cursor of the page before.
    pub cursor: Option<Cursor>,
    /// The order of round trips; other lists go by number.
    pub sort: Sort,
    /// Largest, newest first.
    pub is_descending: bool,
}

/// Sort key of round trips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Their end.
    #[default]
    Time,
    /// Result after fees.
    NetPnl,
    /// Value at entry.
    Value,
}

impl Sort {
    fn column(self) -> &'static str {
        match self {
            Self::Time => "closed_ns",
            Self::NetPnl => "net_order",
            Self::Value => "size_order",
        }
    }
}

/// The end of a page, opaque to its reader.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cursor {
    /// The last row's value in the order, as a number.
    value: f64,
    /// Its key.
    row: i64,
}

impl Eq for Cursor {}

impl Cursor {
    /// Reads its text; `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        let (value, row) = text.split_once('.')?;
        let value = u64::from_str_radix(value, 16).ok().map(f64::from_bits).filter(|value| value.is_finite())?;
        Some(Self { value, row: row.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}.{}", self.value.to_bits(), self.row)
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Cursor of the next page; `None` at the end.
    pub next: Option<Cursor>,
}

/// Reads lists. Clones share a few connections that cannot write.
#[derive(Clone, Debug)]
pub struct Lists {
    pool: SqlitePool,
}

impl Lists {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    pub(crate) async fn close(self) {
        self.pool.close().await;
    }

    /// Returns orders by number.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn orders(&self, filter: &Filter, paging: &Paging) -> Result<Page<Order>, StoreError> {
        self.page(&ORDERS, filter, paging).await.and_then(|page| page.read(&ORDERS))
    }

    /// Returns fills in the order in which they happened.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn fills(&self, filter: &Filter, paging: &Paging) -> Result<Page<Fill>, StoreError> {
        self.page(&FILLS, filter, paging).await.and_then(|page| page.read(&FILLS))
    }

    /// Returns closed round trips as JSON.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn round_trips(&self, filter: &Filter, paging: &Paging) -> Result<Page<String>, StoreError> {
        self.page(&ROUND_TRIPS, filter, paging).await
    }

    /// Returns one order; `None` where no order has the number.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn order(&self, order_id: OrderId) -> Result<Option<Order>, StoreError> {
        let select = sqlx::query_scalar("SELECT body FROM orders WHERE order_id = ?1").bind(row_id(order_id.0));
        let body: Option<String> = select.fetch_optional(&self.pool).await?;
        body.map(|body| read(&ORDERS, &body)).transpose()
    }

    /// Returns one fill; `None` where no fill has the id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn fill(&self, fill_id: FillId) -> Result<Option<Fill>, StoreError> {
        let select = sqlx::query_scalar("SELECT body FROM fills WHERE fill_id = ?1").bind(fill_id.to_string());
        let body: Option<String> = select.fetch_optional(&self.pool).await?;
        body.map(|body| read(&FILLS, &body)).transpose()
    }

    /// Returns the order of a name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn order_named(
        &self,
        account: &AccountId,
        client_order_id: &ClientOrderId,
    ) -> Result<Option<Order>, StoreError> {
        let select = "SELECT body FROM orders WHERE account = ?1 AND client_order_id = ?2";
        let select = sqlx::query_scalar(select).bind(account.as_str()).bind(client_order_id.as_str());
        let body: Option<String> = select.fetch_optional(&self.pool).await?;
        body.map(|body| read(&ORDERS, &body)).transpose()
    }

    /// Returns an account's equity samples, oldest first, as exact text: the last one of each span of `every`, at most
    /// `limit`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn equity(
        &self,
        account: &AccountId,
        times: Range<Timestamp>,
        every: Duration,
        limit: u32,
    ) -> Result<Vec<(Timestamp, String)>, StoreError> {
        // SQLite takes `equity` from the row that has the largest time.
        let select = "SELECT max(time_ns), equity FROM equity WHERE account = ?1 AND time_ns >= ?2 AND time_ns < ?3 \
                      GROUP BY time_ns / ?4 ORDER BY 1 LIMIT ?5";
        let every_ns = i64::try_from(every.as_nanos()).unwrap_or(i64::MAX).max(1);
        let select = sqlx::query(select).bind(account.as_str()).bind(times.start.as_nanos());
        let select = select.bind(times.end.as_nanos()).bind(every_ns).bind(limit);
        let rows = select.fetch_all(&self.pool).await?;
        let read = |row: SqliteRow| Ok((Timestamp::from_nanos(row.try_get(0)?), row.try_get(1)?));
        rows.into_iter().map(read).collect()
    }

    async fn page(&self, table: &Table, filter: &Filter, paging: &Paging) -> Result<Page<String>, StoreError> {
        let by = table.sorted_by(paging.sort);
        let limit = paging.limit.clamp(1, MAX_ROWS);
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query
            .push(table.key)
            .push(", CAST(")
            .push(by)
            .push(" AS REAL), body FROM ")
            .push(table.name)
            .push(" WHERE 1 = 1");
        if let Some(account) = &filter.account {
            query.push(" AND account = ").push_bind(account.as_str());
        }
        if let Some(instrument) = &filter.instrument {
            query.push(" AND instrument = ").push_bind(instrument.to_string());
        }
        if let Some(side) = filter.side.filter(|_| table.has_side) {
            query.push(" AND side = ").push_bind(side.as_str());
        }
        if let Some(order_id) = filter.order_id.filter(|_| table.has_order) {
            query.push(" AND order_id = ").push_bind(row_id(order_id.0));
        }
        if let Some(is_open) = filter.is_open.filter(|_| table.has_state) {
            query.push(" AND is_open = ").push_bind(is_open);
        }
        if let Some(from) = filter.from {
            query.push(" AND ").push(table.time).push(" >= ").push_bind(from.as_nanos());
        }
        if let Some(until) = filter.until {
            query.push(" AND ").push(table.time).push(" < ").push_bind(until.as_nanos());
        }
        let (beyond, order) = if paging.is_descending { (" < ", " DESC") } else { (" > ", " ASC") };
        if let Some(Cursor { value, row }) = paging.cursor {
            query.push(" AND (CAST(").push(by).push(" AS REAL), ").push(table.key).push(")").push(beyond);
            query.push("(").push_bind(value).push(", ").push_bind(row).push(")");
        }
        query.push(" ORDER BY CAST(").push(by).push(" AS REAL)").push(order).push(", ").push(table.key).push(order);
        // One more tells whether another page follows.
        query.push(" LIMIT ").push_bind(limit + 1);
        let mut rows = query.build().fetch_all(&self.pool).await?;
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().filter(|_| has_more);
        let cursor = |row: &SqliteRow| Ok::<_, StoreError>(Cursor { value: row.try_get(1)?, row: row.try_get(0)? });
        let next = last.map(cursor).transpose()?;
        let rows = rows.into_iter().map(|row| Ok(row.try_get(2)?));
        Ok(Page { rows: rows.collect::<Result<_, StoreError>>()?, next })
    }
}

impl Page<String> {
    fn read<T: DeserializeOwned>(self, table: &Table) -> Result<Page<T>, StoreError> {
        let rows = self.rows.iter().map(|body| read(table, body)).collect::<Result<_, _>>()?;
        Ok(Page { rows, next: self.next })
    }
}

fn read<T: DeserializeOwned>(table: &Table, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|source| StoreError::BadRow {
        table: table.name,
        row: body.chars().take(64).collect(),
        source,
    })
}

/// A table that is listed.
struct Table {
    name: &'static str,
    key: &'static str,
    time: &'static str,
    has_side: bool,
    has_order: bool,
    has_state: bool,
    is_sortable: bool,
}

impl Table {
    fn sorted_by(&self, sort: Sort) -> &'static str {
        if self.is_sortable { sort.column() } else { self.key }
    }
}

const ORDERS: Table = Table {
    name: "orders",
    key: "order_id",
    time: "created_ns",
    has_side: false,
    has_order: true,
    has_state: true,
    is_sortable: false,
};
const FILLS: Table = Table {
    name: "fills",
    key: "seq",
    time: "time_ns",
    has_side: true,
    has_order: true,
    has_state: false,
    is_sortable: false,
};
const ROUND_TRIPS: Table = Table {
    name: "round_trips",
    key: "trip_id",
    time: "closed_ns",
    has_side: true,
    has_order: false,
    has_state: false,
    is_sortable: true,
};
