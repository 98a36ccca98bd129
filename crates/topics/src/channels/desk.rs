//! The channels of the trading desk: `dashboard`, `orders`, `trades` (an account's fills), `positions`, `performance`,
//! `strategies`, and `events`, all by account.
//!
//! Their rows are JSON in both forms: there are few of them, they change when a person or a strategy acts, and only the
//! desk's pages read their forty fields, so the rest of the page carries no code for them. Not here: the rows' types
//! (`model::trading`, `desk`).

use std::sync::Arc;

use model::sorted::SortedMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use serde_json::value::RawValue;

use crate::{
    error::FieldError,
    limits::{DESK_LOG_LENGTH, MAX_ENTRIES, MAX_TOPIC_BYTES},
    payload::{FieldReader, FieldWriter, Merge, Payload, check_length, newest},
};

/// JSON of one row. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RowText(
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))] Arc<str>,
);

impl RowText {
    /// Writes a value as JSON; `None` if it is longer than a row may be, or no JSON.
    pub fn of(value: &impl Serialize) -> Option<Self> {
        let text = serde_json::to_string(value).ok()?;
        (text.len() <= MAX_ROW_BYTES).then(|| Self(text.into()))
    }

    /// Reads the row.
    ///
    /// # Errors
    /// The row has another form.
    pub fn read<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Returns the JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for RowText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(raw) => raw.serialize(serializer),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }
}

impl<'de> Deserialize<'de> for RowText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().len() > MAX_ROW_BYTES {
            return Err(de::Error::custom("the row is too long"));
        }
        Ok(Self(raw.get().into()))
    }
}

/// Rows by their keys. A snapshot has all of them; a delta the changed ones, whole, and the keys of the removed ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeskRows {
    /// Rows by key.
    #[serde(default, with = "by_key")]
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, RowText>"))]
    pub rows: SortedMap<String, RowText>,
    /// Keys of removed rows; in deltas only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

impl Merge for DeskRows {
    fn merge(&mut self, delta: &Self) {
        for (key, row) in delta.rows.iter() {
            self.rows.insert(key.clone(), row.clone());
        }
        for key in &delta.removed {
            self.rows.remove(key);
        }
    }

    fn diff(&self, newer: &Self) -> Option<Self> {
        let mut delta = Self::default();
        for (key, row) in newer.rows.iter() {
            if self.rows.get(key) != Some(row) {
                delta.rows.insert(key.clone(), row.clone());
            }
        }
        delta.removed = self.rows.keys().filter(|key| !newer.rows.contains_key(*key)).cloned().collect();
        (delta != Self::default()).then_some(delta)
    }
}

impl Payload for DeskRows {
    fn write(&self, writer: &mut impl FieldWriter) {
        writer.count(self.rows.len().min(MAX_ENTRIES));
        for (key, row) in self.rows.iter().take(MAX_ENTRIES) {
            writer.text(key);
            writer.json(row.as_str());
        }
        let removed = newest(&self.removed, MAX_ENTRIES);
        writer.count(removed.len());
        removed.iter().for_each(|key| writer.text(key));
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mut data = Self::default();
        for _ in 0..reader.count("rows", MAX_ENTRIES)? {
            let key = reader.text()?.to_owned();
            data.rows.insert(key, RowText(reader.json()?.into()));
        }
        for _ in 0..reader.count("removed rows", MAX_ENTRIES)? {
            data.removed.push(reader.text()?.to_owned());
        }
        Ok(data)
    }

    fn check(&self) -> Result<(), FieldError> {
        check_length("rows", self.rows.len(), MAX_ENTRIES)?;
        check_length("removed rows", self.removed.len(), MAX_ENTRIES)?;
        let longest = self.rows.keys().chain(&self.removed).map(String::len).max();
        check_length("bytes of a key", longest.unwrap_or(0), MAX_TOPIC_BYTES)
    }
}

