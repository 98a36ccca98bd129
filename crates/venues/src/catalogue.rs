//! The instruments that a venue offers: a compact list, and the requests that fetch it.
//!
//! A list holds names only, some 30 bytes each: what a search needs. Not here: prices and steps, which a session learns of
//! the instruments it follows; when a list is fetched, and how it is searched (the server).

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use crate::{
    kit::requests::RestRequest,
    session::{HttpRequest, RequestId},
};

/// One instrument of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CatalogueItem<'a> {
    /// The venue's own spelling.
    pub symbol: &'a str,
    /// The asset that is traded; empty if the venue does not say.
    pub base: &'a str,
    /// The asset in which prices are; empty if the venue does not say.
    pub quote: &'a str,
    /// Its name for people; empty if there is none.
    pub name: &'a str,
    /// The venue's word for a state other than trading, upper case; empty while it is trading.
    pub status: &'a str,
}

impl CatalogueItem<'_> {
    /// Returns true if it can be traded now.
    pub fn is_trading(&self) -> bool {
        self.status.is_empty()
    }
}

/// The list of a venue's instruments, in the venue's order. All names are in one text: an instrument takes 12 bytes beside
/// its letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    text: String,
    entries: Vec<Entry>,
    /// The different states, the first one for trading instruments.
    statuses: Vec<String>,
}

/// Offset of an instrument's names in the text, and their lengths in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    start: u32,
    symbol: u8,
    base: u8,
    quote: u8,
    name: u8,
    status: u8,
}

impl Catalogue {
    /// Adds an instrument. One without a symbol, or with names longer than any venue's, is left out, and so is whatever
    /// exceeds the largest list.
    pub fn push(&mut self, listed: CatalogueItem<'_>) {
        let CatalogueItem { symbol, base, quote, name, status } = listed;
        let longest = [symbol, base, quote, status].map(str::len).into_iter().max().unwrap_or(0);
        if symbol.is_empty() || longest > NAME_BYTES || self.entries.len() >= MOST_INSTRUMENTS {
            return;
        }
        let name = shortened(name);
        let (Some(status), Ok(start)) = (self.status(status), u32::try_from(self.text.len())) else { return };
        // At most `NAME_BYTES`, which fits.
        let length = |text: &str| u8::try_from(text.len()).unwrap_or(u8::MAX);
        self.entries.push(Entry {
            start,
            symbol: length(symbol),
            base: length(base),
            quote: length(quote),
            name: length(name),
            status,
        });
        [symbol, base, quote, name].into_iter().for_each(|text| self.text.push_str(text));
    }

    /// Returns all instruments, in the venue's order.
    pub fn iter(&self) -> impl Iterator<Item = CatalogueItem<'_>> {
        self.entries.iter().map(|entry| {
            let mut at = usize::try_from(entry.start).unwrap_or(usize::MAX);
            let mut next = |length: u8| {
                let from = at;
                at += usize::from(length);
                self.text.get(from..at).unwrap_or_default()
            };
            let (symbol, base, quote, name) =
                (next(entry.symbol), next(entry.base), next(entry.quote), next(entry.name));
            let status = self.statuses.get(usize::from(entry.status)).map_or("", String::as_str);
            CatalogueItem { symbol, base, quote, name, status }
        })
    }

    /// Returns the number of instruments.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true without any instrument.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the memory that it takes, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.text.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Gives back memory reserved for more instruments.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    /// Adds the instruments of another list.
    pub(crate) fn extend(&mut self, other: &Self) {
        other.iter().for_each(|listed| self.push(listed));
    }

    /// Returns the number of a state; `None` if there are more than any venue has.
    fn status(&mut self, status: &str) -> Option<u8> {
        if self.statuses.is_empty() {
            self.statuses.push(String::new());
        }
        let known = self.statuses.iter().position(|known| known == status);
        let number = known.or_else(|| {
            self.statuses.push(status.to_owned());
            Some(self.statuses.len() - 1)
        })?;
        u8::try_from(number).ok()
    }
}

/// Returns a name for people, cut to a length that fits a row.
fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES)]
}

/// The requests that fetch a venue's list, and the parser of their answers.
#[derive(Clone, Copy)]
pub struct CatalogueSource {
    pub(crate) needs: CatalogueNeeds,
    /// True if an instrument that is not in the list does not exist.
    pub(crate) is_whole: bool,
    /// The requests, whose answers are read in this order.
    pub(crate) requests: fn() -> Vec<RestRequest>,
    /// Adds the contents of an answer with status 2xx.
    pub(crate) read: fn(&str, &mut Catalogue) -> Result<(), CatalogueError>,
    /// Adds the instruments that are known without a request.
    pub(crate) built_in: fn(&mut Catalogue),
}

