//! What scripts may call: the worker's start, and the fingerprint of a recording.

use wasm_bindgen::{JsCast, JsError, prelude::wasm_bindgen};
use web_sys::DedicatedWorkerGlobalScope;

/// Runs when the module is loaded. In a page, where a test may load it, nothing starts.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
        crate::shell::start(scope);
    }
}

/// The fingerprint of a recording, fed in parts of whole lines.
#[wasm_bindgen]
pub struct RecordingHash(crate::recording_hash::RecordingHash);

#[wasm_bindgen]
impl RecordingHash {
    /// For a recording of that venue.
    ///
    /// # Errors
    /// The venue is unknown.
    #[wasm_bindgen(constructor)]
    pub fn new(venue: &str) -> Result<RecordingHash, JsError> {
        Ok(Self(crate::recording_hash::RecordingHash::new(venue)?))
    }

    /// Takes whole lines.
    ///
    /// # Errors
    /// A line that is no entry of a recording.
    pub fn feed(&mut self, lines: &str) -> Result<(), JsError> {
        Ok(self.0.feed(lines)?)
    }

    /// Everything so far, as the program `tape-hash` prints it.
    pub fn finish(&self) -> String {
        self.0.finish()
    }
}
