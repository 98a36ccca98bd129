//! Errors of the operating system as people read them: the root cause, without its number.
//!
//! Not here: our own errors, which are sentences already.

use std::error::Error;

/// Returns the root cause of an error in lower case: `connection refused`, not `IO error: Connection refused (os error
/// 111)`.
pub fn in_words(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    let text = root.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    // A name in capitals stays as it is.
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio_tungstenite::tungstenite;

    use super::*;

    #[test]
    fn errors_have_no_numbers() {
        #[track_caller]
        fn check(error: &dyn Error, expected: &str) {
            assert_eq!(in_words(error), expected);
        }
        let refused = || io::Error::from_raw_os_error(111);
        check(&refused(), "connection refused");
        check(&tungstenite::Error::Io(refused()), "connection refused");
        check(&io::Error::from_raw_os_error(28), "no space left on device");
        check(&io::Error::other("TLS is required"), "TLS is required");
    }
}
