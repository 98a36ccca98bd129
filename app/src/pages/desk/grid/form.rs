//! The form of a new grid and its preview, level by level.

use desk::rows::AccountRow;
use leptos::{ev, prelude::*};
use model::trading::command::{DeskCommand, StartStrategy};
use strategy::grid::preview::GridPreview;
use topics::channels::Channel;

use crate::{
    format,
    live::{Live, commands::CommandState, use_live},
    pages::{
        desk::{
            account::account,
            actions::{CommandNote, ConfirmButton, send},
            grid::{chart::GridChart, preview::Fields},
            money,
            orders_off::use_orders_off,
            rows::read_row,
            table::{cell, headings},
        },
        live::symbol_picker::SymbolPicker,
    },
    selection::use_selection,
};

/// The form and the preview.
#[component]
pub fn GridForm() -> impl IntoView {
    let live = use_live();
    let selection = use_selection();
    let fields = RwSignal::new(Fields::default());
    let state = RwSignal::new(CommandState::default());
    let fees = use_fees(live);
    // The quote comes with the frame's own topics; a typed field is never overwritten.
    live.use_topics(
        Signal::derive(move || selection.id.get().iter().map(topics::topic::Topic::quote).collect()),
        Signal::stored(topics::lane::Lane::Slow),
    );
    Effect::new(move |known: Option<Option<String>>| {
        live.tick().track();
        let id = selection.id.get();
        let name = id.as_ref().map(ToString::to_string);
        if known.as_ref().is_some_and(|known| *known == name) {
            return name;
        }
        let first = id.as_ref().zip(selection.instrument.get()).and_then(|(id, instrument)| {
            let price = live.with_model(|model| model.quote(id).and_then(|quote| quote.last.or(quote.bid)))??;
            Fields::around(price, &instrument)
        });
        match first {
            Some(first) => {
                let kept = fields.with_untracked(|fields| fields.name.clone());
                fields.set(if kept.is_empty() { first } else { Fields { name: kept, ..first } });
                name
            }
            None => None,
        }
    });
    let preview = Memo::new(move |_| {
        let instrument = selection.instrument.get().ok_or("Choose an instrument.")?;
        let fees = fees.with(|row| row.as_ref().map(|row| row.fees_of(instrument.id.venue())));
        fields.with(|fields| fields.preview(&instrument, fees.ok_or("Waiting for the desk.")?))
    });
    let start = move |()| {
        let Some(instrument) = selection.id.get_untracked() else { return };
        let command = fields.with_untracked(|fields| {
            let settings = serde_json::to_value(fields.settings()?).map_err(|error| error.to_string())?;
            let (strategy_id, kind) = (fields.strategy_id()?, "grid".to_owned());
            Ok(StartStrategy { strategy_id, kind, account: Some(account()), instrument, settings })
        });
        match command {
            Ok(command) => send(live, &DeskCommand::StartStrategy(Box::new(command)), state),
            Err(words) => state.set(CommandState::Refused(words)),
        }
    };
    let question = Signal::derive(move || {
        let pair = selection.name();
        match preview.get() {
            Ok(shown) => {
                format!("Start {} levels on {pair} with {} in orders?", shown.levels.len(), money::text(shown.capital))
            }
            Err(_) => format!("Start on {pair}?"),
        }
    });
    view! {
        <section class="panel" aria-label="New grid">
            <div class="panel__head">
                <h2 class="panel__title">"New grid"</h2>
                <SymbolPicker selection path="/grid"/>
                <CommandNote state done="Started."/>
            </div>
            <div class="grid-new">
                <form class="desk-form" aria-label="New grid" data-testid="grid-form" on:submit=|event: ev::SubmitEvent| event.prevent_default()>
                    <GridFields fields/>
                    <div class="desk-form__buttons">
                        <ConfirmButton label="Start" question confirm=start testid="grid-start" orders=use_orders_off()/>
                    </div>
                </form>
                <div class="grid-new__shown">
                    <GridChart fields preview/>
                    <Preview preview/>
                </div>
            </div>
        </section>
    }
}

/// The account's row, for its fees.
fn use_fees(live: Live) -> Memo<Option<AccountRow>> {
    let topics = [crate::pages::desk::rows::topic(Channel::Dashboard)];
    let revision = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.revision(&topics))
    });
    Memo::new(move |_| {
        // Read, not only tracked: a memo that was never read notices nothing.
        let _revision = revision.get();
        live.with_model(|model| read_row(model, Channel::Dashboard, "account").ok().flatten().flatten()).flatten()
    })
}

