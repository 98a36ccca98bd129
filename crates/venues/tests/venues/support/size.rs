//! Sample sizes of the reliability tests: one that suits every change, or the nightly one.
//!
//! `TRUETAPE_NIGHTLY=1` selects the nightly one; see `docs/reliability.md`. Not here: the tests themselves.

/// Returns the first of the two sizes; the second in the nightly run.
pub(crate) fn size(everyday: usize, nightly: usize) -> usize {
    if std::env::var_os("TRUETAPE_NIGHTLY").is_some_and(|value| value == "1") { nightly } else { everyday }
}
