//! State that outlives a hidden ticket (another tab or page): the typed form and one-click mode.
//!
//! For this visit only: nothing here is stored. The page has one thread; the server renders tickets and keeps nothing.

use std::cell::RefCell;

use model::instrument::InstrumentId;

use crate::pages::desk::ticket::form::Fields;

#[derive(Debug, Default)]
struct Memory {
    draft: Option<(InstrumentId, Fields)>,
    is_one_click: bool,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Returns the form as it was left for an instrument, or what another instrument can use of it.
pub fn draft(instrument: Option<&InstrumentId>) -> Fields {
    MEMORY.with_borrow(|memory| match &memory.draft {
        None => Fields::default(),
        Some((of, fields)) => {
            let mut fields = fields.clone();
            if Some(of) != instrument {
                fields.leave_instrument();
            }
            fields
        }
    })
}

/// Keeps the form of an instrument.
pub fn keep_draft(instrument: Option<InstrumentId>, fields: Fields) {
    MEMORY.with_borrow_mut(|memory| memory.draft = instrument.map(|instrument| (instrument, fields)));
}

/// Returns true if one press sends.
pub fn is_one_click() -> bool {
    MEMORY.with_borrow(|memory| memory.is_one_click)
}

/// Sets whether one press sends.
pub fn set_one_click(is_on: bool) {
    MEMORY.with_borrow_mut(|memory| memory.is_one_click = is_on);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_again_as_it_was_left() {
        let (one, other) = (InstrumentId::parse("demo:A").unwrap(), InstrumentId::parse("demo:B").unwrap());
        assert_eq!(draft(Some(&one)), Fields::default());
        let typed = Fields { price: "61602.50".into(), post_only: true, ..Fields::default() };
        keep_draft(Some(one.clone()), typed.clone());
        assert_eq!(draft(Some(&one)), typed);
        assert_eq!(draft(Some(&other)), Fields { post_only: true, ..Fields::default() }, "prices are another's");
    }
}
