//! The list of instruments: the server's instruments, fetched once and again after each change of epoch.

use std::sync::Arc;

use model::{
    instrument::{Instrument, InstrumentId},
    sorted::sorted_by,
};
use serde::Deserialize;

/// The available instruments, as far as known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstrumentList {
    /// Real ones first, then by venue and symbol; the previous list while a newer one is fetched.
    pub known: Arc<Vec<Arc<Instrument>>>,
    /// True once a list has arrived.
    pub is_known: bool,
    /// Why the last attempt failed; further attempts follow.
    pub failure: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    instruments: Vec<Instrument>,
}

impl InstrumentList {
    /// Parses the server's answer.
    ///
    /// # Errors
    /// The text does not have the expected shape.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let answer: Answer = serde_json::from_str(text)?;
        let known: Vec<Arc<Instrument>> = answer.instruments.into_iter().map(Arc::new).collect();
        let known = sorted_by(known, |left, right| (left.is_simulated, &left.id).cmp(&(right.is_simulated, &right.id)));
        Ok(Self { known: Arc::new(known), is_known: true, failure: None })
    }

    /// Returns the instrument with that id.
    pub fn find(&self, id: &InstrumentId) -> Option<&Arc<Instrument>> {
        self.known.iter().find(|instrument| instrument.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"instruments":[
        {"id":"demo:AAA-SIM","base":"AAA","quote":"USD","tick_size":"0.01","lot_size":"0.001","min_notional":null,
         "status":"trading","is_simulated":true,"price_decimals":2,"size_decimals":3},
        {"id":"venue:ZZZ","base":"ZZZ","quote":"USD","tick_size":"0.5","lot_size":"1","min_notional":"10",
         "status":"halted","is_simulated":false,"price_decimals":1,"size_decimals":0}]}"#;

    #[test]
    fn real_instruments_stand_first() {
        let list = InstrumentList::parse(ANSWER).unwrap();
        let ids: Vec<String> = list.known.iter().map(|instrument| instrument.id.to_string()).collect();
        assert_eq!(ids, ["venue:ZZZ", "demo:AAA-SIM"]);
        let found = list.find(&InstrumentId::parse("demo:AAA-SIM").unwrap()).unwrap();
        assert_eq!((found.price_decimals(), found.size_decimals()), (2, 3));
    }

    #[test]
    fn unusable_answers_are_errors() {
        for text in ["", "[]", "{}", r#"{"instruments":[{"id":"x"}]}"#, "<html>"] {
            assert!(InstrumentList::parse(text).is_err(), "{text}");
        }
    }
}
