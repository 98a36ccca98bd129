//! The text of an alert with placeholders from a closed list: `{instrument} is at {value}`.
//!
//! A brace that belongs to no placeholder is an error when the rule is saved, so that no alert is lost over its text. Not
//! here: escaping, which each channel does for itself.

/// The placeholders, each with what takes its place.
pub const PLACEHOLDERS: &[(&str, &str)] = &[
    ("rule", "the rule's name"),
    ("sentence", "what the rule looks for, in words"),
    ("what", "what happened, in words"),
    ("instrument", "venue and symbol"),
    ("symbol", "the symbol"),
    ("venue", "the venue"),
    ("value", "the value that fired"),
    ("level", "the level that it met"),
    ("price", "the last price"),
    ("time", "when it fired, UTC"),
    ("event_time", "the venue's time of the value, UTC"),
    ("bar_time", "begin of the bar, UTC"),
    ("severity", "info, warning or critical"),
];

/// Why a text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder that is not in the list.
    #[error("unknown placeholder {{{name}}}; known are {}", known())]
    Unknown {
        /// The name.
        name: String,
    },
    /// A brace without its counterpart.
    #[error("a brace at character {at} has no counterpart; write {{{{ or }}}} for a brace itself")]
    Unbalanced {
        /// Its place, from 1.
        at: usize,
    },
}

fn known() -> String {
    PLACEHOLDERS.iter().map(|(name, _)| format!("{{{name}}}")).collect::<Vec<_>>().join(", ")
}

/// Fills a text; `value` gives what takes a placeholder's place.
///
/// # Errors
/// See [`TemplateError`]. A text that was filled once can be filled again.
pub fn fill(text: &str, value: impl Fn(&str) -> String) -> Result<String, TemplateError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            filled.push_str(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let unbalanced = || TemplateError::Unbalanced { at: text[..text.len() - tail.len()].chars().count() + 1 };
        let inner = tail.strip_prefix('{').ok_or_else(unbalanced)?;
        let end = inner.find(['{', '}']).filter(|&end| inner[end..].starts_with('}')).ok_or_else(unbalanced)?;
        let name = &inner[..end];
        if !PLACEHOLDERS.iter().any(|(known, _)| *known == name) {
            return Err(TemplateError::Unknown { name: name.chars().take(32).collect() });
        }
        filled.push_str(&value(name));
        rest = &inner[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Checks a text without filling it.
///
/// # Errors
/// See [`TemplateError`].
pub fn check(text: &str) -> Result<(), TemplateError> {
    fill(text, |_| String::new()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fills(text: &str, expected: Result<&str, &str>) {
        let filled = fill(text, |name| format!("<{name}>"));
        assert_eq!(filled.as_deref().map_err(ToString::to_string), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn placeholders_are_filled_and_others_refused() {
        fills("", Ok(""));
        fills("plain", Ok("plain"));
        fills("{symbol} at {value}!", Ok("<symbol> at <value>!"));
        fills("{{json}} {rule}", Ok("{json} <rule>"));
        fills("é {value}", Ok("é <value>"));
        let list = known();
        fills("{valu}", Err(&format!("unknown placeholder {{valu}}; known are {list}")));
        fills("{}", Err(&format!("unknown placeholder {{}}; known are {list}")));
        for (text, at) in [("é{value", 2), ("a}", 2), ("{a{value}}", 1)] {
            let error = format!("a brace at character {at} has no counterpart; write {{{{ or }}}} for a brace itself");
            fills(text, Err(&error));
        }
    }

    #[test]
    fn values_are_not_filled_again() {
        assert_eq!(fill("{rule}", |_| "{value}".to_owned()).unwrap(), "{value}");
    }
}
