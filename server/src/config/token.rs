//! A venue's token: revealed only to the code that sends it, never shown.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    error::{SettingError, invalid},
    value::parsed,
};

/// A token from the environment (`TRUETAPE__VENUES__FINNHUB__TOKEN`) or the file. Its text is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Checks that `text` is valid in a header and in an address.
    pub fn new(text: &str) -> Result<Self, SettingError> {
        let is_usable = |text: &str| {
            (1..=MAX_BYTES).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
        };
        if is_usable(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid(format!(
                "write the token as the venue gave it: 1 to {MAX_BYTES} letters, digits, -, _, . or ~"
            )))
        }
    }

    /// Returns the token's text, to be used only in the header or the address of a request.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parsed(from, Self::new)
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(HIDDEN)
    }
}

/// The text shown in place of a token.
pub const HIDDEN: &str = "(hidden)";

const MAX_BYTES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_checked_and_never_shown() {
        let token = Token::new("c0ffee-Secret_1").unwrap();
        assert_eq!((format!("{token:?}"), token.reveal()), (HIDDEN.to_owned(), "c0ffee-Secret_1"));
        for bad in ["", "with space", "a&b=c", "line\nbreak", "ü", &"x".repeat(201)] {
            assert!(Token::new(bad).is_err(), "{bad}");
        }
    }
}
