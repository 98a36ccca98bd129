//! The Live page: one instrument with its price, chart, book and trades, and all others beside it.

pub mod absence;
pub mod book;
pub mod book_rows;
pub mod candle_region;
pub mod chart_controls;
pub mod chart_panel;
pub mod headline;
pub mod headline_figures;
pub mod indicator_picker;
pub mod indicators;
pub mod interval_field;
pub mod picked_price;
pub mod print_sound;
pub mod print_watch;
pub mod size_heading;
pub mod splitter;
pub mod symbol_dialog;
pub mod symbol_picker;
pub mod symbol_search;
pub mod tape;
pub mod tape_rows;
pub mod ticket_place;
pub mod watch;
pub mod watch_sorting;

use leptos::prelude::*;
use leptos_meta::Title;
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    lazy::{LazyPart, LazyView},
    live::use_live,
    pages::{
        FragmentSpec,
        live::{
            book::BookPanel, chart_panel::ChartPanel, headline::Headline, headline_figures::Figures,
            picked_price::provide_picked_price, splitter::Splitter, tape::TapePanel, ticket_place::TicketPlace,
            watch::WatchPanel,
        },
    },
    selection::{Selection, use_selection},
    settings::{Pane, use_settings},
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "headline", cadence: Cadence::Shown },
    FragmentSpec { name: "chart", cadence: Cadence::Chart },
    FragmentSpec { name: "book", cadence: Cadence::Shown },
    FragmentSpec { name: "tape", cadence: Cadence::Shown },
    FragmentSpec { name: "watch", cadence: Cadence::Price },
    FragmentSpec { name: "ticket", cadence: Cadence::Positions },
    FragmentSpec { name: "live-orders", cadence: Cadence::Positions },
    FragmentSpec { name: "live-positions", cadence: Cadence::Positions },
];

/// The panel shown if there is not room for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// The order book.
    Book,
    /// Time and sales.
    Tape,
    /// The order ticket.
    Trade,
    /// Open orders and positions.
    Orders,
    /// The watchlist.
    Watch,
}

impl Panel {
    const ALL: [Self; 5] = [Self::Book, Self::Tape, Self::Trade, Self::Orders, Self::Watch];

    fn as_str(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Tape => "tape",
            Self::Trade => "trade",
            Self::Orders => "orders",
            Self::Watch => "watch",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Book => "Book",
            Self::Tape => "Tape",
            Self::Trade => "Trade",
            Self::Orders => "Orders",
            Self::Watch => "Watch",
        }
    }
}

/// The Live page.
#[component]
pub fn LivePage() -> impl IntoView {
    let selection = use_selection();
    provide_picked_price();
    // Before all other parts: its key goes first.
    let place = TicketPlace::of_page();
    let panel = place.panel;
    let settings = use_settings();
    let dragged = RwSignal::new(None);
    let size = move |pane: Pane| {
        let dragged = dragged.get().filter(|(of, _)| *of == pane).map(|(_, size)| size);
        let size = dragged.or_else(|| settings.with(|settings| settings.pane(pane)));
        size.map(|size| format!("{size}px"))
    };
    view! {
        <PageTitle selection/>
        <h1 class="unseen">"Live"</h1>
        <div
            class="live-page"
            data-panel=move || panel.get().as_str()
            data-ticket=move || settings.with(|settings| settings.ticket.as_str())
            style=("--side", move || size(Pane::Side))
            style=("--watch", move || size(Pane::Watch))
            style=("--book", move || size(Pane::Book))
        >
            <div class="live-page__top">
                <Headline selection place/>
                <LazyView part=LazyPart::Absence(selection)/>
            </div>
            <div class="live-page__middle">
                <ChartPanel selection/>
                <section class="panel ticket-panel" data-panel="trade" aria-label="Order ticket">
                    <Show when=move || place.has_ticket()>
                        <LazyView part=LazyPart::Ticket(selection)/>
                    </Show>
                </section>
            </div>
            <PanelTabs panel/>
            <BookPanel selection/>
            <TapePanel selection/>
            <div class="live-page__bottom">
                <WatchPanel selection/>
                <section class="panel orders-panel" data-panel="orders" aria-label="Open orders and positions">
                    <Show when=move || place.has_orders()>
                        <LazyView part=LazyPart::Holdings(selection)/>
                    </Show>
                </section>
            </div>
            {Pane::ALL.iter().map(|pane| view! { <Splitter pane=*pane dragged/> }).collect_view()}
        </div>
    }
}

/// The strip that chooses a panel on small screens.
#[component]
fn PanelTabs(panel: RwSignal<Panel>) -> impl IntoView {
    let tab = move |choice: Panel| {
        view! {
            <button
                class="panel-tabs__tab"
                data-testid=format!("tab-{}", choice.as_str())
                data-tab=choice.as_str()
                aria-pressed=move || (panel.get() == choice).to_string()
                on:click=move |_| panel.set(choice)
            >
                {choice.label()}
            </button>
        }
    };
    view! {
        <div class="panel-tabs" role="group" aria-label="Panel">
            {Panel::ALL.map(tab).collect_view()}
        </div>
    }
}

/// The window's title shows price and symbol; it is updated once a second, even while the page is hidden.
#[component]
fn PageTitle(selection: Selection) -> impl IntoView {
    let live = use_live();
    let title = Memo::new(move |_| {
        live.slow_tick().track();
        let name = selection.name();
        let price = selection.id.with(|id| {
            let id = id.as_ref()?;
            let decimals = selection.decimals();
            live.with_model(|model| model.quote(id).map(|quote| Figures::new("", quote, decimals).last)).flatten()
        });
        match price.filter(|figure| figure.price.is_some()) {
            Some(figure) => format!("{} {name} · Truetape", figure.text),
            None if name.is_empty() => "Truetape".to_owned(),
            None => format!("{name} · Truetape"),
        }
    });
    // The server reads the title after it has rendered the page, whose values may be gone by then.
    let rendered = title.get_untracked();
    view! { <Title text=move || title.try_get().unwrap_or_else(|| rendered.clone())/> }
}

/// Returns the topics of the shown instrument selected by `of`; none while there is no instrument.
fn topics_of(selection: Selection, of: fn(&model::instrument::InstrumentId) -> Topic) -> Signal<Vec<Topic>> {
    Signal::derive(move || selection.id.with(|id| id.iter().map(of).collect()))
}
