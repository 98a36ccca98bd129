//! Levels as rows: `["61602.01","1.67177"]`.

use model::{
    decimal::{Price, Quantity},
    event::Level,
};
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(levels: &[Level], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(levels.iter().map(|level| (level.price, level.quantity)))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Level>, D::Error> {
    let rows = Vec::<(Price, Quantity)>::deserialize(deserializer)?;
    Ok(rows.into_iter().map(|(price, quantity)| Level { price, quantity }).collect())
}
