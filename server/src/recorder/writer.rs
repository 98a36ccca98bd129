//! Writes entries to recording files: one task per recording, with a bounded queue, in compressed blocks.
//!
//! The feed never waits: if the queue is full, an entry is lost, counted, and noted in the recording. A block is packed
//! in memory and written at once as its own zstd frame, at least every [`BLOCK_EVERY`], so after a kill a file is
//! readable up to its last whole block. If the disk is full or a write fails, the recording ends: the file is truncated
//! to its last whole block, or removed if it has none, the failure is shown and logged, and the feed goes on. Not here:
//! collecting entries (`recording::tap`), creating files ([`super::target`]), deleting them ([`super::library`]).

use std::{
    io,
    io::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant, SystemTime},
};

use model::time::Timestamp;
use recording::{
    entry::RawEntry,
    recording_file::{Footer, Header, lost_line},
};
use serde::Serialize;

use super::{
    library::{Held, RecordingName},
    target::{RecordingSink, Target},
};
use crate::in_words::in_words;

/// An item in the queue.
#[derive(Debug)]
pub enum Item {
    /// An entry to write.
    Entry(RawEntry),
    /// The start of a new file, with its prelude.
    Part(Vec<RawEntry>),
}

/// The progress of a recording, shared by the feed, the writer and the readers of reports.
#[derive(Debug, Default)]
pub struct Progress {
    n_entries: AtomicU64,
    n_lost: AtomicU64,
    size_bytes: AtomicU64,
    queued_bytes: AtomicUsize,
    wants_part: AtomicBool,
    is_stop_asked: AtomicBool,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<RecordingName>,
    end: Option<Result<(), String>>,
}

/// A report about a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The files so far, oldest first, including those deleted since.
    pub files: Vec<RecordingName>,
    /// Entries written.
    pub n_entries: u64,
    /// Entries lost because the disk was too slow.
    pub n_lost: u64,
    /// The compressed size of all files.
    pub size_bytes: u64,
    /// True until the recording has ended.
    pub is_running: bool,
    /// Why the recording ended by itself, for people.
    pub failure: Option<String>,
}

impl Progress {
    /// Asks the writer to end once its queue is empty; later entries are not accepted.
    pub fn ask_stop(&self) {
        self.is_stop_asked.store(true, Ordering::Release);
    }

    /// Returns true once the writer accepts no more entries.
    pub fn is_over(&self) -> bool {
        self.is_stop_asked.load(Ordering::Acquire)
    }

