//! The popover behind each status light: state, word, cause, transport and data separately, the checks of the book, and
//! latencies. One for the whole page; it shows the light clicked last.
//!
//! It follows the instrument's `quality` only while it is open. Not here: the facts themselves (`quality::facts`).

use leptos::{html, prelude::*};
use model::{status::StreamState, time::Now};
use topics::{lane::Lane, topic::Topic};

use crate::{
    components::{
        budget_bar::BudgetBar,
        status_light::{PopoverRequest, Subject},
        status_mark::StatusMark,
    },
    lazy::{Facts, LazyPart, LazyView},
    live::{browser, model::LiveModel, use_live, venue_list::VenueList},
    quality::{
        budget::Budget,
        facts::{StreamFacts, VenueFacts},
    },
    route::PageLink,
};

/// The popover's id, referenced by lights.
pub const POPOVER: &str = "status-popover";

/// The content for either subject.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    title: String,
    state: StreamState,
    word: &'static str,
    sentence: String,
    lines: Vec<(&'static str, String)>,
    budget: Budget,
}

/// The popover.
#[component]
pub fn StatusPopover() -> impl IntoView {
    let facts = Facts { is_open: RwSignal::new(false), state: RwSignal::default() };
    let Facts { is_open, state } = facts;
    let panel = NodeRef::<html::Section>::new();
    let on_toggle = move |_| is_open.set(panel.get_untracked().is_some_and(|panel| browser::is_popover_open(&panel)));
    view! {
        <section
            class="status-popover"
            id=POPOVER
            popover="auto"
            aria-label="Status"
            data-testid="status-popover"
            data-state=move || state.get().as_str()
            node_ref=panel
            on:toggle=on_toggle
        >
            <LazyView part=LazyPart::Status(facts)/>
        </section>
    }
}

/// The content of the popover.
#[component]
pub fn StatusFacts(
    /// The facts to show.
    facts: Facts,
) -> impl IntoView {
    let live = use_live();
    let asked = use_context::<PopoverRequest>().map(|asked| asked.0).unwrap_or_default();
    let is_open = facts.is_open;
    live.use_topics(
        Signal::derive(move || match asked.get().filter(|_| is_open.get()) {
            Some(Subject::Stream(id)) => vec![Topic::STATUS, Topic::quality(&id)],
            Some(Subject::Venue(_)) | None => Vec::new(),
        }),
        Lane::Fast.into(),
    );
    let shown = Memo::new(move |_| {
        let is_shown = is_open.get() && live.tick().get() != Now::default();
        let subject = asked.get().filter(|_| is_shown)?;
        live.venues().with(|venues| live.with_model(|model| shown(model, &subject, venues, browser::now())))
    });
    let part = move |of: fn(&Shown) -> &str| {
        move || shown.with(|shown| shown.as_ref().map_or_else(String::new, |shown| of(shown).to_owned()))
    };
    let is_plain = move || shown.with(|shown| shown.as_ref().is_none_or(|shown| shown.sentence == shown.word));
    let state = Signal::derive(move || shown.with(|shown| shown.as_ref().map(|shown| shown.state).unwrap_or_default()));
    let lines =
        Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.lines.clone()).unwrap_or_default()));
    let budget =
        Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.budget.clone()).unwrap_or_default()));
    Effect::new(move |_| facts.state.set(state.get()));
    view! {
            <header class="status-popover__head">
                <StatusMark state/>
                <strong>{part(|shown| &shown.title)}</strong>
                <span class="status-popover__word" data-testid="status-word">{part(|shown| shown.word)}</span>
            </header>
            // If all is well, the word suffices.
            <p class="status-popover__sentence" data-testid="status-sentence" hidden=is_plain>{part(|shown| &shown.sentence)}</p>
            <dl class="status-popover__lines">
                <For
                    each=move || lines.with(|lines| lines.iter().map(|line| line.0).collect::<Vec<_>>())
                    key=|label| *label
                    let(label)
                >
                    <dt>{label}</dt>
                    <dd>
                        {move || lines.with(|lines| {
                            lines.iter().find(|line| line.0 == label).map(|line| line.1.clone()).unwrap_or_default()
                        })}
                    </dd>
                </For>
            </dl>
            <BudgetBar budget is_compact=true/>
            <PageLink href="/quality" class="status-popover__more" testid="to-quality">"Data quality"</PageLink>
    }
}

fn shown(model: &LiveModel, subject: &Subject, venues: &VenueList, now: Now) -> Shown {
    match subject {
        Subject::Stream(id) => {
            let StreamFacts { state, word, sentence, lines, budget } =
                StreamFacts::of(model, id, venues.title(id.venue()), now);
            Shown { title: id.to_string(), state, word, sentence, lines, budget }
        }
        Subject::Venue(venue) => match VenueFacts::of(model, venue, now) {
            Some(facts) => of_venue(facts),
            None => Shown { title: venue.to_string(), word: "unknown", ..Shown::default() },
        },
    }
}

fn of_venue(facts: VenueFacts) -> Shown {
    let sentence =
        if facts.cause.is_empty() { facts.word.to_owned() } else { format!("{}: {}", facts.word, facts.cause) };
    Shown {
        title: facts.venue.to_string(),
        state: facts.state,
        word: facts.word,
        sentence,
        lines: vec![
            ("Mode", facts.mode.to_owned()),
            ("Last message", facts.last_frame),
            ("Last data", facts.last_data),
            ("Streams", facts.streams),
            ("Connections", facts.connections),
            ("REST breaker", facts.breaker),
            ("REST weight", facts.weight),
        ],
        budget: facts.budget,
    }
}
