//! Open positions and open orders, in short.

use desk::rows::{OrderRow, PositionRow};
use leptos::prelude::*;
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    format,
    fragment::Fragment,
    live::{model::LiveModel, use_live},
    pages::desk::{
        money::{Amount, AmountText},
        order_words,
        positions::{decimals, open_orders},
        rows::{read_rows, topic},
        table::{cell, headings},
    },
};

#[derive(Clone, Debug, PartialEq)]
struct Shown {
    positions: Vec<PositionRow>,
    orders: Vec<OrderRow>,
}

/// Both lists.
#[component]
pub fn Holdings() -> impl IntoView {
    let source = |model: &LiveModel| {
        let positions = read_rows::<PositionRow>(model, Channel::Positions, |_| true)?;
        let orders = open_orders(model)?;
        Ok(positions.zip(orders).map(|(positions, orders)| Shown {
            positions: positions.into_iter().map(|(_, row)| row).collect(),
            orders,
        }))
    };
    let topics = vec![topic(Channel::Positions), topic(Channel::Orders)];
    view! {
        <section class="panel" aria-label="Positions and orders">
            <div class="panel__head"><h2 class="panel__title">"Open positions and orders"</h2></div>
            <Fragment name="dashboard-positions" cadence=Cadence::Positions topics=Signal::stored(topics) source let:shown>
                <Lists shown/>
            </Fragment>
        </section>
    }
}

#[component]
fn Lists(
    /// Open positions and orders.
    shown: Signal<Option<Shown>>,
) -> impl IntoView {
    let live = use_live();
    let note = move || match shown.with(|shown| shown.as_ref().map(|shown| (shown.positions.len(), shown.orders.len())))
    {
        Some((0, 0)) => "Nothing is open. Place an order, or start a grid on the Grid page.",
        _ => "",
    };
    let position = move |row: &PositionRow| {
        let line = &row.line;
        let (_, size) = decimals(live, &line.instrument);
        view! {
            <div class="desk-row" role="row" data-testid="holding" data-symbol=line.instrument.to_string()>
                <span class="desk-row__name" role="rowheader">{line.instrument.symbol().to_owned()}</span>
                {cell("Size", format::grouped(&line.quantity.at_scale(size).to_string()))}
                {cell("Unrealised", view! { <AmountText amount=Signal::stored(Amount::signed(line.unrealised_pnl))/> })}
            </div>
        }
        .into_any()
    };
    let order = move |row: &OrderRow| {
        let order = &row.order;
        let (price, size) = decimals(live, &order.instrument);
        view! {
            <div class="desk-row" role="row" data-testid="holding-order" data-id=order.order_id.to_string()>
                <span class="desk-row__name" role="rowheader">{order.instrument.symbol().to_owned()}</span>
                {cell("Order", format!("{} {}", order_words::side(order.side), order_words::price(order, price)))}
                {cell("Left", format::quantity(order.leaves(), size))}
            </div>
        }
        .into_any()
    };
    let positions = move || {
        shown.with(|shown| shown.as_ref().map(|shown| shown.positions.iter().take(SHOWN).map(position).collect_view()))
    };
    let orders = move || {
        shown.with(|shown| shown.as_ref().map(|shown| shown.orders.iter().take(SHOWN).map(order).collect_view()))
    };
    let has = move |of: fn(&Shown) -> bool| move || !shown.with(|shown| shown.as_ref().is_some_and(of));
    view! {
        <div class="desk-table dashboard__holdings" role="table" aria-label="Open positions" hidden=has(|shown| !shown.positions.is_empty())>
            {headings(["Instrument", "Size", "Unrealised"])}
            {positions}
        </div>
        <div class="desk-table dashboard__holdings" role="table" aria-label="Open orders" hidden=has(|shown| !shown.orders.is_empty())>
            {headings(["Instrument", "Order", "Left"])}
            {orders}
        </div>
        <p class="desk-note" data-testid="holdings-empty" hidden=move || note().is_empty()>{note}</p>
    }
}

/// Rows of each list; the Positions page has all of them.
const SHOWN: usize = 12;
