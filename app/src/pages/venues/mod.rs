//! The Venues page: each venue's capabilities and state, and controls to start and stop it.

pub mod figures;
pub mod row;
pub mod symbols;

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_meta::Title;
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::page_head::PageHead,
    fragment::Fragment,
    live::{browser, model::LiveModel, use_live},
    pages::{
        FragmentSpec,
        venues::{
            figures::{VenueState, is_all_simulated},
            row::VenuePanel,
        },
    },
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[FragmentSpec { name: "venues", cadence: Cadence::Status }];

/// The state of all venues, by name; and whether all running ones are simulated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampled {
    venues: BTreeMap<String, VenueState>,
    is_all_simulated: bool,
}

/// The Venues page.
#[component]
pub fn VenuesPage() -> impl IntoView {
    let live = use_live();
    let venues = live.venues();
    let all = Memo::new(move |_| venues.with(|list| list.known.clone()));
    let topics = Signal::derive(|| vec![Topic::STATUS]);
    let source = move |model: &LiveModel| {
        let Some(status) = model.status() else { return Ok(None) };
        let now = browser::now();
        let (server_now, is_cut_off) = (model.clock.server_time(now), model.is_cut_off(now));
        let state = |name: &String| (name.clone(), VenueState::new(name, status, server_now, is_cut_off));
        let venues = all.with_untracked(|all| all.iter().map(|venue| state(&venue.name)).collect());
        Ok(Some(Sampled { venues, is_all_simulated: is_all_simulated(status) }))
    };
    let failure = move || venues.with(|list| list.failure.clone().filter(|_| !list.is_known)).unwrap_or_default();
    view! {
        <Title text="Venues · Truetape"/>
        <section class="venues panel" aria-label="Venues">
            <PageHead
                title="Venues"
                help="Changes last until the server restarts. To keep a feed after a restart, add it to truetape.toml.".into_any()
            />
            <p class="venues__failure" role="status" hidden=move || failure().is_empty()>
                "Could not load the venues: "{failure}". Trying again."
            </p>
            <Fragment name="venues" cadence=Cadence::Status topics source let:value>
                <div class="venues__list">
                    <p
                        class="venues__offer"
                        data-testid="venues-offer"
                        hidden=move || !value.with(|value| value.as_ref().is_some_and(|value| value.is_all_simulated))
                    >
                        "Only the simulated market is running. Start a real venue below with one click."
                    </p>
                    <For each=move || all.get().to_vec() key=|venue| venue.name.clone() let:venue>
                        {
                            let name = venue.name.clone();
                            let state = Memo::new(move |_| {
                                value.with(|value| value.as_ref()?.venues.get(&name).cloned()).unwrap_or_else(VenueState::stopped)
                            });
                            view! { <VenuePanel venue state/> }
                        }
                    </For>
                </div>
            </Fragment>
        </section>
    }
}
