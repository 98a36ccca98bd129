//! JSON schemas of what is written by hand; all other types derive theirs. Only with the feature `schema`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    limits::MAX_TOPIC_BYTES,
    topic::{Topic, TopicPattern},
};

impl JsonSchema for Topic {
    fn schema_name() -> Cow<'static, str> {
        "Topic".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`channel[.parameter][:subject]`, as in `book:demo:BTC-SIM` or `candles.1m:demo:BTC-SIM`.",
            "type": "string",
            "maxLength": MAX_TOPIC_BYTES,
        })
    }
}

impl JsonSchema for TopicPattern {
    fn schema_name() -> Cow<'static, str> {
        "TopicPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A topic, or one channel of all symbols of a venue, all pairs or all accounts: `quote:demo:*`.",
            "type": "string",
            "maxLength": MAX_TOPIC_BYTES,
        })
    }
}

/// Returns the schema of a trade's id.
pub(crate) fn trade_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["integer", "string"], "minimum": 0 })
}
