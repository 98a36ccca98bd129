//! The headline: the instrument, its price, its day, and how live they are.

use leptos::prelude::*;
use model::status::{FeedMode, StreamState};
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::{
        figure::{Figure, Stat},
        flash_price::FlashPrice,
        status_light::{StatusLight, Subject},
    },
    format,
    fragment::Fragment,
    live::{browser, model::StreamView, source::Source, use_live},
    pages::live::{
        headline_figures::Figures,
        symbol_picker::SymbolPicker,
        ticket_place::{TicketPlace, TicketSwitch},
        topics_of,
    },
    quality::words::{self, stream_word},
    selection::Selection,
};

/// The headline of the shown instrument.
#[component]
pub fn Headline(
    /// The shown instrument.
    selection: Selection,
    /// The place of the order ticket, which a button here shows and hides.
    place: TicketPlace,
) -> impl IntoView {
    let topics = topics_of(selection, Topic::quote);
    let is_simulated = Memo::new(move |_| selection.is_simulated());
    let is_replay = Memo::new(move |_| selection.is_replay());
    let source = move |model: &crate::live::model::LiveModel| {
        Ok(selection.id.with_untracked(|id| {
            let id = id.as_ref()?;
            let quote = model.quote(id)?;
            Some(Figures::new(&id.to_string(), quote, untrack(move || selection.decimals())))
        }))
    };
    view! {
        <header class="headline">
            <SymbolPicker selection path="/"/>
            <Fragment name="headline" cadence=Cadence::Shown topics source let:figures>
                <HeadlineFigures figures selection/>
            </Fragment>
            <span
                class="headline__simulated tag tag--simulated"
                data-testid="simulated"
                title="Simulated market: these prices are not real"
                hidden=move || !is_simulated.get()
            >
                "SIMULATED"
            </span>
            <span
                class="headline__simulated tag tag--replay"
                data-testid="replay-label"
                title="Replay of a recording: these prices are not current"
                hidden=move || !is_replay.get()
            >
                "REPLAY"
            </span>
            <StreamStatus selection/>
            <TicketSwitch place/>
        </header>
    }
}

#[component]
fn HeadlineFigures(
    /// The figures, if known.
    figures: Signal<Option<Figures>>,
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let figures = Memo::new(move |_| figures.get().unwrap_or_default());
    let part = move |of: fn(&Figures) -> &Figure| Memo::new(move |_| figures.with(|figures| of(figures).clone()));
    let prices = move || selection.id.with(|id| id.as_ref().map(|id| Topic::quote(id).to_string()));
    // The unit of the volume is in its label: the figure remains a pure number.
    view! {
        <div class="headline__figures" data-topic=prices>
            <div class="headline__price">
                <FlashPrice testid="price" figure=Memo::new(move |_| figures.with(|figures| figures.last.clone()))/>
            </div>
            <div
                class="headline__change"
                data-testid="change"
                data-value=move || figures.with(|figures| figures.change.value.clone())
                data-trend=move || figures.with(|figures| figures.trend.as_str())
            >
                <span aria-hidden="true">{move || figures.with(|figures| figures.trend.sign())}</span>
                <span>{move || figures.with(|figures| figures.change.text.clone())}</span>
                <span class="headline__window">"24 h"</span>
            </div>
            <dl class="headline__stats">
                <QuoteStat label="Bid" testid="best-bid" price=Memo::new(move |_| figures.with(|figures| figures.bid.clone()))/>
                <QuoteStat label="Ask" testid="best-ask" price=Memo::new(move |_| figures.with(|figures| figures.ask.clone()))/>
            </dl>
            <dl class="headline__day">
                <Stat label="High" testid="day-high" figure=part(|figures| &figures.high) rank=1/>
                <Stat label="Low" testid="day-low" figure=part(|figures| &figures.low) rank=1/>
                <Stat label="Spread" testid="spread" figure=part(|figures| &figures.spread) rank=2/>
                <Stat label="Mid" testid="mid" figure=part(|figures| &figures.mid) rank=3/>
                <Stat label="Volume" testid="day-volume" figure=part(|figures| &figures.volume) rank=2/>
            </dl>
        </div>
    }
}

