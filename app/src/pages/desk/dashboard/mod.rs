//! The Dashboard: what the account is worth, how it came there, what is open, and what needs attention.

pub mod activity;
pub mod curve;
pub mod figures;
pub mod holdings;

use leptos::prelude::*;

use crate::{
    cadence::Cadence,
    pages::{
        FragmentSpec,
        desk::{
            dashboard::{activity::Activity, figures::AccountPanel, holdings::Holdings},
            figure_list::FigurePanel,
            head::DeskHead,
            risk::is_of_risk,
        },
    },
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "dashboard-account", cadence: Cadence::Risk },
    FragmentSpec { name: "dashboard-positions", cadence: Cadence::Positions },
    FragmentSpec { name: "dashboard-activity", cadence: Cadence::Status },
    FragmentSpec { name: "dashboard-performance", cadence: Cadence::Status },
];

/// The page.
#[component]
pub fn DashboardPage() -> impl IntoView {
    view! {
        <div class="desk-page dashboard" data-testid="dashboard">
            <DeskHead title="Dashboard"/>
            <AccountPanel/>
            <div class="desk-page__pair">
                <Holdings/>
                <Activity/>
            </div>
            <FigurePanel name="dashboard-performance" title="Performance" is_shown=|key| !is_of_risk(key)/>
        </div>
    }
}
