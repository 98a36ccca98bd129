//! The best bid and the best ask of one pair over all venues: which venues count, and the result.
//!
//! A venue counts while its stream is live and its book proves the top; a venue that does not count is named with the
//! reason. Pure: the tops are arguments. Not here: the source of tops (a feed's [`crate::View::tops`]), and publishing
//! the result.

use std::cmp::Ordering;

use model::{
    decimal::{Price, Quantity},
    instrument::{Instrument, InstrumentId},
    proof::BookState,
    status::StreamState,
};
use topics::channels::{
    consolidated::{ConsolidatedData, LeftOut, VenueLevel, VenueStanding},
    quote::QuoteData,
};

/// One venue's best bid and ask of an instrument, and whether it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueTop {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The assets (`BTC/USD`): tops of the same pair are consolidated.
    pub pair: String,
    /// Highest bid, with its size.
    pub bid: Option<(Price, Quantity)>,
    /// Lowest ask, with its size.
    pub ask: Option<(Price, Quantity)>,
    /// True for a simulated market.
    pub is_simulated: bool,
    /// Why it does not count, as far as it can tell alone.
    pub left_out: Option<LeftOut>,
}

/// The facts that decide whether a top can be trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    /// The colour of the stream.
    pub(crate) state: StreamState,
    /// The book's state; `None` if the venue has no book of the instrument.
    pub(crate) book: Option<BookState>,
}

impl VenueTop {
    pub(crate) fn new(instrument: &Instrument, quote: &QuoteData, evidence: Evidence) -> Self {
        let (bid, ask) = (quote.bid.zip(quote.bid_size), quote.ask.zip(quote.ask_size));
        Self {
            instrument: instrument.id.clone(),
            pair: instrument.pair(),
            bid,
            ask,
            is_simulated: instrument.is_simulated,
            left_out: if instrument.id.venue().is_replay() {
                Some(LeftOut::Replay)
            } else {
                evidence.fault().or_else(|| fault_of_top(bid, ask))
            },
        }
    }

    /// Returns why it does not count beside the others, of which some are real or none are.
    fn counts_beside(&self, has_real: bool) -> Option<LeftOut> {
        self.left_out.or_else(|| (self.is_simulated && has_real).then_some(LeftOut::Simulated))
    }
}

impl Evidence {
    fn fault(self) -> Option<LeftOut> {
        match self.state {
            StreamState::Initialising => return Some(LeftOut::Initialising),
            StreamState::Stale => return Some(LeftOut::Stale),
            StreamState::Failed => return Some(LeftOut::Failed),
            StreamState::Live => {}
        }
        match self.book {
            Some(BookState::Live) => None,
            Some(BookState::Suspect | BookState::Resyncing) => Some(LeftOut::Suspect),
            Some(BookState::Unverified) => Some(LeftOut::Unverified),
            // A quote by REST or ticker alone is not proven.
            None | Some(BookState::Empty | BookState::Buffering | BookState::Polled) => Some(LeftOut::NoBook),
        }
    }
}

/// Returns the fault of a top: both sides must exist with a size, and one venue alone is never crossed.
fn fault_of_top(bid: Option<(Price, Quantity)>, ask: Option<(Price, Quantity)>) -> Option<LeftOut> {
    let Some((bid, ask)) = bid.zip(ask) else { return Some(LeftOut::NoQuote) };
    let is_empty = |size: Quantity| size.is_zero() || size.is_negative();
    match () {
        () if is_empty(bid.1) || is_empty(ask.1) => Some(LeftOut::NoQuote),
        () if bid.0 >= ask.0 => Some(LeftOut::Suspect),
        () => None,
    }
}

/// Returns the best bid and ask of tops of one pair. Equal prices go to the larger size, then to the first by name.
pub fn consolidate<'a>(tops: impl IntoIterator<Item = &'a VenueTop>) -> ConsolidatedData {
    let mut tops: Vec<&VenueTop> = tops.into_iter().collect();
    tops.sort_unstable_by(|left, right| left.instrument.cmp(&right.instrument));
    // Whatever its state: a real venue that is silent must not be replaced by a simulated one.
    let has_real = tops.iter().any(|top| !top.is_simulated && top.left_out != Some(LeftOut::Replay));
    let mut data = ConsolidatedData::default();
    for top in &tops {
        let left_out = top.counts_beside(has_real);
        if left_out.is_none() {
            take_better(&mut data.bid, top, top.bid, Ordering::Greater);
            take_better(&mut data.ask, top, top.ask, Ordering::Less);
        }
        data.venues.push(VenueStanding { instrument: top.instrument.clone(), left_out });
    }
    data.is_simulated = data.bid.is_some() && !has_real;
    data
}

