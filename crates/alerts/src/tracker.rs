//! One condition of one rule with what it remembers: values in, and out comes whether it is met now.
//!
//! Not here: which values reach it (`engine`), how several conditions count together, how often a rule fires.
//!
//! # Layout
//! - [`price`]: conditions of the last price and the best bid and ask · [`bar`]: of bars and indicators
//! - [`event`]: of signals, the trading desk and the system

pub(crate) mod bar;
pub(crate) mod event;
pub(crate) mod price;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use indicators::spec::Spec;
use model::{
    alert::condition::{ChannelEvent, Condition, PositionEvent},
    decimal::Price,
    instrument::InstrumentId,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use strategy::detect::window::MovingExtremes;

use crate::{latch::TrackerState, level_index::Wait};

/// Details of a condition that was met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Met {
    /// In words, past tense.
    pub(crate) what: String,
    pub(crate) value: Option<String>,
    pub(crate) level: Option<String>,
    /// Its instrument, if it is not the rule's.
    pub(crate) instrument: Option<InstrumentId>,
    pub(crate) bar_time: Option<Timestamp>,
}

/// A condition that is watched.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    pub(crate) condition: Condition,
    pub(crate) state: TrackerState,
    extra: Extra,
    /// The price levels that wait in the index of the rule's instrument.
    pub(crate) waits: [Option<Wait>; 2],
}

/// State of a condition that is not kept on disk.
#[derive(Clone, Debug)]
enum Extra {
    None,
    Window(MovingExtremes<Price>),
    /// Indicators, each with its output.
    Specs(Vec<(Spec, usize)>),
    /// Times of errors.
    Errors(VecDeque<Timestamp>),
    /// Time since which each feed is stale.
    Stale(BTreeMap<InstrumentId, Timestamp>),
}

impl Tracker {
    /// Watches a condition that was checked ([`crate::check`]); an indicator that cannot be read is never met.
    pub(crate) fn new(condition: Condition, state: TrackerState) -> Self {
        let specs = |texts: &[&str]| texts.iter().filter_map(|text| Spec::parse_output(text).ok()).collect();
        let extra = match &condition {
            Condition::PriceMove { window_s, .. } => {
                Extra::Window(MovingExtremes::new(Duration::from_secs((*window_s).into())))
            }
            Condition::IndicatorLevel { spec, .. } => Extra::Specs(specs(&[spec])),
            Condition::IndicatorCross { fast, slow, .. } => Extra::Specs(specs(&[fast, slow])),
            Condition::VolumeBurst { n_bars, .. } => Extra::Specs(specs(&[&mean_volume(*n_bars)])),
            Condition::RepeatedErrors { .. } => Extra::Errors(VecDeque::new()),
            Condition::Stale { .. } => Extra::Stale(BTreeMap::new()),
            _ => Extra::None,
        };
        Self { condition, state, extra, waits: [None; 2] }
    }

    /// Returns the indicators that it reads.
    pub(crate) fn specs(&self) -> &[(Spec, usize)] {
        match &self.extra {
            Extra::Specs(specs) => specs,
            _ => &[],
        }
    }

    /// True while it holds: of a crossing, from the crossing until the level is left.
    pub(crate) fn holds(&self) -> bool {
        !self.condition.is_momentary() && self.state.is_met()
    }

    /// True for conditions of an instrument's market data.
    pub(crate) fn is_of_market(&self) -> bool {
        self.is_of_price() || self.is_of_tops() || self.interval().is_some()
    }

    /// True where a repeating rule says it again while it holds.
    pub(crate) fn is_lasting(&self) -> bool {
        match &self.condition {
            Condition::PriceAbove { .. }
            | Condition::PriceBelow { .. }
            | Condition::SpreadAbove { .. }
            | Condition::Stale { .. }
            | Condition::Disk { .. } => true,
            Condition::Channel { event, .. } => matches!(event, ChannelEvent::Inside | ChannelEvent::Outside),
            Condition::Position { event, .. } => *event == PositionEvent::Above,
            _ => false,
        }
    }

    /// True where the next value can meet it.
    pub(crate) fn is_armed(&self) -> bool {
        self.condition.is_momentary()
            || self.is_of_trust()
            || self.state.pair.is_armed()
            || self.state.pairs.values().any(|pair| pair.is_armed())
    }

    /// True once it has seen a value.
    pub(crate) fn has_seen(&self) -> bool {
        self.condition.is_momentary() || self.is_of_trust() || self.state != TrackerState::default()
    }

    /// Forgets the values of a span: the feed was not to be trusted meanwhile.
    pub(crate) fn forget_window(&mut self) {
        if let Extra::Window(window) = &mut self.extra {
            window.clear();
        }
    }
}

/// The indicator that is the mean of a number of bars' volumes.
pub(crate) fn mean_volume(n_bars: u32) -> String {
    format!("sma({n_bars},source=volume)")
}
