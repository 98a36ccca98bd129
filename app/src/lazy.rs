//! Code loaded lazily after the first view: most pages, and everything that opens behind buttons. It is a separate
//! file, with a style sheet of its own, loaded once data is shown; if loading fails, each part says so in its place and
//! offers a retry.
//!
//! All parts share one file: they share most of their dependencies, and a reader who has it has everything. Not here:
//! the components of the parts (`parts`), and the worker of direct mode, which is a separate program. The server loads
//! nothing and renders every part at once.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use leptos::{html, prelude::*, task::spawn_local};
use model::{candle::Interval, status::StreamState, time::Now};

use crate::{
    chart::ChartSeries,
    live::{link::LinkState, use_live},
    pages::desk::account::track_account,
    selection::Selection,
};

/// A part of the page whose code is loaded lazily.
#[derive(Clone, Copy, Debug)]
pub enum LazyPart {
    /// The strip that says that nobody follows the shown instrument.
    Absence(Selection),
    /// The line about feeds in trouble, which watches them.
    AlertLine,
    /// The lines of price alerts over a chart, and new ones at its cursor.
    AlertLines(Selection, ChartSeries),
    /// Toasts, dialog and sound of alerts, on every page.
    Announcer,
    /// The field and list of the dialog that chooses an indicator.
    IndicatorSearch(IndicatorSearch),
    /// The indicators of the shown instrument on a chart of this interval.
    Indicators(Selection, Memo<Interval>, ChartSeries),
    /// The field for the chart's interval.
    IntervalField,
    /// The copy of the page that starts without the server.
    Offline,
    /// Open orders and positions, beside the watchlist.
    Holdings(Selection),
    /// The lines of orders and of the position over a chart.
    OrderLines(Selection, ChartSeries),
    /// The page at a path.
    Page(&'static str),
    /// The command palette.
    Palette,
    /// The sound of large trades of the shown instrument.
    PrintSound(Selection),
    /// The bar of a replay.
    ReplayBar,
    /// The field and list of the dialog that chooses an instrument.
    Search(Search),
    /// The settings.
    Settings,
    /// The facts behind a status light.
    Status(Facts),
    /// The order ticket of the shown instrument.
    Ticket(Selection),
}

impl LazyPart {
    /// True for parts that show an account: they are built again for another one.
    fn is_of_account(self) -> bool {
        match self {
            Self::Holdings(_) | Self::OrderLines(..) | Self::Ticket(_) => true,
            Self::Page(path) => ACCOUNT_PAGES.contains(&path),
            _ => false,
        }
    }
}

/// The pages of the desk.
const ACCOUNT_PAGES: [&str; 5] = ["/dashboard", "/positions", "/history", "/grid", "/risk"];

/// The dialog that a symbol search works on.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The dialog around it.
    pub dialog: NodeRef<html::Dialog>,
    /// The search field.
    pub field: NodeRef<html::Input>,
    /// The text in the field.
    pub text: RwSignal<String>,
    /// True while the dialog is open.
    pub is_open: RwSignal<bool>,
    /// The shown instrument.
    pub selection: Selection,
    /// The path of the page that shows it.
    pub path: &'static str,
}

/// The dialog that an indicator is chosen in.
#[derive(Clone, Copy, Debug)]
pub struct IndicatorSearch {
    /// The dialog around it.
    pub dialog: NodeRef<html::Dialog>,
    /// True while the dialog is open.
    pub is_open: RwSignal<bool>,
}

/// The popover that a status light's facts are shown in.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// True while the popover is open.
    pub is_open: RwSignal<bool>,
    /// The state of the shown subject.
    pub state: RwSignal<StreamState>,
}

/// The functions that load and build the parts. Function pointers, so that this module imports no part.
#[derive(Clone, Copy, Debug)]
pub struct LazyParts {
    /// Loads the code of all parts; true once it is loaded.
    pub load: fn() -> Pin<Box<dyn Future<Output = bool>>>,
    /// Builds a part whose code is loaded; `None` for a page that does not exist.
    pub build: fn(LazyPart) -> Option<AnyView>,
}