/// Joins the pairs of several quote assets that the reader treats as one (USD and USDT): the best over all of them.
pub fn join(pairs: &[&ConsolidatedData]) -> ConsolidatedData {
    let has_real = pairs.iter().any(|data| data.bid.is_some() && !data.is_simulated);
    let mut joined = ConsolidatedData::default();
    for data in pairs {
        let is_out = data.is_simulated && has_real;
        if !is_out {
            keep_better(&mut joined.bid, data.bid.as_ref(), Ordering::Greater);
            keep_better(&mut joined.ask, data.ask.as_ref(), Ordering::Less);
            joined.is_simulated |= data.is_simulated;
        }
        joined.venues.extend(data.venues.iter().map(|venue| VenueStanding {
            left_out: venue.left_out.or(is_out.then_some(LeftOut::Simulated)),
            ..venue.clone()
        }));
        joined.publish_time_us = joined.publish_time_us.max(data.publish_time_us);
    }
    joined.venues.sort_unstable_by(|left, right| left.instrument.cmp(&right.instrument));
    joined
}

/// Returns ask minus bid, in the quote asset; below zero if two venues are crossed.
pub fn spread(data: &ConsolidatedData) -> Option<Price> {
    let (bid, ask) = data.bid.as_ref().zip(data.ask.as_ref())?;
    ask.price.checked_sub(bid.price)
}

/// Returns the same in basis points of the price between them; `None` if that price is not positive.
pub fn spread_bps(data: &ConsolidatedData) -> Option<f64> {
    let (bid, ask) = data.bid.as_ref().zip(data.ask.as_ref())?;
    let mid = (bid.price.to_f64_lossy() + ask.price.to_f64_lossy()) / 2.0;
    let spread = spread(data)?.to_f64_lossy();
    (mid > 0.0).then(|| spread / mid * 10_000.0)
}

fn take_better(best: &mut Option<VenueLevel>, top: &VenueTop, level: Option<(Price, Quantity)>, better: Ordering) {
    let level = level.map(|(price, size)| VenueLevel { instrument: top.instrument.clone(), price, size });
    keep_better(best, level.as_ref(), better);
}

