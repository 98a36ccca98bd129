//! The three sources of settings and their order: file, then environment, then flags. Later ones win.
//!
//! Every setting goes through its concern's `set`, so a mistake is reported with its key, its place and the remedy,
//! whichever source it came from. Not here: what the keys mean.

use std::path::PathBuf;

use super::{
    Config,
    error::{ConfigError, Origin, SettingError, invalid},
    feeds::FeedConfig,
    recordings::RecordingsConfig,
    server::ServerConfig,
    stream::StreamConfig,
    token::HIDDEN,
    value::RawValue,
    venues::VenueConfig,
};
use crate::suggest::nearest;

/// Where settings come from. Plain values, so that tests need neither files of a user nor variables.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file named on the command line; without one `truetape.toml` in the working folder is read if it is there.
    pub file: Option<PathBuf>,
    /// The environment, name and value.
    pub variables: Vec<(String, String)>,
    /// Flag, key path and text, in the order given (`--listen`, `server.listen`, `127.0.0.1:0`).
    pub flags: Vec<(&'static str, &'static str, String)>,
    /// The venues there are.
    pub known_venues: Vec<KnownVenue>,
}

/// What the loader must know of a venue.
#[derive(Clone, Debug, Default)]
pub struct KnownVenue {
    /// Its name.
    pub name: String,
    /// What is followed where no symbols are named; empty where they must be named.
    pub default_symbols: Vec<String>,
}

impl Sources {
    /// The process's environment and the venues built in.
    pub fn of_process() -> Self {
        // Variables that are not Unicode cannot be ours: all keys and values are text.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables, known_venues: crate::venue_list::known(), ..Self::default() }
    }
}

/// Loads and checks the configuration.
///
/// # Errors
/// The first mistake found, with key, place and remedy.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let mut loader = Loader { config: Config::default(), sources };
    if let Some((path, text)) = read_file(sources.file.as_deref())? {
        loader.file(path, &text)?;
    }
    loader.environment()?;
    loader.flags()?;
    loader.finish()
}

struct Loader<'a> {
    config: Config,
    sources: &'a Sources,
}

