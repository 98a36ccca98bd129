//! A file of settings: the button that opens it, and what it would change.

use leptos::{html, prelude::*};

use super::{
    requests::Settings,
    state::{Change, Check, Fault, count},
};

/// The button.
#[component]
pub fn OpenFile(
    /// The page's state.
    settings: Settings,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let ask = move |_| {
        if let Some(field) = field.get_untracked() {
            field.click();
        }
    };
    view! {
        <button class="button" data-testid="import" on:click=ask>"Import…"</button>
        <input
            node_ref=field
            type="file"
            accept=".toml"
            data-testid="import-field"
            aria-label="File of settings"
            hidden
            on:change=move |_| read(field, settings)
        />
    }
}

/// Reads the chosen file and asks the server what it would change.
fn read(field: NodeRef<html::Input>, settings: Settings) {
    #[cfg(feature = "browser")]
    {
        let Some(field) = field.get_untracked() else { return };
        let Some(file) = field.files().and_then(|files| files.get(0)) else { return };
        leptos::task::spawn_local(async move {
            let text = wasm_bindgen_futures::JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
            // The same file can be chosen again, once it was corrected.
            field.set_value("");
            settings.open_import(text.unwrap_or_default());
        });
    }
    #[cfg(not(feature = "browser"))]
    let _ = (field, settings);
}

/// The changes that the file would make, to apply or to leave.
#[component]
pub fn ImportPanel(
    /// The page's state.
    settings: Settings,
) -> impl IntoView {
    let panel = move |Check { changes, faults }: Check| {
        let n_changes = changes.len();
        let can_apply = faults.is_empty() && n_changes > 0;
        let words = match (faults.is_empty(), n_changes) {
            (false, _) => "The file cannot be applied: correct it, and import it again".to_owned(),
            (true, 0) => "The file changes nothing: these are the settings already".to_owned(),
            (true, n_changes) => format!("The file makes {}", count(n_changes)),
        };
        view! {
            <section class="panel" aria-label="Import" data-testid="import-panel">
                <div class="panel__head"><h2 class="panel__title">{words}</h2></div>
                <ul class="configuration-list">
                    {faults.into_iter().map(fault_line).collect_view()}
                    {changes.into_iter().map(change_line).collect_view()}
                </ul>
                <div class="configuration-actions">
                    <button
                        class="button"
                        data-testid="import-apply"
                        hidden=!can_apply
                        disabled=move || settings.is_saving.get()
                        on:click=move |_| settings.apply_import()
                    >
                        {format!("Apply {}", count(n_changes))}
                    </button>
                    <button class="button" data-testid="import-close" on:click=move |_| settings.import.set(None)>"Close"</button>
                </div>
            </section>
        }
    };
    move || settings.import.get().map(|(_, check)| panel(check))
}

fn fault_line(Fault { key, value, remedy }: Fault) -> impl IntoView {
    let value = if value.is_empty() { value } else { format!(" = {value}") };
    view! { <li class="configuration-list__bad"><code>{key}{value}</code>": "{remedy}</li> }
}

fn change_line(Change { key, title, before, after, is_set, applies }: Change) -> impl IntoView {
    // A secret has no words of its own.
    let values = match (before == after, is_set) {
        (false, _) => format!("{before} to {after}"),
        (true, true) => "set".to_owned(),
        (true, false) => "removed".to_owned(),
    };
    let restart = (applies == "restart").then_some(" · after a restart");
    view! { <li>{title}" "<code>{key}</code>": "{values}{restart}</li> }
}
