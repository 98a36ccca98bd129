//! Finnhub's valid texts, and where they can be broken.

use venues::session::{ConnectionId, HttpRequest, Input};

use super::{
    answers::Answers,
    frames::{Frames, hit},
    rest,
    support::{EPOCH_MS, Rig, listed},
};

pub(crate) struct Finnhub {
    rig: Rig,
    connection: ConnectionId,
}

const SYMBOL: &str = "X:A";

fn trade(number: u64) -> String {
    let time_ms = EPOCH_MS + i64::try_from(number).unwrap();
    format!(r#"{{"data":[{{"c":null,"p":10.50,"s":"X:A","t":{time_ms},"v":2}}],"type":"trade"}}"#)
}

impl Frames for Finnhub {
    const NAME: &'static str = "finnhub";
    const SYMBOL: &'static str = SYMBOL;
    const LONGEST: usize = 4 << 20;

    fn live() -> Self {
        let mut rig = Rig::of("finnhub", &listed(&[SYMBOL]));
        let connection = rig.wanted_connection();
        rig.input(Input::Connected(connection));
        rig.frame(connection, &trade(0));
        Self { rig, connection }
    }

    fn rig(&mut self) -> (&mut Rig, ConnectionId) {
        (&mut self.rig, self.connection)
    }

    fn good() -> Vec<String> {
        vec![
            trade(5),
            r#"{"type":"ping"}"#.to_owned(),
            r#"{"type":"error","msg":"Subscribing to too many symbols"}"#.to_owned(),
        ]
    }

    fn fields() -> Vec<(String, &'static [&'static str])> {
        let trade = trade(5);
        let time = format!("\"t\":{}", EPOCH_MS + 5);
        vec![
            // Its numbers may have exponents.
            (trade.replace("10.50", "§"), &["1.5", "1e-30"]),
            (trade.replace(":2}", ":§}"), &["1.5", "1e-30", "-0", "-0.0"]),
            (trade.replace(&time, "\"t\":§"), &["-1", "-0"]),
        ]
    }

    fn breaches() -> Vec<String> {
        vec![
            r#"{"type":"trade"}"#.to_owned(),
            r#"{"type":"trade","data":[["X:A",1,1,5]]}"#.to_owned(),
            trade(5).replace(r#""p":"#, r#""p":1,"p":"#),
        ]
    }

    fn nests() -> &'static [&'static str] {
        &[
            "§",
            r#"{"type":"trade","data":§}"#,
            r#"{"type":"trade","data":[§]}"#,
            r#"{"type":§}"#,
            r#"{"msg":§,"type":"error"}"#,
        ]
    }

    fn unread(number: u64) -> String {
        trade(10 + number).replace(r#""c":null"#, r#""c":§"#)
    }

    fn check_alive(&mut self) {
        let n_trades = self.rig.session.health().counters.trades;
        assert_eq!(hit(self, &trade(1_000_000_007)), "valid");
        assert_eq!(self.rig.session.health().counters.trades, n_trades + 1);
    }
}

impl Answers for Finnhub {
    const NAME: &'static str = "finnhub";
    const SYMBOL: &'static str = SYMBOL;

    fn answer(request: &HttpRequest) -> String {
        rest::answer(<Self as Answers>::NAME, request)
    }
}
