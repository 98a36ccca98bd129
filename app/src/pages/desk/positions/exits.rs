//! Stop and target of a position, edited in place: what a typed price asks of the desk, and the form.
//!
//! A stop is a reduce-only stop order of the position's size, a target a reduce-only take-profit. A typed price places
//! one or moves the one there is, and fits it to the position; an empty field cancels it.

use desk::rows::{OrderRow, PositionRow};
use leptos::{ev, prelude::*};
use model::{
    decimal::Price,
    trading::{
        command::{AmendOrder, CancelOrder, DeskCommand},
        order::{Amendment, ClientOrderId, Order, OrderRequest, OrderType, Side},
    },
};

use crate::{
    format,
    live::{browser, commands::CommandState, use_live},
    pages::desk::{
        account::account,
        actions::{CommandNote, send},
        order_words,
        orders_off::use_orders_off,
        typed,
    },
};

/// One of the two exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Closes at a loss, or gives some of a profit back.
    Stop,
    /// Closes with a profit.
    Target,
}

impl Exit {
    /// Returns its heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Stop => "Stop",
            Self::Target => "Target",
        }
    }

    /// Returns its name in test ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Target => "target",
        }
    }

    fn kind(self) -> OrderType {
        match self {
            Self::Stop => OrderType::Stop,
            Self::Target => OrderType::TakeProfit,
        }
    }

    /// Returns true if an order is the exit of a position: it waits for its price to reduce it.
    fn is_it(self, order: &Order, position: &PositionRow) -> bool {
        let is_target = matches!(order.kind, OrderType::TakeProfit | OrderType::TakeProfitLimit);
        order.reduce_only
            && order.is_waiting()
            && order.state.is_open()
            && order.instrument == position.line.instrument
            && order.side == closing_side(position)
            && is_target == (self == Self::Target)
    }

    /// Returns the order that is the exit of a position; the oldest one, if there are several.
    pub fn find<'a>(self, position: &PositionRow, orders: &'a [OrderRow]) -> Option<&'a Order> {
        orders
            .iter()
            .map(|row| &row.order)
            .filter(|order| self.is_it(order, position))
            .min_by_key(|order| order.order_id)
    }

    /// Returns what a typed price asks of the desk.
    ///
    /// # Errors
    /// It is not a price, or changes nothing.
    fn command(
        self,
        text: &str,
        position: &PositionRow,
        known: Option<&Order>,
        name: impl FnOnce() -> ClientOrderId,
    ) -> Result<DeskCommand, String> {
        let what = self.label();
        let quantity = position.line.quantity.size();
        if text.trim().is_empty() {
            let known = known.ok_or_else(|| format!("There is no {} to cancel.", what.to_lowercase()))?;
            return Ok(DeskCommand::CancelOrder(CancelOrder { account: Some(account()), order_id: known.order_id }));
        }
        let price = typed::price(what, text)?;
        let Some(known) = known else {
            return Ok(DeskCommand::PlaceOrder(Box::new(self.request(price, position, name()))));
        };
        let amendment = Amendment {
            quantity: (known.quantity != quantity).then_some(quantity),
            price: None,
            stop_price: (known.stop_price != Some(price)).then_some(price),
        };
        if amendment.is_empty() {
            return Err(format!("The {} is there already.", what.to_lowercase()));
        }
        Ok(DeskCommand::AmendOrder(AmendOrder { account: Some(account()), order_id: known.order_id, amendment }))
    }

    fn request(self, price: Price, position: &PositionRow, name: ClientOrderId) -> OrderRequest {
        let (side, quantity) = (closing_side(position), position.line.quantity.size());
        OrderRequest {
            account: Some(account()),
            kind: self.kind(),
            stop_price: Some(price),
            reduce_only: true,
            ..OrderRequest::market(name, position.line.instrument.clone(), side, quantity)
        }
    }

    /// Returns what a typed price will do, in words.
    fn effect(self, text: &str, position: &PositionRow, known: Option<&Order>, size_decimals: u32) -> String {
        let size = format::quantity(position.line.quantity.size(), size_decimals);
        let (side, is_long) = (closing_side(position), !position.line.quantity.is_negative());
        let verb = order_words::side(side);
        // A long is stopped below and has its target above.
        let direction = if is_long == (self == Self::Stop) { "below" } else { "above" };
        match (text.trim(), known) {
            ("", None) => format!("{verb}s {size} at the market once a trade is at or {direction} the price."),
            ("", Some(known)) => format!("Cancels order {}.", known.order_id),
            (text, _) => match typed::price(self.label(), text) {
                Ok(price) if has_passed(price, position, direction) => {
                    format!(
                        "{} has been passed: closes the position with the next trade.",
                        format::grouped(&price.to_string())
                    )
                }
                Ok(price) => {
                    let price = format::grouped(&price.to_string());
                    format!("{verb}s {size} at the market once a trade is at or {direction} {price}.")
                }
                Err(words) => words,
            },
        }
    }
}

