//! A signal rule as a form holds it. Its condition is a tree that begins as a template; each place in it is a field.
//! Pure.
//!
//! Not here: checks of rules (`strategy::signals`, at the server), the form itself (`signal_form`).

use model::{
    alert::{
        rule_id::RuleId,
        signal::{LookFor, SignalRule, Timing},
    },
    candle::Interval,
    instrument::InstrumentId,
};
use serde_json::{Value, json};
use strategy::signals::templates;

use crate::pages::desk::typed;

/// A signal rule in a form.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalDraft {
    /// The rule that is changed; `None` for a new one.
    pub of: Option<RuleId>,
    /// Its name; empty: its condition in words.
    pub name: String,
    /// Its market.
    pub instrument: Option<InstrumentId>,
    /// The length of its bars.
    pub interval: Interval,
    /// The moments at which it looks.
    pub timing: Timing,
    /// True while it is paused.
    pub is_paused: bool,
    /// The condition in its JSON form; what was typed and is no number is a text.
    body: Value,
}

/// One place of the condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// JSON pointer to it.
    pub pointer: String,
    /// Its name for people.
    pub label: String,
    /// Control for the value.
    pub control: Control,
    /// Its text.
    pub value: String,
}

/// Control for a value of the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// A number.
    Number,
    /// A line: the price, the spread, the imbalance, a level, or an indicator.
    Line,
    /// One of these, each with its words.
    Choice(&'static [(&'static str, &'static str)]),
    /// A kind of condition: another one takes its place with the template's settings.
    Kind,
    /// One more part of a combination.
    AddPart,
    /// Removes a part.
    RemovePart,
}

/// The settings of all kinds with their names, in the order of a form.
const SETTINGS: &[(&str, &str)] = &[
    ("fast", "Line"),
    ("slow", "Crosses"),
    ("of", "Of"),
    ("distance", "Distance is in"),
    ("percent", "By, %"),
    ("absolute", "By, quote currency"),
    ("limit", "Width is in"),
    ("bps", "At least, bps"),
    ("average", "Average"),
    ("multiple", "Multiple"),
    ("level", "Level"),
    ("hysteresis", "Re-arms after leaving by"),
    ("n_levels", "Levels a side"),
    ("n_bars", "Bars"),
    ("factor", "Multiple"),
    ("window_s", "Within, s"),
    ("approach", "Direction"),
    ("meaning", "Says"),
    ("threshold", "Threshold of the vote"),
    ("weight", "Weight"),
    ("parts", "Parts"),
];

const APPROACH: &[(&str, &str)] = &[("up", "upwards"), ("down", "downwards"), ("either", "either way")];
const MEANING: &[(&str, &str)] =
    &[("follow", "up buys, down sells"), ("fade", "up sells, down buys"), ("neutral", "neither: look")];
const DISTANCE: &[(&str, &str)] = &[("percent", "percent"), ("absolute", "quote currency")];
const LIMIT: &[(&str, &str)] = &[("bps", "basis points"), ("average", "a multiple of its mean")];

/// Fewest and most parts of a combination.
const N_PARTS: std::ops::RangeInclusive<usize> = 2..=8;

impl SignalDraft {
    /// Returns a new rule from the first template.
    pub fn new(instrument: Option<InstrumentId>) -> Self {
        let body = template("cross").unwrap_or_default();
        let (interval, timing) = (Interval::M15, Timing::BarClose);
        Self { of: None, name: String::new(), instrument, interval, timing, is_paused: false, body }
    }

    /// Returns a rule opened for changes.
    pub fn of(rule: &SignalRule) -> Self {
        Self {
            of: Some(rule.rule_id.clone()),
            name: rule.name.clone(),
            instrument: Some(rule.instrument.clone()),
            interval: rule.interval,
            timing: rule.timing,
            is_paused: rule.is_paused,
            body: serde_json::to_value(&rule.look_for).unwrap_or_default(),
        }
    }

