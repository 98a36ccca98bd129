//! The folder of recordings: names, limits, and files in use.
//!
//! A name is checked before it becomes a path: it can only mean a file in the folder itself. Not here: the contents of
//! files ([`super::scan`]).

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use recording::recording_file::ENDING;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::config::{Live, RecordingsConfig};

/// The name of a recording's file in the folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
pub struct RecordingName(String);

impl RecordingName {
    /// Accepts letters, digits, `.`, `-` and `_`, with a letter or digit first and a recording's ending; `None` for
    /// anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_'));
        let begins_well = text.starts_with(|char: char| char.is_ascii_alphanumeric());
        let ends_well = ENDINGS.iter().any(|ending| text.ends_with(ending) && text.len() > ending.len());
        let is_usable = is_plain && begins_well && ends_well && text.len() <= NAME_BYTES && !text.contains("..");
        is_usable.then(|| Self(text.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RecordingName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The use of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// A recording writes the file.
    Writing,
    /// A replay plays the file.
    Playing,
    /// A client downloads the file.
    Reading,
    /// A back-test plays the file.
    Testing,
}

/// A file of the folder.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// The file's name.
    pub name: RecordingName,
    /// The compressed size.
    pub size_bytes: u64,
    /// The time of the last change.
    pub modified: SystemTime,
}

/// Why a file was not deleted.
#[derive(Debug)]
pub enum DeleteError {
    /// No file has this name.
    Unknown,
    /// The file is in use.
    InUse(Use),
    /// The operating system reported an error.
    Io(io::Error),
}

/// The folder of recordings. Clones share the list of files in use.
#[derive(Clone, Debug)]
pub struct Library {
    folder: PathBuf,
    live: Live,
    in_use: Arc<Mutex<BTreeMap<(RecordingName, Use), usize>>>,
}

impl Library {
    /// Uses the folder `recordings` in the data folder; it is created by the first recording.
    pub fn new(data_dir: &Path, live: impl Into<Live>) -> Self {
        Self { folder: data_dir.join("recordings"), live: live.into(), in_use: Arc::default() }
    }

    /// Returns the folder's path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the newest limits of files and folder.
    pub fn limits(&self) -> RecordingsConfig {
        self.live.config().recordings
    }

    /// Returns the path of a file with this name, whether it exists or not.
    pub fn path(&self, name: &RecordingName) -> PathBuf {
        self.folder.join(name.as_str())
    }

    /// Returns the file with this name: only a plain file, never the target of a link.
    pub fn find(&self, name: &RecordingName) -> Option<StoredFile> {
        let about = fs::symlink_metadata(self.path(name)).ok().filter(fs::Metadata::is_file)?;
        let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(StoredFile { name: name.clone(), size_bytes: about.len(), modified })
    }

    /// Returns all files, newest name first; none if the folder does not exist yet.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn files(&self) -> io::Result<Vec<StoredFile>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let names = entries.filter_map(|entry| RecordingName::parse(entry.ok()?.file_name().to_str()?));
        let mut files: Vec<StoredFile> = names.filter_map(|name| self.find(&name)).take(FILES).collect();
        files.sort_by(|left, right| right.name.cmp(&left.name));
        Ok(files)
    }

    /// Keeps a file from being deleted until the returned guard is dropped.
    pub fn hold(&self, name: &RecordingName, purpose: Use) -> Held {
        *self.lock().entry((name.clone(), purpose)).or_default() += 1;
        Held { library: self.clone(), key: (name.clone(), purpose) }
    }

    /// Returns a file's use; if it has several, writing before playing before reading.
    pub fn use_of(&self, name: &RecordingName) -> Option<Use> {
        let in_use = self.lock();
        [Use::Writing, Use::Playing, Use::Reading]
            .into_iter()
            .find(|purpose| in_use.contains_key(&(name.clone(), *purpose)))
    }

    /// Deletes a file that is not in use.
    ///
    /// # Errors
    /// The file does not exist, is in use, or cannot be deleted.
    pub fn delete(&self, name: &RecordingName) -> Result<(), DeleteError> {
        if self.find(name).is_none() {
            return Err(DeleteError::Unknown);
        }
        // Locked during the deletion, so that no use can begin in between.
        let in_use = self.lock();
        if let Some(((_, purpose), _)) =
            in_use.range((name.clone(), Use::Writing)..=(name.clone(), Use::Testing)).next()
        {
            return Err(DeleteError::InUse(*purpose));
        }
        fs::remove_file(self.path(name)).map_err(DeleteError::Io)
    }

