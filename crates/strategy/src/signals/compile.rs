//! Checks of rules: each number in its range, each indicator known, each combination of a fair size.

use std::ops::RangeInclusive;

use indicators::spec::Spec;
use model::{
    alert::signal::{Line, LookFor, SignalRule},
    candle::Interval,
};

use crate::signals::{
    columns::{Column, Columns, Source},
    combine::Combination,
    error::SignalError,
    kinds,
    node::{Node, Part},
};

/// A checked rule.
pub(crate) struct Compiled {
    pub(crate) columns: Columns,
    pub(crate) root: Node,
    pub(crate) n_slots: usize,
    /// Bars before that the rule reads.
    pub(crate) n_back: usize,
}

/// Checks a rule.
///
/// # Errors
/// A part of it makes no sense.
pub(crate) fn compile(rule: &SignalRule) -> Result<Compiled, SignalError> {
    let n_characters = rule.name.chars().count();
    if !(1..=MAX_NAME).contains(&n_characters) {
        let remedy = format!("write 1 to {MAX_NAME} characters");
        return Err(SignalError { field: "name".to_owned(), value: format!("{n_characters} characters long"), remedy });
    }
    let mut columns = Columns::new(rule.interval);
    let mut compiler = Compiler {
        interval: rule.interval,
        columns: &mut columns,
        path: "look_for".to_owned(),
        depth: 0,
        n_slots: 0,
        n_back: 0,
    };
    let root = kinds::compile(&rule.look_for, &mut compiler)?;
    let (n_slots, n_back) = (compiler.n_slots, compiler.n_back);
    let n_back = n_back.max(columns.longest_window());
    Ok(Compiled { columns, root, n_slots, n_back })
}

/// Compiler with which kinds check their settings.
pub(crate) struct Compiler<'a> {
    interval: Interval,
    columns: &'a mut Columns,
    /// Path in the rule to the part being compiled.
    path: String,
    depth: usize,
    n_slots: usize,
    n_back: usize,
}

