//! Binance's valid texts, and where they can be broken.

use venues::session::{ConnectionId, HttpRequest};

use super::{
    answers::Answers,
    frames::{Frames, hit},
    rest,
    support::{self, Rig, depth, depth_of, exchange_info, mini_ticker, quote, snapshot, trade},
};

pub(crate) struct Binance {
    rig: Rig,
    connection: ConnectionId,
}

const SYMBOL: &str = "AAABBB";
/// Equal to zero: the row is removed.
const MINUS_ZERO: &str = r#""-0""#;

impl Frames for Binance {
    const NAME: &'static str = "binance";
    const SYMBOL: &'static str = SYMBOL;
    const LONGEST: usize = 16 << 20;

    fn live() -> Self {
        let (mut rig, connection) = Rig::connected(&[SYMBOL]);
        rig.make_live(connection, SYMBOL, 1_000);
        Self { rig, connection }
    }

    fn rig(&mut self) -> (&mut Rig, ConnectionId) {
        (&mut self.rig, self.connection)
    }

    fn good() -> Vec<String> {
        let bar = r#"{"e":"kline","E":1,"s":"AAABBB","k":{"t":1672515780000,"i":"1m","o":"1","h":"2","l":"1","c":"2","v":"5","x":true}}"#;
        let time_ms = support::EPOCH_MS;
        vec![
            trade(SYMBOL, 5),
            quote(SYMBOL, 1_005, "100.00", "101.00"),
            depth(SYMBOL, 1_001, 1_001),
            mini_ticker(SYMBOL, time_ms),
            bar.to_owned(),
        ]
    }

    fn fields() -> Vec<(String, &'static [&'static str])> {
        let trade = trade(SYMBOL, 5);
        vec![
            (trade.replace(r#""t":5"#, r#""t":§"#), &[]),
            (trade.replace(r#""100.10""#, "§"), &[]),
            (trade.replace(r#""m":true"#, r#""m":§"#), &["true"]),
            (depth_of(SYMBOL, 1_001, 1_001, r#"["99.50","2.0"],["1",§]"#, ""), &[MINUS_ZERO]),
            (quote(SYMBOL, 1_005, "100.00", "101.00").replace(r#""100.00""#, "§"), &[MINUS_ZERO]),
            (depth(SYMBOL, 1_001, 1_001).replace(r#""u":1001"#, r#""u":§"#), &[]),
        ]
    }

    fn breaches() -> Vec<String> {
        vec![
            trade(SYMBOL, 5).replace(r#""t":5"#, r#""t":5,"t":6"#),
            depth(SYMBOL, 1_005, 1_001),
            r#"{"stream":"a","stream":"b","data":{}}"#.to_owned(),
        ]
    }

    fn nests() -> &'static [&'static str] {
        &[
            "§",
            r#"{"data":§,"stream":"x"}"#,
            r#"{"stream":"x","data":§}"#,
            r#"{"stream":"x","data":{"e":"trade","s":§}}"#,
            r#"{"id":§,"result":null}"#,
            r#"{"error":§}"#,
        ]
    }

    fn unread(number: u64) -> String {
        trade(SYMBOL, 100 + number).replace(r#""M":true"#, r#""M":§"#)
    }

    fn check_alive(&mut self) {
        let n_trades = self.rig.session.health().counters.trades;
        // Far from every number that a mutation may have left behind.
        assert_eq!(hit(self, &trade(SYMBOL, 1_000_000_007)), "valid");
        assert_eq!(self.rig.session.health().counters.trades, n_trades + 1);
        assert_eq!(hit(self, &mini_ticker(SYMBOL, support::EPOCH_MS)), "valid");
    }
}

impl Answers for Binance {
    const NAME: &'static str = "binance";
    const SYMBOL: &'static str = SYMBOL;

    fn answer(request: &HttpRequest) -> String {
        let end = request.path.rsplit('/').next().unwrap();
        match end {
            "depth" => snapshot(1_000),
            "exchangeInfo" => exchange_info(&[SYMBOL]),
            _ => rest::answer(<Self as Answers>::NAME, request),
        }
    }
}

#[test]
fn absurd_ids_do_not_shut_a_stream_out() {
    let mut venue = Binance::live();
    let max = u64::MAX;
    let absurd = [trade(SYMBOL, max), quote(SYMBOL, max, "1", "2"), depth(SYMBOL, 1_001, max), depth(SYMBOL, max, max)];
    for frame in absurd {
        assert_eq!(hit(&mut venue, &frame), "valid");
    }
    for round in 0..600 {
        hit(&mut venue, &quote(SYMBOL, 2_000 + round, "100", "101"));
        hit(&mut venue, &depth(SYMBOL, 2_000 + round, 2_000 + round));
        hit(&mut venue, &trade(SYMBOL, 100 + round));
    }
    let counters = venue.rig.session.health().counters;
    assert_eq!(counters.trades, 601);
    assert!(counters.quotes >= 400, "{counters:?}");
    assert!(!venue.rig.book(SYMBOL).state.is_served());
    venue.rig.run(6_000);
    let snapshots = venue.rig.requests("/depth");
    venue.rig.answer(snapshots.last().expect("a fresh snapshot is wanted").id, 200, None, &snapshot(2_599));
    assert!(venue.rig.book(SYMBOL).state.is_served());
}