impl LazyParts {
    /// Loads the code before there is a page; true once it is loaded.
    pub async fn load(self) -> bool {
        let is_loaded = (self.load)().await;
        IS_LOADED.fetch_or(is_loaded, Ordering::Relaxed);
        is_loaded
    }
}

/// The state of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoadState {
    /// Not requested yet.
    Idle,
    Loading,
    Failed,
    Loaded,
}

/// The parts and the state of their code, accessible to every component.
#[derive(Clone, Copy, Debug)]
struct Loader {
    parts: LazyParts,
    state: RwSignal<LoadState>,
}

impl Loader {
    /// Loads the code unless it is loaded or loading.
    fn load(self) {
        if matches!(self.state.get_untracked(), LoadState::Loading | LoadState::Loaded) {
            return;
        }
        self.state.set(LoadState::Loading);
        spawn_local(async move {
            let state = if self.parts.load().await { LoadState::Loaded } else { LoadState::Failed };
            let _page_is_gone = self.state.try_set(state);
        });
    }
}

/// Provides the parts to the whole page, and loads their code once the first data is shown, at once if there is no
/// server, and again when a lost server is back.
pub fn provide_lazy(parts: LazyParts) {
    let is_loaded = cfg!(feature = "ssr") || IS_LOADED.load(Ordering::Relaxed);
    let loader = Loader { parts, state: RwSignal::new(if is_loaded { LoadState::Loaded } else { LoadState::Idle }) };
    provide_context(loader);
    let live = use_live();
    let is_connected = Memo::new(move |_| live.link().with(|link| *link == LinkState::Connected));
    let is_away = Memo::new(move |_| live.link().with(LinkState::is_away));
    let has_data = Memo::new(move |_| live.tick().with(|now| *now != Now::default()));
    Effect::new(move |was_connected: Option<bool>| {
        let was_connected = was_connected.unwrap_or(false);
        if has_data.get() && is_connected.get() {
            set_timeout(move || loader.load(), AFTER_FIRST_DATA);
        } else if !was_connected && is_away.get() {
            // A page that starts without its server: the browser may have kept the code, which shows what it has kept.
            loader.load();
        }
        was_connected || is_connected.get_untracked()
    });
}

/// Shows a part, or the progress of loading its code.
#[component]
pub fn LazyView(
    /// The part.
    part: LazyPart,
) -> impl IntoView {
    let loader = use_context::<Loader>();
    // A page is needed now; a part behind a button can wait.
    if let Some(loader) = loader.filter(|_| matches!(part, LazyPart::Page(_))) {
        Effect::new(move |_| loader.load());
    }
    // A part that appears and disappears by itself has no place for a message.
    let has_place = !matches!(
        part,
        LazyPart::Absence(_)
            | LazyPart::AlertLine
            | LazyPart::AlertLines(..)
            | LazyPart::Announcer
            | LazyPart::Indicators(..)
            | LazyPart::IntervalField
            | LazyPart::Offline
            | LazyPart::OrderLines(..)
            | LazyPart::Palette
            | LazyPart::ReplayBar
            | LazyPart::PrintSound(_)
    );
    move || {
        let loader = loader?;
        if part.is_of_account() {
            track_account();
        }
        match loader.state.get() {
            LoadState::Loaded => (loader.parts.build)(part),
            _ if !has_place => None,
            LoadState::Failed => Some(view! { <LoadFailed loader/> }.into_any()),
            LoadState::Idle | LoadState::Loading => {
                Some(view! { <p class="lazy-view" role="status">"Loading…"</p> }.into_any())
            }
        }
    }
}

#[component]
fn LoadFailed(
    /// Loads again on a click.
    loader: Loader,
) -> impl IntoView {
    view! {
        <p class="lazy-view lazy-view--failed" role="alert" data-testid="later-failed">
            "This part of the page could not be loaded. "
            <button class="button" data-testid="later-retry" on:click=move |_| loader.load()>"Try again"</button>
            " If that does not help, reload the page: the server may have been updated."
        </p>
    }
}

/// Outside the page's signals, as the code may be loaded before there are any.
static IS_LOADED: AtomicBool = AtomicBool::new(false);

/// The first data is shown before anything else is loaded.
const AFTER_FIRST_DATA: Duration = Duration::from_millis(500);
