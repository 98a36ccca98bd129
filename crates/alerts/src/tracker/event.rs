//! Conditions of signals, the trading desk and the system.

use model::{
    alert::{
        condition::{Condition, ConnectionEvent, DiskEvent, PositionEvent, RecordingEvent},
        signal::{Signal, SignalSide, SignalState},
    },
    decimal::{Notional, Quantity},
    instrument::InstrumentId,
    time::Timestamp,
};
use strategy::detect::level::Approach;

use crate::{
    happening::{HealthEvent, TradingEvent, Trust},
    latch::{Bounds, First, MAX_KEYS},
    tracker::{Extra, Met, Tracker},
    words,
};

/// The part of a rule that decides what a condition is about.
pub(crate) type Scope<'a> = Option<&'a InstrumentId>;

impl Tracker {
    /// True for conditions of signals.
    pub(crate) fn is_of_signals(&self) -> bool {
        matches!(self.condition, Condition::Signal { .. })
    }

    /// True for conditions of the trading desk.
    pub(crate) fn is_of_trading(&self) -> bool {
        matches!(
            self.condition,
            Condition::Position { .. } | Condition::Pnl { .. } | Condition::Order { .. } | Condition::Fill { .. }
        )
    }

    /// True for conditions of the system.
    pub(crate) fn is_of_health(&self) -> bool {
        matches!(
            self.condition,
            Condition::Connection { .. }
                | Condition::DataGap { .. }
                | Condition::Recording { .. }
                | Condition::Disk { .. }
                | Condition::RepeatedErrors { .. }
        )
    }

    /// True for the condition of stale feeds.
    pub(crate) fn is_of_trust(&self) -> bool {
        matches!(self.condition, Condition::Stale { .. })
    }

    /// Takes a signal in. One signal counts once, however often it changes its state.
    pub(crate) fn on_signal(&mut self, scope: Scope<'_>, signal: &Signal) -> Option<Met> {
        let Condition::Signal { signal_rule, side, confirmed_only } = &self.condition else { return None };
        let is_meant = signal_rule.as_ref().is_none_or(|rule| *rule == signal.rule_id)
            && side.is_none_or(|side| side == signal.side)
            && scope.is_none_or(|instrument| *instrument == signal.instrument);
        let counts = match signal.state {
            SignalState::Confirmed | SignalState::Revised => signal.holds,
            SignalState::Forming => signal.holds && !confirmed_only,
            SignalState::Withdrawn => false,
        };
        if !is_meant || !counts {
            return None;
        }
        let key = format!(
            "{} {} {} {} {} {:?}",
            signal.rule_id,
            signal.version,
            signal.instrument,
            signal.interval,
            signal.bar_time.as_millis(),
            signal.side
        );
        if self.state.seen_signal.as_ref() == Some(&key) {
            return None;
        }
        self.state.seen_signal = Some(key);
        let side = match signal.side {
            SignalSide::Buy => "buy",
            SignalSide::Sell => "sell",
            SignalSide::Neutral => "neutral",
        };
        let forming = if signal.state == SignalState::Forming { " (forming)" } else { "" };
        let (symbol, price) = (words::symbol(&signal.instrument), words::grouped(&signal.price));
        Some(Met {
            what: format!("{}: {side} signal on {symbol} at {price}{forming}", signal.rule_name),
            value: Some(signal.price.to_string()),
            level: None,
            instrument: Some(signal.instrument.clone()),
            bar_time: Some(signal.bar_time),
        })
    }

