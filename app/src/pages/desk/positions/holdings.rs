//! Open positions with their profit and loss, their stops and targets, and buttons that close or reverse them.

use desk::rows::PositionRow;
use leptos::prelude::*;
use model::{
    decimal::{Notional, Price},
    instrument::InstrumentId,
    trading::{
        command::{ClosePosition, DeskCommand},
        order::Order,
    },
};
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    format::{self, UNKNOWN},
    fragment::Fragment,
    live::{commands::CommandState, model::LiveModel, use_live},
    pages::desk::{
        account::account,
        actions::{CommandNote, ConfirmButton, send},
        money::{Amount, AmountText},
        orders_off::use_orders_off,
        positions::{
            decimals,
            exits::{Exit, ExitForm},
            open_orders,
        },
        rows::{read_rows, topic},
        table::{cell, headings},
    },
};

/// A position with its stop and its target.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    row: PositionRow,
    exits: (Option<Order>, Option<Order>),
}

type Rows = Vec<(String, Held)>;

/// All open positions.
#[component]
pub fn HoldingsPanel() -> impl IntoView {
    let list = HoldingListState::default();
    view! {
        <section class="panel" aria-label="Positions">
            <div class="panel__head">
                <h2 class="panel__title">"Positions"</h2>
                <CommandNote state=list.state/>
            </div>
            <HoldingList name="positions-held" list/>
        </section>
    }
}

/// State shared by a list of positions and the head above it.
#[derive(Clone, Copy, Debug, Default)]
pub struct HoldingListState {
    /// The only instrument shown; `None`: all.
    pub only: Signal<Option<InstrumentId>>,
    /// Number of positions in the list.
    pub n_held: RwSignal<usize>,
    /// The state of the last command.
    pub state: RwSignal<CommandState>,
}

impl HoldingListState {
    /// Returns the state of a list that shows one instrument, or all while there is `None`.
    pub fn of(only: Signal<Option<InstrumentId>>) -> Self {
        Self { only, ..Self::default() }
    }
}

/// The positions, each with what can be done about it.
#[component]
pub fn HoldingList(
    /// The region's name.
    name: &'static str,
    /// State shared with its head.
    list: HoldingListState,
) -> impl IntoView {
    let topics = vec![topic(Channel::Positions), topic(Channel::Orders)];
    let HoldingListState { only, n_held, state } = list;
    let is_shown = move |key: &str| only.with(|only| only.as_ref().is_none_or(|only| only.to_string() == key));
    view! {
        <Fragment name cadence=Cadence::Positions topics=Signal::stored(topics) source=held let:rows>
            {
                let shown = Memo::new(move |_| {
                    rows.with(|rows: &Option<Rows>| {
                        rows.as_ref().map(|rows| rows.iter().filter(|(key, _)| is_shown(key)).cloned().collect::<Rows>())
                    })
                });
                Effect::new(move |_| n_held.set(shown.with(|rows| rows.as_ref().map_or(0, Vec::len))));
                view! { <Holdings rows=shown state/> }
            }
        </Fragment>
    }
}

fn held(model: &LiveModel) -> Result<Option<Rows>, String> {
    let Some(rows) = read_rows::<PositionRow>(model, Channel::Positions, |_| true)? else { return Ok(None) };
    let orders = open_orders(model)?.unwrap_or_default();
    let with_exits = |(key, row): (String, PositionRow)| {
        let exits = (Exit::Stop.find(&row, &orders).cloned(), Exit::Target.find(&row, &orders).cloned());
        (key, Held { row, exits })
    };
    Ok(Some(rows.into_iter().map(with_exits).collect()))
}

