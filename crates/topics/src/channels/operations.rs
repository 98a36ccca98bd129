//! Channel `operations`: what concerns only those who run the server, beside what everybody is shown by `system`.

use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    payload::{FieldReader, FieldWriter, Payload, optional_fields, when},
};

/// Notice and health with everything that admins may know. Absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperationsData {
    /// The newest notice of all, also of those that `system` has; empty once it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// Why the server's health is not good, with every cause; empty once it is good again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_cause: Option<String>,
}

optional_fields!(OperationsData { notice, health_cause });

impl Payload for OperationsData {
    fn write(&self, writer: &mut impl FieldWriter) {
        writer.mask([self.notice.is_some(), self.health_cause.is_some()]);
        [&self.notice, &self.health_cause].into_iter().flatten().for_each(|words| writer.text(words));
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mask = reader.mask(2)?;
        Ok(Self {
            notice: when(mask, 0, || reader.text().map(str::to_owned))?,
            health_cause: when(mask, 1, || reader.text().map(str::to_owned))?,
        })
    }
}
