//! The Grid page: a form whose preview the page computes with the server's own code, and the running grids.

pub mod chart;
pub mod form;
pub mod preview;
pub mod running;

use leptos::prelude::*;

use crate::{
    cadence::Cadence,
    pages::{
        FragmentSpec,
        desk::{
            grid::{form::GridForm, running::GridsPanel},
            head::DeskHead,
        },
    },
};

/// The regions of this page. The preview changes with the form only.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "grid-running", cadence: Cadence::Positions },
    FragmentSpec { name: "grid-chart", cadence: Cadence::Chart },
];

/// The page.
#[component]
pub fn GridPage() -> impl IntoView {
    view! {
        <div class="desk-page" data-testid="grid">
            <DeskHead title="Grid"/>
            <GridsPanel/>
            <GridForm/>
        </div>
    }
}
