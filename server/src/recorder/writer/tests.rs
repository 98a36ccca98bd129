//! Tests of the writer: blocks, parts, full queues, full disks, kills.

use std::{fs, path::PathBuf, sync::atomic::AtomicU64};

use model::recording_entry::{EntryKind, RecordingEntry};
use recording::entry::Body;

use super::*;
use crate::{
    config::RecordingsConfig,
    recorder::recording_file::RecordingFile as Reader,
    recorder::{
        library::Library,
        scan,
        target::{Full, LibraryTarget},
    },
};

/// A temporary folder of one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("truetape-writer-{}-{name}", std::process::id()));
        let _earlier = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn library(&self, limits: RecordingsConfig) -> Library {
        Library::new(&self.0, limits)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _leftover = fs::remove_dir_all(&self.0);
    }
}

fn header() -> Header {
    Header { venue: "venue".into(), symbols: vec!["A".into()], kind: "recording" }
}

fn entry(number: u64, text: &str) -> RawEntry {
    RawEntry {
        kind: EntryKind::Recv,
        time: Timestamp::from_millis(i64::try_from(number).unwrap()),
        slot: 0,
        url: None,
        request: None,
        body: Body::Text(text.into()),
        is_prelude: false,
    }
}

fn on_shelf(library: &Library) -> Box<dyn Target> {
    Box::new(LibraryTarget { library: library.clone(), stem: "venue-1".into() })
}

/// Returns the texts of received frames, and whether the file breaks off.
fn read(path: &std::path::Path) -> (Vec<String>, bool) {
    let mut file = Reader::open(path).unwrap();
    let mut texts = Vec::new();
    loop {
        match file.next_line() {
            Ok(Some(line)) => {
                let entry = RecordingEntry::parse(std::str::from_utf8(line).unwrap()).unwrap();
                if entry.t == EntryKind::Recv {
                    texts.push(entry.data.unwrap().into_owned());
                }
            }
            Ok(None) => return (texts, false),
            Err(_) => return (texts, true),
        }
    }
}

/// Creates text that does not repeat itself, so that packing does not make it small.
fn noise(seed: u64, n_bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + u8::try_from(state % 64).unwrap())
    };
    (0..n_bytes).map(|_| next()).collect()
}

#[test]
fn what_was_handed_over_stands_in_the_file_in_order() {
    let folder = Folder::new("order");
    let library = folder.library(RecordingsConfig::default());
    let (feeder, writer) = writer(on_shelf(&library), header(), None);
    let task = std::thread::spawn(move || writer.run());
    feeder.part(vec![RawEntry { is_prelude: true, ..entry(0, "known") }]);
    (1..1_000).for_each(|number| feeder.entry(entry(number, &number.to_string())));
    drop(feeder);
    let report = task.join().unwrap();
    assert_eq!((report.n_lost, report.is_running, &report.failure), (0, false, &None));
    let path = library.path(&report.files[0]);
    let (texts, is_broken) = read(&path);
    assert!(!is_broken);
    let expected: Vec<String> =
        std::iter::once("known".to_owned()).chain((1..1_000).map(|n: u64| n.to_string())).collect();
    assert_eq!(texts, expected);
    let footer = scan::footer(&path).unwrap();
    assert_eq!(footer, Footer { n_entries: 999, n_lost: 0, first_us: Some(1_000), last_us: Some(999_000) });
    assert_eq!(report.size_bytes, fs::metadata(path).unwrap().len());
}

#[test]
fn a_file_cut_anywhere_is_readable_to_its_last_whole_block() {
    let folder = Folder::new("kill");
    let library = folder.library(RecordingsConfig::default());
    let text = noise(1, 64 << 10);
    let items = std::iter::once(Item::Part(Vec::new())).chain((1..400).map(|number| Item::Entry(entry(number, &text))));
    let report = write_all(on_shelf(&library), header(), Timestamp::EPOCH, items);
    let whole = fs::read(library.path(&report.files[0])).unwrap();
    let cut = folder.0.join("cut.jsonl.zst");
    let mut counts = Vec::new();
    for part in 1..=20 {
        fs::write(&cut, &whole[..whole.len() * part / 20]).unwrap();
        let (texts, _) = read(&cut);
        assert!(texts.iter().all(|found| *found == text), "no half entry is ever read");
        assert_eq!(scan::footer(&cut).is_some(), part == 20);
        counts.push(texts.len());
    }
    assert!(counts.is_sorted() && counts[19] == 399 && counts[10] > 100, "{counts:?}");
}

