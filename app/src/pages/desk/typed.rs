//! Figures as a reader types them: with a point or a comma, and blanks between groups of digits.

use model::decimal::{Price, Quantity};

/// Returns the text as a plain decimal number has it.
pub fn plain(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace()).collect::<String>().replace(',', ".")
}

/// Reads a price; `what` names it in the error.
///
/// # Errors
/// It is not a number.
pub fn price(what: &str, text: &str) -> Result<Price, String> {
    Price::parse(&plain(text)).map_err(|_| format!("{what}: {text:?} is not a price, as in 61602.5"))
}

/// Reads a quantity; `what` names it in the error.
///
/// # Errors
/// It is not a number above zero.
pub fn quantity(what: &str, text: &str) -> Result<Quantity, String> {
    let quantity = Quantity::parse(&plain(text)).ok().filter(|quantity| !quantity.is_zero());
    quantity.ok_or_else(|| format!("{what}: {text:?} is not a quantity above zero, as in 0.5"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_commas_are_read() {
        for (text, expected) in [("61\u{202f}602,5", Some("61602.5")), (" 5 ", Some("5")), ("x", None), ("", None)] {
            assert_eq!(price("Price", text).ok(), expected.and_then(|text| Price::parse(text).ok()), "{text:?}");
        }
        assert!(quantity("Size", "0").unwrap_err().starts_with("Size: \"0\""));
    }
}
