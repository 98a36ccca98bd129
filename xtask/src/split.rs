//! Splits the compiled page in two: the code for the first view, and the code reachable only from the split point
//! (`app/src/parts.rs`), in a file that the browser fetches once data is shown.
//!
//! It needs the linker's relocations, which `frontend/build.rs` requests. wasm-bindgen runs afterwards and sees only
//! the first part.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use wasm_split_cli_support::Options;

/// Splits `compiled`: writes the later part and the script that fetches it to `out`; returns the first part, which is
/// beside `compiled`. `name` is the first part's name in `out`.
///
/// # Errors
/// The file cannot be split.
pub(crate) fn split(compiled: &Path, out: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let bytes = fs::read(compiled)?;
    let first = compiled.with_extension("first.wasm");
    let script = format!("./{name}-later.js");
    let main_module = format!("./{name}.js");
    let mut options = Options::new(&bytes);
    options.output_dir = out;
    options.main_out_path = &first;
    options.link_name = &script;
    options.main_module = &main_module;
    let split = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("wasm-split: {error:#}"))?;

    // The two parts fit only together: `assets` puts them into one folder, named after both.
    let script = out.join(&script);
    let mut text = fs::read_to_string(&script)?;
    for theirs in &split.split_modules {
        let stem = theirs.file_stem().and_then(|stem| stem.to_str()).context("a part has no name")?;
        let ours = format!("{}.wasm", stem.trim_start_matches("split_"));
        let part = without_custom_sections(&fs::read(theirs)?).context("a part is not WebAssembly")?;
        fs::write(out.join(&ours), part)?;
        fs::remove_file(theirs)?;
        text = text.replace(&format!("{stem}.wasm"), &ours);
    }
    fs::write(script, text)?;
    Ok(first)
}

/// Returns a module without names and other custom sections, none of which a browser reads.
fn without_custom_sections(module: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = module.split_at_checked(8)?;
    let mut out = header.to_vec();
    while let Some((id, behind)) = rest.split_first() {
        let n_digits = behind.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
        let digits = behind.get(..n_digits)?;
        let length = digits.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let (section, next) = rest.split_at_checked(1 + n_digits + length)?;
        if *id != 0 {
            out.extend_from_slice(section);
        }
        rest = next;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_sections_are_left_out() {
        let header = b"\0asm\x01\0\0\0";
        let module = |sections: &[&[u8]]| [&[header.as_slice()], sections].concat().concat();
        let (types, names) = ([1, 3, 1, 2, 3], [vec![0, 0x80, 0x01], vec![7; 128]].concat());
        let stripped = without_custom_sections(&module(&[&names, &types, &names]));
        assert_eq!(stripped, Some(module(&[&types])));
        assert_eq!(without_custom_sections(&module(&[&[1, 9, 1]])), None, "cut off");
        assert_eq!(without_custom_sections(b"no"), None);
    }
}
