//! "Did you mean …": the known word nearest to a mistyped one. For error messages only.

use strsim::osa_distance;

/// Returns the word of `known` nearest to `word`, ignoring case, where it is near enough to be a slip of the fingers.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(MAX_CHARS).collect::<String>().to_lowercase();
    known
        .into_iter()
        .map(|candidate| (osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The work grows with the product of both lengths, and one word comes from outside.
const MAX_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: Option<&str>) {
        assert_eq!(nearest(word, ["listen", "data_dir", "allowed_hosts", "max_connections"]), expected, "{word}");
    }

    #[test]
    fn finds_slips_of_the_fingers_only() {
        check("lisen", Some("listen"));
        check("lsiten", Some("listen"));
        check("LISTEN", Some("listen"));
        check("datadir", Some("data_dir"));
        check("alowed_host", Some("allowed_hosts"));
        check("port", None);
        check("", None);
        check(&"x".repeat(10_000), None);
    }
}
