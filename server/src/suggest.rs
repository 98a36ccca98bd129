//! "Did you mean …": the known word nearest to a mistyped one. For error messages only.

/// The word of `known` nearest to `word`, ignoring case, where it is near enough to be a slip of the fingers.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, remove, replace, swap of neighbours) that turn one word into the other.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) =
        (left.chars().take(MAX_CHARS).collect(), right.chars().take(MAX_CHARS).collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &left_char) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &right_char) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(left_char != right_char);
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let is_swap = row > 0 && column > 0 && left_char == right[column - 1] && left[row - 1] == right_char;
            if is_swap {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

/// The table grows with the product of both lengths, and one word comes from outside.
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
