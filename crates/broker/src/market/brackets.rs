//! Brackets: the legs of an entry come to life with its fills, and one leg's fill reduces the other.
//!
//! The quantity left to protect is the entry's fills less those of the legs; each leg's quantity is
//! that plus its own fills. Once nothing is left, the bracket is over: the other leg is cancelled,
//! and so is the rest of an entry that is still open, which would otherwise open a position without
//! protection.

use model::{
    decimal::Quantity,
    trading::{
        order::{Amendment, Order, OrderId},
        record::OrderChange,
        refusal::{DenyCode, Refusal},
    },
};

use super::{Market, Stage};
use crate::{rows::less, triggers::Reached, turn::Turn};

/// The legs of one entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bracket {
    /// By submission.
    legs: Vec<OrderId>,
    /// Filled quantity of the entry less that of the legs.
    remaining: Quantity,
}

impl Bracket {
    /// Adds a leg; one that was alive before a restart knows what is left to protect.
    pub(super) fn add(&mut self, leg: OrderId, remaining: Option<Quantity>) {
        self.legs.push(leg);
        self.remaining = remaining.unwrap_or(self.remaining);
    }
}

impl Market {
    /// Brings a held leg to life if its entry has filled already, and ends it if the entry has ended without a fill.
    pub(super) fn match_leg(&mut self, turn: &mut Turn<'_>, leg: OrderId) {
        let Some(working) = self.orders.get(&leg).filter(|working| working.stage == Stage::Held) else { return };
        let Some((entry, _)) = working.order.bracket else { return };
        let has_just_ended = self.just_ended.0 == turn.now;
        let filled = self.order(entry).map(|order| order.filled);
        let filled = filled.or_else(|| self.just_ended.1.get(&entry).copied().filter(|_| has_just_ended));
        match filled {
            Some(filled) if !filled.is_zero() => {
                let Some(bracket) = self.brackets.get_mut(&entry) else { return };
                if bracket.remaining.is_zero() {
                    bracket.remaining = filled;
                }
                let remaining = bracket.remaining;
                self.activate(turn, leg, remaining);
            }
            Some(_) if self.orders.contains_key(&entry) => {}
            Some(_) => self.end(turn, leg, OrderChange::Cancelled(entry_ended())),
            None => self.unmatched.push(leg),
        }
    }

    /// Looks again for the entries of legs that came without one.
    pub(crate) fn match_legs(&mut self, turn: &mut Turn<'_>) {
        for leg in std::mem::take(&mut self.unmatched) {
            let is_held = self.orders.get(&leg).is_some_and(|working| working.stage == Stage::Held);
            let entry = self.order(leg).and_then(|order| order.bracket).map(|(entry, _)| entry);
            let Some(entry) = entry.filter(|_| is_held) else { continue };
            if self.orders.contains_key(&entry) {
                self.match_leg(turn, leg);
            } else {
                // Nobody would ever bring it to life or tell of its end.
                self.end(turn, leg, OrderChange::Cancelled(entry_ended()));
            }
        }
        self.arrive_all(turn);
    }