    /// Returns the places of the condition, from the top.
    pub fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        node(&self.body, String::new(), "Finds", &mut places);
        places
    }

    /// Puts a text into a place; one that is no longer there is left out.
    pub fn set(&mut self, place: &Place, text: &str) {
        let Some(target) = self.body.pointer_mut(&place.pointer) else { return };
        match place.control {
            Control::Number => *target = number(text).unwrap_or_else(|| json!(text)),
            Control::Line => *target = line(text),
            Control::Choice(DISTANCE | LIMIT) => set_unit(target, text),
            Control::Choice(_) => *target = json!(text),
            Control::Kind => {
                if let Some(next) = template(text) {
                    *target = next;
                }
            }
            Control::AddPart => {
                if let Some(parts) = target.as_array_mut()
                    && let Some(last) = parts.last().cloned()
                {
                    parts.push(last);
                }
            }
            Control::RemovePart => {
                if let Some((list, at)) = place.pointer.rsplit_once('/')
                    && let (Ok(at), Some(parts)) = (at.parse::<usize>(), self.body.pointer_mut(list))
                    && let Some(parts) = parts.as_array_mut().filter(|parts| at < parts.len())
                {
                    parts.remove(at);
                }
            }
        }
    }

    /// Reads the condition.
    ///
    /// # Errors
    /// The place that cannot be read.
    pub fn look_for(&self) -> Result<LookFor, String> {
        let is_number = |place: &Place| place.control == Control::Number && number(&place.value).is_none();
        if let Some(place) = self.places().iter().find(|place| is_number(place)) {
            return Err(format!("{}: {:?} is not a number", place.label, place.value));
        }
        serde_json::from_value(self.body.clone()).map_err(|error| error.to_string())
    }

    /// Reads the rule; `fresh` is the name of a new one.
    ///
    /// # Errors
    /// The place that cannot be read, or the part that is missing.
    pub fn rule(&self, fresh: &str) -> Result<SignalRule, String> {
        let look_for = self.look_for()?;
        let name = self.name.trim();
        Ok(SignalRule {
            rule_id: match &self.of {
                Some(rule_id) => rule_id.clone(),
                None => RuleId::parse(fresh).map_err(|error| error.to_string())?,
            },
            version: 0,
            name: match name {
                "" => strategy::signals::sentence(&look_for).chars().take(80).collect(),
                name => name.to_owned(),
            },
            instrument: self.instrument.clone().ok_or("Choose an instrument.")?,
            interval: self.interval,
            timing: self.timing,
            look_for,
            is_paused: self.is_paused,
        })
    }
}

/// Returns the kinds of conditions, each with its name for people.
pub fn kinds() -> Vec<(String, String)> {
    templates().into_iter().map(|one| (one.look_for.kind().to_owned(), one.title.to_owned())).collect()
}

/// Returns the condition that a kind begins with, in its JSON form.
fn template(kind: &str) -> Option<Value> {
    let found = templates().into_iter().find(|one| one.look_for.kind() == kind)?;
    serde_json::to_value(&found.look_for).ok()
}

/// Adds the places of a condition.
fn node(value: &Value, pointer: String, label: &str, places: &mut Vec<Place>) {
    let Some((kind, settings)) = value.as_object().and_then(|members| members.iter().next()) else { return };
    places.push(Place {
        pointer: pointer.clone(),
        label: label.to_owned(),
        control: Control::Kind,
        value: kind.clone(),
    });
    self::settings(settings, &format!("{pointer}/{kind}"), label, places);
}

/// Adds the places of a condition's settings.
fn settings(value: &Value, pointer: &str, of: &str, places: &mut Vec<Place>) {
    for (name, title) in SETTINGS {
        let Some(content) = value.get(*name) else { continue };
        let pointer = format!("{pointer}/{name}");
        let mut put = |control: Control, value: String| {
            places.push(Place { pointer: pointer.clone(), label: (*title).to_owned(), control, value });
        };
        match *name {
            "fast" | "slow" | "of" => put(Control::Line, line_text(content)),
            "approach" => put(Control::Choice(APPROACH), text(content)),
            "meaning" => put(Control::Choice(MEANING), text(content)),
            "distance" | "limit" => {
                let unit = content.as_object().and_then(|members| members.keys().next().cloned());
                put(Control::Choice(if *name == "limit" { LIMIT } else { DISTANCE }), unit.unwrap_or_default());
                settings(content, &pointer, of, places);
            }
            "average" => settings(content, &pointer, of, places),
            "parts" => parts(content, &pointer, of, places),
            _ => put(Control::Number, text(content)),
        }
    }
}

/// Adds the parts of a combination.
fn parts(value: &Value, pointer: &str, of: &str, places: &mut Vec<Place>) {
    let Some(parts) = value.as_array() else { return };
    let above = if of == "Finds" { String::new() } else { format!("{}.", of.trim_start_matches("Part ")) };
    for (at, part) in parts.iter().enumerate() {
        let (own, label) = (format!("{pointer}/{at}"), format!("Part {above}{}", at + 1));
        match part.get("look_for") {
            Some(look_for) => {
                node(look_for, format!("{own}/look_for"), &label, places);
                settings(part, &own, of, places);
            }
            None => node(part, own.clone(), &label, places),
        }
        if parts.len() > *N_PARTS.start() {
            let remove = format!("Remove part {above}{}", at + 1);
            places.push(Place { pointer: own, label: remove, control: Control::RemovePart, value: String::new() });
        }
    }
    if parts.len() < *N_PARTS.end() {
        let (pointer, label) = (pointer.to_owned(), format!("Add a part {above}{}", parts.len() + 1));
        places.push(Place { pointer, label, control: Control::AddPart, value: String::new() });
    }
}

