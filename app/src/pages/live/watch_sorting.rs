//! The order of the watchlist: favourites first, then by the heading that the reader has clicked.

use std::{cmp::Ordering, sync::Arc};

use model::{instrument::Instrument, sorted::sorted_by};

use crate::{format, live::model::LiveModel, selection::pair};

/// A column to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// The pair's name.
    Name,
    /// The last price.
    Last,
    /// The change over 24 hours.
    Change,
    /// Updates a second.
    Rate,
}

/// The order of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sorting {
    /// The column and whether it descends; `None` for the order of the list.
    pub by: Option<(SortBy, bool)>,
}

impl Sorting {
    /// Returns the order after a click on a heading: descending figures, ascending names; then the other way; then none.
    #[must_use]
    pub fn clicked(self, by: SortBy) -> Self {
        let first = by != SortBy::Name;
        Self {
            by: match self.by {
                Some((known, is_descending)) if known == by => (is_descending == first).then_some((by, !first)),
                _ => Some((by, first)),
            },
        }
    }

    /// Returns the value for `aria-sort` of a heading.
    pub fn aria(self, by: SortBy) -> &'static str {
        match self.by {
            Some((known, true)) if known == by => "descending",
            Some((known, false)) if known == by => "ascending",
            _ => "none",
        }
    }

    /// Returns true if the order depends on quotes.
    pub fn needs_quotes(self) -> bool {
        self.by.is_some_and(|(by, _)| matches!(by, SortBy::Last | SortBy::Change))
    }

    /// Returns the rows in this order. What is not known yet comes last.
    pub fn sorted(
        self,
        rows: Vec<Arc<Instrument>>,
        model: &LiveModel,
        is_favourite: impl Fn(&Instrument) -> bool,
    ) -> Vec<Arc<Instrument>> {
        let rows = rows.into_iter().map(|instrument| Row {
            is_favourite: is_favourite(&instrument),
            name: if matches!(self.by, Some((SortBy::Name, _))) { pair(&instrument) } else { String::new() },
            figure: self.by.and_then(|(by, _)| figure(by, &instrument, model)),
            instrument,
        });
        let sorted = sorted_by(rows.collect(), |one, other| {
            other.is_favourite.cmp(&one.is_favourite).then_with(|| match self.by {
                Some((SortBy::Name, true)) => other.name.cmp(&one.name),
                Some((SortBy::Name, false)) => one.name.cmp(&other.name),
                Some((_, is_descending)) => compare(one.figure, other.figure, is_descending),
                None => Ordering::Equal,
            })
        });
        sorted.into_iter().map(|row| row.instrument).collect()
    }
}

/// A row and what it is sorted by.
struct Row {
    is_favourite: bool,
    name: String,
    figure: Option<f64>,
    instrument: Arc<Instrument>,
}

fn figure(by: SortBy, instrument: &Instrument, model: &LiveModel) -> Option<f64> {
    match by {
        SortBy::Name => None,
        SortBy::Last => model.quote(&instrument.id)?.last.map(|price| price.to_f64_lossy()),
        SortBy::Change => {
            let quote = model.quote(&instrument.id)?;
            format::change_percent(quote.day_open, quote.last)
        }
        SortBy::Rate => {
            model.status()?.streams.iter().find(|entry| entry.instrument == instrument.id).map(|entry| entry.rate)
        }
    }
}

fn compare(one: Option<f64>, other: Option<f64>, is_descending: bool) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if is_descending => other.total_cmp(&one),
        (Some(one), Some(other)) => one.total_cmp(&other),
        (one, other) => one.is_none().cmp(&other.is_none()),
    }
}

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        instrument::{InstrumentId, InstrumentStatus},
        time::Now,
    };
    use topics::{
        channels::{TopicData, quote::QuoteData},
        topic::Topic,
    };
    use wire::message::{Epoch, Update, UpdateKind};

    use super::*;

    fn instrument(name: &str) -> Arc<Instrument> {
        Arc::new(Instrument {
            id: InstrumentId::parse(&format!("venue:{name}")).unwrap(),
            base: name.to_owned(),
            quote: "USD".to_owned(),
            tick_size: Price::parse("0.1").unwrap(),
            lot_size: Quantity::parse("1").unwrap(),
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: false,
        })
    }

    #[test]
    fn rows_follow_the_heading_and_favourites_come_first() {
        let rows = ["B", "A", "D", "C"].map(instrument);
        let mut model = LiveModel::default();
        for (row, open, last) in [(0, "10", "11"), (1, "10", "9"), (3, "10", "30")] {
            let price = |text: &str| Price::parse(text).ok();
            let quote = QuoteData { day_open: price(open), last: price(last), ..QuoteData::default() };
            let update = Update {
                kind: UpdateKind::Snapshot,
                epoch: Some(Epoch::new("e")),
                topic: Topic::quote(&rows[row].id),
                offset: 0,
                data: TopicData::Quote(quote),
            };
            model.apply(update, Now::default());
        }
        let sorted = |by: Option<(SortBy, bool)>, favourite: &str| {
            let rows = Sorting { by }.sorted(rows.to_vec(), &model, |row| row.base == favourite);
            rows.iter().map(|row| row.base.clone()).collect::<String>()
        };
        assert_eq!(sorted(None, ""), "BADC");
        assert_eq!(sorted(None, "C"), "CBAD");
        assert_eq!(sorted(Some((SortBy::Name, false)), ""), "ABCD");
        assert_eq!(sorted(Some((SortBy::Name, true)), "A"), "ADCB");
        assert_eq!(sorted(Some((SortBy::Change, true)), ""), "CBAD", "unknown comes last");
        assert_eq!(sorted(Some((SortBy::Change, false)), ""), "ABCD", "unknown comes last");
        assert_eq!(sorted(Some((SortBy::Last, true)), "D"), "DCBA");
    }

    #[test]
    fn a_third_click_restores_the_order_of_the_list() {
        let order = Sorting::default().clicked(SortBy::Change);
        assert_eq!((order.by, order.aria(SortBy::Change)), (Some((SortBy::Change, true)), "descending"));
        let order = order.clicked(SortBy::Change);
        assert_eq!((order.by, order.aria(SortBy::Change)), (Some((SortBy::Change, false)), "ascending"));
        assert_eq!(order.clicked(SortBy::Change), Sorting::default());
        assert_eq!(order.clicked(SortBy::Name).by, Some((SortBy::Name, false)));
        assert_eq!(order.aria(SortBy::Name), "none");
    }
}
