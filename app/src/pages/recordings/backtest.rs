//! A back-test of a recording: its form, its progress, and both results side by side.
//!
//! The server runs it, one at a time, and keeps the newest result. Not here: what a plan means (`crates/backtest`).

use std::time::Duration;

use leptos::{ev, prelude::*};
use model::decimal::Notional;
use wire::backtest::{BacktestReport, BacktestState, BacktestStatus, BacktestTotals};

use crate::{
    format,
    live::recorder::{Recorder, RecordingFile},
    pages::{desk::money, recordings::state},
};

/// The back-test and its form; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Backtest {
    /// The recording whose form is open.
    target: RwSignal<Option<String>>,
    report: RwSignal<BacktestReport>,
    failure: RwSignal<Option<String>>,
    /// The fields as typed.
    form: RwSignal<Form>,
    recorder: Recorder,
}

/// The fields of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// One of [`STRATEGIES`].
    pub strategy: String,
    /// `venue:SYMBOL`.
    pub instrument: String,
    /// The plan as TOML.
    pub plan: String,
}

/// Makes the state of the page, and keeps it up to date while the page is shown.
pub fn use_backtest(recorder: Recorder) -> Backtest {
    let backtest = Backtest {
        target: RwSignal::new(None),
        report: RwSignal::new(BacktestReport::default()),
        failure: RwSignal::new(None),
        form: RwSignal::new(Form::default()),
        recorder,
    };
    Effect::new(move |_| {
        backtest.reload();
        let look = move || {
            if backtest.status().is_some_and(|status| status.state == BacktestState::Running) {
                backtest.reload();
            }
        };
        let again = set_interval_with_handle(look, LOOK_EVERY).ok();
        on_cleanup(move || {
            if let Some(again) = again {
                again.clear();
            }
        });
    });
    backtest
}

impl Backtest {
    /// Opens the form for a recording.
    pub fn open(self, name: String) {
        let instruments = self.instruments(&name);
        self.form.set(Form::first("grid", instruments.first().map_or("", String::as_str)));
        self.failure.set(None);
        self.target.set(Some(name));
    }

    /// Returns the instruments of a recording.
    fn instruments(self, name: &str) -> Vec<String> {
        let names = |file: &RecordingFile| {
            let venue = file.venue.clone().unwrap_or_default();
            file.symbols.iter().map(|symbol| format!("{venue}:{symbol}")).collect()
        };
        self.recorder
            .list()
            .with_untracked(|list| {
                list.as_ref().and_then(|list| list.recordings.iter().find(|file| file.name == name).map(names))
            })
            .unwrap_or_default()
    }

    fn status(self) -> Option<BacktestStatus> {
        self.report.with_untracked(|report| report.backtest.clone())
    }

    fn reload(self) {
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            self.take(crate::live::rest::get("api/v1/backtest").await);
        });
    }

    fn run(self) {
        #[cfg(feature = "browser")]
        if let Some(name) = self.target.get_untracked() {
            let plan = self.form.with_untracked(|form| form.plan.clone());
            leptos::task::spawn_local(async move {
                let path = format!("api/v1/recordings/{name}/backtest");
                self.take(crate::live::rest::post(&path, "application/toml", &plan).await);
            });
        }
    }

    fn stop(self) {
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            self.take(crate::live::rest::delete("api/v1/backtest").await);
        });
    }

    #[cfg(feature = "browser")]
    fn take(self, answer: Result<BacktestReport, String>) {
        // The page may be gone.
        let _gone = match answer {
            Ok(report) => {
                if self.report.try_with_untracked(|known| *known != report) == Some(true) {
                    self.report.set(report);
                }
                self.failure.try_set(None)
            }
            Err(words) => self.failure.try_set(Some(words)),
        };
    }
}

impl Form {
    /// Returns a plan to fill in.
    pub fn first(strategy: &str, instrument: &str) -> Self {
        let settings = match strategy {
            "signals" => {
                "interval = \"1m\"\nlook_for = { breakout = { n_bars = 20 } }\nquantity = \"0.001\"\nis_both_ways = true\n"
            }
            "ma_cross" => "interval = \"1m\"\nfast = 5\nslow = 20\nquantity = \"0.001\"\nis_both_ways = true\n",
            _ => {
                "lower = \"\"                         # the lowest line\nupper = \"\"                         # the highest \
                 line\nn_lines = 41\nmode = \"neutral\"\nsize = { base = \"0.001\" }\n"
            }
        };
        let plan = format!(
            "strategy = \"{strategy}\"\ninstrument = \"{instrument}\"\nstart = \"100000\"                    # of the \
             quote currency\nfees = {{ maker = \"0.001\", taker = \"0.001\" }}\n\n[settings]\n{settings}"
        );
        Self { strategy: strategy.to_owned(), instrument: instrument.to_owned(), plan }
    }
}

