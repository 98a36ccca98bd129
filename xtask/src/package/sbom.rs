//! The bill of materials in CycloneDX 1.5: every crate inside the program and the page, with version, licence, checksum
//! and what it depends on.
//!
//! cargo itself says which crates are built, by `cargo tree` with the features and the target of the release, without
//! build scripts and procedural macros, which run while we build and are part of nothing. Checksums and dependencies are
//! those of the lock file. C sources inside crates (SQLite, mimalloc, zstd, the assembly of ring) count as their crates.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{image::rfc3339, read};
use crate::{builds::WASM, house::House, process};

/// Returns the document for a version of the program.
///
/// # Errors
/// cargo cannot list the crates, or the lock file does not name one of them.
pub(super) fn document(house: &House, version: &str, time: u64) -> anyhow::Result<String> {
    let mut crates = BTreeMap::new();
    for (package, target) in [("server", native(house)?), ("frontend", WASM.to_owned()), ("worker", WASM.to_owned())] {
        let mut tree = house.cargo();
        tree.args(["tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none", "--package", package]);
        let listed = process::output(tree.args(["--format", "{p}|{l}", "--target", &target]));
        crates.extend(parse(&listed.with_context(|| format!("`cargo tree` of {package} failed"))?));
    }
    let lock: toml::Table = String::from_utf8(read(house, "Cargo.lock")?)?.parse().context("read Cargo.lock")?;
    let document = compose(&crates, &lock, version, time);
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn native(house: &House) -> anyhow::Result<String> {
    let version = process::output(house.rustc().arg("-vV")).context("rustc does not run")?;
    Ok(version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?.to_owned())
}

/// A crate's name and version.
type Key = (String, String);

/// Reads lines as `serde v1.0.1 (path)|MIT`; returns the licence of each crate.
fn parse(listed: &str) -> BTreeMap<Key, String> {
    let line = |line: &str| {
        let (package, licence) = line.split_once('|')?;
        let mut words = package.split_whitespace();
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        // A star marks a crate whose dependencies were listed before.
        let licence = licence.trim_end_matches("(*)").trim();
        Some(((name.to_owned(), version.to_owned()), licence.to_owned()))
    };
    listed.lines().filter_map(line).collect()
}

fn compose(crates: &BTreeMap<Key, String>, lock: &toml::Table, version: &str, time: u64) -> Value {
    let (mut components, mut dependencies) = (Vec::new(), Vec::new());
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    for package in packages {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let (Some(name), Some(version)) = (text("name"), text("version")) else { continue };
        let Some(licence) = crates.get(&(name.to_owned(), version.to_owned())) else { continue };
        let mut component = json!({
            "type": "library",
            "bom-ref": reference(name, version),
            "name": name,
            "version": version,
            "purl": reference(name, version),
        });
        if !licence.is_empty() {
            // Old crates write a slash for `OR`.
            component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        if let Some(checksum) = text("checksum") {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        components.push(component);
        let needed = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        let needed = needed.filter_map(|text| dependency(text.as_str()?, crates));
        let needed: BTreeSet<String> = needed.map(|(name, version)| reference(&name, &version)).collect();
        dependencies.push(json!({ "ref": reference(name, version), "dependsOn": needed }));
    }
    let main = json!({ "type": "application", "bom-ref": "truetape", "name": "truetape", "version": version });
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "timestamp": rfc3339(time), "component": main },
        "components": components,
        "dependencies": dependencies,
    })
}

/// Finds a dependency of the lock file, `serde` or, where there are several versions, `serde 1.0.1`, among the crates.
fn dependency(text: &str, crates: &BTreeMap<Key, String>) -> Option<Key> {
    let mut words = text.split_whitespace();
    let (name, version) = (words.next()?, words.next());
    crates.keys().find(|(known, its)| known == name && version.is_none_or(|version| version == its)).cloned()
}

/// Returns a crate's package URL.
fn reference(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_the_tree_are_described_by_the_lock_file() {
        let listed = "server v0.2.0 (/somewhere/server)|MIT OR Apache-2.0\nserde v1.0.1|MIT/Apache-2.0\n\nserde v1.0.1|MIT/Apache-2.0 (*)\n";
        let crates = parse(listed);
        assert_eq!(crates.len(), 2);
        let lock = "[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nchecksum = \"ab\"\n\
                    [[package]]\nname = \"serde\"\nversion = \"2.0.0\"\n\
                    [[package]]\nname = \"server\"\nversion = \"0.2.0\"\ndependencies = [\"serde 1.0.1\", \"tool\"]\n";
        let document = compose(&crates, &lock.parse().unwrap(), "0.2.0", 0);
        assert_eq!(document["components"].as_array().unwrap().len(), 2);
        assert_eq!(document["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(document["components"][0]["hashes"][0]["content"], "ab");
        assert_eq!(document["dependencies"][1]["dependsOn"], json!(["pkg:cargo/serde@1.0.1"]));
    }
}
