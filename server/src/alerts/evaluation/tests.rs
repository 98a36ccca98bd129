//! Rules that begin while something is the case already.

use std::{collections::BTreeMap, sync::Arc};

use ::alerts::{
    engine::{Budget, Engine},
    memory::EngineMemory,
};
use model::{
    alert::{
        command::{AlertCommand, SaveAlert},
        rule::{AlertRule, RuleStatus},
        rule_id::RuleId,
    },
    time::Timestamp,
    trading::account::AccountId,
};
use serde_json::{Value, json};
use topics::{
    channels::{
        Channel, TopicData,
        desk::{DeskRows, RowText},
        status::StatusData,
    },
    topic::Topic,
};
use wire::{
    encoded::EncodedUpdate,
    message::{Update, UpdateKind},
};

use super::{super::signal_board::SignalBoard, *};

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

fn evaluation() -> Evaluation {
    let engine =
        Engine::new(Budget::default(), Vec::new(), BTreeMap::new(), EngineMemory::default(), Vec::new(), at(0));
    Evaluation::new(engine, SignalBoard::default())
}

/// Saves a rule as the task does.
fn save(evaluation: &mut Evaluation, rule_id: &str, instrument: Value, condition: Value) {
    let rule = json!({"rule_id": rule_id, "name": rule_id, "instrument": instrument, "conditions": [condition],
                      "frequency": {"kind": "once"}});
    let rule: AlertRule = serde_json::from_value(rule).unwrap();
    let command = AlertCommand::SaveAlert(Box::new(SaveAlert { rule }));
    evaluation.engine.command(&command, None, at(1)).unwrap().unwrap();
    evaluation.tell_states(at(1));
}

fn fired(evaluation: &mut Evaluation) -> Vec<String> {
    evaluation.engine.take_effects().fired.into_iter().map(|fired| fired.notice.rule_id).collect()
}

fn status(state: &str, is_connected: bool) -> StatusData {
    serde_json::from_value(json!({
        "streams": [{"instrument": "demo:BTC-SIM", "state": state, "mode": "simulated", "updates": 1, "rate": 1.0,
                     "last_update_ms": 500}],
        "connections": [{"venue": "demo", "is_connected": is_connected, "mode": "simulated", "cause": "cut off"}],
    }))
    .unwrap()
}

#[test]
fn a_rule_on_a_feed_that_is_stale_already_is_blind_at_once() {
    let mut evaluation = evaluation();
    evaluation.status(&status("stale", true), at(1));
    save(&mut evaluation, "price", json!("demo:BTC-SIM"), json!({"kind": "price_above", "level": "1"}));
    let row = evaluation.engine.row(&RuleId::parse("price").unwrap()).unwrap();
    assert!(
        matches!(row.state.status, RuleStatus::Blind { since, .. } if since == Timestamp::from_millis(500)),
        "{:?}",
        row.state.status
    );
}

#[test]
fn a_rule_on_an_instrument_that_no_feed_follows_says_so() {
    let mut evaluation = evaluation();
    save(&mut evaluation, "price", json!("demo:ETH-SIM"), json!({"kind": "price_above", "level": "1"}));
    evaluation.status(&status("live", true), at(1));
    let row = evaluation.engine.row(&RuleId::parse("price").unwrap()).unwrap();
    let is_blind =
        matches!(&row.state.status, RuleStatus::Blind { reason, .. } if reason == "no feed follows demo:ETH-SIM");
    assert!(is_blind, "{:?}", row.state.status);
}

#[test]
fn a_connection_that_was_up_when_the_rule_began_is_lost() {
    let mut evaluation = evaluation();
    evaluation.status(&status("live", true), at(1));
    save(&mut evaluation, "lost", Value::Null, json!({"kind": "connection", "event": "lost"}));
    assert_eq!(fired(&mut evaluation), [""; 0]);
    evaluation.status(&status("live", false), at(2));
    assert_eq!(fired(&mut evaluation), ["lost"]);
}

fn position_row(quantity: &str, unrealised: &Value) -> Value {
    json!({"account": "paper", "instrument": "demo:BTC-SIM", "currency": "SIM", "quantity": quantity, "average_price": null,
           "cost": "1", "mark": null, "quote_value": null, "quote_unrealised_pnl": unrealised, "value": null,
           "unrealised_pnl": null, "route": null, "realised_pnl": "0", "stop_price": null, "target_price": null})
}

fn positions(evaluation: &mut Evaluation, is_whole: bool, quantity: Option<&str>) {
    positions_at(evaluation, is_whole, quantity, Value::Null);
}

fn positions_at(evaluation: &mut Evaluation, is_whole: bool, quantity: Option<&str>, unrealised: Value) {
    let row = quantity
        .map(|quantity| ("demo:BTC-SIM".to_owned(), RowText::of(&position_row(quantity, &unrealised)).unwrap()));
    let removed = if is_whole || row.is_some() { vec![] } else { vec!["demo:BTC-SIM".to_owned()] };
    let rows = DeskRows { rows: row.into_iter().collect(), removed };
    let topic = Topic::desk(Channel::Positions, &AccountId::parse("paper").unwrap());
    let update = Update { kind: UpdateKind::Delta, epoch: None, topic, offset: 1, data: TopicData::Positions(rows) };
    evaluation.topic(&Arc::new(EncodedUpdate::new(update)), is_whole, at(2));
}

#[test]
fn the_first_position_in_an_instrument_is_opened_and_closed() {
    let mut evaluation = evaluation();
    positions(&mut evaluation, true, None);
    save(&mut evaluation, "opened", Value::Null, json!({"kind": "position", "event": "opened"}));
    positions(&mut evaluation, false, Some("2"));
    assert_eq!(fired(&mut evaluation), ["opened"]);
    // Held when the rule begins, and told by nothing since.
    save(&mut evaluation, "closed", Value::Null, json!({"kind": "position", "event": "closed"}));
    positions(&mut evaluation, false, None);
    assert_eq!(fired(&mut evaluation), ["closed"]);
}

#[test]
fn a_position_that_opens_at_a_loss_has_fallen_to_it() {
    let mut evaluation = evaluation();
    positions(&mut evaluation, true, None);
    let falls = json!({"kind": "pnl", "figure": "unrealised", "direction": "down", "level": "-1"});
    save(&mut evaluation, "loss", json!("demo:BTC-SIM"), falls);
    positions_at(&mut evaluation, false, Some("2"), json!("-1.5"));
    assert_eq!(fired(&mut evaluation), ["loss"]);
}

#[test]
fn a_position_from_before_the_start_is_not_opened() {
    let mut evaluation = evaluation();
    save(&mut evaluation, "opened", Value::Null, json!({"kind": "position", "event": "opened"}));
    positions(&mut evaluation, true, Some("2"));
    assert_eq!(fired(&mut evaluation), [""; 0]);
}
