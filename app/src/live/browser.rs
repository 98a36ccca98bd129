//! The browser's features behind plain functions: clocks, storage, attributes of the document.
//!
//! Called only from effects and event handlers, which never run on the server.

use std::{cell::Cell, rc::Rc, time::Duration};

use futures_channel::oneshot;
use leptos::prelude::*;
use model::{
    access::Role,
    time::{Monotonic, Now, Timestamp},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// Reads both clocks of the browser.
pub fn now() -> Now {
    let wall = Timestamp::from_micros((js_sys::Date::now() * 1e3) as i64);
    let since_start_ms = window().performance().map_or(0.0, |performance| performance.now());
    let monotonic = Monotonic::from_zero(Duration::from_secs_f64((since_start_ms / 1e3).max(0.0)));
    Now { monotonic, wall }
}

/// Returns a name that no other page and no earlier call returns: for what must not happen twice.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a random number of 53 bits")]
pub fn fresh_name(prefix: &str) -> String {
    let random = (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64;
    format!("{prefix}-{:x}-{random:x}", now().wall.as_micros())
}

/// Returns the width of the window in CSS pixels.
pub fn width() -> f64 {
    window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(0.0)
}

/// Moves the focus to the element with an id, once the changes under way are on the page.
pub fn focus_soon(id: &'static str) {
    let focus = move || {
        let element = document().get_element_by_id(id).and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(element) = element {
            let _refused = element.focus();
        }
    };
    set_timeout(focus, Duration::ZERO);
}

/// Returns true while the page is hidden.
pub fn is_hidden() -> bool {
    document().hidden()
}

/// Returns the text stored under a key, if the browser allows storage.
pub fn stored(key: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(key).ok().flatten()
}

/// Stores a text. A browser without storage (private mode, full storage) forgets it at the end of the visit.
pub fn store(key: &str, text: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _refused = storage.set_item(key, text);
    }
}

/// Sets `data-<name>` on the document's root, where the style sheet reads it.
pub fn set_root_data(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        let _refused = root.set_attribute(&format!("data-{name}"), value);
    }
}

/// Returns `data-<name>` of the document's root, which the server sets.
pub fn root_data(name: &str) -> Option<String> {
    document().document_element()?.get_attribute(&format!("data-{name}"))
}

/// Returns true if the reader is an admin, as the server says in the document.
pub fn is_admin() -> bool {
    root_data("role").as_deref() == Some(Role::Admin.as_str())
}

/// Adds the style sheet at an address of this page, unless it is there; the future is true once its styles are in force.
pub fn load_style(address: &str) -> impl Future<Output = bool> + use<> {
    let link = new_style(address);
    let loading = link.map(|link| {
        let (loaded, loading) = oneshot::channel();
        let loaded = Rc::new(Cell::new(Some(loaded)));
        for (event, is_loaded) in [("load", true), ("error", false)] {
            let (loaded, tried) = (Rc::clone(&loaded), link.clone());
            let then = Closure::once_into_js(move || {
                if !is_loaded {
                    // Another try begins afresh.
                    tried.remove();
                }
                if let Some(loaded) = loaded.take() {
                    let _page_is_gone = loaded.send(is_loaded);
                }
            });
            let _refused = link.add_event_listener_with_callback(event, then.unchecked_ref());
        }
        loading
    });
    async move {
        match loading {
            Some(loading) => loading.await == Ok(true),
            None => true,
        }
    }
}

/// Adds a link to a style sheet; `None` if the document has one.
fn new_style(address: &str) -> Option<web_sys::Element> {
    let head = document().head()?;
    if head.query_selector(&format!("link[href=\"{address}\"]")).ok().flatten().is_some() {
        return None;
    }
    let link = document().create_element("link").ok()?;
    for (name, value) in [("rel", "stylesheet"), ("href", address)] {
        let _refused = link.set_attribute(name, value);
    }
    let _refused = head.append_child(&link);
    Some(link)
}

/// Reloads the page.
pub fn reload() {
    let _refused = window().location().reload();
}

/// Reloads the page when the document requests it (`cargo xtask dev`).
pub fn reload_if_asked() {
    let root = document().document_element();
    if root.is_some_and(|root| root.has_attribute("data-reload")) {
        reload();
    }
}

/// Returns true if the system prefers light surfaces.
pub fn prefers_light() -> bool {
    window().match_media("(prefers-color-scheme: light)").ok().flatten().is_some_and(|query| query.matches())
}

