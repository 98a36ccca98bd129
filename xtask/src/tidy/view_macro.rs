//! Rule: `view!` only in `app`.
//!
//! The server renders components of `app`; `frontend` starts it in the browser and does nothing else.

use super::{
    Breach,
    source::{Tree, lines_with_word},
};

pub(super) const NAME: &str = "view macro";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let outside = tree.rust().filter(|file| !file.path.starts_with("app/"));
    let found = outside.flat_map(|file| lines_with_word(&file.code, "view!").into_iter().map(move |line| (file, line)));
    let breach = |(file, line): (&super::source::SourceFile, usize)| Breach {
        path: file.path.clone(),
        line,
        rule: NAME,
        found: "`view!` outside app".into(),
        remedy: "make it a component in app/src and use that".into(),
    };
    found.map(breach).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[test]
    fn views_in_the_app_pass() {
        let files = [
            ("app/src/lib.rs", "view! { <p/> }"),
            ("server/src/main.rs", "// view!\n\"view!\"; review!(); preview! {}"),
        ];
        assert!(breaches(check, &files).is_empty());
    }

    #[test]
    fn views_elsewhere_are_breaches() {
        let files = [("server/src/http/page.rs", "\nview! { <p/> }"), ("frontend/src/lib.rs", "leptos::view! {}")];
        assert_eq!(breaches(check, &files), ["frontend/src/lib.rs:1", "server/src/http/page.rs:2"]);
    }
}
