//! Bars as rows: `[open_time_ms,"open","high","low","close","volume"]`.

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(bars: &[Candle], serializer: S) -> Result<S::Ok, S::Error> {
    let row = |bar: &Candle| (bar.open_time.as_millis(), bar.open, bar.high, bar.low, bar.close, bar.volume);
    serializer.collect_seq(bars.iter().map(row))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Candle>, D::Error> {
    let rows = Vec::<(i64, Price, Price, Price, Price, Quantity)>::deserialize(deserializer)?;
    let bar = |(open_ms, open, high, low, close, volume)| Candle {
        open_time: Timestamp::from_millis(open_ms),
        open,
        high,
        low,
        close,
        volume,
    };
    Ok(rows.into_iter().map(bar).collect())
}
