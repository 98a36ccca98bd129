//! Names the files of the page after their content, so that browsers may keep them for ever.
//!
//! Files that refer to each other share a folder named after the content of all of them: `assets/<hash>/truetape.js` finds
//! `truetape.wasm` beside it, and files of two builds never meet. `site.json` lists the addresses for the server. Not
//! here: files with fixed names (`public/`), and what the files contain.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::{builds::OUTPUT_NAME, site::Files, style::Sheets};

/// Moves the files of the page, its style sheets and the program of its workers below `assets`, adds `site.json`, and tells
/// the service worker in `public` which files to keep.
///
/// # Errors
/// A program is missing, or the service worker has no place for the list.
pub(crate) fn name(page: Files, sheets: Sheets, public: &mut Files) -> anyhow::Result<Files> {
    let Sheets { first, later } = sheets;
    let (first_name, later_name) = (format!("{OUTPUT_NAME}.css"), "later.css".to_owned());
    let style = Files::from([(first_name.clone(), first.into_bytes()), (later_name.clone(), later.into_bytes())]);
    let (worker, page): (Files, Files) = page.into_iter().partition(|(path, _)| path.starts_with("worker."));
    for (files, name) in [(&page, OUTPUT_NAME), (&worker, "worker")] {
        for file in [format!("{name}.js"), format!("{name}.wasm")] {
            ensure!(files.contains_key(&file), "the page was built without {file}");
        }
    }
    let [page_folder, style_folder, worker_folder] = [&page, &style, &worker].map(hash);
    let in_page = |kind: &str| format!("assets/{page_folder}/{OUTPUT_NAME}.{kind}");
    let id = hash(&[&page_folder, &style_folder, &worker_folder]);
    let list = json!({
        "id": id,
        "style": format!("assets/{style_folder}/{first_name}"),
        "later_style": format!("assets/{style_folder}/{later_name}"),
        "script": in_page("js"),
        "program": in_page("wasm"),
        "worker": worker_folder,
    });
    let mut files = Files::from([("site.json".to_owned(), format!("{list:#}\n").into_bytes())]);
    for (folder, group) in [(&page_folder, page), (&style_folder, style)] {
        files.extend(group.into_iter().map(|(path, bytes)| (format!("assets/{folder}/{path}"), bytes)));
    }
    // Without the workers' program: direct mode needs the server as well.
    let kept: Vec<&String> = files.keys().filter(|path| path.starts_with("assets/")).collect();
    let kept = serde_json::to_string(&kept)?;
    files.extend(worker.into_iter().map(|(path, bytes)| (format!("assets/{worker_folder}/{path}"), bytes)));
    let script = public.get_mut(SERVICE_WORKER).context("public/ has no service worker")?;
    let mut text = String::from_utf8(std::mem::take(script))?;
    for (place, content) in [
        ("const BUILD = \"unbuilt\";", format!("const BUILD = \"{id}\";")),
        ("const FILES = [];", format!("const FILES = {kept};")),
    ] {
        ensure!(text.matches(place).count() == 1, "public/{SERVICE_WORKER} does not have {place} once");
        text = text.replace(place, &content);
    }
    *script = text.into_bytes();
    Ok(files)
}

const SERVICE_WORKER: &str = "service-worker.js";

/// Returns a name for a content.
fn hash(content: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(files: &[(&str, &str)], style: &str) -> Files {
        let page = page(files);
        let mut public = public();
        let mut named = name(page, sheets(style), &mut public).unwrap();
        named.extend(public);
        named
    }

    fn sheets(first: &str) -> Sheets {
        Sheets { first: first.to_owned(), later: "later{}".to_owned() }
    }

    fn page(files: &[(&str, &str)]) -> Files {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn public() -> Files {
        let script = "// Words.\nconst BUILD = \"unbuilt\";\nconst FILES = [];\n";
        Files::from([(SERVICE_WORKER.to_owned(), script.as_bytes().to_vec())])
    }

    fn list(files: &Files) -> serde_json::Value {
        serde_json::from_slice(&files["site.json"]).unwrap()
    }

    const BUILD: [(&str, &str); 5] = [
        ("later.wasm", "later"),
        ("truetape.js", "script"),
        ("truetape.wasm", "program"),
        ("worker.js", "script"),
        ("worker.wasm", "worker"),
    ];

    #[test]
    fn the_list_names_files_that_exist() {
        let files = named(&BUILD, "a{}");
        let list = list(&files);
        for key in ["style", "later_style", "script", "program"] {
            assert!(files.contains_key(list[key].as_str().unwrap()), "{key}: {list}");
        }
        let worker = list["worker"].as_str().unwrap();
        assert_eq!(files[&format!("assets/{worker}/worker.wasm")], b"worker");
        let later = list["script"].as_str().unwrap().replace("truetape.js", "later.wasm");
        assert_eq!(files[&later], b"later", "parts of a program share its folder");
        assert_eq!(files[list["later_style"].as_str().unwrap()], b"later{}");
        assert_eq!(files.len(), BUILD.len() + 4);
    }

    #[test]
    fn the_service_worker_keeps_the_page_and_not_its_workers() {
        let files = named(&BUILD, "a{}");
        let list = list(&files);
        let script = String::from_utf8(files[SERVICE_WORKER].clone()).unwrap();
        assert!(script.contains(&format!("const BUILD = {};", list["id"])), "{script}");
        let kept = script.split("const FILES = ").nth(1).unwrap().trim_end_matches(";\n");
        let kept: Vec<String> = serde_json::from_str(kept).unwrap();
        let expected: Vec<&String> =
            files.keys().filter(|path| path.starts_with("assets/") && !path.contains("worker")).collect();
        assert_eq!(kept.iter().collect::<Vec<_>>(), expected);
        assert!(name(page(&BUILD), Sheets::default(), &mut Files::new()).is_err());
        let mut other = Files::from([(SERVICE_WORKER.to_owned(), b"const BUILD = 1;".to_vec())]);
        assert!(name(page(&BUILD), Sheets::default(), &mut other).is_err());
    }

    #[test]
    fn only_what_differs_gets_another_name() {
        let keys = ["id", "style", "script", "worker"];
        let base = list(&named(&BUILD, "a{}"));
        let differing =
            |other: &serde_json::Value| keys.into_iter().filter(|key| other[key] != base[key]).collect::<Vec<_>>();
        let with = |path: &str| BUILD.map(|(name, text)| (name, if name == path { "other" } else { text }));
        assert!(differing(&list(&named(&BUILD, "a{}"))).is_empty());
        assert_eq!(differing(&list(&named(&BUILD, "b{}"))), ["id", "style"]);
        assert_eq!(differing(&list(&named(&with("later.wasm"), "a{}"))), ["id", "script"]);
        assert_eq!(differing(&list(&named(&with("worker.wasm"), "a{}"))), ["id", "worker"]);
    }

    #[test]
    fn a_missing_program_is_an_error() {
        assert!(name(page(&BUILD[..4]), Sheets::default(), &mut public()).is_err());
    }
}
