//! Channel `quote`: best bid and ask, last price, statistics of the last 24 hours.

use model::{
    decimal::{Price, Quantity},
    event::AggressorSide,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    payload::{FieldReader, FieldWriter, Payload, SIDES, optional_fields, when},
};

/// The quote of an instrument. Absent in a snapshot: not known yet; absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteData {
    /// Highest bid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<Price>,
    /// Quantity at the highest bid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid_size: Option<Quantity>,
    /// Lowest ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Price>,
    /// Quantity at the lowest ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_size: Option<Quantity>,
    /// Price of the last trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Price>,
    /// The aggressor side of the last trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_side: Option<AggressorSide>,
    /// First price of the last 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_open: Option<Price>,
    /// Highest price of the last 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_high: Option<Price>,
    /// Lowest price of the last 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_low: Option<Price>,
    /// Base units traded in the last 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_volume: Option<Quantity>,
    /// The venue's clock at the last change, if the venue reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_time_ms: Option<i64>,
    /// The server's clock when the last change arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_time_us: Option<i64>,
    /// The server's clock when this was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
});

impl Payload for QuoteData {
    fn write(&self, writer: &mut impl FieldWriter) {
        let prices = [self.bid, self.ask, self.last, self.day_open, self.day_high, self.day_low];
        let sizes = [self.bid_size, self.ask_size, self.day_volume];
        let times = [self.venue_time_ms, self.receive_time_us, self.publish_time_us];
        let present = prices.iter().map(Option::is_some).chain(sizes.iter().map(Option::is_some));
        let present = present.chain(times.iter().map(Option::is_some)).chain([self.last_side.is_some()]);
        writer.mask(present);
        prices.into_iter().flatten().for_each(|price| writer.price(price));
        sizes.into_iter().flatten().for_each(|size| writer.size(size));
        writer.times(self.venue_time_ms, self.receive_time_us, self.publish_time_us);
        if let Some(side) = self.last_side {
            writer.coded(&SIDES, &side);
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mask = reader.mask(13)?;
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
        })
    }
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
}
