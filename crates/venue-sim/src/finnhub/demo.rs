//! The made-up market's trades: one a slot and symbol, `SIM:BTC-SIM` at the price of `BTC-SIM`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;

use super::REQUIRED_KEYS;
use crate::{
    bars::Print,
    fixed,
    made_up::MadeUp,
    venue::{Backend, Frame},
};

/// The made-up market as this venue.
pub(super) struct DemoFeed(MadeUp);

impl DemoFeed {
    /// The protocol over this market.
    pub(super) fn new(market: MadeUp) -> Self {
        Self(market)
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
        let traded = |stream: &Arc<str>| {
            let (base, quote) = stream.strip_prefix("SIM:")?.split_once('-')?;
            Some(Arc::new(frame(stream, &self.0.find(base, quote)?.print(slot))))
        };
        wanted.iter().filter_map(traded).collect()
    }

    fn book(&self, _symbol: &str, _at: Option<u64>, _depth: usize) -> Option<Value> {
        None
    }

    fn top(&self, _symbol: &str) -> Option<Value> {
        None
    }

    fn candles(&self, _symbol: &str, _interval: &str) -> Option<Value> {
        None
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}
