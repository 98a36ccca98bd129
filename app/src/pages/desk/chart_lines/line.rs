//! The lines over a chart: open orders, the position, levels of a grid, price alerts. Pure; `mod.rs` draws them.

use std::sync::Arc;

use desk::rows::{OrderRow, PositionRow};
use model::{
    alert::{
        command::{AlertCommand, OneRule, SaveAlert},
        condition::{Condition, Direction},
        rule::{AlertRule, RuleRow, RuleStatus},
    },
    decimal::{Price, Rounding, SignedQuantity},
    instrument::InstrumentId,
    trading::{
        account::AccountId,
        command::{AmendOrder, CancelOrder, DeskCommand},
        order::{Amendment, Order, OrderId, OrderState, OrderType, Side},
    },
};

use crate::{
    format,
    pages::desk::{money::Amount, order_words},
};

/// One line at a price.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartLine {
    /// Its name, unique on the chart.
    pub key: String,
    /// Its price.
    pub price: Price,
    /// Its label.
    pub words: String,
    /// Its look.
    pub tone: Tone,
    /// True if it does nothing yet: its trigger or its entry has not come.
    pub is_waiting: bool,
    /// Value that moving it changes; `None`: it cannot be moved.
    pub moves: Option<LineTarget>,
}

/// Target of a line that can be moved and removed.
#[derive(Clone, Debug, PartialEq)]
pub enum LineTarget {
    /// A price of an order.
    Order(OrderPrice),
    /// The level of a condition of an alert rule, by its position.
    Alert(Arc<AlertRule>, usize),
}

/// The command of a reader who moves or removes a line.
#[derive(Clone, Debug, PartialEq)]
pub enum LineCommand {
    /// To the desk.
    Desk(DeskCommand),
    /// To the alerts.
    Alert(AlertCommand),
}

impl LineTarget {
    /// Returns the command that moves the line to a price.
    pub fn moved_to(&self, price: Price, account: AccountId) -> LineCommand {
        match self {
            Self::Order(order_price) => {
                let (order_id, amendment) = (order_price.order_id(), order_price.moved_to(price));
                LineCommand::Desk(DeskCommand::AmendOrder(AmendOrder { account: Some(account), order_id, amendment }))
            }
            Self::Alert(rule, at) => {
                let mut rule = AlertRule::clone(rule);
                if let Some(level) = rule.conditions.get_mut(*at).and_then(level_mut) {
                    *level = price;
                }
                LineCommand::Alert(AlertCommand::SaveAlert(Box::new(SaveAlert { rule })))
            }
        }
    }

    /// Returns the command that removes the line.
    pub fn removed(&self, account: AccountId) -> LineCommand {
        match self {
            Self::Order(order_price) => {
                let order_id = order_price.order_id();
                LineCommand::Desk(DeskCommand::CancelOrder(CancelOrder { account: Some(account), order_id }))
            }
            Self::Alert(rule, _) => {
                LineCommand::Alert(AlertCommand::DeleteAlert(OneRule { rule_id: rule.rule_id.clone() }))
            }
        }
    }

    /// Returns how the line is moved, and what its × does, in words.
    pub fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Order(_) => ("Drag to amend, or ↑ ↓ and Enter; Delete cancels the order", "Cancel the order"),
            Self::Alert(..) => ("Drag to move the alert, or ↑ ↓ and Enter; Delete deletes it", "Delete the alert"),
        }
    }
}

/// Returns the level of a condition on one price; `None` for all others.
fn level_mut(condition: &mut Condition) -> Option<&mut Price> {
    match condition {
        Condition::PriceCrosses { level, .. }
        | Condition::PriceAbove { level, .. }
        | Condition::PriceBelow { level, .. } => Some(level),
        _ => None,
    }
}

/// Returns the lines of the alert rules on an instrument: one a condition on one price. Rules that are over have none.
pub fn alert_lines_of(instrument: &InstrumentId, rules: &[RuleRow]) -> Vec<ChartLine> {
    let is_shown = |row: &&RuleRow| {
        row.rule.instrument.as_ref() == Some(instrument)
            && !matches!(row.state.status, RuleStatus::Done | RuleStatus::Expired)
    };
    rules.iter().filter(is_shown).flat_map(lines_of_rule).collect()
}

