//! Channel `indicators`: the values of one indicator on the bars of one instrument and interval.
//!
//! Not here: what an indicator is and computes (`indicators`), which outputs it has.

use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    limits::{CANDLES_LENGTH, MAX_BARS, MAX_OUTPUTS},
    payload::{FieldReader, FieldWriter, Merge, Payload, check_length, newest, when},
};

/// Values, oldest first. A snapshot has the last 500 bars; a delta the forming one and those that changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IndicatorsData {
    /// Open times ascending; in JSON `[open_time_ms, [value or null, …]]`.
    #[serde(default)]
    pub rows: Vec<IndicatorRow>,
}

/// The values at one bar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "(i64, Vec<Option<f64>>)", into = "(i64, Vec<Option<f64>>)")]
pub struct IndicatorRow {
    /// Start of the bar, in milliseconds since the epoch.
    pub open_ms: i64,
    /// One value an output, in the order of the indicator's outputs; `None` where there is none.
    pub values: Vec<Option<f64>>,
}

impl From<(i64, Vec<Option<f64>>)> for IndicatorRow {
    fn from((open_ms, values): (i64, Vec<Option<f64>>)) -> Self {
        Self { open_ms, values }
    }
}

impl From<IndicatorRow> for (i64, Vec<Option<f64>>) {
    fn from(IndicatorRow { open_ms, values }: IndicatorRow) -> Self {
        (open_ms, values)
    }
}

impl Merge for IndicatorsData {
    /// Sets each row of the delta by its open time and keeps the newest 500.
    fn merge(&mut self, delta: &Self) {
        for row in &delta.rows {
            let at = self.rows.partition_point(|known| known.open_ms < row.open_ms);
            match self.rows.get_mut(at) {
                Some(known) if known.open_ms == row.open_ms => known.values.clone_from(&row.values),
                _ => self.rows.insert(at, row.clone()),
            }
        }
        let n_surplus = self.rows.len().saturating_sub(CANDLES_LENGTH);
        self.rows.drain(..n_surplus);
    }

    /// Returns the rows of `newer` that are new or differ; `None` if there are none.
    fn diff(&self, newer: &Self) -> Option<Self> {
        let mut known = self.rows.iter().peekable();
        let is_new = |row: &&IndicatorRow| {
            while known.next_if(|older| older.open_ms < row.open_ms).is_some() {}
            known.peek() != Some(row)
        };
        let rows: Vec<IndicatorRow> = newer.rows.iter().filter(is_new).cloned().collect();
        (!rows.is_empty()).then_some(Self { rows })
    }
}

impl Payload for IndicatorsData {
    fn write(&self, writer: &mut impl FieldWriter) {
        let rows = newest(&self.rows, MAX_BARS);
        writer.count(rows.len());
        let mut before = 0_i64;
        for row in rows {
            writer.signed(row.open_ms.wrapping_sub(before));
            before = row.open_ms;
            let values = &row.values[..row.values.len().min(MAX_OUTPUTS)];
            writer.count(values.len());
            writer.mask(values.iter().map(Option::is_some));
            values.iter().flatten().for_each(|value| writer.float(*value));
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let n_rows = reader.count("rows", MAX_BARS)?;
        let mut rows = Vec::with_capacity(n_rows);
        let mut open_ms = 0_i64;
        for _ in 0..n_rows {
            open_ms = open_ms.wrapping_add(reader.signed()?);
            let n_values = reader.narrow("outputs")?;
            check_length("outputs", n_values as usize, MAX_OUTPUTS)?;
            let mask = reader.mask(n_values)?;
            let values = (0..n_values).map(|bit| when(mask, bit, || reader.float())).collect::<Result<_, _>>()?;
            rows.push(IndicatorRow { open_ms, values });
        }
        Ok(Self { rows })
    }

    fn check(&self) -> Result<(), FieldError> {
        check_length("rows", self.rows.len(), MAX_BARS)?;
        let n_outputs = self.rows.iter().map(|row| row.values.len()).max();
        check_length("outputs", n_outputs.unwrap_or(0), MAX_OUTPUTS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(open_ms: i64, value: Option<f64>) -> IndicatorRow {
        IndicatorRow { open_ms, values: vec![value, Some(1.5)] }
    }

    #[test]
    fn rows_are_arrays_in_json() {
        let data = IndicatorsData { rows: vec![row(60_000, None), row(120_000, Some(0.1))] };
        let text = serde_json::to_string(&data).unwrap();
        assert_eq!(text, r#"{"rows":[[60000,[null,1.5]],[120000,[0.1,1.5]]]}"#);
        assert_eq!(serde_json::from_str::<IndicatorsData>(&text).unwrap(), data);
    }

    proptest! {
        #[test]
        fn snapshot_and_deltas_are_the_later_snapshot(
            steps in prop::collection::vec(prop::collection::vec((0_i64..700, prop::option::of(-9.0..9.0)), 0..9), 1..20),
        ) {
            let mut all: std::collections::BTreeMap<i64, Option<f64>> = (0..490).map(|at| (at, None)).collect();
            let last_500 = |all: &std::collections::BTreeMap<i64, Option<f64>>| {
                let n_older = all.len().saturating_sub(CANDLES_LENGTH);
                IndicatorsData { rows: all.iter().skip(n_older).map(|(at, value)| row(*at, *value)).collect() }
            };
            let mut older = last_500(&all);
            let mut merged = older.clone();
            for changes in steps {
                all.extend(changes);
                let newer = last_500(&all);
                if let Some(delta) = older.diff(&newer) {
                    merged.merge(&delta);
                }
                prop_assert_eq!(&merged, &newer);
                older = newer;
            }
        }
    }
}
