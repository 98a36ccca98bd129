//! The proof of a book: the venue's checksum, and its quotes as evidence against sides that do not change.
//!
//! The checksum is CRC-32 (IEEE) over the digits of the best ten levels a side.
//!
//! Source: <https://docs.kraken.com/api/docs/guides/spot-ws-book-v2>. Asks from the lowest up, then bids from the
//! highest down; for each level the price and the quantity as sent by the venue, without the point and without leading
//! zeros. Those are the digits of a decimal's mantissa.
//!
//! The checksum proves each change, but a side that no longer changes at all looks like a quiet one. It is contradicted
//! by a quote of the venue's separate best bid and ask with another best price, if that side does not change for some
//! seconds afterwards. A quote older than the side's last change says nothing, so a feed of quotes that stops never
//! accuses a book. Not here: the consequence of a mismatch ([`super::book`]).

use model::{
    book::OrderBook,
    event::{Level, Quote},
    time::Monotonic,
};

/// Returns the checksum of a book's best ten levels a side.
pub(super) fn checksum_of_book(book: &OrderBook) -> u32 {
    Checksums::default().of_change(book, ChangedSides { bids: true, asks: true })
}

/// Computes the checksum and keeps its last input: an unchanged side is not read again, and in a changed side most
/// levels are unchanged, so their digits are not formatted again.
#[derive(Clone, Debug, Default)]
pub(super) struct Checksums {
    asks: Side,
    bids: Side,
    /// The checksum of the asks alone, which come first.
    of_asks: u32,
}

impl Checksums {
    /// Returns [`checksum_of_book`], if no sides other than `changed` have changed since the last time.
    pub(super) fn of_change(&mut self, book: &OrderBook, changed: ChangedSides) -> u32 {
        if changed.asks {
            self.asks.take(book.asks());
            self.of_asks = crc32fast::hash(self.asks.text());
        }
        if changed.bids {
            self.bids.take(book.bids());
        }
        let mut hasher = crc32fast::Hasher::new_with_initial(self.of_asks);
        hasher.update(self.bids.text());
        hasher.finalize()
    }
}

/// The sides affected by a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChangedSides {
    pub(super) bids: bool,
    pub(super) asks: bool,
}

/// A level's numbers and their digits.
#[derive(Clone, Copy, Debug)]
struct Row {
    numbers: (u64, u64),
    digits: [u8; ROW_DIGITS],
    n_digits: usize,
}

impl Default for Row {
    fn default() -> Self {
        Self { numbers: (0, 0), digits: [0; ROW_DIGITS], n_digits: 0 }
    }
}

impl Row {
    fn new((price, quantity): (u64, u64)) -> Self {
        let mut row = Self { numbers: (price, quantity), ..Self::default() };
        let mut buffer = itoa::Buffer::new();
        for number in [price, quantity].into_iter().filter(|number| *number > 0) {
            let digits = buffer.format(number).as_bytes();
            row.digits[row.n_digits..row.n_digits + digits.len()].copy_from_slice(digits);
            row.n_digits += digits.len();
        }
        row
    }
}

/// The best levels of a side, and their text.
#[derive(Clone, Debug)]
struct Side {
    rows: [Row; LEVELS],
    bytes: [u8; LONGEST_TEXT],
    n_bytes: usize,
}

impl Default for Side {
    fn default() -> Self {
        Self { rows: [Row::default(); LEVELS], bytes: [0; LONGEST_TEXT], n_bytes: 0 }
    }
}

impl Side {
    fn text(&self) -> &[u8] {
        &self.bytes[..self.n_bytes]
    }

    /// Updates to the current levels, best first.
    fn take(&mut self, levels: impl Iterator<Item = Level>) {
        self.n_bytes = 0;
        // The row displaced by the one above: if a level was inserted, all below it move down by one.
        let mut moved = Row::default();
        for (at, level) in levels.take(LEVELS).enumerate() {
            let [price, quantity] = [level.price.mantissa(), level.quantity.mantissa()].map(i128::unsigned_abs);
            // All values that a venue really sends fit.
            let (Ok(short_price), Ok(short_quantity)) = (u64::try_from(price), u64::try_from(quantity)) else {
                self.push_digits(price);
                self.push_digits(quantity);
                self.rows[at] = Row::default();
                continue;
            };
            let numbers = (short_price, short_quantity);
            if self.rows[at].numbers != numbers {
                // If a level was removed, all below it move up by one.
                let below = self.rows.get(at + 1).copied().filter(|row| row.numbers == numbers);
                let known = if moved.numbers == numbers { Some(moved) } else { below };
                moved = std::mem::replace(&mut self.rows[at], known.unwrap_or_else(|| Row::new(numbers)));
            }
            self.push_row(at);
        }
    }

    fn push_row(&mut self, at: usize) {
        let row = &self.rows[at];
        // Always the same number of bytes, which takes a few moves and no call; the next row overwrites the excess.
        self.bytes[self.n_bytes..self.n_bytes + ROW_DIGITS].copy_from_slice(&row.digits);
        self.n_bytes += row.n_digits;
    }

    /// Appends the digits of a number, the most significant first; none for zero.
    fn push_digits(&mut self, number: u128) {
        if number == 0 {
            return;
        }
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(number);
        self.bytes[self.n_bytes..self.n_bytes + digits.len()].copy_from_slice(digits.as_bytes());
        self.n_bytes += digits.len();
    }
}

