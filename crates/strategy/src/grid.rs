//! The grid: lines at fixed prices, and between each two of them a level that buys at the lower and sells at the upper one.
//!
//! A *long* level enters by buying and exits by selling, a *short* one the other way. Of a neutral grid, levels below the
//! price at its start are long and those above it short. A long (short) grid that starts inside its bounds buys (sells) at
//! the market what its levels above (below) the price would hold. Entries are post-only; exits may take, which only
//! happens at a better price. A level keeps what it holds whatever becomes of its orders: a part that filled is sold, a
//! post-only entry that was refused is placed again once the price allows. Not here: the desk's checks.

mod level;
pub mod lines;
pub mod preview;
pub mod settings;

use std::collections::BTreeMap;

use model::{
    decimal::{Notional, Price, Quantity, SignedQuantity},
    instrument::Instrument,
    time::Timestamp,
    trading::{
        account::FeeRates,
        order::{OrderType, Side},
        refusal::{DenyCode, Refusal},
        strategy::StrategyReport,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    contract::{Context, Event, Intent, Strategy},
    grid::{
        level::{Level, Step},
        settings::{GridMode, GridSettings},
    },
    registry::{part, text},
};

/// A running grid.
#[derive(Clone, Debug)]
pub struct Grid {
    settings: GridSettings,
    memory: Memory,
    /// True while every level has its order, as it mostly is: nothing is to be placed then.
    is_complete: bool,
}

/// Memory of a grid: a part for the whole and one for each level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Memory {
    head: Head,
    /// Lowest first.
    levels: Vec<Level>,
}

/// Memory of a grid as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// True once it trades.
    is_begun: bool,
    is_over: bool,
    /// True where the first price was below the trigger price.
    trigger_from_below: Option<bool>,
    n_levels: usize,
    /// Orders placed so far: names of orders are never used twice.
    n_orders: u64,
    /// The market order that buys what the levels hold at the start, and its levels, nearest to the price first.
    seed: Option<Seed>,
}

/// The order at the start that fills levels beyond the price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seed {
    tag: String,
    levels: Vec<usize>,
}

impl Grid {
    /// Makes a grid that has not begun.
    ///
    /// # Errors
    /// Settings that make no sense, or fees that eat the spacing.
    pub fn new(settings: GridSettings, instrument: &Instrument, fees: FeeRates) -> Result<Self, Refusal> {
        preview::preview(&settings, instrument, fees)?;
        Ok(Self { settings, memory: Memory::default(), is_complete: false })
    }

    /// Returns it with another memory.
    ///
    /// # Errors
    /// The memory is not a grid's.
    pub fn restored(self, memory: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let head: Head = part(memory, "grid")?;
        let levels = (0..head.n_levels).map(|idx| part(memory, &level_part(idx))).collect::<Result<_, _>>()?;
        Ok(Self { memory: Memory { head, levels }, ..self })
    }

    /// Begins to trade at `price`.
    fn begin(&mut self, price: Price, context: &Context) -> Vec<Intent> {
        let lines = match lines::lines(&self.settings, &context.instrument) {
            Ok(lines) => lines,
            Err(reason) => return vec![self.end(reason)],
        };
        let mode = self.settings.mode;
        let mut levels = Vec::new();
        for pair in lines.windows(2) {
            let &[buy_price, sell_price] = pair else { continue };
            let is_long = match mode {
                GridMode::Long => true,
                GridMode::Short => false,
                GridMode::Neutral => buy_price < price,
            };
            let quantity = match self.settings.size.quantity(buy_price, &context.instrument) {
                Ok(quantity) => quantity,
                Err(reason) => return vec![self.end(reason)],
            };
            levels.push(Level::new(buy_price, sell_price, quantity, is_long, context.now));
        }
        self.memory.levels = levels;
        self.is_complete = false;
        self.memory.head.is_begun = true;
        let mut intents = vec![Intent::Begin];
        intents.extend(self.seed(price));
        intents.extend(self.place(context));
        intents
    }

    /// Returns the market order for what the levels beyond the price hold.
    fn seed(&mut self, price: Price) -> Option<Intent> {
        let side = match self.settings.mode {
            GridMode::Long => Side::Buy,
            GridMode::Short => Side::Sell,
            GridMode::Neutral => return None,
        };
        let is_beyond = |level: &Level| match side {
            Side::Buy => level.buy_price >= price,
            Side::Sell => level.sell_price <= price,
        };
        let mut beyond: Vec<usize> =
            self.memory.levels.iter().enumerate().filter(|(_, level)| is_beyond(level)).map(|(idx, _)| idx).collect();
        if side == Side::Sell {
            beyond.reverse();
        }
        let quantity =
            beyond.iter().try_fold(Quantity::ZERO, |sum, idx| sum.checked_add(self.memory.levels.get(*idx)?.quantity));
        let quantity = quantity.filter(|quantity| !quantity.is_zero())?;
        let tag = self.next_tag('s', 0);
        self.memory.head.seed = Some(Seed { tag: tag.clone(), levels: beyond });
        Some(Intent::Place { tag, side, kind: OrderType::Market, quantity, price: None, is_post_only: false })
    }

