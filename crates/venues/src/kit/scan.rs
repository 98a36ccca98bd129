//! Reads JSON of one expected spelling straight from its bytes: known keys in a known order, no blanks, no escapes.
//!
//! For frames that arrive thousands of times a second. Each method returns `None` for text that it does not expect; the
//! caller then parses the whole frame with serde, which alone decides what is valid. Whatever a scan does accept, serde
//! accepts too, with the same result. Not here: the spelling of a venue's frames (its folder).

use model::{
    decimal::{Price, Quantity},
    event::Level,
};

/// The unread rest of a text.
#[derive(Clone, Debug)]
pub(crate) struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the rest.
    pub(crate) fn rest(self) -> &'a str {
        self.0
    }

    /// Skips `expected`.
    #[inline(always)]
    pub(crate) fn tag(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// Skips `expected` if nothing follows it.
    #[inline(always)]
    pub(crate) fn end(&self, expected: &str) -> Option<()> {
        (self.0 == expected).then_some(())
    }

    /// Reads the rest of a string and its closing quotation mark; `None` if it has an escape. Not inlined, like all that
    /// is read once a frame: the page downloads one copy.
    #[inline(never)]
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        self.string()
    }

    #[inline(always)]
    fn string(&mut self) -> Option<&'a str> {
        let end = special_character(self.0.as_bytes())?;
        let text = self.0.get(..end)?;
        self.0 = self.0.get(end..)?.strip_prefix('"')?;
        Some(text)
    }

    /// Reads a whole number of at most 19 digits.
    #[inline(never)]
    pub(crate) fn integer(&mut self) -> Option<u64> {
        let (mut number, mut n_digits) = (0_u64, 0);
        for byte in self.0.bytes() {
            match byte {
                b'0'..=b'9' if n_digits < MOST_DIGITS => number = number * 10 + u64::from(byte - b'0'),
                b'0'..=b'9' => return None,
                _ => break,
            }
            n_digits += 1;
        }
        if n_digits == 0 || (n_digits > 1 && self.0.starts_with('0')) {
            return None;
        }
        self.0 = self.0.get(n_digits..)?;
        Some(number)
    }

    /// Reads `true` or `false`.
    #[inline(never)]
    pub(crate) fn boolean(&mut self) -> Option<bool> {
        match self.tag("true") {
            Some(()) => Some(true),
            None => self.tag("false").map(|()| false),
        }
    }

    /// Reads a price from the rest of a string.
    #[inline(never)]
    pub(crate) fn price(&mut self) -> Option<Price> {
        Price::parse(self.text()?).ok()
    }

    /// Reads a price above zero from the rest of a string.
    #[inline(never)]
    pub(crate) fn positive_price(&mut self) -> Option<Price> {
        self.price().filter(|price| is_positive(*price))
    }

    /// Reads a quantity from the rest of a string.
    #[inline(never)]
    pub(crate) fn quantity(&mut self) -> Option<Quantity> {
        Quantity::parse(self.text()?).ok()
    }

    /// Reads a level from two strings with `between` between them; its price is above zero.
    #[inline(always)]
    pub(crate) fn level(&mut self, between: &str) -> Option<Level> {
        let price = self.string()?;
        self.tag(between)?;
        level(price, self.string()?)
    }

    /// Reads a level from two bare numbers without exponents, `between` between them; its price is above zero.
    #[inline(always)]
    pub(crate) fn bare_level(&mut self, between: &str) -> Option<Level> {
        let price = self.digits()?;
        self.tag(between)?;
        level(price, self.digits()?)
    }

    /// Reads digits and points up to a comma or a brace.
    #[inline(always)]
    fn digits(&mut self) -> Option<&'a str> {
        let end = self.0.bytes().position(|byte| byte == b',' || byte == b'}')?;
        let (digits, rest) = self.0.split_at_checked(end)?;
        // JSON has no needless zeros in front, and levels have no minus.
        if let [b'-', ..] | [b'0', b'0'..=b'9', ..] = digits.as_bytes() {
            return None;
        }
        self.0 = rest;
        Some(digits)
    }

    /// Reads the rest of a list after its opening bracket, each element by `element`.
    #[inline(always)]
    pub(crate) fn elements(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.tag("]").is_some() {
            return Some(());
        }
        loop {
            element(self)?;
            if self.tag(",").is_none() {
                return self.tag("]");
            }
        }
    }
}

/// Inlined into the loops over levels: a decimal has four parts, and passing those on takes as long as reading them.
#[inline(always)]
fn level(price: &str, quantity: &str) -> Option<Level> {
    let price = Price::parse(price).ok().filter(|price| is_positive(*price))?;
    Some(Level { price, quantity: Quantity::parse(quantity).ok()? })
}

#[inline(always)]
fn is_positive(price: Price) -> bool {
    !price.is_zero() && !price.is_negative()
}

/// Returns the position of the first quotation mark, backslash or control character, which are the characters that a
/// string does not contain as they are. Eight bytes at a time.
#[inline(always)]
fn special_character(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..)?.first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & (ONES << 7);
        let found = below(word ^ QUOTES, 1) | below(word ^ BACKSLASHES, 1) | below(word, 0x20);
        if found != 0 {
            // The first character is in the lowest byte. A match can falsely mark bytes above it, never below.
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += chunk.len();
    }
    bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).map(|position| at + position)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const QUOTES: u64 = ONES * b'"' as u64;
