//! A labelled figure: a small label above a number.

use leptos::prelude::*;

use crate::format;

/// A number as displayed, and as read by programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// With separators and units.
    pub text: String,
    /// Plain digits; empty if the number is unknown.
    pub value: String,
}

impl Default for Figure {
    fn default() -> Self {
        Self { text: format::UNKNOWN.to_owned(), value: String::new() }
    }
}

/// A figure with its label.
#[component]
pub fn Stat(
    /// The label above.
    label: &'static str,
    /// The test id.
    #[prop(optional)]
    testid: Option<&'static str>,
    /// The figure.
    #[prop(into)]
    figure: Signal<Figure>,
    /// If there is not room for all figures, higher ranks are hidden first: 1 stays longest.
    #[prop(default = 1)]
    rank: u8,
) -> impl IntoView {
    view! {
        <div class="stat" data-rank=rank.to_string()>
            <dt class="stat__label">{label}</dt>
            <dd class="stat__value" data-testid=testid data-value=move || figure.with(|figure| figure.value.clone())>
                {move || figure.with(|figure| figure.text.clone())}
            </dd>
        </div>
    }
}