/// Reads a number, whole where it is one: counts of bars are whole.
fn number(text: &str) -> Option<Value> {
    let plain = typed::plain(text);
    plain.parse::<u64>().map(|whole| json!(whole)).ok().or_else(|| {
        let number: f64 = plain.parse().ok()?;
        number.is_finite().then(|| json!(number))
    })
}

/// Reads a line: a word, a level, or an indicator.
fn line(text: &str) -> Value {
    let word = text.trim();
    match number(word) {
        _ if matches!(word, "price" | "spread" | "imbalance") => json!(word),
        Some(level) => json!({ "level": level }),
        None => json!({ "indicator": word }),
    }
}

fn line_text(value: &Value) -> String {
    match value.as_object().and_then(|members| members.values().next()) {
        Some(inner) => text(inner),
        None => text(value),
    }
}

/// Gives a distance or a limit another unit; the number stays where there is one.
fn set_unit(target: &mut Value, unit: &str) {
    let known = target.as_object().and_then(|members| members.values().next()).filter(|value| value.is_number());
    let size = known.cloned().unwrap_or_else(|| json!(5));
    *target = match unit {
        "average" => json!({ "average": { "multiple": 3, "n_bars": 20 } }),
        unit => json!({ unit: size }),
    };
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => float.to_string(),
            None => number.to_string(),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(kind: &str) -> SignalDraft {
        let mut draft = SignalDraft::new(InstrumentId::parse("demo:BTC-SIM").ok());
        let top = draft.places()[0].clone();
        draft.set(&top, kind);
        draft
    }

    fn place(draft: &SignalDraft, label: &str) -> Place {
        let places = draft.places();
        let found = places.iter().find(|place| place.label == label);
        found.unwrap_or_else(|| panic!("no {label} in {places:?}")).clone()
    }

    #[test]
    fn every_template_is_saved_from_its_form_and_opened_again() {
        for one in templates() {
            let draft = draft(one.look_for.kind());
            let rule = draft.rule("a-1").unwrap();
            assert_eq!(rule.look_for, one.look_for);
            assert_eq!(SignalDraft::of(&rule).look_for(), Ok(one.look_for.clone()));
            // Every place can be written with what it shows.
            let mut same = draft.clone();
            for place in draft.places() {
                if !matches!(place.control, Control::AddPart | Control::RemovePart | Control::Kind) {
                    same.set(&place, &place.value);
                }
            }
            assert_eq!(same.look_for(), Ok(one.look_for.clone()), "{:?}", one.look_for);
        }
    }

    #[test]
    fn each_setting_has_a_place() {
        for one in templates() {
            let kind = one.look_for.kind();
            let Value::Object(body) = serde_json::to_value(&one.look_for).unwrap() else { panic!("no object") };
            let names = body[kind].as_object().unwrap().keys();
            for name in names {
                assert!(SETTINGS.iter().any(|(known, _)| known == name), "{kind}: {name}");
            }
        }
    }

    #[test]
    fn lines_and_units_change() {
        let mut draft = draft("cross");
        draft.set(&place(&draft, "Crosses"), "62000,5");
        draft.set(&place(&draft, "Line"), "price");
        let LookFor::Cross(cross) = draft.look_for().unwrap() else { panic!("another kind") };
        assert_eq!(serde_json::to_value(&cross.slow).unwrap(), json!({"level": 62000.5}));
        assert_eq!(serde_json::to_value(&cross.fast).unwrap(), json!("price"));
        let mut draft = self::draft("spread");
        draft.set(&place(&draft, "Width is in"), "average");
        assert!(draft.look_for().is_ok());
        draft.set(&place(&draft, "Multiple"), "x");
        assert_eq!(draft.look_for().unwrap_err(), "Multiple: \"x\" is not a number");
    }

    #[test]
    fn parts_come_and_go() {
        let mut draft = draft("weighted");
        let n_parts = |draft: &SignalDraft| {
            let LookFor::Weighted(vote) = draft.look_for().unwrap() else { panic!("another kind") };
            vote.parts.len()
        };
        let first = n_parts(&draft);
        (0..9).for_each(|_| {
            let add = draft.places().into_iter().find(|place| place.control == Control::AddPart);
            add.into_iter().for_each(|place| draft.set(&place, ""));
        });
        assert_eq!(n_parts(&draft), 8);
        draft.set(&place(&draft, "Part 2"), "all");
        draft.set(&place(&draft, "Remove part 1"), "");
        assert_eq!(n_parts(&draft), 7);
        assert!(draft.places().iter().any(|place| place.label == "Part 1.2"), "parts of a part are numbered below it");
        assert!(first >= 2);
    }
}
