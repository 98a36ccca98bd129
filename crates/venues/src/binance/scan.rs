//! Reads the busiest payloads as the venue spells them, without serde.
//!
//! Every function returns `None` for any other spelling, even a valid one (see [`crate::kit::scan`]). Not here: the
//! choice of the function ([`super::frame`]), the payloads' documentation ([`super::message`]).

use std::borrow::Cow;

use model::event::Level;

use crate::{
    binance::message::{BinanceAggTrade, BinanceBookTicker, BinanceDepthUpdate, BinanceTime, BinanceTrade, USUAL_ROWS},
    kit::scan::Scan,
};

pub(super) fn trade(payload: &str) -> Option<BinanceTrade<'_>> {
    let mut scan = Scan::new(payload);
    scan.tag(r#"{"e":"trade","E":"#)?;
    scan.integer()?;
    scan.tag(r#","s":""#)?;
    let symbol = Cow::Borrowed(scan.text()?);
    scan.tag(r#","t":"#)?;
    let trade_id = scan.integer()?;
    scan.tag(r#","p":""#)?;
    let price = scan.positive_price()?;
    scan.tag(r#","q":""#)?;
    let quantity = scan.quantity()?;
    scan.tag(r#","T":"#)?;
    let trade_time = time(&mut scan)?;
    let is_buyer_maker = maker(scan)?;
    Some(BinanceTrade { symbol, trade_id, price, quantity, trade_time, is_buyer_maker })
}

pub(super) fn aggregate_trade(payload: &str) -> Option<BinanceAggTrade<'_>> {
    let mut scan = Scan::new(payload);
    scan.tag(r#"{"e":"aggTrade","E":"#)?;
    scan.integer()?;
    scan.tag(r#","s":""#)?;
    let symbol = Cow::Borrowed(scan.text()?);
    scan.tag(r#","a":"#)?;
    let aggregate_id = scan.integer()?;
    scan.tag(r#","p":""#)?;
    let price = scan.positive_price()?;
    scan.tag(r#","q":""#)?;
    let quantity = scan.quantity()?;
    scan.tag(r#","f":"#)?;
    scan.integer()?;
    scan.tag(r#","l":"#)?;
    scan.integer()?;
    scan.tag(r#","T":"#)?;
    let trade_time = time(&mut scan)?;
    let is_buyer_maker = maker(scan)?;
    Some(BinanceAggTrade { symbol, aggregate_id, price, quantity, trade_time, is_buyer_maker })
}

pub(super) fn book_ticker(payload: &str) -> Option<BinanceBookTicker<'_>> {
    let mut scan = Scan::new(payload);
    scan.tag(r#"{"u":"#)?;
    let update_id = scan.integer()?;
    scan.tag(r#","s":""#)?;
    let symbol = Cow::Borrowed(scan.text()?);
    scan.tag(r#","b":""#)?;
    let bid = scan.price().filter(|price| !price.is_negative())?;
    scan.tag(r#","B":""#)?;
    let bid_size = scan.quantity()?;
    scan.tag(r#","a":""#)?;
    let ask = scan.price().filter(|price| !price.is_negative())?;
    scan.tag(r#","A":""#)?;
    let ask_size = scan.quantity()?;
    scan.end("}")?;
    Some(BinanceBookTicker { update_id, symbol, bid, bid_size, ask, ask_size })
}

pub(super) fn depth_update(payload: &str) -> Option<BinanceDepthUpdate<'_>> {
    let mut scan = Scan::new(payload);
    scan.tag(r#"{"e":"depthUpdate","E":"#)?;
    let event_time = time(&mut scan)?;
    scan.tag(r#","s":""#)?;
    let symbol = Cow::Borrowed(scan.text()?);
    scan.tag(r#","U":"#)?;
    let first_update_id = scan.integer()?;
    scan.tag(r#","u":"#)?;
    let final_update_id = scan.integer()?;
    scan.tag(r#","b":["#)?;
    let bids = levels(&mut scan)?;
    scan.tag(r#","a":["#)?;
    let asks = levels(&mut scan)?;
    scan.end("}")?;
    Some(BinanceDepthUpdate { event_time, symbol, first_update_id, final_update_id, bids, asks })
}

/// Reads `["price","quantity"],…]`.
fn levels(scan: &mut Scan<'_>) -> Option<Vec<Level>> {
    let mut rows = Vec::new();
    scan.elements(|scan| {
        scan.tag(r#"[""#)?;
        let level = scan.level(r#",""#)?;
        if rows.is_empty() {
            rows.reserve(USUAL_ROWS);
        }
        rows.push(level);
        scan.tag("]")
    })?;
    Some(rows)
}

fn time(scan: &mut Scan<'_>) -> Option<BinanceTime> {
    scan.integer().and_then(BinanceTime::from_number)
}

/// Reads the end of a trade: whether the buyer was the maker, and a field without a meaning.
fn maker(mut scan: Scan<'_>) -> Option<bool> {
    scan.tag(r#","m":"#)?;
    let is_buyer_maker = scan.boolean()?;
    scan.tag(r#","M":"#)?;
    scan.boolean()?;
    scan.end("}")?;
    Some(is_buyer_maker)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{binance::frame::parse, kit::scan::changes};

    const DEPTH: &str = r#"{"e":"depthUpdate","E":1723161255208,"s":"AAABBB","U":50093239189,"u":50093239202,"b":[["61737.63000000","0.00000000"],["1.5","12"]],"a":[["61837.64000000","1.54698000"]]}"#;
    const TRADE: &str = r#"{"e":"trade","E":1723161255343,"s":"AAABBB","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#;
    const AGGREGATE: &str = r#"{"e":"aggTrade","E":1633998523963,"s":"AAABBB","a":15683,"p":"0.35280000","q":"58.00000000","f":100,"l":105,"T":1633998523963000,"m":false,"M":true}"#;
    const BEST: &str =
        r#"{"u":50093239212,"s":"AAABBB","b":"61837.63000000","B":"3.78826000","a":"0.00000000","A":"0.00000000"}"#;
    const FRAMES: &[&str] = &[
        DEPTH,
        TRADE,
        AGGREGATE,
        BEST,
        r#"{"stream":"aaabbb@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"AAABBB","U":3,"u":5,"b":[],"a":[["3","4"],["5","0"],["61837.64","1"]]}}"#,
        r#"{"stream":"aaabbb@trade","data":{"e":"trade","E":1,"s":"AAABBB","t":7,"p":"1.5","q":"0.02","T":1723161255342,"m":false,"M":true}}"#,
        r#"{"stream":"aaabbb@bookTicker","data":{"u":9,"s":"AAABBB","b":"1.5","B":"2","a":"1.6","A":"3"}}"#,
    ];

    #[test]
    fn the_usual_spelling_is_read_and_others_are_left_to_serde() {
        assert!(depth_update(DEPTH).is_some());
        assert!(trade(TRADE).is_some());
        assert!(aggregate_trade(AGGREGATE).is_some());
        assert!(book_ticker(BEST).is_some());
        for (usual, other) in [
            ("\"U\":50093239189", "\"U\": 50093239189"),
            ("\"U\":50093239189", "\"U\":50093239189,\"U\":1"),
            ("\"U\":50093239189", "\"U\":50093239189,\"x\":1"),
            ("\"U\":50093239189,\"u\":50093239202", "\"u\":50093239202,\"U\":50093239189"),
            ("\"12\"]", "\"12\",[]]"),
            ("\"12\"", "12"),
            ("AAABBB", "\\u0041AABBB"),
            ("]]}", "]]} "),
            ("1723161255208", "18446744073709551615"),
        ] {
            let text = DEPTH.replace(usual, other);
            assert!(text != DEPTH && depth_update(&text).is_none(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_scanned_frame_is_that_of_serde(frame in changes::any_change(FRAMES)) {
            changes::agree(&frame, |text| parse(text).ok().map(|frame| format!("{frame:?}")))?;
        }
    }
}
