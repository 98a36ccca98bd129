//! One block for each venue: transport and data separately, counters, latencies, and clock differences.

use std::sync::Arc;

use leptos::prelude::*;
use model::{
    instrument::{Instrument, InstrumentId, Venue},
    quality::FeedCounters,
    sorted::SortedMap,
    status::StreamState,
};
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::{
        budget_bar::BudgetBar,
        status_light::{StatusLight, Subject},
    },
    format::{self, UNKNOWN},
    fragment::Fragment,
    live::{browser, model::LiveModel, use_live},
    pages::quality::status_and,
    quality::facts::VenueFacts,
};

/// All venues.
#[component]
pub fn VenuesPanel() -> impl IntoView {
    let live = use_live();
    let topics = Memo::new(move |_| status_and(live.instruments().with(|list| one_of_each_feed(&list.known))));
    let source = |model: &LiveModel| Ok(model.status().map(|_| VenueFacts::all(model, browser::now())));
    view! {
        <section class="panel quality-venues" aria-label="Feeds">
            <div class="panel__head">
                <h2 class="panel__title">"Feeds"</h2>
            </div>
            <Fragment name="quality-venues" cadence=Cadence::Status topics source let:facts>
                <VenueBlocks facts/>
            </Fragment>
        </section>
    }
}

/// Returns the quality topic of one instrument of each venue: it includes the whole feed's.
fn one_of_each_feed(known: &[Arc<Instrument>]) -> Vec<Topic> {
    let mut first: SortedMap<&Venue, &InstrumentId> = SortedMap::new();
    for id in known.iter().map(|instrument| &instrument.id) {
        let is_earlier = first.get(id.venue()).is_none_or(|known| id < *known);
        if is_earlier {
            first.insert(id.venue(), id);
        }
    }
    first.values().map(|id| Topic::quality(id)).collect()
}

#[component]
fn VenueBlocks(
    /// The facts about each venue.
    facts: Signal<Option<Vec<VenueFacts>>>,
) -> impl IntoView {
    let n_venues = Memo::new(move |_| facts.with(|facts| facts.as_ref().map_or(0, Vec::len)));
    let note = move || match facts.with(|facts| facts.as_ref().map(Vec::len)) {
        Some(0) => "No feeds are running.",
        _ => "",
    };
    view! {
        <div class="quality-venues__blocks">
            <For each=move || 0..n_venues.get() key=|at| *at let(at)>
                <VenueBlock facts=Memo::new(move |_| facts.with(|facts| facts.as_ref()?.get(at).cloned()))/>
            </For>
            <p class="quality-venues__note" hidden=move || note().is_empty()>{note}</p>
        </div>
    }
}

#[component]
fn VenueBlock(
    /// The facts about the venue; `None` while it is being removed.
    facts: Memo<Option<VenueFacts>>,
) -> impl IntoView {
    let text = move |of: fn(&VenueFacts) -> &str| {
        Signal::derive(move || facts.with(|facts| facts.as_ref().map_or_else(String::new, |one| of(one).to_owned())))
    };
    let state = Signal::derive(move || facts.with(|facts| facts.as_ref().map(|one| one.state).unwrap_or_default()));
    let word = Signal::derive(move || facts.with(|facts| facts.as_ref().map_or("", |one| one.word)));
    let subject = Signal::derive(move || facts.with(|facts| Some(Subject::Venue(facts.as_ref()?.venue.clone()))));
    let budget =
        Memo::new(move |_| facts.with(|facts| facts.as_ref().map(|one| one.budget.clone()).unwrap_or_default()));
    let is_simulated = move || facts.with(|facts| facts.as_ref().is_some_and(|one| one.is_simulated));
    let cause = text(|one| &one.cause);
    view! {
        <article
            class="venue-block"
            data-testid="venue-block"
            data-venue=text(|one| one.venue.as_str())
            data-state=move || state.get().as_str()
            data-transport=text(|one| one.liveness.0)
            data-data=text(|one| one.liveness.1)
        >
            <header class="venue-block__head">
                <StatusLight subject state word>
                    <strong>{text(|one| one.venue.as_str())}</strong>
                    <span class="venue-block__word" data-testid="venue-word">{word}</span>
                </StatusLight>
                <span class="tag" data-testid="venue-mode" hidden=is_simulated>{text(|one| one.mode)}</span>
                <span class="tag tag--simulated" hidden=move || !is_simulated()>"SIMULATED"</span>
                <span class="venue-block__cause" data-testid="venue-cause" title=cause hidden=move || cause.get().is_empty()>{cause}</span>
            </header>
            <div class="venue-block__body">
                <FactList facts state/>
                <BudgetBar budget/>
                <ClockMeter facts/>
                <Samples facts/>
            </div>
        </article>
    }
}

