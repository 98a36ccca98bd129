//! An order against its instrument: steps, prices, flags. What an account may risk is checked afterwards (`portfolio`).

use model::{
    decimal::{Price, Quantity, Rounding},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    time::Timestamp,
    trading::{
        order::{Amendment, Order, OrderRequest, OrderType, Side, TimeInForce},
        refusal::{DenyCode, Refusal},
    },
};

/// Returns the refusal for an instrument whose steps are not known.
pub fn unknown_instrument(id: &InstrumentId) -> Refusal {
    let message = if id.venue().is_replay() {
        format!("the recording does not tell the steps of {id}, so it cannot be traded")
    } else {
        format!("{id} is not followed; follow it first, or check its name")
    };
    Refusal::new(DenyCode::UnknownInstrument, message)
}

/// Checks a request.
///
/// # Errors
/// The first field that makes no sense.
pub fn check_request(request: &OrderRequest, instrument: &Instrument, now: Timestamp) -> Result<(), Refusal> {
    if instrument.status == InstrumentStatus::Halted {
        let message = format!("{} does not trade now; try again when the venue reopens it", instrument.id);
        return Err(Refusal::new(DenyCode::InstrumentHalted, message));
    }
    check_quantity(request.quantity, instrument)?;
    check_fields(request)?;
    let prices = [
        ("price", request.price),
        ("stop_price", request.stop_price),
        ("stop_loss", request.stop_loss),
        ("take_profit", request.take_profit),
    ];
    for (name, price) in prices {
        price.map_or(Ok(()), |price| check_price(name, price, instrument))?;
    }
    if let Some(price) = request.price {
        check_value(price, request.quantity, instrument)?;
        check_bracket(request.side, price, request)?;
    }
    match (request.time_in_force, request.expire_time_ms) {
        (TimeInForce::Gtd, None) => Err(Refusal::new(
            DenyCode::ExpireTimePast,
            "a gtd order needs expire_time_ms, milliseconds since the epoch",
        )),
        (TimeInForce::Gtd, Some(millis)) if millis <= now.as_millis() => {
            let message = format!("expire_time_ms {millis} has passed; it is {} now", now.as_millis());
            Err(Refusal::new(DenyCode::ExpireTimePast, message).with(now.as_millis(), millis))
        }
        (TimeInForce::Gtd, Some(_)) | (_, None) => Ok(()),
        (other, Some(_)) => Err(not_allowed("expire_time_ms", &format!("{} orders", other.as_str()))),
    }
}

/// Checks new figures of an open order.
///
/// # Errors
/// The first figure that makes no sense.
pub fn check_amendment(order: &Order, amendment: &Amendment, instrument: &Instrument) -> Result<(), Refusal> {
    if amendment.is_empty() {
        return Err(Refusal::new(DenyCode::BadRequest, "nothing to change: give quantity, price or stop_price"));
    }
    if amendment.price.is_some() && !order.kind.has_price() {
        return Err(not_allowed("price", &format!("{} orders", order.kind)));
    }
    if amendment.stop_price.is_some() && (!order.is_waiting() || order.kind == OrderType::TrailingStop) {
        return Err(not_allowed("stop_price", "an order that waits for no fixed stop price"));
    }
    if let Some(quantity) = amendment.quantity {
        check_quantity(quantity, instrument)?;
        if quantity < order.filled {
            let message =
                format!("{} of order {} have filled already; {quantity} is less", order.filled, order.order_id);
            return Err(Refusal::new(DenyCode::QuantityBelowMinimum, message).with(order.filled, quantity));
        }
    }
    for (name, price) in [("price", amendment.price), ("stop_price", amendment.stop_price)] {
        price.map_or(Ok(()), |price| check_price(name, price, instrument))?;
    }
    let quantity = amendment.quantity.unwrap_or(order.quantity);
    amendment.price.or(order.price).map_or(Ok(()), |price| check_value(price, quantity, instrument))
}

fn check_quantity(quantity: Quantity, instrument: &Instrument) -> Result<(), Refusal> {
    let lot = instrument.lot_size;
    if quantity.is_zero() {
        let message = format!("the quantity must be at least {lot} {}", instrument.base);
        return Err(Refusal::new(DenyCode::QuantityBelowMinimum, message).with(lot, quantity));
    }
    if lot.is_zero() || instrument.round_quantity(quantity, Rounding::Down) == Some(quantity) {
        return Ok(());
    }
    let nearest = instrument.round_quantity(quantity, Rounding::Down).unwrap_or_default();
    let message =
        format!("the quantity {quantity} is no multiple of the lot size {lot}; the next one below is {nearest}");
    Err(Refusal::new(DenyCode::QuantityOffLot, message).with(lot, quantity))
}

