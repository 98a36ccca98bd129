//! The ticket's form as typed, and the order that it asks for. Pure.
//!
//! Steps of prices and quantities are checked by the desk, which names the nearest one; only sizes that are computed here
//! are rounded, down to whole lots. Prices are quote per base, quantities base units.

use model::{
    decimal::{Price, Quantity, Rounding},
    instrument::Instrument,
    trading::order::{ClientOrderId, OrderRequest, OrderType, Side, TimeInForce, Trail, TriggerSource},
};

use crate::pages::desk::{
    account::account,
    ticket::{ending::end_time_ms, market::Market, size::SizeIn},
    typed,
};

/// The fields as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The type of the order.
    pub kind: OrderType,
    /// The limit price.
    pub price: String,
    /// The price that sets it off.
    pub stop: String,
    /// The distance of a trailing stop.
    pub trail: String,
    /// True if the distance is in basis points, not in quote currency.
    pub is_trail_bps: bool,
    /// The meaning of `size`.
    pub size_in: SizeIn,
    /// Size of the order.
    pub size: String,
    /// Time in force.
    pub time_in_force: TimeInForce,
    /// Of `gtd`: the end, as `2026-12-01T14:00`.
    pub end: String,
    /// Refused rather than take liquidity.
    pub post_only: bool,
    /// Never opens or enlarges a position.
    pub reduce_only: bool,
    /// True if it has a stop-loss or a take-profit.
    pub has_bracket: bool,
    /// The bracket's stop-loss.
    pub stop_loss: String,
    /// The bracket's take-profit.
    pub take_profit: String,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            kind: OrderType::Limit,
            price: String::new(),
            stop: String::new(),
            trail: String::new(),
            is_trail_bps: false,
            size_in: SizeIn::Quantity,
            size: String::new(),
            time_in_force: TimeInForce::Gtc,
            end: String::new(),
            post_only: false,
            reduce_only: false,
            has_bracket: false,
            stop_loss: String::new(),
            take_profit: String::new(),
        }
    }
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The limit price.
    Price,
    /// The trigger price.
    Stop,
    /// The distance of a trailing stop.
    Trail,
    /// The size.
    Size,
    /// The end of a `gtd` order.
    End,
    /// The bracket's stop-loss.
    StopLoss,
    /// The bracket's take-profit.
    TakeProfit,
}

/// Problem that keeps the form from being an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The first field concerned.
    pub field: Field,
    /// True if nothing was typed there yet: no mistake.
    pub is_empty: bool,
    /// A sentence for people.
    pub words: String,
}

impl Problem {
    /// Returns the problem of a field that cannot be read.
    pub fn wrong(field: Field, words: impl Into<String>) -> Self {
        Self { field, is_empty: false, words: words.into() }
    }

    /// Returns the problem of a field without text.
    pub fn empty(field: Field, words: impl Into<String>) -> Self {
        Self { field, is_empty: true, words: words.into() }
    }
}

