//! Rule: only `crates/wire` encodes and decodes the bytes of the browser's stream.
//!
//! It looks for the crate that encodes them. So the wire format can change in one place, with its version.

use super::{
    Breach, layers,
    source::{SourceFile, Tree, lines_with_word},
};

pub(super) const NAME: &str = "wire bytes";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let outside = |path: &str| !path.starts_with("crates/wire/");
    for file in tree.rust().filter(|file| outside(&file.path)) {
        breaches.extend(lines_with_word(&file.code, POSTCARD).into_iter().map(|line| breach(file, line)));
    }
    for (_, manifest) in tree.manifests().filter(|(_, manifest)| outside(&manifest.path)) {
        let dependencies = manifest.text.parse().map(|parsed| layers::dependencies(&parsed)).unwrap_or_default();
        if dependencies.iter().any(|dependency| dependency.name == POSTCARD) {
            breaches.push(breach(manifest, layers::line_of(&manifest.text, POSTCARD)));
        }
    }
    breaches
}

fn breach(file: &SourceFile, line: usize) -> Breach {
    Breach {
        path: file.path.clone(),
        line,
        rule: NAME,
        found: "`postcard` outside wire".into(),
        remedy: "call the encode or decode function of crates/wire".into(),
    }
}

const POSTCARD: &str = "postcard";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[test]
    fn bytes_in_wire_pass() {
        let files = [
            ("crates/wire/src/binary.rs", "postcard::to_stdvec(x)"),
            ("crates/wire/Cargo.toml", "[dependencies]\npostcard.workspace = true"),
            ("server/src/http/stream.rs", "// postcard\nwire::encode(x)"),
        ];
        assert!(breaches(check, &files).is_empty());
    }

    #[test]
    fn bytes_elsewhere_are_breaches() {
        let files = [
            ("app/src/live/socket.rs", "\npostcard::from_bytes(x)"),
            ("server/Cargo.toml", "[dependencies]\npostcard = \"1\""),
        ];
        assert_eq!(breaches(check, &files), ["app/src/live/socket.rs:2", "server/Cargo.toml:2"]);
    }
}
