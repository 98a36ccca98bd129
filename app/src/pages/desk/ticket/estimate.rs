//! Estimate of an order's fill and cost, line by line: the desk's preview in words. Pure.

use desk::preview::OrderPreview;
use model::{
    decimal::{Notional, Price, Rate},
    instrument::Instrument,
    trading::order::{OrderRequest, Side},
};

use crate::{
    format::{self, UNKNOWN},
    pages::desk::money,
};

/// A line of the estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Quantity that would fill at once, and its mean price.
    Fill,
    /// Slippage of that price from the best one.
    Slippage,
    /// Total cost, or proceeds.
    Cost,
    /// Fee of the venue.
    Fee,
    /// Quantity that would rest, or not fill, and the quantity ahead of it.
    Rest,
}

impl Line {
    /// All lines, in display order.
    pub const ALL: [Self; 5] = [Self::Fill, Self::Slippage, Self::Cost, Self::Fee, Self::Rest];

    /// Returns its name for tests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Slippage => "slippage",
            Self::Cost => "cost",
            Self::Fee => "fee",
            Self::Rest => "rest",
        }
    }

    /// Returns its label; `rests` is false for orders whose rest is cancelled.
    pub fn label(self, side: Side, rests: bool) -> &'static str {
        match self {
            Self::Fill => "Fills now",
            Self::Slippage => "Slippage",
            Self::Cost if side == Side::Buy => "Cost",
            Self::Cost => "Proceeds",
            Self::Fee => "Fee",
            Self::Rest if rests => "Rests",
            Self::Rest => "Not filled",
        }
    }

    /// Returns its text. `maker` is what the venue charges for what rests; the desk's own fee is that of taking.
    pub fn text(self, preview: &OrderPreview, request: &OrderRequest, instrument: &Instrument, maker: Rate) -> String {
        let quote = &instrument.quote;
        let size = |size| format::quantity(size, instrument.size_decimals());
        let money = |amount: Option<Notional>| {
            amount.map_or_else(|| UNKNOWN.to_owned(), |amount| format!("{} {quote}", money::text(amount)))
        };
        match self {
            Self::Fill => match preview.average_price {
                None => "nothing".to_owned(),
                Some(mean) => {
                    let mean = format::mean_price(mean, instrument.price_decimals());
                    format!("{} at {mean}", size(preview.filled))
                }
            },
            Self::Slippage => {
                preview.slippage_bps.map_or_else(|| UNKNOWN.to_owned(), |bps| format!("{bps}\u{202f}bps"))
            }
            Self::Cost => money(cost(preview, request)),
            Self::Fee => money(fee(preview, request, maker)),
            Self::Rest if preview.rest.is_zero() => "nothing".to_owned(),
            Self::Rest => match preview.ahead.filter(|_| may_rest(request)) {
                Some(ahead) => format!("{}, {} ahead", size(preview.rest), size(ahead)),
                None => size(preview.rest),
            },
        }
    }
}

/// True if what does not fill at once stays in the book.
pub fn may_rest(request: &OrderRequest) -> bool {
    use model::trading::order::TimeInForce;
    request.price.is_some() && !matches!(request.time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
}

/// Returns the value of what fills at once, and of what rests at its own price.
fn cost(preview: &OrderPreview, request: &OrderRequest) -> Option<Notional> {
    preview.value.checked_add(resting_value(preview, request)?)
}

/// Returns the fee of taking, and of what rests once it fills.
fn fee(preview: &OrderPreview, request: &OrderRequest, maker: Rate) -> Option<Notional> {
    preview.fee.checked_add(resting_value(preview, request)?.share(maker, FEE_DECIMALS)?)
}

fn resting_value(preview: &OrderPreview, request: &OrderRequest) -> Option<Notional> {
    let limit: Option<Price> = request.price.filter(|_| may_rest(request));
    limit.map_or(Some(Notional::ZERO), |limit| limit.checked_mul(preview.rest))
}

/// As the desk rounds fees.
const FEE_DECIMALS: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::desk::ticket::form::market;

    fn request(fields: &str) -> OrderRequest {
        let text = format!(r#"{{"client_order_id":"a","instrument":"demo:A","side":"buy","quantity":"0.5",{fields}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[track_caller]
    fn check(preview: &str, fields: &str, expected: [&str; 5]) {
        let preview: OrderPreview = serde_json::from_str(preview).unwrap();
        let maker = market().maker;
        let text = |line: Line| line.text(&preview, &request(fields), &market().instrument, maker);
        let texts = Line::ALL.map(|line| text(line).replace(['\u{202f}'], " "));
        assert_eq!(texts, expected);
    }

    #[test]
    fn taking_and_resting_are_told_apart() {
        let taken = r#"{"best":"61602.50","filled":"0.5","average_price":"61603.0000","worst_price":"61604.00",
            "value":"30801.50","slippage_bps":"0.08","fee":"30.8015","rest":"0","ahead":null,"refusal":null}"#;
        let market_order = r#""type":"market""#;
        check(taken, market_order, ["0.50000 at 61 603.00", "0.08 bps", "30 801.50 USDT", "30.80 USDT", "nothing"]);
        let resting = r#"{"best":"61602.50","filled":"0","average_price":null,"worst_price":null,"value":"0",
            "slippage_bps":null,"fee":"0","rest":"0.5","ahead":"1.8","refusal":null}"#;
        let limit = r#""type":"limit","price":"61600.00""#;
        check(resting, limit, ["nothing", "–", "30 800.00 USDT", "15.40 USDT", "0.50000, 1.80000 ahead"]);
        let both = r#"{"best":"61602.50","filled":"0.2","average_price":"61602.50","worst_price":"61602.50",
            "value":"12320.50","slippage_bps":"0.00","fee":"12.3205","rest":"0.3","ahead":null,"refusal":null}"#;
        let crossing = r#""type":"limit","price":"61602.50""#;
        check(both, crossing, ["0.20000 at 61 602.50", "0.00 bps", "30 801.25 USDT", "21.56 USDT", "0.30000"]);
        // The cancelled rest costs nothing.
        let at_once = r#""type":"limit","price":"61602.50","time_in_force":"ioc""#;
        check(both, at_once, ["0.20000 at 61 602.50", "0.00 bps", "12 320.50 USDT", "12.32 USDT", "0.30000"]);
        assert_eq!(Line::Rest.label(Side::Buy, may_rest(&request(at_once))), "Not filled");
        assert_eq!(Line::Cost.label(Side::Sell, true), "Proceeds");
    }
}
