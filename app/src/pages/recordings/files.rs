//! The recorded files, each with controls to play, download and delete it.

use leptos::{html, prelude::*};
use model::instrument::{InstrumentId, Venue};
use topics::channels::replay::ReplayReport;
use wire::command::{Command, OneRecording};

use crate::{
    format,
    live::{
        recorder::{Recorder, RecordingFile, Recordings},
        use_live,
    },
    pages::{
        live::symbol_picker::use_choose,
        recordings::{feeds::is_direct, state},
    },
};

/// One row for each file.
#[component]
pub fn FilesPanel(
    /// Recordings and replay.
    recorder: Recorder,
) -> impl IntoView {
    let names = Memo::new(move |_| {
        let names = |list: &Recordings| -> Vec<String> {
            list.recordings.iter().map(|recording| recording.name.clone()).collect()
        };
        recorder.list().with(|list| list.as_ref().map(names))
    });
    let note = move || {
        names.with(|names| match names {
            None => "Loading the recordings…",
            Some(names) if names.is_empty() => "Nothing recorded yet. Record a feed, or save its last 30 s.",
            Some(_) => "",
        })
    };
    // The file whose deletion must be confirmed.
    let doomed = RwSignal::new(None::<String>);
    view! {
        <section class="panel recordings-page__panel" aria-label="Files">
            <div class="panel__head">
                <h2 class="panel__title">"Files"</h2>
                <OpenFile recorder/>
            </div>
            <p class="recordings-page__hint">
                "Play shows a recording to everyone on this server. Files from your disk play in this page only, and so does Play here, for venues with a direct connection."
            </p>
            <p class="recordings-page__empty" data-testid="recordings-empty" hidden=move || note().is_empty()>{note}</p>
            <For each=move || names.get().unwrap_or_default() key=String::clone let:name>
                <FileRow recorder name doomed/>
            </For>
        </section>
    }
}

/// A control to open a file from the reader's disk.
#[component]
fn OpenFile(
    /// Recordings and replay.
    recorder: Recorder,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let choose = use_choose();
    let chosen = move |_| {
        let choose = choose.clone();
        if let Some(field) = field.get_untracked() {
            recorder.open_chosen(&field, move |replay| show(&replay, &choose));
        }
    };
    let ask = move |_| {
        if let Some(field) = field.get_untracked() {
            field.click();
        }
    };
    let opening = recorder.opening();
    view! {
        <span class="open-file">
            <span class="open-file__words" role="status" data-testid="opening">
                {move || opening.with(|name| name.as_ref().map(|name| format!("Reading {name}…")))}
            </span>
            <button
                class="button"
                data-testid="open-file"
                title="Play a recording from your disk in this page: .jsonl, .jsonl.gz or .jsonl.zst, up to 512 MB"
                on:click=ask
            >
                "Open a file…"
            </button>
            <input
                node_ref=field
                type="file"
                accept=".jsonl,.gz,.zst"
                data-testid="open-file-field"
                aria-label="Recording to open"
                hidden
                on:change=chosen
            />
        </span>
    }
}

/// Shows what plays.
fn show(replay: &ReplayReport, choose: &impl Fn(&InstrumentId)) {
    if let Some(id) = replay.instruments.first() {
        choose(id);
    }
}

#[component]
fn FileRow(
    /// Recordings and replay.
    recorder: Recorder,
    /// The file's name.
    name: String,
    /// The file whose deletion must be confirmed.
    doomed: RwSignal<Option<String>>,
) -> impl IntoView {
    let of_row = StoredValue::new(name.clone());
    let recording = Memo::new(move |_| {
        recorder.list().with(|list| {
            list.as_ref()?
                .recordings
                .iter()
                .find(|recording| of_row.with_value(|name| recording.name == *name))
                .cloned()
        })
    });
    let text = move |of: fn(&RecordingFile) -> String| {
        move || recording.with(|recording| recording.as_ref().map(of).unwrap_or_default())
    };
    let words = Memo::new(move |_| {
        let of_file = |file: &RecordingFile| recorder.replay().with(|replay| state::state_words(file, replay.as_ref()));
        recording.with(|recording| recording.as_ref().map(of_file).unwrap_or_default())
    });
    let is_doomed = move || doomed.with(|doomed| of_row.with_value(|name| doomed.as_ref() == Some(name)));
    let is_busy = move || {
        text(|recording| recording.state.clone())() == "recording"
            || text(|recording| recording.state.clone())() == "playing"
    };
    let live = use_live();
    let is_here = Memo::new(move |_| {
        let venue = recording
            .with(|recording| recording.as_ref().and_then(|recording| recording.venue.as_deref().map(Venue::new)));
        venue.is_some_and(|venue| is_direct(live, &venue))
    });
    let choose = use_choose();
    let play = move |_| {
        let choose = choose.clone();
        if is_here.get_untracked() {
            return recorder.open_listed(&of_row.get_value(), move |replay| show(&replay, &choose));
        }
        recorder.load(of_row.get_value(), move |replay| show(&replay, &choose));
    };
    let delete = move |_| {
        doomed.set(None);
        recorder.act(Command::DeleteRecording(OneRecording { name: of_row.get_value() }));
    };
    view! {
        <div class="file-row" data-testid="recording" data-name=name.clone() data-state=text(|recording| recording.state.clone())>
            <span class="file-row__what">
                <span class="file-row__venue">{text(|recording| recording.venue.clone().unwrap_or_else(|| "unknown venue".to_owned()))}</span>
                <span class="file-row__symbols" title=text(|recording| recording.symbols.join(", "))>{text(|recording| recording.symbols.join(", "))}</span>
            </span>
            <span class="file-row__name" title=name.clone()>{name.clone()}</span>
            <span class="file-row__figure" title="Start time, UTC">
                {text(|recording| recording.start_ms.map_or_else(|| format::UNKNOWN.to_owned(), state::moment))}
            </span>
            <span class="file-row__figure" title="Duration">
                {text(|recording| recording.duration_ms.map_or_else(|| format::UNKNOWN.to_owned(), state::span))}
            </span>
            <span class="file-row__figure" title="File size">{text(|recording| state::size(recording.size_bytes))}</span>
            <span class="file-row__state" data-testid="recording-state" title=move || words.get().1>
                {move || words.get().0}
            </span>
            <span class="file-row__deeds" hidden=is_doomed>
                <button class="button" data-testid="recording-play" on:click=play>
                    {move || if is_here.get() { "Play here" } else { "Play" }}
                </button>
                <a
                    class="button"
                    data-testid="recording-download"
                    href=format!("api/v1/recordings/{name}")
                    download=name.clone()
                    rel="external"
                >
                    "Download"
                </a>
                <button
                    class="button"
                    data-testid="recording-delete"
                    disabled=is_busy
                    on:click=move |_| doomed.set(Some(of_row.get_value()))
                >
                    "Delete"
                </button>
            </span>
            <span class="file-row__deeds" hidden=move || !is_doomed()>
                <span class="file-row__question">"Delete this recording?"</span>
                <button class="button button--danger" data-testid="recording-delete-yes" on:click=delete>"Delete"</button>
                <button class="button" data-testid="recording-delete-no" on:click=move |_| doomed.set(None)>"Cancel"</button>
            </span>
        </div>
    }
}
