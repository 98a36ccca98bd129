//! Rule: imports between our crates go down only, according to the table below.
//!
//! Not about third-party crates; `pure_rooms` limits those for the pure crates.

use super::{Breach, source::Tree};

pub(super) const NAME: &str = "layers";

/// One of our crates and the crates of ours that it may import.
struct Room {
    name: &'static str,
    /// From 0 at the bottom. Tests may import from any lower layer.
    layer: u8,
    may_import: &'static [&'static str],
    /// Additional crates that its tests may import.
    tests_may_import: &'static [&'static str],
}

impl Room {
    const fn new(name: &'static str, layer: u8, may_import: &'static [&'static str]) -> Self {
        Self { name, layer, may_import, tests_may_import: &[] }
    }
}

/// The imports that each crate may have, alphabetical. A new crate gets a line here; a new import changes the
/// architecture (ARCHITECTURE.md first).
const ROOMS: [Room; 25] = [
    Room::new("alerts", 3, &["indicators", "model", "strategy"]),
    // Above the desk: it reads the desk's rows and previews grids with the strategies' own code.
    Room::new(
        "app",
        4,
        &[
            "alerts",
            "chart",
            "desk",
            "indicators",
            "market",
            "model",
            "portfolio",
            "strategy",
            "topics",
            "venues",
            "wire",
        ],
    ),
    Room::new("backtest", 4, &["broker", "chart", "desk", "market", "model", "portfolio", "topics", "venues"]),
    // Measures indicators beside other libraries, in its own workspace.
    Room::new("bench-peers", 5, &["indicators", "model"]),
    Room::new("broker", 1, &["model"]),
    // A benchmark in the browser, in its own workspace.
    Room::new("canvas", 5, &["chart", "model"]),
    Room::new("chart", 1, &["model"]),
    Room::new("desk", 3, &["broker", "model", "portfolio", "strategy", "topics"]),
    Room::new("frontend", 5, &["app"]),
    // Fuzz targets, in their own workspace.
    Room::new("fuzz", 5, &["market", "model", "topics", "venues", "wire"]),
    Room::new("hub", 1, &[]),
    Room::new("indicators", 1, &["model"]),
    Room::new("market", 2, &["indicators", "model", "topics"]),
    Room::new("model", 0, &[]),
    Room::new("portfolio", 1, &["model"]),
    Room::new("recording", 3, &["market", "model", "topics", "venues"]),
    Room {
        name: "server",
        layer: 5,
        may_import: &[
            "alerts",
            "app",
            "backtest",
            "broker",
            "chart",
            "desk",
            "hub",
            "indicators",
            "market",
            "model",
            "portfolio",
            "recording",
            "store",
            "strategy",
            "topics",
            "venues",
            "wire",
        ],
        // Its tests start the simulator in their own process.
        tests_may_import: &["venue-sim"],
    },
    Room::new("store", 1, &["model"]),
    Room::new("strategy", 2, &["indicators", "model"]),
    Room::new("topics", 1, &["model"]),
    Room::new("venue-sim", 5, &["model", "venues"]),
    Room::new("venues", 1, &["model"]),
    Room::new("wire", 2, &["model", "topics"]),
    Room::new(
        "worker",
        5,
        &["backtest", "desk", "indicators", "market", "model", "recording", "topics", "venues", "wire"],
    ),
    Room::new("xtask", 0, &[]),
];

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (folder, manifest) in tree.manifests() {
        let mut breach = |line, found: String, remedy: &str| {
            breaches.push(Breach { path: manifest.path.clone(), line, rule: NAME, found, remedy: remedy.into() });
        };
        let Ok(parsed) = manifest.text.parse::<toml::Table>() else {
            breach(1, "not readable as TOML".into(), "repair it");
            continue;
        };
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let Some(room) = find(name) else {
            breach(1, format!("crate `{name}` is not in the table"), "give it a line in xtask/src/tidy/layers.rs");
            continue;
        };
        for dependency in dependencies(&parsed) {
            let Some(imported) = find(&dependency.name) else { continue };
            let is_allowed = room.may_import.contains(&imported.name)
                || dependency.is_for_tests
                    && (imported.layer < room.layer && imported.name != "xtask"
                        || room.tests_may_import.contains(&imported.name)
                        || imported.name == room.name);
            if !is_allowed {
                breach(
                    line_of(&manifest.text, &dependency.name),
                    format!("`{name}` may not import `{}`", imported.name),
                    "move the code it needs further down, or pass it as an argument",
                );
            }
        }
    }
    breaches
}