/// Configuration that a server needs before it can ask for the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogueNeeds {
    /// Nothing.
    Nothing,
    /// The venue's token.
    Token,
    /// The address or the token of the venue's source of history.
    History,
}

impl CatalogueSource {
    /// Returns what must be configured before the requests can be made.
    pub fn needs(&self) -> CatalogueNeeds {
        self.needs
    }

    /// Returns true if an instrument that is not in the list does not exist; otherwise the list is a selection.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns the requests for the list, numbered from zero; none if no request is needed.
    pub fn requests(&self) -> Vec<HttpRequest> {
        let number = |(number, request): (u64, RestRequest)| {
            let RestRequest { path, query, weight, body } = request;
            HttpRequest { id: RequestId(number), path, query, weight, body }
        };
        (0..).zip((self.requests)()).map(number).collect()
    }

    /// Adds the contents of an answer with status 2xx.
    ///
    /// # Errors
    /// The answer cannot be read, or is a refusal.
    pub fn read(&self, body: &str, catalogue: &mut Catalogue) -> Result<(), CatalogueError> {
        (self.read)(body, catalogue)
    }

    /// Returns the instruments that are known without a request.
    pub fn built_in(&self) -> Catalogue {
        let mut catalogue = Catalogue::default();
        (self.built_in)(&mut catalogue);
        catalogue
    }
}

impl fmt::Debug for CatalogueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogueSource").field("needs", &self.needs).finish_non_exhaustive()
    }
}

/// Why an answer gives no list.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It cannot be read.
    #[error("the list cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// The venue refuses, in its own words.
    #[error("{detail}")]
    Refused {
        /// The venue's reason.
        detail: String,
    },
}

/// One row of a venue's list.
pub(crate) trait Row {
    /// Adds its instrument, if it is one.
    fn add_to(&self, key: &str, catalogue: &mut Catalogue);
}

/// The rows of an array, or the values of an object with their keys. Each row is dropped as soon as it is read, so a list
/// of several megabytes takes no memory beside its text.
#[derive(Debug)]
pub(crate) struct Rows<R>(pub(crate) Catalogue, PhantomData<R>);

impl<'de, R: Row + Deserialize<'de>> Deserialize<'de> for Rows<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<R>(PhantomData<R>);

        impl<'de, R: Row + Deserialize<'de>> Visitor<'de> for Each<R> {
            type Value = Rows<R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of instruments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Rows<R>, A::Error> {
                let mut catalogue = Catalogue::default();
                while let Some(row) = seq.next_element::<R>()? {
                    row.add_to("", &mut catalogue);
                }
                Ok(Rows(catalogue, PhantomData))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows<R>, A::Error> {
                let mut catalogue = Catalogue::default();
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    map.next_value::<R>()?.add_to(&key, &mut catalogue);
                }
                Ok(Rows(catalogue, PhantomData))
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Rows<R>, E> {
                Ok(Rows(Catalogue::default(), PhantomData))
            }
        }

        deserializer.deserialize_any(Each(PhantomData))
    }
}

/// Longest symbol, asset and name, in bytes.
const NAME_BYTES: usize = 80;
/// Instruments in a list: several times those of any venue.
const MOST_INSTRUMENTS: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruments_come_back_as_they_went_in() {
        let mut catalogue = Catalogue::default();
        let apple = CatalogueItem { symbol: "AAPL", base: "AAPL", quote: "USD", name: "Apple Inc", status: "" };
        let halted =
            CatalogueItem { symbol: "１２３BBB", base: "１２３", quote: "BBB", name: "", status: "BREAK" };
        let long = "é".repeat(100);
        let named = CatalogueItem { symbol: "X", name: &long, ..CatalogueItem::default() };
        for listed in [
            apple,
            halted,
            named,
            CatalogueItem::default(),
            CatalogueItem { symbol: &long, ..CatalogueItem::default() },
        ] {
            catalogue.push(listed);
        }
        let back: Vec<CatalogueItem<'_>> = catalogue.iter().collect();
        assert_eq!(back[..2], [apple, halted]);
        assert_eq!((back[2].symbol, back[2].name.chars().count(), back.len()), ("X", 40, 3));
        assert!(back[0].is_trading() && !back[1].is_trading());
    }

    #[test]
    fn an_instrument_takes_little_memory() {
        let mut catalogue = Catalogue::default();
        for number in 0..3_000 {
            let base = format!("B{number}");
            catalogue.push(CatalogueItem {
                symbol: &format!("{base}USDT"),
                base: &base,
                quote: "USDT",
                ..CatalogueItem::default()
            });
        }
        catalogue.shrink();
        let each = catalogue.size_bytes() / catalogue.len();
        assert!((20..=34).contains(&each), "{each} bytes");
    }
}