fn closing_side(position: &PositionRow) -> Side {
    if position.line.quantity.is_negative() { Side::Buy } else { Side::Sell }
}

fn has_passed(price: Price, position: &PositionRow, direction: &str) -> bool {
    position.line.mark.is_some_and(|mark| if direction == "below" { mark <= price } else { mark >= price })
}

/// A field for each of both; Enter sets the one in hand.
#[component]
pub fn ExitForm(
    /// The position; `None` while it is being removed.
    row: Memo<Option<PositionRow>>,
    /// Its stop and its target.
    exits: Memo<(Option<Order>, Option<Order>)>,
    /// Decimals of its sizes.
    size_decimals: u32,
    /// Closes the form.
    #[prop(into)]
    close: Callback<()>,
) -> impl IntoView {
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            close.run(());
        }
    };
    view! {
        <div class="exit-form" role="cell" data-testid="exit-form" on:keydown=on_key>
            <ExitField exit=Exit::Stop row exits size_decimals/>
            <ExitField exit=Exit::Target row exits size_decimals/>
            <button class="button" type="button" data-testid="exit-close" on:click=move |_| close.run(())>"Done"</button>
        </div>
    }
}

#[component]
fn ExitField(
    /// The exit.
    exit: Exit,
    /// The position.
    row: Memo<Option<PositionRow>>,
    /// Its stop and its target.
    exits: Memo<(Option<Order>, Option<Order>)>,
    /// Decimals of its sizes.
    size_decimals: u32,
) -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let state = RwSignal::new(CommandState::default());
    let known = move || exits.with(|(stop, target)| if exit == Exit::Stop { stop.clone() } else { target.clone() });
    let price_of = |order: Option<Order>| order.and_then(|order| order.stop_price).map(|price| price.to_string());
    let text = RwSignal::new(untrack(|| price_of(known())).unwrap_or_default());
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some(position) = row.get_untracked() else { return };
        let name = || ClientOrderId::parse(&browser::fresh_name("exit")).expect("invariant: the name is valid");
        let known = untrack(known);
        match text.with_untracked(|text| exit.command(text, &position, known.as_ref(), name)) {
            Ok(command) => send(live, &command, state),
            Err(words) => state.set(CommandState::Refused(words)),
        }
    };
    let effect = Memo::new(move |_| {
        let known = known();
        row.with(|row| row.as_ref().map(|row| text.with(|text| exit.effect(text, row, known.as_ref(), size_decimals))))
            .unwrap_or_default()
    });
    let name = exit.as_str();
    view! {
        <form class="exit-form__one" on:submit=submit aria-label=exit.label()>
            <label class="desk-field">
                <span>{exit.label()}</span>
                <input
                    class="field"
                    inputmode="decimal"
                    autocomplete="off"
                    data-testid=format!("exit-{name}")
                    prop:value=text
                    on:input=move |event: ev::Event| text.set(event_target_value(&event))
                />
            </label>
            <button class="button button--main" data-testid=format!("exit-{name}-set") aria-disabled=move || off.get().to_string() title=move || off.reason()>"Set"</button>
            <small class="exit-form__effect" data-testid=format!("exit-{name}-effect")>{effect}</small>
            <CommandNote state done="Done."/>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(quantity: &str) -> PositionRow {
        let text = format!(
            r#"{{"account":"paper","instrument":"demo:A","currency":"USD","quantity":"{quantity}","average_price":"100","cost":"200",
            "mark":"100","quote_value":null,"quote_unrealised_pnl":null,"value":null,"unrealised_pnl":null,"route":null,
            "realised_pnl":"0","stop_price":null,"target_price":null}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn order(id: u64, side: &str, kind: &str, quantity: &str, stop_price: &str) -> OrderRow {
        let text = format!(
            r#"{{"order_id":"{id}","client_order_id":"a","account":"paper","instrument":"demo:A","side":"{side}","type":"{kind}",
            "quantity":"{quantity}","price":null,"stop_price":"{stop_price}","trail":null,"time_in_force":"gtc","expire_time_ms":null,
            "post_only":false,"reduce_only":true,"bracket":null,"strategy":null,"state":"open","is_triggered":false,"filled":"0",
            "filled_value":"0","n_fills":0,"created_time":0,"updated_time":0,"reason":null,"has_gap":false,"average_price":null}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn stop_and_target_are_told_from_other_orders() {
        let orders = [
            order(9, "sell", "stop", "2", "95"),
            order(3, "sell", "trailing_stop", "1", "94"),
            order(4, "sell", "take_profit", "2", "110"),
            order(2, "buy", "stop", "2", "105"),
        ];
        let id = |exit: Exit, quantity: &str| exit.find(&position(quantity), &orders).map(|order| order.order_id.0);
        assert_eq!((id(Exit::Stop, "2"), id(Exit::Target, "2")), (Some(3), Some(4)));
        assert_eq!((id(Exit::Stop, "-2"), id(Exit::Target, "-2")), (Some(2), None));
        let mut other = order(1, "sell", "stop", "2", "95");
        other.order.reduce_only = false;
        assert_eq!(Exit::Stop.find(&position("2"), &[other]), None);
    }

    #[test]
    fn a_price_places_moves_or_cancels() {
        #[track_caller]
        fn check(exit: Exit, text: &str, quantity: &str, known: Option<&OrderRow>, expected: Result<&str, &str>) {
            let name = || ClientOrderId::parse("n").unwrap();
            let found = exit.command(text, &position(quantity), known.map(|row| &row.order), name);
            match expected {
                Ok(json) => assert_eq!(serde_json::to_string(&found.unwrap()).unwrap(), json),
                Err(words) => assert!(found.as_ref().is_err_and(|found| found.contains(words)), "{found:?}"),
            }
        }
        const START: &str = r#"{"place_order":{"client_order_id":"n","account":"paper","instrument":"demo:A","#;
        const END: &str = r#""time_in_force":"gtc","post_only":false,"reduce_only":true}}"#;
        let placed = |fields: &str| format!("{START}{fields}{END}");
        let stop = placed(r#""side":"sell","type":"stop","quantity":"2","stop_price":"95.5","#);
        check(Exit::Stop, "95,5", "2", None, Ok(&stop));
        let target = placed(r#""side":"buy","type":"take_profit","quantity":"2","stop_price":"90","#);
        check(Exit::Target, "90", "-2", None, Ok(&target));
        let known = order(9, "sell", "stop", "2", "95");
        check(
            Exit::Stop,
            "96",
            "2",
            Some(&known),
            Ok(r#"{"amend_order":{"account":"paper","order_id":"9","amendment":{"stop_price":"96"}}}"#),
        );
        // The position has grown since.
        check(
            Exit::Stop,
            "95",
            "3",
            Some(&known),
            Ok(r#"{"amend_order":{"account":"paper","order_id":"9","amendment":{"quantity":"3"}}}"#),
        );
        check(Exit::Stop, "95", "2", Some(&known), Err("there already"));
        check(Exit::Stop, " ", "2", Some(&known), Ok(r#"{"cancel_order":{"account":"paper","order_id":"9"}}"#));
        check(Exit::Stop, "", "2", None, Err("no stop to cancel"));
        check(Exit::Target, "high", "2", None, Err("not a price"));
    }

    #[test]
    fn the_effect_is_said_beforehand() {
        #[track_caller]
        fn check(exit: Exit, text: &str, quantity: &str, expected: &str) {
            assert_eq!(exit.effect(text, &position(quantity), None, 1), expected);
        }
        check(Exit::Stop, "95", "2", "Sells 2.0 at the market once a trade is at or below 95.");
        check(Exit::Stop, "105", "-2", "Buys 2.0 at the market once a trade is at or above 105.");
        check(Exit::Target, "110", "2", "Sells 2.0 at the market once a trade is at or above 110.");
        check(Exit::Target, "", "-2", "Buys 2.0 at the market once a trade is at or below the price.");
        check(Exit::Stop, "105", "2", "105 has been passed: closes the position with the next trade.");
        let known = order(9, "sell", "stop", "2", "95");
        assert_eq!(Exit::Stop.effect("", &position("2"), Some(&known.order), 1), "Cancels order 9.");
    }
}
