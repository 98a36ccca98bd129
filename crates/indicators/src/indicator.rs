//! A running indicator: opened with history, then fed bar by bar.
//!
//! Not here: late and corrected bars ([`crate::series`]). A gap between bars stays a gap: no bar is invented.

use model::candle::Interval;
use serde::{Deserialize, Serialize};

use crate::{
    bar::Bar,
    error::CheckpointError,
    higher::Higher,
    kind::Settings,
    registry::Running,
    source::Field,
    spec::{Source, Spec},
    values::Values,
    words::Words,
};

/// A running indicator.
#[derive(Clone, Debug)]
pub struct Indicator {
    spec: Spec,
    interval: Interval,
    chain: Chain,
    /// Bars of a higher interval, if it reads those.
    higher: Option<Box<Higher>>,
}

impl Indicator {
    /// Starts without history. A spec's interval that is not above the bars' own has no effect.
    pub fn new(spec: &Spec, interval: Interval) -> Self {
        let read = spec.interval().filter(|read| *read > interval);
        let higher = read.map(|read| Box::new(Higher::new(read, interval, spec.is_forming())));
        Self { spec: spec.clone(), interval, chain: Chain::new(spec, read.unwrap_or(interval)), higher }
    }

    /// Starts with history: closed bars, oldest first. Returns their rows, too.
    pub fn open(spec: &Spec, interval: Interval, bars: &[Bar]) -> (Self, Vec<Values>) {
        let mut indicator = Self::new(spec, interval);
        let mut rows = Vec::with_capacity(bars.len());
        indicator.extend(bars, &mut rows);
        (indicator, rows)
    }

    /// Takes closed bars, oldest first, and adds their rows.
    pub fn extend(&mut self, bars: &[Bar], rows: &mut Vec<Values>) {
        self.run(bars, rows, |_, values| values);
    }

    /// Takes closed bars, oldest first, and adds their rows as `row` makes them.
    pub(crate) fn run<R>(&mut self, bars: &[Bar], rows: &mut Vec<R>, row: impl Fn(&Bar, Values) -> R) {
        match (&mut self.higher, &self.chain.feed) {
            // By far the most common source: the kind is looked up once, not at each bar. The copy of the state that this
            // takes does not pay for a single bar.
            (None, Feed::Field(Field::Close)) if bars.len() > 1 => self.chain.running.run(bars, rows, row),
            _ => rows.extend(bars.iter().map(|bar| row(bar, self.update(bar)))),
        }
    }

    /// Adds the row of the forming bar, as `row` makes it.
    pub(crate) fn look<R>(&self, bar: &Bar, rows: &mut Vec<R>, row: impl Fn(&Bar, Values) -> R) {
        match (&self.higher, &self.chain.feed) {
            (None, Feed::Field(field)) => self.chain.running.look(bar, field.of(bar), rows, row),
            _ => rows.push(row(bar, self.peek(bar))),
        }
    }

    /// Takes a closed bar, later than all before.
    #[inline]
    pub fn update(&mut self, bar: &Bar) -> Values {
        match &mut self.higher {
            None => self.chain.update(bar),
            Some(higher) => higher.update(&mut self.chain, bar),
        }
    }

    /// Returns what `update` would, and changes nothing: for the forming bar.
    #[inline]
    pub fn peek(&self, bar: &Bar) -> Values {
        match &self.higher {
            None => self.chain.peek(bar),
            Some(higher) => higher.peek(&self.chain, bar),
        }
    }

