//! The list of venues and their capabilities, fetched once and again after each change of epoch.
//!
//! Not here: which of them run now (the topic `status` reports changes).

use std::sync::Arc;

use model::instrument::Venue;
use serde::Deserialize;

/// The venues, as far as known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VenueList {
    /// By name.
    pub known: Arc<Vec<VenueRow>>,
    /// True once a list has arrived.
    pub is_known: bool,
    /// Why the last attempt failed; further attempts follow.
    pub failure: Option<String>,
}

/// One venue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VenueRow {
    /// Its name in topics.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Its capabilities.
    pub capabilities: Capabilities,
    /// `not_needed`, or `missing`.
    pub token: String,
    /// The source of historical candles: `own`, or a second service that is `configured` or `missing`.
    #[serde(default)]
    pub history: String,
    /// The symbols that most readers look at first.
    pub first_symbols: Vec<String>,
}

/// The capabilities of a venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Capabilities {
    /// Data comes by WebSocket.
    pub websocket: bool,
    /// Data comes by REST.
    pub rest: bool,
    /// It has an order book.
    pub book: bool,
    /// It has public trades.
    pub trades: bool,
    /// It has candles.
    pub candles: bool,
    /// It requires a token.
    pub needs_token: bool,
    /// A page may open its WebSocket.
    pub may_be_opened_from_browser: bool,
    /// It is a simulated market.
    pub is_simulated: bool,
}

#[derive(Deserialize)]
struct Answer {
    venues: Vec<VenueRow>,
}

impl VenueList {
    /// Parses the server's answer.
    ///
    /// # Errors
    /// The text does not have the expected shape.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let answer: Answer = serde_json::from_str(text)?;
        Ok(Self { known: Arc::new(answer.venues), is_known: true, failure: None })
    }

    /// Returns the venue with that name; for a replay, the recorded venue.
    pub fn find(&self, venue: &Venue) -> Option<&VenueRow> {
        let name = venue.replayed().unwrap_or(venue.as_str());
        self.known.iter().find(|row| row.name == name)
    }

    /// Returns its name for people; the name in topics if the list does not contain it.
    pub fn title<'a>(&'a self, venue: &'a Venue) -> &'a str {
        self.find(venue).map_or(venue.as_str(), |row| &row.title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_servers_answer() {
        let text = r#"{"venues":[{"name":"one","title":"One","capabilities":{"websocket":true,"rest":true,"book":true,
            "trades":true,"candles":false,"needs_token":true,"may_be_opened_from_browser":false,"is_simulated":false},
            "token":"missing","first_symbols":["A"],"is_running":false,"symbols":[]}]}"#;
        let list = VenueList::parse(text).unwrap();
        assert_eq!((list.known[0].title.as_str(), list.known[0].capabilities.needs_token), ("One", true));
        assert_eq!(list.title(&Venue::new("one").as_replay()), "One");
        assert_eq!(list.title(&Venue::new("other")), "other");
        for text in ["", "[]", "{}", r#"{"venues":[{"name":"x"}]}"#, "<html>"] {
            assert!(VenueList::parse(text).is_err(), "{text}");
        }
    }
}