/// The form of the chosen recording, and the newest back-test.
#[component]
pub fn BacktestPanel(
    /// The back-test and its form.
    backtest: Backtest,
) -> impl IntoView {
    let Backtest { target, report, failure, .. } = backtest;
    let is_hidden = move || target.with(Option::is_none) && report.with(|report| report.backtest.is_none());
    view! {
        <section class="panel recordings-page__panel backtest" aria-label="Back-test" data-testid="backtest" hidden=is_hidden>
            <div class="panel__head">
                <h2 class="panel__title">"Back-test"</h2>
            </div>
            <Show when=move || target.with(Option::is_some)>
                <BacktestForm backtest/>
            </Show>
            <p class="backtest__note" role="alert" data-testid="backtest-refusal" data-tone="bad" hidden=move || failure.with(Option::is_none)>
                {move || failure.get()}
            </p>
            {move || report.with(|report| report.backtest.clone()).map(|status| view! { <Outcome backtest status/> })}
        </section>
    }
}

#[component]
fn BacktestForm(
    /// The back-test and its form.
    backtest: Backtest,
) -> impl IntoView {
    let Backtest { target, form, .. } = backtest;
    let instruments =
        move || target.with(|name| name.as_deref().map(|name| backtest.instruments(name))).unwrap_or_default();
    let set = move |strategy: String, instrument: String| form.set(Form::first(&strategy, &instrument));
    let option = move |value: String, words: String, is_chosen: bool| {
        view! { <option value=value selected=is_chosen>{words}</option> }
    };
    view! {
        <form class="backtest__form" data-testid="backtest-form" on:submit=|event: ev::SubmitEvent| event.prevent_default()>
            <p class="recordings-page__hint">
                "Runs a strategy over "<strong>{move || target.get()}</strong>
                " on the server, twice: by the conservative and by the optimistic model of the queue. The truth is between them."
            </p>
            <label class="backtest__field">
                <span>"Strategy"</span>
                <select
                    class="field"
                    data-testid="backtest-strategy"
                    on:change=move |event: ev::Event| set(event_target_value(&event), form.with_untracked(|form| form.instrument.clone()))
                >
                    {STRATEGIES.map(|(name, words)| {
                        option(name.to_owned(), words.to_owned(), form.with_untracked(|form| form.strategy == name))
                    }).collect_view()}
                </select>
            </label>
            <label class="backtest__field">
                <span>"Instrument"</span>
                <select
                    class="field"
                    data-testid="backtest-instrument"
                    on:change=move |event: ev::Event| set(form.with_untracked(|form| form.strategy.clone()), event_target_value(&event))
                >
                    {move || instruments().into_iter().map(|name| {
                        let is_chosen = form.with_untracked(|form| form.instrument == name);
                        option(name.clone(), name, is_chosen)
                    }).collect_view()}
                </select>
            </label>
            <label class="backtest__field backtest__field--plan">
                <span>"Plan"</span>
                <textarea
                    class="field backtest__plan"
                    data-testid="backtest-plan"
                    rows="12"
                    spellcheck="false"
                    prop:value=move || form.with(|form| form.plan.clone())
                    on:input=move |event: ev::Event| form.update(|form| form.plan = event_target_value(&event))
                ></textarea>
            </label>
            <div class="backtest__deeds">
                <button class="button button--main" type="button" data-testid="backtest-run" on:click=move |_| backtest.run()>"Run"</button>
                <button class="button" type="button" data-testid="backtest-close" on:click=move |_| target.set(None)>"Close"</button>
            </div>
        </form>
    }
}

#[component]
fn Outcome(
    /// The back-test and its form.
    backtest: Backtest,
    /// Status of the back-test.
    status: BacktestStatus,
) -> impl IntoView {
    let words = words(&status);
    let is_running = status.state == BacktestState::Running;
    let state = format!("{:?}", status.state).to_lowercase();
    let is_done = status.state == BacktestState::Done;
    let number = status.number;
    view! {
        <div class="backtest__outcome" data-testid="backtest-outcome" data-state=state>
            <p class="backtest__note" role="status" data-testid="backtest-words" data-tone=(status.state == BacktestState::Failed).then_some("bad")>
                {words}
            </p>
            <button class="button" data-testid="backtest-stop" hidden=!is_running on:click=move |_| backtest.stop()>"Stop"</button>
        </div>
        {is_done.then(|| view! {
            <div class="backtest__results">
                <BoundsTable bounds=status.bounds/>
                <img
                    class="backtest__picture"
                    data-testid="backtest-picture"
                    src=format!("api/v1/backtest/equity.svg?number={number}")
                    alt="Equity of both runs over time"
                    width="960"
                    height="420"
                />
                <p class="backtest__deeds">
                    {FILES.map(|(name, words)| view! {
                        <a class="button" data-testid="backtest-file" href=format!("api/v1/backtest/{name}") download=name rel="external">{words}</a>
                    }).collect_view()}
                </p>
            </div>
        })}
    }
}

