//! An alert rule as a form holds it: texts as typed, read into a rule when it is saved or tried. Pure.
//!
//! The fields of a condition come from `CONDITION_KINDS`. Not here: checks that the server makes as well.

use model::{
    alert::{
        channel::ChannelId,
        condition::{
            Condition, Direction,
            kinds::{CONDITION_KINDS, ConditionKind, Field, FieldKind, Scope},
        },
        notice::Severity,
        rule::{AlertRule, Frequency, Join, MAX_CONDITIONS},
        rule_id::RuleId,
    },
    candle::Interval,
    decimal::Price,
    instrument::InstrumentId,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use crate::pages::desk::typed;

/// A rule in a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The rule that is changed; `None` for a new one.
    pub of: Option<RuleId>,
    /// Its name; empty: made of its conditions.
    pub name: String,
    /// Its market; `None` where it watches all, or none.
    pub instrument: Option<InstrumentId>,
    /// One to [`MAX_CONDITIONS`] conditions.
    pub conditions: Vec<ConditionDraft>,
    /// Combination of several conditions.
    pub join: Join,
    /// Firing frequency: a word of [`FREQUENCIES`].
    pub frequency: &'static str,
    /// Bars of the frequency.
    pub interval: Interval,
    /// Cool-down in seconds.
    pub cool_down: String,
    /// Time that it has to hold, in seconds.
    pub pending_for: String,
    /// Severity of its alerts.
    pub severity: Severity,
    /// Channels of its alerts besides the page.
    pub channels: Vec<ChannelId>,
    /// True to play a sound.
    pub has_sound: bool,
    /// Its end.
    pub expiry: Expiry,
    /// The text of its alerts; empty: its sentence.
    pub message: String,
    /// True to be delivered in quiet hours.
    pub ignores_quiet_hours: bool,
}

/// A condition in a form.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionDraft {
    /// Unique in the form: a condition keeps its controls while others come and go.
    pub key: u32,
    /// Kind of the condition.
    pub kind: &'static ConditionKind,
    /// One text a field of the kind.
    pub values: Vec<String>,
}

/// The end of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    Never,
    /// This many hours after it is saved.
    Hours(u32),
    /// The time that it had before it was opened for changes.
    At(Timestamp),
}

/// The frequencies, each with its words.
pub const FREQUENCIES: &[(&str, &str)] = &[
    ("once", "once, then it is done"),
    ("once_per_bar", "once per bar"),
    ("once_per_bar_close", "once per bar close"),
    ("once_per_minute", "once per minute"),
    ("every", "every time"),
];

/// The choices of an end in hours, each with its words.
pub const EXPIRIES: &[(u32, &str)] = &[(1, "in 1 hour"), (24, "in 1 day"), (168, "in 1 week")];

impl Default for Draft {
    fn default() -> Self {
        Self {
            of: None,
            name: String::new(),
            instrument: None,
            conditions: vec![ConditionDraft::new(0, &CONDITION_KINDS[0])],
            join: Join::All,
            frequency: FREQUENCIES[0].0,
            interval: Interval::M15,
            cool_down: "60".to_owned(),
            pending_for: "0".to_owned(),
            severity: Severity::Info,
            channels: Vec::new(),
            has_sound: true,
            expiry: Expiry::Never,
            message: String::new(),
            ignores_quiet_hours: false,
        }
    }
}

impl Draft {
    /// Returns a new rule with one condition on an instrument.
    pub fn new(instrument: Option<InstrumentId>) -> Self {
        Self { instrument, ..Self::default() }
    }

    /// Returns a rule opened for changes.
    pub fn of(rule: &AlertRule) -> Self {
        let known = Self::default();
        let (frequency, interval, cool_down) = match rule.frequency {
            Frequency::Once => ("once", known.interval, known.cool_down),
            Frequency::OncePerBar { interval } => ("once_per_bar", interval, known.cool_down),
            Frequency::OncePerBarClose { interval } => ("once_per_bar_close", interval, known.cool_down),
            Frequency::OncePerMinute => ("once_per_minute", known.interval, known.cool_down),
            Frequency::Every { cool_down_s } => ("every", known.interval, cool_down_s.to_string()),
        };
        Self {
            of: Some(rule.rule_id.clone()),
            name: rule.name.clone(),
            instrument: rule.instrument.clone(),
            conditions: (0..).zip(&rule.conditions).map(|(key, own)| ConditionDraft::of(key, own)).collect(),
            join: rule.join,
            frequency,
            interval,
            cool_down,
            pending_for: rule.pending_for_s.to_string(),
            severity: rule.severity,
            channels: rule.channels.clone(),
            has_sound: rule.has_sound,
            expiry: rule.expires.map_or(Expiry::Never, Expiry::At),
            message: rule.message.clone().unwrap_or_default(),
            ignores_quiet_hours: rule.ignores_quiet_hours,
        }
    }

