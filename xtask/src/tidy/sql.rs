//! Rule: only `crates/store` has SQL.
//!
//! A heuristic: the crates for SQL, and strings that begin like a statement.

use super::{
    Breach, layers,
    source::{SourceFile, Tree, lines_with_word},
};

pub(super) const NAME: &str = "sql";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let outside = |path: &str| !path.starts_with("crates/store/") && !path.starts_with("xtask/src/tidy/");
    for file in tree.rust().filter(|file| outside(&file.path)) {
        for name in CRATES {
            breaches.extend(lines_with_word(&file.live_code, name).into_iter().map(|line| breach(file, line, name)));
        }
        for start in STATEMENTS {
            for (idx, line) in file.live_code_and_strings.lines().enumerate() {
                if line.contains(start) {
                    breaches.push(breach(file, idx + 1, start.trim()));
                }
            }
        }
    }
    for (_, manifest) in tree.manifests().filter(|(folder, _)| *folder != "crates/store") {
        let dependencies = manifest.text.parse().map(|parsed| layers::dependencies(&parsed)).unwrap_or_default();
        for dependency in dependencies.iter().filter(|dependency| CRATES.contains(&dependency.name.as_str())) {
            breaches.push(breach(manifest, layers::line_of(&manifest.text, &dependency.name), &dependency.name));
        }
    }
    breaches
}

fn breach(file: &SourceFile, line: usize, found: &str) -> Breach {
    Breach {
        path: file.path.clone(),
        line,
        rule: NAME,
        found: format!("`{found}` outside the store"),
        remedy: "give crates/store a function that does this and call it".into(),
    }
}

const CRATES: [&str; 4] = ["diesel", "rusqlite", "sea_orm", "sqlx"];
const STATEMENTS: [&str; 6] =
    ["\"CREATE TABLE ", "\"DELETE FROM ", "\"INSERT INTO ", "\"PRAGMA ", "\"SELECT ", "\"UPDATE "];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(breaches(check, &[(path, text)]), expected, "{path}: {text}");
    }

    #[test]
    fn sql_in_the_store_passes() {
        check_file("crates/store/src/fills.rs", "sqlx::query(\"SELECT 1\")", &[]);
        check_file("crates/store/Cargo.toml", "[dependencies]\nsqlx = \"0.9\"", &[]);
        check_file("server/src/http/fills.rs", "// SELECT\n\"Select an instrument\"; \"UPDATED\"", &[]);
    }

    #[test]
    fn sql_elsewhere_is_a_breach() {
        check_file(
            "server/src/http/fills.rs",
            "\nconst Q: &str = \"SELECT * FROM fills\";",
            &["server/src/http/fills.rs:2"],
        );
        check_file("server/src/desk/mod.rs", "use sqlx::Row;", &["server/src/desk/mod.rs:1"]);
        check_file("server/Cargo.toml", "[dependencies]\nsqlx.workspace = true", &["server/Cargo.toml:2"]);
    }
}
