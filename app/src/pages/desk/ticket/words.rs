//! The ticket's orders in words: the question before one is sent, and its outcome. Pure.

use model::{
    decimal::Price,
    instrument::Instrument,
    trading::order::{Order, OrderRequest, OrderState, OrderType, Side, TimeInForce, Trail},
};

use crate::{
    format,
    pages::{
        desk::{money, order_words},
        recordings::state::moment,
    },
};

/// Returns the whole order, for the question before it is sent; `reference` is the price at which it is expected to
/// trade.
pub fn question(request: &OrderRequest, instrument: &Instrument, reference: Option<Price>) -> String {
    let size = format::quantity(request.quantity, instrument.size_decimals());
    let mut parts =
        vec![format!("{} {size} {} {}", order_words::side(request.side), instrument.base, how(request, instrument))];
    match request.time_in_force {
        TimeInForce::Gtc => {}
        TimeInForce::Ioc => parts.push("immediate or cancel".to_owned()),
        TimeInForce::Fok => parts.push("fill or kill".to_owned()),
        TimeInForce::Gtd => {
            parts.extend(request.expire_time_ms.map(|end| format!("until {} UTC", moment(end))));
        }
    }
    let flags = [(request.post_only, "post-only"), (request.reduce_only, "reduce-only")];
    parts.extend(flags.iter().filter(|flag| flag.0).map(|flag| flag.1.to_owned()));
    let price = |price: Price| format::price(price, instrument.price_decimals());
    parts.extend(request.stop_loss.map(|stop| format!("stop-loss {}", price(stop))));
    parts.extend(request.take_profit.map(|target| format!("take-profit {}", price(target))));
    let about = reference.and_then(|reference| reference.checked_mul(request.quantity));
    parts.extend(about.map(|about| format!("about {} {}", money::text(about), instrument.quote)));
    parts.push("paper".to_owned());
    parts.join(", ")
}

/// Returns when and at what price an order trades.
fn how(request: &OrderRequest, instrument: &Instrument) -> String {
    let price = |price: Option<Price>| {
        price.map_or_else(|| format::UNKNOWN.to_owned(), |price| format::price(price, instrument.price_decimals()))
    };
    let (limit, stop) = (price(request.price), price(request.stop_price));
    // A stop waits for the losing side of the market, a take-profit for the winning one.
    let is_above = match request.kind {
        OrderType::TakeProfit | OrderType::TakeProfitLimit => request.side == Side::Sell,
        _ => request.side == Side::Buy,
    };
    let reached = format!("once a trade is at or {} {stop}", if is_above { "above" } else { "below" });
    match request.kind {
        OrderType::Market => "at the market".to_owned(),
        OrderType::Limit => format!("at {limit} limit"),
        OrderType::Stop | OrderType::TakeProfit => format!("at the market {reached}"),
        OrderType::StopLimit | OrderType::TakeProfitLimit => format!("at {limit} or better {reached}"),
        OrderType::TrailingStop => {
            let distance = match request.trail {
                Some(Trail::Offset(offset)) => format!("{} {}", price(Some(offset)), instrument.quote),
                Some(Trail::Bps(bps)) => format!("{bps} bps"),
                None => format::UNKNOWN.to_owned(),
            };
            match request.side {
                Side::Buy => format!("at the market once the price has risen {distance} from its low"),
                Side::Sell => format!("at the market once the price has fallen {distance} from its high"),
            }
        }
    }
}

/// Returns the outcome of an order, and its tone for the style sheet. `waiting_for` is why it cannot
/// fill now.
pub fn outcome(order: &Order, waiting_for: Option<&str>, instrument: &Instrument) -> (&'static str, String) {
    let (price_decimals, size_decimals) = (instrument.price_decimals(), instrument.size_decimals());
    let verb = match order.side {
        Side::Buy => "bought",
        Side::Sell => "sold",
    };
    let size = format::quantity(order.filled, size_decimals);
    let mean =
        order.average_price(price_decimals + 2).map(|mean| format!(" at {}", format::mean_price(mean, price_decimals)));
    let filled = format!("{verb} {size} {}{}", instrument.base, mean.unwrap_or_default());
    let of_all = format!("{filled} of {}", format::quantity(order.quantity, size_decimals));
    let reason = order.reason.as_ref().map(|reason| format!(": {} ({})", reason.message, reason.code.as_str()));
    let reason = reason.unwrap_or_default();
    let ended = if order.state == OrderState::Expired { "expired" } else { "was cancelled" };
    let number = order.order_id;
    match order.state {
        OrderState::Filled => ("ok", format!("Filled: {filled}.")),
        OrderState::PartiallyFilled => ("ok", format!("Partly filled: {of_all}; the rest is open as order {number}.")),
        OrderState::Cancelled | OrderState::Expired | OrderState::Rejected if !order.filled.is_zero() => {
            ("warn", format!("Partly filled: {of_all}; the rest {ended}{reason}."))
        }
        OrderState::Cancelled | OrderState::Expired => ("warn", format!("Order {number} {ended}{reason}.")),
        OrderState::Rejected => ("bad", format!("Refused{reason}.")),
        OrderState::PendingNew | OrderState::Held | OrderState::Open | OrderState::PendingCancel => {
            let waits = waiting_for.map(|cause| format!("; waits: {cause}")).unwrap_or_default();
            ("ok", format!("Accepted: order {number} is {}{waits}.", order_words::state(order.state)))
        }
    }
}

