//! Words and figures of the page, computed without a browser.

use model::time::Timestamp;
use topics::channels::replay::{PlayState, ReplayReport};
use wire::command::FeedRecording;

use crate::{format, live::recorder::RecordingFile};

/// Formats a size in the customary unit (`1.4 MB`).
pub fn size(size_bytes: u64) -> String {
    let bytes = size_bytes as f64;
    let (scaled, unit) = match size_bytes {
        0..1_000 => return format!("{size_bytes} B"),
        1_000..1_000_000 => (bytes / 1e3, "kB"),
        1_000_000..1_000_000_000 => (bytes / 1e6, "MB"),
        _ => (bytes / 1e9, "GB"),
    };
    format!("{scaled:.1} {unit}")
}

/// Formats a duration as on a player (`0:07`, `12:03`, `1:02:03`).
pub fn span(span_ms: i64) -> String {
    let seconds = span_ms.max(0) / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Formats date and time of day, UTC (`2026-11-21 14:03:11`).
pub fn moment(time_ms: i64) -> String {
    let text = Timestamp::from_millis(time_ms).to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// The word for a file's state, and what it means. Of a file in the replay it says what the replay does.
pub fn state_words(recording: &RecordingFile, replay: Option<&ReplayReport>) -> (&'static str, String) {
    let replay = replay.filter(|replay| replay.files.contains(&recording.name)).map(|replay| replay.state);
    match recording.state.as_str() {
        "recording" => ("recording", "Still being recorded".to_owned()),
        "playing" => match replay {
            Some(PlayState::Ended) => ("ended", "Played to the end; still loaded".to_owned()),
            Some(PlayState::Paused) => ("paused", "The replay is paused".to_owned()),
            _ => ("playing", "Playing now".to_owned()),
        },
        "complete" if recording.n_lost > 0 => {
            let lost = format::grouped(&recording.n_lost.to_string());
            ("has gaps", format!("{lost} entries are missing: the disk was too slow"))
        }
        "complete" => ("complete", "No entries are missing".to_owned()),
        _ => ("no end mark", "Cut off, or recorded elsewhere; its contents can still be played".to_owned()),
    }
}

/// Returns the state of a feed's recording in words; empty if there was none.
pub fn progress(recording: Option<&FeedRecording>) -> String {
    let Some(recording) = recording else { return String::new() };
    if let Some(failure) = &recording.failure {
        return format!("Recording stopped: {failure}. The feed keeps running.");
    }
    let entries = format::grouped(&recording.n_entries.to_string());
    let lost = match recording.n_lost {
        0 => String::new(),
        n_lost => format!(" • {} lost", format::grouped(&n_lost.to_string())),
    };
    let verb = if recording.is_running { "Recording" } else { "Recorded" };
    format!("{verb} {entries} entries • {}{lost}", size(recording.size_bytes))
}

/// The speeds on offer.
pub const SPEEDS: [f64; 9] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0];

/// Formats a speed (`0.5×`, `4×`).
pub fn speed(speed: f64) -> String {
    format!("{speed}×")
}

/// The status bar's word on the replay.
pub fn replay_words(replay: Option<&ReplayReport>) -> String {
    match replay {
        None => format!("replay {}", format::UNKNOWN),
        Some(replay) => {
            let time = format::time_of_day(Timestamp::from_millis(replay.position_ms));
            match replay.state {
                PlayState::Playing => format!("replay {time} {}", speed(replay.speed)),
                state => format!("replay {time} {}", state.as_str()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::instrument::Venue;

    use super::*;

    #[test]
    fn sizes_and_spans() {
        for (bytes, expected) in
            [(0, "0 B"), (999, "999 B"), (1_400, "1.4 kB"), (1_400_000, "1.4 MB"), (2_000_000_000, "2.0 GB")]
        {
            assert_eq!(size(bytes), expected);
        }
        for (span_ms, expected) in [(-5, "0:00"), (7_999, "0:07"), (723_000, "12:03"), (3_723_000, "1:02:03")] {
            assert_eq!(span(span_ms), expected);
        }
        assert_eq!(moment(1_723_161_601_273), "2024-08-09 00:00:01");
    }

    fn replay(files: &[&str], state: PlayState) -> ReplayReport {
        ReplayReport {
            files: files.iter().map(ToString::to_string).collect(),
            venue: Venue::new("replay-a"),
            instruments: vec![],
            state,
            start_ms: 0,
            end_ms: 9_000,
            position_ms: 3_000,
            speed: 4.0,
            is_behind: false,
            n_entries: 0,
            n_events: 0,
            n_bad_lines: 0,
            events_sha256: None,
        }
    }

    #[test]
    fn a_file_says_what_the_replay_does_with_it() {
        #[track_caller]
        fn check(state: &str, n_lost: u64, replay: Option<&ReplayReport>, expected: &str) {
            let (name, state) = ("a.jsonl.zst".to_owned(), state.to_owned());
            let recording = RecordingFile {
                name,
                size_bytes: 1,
                venue: None,
                symbols: vec![],
                start_ms: None,
                duration_ms: None,
                n_lost,
                state,
            };
            assert_eq!(state_words(&recording, replay).0, expected, "{recording:?} {replay:?}");
        }
        for (state, expected) in [
            (PlayState::Playing, "playing"),
            (PlayState::Seeking, "playing"),
            (PlayState::Paused, "paused"),
            (PlayState::Ended, "ended"),
        ] {
            check("playing", 0, Some(&replay(&["b.jsonl", "a.jsonl.zst"], state)), expected);
            check("complete", 0, Some(&replay(&["b.jsonl"], state)), "complete");
        }
        // The list may contain a replay that has not been fetched yet, or be older than the replay.
        check("playing", 0, None, "playing");
        check("playing", 0, Some(&replay(&["b.jsonl"], PlayState::Ended)), "playing");
        check("complete", 3, None, "has gaps");
        check("cut_off", 0, None, "no end mark");
    }

    #[test]
    fn the_status_bar_says_where_and_how_fast() {
        let mut replay = replay(&[], PlayState::Playing);
        assert_eq!(replay_words(Some(&replay)), "replay 00:00:03 4×");
        replay.state = PlayState::Paused;
        assert_eq!(replay_words(Some(&replay)), "replay 00:00:03 paused");
        assert_eq!(replay_words(None), "replay –");
    }

    #[test]
    fn a_failed_recording_says_why_and_that_the_feed_goes_on() {
        let recording = FeedRecording {
            venue: Venue::new("a"),
            files: vec![],
            n_entries: 1_200,
            n_lost: 3,
            size_bytes: 5_000,
            is_running: true,
            failure: None,
        };
        let spaced = |text: String| text.replace(format::GROUP, " ");
        assert_eq!(spaced(progress(Some(&recording))), "Recording 1 200 entries • 5.0 kB • 3 lost");
        let failed = FeedRecording { failure: Some("no space left on device".into()), ..recording };
        assert_eq!(progress(Some(&failed)), "Recording stopped: no space left on device. The feed keeps running.");
        assert_eq!(progress(None), "");
    }
}