fn lines_of_rule(row: &RuleRow) -> Vec<ChartLine> {
    let rule = Arc::new(row.rule.clone());
    let line = |(at, condition): (usize, &Condition)| {
        let price = *level_mut(&mut condition.clone())?;
        let arrow = match condition {
            Condition::PriceCrosses { direction: Direction::Up, .. } | Condition::PriceAbove { .. } => "▲",
            Condition::PriceCrosses { direction: Direction::Down, .. } | Condition::PriceBelow { .. } => "▼",
            _ => "◆",
        };
        Some(ChartLine {
            key: format!("alert-{}-{at}", rule.rule_id),
            price,
            words: format!("{arrow} {}", rule.name),
            tone: Tone::Alert,
            is_waiting: matches!(
                row.state.status,
                RuleStatus::Paused | RuleStatus::Snoozed { .. } | RuleStatus::Blind { .. }
            ),
            moves: Some(LineTarget::Alert(rule.clone(), at)),
        })
    };
    rule.conditions.iter().enumerate().filter_map(line).collect()
}

/// The look of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A buy order.
    Buy,
    /// A sell order.
    Sell,
    /// The mean price of a position.
    Position,
    /// One of many, such as a grid's: without a label.
    Level,
    /// The level of an alert.
    Alert,
}

impl Tone {
    /// Returns the name for the style sheet.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
            Self::Position => "position",
            Self::Level => "level",
            Self::Alert => "alert",
        }
    }
}

/// One of the prices of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderPrice {
    /// The price of a limit order.
    Limit(OrderId),
    /// The price that sets a conditional order off.
    Trigger(OrderId),
}

impl OrderPrice {
    /// Returns the order.
    pub fn order_id(self) -> OrderId {
        match self {
            Self::Limit(order_id) | Self::Trigger(order_id) => order_id,
        }
    }

    /// Returns the change that moves it to a price.
    pub fn moved_to(self, price: Price) -> Amendment {
        let mut amendment = Amendment::default();
        match self {
            Self::Limit(_) => amendment.price = Some(price),
            Self::Trigger(_) => amendment.stop_price = Some(price),
        }
        amendment
    }
}

/// Returns the lines of an instrument's open orders and of its position; `decimals` are those of prices and sizes.
pub fn lines_of(
    instrument: &InstrumentId,
    orders: &[OrderRow],
    position: Option<&PositionRow>,
    decimals: (u32, u32),
) -> Vec<ChartLine> {
    let open = orders.iter().map(|row| &row.order);
    let open = open.filter(|order| order.state.is_open() && order.instrument == *instrument);
    let orders = open.flat_map(|order| order_lines(order, decimals.1));
    position.and_then(|row| position_line(row, decimals)).into_iter().chain(orders).collect()
}

fn order_lines(order: &Order, size_decimals: u32) -> impl Iterator<Item = ChartLine> {
    let is_held = order.state == OrderState::Held;
    let trigger = order.stop_price.filter(|_| !order.is_triggered);
    let words = words(order, size_decimals);
    let tone = match order.side {
        _ if order.strategy.is_some() => Tone::Level,
        Side::Buy => Tone::Buy,
        Side::Sell => Tone::Sell,
    };
    // A strategy moves its own orders, and a trailing stop itself.
    let moves =
        |end: fn(OrderId) -> OrderPrice| order.strategy.is_none().then(|| LineTarget::Order(end(order.order_id)));
    let limit = order.price.map(|price| ChartLine {
        key: format!("{}-limit", order.order_id),
        price,
        words: words.clone(),
        tone,
        is_waiting: is_held || trigger.is_some(),
        moves: moves(OrderPrice::Limit),
    });
    let trigger = trigger.map(|price| ChartLine {
        key: format!("{}-trigger", order.order_id),
        price,
        words: if order.price.is_some() { format!("{words}: trigger") } else { words.clone() },
        tone,
        is_waiting: is_held,
        moves: moves(OrderPrice::Trigger).filter(|_| order.kind != OrderType::TrailingStop),
    });
    limit.into_iter().chain(trigger)
}

fn words(order: &Order, size_decimals: u32) -> String {
    let (side, kind) = (order_words::side(order.side), order_words::kind(order));
    let by = order.strategy.as_ref().map_or_else(String::new, |strategy| format!(" by {strategy}"));
    format!("{side} {} {kind}{by}", format::quantity(order.leaves(), size_decimals))
}

