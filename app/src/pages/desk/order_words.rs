//! Orders and fills in words.

use model::{
    event::AggressorSide,
    trading::{
        fill::{Evidence, Fill, FillCause, Liquidity},
        order::{Order, OrderState, OrderType, Side, Trail},
    },
};

use crate::format;

/// Returns `Buy` or `Sell`.
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    }
}

/// Returns the style sheet's `data-trend` of a side.
pub fn side_trend(side: Side) -> &'static str {
    match side {
        Side::Buy => "up",
        Side::Sell => "down",
    }
}

/// Returns an order's type with what changes its meaning (`limit, post-only`).
pub fn kind(order: &Order) -> String {
    let mut words = match order.kind {
        OrderType::Market => "market",
        OrderType::Limit => "limit",
        OrderType::Stop => "stop",
        OrderType::StopLimit => "stop limit",
        OrderType::TakeProfit => "take profit",
        OrderType::TakeProfitLimit => "take-profit limit",
        OrderType::TrailingStop => "trailing stop",
    }
    .to_owned();
    let notes = [(order.post_only, ", post-only"), (order.reduce_only, ", reduce-only")];
    notes.into_iter().filter(|(is_set, _)| *is_set).for_each(|(_, note)| words.push_str(note));
    words
}

/// Returns an order's price, or the price that sets it off.
pub fn price(order: &Order, decimals: u32) -> String {
    let limit = order.price.map(|price| format::price(price, decimals));
    let stop = order.stop_price.map(|price| format!("at {}", format::price(price, decimals)));
    let trail = order.trail.map(|trail| match trail {
        Trail::Offset(distance) => format!("trails by {}", format::price(distance, decimals)),
        Trail::Bps(bps) => format!("trails by {bps} bps"),
    });
    let parts: Vec<String> = [limit, stop, trail].into_iter().flatten().collect();
    if parts.is_empty() { "best".to_owned() } else { parts.join(" ") }
}

/// Returns an order's state in words.
pub fn state(state: OrderState) -> &'static str {
    match state {
        OrderState::PendingNew => "on its way",
        OrderState::Held => "waits for its entry",
        OrderState::Open => "open",
        OrderState::PartiallyFilled => "partly filled",
        OrderState::PendingCancel => "being cancelled",
        OrderState::Filled => "filled",
        OrderState::Cancelled => "cancelled",
        OrderState::Expired => "expired",
        OrderState::Rejected => "rejected",
    }
}

/// Answers "why did this fill?" from the fill's evidence.
pub fn why(fill: &Fill) -> String {
    let Evidence { cause, receive_time, offset, .. } = &fill.evidence;
    let grouped = |text: String| format::grouped(&text);
    let book = |last_update_id: Option<u64>| {
        last_update_id.map_or_else(String::new, |id| format!(" The book's last change was number {id}."))
    };
    let text = match cause {
        FillCause::Level { last_update_id, price, displayed, taken_before } => format!(
            "It took {} at {} from the live book, which showed {} there; {} of that had been taken before.{}",
            grouped(fill.quantity.to_string()),
            grouped(price.to_string()),
            grouped(displayed.to_string()),
            grouped(taken_before.to_string()),
            book(*last_update_id)
        ),
        FillCause::Trade { trade_id, size, aggressor_side, queue_before, queue_after } => format!(
            "It rested at {}. A public trade of {} at this price ({}, id {trade_id}) went past the {} ahead of it; {} \
             were ahead of it afterwards.",
            grouped(fill.price.to_string()),
            grouped(size.to_string()),
            match aggressor_side {
                AggressorSide::Buyer => "bought by its aggressor",
                AggressorSide::Seller => "sold by its aggressor",
                AggressorSide::Unknown => "aggressor not known",
            },
            grouped(queue_before.to_string()),
            grouped(queue_after.to_string())
        ),
        FillCause::TradeThrough { trade_id, price, size, queue_before } => format!(
            "It rested at {}. A public trade of {} went through that price, to {} (id {trade_id}), so that the {} ahead \
             of it no longer counted.",
            grouped(fill.price.to_string()),
            grouped(size.to_string()),
            grouped(price.to_string()),
            grouped(queue_before.to_string())
        ),
        FillCause::BookThrough { last_update_id, price, displayed, taken_before, queue_before } => format!(
            "It rested at {}, {} ahead of it. The other side of the live book came to {} with {}, of which {} had been \
             taken before.{}",
            grouped(fill.price.to_string()),
            grouped(queue_before.to_string()),
            grouped(price.to_string()),
            grouped(displayed.to_string()),
            grouped(taken_before.to_string()),
            book(*last_update_id)
        ),
        FillCause::Liquidation { price } => format!(
            "The account could no longer carry the position, so the desk closed it at the mark price {} (liquidation).",
            grouped(price.to_string())
        ),
    };
    let role = match fill.liquidity {
        Liquidity::Maker => "maker",
        Liquidity::Taker => "taker",
    };
    let fee = grouped(fill.fee.to_string());
    let arrival = receive_time.map_or_else(String::new, |time| format!(", received {} UTC", format::time_of_day(time)));
    format!("{text} Fee as {role}: {fee} {}. Market event {offset}{arrival}.", fill.fee_currency)
}
