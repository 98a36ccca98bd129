//! A labelled figure: a small word above a number.

use leptos::prelude::*;

use crate::format;

/// A number as it is shown, and as programs read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// With separators and units.
    pub text: String,
    /// Plain digits; empty where the number is not known.
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
    /// The word above.
    label: &'static str,
    /// What tests read it by.
    #[prop(optional)]
    testid: Option<&'static str>,
    /// The figure.
    #[prop(into)]
    figure: Signal<Figure>,
    /// Where there is not room for all, those of a higher rank go first: 1 stays to the last.
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
