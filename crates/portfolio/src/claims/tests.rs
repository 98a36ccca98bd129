//! Tests of the claims: kept sums against sums over all, after any sequence of orders.

use proptest::prelude::*;

use super::*;
use crate::testing::{claim, claims_of, instrument, market_claim, price, quantity};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

/// The claims that count, found by looking at all of them: no held ones, and of each bracket the largest leg of a side.
fn counting(all: &[Claim]) -> Vec<Claim> {
    let leads = |claim: &&Claim| {
        let rivals = all.iter().filter(|rival| rival.can_fill() && leg_of(rival) == leg_of(claim));
        let is_better = |rival: &Claim| {
            rival.quantity > claim.quantity || rival.quantity == claim.quantity && rival.order_id < claim.order_id
        };
        claim.can_fill() && (claim.bracket.is_none() || !rivals.into_iter().any(is_better))
    };
    all.iter().filter(leads).cloned().collect()
}

/// Compares every sum with one over all claims.
fn check_sums(view: ClaimsView<'_>, all: &[Claim], mark: &Mark) {
    let counting = counting(all);
    for (symbol, side, reduce_only) in ["BQ", "XQ"]
        .into_iter()
        .flat_map(|symbol| SIDES.map(|side| (symbol, side)).into_iter())
        .flat_map(|(symbol, side)| [false, true].map(|reduce_only| (symbol, side, reduce_only)))
    {
        let id = instrument(symbol);
        let own = || {
            let is_own =
                |claim: &&Claim| (&claim.instrument, claim.side, claim.reduce_only) == (&id, side, reduce_only);
            counting.iter().filter(is_own)
        };
        let units = own().fold(Quantity::ZERO, |sum, claim| exact::sum_quantity(sum, claim.quantity).unwrap());
        assert_eq!(view.quantity_of(&id, side, reduce_only), Some(units), "{side} {reduce_only} {all:?}");
        let value = own().try_fold(Notional::ZERO, |sum, claim| exact::sum(sum, claim.value(mark)?));
        let found = view.value_of(&id, side, reduce_only, mark);
        assert_eq!(found.ok(), value, "{side} {reduce_only} {mark:?} {all:?}");
        assert!(own().next().is_none() || view.instruments().contains(&id));
    }
}

fn claims() -> impl Strategy<Value = Claim> {
    let price = || prop::option::of((1..400_i128).prop_map(|cents| Price::from_mantissa(cents, 1).unwrap()));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), 0..4_u64);
    (1..12_u64, any::<bool>(), 0..40_i128, price(), price(), flags).prop_map(
        |(id, is_buy, size, limit_price, stop_price, (reduce_only, is_held, is_other, entry))| Claim {
            order_id: Some(OrderId(id)),
            instrument: instrument(if is_other && entry != 1 { "XQ" } else { "BQ" }),
            side: if is_buy { Side::Buy } else { Side::Sell },
            quantity: Quantity::from_mantissa(size, 2).unwrap(),
            limit_price,
            stop_price,
            reduce_only: reduce_only || entry == 1,
            bracket: (entry == 1).then_some(OrderId(100)),
            is_held: is_held && size % 2 == 0,
        },
    )
}

proptest! {
    /// After any sequence of orders that come, change and go, the sums are those of the orders that are there.
    #[test]
    fn sums_that_are_kept_equal_sums_over_all(
        steps in prop::collection::vec((claims(), any::<bool>()), 0..60),
        proposal in claims(),
        (bid, ask) in (1..40_i128, prop::option::of(1..40_i128)),
    ) {
        let mut kept = Claims::default();
        let mut all: BTreeMap<OrderId, Claim> = BTreeMap::new();
        let mark = Mark {
            bid: ask.and(Price::from_mantissa(bid, 0)),
            ask: ask.and_then(|ask| Price::from_mantissa(bid + ask, 0)),
            last: None,
        };
        for (claim, is_there) in steps {
            let order_id = claim.order_id.unwrap();
            // An order stays on its side, in its instrument and in its bracket.
            let claim = match all.get(&order_id) {
                Some(old) => Claim {
                    instrument: old.instrument.clone(),
                    side: old.side,
                    reduce_only: old.reduce_only,
                    bracket: old.bracket,
                    ..claim
                },
                None => claim,
            };
            kept.replace(order_id, is_there.then(|| claim.clone()));
            if is_there { all.insert(order_id, claim) } else { all.remove(&order_id) };
            let list: Vec<Claim> = all.values().cloned().collect();
            check_sums(kept.view(), &list, &mark);
            prop_assert_eq!(&kept, &claims_of(&list));
        }
        // An amendment and a new order, without making them.
        let amended = all.values().next().map(|old| Claim { quantity: proposal.quantity, stop_price: None, ..old.clone() });
        let new = Claim { order_id: Some(OrderId(50)), bracket: None, ..proposal };
        for change in amended.into_iter().chain([new]) {
            let order_id = change.order_id;
            let mut list: Vec<Claim> = all.values().filter(|claim| claim.order_id != order_id).cloned().collect();
            let without = kept.change(order_id, None);
            check_sums(kept.view().with(&without), &list, &mark);
            list.push(change.clone());
            let with_it = kept.change(order_id, Some(&change));
            check_sums(kept.view().with(&with_it), &list, &mark);
        }
    }
}

#[test]
fn of_a_bracket_only_the_largest_leg_counts() {
    let leg = |id, size: &str, bracket| Claim { bracket: Some(OrderId(bracket)), ..claim(id, Side::Sell, size, "1") };
    let claims = claims_of(&[
        claim(1, Side::Sell, "1", "1"),
        leg(2, "3", 7),
        leg(3, "4", 7),
        leg(4, "2", 8),
        Claim { is_held: true, ..leg(5, "9", 9) },
        claim(6, Side::Buy, "0", "1"),
    ]);
    assert_eq!(claims.view().quantity(&instrument("BQ"), Side::Sell), Some(quantity("7")));
    assert_eq!((claims.len(), claims.instruments().count()), (6, 1));
}

#[test]
fn a_sum_that_does_not_fit_is_found_again_once_its_order_is_gone() {
    let mark = Mark { bid: Some(price("99")), ask: Some(price("101")), last: None };
    let value = |claims: &Claims| claims.view().value_of(&instrument("BQ"), Side::Buy, false, &mark);
    let mut claims = claims_of(&[claim(1, Side::Buy, "1", "100"), market_claim(2, Side::Buy, "1")]);
    assert_eq!(value(&claims), Ok(Notional::parse("201").unwrap()));
    claims.replace(OrderId(3), Some(claim(3, Side::Buy, "2", "79228162514264337593543950335")));
    assert_eq!(value(&claims), Err(NoSum::DoesNotFit));
    claims.replace(OrderId(3), None);
    assert_eq!(value(&claims), Ok(Notional::parse("201").unwrap()));
    assert_eq!(claims.view().value_of(&instrument("BQ"), Side::Buy, false, &Mark::default()), Err(NoSum::Price));
}
