//! The dividers between the panels: dragged, or moved with the arrow keys; a double-click restores the default.
//!
//! A size is stored when the drag ends. Not here: the limits, which the style sheet sets, so that no size remembered from
//! a large screen hides a panel on a small one.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use crate::settings::{Pane, use_settings};

/// The divider that sets the size of `pane`.
#[component]
pub fn Splitter(
    /// The panel whose size it sets.
    pane: Pane,
    /// The sizes while one is dragged.
    dragged: RwSignal<Option<(Pane, u16)>>,
) -> impl IntoView {
    let settings = use_settings();
    let held = StoredValue::new(None::<(i32, i32)>);
    let shown = move || {
        let dragged = dragged.get().filter(|(of, _)| *of == pane).map(|(_, size)| size);
        dragged.or_else(|| settings.with(|settings| settings.pane(pane))).unwrap_or(pane.default_size())
    };
    let store = move |size: Option<u16>| settings.update(|settings| settings.set_pane(pane, size));
    let on_down = move |event: ev::PointerEvent| {
        if let Some(size) = measured(&event, pane) {
            event.prevent_default();
            if let Some(element) =
                event.current_target().and_then(|element| element.dyn_into::<web_sys::Element>().ok())
            {
                let _refused = element.set_pointer_capture(event.pointer_id());
            }
            held.set_value(Some((position(&event, pane), size)));
        }
    };
    let on_move = move |event: ev::PointerEvent| {
        if let Some((start, size)) = held.get_value() {
            let moved = position(&event, pane) - start;
            dragged.set(Some((pane, within(size + if pane.grows_forward() { moved } else { -moved }))));
        }
    };
    let on_up = move |_: ev::PointerEvent| {
        held.set_value(None);
        if let Some((of, size)) = dragged.get_untracked() {
            dragged.set(None);
            debug_assert_eq!(of, pane, "one pointer drags one divider");
            store(Some(size));
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let forward = match event.key().as_str() {
            "ArrowLeft" | "ArrowUp" => -1,
            "ArrowRight" | "ArrowDown" => 1,
            "Home" => {
                event.prevent_default();
                return store(None);
            }
            _ => return,
        };
        event.prevent_default();
        if let Some(size) = measured(&event, pane) {
            let step = if pane.grows_forward() { forward * KEY_STEP } else { -forward * KEY_STEP };
            store(Some(within(size + step)));
        }
    };
    view! {
        <div
            class="splitter"
            data-testid=format!("splitter-{}", pane.as_str())
            data-pane=pane.as_str()
            role="separator"
            tabindex="0"
            aria-orientation=if pane.is_width() { "vertical" } else { "horizontal" }
            aria-label=pane.label()
            aria-valuenow=move || shown().to_string()
            aria-valuemin="60"
            aria-valuemax="2000"
            title="Drag to resize, double-click to reset"
            on:pointerdown=on_down
            on:pointermove=on_move
            on:pointerup=on_up
            on:pointercancel=on_up
            on:dblclick=move |_| store(None)
            on:keydown=on_key
        ></div>
    }
}

fn position(event: &ev::PointerEvent, pane: Pane) -> i32 {
    if pane.is_width() { event.client_x() } else { event.client_y() }
}

/// Returns the present size of the pane, in CSS pixels.
fn measured(event: &ev::Event, pane: Pane) -> Option<i32> {
    let splitter: web_sys::Element = event.current_target()?.dyn_into().ok()?;
    let parent = splitter.parent_element()?;
    let size = |selector: &str| {
        let panel = parent.query_selector(selector).ok()??;
        Some(if pane.is_width() { panel.client_width() } else { panel.client_height() }).filter(|size| *size > 0)
    };
    pane.selectors().into_iter().find_map(size)
}

fn within(size: i32) -> u16 {
    u16::try_from(size.clamp(60, 2_000)).unwrap_or(60)
}

/// Pixels that one arrow key moves.
const KEY_STEP: i32 = 16;
