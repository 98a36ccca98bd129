//! Combinations of conditions: all, any, a weighted vote.

use model::alert::signal::{All, Any, LookFor, Weighted, WeightedPart};

use crate::signals::{
    compile::Compiler,
    error::SignalError,
    kinds::{self, Template},
    leaf::Reach,
    node::{Held, Node, Sides, Slot},
};

/// Combination of parts into one condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Combination {
    /// Becomes true when the last of all parts does.
    All,
    /// Fires whenever a part does.
    Any,
    /// Becomes true when the score meets the threshold.
    Weighted { threshold: f64 },
}

impl Combination {
    /// Takes in what the parts say of a bar; `None` while the condition is not known.
    pub(crate) fn step(self, parts: &Tally, slot: &mut Slot) -> Option<Sides> {
        let [buy, sell, neutral] = slot;
        if self == Self::Any {
            return parts.fires;
        }
        if parts.has_unknown {
            [buy, sell, neutral].into_iter().for_each(Held::skip);
            return None;
        }
        Some(match self {
            Self::Weighted { threshold } => Sides {
                buy: buy.step(Reach::above(parts.score(), threshold)),
                sell: sell.step(Reach::below(parts.score(), -threshold)),
                neutral: false,
            },
            Self::All | Self::Any => {
                let Tally { allows, some, .. } = parts;
                Sides {
                    buy: buy.step(Reach::when(allows.buy && some.buy)),
                    sell: sell.step(Reach::when(allows.sell && some.sell)),
                    neutral: neutral.step(Reach::when(allows.neutral)),
                }
            }
        })
    }
}

/// Combined result of the parts of a combination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// Sides that some part fires; `None` while no part is known.
    fires: Option<Sides>,
    has_unknown: bool,
    /// Sides that every part holds for or is neutral about; neutral where every part is only that.
    allows: Sides,
    /// Sides that some part holds for.
    some: Sides,
    /// Weights for buy less those for sell.
    vote: f64,
    /// All weights.
    weights: f64,
}

impl Tally {
    /// Of no parts.
    pub(crate) const EMPTY: Self = Self {
        fires: None,
        has_unknown: false,
        allows: Sides { buy: true, sell: true, neutral: true },
        some: Sides { buy: false, sell: false, neutral: false },
        vote: 0.0,
        weights: 0.0,
    };

    /// Counts a part: what it fires, `None` while it is not known, and for which sides it holds.
    #[must_use]
    pub(crate) fn with(self, weight: f64, fires: Option<Sides>, holds: Sides) -> Self {
        let Self { allows, .. } = self;
        Self {
            fires: match (self.fires, fires) {
                (Some(before), Some(fires)) => Some(before.or(fires)),
                (before, fires) => before.or(fires),
            },
            has_unknown: self.has_unknown || fires.is_none(),
            allows: Sides {
                buy: allows.buy && (holds.buy || holds.neutral),
                sell: allows.sell && (holds.sell || holds.neutral),
                neutral: allows.neutral && holds.neutral && !holds.buy && !holds.sell,
            },
            some: self.some.or(holds),
            vote: self.vote + weight * f64::from(i8::from(holds.buy) - i8::from(holds.sell)),
            weights: self.weights + weight,
        }
    }

    /// Returns the weights for buy less those for sell, divided by all: -1 to 1.
    pub(crate) fn score(&self) -> f64 {
        self.vote / self.weights
    }
}

pub(crate) fn all(settings: &All, compiler: &mut Compiler<'_>) -> Result<Node, SignalError> {
    let parts = settings.parts.iter().map(|part| (1.0, part)).collect();
    compiler.combined(Combination::All, parts)
}

pub(crate) fn any(settings: &Any, compiler: &mut Compiler<'_>) -> Result<Node, SignalError> {
    let parts = settings.parts.iter().map(|part| (1.0, part)).collect();
    compiler.combined(Combination::Any, parts)
}

pub(crate) fn weighted(settings: &Weighted, compiler: &mut Compiler<'_>) -> Result<Node, SignalError> {
    let threshold = compiler.positive("threshold", settings.threshold, 1.0)?;
    for (idx, part) in settings.parts.iter().enumerate() {
        compiler.positive(&format!("parts[{idx}].weight"), part.weight, MAX_WEIGHT)?;
    }
    let parts = settings.parts.iter().map(|part| (part.weight, &part.look_for)).collect();
    compiler.combined(Combination::Weighted { threshold }, parts)
}

pub(crate) fn sentence_of_all(settings: &All) -> String {
    joined(settings.parts.iter(), " and ")
}

pub(crate) fn sentence_of_any(settings: &Any) -> String {
    joined(settings.parts.iter(), " or ")
}

pub(crate) fn sentence_of_weighted(settings: &Weighted) -> String {
    let part = |part: &WeightedPart| format!("{} × {}", part.weight, clause(&part.look_for));
    let parts: Vec<String> = settings.parts.iter().map(part).collect();
    format!("the vote of {} reaches {}", parts.join(", "), settings.threshold)
}

fn joined<'a>(parts: impl Iterator<Item = &'a LookFor>, word: &str) -> String {
    parts.map(clause).collect::<Vec<_>>().join(word)
}

/// Returns the sentence of a part, in brackets if it is a combination itself.
fn clause(part: &LookFor) -> String {
    match part {
        LookFor::All(_) | LookFor::Any(_) | LookFor::Weighted(_) => format!("({})", kinds::sentence(part)),
        _ => kinds::sentence(part),
    }
}

/// Returns the templates that the page starts with.
pub(crate) fn templates() -> [Template; 3] {
    let parts = || [kinds::a_cross(), kinds::a_breakout()].into_iter();
    let weighted = parts().map(|look_for| WeightedPart { weight: 1.0, look_for }).collect();
    [
        Template {
            title: "All of several",
            summary: "All parts hold at once, each for the same side or for none.",
            look_for: LookFor::All(All { parts: parts().collect() }),
        },
        Template {
            title: "Any of several",
            summary: "At least one part fires.",
            look_for: LookFor::Any(Any { parts: parts().collect() }),
        },
        Template {
            title: "Weighted vote",
            summary: "The parts vote for buy or sell, each with its weight.",
            look_for: LookFor::Weighted(Weighted { parts: weighted, threshold: 0.6 }),
        },
    ]
}

/// The largest weight of a part.
const MAX_WEIGHT: f64 = 100.0;
