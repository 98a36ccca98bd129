//! `docs/indicators.md` is what the definitions say.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::{env, fs, path::Path};

use indicators::document::document;

#[test]
fn the_document_is_that_of_the_definitions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/indicators.md");
    if env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(&path, document()).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differing = found.lines().zip(document().lines()).position(|(found, made)| found != made);
    assert!(
        found == document(),
        "docs/indicators.md differs in line {:?}; INSTA_UPDATE=always cargo test -p indicators --test document writes it",
        differing.map(|idx| idx + 1)
    );
}
