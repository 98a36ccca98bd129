//! The venue's symbols, from its `instrument` channel and from REST (`/0/public/AssetPairs`), in the model's words.
//!
//! Source: <https://docs.kraken.com/api/docs/websocket-v2/instrument>, <https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs>.
//! Version 2 of the protocol knows modern codes only (`BTC/USD`); REST still prints the old ones (`XBT/USD`), which version
//! 2 refuses. The channel's numbers have exponents (`1e-08`). Dark pools (`.d`) have no public data. Not here: asking for
//! either.

use std::{borrow::Cow, fmt};

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::{Instrument, InstrumentId, InstrumentStatus, Venue},
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::kit::{
    number::{as_quantity, parse_number},
    strict_json::Object,
};

/// What the `instrument` channel sends: assets, which we do not read, and what can be traded.
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
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    price_increment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    qty_increment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cost_min: Option<&'a RawValue>,
}

impl KrakenPair<'_> {
    /// In the model's words; `None` where a step is missing, unreadable or not above zero.
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

/// The result of `/0/public/AssetPairs`: a map whose keys are the venue's old names, or the name asked for.
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

/// A map's key, borrowed where it has no escapes.
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
    /// In the model's words; `None` for dark pools, for pairs without a name on the WebSocket, and where a step makes no sense.
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

/// The code that version 2 of the protocol uses.
fn modern_code(code: &str) -> &str {
    match code {
        "XBT" => "BTC",
        "XDG" => "DOGE",
        other => other,
    }
}

fn status(word: Option<&str>) -> InstrumentStatus {
    match word {
        // Limited to resting orders, or to closing positions: prints still happen.
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
}
