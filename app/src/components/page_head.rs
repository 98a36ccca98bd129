//! The head of a page: its title, one line of help where a newcomer needs it, and the page's controls.

use leptos::prelude::*;

/// The head, the same on every page but the Live page, whose headline is its head.
#[component]
pub fn PageHead(
    /// The title.
    title: &'static str,
    /// One line of help or facts beside the title.
    #[prop(optional)]
    help: Option<AnyView>,
    /// The page's controls.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="page-head">
            <h1 class="page-head__title">{title}</h1>
            {help.map(|help| view! { <p class="page-head__help">{help}</p> })}
            {children.map(|children| view! { <div class="page-head__controls">{children()}</div> })}
        </header>
    }
}
