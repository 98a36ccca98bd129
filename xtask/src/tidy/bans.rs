//! Rule: no `todo!`, `unimplemented!` or `dbg!`, not even in tests.
//!
//! clippy warns about them too, but only in code compiled by the lint run.

use super::{
    Breach,
    source::{Tree, lines_with_word},
};

pub(super) const NAME: &str = "bans";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust() {
        for word in WORDS {
            breaches.extend(lines_with_word(&file.code, word).into_iter().map(|line| Breach {
                path: file.path.clone(),
                line,
                rule: NAME,
                found: format!("`{word}`"),
                remedy: "finish it, or return an error that says what is not supported".into(),
            }));
        }
    }
    breaches
}

const WORDS: [&str; 3] = ["dbg!", "todo!", "unimplemented!"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[test]
    fn finished_code_passes() {
        assert!(breaches(check, &[("app/src/a.rs", "// todo!\nlet x = \"dbg!\"; mytodo!();")]).is_empty());
    }

    #[test]
    fn unfinished_code_is_a_breach() {
        let text = "\ntodo!()\nunimplemented!(\"x\")\n#[cfg(test)]\nmod tests { fn f() { dbg!(1); } }";
        assert_eq!(breaches(check, &[("app/src/a.rs", text)]), ["app/src/a.rs:2", "app/src/a.rs:3", "app/src/a.rs:5"]);
    }
}
