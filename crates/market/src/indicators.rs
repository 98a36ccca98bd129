//! The indicators of one instrument: computed once a change of their bars, whatever the number of lanes and readers.
//!
//! A lane publishes the rows that changed since its last turn; between two changes of the bars nothing is computed. Not
//! here: the arithmetic (`indicators`), the bars (`candles`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use indicators::{
    bar::{Bar, BookFigures},
    book_flow::BookFlow,
    definition::Input,
    series::IndicatorSeries,
    spec::{Source, Spec},
    values::Values,
};
use model::{
    candle::Interval,
    event::Level,
    instrument::InstrumentId,
    proof::{BookState, TrackedBook},
};
use topics::{
    channels::{
        TopicData,
        indicators::{IndicatorRow, IndicatorsData},
    },
    lane::Lane,
    limits::CANDLES_LENGTH,
    topic::Topic,
};

use crate::{
    candles::{Candles, N_KEPT},
    lane_state::Lanes,
};

/// Most indicators of one instrument, over all intervals; further ones have no values.
pub const MAX_INDICATORS: usize = 200;

/// All indicators of one instrument that somebody follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Indicators {
    groups: BTreeMap<Interval, Group>,
}

/// The indicators of one interval.
#[derive(Clone, Debug, Default)]
struct Group {
    /// The revision of the candles that all have seen.
    seen: u64,
    studies: BTreeMap<Arc<str>, Study>,
    /// Present while one of them reads the book.
    book: Option<BookBars>,
}

#[derive(Clone, Debug)]
struct Study {
    series: IndicatorSeries,
    n_outputs: usize,
    reads_book: bool,
    is_new: bool,
    /// For each lane the open time of the first row that it has not published.
    lanes: Lanes<Option<i64>>,
}

impl Indicators {
    /// Starts an indicator on a lane. One that cannot be read, or one too many, is not started.
    pub(crate) fn start(&mut self, interval: Interval, text: &Arc<str>, lane: Lane) {
        let n_studies: usize = self.groups.values().map(|group| group.studies.len()).sum();
        let group = self.groups.entry(interval).or_default();
        if let Some(study) = group.studies.get_mut(text) {
            study.lanes.start(lane, || None);
        } else if n_studies < MAX_INDICATORS
            && let Ok(spec) = Spec::parse(text)
        {
            let reads_book = reads_book(&spec);
            let mut study = Study {
                series: IndicatorSeries::new(&spec, interval, N_KEPT),
                n_outputs: spec.definition().outputs.len(),
                reads_book,
                is_new: true,
                lanes: Lanes::default(),
            };
            study.lanes.start(lane, || None);
            group.studies.insert(text.clone(), study);
            if reads_book {
                group.book.get_or_insert_default();
            }
        }
        self.tidy();
    }