    /// Takes in what happened on the trading desk.
    pub(crate) fn on_trading(&mut self, scope: Scope<'_>, event: &TradingEvent) -> Option<Met> {
        match (&self.condition, event) {
            (
                Condition::Position { event: wanted, size, account: only },
                TradingEvent::Position { account, instrument, quantity },
            ) if only.as_ref().is_none_or(|only| only == account) && is_in(scope, instrument) => {
                let (wanted, least) = (*wanted, size.unwrap_or_default());
                let (held, is_open) = (quantity.size(), !quantity.is_zero());
                let latch = &mut self.state.keyed(&format!("{account} {instrument}"))?.up;
                let is_met = match wanted {
                    PositionEvent::Opened => latch.step_flag(is_open, First::Arms),
                    PositionEvent::Closed => latch.step_flag(!is_open, First::Arms),
                    PositionEvent::Above => {
                        let bounds: Bounds<Quantity> = Bounds { level: least, rearm: least };
                        latch.step(Approach::Up, held, bounds, First::Fires)
                    }
                };
                let symbol = words::symbol(instrument);
                let what = match wanted {
                    PositionEvent::Opened => format!("position in {symbol} opened: {}", words::grouped(quantity)),
                    PositionEvent::Closed => format!("position in {symbol} closed"),
                    PositionEvent::Above => format!("position in {symbol} is {}", words::grouped(quantity)),
                };
                is_met.then(|| Met {
                    what,
                    value: Some(quantity.to_string()),
                    level: (wanted == PositionEvent::Above).then(|| words::grouped(&least)),
                    instrument: Some(instrument.clone()),
                    bar_time: None,
                })
            }
            (
                Condition::Pnl { figure, direction, level, account: only },
                TradingEvent::Pnl { account, instrument, figure: given, amount },
            ) if figure == given
                && only.as_ref().is_none_or(|only| only == account)
                && scope == instrument.as_ref() =>
            {
                let (figure, direction, level) = (*figure, *direction, *level);
                let bounds: Bounds<Notional> = Bounds { level, rearm: level };
                let approach = self.state.keyed(account.as_str())?.step(direction, *amount, bounds, bounds)?;
                let verb = words::by_approach(approach, "rose to", "fell to");
                let of = instrument.as_ref().map(|one| format!(" in {}", words::symbol(one))).unwrap_or_default();
                let (name, shown) = (words::pnl(figure), words::grouped(amount));
                Some(Met {
                    what: format!("{name}{of} on account {account} {verb} {shown}"),
                    value: Some(amount.to_string()),
                    level: Some(words::grouped(&level)),
                    instrument: instrument.clone(),
                    bar_time: None,
                })
            }
            (
                Condition::Order { event: wanted, account: only },
                TradingEvent::Order { account, instrument, order_id, event, text },
            ) if wanted == event && only.as_ref().is_none_or(|only| only == account) && is_in(scope, instrument) => {
                let symbol = words::symbol(instrument);
                Some(Met {
                    what: format!("order {order_id} in {symbol} {}: {text}", words::execution(*event)),
                    instrument: Some(instrument.clone()),
                    ..Met::default()
                })
            }
            (
                Condition::Fill { min_value, account: only },
                TradingEvent::Fill { account, instrument, side, price, quantity },
            ) if only.as_ref().is_none_or(|only| only == account) && is_in(scope, instrument) => {
                let value = price.checked_mul(*quantity)?;
                let is_large = min_value.is_none_or(|least| value >= least);
                let verb = match side {
                    model::trading::order::Side::Buy => "bought",
                    model::trading::order::Side::Sell => "sold",
                };
                let (symbol, shown, at) = (words::symbol(instrument), words::grouped(quantity), words::grouped(price));
                is_large.then(|| Met {
                    what: format!("{verb} {shown} {symbol} at {at}"),
                    value: Some(value.to_string()),
                    level: min_value.map(|least| words::grouped(&least)),
                    instrument: Some(instrument.clone()),
                    bar_time: None,
                })
            }
            _ => None,
        }
    }

