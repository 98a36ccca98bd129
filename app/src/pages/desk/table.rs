//! Cells and headings of the desk's tables. On phones each row becomes a block whose cells name themselves.

use leptos::prelude::*;

/// Returns a cell; `label` is its heading, which the cell shows itself where there is no room for columns.
pub fn cell(label: &'static str, content: impl IntoView + 'static) -> AnyView {
    view! { <span class="desk-row__cell" role="cell" data-label=label>{content.into_any()}</span> }.into_any()
}

/// Returns a heading; an empty one is that of buttons.
pub fn heading(label: &'static str) -> AnyView {
    match label {
        "" => view! { <span role="columnheader"><span class="unseen">"Actions"</span></span> }.into_any(),
        label => view! { <span role="columnheader">{label}</span> }.into_any(),
    }
}

/// Returns a row of headings.
pub fn headings<const N: usize>(labels: [&'static str; N]) -> AnyView {
    view! { <div class="desk-row desk-row--head" role="row">{labels.map(heading).into_any()}</div> }.into_any()
}
