//! Texts that people and programs read, compared with the files in `tests/snapshots`.
//!
//! A difference fails. Nothing is written (`.cargo/config.toml`) unless `INSTA_UPDATE=always` is set for the run; the
//! changed files are then reviewed like any other change.

/// Compares `text` with the snapshot of that name.
#[track_caller]
pub(crate) fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