/// One line of a manifest's dependencies.
pub(super) struct Dependency {
    /// The package's own name, whatever its alias.
    pub(super) name: String,
    /// True for `[dev-dependencies]`.
    pub(super) is_for_tests: bool,
}

/// Returns all dependencies of a manifest, including those for one target only.
pub(super) fn dependencies(manifest: &toml::Table) -> Vec<Dependency> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    let mut found = Vec::new();
    for table in std::iter::once(manifest).chain(targets) {
        for (section, is_for_tests) in
            [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            let section = table.get(section).and_then(toml::Value::as_table);
            for (key, value) in section.into_iter().flatten() {
                let renamed = value.get("package").and_then(toml::Value::as_str);
                found.push(Dependency { name: renamed.unwrap_or(key).to_owned(), is_for_tests });
            }
        }
    }
    found
}

/// Returns the line (from 1) that names a dependency; 1 if no line starts with it.
pub(super) fn line_of(manifest: &str, dependency: &str) -> usize {
    let names_it = |line: &str| {
        line.trim_start().strip_prefix(dependency).is_some_and(|rest| rest.trim_start().starts_with(['.', '=']))
            || line.contains(&format!("package = \"{dependency}\""))
    };
    manifest.lines().position(names_it).map_or(1, |idx| idx + 1)
}

fn find(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[track_caller]
    fn check_manifest(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(breaches(check, &[(path, text)]), expected, "{path}: {text}");
    }

    #[test]
    fn arrows_down_pass() {
        check_manifest(
            "crates/market/Cargo.toml",
            "[dependencies]\nmodel.workspace = true\ntopics = { path = \"x\" }",
            &[],
        );
        check_manifest(
            "server/Cargo.toml",
            "[dependencies]\nhub.workspace = true\n[dev-dependencies]\nvenue-sim.workspace = true",
            &[],
        );
        check_manifest("crates/market/Cargo.toml", "[dev-dependencies]\nvenues.workspace = true", &[]);
        check_manifest("crates/hub/Cargo.toml", "[dependencies]\ntokio.workspace = true", &[]);
    }

    #[test]
    fn arrows_up_and_sideways_are_breaches() {
        check_manifest(
            "crates/model/Cargo.toml",
            "[dependencies]\nserde = \"1\"\nwire.workspace = true",
            &["crates/model/Cargo.toml:3"],
        );
        check_manifest(
            "crates/venues/Cargo.toml",
            "[dependencies]\nwire.workspace = true",
            &["crates/venues/Cargo.toml:2"],
        );
        check_manifest(
            "crates/venues/Cargo.toml",
            "[dev-dependencies]\nmarket.workspace = true",
            &["crates/venues/Cargo.toml:2"],
        );
        check_manifest("crates/hub/Cargo.toml", "[dependencies]\nmodel.workspace = true", &["crates/hub/Cargo.toml:2"]);
        check_manifest(
            "crates/venue-sim/Cargo.toml",
            "[dependencies]\nmarket.workspace = true",
            &["crates/venue-sim/Cargo.toml:2"],
        );
        check_manifest("server/Cargo.toml", "[dependencies]\nvenue-sim.workspace = true", &["server/Cargo.toml:2"]);
        check_manifest(
            "app/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nhub.workspace = true",
            &["app/Cargo.toml:2"],
        );
        check_manifest(
            "crates/wire/Cargo.toml",
            "[dependencies]\nx = { package = \"market\", path = \"y\" }",
            &["crates/wire/Cargo.toml:2"],
        );
    }

    #[test]
    fn unknown_crates_need_a_line() {
        check_manifest("crates/news/Cargo.toml", "[package]\nname = \"news\"", &["crates/news/Cargo.toml:1"]);
    }

    #[test]
    fn the_table_agrees_with_itself() {
        assert!(ROOMS.is_sorted_by_key(|room| room.name));
        for room in &ROOMS {
            assert!(room.may_import.is_sorted(), "{}", room.name);
            for imported in room.may_import {
                assert!(find(imported).is_some_and(|imported| imported.layer < room.layer), "{} {imported}", room.name);
            }
        }
    }
}
