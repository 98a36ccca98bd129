//! Channel `quote`: best bid and ask, last price, statistics of the last 24 hours.

use model::{
    decimal::{Price, Quantity},
    event::AggressorSide,
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    error::FieldError,
    payload::{FieldReader, FieldWriter, Payload, SIDES, optional_fields, when},
};

/// The quote of an instrument. Absent in a snapshot: not known yet; absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "QuoteJson", into = "QuoteJson")]
pub struct QuoteData {
    /// Highest bid.
    pub bid: Option<Price>,
    /// Quantity at the highest bid.
    pub bid_size: Option<Quantity>,
    /// True if nobody bids: takes back what was known of the side. `null` in JSON.
    pub is_bid_gone: bool,
    /// Lowest ask.
    pub ask: Option<Price>,
    /// Quantity at the lowest ask.
    pub ask_size: Option<Quantity>,
    /// True if nobody offers.
    pub is_ask_gone: bool,
    /// Price of the last trade.
    pub last: Option<Price>,
    /// The aggressor side of the last trade.
    pub last_side: Option<AggressorSide>,
    /// First price of the last 24 hours.
    pub day_open: Option<Price>,
    /// Highest price of the last 24 hours.
    pub day_high: Option<Price>,
    /// Lowest price of the last 24 hours.
    pub day_low: Option<Price>,
    /// Base units traded in the last 24 hours.
    pub day_volume: Option<Quantity>,
    /// The venue's clock at the last change, if the venue reports it.
    pub venue_time_ms: Option<i64>,
    /// The server's clock when the last change arrived.
    pub receive_time_us: Option<i64>,
    /// The server's clock when this was published.
    pub publish_time_us: Option<i64>,
}

optional_fields!(QuoteData {
    bid,
    bid_size,
    ask,
    ask_size,
    last,
    last_side,
    day_open,
    day_high,
    day_low,
    day_volume,
    venue_time_ms,
    receive_time_us,
    publish_time_us,
} gone {
    is_bid_gone: bid, bid_size;
    is_ask_gone: ask, ask_size;
});

impl Payload for QuoteData {
    fn write(&self, writer: &mut impl FieldWriter) {
        let prices = [self.bid, self.ask, self.last, self.day_open, self.day_high, self.day_low];
        let sizes = [self.bid_size, self.ask_size, self.day_volume];
        let times = [self.venue_time_ms, self.receive_time_us, self.publish_time_us];
        let present = prices.iter().map(Option::is_some).chain(sizes.iter().map(Option::is_some));
        let present = present.chain(times.iter().map(Option::is_some)).chain([self.last_side.is_some()]);
        let present = present.chain([self.is_bid_gone, self.is_ask_gone]);
        writer.mask(present);
        prices.into_iter().flatten().for_each(|price| writer.price(price));
        sizes.into_iter().flatten().for_each(|size| writer.size(size));
        writer.times(self.venue_time_ms, self.receive_time_us, self.publish_time_us);
        if let Some(side) = self.last_side {
            writer.coded(&SIDES, &side);
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mask = reader.mask(15)?;
        let has = |bit: u32| mask & (1 << bit) != 0;
        let (is_bid_gone, is_ask_gone) = (has(13), has(14));
        if is_bid_gone && (has(0) || has(6)) || is_ask_gone && (has(1) || has(7)) {
            return Err(FieldError::OutOfRange { what: "a side that is gone" });
        }
        Ok(QuoteData {
            bid: when(mask, 0, || reader.price())?,
            ask: when(mask, 1, || reader.price())?,
            last: when(mask, 2, || reader.price())?,
            day_open: when(mask, 3, || reader.price())?,
            day_high: when(mask, 4, || reader.price())?,
            day_low: when(mask, 5, || reader.price())?,
            bid_size: when(mask, 6, || reader.size())?,
            ask_size: when(mask, 7, || reader.size())?,
            day_volume: when(mask, 8, || reader.size())?,
            venue_time_ms: when(mask, 9, || reader.venue_time())?,
            receive_time_us: when(mask, 10, || reader.time())?,
            publish_time_us: when(mask, 11, || reader.time())?,
            last_side: when(mask, 12, || reader.coded("side", &SIDES))?,
            is_bid_gone,
            is_ask_gone,
        })
    }
}

/// The JSON form. `null` in a side's fields: the side is gone.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct QuoteJson {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    bid: Option<Option<Price>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    bid_size: Option<Option<Quantity>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    ask: Option<Option<Price>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    ask_size: Option<Option<Quantity>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_side: Option<AggressorSide>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day_open: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day_high: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day_low: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day_volume: Option<Quantity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    venue_time_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receive_time_us: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publish_time_us: Option<i64>,
}