    /// Returns what its conditions together say about an instrument.
    pub fn scope(&self) -> Scope {
        let has = |scope: Scope| self.conditions.iter().any(|condition| condition.kind.scope == scope);
        match () {
            () if has(Scope::Instrument) => Scope::Instrument,
            () if has(Scope::Optional) => Scope::Optional,
            () => Scope::None,
        }
    }

    /// Adds a condition; a full rule takes no more.
    pub fn add(&mut self) {
        let next = self.conditions.iter().map(|condition| condition.key).max().map_or(0, |last| last + 1);
        if self.conditions.len() < MAX_CONDITIONS {
            self.conditions.push(ConditionDraft::new(next, &CONDITION_KINDS[0]));
        }
    }

    /// Returns the condition of a key.
    pub fn condition(&self, key: u32) -> Option<&ConditionDraft> {
        self.conditions.iter().find(|condition| condition.key == key)
    }

    /// Returns the condition of a key, to change it.
    pub fn condition_mut(&mut self, key: u32) -> Option<&mut ConditionDraft> {
        self.conditions.iter_mut().find(|condition| condition.key == key)
    }

    /// Returns the name that a rule without one gets (`BTCUSDT: Price crosses a level`).
    pub fn default_name(&self) -> String {
        let titles: Vec<&str> = self.conditions.iter().map(|condition| condition.kind.title).collect();
        let what = titles.join(", ");
        match self.instrument.as_ref().filter(|_| self.scope() != Scope::None) {
            Some(instrument) => format!("{}: {what}", instrument.symbol()),
            None => what,
        }
    }

    /// Reads the rule; `fresh` is the name of a new one.
    ///
    /// # Errors
    /// A sentence that names the unreadable field and the reason.
    pub fn rule(&self, fresh: &str, now: Timestamp) -> Result<AlertRule, String> {
        let scope = self.scope();
        if scope == Scope::Instrument && self.instrument.is_none() {
            return Err("Choose an instrument.".to_owned());
        }
        let conditions = self.conditions.iter().map(ConditionDraft::condition).collect::<Result<_, _>>()?;
        let seconds = |what: &str, text: &str| {
            let number: Result<u32, _> = typed::plain(text).parse();
            number.map_err(|_| format!("{what}: {text:?} is not a number of seconds"))
        };
        let interval = self.interval;
        let frequency = match self.frequency {
            "once_per_bar" => Frequency::OncePerBar { interval },
            "once_per_bar_close" => Frequency::OncePerBarClose { interval },
            "once_per_minute" => Frequency::OncePerMinute,
            "every" => Frequency::Every { cool_down_s: seconds("Cool-down", &self.cool_down)? },
            _ => Frequency::Once,
        };
        let rule_id = match &self.of {
            Some(rule_id) => rule_id.clone(),
            None => RuleId::parse(fresh).map_err(|error| error.to_string())?,
        };
        let name = self.name.trim();
        Ok(AlertRule {
            rule_id,
            version: 0,
            name: if name.is_empty() { self.default_name().chars().take(80).collect() } else { name.to_owned() },
            instrument: self.instrument.clone().filter(|_| scope != Scope::None),
            conditions,
            join: self.join,
            frequency,
            pending_for_s: seconds("Has to hold for", &self.pending_for)?,
            severity: self.severity,
            channels: self.channels.clone(),
            has_sound: self.has_sound,
            expires: match self.expiry {
                Expiry::Never => None,
                Expiry::Hours(hours) => Some(Timestamp::from_millis(now.as_millis() + i64::from(hours) * 3_600_000)),
                Expiry::At(time) => Some(time),
            },
            message: Some(self.message.trim().to_owned()).filter(|message| !message.is_empty()),
            ignores_quiet_hours: self.ignores_quiet_hours,
        })
    }
}

