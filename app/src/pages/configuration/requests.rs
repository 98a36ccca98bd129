//! The page's state, and its requests to the server.

use leptos::prelude::*;
use serde_json::{Map, json};

use super::state::{Check, Draft, Drafts, Report, Setting};
use crate::pages::account::state::Note;

/// The state of the page.
#[derive(Clone, Copy)]
pub struct Settings {
    /// The settings; `None` until they have come.
    pub report: RwSignal<Option<Report>>,
    /// Why they have not come; empty otherwise.
    pub failure: RwSignal<String>,
    /// Changes that are not saved.
    pub drafts: RwSignal<Drafts>,
    /// The mistakes in them: keys and remedies.
    pub faults: RwSignal<Vec<(String, String)>>,
    /// A file that was opened: its text, and what it would change.
    pub import: RwSignal<Option<(String, Check)>>,
    /// The outcome of the last request.
    pub note: RwSignal<Note>,
    /// True while a change is on its way.
    pub is_saving: RwSignal<bool>,
}

impl Settings {
    /// Returns the state before the first answer.
    pub fn new() -> Self {
        Self {
            report: RwSignal::new(None),
            failure: RwSignal::new(String::new()),
            drafts: RwSignal::new(Drafts::new()),
            faults: RwSignal::new(Vec::new()),
            import: RwSignal::new(None),
            note: RwSignal::default(),
            is_saving: RwSignal::new(false),
        }
    }

    /// Returns a setting; tracked.
    pub fn setting(self, key: &str) -> Setting {
        let of = |report: &Report| report.settings.iter().find(|setting| setting.key == key).cloned();
        self.report.with(|report| report.as_ref().and_then(of)).unwrap_or_default()
    }

    /// Takes what was typed for a setting; the value itself is no change.
    pub fn edit(self, setting: &Setting, text: String) {
        self.faults.update(|faults| faults.retain(|(key, _)| *key != setting.key));
        let is_same = setting.is_same(&text);
        self.drafts.update(|drafts| match is_same {
            true => drop(drafts.remove(&setting.key)),
            false => drop(drafts.insert(setting.key.clone(), Draft::Text(text))),
        });
    }

    /// Takes back what the page has set for a setting, once it is saved; otherwise what was typed, at once.
    pub fn reset(self, setting: &Setting) {
        self.faults.update(|faults| faults.retain(|(key, _)| *key != setting.key));
        self.drafts.update(|drafts| match setting.source == "page" {
            true => drop(drafts.insert(setting.key.clone(), Draft::Reset)),
            false => drop(drafts.remove(&setting.key)),
        });
    }

    /// Forgets all changes that are not saved.
    pub fn discard(self) {
        self.drafts.set(Drafts::new());
        self.faults.set(Vec::new());
    }

    /// Requests the settings.
    pub fn load(self) {
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            // The page may have gone while the answer came.
            match crate::live::rest::get::<Report>(PATH).await {
                Ok(report) => drop((self.report.try_set(Some(report)), self.failure.try_set(String::new()))),
                Err(reason) => drop(self.failure.try_set(reason)),
            }
        });
    }

    /// Saves all changes, or says at each field what is wrong.
    pub fn save(self) {
        let wanted: Map<String, serde_json::Value> = self.drafts.with_untracked(|drafts| {
            let wanted = |(key, draft): (&String, &Draft)| {
                let setting = untrack(|| self.setting(key));
                (key.clone(), json!(setting.wanted(draft)))
            };
            drafts.iter().map(wanted).collect()
        });
        let n_changes = wanted.len();
        self.send(json!({ "settings": wanted }), move || {
            self.discard();
            super::state::count(n_changes)
        });
    }

    /// Applies the file that was opened.
    pub fn apply_import(self) {
        let Some((text, check)) = self.import.get_untracked() else { return };
        self.send(json!({ "toml": text }), move || {
            self.import.set(None);
            super::state::count(check.changes.len())
        });
    }

    /// Checks a change and then makes it; `done` returns how many it were.
    fn send(self, body: serde_json::Value, done: impl FnOnce() -> String + 'static) {
        if self.is_saving.get_untracked() {
            return;
        }
        self.is_saving.set(true);
        let revision = self.report.with_untracked(|report| report.as_ref().map(|report| report.revision.clone()));
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            let note = self.sent(&body, &revision.unwrap_or_default(), done).await;
            let _gone = (self.note.try_set(note), self.is_saving.try_set(false));
        });
        #[cfg(not(feature = "browser"))]
        let _ = (body, revision, done);
    }

    #[cfg(feature = "browser")]
    async fn sent(self, body: &serde_json::Value, revision: &str, done: impl FnOnce() -> String) -> Note {
        use crate::live::rest;
        let bad = |words: String| Note { words, is_bad: true };
        match rest::post_json::<Check>(CHECK, body).await {
            Ok(check) if check.faults.is_empty() => {}
            Ok(check) => {
                let words = match check.faults.as_slice() {
                    [one] => format!("Nothing was saved. {}: {}.", one.key, one.remedy),
                    faults => format!("Nothing was saved: {} settings cannot be used.", faults.len()),
                };
                let faults = check.faults.into_iter().map(|fault| (fault.key, fault.remedy)).collect();
                let _gone = self.faults.try_set(faults);
                return bad(words);
            }
            Err(words) => return bad(words),
        }
        match rest::patch_json_if::<Report>(PATH, revision, body).await {
            Ok(report) => {
                let words = format!("Saved {}.", done());
                let _gone = self.report.try_set(Some(report));
                Note { words, is_bad: false }
            }
            Err(words) => {
                // Somebody else may have been faster: the reader looks at the newest values, and saves again.
                self.load();
                bad(format!("Nothing was saved: {words}."))
            }
        }
    }

    /// Has the server say what a file would change.
    pub fn open_import(self, text: String) {
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            let body = json!({ "toml": text });
            match crate::live::rest::post_json::<Check>(CHECK, &body).await {
                Ok(check) => drop(self.import.try_set(Some((text, check)))),
                Err(words) => drop(self.note.try_set(Note { words, is_bad: true })),
            }
        });
        #[cfg(not(feature = "browser"))]
        let _ = text;
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "browser")]
const PATH: &str = "api/v1/configuration";
#[cfg(feature = "browser")]
const CHECK: &str = "api/v1/configuration/check";
