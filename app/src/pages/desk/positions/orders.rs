//! Open orders, amended in place and cancelled, and the last ended ones with their reasons.

use desk::rows::OrderRow;
use leptos::{ev, prelude::*};
use model::{
    instrument::InstrumentId,
    trading::{
        command::{AmendOrder, CancelAll, CancelOrder, DeskCommand},
        order::{Amendment, Order, OrderId},
    },
};
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    format,
    fragment::Fragment,
    live::{commands::CommandState, model::LiveModel, use_live},
    pages::desk::{
        account::account,
        actions::{CommandNote, ConfirmButton, send},
        order_words,
        orders_off::use_orders_off,
        positions::decimals,
        rows::{read_rows, topic},
        table::{cell, headings},
        typed,
    },
};

/// All orders, and a button that cancels the open ones.
#[component]
pub fn OrdersPanel() -> impl IntoView {
    let list = OrderListState::default();
    view! {
        <section class="panel" aria-label="Orders">
            <div class="panel__head">
                <h2 class="panel__title">"Orders"</h2>
                <OrderControls list/>
            </div>
            <OrderList name="positions-orders" list/>
        </section>
    }
}

/// State shared by a list of orders and the head above it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderListState {
    /// The only instrument shown; `None`: all.
    pub only: Signal<Option<InstrumentId>>,
    /// Number of open orders in the list.
    pub n_open: RwSignal<usize>,
    /// The state of the last command.
    state: RwSignal<CommandState>,
}

impl OrderListState {
    /// Returns the state of a list that shows one instrument, or all while there is `None`.
    pub fn of(only: Signal<Option<InstrumentId>>) -> Self {
        Self { only, ..Self::default() }
    }
}

/// The result of the last command, and the button that cancels what is open in the list.
#[component]
pub fn OrderControls(
    /// State shared with the list.
    list: OrderListState,
) -> impl IntoView {
    let live = use_live();
    let OrderListState { only, n_open, state } = list;
    let cancel_all = move |()| {
        let cancel = CancelAll { account: Some(account()), instrument: only.get_untracked() };
        send(live, &DeskCommand::CancelAll(cancel), state);
    };
    let question = Signal::derive(move || {
        let on = only.with(|only| only.as_ref().map(|id| format!(" on {}", id.symbol())).unwrap_or_default());
        match n_open.get() {
            1 => format!("Cancel the open order{on}?"),
            n_open => format!("Cancel {n_open} open orders{on}?"),
        }
    });
    view! {
        <CommandNote state/>
        <span class="panel__controls" hidden=move || n_open.get() == 0>
            <ConfirmButton label="Cancel all" question confirm=cancel_all testid="cancel-all" orders=use_orders_off()/>
        </span>
    }
}

/// The orders, each with what can be done about it.
#[component]
pub fn OrderList(
    /// The region's name.
    name: &'static str,
    /// State shared with its head.
    list: OrderListState,
) -> impl IntoView {
    let source = |model: &LiveModel| Ok(read_rows::<OrderRow>(model, Channel::Orders, |_| true)?.map(arranged));
    let OrderListState { only, n_open, state } = list;
    view! {
        <Fragment name cadence=Cadence::Positions topics=Signal::stored(vec![topic(Channel::Orders)]) source let:rows>
            <Orders rows=shown(rows, only) state n_open/>
        </Fragment>
    }
}

fn shown(rows: Signal<Option<Vec<OrderRow>>>, only: Signal<Option<InstrumentId>>) -> Signal<Option<Vec<OrderRow>>> {
    let is_shown =
        move |row: &OrderRow| only.with(|only| only.as_ref().is_none_or(|only| row.order.instrument == *only));
    let shown =
        move || rows.with(|rows| rows.as_ref().map(|rows| rows.iter().filter(|row| is_shown(row)).cloned().collect()));
    Memo::new(move |_| shown()).into()
}

/// Returns open orders first, newest first.
fn arranged(rows: Vec<(String, OrderRow)>) -> Vec<OrderRow> {
    let mut rows: Vec<OrderRow> = rows.into_iter().map(|(_, row)| row).collect();
    rows.sort_by_key(|row| (!row.order.state.is_open(), std::cmp::Reverse(row.order.order_id)));
    rows
}