#[component]
fn GridFields(
    /// The fields as typed.
    fields: RwSignal<Fields>,
) -> impl IntoView {
    type Place = fn(&mut Fields) -> &mut String;
    let field = move |label: &'static str, testid: &'static str, help: &'static str, place: Place| {
        let value = Memo::new(move |_| fields.with(|fields| place(&mut fields.clone()).clone()));
        view! {
            <label class="desk-field">
                <span>{label}</span>
                <input
                    class="field"
                    data-testid=testid
                    prop:value=value
                    on:input=move |event: ev::Event| fields.update(|fields| *place(fields) = event_target_value(&event))
                />
                <small>{help}</small>
            </label>
        }
        .into_any()
    };
    let choice = move |label: &'static str,
                       testid: &'static str,
                       choices: &'static [(&'static str, &'static str)],
                       place: Place| {
        let value = Memo::new(move |_| fields.with(|fields| place(&mut fields.clone()).clone()));
        let option = move |(name, words): &'static (&'static str, &'static str)| {
            view! { <option value=*name selected=move || value.with(|value| value == name)>{*words}</option> }
        };
        view! {
            <label class="desk-field">
                <span>{label}</span>
                <select
                    class="field"
                    data-testid=testid
                    on:change=move |event: ev::Event| fields.update(|fields| *place(fields) = event_target_value(&event))
                >
                    {choices.iter().map(option).collect_view()}
                </select>
            </label>
        }
        .into_any()
    };
    let set_unit =
        move |event: ev::Event| fields.update(|fields| fields.is_quote_size = event_target_value(&event) == "quote");
    view! {
        {field("Name", "grid-name", "not used before", |fields| &mut fields.name)}
        {field("Lower bound", "grid-lower", "lowest line", |fields| &mut fields.lower)}
        {field("Upper bound", "grid-upper", "highest line", |fields| &mut fields.upper)}
        {field("Lines", "grid-lines", "one more than levels", |fields| &mut fields.n_lines)}
        {choice("Spacing", "grid-spacing", &[("arithmetic", "equal differences"), ("geometric", "equal ratios")], |fields| &mut fields.spacing)}
        {choice("Direction", "grid-mode", &[("neutral", "neutral: both ways"), ("long", "long: buys first"), ("short", "short: sells first")], |fields| &mut fields.mode)}
        {field("Size of a level", "grid-size", "", |fields| &mut fields.size)}
        <label class="desk-field">
            <span>"Size is in"</span>
            <select class="field" data-testid="grid-unit" on:change=set_unit>
                <option value="base" selected=move || fields.with(|fields| !fields.is_quote_size)>"base units"</option>
                <option value="quote" selected=move || fields.with(|fields| fields.is_quote_size)>"quote currency"</option>
            </select>
        </label>
        {field("Start price", "grid-trigger", "empty: at once", |fields| &mut fields.trigger)}
        {field("Stop-loss", "grid-stop-loss", "outside the bounds; closes all", |fields| &mut fields.stop_loss)}
        {field("Take-profit", "grid-take-profit", "outside the bounds; closes all", |fields| &mut fields.take_profit)}
        {field("Trail up to", "grid-trail-up", "empty: the grid stays", |fields| &mut fields.trail_up)}
        {field("Trail down to", "grid-trail-down", "empty: the grid stays", |fields| &mut fields.trail_down)}
    }
}

#[component]
fn Preview(
    /// The levels, or why there are none.
    preview: Memo<Result<GridPreview, String>>,
) -> impl IntoView {
    let summary = move || {
        preview.with(|preview| match preview {
            Err(words) => words.clone(),
            Ok(shown) => format!(
                "{} levels, {} in orders; a round trip earns {} to {} after maker fees.",
                shown.levels.len(),
                money::text(shown.capital),
                format::percent(shown.least_return.to_f64_lossy() * 100.0),
                format::percent(shown.most_return.to_f64_lossy() * 100.0)
            ),
        })
    };
    let selection = use_selection();
    let levels = move || {
        let (price, size) = selection.decimals().unwrap_or_default();
        let level = |level: &strategy::grid::preview::LevelPreview| {
            view! {
                <div class="desk-row" role="row" data-testid="preview-level">
                    <span class="desk-row__name" role="rowheader">{format::mean_price(level.buy_price, price)}</span>
                    {cell("Sell at", format::mean_price(level.sell_price, price))}
                    {cell("Quantity", format::quantity(level.quantity, size))}
                    {cell("Fees", money::text(level.fees))}
                    {cell("Net profit", view! { <span data-testid="preview-net" data-value=level.net_profit.to_string()>{money::text(level.net_profit)}</span> })}
                    {cell("Net %", format::percent(level.net_return.to_f64_lossy() * 100.0))}
                </div>
            }
            .into_any()
        };
        preview.with(|preview| preview.as_ref().ok().map(|shown| shown.levels.iter().rev().map(level).collect_view()))
    };
    view! {
        <div class="grid-preview">
            <p class="desk-note" role="status" data-testid="grid-summary" data-tone=move || preview.with(Result::is_err).then_some("warn")>{summary}</p>
            <div class="desk-table grid-preview__levels" role="table" aria-label="Levels of the new grid" tabindex="0" hidden=move || preview.with(Result::is_err)>
                {headings(["Buy at", "Sell at", "Quantity", "Fees", "Net profit", "Net %"])}
                {levels}
            </div>
        </div>
    }
}
