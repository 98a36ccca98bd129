//! Conditions of bars and indicators.

use std::collections::BTreeMap;

use indicators::{bar::Bar, series::IndicatorSeries, spec::Spec};
use model::{
    alert::condition::{BarTiming, Condition},
    candle::Interval,
    instrument::InstrumentId,
    time::Timestamp,
};

use crate::{
    latch::{Bounds, First},
    tracker::{Met, Tracker},
    words,
};

/// A bar with what indicators say of it.
pub(crate) struct BarLook<'a> {
    pub(crate) bar: &'a Bar,
    /// Open time of the bar before it, in milliseconds.
    pub(crate) before_ms: Option<i64>,
    pub(crate) is_closed: bool,
    pub(crate) series: &'a BTreeMap<Spec, IndicatorSeries>,
}

impl BarLook<'_> {
    fn value(&self, open_ms: i64, (spec, output): &(Spec, usize)) -> Option<f64> {
        self.series.get(spec)?.row(open_ms)?.get(*output)
    }
}

impl Tracker {
    /// Returns the length of the bars that it reads; `None` for conditions that read none.
    pub(crate) fn interval(&self) -> Option<Interval> {
        match &self.condition {
            Condition::IndicatorLevel { interval, .. }
            | Condition::IndicatorCross { interval, .. }
            | Condition::VolumeBurst { interval, .. } => Some(*interval),
            _ => None,
        }
    }

    /// True where the forming bar counts.
    pub(crate) fn reads_forming(&self) -> bool {
        match &self.condition {
            Condition::IndicatorLevel { on, .. } | Condition::IndicatorCross { on, .. } => *on == BarTiming::Forming,
            Condition::VolumeBurst { .. } => true,
            _ => false,
        }
    }

    /// Takes a bar in. A bar for which an indicator has no value changes nothing.
    pub(crate) fn on_bar(&mut self, instrument: &InstrumentId, look: &BarLook<'_>) -> Option<Met> {
        let values: Vec<Option<f64>> = self.specs().iter().map(|spec| look.value(look.bar.open_ms, spec)).collect();
        let symbol = words::symbol(instrument);
        let met = match &self.condition {
            Condition::IndicatorLevel { interval, spec, direction, level, hysteresis, .. } => {
                let value = (*values.first()?)?;
                let up = Bounds { level: *level, rearm: *level - *hysteresis };
                let down = Bounds { level: *level, rearm: *level + *hysteresis };
                let approach = self.state.pair.step(*direction, value, up, down)?;
                let (verb, value) = (words::by_approach(approach, "rose to", "fell to"), words::figure(value));
                Met {
                    what: format!("{spec} of {symbol} on {interval} bars {verb} {value}"),
                    level: Some(words::figure(*level)),
                    value: Some(value),
                    ..Met::default()
                }
            }
            Condition::IndicatorCross { interval, fast, slow, direction, .. } => {
                let (first, second) = ((*values.first()?)?, (*values.get(1)?)?);
                let zero = Bounds { level: 0.0, rearm: 0.0 };
                let approach = self.state.pair.step(*direction, first - second, zero, zero)?;
                let verb = words::by_approach(approach, "crossed above", "crossed below");
                Met {
                    what: format!("{fast} {verb} {slow} on {interval} bars of {symbol}"),
                    value: Some(words::figure(first)),
                    level: Some(words::figure(second)),
                    ..Met::default()
                }
            }
            Condition::VolumeBurst { interval, factor, .. } => {
                let mean = look.before_ms.and_then(|before| look.value(before, self.specs().first()?))?;
                let is_burst = mean > 0.0 && look.bar.volume >= mean * factor;
                let is_met = self.state.pair.up.step_flag(is_burst, First::Arms);
                if look.is_closed {
                    // The next bar begins with nothing, so that two bursts in a row are two.
                    self.state.pair.up.step_flag(false, First::Arms);
                }
                if !is_met {
                    return None;
                }
                let (volume, mean) = (words::figure(look.bar.volume), words::figure(mean * factor));
                Met {
                    what: format!("{symbol} traded {volume} in a {interval} bar, at least {mean}"),
                    value: Some(volume),
                    level: Some(mean),
                    ..Met::default()
                }
            }
            _ => return None,
        };
        Some(Met { bar_time: Some(Timestamp::from_millis(look.bar.open_ms)), ..met })
    }
}
