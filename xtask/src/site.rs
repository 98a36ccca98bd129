//! Assembles the site: the folder with every file that a browser loads besides the page's HTML.
//!
//! One folder per mode, because page and server of different modes are incompatible:
//! - release: `target/site`, which the server embeds when it is compiled (`../target/site` from its own folder), so a
//!   release server needs no files beside it; compressed forms (`.br`, `.gz`) lie beside the originals;
//! - debug: `target/site-debug`, which the server reads while it runs, from the path in `TRUETAPE_SITE_DIR`;
//!   `cargo xtask` sets that variable when it starts a debug server, and for the browser tests.
//!
//! Inside: `assets/<hash>/…` with the page's program, its style sheet and the program of its workers, `site.json`, which
//! names them, and all of `public/`.
//! Not here: the compilation (`page`), the style sheet (`style`) and the names (`assets`). An unchanged file is not rewritten, so the server
//! is recompiled only when the page changes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::{assets, builds::Mode, compress, house::House, page, style};

/// Files by their path in the site, with `/`.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Makes the site folder equal to the page's files, the style sheet and `public/`.
///
/// # Errors
/// A source is missing or invalid, or two sources have a file with the same path.
pub(crate) fn assemble(house: &House, mode: Mode) -> anyhow::Result<()> {
    let mut page = Files::new();
    read_into(&mut page, &page::folder_of(house, mode), "")?;
    let mut public = Files::new();
    read_into(&mut public, &house.root().join("public"), "")?;
    let mut files = assets::name(page, style::sheets(house, mode)?, &mut public)?;
    for (path, bytes) in public {
        add(&mut files, path, bytes)?;
    }

    let folder = folder_of(house, mode);
    let n_written = sync(&folder, &files, mode)?;
    if n_written > 0 {
        eprintln!("site: {n_written} of {} files changed in {}", files.len(), house.shown(&folder));
    }
    Ok(())
}

/// Returns the site folder of a mode. Always below the working tree, wherever cargo's own output goes: the server
/// embeds it by a path relative to its crate.
pub(crate) fn folder_of(house: &House, mode: Mode) -> PathBuf {
    house.root().join(match mode {
        Mode::Debug => "target/site-debug",
        Mode::Release => "target/site",
    })
}

/// Writes files that differ and removes leftover ones; returns how many files differed.
fn sync(folder: &Path, files: &Files, mode: Mode) -> anyhow::Result<usize> {
    let mut old = Files::new();
    if folder.is_dir() {
        read_into(&mut old, folder, "")?;
    }
    let mut n_written = 0;
    for (path, bytes) in files {
        let is_same = old.remove(path).is_some_and(|old| old == *bytes);
        if !is_same {
            write(folder, path, bytes)?;
            n_written += 1;
        }
        if mode == Mode::Release {
            // Small files have no compressed forms and are cheap to check again.
            let old_forms = [".br", ".gz"].map(|suffix| old.remove(&format!("{path}{suffix}")));
            if !is_same || old_forms.iter().any(Option::is_none) {
                for suffix in [".br", ".gz"] {
                    let _ = fs::remove_file(folder.join(format!("{path}{suffix}")));
                }
                for (suffix, form) in compress::forms(path, bytes)? {
                    write(folder, &format!("{path}{suffix}"), &form)?;
                }
            }
        }
    }
    for path in old.keys() {
        let file = folder.join(path);
        fs::remove_file(&file)?;
        // The folders of an earlier build; one with other files stays.
        for parent in file.ancestors().skip(1).take_while(|parent| *parent != folder) {
            if fs::remove_dir(parent).is_err() {
                break;
            }
        }
        n_written += 1;
    }
    Ok(n_written)
}

fn write(folder: &Path, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let file = folder.join(path);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&file, bytes).with_context(|| format!("write {}", file.display()))
}

fn read_into(files: &mut Files, folder: &Path, prefix: &str) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a file name of the site is not UTF-8")?;
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            read_into(files, &entry.path(), &format!("{prefix}{name}/"))?;
        } else {
            add(files, format!("{prefix}{name}"), fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn add(files: &mut Files, path: String, bytes: Vec<u8>) -> anyhow::Result<()> {
    if files.insert(path.clone(), bytes).is_some() {
        bail!("two sources of the site have a file {path}: rename the one in public/");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        list.iter().map(|(path, text)| ((*path).to_owned(), text.repeat(400).into_bytes())).collect()
    }

    /// Returns an empty folder for this test alone, below cargo's output folder.
    fn folder(name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tmp/xtask").join(name);
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut found = Files::new();
        read_into(&mut found, folder, "").unwrap();
        found.into_keys().collect()
    }

    #[test]
    fn only_what_differs_is_written() {
        let folder = folder("site_sync");
        let first = files(&[("a.svg", "<svg/>"), ("assets/0/x.css", "a{}")]);
        assert_eq!(sync(&folder, &first, Mode::Debug).unwrap(), 2);
        assert_eq!(sync(&folder, &first, Mode::Debug).unwrap(), 0);
        assert_eq!(sync(&folder, &files(&[("assets/0/x.css", "b{}")]), Mode::Debug).unwrap(), 2);
        assert_eq!(names(&folder), ["assets/0/x.css"]);
        assert_eq!(sync(&folder, &files(&[("a.svg", "<svg/>")]), Mode::Debug).unwrap(), 2);
        assert!(!folder.join("assets").exists(), "no empty folders");
    }

    #[test]
    fn compressed_forms_follow_their_file() {
        let folder = folder("site_forms");
        let first = files(&[("a.svg", "<svg/>"), ("b.png", "png")]);
        assert_eq!(sync(&folder, &first, Mode::Release).unwrap(), 2);
        assert_eq!(names(&folder), ["a.svg", "a.svg.br", "a.svg.gz", "b.png"]);
        assert_eq!(sync(&folder, &first, Mode::Release).unwrap(), 0);
        assert_eq!(sync(&folder, &Files::new(), Mode::Release).unwrap(), 4);
        assert!(names(&folder).is_empty());
    }

    #[test]
    fn two_sources_of_one_path_are_an_error() {
        let mut files = files(&[("assets/0/x.css", "a{}")]);
        assert!(add(&mut files, "assets/0/x.css".into(), Vec::new()).is_err());
    }
}
