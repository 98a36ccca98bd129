//! Both sources of an instrument side by side: the data of each, and the data that only one of them has.
//!
//! The comparison itself is `live::cross_check`; while the reader has it switched on, it follows the shown instrument's
//! venue from both sources.

use leptos::prelude::*;
use model::{decimal::Price, instrument::InstrumentId, time::Now};
use topics::{lane::Lane, topic::Topic};

use crate::{
    format,
    live::{browser, cross_check::CrossReport, use_live},
};

/// The comparison of the shown instrument: one for the page, however many places show it.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    is_on: RwSignal<bool>,
    /// Why the shown instrument cannot be followed directly.
    refusal: Memo<Option<String>>,
    report: Memo<Option<CrossReport>>,
}

impl Comparison {
    fn new(instrument: Signal<Option<InstrumentId>>) -> Self {
        let live = use_live();
        let is_on = RwSignal::new(false);
        let compared = Memo::new(move |_| instrument.get().filter(|_| is_on.get()));
        live.use_topics(
            Signal::derive(move || {
                let both = compared.get().map(|instrument| vec![Topic::tape(&instrument), Topic::quote(&instrument)]);
                both.unwrap_or_default()
            }),
            Lane::Fast.into(),
        );
        Effect::new(move |_| live.compare(compared.get()));
        let refusal = Memo::new(move |_| {
            let venue = instrument.get()?.venue().clone();
            if live.venues().with(|venues| venues.find(&venue).is_some_and(|row| row.capabilities.is_simulated)) {
                return Some(
                    "Server and browser each simulate their own market here, so there is nothing to compare."
                        .to_owned(),
                );
            }
            live.direct_venues().with(|venues| venues.iter().find(|direct| direct.venue == venue)?.refusal.clone())
        });
        let report = Memo::new(move |_| {
            let has_begun = live.tick().get() != Now::default();
            compared.get().filter(|_| has_begun)?;
            live.with_model(|model| model.cross_check.as_ref().map(|check| check.report(browser::now()))).flatten()
        });
        Self { is_on, refusal, report }
    }
}

/// Provides the comparison to the whole page.
pub fn provide_comparison(instrument: Signal<Option<InstrumentId>>) {
    provide_context(Comparison::new(instrument));
}

/// The switch, and while it is on, the comparison.
#[component]
pub fn CrossCheckPanel() -> impl IntoView {
    let comparison = use_context().unwrap_or_else(|| Comparison::new(Signal::stored(None)));
    let Comparison { is_on, refusal, report } = comparison;
    let verdict = Memo::new(move |_| report.with(|report| report.as_ref().map(verdict).unwrap_or_default()));
    view! {
        <section class="cross-check" data-testid="cross-check" aria-label="Server and direct compared">
            <label class="choice">
                <input
                    type="checkbox"
                    data-testid="cross-check-switch"
                    disabled=move || refusal.with(Option::is_some)
                    prop:checked=move || is_on.get()
                    on:change=move |event| is_on.set(event_target_checked(&event))
                />
                <span>"Compare server and direct"</span>
            </label>
            <p class="cross-check__note">"Also connects this browser to the venue and shows where the two differ."</p>
            <p class="cross-check__note" hidden=move || refusal.with(Option::is_none)>{move || refusal.get()}</p>
            <div hidden=move || report.with(Option::is_none)>
                <table class="cross-check__table">
                    <thead>
                        <tr><th></th><th scope="col">"Server"</th><th scope="col">"Direct"</th></tr>
                    </thead>
                    <tbody>
                        <tr>
                            <th scope="row">"Last update"</th>
                            {[0, 1].map(|side_idx| view! { <td>{move || report.with(|report| age(report.as_ref(), side_idx))}</td> })}
                        </tr>
                        <tr>
                            <th scope="row">"Best bid"</th>
                            {[0, 1].map(|side_idx| view! { <td>{move || report.with(|report| price(report.as_ref(), side_idx, |top| top.0))}</td> })}
                        </tr>
                        <tr>
                            <th scope="row">"Best ask"</th>
                            {[0, 1].map(|side_idx| view! { <td>{move || report.with(|report| price(report.as_ref(), side_idx, |top| top.1))}</td> })}
                        </tr>
                    </tbody>
                </table>
                <p
                    class="cross-check__verdict"
                    role="status"
                    data-testid="cross-check-verdict"
                    data-state=move || verdict.with(|verdict| verdict.state)
                    data-matched=move || report.with(|report| report.as_ref().map_or(0, |report| report.n_matched).to_string())
                >
                    {move || verdict.with(|verdict| verdict.words.clone())}
                </p>
            </div>
        </section>
    }
}

/// The result of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// For `data-state`.
    state: &'static str,
    words: String,
}

fn verdict(report: &CrossReport) -> Verdict {
    let differences = report.differences();
    if !differences.is_empty() {
        return Verdict { state: "differs", words: format!("▲ {}", differences.join("; ")) };
    }
    if report.n_matched == 0 && report.n_tops_matched == 0 {
        return Verdict { state: "waiting", words: "Waiting for data from both…".to_owned() };
    }
    let (n_trades, n_tops) = (report.n_matched.to_string(), report.n_tops_matched.to_string());
    let words = format!("● Both match: {} trades, {} quotes", format::grouped(&n_trades), format::grouped(&n_tops));
    Verdict { state: "agrees", words }
}

fn age(report: Option<&CrossReport>, side_idx: usize) -> String {
    let known = report.filter(|report| report.has_come.get(side_idx) == Some(&true));
    let silent = known.and_then(|report| report.silent.get(side_idx));
    silent.map_or_else(
        || format::UNKNOWN.to_owned(),
        |silent| format::age(u64::try_from(silent.as_millis()).unwrap_or(u64::MAX)),
    )
}

fn price(report: Option<&CrossReport>, side_idx: usize, of: fn((Price, Price)) -> Price) -> String {
    let top = report.and_then(|report| report.tops.get(side_idx).copied().flatten());
    top.map_or_else(|| format::UNKNOWN.to_owned(), |top| format::grouped(&of(top).to_string()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_verdict_is_a_word_and_a_shape() {
        let waiting = CrossReport::default();
        assert_eq!(verdict(&waiting).state, "waiting");
        let agrees = CrossReport { n_matched: 1_234, n_tops_matched: 5, ..CrossReport::default() };
        assert_eq!(verdict(&agrees).state, "agrees");
        assert_eq!(verdict(&agrees).words.replace(format::GROUP, " "), "● Both match: 1 234 trades, 5 quotes");
        let differs = CrossReport { tops_differ: Some(Duration::from_secs(7)), ..agrees };
        let verdict = verdict(&differs);
        assert_eq!((verdict.state, verdict.words.as_str()), ("differs", "▲ best bid and ask have differed for 7 s"));
        assert_eq!(age(Some(&differs), 0), format::UNKNOWN);
    }
}