    /// Deletes files that are too old or empty, then the oldest until the rest fits the limit; never files in use.
    /// Returns the names of the deleted files.
    ///
    /// A clock may be wrong by years, and then right again. So a file's age is not a difference of two readings: it
    /// counts the time between each file and the next, up to `now`, and no such gap for more than [`MAX_GAP`]. A clock
    /// that jumps ages the files by a day; they become old while recordings are made.
    pub fn tidy(&self, now: SystemTime) -> Vec<RecordingName> {
        let Ok(mut files) = self.files() else { return Vec::new() };
        files.sort_by(|left, right| (left.modified, &left.name).cmp(&(right.modified, &right.name)));
        let mut total: u64 = files.iter().map(|file| file.size_bytes).sum();
        let ages = ages(&files, now);
        let (limits, mut deleted) = (self.limits(), Vec::new());
        for (file, age) in files.into_iter().zip(ages) {
            // Also those of a writer that was killed before its first block. A new one may be another process's.
            let is_empty = file.size_bytes == 0 && age > EMPTY_TIME;
            if !is_empty && age <= limits.max_age && total <= limits.max_total_bytes {
                continue;
            }
            if self.delete(&file.name).is_ok() {
                tracing::info!(name = %file.name, size_bytes = file.size_bytes, "a recording was deleted to keep the limits");
                total -= file.size_bytes;
                deleted.push(file.name);
            }
        }
        deleted
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(RecordingName, Use), usize>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the ages of files that are sorted by their last change, oldest first.
fn ages(files: &[StoredFile], now: SystemTime) -> Vec<Duration> {
    let (mut next, mut age) = (now, Duration::ZERO);
    let newest_first = files.iter().rev().map(|file| {
        // A file of the future, from a clock that was wrong, is new.
        age += next.duration_since(file.modified).unwrap_or_default().min(MAX_GAP);
        next = next.min(file.modified);
        age
    });
    let mut ages: Vec<Duration> = newest_first.collect();
    ages.reverse();
    ages
}

/// A guard that marks a file as in use until it is dropped.
#[derive(Debug)]
pub struct Held {
    library: Library,
    key: (RecordingName, Use),
}

impl Held {
    /// Returns the file's name.
    pub fn name(&self) -> &RecordingName {
        &self.key.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut in_use = self.library.lock();
        if let Some(count) = in_use.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                in_use.remove(&self.key);
            }
        }
    }
}

