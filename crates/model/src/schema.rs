//! JSON schemas of types whose JSON is written by hand; all others derive theirs. Only with the feature `schema`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{alert::secret::Secret, candle::Interval, instrument::InstrumentId, trading::fill::FillId};

impl JsonSchema for InstrumentId {
    fn schema_name() -> Cow<'static, str> {
        "InstrumentId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Venue and symbol in the venue's own spelling, as in `demo:BTC-SIM`; everything after the \
                            first colon is the symbol.",
            "type": "string",
            "pattern": "^[^:]+:[\\s\\S]+$",
        })
    }
}

impl JsonSchema for FillId {
    fn schema_name() -> Cow<'static, str> {
        "FillId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The order's number and the fill's number in it, from 1: `17-1`.",
            "type": "string",
            "pattern": "^[0-9]{1,20}-[0-9]{1,10}$",
        })
    }
}

impl JsonSchema for Interval {
    fn schema_name() -> Cow<'static, str> {
        "Interval".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Length of a bar.",
            "type": "string",
            "enum": Self::ALL.map(Self::as_str),
        })
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let shown = json_schema!({
            "type": "object",
            "properties": { "is_set": { "type": "boolean" } },
            "required": ["is_set"],
            "additionalProperties": false,
        });
        if generator.contract().is_serialize() {
            json_schema!({ "description": "Whether a secret is set; it is never shown.", "allOf": [shown] })
        } else {
            json_schema!({
                "description": "A new secret as text; what was shown, given back, keeps the one that is set.",
                "anyOf": [{ "type": "string" }, shown],
            })
        }
    }
}
