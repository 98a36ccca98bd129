//! Parses decimal digits eight at a time, as whole words, for the most common numbers from venues: up to eight digits
//! on either side of a point, in eight characters or more.
//!
//! Not here: all other forms of numbers, which are read byte by byte ([`super::parse_plain`]).

/// Returns mantissa and scale of `digits.digits`; `None` for any other shape, number or not.
#[inline]
pub(super) fn parse(text: &[u8]) -> Option<(i64, u32)> {
    let head = u64::from_le_bytes(*text.first_chunk()?);
    let tail = u64::from_le_bytes(*text.last_chunk()?);
    // The first character is in the lowest byte.
    let n_whole = (first_zero_byte(head ^ POINTS)? / 8) as usize;
    let n_fraction = text.len() - n_whole - 1;
    if n_whole == 0 || !(1..=8).contains(&n_fraction) {
        return None;
    }
    // Digits at the upper end of a word are its last ones: everything before them becomes zeros.
    let whole = (head << (64 - 8 * n_whole)) | (ZEROS >> (8 * n_whole));
    let before = u64::MAX.checked_shr(8 * n_fraction as u32).unwrap_or(0);
    let fraction = (tail & !before) | (ZEROS & before);
    if !(is_digits(whole) && is_digits(fraction)) {
        return None;
    }
    let mantissa = value(whole) * POWERS_OF_TEN[n_fraction] + value(fraction);
    // Sixteen digits fit.
    Some((mantissa as i64, n_fraction as u32))
}

/// Returns the position of the lowest bit of the lowest zero byte.
fn first_zero_byte(word: u64) -> Option<u32> {
    let found = word.wrapping_sub(ONES) & !word & (ONES << 7);
    (found != 0).then(|| found.trailing_zeros() - 7)
}

fn is_digits(word: u64) -> bool {
    // The upper half of each byte is 3, and remains 3 after adding six.
    word & UPPER_HALVES == ZEROS && word.wrapping_add(ONES * 6) & UPPER_HALVES == ZEROS
}

/// Returns the number written by eight digits: combines pairs, then fours, then all.
fn value(word: u64) -> u64 {
    let digits = word & (ONES * 15);
    let pairs = ((digits * 10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = ((pairs * 100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    ((fours * 10_000) + (fours >> 32)) & 0xffff_ffff
}

const ONES: u64 = 0x0101_0101_0101_0101;
const POINTS: u64 = ONES * b'.' as u64;
const ZEROS: u64 = ONES * b'0' as u64;
const UPPER_HALVES: u64 = ONES * 0xf0;
/// 10 to the power of the index.
const POWERS_OF_TEN: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_the_usual_shape_are_read_and_nothing_else() {
        for (text, expected) in [
            ("61602.01000000", Some((6_160_201_000_000, 8))),
            ("1.2345678", Some((12_345_678, 7))),
            ("0.00000000", Some((0, 8))),
            ("1234567.8", Some((12_345_678, 1))),
            ("1234567.87654321", Some((123_456_787_654_321, 8))),
            ("9999999.99999999", Some((999_999_999_999_999, 8))),
            // Other shapes.
            ("12345678.9", None),
            ("1.123456789", None),
            ("123456789", None),
            ("1.50", None),
            ("", None),
            // Not numbers.
            (".123456789", None),
            (".12345678", None),
            ("1234567.", None),
            ("12345678.", None),
            ("1.2.345678", None),
            ("123.45.67", None),
            ("-1.2345678", None),
            ("1.2345e78", None),
            ("1 .2345678", None),
            ("1234/.5678", None),
            ("1234:.5678", None),
            ("1234.567:8", None),
            ("1234.567/8", None),
            ("\u{ff11}2345.6", None),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_text(whole in 0_u64..10_000_000, fraction in 0_u64..100_000_000, n_fraction in 1_usize..=8) {
            let fraction = fraction % POWERS_OF_TEN[n_fraction];
            let text = format!("{whole}.{fraction:0n_fraction$}");
            let mantissa = whole * POWERS_OF_TEN[n_fraction] + fraction;
            let expected = (text.len() >= 8).then_some((mantissa as i64, n_fraction as u32));
            prop_assert_eq!(parse(text.as_bytes()), expected);
        }

        #[test]
        fn a_changed_byte_is_no_digit_or_another_number(text in "[0-9]{1,7}\\.[0-9]{8}", at in 0_usize..9, byte in any::<u8>()) {
            let mut bytes = text.into_bytes();
            bytes[at] = byte;
            let is_number = bytes.iter().filter(|byte| **byte == b'.').count() == 1
                && bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
            if let Some((mantissa, scale)) = parse(&bytes) {
                prop_assert!(is_number);
                let digits: String = bytes.iter().filter(|byte| **byte != b'.').map(|byte| char::from(*byte)).collect();
                prop_assert_eq!(digits.parse::<i64>().unwrap(), mantissa);
                prop_assert_eq!(bytes.iter().rev().position(|byte| *byte == b'.'), Some(scale as usize));
            }
        }
    }
}