    /// Places what each level should have and has not, where the price allows.
    fn place(&mut self, context: &Context) -> Vec<Intent> {
        if self.is_complete || !self.memory.head.is_begun || self.memory.head.is_over {
            return Vec::new();
        }
        let mut intents = Vec::new();
        for idx in 0..self.memory.levels.len() {
            let is_seeding = self.memory.head.seed.as_ref().is_some_and(|seed| seed.levels.contains(&idx));
            let Some(level) = self.memory.levels.get(idx).filter(|_| !is_seeding) else { continue };
            let Some(step) = level.wanted(context) else { continue };
            let tag = self.next_tag(if step.is_entry { 'e' } else { 'x' }, idx);
            if let Some(level) = self.memory.levels.get_mut(idx) {
                level.placed(tag.clone(), step.is_entry, context.now);
            }
            let Step { side, quantity, price, is_entry } = step;
            let kind = OrderType::Limit;
            intents.push(Intent::Place { tag, side, kind, quantity, price: Some(price), is_post_only: is_entry });
        }
        let retry = self.memory.levels.iter().filter_map(Level::retry_at).min();
        intents.extend(retry.map(Intent::WakeAt));
        self.is_complete = self.memory.levels.iter().all(|level| level.order_tag().is_some());
        intents
    }

    fn next_tag(&mut self, what: char, idx: usize) -> String {
        self.memory.head.n_orders += 1;
        format!("{what}{idx}-{}", self.memory.head.n_orders)
    }

    fn on_fill(&mut self, tag: &str, price: Price, quantity: Quantity, fee: Notional, is_done: bool, now: Timestamp) {
        self.is_complete = false;
        let is_seed = self.memory.head.seed.as_ref().is_some_and(|seed| seed.tag == tag);
        if !is_seed {
            if let Some(level) = self.memory.levels.iter_mut().find(|level| level.has_order(tag)) {
                level.filled(price, quantity, fee, is_done, now);
            }
            return;
        }
        // The quantity bought at the start goes to the levels nearest to the price first.
        let Some(seed) = self.memory.head.seed.clone() else { return };
        let (mut left, mut fee_left) = (quantity, fee);
        for idx in &seed.levels {
            let Some(level) = self.memory.levels.get_mut(*idx) else { continue };
            let room = level.quantity.checked_sub(level.held).unwrap_or_default();
            let taken = room.min(left);
            if taken.is_zero() {
                continue;
            }
            let share = fee.part(taken, quantity, FEE_DECIMALS).unwrap_or_default();
            left = left.checked_sub(taken).unwrap_or_default();
            let share = if left.is_zero() { fee_left } else { share };
            fee_left = fee_left.checked_sub(share).unwrap_or_default();
            level.seeded(price, taken, share, now);
        }
        if is_done {
            self.memory.head.seed = None;
        }
    }

    fn on_end(&mut self, tag: &str, reason: &Refusal, now: Timestamp) {
        self.is_complete = false;
        if self.memory.head.seed.as_ref().is_some_and(|seed| seed.tag == tag) {
            // The rest is entered level by level.
            self.memory.head.seed = None;
            return;
        }
        if let Some(level) = self.memory.levels.iter_mut().find(|level| level.has_order(tag)) {
            level.ended(reason, now);
        }
    }

    /// Moves the grid by one level where the price has left it and its settings say so.
    fn trail(&mut self, price: Price, context: &Context) -> Vec<Intent> {
        let Some(shift) = lines::shift(&self.settings, &self.memory.levels, price, &context.instrument) else {
            return Vec::new();
        };
        let lines::Shift { buy_price, sell_price, is_up } = shift;
        let (leaving, is_long) = match is_up {
            true => (0, self.settings.mode != GridMode::Short),
            false => (self.memory.levels.len().saturating_sub(1), self.settings.mode == GridMode::Long),
        };
        let is_free = self.memory.levels.get(leaving).is_some_and(|level| level.held.is_zero());
        let Some(quantity) = self.settings.size.quantity(buy_price, &context.instrument).ok().filter(|_| is_free)
        else {
            return Vec::new();
        };
        let old = self.memory.levels.remove(leaving);
        let level = Level::new(buy_price, sell_price, quantity, is_long, context.now).after(&old);
        if is_up {
            self.memory.levels.push(level);
        } else {
            self.memory.levels.insert(0, level);
        }
        self.is_complete = false;
        self.memory.levels.iter_mut().for_each(Level::moved);
        old.order_tag().map(|tag| Intent::Cancel { tag: tag.to_owned() }).into_iter().collect()
    }

