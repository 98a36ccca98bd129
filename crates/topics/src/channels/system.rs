//! Channel `system`: the server itself.
//!
//! Not here: its figures over the last hour, which are read by REST ([`report`]).

pub mod report;

use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    payload::{FieldReader, FieldWriter, Payload, optional_fields, when},
};

/// Figures of the server. Absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The server's newest notice to everybody that requires people's action; empty once it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// The server's health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Why it is not good, as a sentence, without what concerns only its admins; empty once it is good again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_cause: Option<String>,
}

optional_fields!(SystemData { version, uptime_ms, clients, notice, health, health_cause });

/// Health of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Everything works.
    #[default]
    Good,
    /// A part does not work; the rest goes on.
    Degraded,
    /// Something that people rely on does not work.
    Bad,
}

impl Health {
    /// All of them; the position is the byte of the binary form.
    pub const ALL: [Self; 3] = [Self::Good, Self::Degraded, Self::Bad];

    /// Returns the displayed word, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Degraded => "degraded",
            Self::Bad => "bad",
        }
    }
}

impl Payload for SystemData {
    fn write(&self, writer: &mut impl FieldWriter) {
        writer.mask([
            self.version.is_some(),
            self.uptime_ms.is_some(),
            self.clients.is_some(),
            self.notice.is_some(),
            self.health.is_some(),
            self.health_cause.is_some(),
        ]);
        self.version.iter().for_each(|version| writer.text(version));
        [self.uptime_ms, self.clients].into_iter().flatten().for_each(|number| writer.unsigned(number));
        self.notice.iter().for_each(|notice| writer.text(notice));
        self.health.iter().for_each(|health| writer.coded(&Health::ALL, health));
        self.health_cause.iter().for_each(|cause| writer.text(cause));
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mask = reader.mask(6)?;
        Ok(SystemData {
            version: when(mask, 0, || reader.text().map(str::to_owned))?,
            uptime_ms: when(mask, 1, || reader.unsigned())?,
            clients: when(mask, 2, || reader.unsigned())?,
            notice: when(mask, 3, || reader.text().map(str::to_owned))?,
            health: when(mask, 4, || reader.coded("health", &Health::ALL))?,
            health_cause: when(mask, 5, || reader.text().map(str::to_owned))?,
        })
    }
}
