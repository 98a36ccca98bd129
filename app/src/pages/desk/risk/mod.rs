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
            figure_list::FigurePanel,
            head::DeskHead,
            risk::{exposure::ExposurePanel, kill_switch::KillPanel, limits::LimitsPanel},
        },
    },
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "risk-exposure", cadence: Cadence::Risk },
    FragmentSpec { name: "risk-limits", cadence: Cadence::Risk },
    FragmentSpec { name: "risk-value", cadence: Cadence::Status },
];

/// The page.
#[component]
pub fn RiskPage() -> impl IntoView {
    view! {
        <div class="desk-page" data-testid="risk">
            <DeskHead title="Risk"/>
            <ExposurePanel/>
            <LimitsPanel/>
            <FigurePanel name="risk-value" title="Value at risk" is_shown=is_of_risk/>
            <KillPanel/>
        </div>
    }
}

/// True for the statistics that this page shows; the dashboard shows the others.
pub fn is_of_risk(key: &str) -> bool {
    key.contains("var_") || key.starts_with("expected_shortfall") || matches!(key, "volatility" | "max_drawdown")
}
