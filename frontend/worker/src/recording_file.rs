//! A recording's file in the worker: chosen by the reader or fetched from the server, and read in pieces as it plays.
//!
//! The browser keeps the file, on disk or elsewhere; here only one piece and its decompressed text exist at a time. Not
//! here: decompression (`recording::packed`).

use std::io::{self, Read};

use recording::packed::PackedLines;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DedicatedWorkerGlobalScope, FileReaderSync, Response};

use crate::requests::words;

/// The lines of a file, whatever its compression.
pub(crate) type RecordingLines = PackedLines<Box<dyn FnMut() -> BlobReader>>;

/// Returns the lines of `blob`.
pub(crate) fn lines(blob: Blob) -> RecordingLines {
    PackedLines::new(Box::new(move || BlobReader { blob: blob.clone(), position: 0.0 }))
}

/// Reads a file from its beginning, blocking until the browser delivers.
pub(crate) struct BlobReader {
    blob: Blob,
    /// The position, as a float because the browser counts in floats.
    position: f64,
}

impl Read for BlobReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let end = (self.position + out.len() as f64).min(self.blob.size());
        if end <= self.position {
            return Ok(0);
        }
        let piece = self.blob.slice_with_f64_and_f64(self.position, end).map_err(unreadable)?;
        let buffer =
            FileReaderSync::new().and_then(|reader| reader.read_as_array_buffer(&piece)).map_err(unreadable)?;
        let bytes = js_sys::Uint8Array::new(&buffer);
        let n_bytes = out.len().min(bytes.length() as usize);
        bytes.subarray(0, n_bytes as u32).copy_to(&mut out[..n_bytes]);
        self.position += n_bytes as f64;
        Ok(n_bytes)
    }
}

fn unreadable(error: JsValue) -> io::Error {
    io::Error::other(words(error))
}

/// Fetches a file from the server.
pub(crate) async fn fetch(scope: &DedicatedWorkerGlobalScope, url: &str) -> Result<Blob, JsValue> {
    let answer = JsFuture::from(scope.fetch_with_str(url)).await?.dyn_into::<Response>()?;
    if !answer.ok() {
        return Err(js_sys::Error::new(&format!("the server answered {}", answer.status())).into());
    }
    JsFuture::from(answer.blob()?).await?.dyn_into()
}
