//! Cells and headings of the desk's tables. On phones each row becomes a block whose cells name themselves.

use leptos::prelude::*;

/// Returns a cell; `label` is its heading, which the cell shows itself where there is no room for columns.
pub fn cell(label: &'static str, content: impl IntoView + 'static) -> AnyView {
    view! { <span class="desk-row__cell" role="cell" data-label=label>{content.into_any()}</span> }.into_any()
}

/// Returns a row of headings.
pub fn headings<const N: usize>(labels: [&'static str; N]) -> AnyView {
    let heading = |label: &'static str| view! { <span role="columnheader">{label}</span> };
    view! { <div class="desk-row desk-row--head" role="row">{labels.map(heading).into_any()}</div> }.into_any()
}