/// The totals of both runs, one column each.
#[component]
fn BoundsTable(
    /// Both totals, the conservative one first.
    bounds: Vec<BacktestTotals>,
) -> impl IntoView {
    type Text = fn(&BacktestTotals) -> String;
    let rows: [(&str, &str, Text); 8] = [
        ("Profit and loss", "total_pnl", |totals| amount(totals.total_pnl)),
        ("Equity at the end", "equity", |totals| money::text(totals.equity)),
        ("Realised before fees", "realised_pnl", |totals| money::text(totals.realised_pnl)),
        ("Unrealised", "unrealised_pnl", |totals| money::text(totals.unrealised_pnl)),
        ("Fees", "fees", |totals| money::text(totals.fees)),
        ("Fills", "n_fills", |totals| format::grouped(&totals.n_fills.to_string())),
        ("Round trips", "n_round_trips", |totals| format::grouped(&totals.n_round_trips.to_string())),
        ("Ended early", "reason", |totals| {
            totals.reason.as_ref().map_or_else(|| "no".to_owned(), |reason| reason.message.clone())
        }),
    ];
    let heading = |totals: &BacktestTotals| view! { <th scope="col">{totals.queue.clone()}</th> };
    view! {
        <table class="backtest__table" data-testid="backtest-totals">
            <thead>
                <tr>
                    <th scope="col">{bounds.first().map(|totals| format!("Amounts in {}", totals.currency))}</th>
                    {bounds.iter().map(heading).collect_view()}
                </tr>
            </thead>
            <tbody>
                {rows.map(|(label, key, text)| view! {
                    <tr data-testid=format!("backtest-{key}")>
                        <th scope="row">{label}</th>
                        {bounds.iter().map(|totals| view! { <td>{text(totals)}</td> }).collect_view()}
                    </tr>
                }).collect_view()}
            </tbody>
        </table>
    }
}

fn amount(amount: Option<Notional>) -> String {
    amount.map_or_else(|| format::UNKNOWN.to_owned(), money::text)
}

/// Returns the status of a back-test, in words.
fn words(status: &BacktestStatus) -> String {
    let what = format!("{} on {} over {}", status.strategy, status.instrument, status.recording);
    match (status.state, status.position_ms) {
        (BacktestState::Running, Some(position)) => format!("Running {what}: at {} UTC", state::moment(position)),
        (BacktestState::Running, None) => format!("Running {what}"),
        (BacktestState::Done, _) => format!("Done: {what}"),
        (BacktestState::Stopped, _) => format!("Stopped: {what}"),
        (BacktestState::Failed, _) => {
            format!("{what} could not be run: {}", status.failure.as_deref().unwrap_or("no reason is known"))
        }
    }
}

/// The strategies, and their labels.
const STRATEGIES: [(&str, &str); 3] = [("grid", "Grid"), ("ma_cross", "Crossing averages"), ("signals", "Signals")];
/// The files of a result, and their labels.
const FILES: [(&str, &str); 6] = [
    ("report.json", "Everything (JSON)"),
    ("fills-conservative.csv", "Fills, conservative (CSV)"),
    ("fills-optimistic.csv", "Fills, optimistic (CSV)"),
    ("equity-conservative.csv", "Equity, conservative (CSV)"),
    ("equity-optimistic.csv", "Equity, optimistic (CSV)"),
    ("equity.svg", "Picture (SVG)"),
];

/// While a back-test runs, its progress is asked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_to_fill_in_names_strategy_and_instrument() {
        let grid = Form::first("grid", "binance:BTCUSDT");
        assert!(grid.plan.starts_with("strategy = \"grid\"\ninstrument = \"binance:BTCUSDT\"\n"), "{}", grid.plan);
        assert!(grid.plan.contains("\n[settings]\nlower = \"\""), "{}", grid.plan);
        assert!(Form::first("ma_cross", "a:B").plan.contains("\ninterval = \"1m\"\n"));
    }

    #[test]
    fn words_say_how_it_stands() {
        let status = |state, position_ms, failure: Option<&str>| BacktestStatus {
            number: 1,
            recording: "one.jsonl".to_owned(),
            instrument: "a:B".to_owned(),
            strategy: "grid".to_owned(),
            state,
            position_ms,
            failure: failure.map(str::to_owned),
            bounds: Vec::new(),
        };
        for (status, expected) in [
            (status(BacktestState::Running, None, None), "Running grid on a:B over one.jsonl"),
            (
                status(BacktestState::Running, Some(0), None),
                "Running grid on a:B over one.jsonl: at 1970-01-01 00:00:00 UTC",
            ),
            (status(BacktestState::Done, Some(5), None), "Done: grid on a:B over one.jsonl"),
            (status(BacktestState::Stopped, None, None), "Stopped: grid on a:B over one.jsonl"),
            (
                status(BacktestState::Failed, None, Some("no steps")),
                "grid on a:B over one.jsonl could not be run: no steps",
            ),
        ] {
            assert_eq!(words(&status), expected);
        }
    }
}
