//! The Markets page: each pair over all venues, with the best bid and ask on top.

pub mod choice;
pub mod controls;
pub mod figures;
pub mod rows;
pub mod table;

use std::{borrow::Borrow, sync::Arc};

use leptos::prelude::*;
use leptos_meta::Title;
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::long_table::use_row_window,
    fragment::Fragment,
    live::{browser, model::LiveModel, use_live},
    pages::{
        FragmentSpec,
        markets::{
            choice::{Choice, listed},
            controls::Controls,
            figures::{PairGroup, Sampled, advice, groups},
            rows::{MarketRow, rows},
            table::MarketTable,
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
    let listed = Memo::new(move |_| {
        let now = choice.with(|choice| choice.order.needs_figures()).then(|| {
            live.slow_tick().track();
            live.with_model(|model| all.with(|all| sample(all, model))).unwrap_or_default()
        });
        rows(all.with(|all| choice.with(|choice| listed(all, &now.unwrap_or_default(), choice))))
    });
    let window = use_row_window(move |_| listed.with(Vec::len));
    let in_view = move || listed.with(|listed| groups_of(listed.get(window.in_view().get()).unwrap_or_default()));
    let in_view = Memo::new(move |_| in_view());
    let topics = Signal::derive(move || {
        let mut topics: Vec<Topic> =
            in_view.with(|groups| groups.iter().flat_map(|group| group.topics()).chain([Topic::STATUS]).collect());
        // Sorting by a figure takes the figures of all, up to a limit.
        if choice.with(|choice| choice.order.needs_figures()) {
            listed.with(|listed| {
                topics.extend(groups_of(listed).iter().flat_map(|group| group.topics()).take(MAX_SORTED_TOPICS));
            });
        }
        topics.sort_unstable();
        topics.dedup();
        topics
    });
    let source = move |model: &LiveModel| Ok(Some(in_view.with_untracked(|groups| sample(groups, model))));
    let n_listed = Memo::new(move |_| listed.with(Vec::len));
    view! {
        <Title text="Markets · Truetape"/>
        <section class="markets panel" aria-label="Markets">
            <Controls choice all/>
            <Fragment name="markets" cadence=Cadence::Price topics source let:value>
                <MarketTable rows=listed window value/>
                <EmptyNote all n_listed/>
            </Fragment>
        </section>
    }
}

/// Returns the pairs of some rows, each once.
fn groups_of(rows: &[MarketRow]) -> Vec<Arc<PairGroup>> {
    let mut groups: Vec<Arc<PairGroup>> = rows.iter().map(|row| Arc::clone(row.group())).collect();
    groups.dedup_by(|one, other| Arc::ptr_eq(one, other));
    groups
}

/// Advice for the case that there is nothing to compare.
#[component]
fn EmptyNote(
    /// All pairs.
    all: Memo<Vec<PairGroup>>,
    /// The number of rows that the filter leaves.
    n_listed: Memo<usize>,
) -> impl IntoView {
    let live = use_live();
    let words = Memo::new(move |_| {
        let is_known = live.instruments().with(|list| list.is_known);
        if is_known { all.with(|all| advice(all, n_listed.get())) } else { "" }
    });
    view! {
        <p class="markets__note" data-testid="markets-note" hidden=move || words.with(|words| words.is_empty())>
            {move || words.get()}
            <PageLink href="/venues">"Go to the Venues page"</PageLink>
        </p>
    }
}

fn sample(groups: &[impl Borrow<PairGroup>], model: &LiveModel) -> Sampled {
    let mut sampled = Sampled::default();
    groups.iter().for_each(|group| group.borrow().sample(model, &mut sampled));
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
/// Topics followed for sorting, beside those in view: together below what one connection may follow (512).
const MAX_SORTED_TOPICS: usize = 300;
