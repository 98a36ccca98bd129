//! Roles and the rights that they give, and the names of users.
//!
//! Not here: passwords, sessions and tokens (`server::access`), and the role that each command needs (`wire::command`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::trading::checked_text;

/// Rights of a caller; each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads only.
    Viewer,
    /// Trades.
    Trader,
    /// Changes the server.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Trader, Self::Admin];

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Trader => "trader",
            Self::Admin => "admin",
        }
    }

    /// Finds the role of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

checked_text! {
    /// A user's name, with which it logs in.
    UserName, is_user_name, "^[a-z][a-z0-9._-]{0,31}$", "1 to 32 lower-case letters, digits, dots, dashes or underscores, beginning with a letter"
}

fn is_user_name(text: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    text.len() <= 32 && text.starts_with(|char: char| char.is_ascii_lowercase()) && text.bytes().all(is_name_byte)
}

checked_text! {
    /// A label that a user gives a token.
    TokenLabel, |text| (1..=64).contains(&text.len()) && !text.contains(char::is_control), r"^[^\x00-\x1f]{1,64}$",
    "1 to 64 bytes without control characters"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_names_and_an_order() {
        assert!(Role::Viewer < Role::Trader && Role::Trader < Role::Admin);
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
        assert_eq!(Role::from_name("owner"), None);
    }

    #[test]
    fn names_are_plain() {
        for good in ["a", "ada", "ada.l-2_x", &"a".repeat(32)] {
            assert!(UserName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Ada", "1a", ".a", "a b", "a/b", "ä", "a\n", &"a".repeat(33)] {
            assert!(UserName::parse(bad).is_err(), "{bad}");
        }
    }
}
