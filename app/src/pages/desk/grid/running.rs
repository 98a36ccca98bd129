//! The grids of the account: profit apart by where it comes from, levels, and what can be done with them.

use desk::rows::StrategyRow;
use leptos::prelude::*;
use model::{
    time::Timestamp,
    trading::{
        command::{DeskCommand, OneStrategy, StopStrategy},
        strategy::{LevelReport, LevelState, StopChoice, StrategyId, StrategyState},
    },
};
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    format,
    fragment::Fragment,
    live::{browser, commands::CommandState, model::LiveModel, use_live},
    pages::desk::{
        account::account,
        actions::{CommandNote, ConfirmButton, send},
        money::{Amount, AmountText},
        orders_off::use_orders_off,
        positions::decimals,
        rows::{read_rows, topic},
        table::{cell, headings},
    },
};

/// A strategy and its levels, lowest first.
#[derive(Clone, Debug, PartialEq)]
struct Grid {
    row: StrategyRow,
    levels: Vec<LevelReport>,
}

/// All grids.
#[component]
pub fn GridsPanel() -> impl IntoView {
    view! {
        <section class="panel" aria-label="Grids">
            <div class="panel__head"><h2 class="panel__title">"Grids"</h2></div>
            <Fragment
                name="grid-running"
                cadence=Cadence::Positions
                topics=Signal::stored(vec![topic(Channel::Strategies)])
                source=grids
                let:shown
            >
                <Grids shown/>
            </Fragment>
        </section>
    }
}

/// Returns the grids, running ones first, then the newest.
fn grids(model: &LiveModel) -> Result<Option<Vec<Grid>>, String> {
    let strategies = read_rows::<StrategyRow>(model, Channel::Strategies, |key| !key.contains('/'))?;
    let Some(levels) = read_rows::<LevelReport>(model, Channel::Strategies, |key| key.contains('/'))? else {
        return Ok(None);
    };
    let of = |name: &str| {
        let own = levels.iter().filter(|(key, _)| key.split_once('/').is_some_and(|(owner, _)| owner == name));
        own.map(|(_, level)| level.clone()).collect()
    };
    let strategies = strategies.unwrap_or_default().into_iter().filter(|(_, row)| row.entry.kind == "grid");
    let mut grids: Vec<Grid> = strategies.map(|(name, row)| Grid { levels: of(&name), row }).collect();
    grids.sort_by_key(|grid| (is_over(grid.row.entry.state), std::cmp::Reverse(grid.row.entry.started_time)));
    Ok(Some(grids))
}

fn is_over(state: StrategyState) -> bool {
    matches!(state, StrategyState::Stopped | StrategyState::Ended)
}

#[component]
fn Grids(
    /// All grids.
    shown: Signal<Option<Vec<Grid>>>,
) -> impl IntoView {
    let names = Memo::new(move |_| {
        shown.with(|shown| {
            shown.as_ref().map(|grids| grids.iter().map(|grid| grid.row.entry.strategy_id.clone()).collect::<Vec<_>>())
        })
    });
    let is_empty = move || names.with(|names| names.as_ref().is_some_and(Vec::is_empty));
    view! {
        <For each=move || names.get().unwrap_or_default() key=|name| name.to_string() let:name>
            {
                let own = name.clone();
                let grid = Memo::new(move |_| {
                    shown.with(|shown| shown.as_ref()?.iter().find(|grid| grid.row.entry.strategy_id == own).cloned())
                });
                view! { <GridLine name grid/> }
            }
        </For>
        <p class="desk-note" data-testid="grids-empty" hidden=move || !is_empty()>
            "No grids yet. Fill in the form below, check the preview, and start."
        </p>
    }
}