#[component]
fn Holdings(
    /// The positions by instrument.
    #[prop(into)]
    rows: Signal<Option<Rows>>,
    /// The state of the last command.
    state: RwSignal<CommandState>,
) -> impl IntoView {
    let keys = Memo::new(move |_| {
        rows.with(|rows| rows.as_ref().map(|rows| rows.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()))
    });
    let is_empty = move || keys.with(|keys| keys.as_ref().is_some_and(Vec::is_empty));
    let is_hidden = move || keys.with(|keys| keys.as_ref().is_none_or(Vec::is_empty));
    let total = Memo::new(move |_| rows.with(|rows| rows.as_ref().and_then(unrealised)));
    view! {
        <div class="desk-table positions__held" role="table" aria-label="Positions" hidden=is_hidden>
            {headings(["Instrument", "Size", "Average", "Mark", "Unrealised", "%", "Realised", "Stop", "Target", ""])}
            <For each=move || keys.get().unwrap_or_default() key=String::clone let:key>
                {
                    let of_row = key.clone();
                    let held = Memo::new(move |_| {
                        rows.with(|rows| {
                            rows.as_ref()?.iter().find(|(key, _)| *key == of_row).map(|(_, held)| held.clone())
                        })
                    });
                    view! { <Holding key held state/> }
                }
            </For>
            <div class="desk-row desk-row--total" role="row">
                <span class="desk-row__name" role="rowheader">"Total unrealised"</span>
                <span role="cell"></span><span role="cell"></span><span role="cell"></span>
                {cell("Unrealised", view! {
                    <AmountText
                        amount=Signal::derive(move || Amount::signed(total.get()))
                        testid="unrealised-total"
                        unknown="Unknown: one of the positions has no live price"
                    />
                })}
            </div>
        </div>
        <p class="desk-note" data-testid="positions-empty" hidden=move || !is_empty()>
            "No open positions. A filled order opens one; its row then offers to close or reverse it."
        </p>
    }
}

#[component]
fn Holding(
    /// The instrument.
    key: String,
    /// The position; `None` while it is being removed.
    held: Memo<Option<Held>>,
    /// The state of the last command.
    state: RwSignal<CommandState>,
) -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let row = Memo::new(move |_| held.with(|held| held.as_ref().map(|held| held.row.clone())));
    let exits = Memo::new(move |_| held.with(|held| held.as_ref().map(|held| held.exits.clone()).unwrap_or_default()));
    let is_editing = RwSignal::new(false);
    let id = StoredValue::new(InstrumentId::parse(&key).ok());
    let places = move || id.with_value(|id| id.as_ref().map(|id| decimals(live, id))).unwrap_or_default();
    let mean = move || {
        let mean = row.with(|row| row.as_ref().and_then(|row| row.line.average_price));
        mean.map_or_else(|| UNKNOWN.to_owned(), |mean| format::mean_price(mean, places().0))
    };
    let price = move |of: fn(&PositionRow) -> Option<Price>| {
        move || {
            let price = row.with(|row| row.as_ref().and_then(of));
            price.map_or_else(|| UNKNOWN.to_owned(), |price| format::price(price, places().0))
        }
    };
    let size = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| format::grouped(&row.line.quantity.at_scale(places().1).to_string())))
            .unwrap_or_default()
    });
    let side = move || {
        row.with(|row| row.as_ref().map_or("", |row| if row.line.quantity.is_negative() { "short" } else { "long" }))
    };
    let amount = move |of: fn(&PositionRow) -> Option<Notional>| {
        Signal::derive(move || Amount::signed(row.with(|row| row.as_ref().and_then(of))))
    };
    let act = move |is_reversed: bool| {
        if let Some(instrument) = id.get_value() {
            let close = ClosePosition { account: Some(account()), instrument, reverse: is_reversed };
            send(live, &DeskCommand::ClosePosition(close), state);
        }
    };
    let question = move |words: &'static str| {
        Signal::derive(move || {
            let name = id.with_value(|id| id.as_ref().map(|id| id.symbol().to_owned())).unwrap_or_default();
            format!("{words} {} {} at the market?", size.get(), name)
        })
    };
    let exit_cell = move |exit: Exit| {
        let price = move || {
            let order = exits.with(|(stop, target)| if exit == Exit::Stop { stop.clone() } else { target.clone() });
            let price = order.and_then(|order| order.stop_price);
            price.map_or_else(|| "set".to_owned(), |price| format::price(price, places().0))
        };
        let edit = view! {
            <button
                class="button button--bare exit-edit"
                type="button"
                data-testid=format!("edit-{}", exit.as_str())
                title=format!("{} of the position: set, move or remove it", exit.label())
                aria-expanded=move || is_editing.get().to_string()
                on:click=move |_| is_editing.update(|is_on| *is_on = !*is_on)
            >
                {price}
            </button>
        };
        cell(exit.label(), edit)
    };
    let name =
        id.with_value(|id| id.as_ref().map(|id| (id.symbol().to_owned(), id.venue().to_string()))).unwrap_or_default();
    view! {
        <div class="desk-row" role="row" data-testid="position" data-symbol=key>
            <span class="desk-row__name" role="rowheader">
                <strong>{name.0}</strong>
                <span class="desk-row__venue">{name.1}</span>
            </span>
            {cell("Size", view! { <span data-testid="position-size" data-side=side>{size}" "<span class="desk-row__venue">{side}</span></span> })}
            {cell("Average", mean)}
            {cell("Mark", view! { <span data-testid="position-mark">{price(|row| row.line.mark)}</span> })}
            {cell("Unrealised", view! { <AmountText amount=amount(|row| row.line.quote_unrealised_pnl) testid="position-pnl"/> })}
            {cell("%", move || row.with(|row| row.as_ref().map_or_else(|| UNKNOWN.to_owned(), percent)))}
            {cell("Realised", view! { <AmountText amount=amount(|row| Some(row.realised_pnl))/> })}
            {exit_cell(Exit::Stop)}
            {exit_cell(Exit::Target)}
            <span class="desk-row__actions" role="cell">
                <ConfirmButton label="Close" question=question("Close") confirm=move |()| act(false) testid="close" orders=off/>
                <ConfirmButton label="Reverse" question=question("Reverse") confirm=move |()| act(true) testid="reverse" orders=off/>
            </span>
            {move || is_editing.get().then(|| view! { <ExitForm row exits size_decimals=places().1 close=move |()| is_editing.set(false)/> })}
        </div>
    }
}

