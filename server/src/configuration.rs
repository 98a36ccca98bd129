//! The settings of a running server: shown, checked, changed and kept.
//!
//! A change is written to `settings.toml` in the data folder (`config::page`), all of it or nothing, after the whole
//! configuration has been loaded with it as at a start. Parts that follow changes read them through [`Live`], or are told of
//! them; whatever else was changed waits for a restart, and is reported so. Not here: the descriptions of settings
//! (`config::description`), REST (`http::configuration`).
//!
//! # Layout
//! - [`candidate`]: changes checked before they are made · [`report`]: all settings as the page shows them
//! - [`feeds`]: feeds that follow the settings

pub mod candidate;
pub mod feeds;
pub mod report;

use std::{fmt, io, path::PathBuf, sync::Arc};

use tokio::sync::{Mutex, watch};

use self::{
    candidate::{Candidate, Changes, SettingFault},
    report::{Report, Setting},
};
use crate::{
    access::{audit::AuditLog, caller::Caller, secret::digest_of},
    config::{
        Base, Config, Live, StartConfig,
        access::Login,
        description::{self, Kind, SETTINGS},
        page::Origins,
        setting::{Values, flat, nested, values},
    },
    disk, venue_list,
};

/// Why settings are not changed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The server runs with settings of its own command.
    #[error("this command keeps no settings; start the server with truetape serve to change them")]
    NotKept,
    /// The caller has read older settings.
    #[error("the settings have changed since you read them; read them again, then make your change")]
    RevisionMismatch,
    /// The file is not the one that this server has read or written.
    #[error("{} was changed by another program; restart the server to read it", path.display())]
    ChangedBeside {
        /// The file.
        path: PathBuf,
    },
    /// Values cannot be used.
    #[error("nothing was changed: {}", words(faults))]
    Refused {
        /// Each with its remedy.
        faults: Vec<SettingFault>,
    },
    /// The disk refuses.
    #[error("the settings cannot be written to {}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

