//! The book's checksum: CRC32 (IEEE) over the digits of the best ten rows of each side, whatever the depth.
//!
//! Source: <https://docs.kraken.com/api/docs/guides/spot-ws-book-v2>. Computed here bit by bit, so that it shares
//! nothing with the product's.

use crate::ladder::Ladder;

/// Rows of each side that count.
const ROWS: usize = 10;
/// The polynomial, bits reversed.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// The checksum of a book: asks ascending, then bids descending.
pub(super) fn checksum(ladder: &Ladder) -> u32 {
    let mut text = String::new();
    for (price, quantity) in ladder.asks().take(ROWS).chain(ladder.bids().take(ROWS)) {
        push_digits(&mut text, price);
        push_digits(&mut text, quantity);
    }
    crc32(text.as_bytes())
}

/// Appends the digits without the point and without leading zeros.
fn push_digits(text: &mut String, number: &str) {
    let digits: String = number.chars().filter(|&letter| letter != '.').collect();
    text.push_str(digits.trim_start_matches('0'));
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::{Row, rows};

    #[test]
    fn the_check_value_of_the_algorithm() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn digits_of_the_best_ten_of_each_side() {
        let ask = |number: u32| (format!("10{number:02}.50"), "0.00000100".to_owned());
        let asks: Vec<Row> = (0..12).map(ask).collect();
        let ladder = Ladder::of(&rows(&[("999.10", "1.00"), ("0.05", "0.20")]), &asks);
        let expected: String = (0..10).map(|number| format!("10{number:02}50100")).collect();
        assert_eq!(checksum(&ladder), crc32(format!("{expected}99910100520").as_bytes()));
    }
}
