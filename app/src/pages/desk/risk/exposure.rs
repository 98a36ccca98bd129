//! The account's exposure, and its cash by currency.

use desk::rows::AccountRow;
use leptos::prelude::*;
use model::trading::{
    account::AccountKind,
    command::{DeskCommand, LiftReduceOnly},
};
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    fragment::Fragment,
    live::{commands::CommandState, model::LiveModel, use_live},
    pages::desk::{
        account::account,
        actions::{CommandNote, ConfirmButton, send},
        money::{self, Amount, AmountText},
        orders_off::use_orders_off,
        rows::{read_row, topic},
    },
};

/// Exposure, leverage, margin, drawdown.
#[component]
pub fn ExposurePanel() -> impl IntoView {
    let source = |model: &LiveModel| Ok(read_row::<AccountRow>(model, Channel::Dashboard, "account")?.flatten());
    let live = use_live();
    let state = RwSignal::new(CommandState::default());
    let lift = move |()| send(live, &DeskCommand::LiftReduceOnly(LiftReduceOnly { account: Some(account()) }), state);
    let is_reduce_only = RwSignal::new(false);
    view! {
        <section class="panel" aria-label="Exposure">
            <div class="panel__head">
                <h2 class="panel__title">"Exposure"</h2>
                <CommandNote state/>
                <span class="panel__controls" hidden=move || !is_reduce_only.get()>
                    <ConfirmButton
                        label="Allow new positions"
                        question="Allow this account to open positions again?"
                        confirm=lift
                        testid="lift-reduce-only"
                        orders=use_orders_off()
                    />
                </span>
            </div>
            <Fragment
                name="risk-exposure"
                cadence=Cadence::Risk
                topics=Signal::stored(vec![topic(Channel::Dashboard)])
                source
                let:row
            >
                <Exposure row is_reduce_only/>
            </Fragment>
        </section>
    }
}

#[component]
fn Exposure(
    /// The account.
    row: Signal<Option<AccountRow>>,
    /// Receives whether it may only reduce positions, for the button outside this region.
    is_reduce_only: RwSignal<bool>,
) -> impl IntoView {
    Effect::new(move |_| is_reduce_only.set(row.with(|row| row.as_ref().is_some_and(|row| row.reduce_only.is_some()))));
    let figure = move |label: &'static str, testid: &'static str, help: &'static str, of: fn(&AccountRow) -> Amount| {
        let amount = Memo::new(move |_| row.with(|row| row.as_ref().map(of)).unwrap_or_default());
        view! {
            <div class="desk-figure" title=help>
                <dt>{label}</dt>
                <dd><AmountText amount testid unknown="Unknown: a price is missing, or the account has no margin"/></dd>
            </div>
        }
        .into_any()
    };
    let times = |row: &AccountRow| {
        row.leverage.map_or_else(Amount::default, |leverage| Amount {
            text: format!("{:.2}× of {}×", leverage.to_f64_lossy(), row.max_leverage),
            value: leverage.to_string(),
            trend: "",
        })
    };
    let cash = move || {
        row.with(|row| {
            let row = row.as_ref()?;
            let kind = match row.kind {
                AccountKind::Cash => "Cash account",
                AccountKind::Margin => "Margin account",
            };
            let lines = row.cash.iter().map(|line| format!("{} {}", money::text(line.balance), line.currency));
            Some(format!("{kind}, cash: {}", lines.collect::<Vec<_>>().join(" · ")))
        })
    };
    view! {
        <dl class="desk-figures">
            {figure("Gross exposure", "risk-gross", "Sum of the values of all positions, without signs", |row| Amount::plain(Some(row.gross_exposure)))}
            {figure("Net exposure", "risk-net", "Longs less shorts", |row| Amount::plain(Some(row.net_exposure)))}
            {figure("Leverage", "risk-leverage", "Gross exposure as a multiple of the total value", times)}
            {figure("Margin used", "risk-margin-used", "What positions and open orders take of the total value", |row| Amount::plain(row.margin_used))}
            {figure("Margin free", "risk-margin-free", "Total value less the margin used", |row| Amount::plain(row.margin_free))}
            {figure("Today", "risk-day", "Total value less that at the begin of the account's day", |row| Amount::signed(row.day_pnl))}
            {figure("Drawdown", "risk-drawdown", "Distance from the highest total value so far", |row| Amount::share(row.drawdown))}
        </dl>
        <p class="desk-note">{cash}</p>
    }
}
