//! The venue's checksum of a book: CRC-32 (IEEE) over the digits of the best ten levels a side.
//!
//! Source: <https://docs.kraken.com/api/docs/guides/spot-ws-book-v2>. Offers from the lowest up, then bids from the highest
//! down; of each level the price and the quantity as they stood on the wire, without the point and without leading zeros.
//! Those are the digits of a decimal's mantissa, so nothing is turned into text twice and nothing is allocated. Not here:
//! what a mismatch means ([`super::book`]).

use model::{book::OrderBook, event::Level};

/// Checksum of a book's best ten levels a side.
pub(super) fn of_book(book: &OrderBook) -> u32 {
    let mut text = Text { bytes: [0; LONGEST_TEXT], n_bytes: 0 };
    book.asks().take(LEVELS).for_each(|level| text.push(level));
    book.bids().take(LEVELS).for_each(|level| text.push(level));
    crc32fast::hash(&text.bytes[..text.n_bytes])
}

struct Text {
    bytes: [u8; LONGEST_TEXT],
    n_bytes: usize,
}

impl Text {
    fn push(&mut self, level: Level) {
        self.push_digits(level.price.mantissa().unsigned_abs());
        self.push_digits(level.quantity.mantissa().unsigned_abs());
    }

    /// The digits of a number, the most significant first; none for zero.
    fn push_digits(&mut self, number: u128) {
        if number == 0 {
            return;
        }
        let mut buffer = itoa::Buffer::new();
        // Whatever the venue sends in earnest fits 64 bits, which divide ten times as fast.
        let digits = match u64::try_from(number) {
            Ok(number) => buffer.format(number),
            Err(_) => buffer.format(number),
        };
        self.bytes[self.n_bytes..self.n_bytes + digits.len()].copy_from_slice(digits.as_bytes());
        self.n_bytes += digits.len();
    }
}

/// Levels of a side that count.
pub(super) const LEVELS: usize = 10;
/// Digits of the greatest mantissa (96 bits have 29), rounded up.
const LONGEST_NUMBER: usize = 40;
/// Two numbers a level, on two sides.
const LONGEST_TEXT: usize = 2 * LEVELS * 2 * LONGEST_NUMBER;

#[cfg(test)]
mod tests {
    use model::decimal::{Price, Quantity};
    use proptest::prelude::*;

    use super::*;

    fn level(price: &str, quantity: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
    }

    fn book(bids: &[(&str, &str)], asks: &[(&str, &str)]) -> OrderBook {
        let rows =
            |rows: &[(&str, &str)]| rows.iter().map(|(price, quantity)| level(price, quantity)).collect::<Vec<_>>();
        let mut book = OrderBook::new();
        book.apply_snapshot(&rows(bids), &rows(asks));
        book
    }

    /// Bit by bit, as the standard has it.
    fn slow_crc32(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        !crc
    }

    #[test]
    fn offers_come_first_and_points_and_leading_zeros_go() {
        let book = book(&[("0.0050", "0.00000120"), ("0.004", "700")], &[("0.0051", "1.0"), ("10.10", "0.5")]);
        assert_eq!(
            of_book(&book),
            slow_crc32(
                b"51"
                    .iter()
                    .chain(b"10")
                    .chain(b"1010")
                    .chain(b"5")
                    .chain(b"50")
                    .chain(b"120")
                    .chain(b"4")
                    .chain(b"700")
                    .copied()
                    .collect::<Vec<_>>()
                    .as_slice()
            )
        );
    }

    #[test]
    fn ten_levels_a_side_count() {
        let prices: Vec<String> = (1..=30).map(|cents| format!("1.{cents:02}")).collect();
        let rows = |range: std::ops::Range<usize>| {
            prices[range].iter().map(|price| (price.as_str(), "1.50")).collect::<Vec<_>>()
        };
        let (ten, more) = (book(&rows(2..12), &rows(14..24)), book(&rows(0..12), &rows(14..30)));
        assert_eq!(of_book(&ten), of_book(&more));
        assert_ne!(of_book(&ten), of_book(&book(&rows(3..12), &rows(14..24))));
        assert_eq!(of_book(&OrderBook::new()), 0);
    }

    #[test]
    fn the_greatest_numbers_fit() {
        let greatest = "7.9228162514264337593543950335";
        let rows: Vec<(String, &str)> =
            (0..10).map(|last| (format!("7.922816251426433759354395032{last}"), greatest)).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(price, quantity)| (price.as_str(), *quantity)).collect();
        let mut text = String::new();
        let digits = greatest.replace('.', "");
        for last in (0..10).chain((0..10).rev()) {
            text += &format!("7922816251426433759354395032{last}{digits}");
        }
        assert_eq!(of_book(&book(&rows, &rows)), slow_crc32(text.as_bytes()));
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_text(mantissa in 1_i128..(1 << 96), scale in 0_u32..28) {
            let price = Price::from_mantissa(mantissa, scale).unwrap();
            let mut text = Text { bytes: [0; LONGEST_TEXT], n_bytes: 0 };
            text.push_digits(price.mantissa().unsigned_abs());
            let expected = price.to_string().replace('.', "");
            prop_assert_eq!(std::str::from_utf8(&text.bytes[..text.n_bytes]).unwrap(), expected.trim_start_matches('0'));
        }
    }
}
