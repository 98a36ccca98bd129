//! What the first view does without: the other pages, and what stands behind buttons. Its code is a file of its own,
//! fetched once data is shown; where it cannot be fetched, the place of each part says so and offers another try.
//!
//! All parts are one file: they share most of what they need, and a reader who has it has everything. Not here: the
//! worker of direct mode, which is a program of its own. On the server nothing is fetched, and all is written at once.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};
use model::time::Now;

use crate::{
    components::status_popover::{Facts, StatusFacts},
    live::{link::LinkState, use_live},
    pages::{
        live::symbol_picker::{Search, SymbolSearch},
        markets::MarketsPage,
        quality::QualityPage,
        recordings::RecordingsPage,
        venues::VenuesPage,
    },
    shell::{replay_bar::ReplayBar, settings_panel::Choices},
};

/// What is fetched later.
#[derive(Clone, Copy, Debug)]
pub enum LazyPart {
    /// The Markets page.
    Markets,
    /// The Quality page.
    Quality,
    /// The Recordings page.
    Recordings,
    /// The bar of a replay.
    ReplayBar,
    /// Field and list of the dialog that chooses an instrument.
    Search(Search),
    /// What can be set.
    Settings,
    /// The facts behind a status light.
    Status(Facts),
    /// The Venues page.
    Venues,
}

/// How the fetching goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    /// Nobody has asked yet.
    Away,
    Fetching,
    Failed,
    Here,
}

/// The state of the code, in reach of every component.
#[derive(Clone, Copy, Debug)]
struct Known(RwSignal<Code>);

impl Known {
    /// Fetches the code unless it is here or on its way.
    fn fetch(self) {
        if matches!(self.0.get_untracked(), Code::Fetching | Code::Here) {
            return;
        }
        self.0.set(Code::Fetching);
        spawn_local(async move {
            let code = if fetch().await { Code::Here } else { Code::Failed };
            let _page_is_gone = self.0.try_set(code);
        });
    }
}

/// Provides the state of the code to the whole page, and fetches it when the first data has been shown, and again when
/// a lost server is back.
pub fn provide_later() {
    let known = Known(RwSignal::new(if is_here() { Code::Here } else { Code::Away }));
    provide_context(known);
    let live = use_live();
    let is_connected = Memo::new(move |_| live.link().with(|link| *link == LinkState::Connected));
    let has_begun = Memo::new(move |_| live.tick().with(|now| *now != Now::default()));
    Effect::new(move |_| {
        if has_begun.get() && is_connected.get() {
            set_timeout(move || known.fetch(), AFTER_FIRST_DATA);
        }
    });
}

/// Fetches the code; true where it is here then.
pub async fn fetch() -> bool {
    let is_here = fetch_file().await.is_ok();
    IS_HERE.fetch_or(is_here, Ordering::Relaxed);
    is_here
}

/// Shows a part, and until its code is here how that goes.
#[component]
pub fn Later(
    /// Which part.
    part: LazyPart,
) -> impl IntoView {
    let known = use_context().unwrap_or_else(|| Known(RwSignal::new(if is_here() { Code::Here } else { Code::Away })));
    // A page is wanted now; what stands behind a button, when it is there.
    if matches!(part, LazyPart::Markets | LazyPart::Quality | LazyPart::Recordings | LazyPart::Venues) {
        Effect::new(move |_| known.fetch());
    }
    // What comes and goes by itself has no place where anything could be said.
    let has_place = !matches!(part, LazyPart::ReplayBar);
    move || match known.0.get() {
        Code::Here => built(part),
        _ if !has_place => None,
        Code::Failed => Some(view! { <Failed known/> }.into_any()),
        Code::Away | Code::Fetching => Some(view! { <p class="later" role="status">"Loading…"</p> }.into_any()),
    }
}

#[component]
fn Failed(
    /// Whose fetching has failed.
    known: Known,
) -> impl IntoView {
    view! {
        <p class="later later--failed" role="alert" data-testid="later-failed">
            "This part of the page could not be loaded. "
            <button class="button" data-testid="later-retry" on:click=move |_| known.fetch()>"Try again"</button>
            " Reload the page if that does not help: the server may have been renewed."
        </p>
    }
}

/// A part whose code is here: its future is ready at once.
fn built(part: LazyPart) -> Option<AnyView> {
    match pin!(build(part)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(view) => view.ok(),
        Poll::Pending => None,
    }
}

/// Where the code is split in two: all that is reachable from here alone is fetched later.
#[wasm_split(later, wasm_split_path = leptos::wasm_split, fallible, preload(fetch_file))]
fn build(part: LazyPart) -> Result<AnyView, SplitLoaderError> {
    Ok(match part {
        LazyPart::Markets => view! { <MarketsPage/> }.into_any(),
        LazyPart::Quality => view! { <QualityPage/> }.into_any(),
        LazyPart::Recordings => view! { <RecordingsPage/> }.into_any(),
        LazyPart::ReplayBar => view! { <ReplayBar/> }.into_any(),
        LazyPart::Search(search) => view! { <SymbolSearch of=search/> }.into_any(),
        LazyPart::Settings => view! { <Choices/> }.into_any(),
        LazyPart::Status(facts) => view! { <StatusFacts facts/> }.into_any(),
        LazyPart::Venues => view! { <VenuesPage/> }.into_any(),
    })
}

fn is_here() -> bool {
    cfg!(feature = "ssr") || IS_HERE.load(Ordering::Relaxed)
}

/// Outside the page's signals, as the first file may be fetched before there are any.
static IS_HERE: AtomicBool = AtomicBool::new(false);

/// The first data is shown before anything else is fetched.
const AFTER_FIRST_DATA: Duration = Duration::from_millis(500);
