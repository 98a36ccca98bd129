//! The account at a glance: its figures, and the curve of its equity.

use std::sync::Arc;

use desk::rows::AccountRow;
use leptos::prelude::*;
use model::{
    decimal::{Notional, Rate},
    time::Timestamp,
};
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    fragment::Fragment,
    live::{browser, model::LiveModel, recorder::use_recorder},
    pages::desk::{
        account::is_replay,
        dashboard::curve::{EquityCurve, EquityLog, EquityRange, Sample},
        money::{Amount, AmountText},
        rows::{read_row, topic},
    },
};

/// The contents of the panel.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    /// `None`: there is no such account.
    row: Option<AccountRow>,
    samples: Arc<Vec<Sample>>,
}

/// Figures and curve.
#[component]
pub fn AccountPanel() -> impl IntoView {
    let range = RwSignal::new(EquityRange::default());
    let log = StoredValue::new(EquityLog::default());
    Effect::new(move |_| {
        log.set_value(EquityLog::of(range.get()));
        load_earlier(range.get_untracked(), log);
    });
    let recorder = use_recorder();
    // A recording has its own clock.
    let time = move || {
        let position = recorder.replay().with_untracked(|replay| replay.as_ref().map(|replay| replay.position_ms));
        position.filter(|_| is_replay()).map_or_else(|| browser::now().wall, Timestamp::from_millis)
    };
    let source = move |model: &LiveModel| {
        let Some(row) = read_row::<AccountRow>(model, Channel::Dashboard, "account")? else { return Ok(None) };
        let equity = row.as_ref().filter(|row| row.unvalued.is_empty()).map(|row| row.equity.to_f64_lossy());
        let samples = log.try_update_value(|log| {
            if let Some(equity) = equity {
                log.take(Sample { time: time(), equity });
            }
            log.samples()
        });
        Ok(Some(Shown { row, samples: samples.unwrap_or_default() }))
    };
    view! {
        <section class="panel" aria-label="Account">
            <div class="panel__head">
                <h2 class="panel__title">"Account"</h2>
                <span class="panel__controls" role="group" aria-label="Range of the curve">
                    {EquityRange::ALL.map(|choice| view! {
                        <button
                            class="button button--tool"
                            data-testid="equity-range"
                            aria-pressed=move || (range.get() == choice).to_string()
                            on:click=move |_| range.set(choice)
                        >
                            {choice.label()}
                        </button>
                    }).collect_view()}
                </span>
            </div>
            <Fragment
                name="dashboard-account"
                cadence=Cadence::Risk
                topics=Signal::stored(vec![topic(Channel::Dashboard)])
                source
                choice=Signal::derive(move || range.get().label().to_owned())
                let:shown
            >
                <Figures row=Memo::new(move |_| shown.with(|shown| shown.as_ref()?.row.clone()))/>
                <EquityCurve samples=Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.samples.clone())).unwrap_or_default())/>
            </Fragment>
        </section>
    }
}

