//! Bars and indicators.

use indicators::bar::Bar;
use model::{candle::Interval, instrument::InstrumentId, time::Timestamp};

use crate::{
    engine::{Engine, MAX_BARS, Market, MarketBars, Moment, index, placing::closes, prices::exact},
    level_index::Slot,
    tracker::{Met, bar::BarLook},
};

impl Engine {
    /// Takes new, changed and late bars in, by rising open time; the newest known is the forming one. The first call for an
    /// interval brings the history, on which nothing fires. A closed bar is looked at once: what a repair changes in it is
    /// not said again.
    pub fn bars(&mut self, instrument: &InstrumentId, interval: Interval, bars: &[Bar], now: Timestamp) {
        let Some(market) = self.markets.get_mut(instrument) else { return };
        let Some(kept) = market.bars.get_mut(&interval) else { return };
        kept.take(bars);
        if market.blind.is_some() {
            return;
        }
        let rules: Vec<u32> = kept.rules.iter().copied().collect();
        for place in rules {
            self.look_at_bars(place, instrument, interval, now);
        }
        self.say_late(now);
    }

    /// Gives a rule the bars that it has not seen.
    fn look_at_bars(&mut self, place: u32, instrument: &InstrumentId, interval: Interval, now: Timestamp) {
        let Some(slots) = self.slots_of_bars(place, interval) else { return };
        let Some(n_bars) = self.market_bars(instrument, interval).map(|(_, bars)| bars.bars.len()) else { return };
        // Conditions of one rule see the same bars.
        let seen = slots.first().and_then(|slot| self.seen_bar(*slot));
        let n_closed = n_bars.saturating_sub(1);
        let first = match (seen, self.market_bars(instrument, interval)) {
            (Some(seen), Some((_, bars))) => bars.bars.partition_point(|bar| bar.open_ms <= seen).min(n_closed),
            // All of it is history: its newest bar arms.
            _ => n_closed.saturating_sub(1),
        };
        for at in first..n_bars {
            let Some((market, bars)) = self.market_bars(instrument, interval) else { return };
            let bar = bars.bars[at];
            let is_closed = at < n_closed;
            let close_time = Timestamp::from_millis(bar.open_ms) + interval.duration();
            let is_late = is_closed
                && (market.trusted_since.is_some_and(|since| close_time < since)
                    || now.saturating_since(close_time) > interval.duration());
            let event_time = if is_closed { close_time } else { now };
            let moment = Moment { now, event_time: Some(event_time), is_late };
            self.step(&slots, moment, |engine, slot| engine.bar_step(instrument, interval, slot, at, is_closed));
            if self.at(place).is_none_or(|watched| !watched.is_live()) {
                return;
            }
        }
    }

    /// Returns the conditions of a rule that read these bars.
    fn slots_of_bars(&self, place: u32, interval: Interval) -> Option<Vec<Slot>> {
        let watched = self.at(place)?;
        let reads_all = closes(&watched.rule) == Some(interval);
        let slots =
            (0_u8..).zip(&watched.trackers).filter(|(_, tracker)| reads_all || tracker.interval() == Some(interval));
        Some(slots.map(|(condition, _)| Slot { rule: place, condition }).collect())
    }

    fn seen_bar(&self, slot: Slot) -> Option<i64> {
        self.at(slot.rule)?.trackers.get(usize::from(slot.condition))?.state.seen_bar_ms
    }

    fn market_bars(&self, instrument: &InstrumentId, interval: Interval) -> Option<(&Market, &MarketBars)> {
        let market = self.markets.get(instrument)?;
        Some((market, market.bars.get(&interval)?))
    }

    /// Gives one condition a bar.
    fn bar_step(
        &mut self,
        instrument: &InstrumentId,
        interval: Interval,
        slot: Slot,
        at: usize,
        is_closed: bool,
    ) -> Option<Met> {
        let watched = self.rules.get_mut(index(slot.rule))?.as_deref_mut()?;
        let of_closes = watched.is_of_closes();
        let tracker = watched.trackers.get_mut(usize::from(slot.condition))?;
        let bars = self.markets.get(instrument)?.bars.get(&interval)?;
        let bar = bars.bars.get(at)?;
        let is_history = tracker.state.seen_bar_ms.is_none();
        if is_closed {
            tracker.state.seen_bar_ms = Some(bar.open_ms);
        } else if of_closes || !tracker.reads_forming() {
            return None;
        }
        let before_ms = at.checked_sub(1).and_then(|before| bars.bars.get(before)).map(|before| before.open_ms);
        let met = if tracker.is_of_price() {
            let time = Timestamp::from_millis(bar.open_ms) + interval.duration();
            tracker
                .on_price(instrument, exact(bar.close)?, time)
                .map(|met| Met { bar_time: Some(Timestamp::from_millis(bar.open_ms)), ..met })
        } else {
            tracker.on_bar(instrument, &BarLook { bar, before_ms, is_closed, series: &bars.series })
        };
        met.filter(|_| !is_history)
    }
}

impl MarketBars {
    /// Puts bars among those that are kept.
    fn take(&mut self, bars: &[Bar]) {
        for bar in bars {
            match self.bars.binary_search_by_key(&bar.open_ms, |known| known.open_ms) {
                Ok(at) => self.bars[at] = *bar,
                Err(at) => self.bars.insert(at, *bar),
            }
        }
        if self.bars.len() > 2 * MAX_BARS {
            self.bars.drain(..self.bars.len() - MAX_BARS);
        }
        for series in self.series.values_mut() {
            series.set(bars);
        }
    }
}
