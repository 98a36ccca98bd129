//! The vocabulary of the paper-trading desk: orders, fills, accounts, limits, and the records of its journal.
//!
//! Everything the desk must remember is a [`record::Record`]; its state is a fold over them. Not here: what fills an order
//! (`broker`), what fills add up to (`portfolio`), who checks and journals (`desk`), and where records are kept (`store`).
//!
//! # Layout
//! - [`order`]: orders, their types and states · [`fill`]: executions with their evidence
//! - [`account`]: accounts, fees, risk limits · [`refusal`]: stable codes of everything the desk refuses
//! - [`command`]: what a trader may ask for · [`desk_choice`]: the live desk or the replay's · [`record`]: the journal
//! - [`strategy`]: a running strategy's settings and state, opaque to the desk

pub mod account;
pub mod command;
pub mod desk_choice;
pub mod fill;
pub mod order;
pub mod record;
pub mod refusal;
pub mod strategy;

/// Makes a newtype of text with a checked form: its constructor is the only way in, serde's included. The pattern is a
/// regular expression for the documents of the API; it may allow more than the check.
macro_rules! checked_text {
    ($(#[$meta:meta])* $name:ident, $is_valid:expr, $pattern:literal, $remedy:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("pattern" = $pattern)))]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            #[doc = concat!("The text is not ", $remedy, ".")]
            pub fn parse(text: &str) -> Result<Self, $crate::error::ModelError> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(text) {
                    Ok(Self(text.into()))
                } else {
                    let text = text.chars().take(64).collect();
                    Err($crate::error::ModelError::NotAName { kind: stringify!($name), text, remedy: $remedy })
                }
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use checked_text;
