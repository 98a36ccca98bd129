//! Uniswap's historical candles, under virtual time, against a subgraph and a node played by the test.

use crate::support::{EPOCH_MS, Rig, listed};
use model::{
    candle::Interval,
    event::{CandleHistory, HistoryRequest, MarketEventKind},
    instrument::InstrumentId,
    status::FeedCause,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use venues::session::{HttpRequest, Input, SessionConfig};

const POOL: &str = "0x00000000000000000000000000000000000000aa";
/// The hour in which the test begins, in seconds: at 15:06:40.
const HOUR: i64 = EPOCH_MS / 1_000 - 400;

fn id() -> InstrumentId {
    InstrumentId::parse(&format!("uniswap:{POOL}")).unwrap()
}

/// Returns a session whose pool is known: token 0 is the dollar if `is_dollar_first`.
fn rig(is_dollar_first: bool) -> Rig {
    let mut rig = Rig::of("uniswap", &SessionConfig { has_history: true, ..listed(&[POOL]) });
    describe(&mut rig, is_dollar_first);
    rig
}

fn describe(rig: &mut Rig, is_dollar_first: bool) {
    let word = |hex: &str| format!("{hex:0>64}");
    let text = |ascii: &str| {
        let hex: String = ascii.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex:0<64}")
    };
    let (dollar, ether) = ([text("USDC"), word("6")], [text("WETH"), word("12")]);
    let (first, second) = if is_dollar_first { (&dollar, &ether) } else { (&ether, &dollar) };
    let details = [first.as_slice(), second, &[word("582602b4d9a30b7e1e2bb8a4ce40")]].concat();
    for results in [vec![word("c0"), word("c1")], details] {
        let asked = node(rig).pop().expect("the node is asked");
        let answers = results.iter().enumerate().map(|(id, hex)| json!({"id": id, "result": format!("0x{hex}")}));
        rig.answer(asked.id, 200, None, &Value::from(answers.collect::<Vec<_>>()).to_string());
        rig.run(200);
    }
    assert_eq!(rig.session.instruments().len(), 1);
}

/// Returns requests to the node since the last call.
fn node(rig: &mut Rig) -> Vec<HttpRequest> {
    rig.requests("/")
}

fn request_history(rig: &mut Rig, interval: Interval, n_bars: usize) {
    rig.input(Input::HistoryRequest(HistoryRequest { instrument: id(), interval, n_bars }));
    rig.run(300);
}

fn questions(rig: &Rig) -> Vec<HttpRequest> {
    let requests = rig.all_requests().into_iter().map(|(_, request)| request);
    requests.filter(|request| request.path == "/subgraph").collect()
}

fn n_questions(rig: &Rig) -> usize {
    questions(rig).len()
}

/// Returns the variables of the newest query to the subgraph.
fn variables(rig: &Rig) -> Value {
    let body: Value = serde_json::from_str(questions(rig).last().unwrap().body.as_deref().unwrap()).unwrap();
    body["variables"].clone()
}

fn say(rig: &mut Rig, body: &Value) {
    let id = questions(rig).last().expect("a question").id;
    rig.answer(id, 200, None, &body.to_string());
}

fn answer(rig: &mut Rig, known_until: i64, rows: &[Value]) {
    say(rig, &json!({"data": {"_meta": {"block": {"timestamp": known_until}}, "rows": rows}}));
}

fn refuse(rig: &mut Rig, message: &str) {
    say(rig, &json!({"errors": [{"message": message}]}));
}

fn bar(time: i64, [open, high, low, close]: [&str; 4]) -> Value {
    json!({"time": time, "open": open, "high": high, "low": low, "close": close,
        "volumeToken0": "2000.5", "volumeToken1": "1.25"})
}

fn swap(time: i64, place: u64, dollars: &str, ether: &str) -> Value {
    json!({"time": time.to_string(), "id": format!("0xab#{place}"), "logIndex": place.to_string(),
        "amount0": dollars, "amount1": ether})
}

/// Returns the candles emitted, as short words; times relative to the hour.
fn bars(rig: &Rig) -> Vec<Vec<String>> {
    let histories = rig.events().into_iter().filter_map(|event| match &event.kind {
        MarketEventKind::History(CandleHistory { candles, .. }) => Some(candles),
        _ => None,
    });
    let shown = histories.map(|candles| {
        let bars = candles.iter().map(|bar| {
            let time = bar.open_time.as_millis() / 1_000 - HOUR;
            let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_f64_lossy());
            format!("{time} {open} {high} {low} {close} {}", bar.volume)
        });
        bars.collect()
    });
    shown.collect()
}

