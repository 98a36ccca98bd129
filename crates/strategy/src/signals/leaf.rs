//! The contract of a kind: where a bar is relative to what the kind waits for.

use model::alert::signal::{Approach, Meaning};

use crate::{
    detect::level,
    signals::{columns::Column, compile::Compiler, error::SignalError, kinds::Template, rows::View},
};

/// A kind of condition on single bars, compiled from its settings.
pub(crate) trait Leaf: Sized {
    /// Its settings in a rule.
    type Settings;

    /// Checks the settings and names the numbers that are read of each bar.
    fn compile(settings: &Self::Settings, compiler: &mut Compiler<'_>) -> Result<Self, SignalError>;

    /// Returns how up and down are read.
    fn meaning(settings: &Self::Settings) -> Meaning;

    /// Returns where the bar is; `None` while that is not known.
    fn reading(&self, view: &View<'_>) -> Option<Reading>;

    /// Returns how strong it is, 0 to 1; read while it holds.
    fn strength(&self, view: &View<'_>) -> f64;

    /// Returns the settings as a clause (`EMA 12 crosses above EMA 26`).
    fn sentence(settings: &Self::Settings) -> String;

    /// Returns the template that the page starts with.
    fn template() -> Template;
}

/// Reading of a bar for each direction that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) up: Option<Reach>,
    pub(crate) down: Option<Reach>,
}

impl Reading {
    /// Keeps the directions of an approach.
    pub(crate) fn of(approach: Approach, up: Reach, down: Reach) -> Self {
        Self {
            up: Some(up).filter(|_| approach != Approach::Down),
            down: Some(down).filter(|_| approach != Approach::Up),
        }
    }
}

/// A value and the level that it has to meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reach {
    pub(crate) approach: level::Approach,
    pub(crate) value: f64,
    pub(crate) level: f64,
    /// Level that the value has to leave before it counts again.
    pub(crate) rearm: f64,
}

impl Reach {
    /// A value that has to rise to a level.
    pub(crate) fn above(value: f64, level: f64) -> Self {
        Self { approach: level::Approach::Up, value, level, rearm: level }
    }

    /// A value that has to fall to a level.
    pub(crate) fn below(value: f64, level: f64) -> Self {
        Self { approach: level::Approach::Down, value, level, rearm: level }
    }

    /// A condition.
    pub(crate) fn when(is_met: bool) -> Self {
        Self::above(f64::from(u8::from(is_met)), 1.0)
    }
}

/// Returns how fast a line moves relative to its last bars: 0.5 at its mean pace, 1 at twice that or faster.
pub(crate) fn pace(line: impl Fn(usize) -> Option<f64>) -> f64 {
    let step = |n_back: usize| Some((line(n_back)? - line(n_back + 1)?).abs());
    let before = (1..=N_PACE_BARS).map_while(step);
    let (sum, n_steps) = before.fold((0.0, 0.0), |(sum, n_steps), step| (sum + step, n_steps + 1.0));
    match step(0) {
        Some(now) if sum > 0.0 => share(now, 2.0 * sum / n_steps),
        Some(now) if now > 0.0 => 1.0,
        _ => 0.0,
    }
}

/// Returns the pace of the difference of two columns.
pub(crate) fn pace_between(view: &View<'_>, one: Column, other: Column) -> f64 {
    pace(|n_back| Some(view.number_back(one, n_back)? - view.number_back(other, n_back)?))
}

/// Returns the part of a whole, 0 to 1.
pub(crate) fn share(part: f64, whole: f64) -> f64 {
    let share = part / whole;
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

/// Bars that a pace is compared with.
const N_PACE_BARS: usize = 14;