fn check_price(name: &str, price: Price, instrument: &Instrument) -> Result<(), Refusal> {
    let tick = instrument.tick_size;
    if price <= Price::ZERO {
        return Err(
            Refusal::new(DenyCode::PriceNotPositive, format!("{name} {price} must be above zero")).with(0, price)
        );
    }
    if tick.is_zero() || instrument.round_price(price, Rounding::Down) == Some(price) {
        return Ok(());
    }
    let nearest = instrument.round_price(price, Rounding::NearestEven).unwrap_or_default();
    let message = format!("{name} {price} is no multiple of the tick size {tick}; the nearest one is {nearest}");
    Err(Refusal::new(DenyCode::PriceOffTick, message).with(tick, price))
}

fn check_value(price: Price, quantity: Quantity, instrument: &Instrument) -> Result<(), Refusal> {
    let quote = &instrument.quote;
    let value = price.checked_mul(quantity);
    let value = value
        .ok_or_else(|| Refusal::new(DenyCode::DoesNotFit, format!("{price} × {quantity} {quote} is too large")))?;
    match instrument.min_notional.filter(|smallest| value < *smallest) {
        None => Ok(()),
        Some(smallest) => {
            let message = format!("the order is worth {value} {quote}; the venue takes at least {smallest} {quote}");
            Err(Refusal::new(DenyCode::ValueBelowMinimum, message).with(smallest, value))
        }
    }
}

