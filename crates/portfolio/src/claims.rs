//! The open orders of an account, with what they add up to kept ready: a check of one more order does not look at all.
//!
//! Sums are kept by instrument, side and whether the orders are reduce-only. An order that cannot fill yet does not count,
//! and of a bracket's legs only the largest of a side, as only one can fill. The sums are derived: those of an account
//! that is restored are equal to those that were kept while it traded. Not here: what the sums mean (`exposure`, `funds`).

use std::collections::{BTreeMap, BTreeSet};

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::InstrumentId,
    trading::order::{Order, OrderId, Side},
};

use crate::{
    claim::{Claim, Pricing},
    exact,
    market::Mark,
};

/// The claims of an account's open orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    by_order: BTreeMap<OrderId, Claim>,
    by_instrument: BTreeMap<InstrumentId, OfInstrument>,
    /// The legs of a bracket that are on one side.
    legs: BTreeMap<(OrderId, Side), BTreeSet<OrderId>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfInstrument {
    /// Open orders, those that cannot fill yet included.
    n_open: usize,
    /// By side and whether they are reduce-only.
    groups: BTreeMap<(Side, bool), Group>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Group {
    n_claims: usize,
    /// `None`: a figure does not fit.
    sums: Option<Sums>,
    /// Sells that count at the market's price where that is above their limit.
    floors: BTreeMap<(Price, OrderId), Quantity>,
}

/// Totals of the claims of one instrument and side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    quantity: Quantity,
    /// Σ price × quantity of those with a price of their own, in quote currency.
    value: Notional,
    /// Base units of those that count at the market's price.
    at_market: Quantity,
    /// Base units of those in `floors`.
    floored: Quantity,
}

/// Effect of a change of one order on the claims that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    removed: Option<Claim>,
    added: Option<Claim>,
}

/// The claims of an account as they are, or as they would be with one order changed.
#[derive(Clone, Copy, Debug)]
pub struct ClaimsView<'a> {
    claims: &'a Claims,
    change: Option<&'a Change>,
}

/// Why a sum has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSum {
    /// The market's price is not known.
    Price,
    /// It does not fit a decimal.
    DoesNotFit,
}

