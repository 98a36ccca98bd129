//! The sources as seen by the rules: with comments, strings and test code blanked out as each rule requires.
//!
//! Not a parser: a scanner that knows comments, string and character literals, braces and `#[cfg(test)]`. Blanks keep
//! every line break, so that line numbers stay correct.

use std::collections::BTreeSet;

/// All files.
#[derive(Debug)]
pub(super) struct Tree {
    files: Vec<SourceFile>,
}

/// One file.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// Relative to the working tree, with `/`.
    pub(super) path: String,
    /// The text on disk.
    pub(super) text: String,
    /// Rust without comments and without the contents of strings.
    pub(super) code: String,
    /// Like `code`, without tests; empty for a file of tests.
    pub(super) live_code: String,
    /// Rust without comments and tests, but with strings; empty for a file of tests.
    pub(super) live_code_and_strings: String,
}

impl Tree {
    /// Creates the tree from paths (relative, with `/`) and texts.
    pub(super) fn new(sources: Vec<(String, String)>) -> Self {
        let mut files = Vec::new();
        let mut test_files = BTreeSet::new();
        for (path, text) in sources {
            let (mut code, mut live_code, mut strings) = (String::new(), String::new(), String::new());
            if path.ends_with(".rs") {
                let masks = Masks::of(&text);
                code = masks.code.iter().collect();
                let tests = test_spans(&masks.code);
                for module in &tests.modules {
                    test_files.extend(files_of_module(&path, module));
                }
                if tests.is_whole_file || is_test_path(&path) {
                    test_files.insert(path.clone());
                }
                live_code = without(&masks.code, &tests.spans);
                strings = without(&masks.code_and_strings, &tests.spans);
            }
            files.push(SourceFile { path, text, code, live_code, live_code_and_strings: strings });
        }
        for file in &mut files {
            // A test module may have submodules in the folder of its name.
            let is_test = test_files.iter().any(|test| {
                *test == file.path
                    || test
                        .strip_suffix(".rs")
                        .is_some_and(|stem| file.path.strip_prefix(stem).is_some_and(|rest| rest.starts_with('/')))
            });
            if is_test {
                file.live_code.clear();
                file.live_code_and_strings.clear();
            }
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Self { files }
    }

    /// Returns all files, by path.
    pub(super) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Returns the Rust files, by path.
    pub(super) fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// Returns the manifests of the workspace's packages as (folder, file); not the workspace's own.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (&str, &SourceFile)> {
        self.files.iter().filter_map(|file| Some((file.path.strip_suffix("/Cargo.toml")?, file)))
    }

    /// Returns the file with exactly that path.
    pub(super) fn get(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Returns the crate under `crates/` whose `src` contains the path.
pub(super) fn room_of(path: &str) -> Option<&str> {
    let (room, rest) = path.strip_prefix("crates/")?.split_once('/')?;
    (rest.starts_with("src/") || rest == "build.rs").then_some(room)
}

/// Returns the lines (from 1) that contain `word` as a separate word: no letter, digit or `_` adjoins an end of it that
/// is itself one of those.
pub(super) fn lines_with_word(text: &str, word: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (starts, ends) = (word.starts_with(is_word), word.ends_with(is_word));
    let mut lines = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        let is_there = line.match_indices(word).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            !(starts && before.is_some_and(is_word) || ends && after.is_some_and(is_word))
        });
        if is_there {
            lines.push(idx + 1);
        }
    }
    lines
}

/// Returns every path in the code that begins with `root` (`std::fs`), with its line; groups (`std::{fs, io::Read}`)
/// are split.
pub(super) fn paths_from(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let start = format!("{root}::");
    for (at, _) in code.match_indices(&start) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let mut line = 1 + code[..at].matches('\n').count();
        expand(&mut code[at + start.len()..].chars().peekable(), root, &mut line, &mut found);
    }
    found
}

