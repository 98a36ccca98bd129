//! `[access]`: who has to log in, and how long a login lasts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::whole::Minutes;

/// Logins and sessions.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// Callers who have to log in.
    pub login: Login,
    /// Minutes after which a login ends that is not used; an open page uses it.
    #[serde(rename = "idle_minutes", with = "Minutes::<5, 525_600>")]
    pub idle: Duration,
    /// Minutes after which a login ends in any case.
    #[serde(rename = "max_minutes", with = "Minutes::<5, 525_600>")]
    pub max: Duration,
}

/// Callers who have to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// Everybody, except on a server that only its own machine reaches and that has no users.
    #[default]
    Auto,
    /// Everybody.
    Always,
    /// Nobody: a proxy on the same machine decides who comes in, and everybody is an admin.
    Never,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { login: Login::Auto, idle: Duration::from_secs(7 * 86_400), max: Duration::from_secs(30 * 86_400) }
    }
}
