//! The state machine: prices, bars, signals, the desk, the system, commands and time in; alerts and changed rules out, in
//! [`Effects`].
//!
//! The caller stores alerts, rules and states in one transaction before anything is announced, and discards the engine
//! if it cannot. A restart continues from what was stored. Not here: one condition ([`crate::tracker`]), delivery.
//!
//! # Layout
//! - `prices`, `bars`, `events`: inputs · `firing`: from a met condition to an alert · `timers`: what is due
//! - `placing`: which inputs reach which rule · `commands`: what a person asks for

mod bars;
mod commands;
mod events;
mod firing;
mod placing;
mod prices;
mod timers;
mod watched;

pub use commands::MAX_RULES;
pub(crate) use prices::path;

use std::collections::{BTreeMap, BTreeSet};

use indicators::{bar::Bar, series::IndicatorSeries, spec::Spec};
use model::{
    alert::{
        channel::ChannelId,
        notice::Notice,
        rule::{AlertRow, AlertRule, RuleRow},
        rule_id::RuleId,
        settings::AlertSettings,
    },
    candle::Interval,
    decimal::Price,
    instrument::InstrumentId,
    time::Timestamp,
};

use crate::{
    engine::{firing::Draft, watched::Watched},
    holding::Holding,
    level_index::{LevelIndex, Slot},
    log::AlertLog,
    memory::{EngineMemory, Kept},
};

/// Budget of alerts sent one by one within a minute; those beyond are counted and sent together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Of one rule.
    pub per_rule: u32,
    /// To one channel.
    pub per_channel: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { per_rule: 5, per_channel: 20 }
    }
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    budget: Budget,
    /// Receive time of the market data that is being processed.
    received: Option<Timestamp>,
    /// By place; a deleted rule leaves a free one.
    rules: Vec<Option<Box<Watched>>>,
    free: Vec<u32>,
    ids: BTreeMap<RuleId, u32>,
    markets: BTreeMap<InstrumentId, Market>,
    of_signals: BTreeSet<Slot>,
    of_trading: BTreeSet<Slot>,
    of_health: BTreeSet<Slot>,
    of_trust: BTreeSet<Slot>,
    timers: BTreeSet<(Timestamp, u32)>,
    holding: Holding,
    memory: EngineMemory,
    zone_offset_minutes: i32,
    log: AlertLog,
    /// Alerts about moments that lie behind, one a rule, and how many more there were.
    late: BTreeMap<u32, (Draft, u64)>,
    effects: Effects,
    /// Room for the levels that one price meets.
    met: Vec<Slot>,
}

/// One instrument.
#[derive(Debug, Default)]
struct Market {
    price: Option<Price>,
    /// Time since which nothing is evaluated, and the reason.
    blind: Option<(Timestamp, String)>,
    /// Time since which its data has been good.
    trusted_since: Option<Timestamp>,
    /// The next price comes after a time without good ones.
    is_price_late: bool,
    /// So does the next best bid and ask.
    is_top_late: bool,
    levels: LevelIndex,
    /// Conditions that wait for any price.
    fresh: Vec<Slot>,
    /// Conditions that need each price.
    each: BTreeSet<Slot>,
    tops: BTreeSet<Slot>,
    bars: BTreeMap<Interval, MarketBars>,
    rules: BTreeSet<u32>,
}

/// The bars of one interval.
#[derive(Debug, Default)]
struct MarketBars {
    /// By rising open time, the forming one last.
    bars: Vec<Bar>,
    series: BTreeMap<Spec, IndicatorSeries>,
    rules: BTreeSet<u32>,
}

/// An alert that fired, with where it goes at once.
#[derive(Clone, Debug, PartialEq)]
pub struct FiredAlert {
    /// The alert.
    pub notice: Notice,
    /// The channels that get it now; those in quiet hours or beyond their budget get a summary later.
    pub channels: Vec<ChannelId>,
    /// True for a summary of alerts that the page has shown one by one; it is no row of its own.
    pub is_summary: bool,
}

/// Effects of the inputs since the last look. Written to disk in one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// Alerts, in order.
    pub fired: Vec<FiredAlert>,
    /// Rules that were created or changed.
    pub saved: BTreeSet<RuleId>,
    /// Rules that are no longer there.
    pub deleted: BTreeSet<RuleId>,
    /// Rules whose state has to be kept.
    pub changed: BTreeSet<RuleId>,
    /// Rules that only show something else, which need not be kept.
    pub shown: BTreeSet<RuleId>,
    /// Alerts that are new or changed.
    pub alerts: Vec<AlertRow>,
    /// Alerts that are too old to be kept.
    pub removed_alerts: Vec<u64>,
    /// True where [`Engine::memory`] has to be kept.
    pub has_memory_changed: bool,
    /// True where [`Engine::needs`] differs.
    pub have_needs_changed: bool,
}