/// Returns the unrealised profit of all positions in the account's currency; `None` if one is not known.
fn unrealised(rows: &Rows) -> Option<Notional> {
    rows.iter().try_fold(Notional::ZERO, |sum, (_, held)| sum.checked_add(held.row.line.unrealised_pnl?))
}

/// Formats the unrealised profit as a share of what the position cost.
fn percent(row: &PositionRow) -> String {
    let cost = if row.line.cost.is_negative() { row.line.cost.negated() } else { row.line.cost };
    let share = row.line.quote_unrealised_pnl.and_then(|pnl| pnl.ratio(cost, 6));
    share.map_or_else(|| UNKNOWN.to_owned(), |share| format::percent(share.to_f64_lossy() * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(unrealised_pnl: Option<&str>, cost: &str) -> (String, Held) {
        let pnl = unrealised_pnl.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""));
        let text = format!(
            r#"{{"account":"paper","instrument":"demo:A","currency":"USD","quantity":"-2","average_price":"5","cost":"{cost}",
            "mark":null,"quote_value":null,"quote_unrealised_pnl":{pnl},"value":null,"unrealised_pnl":{pnl},"route":null,
            "realised_pnl":"0","stop_price":null,"target_price":null}}"#
        );
        ("demo:A".to_owned(), Held { row: serde_json::from_str(&text).unwrap(), exits: (None, None) })
    }

    #[test]
    fn a_total_with_an_unknown_part_is_unknown() {
        assert_eq!(unrealised(&vec![row(Some("1.5"), "-10"), row(Some("-2"), "5")]), Notional::parse("-0.5").ok());
        assert_eq!(unrealised(&vec![row(Some("1.5"), "-10"), row(None, "5")]), None);
    }

    #[test]
    fn a_short_that_earns_has_a_positive_share() {
        assert_eq!(percent(&row(Some("1.5"), "-10").1.row), "+15.00\u{202f}%");
        assert_eq!(percent(&row(Some("1.5"), "0").1.row), UNKNOWN);
    }
}
