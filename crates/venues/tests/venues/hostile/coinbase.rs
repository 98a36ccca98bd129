//! Coinbase's valid texts, and where they can be broken.

use model::proof::BookState;
use venues::session::{ConnectionId, HttpRequest};

use super::{
    answers::Answers,
    coinbase_support::{Feed, book, numbered, product, ticker, trades},
    frames::Frames,
    rest,
    support::Rig,
};

pub(crate) struct Coinbase {
    feed: Feed,
}

const SYMBOL: &str = "AAA-USD";
/// Equal to zero.
const MINUS_ZERO: &str = r#""-0""#;

impl Frames for Coinbase {
    const NAME: &'static str = "coinbase";
    const SYMBOL: &'static str = SYMBOL;
    const LONGEST: usize = 64 << 20;

    fn live() -> Self {
        let mut feed = Feed::connected(&[SYMBOL]);
        feed.snapshot(SYMBOL);
        feed.say("market_trades", &trades("snapshot", SYMBOL, &[(1, "BUY")]));
        assert_eq!(feed.state(SYMBOL), BookState::Live);
        Self { feed }
    }

    fn rig(&mut self) -> (&mut Rig, ConnectionId) {
        let connection = self.feed.connection;
        (&mut self.feed.rig, connection)
    }

    fn good() -> Vec<String> {
        vec![
            numbered("l2_data", 3, &book("update", SYMBOL, &[("bid", "99.50", "2.0"), ("offer", "101.50", "0")])),
            numbered("l2_data", 3, &book("snapshot", SYMBOL, &[("bid", "99.50", "2.0")])),
            numbered("market_trades", 3, &trades("update", SYMBOL, &[(7, "BUY")])),
            numbered("ticker", 3, &ticker(SYMBOL, "100", "101")),
            numbered("heartbeats", 3, r#"{"heartbeat_counter":7}"#),
            numbered("subscriptions", 3, r#"{"subscriptions":{"level2":["AAA-USD"]}}"#),
        ]
    }

    fn fields() -> Vec<(String, &'static [&'static str])> {
        let good = Self::good();
        let (update, trade, ticker, heartbeat) = (&good[0], &good[2], &good[3], &good[4]);
        vec![
            (update.replace(r#""99.50""#, "§"), &[]),
            (update.replace(r#""2.0""#, "§"), &[MINUS_ZERO]),
            (trade.replace(r#""100.50""#, "§"), &[]),
            (trade.replace(r#""0.5""#, "§"), &[MINUS_ZERO]),
            // A ticker without a price has none, and nothing else is in doubt.
            (ticker.replace(r#""110""#, "§"), &[r#""""#, r#""-1.5""#, MINUS_ZERO]),
            (update.replace(":3,", ":§,"), &[]),
            (heartbeat.replace(":3,", ":§,"), &[]),
        ]
    }

    fn breaches() -> Vec<String> {
        let update = &Self::good()[0];
        vec![update.replace(r#""channel":"l2_data","#, ""), update.replace(":3,", r#":3,"sequence_num":4,"#)]
    }

    fn nests() -> &'static [&'static str] {
        &[
            "§",
            r#"{"channel":"l2_data","sequence_num":3,"events":§}"#,
            r#"{"channel":"l2_data","sequence_num":3,"events":[§]}"#,
            r#"{"channel":§}"#,
            r#"{"type":"error","message":§}"#,
            r#"{"channel":"subscriptions","sequence_num":3,"events":[{"subscriptions":§}]}"#,
        ]
    }

    fn unread(number: u64) -> String {
        numbered("heartbeats", 3 + number, r#"{"extra":§}"#)
    }

    fn check_alive(&mut self) {
        let n_trades = self.feed.session.health().counters.trades;
        // Far from every number that a mutation may have left behind; an absurd one is accepted only for a limited
        // time.
        self.feed.sequence += 1_000_000_007;
        for round in 0..30 {
            let number = 7_000_000_000 + self.feed.sequence + round;
            self.feed.say("market_trades", &trades("update", SYMBOL, &[(number, "BUY")]));
        }
        assert!(self.feed.session.health().counters.trades > n_trades);
        self.feed.snapshot(SYMBOL);
        assert_eq!(self.feed.state(SYMBOL), BookState::Live);
    }
}

impl Answers for Coinbase {
    const NAME: &'static str = "coinbase";
    const SYMBOL: &'static str = SYMBOL;

    fn answer(request: &HttpRequest) -> String {
        match request.path.rsplit('/').next().unwrap() {
            SYMBOL => product(SYMBOL, ""),
            _ => rest::answer(<Self as Answers>::NAME, request),
        }
    }
}

#[test]
fn a_book_of_forty_thousand_rows_is_taken() {
    let mut venue = Coinbase::live();
    let rows: Vec<(String, String)> =
        (0..40_000).map(|idx| (format!("{}.{:02}", 1 + idx / 100, idx % 100), "1.5".to_owned())).collect();
    let lent: Vec<(&str, &str, &str)> =
        rows.iter().map(|(price, quantity)| ("bid", price.as_str(), quantity.as_str())).collect();
    venue.feed.say("l2_data", &book("snapshot", SYMBOL, &lent));
    assert_eq!((venue.feed.state(SYMBOL), venue.feed.tracked(SYMBOL).book.n_bids()), (BookState::Live, 40_000));
    venue.check_alive();
}
