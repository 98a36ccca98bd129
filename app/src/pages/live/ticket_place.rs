//! The place of the order ticket: a column that a button or Shift+T shows and hides, or a tab on narrow pages.
//!
//! Not here: the ticket (`pages::desk::ticket`, loaded later) and the widths of the columns (the style sheet).

use leptos::{ev, prelude::*};

use crate::{
    live::browser,
    pages::live::Panel,
    settings::{Settings, TicketChoice, use_settings},
};

/// Width classes of the page, as in its style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageRoom {
    /// One panel at a time beside the chart, or below it.
    Tabs,
    /// Columns; the ticket only if it is asked for.
    Columns,
    /// Columns, and the ticket too.
    Wide,
}

impl PageRoom {
    /// Returns the room of a page of this width in CSS pixels.
    fn of(width: f64) -> Self {
        match width {
            width if width < 1_100.0 => Self::Tabs,
            width if width < 1_440.0 => Self::Columns,
            _ => Self::Wide,
        }
    }

    fn now() -> Option<Self> {
        if cfg!(feature = "browser") { Some(Self::of(browser::width())) } else { None }
    }
}

/// The ticket's place, for the parts of the Live page.
#[derive(Clone, Copy, Debug)]
pub struct TicketPlace {
    /// The room; `None` on the server, which renders all parts and leaves the choice to the style sheet.
    room: RwSignal<Option<PageRoom>>,
    /// The chosen panel, where there is no room for all.
    pub panel: RwSignal<Panel>,
    settings: RwSignal<Settings>,
}

impl TicketPlace {
    /// Returns the place of a page that has just been opened. Follows the window's width and the ticket's key.
    pub fn of_page() -> Self {
        let (room, panel) = (RwSignal::new(PageRoom::now()), RwSignal::new(Panel::Book));
        let place = Self { room, panel, settings: use_settings() };
        Effect::new(move |_| {
            let resized = window_event_listener(ev::resize, move |_| {
                let now = PageRoom::now();
                if room.get_untracked() != now {
                    room.set(now);
                }
            });
            let pressed = window_event_listener(ev::keydown, move |event| {
                let is_command = event.ctrl_key() || event.meta_key() || event.alt_key();
                let is_key = event.key() == "T" && event.shift_key() && !is_command;
                if is_key && !browser::is_typing() && !browser::is_dialog_open() {
                    event.prevent_default();
                    place.toggle();
                    browser::focus_soon(TICKET_FIELD);
                }
            });
            on_cleanup(move || {
                resized.remove();
                pressed.remove();
            });
        });
        place
    }

    /// Returns true while the ticket is in view; tracked.
    pub fn has_ticket(self) -> bool {
        is_shown(self.room.get(), self.settings.with(|settings| settings.ticket), self.panel.get())
    }

    /// Returns true while open orders and positions are in view; tracked.
    pub fn has_orders(self) -> bool {
        self.room.get() != Some(PageRoom::Tabs) || self.panel.get() == Panel::Orders
    }

    /// Shows the ticket or hides it; as a tab it is only shown.
    fn toggle(self) {
        match self.room.get_untracked() {
            Some(PageRoom::Tabs) => self.panel.set(Panel::Trade),
            _ => {
                let next = if untrack(|| self.has_ticket()) { TicketChoice::Hidden } else { TicketChoice::Shown };
                self.settings.update(|settings| settings.ticket = next);
            }
        }
    }
}

fn is_shown(room: Option<PageRoom>, choice: TicketChoice, panel: Panel) -> bool {
    match (room, choice) {
        (None, _) => true,
        (Some(PageRoom::Tabs), _) => panel == Panel::Trade,
        (Some(PageRoom::Columns), choice) => choice == TicketChoice::Shown,
        (Some(PageRoom::Wide), choice) => choice != TicketChoice::Hidden,
    }
}

/// The button in the headline that shows and hides the ticket.
#[component]
pub fn TicketSwitch(
    /// The ticket's place.
    place: TicketPlace,
) -> impl IntoView {
    view! {
        <button
            class="button button--tool ticket-switch"
            data-testid="ticket-switch"
            aria-pressed=move || place.has_ticket().to_string()
            aria-keyshortcuts="Shift+T"
            title="Order ticket (Shift+T)"
            on:click=move |_| place.toggle()
        >
            "Trade"
        </button>
    }
}

/// The id of the ticket's first field, which the key moves to.
pub const TICKET_FIELD: &str = "ticket-type";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticket_is_a_column_from_1440_pixels_unless_it_is_hidden() {
        use TicketChoice::{Auto, Hidden, Shown};
        #[track_caller]
        fn check(width: f64, choice: TicketChoice, panel: Panel, expected: bool) {
            assert_eq!(is_shown(Some(PageRoom::of(width)), choice, panel), expected, "{width} {choice:?} {panel:?}");
        }
        check(1_440.0, Auto, Panel::Book, true);
        check(1_439.0, Auto, Panel::Book, false);
        check(1_100.0, Shown, Panel::Book, true);
        check(1_440.0, Hidden, Panel::Book, false);
        // Where it is a tab, the tab decides.
        check(1_099.0, Shown, Panel::Book, false);
        check(360.0, Hidden, Panel::Trade, true);
        assert!(is_shown(None, Hidden, Panel::Book), "the server renders every part");
    }
}