/// Parses one path or group after `prefix::`.
fn expand(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    prefix: &str,
    line: &mut usize,
    found: &mut Vec<(usize, String)>,
) {
    let mut name = String::new();
    loop {
        match rest.peek().copied() {
            Some(c) if c.is_alphanumeric() || c == '_' => {
                name.push(c);
                rest.next();
            }
            Some(':') if !name.is_empty() => {
                rest.next();
                if rest.next_if_eq(&':').is_some() {
                    return expand(rest, &format!("{prefix}::{name}"), line, found);
                }
                break;
            }
            Some('{') if name.is_empty() => {
                rest.next();
                loop {
                    while let Some(c) = rest.next_if(|c| c.is_whitespace() || *c == ',') {
                        *line += usize::from(c == '\n');
                    }
                    match rest.peek() {
                        None => return,
                        Some('}') => {
                            rest.next();
                            return;
                        }
                        Some(_) => expand(rest, prefix, line, found),
                    }
                }
            }
            _ => break,
        }
    }
    if name.is_empty() {
        // `*` or something that is not a path: skip it, so that the caller makes progress.
        rest.next();
    } else {
        found.push((*line, format!("{prefix}::{name}")));
        // An alias (`fs as files`) belongs to the name just read.
        while rest.next_if(|c| *c != ',' && *c != '}' && *c != '{' && *c != ';' && *c != '\n').is_some() {}
    }
}

/// Two views of a Rust source, character by character as long as the source.
struct Masks {
    code: Vec<char>,
    code_and_strings: Vec<char>,
}

/// The kind of text that a character belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    String,
}

impl Masks {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut masks = Self { code: Vec::new(), code_and_strings: Vec::new() };
        let mut at = 0;
        while at < chars.len() {
            let (end, kind) = token(&chars, at);
            for (idx, c) in chars.iter().enumerate().take(end).skip(at) {
                let blank = if *c == '\n' { '\n' } else { ' ' };
                let is_quote = kind == Kind::String && (idx == at || idx + 1 == end);
                masks.code.push(if kind == Kind::Code || is_quote { *c } else { blank });
                masks.code_and_strings.push(if kind == Kind::Comment { blank } else { *c });
            }
            at = end;
        }
        masks
    }
}

/// Returns the end of the token at `at`, and its kind. Code comes one character at a time.
fn token(chars: &[char], at: usize) -> (usize, Kind) {
    let next = |offset: usize| chars.get(at + offset).copied();
    let find = |from: usize, pattern: &[char]| {
        (from..chars.len())
            .find(|idx| chars[*idx..].starts_with(pattern))
            .map_or(chars.len(), |idx| idx + pattern.len())
    };
    match (chars[at], next(1)) {
        ('/', Some('/')) => ((at..chars.len()).find(|idx| chars[*idx] == '\n').unwrap_or(chars.len()), Kind::Comment),
        ('/', Some('*')) => {
            let (mut depth, mut end) = (1, at + 2);
            while end < chars.len() && depth > 0 {
                if chars[end..].starts_with(&['/', '*']) {
                    depth += 1;
                    end += 2;
                } else if chars[end..].starts_with(&['*', '/']) {
                    depth -= 1;
                    end += 2;
                } else {
                    end += 1;
                }
            }
            (end, Kind::Comment)
        }
        ('"', _) => (end_of_quoted(chars, at, '"'), Kind::String),
        // 'x' and '\n' are characters; 'a without a closing quote is a lifetime.
        ('\'', Some('\\')) => (end_of_quoted(chars, at, '\''), Kind::String),
        ('\'', Some(_)) if next(2) == Some('\'') => (at + 3, Kind::String),
        ('r', Some('"' | '#')) if starts_raw_string(chars, at) => {
            let n_hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            let mut close = vec!['"'];
            close.extend(std::iter::repeat_n('#', n_hashes));
            (find(at + n_hashes + 2, &close), Kind::String)
        }
        _ => (at + 1, Kind::Code),
    }
}