impl Loader<'_> {
    fn file(&mut self, path: PathBuf, text: &str) -> Result<(), ConfigError> {
        let root: toml::Table = text.parse().map_err(|source| ConfigError::NotToml { path: path.clone(), source })?;
        let origin = Origin::File(path);
        for (section, value) in root {
            match value {
                toml::Value::Table(table) => {
                    for (key, value) in table {
                        self.set(&[section.as_str(), key.as_str()], RawValue::Toml(value), &origin)?;
                    }
                }
                value => self.set(&[section.as_str()], RawValue::Toml(value), &origin)?,
            }
        }
        Ok(())
    }

    fn environment(&mut self) -> Result<(), ConfigError> {
        let mut variables: Vec<_> =
            self.sources.variables.iter().filter(|(name, _)| name.starts_with(PREFIX)).cloned().collect();
        // The environment has no order; a fixed one makes mistakes come out the same each time.
        variables.sort();
        for (name, value) in variables {
            let path = name[PREFIX.len()..].to_lowercase();
            let keys: Vec<&str> = path.split("__").collect();
            self.set(&keys, RawValue::Text(value), &Origin::Variable(name.clone()))?;
        }
        Ok(())
    }

    fn flags(&mut self) -> Result<(), ConfigError> {
        let mut feeds = Vec::new();
        for (flag, path, text) in &self.sources.flags {
            if *path == "feeds" {
                feeds.push((*flag, text.as_str()));
            } else {
                let keys: Vec<&str> = path.split('.').collect();
                self.set(&keys, RawValue::Text(text.clone()), &Origin::Flag(flag))?;
            }
        }
        // Flags that name feeds replace those of the file, all of them at once.
        if !feeds.is_empty() {
            self.config.feeds.clear();
        }
        feeds.into_iter().try_for_each(|(flag, text)| self.add_feed_text(text, &Origin::Flag(flag)))
    }

    /// One setting to its concern.
    fn set(&mut self, keys: &[&str], value: RawValue, origin: &Origin) -> Result<(), ConfigError> {
        let unknown = |depth: usize, known: &[&str]| unknown_key(keys, depth, origin, known);
        match *keys {
            ["server", key] => {
                let result = self.config.server.set(key, &value);
                self.check(keys, &value, origin, ServerConfig::KEYS, result)
            }
            ["stream", key] => {
                let result = self.config.stream.set(key, &value);
                self.check(keys, &value, origin, StreamConfig::KEYS, result)
            }
            ["recordings", key] => {
                let result = self.config.recordings.set(key, &value);
                self.check(keys, &value, origin, RecordingsConfig::KEYS, result)
            }
            ["venues", name] => match value {
                RawValue::Toml(toml::Value::Table(table)) => table
                    .into_iter()
                    .try_for_each(|(key, value)| self.set(&["venues", name, &key], RawValue::Toml(value), origin)),
                value => Err(bad_value(keys, &value, origin, "write a section, [venues.<name>]")),
            },
            ["venues", name, key] => {
                self.known_venue(name).map_err(|known| unknown(1, &known))?;
                let result = self.config.venues.entry(name.to_owned()).or_default().set(key, &value);
                self.check(keys, &value, origin, VenueConfig::KEYS, result)
            }
            ["feeds"] => self.feeds(value, origin),
            ["recordings" | "server" | "stream" | "venues"] => {
                Err(bad_value(keys, &value, origin, "write a section with keys in it"))
            }
            ["server", ..] => Err(unknown(1, ServerConfig::KEYS)),
            ["recordings", ..] => Err(unknown(1, RecordingsConfig::KEYS)),
            ["stream", ..] => Err(unknown(1, StreamConfig::KEYS)),
            ["venues", ..] => Err(unknown(2, VenueConfig::KEYS)),
            ["feeds", ..] => Err(bad_value(keys, &value, origin, FEEDS_REMEDY)),
            _ => Err(unknown(0, SECTIONS)),
        }
    }

    /// The list of feeds: tables from the file, or `venue=SYMBOL,SYMBOL;venue=…` from a variable. Replaces any before.
    fn feeds(&mut self, value: RawValue, origin: &Origin) -> Result<(), ConfigError> {
        self.config.feeds.clear();
        match value {
            RawValue::Text(text) => text
                .split(';')
                .filter(|entry| !entry.trim().is_empty())
                .try_for_each(|entry| self.add_feed_text(entry.trim(), origin)),
            RawValue::Toml(toml::Value::Array(entries)) => {
                entries.into_iter().enumerate().try_for_each(|(idx, entry)| {
                    let name = format!("feeds[{idx}]");
                    let toml::Value::Table(table) = entry else {
                        return Err(bad_value(&[&name], &RawValue::Toml(entry), origin, FEEDS_REMEDY));
                    };
                    let mut feed = FeedConfig::default();
                    for (key, value) in table {
                        let value = RawValue::Toml(value);
                        let result = feed.set(&key, &value);
                        self.check(&[&name, &key], &value, origin, FeedConfig::KEYS, result)?;
                    }
                    let shown = RawValue::Text(feed.venue.clone());
                    self.add_feed(feed).or_else(|error| self.check(&[&name, "venue"], &shown, origin, &[], Err(error)))
                })
            }
            value => Err(bad_value(&["feeds"], &value, origin, FEEDS_REMEDY)),
        }
    }

    fn add_feed_text(&mut self, text: &str, origin: &Origin) -> Result<(), ConfigError> {
        let result = FeedConfig::parse(text).and_then(|feed| self.add_feed(feed));
        self.check(&["feeds"], &RawValue::Text(text.to_owned()), origin, &[], result)
    }

    /// Adds a feed, or its symbols to the feed of the same venue: one task owns one venue's books.
    fn add_feed(&mut self, mut feed: FeedConfig) -> Result<(), SettingError> {
        let known = self.known_venue(&feed.venue).map_err(|known| {
            let known_list = known.join(", ");
            match nearest(&feed.venue, known.iter().copied()) {
                Some(name) => invalid(format!("no such venue; did you mean {name}?")),
                None => invalid(format!("no such venue; write one of {known_list}")),
            }
        })?;
        if feed.symbols.is_empty() {
            feed.symbols.clone_from(&known.default_symbols);
        }
        if feed.symbols.is_empty() {
            return Err(invalid(format!("name at least one symbol, as in {}=SYMBOL", feed.venue)));
        }
        match self.config.feeds.iter_mut().find(|other| other.venue == feed.venue) {
            Some(other) => other.add_symbols(feed.symbols),
            None => {
                self.config.feeds.push(feed);
                Ok(())
            }
        }
    }

    fn known_venue(&self, name: &str) -> Result<&KnownVenue, Vec<&str>> {
        let known = &self.sources.known_venues;
        known
            .iter()
            .find(|venue| venue.name == name)
            .ok_or_else(|| known.iter().map(|venue| venue.name.as_str()).collect())
    }

    fn check(
        &self,
        keys: &[&str],
        value: &RawValue,
        origin: &Origin,
        known: &[&str],
        result: Result<(), SettingError>,
    ) -> Result<(), ConfigError> {
        result.map_err(|error| match error {
            SettingError::UnknownKey => unknown_key(keys, keys.len() - 1, origin, known),
            SettingError::Invalid(remedy) => bad_value(keys, value, origin, &remedy),
        })
    }

    /// What can be judged only when all is known.
    fn finish(mut self) -> Result<Config, ConfigError> {
        if self.config.feeds.is_empty() {
            let origin = Origin::Flag("--venue");
            let result = self.add_feed(FeedConfig { venue: DEFAULT_VENUE.to_owned(), symbols: Vec::new() });
            self.check(&["feeds"], &RawValue::Text(DEFAULT_VENUE.to_owned()), &origin, &[], result)?;
        }
        for (name, venue) in &self.config.venues {
            if venue.backoff_min > venue.backoff_max {
                return Err(ConfigError::Invalid {
                    key: format!("venues.{name}.backoff_min_ms"),
                    value: venue.backoff_min.as_millis().to_string(),
                    origin: self.sources.file.clone().map_or(Origin::Variable(PREFIX.to_owned()), Origin::File),
                    remedy: format!("write at most backoff_max_ms, {}", venue.backoff_max.as_millis()),
                });
            }
        }
        Ok(self.config)
    }
}

