//! The Risk page: what is exposed, how much of each limit is used, and the kill switch.

pub mod exposure;
pub mod kill_switch;
pub mod limit_fields;
pub mod limits;

use leptos::prelude::*;

use crate::{
    cadence::Cadence,
    pages::{
        FragmentSpec,
        desk::{
            head::DeskHead,
            risk::{exposure::ExposurePanel, kill_switch::KillPanel, limits::LimitsPanel},
        },
    },
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "risk-exposure", cadence: Cadence::Risk },
    FragmentSpec { name: "risk-limits", cadence: Cadence::Risk },
];

/// The page.
#[component]
pub fn RiskPage() -> impl IntoView {
    view! {
        <div class="desk-page" data-testid="risk">
            <DeskHead title="Risk"/>
            <ExposurePanel/>
            <LimitsPanel/>
            <KillPanel/>
        </div>
    }
}
