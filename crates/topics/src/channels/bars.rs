//! Bars as rows, `{"bars":[[open_time_ms,"open","high","low","close","volume"],…],"buy_volumes":["…"|null,…]}`: what buyers
//! took of each row's volume stands beside the rows, and is left out where it is known of none.

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::channels::candles::CandlesData;

#[derive(Serialize, Deserialize)]
pub(crate) struct Rows {
    bars: Vec<(i64, Price, Price, Price, Price, Quantity)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    buy_volumes: Vec<Option<Quantity>>,
}

impl From<CandlesData> for Rows {
    fn from(CandlesData { bars }: CandlesData) -> Self {
        let is_known = bars.iter().any(|bar| bar.buy_volume.is_some());
        let row = |bar: &Candle| (bar.open_time.as_millis(), bar.open, bar.high, bar.low, bar.close, bar.volume);
        let buy_volumes = bars.iter().map(|bar| bar.buy_volume).filter(|_| is_known).collect();
        Self { bars: bars.iter().map(row).collect(), buy_volumes }
    }
}

impl From<Rows> for CandlesData {
    fn from(rows: Rows) -> Self {
        let buy_volumes = rows.buy_volumes.into_iter().chain(std::iter::repeat(None));
        let bar = |((open_ms, open, high, low, close, volume), buy_volume)| Candle {
            open_time: Timestamp::from_millis(open_ms),
            open,
            high,
            low,
            close,
            volume,
            buy_volume,
        };
        Self { bars: rows.bars.into_iter().zip(buy_volumes).map(bar).collect() }
    }
}