/// Things that happened, each once, oldest first. A snapshot has the last [`DESK_LOG_LENGTH`]; a delta all since.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeskLog {
    /// Numbers that rise, each with its row.
    #[serde(default)]
    pub entries: Vec<(u64, RowText)>,
}

impl Merge for DeskLog {
    fn merge(&mut self, delta: &Self) {
        self.entries.extend_from_slice(&delta.entries);
        let n_surplus = self.entries.len().saturating_sub(DESK_LOG_LENGTH);
        self.entries.drain(..n_surplus);
    }

    fn diff(&self, newer: &Self) -> Option<Self> {
        let last = self.entries.last().map(|(number, _)| *number);
        let is_new = |(number, _): &&(u64, RowText)| last.is_none_or(|last| *number > last);
        let entries: Vec<_> = newer.entries.iter().filter(is_new).cloned().collect();
        (!entries.is_empty()).then_some(Self { entries })
    }
}

impl Payload for DeskLog {
    fn write(&self, writer: &mut impl FieldWriter) {
        let entries = newest(&self.entries, MAX_ENTRIES);
        writer.count(entries.len());
        for (number, row) in entries {
            writer.unsigned(*number);
            writer.json(row.as_str());
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let n_entries = reader.count("entries", MAX_ENTRIES)?;
        let entry = |_| Ok((reader.unsigned()?, RowText(reader.json()?.into())));
        Ok(Self { entries: (0..n_entries).map(entry).collect::<Result<_, _>>()? })
    }

    fn check(&self) -> Result<(), FieldError> {
        check_length("entries", self.entries.len(), MAX_ENTRIES)
    }
}

/// Rows as an object whose members are the keys.
mod by_key {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        rows: &SortedMap<String, RowText>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(rows.len()))?;
        for (key, row) in rows.iter() {
            map.serialize_entry(key, row)?;
        }
        map.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SortedMap<String, RowText>, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = SortedMap<String, RowText>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of rows")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut rows = SortedMap::new();
                while let Some((key, row)) = map.next_entry()? {
                    rows.insert(key, row);
                }
                Ok(rows)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Longest row: an order or a strategy with its settings, several times over.
pub const MAX_ROW_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(entries: &[(&str, u32)]) -> DeskRows {
        let mut data = DeskRows::default();
        for (key, value) in entries {
            data.rows.insert((*key).to_owned(), RowText::of(&serde_json::json!({ "value": value })).unwrap());
        }
        data
    }

    #[test]
    fn a_delta_has_what_changed_and_what_went() {
        let mut page = rows(&[("1", 1), ("2", 2), ("3", 3)]);
        let newer = rows(&[("1", 1), ("3", 30), ("4", 4)]);
        let delta = page.diff(&newer).unwrap();
        let text = serde_json::to_string(&delta).unwrap();
        assert_eq!(text, r#"{"rows":{"3":{"value":30},"4":{"value":4}},"removed":["2"]}"#);
        assert_eq!(serde_json::from_str::<DeskRows>(&text).unwrap(), delta);
        page.merge(&delta);
        assert_eq!((&page, page.diff(&newer)), (&newer, None));
    }

    #[test]
    fn a_log_has_each_entry_once_and_the_newest_only() {
        let entry = |number: u64| (number, RowText::of(&number).unwrap());
        let log = |numbers: std::ops::Range<u64>| DeskLog { entries: numbers.map(entry).collect() };
        let mut page = log(1..4);
        assert_eq!(page.diff(&log(2..6)), Some(log(4..6)));
        assert_eq!(page.diff(&log(1..4)), None);
        page.merge(&log(4..300));
        assert_eq!(page, log(300 - DESK_LOG_LENGTH as u64..300));
    }

    #[test]
    fn rows_that_are_too_long_are_not_made() {
        assert!(RowText::of(&"a".repeat(MAX_ROW_BYTES)).is_none());
        let text = format!(r#"{{"rows":{{"1":"{}"}}}}"#, "a".repeat(MAX_ROW_BYTES));
        assert!(serde_json::from_str::<DeskRows>(&text).is_err());
    }
}
