//! The field and the list that add an indicator to the chart. Arrows and Enter choose; the list stays open.

use indicators::{definition::Definition, spec::Spec};
use leptos::{ev, html, prelude::*};

use super::state::{search, title};
use crate::{
    components::icon::{Icon, IconMark},
    lazy::IndicatorSearch,
    pages::live::symbol_picker::close,
    settings::{MAX_INDICATORS, use_settings},
};

/// The content of the dialog.
#[component]
pub fn IndicatorList(
    /// The dialog.
    of: IndicatorSearch,
) -> impl IntoView {
    let IndicatorSearch { dialog, is_open } = of;
    let settings = use_settings();
    let field = NodeRef::<html::Input>::new();
    let text = RwSignal::new(String::new());
    let active = RwSignal::new(0_usize);
    let found = Memo::new(move |_| text.with(|text| search(text).iter().map(|one| one.name).collect::<Vec<_>>()));
    let n_chosen = move || settings.with(|settings| settings.indicators.len());
    Effect::new(move |_| {
        if is_open.get()
            && let Some(field) = field.get()
        {
            let _refused = field.focus();
            field.select();
        }
    });
    let add = Callback::new(move |name: &'static str| {
        if let Ok(spec) = Spec::parse(name) {
            settings.update(|settings| settings.add_indicator(&spec.to_string()));
        }
    });
    let on_keydown = move |event: ev::KeyboardEvent| {
        let n_found = found.with(Vec::len);
        match event.key().as_str() {
            "ArrowDown" => active.update(|at| *at = (*at + 1).min(n_found.saturating_sub(1))),
            "ArrowUp" => active.update(|at| *at = at.saturating_sub(1)),
            "Home" => active.set(0),
            "End" => active.set(n_found.saturating_sub(1)),
            "Enter" => {
                if let Some(name) = found.with(|found| found.get(active.get()).copied()) {
                    add.run(name);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let note = move || match (found.with(Vec::is_empty), n_chosen()) {
        (true, _) => "No indicator matches.".to_owned(),
        (false, MAX_INDICATORS..) => format!("The chart is full: it shows {MAX_INDICATORS} indicators."),
        _ => String::new(),
    };
    let active_id =
        move || found.with(|found| (active.get() < found.len()).then(|| format!("indicator-option-{}", active.get())));
    view! {
        <div class="symbol-dialog__search">
            <IconMark icon=Icon::Search/>
            <input
                class="symbol-dialog__field"
                data-testid="indicator-search"
                type="text"
                role="combobox"
                aria-label="Search indicators"
                aria-expanded="true"
                aria-controls="indicator-options"
                aria-autocomplete="list"
                aria-activedescendant=active_id
                autocomplete="off"
                spellcheck="false"
                placeholder="Name, or what it shows"
                node_ref=field
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    active.set(0);
                }
                on:keydown=on_keydown
            />
            <button class="button button--bare" aria-label="Close" on:click=move |_| close(dialog)>
                <IconMark icon=Icon::Close/>
            </button>
        </div>
        <ul class="symbol-dialog__list" id="indicator-options" role="listbox" aria-label="Indicators">
            {move || text.with(|text| search(text)).into_iter().enumerate().map(|(at, definition)| {
                view! { <IndicatorOption at definition active add/> }
            }).collect_view()}
        </ul>
        <p class="symbol-dialog__note" role="status" data-testid="indicator-note">{note}</p>
    }
}

#[component]
fn IndicatorOption(
    /// Position in the list.
    at: usize,
    /// Definition of the indicator.
    definition: &'static Definition,
    /// The position reached with the arrow keys.
    active: RwSignal<usize>,
    /// Called with the choice.
    add: Callback<&'static str>,
) -> impl IntoView {
    let settings = use_settings();
    let row = NodeRef::<html::Li>::new();
    let is_active = move || active.get() == at;
    Effect::new(move |_| {
        if is_active()
            && let Some(row) = row.get()
        {
            let options = web_sys::ScrollIntoViewOptions::new();
            options.set_block(web_sys::ScrollLogicalPosition::Nearest);
            row.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
    // Those of its kind that are on the chart.
    let on_chart = move || {
        settings.with(|settings| {
            let specs = settings.indicators.iter().filter_map(|chosen| Spec::parse(&chosen.spec).ok());
            let own = specs.filter(|spec| spec.definition().name == definition.name).map(|spec| title(&spec));
            own.collect::<Vec<_>>().join(", ")
        })
    };
    view! {
        <li
            class="indicator-option"
            id=format!("indicator-option-{at}")
            data-testid="indicator-option"
            data-name=definition.name
            role="option"
            aria-selected=move || is_active().to_string()
            node_ref=row
            on:pointermove=move |_| if !is_active() { active.set(at) }
            on:click=move |_| add.run(definition.name)
        >
            <span class="indicator-option__head">
                <span class="indicator-option__title">{definition.title}</span>
                <span class="indicator-option__chosen">{on_chart}</span>
                <span class="indicator-option__group">{definition.group.title()}</span>
            </span>
            <span class="indicator-option__summary">{definition.summary}</span>
        </li>
    }
}