/// Returns a rule that fires once when the price of an instrument crosses a level, from whichever side.
pub fn price_alert(rule_id: RuleId, instrument: InstrumentId, level: Price) -> AlertRule {
    AlertRule {
        rule_id,
        version: 0,
        name: format!("{} crosses {level}", instrument.symbol()),
        instrument: Some(instrument),
        conditions: vec![Condition::PriceCrosses { direction: Direction::Either, level, hysteresis: Price::ZERO }],
        join: Join::All,
        frequency: Frequency::Once,
        pending_for_s: 0,
        severity: Severity::Info,
        channels: Vec::new(),
        has_sound: true,
        expires: None,
        message: None,
        ignores_quiet_hours: false,
    }
}

impl ConditionDraft {
    /// Returns a condition with its kind's defaults.
    pub fn new(key: u32, kind: &'static ConditionKind) -> Self {
        let text = |field: &Field| serde_json::from_str(field.default).map_or_else(|_| String::new(), text_of);
        Self { key, kind, values: kind.fields.iter().map(text).collect() }
    }

    /// Returns a condition opened for changes.
    pub fn of(key: u32, condition: &Condition) -> Self {
        let (kind, written) = (condition.kind(), serde_json::to_value(condition).unwrap_or_default());
        let text = |field: &Field| written.get(field.name).cloned().map_or_else(String::new, text_of);
        Self { key, kind, values: kind.fields.iter().map(text).collect() }
    }

    /// Returns the text of the field of a name.
    pub fn value(&self, name: &str) -> &str {
        let at = self.kind.fields.iter().position(|field| field.name == name);
        at.and_then(|at| self.values.get(at)).map_or("", String::as_str)
    }

    /// Changes the kind. Fields of the same name keep what was typed.
    pub fn set_kind(&mut self, kind: &'static ConditionKind) {
        let mut next = Self::new(self.key, kind);
        for (field, value) in kind.fields.iter().zip(&mut next.values) {
            let before = self.kind.fields.iter().find(|known| *known == field).map(|known| self.value(known.name));
            if let Some(text) = before.filter(|text| !text.is_empty()) {
                text.clone_into(value);
            }
        }
        *self = next;
    }

    /// Reads the condition.
    ///
    /// # Errors
    /// A sentence that names the unreadable field and the reason.
    pub fn condition(&self) -> Result<Condition, String> {
        let mut body = Map::from_iter([("kind".to_owned(), json!(self.kind.name))]);
        for (field, text) in self.kind.fields.iter().zip(&self.values) {
            match read(field, text.trim())? {
                Some(value) => drop(body.insert(field.name.to_owned(), value)),
                None if field.is_optional => {}
                None => return Err(format!("{}: {} is empty", self.kind.title, field.title)),
            }
        }
        serde_json::from_value(Value::Object(body)).map_err(|error| format!("{}: {error}", self.kind.title))
    }
}

/// Reads a field; `None` where nothing is typed.
fn read(field: &Field, text: &str) -> Result<Option<Value>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |what: &str| Err(format!("{}: {text:?} is not {what}", field.title));
    let plain = typed::plain(text);
    Ok(Some(match field.kind {
        FieldKind::Price | FieldKind::Decimal => match Price::parse(&plain) {
            Ok(_) => json!(plain),
            Err(_) => return bad("a number, as in 61602.5"),
        },
        FieldKind::Number { min, max } => match plain.parse::<f64>() {
            Ok(number) if (min..=max).contains(&number) => json!(number),
            _ if max >= f64::MAX => return bad("a number"),
            _ => return bad(&format!("a number from {min} to {max}")),
        },
        FieldKind::Integer { min, max } => match plain.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => json!(number),
            _ if max == u64::MAX => return bad("a whole number above zero"),
            _ => return bad(&format!("a whole number from {min} to {max}")),
        },
        FieldKind::Flag => json!(text == "true"),
        FieldKind::MoveSize => match Price::parse(plain.trim_end_matches('%')) {
            Ok(_) if plain.ends_with('%') => json!({ "percent": plain.trim_end_matches('%') }),
            Ok(_) => json!({ "absolute": plain }),
            Err(_) => return bad("a number, as in 1.5"),
        },
        FieldKind::Choice(_)
        | FieldKind::Interval
        | FieldKind::Spec
        | FieldKind::SignalRule
        | FieldKind::Account
        | FieldKind::Venue => json!(text),
    }))
}

