//! The Markets page: each pair over all venues, with the best bid and ask on top.

pub mod choice;
pub mod controls;
pub mod figures;
pub mod table;

use leptos::prelude::*;
use leptos_meta::Title;
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    fragment::Fragment,
    live::{browser, model::LiveModel, use_live},
    pages::{
        FragmentSpec,
        markets::{
            choice::{Choice, listed},
            controls::Controls,
            figures::{PairGroup, Sampled, groups},
            table::PairTable,
        },
    },
    route::PageLink,
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[FragmentSpec { name: "markets", cadence: Cadence::Price }];

/// The Markets page.
#[component]
pub fn MarketsPage() -> impl IntoView {
    let live = use_live();
    let choice = remembered_choice();
    let all = Memo::new(move |_| {
        let dollars = choice.with(|choice| choice.dollars);
        live.instruments().with(|list| groups(&list.known, dollars))
    });
    // The order follows the figures only once a second: rows that change places while being read are useless.
    let shown = Memo::new(move |_| {
        live.slow_tick().track();
        let now = live.with_model(|model| all.with(|all| sample(all, model))).unwrap_or_default();
        let mut found = all.with(|all| choice.with(|choice| listed(all, &now, choice)));
        found.truncate(MAX_PAIRS);
        found
    });
    let topics = Signal::derive(move || {
        let mut topics: Vec<Topic> =
            shown.with(|shown| shown.iter().flat_map(PairGroup::topics).chain([Topic::STATUS]).collect());
        topics.sort_unstable();
        topics
    });
    let source = move |model: &LiveModel| Ok(Some(shown.with_untracked(|shown| sample(shown, model))));
    view! {
        <Title text="Markets · Truetape"/>
        <section class="markets panel" aria-label="Markets">
            <Controls choice all/>
            <Fragment name="markets" cadence=Cadence::Price topics source let:value>
                <Tables shown value/>
                <EmptyNote all shown/>
            </Fragment>
        </section>
    }
}

/// One table for each pair.
#[component]
fn Tables(
    /// The pairs, in order.
    shown: Memo<Vec<PairGroup>>,
    /// The region's sample.
    value: Signal<Option<Sampled>>,
) -> impl IntoView {
    let key = |group: &PairGroup| {
        let ids: Vec<String> = group.instruments.iter().map(|instrument| instrument.id.to_string()).collect();
        format!("{} {}", group.name, ids.join(" "))
    };
    view! {
        <div class="markets__list">
            <For each=move || shown.get() key let:group>
                <PairTable group value/>
            </For>
        </div>
    }
}

/// Advice for the case that there is nothing to compare.
#[component]
fn EmptyNote(
    /// All pairs.
    all: Memo<Vec<PairGroup>>,
    /// The shown pairs.
    shown: Memo<Vec<PairGroup>>,
) -> impl IntoView {
    let live = use_live();
    let words = Memo::new(move |_| {
        let is_known = live.instruments().with(|list| list.is_known);
        let n_most = all.with(|all| all.iter().map(PairGroup::n_venues).max().unwrap_or(0));
        match () {
            () if !is_known => "",
            () if n_most == 0 => "No venue is running. ",
            () if shown.with(Vec::is_empty) => "No pair matches the filter. ",
            () if n_most == 1 => "Start a second venue to compare prices. ",
            () => "",
        }
    });
    view! {
        <p class="markets__note" data-testid="markets-note" hidden=move || words.with(|words| words.is_empty())>
            {move || words.get()}
            <PageLink href="/venues">"Go to the Venues page"</PageLink>
        </p>
    }
}

fn sample(groups: &[PairGroup], model: &LiveModel) -> Sampled {
    let mut sampled = Sampled::default();
    groups.iter().for_each(|group| group.sample(model, &mut sampled));
    sampled
}

/// Returns the reader's choice: the default while rendering, then the stored one.
fn remembered_choice() -> RwSignal<Choice> {
    let choice = RwSignal::new(Choice::default());
    let has_read = StoredValue::new(false);
    Effect::new(move |_| {
        let text = choice.with(Choice::to_text);
        if has_read.get_value() {
            browser::store(STORAGE_KEY, &text);
        }
    });
    Effect::new(move |_| {
        has_read.set_value(true);
        let stored = Choice::parse(&browser::stored(STORAGE_KEY).unwrap_or_default());
        if choice.with_untracked(|known| *known != stored) {
            choice.set(stored);
        }
    });
    choice
}

/// The key of the choice in the browser's storage.
const STORAGE_KEY: &str = "truetape.markets";
/// Maximum pairs shown at once; with a few venues each they stay below the topics that one connection may follow. The
/// filter finds the others.
const MAX_PAIRS: usize = 80;