#[component]
fn Figures(
    /// The account.
    row: Memo<Option<AccountRow>>,
) -> impl IntoView {
    let figure = move |label: &'static str, testid: &'static str, help: &'static str, of: fn(&AccountRow) -> Amount| {
        let amount = Memo::new(move |_| row.with(|row| row.as_ref().map(of)).unwrap_or_default());
        view! {
            <div class="desk-figure" title=help>
                <dt>{label}</dt>
                <dd><AmountText amount testid unknown="Unknown: see the note below the figures"/></dd>
            </div>
        }
        .into_any()
    };
    let currency = move || row.with(|row| row.as_ref().map(|row| row.currency.to_string()).unwrap_or_default());
    let unvalued = move || row.with(|row| row.as_ref().map(|row| row.unvalued.join("; ")).unwrap_or_default());
    view! {
        <dl class="desk-figures">
            <div class="desk-figure desk-figure--main" title="Cash and what positions would bring if they were closed now">
                <dt>"Total value, "{currency}</dt>
                <dd><AmountText amount=Memo::new(move |_| row.with(|row| row.as_ref().map(equity)).unwrap_or_default()) testid="equity"/></dd>
            </div>
            {figure("Today", "day-pnl", "Total value less that at the begin of the account's day", |row| Amount::signed(row.day_pnl))}
            {figure("Total profit", "total-pnl", "Total value less what the account was opened with", |row| Amount::signed(row.total_pnl))}
            {figure("Unrealised", "unrealised", "Profit and loss of open positions, before fees", |row| Amount::signed(Some(row.unrealised_pnl)))}
            {figure("Fees", "fees", "All fees since the account was opened", |row| Amount::plain(Some(row.fees)))}
            {figure("Open positions", "n-positions", "Instruments held now", |row| count(row.n_positions))}
            {figure("Open orders", "n-orders", "Orders that can still fill", |row| count(row.n_orders))}
            {figure("Win rate", "win-rate", "Closed round trips that earned something after fees, of all closed ones", win_rate)}
            {figure("Drawdown", "drawdown", "Distance from the highest total value so far", |row| Amount::share(row.drawdown))}
            {figure("Exposure", "exposure", "Sum of the values of all positions, without signs", |row| Amount::plain(Some(row.gross_exposure)))}
            {figure("Leverage", "leverage", "Exposure as a multiple of the total value", |row| times(row.leverage))}
            {figure("Free margin", "margin-free", "Total value less the margin that positions and open orders use; margin accounts only", |row| Amount::plain(row.margin_free))}
        </dl>
        <p class="desk-note" data-testid="unvalued" hidden=move || unvalued().is_empty()>
            "Not counted, as there is no live price: "{unvalued}
        </p>
    }
}

/// Loads the equity of a range. Without an answer the curve begins with the next figure.
#[cfg(feature = "browser")]
fn load_earlier(range: EquityRange, log: StoredValue<EquityLog>) {
    use crate::{
        live::{recorder::own, rest},
        pages::desk::account::account,
    };

    #[derive(serde::Deserialize)]
    struct Row {
        time_ms: i64,
        equity: Notional,
    }
    if is_replay() && own::plays() {
        return;
    }
    leptos::task::spawn_local(async move {
        let millis = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let span = range.span().filter(|_| !is_replay());
        let since = span.map_or(0, |span| browser::now().wall.as_millis().saturating_sub(millis(span)));
        let (every, account) = (millis(range.every()), account());
        let (mut earlier, mut cursor) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let address =
                format!("api/v1/equity?account={account}&from_ms={since}&every_ms={every}&limit=1000{cursor}");
            let Ok((rows, next)) = rest::page::<Vec<Row>>(&address).await else { return };
            earlier.extend(
                rows.iter()
                    .map(|row| Sample { time: Timestamp::from_millis(row.time_ms), equity: row.equity.to_f64_lossy() }),
            );
            let Some(next) = next else { break };
            cursor = format!("&cursor={next}");
        }
        // The page may be gone, or the reader may have chosen another range.
        let _gone = log.try_update_value(|log| {
            if log.range() == range {
                log.begin(earlier);
            }
        });
    });
}

#[cfg(not(feature = "browser"))]
fn load_earlier(_: EquityRange, _: StoredValue<EquityLog>) {}

/// A day has one or two, and so have the other ranges.
#[cfg(feature = "browser")]
const MAX_PAGES: u32 = 4;

fn equity(row: &AccountRow) -> Amount {
    Amount::plain(Some(row.equity))
}

fn count(count: u64) -> Amount {
    Amount { text: count.to_string(), value: count.to_string(), trend: "" }
}

fn times(leverage: Option<Rate>) -> Amount {
    leverage.map_or_else(Amount::default, |leverage| Amount {
        text: format!("{:.2}×", leverage.to_f64_lossy()),
        value: leverage.to_string(),
        trend: "",
    })
}

/// Formats `58 % of 112`; unknown before the first closed trip.
fn win_rate(row: &AccountRow) -> Amount {
    let (wins, all) =
        (Notional::from_mantissa(i128::from(row.n_wins), 0), Notional::from_mantissa(i128::from(row.n_round_trips), 0));
    let rate = wins.zip(all).and_then(|(wins, all)| wins.ratio(all, 4));
    rate.map_or_else(Amount::default, |rate| Amount {
        text: format!("{:.0}\u{202f}% of {}", rate.to_f64_lossy() * 100.0, row.n_round_trips),
        value: rate.to_string(),
        trend: "",
    })
}
