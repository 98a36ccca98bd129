//! Starts the page in the browser: `hydrate()` and nothing else.

/// Called by the document's script once the WebAssembly is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    app::mount::mount();
}
