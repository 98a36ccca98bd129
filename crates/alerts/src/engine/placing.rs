//! Routing of inputs to rules, and the status of a rule.

use indicators::series::IndicatorSeries;
use model::{
    alert::rule::{AlertRule, Frequency, RuleRow, RuleState, RuleStatus},
    candle::Interval,
    time::Timestamp,
};

use crate::{
    engine::{Engine, MAX_BARS, MarketBars, index, watched::Watched},
    level_index::Slot,
    tracker::Tracker,
    words,
};

impl Engine {
    /// Takes a rule in; values reach it from now on.
    pub(super) fn place(&mut self, watched: Watched, now: Timestamp) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.rules.push(None);
            u32::try_from(self.rules.len() - 1).expect("invariant: the number of rules is limited")
        });
        self.ids.insert(watched.rule.rule_id.clone(), place);
        self.rules[index(place)] = Some(Box::new(watched));
        self.attach(place, now);
        place
    }

    /// Takes a rule out.
    pub(super) fn take_out(&mut self, place: u32) -> Option<Watched> {
        self.detach(place);
        let watched = *self.rules.get_mut(index(place))?.take()?;
        if let Some(due) = watched.due {
            self.timers.remove(&(due, place));
        }
        self.ids.remove(&watched.rule.rule_id);
        self.late.remove(&place);
        self.free.push(place);
        Some(watched)
    }

    /// Lets values reach a rule that is live.
    pub(super) fn attach(&mut self, place: u32, now: Timestamp) {
        let Some(watched) = self.rules.get_mut(index(place)).and_then(Option::as_deref_mut) else { return };
        self.effects.have_needs_changed = true;
        if watched.is_live() {
            let of_closes = closes(&watched.rule);
            for (condition, tracker) in (0_u8..).zip(&watched.trackers) {
                let slot = Slot { rule: place, condition };
                if tracker.is_of_signals() {
                    self.of_signals.insert(slot);
                }
                if tracker.is_of_trading() {
                    self.of_trading.insert(slot);
                }
                if tracker.is_of_health() {
                    self.of_health.insert(slot);
                }
                if tracker.is_of_trust() {
                    self.of_trust.insert(slot);
                }
            }
            if let Some(instrument) = &watched.rule.instrument {
                let market = self.markets.entry(instrument.clone()).or_default();
                market.rules.insert(place);
                for (condition, tracker) in (0_u8..).zip(&mut watched.trackers) {
                    let slot = Slot { rule: place, condition };
                    tracker.waits = [None; 2];
                    if tracker.needs_each_price() && of_closes.is_none() {
                        market.each.insert(slot);
                    } else if tracker.is_of_price() && of_closes.is_none() {
                        market.fresh.push(slot);
                    } else if tracker.is_of_tops() {
                        market.tops.insert(slot);
                    }
                    if let Some(interval) = of_closes.or_else(|| tracker.interval()) {
                        let bars = market.bars.entry(interval).or_default();
                        bars.rules.insert(place);
                        bars.follow(tracker, interval);
                    }
                }
            }
        }
        self.reschedule(place, now);
    }

    /// Keeps values from a rule.
    pub(super) fn detach(&mut self, place: u32) {
        let Some(watched) = self.rules.get_mut(index(place)).and_then(Option::as_deref_mut) else { return };
        self.effects.have_needs_changed = true;
        for (condition, tracker) in (0_u8..).zip(&watched.trackers) {
            let slot = Slot { rule: place, condition };
            for slots in [&mut self.of_signals, &mut self.of_trading, &mut self.of_health, &mut self.of_trust] {
                slots.remove(&slot);
            }
            let market = watched.rule.instrument.as_ref().and_then(|instrument| self.markets.get_mut(instrument));
            let Some(market) = market else { continue };
            market.each.remove(&slot);
            market.tops.remove(&slot);
            tracker.waits.iter().flatten().for_each(|wait| market.levels.remove(*wait, slot));
        }
        let Some(instrument) = &watched.rule.instrument else { return };
        let Some(market) = self.markets.get_mut(instrument) else { return };
        market.rules.remove(&place);
        market.fresh.retain(|slot| slot.rule != place);
        market.bars.retain(|_, bars| {
            bars.rules.remove(&place);
            !bars.rules.is_empty()
        });
        if market.rules.is_empty() {
            self.markets.remove(instrument);
        }
    }

    pub(super) fn row_of(&self, watched: &Watched) -> RuleRow {
        let sentence = words::sentence(&watched.rule);
        RuleRow { rule: watched.rule.clone(), state: self.state_of(watched), sentence }
    }

    pub(super) fn state_of(&self, watched: &Watched) -> RuleState {
        RuleState { status: self.status_of(watched), ..watched.state.clone() }
    }

    fn status_of(&self, watched: &Watched) -> RuleStatus {
        let memory = &watched.memory;
        if memory.is_done {
            return RuleStatus::Done;
        }
        if memory.is_expired {
            return RuleStatus::Expired;
        }
        if memory.is_paused {
            return RuleStatus::Paused;
        }
        if let Some(until) = memory.snoozed_until {
            return RuleStatus::Snoozed { until };
        }
        if let Some((since, reason)) = self.blindness(watched) {
            return RuleStatus::Blind { since: *since, reason: reason.clone() };
        }
        if let Some(since) = memory.pending_since {
            return RuleStatus::Pending { since };
        }
        if watched.trackers.iter().any(|tracker| !tracker.has_seen()) {
            return RuleStatus::Waiting;
        }
        if watched.holds() {
            return RuleStatus::Fired;
        }
        if watched.trackers.iter().all(|tracker| tracker.is_armed() || tracker.holds()) {
            RuleStatus::Armed
        } else {
            RuleStatus::Waiting
        }
    }

    /// Returns since when and why a rule's market is not evaluated.
    pub(super) fn blindness(&self, watched: &Watched) -> Option<&(Timestamp, String)> {
        let market = self.markets.get(watched.rule.instrument.as_ref()?)?;
        market.blind.as_ref().filter(|_| watched.trackers.iter().any(Tracker::is_of_market))
    }
}

/// Returns the bars of a rule that looks at closed ones only.
pub(super) fn closes(rule: &AlertRule) -> Option<Interval> {
    match rule.frequency {
        Frequency::OncePerBarClose { interval } => Some(interval),
        _ => None,
    }
}

impl MarketBars {
    /// Computes the indicators of a condition from now on.
    fn follow(&mut self, tracker: &Tracker, interval: Interval) {
        for (spec, _) in tracker.specs() {
            self.series.entry(spec.clone()).or_insert_with(|| {
                let mut series = IndicatorSeries::new(spec, interval, MAX_BARS);
                series.set(&self.bars);
                series
            });
        }
    }
}
