//! The Data quality page: the state and latency of each feed, the checks of each book, both sources of an instrument
//! side by side, and recent troubles.

pub mod books;
pub mod source_comparison;
pub mod trouble_list;
pub mod venues;

use leptos::prelude::*;
use leptos_meta::Title;
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::page_head::PageHead,
    live::use_live,
    pages::{
        FragmentSpec,
        quality::{
            books::BooksPanel, source_comparison::SourceComparison, trouble_list::TroubleList, venues::VenuesPanel,
        },
    },
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "quality-venues", cadence: Cadence::Status },
    FragmentSpec { name: "quality-books", cadence: Cadence::Status },
];

/// The Data quality page.
#[component]
pub fn QualityPage() -> impl IntoView {
    view! {
        <Title text="Data quality · Truetape"/>
        <div class="quality-page">
            <PageHead title="Data quality" help="How current each feed is, and whether its order books can be trusted".into_any()/>
            <VenuesPanel/>
            <BooksPanel/>
            <div class="quality-page__pair">
                <SourceComparison/>
                <TroubleList/>
            </div>
        </div>
    }
}

/// Returns the page's topics: status first, which determines a region's freshness, then the quality of all instruments,
/// up to the limit of one connection.
fn topics() -> Signal<Vec<Topic>> {
    let live = use_live();
    Signal::derive(move || {
        live.instruments().with(|list| {
            let each = list.known.iter().take(MAX_FOLLOWED).map(|instrument| Topic::quality(&instrument.id));
            [Topic::STATUS].into_iter().chain(each).collect()
        })
    })
}

/// Below a connection's limit (512), leaving some for other regions.
const MAX_FOLLOWED: usize = 400;