#[cfg(test)]
mod tests {
    use model::trading::{
        order::OrderId,
        refusal::{DenyCode, Refusal},
    };

    use super::*;
    use crate::pages::desk::ticket::form::market;

    fn request(fields: &str) -> OrderRequest {
        let text = format!(r#"{{"client_order_id":"a","instrument":"demo:A","quantity":"0.5",{fields}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[track_caller]
    fn check(fields: &str, reference: Option<&str>, expected: &str) {
        let reference = reference.and_then(|text| Price::parse(text).ok());
        let words = question(&request(fields), &market().instrument, reference);
        assert_eq!(words.replace(format::GROUP, " "), expected);
    }

    #[test]
    fn the_question_has_the_whole_order() {
        check(
            r#""side":"buy","type":"limit","price":"61602.5""#,
            Some("61602.50"),
            "Buy 0.50000 BTC at 61 602.50 limit, about 30 801.25 USDT, paper",
        );
        check(r#""side":"sell","type":"market""#, None, "Sell 0.50000 BTC at the market, paper");
        check(
            r#""side":"sell","type":"stop","stop_price":"61000""#,
            None,
            "Sell 0.50000 BTC at the market once a trade is at or below 61 000.00, paper",
        );
        check(
            r#""side":"sell","type":"take_profit","stop_price":"63000""#,
            None,
            "Sell 0.50000 BTC at the market once a trade is at or above 63 000.00, paper",
        );
        check(
            r#""side":"buy","type":"stop_limit","stop_price":"63000","price":"63010""#,
            None,
            "Buy 0.50000 BTC at 63 010.00 or better once a trade is at or above 63 000.00, paper",
        );
        check(
            r#""side":"buy","type":"take_profit_limit","stop_price":"60000","price":"60010""#,
            None,
            "Buy 0.50000 BTC at 60 010.00 or better once a trade is at or below 60 000.00, paper",
        );
        check(
            r#""side":"sell","type":"trailing_stop","trail":{"bps":50},"reduce_only":true"#,
            None,
            "Sell 0.50000 BTC at the market once the price has fallen 50 bps from its high, reduce-only, paper",
        );
        check(
            r#""side":"buy","type":"trailing_stop","trail":{"offset":"50"}"#,
            None,
            "Buy 0.50000 BTC at the market once the price has risen 50.00 USDT from its low, paper",
        );
        check(
            r#""side":"buy","type":"limit","price":"61600","post_only":true,"time_in_force":"gtd",
               "expire_time_ms":1796133600000,"stop_loss":"61000","take_profit":"63000""#,
            None,
            "Buy 0.50000 BTC at 61 600.00 limit, until 2026-12-01 14:00:00 UTC, post-only, stop-loss 61 000.00, \
             take-profit 63 000.00, paper",
        );
        check(
            r#""side":"buy","type":"limit","price":"61600","time_in_force":"fok""#,
            None,
            "Buy 0.50000 BTC at 61 600.00 limit, fill or kill, paper",
        );
    }

    #[test]
    fn the_answer_says_what_became_of_it() {
        let order = |state: OrderState, filled: &str, value: &str| {
            let text = format!(
                r#"{{"order_id":"17","client_order_id":"a","account":"paper","instrument":"demo:A","side":"buy","type":"limit",
                "quantity":"0.5","price":"61602.5","stop_price":null,"trail":null,"time_in_force":"gtc","expire_time_ms":null,
                "post_only":false,"reduce_only":false,"bracket":null,"strategy":null,"state":"open","is_triggered":false,
                "filled":"{filled}","filled_value":"{value}","n_fills":1,"created_time":0,"updated_time":0,"reason":null,
                "has_gap":false}}"#
            );
            Order { state, order_id: OrderId(17), ..serde_json::from_str(&text).unwrap() }
        };
        #[track_caller]
        fn check(order: &Order, waiting_for: Option<&str>, expected: (&str, &str)) {
            let (tone, words) = outcome(order, waiting_for, &market().instrument);
            assert_eq!((tone, words.replace(format::GROUP, " ").as_str()), expected);
        }
        check(&order(OrderState::Open, "0", "0"), None, ("ok", "Accepted: order 17 is open."));
        check(
            &order(OrderState::Open, "0", "0"),
            Some("the book is resyncing"),
            ("ok", "Accepted: order 17 is open; waits: the book is resyncing."),
        );
        check(&order(OrderState::Filled, "0.5", "30801.25"), None, ("ok", "Filled: bought 0.50000 BTC at 61 602.50."));
        check(
            &order(OrderState::PartiallyFilled, "0.2", "12320.5"),
            None,
            ("ok", "Partly filled: bought 0.20000 BTC at 61 602.50 of 0.50000; the rest is open as order 17."),
        );
        let reason = Refusal::new(DenyCode::PostOnlyWouldTake, "The post-only order would take liquidity");
        let refused = Order { reason: Some(reason), ..order(OrderState::Rejected, "0", "0") };
        check(&refused, None, ("bad", "Refused: The post-only order would take liquidity (post_only_would_take)."));
        let cut =
            Order { state: OrderState::Cancelled, reason: None, ..order(OrderState::Cancelled, "0.2", "12320.5") };
        check(
            &cut,
            None,
            ("warn", "Partly filled: bought 0.20000 BTC at 61 602.50 of 0.50000; the rest was cancelled."),
        );
    }
}