/// Best bid or ask: a labelled price that flashes.
#[component]
fn QuoteStat(
    /// The label above.
    label: &'static str,
    /// The test id.
    testid: &'static str,
    /// The price.
    price: Memo<crate::components::flash_price::PriceFigure>,
) -> impl IntoView {
    view! {
        <div class="stat" data-rank="1">
            <dt class="stat__label">{label}</dt>
            <dd class="stat__value">
                <FlashPrice testid figure=price/>
            </dd>
        </div>
    }
}

/// The state of the stream of the shown instrument: colour, shape, word and age.
#[component]
fn StreamStatus(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let live = use_live();
    // Before the first tick the time for ages is unknown, on the server as in the browser.
    let stream = Memo::new(move |_| {
        let has_begun = live.tick().get() != model::time::Now::default();
        let id = selection.id.get().filter(|_| has_begun)?;
        live.with_model(|model| model.stream(&id, browser::now()))
    });
    let latency = live.latency();
    let with = move |read: fn(&StreamView) -> String| {
        move || stream.with(|stream| stream.as_ref().map_or_else(String::new, read))
    };
    let state =
        Memo::new(move |_| stream.with(|stream| stream.as_ref().map(|stream| stream.state).unwrap_or_default()));
    let word = Signal::derive(move || {
        stream.with(|stream| stream.as_ref().map_or(StreamState::default().as_str(), stream_word))
    });
    let subject = Signal::derive(move || selection.id.get().map(Subject::Stream));
    let title = move || {
        selection.id.with(|id| live.venues().with(|venues| Some(venues.title(id.as_ref()?.venue()).to_owned())))
    };
    let trouble = Memo::new(move |_| {
        let title = title().unwrap_or_default();
        stream.with(|stream| stream.as_ref().map_or_else(String::new, |stream| trouble(stream, &title)))
    });
    view! {
        <div
            class="stream-status"
            data-testid="stream-status"
            data-state=move || state.get().as_str()
            data-age-ms=with(|stream| stream.age_ms.map(|age_ms| age_ms.to_string()).unwrap_or_default())
            title=with(details)
        >
            <StatusLight subject state word>
                <span class="stream-status__word" data-testid="stream-word">{word}</span>
            </StatusLight>
            <span class="stream-status__age" data-testid="stream-age">
                {with(|stream| stream.age_ms.map(format::age).unwrap_or_default())}
            </span>
            <span class="stream-status__latency" title="Median time from the server's publishing to the painted pixel">
                {move || latency.with(|latency| latency.map(|latency| format!("{:.0} ms", latency.p50_ms)))}
            </span>
            <span class="stream-status__mode" data-testid="stream-mode" hidden=move || with(mode)().is_empty()>{with(mode)}</span>
            <span class="stream-status__cause" data-testid="stream-cause" hidden=move || trouble.with(String::is_empty)>
                {move || trouble.get()}
            </span>
        </div>
    }
}

/// Returns a tag for data that does not come from the server by WebSocket.
fn mode(stream: &StreamView) -> String {
    match (stream.source, stream.mode) {
        (Source::Direct, FeedMode::RestPolling) => "direct, REST polling".to_owned(),
        (Source::Direct, FeedMode::WebSocket | FeedMode::Simulated) => "direct".to_owned(),
        (Source::Server, FeedMode::RestPolling) => "REST polling".to_owned(),
        (Source::Server, FeedMode::WebSocket | FeedMode::Simulated) => String::new(),
    }
}

/// Returns what is wrong if the stream is not live, and the evidence for quiet or dead; empty if it is live.
fn trouble(stream: &StreamView, venue: &str) -> String {
    match stream.state {
        StreamState::Stale if stream.silence.is_some() => words::sentence(stream, venue),
        StreamState::Stale | StreamState::Failed => stream.cause.clone().unwrap_or_default(),
        StreamState::Initialising | StreamState::Live => String::new(),
    }
}

/// Returns source, count, rate and cause, for the tooltip.
fn details(stream: &StreamView) -> String {
    let mode = words::mode(stream.state, stream.mode);
    let cause = stream.cause.as_ref().map(|cause| format!(" • {cause}")).unwrap_or_default();
    format!("{mode} • {} updates • {:.1} a second{cause}", stream.updates, stream.rate)
}
