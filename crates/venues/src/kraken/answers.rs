//! Processes REST answers: symbols, history, newer trades, and polled data instead of an unavailable connection; also
//! writes candles as such an answer, for recordings; and parses the venue's instruments, which come by REST
//! (`/0/public/AssetPairs`) and by a channel.
//!
//! Source of the instruments: <https://docs.kraken.com/api/docs/websocket-v2/instrument>,
//! <https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs>. Version 2 of the protocol uses modern codes
//! only (`BTC/USD`); REST still returns the old ones (`XBT/USD`), which version 2 refuses. The channel's numbers have
//! exponents (`1e-08`). Dark pools (`.d`) have no public data.
//!
//! Polled trades keep their ids, so none counts twice, and each request continues where the last answer ended. Statistics of 24 hours are not polled either: REST does
//! not have their first price. Not here: when requests are sent ([`crate::kit::requests`]).

use std::{borrow::Cow, fmt};

use model::{
    candle::{Candle, Interval},
    decimal::{Notional, Price, Quantity},
    event::{CandleHistory, MarketEventKind, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus, Venue},
    status::FeedCause,
    time::Now,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{json, value::RawValue};

use crate::{
    budget::stated_wait,
    kit::{
        bars,
        dedup::Novelty,
        number::{as_quantity, parse_number},
        protocol::{Protocol, Unreadable},
        requests::Task,
        strict_json::Object,
    },
    kraken::{
        message::minutes_of_interval,
        protocol::{Kraken, KrakenSession, Purpose},
        rest::{
            self, AssetClass, KrakenAnswer, KrakenOhlcRow, KrakenRefusal, KrakenRestBook, KrakenRestTrade, KrakenRows,
        },
    },
    session::SnapshotFrame,
};

impl KrakenSession {
    /// Processes an answer. The venue sends refusals with the same status.
    ///
    /// # Errors
    /// The answer cannot be parsed.
    pub(super) fn take_answer(&mut self, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        match KrakenAnswer::open(body)? {
            KrakenAnswer::Result(result) => self.take_result(&task.purpose, result.get(), now)?,
            KrakenAnswer::Refused(refusal) => self.take_refusal(task.clone(), &refusal, now),
        }
        Ok(())
    }

    fn take_result(&mut self, purpose: &Purpose, result: &str, now: Now) -> Result<(), serde_json::Error> {
        match purpose {
            Purpose::Symbols(class) => {
                let KrakenAssetPairs(pairs) = serde_json::from_str(result)?;
                let venue = self.venue.clone();
                for (key, pair) in pairs {
                    if let Some(instrument) = pair.instrument(&key, &venue) {
                        let symbol = instrument.id.clone();
                        self.describe(instrument, now);
                        self.restrict(symbol.symbol(), restriction(pair.status.as_deref()));
                    }
                }
                let is_nameless = |position: usize| self.symbols[position].instrument.is_none();
                let next = match class {
                    // A recording may have one answer for each class.
                    _ if self.is_open_ended => AssetClass::Currency,
                    AssetClass::Currency if self.known_symbols().into_iter().any(is_nameless) => AssetClass::Tokenized,
                    _ => return Ok(()),
                };
                self.requests.push(Task::new(Purpose::Symbols(next)), now.monotonic);
            }
            Purpose::Probe { symbol } => {
                let KrakenRows { rows, .. } = serde_json::from_str::<KrakenRows<'_, Vec<KrakenRestTrade>>>(result)?;
                self.probed(*symbol, rows.iter().map(|row| row.time).max(), now);
            }
            Purpose::History { symbol, interval, n_bars } => {
                let mut candles = match minutes_of_interval(*interval) {
                    Some(_) => {
                        let KrakenRows { rows, .. } =
                            serde_json::from_str::<KrakenRows<'_, Vec<KrakenOhlcRow>>>(result)?;
                        rows.into_iter().map(|KrakenOhlcRow(candle)| candle).collect()
                    }
                    None => {
                        let KrakenRows { rows, .. } =
                            serde_json::from_str::<KrakenRows<'_, Vec<KrakenRestTrade>>>(result)?;
                        let prints = rows.iter().map(|row| (row.time, row.price, row.quantity, row.aggressor_side));
                        // Trades before the answer may belong to the first candle.
                        bars::of_prints(*interval, prints).split_off(usize::from(!rows.is_empty()))
                    }
                };
                candles.drain(..candles.len().saturating_sub(*n_bars));
                let history = CandleHistory { interval: *interval, candles };
                self.out.event(&self.symbols[*symbol].id, None, now, MarketEventKind::History(history));
            }
            Purpose::BestLevels { symbol } => {
                let KrakenRows { rows, .. } = serde_json::from_str(result)?;
                self.polled_best_levels(*symbol, &rows, now);
            }
            Purpose::Trades { symbol } => self.polled_trades(*symbol, &serde_json::from_str(result)?, now),
        }
        Ok(())
    }

    /// Processes a refusal, which has status 200 and a text.
    fn take_refusal(&mut self, task: Task<Purpose>, refusal: &KrakenRefusal, now: Now) {
        if refusal.is_rate_limit() {
            self.requests.refused_as_too_many(stated_wait(&refusal.detail, now.wall), now, &mut self.out);
            return self.retry(task, now);
        }
        let symbol = match task.purpose {
            Purpose::Symbols(_) => None,
            Purpose::Probe { symbol }
            | Purpose::History { symbol, .. }
            | Purpose::BestLevels { symbol }
            | Purpose::Trades { symbol } => Some(symbol),
        };
        let unknown = symbol.and_then(|symbol| self.symbols.get_mut(symbol)).filter(|_| refusal.is_unknown_symbol());
        if let Some(symbol) = unknown {
            // It may be a stock.
            symbol.state.class = match symbol.state.class {
                AssetClass::Currency => AssetClass::Tokenized,
                AssetClass::Tokenized | AssetClass::Unknown => AssetClass::Unknown,
            };
            if symbol.state.class == AssetClass::Tokenized {
                return self.requests.push(Task::new(task.purpose), now.monotonic);
            }
            // If connections are available, their answer decides: REST had other names for a long time.
            if self.polling.is_on() {
                let id = symbol.id.clone();
                let suggestion = Kraken::suggestion(self, id.symbol());
                self.out.symbol_unknown(&id, suggestion, false);
            }
            return;
        }
        self.out.set_rest_cause(Some(FeedCause::Refused { detail: refusal.detail.clone() }));
        if refusal.is_outage() || symbol.is_none() {
            self.retry(task, now);
        }
    }

    /// Processes the best levels. Best bid and ask are emitted even if unchanged, as they were just seen.
    fn polled_best_levels(&mut self, position: usize, book: &KrakenRestBook, now: Now) {
        if !self.polling.is_on() {
            return;
        }
        self.out.set_polling(true);
        self.out.event(&self.symbols[position].id, None, now, MarketEventKind::Quote(book.quote()));
        let (bids, asks) = book.levels();
        self.show_polled(position, (&bids, &asks), None, now);
    }

    /// Processes trades, oldest first.
    fn polled_trades(&mut self, position: usize, answer: &KrakenRows<'_, Vec<KrakenRestTrade>>, now: Now) {
        let symbol = &mut self.symbols[position];
        symbol.state.polled_to = answer.last.as_deref().map(str::to_owned);
        let is_first = !symbol.state.trade_ids.has_any();
        for (idx, row) in answer.rows.iter().enumerate() {
            let novelty = symbol.state.trade_ids.see(row.trade_id, row.trade_id);
            if let Novelty::New { is_gap } = novelty {
                self.out.health.counters.gaps += u64::from(is_gap);
            }
            // A late trade here was missed while nothing was connected: it closes a gap. Of the trades from before
            // anything was followed, only the last price matters.
            if novelty == Novelty::Seen || (is_first && idx + 1 < answer.rows.len()) {
                continue;
            }
            let print = Trade {
                id: TradeId::Sequence(row.trade_id),
                price: row.price,
                size: row.quantity,
                aggressor_side: row.aggressor_side,
            };
            self.out.event(&symbol.id, Some(row.time), now, MarketEventKind::Trade(print));
        }
    }
}

/// Returns candles as the venue's answer; `None` for a length that it does not have. A candle's mean price and number
/// of trades are not read.
pub(super) fn of_candles(symbol: &str, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
    minutes_of_interval(interval)?;
    let seconds = |bar: &Candle| bar.open_time.as_millis().div_euclid(1_000);
    let row = |bar: &Candle| {
        let Candle { open, high, low, close, volume, .. } = bar;
        json!([seconds(bar), open, high, low, close, close, volume, 0])
    };
    let rows: Vec<_> = bars.iter().map(row).collect();
    // The last one is still forming.
    let last = bars.iter().rev().nth(1).map(seconds);
    let body = json!({ "error": [], "result": { symbol: rows, "last": last.unwrap_or_default() } });
    let request = rest::bars(symbol, interval);
    Some(SnapshotFrame::Answer { path: request.path, query: request.query, body: body.to_string() })
}

/// The content of the `instrument` channel: assets, which we do not read, and tradable pairs.
///
/// ```json
/// {"assets":[…],"pairs":[{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,"qty_increment":1e-08,
///  "price_precision":1,"price_increment":0.1,"cost_precision":5,"cost_min":"0.5","qty_min":0.00005}]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct KrakenInstruments<'a> {
    #[serde(borrow, default)]
    pub(super) pairs: Vec<Object<KrakenPair<'a>>>,
}

