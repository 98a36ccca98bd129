//! Reads the busiest frames as the venue spells them, without serde.
//!
//! Every function returns `None` for any other spelling, even a valid one (see [`crate::kit::scan`]). Not here: the
//! choice of the function ([`super::frame`]), the payloads' documentation ([`super::message`]).

use std::borrow::Cow;

use crate::{
    coinbase::{
        frame::{CoinbaseBody, CoinbaseFrame},
        message::{
            CoinbaseBookEvent, CoinbaseEventKind, CoinbaseLevels, CoinbaseTrade, CoinbaseTradesEvent, MakerSide,
        },
    },
    kit::{scan::Scan, utc_time::UtcTime},
};

pub(super) fn books(text: &str) -> Option<CoinbaseFrame<'_>> {
    frame(text, r#"{"channel":"l2_data","timestamp":""#, book_event).map(|frame| frame.of(CoinbaseBody::Books))
}

pub(super) fn trades(text: &str) -> Option<CoinbaseFrame<'_>> {
    frame(text, r#"{"channel":"market_trades","timestamp":""#, trades_event).map(|frame| frame.of(CoinbaseBody::Trades))
}

/// A frame of any channel.
struct Events<E> {
    time: UtcTime,
    sequence: u64,
    events: Vec<E>,
}

impl<E> Events<E> {
    fn of<'a>(self, body: impl FnOnce(Vec<E>) -> CoinbaseBody<'a>) -> CoinbaseFrame<'a> {
        CoinbaseFrame { sequence: Some(self.sequence), time: Some(self.time.0), body: body(self.events) }
    }
}

/// Reads a frame that begins with `start`, each of its events by `event`.
#[inline(always)]
fn frame<'a, E>(text: &'a str, start: &str, event: impl Fn(&mut Scan<'a>) -> Option<E>) -> Option<Events<E>> {
    let mut scan = Scan::new(text);
    scan.tag(start)?;
    let time = UtcTime::parse(scan.text()?)?;
    scan.tag(r#","sequence_num":"#)?;
    let sequence = scan.integer()?;
    scan.tag(r#","events":["#)?;
    let mut events = Vec::new();
    scan.elements(|scan| event(scan).map(|event| events.push(event)))?;
    scan.end("}")?;
    Some(Events { time, sequence, events })
}

fn book_event<'a>(scan: &mut Scan<'a>) -> Option<CoinbaseBookEvent<'a>> {
    scan.tag(r#"{"type":""#)?;
    let kind = CoinbaseEventKind::named(scan.text()?);
    scan.tag(r#","product_id":""#)?;
    let product_id = Cow::Borrowed(scan.text()?);
    scan.tag(r#","updates":["#)?;
    let updates = levels(scan)?;
    scan.tag("}")?;
    Some(CoinbaseBookEvent { kind, product_id, updates })
}

fn levels(scan: &mut Scan<'_>) -> Option<CoinbaseLevels> {
    let (mut bids, mut asks, mut last_time) = (Vec::new(), Vec::new(), None);
    scan.elements(|scan| {
        scan.tag(r#"{"side":""#)?;
        let side = match scan.tag(r#"bid""#) {
            Some(()) => &mut bids,
            None => scan.tag(r#"offer""#).map(|()| &mut asks)?,
        };
        scan.tag(r#","event_time":""#)?;
        last_time = Some(scan.text()?);
        scan.tag(r#","price_level":""#)?;
        side.push(scan.level(r#","new_quantity":""#)?);
        scan.tag("}")
    })?;
    let event_time = last_time.and_then(UtcTime::parse).map(|UtcTime(time)| time);
    Some(CoinbaseLevels { bids, asks, n_unknown: 0, event_time })
}

fn trades_event<'a>(scan: &mut Scan<'a>) -> Option<CoinbaseTradesEvent<'a>> {
    scan.tag(r#"{"type":""#)?;
    let kind = CoinbaseEventKind::named(scan.text()?);
    scan.tag(r#","trades":["#)?;
    let mut trades = Vec::new();
    scan.elements(|scan| trade(scan).map(|trade| trades.push(trade)))?;
    scan.tag("}")?;
    Some(CoinbaseTradesEvent { kind, trades })
}

fn trade<'a>(scan: &mut Scan<'a>) -> Option<CoinbaseTrade<'a>> {
    scan.tag(r#"{"product_id":""#)?;
    let product_id = Cow::Borrowed(scan.text()?);
    scan.tag(r#","trade_id":""#)?;
    let trade_id = Cow::Borrowed(scan.text()?);
    scan.tag(r#","price":""#)?;
    let price = scan.positive_price()?;
    scan.tag(r#","size":""#)?;
    let size = scan.quantity()?;
    scan.tag(r#","time":""#)?;
    let time = UtcTime::parse(scan.text()?)?;
    scan.tag(r#","side":""#)?;
    let side = MakerSide::named(scan.text()?);
    scan.tag("}")?;
    Some(CoinbaseTrade { product_id, trade_id, price, size, time, side })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{coinbase::frame::parse, kit::scan::changes};

    const BOOK: &str = r#"{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.483587501Z","sequence_num":3,"events":[{"type":"update","product_id":"AAA-USD","updates":[{"side":"bid","event_time":"2026-08-09T21:05:48.170326Z","price_level":"60000.01","new_quantity":"0.50000000"},{"side":"offer","event_time":"2026-08-09T21:05:48.17Z","price_level":"60001.5","new_quantity":"0"}]}]}"#;
    const TRADES: &str = r#"{"channel":"market_trades","timestamp":"2026-08-09T21:05:48.483587501Z","sequence_num":4,"events":[{"type":"snapshot","trades":[{"product_id":"AAA-USD","trade_id":"1068572090","price":"60000.01","size":"0.01034361","time":"2026-08-09T21:05:48.167634Z","side":"SELL"},{"product_id":"AAA-USD","trade_id":"1068572089","price":"60000","size":"1","time":"2026-08-09T21:05:48Z","side":"BUY"}]}]}"#;
    const FRAMES: &[&str] = &[
        BOOK,
        TRADES,
        r#"{"channel":"l2_data","timestamp":"2026-08-09T21:05:48Z","sequence_num":0,"events":[{"type":"snapshot","product_id":"AAA-USD","updates":[]},{"type":"new","product_id":"B","updates":[{"side":"offer","event_time":"","price_level":"1","new_quantity":"1"}]}]}"#,
    ];

    #[test]
    fn the_usual_spelling_is_read_and_others_are_left_to_serde() {
        assert!(books(BOOK).is_some());
        assert!(trades(TRADES).is_some());
        for (usual, other) in [
            ("\"sequence_num\":3", "\"sequence_num\": 3"),
            ("\"sequence_num\":3", "\"sequence_num\":3,\"sequence_num\":4"),
            ("\"sequence_num\":3", "\"client_id\":\"\",\"sequence_num\":3"),
            ("\"sequence_num\":3", "\"sequence_num\":\"3\""),
            ("\"side\":\"bid\"", "\"side\":\"ask\""),
            ("\"0.50000000\"", "0.50000000"),
            ("AAA-USD", "\\u0041AA-USD"),
            ("48.483587501Z", "48.483587501"),
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
