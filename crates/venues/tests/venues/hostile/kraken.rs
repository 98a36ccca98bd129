//! Kraken's valid texts, and where they can be broken.

use model::proof::BookState;
use venues::session::{ConnectionId, HttpRequest};

use super::{
    answers::Answers,
    frames::{Frames, hit},
    kraken_support::{DEPTH, HEARTBEAT, STATUS, Side, VenueBook, book, live, small_book, ticker, top, trade},
    rest,
    support::Rig,
};

pub(crate) struct Kraken {
    rig: Rig,
    connection: ConnectionId,
    venue: VenueBook,
}

const SYMBOL: &str = "AAA/BBB";

impl Frames for Kraken {
    const NAME: &'static str = "kraken";
    const SYMBOL: &'static str = SYMBOL;
    const LONGEST: usize = 16 << 20;

    fn live() -> Self {
        let (rig, connection, venue) = live(SYMBOL);
        Self { rig, connection, venue }
    }

    fn rig(&mut self) -> (&mut Rig, ConnectionId) {
        (&mut self.rig, self.connection)
    }

    fn good() -> Vec<String> {
        let mut venue = small_book();
        let snapshot = venue.snapshot(SYMBOL);
        venue.set(Side::Ask, 1_010, 77);
        vec![
            snapshot,
            venue.update(SYMBOL),
            trade(SYMBOL, 5, "sell"),
            ticker(SYMBOL, "100.0", "101.0"),
            STATUS.into(),
            HEARTBEAT.into(),
            r#"{"channel":"ohlc","type":"update","timestamp":"2026-09-25T17:48:26.844359566Z","data":[{"symbol":"AAA/BBB","open":1.0,"high":2.0,"low":1.0,"close":2.0,"trades":3,"volume":5.0,"vwap":1.5,"interval_begin":"2026-09-25T17:48:00.000000000Z","interval":1,"timestamp":"2026-09-25T17:49:00.000000Z"}]}"#.into(),
            r#"{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"AAA/BBB"},"success":true,"time_in":"x","req_id":9}"#.into(),
        ]
    }

    fn fields() -> Vec<(String, &'static [&'static str])> {
        let update = |price: &str, quantity: &str, checksum: &str| {
            format!(
                r#"{{"channel":"book","type":"update","data":[{{"symbol":"AAA/BBB","bids":[{{"price":100.0,"qty":5}},{{"price":{price},"qty":{quantity}}}],"asks":[],"checksum":{checksum}}}]}}"#
            )
        };
        let print = trade(SYMBOL, 5, "buy");
        // A quantity of minus zero equals zero: the row is removed.
        vec![
            (update("§", "1", "1"), &["1.5"]),
            (update("1", "§", "1"), &["1.5", "-0", "-0.0"]),
            (update("1", "1", "§"), &[]),
            (print.replace("83744.3", "§"), &["1.5"]),
            (print.replace(":5,", ":§,"), &[]),
        ]
    }

    fn breaches() -> Vec<String> {
        let fields = Self::fields();
        vec![
            fields[2].0.replace('§', "4294967296"),
            fields[0].0.replace('§', "0.0"),
            trade(SYMBOL, 5, "buy").replace(r#""side":"#, r#""side":"sell","side":"#),
        ]
    }

    fn nests() -> &'static [&'static str] {
        &[
            "§",
            r#"{"channel":"book","type":"update","data":§}"#,
            r#"{"channel":"instrument","type":"snapshot","data":§}"#,
            r#"{"channel":"book","type":"update","data":[{"symbol":§}]}"#,
            r#"{"method":"subscribe","success":true,"result":§}"#,
            r#"{"error":§}"#,
            r#"{"req_id":§,"method":"pong"}"#,
        ]
    }

    fn unread(number: u64) -> String {
        trade(SYMBOL, 10 + number, "buy").replace(r#""ord_type":"limit""#, r#""ord_type":§"#)
    }

    fn check_alive(&mut self) {
        let n_trades = self.rig.session.health().counters.trades;
        // Far from every number that a mutation may have left behind.
        assert_eq!(hit(self, &trade(SYMBOL, 1_000_000_007, "buy")), "valid");
        assert_eq!(self.rig.session.health().counters.trades, n_trades + 1);
        let frame = self.venue.snapshot(SYMBOL);
        assert_eq!(hit(self, &frame), "valid");
        let tracked = book(&self.rig, SYMBOL);
        assert_eq!((tracked.state, top(tracked)), (BookState::Live, self.venue.top()));
    }
}

impl Answers for Kraken {
    const NAME: &'static str = "kraken";
    const SYMBOL: &'static str = SYMBOL;

    fn answer(request: &HttpRequest) -> String {
        rest::answer(<Self as Answers>::NAME, request)
    }
}

#[test]
fn absurd_numbers_do_not_shut_a_stream_out() {
    let mut venue = Kraken::live();
    assert_eq!(hit(&mut venue, &trade(SYMBOL, u64::MAX, "buy")), "valid");
    for number in 0..600 {
        hit(&mut venue, &trade(SYMBOL, 100 + number, "buy"));
    }
    assert_eq!(venue.rig.session.health().counters.trades, 601);
    let far = STATUS.replace("18125794168470749634", "99999999999999999999999999999999999999");
    assert_eq!(hit(&mut venue, &far), "valid");
}

#[test]
fn a_book_far_deeper_than_asked_for_is_cut_at_once() {
    let mut venue = Kraken::live();
    let rows: Vec<String> = (1..200_000).map(|cents| format!(r#"{{"price":{cents}.5,"qty":1}}"#)).collect();
    let deep = format!(
        r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"AAA/BBB","bids":[{}],"asks":[],"checksum":1}}]}}"#,
        rows.join(",")
    );
    assert_eq!(hit(&mut venue, &deep), "valid");
    assert_eq!(book(&venue.rig, SYMBOL).book.n_bids(), DEPTH);
    venue.check_alive();
}