/// One row of the `instrument` channel.
#[derive(Debug, Deserialize)]
pub(super) struct KrakenPair<'a> {
    #[serde(borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(borrow)]
    base: Cow<'a, str>,
    #[serde(borrow)]
    quote: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    price_increment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    qty_increment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cost_min: Option<&'a RawValue>,
}

impl KrakenPair<'_> {
    /// Converts it to the model's type; `None` if a step is missing, unreadable or not positive.
    pub(super) fn instrument(&self, venue: &Venue) -> Option<Instrument> {
        Some(Instrument {
            id: InstrumentId::new(venue, &self.symbol),
            base: self.base.as_ref().into(),
            quote: self.quote.as_ref().into(),
            tick_size: step(number(self.price_increment)?)?,
            lot_size: as_quantity(step(number(self.qty_increment)?)?)?,
            min_notional: self.cost_min.and_then(|raw| number(Some(raw))).and_then(as_notional),
            status: status(self.status.as_deref()),
            is_simulated: false,
        })
    }
}

/// The result of `/0/public/AssetPairs`: a map whose keys are the venue's old names, or the requested name.
///
/// ```json
/// {"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD","pair_decimals":1,"lot_decimals":8,"lot_multiplier":1,
///  "ordermin":"0.00005","costmin":"0.5","tick_size":"0.1","status":"online"}}
/// ```
#[derive(Debug)]
pub(super) struct KrakenAssetPairs<'a>(pub(super) Vec<(Cow<'a, str>, KrakenAssetPair<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for KrakenAssetPairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = KrakenAssetPairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of pairs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KrakenAssetPairs<'de>, A::Error> {
                let mut rows = Vec::new();
                while let Some(KrakenKey(key)) = map.next_key()? {
                    let Object(pair) = map.next_value()?;
                    rows.push((key, pair));
                }
                Ok(KrakenAssetPairs(rows))
            }
        }

        deserializer.deserialize_map(Rows)
    }
}

