//! What is kept for one product beside its book.
//!
//! Not here: how items are judged ([`crate::kit::dedup`]), the book's rules ([`super::book`]), events ([`super::session`]).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use model::{
    candle::{Candle, Interval},
    event::{Quote, TradeId},
    instrument::{Instrument, InstrumentId},
    time::{Monotonic, Timestamp},
};

use crate::{
    coinbase::book::CoinbaseBook,
    kit::{
        dedup::{Novelty, TradeIds},
        resync_pacing::SnapshotPace,
    },
};

/// One product.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: InstrumentId,
    pub(super) book: CoinbaseBook,
    pub(super) instrument: Option<Arc<Instrument>>,
    /// The venue does not know it: nothing is asked for it any more.
    pub(super) is_unknown: bool,
    /// How its data comes.
    pub(super) supply: Supply,
    /// Data came since its connection was opened.
    pub(super) has_data: bool,
    pub(super) snapshot: SnapshotWish,
    pub(super) pace: SnapshotPace,
    /// Snapshots asked for that did not come, in a row.
    pub(super) n_in_vain: u32,
    pub(super) prints: Prints,
    /// The last best bid and ask that was told.
    pub(super) quote: Option<Quote>,
    /// Pages of bars that wait for the rest.
    pub(super) history: BTreeMap<Interval, BTreeMap<Timestamp, Candle>>,
}

impl Stream {
    /// Nothing is known of it yet.
    pub(super) fn new(id: InstrumentId, supply: Supply) -> Self {
        Self {
            id,
            book: CoinbaseBook::default(),
            instrument: None,
            is_unknown: false,
            supply,
            has_data: false,
            snapshot: SnapshotWish::None,
            pace: SnapshotPace::default(),
            n_in_vain: 0,
            prints: Prints::default(),
            quote: None,
            history: BTreeMap::new(),
        }
    }

    /// True where it is subscribed under its own name.
    pub(super) fn is_subscribed(&self) -> bool {
        self.supply == Supply::Own && !self.is_unknown
    }
}

/// How the data of a product comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Supply {
    /// By a subscription of its own.
    Own,
    /// Not known yet: subscribed, it might bring a second copy of what another followed product brings.
    Undecided,
    /// It shares what comes for the product at that position.
    SharedWith(usize),
}

/// Whether a snapshot of the book is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotWish {
    /// None is needed, or its connection is not open.
    None,
    /// It is to be asked for then.
    Due(Monotonic),
    /// It was asked for, and is waited for until then.
    Asked(Monotonic),
}

/// Which prints were seen. Ids are texts; where they are numbers they rise by one, so that missing ones show.
#[derive(Debug, Default)]
pub(super) struct Prints {
    numbers: TradeIds,
    texts: VecDeque<Arc<str>>,
}

impl Prints {
    /// True once a print was seen.
    pub(super) fn has_any(&self) -> bool {
        self.numbers.has_any() || !self.texts.is_empty()
    }

    /// Judges a print by its id.
    pub(super) fn see(&mut self, text: &str) -> (TradeId, Novelty) {
        match number(text) {
            Some(number) => (TradeId::Sequence(number), self.numbers.see(number, number)),
            None => self.see_text(text),
        }
    }

    /// Takes note of a print from before anything was followed: neither it nor any older one is news from now on.
    pub(super) fn pass_over(&mut self, text: &str) {
        match number(text) {
            Some(number) => drop(self.numbers.see(0, number)),
            None => drop(self.see_text(text)),
        }
    }

    fn see_text(&mut self, text: &str) -> (TradeId, Novelty) {
        if let Some(known) = self.texts.iter().rev().find(|known| known.as_ref() == text) {
            return (TradeId::Text(known.clone()), Novelty::Seen);
        }
        if self.texts.len() >= TEXTS_KEPT {
            self.texts.pop_front();
        }
        let text: Arc<str> = text.into();
        self.texts.push_back(text.clone());
        (TradeId::Text(text), Novelty::New { is_gap: false })
    }
}

/// The number whose decimal text it is, to the letter.
fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// Ids that are no numbers, remembered for comparison: twenty snapshots of prints.
const TEXTS_KEPT: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Novelty = Novelty::New { is_gap: false };

    #[test]
    fn numbers_tell_gaps_and_texts_tell_repeats() {
        let mut prints = Prints::default();
        assert!(!prints.has_any());
        for (id, expected) in [
            ("7", NEW),
            ("8", NEW),
            ("8", Novelty::Seen),
            ("10", Novelty::New { is_gap: true }),
            ("9", Novelty::Late),
            ("x-1", NEW),
            ("x-1", Novelty::Seen),
            ("010", NEW),
            ("", NEW),
            ("", Novelty::Seen),
            ("99999999999999999999999", NEW),
            ("+11", NEW),
        ] {
            let (found, novelty) = prints.see(id);
            assert_eq!((found.to_string().as_str(), novelty), (id, expected), "{id}");
        }
        for number in 0..2 * TEXTS_KEPT {
            prints.see(&format!("t{number}"));
        }
        assert_eq!(prints.texts.len(), TEXTS_KEPT);
    }

    #[test]
    fn what_was_passed_over_and_what_is_older_is_no_news() {
        let mut prints = Prints::default();
        for id in ["5", "6", "9"] {
            prints.pass_over(id);
        }
        for (id, expected) in [("4", Novelty::Seen), ("9", Novelty::Seen), ("10", NEW)] {
            assert_eq!(prints.see(id).1, expected, "{id}");
        }
    }
}