#[test]
fn a_killed_writer_leaves_all_but_its_last_seconds() {
    let folder = Folder::new("killed");
    let library = folder.library(RecordingsConfig::default());
    let (feeder, mut writer) = writer(on_shelf(&library), header(), None);
    feeder.part(Vec::new());
    (1..100).for_each(|number| feeder.entry(entry(number, "before")));
    while let Ok(item) = writer.queue.try_recv() {
        writer.take(item).unwrap();
    }
    writer.end_block().unwrap();
    writer.take(Item::Entry(entry(100, "after"))).unwrap();
    let name = writer.progress.report().files[0].clone();
    // Nothing is closed or flushed, as when the process is killed.
    std::mem::forget(writer);
    let (texts, is_broken) = read(&library.path(&name));
    assert_eq!((texts.len(), is_broken), (99, false));
    assert!(scan::footer(&library.path(&name)).is_none());
}

#[test]
fn a_full_file_goes_on_in_another_and_the_oldest_are_deleted() {
    let folder = Folder::new("parts");
    let limits =
        RecordingsConfig { max_file_bytes: 100 << 10, max_total_bytes: 450 << 10, ..RecordingsConfig::default() };
    let library = folder.library(limits);
    let (feeder, mut writer) = writer(on_shelf(&library), header(), None);
    feeder.part(Vec::new());
    let mut n_parts = 1;
    for number in 1..200 {
        feeder.entry(entry(number, &noise(number, 8 << 10)));
        while let Ok(item) = writer.queue.try_recv() {
            writer.take(item).unwrap();
        }
        writer.end_block().unwrap();
        writer.look_at_the_clock().unwrap();
        if feeder.wants_part() {
            feeder.part(vec![RawEntry { is_prelude: true, ..entry(number, "known") }]);
            n_parts += 1;
        }
    }
    let report = writer.finish(Ok(()));
    assert!(report.failure.is_none() && n_parts > 6, "{report:?}");
    let files = library.files().unwrap();
    let total: u64 = files.iter().map(|file| file.size_bytes).sum();
    assert!(total <= (450 + 110) << 10, "{total}");
    assert!(files.len() < report.files.len(), "the oldest are gone");
    let last = report.files.last().unwrap();
    assert_eq!(last.as_str(), format!("venue-1.p{:03}.jsonl.zst", report.files.len()));
    assert_eq!(read(&library.path(last)).0[0], "known", "each part begins with what must be known");
}

#[test]
fn a_full_queue_loses_entries_counts_them_and_says_so() {
    let folder = Folder::new("lost");
    let library = folder.library(RecordingsConfig::default());
    let (feeder, writer) = writer(on_shelf(&library), header(), None);
    feeder.part(Vec::new());
    // No writer reads the queue yet.
    for number in 1..=10_000 {
        feeder.entry(entry(number, "x"));
    }
    let n_lost = writer.progress.report().n_lost;
    assert_eq!(n_lost, 10_000 + 1 - QUEUE as u64);
    let large = "x".repeat(QUEUE_BYTES);
    let task = std::thread::spawn(move || writer.run());
    feeder.entry(entry(10_001, &large));
    drop(feeder);
    let report = task.join().unwrap();
    assert_eq!((report.n_lost, report.n_entries), (n_lost + 1, QUEUE as u64 - 1));
    let path = library.path(&report.files[0]);
    let mut file = Reader::open(&path).unwrap();
    let mut n_told = 0;
    while let Some(line) = file.next_line().unwrap() {
        let value: serde_json::Value = serde_json::from_slice(line).unwrap();
        n_told += value["lost"].as_u64().unwrap_or_default();
    }
    assert!(n_told == n_lost || n_told == n_lost + 1, "{n_told}");
}

