//! The sources of settings and their order: file, then what the page keeps, then environment, then flags. Later ones win.
//!
//! All sources are merged into one tree that keeps each setting's source; the sections read it with serde. So a mistake
//! is reported with its key, its source and the remedy, also in checks across keys. Not here: the meaning of the keys.
//! Long because its table of wrong settings, one of each kind, is checked as a whole.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::{
    Config, FeedConfig,
    access::Login,
    error::{ConfigError, Origin, SettingError, invalid},
    feeds::short_form,
    page::Base,
    token::HIDDEN,
    tree::{Fault, Node},
    value::RawValue,
};
use crate::suggest::nearest;

/// The sources of settings, as plain values, so that tests need no files or variables.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file named on the command line; otherwise `truetape.toml` in the working folder is read if it exists.
    pub file: Option<PathBuf>,
    /// The environment's names and values.
    pub variables: Vec<(String, String)>,
    /// Flags, key paths and texts, in the order given (`--listen`, `server.listen`, `127.0.0.1:0`).
    pub flags: Vec<(&'static str, &'static str, String)>,
    /// All venues.
    pub known_venues: Vec<KnownVenue>,
}

/// A venue's name and default symbols.
#[derive(Clone, Debug, Default)]
pub struct KnownVenue {
    /// The venue's name.
    pub name: String,
    /// The symbols followed if none are named; empty if they must be named.
    pub default_symbols: Vec<String>,
}

impl Sources {
    /// Returns the process's environment and the built-in venues.
    pub fn of_process() -> Self {
        // Variables that are not Unicode are not ours: all keys and values are text.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables, known_venues: crate::venue_list::known(), ..Self::default() }
    }
}

/// Loads and checks the configuration.
///
/// # Errors
/// The first mistake found, with key, source and remedy.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    Ok(Base::read(sources.clone())?.load()?.config)
}

/// A file's path and text.
pub type FileText = (PathBuf, String);

/// Reads the configuration, and the tree of its sources.
pub(super) fn load_texts(
    sources: &Sources,
    file: Option<&FileText>,
    page: Option<&FileText>,
) -> Result<(Config, Node), ConfigError> {
    Loader::of(sources, file, page)?.finish()
}

/// Returns the data folder, which has the page's settings: so they cannot change it.
pub(super) fn data_dir(sources: &Sources, file: Option<&FileText>) -> Result<PathBuf, ConfigError> {
    Ok(Loader::of(sources, file, None)?.read()?.server.data_dir)
}

struct Loader<'a> {
    tree: Node,
    sources: &'a Sources,
}

impl<'a> Loader<'a> {
    /// Adds all sources. Checks each as it is added: a mistake in the file counts even if a flag overrides it.
    fn of(sources: &'a Sources, file: Option<&FileText>, page: Option<&FileText>) -> Result<Self, ConfigError> {
        let mut loader = Self { tree: Node::Table(BTreeMap::new(), Origin::File(DEFAULT_FILE.into())), sources };
        for (file, of) in [(file, Origin::File as fn(PathBuf) -> Origin), (page, Origin::Page)] {
            if let Some(file) = file {
                loader.file(file, of)?;
                loader.read()?;
            }
        }
        loader.environment()?;
        loader.read()?;
        loader.flags();
        Ok(loader)
    }

    /// Adds the settings of a file, whose source `of` makes.
    fn file(&mut self, (path, text): &FileText, of: fn(PathBuf) -> Origin) -> Result<(), ConfigError> {
        let origin = of(path.clone());
        let is_page = matches!(origin, Origin::Page(_));
        let root: toml::Table = text.parse().map_err(|error| not_toml(path.clone(), is_page, text, &error))?;
        for (section, value) in root {
            match value {
                toml::Value::Table(table) => self.section(&[&section], table, &origin)?,
                value => self.set(&[&section], RawValue::Toml(value), &origin)?,
            }
        }
        Ok(())
    }

    /// Adds the settings of a section.
    fn section(&mut self, keys: &[&str], table: toml::Table, origin: &Origin) -> Result<(), ConfigError> {
        if table.is_empty() && keys != ["feeds"] {
            self.tree.insert(keys, Node::Table(BTreeMap::new(), origin.clone()), origin);
        }
        for (key, value) in table {
            self.set(&[keys, &[key.as_str()]].concat(), RawValue::Toml(value), origin)?;
        }
        Ok(())
    }

    fn environment(&mut self) -> Result<(), ConfigError> {
        let mut variables: Vec<_> =
            self.sources.variables.iter().filter(|(name, _)| name.starts_with(PREFIX)).cloned().collect();
        // The environment has no order; a fixed one makes errors reproducible.
        variables.sort();
        for (name, value) in variables {
            let path = name[PREFIX.len()..].to_lowercase();
            let keys: Vec<&str> = path.split("__").collect();
            self.set(&keys, RawValue::Text(value), &Origin::Variable(name.clone()))?;
        }
        Ok(())
    }

