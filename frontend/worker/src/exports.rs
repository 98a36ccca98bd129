//! The functions exported to scripts: the worker's start, and the fingerprints of a recording and of the desk that trades
//! it.

use wasm_bindgen::{JsCast, JsError, prelude::wasm_bindgen};
use web_sys::DedicatedWorkerGlobalScope;

/// Runs when the module is loaded. In a page, where a test may load it, it starts nothing.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
        crate::shell::start(scope);
    }
}

/// The fingerprint of a recording, computed from chunks of whole lines.
#[wasm_bindgen]
pub struct RecordingHash(crate::recording_hash::RecordingHash);

#[wasm_bindgen]
impl RecordingHash {
    /// Creates the fingerprint for a recording of that venue.
    ///
    /// # Errors
    /// The venue is unknown.
    #[wasm_bindgen(constructor)]
    pub fn new(venue: &str) -> Result<RecordingHash, JsError> {
        Ok(Self(crate::recording_hash::RecordingHash::new(venue)?))
    }

    /// Processes whole lines.
    ///
    /// # Errors
    /// A line is not an entry of a recording.
    pub fn feed(&mut self, lines: &str) -> Result<(), JsError> {
        Ok(self.0.feed(lines)?)
    }

    /// Returns the fingerprint so far, as printed by the program `tape-hash`.
    pub fn finish(&self) -> String {
        self.0.finish()
    }
}

/// The fingerprint of a desk that trades a recording, computed from chunks of whole lines.
#[wasm_bindgen]
pub struct FillHash(crate::fill_hash::FillHash);

#[wasm_bindgen]
impl FillHash {
    /// Creates the fingerprint for a recording of that venue.
    ///
    /// # Errors
    /// The venue is unknown.
    #[wasm_bindgen(constructor)]
    pub fn new(venue: &str) -> Result<FillHash, JsError> {
        Ok(Self(crate::fill_hash::FillHash::new(venue)?))
    }

    /// Processes whole lines.
    ///
    /// # Errors
    /// A line is not an entry of a recording.
    pub fn feed(&mut self, lines: &str) -> Result<(), JsError> {
        Ok(self.0.feed(lines)?)
    }

    /// Closes everything and returns the fingerprint, as printed by the program `tape-hash`.
    pub fn finish(&mut self) -> String {
        self.0.finish()
    }
}