fn check_fields(request: &OrderRequest) -> Result<(), Refusal> {
    let kind = request.kind;
    let missing = |name: &str| Err(Refusal::new(DenyCode::PriceMissing, format!("{kind} orders need {name}")));
    let is_trailing = kind == OrderType::TrailingStop;
    match (kind.has_price(), request.price) {
        (true, None) => return missing("price"),
        (false, Some(_)) => return Err(not_allowed("price", &format!("{kind} orders"))),
        _ => {}
    }
    match (kind.is_conditional(), request.stop_price) {
        (true, None) if !is_trailing => return missing("stop_price"),
        (false, Some(_)) => return Err(not_allowed("stop_price", &format!("{kind} orders"))),
        _ => {}
    }
    match (is_trailing, request.trail) {
        (true, None) if request.stop_price.is_none() => return missing("trail or stop_price"),
        (false, Some(_)) => return Err(not_allowed("trail", &format!("{kind} orders"))),
        _ => {}
    }
    if request.post_only && !kind.has_price() {
        return Err(not_allowed("post_only", &format!("{kind} orders")));
    }
    let is_immediate = matches!(request.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
    if request.post_only && is_immediate {
        return Err(not_allowed("post_only", "orders that must fill at once"));
    }
    if request.reduce_only && (request.stop_loss.is_some() || request.take_profit.is_some()) {
        return Err(not_allowed("stop_loss and take_profit", "reduce_only orders: they open nothing"));
    }
    Ok(())
}

/// A stop-loss is on the losing side of the entry, a take-profit on the winning one.
fn check_bracket(side: Side, entry: Price, request: &OrderRequest) -> Result<(), Refusal> {
    let is_losing = |price: Price| match side {
        Side::Buy => price < entry,
        Side::Sell => price > entry,
    };
    let wrong = |name: &str, price: Price| {
        let message = format!("{name} {price} is on the wrong side of the entry at {entry} for a {side}");
        Err(Refusal::new(DenyCode::BracketOnWrongSide, message).with(entry, price))
    };
    match (request.stop_loss, request.take_profit) {
        (Some(stop), _) if !is_losing(stop) => wrong("stop_loss", stop),
        (_, Some(target)) if is_losing(target) || target == entry => wrong("take_profit", target),
        _ => Ok(()),
    }
}

fn not_allowed(name: &str, of: &str) -> Refusal {
    Refusal::new(DenyCode::FieldNotAllowed, format!("{name} is not allowed for {of}"))
}

#[cfg(test)]
mod tests {
    use model::instrument::InstrumentId;

    use super::*;

    fn instrument() -> Instrument {
        Instrument {
            id: InstrumentId::parse("demo:AAABBB").unwrap(),
            base: "AAA".into(),
            quote: "BBB".into(),
            tick_size: Price::parse("0.05").unwrap(),
            lot_size: Quantity::parse("0.1").unwrap(),
            min_notional: model::decimal::Notional::parse("10").ok(),
            status: InstrumentStatus::Trading,
            is_simulated: true,
        }
    }

    #[track_caller]
    fn check(fields: &str, expected: Result<(), (DenyCode, &str)>) {
        let text = format!(r#"{{"client_order_id":"a","instrument":"demo:AAABBB","side":"buy",{fields}}}"#);
        let request: OrderRequest = serde_json::from_str(&text).unwrap();
        let found = check_request(&request, &instrument(), Timestamp::from_millis(1_000));
        match (&found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(refusal), Err((code, words))) if refusal.code == code && refusal.message.contains(words) => {}
            _ => panic!("{fields}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn requests_are_checked_field_by_field() {
        use DenyCode as D;
        let limit = r#""type":"limit","quantity":"1","price":"100""#;
        check(limit, Ok(()));
        check(r#""type":"market","quantity":"1""#, Ok(()));
        check(r#""type":"market","quantity":"0""#, Err((D::QuantityBelowMinimum, "at least 0.1 AAA")));
        check(r#""type":"market","quantity":"0.25""#, Err((D::QuantityOffLot, "next one below is 0.2")));
        check(r#""type":"limit","quantity":"1""#, Err((D::PriceMissing, "limit orders need price")));
        check(r#""type":"market","quantity":"1","price":"1""#, Err((D::FieldNotAllowed, "price is not allowed")));
        check(r#""type":"limit","quantity":"1","price":"100.01""#, Err((D::PriceOffTick, "nearest one is 100.00")));
        check(r#""type":"limit","quantity":"1","price":"-1""#, Err((D::PriceNotPositive, "above zero")));
        check(r#""type":"limit","quantity":"0.1","price":"99.95""#, Err((D::ValueBelowMinimum, "at least 10 BBB")));
        check(r#""type":"stop","quantity":"1""#, Err((D::PriceMissing, "need stop_price")));
        check(r#""type":"stop","quantity":"1","stop_price":"100""#, Ok(()));
        check(r#""type":"stop_limit","quantity":"1","stop_price":"100""#, Err((D::PriceMissing, "need price")));
        check(r#""type":"trailing_stop","quantity":"1""#, Err((D::PriceMissing, "trail or stop_price")));
        check(r#""type":"trailing_stop","quantity":"1","trail":{"bps":50}"#, Ok(()));
        check(&format!(r#"{limit},"trail":{{"bps":50}}"#), Err((D::FieldNotAllowed, "trail")));
        check(r#""type":"market","quantity":"1","post_only":true"#, Err((D::FieldNotAllowed, "post_only")));
        check(&format!(r#"{limit},"post_only":true,"time_in_force":"ioc""#), Err((D::FieldNotAllowed, "at once")));
        check(&format!(r#"{limit},"time_in_force":"gtd""#), Err((D::ExpireTimePast, "needs expire_time_ms")));
        check(
            &format!(r#"{limit},"time_in_force":"gtd","expire_time_ms":1000"#),
            Err((D::ExpireTimePast, "has passed")),
        );
        check(&format!(r#"{limit},"time_in_force":"gtd","expire_time_ms":1001"#), Ok(()));
        check(&format!(r#"{limit},"expire_time_ms":1001"#), Err((D::FieldNotAllowed, "gtc orders")));
        check(&format!(r#"{limit},"stop_loss":"99","take_profit":"101""#), Ok(()));
        check(&format!(r#"{limit},"stop_loss":"100""#), Err((D::BracketOnWrongSide, "stop_loss 100")));
        check(&format!(r#"{limit},"take_profit":"99""#), Err((D::BracketOnWrongSide, "take_profit 99")));
        check(&format!(r#"{limit},"reduce_only":true,"stop_loss":"99""#), Err((D::FieldNotAllowed, "open nothing")));
        let huge =
            r#""type":"limit","quantity":"70000000000000000000000000000","price":"70000000000000000000000000000""#;
        check(huge, Err((D::DoesNotFit, "too large")));
    }
}