    /// Takes in what happened in the system.
    pub(crate) fn on_health(&mut self, scope: Scope<'_>, event: &HealthEvent, now: Timestamp) -> Option<Met> {
        let says = |what: String| Some(Met { what, ..Met::default() });
        match (&self.condition, event) {
            (Condition::Connection { event, venue: only }, HealthEvent::Connection { venue, is_up, reason })
                if only.as_ref().is_none_or(|only| only == venue) =>
            {
                let (is_wanted, what) = match event {
                    ConnectionEvent::Lost => (!is_up, format!("connection to {venue} lost: {reason}")),
                    ConnectionEvent::Back => (*is_up, format!("connection to {venue} is back")),
                };
                let is_met = self.state.keyed(venue.as_str())?.up.step_flag(is_wanted, First::Arms);
                is_met.then(|| says(what)).flatten()
            }
            (Condition::DataGap { venue: only }, HealthEvent::Gap { venue, instrument, what })
                if only.as_ref().is_none_or(|only| only == venue) && concerns(scope, venue, instrument.as_ref()) =>
            {
                let of = instrument.as_ref().map_or_else(|| venue.to_string(), ToString::to_string);
                let what = format!("data of {of} is missing: {what}");
                Some(Met { what, instrument: instrument.clone(), ..Met::default() })
            }
            (Condition::Recording { event }, HealthEvent::Recording { venue, failure }) => match (event, failure) {
                (RecordingEvent::Failed, Some(failure)) => says(format!("recording of {venue} failed: {failure}")),
                (RecordingEvent::Stopped, None) => says(format!("recording of {venue} ended")),
                _ => None,
            },
            (Condition::Disk { event: DiskEvent::FreeBelow, free_bytes: least }, HealthEvent::Disk { free_bytes }) => {
                let least = least.unwrap_or_default();
                let is_met = self.state.pair.up.step_flag(*free_bytes < least, First::Fires);
                let (free, least) = (words::bytes(*free_bytes), words::bytes(least));
                is_met.then(|| Met {
                    what: format!("the disk has {free} free"),
                    value: Some(free),
                    level: Some(least),
                    ..Met::default()
                })
            }
            (Condition::Disk { event: DiskEvent::JournalFull, .. }, HealthEvent::Journal { is_writable, reason }) => {
                let is_met = self.state.pair.up.step_flag(!is_writable, First::Fires);
                is_met.then(|| says(format!("the desk's journal cannot be written: {reason}"))).flatten()
            }
            (Condition::RepeatedErrors { n, window_s }, HealthEvent::Error { what }) => {
                let (least, span) = (*n, words::span((*window_s).into()));
                let window = std::time::Duration::from_secs((*window_s).into());
                let Extra::Errors(times) = &mut self.extra else { return None };
                times.push_back(now);
                while times.front().is_some_and(|&time| now.saturating_since(time) > window) {
                    times.pop_front();
                }
                if times.len() < usize::try_from(least).unwrap_or(usize::MAX) {
                    return None;
                }
                // The next alert needs as many again.
                times.clear();
                let value = Some(least.to_string());
                Some(Met { what: format!("{least} errors within {span}, last: {what}"), value, ..Met::default() })
            }
            _ => None,
        }
    }

    /// Takes in how far an instrument's data can be trusted; the alert itself is due later ([`Self::stale_due`]).
    pub(crate) fn on_trust(&mut self, scope: Scope<'_>, instrument: &InstrumentId, trust: &Trust) {
        if !is_in(scope, instrument) {
            return;
        }
        let Extra::Stale(since) = &mut self.extra else { return };
        match trust {
            Trust::Stale { since: begin } if since.len() < MAX_KEYS => {
                since.entry(instrument.clone()).or_insert(*begin);
            }
            Trust::Stale { .. } => {}
            Trust::Good | Trust::Suspect { .. } => {
                since.remove(instrument);
                self.state.pairs.remove(&instrument.to_string());
            }
        }
    }

    /// Returns when the next stale feed has been so for long enough.
    pub(crate) fn stale_due(&self) -> Option<Timestamp> {
        let (Condition::Stale { for_s }, Extra::Stale(since)) = (&self.condition, &self.extra) else { return None };
        let span = std::time::Duration::from_secs((*for_s).into());
        let is_open = |instrument: &InstrumentId| {
            self.state.pairs.get(&instrument.to_string()).is_none_or(|pair| !pair.up.is_met())
        };
        since.iter().filter(|(instrument, _)| is_open(instrument)).map(|(_, &begin)| begin + span).min()
    }

    /// Looks at stale feeds whose time has come.
    pub(crate) fn on_stale_time(&mut self, now: Timestamp) -> Option<Met> {
        let (Condition::Stale { for_s }, Extra::Stale(since)) = (&self.condition, &self.extra) else { return None };
        let span = std::time::Duration::from_secs((*for_s).into());
        let due: Vec<InstrumentId> =
            since.iter().filter(|&(_, &begin)| begin + span <= now).map(|(instrument, _)| instrument.clone()).collect();
        let mut met = None;
        for instrument in due {
            if self.state.keyed(&instrument.to_string())?.up.step_flag(true, First::Fires) {
                let what = format!("the feed of {instrument} has been stale for {}", words::span(span.as_secs()));
                met = Some(Met { what, instrument: Some(instrument), ..Met::default() });
            }
        }
        met
    }
}

fn is_in(scope: Scope<'_>, instrument: &InstrumentId) -> bool {
    scope.is_none_or(|only| only == instrument)
}

/// True where a gap concerns the rule: of its instrument, or of its instrument's whole venue.
fn concerns(scope: Scope<'_>, venue: &model::instrument::Venue, instrument: Option<&InstrumentId>) -> bool {
    match (scope, instrument) {
        (None, _) => true,
        (Some(only), Some(instrument)) => only == instrument,
        (Some(only), None) => only.venue() == venue,
    }
}