#[test]
fn hours_are_told_with_their_gaps_and_the_running_one() {
    let mut rig = rig(true);
    request_history(&mut rig, Interval::H1, 4);
    assert_eq!(variables(&rig), json!({"pool": POOL, "from": HOUR - 3 * 3_600, "until": HOUR + 3_599}));
    let rows = [
        bar(HOUR, ["2000", "2100.5", "1999", "2050"]),
        bar(HOUR - 7_200, ["1963.844561702371239847239847239847", "1970", "1960", "1964"]),
        bar(HOUR - 10_800, ["0", "0", "0", "0"]),
    ];
    answer(&mut rig, HOUR + 5, &rows);
    let first = "-7200 1963.84456170237 1970 1960 1964 1.25".to_owned();
    assert_eq!(bars(&rig), [vec![first, "0 2000 2100.5 1999 2050 1.25".to_owned()]]);
    // The candle without a price is a gap, and is counted.
    assert_eq!(rig.session.health().counters.malformed, 1);
    rig.run(60_000);
    assert_eq!(n_questions(&rig), 1);
}

#[test]
fn prices_are_turned_over_where_token_0_is_traded() {
    let mut rig = rig(false);
    request_history(&mut rig, Interval::D1, 1);
    let day = HOUR - HOUR % 86_400;
    answer(&mut rig, HOUR + 1_600, &[bar(day, ["0.0005", "0.0008", "0.0004", "0.000625"])]);
    assert_eq!(bars(&rig), [[format!("{} 2000 2500 1250 1600 2000.5", day - HOUR)]]);
}

#[test]
fn four_hours_are_made_of_hours() {
    let mut rig = rig(true);
    request_history(&mut rig, Interval::H4, 2);
    let start = HOUR - HOUR % 14_400;
    assert_eq!(variables(&rig)["from"], json!(start - 14_400));
    assert!(questions(&rig)[0].body.as_ref().unwrap().contains("rows:poolHourDatas("));
    let rows = [
        bar(start, ["5", "6", "4", "5.5"]),
        bar(start - 3_600, ["9", "9", "8", "8.5"]),
        bar(start - 14_400, ["7", "8", "7", "7.5"]),
    ];
    answer(&mut rig, HOUR + 1_600, &rows);
    let (this, last) = (start - HOUR, start - 14_400 - HOUR);
    assert_eq!(bars(&rig), [[format!("{last} 7 9 7 8.5 2.50"), format!("{this} 5 6 4 5.5 1.25")]]);
}

#[test]
fn minutes_are_made_of_swaps_over_pages() {
    let mut rig = rig(true);
    request_history(&mut rig, Interval::M1, 500);
    let minute = EPOCH_MS / 1_000 / 60 * 60;
    assert_eq!(variables(&rig)["until"], json!((minute + 59).to_string()));
    let mut page: Vec<Value> = (0..998).map(|place| swap(minute - 60, place, "2000", "-1")).collect();
    page.insert(0, swap(minute + 1, 5_000, "1", "-1"));
    // The page ends within a second.
    page.push(swap(minute - 181, 7, "1900", "-1"));
    answer(&mut rig, minute + 30, &page);
    rig.run(300);
    assert_eq!(variables(&rig)["until"], json!((minute - 181).to_string()));
    let rest = [
        swap(minute - 181, 7, "1900", "-1"),
        swap(minute - 181, 6, "-1800", "1"),
        swap(minute - 299, 1, "1700", "-1"),
        swap(minute - 300, 1, "1", "0"),
    ];
    answer(&mut rig, minute + 31, &rest);
    // The forming minute is left to the node's swaps, and the one with an unreadable swap is a gap.
    let (early, late) = (minute - 240 - HOUR, minute - 60 - HOUR);
    assert_eq!(bars(&rig), [[format!("{early} 1800 1900 1800 1900 2"), format!("{late} 2000 2000 2000 2000 998")]]);
    assert_eq!((n_questions(&rig), rig.session.health().counters.malformed), (2, 1));
}

#[test]
fn what_is_cut_off_makes_no_bar() {
    let mut rig = rig(true);
    request_history(&mut rig, Interval::M5, 500);
    let start = EPOCH_MS / 1_000 / 300 * 300;
    for page in 0..3 {
        let rows: Vec<Value> = (0..1_000).map(|place| swap(start - 10 - page * 200, place, "10", "-1")).collect();
        answer(&mut rig, start, &rows);
        rig.run(300);
    }
    // Three pages of swaps at -10, -210 and -410 seconds: more may have happened before.
    assert_eq!(bars(&rig), [[format!("{} 10 10 10 10 2000", start - 300 - HOUR)]]);
    assert_eq!(n_questions(&rig), 3);
}

#[test]
fn a_subgraph_that_is_behind_is_asked_again() {
    let mut rig = rig(true);
    request_history(&mut rig, Interval::H1, 2);
    answer(&mut rig, HOUR - 1, &[bar(HOUR - 3_600, ["1", "1", "1", "1"])]);
    rig.run(9_000);
    assert_eq!((bars(&rig).len(), n_questions(&rig)), (0, 1));
    rig.run(1_500);
    assert_eq!(n_questions(&rig), 2);
    answer(&mut rig, HOUR, &[bar(HOUR - 3_600, ["1", "2", "1", "1"])]);
    assert_eq!(bars(&rig), [["-3600 1 2 1 1 1.25".to_owned()]]);
    request_history(&mut rig, Interval::H1, 2);
    for _ in 0..31 {
        answer(&mut rig, HOUR - 100, &[]);
        rig.run(11_000);
    }
    let cause = rig.session.health().cause.as_ref().unwrap().to_string();
    let (start, end) = ("refused: no history: the subgraph is ", " s behind the chain");
    assert!(cause.starts_with(start) && cause.ends_with(end), "{cause}");
    let n_asked = n_questions(&rig);
    rig.run(60_000);
    assert_eq!(n_questions(&rig), n_asked);
}

