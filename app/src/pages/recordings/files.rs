//! The recorded files, each with controls to play, download and delete it.

use std::time::Duration;

use leptos::{html, prelude::*};
use model::instrument::{InstrumentId, Venue};
use topics::channels::replay::ReplayReport;
use wire::command::{Command, OneRecording};

use crate::{
    format,
    live::{
        Live, browser,
        recorder::{Recorder, RecordingFile, Recordings},
        use_live,
    },
    pages::{
        live::symbol_picker::use_choose,
        recordings::{backtest::Backtest, feeds::is_direct, state},
    },
    selection::{Selection, use_selection},
};

/// One row for each file.
#[component]
pub fn FilesPanel(
    /// Recordings and replay.
    recorder: Recorder,
    /// The back-test and its form.
    backtest: Backtest,
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
                <FileRow recorder backtest name doomed/>
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
    let (choose, live, selection) = (use_choose(), use_live(), use_selection());
    let chosen = move |_| {
        let choose = choose.clone();
        if let Some(field) = field.get_untracked() {
            recorder.open_chosen(&field, move |replay| show(&replay, live, selection, choose));
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

/// Shows what plays: the recording of the shown instrument if there is one, otherwise the busiest, which the first
/// moments tell.
fn show(replay: &ReplayReport, live: Live, selection: Selection, choose: impl Fn(&InstrumentId) + 'static) {
    let shown = selection.id.with_untracked(|id| recording_of(id.as_ref()?, &replay.instruments).cloned());
    if let Some(id) = shown {
        return choose(&id);
    }
    let instruments = replay.instruments.clone();
    set_timeout(
        move || {
            let n_updates =
                |id: &InstrumentId| live.with_model(|model| model.stream(id, browser::now()).updates).unwrap_or(0);
            // The first of equals.
            if let Some(id) = instruments.iter().rev().max_by_key(|id| n_updates(id)) {
                choose(id);
            }
        },
        FIRST_MOMENTS,
    );
}

/// Returns the recorded instrument that is the shown one, live or replayed.
fn recording_of<'a>(shown: &InstrumentId, recorded: &'a [InstrumentId]) -> Option<&'a InstrumentId> {
    let venue = shown.venue().replayed().unwrap_or(shown.venue().as_str());
    recorded.iter().find(|one| one.symbol() == shown.symbol() && one.venue().replayed() == Some(venue))
}

/// Playing time of a replay before its busiest instrument is known.
const FIRST_MOMENTS: Duration = Duration::from_millis(700);

#[component]
fn FileRow(
    /// Recordings and replay.
    recorder: Recorder,
    /// The back-test and its form.
    backtest: Backtest,
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
    let (choose, selection) = (use_choose(), use_selection());
    let play = move |_| {
        let choose = choose.clone();
        let show = move |replay: ReplayReport| show(&replay, live, selection, choose);
        if is_here.get_untracked() {
            return recorder.open_listed(&of_row.get_value(), show);
        }
        recorder.load(of_row.get_value(), show);
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
                    data-testid="recording-backtest"
                    title="Run a strategy over this recording"
                    on:click=move |_| backtest.open(of_row.get_value())
                >
                    "Back-test"
                </button>
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shown_instrument_is_found_in_its_recording() {
        let id = |text: &str| InstrumentId::parse(text).unwrap();
        let recorded = [id("replay-one:A"), id("replay-one:B")];
        #[track_caller]
        fn check(shown: &str, recorded: &[InstrumentId], expected: Option<usize>) {
            let shown = InstrumentId::parse(shown).unwrap();
            assert_eq!(recording_of(&shown, recorded), expected.map(|idx| &recorded[idx]));
        }
        check("one:B", &recorded, Some(1));
        check("replay-one:A", &recorded, Some(0));
        check("two:B", &recorded, None);
        check("one:C", &recorded, None);
    }
}
