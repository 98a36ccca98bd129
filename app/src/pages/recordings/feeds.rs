//! The running feeds, each with controls to record it.

use leptos::{ev, prelude::*};
use model::{instrument::Venue, time::Now};
use wire::{
    command::{Command, FeedSymbols, OneVenue},
    direct::WorkerCommand,
};

use crate::{
    live::{Live, recorder::Recorder, source::Source, use_live},
    pages::recordings::state,
};

/// One row for each feed.
#[component]
pub fn FeedsPanel(
    /// Recordings and replay.
    recorder: Recorder,
) -> impl IntoView {
    let live = use_live();
    let venues = Memo::new(move |_| {
        if live.tick().get() == Now::default() {
            return None;
        }
        let known = live.with_model(|model| {
            let connections = &model.status()?.connections;
            Some(
                connections
                    .iter()
                    .map(|entry| entry.venue.clone())
                    .filter(|venue| venue.replayed().is_none())
                    .collect(),
            )
        });
        known.flatten().map(|venues: Vec<Venue>| venues)
    });
    let note = move || {
        venues.with(|venues| match venues {
            None => "Waiting for feeds…",
            Some(venues) if venues.is_empty() => "No feeds are running. Start one to record it.",
            Some(_) => "",
        })
    };
    view! {
        <section class="panel recordings-page__panel" aria-label="Feeds">
            <div class="panel__head">
                <h2 class="panel__title">"Feeds"</h2>
            </div>
            <p class="recordings-page__empty" hidden=move || note().is_empty()>{note}</p>
            <For each=move || venues.get().unwrap_or_default() key=Venue::clone let:venue>
                <FeedRow recorder venue/>
            </For>
        </section>
    }
}

#[component]
fn FeedRow(
    /// Recordings and replay.
    recorder: Recorder,
    /// The feed.
    venue: Venue,
) -> impl IntoView {
    let name = venue.to_string();
    let of_row = venue.clone();
    let live = use_live();
    // This page's own recording stays displayed until it ends, whichever source is chosen meanwhile.
    let is_here = Memo::new(move |_| {
        let is_running = recorder.own().with(|own| own.get(&of_row).is_some_and(|recording| recording.is_running));
        is_running || is_direct(live, &of_row)
    });
    let of_row = venue.clone();
    let recording = Memo::new(move |_| match is_here.get() {
        true => recorder.own().with(|own| own.get(&of_row).cloned()),
        false => recorder.list().with(|list| list.as_ref()?.feeds.iter().find(|known| known.venue == of_row).cloned()),
    });
    let of_row = venue.clone();
    let is_simulated = Memo::new(move |_| {
        live.venues().with(|venues| venues.find(&of_row).is_some_and(|row| row.capabilities.is_simulated))
    });
    let status = move || {
        recording.with(|recording| match recording {
            None => "idle",
            Some(recording) if recording.failure.is_some() => "failed",
            Some(recording) if recording.is_running => "recording",
            Some(_) => "idle",
        })
    };
    let is_running = move || status() == "recording";
    let act = move |command: fn(String) -> Command, order: WorkerCommand| {
        let venue = venue.clone();
        move |_: ev::MouseEvent| match is_here.get_untracked() {
            true => recorder.act_here(&venue, &order),
            false => recorder.act(command(venue.to_string())),
        }
    };
    let words = move || {
        let words = recording.with(|recording| state::progress(recording.as_ref()));
        match (words.is_empty(), is_here.get()) {
            _ if is_simulated.get() => "Simulated here: no data comes in that could be recorded".to_owned(),
            (true, true) => "Direct: this page records it, and you download the file".to_owned(),
            _ => words,
        }
    };
    let save_title = move || match is_here.get() {
        true => "Download the last 30 s kept by this page, for a bug report",
        false => "Save the last 30 s kept by the server to a file, for a bug report",
    };
    view! {
        <div class="feed-row" data-testid="record-feed" data-venue=name data-state=status data-place=move || if is_here.get() { "page" } else { "server" }>
            <span class="feed-row__name">
                <span class="feed-row__dot" aria-hidden="true"></span>
                {name.clone()}
            </span>
            <span class="feed-row__words" data-testid="record-words">
                {words}
            </span>
            <span class="feed-row__deeds">
                <button
                    class="button"
                    data-testid="record-start"
                    hidden=is_running
                    disabled=move || is_simulated.get()
                    on:click=act(start_recording, WorkerCommand::Record)
                >
                    "Record"
                </button>
                <button class="button" data-testid="record-stop" hidden=move || !is_running() on:click=act(stop_recording, WorkerCommand::StopRecording)>
                    "Stop"
                </button>
                <button
                    class="button"
                    data-testid="save-last"
                    title=save_title
                    disabled=move || is_simulated.get()
                    on:click=act(save_last, WorkerCommand::SaveLast)
                >
                    "Save last 30 s"
                </button>
            </span>
        </div>
    }
}

/// Returns true if the reader chose a venue's data directly and it is available: this page then records and replays by
/// itself.
pub fn is_direct(live: Live, venue: &Venue) -> bool {
    let is_open = live
        .direct_venues()
        .with(|venues| venues.iter().any(|direct| direct.venue == *venue && direct.refusal.is_none()));
    is_open
        && live.sources().with(|sources| sources.get(venue) == Source::Direct)
        && live.failures().with(|failures| !failures.contains_key(venue))
}

fn start_recording(venue: String) -> Command {
    Command::StartRecording(FeedSymbols { symbols: Vec::new(), venue })
}

fn stop_recording(venue: String) -> Command {
    Command::StopRecording(OneVenue { venue })
}

fn save_last(venue: String) -> Command {
    Command::SaveLast(OneVenue { venue })
}
