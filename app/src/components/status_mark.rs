//! The state of something, in colour, shape and word.

use leptos::prelude::*;
use model::status::StreamState;

/// Returns the shape of each state, so that colour is never the only sign.
fn shape(state: StreamState) -> &'static str {
    match state {
        // A ring, a disc, a triangle, a cross.
        StreamState::Initialising => "M6 2a4 4 0 1 0 0 8a4 4 0 0 0 0-8zm0 2a2 2 0 1 1 0 4a2 2 0 0 1 0-4z",
        StreamState::Live => "M6 2a4 4 0 1 0 0 8a4 4 0 0 0 0-8z",
        StreamState::Stale => "M6 1.5l5 9H1z",
        StreamState::Failed => {
            "M2.6 1.2L6 4.6l3.4-3.4l1.4 1.4L7.4 6l3.4 3.4l-1.4 1.4L6 7.4l-3.4 3.4l-1.4-1.4L4.6 6L1.2 2.6z"
        }
    }
}

/// The sign of a state: colour and shape; the word is for screen readers.
#[component]
pub fn StatusMark(
    /// The state.
    #[prop(into)]
    state: Signal<StreamState>,
) -> impl IntoView {
    view! {
        <span class="status-mark" data-state=move || state.get().as_str()>
            <svg viewBox="0 0 12 12" width="10" height="10" aria-hidden="true" focusable="false">
                <path d=move || shape(state.get())></path>
            </svg>
            <span class="unseen">{move || state.get().as_str()}</span>
        </span>
    }
}