fn position_line(row: &PositionRow, (price_decimals, size_decimals): (u32, u32)) -> Option<ChartLine> {
    // No finer than the axis beside it.
    let step = Price::from_mantissa(1, price_decimals)?;
    let price = row.line.average_price?.round_to(step, Rounding::NearestEven)?;
    let side = if row.line.quantity < SignedQuantity::ZERO { "Short" } else { "Long" };
    let quantity = format::quantity(row.line.quantity.size(), size_decimals);
    let profit = Amount::signed(row.line.quote_unrealised_pnl).text;
    Some(ChartLine {
        key: "position".to_owned(),
        price,
        words: format!("{side} {quantity} · {profit} {}", row.line.currency),
        tone: Tone::Position,
        is_waiting: false,
        moves: None,
    })
}

/// Returns the price nearest to a place on the chart: a multiple of the tick, above zero.
pub fn price_near(value: f64, tick: Price, decimals: u32) -> Option<Price> {
    if !value.is_finite() {
        return None;
    }
    let price = Price::parse(&format!("{:.*}", decimals as usize, value.max(0.0))).ok()?;
    let price = price.round_to(tick, Rounding::NearestEven)?.at_scale(decimals);
    if price > Price::ZERO { Some(price) } else { Some(tick) }
}

/// Returns a price moved by a number of ticks; `None` if it would not be above zero.
pub fn stepped(price: Price, tick: Price, n_ticks: i32) -> Option<Price> {
    let by = Price::from_mantissa(tick.mantissa().checked_mul(i128::from(n_ticks))?, tick.scale())?;
    price.checked_add(by).filter(|price| *price > Price::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(changes: &[(&str, serde_json::Value)]) -> OrderRow {
        let text = r#"{"order_id":"7","client_order_id":"a","account":"paper","instrument":"demo:A","side":"buy","type":"limit",
            "quantity":"2","price":"10.0","stop_price":null,"trail":null,"trigger":"last","time_in_force":"gtc","expire_time_ms":null,
            "post_only":false,"reduce_only":false,"bracket":null,"strategy":null,"state":"open","is_triggered":false,"filled":"0.5",
            "filled_value":"5","n_fills":1,"created_time":0,"updated_time":0,"reason":null,"has_gap":false,"average_price":null,
            "ahead":null,"waiting_for":null}"#;
        let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
        for (name, change) in changes {
            value[*name] = change.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    fn lines(row: OrderRow) -> Vec<ChartLine> {
        lines_of(&InstrumentId::parse("demo:A").unwrap(), &[row], None, (1, 1))
    }

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    #[test]
    fn a_limit_order_is_a_line_that_moves_its_price() {
        let [line] = &lines(row(&[]))[..] else { panic!("one line") };
        assert_eq!((line.words.as_str(), line.tone, line.is_waiting), ("Buy 1.5 limit", Tone::Buy, false));
        let Some(LineTarget::Order(moves)) = line.moves else { panic!("it cannot be moved") };
        assert_eq!(moves.moved_to(price("11")).price, Some(price("11")));
        assert_eq!(moves.moved_to(price("11")).stop_price, None);
        assert_eq!(moves.order_id(), OrderId(7));
    }

    #[test]
    fn a_stop_limit_has_two_lines_until_it_is_triggered() {
        let stop_limit = [("type", "stop_limit".into()), ("stop_price", "9.5".into()), ("side", "sell".into())];
        let both = lines(row(&stop_limit));
        assert_eq!(both.iter().map(|line| line.is_waiting).collect::<Vec<_>>(), [true, false]);
        assert_eq!(both[1].moves, Some(LineTarget::Order(OrderPrice::Trigger(OrderId(7)))));
        assert_eq!(OrderPrice::Trigger(OrderId(7)).moved_to(price("9")).stop_price, Some(price("9")));
        assert_eq!(both[1].words, "Sell 1.5 stop limit: trigger");
        let mut triggered = stop_limit.to_vec();
        triggered.push(("is_triggered", true.into()));
        let [line] = &lines(row(&triggered))[..] else { panic!("one line") };
        assert_eq!((line.price, line.is_waiting), (price("10.0"), false));
    }

    #[test]
    fn what_moves_by_itself_is_not_moved_and_what_is_not_here_has_no_line() {
        let trailing = [
            ("type", "trailing_stop".into()),
            ("price", serde_json::Value::Null),
            ("stop_price", "9.5".into()),
            ("trail", serde_json::json!({"bps": 50})),
        ];
        assert_eq!(lines(row(&trailing))[0].moves, None);
        let of_grid = lines(row(&[("strategy", "mine".into())]));
        assert_eq!((&of_grid[0].moves, of_grid[0].tone), (&None, Tone::Level));
        assert_eq!(of_grid[0].words, "Buy 1.5 limit by mine");
        assert_eq!(lines(row(&[("instrument", "demo:B".into())])), []);
        assert_eq!(lines(row(&[("state", "filled".into())])), []);
        assert!(lines(row(&[("state", "held".into())]))[0].is_waiting);
    }

    #[test]
    fn a_position_is_a_line_at_its_rounded_mean_price() {
        let row: PositionRow = serde_json::from_str(
            r#"{"account":"paper","instrument":"demo:A","currency":"USD","quantity":"-2","average_price":"10.0666667",
            "cost":"-20.1333334","mark":"10.0","quote_value":"-20.0","quote_unrealised_pnl":"0.1333334","value":"-20.0",
            "unrealised_pnl":"0.1333334","route":null,"realised_pnl":"0","stop_price":null,"target_price":null}"#,
        )
        .unwrap();
        let [line] = &lines_of(&InstrumentId::parse("demo:A").unwrap(), &[], Some(&row), (1, 1))[..] else {
            panic!("one line")
        };
        assert_eq!((line.price, line.words.as_str()), (price("10.1"), "Short 2.0 · +0.13 USD"));
        assert_eq!((line.tone, &line.moves), (Tone::Position, &None));
    }

    fn rule(conditions: serde_json::Value, status: serde_json::Value) -> RuleRow {
        let value = serde_json::json!({
            "rule": {"rule_id": "r", "version": 2, "name": "R", "instrument": "demo:A", "conditions": conditions},
            "state": {"status": status, "saved_time": 0, "last_fired_time": null, "n_fired": 0, "n_suppressed": 0},
            "sentence": "",
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_price_alert_is_a_line_that_moves_its_level() {
        let conditions = serde_json::json!([
            {"kind": "stale", "for_s": 30},
            {"kind": "price_crosses", "direction": "up", "level": "10.5"},
        ]);
        let own = InstrumentId::parse("demo:A").unwrap();
        let row = rule(conditions.clone(), serde_json::json!({"kind": "armed"}));
        let [line] = &alert_lines_of(&own, &[row])[..] else { panic!("one line") };
        assert_eq!((line.key.as_str(), line.words.as_str(), line.is_waiting), ("alert-r-1", "▲ R", false));
        let account = AccountId::parse("paper").unwrap();
        let target = line.moves.as_ref().unwrap();
        let LineCommand::Alert(AlertCommand::SaveAlert(save)) = target.moved_to(price("11"), account.clone()) else {
            panic!("another command")
        };
        let Condition::PriceCrosses { level, direction, .. } = save.rule.conditions[1] else {
            panic!("another condition")
        };
        assert_eq!((level, direction, save.rule.conditions.len()), (price("11"), Direction::Up, 2));
        let rule_id = save.rule.rule_id;
        assert_eq!(target.removed(account), LineCommand::Alert(AlertCommand::DeleteAlert(OneRule { rule_id })));
        let other = InstrumentId::parse("demo:B").unwrap();
        let paused = rule(conditions.clone(), serde_json::json!({"kind": "paused"}));
        assert_eq!(alert_lines_of(&other, std::slice::from_ref(&paused)), []);
        assert!(alert_lines_of(&own, &[paused])[0].is_waiting);
        assert_eq!(alert_lines_of(&own, &[rule(conditions, serde_json::json!({"kind": "done"}))]), []);
    }

    #[test]
    fn a_place_on_the_chart_is_a_price_on_the_tick() {
        for (value, tick, decimals, expected) in [
            (61_602.487, "0.01", 2, "61602.49"),
            (61_602.487, "0.5", 1, "61602.5"),
            (0.000_000_164, "0.00000001", 8, "0.00000016"),
            (0.001, "0.01", 2, "0.01"),
            (-3.0, "0.01", 2, "0.01"),
        ] {
            assert_eq!(price_near(value, price(tick), decimals), Some(price(expected)), "{value}");
        }
        assert_eq!(price_near(f64::NAN, price("0.01"), 2), None);
        assert_eq!(stepped(price("10.0"), price("0.5"), -3), Some(price("8.5")));
        assert_eq!(stepped(price("1"), price("0.5"), -2), None);
    }
}