impl Claims {
    /// Returns the claims of orders; those that have ended have none.
    pub fn of_orders<'a>(orders: impl IntoIterator<Item = &'a Order>) -> Self {
        let mut claims = Self::default();
        orders.into_iter().for_each(|order| claims.put(order));
        claims
    }

    /// Takes an order as it is now.
    pub fn put(&mut self, order: &Order) {
        self.replace(order.order_id, order.state.is_open().then(|| Claim::of_order(order)));
    }

    /// Sets the claim of an order, or removes it.
    pub fn replace(&mut self, order_id: OrderId, claim: Option<Claim>) {
        if self.by_order.get(&order_id) == claim.as_ref() {
            return;
        }
        let change = self.change(Some(order_id), claim.as_ref());
        let old = self.by_order.remove(&order_id);
        if let Some(old) = &old {
            self.forget(order_id, old);
        }
        if let Some(new) = &claim {
            self.by_instrument.entry(new.instrument.clone()).or_default().n_open += 1;
            if let Some(key) = leg_of(new) {
                self.legs.entry(key).or_default().insert(order_id);
            }
            self.by_order.insert(order_id, new.clone());
        }
        for (claim, is_added) in [(&change.removed, false), (&change.added, true)] {
            let Some(claim) = claim else { continue };
            let own = self.by_instrument.entry(claim.instrument.clone()).or_default();
            own.groups.entry((claim.side, claim.reduce_only)).or_insert_with(Group::empty).change(claim, is_added);
        }
        for claim in [change.removed, change.added, old].into_iter().flatten() {
            self.tidy(&claim.instrument, (claim.side, claim.reduce_only));
        }
    }

    /// Drops what is empty, and adds a sum up again that did not fit.
    fn tidy(&mut self, instrument: &InstrumentId, key: (Side, bool)) {
        let Some(own) = self.by_instrument.get_mut(instrument) else { return };
        match own.groups.get(&key) {
            Some(group) if group.n_claims == 0 => drop(own.groups.remove(&key)),
            // Maybe because of an order that is gone.
            Some(group) if group.sums.is_none() => self.sum_up(instrument, key),
            _ => {}
        }
        if self.by_instrument.get(instrument).is_some_and(|own| own.n_open == 0) {
            self.by_instrument.remove(instrument);
        }
    }

    fn forget(&mut self, order_id: OrderId, old: &Claim) {
        if let Some(own) = self.by_instrument.get_mut(&old.instrument) {
            own.n_open = own.n_open.saturating_sub(1);
        }
        if let Some(key) = leg_of(old)
            && let Some(legs) = self.legs.get_mut(&key)
        {
            legs.remove(&order_id);
            if legs.is_empty() {
                self.legs.remove(&key);
            }
        }
    }

    fn sum_up(&mut self, instrument: &InstrumentId, key: (Side, bool)) {
        let is_meant = |claim: &&Claim| {
            claim.instrument == *instrument && (claim.side, claim.reduce_only) == key && self.counts(claim)
        };
        let mut all = self.by_order.values().filter(is_meant);
        let sums = all.try_fold(Sums::default(), |sums, claim| sums.plus(claim));
        if let Some(group) = self.by_instrument.get_mut(instrument).and_then(|own| own.groups.get_mut(&key)) {
            group.sums = sums;
        }
    }

    fn counts(&self, claim: &Claim) -> bool {
        match leg_of(claim) {
            None => claim.can_fill(),
            Some(key) => self.largest_leg(key, None, None).is_some_and(|largest| largest == claim),
        }
    }

    /// Returns what it does to the claims that count if the claim of an order becomes this one.
    pub(crate) fn change(&self, order_id: Option<OrderId>, new: Option<&Claim>) -> Change {
        let old = order_id.and_then(|order_id| self.by_order.get(&order_id));
        let counted = |claim: Option<&Claim>| claim.filter(|claim| claim.can_fill()).cloned();
        let (removed, added) = match old.and_then(leg_of).or_else(|| new.and_then(leg_of)) {
            None => (counted(old), counted(new)),
            Some(key) => (self.largest_leg(key, None, None).cloned(), self.largest_leg(key, order_id, new).cloned()),
        };
        if removed == added { Change::default() } else { Change { removed, added } }
    }

    /// Returns the leg of a bracket's side that counts, without one order and with another claim; of equal ones the first.
    fn largest_leg<'a>(
        &'a self,
        key: (OrderId, Side),
        without: Option<OrderId>,
        with: Option<&'a Claim>,
    ) -> Option<&'a Claim> {
        let legs = self.legs.get(&key).into_iter().flatten().filter(|leg| Some(**leg) != without);
        let legs = legs.filter_map(|leg| self.by_order.get(leg)).chain(with).filter(|claim| claim.can_fill());
        legs.reduce(|largest, leg| match leg.quantity.cmp(&largest.quantity) {
            std::cmp::Ordering::Greater => leg,
            std::cmp::Ordering::Equal if leg.order_id < largest.order_id => leg,
            _ => largest,
        })
    }

    /// Returns the claims as they are.
    pub fn view(&self) -> ClaimsView<'_> {
        ClaimsView { claims: self, change: None }
    }

    /// Returns the claim of an open order.
    pub fn get(&self, order_id: OrderId) -> Option<&Claim> {
        self.by_order.get(&order_id)
    }

    /// Returns the claims of all open orders, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.by_order.values()
    }

    /// Returns the number of open orders.
    pub fn len(&self) -> usize {
        self.by_order.len()
    }

    /// True without open orders.
    pub fn is_empty(&self) -> bool {
        self.by_order.is_empty()
    }

    /// Returns the instruments with open orders, by name.
    pub fn instruments(&self) -> impl Iterator<Item = &InstrumentId> {
        self.by_instrument.keys()
    }
}