#[component]
fn Orders(
    /// Open ones first.
    rows: Signal<Option<Vec<OrderRow>>>,
    /// The state of the last command.
    state: RwSignal<CommandState>,
    /// Receives the number of open orders, for the button outside this region.
    n_open: RwSignal<usize>,
) -> impl IntoView {
    let keys = Memo::new(move |_| {
        rows.with(|rows| rows.as_ref().map(|rows| rows.iter().map(|row| row.order.order_id.0).collect::<Vec<_>>()))
    });
    Effect::new(move |_| {
        n_open.set(rows.with(|rows| rows.iter().flatten().filter(|row| row.order.state.is_open()).count()));
    });
    let is_empty = move || keys.with(|keys| keys.as_ref().is_some_and(Vec::is_empty));
    let is_hidden = move || keys.with(|keys| keys.as_ref().is_none_or(Vec::is_empty));
    view! {
        <div class="desk-table positions__orders" role="table" aria-label="Orders" hidden=is_hidden>
            {headings(["Instrument", "Side", "Type", "Price", "Quantity", "Filled", "State", ""])}
            <For each=move || keys.get().unwrap_or_default() key=|number| *number let:number>
                {
                    let row = Memo::new(move |_| {
                        rows.with(|rows| rows.as_ref()?.iter().find(|row| row.order.order_id.0 == number).cloned())
                    });
                    view! { <OrderLine number row state/> }
                }
            </For>
        </div>
        <p class="desk-note" data-testid="orders-empty" hidden=move || !is_empty()>
            "No orders. Orders that you, a program or a grid place appear here."
        </p>
    }
}

#[component]
fn OrderLine(
    /// The order's number.
    number: u64,
    /// The order; `None` while it is being removed.
    row: Memo<Option<OrderRow>>,
    /// The state of the last command.
    state: RwSignal<CommandState>,
) -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let is_amending = RwSignal::new(false);
    let is_open = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|row| row.order.state.is_open())));
    let text = move |of: fn(&OrderRow, (u32, u32)) -> String| {
        move || {
            row.with(|row| row.as_ref().map(|row| of(row, decimals(live, &row.order.instrument))).unwrap_or_default())
        }
    };
    let cancel = move |_| {
        let cancel = CancelOrder { account: Some(account()), order_id: OrderId(number) };
        send(live, &DeskCommand::CancelOrder(cancel), state);
    };
    let amend = move |_| {
        if !off.get_untracked() {
            is_amending.update(|is_on| *is_on = !*is_on);
        }
    };
    let trend = move || row.with(|row| row.as_ref().map(|row| order_words::side_trend(row.order.side)));
    let note = Memo::new(move |_| row.with(|row| row.as_ref().map(note).unwrap_or_default()));
    view! {
        <div
            class="desk-row"
            role="row"
            data-testid="order"
            data-id=number.to_string()
            data-state=move || row.with(|row| row.as_ref().map(|row| row.order.state.as_str()))
        >
            <span class="desk-row__name" role="rowheader">
                <strong>{text(|row, _| row.order.instrument.symbol().to_owned())}</strong>
                <span class="desk-row__venue">{text(|row, _| row.order.strategy.as_ref().map_or_else(|| row.order.instrument.venue().to_string(), |name| format!("by {name}")))}</span>
            </span>
            {cell("Side", view! { <span data-trend=trend>{text(|row, _| order_words::side(row.order.side).to_owned())}</span> })}
            {cell("Type", text(|row, _| order_words::kind(&row.order)))}
            {cell("Price", view! { <span data-testid="order-price">{text(|row, (price, _)| order_words::price(&row.order, price))}</span> })}
            {cell("Quantity", view! { <span data-testid="order-quantity">{text(|row, (_, size)| format::quantity(row.order.quantity, size))}</span> })}
            {cell("Filled", text(filled))}
            {cell("State", text(|row, _| order_words::state(row.order.state).to_owned()))}
            <span class="desk-row__actions" role="cell">
                <span hidden=move || !is_open.get()>
                    <button class="button" data-testid="amend" aria-expanded=move || is_amending.get().to_string() aria-disabled=move || off.get().to_string() title=move || off.reason() on:click=amend>
                        "Amend"
                    </button>
                    <button class="button" data-testid="cancel" aria-disabled=move || off.get().to_string() title=move || off.reason() on:click=cancel>"Cancel"</button>
                </span>
            </span>
            <span class="desk-row__note" role="cell" data-testid="order-note" hidden=move || note.with(String::is_empty)>{note}</span>
            {move || (is_amending.get() && is_open.get()).then(|| view! { <AmendForm row close=move |()| is_amending.set(false)/> })}
        </div>
    }
}