    /// Takes a fill of an entry or a leg in.
    pub(super) fn bracket_filled(&mut self, turn: &mut Turn<'_>, id: OrderId, quantity: Quantity) {
        if let Some(bracket) = self.brackets.get_mut(&id) {
            let Some(remaining) = bracket.remaining.checked_add(quantity) else { return };
            bracket.remaining = remaining;
            for leg in bracket.legs.clone() {
                self.activate(turn, leg, remaining);
            }
        }
        let Some(order) = self.order(id) else { return };
        let Some((entry, _)) = order.bracket else { return };
        let is_gone = self.position_to_reduce(order).is_zero();
        let Some(bracket) = self.brackets.get_mut(&entry) else { return };
        bracket.remaining = less(bracket.remaining, quantity);
        let remaining = bracket.remaining;
        let is_over = remaining.is_zero() || is_gone && !self.orders.contains_key(&entry);
        let Some(bracket) = self.brackets.get(&entry) else { return };
        let others: Vec<OrderId> = bracket.legs.iter().copied().filter(|leg| *leg != id).collect();
        for other in others {
            if is_over {
                let refusal = Refusal::new(DenyCode::OtherLegFilled, "The other leg of the bracket filled");
                self.end(turn, other, OrderChange::Cancelled(refusal));
            } else if let Some(quantity) = self.leg_quantity(other, remaining) {
                let amendment = Amendment { quantity: Some(quantity), ..Amendment::default() };
                self.change(turn, other, OrderChange::Amended(amendment));
            }
        }
        if is_over && self.orders.contains_key(&entry) {
            let text = "A leg of the bracket filled: the rest of the entry would be without protection";
            self.end(turn, entry, OrderChange::Cancelled(Refusal::new(DenyCode::OtherLegFilled, text)));
        }
    }

    /// An entry or a leg has ended.
    pub(super) fn part_ended(&mut self, turn: &mut Turn<'_>, order: &Order) {
        if let Some((entry, _)) = order.bracket
            && let Some(bracket) = self.brackets.get_mut(&entry)
        {
            bracket.legs.retain(|leg| *leg != order.order_id);
            if bracket.legs.is_empty() {
                self.brackets.remove(&entry);
            }
        }
        if order.n_fills == 0 {
            let legs = self.brackets.get(&order.order_id).map(|bracket| bracket.legs.clone());
            for leg in legs.into_iter().flatten() {
                self.end(turn, leg, OrderChange::Cancelled(entry_ended()));
            }
        }
    }

    /// Returns the legs that an event must not fill, because it sets off one that was submitted before them.
    pub(super) fn outranked(&self, reached: &[Reached]) -> Vec<OrderId> {
        let legs_of = |reached: &Reached| {
            let (entry, _) = self.order(reached.order_id)?.bracket?;
            let legs = &self.brackets.get(&entry)?.legs;
            let is_later =
                |leg: &OrderId| self.orders.get(leg).is_some_and(|working| working.sequence > reached.sequence);
            Some(legs.iter().copied().filter(is_later).collect::<Vec<_>>())
        };
        reached.iter().filter_map(legs_of).flatten().collect()
    }

    /// The position is gone while the entry is open: the leg waits for the entry's next fill.
    pub(super) fn hold_back(&mut self, leg: OrderId) {
        self.unlink(leg);
        if let Some(working) = self.orders.get_mut(&leg) {
            working.stage = Stage::Held;
        }
    }

    pub(super) fn is_held_back(&self, id: OrderId) -> bool {
        self.orders.get(&id).is_some_and(|working| working.stage == Stage::Held)
    }

    /// A leg protects `remaining` now: more than before, so one that rests joins the back of the queue.
    fn activate(&mut self, turn: &mut Turn<'_>, leg: OrderId, remaining: Quantity) {
        let Some(quantity) = self.leg_quantity(leg, remaining) else { return };
        self.change(turn, leg, OrderChange::Activated { quantity });
        let Some(working) = self.orders.get(&leg) else { return };
        match working.stage {
            Stage::Held | Stage::Resting(_) => {
                self.unlink(leg);
                if let Some(working) = self.orders.get_mut(&leg) {
                    working.stage = Stage::Arriving;
                }
                self.arriving.push_back(leg);
            }
            Stage::Arriving | Stage::Stop | Stage::Waiting(_) => {}
        }
    }

    fn leg_quantity(&self, leg: OrderId, remaining: Quantity) -> Option<Quantity> {
        let order = self.order(leg)?;
        order.filled.checked_add(remaining)
    }
}

fn entry_ended() -> Refusal {
    Refusal::new(DenyCode::EntryEnded, "The entry of the bracket ended without a fill")
}
