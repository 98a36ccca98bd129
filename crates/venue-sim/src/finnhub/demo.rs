//! The made-up market's trades: one a slot and symbol, `SIM:BTC-SIM` at the price of `BTC-SIM`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;

use super::{Day, Feed, REQUIRED_KEYS};
use crate::{
    bars::{Bar, BarQuery, Print},
    fixed,
    made_up::{Asset, MadeUp},
    market,
    venue::{Backend, Frame},
};

/// Bars shown at the control endpoint.
const SHOWN_BARS: i64 = 500;

/// The made-up market as this venue.
pub(super) struct DemoFeed(MadeUp);

impl DemoFeed {
    /// The protocol over this market.
    pub(super) fn new(market: MadeUp) -> Self {
        Self(market)
    }

    fn find(&self, symbol: &str) -> Option<&Asset> {
        let (base, quote) = symbol.strip_prefix("SIM:")?.split_once('-')?;
        self.0.find(base, quote)
    }
}

impl Feed for DemoFeed {
    fn day(&self, symbol: &str) -> Option<Day> {
        let (asset, slot) = (self.find(symbol)?, self.0.slot());
        Some(Day { bar: asset.day(slot)?, last_ms: asset.print(slot).time_ms })
    }

    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar> {
        self.find(symbol).map(|asset| asset.bars(self.0.slot(), query)).unwrap_or_default()
    }
}

/// A frame of one trade.
fn frame(stream: &Arc<str>, print: &Print) -> Frame {
    let text = format!(
        r#"{{"data":[{{"c":null,"p":{},"s":{},"t":{},"v":{}}}],"type":"trade"}}"#,
        fixed::shortest(print.price),
        Value::from(&**stream),
        print.time_ms,
        fixed::shortest(print.quantity)
    );
    Frame::whole(stream.clone(), text, Some(print.id))
}

impl Backend for DemoFeed {
    fn due(&self) -> Option<&[Duration]> {
        None
    }

    fn play(&self, _frame_idx: usize, _wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    fn reset(&self) {}

    fn advance(&self, slot: u64, wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        self.0.go_to(slot);
        let traded = |stream: &Arc<str>| Some(Arc::new(frame(stream, &self.find(stream)?.print(slot))));
        wanted.iter().filter_map(traded).collect()
    }

    fn book(&self, _symbol: &str, _at: Option<u64>, _depth: usize) -> Option<Value> {
        None
    }

    fn top(&self, _symbol: &str) -> Option<Value> {
        None
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let minutes: i64 = interval.parse().ok().filter(|minutes| *minutes > 0)?;
        let query = BarQuery { length_ms: minutes * 60_000, start_ms: None, end_ms: None, limit: SHOWN_BARS };
        Some(market::shown_bars(symbol, interval, &self.bars(symbol, &query)))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}