fn words(faults: &[SettingFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The settings of a running server. Clones share them.
#[derive(Clone)]
pub struct Configuration(Arc<Inner>);

struct Inner {
    /// Absent for a server whose settings are not kept.
    base: Option<Base>,
    venues: Vec<String>,
    defaults: Values,
    /// The values without what the page keeps.
    below: Values,
    /// The configuration of the start.
    started: Config,
    newest: watch::Sender<Arc<Config>>,
    apply: Box<dyn Fn(&Config) + Send + Sync>,
    /// Held while the file is written, so that changes have an order.
    kept: Mutex<Kept>,
}

/// The settings that the page has kept.
struct Kept {
    text: String,
    values: Values,
    /// The source of each setting, of all sources.
    origins: Origins,
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration").field("base", &self.0.base).finish_non_exhaustive()
    }
}

impl Configuration {
    /// Takes the settings that the server starts with. `apply` is called with each later configuration, for parts that do
    /// not read it by themselves.
    pub fn new(loaded: StartConfig, apply: impl Fn(&Config) + Send + Sync + 'static) -> Self {
        let StartConfig { config, origins, kept } = loaded;
        let (base, text) = kept.unzip();
        let text = text.unwrap_or_default();
        let known = base.as_ref().map_or_else(venue_list::known, |base| base.known_venues().to_vec());
        let venues: Vec<String> = known.into_iter().map(|venue| venue.name).collect();
        let defaults = base.as_ref().and_then(|base| base.defaults().ok()).unwrap_or_default();
        // Without the page's settings the others may contradict each other; then a reset is refused, and says so.
        let below =
            base.as_ref().and_then(|base| base.with("").ok()).map_or_else(|| defaults.clone(), |(config, _)| config);
        let kept = Kept { values: values_of(&text), text, origins };
        Self(Arc::new(Inner {
            defaults: values(&defaults, venues.iter().map(String::as_str)),
            below: values(&below, venues.iter().map(String::as_str)),
            base,
            venues,
            started: config.clone(),
            newest: watch::channel(Arc::new(config)).0,
            apply: Box::new(apply),
            kept: Mutex::new(kept),
        }))
    }

    /// Returns the way to the newest configuration.
    pub fn live(&self) -> Live {
        Live::new(self.0.newest.subscribe())
    }

    /// Returns all settings.
    pub async fn report(&self) -> Report {
        self.report_of(&*self.0.kept.lock().await)
    }

    /// Returns what a change would do, without making it.
    ///
    /// # Errors
    /// The settings are not kept.
    pub async fn check(&self, changes: Changes) -> Result<Candidate, ConfigurationError> {
        self.candidate(&*self.0.kept.lock().await, changes)
    }

    /// Makes a change: all of it, or nothing. `revision` is that of the settings that the caller has read. Not
    /// cancel-safe: run it in a task of its own.
    ///
    /// # Errors
    /// Why nothing has changed.
    pub async fn change(
        &self,
        by: &Caller,
        audit: &AuditLog,
        changes: Changes,
        revision: Option<&str>,
    ) -> Result<Report, ConfigurationError> {
        let base = self.0.base.as_ref().ok_or(ConfigurationError::NotKept)?;
        let mut kept = self.0.kept.lock().await;
        if revision.is_some_and(|revision| revision != kept.revision()) {
            return Err(ConfigurationError::RevisionMismatch);
        }
        let Candidate { changes, faults, accepted } = self.candidate(&kept, changes)?;
        if !faults.is_empty() {
            return Err(ConfigurationError::Refused { faults });
        }
        let Some(accepted) = accepted.filter(|accepted| accepted.text != kept.text) else {
            return Ok(self.report_of(&kept));
        };
        if let Some(key) = self.locks_out(by, &accepted.config) {
            let remedy = NO_USER.to_owned();
            return Err(ConfigurationError::Refused {
                faults: vec![SettingFault { key: key.to_owned(), value: String::new(), remedy }],
            });
        }
        let (writing, before, text) = (base.clone(), kept.text.clone(), accepted.text.clone());
        let written = tokio::task::spawn_blocking(move || replace(&writing, &before, &text)).await;
        written.map_err(|error| not_written(base, io::Error::other(error)))??;
        for change in &changes {
            audit.note(by, "change_setting", change.to_string());
        }
        *kept = Kept { values: values_of(&accepted.text), text: accepted.text, origins: accepted.origins };
        let config = Arc::new(accepted.config);
        self.0.newest.send_replace(config.clone());
        (self.0.apply)(&config);
        Ok(self.report_of(&kept))
    }

    /// Returns the setting by which a caller would shut itself out: one who is let in because only this machine reaches the
    /// server, and nobody has a user.
    fn locks_out(&self, by: &Caller, next: &Config) -> Option<&'static str> {
        let is_guest = by.user.is_none() && self.0.started.access.login == Login::Auto;
        let is_first = !self.0.newest.borrow().server.has_proxies() && next.server.has_proxies();
        let has_names = !next.server.allowed_hosts.is_empty();
        (is_guest && is_first).then_some(if has_names { "server.allowed_hosts" } else { "server.trusted_proxies" })
    }

    /// Returns what differs from the defaults as the text of a configuration file, without secrets and the data folder.
    pub async fn export(&self) -> String {
        let report = self.report().await;
        let is_exported = |setting: &Setting| {
            setting.kind != Kind::Secret.as_str()
                && setting.key != "server.data_dir"
                && setting.value != setting.default
        };
        let differing = report.settings.into_iter().filter(is_exported);
        let values: Values = differing.filter_map(|setting| Some((setting.key, setting.value?))).collect();
        format!("{EXPORT_HEAD}{}", nested(&values))
    }

    fn report_of(&self, kept: &Kept) -> Report {
        let inner = &*self.0;
        let newest = inner.newest.borrow().clone();
        let venues = || inner.venues.iter().map(String::as_str);
        let (current, started) = (values(&newest, venues()), values(&inner.started, venues()));
        let setting = |description: &'static description::Description, key: String| {
            let is_pending = current.get(&key) != started.get(&key);
            let parts = report::Parts {
                origin: kept.origins.get(&key),
                value: current.get(&key).cloned(),
                default: inner.defaults.get(&key).cloned(),
                below: inner.below.get(&key).cloned(),
                running: started.get(&key).cloned(),
                is_pending,
            };
            Setting::new(description, key, parts)
        };
        let settings = SETTINGS.iter().flat_map(|description| {
            description::keys(description, venues()).into_iter().map(move |key| (description, key))
        });
        Report {
            revision: kept.revision(),
            is_kept: inner.base.is_some(),
            path: inner.base.as_ref().map(|base| base.path().display().to_string()),
            settings: settings.map(|(description, key)| setting(description, key)).collect(),
        }
    }
}

impl Kept {
    /// Returns a short name of these settings: another one for others.
    fn revision(&self) -> String {
        digest_of(&self.text)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Writes the file, if it is still the one that was read. Blocks.
fn replace(base: &Base, before: &str, text: &str) -> Result<(), ConfigurationError> {
    let found = base.kept_text().map_err(|source| not_written(base, source))?;
    if found != before {
        return Err(ConfigurationError::ChangedBeside { path: base.path().to_owned() });
    }
    disk::replace(base.path(), text.as_bytes()).map_err(|source| not_written(base, source))
}

fn not_written(base: &Base, source: io::Error) -> ConfigurationError {
    ConfigurationError::NotWritten { path: base.path().to_owned(), source }
}

/// Returns the values of a text that has been loaded.
fn values_of(text: &str) -> Values {
    let table = text.parse::<toml::Table>().unwrap_or_default();
    flat(&table).into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Returns the text of a file with these values.
fn text_of(values: &Values) -> String {
    if values.is_empty() { String::new() } else { format!("{HEAD}{}", nested(values)) }
}

const NO_USER: &str =
    "make a user first, on the page Account or by truetape user add: from this change on everybody has to log in";
const HEAD: &str = "# Written by the Configuration page. The environment and flags win over it.\n";
const EXPORT_HEAD: &str = "# Settings of Truetape that differ from the defaults, without secrets.\n";

#[cfg(test)]
mod tests;
