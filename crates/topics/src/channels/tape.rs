//! Channel `tape`: public trades, each exactly once.

use model::{
    decimal::{Price, Quantity},
    event::{AggressorSide, TradeId},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    limits::{MAX_ENTRIES, TAPE_LENGTH},
    payload::{FieldReader, FieldWriter, Merge, Payload, SIDES, check_length, code_of, newest},
};

/// Trades, oldest first. A snapshot has the last 100; a delta all trades since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TapeData {
    /// The trades, oldest first.
    pub trades: Vec<TapeTrade>,
}

/// One public trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TapeTrade {
    /// The venue's id; in JSON a number if the venue numbers its trades, otherwise a text.
    #[serde(with = "trade_id")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::schema::trade_id"))]
    pub id: TradeId,
    /// Price of one base unit.
    pub price: Price,
    /// Base units traded.
    pub size: Quantity,
    /// The side that crossed the spread.
    pub aggressor_side: AggressorSide,
    /// The venue's clock; the server's if the venue sends no time.
    pub venue_time_ms: i64,
}

impl Merge for TapeData {
    /// Appends new trades and keeps the newest 100.
    fn merge(&mut self, delta: &Self) {
        self.trades.extend_from_slice(&delta.trades);
        let n_surplus = self.trades.len().saturating_sub(TAPE_LENGTH);
        self.trades.drain(..n_surplus);
    }

    /// Returns the trades of `newer` after the last one of `self`; all of them if that one is no longer present. `None`
    /// if there are none.
    fn diff(&self, newer: &Self) -> Option<Self> {
        let n_known = self
            .trades
            .last()
            .and_then(|last| newer.trades.iter().rposition(|trade| trade == last))
            .map_or(0, |at| at + 1);
        let trades = newer.trades[n_known..].to_vec();
        (!trades.is_empty()).then_some(Self { trades })
    }
}

impl Payload for TapeData {
    fn write(&self, writer: &mut impl FieldWriter) {
        let trades = newest(&self.trades, MAX_ENTRIES);
        writer.count(trades.len());
        let mut number_before = 0_u64;
        for trade in trades {
            let side = code_of(&SIDES, &trade.aggressor_side);
            match &trade.id {
                TradeId::Sequence(number) => {
                    writer.byte(side << 1);
                    writer.signed(number.wrapping_sub(number_before) as i64);
                    number_before = *number;
                }
                TradeId::Text(text) => {
                    writer.byte((side << 1) | 1);
                    writer.text(text);
                }
            }
            writer.price(trade.price);
            writer.size(trade.size);
            writer.time(trade.venue_time_ms);
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let n_trades = reader.count("trades", MAX_ENTRIES)?;
        let mut trades = Vec::with_capacity(n_trades);
        let mut number_before = 0_u64;
        for _ in 0..n_trades {
            let head = reader.byte()?;
            let side = SIDES.get(usize::from(head >> 1)).copied();
            let aggressor_side = side.ok_or(FieldError::UnknownCode { what: "side", found: u64::from(head >> 1) })?;
            let id = if head & 1 == 0 {
                number_before = number_before.wrapping_add(reader.signed()? as u64);
                TradeId::Sequence(number_before)
            } else {
                TradeId::Text(reader.text()?.into())
            };
            trades.push(TapeTrade {
                id,
                aggressor_side,
                price: reader.price()?,
                size: reader.size()?,
                venue_time_ms: reader.time()?,
            });
        }
        Ok(TapeData { trades })
    }

    fn check(&self) -> Result<(), FieldError> {
        check_length("trades", self.trades.len(), MAX_ENTRIES)
    }
}

/// A trade's id: a number if the venue numbers its trades, otherwise a text.
mod trade_id {
    use std::fmt;

    use model::event::TradeId;
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(id: &TradeId, serializer: S) -> Result<S::Ok, S::Error> {
        match id {
            TradeId::Sequence(number) => serializer.serialize_u64(*number),
            TradeId::Text(text) => serializer.serialize_str(text),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TradeId, D::Error> {
        deserializer.deserialize_any(NumberOrText)
    }

    struct NumberOrText;

    impl de::Visitor<'_> for NumberOrText {
        type Value = TradeId;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a trade id, a number or a text")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<TradeId, E> {
            Ok(TradeId::Sequence(number))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<TradeId, E> {
            Ok(TradeId::Text(text.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trade(number: u64) -> TapeTrade {
        TapeTrade {
            id: TradeId::Sequence(number),
            price: Price::parse("61602.01").unwrap(),
            size: Quantity::parse("0.00500").unwrap(),
            aggressor_side: AggressorSide::Seller,
            venue_time_ms: 1_763_668_000_123,
        }
    }

    fn last_100(top: u64) -> TapeData {
        TapeData { trades: (top.saturating_sub(99).max(1)..=top).map(trade).collect() }
    }

    #[test]
    fn more_than_the_window_at_once_leaves_the_newest() {
        let mut tape = last_100(5);
        tape.merge(&TapeData { trades: (6..=300).map(trade).collect() });
        assert_eq!(tape, last_100(300));
    }

    proptest! {
        #[test]
        fn snapshot_and_deltas_are_the_later_snapshot(steps in prop::collection::vec(0_u64..150, 1..20)) {
            let mut top = 3;
            let mut merged = last_100(top);
            for step in steps {
                // The publisher's delta: each trade since, even if the window has moved past some.
                let delta = TapeData { trades: (top + 1..=top + step).map(trade).collect() };
                let older = last_100(top);
                top += step;
                merged.merge(&delta);
                prop_assert_eq!(&merged, &last_100(top));
                if step < 100 {
                    prop_assert_eq!(older.diff(&last_100(top)), (step > 0).then_some(delta));
                }
            }
        }
    }
}
