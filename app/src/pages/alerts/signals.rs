//! Live signals, newest first: one line for each rule and bar, which counts how often it changed.
//!
//! Only new entries of the log are read, and only [`MOST_SHOWN`] lines are kept, however many signals come.

use std::{collections::VecDeque, sync::Arc};

use leptos::prelude::*;
use model::alert::signal::Signal as FoundSignal;
use topics::{channels::desk::DeskLog, topic::Topic};

use crate::{
    cadence::Cadence,
    format,
    fragment::Fragment,
    live::{model::LiveModel, use_live},
    pages::{
        alerts::words,
        desk::{
            positions::decimals,
            rows::unreadable,
            table::{cell, headings},
        },
        recordings::state::moment,
    },
};

/// The signals of a rule and a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalLine {
    /// Its element in the list, a number below [`MOST_SHOWN`]. A new line takes that of the line it displaces.
    place: usize,
    /// Number of the newest.
    number: u64,
    /// The newest.
    signal: FoundSignal,
    /// Number of signals.
    n_signals: u32,
}

impl SignalLine {
    fn is_of(&self, signal: &FoundSignal) -> bool {
        let own = &self.signal;
        (&own.rule_id, own.version, own.bar_time, &own.instrument)
            == (&signal.rule_id, signal.version, signal.bar_time, &signal.instrument)
    }
}

/// The newest signals, read from the log as they come.
#[derive(Clone, Debug, Default)]
pub struct SignalWindow {
    last: u64,
    lines: VecDeque<Arc<SignalLine>>,
}

impl SignalWindow {
    /// Reads what is new in the log.
    ///
    /// # Errors
    /// An entry of another form.
    pub fn follow(&mut self, log: &DeskLog) -> Result<(), String> {
        let newest = log.entries.last().map_or(0, |(number, _)| *number);
        if newest < self.last {
            // The server counts from the beginning again.
            *self = Self::default();
        }
        let known = self.last;
        for (number, row) in log.entries.iter().filter(|(number, _)| *number > known) {
            self.take(*number, row.read().map_err(unreadable)?);
        }
        self.last = newest;
        Ok(())
    }

    fn take(&mut self, number: u64, signal: FoundSignal) {
        let known = self.lines.iter().position(|line| line.is_of(&signal)).and_then(|at| self.lines.remove(at));
        let (place, n_before) = match known {
            Some(line) => (line.place, line.n_signals),
            None if self.lines.len() < MOST_SHOWN => (self.lines.len(), 0),
            None => (self.lines.pop_back().map_or(0, |line| line.place), 0),
        };
        self.lines.push_front(Arc::new(SignalLine { place, number, signal, n_signals: n_before.saturating_add(1) }));
    }
}

/// The newest signals.
#[component]
pub fn SignalsPanel(
    /// False while another part of the page is shown: nothing is read then.
    is_shown: Signal<bool>,
) -> impl IntoView {
    let window = StoredValue::new(SignalWindow::default());
    let source = move |model: &LiveModel| {
        let Some(log) = model.desk_log(&Topic::SIGNALS) else { return Ok(None) };
        let lines = window.try_update_value(|window| window.follow(log).map(|()| window.lines.clone()));
        lines.transpose()
    };
    let topics = Signal::derive(move || if is_shown.get() { vec![Topic::SIGNALS] } else { Vec::new() });
    view! {
        <section class="panel" aria-label="Live signals">
            <div class="panel__head">
                <h2 class="panel__title">"Live signals"</h2>
            </div>
            <Fragment name="alerts-signals" cadence=Cadence::Shown topics source let:lines>
                <SignalLines lines/>
            </Fragment>
        </section>
    }
}

#[component]
fn SignalLines(
    /// The lines, newest first; `None` until they have arrived.
    lines: Signal<Option<VecDeque<Arc<SignalLine>>>>,
) -> impl IntoView {
    let is_empty = move || lines.with(|lines| lines.as_ref().is_none_or(VecDeque::is_empty));
    let places =
        Memo::new(move |_| lines.with(|lines| lines.iter().flatten().map(|line| line.place).collect::<Vec<_>>()));
    view! {
        <p class="desk-note" role="status" data-testid="no-signals" hidden=move || lines.with(Option::is_none) || !is_empty()>
            "No signals yet. What the rules find appears here: forming while the bar moves, confirmed or withdrawn at its close."
        </p>
        <div class="desk-table signal-table" role="table" aria-label="Live signals, newest first" hidden=is_empty>
            {headings(["Time, UTC", "Rule", "Says", "State", "Strength", "Price"])}
            <For each=move || places.get() key=|place| *place children=move |place| view! { <SignalRow lines place/> }/>
        </div>
    }
}

