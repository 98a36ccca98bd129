//! The list of conditions with their fields, from which the page makes its forms and the documents their tables.
//!
//! Over 500 lines: it is one list.

use serde::Serialize;

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionKind {
    /// Its `kind` in JSON.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// One sentence: when it fires.
    pub summary: &'static str,
    /// Its group in a form.
    pub group: ConditionGroup,
    /// Instrument requirement of its rule.
    pub scope: Scope,
    /// Its members in JSON, in the order of a form.
    pub fields: &'static [Field],
}

/// Groups of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConditionGroup {
    /// Of the last price.
    Price,
    /// Of bars and indicators.
    Indicator,
    /// Of signals.
    Signal,
    /// Of the trading desk.
    Desk,
    /// Of feeds, recordings and the disk.
    System,
}

impl ConditionGroup {
    /// Returns the name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Price => "Price",
            Self::Indicator => "Indicators and bars",
            Self::Signal => "Signals",
            Self::Desk => "Trading desk",
            Self::System => "System",
        }
    }
}

/// Instrument requirement of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The rule must name one.
    Instrument,
    /// The rule may name one; without one the condition is about all.
    Optional,
    /// An instrument has no meaning for it.
    None,
}

/// A member of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The unit behind the value; empty where there is none.
    pub unit: &'static str,
    /// Kind of value that it takes.
    pub kind: FieldKind,
    /// Initial value in a form, as JSON; empty where a person must give it or it may be absent.
    pub default: &'static str,
    /// True where it may be absent.
    pub is_optional: bool,
}

/// Kind of value that a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A price of the instrument, as text.
    Price,
    /// A decimal number, as text.
    Decimal,
    /// A number of this range.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// A whole number of this range.
    Integer {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// One of these, each with its name for people.
    Choice(&'static [(&'static str, &'static str)]),
    /// Yes or no.
    Flag,
    /// Size of a price move: percent or an absolute amount.
    MoveSize,
    /// A length of bars.
    Interval,
    /// An indicator, or one of its outputs.
    Spec,
    /// A signal rule.
    SignalRule,
    /// An account.
    Account,
    /// A venue.
    Venue,
}

/// Returns the entry of a kind.
pub fn find(name: &str) -> Option<&'static ConditionKind> {
    CONDITION_KINDS.iter().find(|kind| kind.name == name)
}

const fn required(
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    kind: FieldKind,
    default: &'static str,
) -> Field {
    Field { name, title, unit, kind, default, is_optional: false }
}

const fn optional(name: &'static str, title: &'static str, unit: &'static str, kind: FieldKind) -> Field {
    Field { name, title, unit, kind, default: "", is_optional: true }
}

const DIRECTION: Field = required(
    "direction",
    "Direction",
    "",
    FieldKind::Choice(&[("up", "upwards"), ("down", "downwards"), ("either", "either way")]),
    "\"either\"",
);
const LEVEL: Field = required("level", "Level", "", FieldKind::Price, "");
const HYSTERESIS: Field = Field {
    name: "hysteresis",
    title: "Re-arms after leaving by",
    unit: "",
    kind: FieldKind::Price,
    default: "\"0\"",
    is_optional: true,
};
const INTERVAL: Field = required("interval", "Bars", "", FieldKind::Interval, "\"15m\"");
const ON: Field = Field {
    name: "on",
    title: "Looks at",
    unit: "",
    kind: FieldKind::Choice(&[("close", "closed bars"), ("forming", "the forming bar as well")]),
    default: "\"close\"",
    is_optional: true,
};
const ACCOUNT: Field = optional("account", "Account", "", FieldKind::Account);
const VENUE: Field = optional("venue", "Venue", "", FieldKind::Venue);
const WINDOW: Field = required("window_s", "Within", "s", FieldKind::Integer { min: 1, max: MAX_SPAN_S }, "300");

/// Longest span of time in a condition, in seconds.
pub const MAX_SPAN_S: u64 = 86_400;

