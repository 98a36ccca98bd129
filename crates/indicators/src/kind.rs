//! Trait of a kind of indicator. A bar is taken in two halves: `step` computes the state update,
//! and `commit` applies it. A look at the forming bar is the first half alone, so it gives the bits
//! of the update and copies no history.
//!
//! Steps and what they are made of are always inlined: returned through memory, they would cost more than the arithmetic.
//!
//! Not here: sources and intervals ([`crate::indicator`]).

use std::fmt;

use model::candle::Interval;

use crate::{
    bar::Bar,
    definition::{Definition, Input},
    values::Values,
    words::Words,
};

/// Settings of a kind. The parameters are within the ranges of the definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) parameters: &'a [f64],
    /// Of the bars that it will see.
    pub(crate) interval: Interval,
}

impl Settings<'_> {
    /// Returns a parameter that is a count of bars.
    pub(crate) fn count(&self, idx: usize) -> usize {
        count(self.parameters, idx)
    }

    /// Returns a parameter.
    pub(crate) fn number(&self, idx: usize) -> f64 {
        self.parameters.get(idx).copied().unwrap_or_default()
    }
}

/// Returns a parameter that is a count of bars.
pub(crate) fn count(parameters: &[f64], idx: usize) -> usize {
    // Whole and within the definition's range.
    parameters.get(idx).map_or(0, |value| *value as usize)
}

/// One kind of indicator.
pub(crate) trait Kind: Clone + fmt::Debug {
    /// State update for one bar, with the values.
    type Step: Copy;

    /// The specification.
    const DEFINITION: &'static Definition;

    /// Starts without history.
    fn new(settings: &Settings<'_>) -> Self;

    /// Computes what a bar changes. `price` is the bar's source (its close unless the reader chose another).
    fn step(&self, bar: &Bar, price: f64) -> Self::Step;

    /// Returns the values after the step.
    fn values(step: &Self::Step) -> Values;

    /// Carries out the step.
    fn commit(&mut self, step: &Self::Step);

    /// Saves or loads the state; what follows from the settings is not a part of it.
    fn words(&mut self, words: &mut Words<'_>);

    /// Takes a closed bar.
    #[inline(always)]
    fn update(&mut self, bar: &Bar, price: f64) -> Values {
        if !is_usable(Self::DEFINITION.input, bar, price) {
            return Values::NONE;
        }
        let step = self.step(bar, price);
        self.commit(&step);
        Self::values(&step)
    }

    /// Returns what `update` would.
    #[inline(always)]
    fn peek(&self, bar: &Bar, price: f64) -> Values {
        if !is_usable(Self::DEFINITION.input, bar, price) {
            return Values::NONE;
        }
        Self::values(&self.step(bar, price))
    }

    /// Takes closed bars by their close, and adds their rows as `row` makes them. A function of its own for each kind: in
    /// a common one there would not be enough registers.
    #[inline(never)]
    fn run<R>(&mut self, bars: &[Bar], rows: &mut Vec<R>, row: impl Fn(&Bar, Values) -> R) {
        // A local copy: its numbers stay in registers from bar to bar, where a number in memory would be waited for.
        let mut kind = self.clone();
        rows.extend(bars.iter().map(|bar| row(bar, kind.update(bar, bar.close))));
        *self = kind;
    }

    /// Adds the row of the forming bar, as `row` makes it. It is made where it stays: to copy one that was just written
    /// takes longer than to compute it.
    #[inline(never)]
    fn look<R>(&self, bar: &Bar, price: f64, rows: &mut Vec<R>, row: impl Fn(&Bar, Values) -> R) {
        rows.push(row(bar, self.peek(bar, price)));
    }
}

/// The largest price or volume that counts as one. Squares and sums over any window remain finite below it, so no state
/// ever holds an infinite number.
pub(crate) const LARGEST: f64 = 1e100;

/// Returns true if what the indicator reads is there and a number of a sane size. A bar that is not usable has no value
/// and leaves no trace: the next usable one continues as if it had not been there.
#[inline(always)]
fn is_usable(input: Input, bar: &Bar, price: f64) -> bool {
    // False for NaN.
    let sane = |value: f64| value.abs() <= LARGEST;
    match input {
        Input::Price => sane(price),
        Input::HighLowClose => sane(bar.high) && sane(bar.low) && sane(bar.close),
        Input::Volume => sane(price) && sane(bar.high) && sane(bar.low) && sane(bar.close) && sane(bar.volume),
        Input::BuyVolume => sane(bar.volume) && bar.buy_volume.is_some_and(sane),
        Input::Book => bar.book.is_some_and(|book| sane(book.imbalance) && sane(book.microprice) && sane(book.flow)),
    }
}
