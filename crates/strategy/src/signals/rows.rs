//! The bars that a rule keeps, each with the numbers that the rule reads of it, and the view that kinds have of them.

use std::collections::VecDeque;

use indicators::bar::Bar;

use crate::signals::{
    columns::Column,
    node::{Sides, Slot},
};

/// A bar with the numbers read of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) bar: Bar,
    /// One for each column of the rule; not a number where there is none.
    pub(crate) numbers: Vec<f64>,
    /// True where data is missing: it fires nothing, and what follows begins again.
    pub(crate) is_incomplete: bool,
}

/// A closed bar.
#[derive(Clone, Debug)]
pub(crate) struct Closed {
    pub(crate) row: Row,
    /// The memory of the rule after it.
    pub(crate) slots: Vec<Slot>,
    /// Sides that it fired.
    pub(crate) fires: Sides,
    /// Sides that were reported for it.
    pub(crate) said: Sides,
}

/// A bar and those before it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) closed: &'a VecDeque<Closed>,
    /// Number of closed bars before it.
    pub(crate) n_before: usize,
    pub(crate) row: &'a Row,
}

impl<'a> View<'a> {
    /// Returns the bar.
    pub(crate) fn bar(&self) -> &'a Bar {
        &self.row.bar
    }

    /// Returns the row of this many bars before; the bar's own for 0.
    pub(crate) fn row(&self, n_back: usize) -> Option<&'a Row> {
        if n_back == 0 {
            return Some(self.row);
        }
        self.closed.get(self.n_before.checked_sub(n_back)?).map(|closed| &closed.row)
    }

    /// Returns a number of the bar.
    pub(crate) fn number(&self, column: Column) -> Option<f64> {
        self.number_back(column, 0)
    }

    /// Returns a number of this many bars before.
    pub(crate) fn number_back(&self, column: Column, n_back: usize) -> Option<f64> {
        self.row(n_back)?.numbers.get(column.0).copied().filter(|number| number.is_finite())
    }

    /// Returns the rows of this many bars before, oldest first; `None` where there are fewer, or one is incomplete.
    pub(crate) fn before(&self, n_bars: usize) -> Option<impl Iterator<Item = &'a Row> + use<'a>> {
        let first = self.n_before.checked_sub(n_bars)?;
        let rows = self.closed.range(first..self.n_before).map(|closed| &closed.row);
        rows.clone().all(|row| !row.is_incomplete).then_some(rows)
    }
}
