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

/// Returns the topics of a region of this page: status first, which determines its freshness, then those of instruments.
fn status_and(followed: impl IntoIterator<Item = Topic>) -> Vec<Topic> {
    [Topic::STATUS].into_iter().chain(followed).collect()
}
