//! The reader's choice of the history, as the address of a list.

use model::{instrument::InstrumentId, trading::order::Side};

use crate::pages::desk::account::account;

/// Filters, for both lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// One instrument only.
    pub instrument: Option<InstrumentId>,
    /// One side only; of a round trip that of its entry.
    pub side: Option<Side>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sorting {
    /// `time`, `net_pnl` or `value`.
    pub by: &'static str,
    /// True for the highest first.
    pub is_descending: bool,
}

impl Default for Sorting {
    fn default() -> Self {
        Self { by: "time", is_descending: true }
    }
}

impl Sorting {
    /// Sorts by a column; by the same one again in the other direction.
    #[must_use]
    pub fn by(self, column: &'static str) -> Self {
        Self { by: column, is_descending: self.by != column || !self.is_descending }
    }

    /// Returns the value of `aria-sort` of a column's heading.
    pub fn aria(self, column: &str) -> &'static str {
        match (self.by == column, self.is_descending) {
            (false, _) => "none",
            (true, true) => "descending",
            (true, false) => "ascending",
        }
    }
}

impl Query {
    /// Returns the address of a page of a list.
    pub fn address(&self, list: &str, sorting: Sorting, cursor: Option<&str>) -> String {
        let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={}", escaped(cursor)));
        format!("{}&limit={PAGE}{cursor}", self.start(list, sorting))
    }

    /// Returns the address of a list as CSV: as many rows as one answer has.
    pub fn csv(&self, list: &str, sorting: Sorting) -> String {
        format!("{}&limit=1000&format=csv", self.start(list, sorting))
    }

    fn start(&self, list: &str, sorting: Sorting) -> String {
        let direction = if sorting.is_descending { "desc" } else { "asc" };
        let mut address = format!("api/v1/{list}?account={}&order={direction}", account());
        if sorting.by != "time" {
            address.push_str(&format!("&sort={}", sorting.by));
        }
        if let Some(instrument) = &self.instrument {
            address.push_str(&format!("&instrument={}", escaped(&instrument.to_string())));
        }
        if let Some(side) = self.side {
            address.push_str(&format!("&side={}", side.as_str()));
        }
        address
    }
}

/// Returns a text as a query may carry it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Rows of a page.
const PAGE: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_what_is_chosen_only() {
        #[track_caller]
        fn check(query: &Query, sorting: Sorting, cursor: Option<&str>, expected: &str) {
            assert_eq!(query.address("fills", sorting, cursor), format!("api/v1/fills?account=paper&{expected}"));
        }
        check(&Query::default(), Sorting::default(), None, "order=desc&limit=50");
        let query = Query { instrument: InstrumentId::parse("kraken:BTC/USD").ok(), side: Some(Side::Sell) };
        let sorting = Sorting::default().by("net_pnl");
        check(
            &query,
            sorting,
            Some("5&6"),
            "order=desc&sort=net_pnl&instrument=kraken%3ABTC%2FUSD&side=sell&limit=50&cursor=5%266",
        );
        assert!(query.csv("history", sorting).ends_with("&limit=1000&format=csv"));
    }

    #[test]
    fn the_same_column_again_turns_the_order() {
        let sorting = Sorting::default().by("value");
        assert_eq!((sorting.aria("value"), sorting.aria("time")), ("descending", "none"));
        assert_eq!(sorting.by("value").aria("value"), "ascending");
    }
}
