//! What a venue's protocol needs to know of a market, whether recorded or made up.
//!
//! Not here: any venue's spelling of it, and how a recording is read.

use std::collections::BTreeMap;

use model::time::Timestamp;
use serde_json::{Value, json};

use crate::{
    bars::{self, Bar, BarQuery, Print},
    config::Steps,
    fixed,
    ladder::Ladder,
    made_up::{Asset, MadeUp},
    steps::Tally,
};

/// Something that is traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// As the venue spells it.
    pub(crate) symbol: String,
    pub(crate) base: String,
    pub(crate) quote: String,
    /// Decimals of its prices.
    pub(crate) price_decimals: usize,
    /// Decimals of its quantities.
    pub(crate) quantity_decimals: usize,
}

/// A recorded or made-up market. Symbols are the venue's own.
pub(crate) trait Market: Send + Sync {
    /// Everything listed.
    fn pairs(&self) -> Vec<Pair>;

    /// The true book now, as far as it is known.
    fn ladder(&self, symbol: &str) -> Option<Ladder>;

    /// The newest trades, at most `limit`, oldest first.
    fn prints(&self, symbol: &str, limit: usize) -> Vec<Print>;

    /// Bars in which something was traded, oldest first; the last one may still form.
    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar>;

    /// The bar of the last 24 hours.
    fn day(&self, symbol: &str) -> Option<Bar>;

    /// The venue's clock.
    fn now(&self) -> Timestamp;

    /// The body of a recorded REST answer with these parameters.
    fn recorded(&self, path_end: &str, parameters: &[(&str, &str)]) -> Option<String>;

    /// One of the pairs.
    fn pair(&self, symbol: &str) -> Option<Pair> {
        self.pairs().into_iter().find(|pair| pair.symbol == symbol)
    }
}

/// The made-up market as a venue spells it.
pub(crate) struct MadeUpPairs {
    /// The market itself.
    pub(crate) market: MadeUp,
    separator: char,
    /// How a number of so many decimals is written.
    text: fn(i128, usize) -> String,
}

impl MadeUpPairs {
    /// The market with a separator between base and quote and a way to write numbers.
    pub(crate) fn new(market: MadeUp, separator: char, text: fn(i128, usize) -> String) -> Self {
        Self { market, separator, text }
    }

    /// One instrument.
    pub(crate) fn find(&self, symbol: &str) -> Option<&Asset> {
        let (base, quote) = symbol.split_once(self.separator)?;
        self.market.find(base, quote)
    }

    /// The book in a slot.
    pub(crate) fn ladder_at(&self, symbol: &str, slot: u64) -> Option<Ladder> {
        Some(self.find(symbol)?.ladder(slot, self.text))
    }
}

/// A venue's protocol over made-up pairs, which are its market.
pub(crate) trait OverPairs: Send + Sync {
    /// The pairs.
    fn pairs(&self) -> &MadeUpPairs;
}

impl<T: OverPairs> Market for T {
    fn pairs(&self) -> Vec<Pair> {
        let MadeUpPairs { market, separator, .. } = OverPairs::pairs(self);
        let pair = |asset: &Asset| Pair {
            symbol: format!("{}{separator}{}", asset.base, market.quote),
            base: asset.base.clone(),
            quote: market.quote.clone(),
            price_decimals: asset.price_decimals,
            quantity_decimals: asset.quantity_decimals,
        };
        market.assets().iter().map(pair).collect()
    }

    fn ladder(&self, symbol: &str) -> Option<Ladder> {
        let pairs = OverPairs::pairs(self);
        pairs.ladder_at(symbol, pairs.market.slot())
    }

    fn prints(&self, symbol: &str, limit: usize) -> Vec<Print> {
        let pairs = OverPairs::pairs(self);
        pairs.find(symbol).map(|asset| asset.prints(pairs.market.slot(), limit)).unwrap_or_default()
    }

    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar> {
        let pairs = OverPairs::pairs(self);
        pairs.find(symbol).map(|asset| asset.bars(pairs.market.slot(), query)).unwrap_or_default()
    }

    fn day(&self, symbol: &str) -> Option<Bar> {
        let pairs = OverPairs::pairs(self);
        pairs.find(symbol)?.day(pairs.market.slot())
    }

    fn now(&self) -> Timestamp {
        OverPairs::pairs(self).market.now()
    }

    fn recorded(&self, _path_end: &str, _parameters: &[(&str, &str)]) -> Option<String> {
        None
    }
}

/// The pairs of a recording: decimals are those chosen, else those seen in prices and quantities.
pub(crate) fn recorded_pairs(tallies: &BTreeMap<String, (Tally, Tally)>, separator: char, steps: &Steps) -> Vec<Pair> {
    let pair = |(symbol, (prices, quantities)): (&String, &(Tally, Tally))| {
        let (base, quote) = symbol.split_once(separator).unwrap_or((symbol, ""));
        let (price_decimals, quantity_decimals) = steps.or_seen(symbol, prices.decimals(), quantities.decimals());
        Pair {
            symbol: symbol.clone(),
            base: base.to_owned(),
            quote: quote.to_owned(),
            price_decimals,
            quantity_decimals,
        }
    };
    tallies.iter().map(pair).collect()
}

/// The traded ones among the bars asked for.
pub(crate) fn traded(prints: &[Print], query: &BarQuery) -> Vec<Bar> {
    let mut traded: BTreeMap<i64, Bar> = bars::traded_bars(prints, query.length_ms);
    let (Some((&first, _)), Some((&last, _))) = (traded.first_key_value(), traded.last_key_value()) else {
        return Vec::new();
    };
    query.opens(first, last).filter_map(|open_ms| traded.remove(&open_ms)).collect()
}

/// Bars as the control endpoint shows them, oldest first.
pub(crate) fn shown_bars(symbol: &str, interval: &str, bars: &[Bar]) -> Value {
    let row = |bar: &Bar| {
        let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(fixed::shortest);
        json!([bar.open_ms, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]])
    };
    json!({ "symbol": symbol, "interval": interval, "bars": bars.iter().map(row).collect::<Vec<_>>() })
}