fn keep_better(best: &mut Option<VenueLevel>, level: Option<&VenueLevel>, better: Ordering) {
    let Some(level) = level else { return };
    let is_better = best.as_ref().is_none_or(|best| match level.price.cmp(&best.price) {
        Ordering::Equal => (level.size, &best.instrument) > (best.size, &level.instrument),
        order => order == better,
    });
    if is_better {
        *best = Some(level.clone());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{price, size};

    fn top(id: &str, bid: &str, ask: &str) -> VenueTop {
        VenueTop {
            instrument: InstrumentId::parse(id).unwrap(),
            pair: "BTC/USD".into(),
            bid: Some((price(bid), size("1"))),
            ask: Some((price(ask), size("1"))),
            is_simulated: id.starts_with("demo"),
            left_out: None,
        }
    }

    fn without(top: VenueTop, left_out: LeftOut) -> VenueTop {
        VenueTop { left_out: Some(left_out), ..top }
    }

    /// Best bid and ask as `price@instrument`, and the venues left out with their reasons.
    #[track_caller]
    fn check(tops: &[VenueTop], bid: &str, ask: &str, left_out: &[(&str, LeftOut)]) {
        let data = consolidate(tops);
        let shown = |level: &Option<VenueLevel>| {
            level.as_ref().map_or_else(String::new, |level| format!("{}@{}", level.price, level.instrument))
        };
        assert_eq!((shown(&data.bid).as_str(), shown(&data.ask).as_str()), (bid, ask));
        let found: Vec<(String, LeftOut)> =
            data.venues.iter().filter_map(|venue| Some((venue.instrument.to_string(), venue.left_out?))).collect();
        let expected: Vec<(String, LeftOut)> =
            left_out.iter().map(|(id, reason)| ((*id).to_owned(), *reason)).collect();
        assert_eq!(found, expected);
        assert_eq!(data.venues.len(), tops.len());
    }

    #[test]
    fn the_best_of_each_side_names_its_venue() {
        let (one, two) = (top("one:A", "100", "103"), top("two:A", "101", "104"));
        check(&[one.clone(), two.clone()], "101@two:A", "103@one:A", &[]);
        check(&[two, one.clone()], "101@two:A", "103@one:A", &[]);
        check(&[], "", "", &[]);
        // Two venues are crossed: shown as it is.
        let high = top("two:A", "105", "106");
        check(&[one.clone(), high.clone()], "105@two:A", "103@one:A", &[]);
        let crossed = consolidate(&[one, high]);
        assert_eq!(spread(&crossed), Some(price("-2")));
        assert!((spread_bps(&crossed).unwrap() + 192.3).abs() < 0.1, "{:?}", spread_bps(&crossed));
    }

    #[test]
    fn who_cannot_be_believed_is_left_out_and_named() {
        for reason in [LeftOut::Stale, LeftOut::Failed, LeftOut::Suspect, LeftOut::Unverified, LeftOut::Replay] {
            let best = without(top("two:A", "999", "1"), reason);
            check(&[top("one:A", "100", "103"), best], "100@one:A", "103@one:A", &[("two:A", reason)]);
        }
        check(&[without(top("one:A", "1", "2"), LeftOut::Stale)], "", "", &[("one:A", LeftOut::Stale)]);
    }

    #[test]
    fn made_up_prices_never_stand_beside_real_ones() {
        let (demo, real) = (top("demo:A", "200", "201"), top("real:A", "100", "101"));
        check(&[demo.clone(), real.clone()], "100@real:A", "101@real:A", &[("demo:A", LeftOut::Simulated)]);
        let silent = without(real, LeftOut::Stale);
        let expected = [("demo:A", LeftOut::Simulated), ("real:A", LeftOut::Stale)];
        check(&[demo.clone(), silent], "", "", &expected);
        check(std::slice::from_ref(&demo), "200@demo:A", "201@demo:A", &[]);
        assert!(consolidate([&demo]).is_simulated);
        let replay = without(top("replay-real:A", "300", "301"), LeftOut::Replay);
        check(&[demo, replay], "200@demo:A", "201@demo:A", &[("replay-real:A", LeftOut::Replay)]);
    }

    #[test]
    fn equal_prices_go_to_the_larger_size() {
        let small = top("one:A", "100", "103");
        let large = VenueTop { bid: Some((price("100.0"), size("2"))), ..top("two:A", "100", "103") };
        check(&[small, large], "100.0@two:A", "103@one:A", &[]);
    }

    #[test]
    fn evidence_decides() {
        use BookState::{Buffering, Empty, Live, Polled, Resyncing, Suspect, Unverified};
        #[track_caller]
        fn check(state: StreamState, book: Option<BookState>, expected: Option<LeftOut>) {
            let evidence = Evidence { state, book };
            assert_eq!(evidence.fault(), expected, "{evidence:?}");
        }
        let live = StreamState::Live;
        check(live, Some(Live), None);
        check(live, None, Some(LeftOut::NoBook));
        check(live, Some(Empty), Some(LeftOut::NoBook));
        check(live, Some(Buffering), Some(LeftOut::NoBook));
        check(live, Some(Polled), Some(LeftOut::NoBook));
        check(live, Some(Suspect), Some(LeftOut::Suspect));
        check(live, Some(Resyncing), Some(LeftOut::Suspect));
        check(live, Some(Unverified), Some(LeftOut::Unverified));
        check(StreamState::Stale, Some(Live), Some(LeftOut::Stale));
        check(StreamState::Failed, Some(Live), Some(LeftOut::Failed));
        check(StreamState::Initialising, Some(Live), Some(LeftOut::Initialising));
    }

    #[test]
    fn half_a_top_is_none_and_a_crossed_one_is_suspect() {
        let level = |at: &str, quantity: &str| Some((price(at), size(quantity)));
        assert_eq!(fault_of_top(level("1", "1"), None), Some(LeftOut::NoQuote));
        assert_eq!(fault_of_top(None, level("1", "1")), Some(LeftOut::NoQuote));
        assert_eq!(fault_of_top(level("1", "0"), level("2", "1")), Some(LeftOut::NoQuote));
        assert_eq!(fault_of_top(level("2", "1"), level("2", "1")), Some(LeftOut::Suspect));
        assert_eq!(fault_of_top(level("1", "1"), level("2", "1")), None);
    }

    #[test]
    fn joined_pairs_take_the_best_of_all() {
        let usd = consolidate(&[top("one:BTC-USD", "100", "103")]);
        let usdt = consolidate(&[top("two:BTCUSDT", "101", "104")]);
        let joined = join(&[&usd, &usdt]);
        assert_eq!(joined.bid, usdt.bid);
        assert_eq!(joined.ask, usd.ask);
        assert_eq!(joined.venues.len(), 2);
        let made_up = consolidate(&[top("demo:BTC", "500", "501")]);
        for order in [[&usd, &made_up], [&made_up, &usd]] {
            let joined = join(&order);
            assert_eq!((joined.bid, joined.is_simulated), (usd.bid.clone(), false));
        }
        assert_eq!(join(&[]), ConsolidatedData::default());
    }

    fn any_top() -> impl Strategy<Value = VenueTop> {
        let level = || proptest::option::of((1_i64..8, 1_i64..4));
        let reason = prop_oneof![3 => Just(None), 1 => proptest::sample::select(LeftOut::ALL.to_vec()).prop_map(Some)];
        (0_u8..30, level(), level(), any::<bool>(), reason).prop_map(|(name, bid, ask, is_simulated, left_out)| {
            let level = |(at, quantity): (i64, i64)| {
                (Price::from_mantissa(at.into(), 0).unwrap(), Quantity::from_mantissa(quantity.into(), 0).unwrap())
            };
            VenueTop {
                instrument: InstrumentId::parse(&format!("v{name}:A")).unwrap(),
                pair: "A/B".into(),
                bid: bid.map(level),
                ask: ask.map(level),
                is_simulated,
                left_out,
            }
        })
    }

    proptest! {
        /// The naive result: the maximum and the minimum over those that count.
        #[test]
        fn consolidated_is_the_maximum_over_those_that_count(tops in prop::collection::vec(any_top(), 0..8)) {
            let data = consolidate(&tops);
            let is_real = |top: &&VenueTop| !top.is_simulated && top.left_out != Some(LeftOut::Replay);
            let has_real = tops.iter().any(|top| is_real(&top));
            let counted: Vec<&VenueTop> =
                tops.iter().filter(|top| top.left_out.is_none() && !(top.is_simulated && has_real)).collect();
            let best_bid = counted.iter().filter_map(|top| top.bid).map(|(price, _)| price).max();
            let best_ask = counted.iter().filter_map(|top| top.ask).map(|(price, _)| price).min();
            prop_assert_eq!(data.bid.as_ref().map(|level| level.price), best_bid);
            prop_assert_eq!(data.ask.as_ref().map(|level| level.price), best_ask);
            for (level, of) in [(&data.bid, 0), (&data.ask, 1)] {
                if let Some(level) = level {
                    let has_it = counted.iter().any(|top| {
                        let own = if of == 0 { top.bid } else { top.ask };
                        top.instrument == level.instrument && own == Some((level.price, level.size))
                    });
                    prop_assert!(has_it, "{:?} is nobody's", level);
                }
            }
            prop_assert_eq!(data.venues.len(), tops.len());
            // Joining the parts equals consolidating the whole, among real ones.
            let real: Vec<VenueTop> = tops.into_iter().filter(|top| is_real(&top)).collect();
            let (left, right) = real.split_at(real.len() / 2);
            let (whole, parts) = (consolidate(&real), join(&[&consolidate(left), &consolidate(right)]));
            prop_assert_eq!(whole.bid.map(|level| level.price), parts.bid.map(|level| level.price));
            prop_assert_eq!(whole.ask.map(|level| level.price), parts.ask.map(|level| level.price));
        }
    }
}
