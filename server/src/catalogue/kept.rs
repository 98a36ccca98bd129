//! The instruments that readers keep: a small file in the data folder, read at the start and written whole each time.
//!
//! `followed.json`: `{"version":1,"instruments":["binance:BTCUSDT"]}`. It is written beside, flushed, and renamed, so it is
//! either the old one or the new one. One that cannot be read is moved aside, with a notice. Not here: following
//! ([`super::following`]).

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use model::{
    access::Role,
    instrument::{InstrumentId, Venue},
    time::Now,
};
use serde::{Deserialize, Serialize};
use tokio::sync::RwLock;

use crate::{disk, notices::Notices};

/// The kept instruments. Clones share them.
#[derive(Clone, Debug)]
pub struct Kept(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// Held while the file is written, so that writes have an order.
    instruments: RwLock<BTreeSet<InstrumentId>>,
}

/// The file's contents.
#[derive(Deserialize, Serialize)]
struct Contents {
    version: u32,
    instruments: Vec<InstrumentId>,
}

impl Kept {
    /// Reads the file of a data folder. Without one nothing is kept; one that cannot be read is moved aside.
    pub fn open(data_dir: &Path, notices: &Notices, now: Now) -> Self {
        let path = data_dir.join(FILE);
        let instruments = read(&path).unwrap_or_else(|reason| {
            let aside = path.with_extension(format!("broken-{}.json", now.wall.as_millis()));
            let moved = match fs::rename(&path, &aside) {
                Ok(()) => format!("It was moved to {}", aside.display()),
                Err(error) => format!("It could not be moved aside ({error})"),
            };
            let sentence = format!(
                "The list of kept instruments, {}, cannot be read: {reason}. {moved}; follow the instruments again",
                path.display()
            );
            tracing::warn!("{sentence}");
            notices.show("kept", Role::Admin, sentence, now.monotonic);
            BTreeSet::new()
        });
        Self(Arc::new(Inner { path, instruments: RwLock::new(instruments) }))
    }

    /// Returns all kept instruments, sorted.
    pub async fn all(&self) -> BTreeSet<InstrumentId> {
        self.0.instruments.read().await.clone()
    }

    /// Keeps these symbols as well.
    ///
    /// # Errors
    /// The file cannot be written; nothing has changed.
    pub async fn add(&self, venue: &Venue, symbols: &[String]) -> io::Result<()> {
        self.change(|kept| kept.extend(symbols.iter().map(|symbol| InstrumentId::new(venue, symbol)))).await
    }

    /// Forgets these symbols; without symbols, the whole venue.
    ///
    /// # Errors
    /// The file cannot be written; nothing has changed.
    pub async fn forget(&self, venue: &Venue, symbols: &[String]) -> io::Result<()> {
        let is_named = |id: &InstrumentId| symbols.is_empty() || symbols.iter().any(|symbol| symbol == id.symbol());
        self.change(|kept| kept.retain(|id| id.venue() != venue || !is_named(id))).await
    }

    async fn change(&self, change: impl FnOnce(&mut BTreeSet<InstrumentId>)) -> io::Result<()> {
        let mut kept = self.0.instruments.write().await;
        let mut changed = kept.clone();
        change(&mut changed);
        if changed == *kept {
            return Ok(());
        }
        let contents = Contents { version: VERSION, instruments: changed.iter().cloned().collect() };
        let path = self.0.path.clone();
        let writing = tokio::task::spawn_blocking(move || write(&path, &contents));
        writing.await.map_err(io::Error::other)??;
        *kept = changed;
        Ok(())
    }
}

/// Reads the file.
///
/// # Errors
/// The reason, for people.
fn read(path: &Path) -> Result<BTreeSet<InstrumentId>, String> {
    let text = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Ok(metadata) if metadata.len() > MOST_BYTES => return Err("it is too large".to_owned()),
        Ok(_) => fs::read(path).map_err(|error| error.to_string())?,
        Err(error) => return Err(error.to_string()),
    };
    let contents: Contents = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    if contents.version != VERSION {
        return Err(format!("its version is {}, this server knows {VERSION}", contents.version));
    }
    Ok(contents.instruments.into_iter().collect())
}