/// Shows an element above all panels on a phone, where the one around it would cut it off; elsewhere it stays as it is.
pub fn lift_on_phones(element: &web_sys::HtmlElement) {
    let is_phone = window().match_media("(max-width: 599px)").ok().flatten().is_some_and(|query| query.matches());
    if is_phone {
        // Old browsers have no popovers: the element stays in its panel.
        let _missing = element.set_popover(Some("manual")).and_then(|()| element.show_popover());
    }
}

/// Calls `then` whenever the system's preference for light or dark surfaces changes, while the page exists.
pub fn follow_preferred_theme(then: impl FnMut() + 'static) {
    let Some(query) = window().match_media("(prefers-color-scheme: light)").ok().flatten() else { return };
    let callback = Closure::<dyn FnMut()>::new(then);
    let _refused = query.add_event_listener_with_callback("change", callback.as_ref().unchecked_ref());
    callback.forget();
}

/// Calls `then` whenever the page is hidden, while it exists: another tab is in front, or it is left or closed.
pub fn follow_hidden(mut then: impl FnMut() + 'static) {
    let callback = Closure::<dyn FnMut()>::new(move || {
        if is_hidden() {
            then();
        }
    });
    let _refused = document().add_event_listener_with_callback("visibilitychange", callback.as_ref().unchecked_ref());
    callback.forget();
}

/// Scrolls as little as needed to show `element`.
pub fn scroll_to_nearest(element: &web_sys::Element) {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    options.set_inline(web_sys::ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Scrolls a list of rows of one height, the custom property `--row-height`, as little as needed to show row `row_idx`;
/// the row need not be rendered. The list's first child is a sticky head.
pub fn scroll_row_into_view(list: &web_sys::Element, row_idx: usize) {
    let Some(style) = window().get_computed_style(list).ok().flatten() else { return };
    let text = style.get_property_value("--row-height").unwrap_or_default();
    let row_px: u16 = text.trim().trim_end_matches("px").parse().unwrap_or(0);
    let head_px = list.first_element_child().map_or(0, |head| head.client_height());
    let top_px = i32::try_from(row_idx).unwrap_or(i32::MAX).saturating_mul(i32::from(row_px));
    let lowest = top_px.saturating_add(i32::from(row_px) + head_px) - list.client_height();
    let scrolled = list.scroll_top();
    if scrolled > top_px {
        list.set_scroll_top(top_px);
    } else if scrolled < lowest {
        list.set_scroll_top(lowest);
    }
}

/// Returns true while the reader types into a field, where single keys are text and not commands.
pub fn is_typing() -> bool {
    document().active_element().is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
            || element.has_attribute("contenteditable")
    })
}

/// Returns the offset of the reader's time zone from UTC in milliseconds, positive to the east, at an instant in
/// milliseconds since the epoch.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "instants are below 2^53")]
pub fn offset_ms(time_ms: i64) -> i64 {
    js_sys::Date::new(&(time_ms as f64).into()).get_timezone_offset() as i64 * -60_000
}

/// Returns true while a dialog is open.
pub fn is_dialog_open() -> bool {
    document().query_selector("dialog[open]").ok().flatten().is_some()
}

/// Returns true while a popover is shown.
pub fn is_popover_open(popover: &web_sys::Element) -> bool {
    popover.matches(":popover-open").unwrap_or(false)
}

/// Positions a popover below the pressed element, or above it if there is no room; the style sheet reads the position.
pub fn hang_at(event: &web_sys::MouseEvent, popover_id: &str) {
    let pressed = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let popover =
        document().get_element_by_id(popover_id).and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok());
    let (Some(pressed), Some(popover)) = (pressed, popover) else { return };
    let size =
        |read: fn(&web_sys::Window) -> Result<JsValue, JsValue>| read(&window()).ok().and_then(|size| size.as_f64());
    let (width, height) =
        (size(web_sys::Window::inner_width).unwrap_or(0.0), size(web_sys::Window::inner_height).unwrap_or(0.0));
    let place = pressed.get_bounding_client_rect();
    let is_above = place.bottom() > height * 0.55;
    let set = |name: &str, value: String| {
        let _refused = popover.style().set_property(name, &value);
    };
    set("--hang-left", format!("{:.0}px", place.left().min(width - POPOVER_WIDTH).max(POPOVER_GAP)));
    set("--hang-top", if is_above { "auto".to_owned() } else { format!("{:.0}px", place.bottom() + POPOVER_GAP) });
    set(
        "--hang-bottom",
        if is_above { format!("{:.0}px", height - place.top() + POPOVER_GAP) } else { "auto".to_owned() },
    );
}

/// Width of a popover including its distance from the edge, in pixels.
const POPOVER_WIDTH: f64 = 376.0;

/// Distance of a popover from its element and from the edge, in pixels.
const POPOVER_GAP: f64 = 8.0;
