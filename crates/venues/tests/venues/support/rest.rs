//! Valid REST answers of the venues, one row of data each, newer with each request.

#![allow(dead_code, reason = "each test file uses its part")]

use venues::session::HttpRequest;

use crate::support::EPOCH_MS;

/// Returns a venue's answer about its symbol. Not here: instruments and books of Binance and Coinbase
/// ([`crate::support`]).
pub(crate) fn answer(venue: &str, request: &HttpRequest) -> String {
    let end = request.path.rsplit('/').next().unwrap_or_default();
    let number = request.id.0;
    let newer_ms = EPOCH_MS + i64::try_from(number).unwrap_or(0);
    let text = match (venue, end) {
        ("binance", "klines") => {
            r#"[[1499040000000,"0.016","0.8","0.015","0.0157","148976.1",1499644799999,"2434.1",308,"1756.8","28.4","0"]]"#
        }
        ("binance", "trades") => {
            return format!(
                r#"[{{"id":{number},"price":"4.00","qty":"12.0","quoteQty":"48.0","time":{newer_ms},"isBuyerMaker":true,"isBestMatch":true}}]"#
            );
        }
        ("binance", "aggTrades") => {
            r#"[{"a":26129,"p":"0.016","q":"4.7","f":27781,"l":27783,"T":1498793709153,"m":true,"M":true}]"#
        }
        ("binance", "24hr") => {
            return format!(
                r#"{{"symbol":"AAABBB","lastPrice":"4.00","bidPrice":"4.00","bidQty":"1.0","askPrice":"4.01","askQty":"1.0","openPrice":"3.0","highPrice":"5.0","lowPrice":"2.0","volume":"9.0","closeTime":{newer_ms}}}"#
            );
        }
        ("coinbase", "candles") => {
            r#"{"candles":[{"start":"1712192400","low":"66055.14","high":"66331.99","open":"66312.4","close":"66181.6","volume":"355.8"}]}"#
        }
        ("coinbase", "product_book") => {
            r#"{"pricebook":{"product_id":"AAA-USD","bids":[{"price":"100.01","size":"0.17"}],"asks":[{"price":"100.02","size":"0.16"}],"time":"2025-06-15T15:06:40.2Z"}}"#
        }
        ("coinbase", "ticker") => {
            return format!(
                r#"{{"trades":[{{"product_id":"AAA-USD","trade_id":"{number}","price":"100.50","size":"0.5","time":"2025-06-15T15:06:{:02}.5Z","side":"BUY"}}],"best_bid":"1","best_ask":"2"}}"#,
                number % 60
            );
        }
        ("kraken", "AssetPairs") => {
            r#"{"error":[],"result":{"X":{"wsname":"AAA/BBB","pair_decimals":1,"lot_decimals":8}}}"#
        }
        ("kraken", "Depth") => {
            r#"{"error":[],"result":{"X":{"asks":[["105.3","1.0",1790348400]],"bids":[["105.2","1.0",1790348400]]}}}"#
        }
        ("kraken", "Trades") => {
            return format!(
                r#"{{"error":[],"result":{{"X":[["83930.3","0.5",1790359840.93,"s","l","",{number}]],"last":"{number}"}}}}"#
            );
        }
        ("kraken", "OHLC") => {
            r#"{"error":[],"result":{"X":[[1790348400,"84.9","84.9","83.5","83.5","83.6","159.04",9205]],"last":1790348400}}"#
        }
        ("finnhub", "candle") => {
            r#"{"c":[217.68],"h":[222.49],"l":[217.19],"o":[221.03],"s":"ok","t":[1569297600],"v":[33463820]}"#
        }
        ("finnhub", "quote") => {
            let time_s = EPOCH_MS / 1_000 + i64::try_from(number).unwrap_or(0);
            return format!(
                r#"{{"c":261.74,"d":1.1,"dp":0.42,"h":263.31,"l":260.68,"o":261.07,"pc":259.45,"t":{time_s}}}"#
            );
        }
        (venue, end) => panic!("{venue} is asked for {end}"),
    };
    text.to_owned()
}
