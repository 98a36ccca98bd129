//! Lines of a recording, from the venue chosen by the first byte, through the reader, the replay and the view.
//!
//! Not here: decompression, which is the shell's.

#![no_main]

use fuzz::{mutate, venue};
use market::{View, ViewConfig};
use model::{candle::Interval, event::HistoryRequest, recording_entry::RecordingEntry};
use venues::{replay::Replay, session::Session};

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::text(data, size, max_size, seed)
});
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, lines)) = data.split_first() else { return };
    let venue = &venue::ALL[usize::from(*first) % venue::ALL.len()];
    let mut replay = Replay::new(venue.name).expect("a venue of the registry");
    let mut view = View::new(ViewConfig::default());
    let mut n_entries = 0;
    for line in lines.split(|byte| *byte == b'\n') {
        let Some(entry) = std::str::from_utf8(line).ok().and_then(|text| RecordingEntry::parse(text).ok()) else {
            continue;
        };
        n_entries += 1;
        replay.feed(&entry, |event| view.apply(event));
        let _ = entry.receive_time();
    }
    let instruments: Vec<_> = replay.summary().books.keys().map(|id| (*id).clone()).collect();
    for instrument in instruments {
        let request = HistoryRequest { instrument, interval: Interval::M1, n_bars: 500 };
        replay.request_history(&request, |event| view.apply(event));
    }
    replay.settle();
    assert_eq!(replay.summary().n_entries, n_entries);
    assert!(replay.books().len() >= replay.summary().books.len());
});