    /// Returns what it computes.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Returns the interval of its bars.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns its state.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut state = Vec::new();
        self.clone().words(&mut Words::Save(&mut state));
        let state = state.iter().map(|word| format!("{word:016x}")).collect();
        Checkpoint { spec: self.spec.clone(), interval: self.interval, state }
    }

    /// Continues from a checkpoint, bit for bit.
    ///
    /// # Errors
    /// The checkpoint is of another indicator or interval, or damaged.
    pub fn restore(spec: &Spec, interval: Interval, checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        if checkpoint.spec != *spec || checkpoint.interval != interval {
            let named = |spec: &Spec, interval: Interval| format!("{spec} on {interval}");
            let (found, wanted) = (named(&checkpoint.spec, checkpoint.interval), named(spec, interval));
            return Err(CheckpointError::Other { found, wanted });
        }
        let damaged = || CheckpointError::Damaged { spec: spec.to_string() };
        let state = words_of(&checkpoint.state).ok_or_else(damaged)?;
        let mut indicator = Self::new(spec, interval);
        let mut words = Words::load(&state);
        indicator.words(&mut words);
        if words.is_complete() { Ok(indicator) } else { Err(damaged()) }
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.chain.words(words);
        if let Some(higher) = &mut self.higher {
            higher.words(words);
        }
    }
}

/// Reads 16 hexadecimal digits a word.
fn words_of(text: &str) -> Option<Vec<u64>> {
    let chunks = text.as_bytes().chunks(16);
    chunks
        .map(|chunk| {
            let digits = std::str::from_utf8(chunk).ok().filter(|digits| digits.len() == 16)?;
            u64::from_str_radix(digits, 16).ok()
        })
        .collect()
}

/// The state of an indicator between two bars, to be kept and continued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    spec: Spec,
    interval: Interval,
    /// Words of 16 hexadecimal digits, so that every number keeps its bits in any format.
    state: String,
}

/// An indicator with those that it reads, on bars of one interval.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    feed: Feed,
    running: Running,
}

#[derive(Clone, Debug)]
enum Feed {
    Field(Field),
    /// An output of another indicator.
    Chain(Box<Chain>, usize),
}

impl Chain {
    fn new(spec: &Spec, interval: Interval) -> Self {
        let settings = Settings { parameters: spec.parameters(), interval };
        let feed = match spec.source() {
            Source::Field(field) => Feed::Field(*field),
            Source::Indicator(inner, output) => Feed::Chain(Box::new(Self::new(inner, interval)), *output),
        };
        Self { feed, running: Running::new(spec.definition(), &settings) }
    }

    #[inline(always)]
    pub(crate) fn update(&mut self, bar: &Bar) -> Values {
        match &self.feed {
            Feed::Field(field) => self.running.update(bar, field.of(bar)),
            Feed::Chain(..) => self.update_chained(bar),
        }
    }

    #[inline(always)]
    pub(crate) fn peek(&self, bar: &Bar) -> Values {
        match &self.feed {
            Feed::Field(field) => self.running.peek(bar, field.of(bar)),
            Feed::Chain(..) => self.peek_chained(bar),
        }
    }

    #[inline(never)]
    fn update_chained(&mut self, bar: &Bar) -> Values {
        match self.feed.update(bar) {
            Some(price) => self.running.update(bar, price),
            None => Values::NONE,
        }
    }

    #[inline(never)]
    fn peek_chained(&self, bar: &Bar) -> Values {
        match self.feed.peek(bar) {
            Some(price) => self.running.peek(bar, price),
            None => Values::NONE,
        }
    }

    fn words(&mut self, words: &mut Words<'_>) {
        if let Feed::Chain(inner, _) = &mut self.feed {
            inner.words(words);
        }
        self.running.words(words);
    }
}

impl Feed {
    /// Returns what the indicator reads of a closed bar; a bar without a value inside is not a bar for what reads it.
    fn update(&mut self, bar: &Bar) -> Option<f64> {
        match self {
            Self::Field(field) => Some(field.of(bar)),
            Self::Chain(inner, output) => inner.update(bar).get(*output),
        }
    }

    fn peek(&self, bar: &Bar) -> Option<f64> {
        match self {
            Self::Field(field) => Some(field.of(bar)),
            Self::Chain(inner, output) => inner.peek(bar).get(*output),
        }
    }
}
