//! How much the proofs of reliability do: a size that suits every change, or the nightly one.
//!
//! `TRUETAPE_NIGHTLY=1` asks for the nightly one; see `docs/reliability.md`. Not here: what is done that often.

/// The first of the two sizes; the second where the nightly run asks for it.
pub(crate) fn size(everyday: usize, nightly: usize) -> usize {
    if std::env::var_os("TRUETAPE_NIGHTLY").is_some_and(|value| value == "1") { nightly } else { everyday }
}