#[test]
fn refusals_mean_something_and_leave_the_node_alone() {
    let mut rig = rig(true);
    request_history(&mut rig, Interval::H1, 2);
    refuse(&mut rig, "Too many requests");
    rig.take();
    rig.run(20_000);
    assert_eq!(n_questions(&rig), 1, "nothing goes out inside the limit");
    assert!(!node(&mut rig).is_empty(), "the node is asked on");
    rig.run(45_000);
    assert_eq!(n_questions(&rig), 2);
    refuse(&mut rig, "bad indexers: {}");
    assert_eq!(rig.session.health().cause, Some(FeedCause::Refused { detail: "no history: bad indexers: {}".into() }));
    rig.run(10_000);
    answer(&mut rig, HOUR, &[]);
    assert_eq!(bars(&rig).len(), 1);
    assert!(!rig.session.health().cause.as_ref().is_some_and(|cause| cause.to_string().contains("history")));
    request_history(&mut rig, Interval::H1, 2);
    refuse(&mut rig, "auth error: API key not found");
    let n_asked = n_questions(&rig);
    request_history(&mut rig, Interval::H1, 2);
    rig.run(590_000);
    request_history(&mut rig, Interval::H1, 2);
    assert_eq!(n_questions(&rig), n_asked, "a key that is refused is not tried again at once");
    let detail = "no history: auth error: API key not found".into();
    assert_eq!(rig.session.health().cause, Some(FeedCause::CredentialsRefused { detail }));
    rig.run(20_000);
    request_history(&mut rig, Interval::H1, 2);
    assert_eq!(n_questions(&rig), n_asked + 1);
}

#[test]
fn a_request_before_the_pool_is_known_waits_and_without_a_key_nothing_is_asked() {
    let mut rig = Rig::of("uniswap", &SessionConfig { has_history: true, ..listed(&[POOL]) });
    let mut keyless = Rig::of("uniswap", &listed(&[POOL]));
    for rig in [&mut rig, &mut keyless] {
        request_history(rig, Interval::M1, 10);
        request_history(rig, Interval::S1, 10);
        assert_eq!(n_questions(rig), 0);
        describe(rig, true);
        rig.run(1_000);
    }
    assert_eq!((n_questions(&rig), n_questions(&keyless)), (1, 0));
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "-?[0-9]{0,70}(\\.[0-9]{0,70})?".prop_map(Value::from),
        (HOUR - 4_000..HOUR + 4_000).prop_map(|time| Value::from(time.to_string())),
        (HOUR - 4_000..HOUR + 4_000).prop_map(Value::from),
        ".{0,10}".prop_map(Value::from),
        Just(json!([])),
    ]
}

/// A row of candles or swaps, each field valid or absurd.
fn row() -> impl Strategy<Value = Value> {
    let good = json!({"time": HOUR.to_string(), "open": "1", "high": "1", "low": "1", "close": "1", "volumeToken0": "1",
        "volumeToken1": "1", "id": "0x#1", "logIndex": "1", "amount0": "1", "amount1": "-1"});
    let members: Vec<(String, Value)> = good.as_object().unwrap().clone().into_iter().collect();
    let choices: Vec<_> = members.iter().map(|(_, good)| prop_oneof![2 => Just(good.clone()), 1 => scalar()]).collect();
    choices.prop_map(move |values| members.iter().map(|(name, _)| name.clone()).zip(values).collect())
}

fn rows(known_until: i64, rows: &[Value]) -> String {
    json!({"data": {"_meta": {"block": {"timestamp": known_until}}, "rows": rows}}).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_answer_panics_and_questions_are_few(
        interval in prop::sample::select(Interval::ALL.to_vec()),
        answers in prop::collection::vec(prop_oneof![
            1 => (any::<i64>(), prop::collection::vec(row(), 0..4)).prop_map(|(until, list)| rows(until, &list)),
            3 => prop::collection::vec(row(), 0..4).prop_map(|list| rows(HOUR + 9_000, &list)),
            1 => ".{0,40}",
            1 => ".{0,20}".prop_map(|message| json!({"errors": [{"message": message}]}).to_string()),
            1 => Just(r#"{"errors":[],"data":{"_meta":null,"rows":[]}}"#.to_owned()),
        ], 1..8),
        status in prop_oneof![5 => Just(200_u16), 1 => any::<u16>()],
    ) {
        let mut rig = rig(true);
        for body in &answers {
            request_history(&mut rig, interval, 500);
            for request in rig.requests("/subgraph") {
                rig.answer(request.id, status, Some(1), body);
            }
            rig.run(70_000);
        }
        prop_assert!(n_questions(&rig) <= 8 * answers.len());
        prop_assert!(bars(&rig).iter().all(|bars| bars.len() <= 501));
    }
}
