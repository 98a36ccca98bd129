//! The Recordings page: feeds to record, recorded files, and controls to play them.

pub mod backtest;
pub mod feeds;
pub mod files;
pub mod state;

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    components::page_head::PageHead,
    live::recorder::use_recorder,
    pages::{
        FragmentSpec,
        recordings::{
            backtest::{BacktestPanel, use_backtest},
            feeds::FeedsPanel,
            files::FilesPanel,
        },
    },
};

/// The regions of this page: none samples the stream by itself.
pub const FRAGMENTS: &[FragmentSpec] = &[];

/// The page.
#[component]
pub fn RecordingsPage() -> impl IntoView {
    let recorder = use_recorder();
    let (failure, saved) = (recorder.failure(), recorder.saved());
    Effect::new(move |_| {
        recorder.reload();
        let again = set_interval_with_handle(move || recorder.reload(), RELOAD_EVERY).ok();
        on_cleanup(move || {
            if let Some(again) = again {
                again.clear();
            }
        });
    });
    let backtest = use_backtest(recorder);
    let usage = move || {
        recorder.list().with(|list| {
            list.as_ref().map(|list| {
                let (total, most) = (state::size(list.total_bytes), state::size(list.max_total_bytes));
                format!("{total} of {most} • kept for {} days, oldest deleted first", list.max_age_days)
            })
        })
    };
    view! {
        <Title text="Recordings · Truetape"/>
        <div class="recordings-page" data-testid="recordings">
            <PageHead title="Recordings" help=view! { <span data-testid="usage">{usage}</span> }.into_any()/>
            <p
                class="recordings-page__note"
                data-testid="recorder-failure"
                data-tone="bad"
                role="alert"
                hidden=move || failure.with(Option::is_none)
            >
                <span>{move || failure.get().unwrap_or_default()}</span>
                <button class="button button--bare" on:click=move |_| failure.set(None)>"Dismiss"</button>
            </p>
            <p
                class="recordings-page__note"
                data-testid="recorder-saved"
                data-tone="ok"
                role="status"
                hidden=move || saved.with(Option::is_none)
            >
                <span>{move || saved.with(|name| name.as_ref().map(|name| format!("Saved as {name}")))}</span>
                <button class="button button--bare" on:click=move |_| saved.set(None)>"Dismiss"</button>
            </p>
            <FeedsPanel recorder/>
            <FilesPanel recorder backtest/>
            <BacktestPanel backtest/>
        </div>
    }
}

/// Sizes of files being written are updated this often.
const RELOAD_EVERY: Duration = Duration::from_secs(2);
