//! One setting's value as written: text from the environment and flags, TOML from the file. Its reader picks the type.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error};

use super::error::{SettingError, invalid};

/// A value before it is checked.
#[derive(Clone, Debug, PartialEq)]
pub enum RawValue {
    /// A text from a variable or a flag.
    Text(String),
    /// A TOML value from the file.
    Toml(toml::Value),
}

impl RawValue {
    /// Returns the value as a text.
    pub fn text(&self) -> Result<&str, SettingError> {
        match self {
            Self::Text(text) | Self::Toml(toml::Value::String(text)) => Ok(text),
            Self::Toml(_) => Err(invalid("write a text in quotes")),
        }
    }

    /// Returns the value as a whole number; `None` if it is anything else.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Toml(toml::Value::Integer(number)) => u64::try_from(*number).ok(),
            Self::Toml(_) => None,
        }
    }

    /// Returns the value as yes or no.
    pub fn flag(&self) -> Result<bool, SettingError> {
        match self {
            Self::Text(text) if text == "true" => Ok(true),
            Self::Text(text) if text == "false" => Ok(false),
            Self::Toml(toml::Value::Boolean(flag)) => Ok(*flag),
            _ => Err(invalid("write true or false")),
        }
    }

    /// Returns the value as a list of texts; in the environment and flags, they are separated by commas.
    pub fn list(&self) -> Result<Vec<String>, SettingError> {
        match self {
            Self::Text(text) => {
                Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
            }
            Self::Toml(toml::Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| invalid("write a list of texts in quotes")))
                .collect(),
            Self::Toml(_) => Err(invalid("write a list, [\"…\", \"…\"]")),
        }
    }
}

impl fmt::Display for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Toml(value) => value.to_string(),
        };
        // A value pasted by mistake may be a whole file.
        match text.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => write!(f, "{}…", &text[..end]),
            None => f.write_str(&text),
        }
    }
}

/// Reads a text and parses it.
pub(super) fn parsed<'de, T, D: Deserializer<'de>>(
    from: D,
    parse: impl FnOnce(&str) -> Result<T, SettingError>,
) -> Result<T, D::Error> {
    parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// Reads a list of texts and parses each.
pub(super) fn texts<'de, T, D: Deserializer<'de>>(
    from: D,
    parse: impl Fn(&str) -> Result<T, SettingError>,
) -> Result<Vec<T>, D::Error> {
    let texts: Vec<String> = Vec::deserialize(from)?;
    texts.iter().map(|text| parse(text)).collect::<Result<_, _>>().map_err(D::Error::custom)
}

const MAX_SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_same_from_text_and_toml() {
        let toml = |text: &str| RawValue::Toml(format!("x = {text}").parse::<toml::Table>().unwrap()["x"].clone());
        assert_eq!(RawValue::Text("7".into()).number(), Some(7));
        assert_eq!(toml("7").number(), Some(7));
        assert_eq!(RawValue::Text("a, b,,".into()).list(), Ok(vec!["a".to_owned(), "b".into()]));
        assert_eq!(toml(r#"["a", "b"]"#).list(), Ok(vec!["a".to_owned(), "b".into()]));
        for bad in [toml("\"7\""), toml("-1"), toml("1.5"), RawValue::Text("seven".into())] {
            assert_eq!(bad.number(), None, "{bad}");
        }
        assert_eq!((toml("true").flag(), RawValue::Text("false".into()).flag()), (Ok(true), Ok(false)));
        assert!(toml("\"true\"").flag().is_err() && RawValue::Text("yes".into()).flag().is_err());
        assert!(toml("[1]").list().is_err());
        assert!(toml("1").text().is_err());
    }
}