    fn flags(&mut self) {
        let mut feeds = Vec::new();
        for (flag, path, text) in &self.sources.flags {
            let origin = Origin::Flag(flag);
            if *path == "feeds" {
                feeds.push(short_form(text, &origin));
            } else {
                let keys: Vec<&str> = path.split('.').collect();
                self.tree.insert(&keys, Node::leaf(RawValue::Text(text.clone()), &origin), &origin);
            }
        }
        // Flags that name feeds replace all feeds of the file.
        if !feeds.is_empty() {
            self.tree.insert(&["feeds"], Node::List(feeds), &Origin::Flag("--venue"));
        }
    }

    /// Adds one setting, or a section below a section, to the tree.
    fn set(&mut self, keys: &[&str], value: RawValue, origin: &Origin) -> Result<(), ConfigError> {
        let names_venue = match (keys, &value) {
            (["venues", _], RawValue::Toml(toml::Value::Table(table))) => table.is_empty(),
            (["venues", _, _, ..], _) => true,
            _ => false,
        };
        if names_venue {
            self.known_venue(keys[1]).map_err(|known| unknown_key(keys, 1, origin, &known))?;
        }
        let node = match (keys, value) {
            (["feeds"], value) => feeds(value, origin)?,
            (["feeds", ..], value) => return Err(bad_value(keys, &value, origin, FEEDS_REMEDY)),
            (["server", "data_dir"], value) if matches!(origin, Origin::Page(_)) => {
                return Err(bad_value(keys, &value, origin, DATA_DIR_REMEDY));
            }
            (["venues", _] | ["desk", "fees"] | ["desk", "fees", _], RawValue::Toml(toml::Value::Table(table))) => {
                return self.section(keys, table, origin);
            }
            (["venues", _], value) => {
                return Err(bad_value(keys, &value, origin, "write a section, [venues.<name>]"));
            }
            (_, value) => Node::leaf(value, origin),
        };
        self.tree.insert(keys, node, origin);
        Ok(())
    }

    /// Reads the configuration from the sources so far, without the checks across keys.
    fn read(&self) -> Result<Config, ConfigError> {
        let mut config = Config::deserialize(&self.tree).map_err(explain)?;
        for (idx, feed) in std::mem::take(&mut config.feeds).into_iter().enumerate() {
            let venue = feed.venue.clone();
            self.add_feed(&mut config.feeds, feed).map_err(|remedy| self.bad_feed(idx, &venue, &remedy))?;
        }
        Ok(config)
    }

    /// Adds a feed, or adds its symbols to the feed of the same venue: one task owns all books of a venue.
    fn add_feed(&self, feeds: &mut Vec<FeedConfig>, mut feed: FeedConfig) -> Result<(), SettingError> {
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
        match feeds.iter_mut().find(|other| other.venue == feed.venue) {
            Some(other) => other.add_symbols(feed.symbols),
            None => {
                feeds.push(feed);
                Ok(())
            }
        }
    }

    /// Returns the error for the feed at `idx`; the default feed has no source.
    fn bad_feed(&self, idx: usize, venue: &str, remedy: &SettingError) -> ConfigError {
        let remedy = remedy.to_string();
        match self.tree.list_entry("feeds", idx) {
            Some(place) if place.is_part => bad_value(&["feeds"], &place.value, &place.origin, &remedy),
            Some(place) => {
                let key = format!("feeds[{idx}]");
                bad_value(&[&key, "venue"], &RawValue::Text(venue.to_owned()), &place.origin, &remedy)
            }
            None => bad_value(&["feeds"], &RawValue::Text(venue.to_owned()), &Origin::Flag("--venue"), &remedy),
        }
    }

    fn known_venue(&self, name: &str) -> Result<&KnownVenue, Vec<&str>> {
        let known = &self.sources.known_venues;
        known
            .iter()
            .find(|venue| venue.name == name)
            .ok_or_else(|| known.iter().map(|venue| venue.name.as_str()).collect())
    }

