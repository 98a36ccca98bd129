//! The command palette (Ctrl+K): pages, new alerts, indicators and instruments by name. Loaded lazily.
//!
//! A number is a price: it offers an alert there on the shown instrument. Not here: the dialogs that list all instruments or
//! all indicators with their details (`pages::live`).

use std::sync::Arc;

use indicators::spec::Spec;
use leptos::{ev, html, prelude::*};
use model::{
    alert::{
        command::{AlertCommand, RuleReply, SaveAlert},
        rule_id::RuleId,
    },
    decimal::Price,
    instrument::{Instrument, InstrumentId},
};

use crate::{
    components::option_list::{OptionField, OptionList, close_dialog, close_on_backdrop, is_dialog_open},
    format,
    live::{browser, use_live},
    pages::{
        PAGES,
        alerts::{
            ALERTS,
            actions::{Answer, ask, fresh_id, said},
            draft::price_alert,
        },
        live::{indicators::state, symbol_picker::use_choose, symbol_search},
    },
    route::use_route,
    selection::{Selection, address, pair, use_selection},
    settings::{MAX_INDICATORS, Settings, Theme, use_settings},
};

/// One line of the palette.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    title: String,
    /// Kind of command, at the line's end.
    group: &'static str,
    action: Action,
}

/// Effect of an entry.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    /// Saves an alert at a price of the shown instrument.
    Alert(Price),
    /// Opens the form of a new rule, by the value of `new` in the address.
    New(&'static str),
    /// Shows a page.
    Page(&'static str),
    /// Changes the theme.
    Theme(Theme),
    /// Adds an indicator to the chart.
    Indicator(&'static str),
    /// Shows an instrument.
    Instrument(InstrumentId),
}

/// The dialog; it opens with Ctrl+K, or ⌘K.
#[component]
pub fn Palette() -> impl IntoView {
    let (live, selection, settings, route) = (use_live(), use_selection(), use_settings(), use_route());
    let (dialog, field) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Input>::new());
    let (text, is_open) = (RwSignal::new(String::new()), RwSignal::new(false));
    let (saved, note) = (RwSignal::new(Answer::<RuleReply>::None), RwSignal::new(String::new()));
    let entries = Memo::new(move |_| match is_open.get() {
        true => live.instruments().with(|list| {
            let shown = selection.instrument.get();
            text.with(|text| entries(text, &list.known, shown.as_deref()))
        }),
        false => Vec::new(),
    });
    let list = OptionList::new("palette-option", text, Signal::derive(move || entries.with(Vec::len)));
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, move |event| {
            let is_asked = (event.ctrl_key() || event.meta_key()) && !event.alt_key() && !event.shift_key();
            if !is_asked || event.code() != "KeyK" || browser::is_dialog_open() {
                return;
            }
            event.prevent_default();
            if let Some(dialog) = dialog.get_untracked() {
                text.set(String::new());
                note.set(String::new());
                saved.set(Answer::None);
                list.active_idx.set(0);
                let _refused = dialog.show_modal();
                is_open.set(true);
            }
        });
        on_cleanup(move || listener.remove());
    });
    let show_instrument = use_choose();
    let choose = Callback::new(move |option_idx: usize| {
        let Some(entry) = entries.with_untracked(|entries| entries.get(option_idx).cloned()) else { return };
        note.set(String::new());
        match entry.action {
            Action::Alert(price) => {
                if let (Some(id), Ok(rule_id)) = (selection.id.get_untracked(), RuleId::parse(&fresh_id())) {
                    let rule = price_alert(rule_id, id, price);
                    ask(live, AlertCommand::SaveAlert(Box::new(SaveAlert { rule })), saved);
                }
                return;
            }
            Action::Indicator(name) => return note.set(add_indicator(settings, name)),
            Action::Theme(theme) => settings.update(|settings| settings.theme = theme),
            Action::New(what) => route.go(&format!("{}&new={what}", at(ALERTS, selection))),
            Action::Page(path) => route.go(&at(path, selection)),
            Action::Instrument(id) => show_instrument(&id),
        }
        close_dialog(dialog);
    });
    let words = move || match (entries.with(Vec::is_empty), saved.with(said), note.get()) {
        (true, ..) => "No command matches.".to_owned(),
        (false, said, note) => said + &note,
    };
    view! {
        <dialog
            class="option-dialog"
            aria-label="Commands"
            data-testid="palette"
            node_ref=dialog
            on:close=move |_| is_open.set(is_dialog_open(dialog))
            on:click=move |event| close_on_backdrop(&event, dialog)
        >
            <OptionField
                of=list
                field
                dialog
                testid="palette-field"
                label="Search commands"
                placeholder="A command, page, indicator or symbol; a price for an alert"
                choose
            />
            <ul class="option-dialog__list" id=list.id role="listbox" aria-label="Commands">
                {move || entries.get().into_iter().enumerate().map(|(option_idx, entry)| {
                    view! { <PaletteOption option_idx entry list choose/> }
                }).collect_view()}
            </ul>
            <p class="option-dialog__note" role="status" data-testid="palette-note">{words}</p>
        </dialog>
    }
}

#[component]
fn PaletteOption(
    /// Position in the list.
    option_idx: usize,
    /// The command.
    entry: Entry,
    /// The list.
    list: OptionList,
    /// Called with the position.
    choose: Callback<usize>,
) -> impl IntoView {
    let (row, is_active) = list.use_row(option_idx);
    view! {
        <li
            class="symbol-option palette-option"
            id=list.option_id(option_idx)
            data-testid="palette-option"
            role="option"
            aria-selected=move || is_active().to_string()
            node_ref=row
            on:pointermove=move |_| list.point_at(option_idx)
            on:click=move |_| choose.run(option_idx)
        >
            <span class="symbol-option__name">{entry.title}</span>
            <span class="symbol-option__venue">{entry.group}</span>
        </li>
    }
}

