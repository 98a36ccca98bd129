//! Entries to recording files: one task a recording, a bounded queue before it, packed blocks behind it.
//!
//! The feed never waits: where the queue is full an entry is lost, counted, and the recording says so. A block is packed in
//! memory and written at once, every [`BLOCK_EVERY`] at least, as a zstd frame of its own: after a kill a file is readable
//! up to its last whole block. Where the disk is full, or writing fails otherwise, the recording ends: the file is cut
//! back to its last whole block, the failure is shown and logged, the feed goes on. Not here: which entries there are
//! (`super::tap`), where files are
//! made ([`super::target`]), what is deleted when ([`super::library`]).

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

/// What comes through the queue.
#[derive(Debug)]
pub enum Item {
    /// Something passed.
    Entry(RawEntry),
    /// A file begins here, and with this.
    Part(Vec<RawEntry>),
}

/// Where a recording stands; shared by the feed, the writer and whoever asks.
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

/// What is told of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its files so far, oldest first; those deleted since are named too.
    pub files: Vec<RecordingName>,
    /// Entries written.
    pub n_entries: u64,
    /// Entries lost because the disk was too slow.
    pub n_lost: u64,
    /// Packed size of all its files.
    pub size_bytes: u64,
    /// True until it has ended.
    pub is_running: bool,
    /// Why it ended by itself, for people.
    pub failure: Option<String>,
}

impl Progress {
    /// Asks the writer to end once its queue is empty; entries that come later are not taken.
    pub fn ask_stop(&self) {
        self.is_stop_asked.store(true, Ordering::Release);
    }

    /// True once it takes nothing more.
    pub fn is_over(&self) -> bool {
        self.is_stop_asked.load(Ordering::Acquire)
    }

    /// How it stands.
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

/// The feed's end of the queue; dropping it ends the recording.
#[derive(Clone, Debug)]
pub struct Feeder {
    queue: SyncSender<Item>,
    progress: Arc<Progress>,
}

impl Feeder {
    /// Hands an entry over, or loses it; never waits.
    pub fn entry(&self, entry: RawEntry) {
        let n_bytes = entry.size_bytes();
        let queued = self.progress.queued_bytes.fetch_add(n_bytes, Ordering::AcqRel);
        if queued + n_bytes > QUEUE_BYTES || self.queue.try_send(Item::Entry(entry)).is_err() {
            self.progress.queued_bytes.fetch_sub(n_bytes, Ordering::AcqRel);
            self.progress.n_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// True where the file is full: [`Self::part`] is wanted.
    pub fn wants_part(&self) -> bool {
        self.progress.wants_part.load(Ordering::Acquire)
    }

    /// Begins a file with what must be known there. Where the queue is full it is asked for again.
    pub fn part(&self, prelude: Vec<RawEntry>) {
        if self.queue.try_send(Item::Part(prelude)).is_ok() {
            self.progress.wants_part.store(false, Ordering::Release);
        }
    }

    /// True once nothing more is taken.
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
    /// When it begins; `None` for now.
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
    /// Whole blocks.
    size_bytes: u64,
    footer: Footer,
    /// Kept until the file is complete.
    _held: Option<Held>,
}

/// A queue and the writer at its end, which has begun nothing yet.
pub fn writer(target: Box<dyn Target>, header: Header, begin: Option<Timestamp>) -> (Feeder, Writer) {
    let (sender, queue) = sync_channel(QUEUE);
    let progress = Arc::new(Progress::default());
    let feeder = Feeder { queue: sender, progress: progress.clone() };
    let (file, n_parts, n_lost_told, tidied) = (None, 0, 0, Instant::now());
    (feeder, Writer { queue, progress, target, header, begin, file, n_parts, n_lost_told, tidied })
}

/// Writes what is there already; blocks.
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
    /// Where it stands, for others to watch.
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Writes until the feeder is gone, a stop is asked for, or writing fails; blocks meanwhile.
    pub fn run(mut self) -> Report {
        let end = self.work();
        self.finish(end)
    }

    fn finish(mut self, end: io::Result<()>) -> Report {
        let end = end.and_then(|()| self.end_file()).map_err(|error| error.to_string());
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
                    // What waits already is taken without looking at the clock in between.
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
            // At the place where they are missing, as far as the queue lets us know it.
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

    /// What was written of a block that is not whole would only be an error to readers.
    fn give_up(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |mut file| file.out.cut(file.size_bytes))
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

    /// Packs and writes what has gathered; returns the bytes written.
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
    // A flipped bit on the disk is found, not played.
    encoder.include_checksum(true)?;
    Ok(encoder)
}

fn micros_of(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Entries that wait for the disk: some ten seconds of a loud feed.
const QUEUE: usize = 8_192;
/// Bytes that wait for the disk.
const QUEUE_BYTES: usize = 64 << 20;
/// A block is ended after this long, so that much is lost at most when the process is killed.
pub const BLOCK_EVERY: Duration = Duration::from_secs(2);
/// A block is ended at this size before packing.
const BLOCK_BYTES: usize = 4 << 20;
/// How often the writer looks up while nothing comes.
const TICK: Duration = Duration::from_millis(100);
const ITEMS_AT_ONCE: usize = 256;
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// Quick, and a sixth of the size: venues repeat themselves.
const PACKING_LEVEL: i32 = 3;

#[cfg(test)]
mod tests;