impl<'a> ClaimsView<'a> {
    /// Returns all claims as they are, without the change.
    pub fn claims(&self) -> &'a Claims {
        self.claims
    }

    pub(crate) fn with(self, change: &'a Change) -> Self {
        Self { change: Some(change), ..self }
    }

    /// Returns the instruments with claims that count, by name; one that has none any more may be among them.
    pub(crate) fn instruments(&self) -> BTreeSet<&'a InstrumentId> {
        let counting = self.claims.by_instrument.iter().filter(|(_, own)| !own.groups.is_empty());
        let added = self.change.and_then(|change| change.added.as_ref());
        counting.map(|(instrument, _)| instrument).chain(added.map(|claim| &claim.instrument)).collect()
    }

    /// Returns the base units of one side that may fill; `None` if they do not fit.
    pub(crate) fn quantity(&self, instrument: &InstrumentId, side: Side) -> Option<Quantity> {
        exact::sum_quantity(self.quantity_of(instrument, side, false)?, self.quantity_of(instrument, side, true)?)
    }

    /// As [`Self::quantity`], of orders that are reduce-only or of the others.
    pub(crate) fn quantity_of(&self, instrument: &InstrumentId, side: Side, reduce_only: bool) -> Option<Quantity> {
        self.sums(instrument, side, reduce_only).map(|sums| sums.quantity)
    }

    /// Returns Σ price × quantity of the orders of one side, in quote currency.
    pub(crate) fn value_of(
        &self,
        instrument: &InstrumentId,
        side: Side,
        reduce_only: bool,
        mark: &Mark,
    ) -> Result<Notional, NoSum> {
        let sums = self.sums(instrument, side, reduce_only).ok_or(NoSum::DoesNotFit)?;
        if sums.at_market.is_zero() && sums.floored.is_zero() {
            return Ok(sums.value);
        }
        let market = mark.entry(side).ok_or(NoSum::Price)?;
        let value = exact::value(market, sums.at_market).and_then(|at_market| exact::sum(sums.value, at_market));
        let below = self.below(instrument, reduce_only, market);
        let value = below.filter(|_| side == Side::Sell).fold(value, |value, (limit, quantity)| {
            exact::sum(value?, exact::value(market.checked_sub(limit)?, quantity)?)
        });
        value.ok_or(NoSum::DoesNotFit)
    }

    /// Returns limit and quantity of the sells that would trade above their limit.
    fn below(
        &self,
        instrument: &InstrumentId,
        reduce_only: bool,
        market: Price,
    ) -> impl Iterator<Item = (Price, Quantity)> {
        let (removed, added) = self.changed(instrument, Side::Sell, reduce_only);
        let removed = removed.and_then(|claim| claim.order_id);
        let group = self.group(instrument, Side::Sell, reduce_only);
        let kept = group.into_iter().flat_map(move |group| group.floors.range(..(market, OrderId(0))));
        let kept = kept.filter(move |((_, order_id), _)| Some(*order_id) != removed);
        let added = added.and_then(|claim| match claim.pricing() {
            Pricing::AtLeast(limit) if limit < market => Some((limit, claim.quantity)),
            _ => None,
        });
        kept.map(|((limit, _), quantity)| (*limit, *quantity)).chain(added)
    }

    fn sums(&self, instrument: &InstrumentId, side: Side, reduce_only: bool) -> Option<Sums> {
        let group = self.group(instrument, side, reduce_only);
        let sums = group.map_or(Some(Sums::default()), |group| group.sums)?;
        let (removed, added) = self.changed(instrument, side, reduce_only);
        let sums = removed.map_or(Some(sums), |claim| sums.minus(claim))?;
        added.map_or(Some(sums), |claim| sums.plus(claim))
    }

    fn group(&self, instrument: &InstrumentId, side: Side, reduce_only: bool) -> Option<&'a Group> {
        self.claims.by_instrument.get(instrument)?.groups.get(&(side, reduce_only))
    }

    fn changed(
        &self,
        instrument: &InstrumentId,
        side: Side,
        reduce_only: bool,
    ) -> (Option<&'a Claim>, Option<&'a Claim>) {
        let is_here =
            |claim: &&Claim| claim.instrument == *instrument && (claim.side, claim.reduce_only) == (side, reduce_only);
        let Some(Change { removed, added }) = self.change else { return (None, None) };
        (removed.as_ref().filter(is_here), added.as_ref().filter(is_here))
    }
}

impl Group {
    fn empty() -> Self {
        Self { sums: Some(Sums::default()), ..Self::default() }
    }

    fn change(&mut self, claim: &Claim, is_added: bool) {
        let floor = match (claim.pricing(), claim.order_id) {
            (Pricing::AtLeast(limit), Some(order_id)) => Some((limit, order_id)),
            _ => None,
        };
        if is_added {
            self.n_claims += 1;
            self.floors.extend(floor.map(|floor| (floor, claim.quantity)));
            self.sums = self.sums.and_then(|sums| sums.plus(claim));
        } else {
            self.n_claims = self.n_claims.saturating_sub(1);
            floor.map(|floor| self.floors.remove(&floor));
            self.sums = self.sums.and_then(|sums| sums.minus(claim));
        }
    }
}

impl Sums {
    fn plus(self, claim: &Claim) -> Option<Self> {
        self.changed(claim, exact::sum_quantity, exact::sum)
    }

    fn minus(self, claim: &Claim) -> Option<Self> {
        self.changed(claim, exact::difference_quantity, exact::difference)
    }

    fn changed(
        self,
        claim: &Claim,
        units: fn(Quantity, Quantity) -> Option<Quantity>,
        amount: fn(Notional, Notional) -> Option<Notional>,
    ) -> Option<Self> {
        let quantity = units(self.quantity, claim.quantity)?;
        let sums = Self { quantity, ..self };
        Some(match claim.pricing() {
            Pricing::Fixed(price) => Self { value: amount(sums.value, exact::value(price, claim.quantity)?)?, ..sums },
            Pricing::Market => Self { at_market: units(sums.at_market, claim.quantity)?, ..sums },
            Pricing::AtLeast(price) => Self {
                value: amount(sums.value, exact::value(price, claim.quantity)?)?,
                floored: units(sums.floored, claim.quantity)?,
                ..sums
            },
        })
    }
}

fn leg_of(claim: &Claim) -> Option<(OrderId, Side)> {
    claim.bracket.map(|entry| (entry, claim.side))
}

#[cfg(test)]
mod tests;