const ENDINGS: &[&str] = &[".jsonl", ".jsonl.gz", ENDING];
const NAME_BYTES: usize = 120;
/// The most that the time between two files counts.
const MAX_GAP: Duration = Duration::from_secs(86_400);
/// The time after which an empty file is nobody's. A recording's first block comes after two seconds.
const EMPTY_TIME: Duration = Duration::from_secs(60);
/// The maximum number of files listed.
const FILES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporary folder of one test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("truetape-library-{}-{name}", std::process::id()));
            fs::create_dir_all(path.join("recordings")).unwrap();
            Self(path)
        }

        fn put(&self, name: &str, n_bytes: usize, age: Duration) -> RecordingName {
            let path = self.0.join("recordings").join(name);
            fs::write(&path, vec![0; n_bytes]).unwrap();
            fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
            RecordingName::parse(name).unwrap()
        }

        fn names(&self, library: &Library) -> Vec<String> {
            library.files().unwrap().into_iter().rev().map(|file| file.name.to_string()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _leftover = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn names_mean_files_of_the_folder_only() {
        for good in ["a.jsonl", "binance-20261121T140000Z.jsonl.zst", "A_b-1.p002.jsonl.gz"] {
            assert!(RecordingName::parse(good).is_some(), "{good}");
        }
        let long = format!("{}.jsonl", "x".repeat(200));
        for bad in [
            "",
            ".",
            "..",
            ".jsonl",
            ".jsonl.zst",
            "a",
            "a.txt",
            "a.zst",
            "../a.jsonl",
            "..\\a.jsonl",
            "/a.jsonl",
            "a/b.jsonl",
            "a\\b.jsonl",
            "a..jsonl",
            "a%2f.jsonl",
            "%2e%2e%2fa.jsonl",
            "a\0.jsonl",
            "a.jsonl\0",
            "a .jsonl",
            "ä.jsonl",
            "-a.jsonl",
            "_a.jsonl",
            "C:a.jsonl",
            "a.jsonl/",
            "a.jsonl/..",
            "a\n.jsonl",
            "~a.jsonl",
            "a.jsonl.zst.exe",
            &long,
        ] {
            assert!(RecordingName::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn links_are_no_files_of_the_folder() {
        let folder = Folder::new("links");
        let name = RecordingName::parse("link.jsonl").unwrap();
        fs::write(folder.0.join("outside.jsonl"), "x").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.0.join("outside.jsonl"), folder.0.join("recordings/link.jsonl")).unwrap();
        let library = Library::new(&folder.0, RecordingsConfig::default());
        assert!(library.find(&name).is_none() && library.files().unwrap().is_empty());
        assert!(matches!(library.delete(&name), Err(DeleteError::Unknown)));
    }

    #[test]
    fn the_oldest_go_first_and_never_one_in_use() {
        let folder = Folder::new("limits");
        let limits = RecordingsConfig {
            max_total_bytes: 250,
            max_age: Duration::from_secs(1_000),
            ..RecordingsConfig::default()
        };
        let library = Library::new(&folder.0, limits);
        let seconds = Duration::from_secs;
        folder.put("ancient.jsonl", 1, seconds(2_000));
        let writing = folder.put("writing.jsonl", 100, seconds(900));
        let old = folder.put("old.jsonl", 100, seconds(800));
        let playing = folder.put("playing.jsonl", 100, seconds(700));
        folder.put("new.jsonl", 100, seconds(600));
        let held = [library.hold(&writing, Use::Writing), library.hold(&playing, Use::Playing)];
        let _twice = library.hold(&playing, Use::Playing);
        let deleted: Vec<String> = library.tidy(SystemTime::now()).iter().map(ToString::to_string).collect();
        assert_eq!(deleted, ["ancient.jsonl", "old.jsonl", "new.jsonl"]);
        assert!(library.find(&old).is_none());
        assert!(matches!(library.delete(&writing), Err(DeleteError::InUse(Use::Writing))));
        drop(held);
        assert_eq!((library.use_of(&writing), library.use_of(&playing)), (None, Some(Use::Playing)));
        assert!(library.delete(&writing).is_ok() && library.delete(&playing).is_err());
    }

    #[test]
    fn a_clock_that_jumps_deletes_nothing() {
        let folder = Folder::new("clock");
        let library = Library::new(&folder.0, RecordingsConfig::default());
        let days = |days: u64| Duration::from_secs(days * 86_400);
        // Recorded on two days, and not for long before that.
        folder.put("a.jsonl", 10, days(3));
        folder.put("b.jsonl", 10, days(2));
        let all = ["a.jsonl", "b.jsonl"];
        for far in [46, 3_650] {
            let wrong = SystemTime::now() + days(far);
            assert!(library.tidy(wrong).is_empty(), "{far} days ahead");
            // A recording is made with the wrong clock, and the next one with the right one.
            let path = library.folder().join("c.jsonl");
            fs::write(&path, "x").unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(wrong).unwrap();
            for now in [wrong, wrong + days(1), SystemTime::now(), SystemTime::now() - days(far)] {
                assert!(library.tidy(now).is_empty(), "{far} days, {now:?}");
            }
            fs::remove_file(path).unwrap();
        }
        assert_eq!(folder.names(&library), all);
    }

    #[test]
    fn files_become_old_while_recordings_are_made() {
        let folder = Folder::new("age");
        let library = Library::new(&folder.0, RecordingsConfig::default());
        for age in (0..=35_u64).rev() {
            folder.put(&format!("{:02}.jsonl", 35 - age), 10, Duration::from_secs(age * 86_000));
        }
        let deleted: Vec<String> = library.tidy(SystemTime::now()).iter().map(ToString::to_string).collect();
        assert_eq!(deleted, ["00.jsonl", "01.jsonl", "02.jsonl", "03.jsonl", "04.jsonl"]);
    }

    #[test]
    fn empty_files_go_unless_they_are_new_or_in_use() {
        let folder = Folder::new("empty");
        let library = Library::new(&folder.0, RecordingsConfig::default());
        folder.put("killed.jsonl", 0, Duration::from_secs(100));
        folder.put("new.jsonl", 0, Duration::from_secs(1));
        let writing = folder.put("writing.jsonl", 0, Duration::from_secs(100));
        let _held = library.hold(&writing, Use::Writing);
        library.tidy(SystemTime::now());
        assert_eq!(folder.names(&library), ["new.jsonl", "writing.jsonl"]);
    }
}