fn write(path: &Path, contents: &Contents) -> io::Result<()> {
    disk::replace(path, &serde_json::to_vec_pretty(contents)?)
}

const FILE: &str = "followed.json";
const VERSION: u32 = 1;
/// Far more than a thousand symbols of each venue take.
const MOST_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("truetape-kept-{name}-{}", std::process::id()));
            let _absent = fs::remove_dir_all(&path);
            Self(path)
        }

        fn open(&self, notices: &Notices) -> Kept {
            Kept::open(&self.0, notices, Clock::start().now())
        }

        fn files(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _absent = fs::remove_dir_all(&self.0);
        }
    }

    async fn names(kept: &Kept) -> Vec<String> {
        kept.all().await.iter().map(ToString::to_string).collect()
    }

    fn symbols(symbols: &[&str]) -> Vec<String> {
        symbols.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn what_is_kept_is_read_again() {
        let (folder, notices) = (Folder::new("again"), Notices::default());
        let (binance, finnhub) = (Venue::new("binance"), Venue::new("finnhub"));
        let kept = folder.open(&notices);
        assert!(names(&kept).await.is_empty());
        kept.add(&binance, &symbols(&["SOLUSDT", "BTCUSDT"])).await.unwrap();
        kept.add(&finnhub, &symbols(&["BINANCE:BTCUSDT"])).await.unwrap();
        let all = ["binance:BTCUSDT", "binance:SOLUSDT", "finnhub:BINANCE:BTCUSDT"];
        assert_eq!(names(&folder.open(&notices)).await, all);
        kept.forget(&binance, &symbols(&["SOLUSDT", "OTHER"])).await.unwrap();
        assert_eq!(names(&folder.open(&notices)).await, ["binance:BTCUSDT", "finnhub:BINANCE:BTCUSDT"]);
        kept.forget(&finnhub, &[]).await.unwrap();
        assert_eq!(names(&folder.open(&notices)).await, ["binance:BTCUSDT"]);
        assert_eq!(
            (folder.files(), notices.newest(Role::Admin, Clock::start().now().monotonic)),
            (symbols(&[FILE]), None)
        );
    }

    #[tokio::test]
    async fn a_broken_file_is_moved_aside_with_a_notice() {
        for (number, broken) in
            ["", "{", r#"{"version":2,"instruments":[]}"#, r#"{"version":1,"instruments":["nonsense"]}"#, "\u{0}\u{0}"]
                .into_iter()
                .enumerate()
        {
            let (folder, notices) = (Folder::new(&format!("broken-{number}")), Notices::default());
            fs::create_dir_all(&folder.0).unwrap();
            fs::write(folder.0.join(FILE), broken).unwrap();
            let kept = folder.open(&notices);
            assert!(names(&kept).await.is_empty());
            let notice = notices.newest(Role::Admin, Clock::start().now().monotonic).unwrap();
            assert!(notice.contains("cannot be read") && notice.contains("It was moved to"), "{notice}");
            kept.add(&Venue::new("demo"), &symbols(&["BTC-SIM"])).await.unwrap();
            let files = folder.files();
            assert!(files.len() == 2 && files[0].starts_with("followed.broken-") && files[1] == FILE, "{files:?}");
        }
    }

    #[tokio::test]
    async fn nothing_changes_if_the_file_cannot_be_written() {
        let (folder, notices) = (Folder::new("blocked"), Notices::default());
        fs::create_dir_all(&folder.0).unwrap();
        let kept = folder.open(&notices);
        // A folder where the file beside should be.
        fs::create_dir_all(folder.0.join("followed.new")).unwrap();
        assert!(kept.add(&Venue::new("demo"), &symbols(&["BTC-SIM"])).await.is_err());
        assert!(names(&kept).await.is_empty());
    }
}
