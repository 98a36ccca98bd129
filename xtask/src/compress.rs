//! Compresses the files of a release site once, so that the server never spends time on it.
//!
//! Not here: which client gets which form: the server decides by `Accept-Encoding`.

use std::io::Write as _;

/// Returns the compressed forms of a file as (suffix, bytes), each only if it saves enough.
///
/// # Errors
/// Only if memory runs out: the encoders write to memory.
pub(crate) fn forms(path: &str, bytes: &[u8]) -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
    if bytes.len() < SMALLEST || !is_compressible(path) {
        return Ok(Vec::new());
    }
    let forms = [(".br", brotli(bytes)?), (".gz", gzip(bytes)?)];
    Ok(forms.into_iter().filter(|(_, form)| form.len() < bytes.len()).collect())
}

/// Returns true if compression can help; images and fonts are compressed already.
pub(crate) fn is_compressible(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["css", "html", "js", "json", "map", "svg", "txt", "wasm", "webmanifest", "xml"].contains(&extension)
}

fn brotli(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let settings = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut { bytes }, &mut out, &settings)?;
    Ok(out)
}

fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Below this a file fits into one packet anyway.
const SMALLEST: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn both_forms_read_back_as_the_original() {
        let text = "truetape ".repeat(1_000);
        let forms = forms("pkg/truetape.js", text.as_bytes()).unwrap();
        assert_eq!(forms.iter().map(|(suffix, _)| *suffix).collect::<Vec<_>>(), [".br", ".gz"]);
        let mut back = String::new();
        brotli::Decompressor::new(forms[0].1.as_slice(), 4_096).read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
        back.clear();
        flate2::read::GzDecoder::new(forms[1].1.as_slice()).read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
    }

    #[test]
    fn small_and_compressed_files_stay_as_they_are() {
        assert!(forms("a.css", b"a{}").unwrap().is_empty());
        assert!(forms("icon.png", &[0; 4_096]).unwrap().is_empty());
    }
}
