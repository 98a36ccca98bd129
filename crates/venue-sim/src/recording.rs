//! Reads recordings: JSON lines, plain, gzip or zstd, from several consecutive files.
//!
//! Not here: the meaning of frames (the venue's folder) and their timing (`player`).

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
    time::Duration,
};

use anyhow::{Context, bail};
use model::{
    recording_entry::{EntryKind, RecordingEntry},
    time::Timestamp,
};

use crate::config::Source;

/// Maximum decompressed text of all files together; larger recordings are rejected.
const MAX_TEXT_BYTES: u64 = 1 << 30;
/// A longer silence between two frames is played as one of this length.
const MAX_GAP: Duration = Duration::from_secs(10);

/// The contents of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Received frames in file order.
    pub frames: Vec<RecordedFrame>,
    /// REST answers in file order.
    pub answers: Vec<RecordedAnswer>,
    /// Invalid lines.
    pub n_bad_lines: usize,
}

/// One received frame.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedFrame {
    /// Time after the first frame at which it is due. Never decreases.
    pub at: Duration,
    /// Address of its connection, if the recording names it.
    pub url: Option<String>,
    /// The frame, verbatim.
    pub text: String,
}

/// One REST answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedAnswer {
    /// The whole requested address.
    pub url: String,
    /// The body, verbatim.
    pub body: String,
}

impl RecordedAnswer {
    /// Returns true if the path ends with `path_end` and the query contains all these parameters.
    pub(crate) fn is_for(&self, path_end: &str, parameters: &[(&str, &str)]) -> bool {
        let (path, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let holds = |(name, value): &(&str, &str)| {
            query.split('&').any(|pair| pair.replace("%2F", "/").split_once('=') == Some((*name, *value)))
        };
        path.ends_with(path_end) && parameters.iter().all(holds)
    }
}

impl Recording {
    /// Reads recordings in the given order.
    ///
    /// # Errors
    /// A file that cannot be read or decompressed, or files without any frame.
    pub fn load(paths: &[impl AsRef<Path>]) -> anyhow::Result<Self> {
        let mut reader = Reader::default();
        let mut left = MAX_TEXT_BYTES;
        for path in paths {
            let path = path.as_ref();
            let text = unpack(path, left).with_context(|| format!("read recording {}", path.display()))?;
            left -= text.len() as u64;
            reader.read(&text);
        }
        if reader.recording.frames.is_empty() {
            bail!("the recordings have no received frame");
        }
        Ok(reader.recording)
    }

    /// Returns the recording of a source; empty for the simulated market.
    ///
    /// # Errors
    /// The same as [`Self::load`].
    pub fn of(source: &Source) -> anyhow::Result<Self> {
        match source {
            Source::Files(paths) => Self::load(paths),
            Source::Text(text) => Ok(Self::parse(text)),
            Source::Demo { .. } => Ok(Self::default()),
        }
    }

    /// Parses a recording from text; invalid lines are counted.
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        reader.read(text);
        reader.recording
    }
}

#[derive(Default)]
struct Reader {
    recording: Recording,
    at: Duration,
    last: Option<Timestamp>,
    /// Address by connection name; recordings with one connection omit the name.
    urls: Vec<(String, String)>,
}

impl Reader {
    fn read(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match RecordingEntry::parse(line) {
                Ok(entry) => self.take(&entry),
                Err(_) => self.recording.n_bad_lines += 1,
            }
        }
    }

    fn take(&mut self, entry: &RecordingEntry<'_>) {
        let conn = entry.conn.as_deref().unwrap_or_default();
        match (entry.t, &entry.data, &entry.url) {
            (EntryKind::Connect, _, Some(url)) => {
                self.urls.retain(|(known, _)| known != conn);
                self.urls.push((conn.to_owned(), url.to_string()));
            }
            (EntryKind::Recv, Some(data), _) => {
                self.advance(entry.receive_time());
                let url = self.urls.iter().find(|(known, _)| known == conn).map(|(_, url)| url.clone());
                self.recording.frames.push(RecordedFrame { at: self.at, url, text: data.to_string() });
            }
            (EntryKind::Http, Some(data), Some(url)) => {
                self.recording.answers.push(RecordedAnswer { url: url.to_string(), body: data.to_string() });
            }
            _ => {}
        }
    }

    /// Advances the time. A missing time repeats the previous one; an earlier one adds no wait.
    fn advance(&mut self, time: Option<Timestamp>) {
        let Some(time) = time else { return };
        if let Some(last) = self.last {
            self.at += time.saturating_since(last).min(MAX_GAP);
        }
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }
}