impl Compiler<'_> {
    /// Returns the error of a field.
    pub(crate) fn error(&self, field: &str, value: impl ToString, remedy: impl Into<String>) -> SignalError {
        let field = format!("{}.{field}", self.path);
        SignalError { field, value: value.to_string(), remedy: remedy.into() }
    }

    /// Checks a number of bars or levels.
    pub(crate) fn count(&self, field: &str, value: u32, range: RangeInclusive<u32>) -> Result<usize, SignalError> {
        if !range.contains(&value) {
            let remedy = format!("write a whole number from {} to {}", range.start(), range.end());
            return Err(self.error(field, value, remedy));
        }
        Ok(value as usize)
    }

    /// Checks a number above 0.
    pub(crate) fn positive(&self, field: &str, value: f64, max: f64) -> Result<f64, SignalError> {
        if value > 0.0 && value <= max {
            return Ok(value);
        }
        Err(self.error(field, value, format!("write a number above 0, at most {max}")))
    }

    /// Checks a multiple.
    pub(crate) fn multiple(&self, field: &str, value: f64) -> Result<f64, SignalError> {
        if value > 1.0 && value <= MAX_MULTIPLE {
            return Ok(value);
        }
        Err(self.error(field, value, format!("write a number above 1, at most {MAX_MULTIPLE}")))
    }

    /// Checks a finite number.
    pub(crate) fn finite(&self, field: &str, value: f64) -> Result<f64, SignalError> {
        if value.is_finite() { Ok(value) } else { Err(self.error(field, value, "write a finite number")) }
    }

    /// Returns how many whole bars a span of seconds has.
    pub(crate) fn bars_of(&self, field: &str, seconds: u32) -> Result<usize, SignalError> {
        let length = u32::try_from(self.interval.duration().as_secs()).unwrap_or(u32::MAX);
        let n_bars = seconds / length;
        if !seconds.is_multiple_of(length) || !(1..=MAX_BARS).contains(&n_bars) {
            let most = length.saturating_mul(MAX_BARS);
            let remedy = format!("write a multiple of {length} (bars of {}), at most {most}", self.interval);
            return Err(self.error(field, seconds, remedy));
        }
        Ok(n_bars as usize)
    }

    /// Returns the column of a source.
    pub(crate) fn column(&mut self, source: Source) -> Column {
        self.columns.add(source)
    }

    /// Returns the column of a line.
    pub(crate) fn line(&mut self, field: &str, line: &Line) -> Result<Column, SignalError> {
        let source = match line {
            Line::Price => Source::Close,
            Line::Level(level) => Source::Level(self.finite(field, *level)?),
            Line::Spread => Source::Spread,
            Line::Imbalance => Source::Imbalance(1),
            Line::Indicator(text) => {
                let shown: String = text.chars().take(indicators::spec::MAX_BYTES).collect();
                let wrong = |remedy: String| self.error(field, shown, remedy);
                let (spec, output) = match Spec::parse_output(text) {
                    Ok(parsed) => parsed,
                    Err(error) => return Err(wrong(error.to_string())),
                };
                if !self.columns.has_room_for(&spec) {
                    return Err(wrong(format!("a rule reads at most {MAX_INDICATORS} different indicators")));
                }
                return Ok(self.columns.add_indicator(&spec, output));
            }
        };
        Ok(self.column(source))
    }

    /// Returns the column of a line that moves.
    pub(crate) fn moving_line(&mut self, field: &str, line: &Line) -> Result<Column, SignalError> {
        match line {
            Line::Level(level) => {
                Err(self.error(field, format!("the level {level}"), "choose the price or an indicator"))
            }
            line => self.line(field, line),
        }
    }

    /// Says that a kind looks at this many bars before.
    pub(crate) fn looks_back(&mut self, n_bars: usize) {
        self.n_back = self.n_back.max(n_bars);
    }

    /// Returns the place of a node's memory.
    pub(crate) fn slot(&mut self) -> usize {
        self.n_slots += 1;
        self.n_slots - 1
    }

    /// Combines parts, each with its weight.
    pub(crate) fn combined(
        &mut self,
        combination: Combination,
        parts: Vec<(f64, &LookFor)>,
    ) -> Result<Node, SignalError> {
        if !(2..=MAX_PARTS).contains(&parts.len()) {
            let value = format!("a list of {}", parts.len());
            return Err(self.error("parts", value, format!("combine 2 to {MAX_PARTS} conditions")));
        }
        if self.depth == MAX_DEPTH {
            let value = "a combination in a combination of a combination";
            return Err(self.error("parts", value, format!("nest at most {MAX_DEPTH} deep")));
        }
        let slot = self.slot();
        let path = self.path.clone();
        self.depth += 1;
        let mut nodes = Vec::with_capacity(parts.len());
        for (idx, (weight, look_for)) in parts.into_iter().enumerate() {
            self.path = format!("{path}.parts[{idx}]");
            let node = kinds::compile(look_for, self)?;
            if matches!(combination, Combination::Weighted { .. }) && node.is_neutral() {
                let remedy = "choose a part that says buy or sell";
                return Err(SignalError {
                    field: self.path.clone(),
                    value: format!("{}, which is neutral", look_for.kind()),
                    remedy: remedy.to_owned(),
                });
            }
            nodes.push(Part { node, weight });
        }
        self.depth -= 1;
        self.path = path;
        Ok(Node::Combined { combination, parts: nodes, slot })
    }
}

/// Longest name of a rule, in characters.
const MAX_NAME: usize = 80;
/// Longest window, in bars.
pub(crate) const MAX_BARS: u32 = 500;
/// Different indicators of a rule: each keeps some hundred bars.
pub(crate) const MAX_INDICATORS: usize = 16;
/// Largest multiple of a mean.
const MAX_MULTIPLE: f64 = 1_000.0;
/// Parts of a combination.
const MAX_PARTS: usize = 8;
/// Combinations inside each other.
const MAX_DEPTH: usize = 2;
