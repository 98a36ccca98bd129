//! The books as readers know them: one view for each stream, from which the next update is derived.
//!
//! So a pause ends with one large update, and every reader's book stays consistent.

use std::collections::BTreeMap;

use crate::ladder::{Ladder, Row};

/// All views, by stream.
#[derive(Debug, Default)]
pub(crate) struct BookViews(BTreeMap<String, View>);

/// The book that the readers of one stream have.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Their book.
    pub(crate) ladder: Ladder,
    /// The number of its last change.
    pub(crate) update_id: u64,
}

/// The rows that update readers to the true book.
pub(crate) struct BookChange<'a> {
    pub(crate) rows: (Vec<Row>, Vec<Row>),
    /// The number of the last change that readers had before.
    pub(crate) before: u64,
    /// Their book afterwards.
    pub(crate) view: &'a View,
}

impl BookViews {
    /// Returns the view for a new reader. Without other readers it restarts from the true book; otherwise the new
    /// reader gets the others' book, so that the next update fits all.
    pub(crate) fn join(
        &mut self,
        stream: &str,
        (truth, update_id): (&Ladder, u64),
        depth: usize,
        has_others: bool,
    ) -> &View {
        if !has_others {
            self.0.remove(stream);
        }
        let view = || View { ladder: truth.shallow(depth), update_id };
        self.0.entry(stream.to_owned()).or_insert_with(view)
    }

    /// Returns the update that brings readers to the true book; `None` if they have it already. `zero` returns the
    /// quantity of a removed row, given its last quantity.
    pub(crate) fn update(
        &mut self,
        stream: &str,
        (truth, update_id): (&Ladder, u64),
        depth: usize,
        zero: fn(&str) -> String,
    ) -> Option<BookChange<'_>> {
        if !self.0.contains_key(stream) {
            self.0.insert(stream.to_owned(), View::default());
        }
        let view = self.0.get_mut(stream)?;
        let rows = view.ladder.follow(truth, depth, zero);
        if rows.0.is_empty() && rows.1.is_empty() {
            return None;
        }
        let before = std::mem::replace(&mut view.update_id, update_id);
        Some(BookChange { rows, before, view })
    }

    /// Forgets all readers.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