/// Returns true at the `r` of `r"…"`, `r#"…"#`, `br"…"` and `cr"…"`, false at that of `r#type` and of `for`.
fn starts_raw_string(chars: &[char], at: usize) -> bool {
    let is_word = |idx: usize| chars.get(idx).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let before = match at.checked_sub(1) {
        Some(idx) if matches!(chars[idx], 'b' | 'c') => idx.checked_sub(1),
        other => other,
    };
    let after_hashes = chars[at + 1..].iter().find(|c| **c != '#');
    !before.is_some_and(is_word) && after_hashes == Some(&'"')
}

fn end_of_quoted(chars: &[char], at: usize, quote: char) -> usize {
    let mut end = at + 1;
    while end < chars.len() {
        match chars[end] {
            '\\' => end += 2,
            c if c == quote => return end + 1,
            _ => end += 1,
        }
    }
    chars.len()
}

/// The positions of a file's tests.
#[derive(Default)]
struct Tests {
    /// Ranges of characters.
    spans: Vec<(usize, usize)>,
    /// Test modules in other files.
    modules: Vec<String>,
    is_whole_file: bool,
}

fn test_spans(code: &[char]) -> Tests {
    let mut tests = Tests::default();
    let text: String = code.iter().collect();
    tests.is_whole_file = text.contains("#![cfg(test)]");
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        let is_test = TEST_ATTRIBUTES.iter().any(|attribute| starts_with(rest, attribute));
        if !is_test {
            at += 1;
            continue;
        }
        let (end, module) = end_of_item(code, at);
        tests.spans.push((at, end));
        tests.modules.extend(module);
        at = end;
    }
    tests
}

/// Returns the end of the item with the attribute at `at`, and the name of the module it declares in another file.
fn end_of_item(code: &[char], at: usize) -> (usize, Option<String>) {
    let (mut round, mut square, mut curly) = (0_i32, 0_i32, 0_i32);
    for (idx, c) in code.iter().enumerate().skip(at) {
        match c {
            '(' => round += 1,
            ')' => round -= 1,
            '[' => square += 1,
            ']' => square -= 1,
            '{' => curly += 1,
            '}' => {
                curly -= 1;
                if curly <= 0 {
                    // `use x::{y};` ends after its brace.
                    let is_use = code.get(idx + 1) == Some(&';');
                    return (idx + 1 + usize::from(is_use), None);
                }
            }
            // A field, a variant or an argument ends at its comma, or before the brace that closes its container.
            ';' | ',' if round == 0 && square == 0 && curly == 0 => {
                let item: String = code[at..idx].iter().collect();
                let mut words = item.split_whitespace().rev();
                let name = words.next().map(ToOwned::to_owned);
                return (idx + 1, name.filter(|_| *c == ';' && words.next() == Some("mod")));
            }
            _ => {}
        }
    }
    (code.len(), None)
}

fn starts_with(code: &[char], pattern: &str) -> bool {
    pattern.chars().enumerate().all(|(idx, c)| code.get(idx) == Some(&c))
}

fn without(code: &[char], spans: &[(usize, usize)]) -> String {
    let mut kept = code.to_vec();
    for (start, end) in spans {
        for c in &mut kept[*start..*end] {
            if *c != '\n' {
                *c = ' ';
            }
        }
    }
    kept.into_iter().collect()
}

/// Returns true for tests, benches, examples and fuzz targets, and for modules called `tests` by convention.
fn is_test_path(path: &str) -> bool {
    let mut folders = path.split('/').rev();
    let name = folders.next();
    name == Some("tests.rs")
        || path.starts_with("fuzz/")
        || folders.any(|folder| ["benches", "examples", "tests"].contains(&folder))
}