    /// Reads the configuration and makes the checks that need all of it.
    fn finish(self) -> Result<(Config, Node), ConfigError> {
        let mut config = self.read()?;
        if config.feeds.is_empty() {
            let feed = FeedConfig { venue: DEFAULT_VENUE.to_owned(), symbols: Vec::new() };
            self.add_feed(&mut config.feeds, feed).map_err(|remedy| self.bad_feed(0, DEFAULT_VENUE, &remedy))?;
        }
        for (name, venue) in &config.venues {
            let Err(keys) = venue.check() else { continue };
            // The defaults are consistent, so at least one of the keys comes from a source: that one is at fault.
            for (key, remedy) in keys {
                if let Some(leaf) = self.tree.find(&["venues", name, key]) {
                    return Err(bad_value(&["venues", name, key], &leaf.value, &leaf.origin, &remedy));
                }
            }
        }
        if let Err((key, remedy)) = config.tls.check() {
            return Err(self.bad_setting(&["tls", key], remedy));
        }
        let is_loopback = config.server.listen.ip().to_canonical().is_loopback();
        if !is_loopback && !config.tls.is_on() && config.server.trusted_proxies.is_empty() {
            let remedy = "passwords must not cross a network in the clear: add tls.cert and tls.key, or tls.self_signed, or \
                          server.trusted_proxies with the addresses of the proxies in front";
            return Err(self.bad_setting(&["server", "listen"], remedy));
        }
        if config.access.login == Login::Never && !is_loopback {
            let remedy =
                "without logins the server listens on loopback only; remove it, or write 127.0.0.1 in server.listen";
            return Err(self.bad_setting(&["access", "login"], remedy));
        }
        Ok((config, self.tree))
    }

    /// Returns the error of a setting that does not fit the others.
    fn bad_setting(&self, keys: &[&str], remedy: &str) -> ConfigError {
        match self.tree.find(keys) {
            Some(leaf) => bad_value(keys, &leaf.value, &leaf.origin, remedy),
            // Only what a source sets can contradict the defaults.
            None => bad_value(keys, &RawValue::Text(String::new()), &Origin::File(DEFAULT_FILE.into()), remedy),
        }
    }
}

/// Reads the list of feeds: tables or short forms from a file, or `venue=SYMBOL,SYMBOL;venue=…` from a variable.
fn feeds(value: RawValue, origin: &Origin) -> Result<Node, ConfigError> {
    let entry = |(idx, entry): (usize, toml::Value)| match entry {
        toml::Value::Table(table) => {
            let entries = table.into_iter().map(|(key, value)| (key, Node::leaf(RawValue::Toml(value), origin)));
            Ok(Node::Table(entries.collect(), origin.clone()))
        }
        toml::Value::String(text) => Ok(short_form(&text, origin)),
        entry => Err(bad_value(&[&format!("feeds[{idx}]")], &RawValue::Toml(entry), origin, FEEDS_REMEDY)),
    };
    match value {
        RawValue::Text(text) => {
            let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
            Ok(Node::List(entries.map(|entry| short_form(entry, origin)).collect()))
        }
        RawValue::Toml(toml::Value::Array(entries)) => {
            entries.into_iter().enumerate().map(entry).collect::<Result<_, _>>().map(Node::List)
        }
        value => Err(bad_value(&["feeds"], &value, origin, FEEDS_REMEDY)),
    }
}

