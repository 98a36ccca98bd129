//! The last fills, and the feeds that need attention.

use leptos::prelude::*;
use model::{status::StreamState, trading::fill::Fill};
use topics::{channels::Channel, topic::Topic};

use crate::{
    cadence::Cadence,
    format,
    fragment::Fragment,
    live::{model::LiveModel, use_live},
    pages::desk::{
        order_words,
        positions::decimals,
        rows::{read_log, topic},
        table::{cell, headings},
    },
};

#[derive(Clone, Debug, PartialEq)]
struct Shown {
    fills: Vec<Fill>,
    n_streams: usize,
    /// Streams that are not live, each in words.
    troubles: Vec<String>,
}

/// Fills and feeds.
#[component]
pub fn Activity() -> impl IntoView {
    let source = |model: &LiveModel| {
        let Some(fills) = read_log::<Fill>(model, Channel::Trades, SHOWN)? else { return Ok(None) };
        let streams = model.status().map(|status| status.streams.as_slice()).unwrap_or_default();
        let trouble = |entry: &topics::channels::status::StreamEntry| {
            let cause = entry.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
            format!("{} is {}{cause}", entry.instrument, entry.state.as_str())
        };
        let troubles = streams.iter().filter(|entry| entry.state != StreamState::Live).map(trouble);
        Ok(Some(Shown { fills, n_streams: streams.len(), troubles: troubles.collect() }))
    };
    let topics = vec![topic(Channel::Trades), Topic::STATUS];
    view! {
        <section class="panel" aria-label="Fills and feeds">
            <div class="panel__head"><h2 class="panel__title">"Recent fills and feeds"</h2></div>
            <Fragment name="dashboard-activity" cadence=Cadence::Status topics=Signal::stored(topics) source let:shown>
                <Lines shown/>
            </Fragment>
        </section>
    }
}

#[component]
fn Lines(
    /// The event.
    shown: Signal<Option<Shown>>,
) -> impl IntoView {
    let live = use_live();
    let row = move |fill: &Fill| {
        let (price, size) = decimals(live, &fill.instrument);
        view! {
            <div class="desk-row" role="row" data-testid="recent-fill" title=order_words::why(fill)>
                <span class="desk-row__name" role="rowheader">{format::time_of_day(fill.time)}</span>
                {cell("Instrument", fill.instrument.symbol().to_owned())}
                {cell("Side", view! { <span data-trend=order_words::side_trend(fill.side)>{order_words::side(fill.side)}</span> })}
                {cell("Size", format::quantity(fill.quantity, size))}
                {cell("Price", format::price(fill.price, price))}
            </div>
        }
        .into_any()
    };
    let fills = move || shown.with(|shown| shown.as_ref().map(|shown| shown.fills.iter().map(row).collect_view()));
    let has_none = move || shown.with(|shown| shown.as_ref().is_none_or(|shown| shown.fills.is_empty()));
    let note = move || {
        shown.with(|shown| match shown {
            Some(shown) if shown.fills.is_empty() => {
                "Nothing has filled yet. Fills appear here with the reason for each."
            }
            _ => "",
        })
    };
    let feeds = move || {
        shown.with(|shown| match shown {
            None => String::new(),
            Some(shown) if shown.troubles.is_empty() => format!("All {} feeds are live.", shown.n_streams),
            Some(shown) => shown.troubles.join(" · "),
        })
    };
    view! {
        <div class="desk-table dashboard__fills" role="table" aria-label="Recent fills" hidden=has_none>
            {headings(["Time, UTC", "Instrument", "Side", "Size", "Price"])}
            {fills}
        </div>
        <p class="desk-note" hidden=move || note().is_empty()>{note}</p>
        <p
            class="desk-note desk-note--feeds"
            data-testid="feed-health"
            data-tone=move || shown.with(|shown| shown.as_ref().is_some_and(|shown| !shown.troubles.is_empty())).then_some("warn")
        >
            {feeds}
        </p>
    }
}

/// Rows of the list; the History page has all of them.
const SHOWN: usize = 12;