/// Fields for a new price, trigger price and quantity; Enter sends them.
#[component]
fn AmendForm(
    /// The order.
    row: Memo<Option<OrderRow>>,
    /// Closes the form.
    #[prop(into)]
    close: Callback<()>,
) -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let state = RwSignal::new(CommandState::default());
    let order = row.with_untracked(|row| row.as_ref().map(|row| row.order.clone()));
    let typed = |value: Option<String>| RwSignal::new(value.unwrap_or_default());
    let of = |read: fn(&Order) -> Option<String>| typed(order.as_ref().and_then(read));
    let price = of(|order| order.price.map(|price| price.to_string()));
    let stop = of(|order| order.stop_price.map(|price| price.to_string()));
    let quantity = of(|order| Some(order.quantity.to_string()));
    let has = |read: fn(&Order) -> bool| order.as_ref().is_some_and(read);
    let (has_price, has_stop) = (has(|order| order.price.is_some()), has(|order| order.stop_price.is_some()));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some(order) = row.with_untracked(|row| row.as_ref().map(|row| row.order.clone())) else { return };
        match amendment(&order, &price.get_untracked(), &stop.get_untracked(), &quantity.get_untracked()) {
            Ok(amendment) => {
                send(
                    live,
                    &DeskCommand::AmendOrder(AmendOrder {
                        account: Some(account()),
                        order_id: order.order_id,
                        amendment,
                    }),
                    state,
                );
            }
            Err(words) => state.set(CommandState::Refused(words)),
        }
    };
    // A command that was carried out needs the form no more.
    Effect::new(move |_| {
        if state.get() == CommandState::Done {
            close.run(());
        }
    });
    let field = move |label: &'static str, testid: &'static str, value: RwSignal<String>| {
        view! {
            <label class="desk-field">
                <span>{label}</span>
                <input
                    class="field"
                    inputmode="decimal"
                    data-testid=testid
                    prop:value=value
                    on:input=move |event: ev::Event| value.set(event_target_value(&event))
                />
            </label>
        }
    };
    view! {
        <form class="amend-form" role="cell" aria-label="Amend the order" data-testid="amend-form" on:submit=submit>
            {has_price.then(|| field("Price", "amend-price", price))}
            {has_stop.then(|| field("Trigger price", "amend-stop", stop))}
            {field("Quantity", "amend-quantity", quantity)}
            <button class="button button--main" data-testid="amend-send" aria-disabled=move || off.get().to_string() title=move || off.reason()>"Amend"</button>
            <button class="button" type="button" on:click=move |_| close.run(())>"Back"</button>
            <CommandNote state/>
        </form>
    }
}

/// Returns what the typed figures change.
///
/// # Errors
/// A figure that cannot be read, or none that differs.
fn amendment(order: &Order, price: &str, stop: &str, quantity: &str) -> Result<Amendment, String> {
    let price = order.price.map(|known| typed::price("Price", price).map(|next| (known != next).then_some(next)));
    let stop =
        order.stop_price.map(|known| typed::price("Trigger price", stop).map(|next| (known != next).then_some(next)));
    let next = typed::quantity("Quantity", quantity)?;
    let amendment = Amendment {
        price: price.transpose()?.flatten(),
        stop_price: stop.transpose()?.flatten(),
        quantity: (order.quantity != next).then_some(next),
    };
    if amendment.is_empty() { Err("nothing differs from the order as it is".to_owned()) } else { Ok(amendment) }
}

/// Formats `0.5 at 61 602.00`.
fn filled(row: &OrderRow, (price, size): (u32, u32)) -> String {
    let filled = format::quantity(row.order.filled, size);
    row.average_price.map_or(filled.clone(), |average| format!("{filled} at {}", format::mean_price(average, price)))
}

/// Returns why an order waits, what is ahead of it, or why it ended.
fn note(row: &OrderRow) -> String {
    let mut notes = Vec::new();
    if let Some((conservative, optimistic)) = row.ahead {
        let (most, least) = (format::grouped(&conservative.to_string()), format::grouped(&optimistic.to_string()));
        let range = if most == least { most } else { format!("{least} to {most}") };
        notes.push(format!("{range} ahead in the queue"));
    }
    notes.extend(row.waiting_for.iter().map(|cause| format!("waits: {cause}")));
    notes.extend(row.order.reason.iter().map(|reason| reason.message.clone()));
    if row.order.has_gap {
        notes.push("the server was down while it was open; what it missed is not known".to_owned());
    }
    notes.join(" · ")
}

#[cfg(test)]
mod tests {
    use model::decimal::Price;

    use super::*;

    fn row() -> OrderRow {
        let text = r#"{"order_id":"7","client_order_id":"a","account":"paper","instrument":"demo:A","side":"buy","type":"limit",
            "quantity":"2","price":"10.0","stop_price":null,"trail":null,"trigger":"last","time_in_force":"gtc","expire_time_ms":null,
            "post_only":false,"reduce_only":false,"bracket":null,"strategy":null,"state":"open","is_triggered":false,"filled":"0",
            "filled_value":"0","n_fills":0,"created_time":0,"updated_time":0,"reason":null,"has_gap":false,"average_price":null,
            "ahead":["1.8","0.9"],"waiting_for":"the book is resyncing"}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_amendment_has_only_what_differs() {
        let order = row().order;
        let of = |price: &str, quantity: &str| amendment(&order, price, "", quantity);
        let changed = of("10,5", "2").unwrap();
        assert_eq!((changed.price, changed.quantity, changed.stop_price), (Price::parse("10.5").ok(), None, None));
        assert!(of("10", "2.0").is_err(), "nothing differs");
        assert!(of("ten", "2").unwrap_err().contains("not a price"));
        assert!(of("10", "").is_err());
    }

    #[test]
    fn a_note_tells_the_queue_and_why_it_waits() {
        assert_eq!(note(&row()), "0.9 to 1.8 ahead in the queue · waits: the book is resyncing");
    }
}
