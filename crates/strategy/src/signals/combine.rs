//! Combinations of conditions: all, any, a weighted vote.

use model::alert::signal::{All, Any, LookFor, Weighted, WeightedPart};

use crate::signals::{
    compile::Compiler,
    error::SignalError,
    kinds::{self, Template},
    leaf::Reach,
    node::{Node, Part, Sides, Slot},
};

/// How parts become one.
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
    /// Takes in what the parts fire, each `None` while it is not known, and for which sides they hold.
    pub(crate) fn step(
        self,
        parts: &[Part],
        fires: &[Option<Sides>],
        holds: &[Sides],
        slot: &mut Slot,
    ) -> Option<Sides> {
        if self == Self::Any {
            return fires.iter().flatten().copied().reduce(Sides::or);
        }
        let [buy, sell, neutral] = slot;
        if fires.iter().any(Option::is_none) {
            [buy, sell, neutral].into_iter().for_each(|held| held.skip());
            return None;
        }
        Some(match self {
            Self::Weighted { threshold } => {
                let mut sides = holds.iter().copied();
                let score = Self::score(parts, |_| sides.next().unwrap_or_default());
                Sides {
                    buy: buy.step(Reach::above(score, threshold)),
                    sell: sell.step(Reach::below(score, -threshold)),
                    neutral: false,
                }
            }
            Self::All | Self::Any => {
                let every = |of: fn(&Sides) -> bool| holds.iter().all(of);
                let some = |of: fn(&Sides) -> bool| holds.iter().any(of);
                let is_buy = every(|sides| sides.buy || sides.neutral) && some(|sides| sides.buy);
                let is_sell = every(|sides| sides.sell || sides.neutral) && some(|sides| sides.sell);
                Sides {
                    buy: buy.step(Reach::when(is_buy)),
                    sell: sell.step(Reach::when(is_sell)),
                    neutral: neutral.step(Reach::when(every(|sides| sides.neutral && !sides.buy && !sides.sell))),
                }
            }
        })
    }

    /// Returns the weights for buy less those for sell, divided by all: -1 to 1. `holds` is asked part by part.
    pub(crate) fn score(parts: &[Part], mut holds: impl FnMut(&Node) -> Sides) -> f64 {
        let vote = |sides: Sides| f64::from(i8::from(sides.buy) - i8::from(sides.sell));
        let (sum, all) = parts
            .iter()
            .fold((0.0, 0.0), |(sum, all), part| (sum + part.weight * vote(holds(&part.node)), all + part.weight));
        sum / all
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

/// What the page begins with.
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