const BACKSLASHES: u64 = ONES * b'\\' as u64;
/// So many digits always fit.
const MOST_DIGITS: usize = 19;

/// Test helpers shared by the venues' scans.
#[cfg(test)]
pub(crate) mod changes {
    use proptest::prelude::*;

    /// Returns any of the frames with up to three changes: text inserted, replaced, repeated or removed, or the end cut.
    pub(crate) fn any_change(frames: &'static [&'static str]) -> impl Strategy<Value = String> {
        let change = (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(STRANGE), 0_u8..6);
        (prop::sample::select(frames), prop::collection::vec(change, 0..4)).prop_map(|(frame, changes)| {
            let mut frame = frame.to_owned();
            for (at, n_bytes, strange, kind) in changes {
                // All characters of a frame are ASCII, except strange ones: a change there is left out.
                let start = at.index(frame.len() + 1);
                let end = (start + n_bytes).min(frame.len());
                let Some(own) = frame.get(start..end).map(str::to_owned) else { continue };
                match kind {
                    0 => frame.insert_str(start, strange),
                    1 => frame.replace_range(start..end, strange),
                    2 => frame.replace_range(start..end, &own.repeat(2)),
                    3 => frame.replace_range(start..end, ""),
                    4 => {
                        let first = own.chars().next().map_or(0, char::len_utf8);
                        frame.replace_range(start..start + first, strange);
                    }
                    _ if n_bytes == 0 => frame.truncate(start),
                    _ => {}
                }
            }
            frame
        })
    }

    /// Checks that the frame gives the same with a blank before its last brace, which every scan refuses.
    pub(crate) fn agree(frame: &str, shown: impl Fn(&str) -> Option<String>) -> Result<(), TestCaseError> {
        let Some(start) = frame.strip_suffix('}') else { return Ok(()) };
        prop_assert_eq!(shown(frame), shown(&format!("{start} }}")), "{}", frame);
        Ok(())
    }

    const STRANGE: &[&str] = &[
        "",
        " ",
        "\n",
        "\t",
        "\0",
        "\u{7f}",
        "\"",
        "\\",
        "\\u0031",
        "\\\"",
        "é",
        "１",
        ",",
        ":",
        "[",
        "]",
        "{",
        "}",
        "[]",
        "{}",
        "0",
        "00",
        "1",
        "-",
        "-1",
        "-0",
        "+1",
        ".",
        "1.",
        ".5",
        "1.5",
        "1e5",
        "1E-2",
        "_",
        "NaN",
        "null",
        "true",
        "false",
        "99999999999999999999",
        "0.00000000000000000000000000001",
        "79228162514264337593543950336",
        "\"x\":1,",
        ",\"x\":[{}]",
        "\"1\"",
        "[\"1\",\"2\"],",
    ];
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_plain_and_fit() {
        for (text, expected) in [
            ("0,", Some((0, ","))),
            ("12}", Some((12, "}"))),
            ("9999999999999999999", Some((9_999_999_999_999_999_999, ""))),
            ("1.5", Some((1, ".5"))),
            ("10000000000000000000", None),
            ("01", None),
            ("00", None),
            ("-1", None),
            ("", None),
            ("x", None),
        ] {
            let mut scan = Scan::new(text);
            assert_eq!(scan.integer().map(|number| (number, scan.rest())), expected, "{text}");
        }
    }

    #[test]
    fn lists_end_where_their_bracket_is() {
        for (text, expected) in [
            ("]}", Some((vec![], "}"))),
            ("1]", Some((vec![1], ""))),
            ("1,2],3", Some((vec![1, 2], ",3"))),
            ("1,]", None),
            (",1]", None),
            ("1 ]", None),
            ("1", None),
            ("", None),
        ] {
            let (mut scan, mut numbers) = (Scan::new(text), Vec::new());
            let read = scan.elements(|scan| scan.integer().map(|number| numbers.push(number)));
            assert_eq!(read.map(|()| (numbers, scan.rest())), expected, "{text}");
        }
    }

    #[test]
    fn levels_have_prices_above_zero() {
        for (text, expected) in [
            (r#"1.50","0.00"]"#, Some("1.50 0.00 ]")),
            (r#"61602.01000000","12.00000000"]"#, Some("61602.01000000 12.00000000 ]")),
            (r#"0.00","1"]"#, None),
            (r#"-1","1"]"#, None),
            (r#"1","-1"]"#, None),
            (r#"1", "1"]"#, None),
            (r#"1e5","1"]"#, None),
            (r#"1\u0030","1"]"#, None),
        ] {
            let mut scan = Scan::new(text);
            let level = scan.level(r#",""#);
            let shown = level.map(|level| format!("{} {} {}", level.price, level.quantity, scan.rest()));
            assert_eq!(shown.as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_that_of_serde(text in "[\u{0}-\u{7f}é\u{2028}\"\\\\a]{0,30}", end in "[\",]{1,20}") {
            let json = format!("\"{text}{end}");
            let mut scan = Scan::new(&json[1..]);
            let ours = scan.text();
            if let Some(ours) = ours {
                let whole = &json[..ours.len() + 2];
                prop_assert_eq!(serde_json::from_str::<&str>(whole).unwrap(), ours);
                prop_assert_eq!(scan.rest(), &json[whole.len()..]);
            } else {
                prop_assert!(text.contains(|letter: char| letter == '\\' || letter < ' ') || !json[1..].contains('"'));
            }
        }
    }
}
