//! A trade's id: a number where the venue counts its trades, else a text.

use std::fmt;

use model::event::TradeId;
use serde::{Deserializer, Serializer, de};

pub(crate) fn serialize<S: Serializer>(id: &TradeId, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        TradeId::Sequence(number) => serializer.serialize_u64(*number),
        TradeId::Text(text) => serializer.serialize_str(text),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TradeId, D::Error> {
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