/// Returns a value as a control shows it; a move in percent ends in `%`.
fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Object(members) => match members.into_iter().next() {
            Some((unit, size)) if unit == "percent" => format!("{}%", text_of(size)),
            Some((_, size)) => text_of(size),
            None => String::new(),
        },
        Value::Null => String::new(),
        // 10.0 as people write it.
        Value::Number(number) => {
            number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), |number| number.to_string())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_000)
    }

    /// A form in which a person has filled what has no default.
    fn filled(kind: &'static ConditionKind) -> Draft {
        let mut draft = Draft::new(InstrumentId::parse("demo:BTC-SIM").ok());
        draft.conditions[0].set_kind(kind);
        for (field, value) in kind.fields.iter().zip(&mut draft.conditions[0].values) {
            if value.is_empty() && !field.is_optional {
                "62 000,5".clone_into(value);
            }
        }
        draft
    }

    #[test]
    fn every_kind_is_saved_from_its_form_and_opened_again() {
        for kind in CONDITION_KINDS {
            let draft = filled(kind);
            let rule = draft.rule("a-1", now()).unwrap_or_else(|error| panic!("{}: {error}", kind.name));
            assert_eq!(rule.conditions[0].kind().name, kind.name);
            assert_eq!(rule.instrument.is_some(), kind.scope != Scope::None, "{}", kind.name);
            let again = Draft::of(&rule);
            assert_eq!(again.rule("other", now()).unwrap(), rule, "{}", kind.name);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut Draft), words: &str) {
            let mut draft = filled(&CONDITION_KINDS[0]);
            change(&mut draft);
            let error = draft.rule("a-1", now()).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        check(|draft| draft.conditions[0].values[1].clear(), "Price crosses a level: Level is empty");
        check(|draft| draft.conditions[0].values[1] = "high".to_owned(), "Level: \"high\" is not a number");
        check(|draft| draft.instrument = None, "Choose an instrument");
        check(|draft| draft.pending_for = "long".to_owned(), "Has to hold for: \"long\"");
        check(|draft| (draft.frequency, draft.cool_down) = ("every", "x".to_owned()), "Cool-down: \"x\"");
        check(
            |draft| {
                draft.conditions[0].set_kind(model::alert::condition::kinds::find("repeated_errors").unwrap());
                draft.conditions[0].values[0] = "0".to_owned();
            },
            "Errors: \"0\" is not a whole number from 1 to 1000",
        );
    }

    #[test]
    fn the_rest_of_a_rule_is_read() {
        let mut draft = filled(&CONDITION_KINDS[0]);
        draft.add();
        (draft.frequency, draft.interval) = ("once_per_bar_close", Interval::H1);
        (draft.expiry, draft.severity, draft.message) = (Expiry::Hours(24), Severity::Critical, " {what} ".to_owned());
        draft.conditions[1].values[1] = "1".to_owned();
        let rule = draft.rule("a-1", now()).unwrap();
        assert_eq!(rule.frequency, Frequency::OncePerBarClose { interval: Interval::H1 });
        assert_eq!(rule.expires, Some(Timestamp::from_millis(86_401_000)));
        assert_eq!((rule.message.as_deref(), rule.severity), (Some("{what}"), Severity::Critical));
        assert_eq!(rule.name, "BTC-SIM: Price crosses a level, Price crosses a level");
        let again = Draft::of(&rule);
        assert_eq!(
            (again.expiry, again.frequency),
            (Expiry::At(Timestamp::from_millis(86_401_000)), "once_per_bar_close")
        );
        (0..9).for_each(|_| draft.add());
        assert_eq!(draft.conditions.len(), MAX_CONDITIONS);
    }

    #[test]
    fn a_move_is_percent_or_an_amount() {
        let mut draft = filled(model::alert::condition::kinds::find("price_move").unwrap());
        assert_eq!(draft.conditions[0].value("by"), "1%");
        for (typed, written) in [("1,5%", json!({"percent": "1.5"})), ("100", json!({"absolute": "100"}))] {
            draft.conditions[0].values[1] = typed.to_owned();
            let condition = draft.conditions[0].condition().unwrap();
            assert_eq!(serde_json::to_value(&condition).unwrap()["by"], written);
        }
    }

    #[test]
    fn another_kind_keeps_fields_of_the_same_meaning() {
        let mut draft = filled(&CONDITION_KINDS[0]);
        draft.conditions[0].values[1] = "5".to_owned();
        draft.conditions[0].set_kind(&CONDITION_KINDS[1]);
        assert_eq!(draft.conditions[0].value("level"), "5");
    }
}