/// A map's key, borrowed if it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct KrakenKey<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// One row of `/0/public/AssetPairs`. Bodies of 2021 have neither tick size, smallest cost nor status.
#[derive(Debug, Deserialize)]
pub(super) struct KrakenAssetPair<'a> {
    #[serde(borrow, default)]
    altname: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    wsname: Option<Cow<'a, str>>,
    pair_decimals: u32,
    lot_decimals: u32,
    #[serde(borrow, default)]
    tick_size: Option<&'a RawValue>,
    #[serde(borrow, default)]
    costmin: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
}

impl KrakenAssetPair<'_> {
    /// Converts it to the model's type; `None` for dark pools, for pairs without a name on the WebSocket, and for
    /// invalid steps.
    pub(super) fn instrument(&self, key: &str, venue: &Venue) -> Option<Instrument> {
        if key.ends_with(".d") || self.altname.as_deref().is_some_and(|name| name.ends_with(".d")) {
            return None;
        }
        let (base, quote) = self.wsname.as_deref().unwrap_or(key).split_once('/')?;
        let (base, quote) = (modern_code(base), modern_code(quote));
        if base.is_empty() || quote.is_empty() {
            return None;
        }
        let tick_size = self.tick_size.and_then(|raw| number(Some(raw))).and_then(step);
        Some(Instrument {
            id: InstrumentId::new(venue, &format!("{base}/{quote}")),
            base: base.to_owned(),
            quote: quote.to_owned(),
            tick_size: tick_size.or_else(|| Price::from_mantissa(1, self.pair_decimals))?,
            lot_size: Quantity::from_mantissa(1, self.lot_decimals)?,
            min_notional: self.costmin.and_then(|raw| number(Some(raw))).and_then(as_notional),
            status: status(self.status.as_deref()),
            is_simulated: false,
        })
    }
}