    /// Returns a report.
    pub fn report(&self) -> Report {
        let state = self.lock();
        Report {
            files: state.files.clone(),
            n_entries: self.n_entries.load(Ordering::Relaxed),
            n_lost: self.n_lost.load(Ordering::Relaxed),
            size_bytes: self.size_bytes.load(Ordering::Relaxed),
            is_running: state.end.is_none(),
            failure: state.end.clone().and_then(Result::err),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The feed's end of the queue. Dropping it ends the recording.
#[derive(Clone, Debug)]
pub struct Feeder {
    queue: SyncSender<Item>,
    progress: Arc<Progress>,
}

impl Feeder {
    /// Queues an entry, or loses it if the queue is full; never waits.
    pub fn entry(&self, entry: RawEntry) {
        let n_bytes = entry.size_bytes();
        let queued = self.progress.queued_bytes.fetch_add(n_bytes, Ordering::AcqRel);
        if queued + n_bytes > QUEUE_BYTES || self.queue.try_send(Item::Entry(entry)).is_err() {
            self.progress.queued_bytes.fetch_sub(n_bytes, Ordering::AcqRel);
            self.progress.n_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns true if the file is full: the feed then calls [`Self::part`].
    pub fn wants_part(&self) -> bool {
        self.progress.wants_part.load(Ordering::Acquire)
    }

    /// Begins a new file with a prelude. If the queue is full, [`Self::wants_part`] stays true.
    pub fn part(&self, prelude: Vec<RawEntry>) {
        if self.queue.try_send(Item::Part(prelude)).is_ok() {
            self.progress.wants_part.store(false, Ordering::Release);
        }
    }

    /// Returns true once no more entries are accepted.
    pub fn is_over(&self) -> bool {
        self.progress.is_over()
    }
}

/// Writes one recording.
pub struct Writer {
    queue: Receiver<Item>,
    progress: Arc<Progress>,
    target: Box<dyn Target>,
    header: Header,
    /// The start time; `None` for now.
    begin: Option<Timestamp>,
    file: Option<RecordingFile>,
    n_parts: u32,
    n_lost_told: u64,
    tidied: Instant,
}

/// The file that is being written.
struct RecordingFile {
    name: RecordingName,
    out: Box<dyn RecordingSink>,
    block: zstd::Encoder<'static, Vec<u8>>,
    n_block_bytes: usize,
    block_begun: Instant,
    begun: Instant,
    /// The size of all whole blocks.
    size_bytes: u64,
    footer: Footer,
    /// Keeps the file from being deleted until it is complete.
    _held: Option<Held>,
}

/// Creates a queue and its writer, which has not created a file yet.
pub fn writer(target: Box<dyn Target>, header: Header, begin: Option<Timestamp>) -> (Feeder, Writer) {
    let (sender, queue) = sync_channel(QUEUE);
    let progress = Arc::new(Progress::default());
    let feeder = Feeder { queue: sender, progress: progress.clone() };
    let (file, n_parts, n_lost_told, tidied) = (None, 0, 0, Instant::now());
    (feeder, Writer { queue, progress, target, header, begin, file, n_parts, n_lost_told, tidied })
}

/// Writes the given items to a file; blocks.
pub fn write_all(
    target: Box<dyn Target>,
    header: Header,
    begin: Timestamp,
    items: impl Iterator<Item = Item>,
) -> Report {
    let (feeder, mut writer) = writer(target, header, Some(begin));
    drop(feeder);
    let mut items = items;
    let end = items.try_for_each(|item| {
        if let Item::Entry(entry) = &item {
            writer.progress.queued_bytes.fetch_add(entry.size_bytes(), Ordering::AcqRel);
        }
        writer.take(item)
    });
    writer.finish(end)
}

impl Writer {
    /// Returns the progress, for others to watch.
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Writes until the feeder is gone, a stop is requested, or writing fails; blocks.
    pub fn run(mut self) -> Report {
        let end = self.work();
        self.finish(end)
    }

    fn finish(mut self, end: io::Result<()>) -> Report {
        let end = end.and_then(|()| self.end_file()).map_err(|error| in_words(&error));
        self.progress.ask_stop();
        let kept = match &end {
            Ok(()) => Ok(()),
            Err(_) => self.give_up(),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "a broken recording could not be cut back to its last whole block");
        }
        self.progress.lock().end = Some(end);
        self.progress.report()
    }

    fn work(&mut self) -> io::Result<()> {
        loop {
            match self.queue.recv_timeout(TICK) {
                Ok(item) => {
                    self.take(item)?;
                    // Takes waiting items without checking the clock in between.
                    for _ in 0..ITEMS_AT_ONCE {
                        let Ok(item) = self.queue.try_recv() else { break };
                        self.take(item)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.progress.is_over() => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look_at_the_clock()?;
        }
        Ok(())
    }

    fn take(&mut self, item: Item) -> io::Result<()> {
        match item {
            Item::Part(prelude) => {
                self.end_file()?;
                self.begin_file()?;
                prelude.iter().try_for_each(|entry| self.write(entry))
            }
            Item::Entry(entry) => {
                self.progress.queued_bytes.fetch_sub(entry.size_bytes(), Ordering::AcqRel);
                self.write(&entry)
            }
        }
    }

    fn begin_file(&mut self) -> io::Result<()> {
        self.target.tidy();
        self.n_parts += 1;
        let (name, out, held) = self.target.create(self.n_parts)?;
        self.progress.lock().files.push(name.clone());
        let mut file = RecordingFile {
            name,
            out,
            block: encoder()?,
            n_block_bytes: 0,
            block_begun: Instant::now(),
            begun: Instant::now(),
            size_bytes: 0,
            footer: Footer::default(),
            _held: held,
        };
        let begin = self.begin.unwrap_or_else(|| Timestamp::from_micros(micros_of(SystemTime::now())));
        file.line(&self.header.line(begin, self.n_parts))?;
        self.file = Some(file);
        Ok(())
    }

    fn write(&mut self, entry: &RawEntry) -> io::Result<()> {
        let n_lost = self.progress.n_lost.load(Ordering::Relaxed);
        let Some(file) = &mut self.file else { return Ok(()) };
        if n_lost > self.n_lost_told {
            // Where the entries are missing, as precisely as the queue allows.
            file.line(&lost_line(entry.time, n_lost - self.n_lost_told))?;
            file.footer.n_lost += n_lost - self.n_lost_told;
            self.n_lost_told = n_lost;
        }
        file.entry(entry)?;
        self.progress.n_entries.fetch_add(1, Ordering::Relaxed);
        if file.n_block_bytes >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    fn look_at_the_clock(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if self.file.as_ref().is_some_and(|file| now.duration_since(file.block_begun) >= BLOCK_EVERY) {
            self.end_block()?;
        }
        if let Some(file) = &self.file {
            let full = self.target.limits();
            if file.size_bytes >= full.size_bytes || now.duration_since(file.begun) >= full.span {
                self.progress.wants_part.store(true, Ordering::Release);
            }
        }
        if now.duration_since(self.tidied) >= TIDY_EVERY {
            self.tidied = now;
            self.target.tidy();
        }
        Ok(())
    }

    fn end_block(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let n_bytes = file.end_block()?;
        self.progress.size_bytes.fetch_add(n_bytes, Ordering::Relaxed);
        Ok(())
    }

    fn end_file(&mut self) -> io::Result<()> {
        self.end_block()?;
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let n_lost = self.progress.n_lost.load(Ordering::Relaxed);
        file.footer.n_lost += n_lost - self.n_lost_told;
        self.n_lost_told = n_lost;
        let footer = file.footer.to_frame();
        let result = file.out.write_all(&footer).and_then(|()| file.out.flush());
        if let Err(error) = result {
            self.file = Some(file);
            return Err(error);
        }
        tracing::info!(name = %file.name, size_bytes = file.size_bytes, "a recording's file is complete");
        self.progress.size_bytes.fetch_add(footer.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Truncates the file to its last whole block: part of a block would be an error to readers. Without any block, the
    /// file is removed.
    fn give_up(&mut self) -> io::Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        file.out.cut(file.size_bytes)?;
        if file.size_bytes == 0 {
            self.target.remove(&file.name)?;
            self.progress.lock().files.retain(|name| *name != file.name);
        }
        Ok(())
    }
}

impl RecordingFile {
    fn line(&mut self, text: &str) -> io::Result<()> {
        self.n_block_bytes += text.len();
        self.block.write_all(text.as_bytes())
    }

    fn entry(&mut self, entry: &RawEntry) -> io::Result<()> {
        self.n_block_bytes += entry.size_bytes();
        if !entry.is_prelude {
            self.footer.note(entry.time);
        }
        entry.write(&mut self.block)
    }

    /// Packs and writes the current block; returns the number of bytes written.
    fn end_block(&mut self) -> io::Result<u64> {
        self.block_begun = Instant::now();
        if self.n_block_bytes == 0 {
            return Ok(0);
        }
        self.n_block_bytes = 0;
        let packed = std::mem::replace(&mut self.block, encoder()?).finish()?;
        self.out.write_all(&packed)?;
        self.out.flush()?;
        self.size_bytes += packed.len() as u64;
        Ok(packed.len() as u64)
    }
}

fn encoder() -> io::Result<zstd::Encoder<'static, Vec<u8>>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), PACKING_LEVEL)?;
    // So that a flipped bit on the disk is detected, not played.
    encoder.include_checksum(true)?;
    Ok(encoder)
}

fn micros_of(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Entries that may wait for the disk: about ten seconds of a busy feed.
const QUEUE: usize = 8_192;
/// Bytes that may wait for the disk.
const QUEUE_BYTES: usize = 64 << 20;
/// The maximum age of a block, and so the maximum loss if the process is killed.
pub const BLOCK_EVERY: Duration = Duration::from_secs(2);
/// The maximum size of a block before packing.
const BLOCK_BYTES: usize = 4 << 20;
/// The wait for an entry before the clock is checked.
const TICK: Duration = Duration::from_millis(100);
const ITEMS_AT_ONCE: usize = 256;
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// Fast, and still reduces frames to a sixth of their size.
const PACKING_LEVEL: i32 = 3;

#[cfg(test)]
mod tests;