impl From<QuoteData> for QuoteJson {
    fn from(quote: QuoteData) -> Self {
        let QuoteData { is_bid_gone, is_ask_gone, .. } = quote;
        Self {
            bid: field(quote.bid, is_bid_gone),
            bid_size: field(quote.bid_size, is_bid_gone),
            ask: field(quote.ask, is_ask_gone),
            ask_size: field(quote.ask_size, is_ask_gone),
            last: quote.last,
            last_side: quote.last_side,
            day_open: quote.day_open,
            day_high: quote.day_high,
            day_low: quote.day_low,
            day_volume: quote.day_volume,
            venue_time_ms: quote.venue_time_ms,
            receive_time_us: quote.receive_time_us,
            publish_time_us: quote.publish_time_us,
        }
    }
}

impl From<QuoteJson> for QuoteData {
    fn from(json: QuoteJson) -> Self {
        let (is_bid_gone, is_ask_gone) = (json.bid == Some(None), json.ask == Some(None));
        Self {
            bid: json.bid.flatten(),
            bid_size: json.bid_size.flatten().filter(|_| !is_bid_gone),
            is_bid_gone,
            ask: json.ask.flatten(),
            ask_size: json.ask_size.flatten().filter(|_| !is_ask_gone),
            is_ask_gone,
            last: json.last,
            last_side: json.last_side,
            day_open: json.day_open,
            day_high: json.day_high,
            day_low: json.day_low,
            day_volume: json.day_volume,
            venue_time_ms: json.venue_time_ms,
            receive_time_us: json.receive_time_us,
            publish_time_us: json.publish_time_us,
        }
    }
}

fn field<T>(value: Option<T>, is_gone: bool) -> Option<Option<T>> {
    if is_gone { Some(None) } else { value.map(Some) }
}

/// Reads a field that is present, also as `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Merge;

    fn price(text: &str) -> Option<Price> {
        Price::parse(text).ok()
    }

    #[test]
    fn a_delta_has_only_what_changed() {
        let older = QuoteData { bid: price("1.50"), ask: price("1.60"), ..QuoteData::default() };
        let newer = QuoteData { bid: price("1.50"), ask: price("1.61"), last: price("1.61"), ..QuoteData::default() };
        let delta = older.diff(&newer).unwrap();
        assert_eq!(delta, QuoteData { ask: price("1.61"), last: price("1.61"), ..QuoteData::default() });
        assert_eq!(newer.diff(&newer), None);
    }

    #[test]
    fn digits_count_as_a_change() {
        let older = QuoteData { bid: price("1.5"), ..QuoteData::default() };
        let newer = QuoteData { bid: price("1.50"), ..QuoteData::default() };
        assert_eq!(older, newer, "equal as numbers");
        let mut merged = older.clone();
        merged.merge(&older.diff(&newer).unwrap());
        assert_eq!(merged.bid.unwrap().to_string(), "1.50");
    }

    #[test]
    fn a_known_field_stays_known() {
        let older = QuoteData { bid: price("1.5"), ..QuoteData::default() };
        assert_eq!(older.diff(&QuoteData::default()), None);
    }

    /// A side that is gone takes its fields back; the other side stays.
    #[test]
    fn a_side_that_is_gone_is_taken_back() {
        let size = |text| Quantity::parse(text).ok();
        let older = QuoteData {
            bid: price("1.5"),
            bid_size: size("2"),
            ask: price("1.6"),
            ask_size: size("3"),
            ..QuoteData::default()
        };
        let gone = QuoteData { bid: price("1.4"), ask: None, ask_size: None, is_ask_gone: true, ..older.clone() };
        let delta = older.diff(&gone).unwrap();
        let mut merged = older.clone();
        merged.merge(&delta);
        assert_eq!(merged, gone);
        assert_eq!(gone.diff(&gone), None);
        merged.merge(&gone.diff(&older).unwrap());
        assert_eq!(merged, older, "it came back");
    }
}