/// Returns where the module `name`, declared in the file `path`, may be.
fn files_of_module(path: &str, name: &str) -> [String; 2] {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let base = if ["lib", "main", "mod"].contains(&stem) { folder.to_owned() } else { format!("{folder}/{stem}") };
    [format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")]
}

const TEST_ATTRIBUTES: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test"];

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SourceFile {
        let mut tree = Tree::new(vec![("crates/model/src/lib.rs".into(), text.into())]);
        tree.files.remove(0)
    }

    #[track_caller]
    fn check(text: &str, code: &str, code_and_strings: &str) {
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let file = file(text);
        assert_eq!(squeeze(&file.live_code), code, "{text}");
        assert_eq!(squeeze(&file.live_code_and_strings), code_and_strings, "{text}");
        assert_eq!(file.live_code.lines().count(), text.lines().count(), "{text}");
    }

    #[test]
    fn comments_and_strings_are_told_apart() {
        check("a // b \" c\nd", "a d", "a d");
        check("a /* b /* c */ d */ e", "a e", "a e");
        check(r#"a "b // c" d"#, r#"a " " d"#, r#"a "b // c" d"#);
        check(r##"a r#"b " // c"# d"##, "a r # d", r##"a r#"b " // c"# d"##);
        check(r#"a b"x\"y" d"#, r#"a b" " d"#, r#"a b"x\"y" d"#);
        check("f::<'a>('\"', '\\'', \"x\")", "f::<'a>(' ', ' ', \" \")", "f::<'a>('\"', '\\'', \"x\")");
        check("for x in r#type {}", "for x in r#type {}", "for x in r#type {}");
    }

    #[test]
    fn tests_are_left_out() {
        check("a\n#[cfg(test)]\nmod tests { fn f() { x } }\nb", "a b", "a b");
        check("#[cfg(all(test, unix))]\nuse x::{y};\nb", "b", "b");
        check("#[cfg(test)]\nfn f(x: [u8; 3]) {}\nb", "b", "b");
        check("struct A { #[cfg(test)] n: u8, m: u8 }", "struct A { m: u8 }", "struct A { m: u8 }");
        assert_eq!(file("#![cfg(test)]\na").live_code, "");
    }

    #[test]
    fn files_of_tests_are_known() {
        let tree = Tree::new(vec![
            ("crates/model/src/book.rs".into(), "#[cfg(test)]\nmod samples;\nmod ladder;".into()),
            ("crates/model/src/book/ladder.rs".into(), "x".into()),
            ("crates/model/src/book/samples.rs".into(), "x".into()),
            ("crates/model/src/book/samples/deep.rs".into(), "x".into()),
            ("crates/model/src/lib.rs".into(), "x".into()),
            ("crates/model/tests/api.rs".into(), "x".into()),
        ]);
        let live: Vec<&str> =
            tree.files().iter().filter(|file| !file.live_code.is_empty()).map(|file| file.path.as_str()).collect();
        assert_eq!(live, ["crates/model/src/book.rs", "crates/model/src/book/ladder.rs", "crates/model/src/lib.rs"]);
    }

    #[test]
    fn words_have_ends() {
        assert_eq!(lines_with_word("tokio\nmytokio\ntokio_util\nuse tokio::x", "tokio"), [1, 4]);
        assert_eq!(lines_with_word("review!\nview! {}", "view!"), [2]);
    }

    #[test]
    fn groups_of_imports_are_taken_apart() {
        let code = "use std::{\n    collections::{BTreeMap, btree_map::Entry},\n    fs,\n    net as n,\n    io::*,\n};\nstd::thread::spawn(mystd::fs);";
        let found: Vec<String> =
            paths_from(code, "std").into_iter().map(|(line, path)| format!("{line} {path}")).collect();
        assert_eq!(
            found,
            [
                "2 std::collections::BTreeMap",
                "2 std::collections::btree_map::Entry",
                "3 std::fs",
                "4 std::net",
                "7 std::thread::spawn"
            ]
        );
    }

    #[test]
    fn rooms_are_the_crates() {
        assert_eq!(room_of("crates/model/src/lib.rs"), Some("model"));
        assert_eq!(room_of("crates/model/tests/api.rs"), None);
        assert_eq!(room_of("server/src/main.rs"), None);
    }
}
