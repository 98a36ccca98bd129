//! Channel `system`: the server itself.

use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    payload::{FieldReader, FieldWriter, Payload, optional_fields, when},
};

/// Figures of the server. Absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemData {
    /// The server's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Milliseconds since the server started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// Clients connected to the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<u64>,
    /// The server's notice that requires people's action; empty once it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

optional_fields!(SystemData { version, uptime_ms, clients, notice });

impl Payload for SystemData {
    fn write(&self, writer: &mut impl FieldWriter) {
        writer.mask([self.version.is_some(), self.uptime_ms.is_some(), self.clients.is_some(), self.notice.is_some()]);
        self.version.iter().for_each(|version| writer.text(version));
        [self.uptime_ms, self.clients].into_iter().flatten().for_each(|number| writer.unsigned(number));
        self.notice.iter().for_each(|notice| writer.text(notice));
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mask = reader.mask(4)?;
        Ok(SystemData {
            version: when(mask, 0, || reader.text().map(str::to_owned))?,
            uptime_ms: when(mask, 1, || reader.unsigned())?,
            clients: when(mask, 2, || reader.unsigned())?,
            notice: when(mask, 3, || reader.text().map(str::to_owned))?,
        })
    }
}