#[component]
fn GridLine(
    /// The strategy's name.
    name: StrategyId,
    /// The grid; `None` while it is being removed.
    grid: Memo<Option<Grid>>,
) -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let state = RwSignal::new(CommandState::default());
    let is_open = RwSignal::new(false);
    let id = StoredValue::new(name.clone());
    let own_state = Memo::new(move |_| grid.with(|grid| grid.as_ref().map(|grid| grid.row.entry.state)));
    let amount = move |label: &'static str, testid: &'static str, of: fn(&StrategyRow) -> Amount| {
        let amount = Memo::new(move |_| grid.with(|grid| grid.as_ref().map(|grid| of(&grid.row))).unwrap_or_default());
        view! { <div class="desk-figure"><dt>{label}</dt><dd><AmountText amount testid/></dd></div> }.into_any()
    };
    let give = move |command: fn(OneStrategy) -> DeskCommand| {
        move |_| send(live, &command(OneStrategy { account: Some(account()), strategy_id: id.get_value() }), state)
    };
    let stop = move |choice: StopChoice| {
        move |()| {
            let stop = StopStrategy { account: Some(account()), strategy_id: id.get_value(), choice };
            send(live, &DeskCommand::StopStrategy(stop), state);
        }
    };
    let question = |words: &'static str| {
        Signal::derive(move || format!("Stop {} and {words}?", id.with_value(ToString::to_string)))
    };
    let is_state = move |wanted: StrategyState| move || own_state.get() != Some(wanted);
    let is_over = move || own_state.get().is_none_or(is_over);
    let reason = move || {
        grid.with(|grid| {
            grid.as_ref().and_then(|grid| grid.row.entry.reason.as_ref().map(|reason| reason.message.clone()))
        })
    };
    let missing = move || grid.with(|grid| grid.as_ref().map_or(0, |grid| grid.row.report.n_missing));
    view! {
        <article class="grid-line" data-testid="running-grid" data-name=name.to_string() data-state=move || own_state.get().map(StrategyState::as_str)>
            <header class="grid-line__head">
                <strong>{name.to_string()}</strong>
                <span class="desk-row__venue">{move || grid.with(|grid| grid.as_ref().map(|grid| grid.row.entry.instrument.to_string()))}</span>
                <span class="tag" data-testid="grid-state">{move || own_state.get().map(StrategyState::as_str)}</span>
                <span class="desk-row__venue" hidden=move || reason().is_none()>{reason}</span>
                <span class="grid-line__missing" hidden=move || missing() == 0>{move || format!("{} levels wait for an order", missing())}</span>
                <CommandNote state/>
            </header>
            <dl class="desk-figures">
                {amount("Grid profit", "grid-realised", |row| Amount::signed(Some(row.report.realised_pnl)))}
                {amount("Floating", "grid-floating", |row| Amount::signed(row.report.floating_pnl))}
                {amount("Total", "grid-total", |row| Amount::signed(row.total_pnl))}
                {amount("Fees", "grid-fees", |row| Amount::plain(Some(row.report.fees)))}
                {amount("Round trips", "grid-trips", |row| {
                    let count = row.report.n_round_trips.to_string();
                    Amount { text: count.clone(), value: count, trend: "" }
                })}
            </dl>
            <div class="grid-line__actions">
                <button class="button" data-testid="grid-levels" aria-expanded=move || is_open.get().to_string() on:click=move |_| is_open.update(|is_on| *is_on = !*is_on)>"Levels"</button>
                <button class="button" data-testid="grid-pause" hidden=is_state(StrategyState::Running) aria-disabled=move || off.get().to_string() title=move || off.reason() on:click=give(DeskCommand::PauseStrategy)>"Pause"</button>
                <button class="button" data-testid="grid-resume" hidden=is_state(StrategyState::Paused) aria-disabled=move || off.get().to_string() title=move || off.reason() on:click=give(DeskCommand::ResumeStrategy)>"Resume"</button>
                <details class="grid-stop" hidden=is_over>
                    <summary class="button" data-testid="grid-stop">"Stop"</summary>
                    <div class="grid-stop__choices">
                        <ConfirmButton label="Cancel its orders, keep the position" question=question("cancel its orders") confirm=stop(StopChoice::Cancel) testid="stop-cancel" orders=off/>
                        <ConfirmButton label="Keep orders and position" question=question("leave its orders open") confirm=stop(StopChoice::Keep) testid="stop-keep" orders=off/>
                        <ConfirmButton label="Cancel its orders, close the position" question=question("close its position at the market") confirm=stop(StopChoice::Flatten) testid="stop-flatten" orders=off/>
                    </div>
                </details>
            </div>
            {move || is_open.get().then(|| view! { <Levels grid/> })}
        </article>
    }
}

#[component]
fn Levels(
    /// The grid.
    grid: Memo<Option<Grid>>,
) -> impl IntoView {
    let live = use_live();
    let rows = move || {
        live.slow_tick().track();
        let now = browser::now().wall;
        grid.with(|grid| {
            let grid = grid.as_ref()?;
            let places = decimals(live, &grid.row.entry.instrument);
            Some(grid.levels.iter().rev().map(|level| level_row(level, places, now)).collect_view())
        })
    };
    view! {
        <div class="desk-table grid-line__levels" role="table" aria-label="Levels" tabindex="0">
            {headings(["Buy at", "Sell at", "Quantity", "State", "Held", "Age", "Trips", "Profit", "Last reason"])}
            {rows}
        </div>
    }
}

fn level_row(level: &LevelReport, (price, size): (u32, u32), now: Timestamp) -> AnyView {
    let age_ms = u64::try_from(now.saturating_since(level.since).as_millis()).unwrap_or(u64::MAX);
    view! {
        <div class="desk-row" role="row" data-testid="grid-level" data-state=level_word(level.state)>
            <span class="desk-row__name" role="rowheader">{format::mean_price(level.buy_price, price)}</span>
            {cell("Sell at", format::mean_price(level.sell_price, price))}
            {cell("Quantity", format::quantity(level.quantity, size))}
            {cell("State", level_word(level.state))}
            {cell("Held", format::grouped(&level.held.at_scale(size).to_string()))}
            {cell("Age", format::whole_age(age_ms))}
            {cell("Trips", level.n_round_trips.to_string())}
            {cell("Profit", view! { <AmountText amount=Signal::stored(Amount::signed(Some(level.realised_pnl)))/> })}
            {cell("Last reason", level.last_reason.clone().unwrap_or_default())}
        </div>
    }
    .into_any()
}

fn level_word(state: LevelState) -> &'static str {
    match state {
        LevelState::Waiting => "waiting",
        LevelState::Entry => "entry open",
        LevelState::Exit => "exit open",
    }
}