    fn end(&mut self, reason: Refusal) -> Intent {
        self.memory.head.is_over = true;
        Intent::End { reason, choice: self.settings.at_exit }
    }

    /// Returns why the grid is over at this price.
    fn exit_reason(&self, price: Price) -> Option<Refusal> {
        let reached = |bound: Option<Price>| {
            bound.filter(|bound| if *bound <= self.settings.lower { price <= *bound } else { price >= *bound })
        };
        let word =
            |code, what, bound: Price| Refusal::new(code, format!("{what} {bound} was reached")).with(bound, price);
        let stop =
            reached(self.settings.stop_loss).map(|bound| word(DenyCode::StopLossReached, "the stop-loss", bound));
        stop.or_else(|| {
            reached(self.settings.take_profit).map(|bound| word(DenyCode::TakeProfitReached, "the take-profit", bound))
        })
    }
}

impl Strategy for Grid {
    fn on_event(&mut self, event: &Event, context: &Context) -> Vec<Intent> {
        if self.memory.head.is_over {
            return Vec::new();
        }
        let mut intents = Vec::new();
        match event {
            Event::Started | Event::Market if !self.memory.head.is_begun => {
                let price = context.last_price.or_else(|| context.best_bid?.mid(context.best_ask?));
                match price {
                    Some(price) if self.settings.trigger_price.is_none() => return self.begin(price, context),
                    _ => {}
                }
            }
            Event::Trade { price, .. } => {
                if !self.memory.head.is_begun {
                    let trigger = self.settings.trigger_price;
                    let is_first = self.memory.head.trigger_from_below.is_none();
                    return match trigger.is_none_or(|trigger| self.is_triggered(trigger, *price)) {
                        true => self.begin(*price, context),
                        // A restart does not forget from where the price comes.
                        false if is_first => vec![Intent::Remember],
                        false => Vec::new(),
                    };
                }
                if let Some(reason) = self.exit_reason(*price) {
                    return vec![self.end(reason)];
                }
                intents.extend(self.trail(*price, context));
            }
            Event::Filled { tag, price, quantity, fee, is_done } => {
                self.on_fill(tag, *price, *quantity, *fee, *is_done, context.now);
            }
            Event::Ended { tag, reason } => self.on_end(tag, reason, context.now),
            // Orders that the pause cancelled come back at once, not after the wait of a refusal.
            Event::Resumed => self.memory.levels.iter_mut().for_each(Level::retry_now),
            Event::Started | Event::Market | Event::Timer => {}
        }
        intents.extend(self.place(context));
        intents
    }

    fn changed_memory(&mut self) -> BTreeMap<String, String> {
        let Memory { head, levels } = &mut self.memory;
        head.n_levels = levels.len();
        let changed = levels.iter_mut().enumerate().filter_map(|(idx, level)| {
            let is_changed = level.take_change();
            is_changed.then(|| (level_part(idx), text(level)))
        });
        changed.chain([("grid".to_owned(), text(head))]).collect()
    }

    fn report(&self, last_price: Option<Price>) -> StrategyReport {
        let levels = &self.memory.levels;
        let sum = |of: fn(&Level) -> Notional| {
            levels.iter().fold(Notional::ZERO, |sum, level| sum.checked_add(of(level)).unwrap_or(sum))
        };
        let floating = last_price.and_then(|price| {
            levels.iter().try_fold(Notional::ZERO, |sum, level| sum.checked_add(level.floating(price)?))
        });
        let position =
            levels.iter().fold(SignedQuantity::ZERO, |sum, level| sum.checked_add(level.position()).unwrap_or(sum));
        let is_missing = |level: &&Level| level.order_tag().is_none();
        let n_missing = if self.memory.head.is_begun { levels.iter().filter(is_missing).count() } else { 0 };
        StrategyReport {
            realised_pnl: sum(|level| level.realised_pnl),
            floating_pnl: floating,
            fees: sum(|level| level.fees),
            n_round_trips: levels.iter().map(|level| level.n_round_trips).sum(),
            position,
            n_missing: u32::try_from(n_missing).unwrap_or(u32::MAX),
            levels: levels.iter().map(Level::report).collect(),
        }
    }

    fn is_waiting(&self) -> bool {
        !self.memory.head.is_begun && !self.memory.head.is_over
    }
}

impl Grid {
    /// A trigger above the lines begins from above, one below them from below; one inside them at its first touch from
    /// either side, which the first price decides.
    fn is_triggered(&mut self, trigger: Price, price: Price) -> bool {
        let from_below = *self.memory.head.trigger_from_below.get_or_insert(price < trigger);
        if from_below { price >= trigger } else { price <= trigger }
    }
}

fn level_part(idx: usize) -> String {
    format!("level.{idx}")
}

/// Decimals of a fee's share.
const FEE_DECIMALS: u32 = 12;

#[cfg(test)]
mod tests;
