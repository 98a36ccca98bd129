//! The field and the list that add an indicator to the chart. Arrows and Enter choose; the list stays open.

use indicators::{definition::Definition, spec::Spec};
use leptos::{html, prelude::*};

use super::state::{search, title};
use crate::{
    components::option_list::{OptionField, OptionList},
    lazy::IndicatorSearch,
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
    let list = OptionList::new("indicator-option", text, Signal::derive(move || found.with(Vec::len)));
    let choose = Callback::new(move |option_idx: usize| {
        if let Some(name) = found.with_untracked(|found| found.get(option_idx).copied()) {
            add.run(name);
        }
    });
    let note = move || match (found.with(Vec::is_empty), n_chosen()) {
        (true, _) => "No indicator matches.".to_owned(),
        (false, MAX_INDICATORS..) => format!("The chart is full: it shows {MAX_INDICATORS} indicators."),
        _ => String::new(),
    };
    view! {
        <OptionField
            of=list
            field
            dialog
            testid="indicator-search"
            label="Search indicators"
            placeholder="Name, or what it shows"
            choose
        />
        <ul class="option-dialog__list" id=list.id role="listbox" aria-label="Indicators">
            {move || text.with(|text| search(text)).into_iter().enumerate().map(|(at, definition)| {
                view! { <IndicatorOption at definition list add/> }
            }).collect_view()}
        </ul>
        <p class="option-dialog__note" role="status" data-testid="indicator-note">{note}</p>
    }
}

#[component]
fn IndicatorOption(
    /// Position in the list.
    at: usize,
    /// Definition of the indicator.
    definition: &'static Definition,
    /// The list.
    list: OptionList,
    /// Called with the choice.
    add: Callback<&'static str>,
) -> impl IntoView {
    let settings = use_settings();
    let (row, is_active) = list.use_row(at);
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
            id=list.option_id(at)
            data-testid="indicator-option"
            data-name=definition.name
            role="option"
            aria-selected=move || is_active().to_string()
            node_ref=row
            on:pointermove=move |_| list.point_at(at)
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
