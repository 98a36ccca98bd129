//! Starts the page in the browser: `hydrate()` and nothing else.

/// Called by the page's script once the WebAssembly is loaded; Leptos' script calls it by this name.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    app::mount::mount();
}
