//! A book's levels in groups of whole ticks, as far as the book goes.

use model::{
    decimal::{Price, Rounding},
    event::Level,
    instrument::Instrument,
    proof::TrackedBook,
};
use topics::{channels::book::BookData, limits::LADDER_DEPTH};

use crate::{book_lane, digits::Digits};

/// Returns the best [`LADDER_DEPTH`] groups of `n_ticks` ticks a side, or only the state if the book is not served.
/// Groups of a single tick are the book's own levels: one off the grid keeps its price. Without a tick size nothing can
/// be grouped: the book counts as empty.
pub(crate) fn current(book: &TrackedBook, n_ticks: u32, instrument: Option<&Instrument>, digits: Digits) -> BookData {
    if n_ticks == 1 {
        return book_lane::current(book, LADDER_DEPTH, digits);
    }
    let step = instrument.and_then(|instrument| step(instrument, n_ticks));
    let Some(step) = step else { return BookData::default() };
    let heading = book_lane::heading(book);
    if !book.state.is_served() {
        return heading;
    }
    let side = |levels: Vec<Level>| levels.into_iter().map(|level| digits.level(level)).collect();
    BookData {
        bids: side(grouped(book.book.bids(), step, Rounding::Down, |price, group| price >= group)),
        asks: side(grouped(book.book.asks(), step, Rounding::Up, |price, group| price <= group)),
        ..heading
    }
}

/// Returns `n_ticks` ticks; `None` if the tick is not positive or the product does not fit a decimal.
fn step(instrument: &Instrument, n_ticks: u32) -> Option<Price> {
    let tick = instrument.tick_size;
    let mantissa = tick.mantissa().checked_mul(i128::from(n_ticks)).filter(|mantissa| *mantissa > 0)?;
    Price::from_mantissa(mantissa, tick.scale())
}

/// Sums the quantities of `levels`, which come best first, by group. A price that cannot be rounded stands alone, and a
/// quantity that would not fit is left out.
fn grouped(
    levels: impl Iterator<Item = Level>,
    step: Price,
    rounding: Rounding,
    is_inside: impl Fn(Price, Price) -> bool,
) -> Vec<Level> {
    let mut groups: Vec<Level> = Vec::with_capacity(LADDER_DEPTH);
    for level in levels {
        let is_full = groups.len() == LADDER_DEPTH;
        match groups.last_mut() {
            // Best first: a level up to the group's price belongs to it, without rounding each one.
            Some(group) if is_inside(level.price, group.price) => {
                group.quantity = group.quantity.checked_add(level.quantity).unwrap_or(group.quantity);
            }
            _ if is_full => break,
            _ => {
                let price = level.price.round_to(step, rounding).unwrap_or(level.price);
                groups.push(Level { price, quantity: level.quantity });
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use model::{
        decimal::Quantity,
        instrument::{InstrumentId, InstrumentStatus},
        proof::BookState,
    };

    use super::*;
    use crate::testing::level;

    fn instrument(tick: &str) -> Instrument {
        Instrument {
            id: InstrumentId::parse("demo:A").unwrap(),
            base: "A".to_owned(),
            quote: "B".to_owned(),
            tick_size: Price::parse(tick).unwrap(),
            lot_size: Quantity::parse("0.1").unwrap(),
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: false,
        }
    }

    fn book(bids: &[Level], asks: &[Level]) -> TrackedBook {
        let mut book = TrackedBook { state: BookState::Live, ..TrackedBook::default() };
        book.book.apply_snapshot(bids, asks);
        book
    }

    #[test]
    fn groups_round_away_from_the_spread() {
        #[track_caller]
        fn check(n_ticks: u32, bids: &[(&str, &str)], asks: &[(&str, &str)]) {
            let of = |rows: &[(&str, &str)]| rows.iter().map(|(price, size)| level(price, size)).collect::<Vec<_>>();
            let book = book(
                &[level("10.4", "1"), level("10.1", "2"), level("10.0", "4"), level("9.9", "8")],
                &[level("10.5", "1"), level("10.6", "2"), level("11.0", "4"), level("11.1", "8")],
            );
            let data = current(&book, n_ticks, Some(&instrument("0.1")), Digits::of(&instrument("0.1")));
            assert_eq!((data.bids, data.asks), (of(bids), of(asks)), "{n_ticks}");
        }
        check(
            1,
            &[("10.4", "1.0"), ("10.1", "2.0"), ("10.0", "4.0"), ("9.9", "8.0")],
            &[("10.5", "1.0"), ("10.6", "2.0"), ("11.0", "4.0"), ("11.1", "8.0")],
        );
        check(5, &[("10.0", "7.0"), ("9.5", "8.0")], &[("10.5", "1.0"), ("11.0", "6.0"), ("11.5", "8.0")]);
        check(10, &[("10.0", "7.0"), ("9.0", "8.0")], &[("11.0", "7.0"), ("12.0", "8.0")]);
        check(500, &[("0.0", "15.0")], &[("50.0", "15.0")]);
    }

    #[test]
    fn all_of_a_deep_book_is_counted() {
        let bids: Vec<Level> = (0..5_000).map(|below| level(&(10_000 - below).to_string(), "1")).collect();
        let data = current(&book(&bids, &[]), 100, Some(&instrument("1")), Digits::default());
        assert_eq!(data.bids.len(), LADDER_DEPTH);
        assert_eq!((data.bids[0], data.bids[1]), (level("10000", "1"), level("9900", "100")));
        assert_eq!(data.bids[LADDER_DEPTH - 1], level("5100", "100"), "the whole group, not its first level");
    }

    #[test]
    fn what_cannot_be_grouped_or_is_not_served_has_no_levels() {
        let mut book = book(&[level("10", "1")], &[]);
        let known = instrument("0.1");
        assert_eq!(current(&book, 10, None, Digits::default()), BookData::default());
        assert_eq!(current(&book, 10, Some(&instrument("0")), Digits::default()), BookData::default());
        assert_eq!(current(&book, 1, None, Digits::default()).bids.len(), 1);
        book.state = BookState::Suspect;
        let data = current(&book, 10, Some(&known), Digits::default());
        assert_eq!((data.state, data.bids.len()), (BookState::Suspect, 0));
    }
}
