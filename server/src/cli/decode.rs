//! `truetape decode`: converts recorded frames to normalised events as JSON lines, followed by a summary.
//!
//! Uses the same sessions and view as `serve`; numbers keep the venue's digits. However bad the recording, the exit
//! code is 0: unreadable lines are counted.
//!
//! # Layout
//! - [`summary`]: the last line

pub mod summary;

use std::{
    io::{self, BufWriter, ErrorKind, Write},
    path::PathBuf,
};

use anyhow::Context;
use market::{View, ViewConfig};
use model::{event::MarketEvent, recording_entry::RecordingEntry};
use recording::{event_hash::EventHash, event_line::EventLine};
use venues::replay::Replay;

use self::summary::EventCounts;
use super::Failure;
use crate::recorder::recording_file::RecordingFile;

/// Flags of `decode`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Venue of the frames.
    #[arg(long)]
    venue: String,
    /// Print the summary only.
    #[arg(long)]
    summary_only: bool,
    /// Add the SHA-256 of all events to the summary: the same for the same recording, however it is played.
    #[arg(long)]
    hash: bool,
    /// Recordings (JSON lines, plain, gzip or zstd), played one after the other.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let replay = Replay::new(&arguments.venue).map_err(|error| Failure::Unusable(error.into()))?;
    let files = arguments
        .files
        .iter()
        .map(|path| RecordingFile::open(path).with_context(|| format!("open {}", path.display())))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::Unusable)?;
    let out = BufWriter::with_capacity(OUT_BUFFER, io::stdout().lock());
    let mut decoder = Decoder::new(replay, out, !arguments.summary_only);
    if arguments.hash {
        decoder = decoder.hashing(&arguments.venue);
    }
    match files.into_iter().try_for_each(|file| decoder.file(file)).and_then(|()| decoder.finish()) {
        // The reader of our output has seen enough (`truetape decode … | head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result.context("write to standard output")?),
    }
}

/// A recording being decoded; its events are written as they come.
pub struct Decoder<W> {
    replay: Replay,
    view: View,
    out: W,
    with_events: bool,
    counts: EventCounts,
    n_bad_lines: u64,
    hash: Option<EventHash>,
}

impl<W: Write> Decoder<W> {
    /// Creates a decoder that has read nothing.
    pub fn new(replay: Replay, out: W, with_events: bool) -> Self {
        let view = View::new(ViewConfig::default());
        Self { replay, view, out, with_events, counts: EventCounts::default(), n_bad_lines: 0, hash: None }
    }

    /// Returns the same decoder, with the events' fingerprint in the summary.
    #[must_use]
    pub fn hashing(self, venue: &str) -> Self {
        Self { hash: Some(EventHash::new(venue)), ..self }
    }

    /// Reads a file to its end.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn file(&mut self, mut file: RecordingFile) -> io::Result<()> {
        loop {
            match file.next_line() {
                Ok(Some(line)) => self.line(line)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    // A truncated recording is still decoded as far as it goes.
                    eprintln!("truetape: {}: {error}; reading stops here", file.path().display());
                    self.n_bad_lines += 1;
                    return Ok(());
                }
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let Some(entry) = std::str::from_utf8(line).ok().and_then(|text| RecordingEntry::parse(text).ok()) else {
            self.n_bad_lines += 1;
            return Ok(());
        };
        let Self { replay, view, out, with_events, counts, hash, .. } = self;
        let mut result = Ok(());
        replay.feed(&entry, |event: &MarketEvent| {
            counts.add(event);
            if let Some(hash) = hash {
                hash.add(event);
            }
            view.apply(event);
            if *with_events && result.is_ok() {
                result = EventLine::of(event).write(out);
            }
        });
        result
    }

    /// Writes the summary line.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        let summary = summary::Summary::of(&self.replay.summary(), &self.counts, self.n_bad_lines)
            .with_hash(self.hash.as_ref().map(EventHash::to_hex));
        serde_json::to_writer(&mut self.out, &summary)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

const OUT_BUFFER: usize = 256 << 10;