/// Returns the address of a page that keeps the shown instrument.
fn at(path: &str, selection: Selection) -> String {
    selection.id.with_untracked(|id| id.as_ref().map_or_else(|| format!("{path}?"), |id| address(path, id)))
}

/// Adds an indicator with its defaults, and returns the outcome in words.
fn add_indicator(settings: RwSignal<Settings>, name: &str) -> String {
    let Ok(spec) = Spec::parse(name) else { return String::new() };
    if settings.with_untracked(|settings| settings.indicators.len() >= MAX_INDICATORS) {
        return format!("The chart is full: it shows {MAX_INDICATORS} indicators.");
    }
    settings.update(|settings| settings.add_indicator(&spec.to_string()));
    format!("{} is on the chart.", state::title(&spec))
}

/// Returns the commands that match a text: an alert at a price first, then commands, indicators and instruments.
fn entries(text: &str, instruments: &[Arc<Instrument>], shown: Option<&Instrument>) -> Vec<Entry> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let number: String =
        words.iter().filter(|word| !["alert", "at", "price"].contains(&word.as_str())).cloned().collect();
    let price = Price::parse(&number.replace(',', "")).ok();
    if let (Some(price), Some(shown)) = (price.filter(|price| *price > Price::ZERO), shown) {
        let level = format::price(price, shown.price_decimals());
        let title = format!("Alert when {} crosses {level}", pair(shown));
        return vec![Entry { title, group: "alert", action: Action::Alert(price) }];
    }
    let matches = |entry: &Entry| {
        let all = format!("{} {}", entry.title, entry.group).to_lowercase();
        words.iter().all(|word| all.contains(word.as_str()))
    };
    let mut found: Vec<Entry> = commands().filter(matches).collect();
    if !words.is_empty() {
        let indicator = |definition: &'static indicators::definition::Definition| {
            let title = format!("Add {} to the chart", definition.title);
            Entry { title, group: "indicator", action: Action::Indicator(definition.name) }
        };
        found.extend(state::search(text).into_iter().take(MOST_OF_A_KIND).map(indicator));
        let instrument = |instrument: Arc<Instrument>| {
            let title = format!("{} on {}", pair(&instrument), instrument.id.venue());
            Entry { title, group: "instrument", action: Action::Instrument(instrument.id.clone()) }
        };
        found.extend(symbol_search::search(instruments, text).into_iter().take(MOST_OF_A_KIND).map(instrument));
    }
    found
}

/// Returns the commands that need no text.
fn commands() -> impl Iterator<Item = Entry> {
    let entry = |title: String, group: &'static str, action: Action| Entry { title, group, action };
    let new = [("New alert rule", Action::New("alert")), ("New signal rule", Action::New("signal"))];
    let new = new.into_iter().map(move |(title, action)| entry(title.to_owned(), "alert", action));
    let pages = PAGES.iter().map(move |page| entry(format!("Go to {}", page.title), "page", Action::Page(page.path)));
    let theme = move |theme: &Theme| entry(format!("Theme: {}", theme.label()), "settings", Action::Theme(*theme));
    new.chain(pages).chain(Theme::ALL.iter().map(theme))
}

/// Indicators, and instruments, that a text lists at most.
const MOST_OF_A_KIND: usize = 5;

#[cfg(test)]
mod tests {
    use model::{
        decimal::Quantity,
        instrument::{InstrumentStatus, Venue},
    };

    use super::*;

    fn instrument(symbol: &str) -> Arc<Instrument> {
        Arc::new(Instrument {
            id: InstrumentId::new(&Venue::new("demo"), symbol),
            base: "BTC".to_owned(),
            quote: "SIM".to_owned(),
            tick_size: Price::parse("0.01").unwrap(),
            lot_size: Quantity::parse("0.001").unwrap(),
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: true,
        })
    }

    fn titles(text: &str, shown: Option<&Instrument>) -> Vec<String> {
        entries(text, &[instrument("BTC-SIM")], shown).into_iter().map(|entry| entry.title).collect()
    }

    #[test]
    fn a_price_is_an_alert_on_the_shown_instrument() {
        let shown = instrument("BTC-SIM");
        for text in ["62000", "62,000", "62\u{202f}000", "alert 62000", "alert at 62000.0"] {
            assert_eq!(titles(text, Some(&shown)), ["Alert when BTC/SIM crosses 62\u{202f}000.00"], "{text}");
        }
        assert_eq!(titles("62000", None), [""; 0]);
        assert!(titles("0", Some(&shown)).iter().all(|title| !title.starts_with("Alert when")));
    }

    #[test]
    fn commands_come_before_indicators_and_instruments() {
        let all = titles("", None);
        assert_eq!(all[..3], ["New alert rule", "New signal rule", "Go to Live"]);
        assert_eq!(all.len(), 2 + PAGES.len() + Theme::ALL.len());
        assert_eq!(titles("alert", None)[..2], ["New alert rule", "New signal rule"]);
        assert_eq!(titles("theme dark", None)[0], "Theme: Dark");
        let rsi = titles("rsi", None);
        assert_eq!(rsi[0], "Add Relative strength index to the chart", "{rsi:?}");
        assert_eq!(titles("btc", None).last().unwrap(), "BTC/SIM on demo");
    }
}