/// Levels of a side in the checksum.
pub(super) const LEVELS: usize = 10;
/// Digits of the greatest mantissa (96 bits have 29), rounded up.
const LONGEST_NUMBER: usize = 40;
/// Digits of two numbers of 64 bits.
const ROW_DIGITS: usize = 40;
/// Two numbers a level.
const LONGEST_TEXT: usize = LEVELS * 2 * LONGEST_NUMBER;

/// Times since which quotes have had a different best price from a side that does not move.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QuoteCheck {
    bids_doubted_since: Option<Monotonic>,
    asks_doubted_since: Option<Monotonic>,
}

impl QuoteCheck {
    /// Processes a quote while the book is followed.
    pub(super) fn on_quote(&mut self, book: &OrderBook, quote: &Quote, now: Monotonic) {
        let price = |side: Option<Level>| side.map(|level| level.price);
        let look = |since: &mut Option<Monotonic>, best: Option<Level>, quoted: Option<Level>| {
            if price(best) == price(quoted) {
                *since = None;
            } else {
                since.get_or_insert(now);
            }
        };
        look(&mut self.bids_doubted_since, book.best_bid(), quote.bid);
        look(&mut self.asks_doubted_since, book.best_ask(), quote.ask);
    }

    /// Notes that the book changed on these sides: each of them moves.
    pub(super) fn on_change(&mut self, has_bids: bool, has_asks: bool) {
        if has_bids {
            self.bids_doubted_since = None;
        }
        if has_asks {
            self.asks_doubted_since = None;
        }
    }

    /// Returns since when a side has been contradicted, the older of two.
    pub(super) fn doubted_since(&self) -> Option<Monotonic> {
        [self.bids_doubted_since, self.asks_doubted_since].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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

    /// Bit by bit, as in the standard.
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
            checksum_of_book(&book),
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
        assert_eq!(checksum_of_book(&ten), checksum_of_book(&more));
        assert_ne!(checksum_of_book(&ten), checksum_of_book(&book(&rows(3..12), &rows(14..24))));
        assert_eq!(checksum_of_book(&OrderBook::new()), 0);
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
        assert_eq!(checksum_of_book(&book(&rows, &rows)), slow_crc32(text.as_bytes()));
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_text(mantissa in 1_i128..(1 << 96), scale in 0_u32..28) {
            let price = Price::from_mantissa(mantissa, scale).unwrap();
            let mut side = Side::default();
            side.push_digits(price.mantissa().unsigned_abs());
            let expected = price.to_string().replace('.', "");
            prop_assert_eq!(std::str::from_utf8(side.text()).unwrap(), expected.trim_start_matches('0'));
        }

        /// Includes prices beyond 64 bits, and changes anywhere: moved, removed, changed, all at once.
        #[test]
        fn memory_changes_nothing(
            changes in prop::collection::vec(
                prop::collection::vec((any::<bool>(), 1_i128..25, 0_i128..4, any::<bool>()), 1..6),
                1..60,
            ),
        ) {
            let (mut checksums, mut book) = (Checksums::default(), OrderBook::new());
            for change in changes {
                let changed = ChangedSides { bids: change.iter().any(|row| row.0), asks: change.iter().any(|row| !row.0) };
                for (is_bid, tick, lots, is_wide) in change {
                    let mantissa = if is_wide { (1 << 80) + tick } else { tick };
                    let level = Level {
                        price: Price::from_mantissa(if is_bid { mantissa } else { (1 << 81) + mantissa }, 0).unwrap(),
                        quantity: Quantity::from_mantissa(lots, 0).unwrap(),
                    };
                    let rows = std::slice::from_ref(&level);
                    if is_bid { book.apply_delta(rows, &[]) } else { book.apply_delta(&[], rows) };
                }
                prop_assert_eq!(checksums.of_change(&book, changed), checksum_of_book(&book));
            }
        }
    }

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    fn quote(bid: &str, ask: &str) -> Quote {
        Quote { bid: Some(level(bid, "1")), ask: Some(level(ask, "1")) }
    }

    #[test]
    fn a_side_is_doubted_until_it_moves_or_agrees() {
        let (mut check, mut book) = (QuoteCheck::default(), OrderBook::new());
        book.apply_snapshot(&[level("1.0", "1")], &[level("1.1", "1")]);
        check.on_quote(&book, &quote("1.00", "1.1"), at(0));
        assert_eq!(check.doubted_since(), None);
        check.on_quote(&book, &quote("1.0", "1.2"), at(100));
        check.on_quote(&book, &quote("0.9", "1.3"), at(200));
        assert_eq!(check.doubted_since(), Some(at(100)));
        check.on_change(true, false);
        assert_eq!(check.doubted_since(), Some(at(100)));
        check.on_change(false, true);
        assert_eq!(check.doubted_since(), None);
        check.on_quote(&book, &quote("0.9", "1.1"), at(300));
        check.on_quote(&book, &quote("1.0", "1.1"), at(400));
        assert_eq!(check.doubted_since(), None);
        check.on_quote(&book, &Quote { ask: None, ..quote("1.0", "1.1") }, at(500));
        assert_eq!(check.doubted_since(), Some(at(500)), "the venue has no ask, the book still has one");
        book.apply_delta(&[], &[level("1.1", "0")]);
        check.on_quote(&book, &Quote { ask: None, ..quote("1.0", "1.1") }, at(600));
        assert_eq!(check.doubted_since(), None);
    }
}