/// Labelled facts; transport and data come first, beside each other.
#[component]
fn FactList(
    /// The facts about the venue.
    facts: Memo<Option<VenueFacts>>,
    /// The colour of its light.
    state: Signal<StreamState>,
) -> impl IntoView {
    let text = move |of: fn(&VenueFacts) -> &str| {
        move || facts.with(|facts| facts.as_ref().map_or_else(|| UNKNOWN.to_owned(), |one| of(one).to_owned()))
    };
    let count = move |of: fn(&FeedCounters) -> u64| {
        Signal::derive(move || facts.with(|facts| Some(of(&facts.as_ref()?.counters?))))
    };
    let is_open = move || facts.with(|facts| facts.as_ref().is_some_and(|one| one.is_breaker_open));
    view! {
        <dl class="facts">
            <div class="fact">
                <dt>"Last message"</dt>
                <dd data-testid="last-frame">{text(|one| &one.last_frame)}</dd>
            </div>
            <div class="fact" data-warn=move || matches!(state.get(), StreamState::Stale | StreamState::Failed).to_string()>
                <dt>"Last data"</dt>
                <dd data-testid="last-data">{text(|one| &one.last_data)}</dd>
            </div>
            <div class="fact"><dt>"Streams"</dt><dd>{text(|one| &one.streams)}</dd></div>
            <div class="fact"><dt>"Connections"</dt><dd data-testid="connections">{text(|one| &one.connections)}</dd></div>
            <div class="fact" data-warn=move || is_open().to_string()>
                <dt>"REST breaker"</dt>
                <dd data-testid="breaker">{text(|one| &one.breaker)}</dd>
            </div>
            <div class="fact"><dt>"REST weight"</dt><dd data-testid="rest-weight">{text(|one| &one.weight)}</dd></div>
            <CountFact label="Frames" testid="frames" count=count(|counters| counters.frames)/>
            <CountFact label="Malformed" testid="malformed" count=count(|counters| counters.malformed) is_fault=true/>
            <CountFact label="Unknown" testid="unknown" count=count(|counters| counters.unknown)/>
            <CountFact label="Gaps" testid="gaps" count=count(|counters| counters.gaps) is_fault=true/>
            <CountFact label="Out of order" testid="out-of-order" count=count(|counters| counters.out_of_order)/>
            <CountFact label="Duplicates" testid="duplicates" count=count(|counters| counters.duplicates)/>
        </dl>
    }
}

#[component]
fn CountFact(
    /// The label of the counter.
    label: &'static str,
    /// The test id.
    testid: &'static str,
    /// The count; `None` until known.
    count: Signal<Option<u64>>,
    /// True if any count above zero is a fault.
    #[prop(default = false)]
    is_fault: bool,
) -> impl IntoView {
    let text = move || count.get().map_or_else(|| UNKNOWN.to_owned(), |count| format::grouped(&count.to_string()));
    let value = move || count.get().map(|count| count.to_string()).unwrap_or_default();
    view! {
        <div class="fact" data-warn=move || (is_fault && count.get().is_some_and(|count| count > 0)).to_string()>
            <dt>{label}</dt>
            <dd data-testid=testid data-value=value>{text}</dd>
        </div>
    }
}

/// The clock differences between exchange, server and browser, and their effect on ages.
#[component]
fn ClockMeter(
    /// The facts about the venue.
    facts: Memo<Option<VenueFacts>>,
) -> impl IntoView {
    let line = move |at: usize| {
        let of = move |read: fn(&crate::quality::clocks::ClockLine) -> &str| {
            move || {
                facts.with(|facts| {
                    facts
                        .as_ref()
                        .and_then(|one| one.clocks.lines.get(at))
                        .map_or_else(String::new, |line| read(line).to_owned())
                })
            }
        };
        view! {
            <div class="clocks__line">
                <dt>{of(|line| &line.whose)}</dt>
                <dd>{of(|line| &line.words)}</dd>
            </div>
        }
    };
    view! {
        <div class="clocks" data-testid="clocks">
            <dl>{line(0)}{line(1)}</dl>
            <p class="clocks__effect" data-testid="clock-effect">
                {move || facts.with(|facts| facts.as_ref().map(|one| one.clocks.effect.clone()).unwrap_or_default())}
            </p>
        </div>
    }
}

/// The last unreadable frames.
#[component]
fn Samples(
    /// The facts about the venue.
    facts: Memo<Option<VenueFacts>>,
) -> impl IntoView {
    let samples =
        Memo::new(move |_| facts.with(|facts| facts.as_ref().map(|one| one.samples.clone()).unwrap_or_default()));
    view! {
        <details class="samples" hidden=move || samples.with(Vec::is_empty)>
            <summary data-testid="samples">
                {move || format!("Last {} unreadable frames", samples.with(Vec::len))}
            </summary>
            <ol class="samples__list">
                {move || samples.get().into_iter().map(|(at, text)| view! {
                    <li class="samples__line" data-testid="sample"><time>{at}</time><code>{text}</code></li>
                }).collect_view()}
            </ol>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instrument_of_each_venue_tells_of_its_feed() {
        #[track_caller]
        fn check(known: &[&str], expected: &[&str]) {
            let instrument = |id: &&str| -> Arc<Instrument> {
                let text = format!(
                    r#"{{"id":"{id}","base":"A","quote":"B","tick_size":"0.1","lot_size":"1","min_notional":null,"status":"trading","is_simulated":false}}"#
                );
                Arc::new(serde_json::from_str(&text).unwrap())
            };
            let topics = one_of_each_feed(&known.iter().map(instrument).collect::<Vec<_>>());
            assert_eq!(topics.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        }
        check(&[], &[]);
        check(&["two:A", "one:C", "one:B", "one:D"], &["quality:one:B", "quality:two:A"]);
    }
}
