//! Builds the page's style sheets: `style/main.css` with its imports, then every component's own CSS.
//!
//! A component's `name.css` is beside its `name.rs` in `app/src`; no list names it. Those files follow in the order of
//! their paths, so none may depend on coming before another. What only the lazily loaded code shows has a sheet of its
//! own, loaded with that code. Not a preprocessor: the sources are plain CSS, checked and
//! (in release) minified by lightningcss. `@import "file.css";` is resolved here, without layers and conditions.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, bail};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions, StyleSheet};

use crate::{builds::Mode, house::House};

/// The style sheets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sheets {
    /// Needed by the first view.
    pub(crate) first: String,
    /// Needed by the lazily loaded code alone.
    pub(crate) later: String,
}

/// Builds the style sheets.
///
/// # Errors
/// A file is missing or is not valid CSS; the message has file and line.
pub(crate) fn sheets(house: &House, mode: Mode) -> anyhow::Result<Sheets> {
    let mut sources = Vec::new();
    let mut seen = BTreeSet::new();
    collect(&house.root().join("style/main.css"), &mut seen, &mut sources)?;
    let components = house.root().join("app/src");
    let mut files = Vec::new();
    find_css(&components, &mut files)?;
    files.sort();
    for file in files {
        collect(&file, &mut seen, &mut sources)?;
    }
    let later: Vec<PathBuf> = LATER.iter().map(|folder| components.join(folder)).collect();
    if let Some(missing) = later.iter().find(|folder| !folder.is_dir()) {
        bail!("{} is gone: take it off the list in xtask/src/style.rs", house.shown(missing));
    }
    let mut sheets = Sheets::default();
    for (file, text) in &sources {
        let is_later = later.iter().any(|folder| file.starts_with(folder));
        let sheet = if is_later { &mut sheets.later } else { &mut sheets.first };
        *sheet += &printed(&house.shown(file), text, mode)?;
        sheet.push('\n');
    }
    Ok(sheets)
}

/// Folders of which nothing is shown before the lazily loaded code.
const LATER: [&str; 14] = [
    "pages/account",
    "pages/alerts",
    "pages/configuration",
    "pages/desk/chart_lines",
    "pages/desk/dashboard",
    "pages/desk/grid",
    "pages/desk/history",
    "pages/desk/risk",
    "pages/markets",
    "pages/quality",
    "pages/recordings",
    "pages/system",
    "pages/venues",
    "shell/alerts",
];

/// Adds the files imported by `file`, then `file` itself; each file once.
fn collect(file: &Path, seen: &mut BTreeSet<PathBuf>, sources: &mut Vec<(PathBuf, String)>) -> anyhow::Result<()> {
    let real = file.canonicalize().with_context(|| format!("read {}", file.display()))?;
    if !seen.insert(real) {
        return Ok(());
    }
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let (imports, rest) = split_imports(&text).with_context(|| file.display().to_string())?;
    for import in imports {
        collect(&file.with_file_name(import), seen, sources)?;
    }
    sources.push((file.to_path_buf(), rest));
    Ok(())
}

/// Returns the files that `text` imports, and `text` with those lines empty.
fn split_imports(text: &str) -> anyhow::Result<(Vec<String>, String)> {
    let mut imports = Vec::new();
    let mut rest = String::new();
    for (idx, line) in text.lines().enumerate() {
        if let Some(import) = line.trim_start().strip_prefix("@import") {
            let name = import.trim().strip_suffix(';').and_then(|name| name.strip_prefix('"')?.strip_suffix('"'));
            let Some(name) = name.filter(|name| !name.contains("://") && !name.starts_with('/')) else {
                bail!("line {}: write `@import \"file.css\";`, without layer or condition", idx + 1);
            };
            imports.push(name.to_owned());
        } else {
            rest += line;
        }
        rest.push('\n');
    }
    Ok((imports, rest))
}

fn printed(name: &str, text: &str, mode: Mode) -> anyhow::Result<String> {
    let options = ParserOptions { filename: name.to_owned(), ..ParserOptions::default() };
    let mut sheet = StyleSheet::parse(text, options).map_err(|error| anyhow!("{error}"))?;
    let minify = mode == Mode::Release;
    if minify {
        sheet.minify(MinifyOptions::default()).map_err(|error| anyhow!("{error}"))?;
    }
    let options = PrinterOptions { minify, ..PrinterOptions::default() };
    Ok(sheet.to_css(options).map_err(|error| anyhow!("{error}"))?.code)
}

fn find_css(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            find_css(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "css") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_taken_out_and_line_numbers_stay() {
        let (imports, rest) =
            split_imports("@import \"tokens.css\";\n  @import \"base.css\";\nbody { margin: 0 }\n").unwrap();
        assert_eq!(imports, ["tokens.css", "base.css"]);
        assert_eq!(rest, "\n\nbody { margin: 0 }\n");
    }

    #[test]
    fn imports_of_other_shapes_are_refused() {
        for bad in ["@import url(a.css);", "@import \"a.css\" screen;", "@import \"https://a.example/a.css\";"] {
            let error = split_imports(&format!("\n{bad}")).unwrap_err();
            assert!(error.to_string().starts_with("line 2"), "{bad}: {error}");
        }
    }

    #[test]
    fn release_css_is_minified_and_broken_css_names_its_file_and_line() {
        assert_eq!(printed("a.css", "a { color: var(--x) ; }\n", Mode::Release).unwrap(), "a{color:var(--x)}");
        let error = printed("style/a.css", "a { color: red }\nb { & }} c", Mode::Debug).unwrap_err();
        assert!(error.to_string().contains("style/a.css:"), "{error}");
    }
}
