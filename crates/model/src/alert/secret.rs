//! Text that goes in and never comes out: tokens, passwords and signing keys of channels.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A secret. In JSON it is written as `{"is_set":true}`, and `Debug` hides it; only [`Self::reveal`] shows the text.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Secret {
    /// There is none.
    #[default]
    Unset,
    /// The one that the server has already: what a form gives back where nobody typed anything.
    Kept,
    /// The text.
    Set(Arc<str>),
}

impl Secret {
    /// Creates a secret; an empty text is none.
    pub fn new(text: &str) -> Self {
        if text.is_empty() { Self::Unset } else { Self::Set(text.into()) }
    }

    /// Returns the text, for the code that sends or signs with it alone.
    pub fn reveal(&self) -> Option<&str> {
        match self {
            Self::Set(text) => Some(text),
            Self::Unset | Self::Kept => None,
        }
    }

    /// True where there is a text, here or at the server.
    pub fn is_set(&self) -> bool {
        *self != Self::Unset
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_set() { "(hidden)" } else { "(unset)" })
    }
}

/// The form in which a secret is shown, and given back unchanged.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    is_set: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Shown(Shown),
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Shown { is_set: self.is_set() }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match Input::deserialize(from)? {
            Input::Text(text) => Self::new(&text),
            Input::Shown(Shown { is_set: true }) => Self::Kept,
            Input::Shown(Shown { is_set: false }) => Self::Unset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_shown() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.reveal(), Some("hunter2"));
        assert_eq!(format!("{secret:?}"), "(hidden)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#"{"is_set":true}"#);
    }

    #[test]
    fn what_is_shown_can_be_given_back() {
        #[track_caller]
        fn check(json: &str, expected: Secret) {
            assert_eq!(serde_json::from_str::<Secret>(json).unwrap(), expected, "{json}");
        }
        check(r#"{"is_set":true}"#, Secret::Kept);
        check(r#"{"is_set":false}"#, Secret::Unset);
        check("\"\"", Secret::Unset);
        check("\"a\"", Secret::new("a"));
    }
}
