//! The data of a `Swap` event, and words of 32 bytes in general.
//!
//! Not here: prices ([`super::pool`]).

use ruint::aliases::U256;

/// Keccak of `Swap(address,address,int256,int256,uint160,uint128,int24)`.
pub(super) const SWAP_TOPIC: &str = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67";

/// A signed amount: received by the pool, or paid out if negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) is_paid_out: bool,
    pub(super) size: U256,
}

/// The effect of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Swap {
    pub(super) amount0: Amount,
    pub(super) amount1: Amount,
}

impl Swap {
    /// Parses the event's data: amounts, root of the price, liquidity, tick. `None` if it has another shape, or nothing
    /// was exchanged.
    pub(super) fn parse(data: &str) -> Option<Self> {
        let words = words(data)?;
        let [amount0, amount1, _root, _liquidity, _tick] = words.as_slice() else { return None };
        let swap = Self { amount0: amount(*amount0), amount1: amount(*amount1) };
        let is_exchange = swap.amount0.is_paid_out != swap.amount1.is_paid_out;
        (is_exchange && !swap.amount0.size.is_zero() && !swap.amount1.size.is_zero()).then_some(swap)
    }
}

/// Reads two's complement.
fn amount(word: U256) -> Amount {
    let is_paid_out = word.bit(255);
    Amount { is_paid_out, size: if is_paid_out { word.wrapping_neg() } else { word } }
}

/// Returns the words of `0x…`; `None` if it is not hexadecimal or not whole words.
pub(super) fn words(data: &str) -> Option<Vec<U256>> {
    let digits = data.strip_prefix("0x")?;
    if digits.len() % 64 != 0 || digits.len() > MAX_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    digits.as_bytes().chunks(64).map(|word| U256::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()).collect()
}

/// Parses a number as written by nodes (`0x1b4`).
pub(super) fn quantity(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Reads a name returned by a contract: with offset and length or, from old contracts, in one word. `None` unless all of
/// it can be shown: a name with a part left out would be that of another token.
pub(super) fn text(data: &str) -> Option<String> {
    let words = words(data)?;
    let bytes: Vec<u8> = match words.as_slice() {
        [word] => word.to_be_bytes::<32>().into_iter().take_while(|byte| *byte != 0).collect(),
        [_offset, length, rest @ ..] => {
            let length = usize::try_from(*length).ok().filter(|length| *length <= rest.len() * 32)?;
            rest.iter().flat_map(|word| word.to_be_bytes::<32>()).take(length).collect()
        }
        [] => return None,
    };
    let text = String::from_utf8(bytes).ok()?;
    let name = text.trim_end_matches('\0').trim();
    let is_shown =
        |letter: char| letter == ' ' || !(letter.is_control() || letter.is_whitespace() || is_hidden(letter));
    (!name.is_empty() && name.chars().count() <= LONGEST_NAME && name.chars().all(is_shown)).then(|| name.to_owned())
}

/// Returns true for characters that are not seen, or that turn the direction of others: a name with them looks like
/// another.
fn is_hidden(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

/// Characters of the longest name that is shown.
const LONGEST_NAME: usize = 32;

/// Far above any answer expected here.
const MAX_DIGITS: usize = 64 * 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn word(hex: &str) -> String {
        format!("{hex:0>64}")
    }

    #[test]
    fn amounts_are_signed() {
        let minus_five = format!("{}b", "f".repeat(63));
        let data = format!("0x{minus_five}{}{}{}{}", word("7"), word("1"), word("1"), word("0"));
        let swap = Swap::parse(&data).unwrap();
        assert_eq!(swap.amount0, Amount { is_paid_out: true, size: U256::from(5) });
        assert_eq!(swap.amount1, Amount { is_paid_out: false, size: U256::from(7) });
    }

    #[test]
    fn other_shapes_are_refused() {
        let one = word("1");
        for data in [
            String::new(),
            "0x".to_owned(),
            format!("0x{one}"),
            format!("0x{}{one}{one}{one}{one}", word("0")),
            format!("0x{one}{one}{one}{one}{one}"),
            format!("0x{}", "zz".repeat(160)),
            format!("0x{}", "0".repeat(319)),
            format!("0x{}", "0".repeat(64 * 65)),
        ] {
            assert_eq!(Swap::parse(&data), None, "{data}");
        }
    }

    #[test]
    fn texts_of_new_and_old_contracts() {
        let new = format!("0x{}{}{:0<64}", word("20"), word("4"), "57455448");
        assert_eq!(text(&new).as_deref(), Some("WETH"));
        assert_eq!(text(&format!("0x{:0<64}", "4d4b52")).as_deref(), Some("MKR"));
        assert_eq!(text(&format!("0x{}{}{:0<64}", word("20"), word("41"), "57")), None);
        assert_eq!((text("0x"), text(&format!("0x{}", word("0")))), (None, None));
    }

    #[test]
    fn a_name_is_whole_or_none() {
        #[track_caller]
        fn check(name: &str, expected: Option<&str>) {
            let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
            let words = hex.len().div_ceil(64).max(1) * 64;
            let data = format!("0x{}{}{hex:0<words$}", word("20"), word(&format!("{:x}", name.len())));
            assert_eq!(text(&data).as_deref(), expected, "{name:?}");
        }
        for name in ["USD₮0", "哈基米", "A B", "$PEPE", "ü", "🐶"] {
            check(name, Some(name));
        }
        check(" WETH ", Some("WETH"));
        check("US\u{200b}DC", None);
        check("US\u{202e}CD", None);
        check("US\nDC", None);
        check("USDC\u{e0041}", None);
        check("", None);
        check(&"A".repeat(33), None);
        let invalid = format!("0x{}{}{:0<64}", word("20"), word("2"), "ff41");
        assert_eq!(text(&invalid), None);
    }

    #[test]
    fn numbers_of_nodes() {
        assert_eq!(
            (quantity("0x1b4"), quantity("1b4"), quantity("0x"), quantity("0xg")),
            (Some(436), None, None, None)
        );
    }
}
