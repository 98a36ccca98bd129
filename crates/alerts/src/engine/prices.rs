//! Prices, best bid and ask, and whether they can be trusted.

use indicators::bar::Bar;
use model::{candle::Interval, decimal::Price, instrument::InstrumentId, time::Timestamp};

use crate::{
    engine::{Engine, Market, Moment, index},
    happening::Trust,
    level_index::Slot,
    tracker::Met,
};

impl Engine {
    /// Takes the price of a trade in.
    pub fn trade(&mut self, instrument: &InstrumentId, price: Price, event_time: Timestamp, now: Timestamp) {
        let Some(market) = self.markets.get_mut(instrument) else { return };
        market.price = Some(price);
        if market.blind.is_some() {
            return;
        }
        let is_late = std::mem::take(&mut market.is_price_late);
        if !market.is_touched(price) {
            return;
        }
        self.on_price(instrument, price, Moment { now, event_time: Some(event_time), is_late });
        self.say_late(now);
    }

    /// Takes in the bars of a time for which there were no prices, oldest first: the server was down, or the feed was. Says
    /// at most once for each rule that it was met meanwhile. Call it before the next price.
    pub fn missed(&mut self, instrument: &InstrumentId, interval: Interval, bars: &[Bar], now: Timestamp) {
        for bar in bars {
            for (price, event_time) in path(bar, interval) {
                let Some(market) = self.markets.get_mut(instrument) else { return };
                market.price = Some(price);
                self.on_price(instrument, price, Moment { now, event_time: Some(event_time), is_late: true });
            }
        }
        if let Some(market) = self.markets.get_mut(instrument)
            && !bars.is_empty()
        {
            market.is_price_late = false;
        }
        self.say_late(now);
    }

    fn on_price(&mut self, instrument: &InstrumentId, price: Price, moment: Moment) {
        let Some(market) = self.markets.get_mut(instrument) else { return };
        if !market.is_touched(price) {
            return;
        }
        let mut slots = std::mem::take(&mut self.met);
        market.levels.take_met(price, &mut slots);
        slots.append(&mut market.fresh);
        slots.extend(&market.each);
        slots.sort_unstable();
        slots.dedup();
        let time = moment.event_time.unwrap_or(moment.now);
        for of_rule in slots.chunk_by(|one, other| one.rule == other.rule) {
            self.step(of_rule, moment, |engine, slot| engine.price_step(instrument, slot, price, time));
        }
        slots.clear();
        self.met = slots;
    }

    /// Gives one condition a price and lets it wait for the next level.
    fn price_step(&mut self, instrument: &InstrumentId, slot: Slot, price: Price, time: Timestamp) -> Option<Met> {
        let watched = self.rules.get_mut(index(slot.rule))?.as_deref_mut()?;
        let market = self.markets.get_mut(instrument)?;
        let tracker = watched.trackers.get_mut(usize::from(slot.condition))?;
        let met = tracker.on_price(instrument, price, time);
        let next = tracker.next_waits(price);
        for wait in std::mem::replace(&mut tracker.waits, next).into_iter().flatten() {
            market.levels.remove(wait, slot);
        }
        next.into_iter().flatten().for_each(|wait| market.levels.insert(wait, slot));
        met
    }

    /// Takes the best bid and ask in.
    pub fn top(&mut self, instrument: &InstrumentId, bid: Price, ask: Price, event_time: Timestamp, now: Timestamp) {
        let Some(market) = self.markets.get_mut(instrument) else { return };
        if market.tops.is_empty() || market.blind.is_some() {
            return;
        }
        let is_late = std::mem::take(&mut market.is_top_late);
        let slots: Vec<Slot> = market.tops.iter().copied().collect();
        let moment = Moment { now, event_time: Some(event_time), is_late };
        for of_rule in slots.chunk_by(|one, other| one.rule == other.rule) {
            self.step(of_rule, moment, |engine, slot| {
                let watched = engine.rules.get_mut(index(slot.rule))?.as_deref_mut()?;
                watched.trackers.get_mut(usize::from(slot.condition))?.on_top(instrument, bid, ask)
            });
        }
        self.say_late(now);
    }

    /// Takes in how far an instrument's data can be trusted. While it cannot, its rules see nothing and say so; the first
    /// value afterwards that meets a condition which was armed fires late: the level was passed meanwhile.
    pub fn trust(&mut self, instrument: &InstrumentId, trust: &Trust, now: Timestamp) {
        self.on_trust(instrument, trust, now);
        let Some(market) = self.markets.get_mut(instrument) else { return };
        let rules: Vec<u32> = match (trust.blindness(), &mut market.blind) {
            (Some(reason), Some(blind)) if blind.1 == reason => return,
            (Some(reason), Some(blind)) => {
                blind.1 = reason;
                market.rules.iter().copied().collect()
            }
            (Some(reason), blind @ None) => {
                let since = if let Trust::Stale { since } = trust { *since } else { now };
                *blind = Some((since, reason));
                market.rules.iter().copied().collect()
            }
            (None, None) => {
                market.trusted_since.get_or_insert(now);
                return;
            }
            (None, blind @ Some(_)) => {
                *blind = None;
                market.trusted_since = Some(now);
                (market.is_price_late, market.is_top_late) = (true, true);
                market.rules.iter().copied().collect()
            }
        };
        let is_good = *trust == Trust::Good;
        for place in rules {
            let Some(watched) = self.rules.get_mut(index(place)).and_then(Option::as_deref_mut) else { continue };
            if is_good {
                watched.trackers.iter_mut().for_each(|tracker| tracker.forget_window());
                // Time before the gap does not count: the condition may have ended meanwhile.
                if let Some(since) = &mut watched.memory.pending_since {
                    *since = now;
                }
            }
            self.effects.shown.insert(watched.rule.rule_id.clone());
            self.reschedule(place, now);
        }
    }
}

impl Market {
    /// True where a price concerns some condition.
    fn is_touched(&self, price: Price) -> bool {
        !self.fresh.is_empty() || !self.each.is_empty() || self.levels.is_met(price)
    }
}

/// The prices of a bar in an order that they may have had: towards its close last. Each with a time in the bar.
pub(crate) fn path(bar: &Bar, interval: Interval) -> impl Iterator<Item = (Price, Timestamp)> {
    let (first, second) = if bar.close >= bar.open { (bar.low, bar.high) } else { (bar.high, bar.low) };
    let length = i64::try_from(interval.duration().as_millis()).unwrap_or(i64::MAX);
    let open_ms = bar.open_ms;
    [(bar.open, 0), (first, length / 3), (second, length / 3 * 2), (bar.close, length - 1)]
        .into_iter()
        .filter_map(move |(price, after)| Some((exact(price)?, Timestamp::from_millis(open_ms + after))))
}

/// The price that a bar's figure was made of: the shortest decimal that reads back as the figure.
pub(crate) fn exact(figure: f64) -> Option<Price> {
    Price::parse(&figure.to_string()).ok()
}