/// Decompresses according to the file's first bytes, not its name.
fn unpack(path: &Path, limit: u64) -> anyhow::Result<String> {
    let mut file = BufReader::new(File::open(path)?);
    let mut start = [0_u8; 4];
    let n_start = read_up_to(&mut file, &mut start)?;
    let whole = start.get(..n_start).unwrap_or_default().chain(file);
    let unpacked: Box<dyn Read> = match start {
        [0x1F, 0x8B, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        [0x28, 0xB5, 0x2F, 0xFD] => Box::new(zstd::stream::read::Decoder::new(whole)?),
        _ => Box::new(whole),
    };
    let mut bytes = Vec::new();
    unpacked.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        bail!("decompresses to more than {MAX_TEXT_BYTES} bytes");
    }
    Ok(String::from_utf8(bytes)?)
}

fn read_up_to(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut n_read = 0;
    while let Some(rest) = buffer.get_mut(n_read..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            n => n_read += n,
        }
    }
    Ok(n_read)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &str = concat!(
        "{\"t\":\"header\",\"note\":\"by hand\"}\n",
        "{\"t\":\"connect\",\"addr\":\"wss://x/ws/a@trade\",\"ts\":1}\n",
        "{\"t\":\"http\",\"url\":\"https://x/api/v3/depth?symbol=A\",\"data\":\"{}\"}\n",
        "{\"t\":\"recv\",\"ts\":10.0,\"data\":\"one\"}\n",
        "not a line\n",
        "{\"t\":\"recv\",\"ts\":10.25,\"data\":\"two\"}\n",
        "{\"t\":\"recv\",\"data\":\"three\"}\n",
        "{\"t\":\"recv\",\"ts\":9.0,\"data\":\"four\"}\n",
        "{\"t\":\"recv\",\"ts\":5000,\"data\":\"five\"}\n",
    );

    #[test]
    fn frames_stand_on_one_timeline() {
        let recording = Recording::parse(TEXT);
        let due: Vec<(u128, &str)> =
            recording.frames.iter().map(|frame| (frame.at.as_millis(), frame.text.as_str())).collect();
        assert_eq!(due, [(0, "one"), (250, "two"), (250, "three"), (250, "four"), (10_250, "five")]);
        assert_eq!(recording.frames[0].url.as_deref(), Some("wss://x/ws/a@trade"));
        assert_eq!((recording.answers.len(), recording.n_bad_lines), (1, 1));
    }

    #[test]
    fn answers_are_found_by_path_and_parameters() {
        let recording = Recording::parse(concat!(
            "{\"t\":\"http\",\"url\":\"https://x/0/a?pair=B%2FC&n=1\",\"data\":\"one\"}\n",
            "{\"t\":\"http\",\"url\":\"https://x/0/a?pair=B/C&n=2\",\"data\":\"two\"}\n",
        ));
        for (parameters, expected) in [
            (&[][..], Some("one")),
            (&[("pair", "B/C")][..], Some("one")),
            (&[("pair", "B/C"), ("n", "2")][..], Some("two")),
            (&[("pair", "B")][..], None),
        ] {
            let found = recording.answers.iter().find(|answer| answer.is_for("/a", parameters));
            assert_eq!(found.map(|answer| answer.body.as_str()), expected, "{parameters:?}");
        }
        assert!(!recording.answers.iter().any(|answer| answer.is_for("/b", &[])));
    }

    #[test]
    fn all_packings_read_alike() {
        let folder = std::env::temp_dir().join(format!("venue-sim-recording-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let paths = ["a.jsonl", "a.gz", "a.zst"].map(|name| folder.join(name));
        std::fs::write(&paths[0], TEXT).unwrap();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(TEXT.as_bytes()).unwrap();
        std::fs::write(&paths[1], packer.finish().unwrap()).unwrap();
        std::fs::write(&paths[2], zstd::encode_all(TEXT.as_bytes(), 1).unwrap()).unwrap();
        for path in &paths {
            assert_eq!(Recording::load(&[path]).unwrap(), Recording::parse(TEXT), "{}", path.display());
        }
        assert_eq!(Recording::load(&paths).unwrap().frames.len(), 15);
        std::fs::write(&paths[0], "{\"t\":\"header\"}").unwrap();
        assert!(Recording::load(&[&paths[0]]).is_err() && Recording::load(&[folder.join("none")]).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