/// All conditions, in the order of a form.
pub const CONDITION_KINDS: &[ConditionKind] = &[
    ConditionKind {
        name: "price_crosses",
        title: "Price crosses a level",
        summary: "The last price reaches the level from the other side.",
        group: ConditionGroup::Price,
        scope: Scope::Instrument,
        fields: &[DIRECTION, LEVEL, HYSTERESIS],
    },
    ConditionKind {
        name: "price_above",
        title: "Price is above a level",
        summary: "Holds while the last price is at or above the level.",
        group: ConditionGroup::Price,
        scope: Scope::Instrument,
        fields: &[LEVEL, HYSTERESIS],
    },
    ConditionKind {
        name: "price_below",
        title: "Price is below a level",
        summary: "Holds while the last price is at or below the level.",
        group: ConditionGroup::Price,
        scope: Scope::Instrument,
        fields: &[LEVEL, HYSTERESIS],
    },
    ConditionKind {
        name: "channel",
        title: "Price and a channel",
        summary: "The last price enters or leaves a channel, or holds while it is inside or outside; its edges belong to it.",
        group: ConditionGroup::Price,
        scope: Scope::Instrument,
        fields: &[
            required(
                "event",
                "Price is",
                "",
                FieldKind::Choice(&[
                    ("entering", "entering"),
                    ("exiting", "exiting"),
                    ("inside", "inside"),
                    ("outside", "outside"),
                ]),
                "\"exiting\"",
            ),
            required("low", "Lower edge", "", FieldKind::Price, ""),
            required("high", "Upper edge", "", FieldKind::Price, ""),
        ],
    },
    ConditionKind {
        name: "price_move",
        title: "Price moves",
        summary: "The last price is this far from the lowest (upwards) or highest (downwards) price of the span.",
        group: ConditionGroup::Price,
        scope: Scope::Instrument,
        fields: &[DIRECTION, required("by", "By", "", FieldKind::MoveSize, "{\"percent\":\"1\"}"), WINDOW],
    },
    ConditionKind {
        name: "spread_above",
        title: "Spread is wide",
        summary: "Holds while best bid and ask are at least this far apart.",
        group: ConditionGroup::Price,
        scope: Scope::Instrument,
        fields: &[required("bps", "Spread", "bps", FieldKind::Number { min: 0.0, max: 10_000.0 }, "10.0")],
    },
    ConditionKind {
        name: "indicator_level",
        title: "Indicator reaches a level",
        summary: "An indicator reaches the level from the other side.",
        group: ConditionGroup::Indicator,
        scope: Scope::Instrument,
        fields: &[
            INTERVAL,
            required("spec", "Indicator", "", FieldKind::Spec, "\"rsi(14)\""),
            DIRECTION,
            required("level", "Level", "", FieldKind::Number { min: f64::MIN, max: f64::MAX }, "70.0"),
            Field {
                name: "hysteresis",
                title: "Re-arms after leaving by",
                unit: "",
                kind: FieldKind::Number { min: 0.0, max: f64::MAX },
                default: "0.0",
                is_optional: true,
            },
            ON,
        ],
    },
    ConditionKind {
        name: "indicator_cross",
        title: "Indicator crosses another",
        summary: "The first indicator crosses the second.",
        group: ConditionGroup::Indicator,
        scope: Scope::Instrument,
        fields: &[
            INTERVAL,
            required("fast", "Indicator", "", FieldKind::Spec, "\"ema(12)\""),
            required("slow", "Crosses", "", FieldKind::Spec, "\"ema(26)\""),
            DIRECTION,
            ON,
        ],
    },
    ConditionKind {
        name: "volume_burst",
        title: "Volume burst",
        summary: "The forming bar's volume reaches a multiple of the mean of the bars before it.",
        group: ConditionGroup::Indicator,
        scope: Scope::Instrument,
        fields: &[
            INTERVAL,
            required("n_bars", "Bars of the mean", "", FieldKind::Integer { min: 1, max: 1_000 }, "20"),
            required("factor", "Multiple", "×", FieldKind::Number { min: 1.0, max: 1_000.0 }, "3.0"),
        ],
    },
    ConditionKind {
        name: "signal",
        title: "Signal appears",
        summary: "A signal rule gives a signal.",
        group: ConditionGroup::Signal,
        scope: Scope::Optional,
        fields: &[
            optional("signal_rule", "Signal rule", "", FieldKind::SignalRule),
            optional(
                "side",
                "Side",
                "",
                FieldKind::Choice(&[("buy", "buy"), ("sell", "sell"), ("neutral", "neutral")]),
            ),
            Field {
                name: "confirmed_only",
                title: "Confirmed ones only",
                unit: "",
                kind: FieldKind::Flag,
                default: "true",
                is_optional: true,
            },
        ],
    },
    ConditionKind {
        name: "position",
        title: "Position changes",
        summary: "A position of the desk is opened or closed, or holds while it is at least of a size.",
        group: ConditionGroup::Desk,
        scope: Scope::Optional,
        fields: &[
            required(
                "event",
                "Position is",
                "",
                FieldKind::Choice(&[("opened", "opened"), ("closed", "closed"), ("above", "at least")]),
                "\"opened\"",
            ),
            optional("size", "Size", "base units", FieldKind::Decimal),
            ACCOUNT,
        ],
    },
    ConditionKind {
        name: "pnl",
        title: "Profit or loss",
        summary: "Profit and loss of the account, or of the rule's instrument, reaches an amount.",
        group: ConditionGroup::Desk,
        scope: Scope::Optional,
        fields: &[
            required(
                "figure",
                "Figure",
                "",
                FieldKind::Choice(&[
                    ("unrealised", "unrealised"),
                    ("realised", "realised"),
                    ("day", "of the day"),
                    ("total", "total"),
                ]),
                "\"unrealised\"",
            ),
            DIRECTION,
            required("level", "Amount", "", FieldKind::Decimal, ""),
            ACCOUNT,
        ],
    },
    ConditionKind {
        name: "order",
        title: "Order changes",
        summary: "An order of the desk is filled, refused, cancelled or expires.",
        group: ConditionGroup::Desk,
        scope: Scope::Optional,
        fields: &[
            required(
                "event",
                "Order is",
                "",
                FieldKind::Choice(&[
                    ("filled", "filled"),
                    ("partially_filled", "partially filled"),
                    ("rejected", "rejected"),
                    ("cancelled", "cancelled"),
                    ("expired", "expired"),
                ]),
                "\"filled\"",
            ),
            ACCOUNT,
        ],
    },
    ConditionKind {
        name: "fill",
        title: "Fill",
        summary: "An order of the desk is filled, wholly or in part.",
        group: ConditionGroup::Desk,
        scope: Scope::Optional,
        fields: &[optional("min_value", "Least value", "quote currency", FieldKind::Decimal), ACCOUNT],
    },
    ConditionKind {
        name: "connection",
        title: "Connection",
        summary: "The connection to a venue is lost or back.",
        group: ConditionGroup::System,
        scope: Scope::None,
        fields: &[
            required(
                "event",
                "Connection is",
                "",
                FieldKind::Choice(&[("lost", "lost"), ("back", "back")]),
                "\"lost\"",
            ),
            VENUE,
        ],
    },
    ConditionKind {
        name: "data_gap",
        title: "Data gap",
        summary: "Data is missing from a feed: a gap in a sequence, or a book that fails its check.",
        group: ConditionGroup::System,
        scope: Scope::Optional,
        fields: &[VENUE],
    },
    ConditionKind {
        name: "stale",
        title: "Feed is stale",
        summary: "Holds while a feed has been stale for this long.",
        group: ConditionGroup::System,
        scope: Scope::Optional,
        fields: &[required("for_s", "For", "s", FieldKind::Integer { min: 1, max: MAX_SPAN_S }, "30")],
    },
    ConditionKind {
        name: "recording",
        title: "Recording ends",
        summary: "A recording could not be written, or it stopped.",
        group: ConditionGroup::System,
        scope: Scope::None,
        fields: &[required(
            "event",
            "Recording",
            "",
            FieldKind::Choice(&[("failed", "failed"), ("stopped", "stopped")]),
            "\"failed\"",
        )],
    },
    ConditionKind {
        name: "disk",
        title: "Disk",
        summary: "Holds while little is free on the disk, or while the desk's journal cannot be written.",
        group: ConditionGroup::System,
        scope: Scope::None,
        fields: &[
            required(
                "event",
                "Disk",
                "",
                FieldKind::Choice(&[("free_below", "has less free than"), ("journal_full", "refuses the journal")]),
                "\"journal_full\"",
            ),
            optional("free_bytes", "Free", "bytes", FieldKind::Integer { min: 1, max: 1 << 50 }),
        ],
    },
    ConditionKind {
        name: "repeated_errors",
        title: "Repeated errors",
        summary: "The server logs many errors in a short time.",
        group: ConditionGroup::System,
        scope: Scope::None,
        fields: &[required("n", "Errors", "", FieldKind::Integer { min: 1, max: 1_000 }, "5"), WINDOW],
    },
];

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::alert::condition::Condition;

    /// A condition as a form makes it of the defaults; `is_full`: with the optional fields.
    fn made(kind: &ConditionKind, is_full: bool) -> Value {
        let mut body = Map::from_iter([("kind".to_owned(), json!(kind.name))]);
        for field in kind.fields.iter().filter(|field| is_full || !field.is_optional) {
            let value = match (field.default, field.kind) {
                ("", FieldKind::Price) => json!("62000.00"),
                ("", FieldKind::Decimal) => json!("1"),
                ("", FieldKind::Integer { min, .. }) => json!(min),
                ("", FieldKind::Choice(choices)) => json!(choices[0].0),
                ("", FieldKind::SignalRule | FieldKind::Account | FieldKind::Venue) => {
                    json!("x")
                }
                (text, _) => serde_json::from_str(text).unwrap(),
            };
            body.insert(field.name.to_owned(), value);
        }
        Value::Object(body)
    }

    #[test]
    fn every_condition_can_be_made_of_its_fields() {
        for kind in CONDITION_KINDS {
            for is_full in [false, true] {
                let body = made(kind, is_full);
                let condition: Condition =
                    serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{body}: {error}"));
                assert_eq!(condition.kind().name, kind.name);
                // Nothing but the listed fields is written, and a full one has all of them.
                let Value::Object(written) = serde_json::to_value(&condition).unwrap() else { panic!("no object") };
                assert!(written.keys().all(|key| key == "kind" || kind.fields.iter().any(|field| field.name == key)));
                if is_full {
                    assert_eq!(Value::Object(written), body, "{}", kind.name);
                }
            }
            let mut strange = made(kind, false);
            strange["strange"] = json!(1);
            assert!(serde_json::from_value::<Condition>(strange).is_err(), "{}", kind.name);
        }
    }

    #[test]
    fn every_choice_is_read() {
        for kind in CONDITION_KINDS {
            for field in kind.fields {
                let FieldKind::Choice(choices) = field.kind else { continue };
                for (choice, _) in choices {
                    let mut body = made(kind, true);
                    body[field.name] = json!(choice);
                    assert!(serde_json::from_value::<Condition>(body).is_ok(), "{} {choice}", kind.name);
                }
            }
        }
    }

    #[test]
    fn the_list_and_the_conditions_agree() {
        let error = serde_json::from_value::<Condition>(json!({"kind": "none"})).unwrap_err().to_string();
        for kind in CONDITION_KINDS {
            assert!(error.contains(&format!("`{}`", kind.name)), "{}: {error}", kind.name);
        }
        assert_eq!(error.matches('`').count() / 2, CONDITION_KINDS.len() + 1, "{error}");
    }
}