impl Effects {
    /// True where nothing happened.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The data that rules read. An instrument that is new has to be given its trust, and its bars a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Instruments whose trades, best bid and ask, and trust are read.
    pub instruments: BTreeSet<InstrumentId>,
    /// Bars that are read, and how many of the past a first call should have.
    pub bars: BTreeMap<(InstrumentId, Interval), usize>,
}

/// Time and circumstances of an input.
#[derive(Clone, Copy, Debug)]
struct Moment {
    now: Timestamp,
    /// The venue's clock.
    event_time: Option<Timestamp>,
    is_late: bool,
}

impl Engine {
    /// Restores an engine from what was kept; all empty: one without a past. `alerts` are the newest rows.
    pub fn new(
        budget: Budget,
        rules: Vec<AlertRule>,
        mut kept: BTreeMap<RuleId, Kept>,
        memory: EngineMemory,
        alerts: Vec<AlertRow>,
        now: Timestamp,
    ) -> Self {
        let mut engine = Self {
            budget,
            received: None,
            rules: Vec::new(),
            free: Vec::new(),
            ids: BTreeMap::new(),
            markets: BTreeMap::new(),
            of_signals: BTreeSet::new(),
            of_trading: BTreeSet::new(),
            of_health: BTreeSet::new(),
            of_trust: BTreeSet::new(),
            timers: BTreeSet::new(),
            holding: Holding::default(),
            memory,
            zone_offset_minutes: 0,
            log: AlertLog::new(alerts),
            late: BTreeMap::new(),
            effects: Effects::default(),
            met: Vec::new(),
        };
        for rule in rules {
            let kept = kept.remove(&rule.rule_id).unwrap_or_default();
            engine.place(Watched::new(rule, kept), now);
        }
        for market in engine.markets.values_mut() {
            (market.is_price_late, market.is_top_late) = (true, true);
        }
        engine.effects = Effects { have_needs_changed: true, ..Effects::default() };
        engine
    }

    /// Returns the effects of the inputs since the last call.
    pub fn take_effects(&mut self) -> Effects {
        let (alerts, removed_alerts) = self.log.take_changes();
        Effects { alerts, removed_alerts, ..std::mem::take(&mut self.effects) }
    }

    /// Returns a rule as it is published.
    pub fn row(&self, rule_id: &RuleId) -> Option<RuleRow> {
        self.watched(rule_id).map(|watched| self.row_of(watched))
    }

    /// Returns all rules as they are published.
    pub fn rows(&self) -> impl Iterator<Item = RuleRow> {
        self.rules.iter().flatten().map(|watched| self.row_of(watched))
    }

    /// Returns what has to be kept of a rule.
    pub fn kept(&self, rule_id: &RuleId) -> Option<Kept> {
        self.watched(rule_id).map(|watched| Kept { state: self.state_of(watched), memory: watched.kept_memory() })
    }

    /// Returns what has to be kept besides rules.
    pub fn memory(&self) -> &EngineMemory {
        &self.memory
    }

    /// Returns the settings of all alerts.
    pub fn settings(&self) -> &AlertSettings {
        &self.memory.settings
    }

    /// Returns the newest alerts.
    pub fn log(&self) -> &AlertLog {
        &self.log
    }

    /// Gives the newest alerts for what others know of them: how far their deliveries are.
    pub fn log_mut(&mut self) -> &mut AlertLog {
        &mut self.log
    }

    /// Returns the data that rules read.
    pub fn needs(&self) -> Needs {
        let bars = self.markets.iter().flat_map(|(instrument, market)| {
            market.bars.iter().map(|(interval, bars)| {
                let n_bars = bars.series.keys().map(|spec| spec.lookback() + spec.convergence()).max().unwrap_or(0);
                ((instrument.clone(), *interval), (n_bars + 2).min(MAX_BARS))
            })
        });
        Needs { instruments: self.markets.keys().cloned().collect(), bars: bars.collect() }
    }

    /// Sets when the market data that is given next came, for the alerts that fire on it; `None`: when it is given.
    pub fn set_received(&mut self, time: Option<Timestamp>) {
        self.received = time;
    }

    /// Sets how far local time is ahead of UTC now, in the zone of the quiet hours.
    pub fn set_zone_offset(&mut self, minutes: i32) {
        self.zone_offset_minutes = minutes;
    }

    fn watched(&self, rule_id: &RuleId) -> Option<&Watched> {
        self.rules.get(index(*self.ids.get(rule_id)?))?.as_deref()
    }

    fn at(&self, place: u32) -> Option<&Watched> {
        self.rules.get(index(place))?.as_deref()
    }

    fn at_mut(&mut self, place: u32) -> Option<&mut Watched> {
        self.rules.get_mut(index(place))?.as_deref_mut()
    }

    /// Marks a rule's state as one to keep.
    fn touch(&mut self, place: u32) {
        if let Some(watched) = self.rules.get(index(place)).and_then(Option::as_deref) {
            self.effects.changed.insert(watched.rule.rule_id.clone());
        }
    }
}

/// Most bars of one interval that are kept.
const MAX_BARS: usize = 1_000;

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
