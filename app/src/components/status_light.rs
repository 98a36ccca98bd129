//! A clickable status light: a button with colour, shape and word, which opens the popover with the facts.

use leptos::{ev, prelude::*};
use model::{
    instrument::{InstrumentId, Venue},
    status::StreamState,
};

use crate::{
    components::{status_mark::StatusMark, status_popover::POPOVER},
    live::browser,
};

/// The subject of a light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One instrument's stream.
    Stream(InstrumentId),
    /// A venue's feed.
    Venue(Venue),
}

/// The light whose facts the popover shows.
#[derive(Clone, Copy, Debug)]
pub struct PopoverRequest(pub RwSignal<Option<Subject>>);

/// Provides the choice of the popover's subject to the whole page.
pub fn provide_popover_requests() -> PopoverRequest {
    let asked = PopoverRequest(RwSignal::new(None));
    provide_context(asked);
    asked
}

/// The light; the browser opens the popover on a click or Enter, and closes it on Esc or a click beside it.
#[component]
pub fn StatusLight(
    /// The subject; without one, clicks do nothing.
    #[prop(into)]
    subject: Signal<Option<Subject>>,
    /// The colour and shape.
    #[prop(into)]
    state: Signal<StreamState>,
    /// The word for screen readers; displayed only if `children` show it.
    #[prop(into)]
    word: Signal<&'static str>,
    /// The content beside the mark, within the button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let asked = use_context::<PopoverRequest>();
    let name = move || {
        let name = subject.with(|subject| match subject {
            Some(Subject::Stream(id)) => id.to_string(),
            Some(Subject::Venue(venue)) => venue.to_string(),
            None => String::new(),
        });
        format!("{name} is {}: details", word.get())
    };
    // Words that are displayed are the button's name: whoever speaks commands says what is on the page.
    let has_words = children.is_some();
    let label = move || (!has_words).then(name);
    let ask = move |event: ev::MouseEvent| {
        if let Some(PopoverRequest(asked)) = asked {
            asked.set(subject.get_untracked());
        }
        browser::hang_at(&event, POPOVER);
    };
    view! {
        <button
            class="status-light"
            data-testid="status-light"
            popovertarget=POPOVER
            aria-label=label
            title=name
            on:click=ask
        >
            <StatusMark state/>
            {children.map(|children| children())}
        </button>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn displayed_words_are_the_name() {
        let venue = || Signal::stored(Some(Subject::Venue(Venue::new("one"))));
        let [bare, with_words] = Owner::new().with(|| {
            [
                view! { <StatusLight subject=venue() state=StreamState::Live word="live"/> }.to_html(),
                view! { <StatusLight subject=venue() state=StreamState::Live word="live">"one live"</StatusLight> }
                    .to_html(),
            ]
        });
        assert!(bare.contains("aria-label=\"one is live: details\""), "{bare}");
        assert!(!with_words.contains("aria-label") && with_words.contains("title=\"one is live"), "{with_words}");
    }
}