fn read_file(named: Option<&std::path::Path>) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let path = named.unwrap_or(std::path::Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    }
}

/// `keys[depth]` is the one that is not known.
fn unknown_key(keys: &[&str], depth: usize, origin: &Origin, known: &[&str]) -> ConfigError {
    let prefix: String = keys[..depth].iter().map(|key| format!("{key}.")).collect();
    let shown = |key: &str| match origin {
        Origin::Variable(_) => format!("{PREFIX}{}", format!("{prefix}{key}").to_uppercase().replace('.', "__")),
        _ => format!("{prefix}{key}"),
    };
    ConfigError::UnknownKey {
        key: keys.join("."),
        origin: origin.clone(),
        suggestion: nearest(keys[depth], known.iter().copied()).map(shown),
        known: known.iter().map(|key| (*key).to_owned()).collect(),
    }
}

fn bad_value(keys: &[&str], value: &RawValue, origin: &Origin, remedy: &str) -> ConfigError {
    ConfigError::Invalid {
        key: keys.join("."),
        value: if keys.last() == Some(&"token") { HIDDEN.to_owned() } else { value.to_string() },
        origin: origin.clone(),
        remedy: remedy.to_owned(),
    }
}

const PREFIX: &str = "TRUETAPE__";
const DEFAULT_FILE: &str = "truetape.toml";
/// Runs where nothing is configured, so that a first start shows something without the network.
const DEFAULT_VENUE: &str = "demo";
const SECTIONS: &[&str] = &["feeds", "recordings", "server", "stream", "venues"];
const FEEDS_REMEDY: &str =
    "write [[feeds]] entries with venue and symbols (in a variable: venue=SYMBOL,SYMBOL;venue=SYMBOL)";

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let venue = |name: &str, symbols: &[&str]| KnownVenue {
            name: name.into(),
            default_symbols: symbols.iter().map(ToString::to_string).collect(),
        };
        Sources { known_venues: vec![venue("alpha", &[]), venue("demo", &["AAABBB"])], ..Sources::default() }
    }

    /// Loads a file's text, then variables, then flags.
    fn load_all(
        file: &str,
        variables: &[(&str, &str)],
        flags: &[(&'static str, &'static str, &str)],
    ) -> Result<Config, ConfigError> {
        let mut sources = sources();
        sources.variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        sources.flags = flags.iter().map(|(flag, path, text)| (*flag, *path, (*text).into())).collect();
        let mut loader = Loader { config: Config::default(), sources: &sources };
        loader.file("truetape.toml".into(), file)?;
        loader.environment()?;
        loader.flags()?;
        loader.finish()
    }

    #[test]
    fn nothing_configured_runs_the_demo() {
        let config = load_all("", &[], &[]).unwrap();
        assert_eq!(config.feeds, [FeedConfig { venue: "demo".into(), symbols: vec!["AAABBB".into()] }]);
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:3000");
    }

    #[test]
    fn later_sources_win() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\n[stream]\nping_ms = 1000\nhistory_bytes = 5\n[[feeds]]\nvenue = \"alpha\"\nsymbols = [\"X\"]";
        let variables = [
            ("TRUETAPE__SERVER__LISTEN", "127.0.0.1:2"),
            ("TRUETAPE__STREAM__PING_MS", "2000"),
            ("TRUETAPE_SITE_DIR", "x"),
        ];
        let flags = [
            ("--listen", "server.listen", "127.0.0.1:3"),
            ("--venue", "feeds", "alpha=Y"),
            ("--venue", "feeds", "alpha=Z,Y"),
        ];
        let config = load_all(file, &variables, &flags).unwrap();
        assert_eq!(config.server.listen.port(), 3);
        assert_eq!((config.stream.ping.as_millis(), config.stream.history_bytes), (2_000, 5));
        assert_eq!(config.feeds, [FeedConfig { venue: "alpha".into(), symbols: vec!["Y".into(), "Z".into()] }]);
    }

    #[test]
    fn a_token_is_never_shown() {
        let variable = |text| load_all("", &[("TRUETAPE__VENUES__ALPHA__TOKEN", text)], &[]);
        let config = variable("s3cret").unwrap();
        let (shown, printed) = (config.to_toml(), format!("{config:?}"));
        assert!(
            shown.contains("(hidden)") && !shown.contains("s3cret") && !printed.contains("s3cret"),
            "{shown}{printed}"
        );
        let error = variable("s3cret with blanks").unwrap_err().to_string();
        assert!(
            error.starts_with("venues.alpha.token = (hidden) in variable TRUETAPE__VENUES__ALPHA__TOKEN"),
            "{error}"
        );
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn what_is_shown_loads_again() {
        let file = "[venues.alpha]\nws_url = \"ws://127.0.0.1:9\"\ndata_deadline_ms = 700\npoll_ms = 2500\nmax_attempts = 3\n[[feeds]]\nvenue = \"alpha\"\nsymbols = [\"X\", \"Y/Z\"]";
        let config = load_all(file, &[], &[]).unwrap();
        assert_eq!(load_all(&config.to_toml(), &[], &[]).unwrap(), config);
    }

    #[test]
    fn mistakes_name_key_place_and_remedy() {
        #[track_caller]
        fn check(file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &'static str, &str)], expected: &str) {
            assert_eq!(load_all(file, variables, flags).unwrap_err().to_string(), expected);
        }
        check(
            "[server]\nlisen = 1",
            &[],
            &[],
            "unknown key server.lisen in file truetape.toml; did you mean server.listen?",
        );
        check("[sever]\nlisten = 1", &[], &[], "unknown key sever.listen in file truetape.toml; did you mean server?");
        check(
            "port = 1",
            &[],
            &[],
            "unknown key port in file truetape.toml; known here: feeds, recordings, server, stream, venues",
        );
        check(
            "[venues.alpa]\nws_url = \"ws://x\"",
            &[],
            &[],
            "unknown key venues.alpa.ws_url in file truetape.toml; did you mean venues.alpha?",
        );
        check(
            "[venues.alpha]\nws = \"ws://x\"",
            &[],
            &[],
            "unknown key venues.alpha.ws in file truetape.toml; known here: backoff_max_ms, backoff_min_ms, data_deadline_ms, history_url, max_attempts, poll_ms, rest_url, stale_after_ms, token, ws_url",
        );
        check(
            "",
            &[("TRUETAPE__STREAM__PINGMS", "1")],
            &[],
            "unknown key stream.pingms in variable TRUETAPE__STREAM__PINGMS; did you mean TRUETAPE__STREAM__PING_MS?",
        );
        check(
            "[stream]\nping_ms = \"often\"",
            &[],
            &[],
            "stream.ping_ms = \"often\" in file truetape.toml cannot be used; write a whole number from 100 to 600000",
        );
        check(
            "",
            &[],
            &[("--venue", "feeds", "alfa=X")],
            "feeds = \"alfa=X\" in flag --venue cannot be used; no such venue; did you mean alpha?",
        );
        check(
            "",
            &[],
            &[("--venue", "feeds", "alpha")],
            "feeds = \"alpha\" in flag --venue cannot be used; name at least one symbol, as in alpha=SYMBOL",
        );
        check(
            "[[feeds]]\nvenue = \"alpha\"\nsymbol = [\"X\"]",
            &[],
            &[],
            "unknown key feeds[0].symbol in file truetape.toml; did you mean feeds[0].symbols?",
        );
        check(
            "server = 1",
            &[],
            &[],
            "server = 1 in file truetape.toml cannot be used; write a section with keys in it",
        );
        check(
            "[venues.alpha]\nbackoff_min_ms = 200\nbackoff_max_ms = 100",
            &[],
            &[],
            "venues.alpha.backoff_min_ms = 200 in variable TRUETAPE__ cannot be used; write at most backoff_max_ms, 100",
        );
    }

    #[test]
    fn a_named_file_must_be_there() {
        let sources = Sources { file: Some("no/such/file.toml".into()), ..sources() };
        assert!(
            load(&sources).unwrap_err().to_string().starts_with("cannot read configuration file no/such/file.toml")
        );
    }
}
