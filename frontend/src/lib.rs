//! Starts the page in the browser: `browser()` and nothing else.

/// Called by the page's script once the WebAssembly is loaded; the name is the one that Leptos' script calls.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn browser() {
    console_error_panic_hook::set_once();
    app::mount::mount();
}
