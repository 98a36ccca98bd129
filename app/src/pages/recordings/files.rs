//! The files, each with its way to be played, downloaded and deleted.

use leptos::prelude::*;

use crate::{
    format,
    live::recorder::{Deed, Order, Recorder, Recordings, Tape},
    pages::{live::symbol_picker::use_choose, recordings::state},
};

/// One row a file.
#[component]
pub fn FilesPanel(
    /// Recordings and replay.
    recorder: Recorder,
) -> impl IntoView {
    let names = Memo::new(move |_| {
        let names =
            |list: &Recordings| -> Vec<String> { list.recordings.iter().map(|tape| tape.name.clone()).collect() };
        recorder.list().with(|list| list.as_ref().map(names))
    });
    let note = move || {
        names.with(|names| match names {
            None => "Waiting for the list…",
            Some(names) if names.is_empty() => "Nothing recorded yet. Record a feed, or save its last 30 s.",
            Some(_) => "",
        })
    };
    // The name of the file whose deletion is to be confirmed.
    let doomed = RwSignal::new(None::<String>);
    view! {
        <section class="panel recordings-page__panel" aria-label="Files">
            <div class="panel__head">
                <h2 class="panel__title">"Files"</h2>
            </div>
            <p class="recordings-page__empty" data-testid="recordings-empty" hidden=move || note().is_empty()>{note}</p>
            <For each=move || names.get().unwrap_or_default() key=String::clone let:name>
                <FileRow recorder name doomed/>
            </For>
        </section>
    }
}

#[component]
fn FileRow(
    /// Recordings and replay.
    recorder: Recorder,
    /// The file's name.
    name: String,
    /// The file whose deletion is to be confirmed.
    doomed: RwSignal<Option<String>>,
) -> impl IntoView {
    let of_row = StoredValue::new(name.clone());
    let tape = Memo::new(move |_| {
        recorder.list().with(|list| {
            list.as_ref()?.recordings.iter().find(|tape| of_row.with_value(|name| tape.name == *name)).cloned()
        })
    });
    let text = move |of: fn(&Tape) -> String| move || tape.with(|tape| tape.as_ref().map(of).unwrap_or_default());
    let words = Memo::new(move |_| {
        let of_tape = |tape: &Tape| recorder.replay().with(|replay| state::state_words(tape, replay.as_ref()));
        tape.with(|tape| tape.as_ref().map(of_tape).unwrap_or_default())
    });
    let is_doomed = move || doomed.with(|doomed| of_row.with_value(|name| doomed.as_ref() == Some(name)));
    let is_busy =
        move || text(|tape| tape.state.clone())() == "recording" || text(|tape| tape.state.clone())() == "playing";
    let choose = use_choose();
    let play = move |_| {
        let choose = choose.clone();
        recorder.order(Order::Load { files: vec![of_row.get_value()] }, move |replay| {
            if let Some(id) = replay.and_then(|replay| replay.instruments.into_iter().next()) {
                choose(&id);
            }
        });
    };
    let delete = move |_| {
        doomed.set(None);
        recorder.act(Deed::Delete(of_row.get_value()));
    };
    view! {
        <div class="file-row" data-testid="recording" data-name=name.clone() data-state=text(|tape| tape.state.clone())>
            <span class="file-row__what">
                <span class="file-row__venue">{text(|tape| tape.venue.clone().unwrap_or_else(|| "unknown venue".to_owned()))}</span>
                <span class="file-row__symbols" title=text(|tape| tape.symbols.join(", "))>{text(|tape| tape.symbols.join(", "))}</span>
            </span>
            <span class="file-row__name" title=name.clone()>{name.clone()}</span>
            <span class="file-row__figure" title="Beginning, UTC">
                {text(|tape| tape.start_ms.map_or_else(|| format::UNKNOWN.to_owned(), state::moment))}
            </span>
            <span class="file-row__figure" title="Length">
                {text(|tape| tape.duration_ms.map_or_else(|| format::UNKNOWN.to_owned(), state::span))}
            </span>
            <span class="file-row__figure" title="Packed size">{text(|tape| state::size(tape.size_bytes))}</span>
            <span class="file-row__state" data-testid="recording-state" title=move || words.get().1>
                {move || words.get().0}
            </span>
            <span class="file-row__deeds" hidden=is_doomed>
                <button class="button" data-testid="recording-play" on:click=play>"Play"</button>
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
                <span class="file-row__question">"Delete for good?"</span>
                <button class="button button--danger" data-testid="recording-delete-yes" on:click=delete>"Delete"</button>
                <button class="button" data-testid="recording-delete-no" on:click=move |_| doomed.set(None)>"Keep"</button>
            </span>
        </div>
    }
}
