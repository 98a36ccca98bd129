//! Steps of prices and sizes, which the venue does not state: as fine as those seen for a symbol.
//!
//! They only become finer, so a page shows more decimals after the first trades, and never fewer. Not here: rounding.

use std::sync::Arc;

use model::{
    decimal::{Price, Quantity},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
};

/// Decimals seen for a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    price: u32,
    size: u32,
}

impl Ticks {
    /// Processes a trade; returns whether the steps became finer, which is always true for the first trade.
    pub(super) fn see(&mut self, is_first: bool, price: Price, size: Quantity) -> bool {
        let before = *self;
        // A stock that trades at 164 is nevertheless quoted in cents.
        self.price = self.price.max(price.significant_scale()).max(LEAST_PRICE_DECIMALS);
        self.size = self.size.max(size.significant_scale());
        is_first || *self != before
    }

    /// Returns the instrument with these steps. Base and quote are derived from the symbol.
    pub(super) fn instrument(self, id: &InstrumentId) -> Option<Arc<Instrument>> {
        let (base, quote) = split(id.symbol());
        Some(Arc::new(Instrument {
            id: id.clone(),
            base,
            quote,
            tick_size: Price::from_mantissa(1, self.price)?,
            lot_size: Quantity::from_mantissa(1, self.size)?,
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: false,
        }))
    }
}

/// Returns base and quote. `OANDA:EUR_USD`, `COINBASE:BTC-USD` and `KRAKEN:XBT/USD` name both; a plain ticker trades in
/// dollars; in `BINANCE:BTCUSDT` only well-known endings are recognised, otherwise both stay unknown.
fn split(symbol: &str) -> (String, String) {
    let Some((_, pair)) = symbol.split_once(':') else { return (symbol.to_owned(), "USD".to_owned()) };
    if let Some((base, quote)) = pair.split_once(['_', '-', '/']) {
        return (base.to_owned(), quote.to_owned());
    }
    let known =
        QUOTES.iter().find_map(|quote| Some((pair.strip_suffix(quote).filter(|base| !base.is_empty())?, *quote)));
    known.map_or_else(|| (pair.to_owned(), String::new()), |(base, quote)| (base.to_owned(), quote.to_owned()))
}

/// Endings of pairs that are written in one word.
const QUOTES: [&str; 8] = ["USDT", "USDC", "FDUSD", "USD", "EUR", "BTC", "ETH", "BNB"];
const LEAST_PRICE_DECIMALS: u32 = 2;

#[cfg(test)]
mod tests {
    use model::instrument::Venue;

    use super::*;

    #[test]
    fn steps_become_finer_only() {
        let mut ticks = Ticks::default();
        let mut see = |is_first, price: &str, size: &str| {
            let is_news = ticks.see(is_first, Price::parse(price).unwrap(), Quantity::parse(size).unwrap());
            let instrument = ticks.instrument(&InstrumentId::new(&Venue::new("v"), "AAA")).unwrap();
            (is_news, instrument.price_decimals(), instrument.size_decimals())
        };
        assert_eq!(see(true, "164", "5"), (true, 2, 0));
        assert_eq!(see(false, "164.0601", "0.50"), (true, 4, 1));
        assert_eq!(see(false, "164.06", "7"), (false, 4, 1));
    }

    #[test]
    fn symbols_say_what_they_say() {
        for (symbol, base, quote) in [
            ("AAPL", "AAPL", "USD"),
            ("OANDA:EUR_USD", "EUR", "USD"),
            ("COINBASE:BTC-USD", "BTC", "USD"),
            ("KRAKEN:XBT/USD", "XBT", "USD"),
            ("BINANCE:BTCUSDT", "BTC", "USDT"),
            ("BINANCE:ETHBTC", "ETH", "BTC"),
            ("BINANCE:USDT", "USDT", ""),
            ("X:ODD", "ODD", ""),
        ] {
            assert_eq!(split(symbol), (base.to_owned(), quote.to_owned()), "{symbol}");
        }
    }
}