/// Returns a pair with the codes used by version 2 of the protocol.
pub(super) fn modern_symbol(symbol: &str) -> String {
    match symbol.split_once('/') {
        Some((base, quote)) => format!("{}/{}", modern_code(base), modern_code(quote)),
        None => symbol.to_owned(),
    }
}

/// Returns the code used by version 2 of the protocol.
pub(super) fn modern_code(code: &str) -> &str {
    match code {
        "XBT" => "BTC",
        "XDG" => "DOGE",
        other => other,
    }
}

/// Returns what the venue limits about a pair with this status, for people.
pub(super) fn restriction(status: Option<&str>) -> Option<String> {
    let words = match status? {
        "online" => return None,
        "cancel_only" => "orders can only be cancelled (cancel_only)",
        "post_only" => "only orders that rest in the book, nothing trades (post_only)",
        "limit_only" => "only limit orders (limit_only)",
        "reduce_only" => "positions can only be reduced (reduce_only)",
        other => return Some(format!("not trading ({})", other.chars().take(40).collect::<String>())),
    };
    Some(words.to_owned())
}

fn status(word: Option<&str>) -> InstrumentStatus {
    match word {
        // Limited to resting orders, or to closing positions: trades still happen.
        Some("online" | "limit_only" | "reduce_only") => InstrumentStatus::Trading,
        Some("cancel_only" | "post_only" | "maintenance" | "delisted" | "work_in_progress") => InstrumentStatus::Halted,
        Some(_) | None => InstrumentStatus::Unknown,
    }
}

/// A number, bare or quoted: the venue writes both.
fn number(raw: Option<&RawValue>) -> Option<Price> {
    let text = raw?.get();
    parse_number(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text))
}

fn step(number: Price) -> Option<Price> {
    (!number.is_zero() && !number.is_negative()).then_some(number)
}

fn as_notional(number: Price) -> Option<Notional> {
    Notional::from_mantissa(number.mantissa(), number.scale()).filter(|value| !value.is_negative())
}

#[cfg(test)]
mod tests {
    use model::time::Timestamp;

    use super::*;

    fn shown(instrument: Option<Instrument>) -> String {
        instrument.map_or_else(
            || "none".to_owned(),
            |instrument| {
                format!(
                    "{} {} {} {} {} {} {:?}",
                    instrument.id,
                    instrument.base,
                    instrument.quote,
                    instrument.tick_size,
                    instrument.lot_size,
                    instrument.min_notional.map_or_else(|| "-".to_owned(), |value| value.to_string()),
                    instrument.status
                )
            },
        )
    }