/// One line. Its element stays and takes other texts, as new elements for a hundred signals take longer than a frame.
#[component]
fn SignalRow(
    /// All lines.
    lines: Signal<Option<VecDeque<Arc<SignalLine>>>>,
    /// The element of the line.
    place: usize,
) -> impl IntoView {
    let texts = Memo::new(move |known: Option<&SignalTexts>| {
        lines.with(|lines| {
            let line = lines.iter().flatten().find(|line| line.place == place);
            match (line, known) {
                (Some(line), Some(known)) if line.number == known.number => known.clone(),
                (Some(line), _) => SignalTexts::of(line),
                (None, known) => known.cloned().unwrap_or_default(),
            }
        })
    });
    let text = move |of: fn(&SignalTexts) -> &str| move || texts.with(|texts| of(texts).to_owned());
    let rule = view! {
        <span class="signal-table__rule">{text(|texts| &texts.rule)}</span>
        <span class="signal-table__facts">{text(|texts| &texts.facts)}</span>
    };
    let state = view! {
        <span class="signal-state" data-state=move || texts.with(|texts| texts.state_name)>{move || texts.with(|texts| texts.state)}</span>
        " "
        <span class="signal-table__count" title="Changes of this bar's signal">{text(|texts| &texts.changes)}</span>
    };
    let strength = view! {
        <meter class="signal-table__strength" min="0" max="100" prop:value=text(|texts| &texts.strength) aria-label="Strength">
            {text(|texts| &texts.strength)}" %"
        </meter>
    };
    view! {
        <div
            class="desk-row"
            role="row"
            data-testid="signal"
            data-number=move || texts.with(|texts| texts.number)
            data-state=move || texts.with(|texts| texts.state_name)
            data-rule=text(|texts| &texts.rule_id)
        >
            <span class="desk-row__name" role="rowheader">{text(|texts| &texts.time)}</span>
            {cell("Rule", rule)}
            {cell("Says", view! { <span data-trend=move || texts.with(|texts| texts.trend)>{move || texts.with(|texts| texts.side)}</span> })}
            {cell("State", state)}
            {cell("Strength", strength)}
            {cell("Price", text(|texts| &texts.price))}
        </div>
    }
}

/// Texts of a line.
#[derive(Clone, Debug, Default, PartialEq)]
struct SignalTexts {
    number: u64,
    rule_id: String,
    time: String,
    rule: String,
    facts: String,
    side: &'static str,
    trend: Option<&'static str>,
    state: &'static str,
    state_name: &'static str,
    changes: String,
    strength: String,
    price: String,
}

impl SignalTexts {
    fn of(line: &SignalLine) -> Self {
        let SignalLine { number, signal, n_signals, .. } = line;
        let (side, trend) = words::side(signal.side);
        let (state, state_name) = words::signal_state(signal.state, signal.holds);
        let price_decimals = untrack(|| decimals(use_live(), &signal.instrument).0);
        let values = signal.values.iter().map(|one| format!("{} {}", one.name, short(one.value)));
        let values = values.collect::<Vec<_>>().join(" · ");
        let bar = format!("{} {}", signal.interval, moment(signal.bar_time.as_millis()).get(5..16).unwrap_or_default());
        Self {
            number: *number,
            rule_id: signal.rule_id.to_string(),
            time: format::time_of_day(signal.fired_time),
            rule: signal.rule_name.to_string(),
            facts: format!("{} · {bar} · {values}", signal.instrument),
            side,
            trend,
            state,
            state_name,
            changes: if *n_signals > 1 { format!("×{n_signals}") } else { String::new() },
            strength: format!("{:.0}", signal.strength.clamp(0.0, 1.0) * 100.0),
            price: format::price(signal.price, price_decimals),
        }
    }
}

/// Formats a value of an indicator with four significant digits or its whole part.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1_000.0 => 1,
        size if size >= 10.0 => 2,
        _ => 4,
    };
    format::grouped(&format!("{value:.decimals$}"))
}

/// Most lines.
pub const MOST_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;
    use topics::channels::desk::RowText;

    use super::*;

    fn entry(number: u64, rule: &str, bar: i64, state: &str) -> (u64, RowText) {
        let row = json!({"rule_id": rule, "version": 1, "rule_name": rule, "instrument": "demo:A", "interval": "1m",
                         "bar_time": bar, "side": "buy", "state": state, "holds": true, "price": "1", "values": [],
                         "strength": 0.5, "fired_time": 0, "receive_time": 0});
        (number, RowText::of(&row).unwrap())
    }

    fn shown(window: &SignalWindow) -> Vec<(u64, u32)> {
        window.lines.iter().map(|line| (line.number, line.n_signals)).collect()
    }

    #[test]
    fn a_rule_has_one_line_a_bar() {
        let mut window = SignalWindow::default();
        let mut log = DeskLog { entries: vec![entry(1, "a", 0, "forming"), entry(2, "b", 0, "forming")] };
        window.follow(&log).unwrap();
        log.entries.push(entry(3, "a", 0, "confirmed"));
        window.follow(&log).unwrap();
        window.follow(&log).unwrap();
        assert_eq!(shown(&window), [(3, 2), (2, 1)]);
        log.entries.push(entry(4, "a", 60_000, "forming"));
        window.follow(&log).unwrap();
        assert_eq!(shown(&window), [(4, 1), (3, 2), (2, 1)]);
    }

    #[test]
    fn lines_are_bounded_and_a_new_log_begins_again() {
        let mut window = SignalWindow::default();
        for number in 1..=500_u32 {
            let log = DeskLog { entries: vec![entry(number.into(), "a", i64::from(number), "forming")] };
            window.follow(&log).unwrap();
        }
        assert_eq!((window.lines.len(), window.lines[0].number), (MOST_SHOWN, 500));
        // A displaced line leaves its element to the new one: the order of the elements is the same as before.
        let places: Vec<usize> = window.lines.iter().map(|line| line.place).collect();
        assert_eq!(places, (0..MOST_SHOWN).rev().collect::<Vec<_>>());
        window.follow(&DeskLog { entries: vec![entry(3, "a", 0, "forming")] }).unwrap();
        assert_eq!(shown(&window), [(3, 1)]);
        let strange = DeskLog { entries: vec![(9, RowText::of(&1).unwrap())] };
        assert!(window.follow(&strange).is_err());
    }
}