/// A disk with a limited number of free bytes.
struct SmallDisk {
    left: Arc<AtomicU64>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Target for SmallDisk {
    fn create(&mut self, _part: u32) -> io::Result<(RecordingName, Box<dyn RecordingSink>, Option<Held>)> {
        let out = SmallFile { left: self.left.clone(), written: self.written.clone() };
        Ok((RecordingName::parse("small.jsonl.zst").unwrap(), Box::new(out), None))
    }

    fn probe(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _name: &RecordingName) -> io::Result<()> {
        panic!("it has whole blocks")
    }

    fn tidy(&mut self) {}

    fn limits(&self) -> Full {
        Full { size_bytes: u64::MAX, span: Duration::MAX }
    }
}

struct SmallFile {
    left: Arc<AtomicU64>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl io::Write for SmallFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left.load(Ordering::Relaxed)).unwrap();
        if left == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let n_bytes = left.min(bytes.len());
        self.left.fetch_sub(n_bytes as u64, Ordering::Relaxed);
        self.written.lock().unwrap().extend(&bytes[..n_bytes]);
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl RecordingSink for SmallFile {
    fn cut(&mut self, size_bytes: u64) -> io::Result<()> {
        self.written.lock().unwrap().truncate(usize::try_from(size_bytes).unwrap());
        Ok(())
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_keeps_what_was_whole() {
    let (left, written) = (Arc::new(AtomicU64::new(40_000)), Arc::new(Mutex::new(Vec::new())));
    let disk = SmallDisk { left, written: written.clone() };
    let (feeder, mut writer) = writer(Box::new(disk), header(), None);
    feeder.part(Vec::new());
    let mut end = Ok(());
    for number in 1..100 {
        feeder.entry(entry(number, &noise(number, 4 << 10)));
        while let Ok(item) = writer.queue.try_recv() {
            end = end.and_then(|()| writer.take(item));
        }
        end = end.and_then(|()| writer.end_block());
        if end.is_err() {
            break;
        }
    }
    assert!(end.is_err());
    let report = writer.finish(end);
    assert!(!report.is_running && report.failure.is_some_and(|failure| !failure.is_empty()));
    // The feed notices the end without waiting.
    assert!(feeder.is_over());
    (0..20_000).for_each(|number| feeder.entry(entry(number, "x")));
    let folder = Folder::new("full");
    let path = folder.0.join("small.jsonl.zst");
    fs::write(&path, &*written.lock().unwrap()).unwrap();
    let (texts, is_broken) = read(&path);
    assert!(!is_broken && texts.len() > 5, "{} entries", texts.len());
}

/// The library on a disk that is full once a file has been created.
struct FullDisk(LibraryTarget);

impl Target for FullDisk {
    fn create(&mut self, part: u32) -> io::Result<(RecordingName, Box<dyn RecordingSink>, Option<Held>)> {
        let (name, _file, held) = self.0.create(part)?;
        let out = SmallFile { left: Arc::default(), written: Arc::default() };
        Ok((name, Box::new(out), held))
    }

    fn probe(&mut self) -> io::Result<()> {
        self.0.probe()
    }

    fn remove(&mut self, name: &RecordingName) -> io::Result<()> {
        self.0.remove(name)
    }

    fn tidy(&mut self) {}

    fn limits(&self) -> Full {
        self.0.limits()
    }
}

#[test]
fn a_recording_without_a_block_leaves_no_file() {
    let folder = Folder::new("empty");
    let library = folder.library(RecordingsConfig::default());
    let target = FullDisk(LibraryTarget { library: library.clone(), stem: "venue-1".into() });
    let items = [Item::Part(Vec::new()), Item::Entry(entry(1, "x"))];
    let report = write_all(Box::new(target), header(), Timestamp::EPOCH, items.into_iter());
    assert!(report.failure.is_some() && report.files.is_empty(), "{report:?}");
    assert!(library.files().unwrap().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_found_before_a_recording_begins() {
    let folder = Folder::new("probe");
    let library = folder.library(RecordingsConfig::default());
    let mut target = LibraryTarget { library: library.clone(), stem: "venue-1".into() };
    target.probe().unwrap();
    // Writes go to a device that is always full.
    std::os::unix::fs::symlink("/dev/full", library.folder().join(".venue-1.probe")).unwrap();
    assert_eq!(target.probe().unwrap_err().kind(), io::ErrorKind::StorageFull);
    target.probe().unwrap();
    assert_eq!(fs::read_dir(library.folder()).unwrap().count(), 0, "nothing is left behind");
}
