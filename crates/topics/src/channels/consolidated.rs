//! Channel `consolidated`: the best bid and the best ask of one pair over all venues, and which venues count.
//!
//! Unlike in other channels, a delta carries the whole state: a best bid can disappear, and an old value must not
//! remain.

use model::{
    decimal::{Price, Quantity},
    instrument::InstrumentId,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    exact::Same,
    limits::MAX_ENTRIES,
    payload::{FieldReader, FieldWriter, Merge, Payload, check_length, oldest, when},
};

/// The top of one pair. An absent side means that no counting venue has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConsolidatedData {
    /// Highest bid of the venues that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<VenueLevel>,
    /// Lowest ask of the venues that count; it may be below the bid, as they come from different venues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<VenueLevel>,
    /// Every venue's instrument of the pair, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub venues: Vec<VenueStanding>,
    /// True if all venues that count are simulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_simulated: bool,
    /// The server's clock when this was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_time_us: Option<i64>,
}

/// The best level of a side, and its instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VenueLevel {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Quote per base.
    pub price: Price,
    /// Base units.
    pub size: Quantity,
}

/// Standing of one venue's top: counted, or left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VenueStanding {
    /// The instrument of the top.
    pub instrument: InstrumentId,
    /// Why the top is left out; absent if it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// Why a venue's top does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// The venue has not quoted yet, or has quoted only one side.
    NoQuote,
    /// The venue is connecting, or has not sent any data yet.
    Initialising,
    /// The last data is too old.
    Stale,
    /// The feed has failed.
    Failed,
    /// The book contradicts itself, or is being fetched again.
    Suspect,
    /// The book fails the venue's own checksum.
    Unverified,
    /// The venue is simulated, and real ones exist.
    Simulated,
    /// The venue is a replay of a recording.
    Replay,
    /// There is no book yet, or none at all, that could prove the quote.
    NoBook,
}

impl LeftOut {
    /// All reasons; the position plus one is the number in the binary form: append only.
    pub const ALL: [Self; 9] = [
        Self::NoQuote,
        Self::Initialising,
        Self::Stale,
        Self::Failed,
        Self::Suspect,
        Self::Unverified,
        Self::Simulated,
        Self::Replay,
        Self::NoBook,
    ];

    /// Returns the displayed words, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoQuote => "no quote",
            Self::Initialising => "initialising",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Suspect => "suspect",
            Self::Unverified => "unverified",
            Self::Simulated => "simulated",
            Self::Replay => "replay",
            Self::NoBook => "no book",
        }
    }
}

impl Merge for ConsolidatedData {
    /// Replaces everything with the newer state.
    fn merge(&mut self, delta: &Self) {
        self.clone_from(delta);
    }

    /// Returns `newer` if anything but the publishing time differs.
    fn diff(&self, newer: &Self) -> Option<Self> {
        let is_same = is_same_level(self.bid.as_ref(), newer.bid.as_ref())
            && is_same_level(self.ask.as_ref(), newer.ask.as_ref())
            && self.venues == newer.venues
            && self.is_simulated == newer.is_simulated;
        (!is_same).then(|| newer.clone())
    }
}

fn is_same_level(older: Option<&VenueLevel>, newer: Option<&VenueLevel>) -> bool {
    match (older, newer) {
        (None, None) => true,
        (Some(older), Some(newer)) => {
            older.instrument == newer.instrument && older.price.is_same(&newer.price) && older.size.is_same(&newer.size)
        }
        _ => false,
    }
}

impl Payload for ConsolidatedData {
    fn write(&self, writer: &mut impl FieldWriter) {
        writer.mask([self.is_simulated, self.bid.is_some(), self.ask.is_some(), self.publish_time_us.is_some()]);
        for level in [&self.bid, &self.ask].into_iter().flatten() {
            writer.text(&level.instrument.to_string());
            writer.price(level.price);
            writer.size(level.size);
        }
        self.publish_time_us.into_iter().for_each(|time_us| writer.time(time_us));
        let venues = oldest(&self.venues, MAX_ENTRIES);
        writer.count(venues.len());
        for venue in venues {
            writer.text(&venue.instrument.to_string());
            writer.coded(&STANDINGS, &venue.left_out);
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mask = reader.mask(4)?;
        let (bid, ask) = (when(mask, 1, || read_venue_level(reader))?, when(mask, 2, || read_venue_level(reader))?);
        let publish_time_us = when(mask, 3, || reader.time())?;
        let n_venues = reader.count("venues", MAX_ENTRIES)?;
        let venue =
            |_| Ok(VenueStanding { instrument: reader.instrument()?, left_out: reader.coded("standing", &STANDINGS)? });
        let venues = (0..n_venues).map(venue).collect::<Result<_, FieldError>>()?;
        Ok(ConsolidatedData { bid, ask, venues, is_simulated: mask & 1 == 1, publish_time_us })
    }

    fn check(&self) -> Result<(), FieldError> {
        check_length("venues", self.venues.len(), MAX_ENTRIES)
    }
}

fn read_venue_level(reader: &mut impl FieldReader) -> Result<VenueLevel, FieldError> {
    Ok(VenueLevel { instrument: reader.instrument()?, price: reader.price()?, size: reader.size()? })
}

/// Counted (`None`), then the reasons for leaving a venue out.
const STANDINGS: [Option<LeftOut>; LeftOut::ALL.len() + 1] = {
    let mut table = [None; LeftOut::ALL.len() + 1];
    let mut reason_idx = 0;
    while reason_idx < LeftOut::ALL.len() {
        table[reason_idx + 1] = Some(LeftOut::ALL[reason_idx]);
        reason_idx += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn data(bid: Option<&str>) -> ConsolidatedData {
        let instrument = InstrumentId::parse("demo:AAABBB").unwrap();
        let level = |text| VenueLevel {
            instrument: instrument.clone(),
            price: Price::parse(text).unwrap(),
            size: Quantity::parse("1").unwrap(),
        };
        ConsolidatedData { bid: bid.map(level), ..ConsolidatedData::default() }
    }

    #[test]
    fn what_is_gone_goes_and_time_alone_is_no_change() {
        let (older, newer) = (data(Some("1.5")), data(None));
        let mut merged = older.clone();
        merged.merge(&older.diff(&newer).unwrap());
        assert_eq!(merged, newer);
        let later = ConsolidatedData { publish_time_us: Some(7), ..older.clone() };
        assert_eq!(older.diff(&later), None);
        let digits = older.diff(&data(Some("1.50"))).unwrap();
        assert_eq!(digits.bid.unwrap().price.to_string(), "1.50");
    }

    #[test]
    fn each_reason_is_listed_once() {
        let words: std::collections::BTreeSet<&str> = LeftOut::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), LeftOut::ALL.len());
    }
}
