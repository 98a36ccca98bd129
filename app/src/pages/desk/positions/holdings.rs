//! Open positions with their profit and loss, and buttons that close or reverse them.

use desk::rows::PositionRow;
use leptos::prelude::*;
use model::{
    decimal::{Notional, Price},
    instrument::InstrumentId,
    trading::command::{ClosePosition, DeskCommand},
};
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    format::{self, UNKNOWN},
    fragment::Fragment,
    live::{commands::CommandState, model::LiveModel, use_live},
    pages::desk::{
        actions::{CommandNote, ConfirmButton, send},
        money::{Amount, AmountText},
        positions::decimals,
        rows::{account, read_rows, topic},
        table::{cell, headings},
    },
};

type Rows = Vec<(String, PositionRow)>;

/// All open positions.
#[component]
pub fn HoldingsPanel() -> impl IntoView {
    let source = |model: &LiveModel| read_rows::<PositionRow>(model, Channel::Positions, |_| true);
    let state = RwSignal::new(CommandState::default());
    view! {
        <section class="panel" aria-label="Positions">
            <div class="panel__head">
                <h2 class="panel__title">"Positions"</h2>
                <CommandNote state/>
            </div>
            <Fragment
                name="positions-held"
                cadence=Cadence::Positions
                topics=Signal::stored(vec![topic(Channel::Positions)])
                source
                let:rows
            >
                <Holdings rows state/>
            </Fragment>
        </section>
    }
}

#[component]
fn Holdings(
    /// The positions by instrument.
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
                    let row = Memo::new(move |_| {
                        rows.with(|rows| {
                            rows.as_ref()?.iter().find(|(key, _)| *key == of_row).map(|(_, row)| row.clone())
                        })
                    });
                    view! { <Holding key row state/> }
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
    row: Memo<Option<PositionRow>>,
    /// The state of the last command.
    state: RwSignal<CommandState>,
) -> impl IntoView {
    let live = use_live();
    let id = StoredValue::new(InstrumentId::parse(&key).ok());
    let places = move || id.with_value(|id| id.as_ref().map(|id| decimals(live, id))).unwrap_or_default();
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
    let name =
        id.with_value(|id| id.as_ref().map(|id| (id.symbol().to_owned(), id.venue().to_string()))).unwrap_or_default();
    view! {
        <div class="desk-row" role="row" data-testid="position" data-symbol=key>
            <span class="desk-row__name" role="rowheader">
                <strong>{name.0}</strong>
                <span class="desk-row__venue">{name.1}</span>
            </span>
            {cell("Size", view! { <span data-testid="position-size" data-side=side>{size}" "<span class="desk-row__venue">{side}</span></span> })}
            {cell("Average", price(|row| row.line.average_price))}
            {cell("Mark", view! { <span data-testid="position-mark">{price(|row| row.line.mark)}</span> })}
            {cell("Unrealised", view! { <AmountText amount=amount(|row| row.line.quote_unrealised_pnl) testid="position-pnl"/> })}
            {cell("%", move || row.with(|row| row.as_ref().map_or_else(|| UNKNOWN.to_owned(), percent)))}
            {cell("Realised", view! { <AmountText amount=amount(|row| Some(row.realised_pnl))/> })}
            {cell("Stop", price(|row| row.stop_price))}
            {cell("Target", price(|row| row.target_price))}
            <span class="desk-row__actions" role="cell">
                <ConfirmButton label="Close" question=question("Close") confirm=move |()| act(false) testid="close"/>
                <ConfirmButton label="Reverse" question=question("Reverse") confirm=move |()| act(true) testid="reverse"/>
            </span>
        </div>
    }
}

/// Returns the unrealised profit of all positions in the account's currency; `None` if one is not known.
fn unrealised(rows: &Rows) -> Option<Notional> {
    rows.iter().try_fold(Notional::ZERO, |sum, (_, row)| sum.checked_add(row.line.unrealised_pnl?))
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

    fn row(unrealised_pnl: Option<&str>, cost: &str) -> (String, PositionRow) {
        let pnl = unrealised_pnl.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""));
        let text = format!(
            r#"{{"account":"paper","instrument":"demo:A","currency":"USD","quantity":"-2","average_price":"5","cost":"{cost}",
            "mark":null,"quote_value":null,"quote_unrealised_pnl":{pnl},"value":null,"unrealised_pnl":{pnl},"route":null,
            "realised_pnl":"0","stop_price":null,"target_price":null}}"#
        );
        ("demo:A".to_owned(), serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn a_total_with_an_unknown_part_is_unknown() {
        assert_eq!(unrealised(&vec![row(Some("1.5"), "-10"), row(Some("-2"), "5")]), Notional::parse("-0.5").ok());
        assert_eq!(unrealised(&vec![row(Some("1.5"), "-10"), row(None, "5")]), None);
    }

    #[test]
    fn a_short_that_earns_has_a_positive_share() {
        assert_eq!(percent(&row(Some("1.5"), "-10").1), "+15.00\u{202f}%");
        assert_eq!(percent(&row(Some("1.5"), "0").1), UNKNOWN);
    }
}
