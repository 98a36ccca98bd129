//! Two sources that agree, and sources that do not.

use model::{decimal::Quantity, event::AggressorSide};
use topics::{
    channels::{
        quote::QuoteData,
        tape::{TapeData, TapeTrade},
    },
    topic::Topic,
};

use super::*;
use Source::{Direct, Server};

fn at(millis: u64) -> Now {
    Now { monotonic: Monotonic::from_zero(Duration::from_millis(millis)), ..Now::default() }
}

fn instrument() -> InstrumentId {
    InstrumentId::parse("demo:A").unwrap()
}

fn check() -> CrossCheck {
    CrossCheck::new(instrument(), at(0))
}

fn tape(kind: UpdateKind, ids: std::ops::Range<u64>) -> Update {
    let trade = |id| TapeTrade {
        id: TradeId::Sequence(id),
        price: Price::parse("1").unwrap(),
        size: Quantity::parse("1").unwrap(),
        aggressor_side: AggressorSide::Buyer,
        venue_time_ms: 0,
    };
    let data = TopicData::Tape(TapeData { trades: ids.map(trade).collect() });
    Update { kind, epoch: None, topic: Topic::tape(&instrument()), offset: 1, data }
}

fn quote(bid: &str, ask: &str) -> Update {
    let data = QuoteData { bid: Price::parse(bid).ok(), ask: Price::parse(ask).ok(), ..QuoteData::default() };
    Update {
        kind: UpdateKind::Delta,
        epoch: None,
        topic: Topic::quote(&instrument()),
        offset: 1,
        data: TopicData::Quote(data),
    }
}

#[test]
fn the_same_trades_agree_whatever_their_order_and_lag() {
    let mut check = check();
    check.take(Server, &tape(UpdateKind::Snapshot, 0..100), at(0));
    check.take(Server, &tape(UpdateKind::Delta, 100..110), at(500));
    check.take(Direct, &tape(UpdateKind::Snapshot, 95..112), at(600));
    check.take(Server, &tape(UpdateKind::Delta, 110..120), at(1_000));
    check.take(Direct, &tape(UpdateKind::Delta, 112..120), at(1_900));
    let report = check.report(at(9_000));
    assert_eq!((report.n_matched, report.missing), (25, [None, None]));
    assert_eq!(report.differences(), Vec::<String>::new());
}

#[test]
fn trades_that_do_not_come_are_missing() {
    let mut check = check();
    check.take(Server, &tape(UpdateKind::Snapshot, 0..10), at(0));
    check.take(Direct, &tape(UpdateKind::Snapshot, 5..10), at(0));
    for second in 1..=12 {
        check.take(Direct, &tape(UpdateKind::Delta, 9 + second..10 + second), at(second * 1_000));
        check.take(Server, &quote("1", "2"), at(second * 1_000));
    }
    assert_eq!(check.report(at(2_500)).missing, [None, None], "not yet");
    let report = check.report(at(12_100));
    assert_eq!(report.missing, [None, Some(Missing { n_trades: 10, since: Duration::from_millis(11_100) })]);
    assert_eq!(report.differences(), ["direct has 10 trades missing from the server for 11 s"]);
    // The missing trades arrive after all.
    check.take(Server, &tape(UpdateKind::Delta, 10..22), at(12_200));
    assert_eq!(check.report(at(20_000)).missing, [None, None]);
}

#[test]
fn a_feed_that_acknowledges_and_sends_nothing_is_found() {
    let mut check = check();
    check.take(Direct, &tape(UpdateKind::Snapshot, 0..5), at(0));
    for second in 1..=8 {
        check.take(Direct, &tape(UpdateKind::Delta, 4 + second..5 + second), at(second * 1_000));
    }
    let words = check.report(at(8_500)).differences();
    assert_eq!(
        words,
        [
            "the server has sent nothing for 8 s while direct still delivers",
            "direct has 6 trades missing from the server for 7 s",
        ]
    );
    // The source begins: earlier trades do not count as missing.
    check.take(Server, &tape(UpdateKind::Snapshot, 10..13), at(9_000));
    assert_eq!(check.report(at(9_100)).differences(), Vec::<String>::new());
}

#[test]
fn quiet_on_both_ways_is_no_difference() {
    let mut check = check();
    check.take(Server, &quote("1", "2"), at(0));
    check.take(Direct, &quote("1", "2"), at(100));
    let report = check.report(at(60_000));
    assert_eq!(report.differences(), Vec::<String>::new());
    assert_eq!((report.n_tops_matched, report.silent[0]), (1, Duration::from_secs(60)));
}

#[test]
fn sampled_tops_agree_and_others_do_not() {
    let mut check = check();
    // Each source samples the same moving market at its own times.
    for step in 0..100_u64 {
        let (now, ask) = (step * 100, (step / 3 + 2).to_string());
        check.take(Server, &quote("1", &ask), at(now));
        check.take(Direct, &quote("1", &(step.saturating_sub(4) / 3 + 2).to_string()), at(now + 50));
    }
    assert_eq!(check.report(at(10_000)).tops_differ, None);
    assert!(check.report(at(10_000)).n_tops_matched > 90);
    // The server's data stops.
    for step in 0..60_u64 {
        check.take(Direct, &quote("1", &(1_000 + step).to_string()), at(10_000 + step * 100));
    }
    let report = check.report(at(16_000));
    assert!(report.tops_differ.is_some_and(|since| since > Duration::from_secs(5)), "{report:?}");
    assert!(report.differences().iter().any(|words| words.contains("best bid and ask have differed for")));
}

#[test]
fn a_side_that_is_gone_is_compared_no_more() {
    let mut check = check();
    let gone = QuoteData { bid: Price::parse("1.5").ok(), is_ask_gone: true, ..QuoteData::default() };
    for source in [Server, Direct] {
        check.take(source, &quote("1", "2"), at(0));
        check.take(source, &Update { data: TopicData::Quote(gone.clone()), ..quote("1", "2") }, at(100));
    }
    let report = check.report(at(200));
    assert_eq!((report.tops, report.n_tops_matched), ([None, None], 1));
}

#[test]
fn nothing_grows_without_bound() {
    let mut check = check();
    check.take(Server, &tape(UpdateKind::Snapshot, 0..1), at(0));
    for number in 0..5_000 {
        check.take(Direct, &tape(UpdateKind::Delta, number..number + 1), at(number));
        check.take(Direct, &quote("1", &(number + 2).to_string()), at(number));
    }
    assert!(check.pending.len() <= MAX_IDS && check.sides[1].ids.len() <= MAX_IDS);
    assert!(check.sides[1].tops.len() <= MAX_TOPS);
    let elsewhere =
        Update { topic: Topic::tape(&InstrumentId::parse("demo:B").unwrap()), ..tape(UpdateKind::Delta, 0..9) };
    let before = check.report(at(9_000));
    check.take(Server, &elsewhere, at(9_000));
    assert_eq!(check.report(at(9_000)), before);
}
