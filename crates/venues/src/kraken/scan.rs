//! Reads the busiest channels' data as the venue spells it, without serde.
//!
//! Every function returns `None` for any other spelling, even a valid one (see [`crate::kit::scan`]). Not here: the
//! choice of the function ([`super::frame`]), the payloads' documentation ([`super::message`]).

use std::borrow::Cow;

use model::event::Level;

use crate::{
    kit::{scan::Scan, strict_json::Object, utc_time::UtcTime},
    kraken::message::{KrakenBookEntry, KrakenTrade},
};

/// Reads a list of books or changes of books.
pub(super) fn books(data: &str) -> Option<Vec<Object<KrakenBookEntry<'_>>>> {
    list(data, |scan| {
        scan.tag(r#"{"symbol":""#)?;
        let symbol = Cow::Borrowed(scan.text()?);
        scan.tag(r#","bids":["#)?;
        let bids = levels(scan)?;
        scan.tag(r#","asks":["#)?;
        let asks = levels(scan)?;
        scan.tag(r#","checksum":"#)?;
        let checksum = u32::try_from(scan.integer()?).ok()?;
        let timestamp = Some(time(scan)?);
        Some(KrakenBookEntry { symbol, bids, asks, checksum, timestamp })
    })
}

/// Reads a list of trades.
pub(super) fn trades(data: &str) -> Option<Vec<Object<KrakenTrade<'_>>>> {
    list(data, |scan| {
        scan.tag(r#"{"symbol":""#)?;
        let symbol = Cow::Borrowed(scan.text()?);
        scan.tag(r#","side":""#)?;
        let side = Cow::Borrowed(scan.text()?);
        scan.tag(r#","price":"#)?;
        let Level { price, quantity } = scan.bare_level(r#","qty":"#)?;
        scan.tag(r#","ord_type":""#)?;
        scan.text()?;
        scan.tag(r#","trade_id":"#)?;
        let trade_id = scan.integer()?;
        let timestamp = time(scan)?;
        Some(KrakenTrade { symbol, side, price, quantity, trade_id, timestamp })
    })
}

#[inline(always)]
fn list<'a, T>(data: &'a str, element: impl Fn(&mut Scan<'a>) -> Option<T>) -> Option<Vec<Object<T>>> {
    let (mut scan, mut elements) = (Scan::new(data), Vec::new());
    scan.tag("[")?;
    scan.elements(|scan| element(scan).map(|element| elements.push(Object(element))))?;
    scan.end("")?;
    Some(elements)
}

/// Reads `{"price":…,"qty":…},…]`.
fn levels(scan: &mut Scan<'_>) -> Option<Vec<Level>> {
    let mut rows = Vec::new();
    scan.elements(|scan| {
        scan.tag(r#"{"price":"#)?;
        rows.push(scan.bare_level(r#","qty":"#)?);
        scan.tag("}")
    })?;
    Some(rows)
}

/// Reads the time at the end of an element.
fn time(scan: &mut Scan<'_>) -> Option<UtcTime> {
    scan.tag(r#","timestamp":""#)?;
    let time = UtcTime::parse(scan.text()?)?;
    scan.tag("}")?;
    Some(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{kit::scan::changes, kraken::frame::parse};

    const BOOK: &str = r#"[{"symbol":"AAA/BBB","bids":[{"price":63381.0,"qty":0.00000000},{"price":63380,"qty":1}],"asks":[{"price":63409.2,"qty":0.66589000}],"checksum":3726153463,"timestamp":"2026-08-02T03:35:51.660084Z"}]"#;
    const TRADES: &str = r#"[{"symbol":"AAA/BBB","side":"buy","price":83744.3,"qty":0.00044780,"ord_type":"limit","trade_id":109116693,"timestamp":"2026-09-25T17:48:26.844359Z"}]"#;
    const FRAMES: &[&str] = &[
        r#"{"channel":"book","type":"update","data":[{"symbol":"AAA/BBB","bids":[{"price":63381.0,"qty":0.00000000},{"price":63380,"qty":1}],"asks":[],"checksum":3726153463,"timestamp":"2026-08-02T03:35:51.660084Z"}]}"#,
        r#"{"channel":"trade","type":"update","data":[{"symbol":"AAA/BBB","side":"buy","price":83744.3,"qty":0.00044780,"ord_type":"limit","trade_id":109116693,"timestamp":"2026-09-25T17:48:26.844359Z"},{"symbol":"B","side":"","price":1,"qty":0,"ord_type":"","trade_id":0,"timestamp":"2026-09-25T17:48:26Z"}]}"#,
    ];

    #[test]
    fn the_usual_spelling_is_read_and_others_are_left_to_serde() {
        assert!(books(BOOK).is_some());
        assert!(trades(TRADES).is_some());
        for (usual, other) in [
            ("\"qty\":1}", "\"qty\": 1}"),
            ("\"qty\":1}", "\"qty\":\"1\"}"),
            ("\"qty\":1}", "\"qty\":01}"),
            ("\"qty\":1}", "\"qty\":-0}"),
            ("\"qty\":1}", "\"qty\":-00}"),
            ("\"qty\":1}", "\"qty\":1e-08}"),
            ("\"qty\":1}", "\"qty\":1,\"new\":1}"),
            ("63381.0", "0.0"),
            ("3726153463", "4294967296"),
            ("}]", "}] "),
        ] {
            let text = BOOK.replace(usual, other);
            assert!(text != BOOK && books(&text).is_none(), "{text}");
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
