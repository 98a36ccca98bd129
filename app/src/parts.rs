//! The parts whose code is loaded lazily: the component of each, and the point where the program is split.
//!
//! On top of all pages, so that the code that shows a part (`lazy`) need not know it.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};

use crate::{
    components::status_popover::StatusFacts,
    lazy::{LazyPart, LazyParts},
    live::browser,
    pages::{
        desk::{
            chart_lines::{OrderLines, alert_lines::AlertLines},
            live_panel::LivePanel,
            ticket::Ticket,
        },
        lazy_page,
        live::{
            absence::AbsenceStrip,
            indicators::{Indicators, list::IndicatorList},
            interval_field::IntervalField,
            print_sound::PrintSound,
            symbol_dialog::SymbolSearch,
        },
    },
    shell::{
        alert_line::AlertLine, alerts::Announcer, offline::Offline, palette::Palette, replay_bar::ReplayBar,
        settings_panel::Choices,
    },
};

/// The parts, for `provide_lazy`.
pub const PARTS: LazyParts = LazyParts { load, build: build_loaded };

/// Loads the files with the code and the styles of all parts; true once both are loaded.
fn load() -> Pin<Box<dyn Future<Output = bool>>> {
    Box::pin(async {
        let style = browser::load_style(&browser::root_data("later-style").unwrap_or_default());
        let is_code_loaded = load_file().await.is_ok();
        style.await && is_code_loaded
    })
}

/// Builds a part whose code is loaded: its future is ready at once.
fn build_loaded(part: LazyPart) -> Option<AnyView> {
    match pin!(build(part)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(view) => view.ok().flatten(),
        Poll::Pending => None,
    }
}

/// The split point: all code reachable only from here goes into the lazily loaded file.
#[wasm_split(later, wasm_split_path = leptos::wasm_split, fallible, preload(load_file))]
fn build(part: LazyPart) -> Result<Option<AnyView>, SplitLoaderError> {
    Ok(match part {
        LazyPart::Absence(selection) => Some(view! { <AbsenceStrip selection/> }.into_any()),
        LazyPart::AlertLine => Some(view! { <AlertLine/> }.into_any()),
        LazyPart::AlertLines(selection, series) => Some(view! { <AlertLines selection series/> }.into_any()),
        LazyPart::Announcer => Some(view! { <Announcer/> }.into_any()),
        LazyPart::Holdings(selection) => Some(view! { <LivePanel selection/> }.into_any()),
        LazyPart::IndicatorSearch(search) => Some(view! { <IndicatorList of=search/> }.into_any()),
        LazyPart::Indicators(selection, interval, series) => {
            Some(view! { <Indicators selection interval series/> }.into_any())
        }
        LazyPart::IntervalField => Some(view! { <IntervalField/> }.into_any()),
        LazyPart::Offline => Some(view! { <Offline/> }.into_any()),
        LazyPart::OrderLines(selection, series) => Some(view! { <OrderLines selection series/> }.into_any()),
        LazyPart::Page(path) => lazy_page(path),
        LazyPart::Palette => Some(view! { <Palette/> }.into_any()),
        LazyPart::PrintSound(selection) => Some(view! { <PrintSound selection/> }.into_any()),
        LazyPart::ReplayBar => Some(view! { <ReplayBar/> }.into_any()),
        LazyPart::Search(search) => Some(view! { <SymbolSearch of=search/> }.into_any()),
        LazyPart::Settings => Some(view! { <Choices/> }.into_any()),
        LazyPart::Status(facts) => Some(view! { <StatusFacts facts/> }.into_any()),
        LazyPart::Ticket(selection) => Some(view! { <Ticket selection/> }.into_any()),
    })
}