impl Fields {
    /// True if post-only makes sense: the order may rest, and need not fill at once.
    pub fn can_post(&self) -> bool {
        self.kind.has_price() && !matches!(self.time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
    }

    /// True if a bracket makes sense: the order may open a position.
    pub fn can_have_bracket(&self) -> bool {
        !self.reduce_only
    }

    /// True if it has a field for the price that sets it off.
    pub fn has_stop(&self) -> bool {
        self.kind.is_conditional() && self.kind != OrderType::TrailingStop
    }

    /// Fills in a price that was picked in book, tape or chart: the limit price, or the trigger of a type without one.
    pub fn fill_in(&mut self, price: Price, instrument: &Instrument) {
        let on_tick = instrument.round_price(price, Rounding::NearestEven).unwrap_or(price);
        let text = on_tick.at_scale(instrument.price_decimals()).to_string();
        match self.kind {
            OrderType::Limit => self.price = text,
            OrderType::Stop | OrderType::StopLimit | OrderType::TakeProfit | OrderType::TakeProfitLimit => {
                self.stop = text;
            }
            // It has no price; a picked one asks for one.
            OrderType::Market => {
                self.kind = OrderType::Limit;
                self.price = text;
            }
            OrderType::TrailingStop => {}
        }
    }

    /// Forgets what belongs to one instrument only.
    pub fn leave_instrument(&mut self) {
        let size = if self.size_in == SizeIn::Quantity { String::new() } else { std::mem::take(&mut self.size) };
        *self = Self {
            kind: self.kind,
            size_in: self.size_in,
            size,
            time_in_force: self.time_in_force,
            end: std::mem::take(&mut self.end),
            post_only: self.post_only,
            reduce_only: self.reduce_only,
            ..Self::default()
        };
    }

    /// Returns the price at which the order is expected to trade: its own, the one that sets it off, or the best one of
    /// the side that it takes.
    pub fn reference(&self, side: Side, market: &Market) -> Option<Price> {
        let typed = |is_used: bool, text: &str| Price::parse(&typed::plain(text)).ok().filter(|_| is_used);
        let best = match side {
            Side::Buy => market.ask,
            Side::Sell => market.bid,
        };
        typed(self.kind.has_price(), &self.price).or_else(|| typed(self.has_stop(), &self.stop)).or(best)
    }

    /// Returns the base units of an order of a side.
    ///
    /// # Errors
    /// The size, or a price that it depends on, is missing or cannot be read.
    pub fn quantity(&self, side: Side, market: &Market) -> Result<Quantity, Problem> {
        let stop = self.leg(Field::StopLoss, "Stop-loss", &self.stop_loss)?;
        self.size_in.quantity(&self.size, self.reference(side, market), stop, market)
    }

    /// Reads the order of a side.
    ///
    /// # Errors
    /// The first field that is empty or cannot be read.
    pub fn request(&self, side: Side, market: &Market, name: ClientOrderId) -> Result<OrderRequest, Problem> {
        let price = self.kind.has_price().then(|| needed(Field::Price, "Price", &self.price)).transpose()?;
        let stop_price = self.has_stop().then(|| needed(Field::Stop, "Trigger price", &self.stop)).transpose()?;
        let trail = (self.kind == OrderType::TrailingStop).then(|| self.trail()).transpose()?;
        let stop_loss = self.leg(Field::StopLoss, "Stop-loss", &self.stop_loss)?;
        let take_profit = self.leg(Field::TakeProfit, "Take-profit", &self.take_profit)?;
        let quantity = self.quantity(side, market)?;
        let expire_time_ms =
            (self.time_in_force == TimeInForce::Gtd).then(|| end_time_ms(&self.end, market.zone)).transpose()?;
        Ok(OrderRequest {
            client_order_id: name,
            account: Some(account()),
            instrument: market.instrument.id.clone(),
            side,
            kind: self.kind,
            quantity,
            price,
            stop_price,
            trail,
            trigger: TriggerSource::Last,
            time_in_force: self.time_in_force,
            expire_time_ms,
            post_only: self.post_only && self.can_post(),
            reduce_only: self.reduce_only,
            stop_loss,
            take_profit,
        })
    }

    fn leg(&self, field: Field, what: &str, text: &str) -> Result<Option<Price>, Problem> {
        if !self.has_bracket || !self.can_have_bracket() || text.trim().is_empty() {
            return Ok(None);
        }
        typed::price(what, text).map(Some).map_err(|words| Problem::wrong(field, words))
    }

    fn trail(&self) -> Result<Trail, Problem> {
        if self.trail.trim().is_empty() {
            return Err(Problem::empty(Field::Trail, "Enter the distance that the stop keeps."));
        }
        if self.is_trail_bps {
            let bps = self.trail.trim().parse().ok().filter(|bps| *bps > 0);
            let words = || format!("Distance: {:?} is not a whole number of basis points, as in 50", self.trail);
            return bps.map(Trail::Bps).ok_or_else(|| Problem::wrong(Field::Trail, words()));
        }
        typed::price("Distance", &self.trail).map(Trail::Offset).map_err(|words| Problem::wrong(Field::Trail, words))
    }
}

fn needed(field: Field, what: &str, text: &str) -> Result<Price, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::empty(field, format!("Enter a {}, or click one in the book.", what.to_lowercase())));
    }
    typed::price(what, text).map_err(|words| Problem::wrong(field, words))
}