    #[test]
    fn rows_of_the_channel() {
        #[track_caller]
        fn check(fields: &str, expected: &str) {
            let text = format!(
                r#"{{"assets":[{{"id":"USD"}}],"pairs":[{{"symbol":"BTC/USD","base":"BTC","quote":"USD"{fields}}}]}}"#
            );
            let instruments: KrakenInstruments<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(shown(instruments.pairs[0].0.instrument(&Venue::new("kraken"))), expected, "{fields}");
        }
        check(
            r#","status":"online","qty_increment":1e-08,"price_increment":0.1,"cost_min":"0.5","qty_min":0.00005"#,
            "kraken:BTC/USD BTC USD 0.1 0.00000001 0.5 Trading",
        );
        check(
            r#","status":"cancel_only","qty_increment":0.00000001,"price_increment":1e-05,"cost_min":0.50"#,
            "kraken:BTC/USD BTC USD 0.00001 0.00000001 0.50 Halted",
        );
        check(r#","status":"new","qty_increment":1,"price_increment":5"#, "kraken:BTC/USD BTC USD 5 1 - Unknown");
        check(r#","status":"online","qty_increment":1e-400,"price_increment":0.1"#, "none");
        check(r#","status":"online","qty_increment":0,"price_increment":0.1"#, "none");
        check(r#","status":"online","qty_increment":0.1,"price_increment":-0.1"#, "none");
        check(r#","status":"online","qty_increment":0.1"#, "none");
    }

    #[test]
    fn rows_of_rest() {
        #[track_caller]
        fn check(key: &str, names: &str, expected: &str) {
            let text = format!(
                r#"{{"{key}":{{{names}"pair_decimals":1,"lot_decimals":8,"lot_multiplier":1,"fees":[[0,0.4]]}}}}"#
            );
            let KrakenAssetPairs(rows) = serde_json::from_str(&text).unwrap();
            assert_eq!(shown(rows[0].1.instrument(&rows[0].0, &Venue::new("kraken"))), expected, "{text}");
        }
        check(
            "XXBTZUSD",
            r#""altname":"XBTUSD","wsname":"XBT/USD","tick_size":"0.5","costmin":"0.5","status":"online","#,
            "kraken:BTC/USD BTC USD 0.5 0.00000001 0.5 Trading",
        );
        check("XXDGXXBT", r#""wsname":"XDG\/XBT","#, "kraken:DOGE/BTC DOGE BTC 0.1 0.00000001 - Unknown");
        check("ETH/XBT", "", "kraken:ETH/BTC ETH BTC 0.1 0.00000001 - Unknown");
        check(
            "TBTCXBT",
            r#""wsname":"TBTC/XBT","status":"post_only","#,
            "kraken:TBTC/BTC TBTC BTC 0.1 0.00000001 - Halted",
        );
        check("XXBTZUSD.d", r#""altname":"XBTUSD.d","#, "none");
        check("DARK", r#""altname":"XBTUSD.d","wsname":"XBT/USD","#, "none");
        check("XXBTZUSD", r#""altname":"XBTUSD","#, "none");
        check("X", r#""wsname":"/USD","#, "none");
    }

    #[test]
    fn steps_out_of_range_are_no_instrument() {
        let text =
            r#"{"A/B":{"pair_decimals":4000000000,"lot_decimals":8},"C/D":{"pair_decimals":2,"lot_decimals":29}}"#;
        let KrakenAssetPairs(rows) = serde_json::from_str(text).unwrap();
        let venue = Venue::new("kraken");
        assert!(rows.iter().all(|(key, pair)| pair.instrument(key, &venue).is_none()));
        assert!(serde_json::from_str::<KrakenAssetPairs<'_>>("[]").is_err());
        assert!(serde_json::from_str::<KrakenAssetPairs<'_>>(r#"{"A/B":[]}"#).is_err());
    }

    #[test]
    fn bars_read_like_the_venues_answer() {
        let price = |text| Price::parse(text).unwrap();
        let bar = |minute: i64| Candle {
            open_time: Timestamp::from_millis(minute * 60_000),
            open: price("1.50"),
            high: price("2"),
            low: price("1"),
            close: price("1.75000"),
            volume: Quantity::parse("0.10").unwrap(),
            buy_volume: None,
        };
        let both = [bar(1), bar(2)];
        let Some(SnapshotFrame::Answer { path, query, body }) = of_candles("A/B", Interval::M1, &both) else {
            panic!("no answer")
        };
        assert_eq!((path.as_ref(), &query[0], &query[1].1), ("/0/public/OHLC", &("pair", "A/B".into()), &"1".into()));
        let Ok(KrakenAnswer::Result(result)) = KrakenAnswer::open(&body) else { panic!("{body}") };
        let read: KrakenRows<'_, Vec<KrakenOhlcRow>> = serde_json::from_str(result.get()).unwrap();
        assert_eq!(read.rows.iter().map(|row| row.0).collect::<Vec<_>>(), both);
        assert_eq!(read.last.as_deref(), Some("60"));
        assert_eq!(of_candles("A/B", Interval::S1, &both), None, "those are made of prints");
    }
}
