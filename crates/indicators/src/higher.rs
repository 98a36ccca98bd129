//! Bars of a higher interval out of lower ones, for an indicator that reads them, without looking ahead.
//!
//! A row sees the higher bars that had closed when its own bar opened; with `forming` also the one it belongs to, as far
//! as it is known.

use model::{candle::Interval, time::Timestamp};

use crate::{
    bar::{Bar, BookFigures},
    indicator::Chain,
    values::Values,
    window,
    words::Words,
};

/// The higher bar being formed, and the values of those before.
#[derive(Clone, Debug)]
pub(crate) struct Higher {
    interval: Interval,
    lower_ms: i64,
    is_forming: bool,
    bar: Option<Bar>,
    /// Values after the last closed higher bar.
    closed: Values,
}

impl Higher {
    pub(crate) fn new(interval: Interval, lower: Interval, is_forming: bool) -> Self {
        Self { interval, lower_ms: length_ms(lower), is_forming, bar: None, closed: Values::NONE }
    }

    /// Takes a closed lower bar; `chain` takes the higher ones.
    pub(crate) fn update(&mut self, chain: &mut Chain, bar: &Bar) -> Values {
        let open_ms = self.open_ms(bar);
        // The last lower bars of the higher one are missing: that it has closed shows only now.
        if let Some(stale) = self.bar.take_if(|known| known.open_ms != open_ms) {
            self.closed = chain.update(&stale);
        }
        let higher = joined(self.bar.as_ref(), bar, open_ms);
        let row = if self.is_forming { chain.peek(&higher) } else { self.closed };
        if bar.open_ms.saturating_add(self.lower_ms) >= open_ms.saturating_add(length_ms(self.interval)) {
            self.closed = chain.update(&higher);
            self.bar = None;
        } else {
            self.bar = Some(higher);
        }
        row
    }

    /// Returns what `update` would. Only after a gap at the end of a higher bar is the state copied.
    pub(crate) fn peek(&self, chain: &Chain, bar: &Bar) -> Values {
        let open_ms = self.open_ms(bar);
        match &self.bar {
            Some(stale) if stale.open_ms != open_ms => {
                if self.is_forming {
                    let mut ahead = chain.clone();
                    ahead.update(stale);
                    ahead.peek(&joined(None, bar, open_ms))
                } else {
                    chain.peek(stale)
                }
            }
            _ if self.is_forming => chain.peek(&joined(self.bar.as_ref(), bar, open_ms)),
            _ => self.closed,
        }
    }

    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        let mut is_there = self.bar.is_some();
        words.truth(&mut is_there);
        let nothing =
            Bar { open_ms: 0, open: 0.0, high: 0.0, low: 0.0, close: 0.0, volume: 0.0, buy_volume: None, book: None };
        let mut bar = self.bar.unwrap_or(nothing);
        words.time(&mut bar.open_ms);
        for value in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close, &mut bar.volume] {
            words.float(value);
        }
        let mut buy_volume = bar.buy_volume.unwrap_or(f64::NAN);
        words.float(&mut buy_volume);
        bar.buy_volume = Some(buy_volume).filter(|volume| !volume.is_nan());
        let mut has_book = bar.book.is_some();
        words.truth(&mut has_book);
        let mut book = bar.book.unwrap_or(BookFigures { imbalance: 0.0, microprice: 0.0, flow: 0.0 });
        for value in [&mut book.imbalance, &mut book.microprice, &mut book.flow] {
            words.float(value);
        }
        bar.book = has_book.then_some(book);
        self.bar = is_there.then_some(bar);
        self.closed.words(words);
    }

    fn open_ms(&self, bar: &Bar) -> i64 {
        self.interval.open_time(Timestamp::from_millis(bar.open_ms)).as_millis()
    }
}

fn length_ms(interval: Interval) -> i64 {
    i64::try_from(interval.duration().as_millis()).unwrap_or(i64::MAX)
}

/// Adds a lower bar to a higher one, or begins it.
fn joined(higher: Option<&Bar>, bar: &Bar, open_ms: i64) -> Bar {
    let Some(higher) = higher else { return Bar { open_ms, ..*bar } };
    let book = higher.book.zip(bar.book).map(|(before, now)| BookFigures { flow: before.flow + now.flow, ..now });
    Bar {
        open_ms,
        open: higher.open,
        high: window::higher(higher.high, bar.high),
        low: window::lower(higher.low, bar.low),
        close: bar.close,
        volume: higher.volume + bar.volume,
        buy_volume: higher.buy_volume.zip(bar.buy_volume).map(|(before, now)| before + now),
        book,
    }
}