pub(super) fn read_file(named: Option<&std::path::Path>) -> Result<Option<FileText>, ConfigError> {
    let path = named.unwrap_or(std::path::Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Returns the error for a file that is not TOML. The parser's own form shows the line, which may hold a token.
fn not_toml(path: PathBuf, is_page: bool, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |idx| idx + 1);
    let (line, column) = (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1);
    // The parser quotes syntax (`]`) or text of the file (an oversized number).
    let quoted_or_not = error.message().split('`').enumerate().map(|(idx, part)| {
        let is_text = idx % 2 == 1 && part.contains(char::is_alphanumeric);
        if is_text { HIDDEN } else { part }
    });
    let reason = quoted_or_not.collect::<Vec<_>>().join("`");
    let remedy = if is_page { PAGE_REMEDY } else { "" };
    ConfigError::NotToml { path, line, column, reason, remedy }
}

/// Converts a section reader's fault into an error.
fn explain(fault: Fault) -> ConfigError {
    let place = fault.place.expect("invariant: every setting is in a section, which adds its place");
    let mut keys: Vec<&str> = fault.keys.iter().map(String::as_str).collect();
    let depth = keys.len() - 1;
    match fault.error {
        SettingError::Invalid(remedy) => bad_value(&keys, &place.value, &place.origin, &remedy),
        SettingError::UnknownKey(known) => {
            // A key below a setting: the setting itself is the known key.
            let known = if known.is_empty() { &[keys[depth]] } else { known };
            let known = known.to_vec();
            keys.extend(fault.below.iter().map(String::as_str));
            unknown_key(&keys, depth, &place.origin, &known)
        }
    }
}

/// Returns the error for the unknown key `keys[depth]`.
fn unknown_key(keys: &[&str], depth: usize, origin: &Origin, known: &[&str]) -> ConfigError {
    let prefix = dotted(&[&keys[..depth], &[""]].concat());
    let shown = |key: &str| match origin {
        Origin::Variable(_) => format!("{PREFIX}{}", format!("{prefix}{key}").to_uppercase().replace('.', "__")),
        _ => format!("{prefix}{key}"),
    };
    let mut known = known.to_vec();
    known.sort_unstable();
    ConfigError::UnknownKey {
        key: dotted(keys),
        origin: origin.clone(),
        suggestion: nearest(keys[depth], known.iter().copied()).map(shown),
        known: known.into_iter().map(str::to_owned).collect(),
    }
}

/// Joins keys as in `server.listen` and `feeds[0].venue`.
fn dotted(keys: &[&str]) -> String {
    keys.join(".").replace(".[", "[")
}

fn bad_value(keys: &[&str], value: &RawValue, origin: &Origin, remedy: &str) -> ConfigError {
    ConfigError::Invalid {
        key: dotted(keys),
        value: shown_value(keys, value),
        origin: origin.clone(),
        remedy: remedy.to_owned(),
    }
}

/// Returns a value as an error shows it. Secrets are hidden, also in an address, which should hold none, and in the
/// place of a venue's section, where a token may have been written by mistake.
fn shown_value(keys: &[&str], value: &RawValue) -> String {
    let text = value.to_string();
    let key = keys.last().copied().unwrap_or_default();
    let is_secret = key == "token"
        || (key.ends_with("_url") && text.contains(['@', '?']))
        || matches!(keys, ["venues"] | ["venues", _]);
    if is_secret { HIDDEN.to_owned() } else { text }
}

const PREFIX: &str = "TRUETAPE__";
const DEFAULT_FILE: &str = "truetape.toml";
/// The venue that runs without any configuration, so that a first start shows data without the network.
const DEFAULT_VENUE: &str = "demo";
const PAGE_REMEDY: &str = "; or move the file away, to start without the settings of the Configuration page";
const DATA_DIR_REMEDY: &str =
    "this file is in that folder; write it in truetape.toml, TRUETAPE__SERVER__DATA_DIR or --data-dir";
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
        Ok(load_texts(&sources, Some(&("truetape.toml".into(), file.to_owned())), None)?.0)
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
        for address in ["wss://me:s3cret@a", "wss://a?key=s3cret"] {
            let file = format!("[venues.alpha]\nws_url = \"{address}\"");
            let error = load_all(&file, &[], &[]).unwrap_err().to_string();
            assert!(
                error.starts_with("venues.alpha.ws_url = (hidden) in file") && !error.contains("s3cret"),
                "{error}"
            );
        }
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
            "unknown key port in file truetape.toml; known here: access, desk, feeds, limits, log, recordings, server, stream, tls, venues",
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
            "venues.alpha.backoff_min_ms = 200 in file truetape.toml cannot be used; write at most backoff_max_ms, 100",
        );
        check(
            "[venues.alpha]\nbackoff_min_ms = 200",
            &[("TRUETAPE__VENUES__ALPHA__BACKOFF_MIN_MS", "60000")],
            &[],
            "venues.alpha.backoff_min_ms = \"60000\" in variable TRUETAPE__VENUES__ALPHA__BACKOFF_MIN_MS cannot be used; write at most backoff_max_ms, 30000",
        );
        check(
            "[venues.alpha]\nbackoff_max_ms = 100",
            &[],
            &[],
            "venues.alpha.backoff_max_ms = 100 in file truetape.toml cannot be used; write at least backoff_min_ms, 500",
        );
        check(
            "",
            &[("TRUETAPE__SERVER__LISTEN__PORT", "80")],
            &[],
            "unknown key server.listen.port in variable TRUETAPE__SERVER__LISTEN__PORT; did you mean TRUETAPE__SERVER__LISTEN?",
        );
        check(
            "[stream]\nping_ms = \"1000\"",
            &[],
            &[("--listen", "server.listen", "127.0.0.1:1")],
            "stream.ping_ms = \"1000\" in file truetape.toml cannot be used; write a whole number from 100 to 600000",
        );
        check(
            "[stream]\nmax_topics = 0",
            &[("TRUETAPE__STREAM__MAX_TOPICS", "5")],
            &[],
            "stream.max_topics = 0 in file truetape.toml cannot be used; write a whole number from 1 to 100000",
        );
        check(
            "[[feeds]]\nvenue = \"alfa\"\nsymbols = [\"X\"]",
            &[],
            &[],
            "feeds[0].venue = \"alfa\" in file truetape.toml cannot be used; no such venue; did you mean alpha?",
        );
        check(
            "[[feeds]]\nvenue = \"demo\"\n[[feeds]]\nvenue = \"alpha\"\nsymbols = [1]",
            &[],
            &[],
            "feeds[1].symbols = [1] in file truetape.toml cannot be used; write a list of texts in quotes",
        );
        check(
            "",
            &[("TRUETAPE__FEEDS", "demo;alpha=X,\u{7}")],
            &[],
            "feeds = \"alpha=X,\\u{7}\" in variable TRUETAPE__FEEDS cannot be used; a symbol has 1 to 64 characters",
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
