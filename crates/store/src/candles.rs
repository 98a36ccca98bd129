//! Candles kept over a restart: 15 minutes and one hour, the newest of each instrument.

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    instrument::InstrumentId,
    time::Timestamp,
};
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteRow};

use crate::error::StoreError;

/// The intervals that are kept.
pub const KEPT: [Interval; 2] = [Interval::M15, Interval::H1];
/// Candles kept of an instrument and interval: ten days and six weeks.
pub const N_KEPT: u32 = 1_000;

/// The file of candles.
#[derive(Debug)]
pub struct Candles {
    connection: SqliteConnection,
}

impl Candles {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self { connection }
    }

    /// Closes the file.
    ///
    /// # Errors
    /// It refuses; nothing is lost, the next start reads the log.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.connection.close().await?)
    }

    /// Keeps candles, replacing those of the same open time, and forgets the oldest beyond [`N_KEPT`].
    ///
    /// # Errors
    /// The disk refuses; what was there before is still there.
    pub async fn put(
        &mut self,
        instrument: &InstrumentId,
        interval: Interval,
        candles: &[Candle],
    ) -> Result<(), StoreError> {
        let connection = &mut self.connection;
        // In SQL, as in the journal: sqlx's own transactions do not survive a full disk.
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let written = write(connection, instrument, interval, candles).await;
        if written.is_err() {
            // Fails where SQLite has taken it back already.
            let _already = sqlx::query("ROLLBACK").execute(connection).await;
        }
        written
    }

    /// Returns what is kept, oldest first; a row that is no candle is left out.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn load(&mut self, instrument: &InstrumentId, interval: Interval) -> Result<Vec<Candle>, StoreError> {
        let select = "SELECT open_ms, open, high, low, close, volume, buy_volume FROM candles \
                      WHERE instrument = ?1 AND interval = ?2 ORDER BY open_ms";
        let select = sqlx::query(select).bind(instrument.to_string()).bind(interval.as_str());
        let rows = select.fetch_all(&mut self.connection).await?;
        Ok(rows.iter().filter_map(candle).collect())
    }
}

async fn write(
    connection: &mut SqliteConnection,
    instrument: &InstrumentId,
    interval: Interval,
    candles: &[Candle],
) -> Result<(), StoreError> {
    for candle in candles {
        let put = "INSERT OR REPLACE INTO candles \
                   (instrument, interval, open_ms, open, high, low, close, volume, buy_volume) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let put = sqlx::query(put)
            .bind(instrument.to_string())
            .bind(interval.as_str())
            .bind(candle.open_time.as_millis())
            .bind(candle.open.to_string())
            .bind(candle.high.to_string())
            .bind(candle.low.to_string())
            .bind(candle.close.to_string())
            .bind(candle.volume.to_string())
            .bind(candle.buy_volume.map(|volume| volume.to_string()));
        put.execute(&mut *connection).await?;
    }
    let forget = "DELETE FROM candles WHERE instrument = ?1 AND interval = ?2 AND open_ms < \
                  (SELECT open_ms FROM candles WHERE instrument = ?1 AND interval = ?2 \
                   ORDER BY open_ms DESC LIMIT 1 OFFSET ?3)";
    let forget = sqlx::query(forget).bind(instrument.to_string()).bind(interval.as_str()).bind(N_KEPT - 1);
    forget.execute(&mut *connection).await?;
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

fn candle(row: &SqliteRow) -> Option<Candle> {
    let price = |column| Price::parse(row.try_get::<&str, _>(column).ok()?).ok();
    let volume = |text: &str| Quantity::parse(text).ok();
    Some(Candle {
        open_time: Timestamp::from_millis(row.try_get(0).ok()?),
        open: price(1)?,
        high: price(2)?,
        low: price(3)?,
        close: price(4)?,
        volume: volume(row.try_get(5).ok()?)?,
        buy_volume: row.try_get::<Option<&str>, _>(6).ok()?.and_then(volume),
    })
}
