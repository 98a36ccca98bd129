//! Quantity ahead of an order at its price, by both queue models.
//!
//! Quantities are base units of other people's orders; own orders at the same price have their own sequence. Sources of
//! the models: nautilus_trader's queue position, and the risk-averse and probability queues of hftbacktest.

use model::decimal::Quantity;

use crate::{config::QueueModel, rows::less};

/// Base units ahead of a resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePosition {
    /// By [`QueueModel::Conservative`].
    pub conservative: Quantity,
    /// By [`QueueModel::Optimistic`].
    pub optimistic: Quantity,
}

impl QueuePosition {
    /// Returns what is ahead by one model.
    pub fn by(self, model: QueueModel) -> Quantity {
        match model {
            QueueModel::Conservative => self.conservative,
            QueueModel::Optimistic => self.optimistic,
        }
    }
}

/// Time of a trade relative to the newest levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TradeAge {
    /// After them.
    Newer,
    /// Before: they show already that it was filled. Venues whose book precedes its trades do that.
    Included,
}

/// Trades that may be included in levels that came before them: venues report trades in order, so a trade that is newer
/// than the levels begins the next generation, and what levels took from a queue before it stays taken.
pub(crate) type Generation = u64;

/// The place of an order in its queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    conservative: Ahead,
    optimistic: Ahead,
    generation: Generation,
}

#[derive(Clone, Copy, Debug)]
struct Ahead {
    size: Quantity,
    /// Taken from `size` by levels, for a reason not known yet: trades that the levels include explain it later, and must
    /// not be counted again.
    unexplained: Quantity,
}

impl Place {
    /// Joins the back of what is displayed.
    pub(crate) fn behind(displayed: Quantity, generation: Generation) -> Self {
        let ahead = Ahead { size: displayed, unexplained: Quantity::ZERO };
        Self { conservative: ahead, optimistic: ahead, generation }
    }

    pub(crate) fn position(&self) -> QueuePosition {
        QueuePosition { conservative: self.conservative.size, optimistic: self.optimistic.size }
    }

    /// A trade of `size` hits the queue; `side_is_known` tells whether it certainly came to this side. Returns how far it
    /// went beyond what was ahead, by `model`.
    pub(crate) fn trade(
        &mut self,
        size: Quantity,
        age: TradeAge,
        side_is_known: bool,
        generation: Generation,
        model: QueueModel,
    ) -> Quantity {
        self.reach(generation);
        let excess = self.optimistic.trade(size, age);
        let careful = if side_is_known { self.conservative.trade(size, age) } else { Quantity::ZERO };
        match model {
            QueueModel::Conservative => careful,
            QueueModel::Optimistic => excess,
        }
    }

    /// The level shows `displayed` now, after `before` (where it was known) and trades of `traded` in between.
    pub(crate) fn level(
        &mut self,
        before: Option<Quantity>,
        displayed: Quantity,
        traded: Quantity,
        generation: Generation,
    ) {
        self.reach(generation);
        self.conservative.shrink_to(displayed);
        if let Some(before) = before {
            let left = less(less(before, displayed), traded);
            self.optimistic.shrink_to(less(self.optimistic.size, left));
        }
        self.optimistic.shrink_to(displayed);
    }

    /// A trade went through the price: nothing is ahead any more.
    pub(crate) fn clear(&mut self) {
        self.conservative.shrink_to(Quantity::ZERO);
        self.optimistic.shrink_to(Quantity::ZERO);
    }

    fn reach(&mut self, generation: Generation) {
        if self.generation != generation {
            self.generation = generation;
            self.conservative.unexplained = Quantity::ZERO;
            self.optimistic.unexplained = Quantity::ZERO;
        }
    }
}

impl Ahead {
    fn trade(&mut self, size: Quantity, age: TradeAge) -> Quantity {
        let explained = match age {
            TradeAge::Newer => Quantity::ZERO,
            TradeAge::Included => size.min(self.unexplained),
        };
        self.unexplained = less(self.unexplained, explained);
        let size = less(size, explained);
        let excess = less(size, self.size);
        self.size = less(self.size, size);
        excess
    }

    fn shrink_to(&mut self, size: Quantity) {
        if size < self.size {
            let gone = less(self.size, size);
            self.unexplained = self.unexplained.checked_add(gone).unwrap_or(self.unexplained);
            self.size = size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    /// `t80`: a trade after the levels. `i80`: one that they include. `u80`: one without a side. `l80`: the level shows 80.
    #[track_caller]
    fn check(displayed: &str, steps: &[&str], conservative: (&str, &str), optimistic: (&str, &str)) {
        for (model, (ahead, excess)) in [(QueueModel::Conservative, conservative), (QueueModel::Optimistic, optimistic)]
        {
            let mut place = Place::behind(quantity(displayed), 0);
            let (mut shown, mut traded, mut generation) = (quantity(displayed), Quantity::ZERO, 0);
            let mut total = Quantity::ZERO;
            for step in steps {
                let (kind, size) = step.split_at(1);
                let size = quantity(size);
                let age = if kind == "i" { TradeAge::Included } else { TradeAge::Newer };
                if kind == "l" {
                    place.level(Some(shown), size, traded, generation);
                    (shown, traded) = (size, Quantity::ZERO);
                    continue;
                }
                if age == TradeAge::Newer {
                    generation += 1;
                    traded = traded.checked_add(size).unwrap();
                }
                let excess = place.trade(size, age, kind != "u", generation, model);
                total = total.checked_add(excess).unwrap();
            }
            let found = (place.position().by(model), total);
            assert_eq!(found, (quantity(ahead), quantity(excess)), "{displayed} {steps:?} {model:?}");
        }
    }

    #[test]
    fn only_the_excess_of_trades_goes_past_the_queue() {
        check("100", &["t80"], ("20", "0"), ("20", "0"));
        check("100", &["t80", "t30"], ("0", "10"), ("0", "10"));
        check("100", &["t80", "t30", "t50"], ("0", "60"), ("0", "60"));
        check("100", &["u130"], ("100", "0"), ("0", "30"));
    }

    #[test]
    fn a_level_that_shrinks_moves_the_optimistic_queue_and_clamps_the_conservative_one() {
        // Front 60 and 40 behind: DESK section 2 of hftbacktest's formula.
        check("60", &["l100", "l80"], ("60", "0"), ("40", "0"));
        check("60", &["l50"], ("50", "0"), ("50", "0"));
        check("60", &["l0"], ("0", "0"), ("0", "0"));
        check("60", &["l0", "l90"], ("0", "0"), ("0", "0"));
    }

    #[test]
    fn a_trade_and_the_levels_that_show_it_move_the_queue_once_in_either_order() {
        check("100", &["t80", "l20"], ("20", "0"), ("20", "0"));
        check("100", &["l20", "i80"], ("20", "0"), ("20", "0"));
        check("100", &["t80", "l20", "t30"], ("0", "10"), ("0", "10"));
        check("100", &["l20", "i80", "t30"], ("0", "10"), ("0", "10"));
        // All 100 ahead, and 30 of those behind.
        check("100", &["l150", "l20", "i130"], ("0", "30"), ("0", "30"));
        // A newer trade: what the levels took before was no trade.
        check("100", &["l20", "t30"], ("0", "10"), ("0", "10"));
    }
}
