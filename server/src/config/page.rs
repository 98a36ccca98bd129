//! `settings.toml` in the data folder: the settings that the Configuration page keeps, one of the sources of [`super::load`].
//!
//! It has the keys of the configuration file, but not the data folder, which it is in. Environment and flags win over it.
//! Not here: writing it (`crate::configuration`).

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{
    Config,
    error::{ConfigError, Origin},
    load::{FileText, KnownVenue, Sources, data_dir, load_texts, read_file},
};

/// The source of each setting that has one, by key.
pub type Origins = BTreeMap<String, Origin>;

/// Everything but the page's settings, as it was at the start.
#[derive(Clone)]
pub struct Base {
    sources: Sources,
    file: Option<FileText>,
    path: PathBuf,
}

/// A valid configuration, and where it comes from.
#[derive(Debug)]
pub struct StartConfig {
    /// The configuration.
    pub config: Config,
    /// The source of each setting.
    pub origins: Origins,
    /// The other sources, and the text of the page's settings; absent for a server whose settings are not kept.
    pub kept: Option<(Base, String)>,
}

/// A configuration that was made by the program itself.
impl From<Config> for StartConfig {
    fn from(config: Config) -> Self {
        Self { config, origins: Origins::new(), kept: None }
    }
}

impl fmt::Debug for Base {
    /// Shows no variables and no text: they may hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Base {
    /// Reads the configuration file, and finds the data folder.
    ///
    /// # Errors
    /// The file cannot be read, or the first mistake found.
    pub fn read(sources: Sources) -> Result<Self, ConfigError> {
        let file = read_file(sources.file.as_deref())?;
        let path = data_dir(&sources, file.as_ref())?.join(FILE);
        Ok(Self { sources, file, path })
    }

    /// Loads the configuration with the settings that the page has kept.
    ///
    /// # Errors
    /// The settings cannot be read, or the first mistake found.
    pub fn load(self) -> Result<StartConfig, ConfigError> {
        let path = self.path.clone();
        let text = self.kept_text().map_err(|source| ConfigError::Unreadable { path, source })?;
        let (config, origins) = self.with(&text)?;
        Ok(StartConfig { config, origins, kept: Some((self, text)) })
    }

    /// Loads the configuration with other settings of the page.
    ///
    /// # Errors
    /// The first mistake found.
    pub fn with(&self, text: &str) -> Result<(Config, Origins), ConfigError> {
        let page = (self.path.clone(), text.to_owned());
        let (config, tree) = load_texts(&self.sources, self.file.as_ref(), Some(&page))?;
        Ok((config, tree.origins()))
    }

    /// Loads the configuration that no source changes.
    ///
    /// # Errors
    /// The venue of the default feed is not there.
    pub fn defaults(&self) -> Result<Config, ConfigError> {
        let sources = Sources { known_venues: self.sources.known_venues.clone(), ..Sources::default() };
        load_texts(&sources, None, None).map(|(config, _)| config)
    }

    /// Reads the text of the page's settings; empty if there are none. Blocks.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn kept_text(&self) -> io::Result<String> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            text => text,
        }
    }

    /// Returns the file of the page's settings.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns all venues.
    pub fn known_venues(&self) -> &[KnownVenue] {
        &self.sources.known_venues
    }
}

const FILE: &str = "settings.toml";

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(folder: &Path, file: &str) -> Sources {
        let path = folder.join("truetape.toml");
        fs::write(&path, format!("server.data_dir = {folder:?}\n{file}")).unwrap();
        let venue = KnownVenue { name: "demo".to_owned(), default_symbols: vec!["AAABBB".to_owned()] };
        Sources { file: Some(path), known_venues: vec![venue], ..Sources::default() }
    }

    #[test]
    fn it_is_between_the_file_and_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let mut sources = sources(
            folder.path(),
            "[stream]\nping_ms = 1000\nhistory_len = 1\nmax_topics = 1\n[access]\nidle_minutes = 10",
        );
        sources.variables = vec![("TRUETAPE__STREAM__MAX_TOPICS".to_owned(), "3".to_owned())];
        fs::write(
            folder.path().join(FILE),
            "[stream]\nhistory_len = 2\nmax_topics = 2\n[desk.fees.demo]\nmaker = \"0.1\"\ntaker = \"0.2\"",
        )
        .unwrap();
        let loaded = Base::read(sources).unwrap().load().unwrap();
        let stream = &loaded.config.stream;
        assert_eq!((stream.ping.as_millis(), stream.history_len, stream.max_topics), (1_000, 2, 3));
        assert_eq!(loaded.config.desk.fees.len(), 1);
        let origin = |key: &str| loaded.origins.get(key);
        assert!(matches!(origin("stream.ping_ms"), Some(Origin::File(_))));
        assert!(matches!(origin("stream.history_len"), Some(Origin::Page(_))));
        assert!(matches!(origin("desk.fees.demo.maker"), Some(Origin::Page(_))));
        assert!(matches!(origin("stream.max_topics"), Some(Origin::Variable(_))));
        assert_eq!(origin("stream.queue_bytes"), None);
    }

    #[test]
    fn a_broken_file_names_the_line_and_the_remedy() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            let folder = tempfile::tempdir().unwrap();
            let base = Base::read(sources(folder.path(), "")).unwrap();
            fs::write(base.path(), text).unwrap();
            let error = base.load().unwrap_err().to_string();
            for words in expected {
                assert!(error.contains(words), "{error}");
            }
        }
        check("[stream]\nping_ms = ", &["settings.toml", "line 2", "move the file away"]);
        check("[stream]\nping_ms = 1", &["stream.ping_ms = 1", "settings.toml", "from 100 to 600000"]);
        check("[stream]\npings = 1", &["stream.pings", "Configuration page"]);
        check("[server]\ndata_dir = \"x\"", &["server.data_dir", "--data-dir"]);
    }
}