    /// Stops an indicator on a lane.
    pub(crate) fn stop(&mut self, interval: Interval, text: &str, lane: Lane) {
        if let Some(group) = self.groups.get_mut(&interval) {
            if let Some(study) = group.studies.get_mut(text) {
                study.lanes.stop(lane);
            }
            group.studies.retain(|_, study| study.lanes.is_any_started());
            group.book.take_if(|_| !group.studies.values().any(|study| study.reads_book));
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        self.groups.retain(|_, group| !group.studies.is_empty());
    }

    /// Returns true if indicators of this interval are followed.
    pub(crate) fn are_of(&self, interval: Interval) -> bool {
        self.groups.contains_key(&interval)
    }

    /// Returns true if one of them reads the book.
    pub(crate) fn read_book(&self) -> bool {
        self.groups.values().any(|group| group.book.is_some())
    }

    /// Notes the book after a change.
    pub(crate) fn note_book(&mut self, book: &TrackedBook) {
        for (interval, group) in &mut self.groups {
            if let Some(bars) = &mut group.book {
                bars.note(*interval, book);
            }
        }
    }

    /// Computes what the bars' changes ask for, and appends what is new for a lane.
    pub(crate) fn turn(&mut self, lane: Lane, candles: &Candles, id: &InstrumentId, out: &mut Vec<(Topic, TopicData)>) {
        for (interval, group) in &mut self.groups {
            group.compute(candles.series(*interval));
            for (text, study) in &mut group.studies {
                let Some(from) = study.lanes.get_mut(lane).and_then(Option::take) else { continue };
                let rows: Vec<IndicatorRow> = study.newest().filter(|row| row.open_ms >= from).collect();
                if !rows.is_empty() {
                    out.push((Topic::indicators(*interval, text, id), TopicData::Indicators(IndicatorsData { rows })));
                }
            }
        }
    }

    /// Returns the last 500 rows of an indicator, for a started lane. Right after its turn this is what the lane has
    /// published.
    pub(crate) fn snapshot(&self, interval: Interval, text: &str, lane: Lane) -> Option<TopicData> {
        let study = self.groups.get(&interval)?.studies.get(text)?;
        study.lanes.get(lane)?;
        Some(TopicData::Indicators(IndicatorsData { rows: study.newest().collect() }))
    }
}

impl Group {
    fn compute(&mut self, candles: &crate::candles::Series) {
        let fresh = self.studies.values().any(|study| study.is_new);
        let revision = candles.revision();
        let changed_figures = self.book.as_mut().and_then(BookBars::take_changed);
        if revision == self.seen && !fresh && changed_figures.is_none() {
            return;
        }
        let figures = |open_ms: i64| self.book.as_ref().and_then(|book| book.figures.get(&open_ms).copied());
        let bar = |candle: &model::candle::Candle| {
            let bar = Bar::from(candle);
            Bar { book: figures(bar.open_ms), ..bar }
        };
        let changed: Vec<Bar> = candles.changed_after(self.seen).map(bar).collect();
        let all: Vec<Bar> =
            if fresh || changed_figures.is_some() { candles.changed_after(0).map(bar).collect() } else { Vec::new() };
        for study in self.studies.values_mut() {
            let first = if std::mem::take(&mut study.is_new) {
                study.series.set(&all)
            } else if let Some(from) = changed_figures.filter(|_| study.reads_book) {
                let from = changed.first().map_or(from, |bar| bar.open_ms.min(from));
                study.series.set(&all[all.partition_point(|bar| bar.open_ms < from)..])
            } else {
                study.series.set(&changed)
            };
            let Some(first_ms) = first.and_then(|at| study.series.rows().get(at)).map(|(open_ms, _)| *open_ms) else {
                continue;
            };
            for dirty in study.lanes.started_mut() {
                *dirty = Some(dirty.map_or(first_ms, |known| known.min(first_ms)));
            }
        }
        self.seen = revision;
    }
}

impl Study {
    /// Returns the newest 500 rows, oldest first.
    fn newest(&self) -> impl Iterator<Item = IndicatorRow> {
        let rows = self.series.rows();
        let row = |(open_ms, values): &(i64, Values)| IndicatorRow {
            open_ms: *open_ms,
            values: (0..self.n_outputs).map(|output| values.get(output)).collect(),
        };
        rows[rows.len().saturating_sub(CANDLES_LENGTH)..].iter().map(row)
    }
}

/// The book's figures by bar.
#[derive(Clone, Debug, Default)]
struct BookBars {
    flow: BookFlow,
    /// Open time of the bar that the newest book belongs to.
    open_ms: Option<i64>,
    /// By open time; bars whose book was not live all the time have none.
    figures: BTreeMap<i64, BookFigures>,
    changed: BTreeSet<i64>,
}

impl BookBars {
    fn note(&mut self, interval: Interval, book: &TrackedBook) {
        let Some(time) = book.event_time.or(book.receive_time) else { return };
        let open_ms = interval.open_time(time).as_millis();
        if self.open_ms.is_none_or(|known| known < open_ms) {
            self.open_ms = Some(open_ms);
            self.flow.begin_bar();
        }
        let is_live = book.state == BookState::Live;
        let (Some(bid), Some(ask), true) = (book.book.best_bid(), book.book.best_ask(), is_live) else {
            self.flow.on_no_book();
            self.set(None);
            return;
        };
        let sum = |levels: &mut dyn Iterator<Item = Level>| {
            levels.take(DEPTH).map(|level| level.quantity.to_f64_lossy()).sum::<f64>()
        };
        let [bid_price, ask_price] = [bid, ask].map(|level| level.price.to_f64_lossy());
        let [bid_size, ask_size] = [bid, ask].map(|level| level.quantity.to_f64_lossy());
        let (bids, asks) = (sum(&mut book.book.bids()), sum(&mut book.book.asks()));
        self.flow.on_top(bid_price, bid_size, ask_price, ask_size, bids, asks);
        self.set(self.flow.figures());
    }

    fn set(&mut self, figures: Option<BookFigures>) {
        let Some(open_ms) = self.open_ms else { return };
        let known = self.figures.get(&open_ms);
        if known == figures.as_ref() {
            return;
        }
        match figures {
            Some(figures) => self.figures.insert(open_ms, figures),
            None => self.figures.remove(&open_ms),
        };
        self.changed.insert(open_ms);
        while self.figures.len() > N_KEPT {
            self.figures.pop_first();
        }
    }

    /// Returns the open time of the first bar whose figures changed since the last call.
    fn take_changed(&mut self) -> Option<i64> {
        std::mem::take(&mut self.changed).into_iter().next()
    }
}

/// Returns true if an indicator, or one that it reads, reads the book.
fn reads_book(spec: &Spec) -> bool {
    let is_source = matches!(spec.source(), Source::Indicator(of, _) if reads_book(of));
    is_source || spec.definition().input == Input::Book
}

/// Levels a side that the book's imbalance counts.
const DEPTH: usize = 10;