/// A market for tests: best prices 61,600.00 and 61,602.50, tick 0.01, lot 0.00001, 100,000 of equity.
#[cfg(test)]
pub(super) fn market() -> Market {
    use std::sync::Arc;

    use model::decimal::{Notional, Rate};

    let text = r#"{"id":"demo:A","base":"BTC","quote":"USDT","tick_size":"0.01","lot_size":"0.00001","min_notional":null,
        "status":"trading","is_simulated":true}"#;
    let price = |text| Price::parse(text).ok();
    Market {
        instrument: Arc::new(serde_json::from_str(text).unwrap()),
        bid: price("61600.00"),
        ask: price("61602.50"),
        equity: Notional::parse("100000").ok(),
        taker: Rate::parse("0.001").unwrap(),
        maker: Rate::parse("0.0005").unwrap(),
        zone: crate::settings::TimeZone::Utc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &Fields, side: Side) -> Result<OrderRequest, Problem> {
        fields.request(side, &market(), ClientOrderId::parse("a-1").unwrap())
    }

    /// The request's JSON without name, account and instrument.
    #[track_caller]
    fn check(fields: &Fields, side: Side, expected: &str) {
        let text = serde_json::to_string(&request(fields, side).unwrap()).unwrap();
        let start = r#"{"client_order_id":"a-1","account":"paper","instrument":"demo:A","#;
        assert_eq!(text.strip_prefix(start), Some(expected));
    }

    fn of(kind: OrderType) -> Fields {
        Fields {
            kind,
            size: "0.5".into(),
            price: "61602.50".into(),
            stop: "61000".into(),
            trail: "50".into(),
            ..Fields::default()
        }
    }

    #[test]
    fn each_type_sends_the_fields_that_it_has() {
        const REST: &str = r#""time_in_force":"gtc","post_only":false,"reduce_only":false}"#;
        for (kind, fields) in [
            (OrderType::Market, ""),
            (OrderType::Limit, r#""price":"61602.50","#),
            (OrderType::Stop, r#""stop_price":"61000","#),
            (OrderType::StopLimit, r#""price":"61602.50","stop_price":"61000","#),
            (OrderType::TakeProfit, r#""stop_price":"61000","#),
            (OrderType::TakeProfitLimit, r#""price":"61602.50","stop_price":"61000","#),
            (OrderType::TrailingStop, r#""trail":{"offset":"50"},"#),
        ] {
            let expected = format!(r#""side":"sell","type":"{kind}","quantity":"0.5",{fields}{REST}"#);
            check(&of(kind), Side::Sell, &expected);
        }
        let bps = Fields { is_trail_bps: true, ..of(OrderType::TrailingStop) };
        assert_eq!(request(&bps, Side::Buy).unwrap().trail, Some(Trail::Bps(50)));
    }

    #[test]
    fn flags_are_sent_where_they_make_sense() {
        let all = Fields { post_only: true, has_bracket: true, stop_loss: "60000".into(), ..of(OrderType::Limit) };
        let sent = request(&all, Side::Buy).unwrap();
        assert_eq!((sent.post_only, sent.stop_loss), (true, Price::parse("60000").ok()));
        let at_once = Fields { time_in_force: TimeInForce::Ioc, ..all.clone() };
        assert!(!request(&at_once, Side::Buy).unwrap().post_only);
        let market = Fields { kind: OrderType::Market, ..all.clone() };
        assert!(!request(&market, Side::Buy).unwrap().post_only);
        let reducing = Fields { reduce_only: true, ..all };
        let sent = request(&reducing, Side::Buy).unwrap();
        assert_eq!((sent.reduce_only, sent.stop_loss), (true, None));
    }

    #[test]
    fn the_first_field_that_is_empty_or_wrong_is_named() {
        #[track_caller]
        fn check(fields: Fields, field: Field, is_empty: bool, words: &str) {
            let problem = request(&fields, Side::Buy).unwrap_err();
            assert_eq!((problem.field, problem.is_empty), (field, is_empty), "{problem:?}");
            assert!(problem.words.contains(words), "{problem:?}");
        }
        let limit = of(OrderType::Limit);
        check(Fields { price: " ".into(), ..limit.clone() }, Field::Price, true, "Enter a price");
        check(Fields { price: "1e5".into(), ..limit.clone() }, Field::Price, false, "\"1e5\" is not a price");
        check(Fields { size: String::new(), ..limit.clone() }, Field::Size, true, "Enter");
        check(Fields { size: "0".into(), ..limit.clone() }, Field::Size, false, "above zero");
        check(Fields { stop: String::new(), ..of(OrderType::Stop) }, Field::Stop, true, "Enter a trigger price");
        check(Fields { trail: String::new(), ..of(OrderType::TrailingStop) }, Field::Trail, true, "distance");
        let bps = Fields { is_trail_bps: true, trail: "0.5".into(), ..of(OrderType::TrailingStop) };
        check(bps, Field::Trail, false, "whole number");
        let bracket = Fields { has_bracket: true, take_profit: "up".into(), ..limit.clone() };
        check(bracket, Field::TakeProfit, false, "Take-profit");
        check(Fields { time_in_force: TimeInForce::Gtd, ..limit }, Field::End, true, "end");
    }

    #[test]
    fn a_picked_price_goes_where_the_type_has_one_on_the_tick() {
        let picked = |kind: OrderType, price: &str| {
            let mut fields = Fields { kind, ..Fields::default() };
            fields.fill_in(Price::parse(price).unwrap(), &market().instrument);
            (fields.kind, fields.price, fields.stop)
        };
        let texts = |kind, price: &str, stop: &str| (kind, price.to_owned(), stop.to_owned());
        assert_eq!(picked(OrderType::Limit, "61602.5"), texts(OrderType::Limit, "61602.50", ""));
        // A price of the chart is that of a pixel.
        assert_eq!(picked(OrderType::Limit, "61602.50731"), texts(OrderType::Limit, "61602.51", ""));
        assert_eq!(picked(OrderType::Market, "61602.5"), texts(OrderType::Limit, "61602.50", ""));
        for kind in [OrderType::Stop, OrderType::StopLimit, OrderType::TakeProfit, OrderType::TakeProfitLimit] {
            assert_eq!(picked(kind, "61602.5"), texts(kind, "", "61602.50"));
        }
        assert_eq!(picked(OrderType::TrailingStop, "61602.5"), texts(OrderType::TrailingStop, "", ""));
    }

    #[test]
    fn another_instrument_begins_without_prices() {
        let mut fields = Fields { has_bracket: true, post_only: true, ..of(OrderType::StopLimit) };
        fields.leave_instrument();
        assert_eq!(fields, Fields { kind: OrderType::StopLimit, post_only: true, ..Fields::default() });
        let mut by_value = Fields { size_in: SizeIn::Value, ..of(OrderType::Market) };
        by_value.leave_instrument();
        assert_eq!(
            (by_value.size_in, by_value.size.as_str()),
            (SizeIn::Value, "0.5"),
            "an amount of money is still one"
        );
    }

    #[test]
    fn the_reference_price_is_the_orders_own_or_that_of_the_side_it_takes() {
        #[track_caller]
        fn check(kind: OrderType, side: Side, expected: &str) {
            let fields = Fields { price: "60000".into(), ..of(kind) };
            assert_eq!(fields.reference(side, &market()), Price::parse(expected).ok(), "{kind} {side}");
        }
        check(OrderType::Limit, Side::Buy, "60000");
        check(OrderType::Market, Side::Buy, "61602.50");
        check(OrderType::Market, Side::Sell, "61600.00");
        check(OrderType::Stop, Side::Sell, "61000");
        check(OrderType::StopLimit, Side::Sell, "60000");
        check(OrderType::TrailingStop, Side::Sell, "61600.00");
    }
}
