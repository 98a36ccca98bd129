//! Words for the state of a stream: quiet is distinguished from stale, and both from dead.

use model::status::{FeedMode, Silence, StreamState};
use topics::channels::status::{ConnectionEntry, StreamEntry};

use crate::{format, live::model::StreamView};

/// Returns the word beside the light. The word for a stale stream depends on the reason for its silence.
pub fn word(state: StreamState, silence: Option<Silence>) -> &'static str {
    match (state, silence) {
        (StreamState::Stale, Some(silence)) if silence.is_quiet() => "quiet",
        (StreamState::Stale, Some(Silence::Dead)) => "dead",
        (state, _) => state.as_str(),
    }
}

/// Returns the word for a stream.
pub fn stream_word(stream: &StreamView) -> &'static str {
    if stream.is_absent {
        return "not followed";
    }
    word(stream.state, stream.silence)
}

/// Returns the state, its duration and the evidence: `quiet 12 s: other instruments on this feed are updating`.
/// `venue` is the venue's name for people.
pub fn sentence(stream: &StreamView, venue: &str) -> String {
    let word = stream_word(stream);
    if stream.is_absent {
        return word.to_owned();
    }
    let age = stream.age_ms.map(format::whole_age);
    let lasting = age.as_ref().map_or_else(String::new, |age| format!(" {age}"));
    let why = match (stream.state, stream.silence, &stream.cause) {
        (StreamState::Live, _, _) => return word.to_owned(),
        (StreamState::Stale, Some(Silence::Unexplained), _) => {
            let since = age.map_or_else(String::new, |age| format!(" for {age}"));
            return format!("No update{since}. Checking with {venue}…");
        }
        (StreamState::Stale, Some(Silence::Dead), _) => {
            let since = age.map_or_else(String::new, |age| format!(" {age} ago"));
            return format!("{venue} stopped sending{since} although trades go on");
        }
        (StreamState::Stale, Some(Silence::QuietBesideOthers), _) => {
            "other instruments on this feed are updating".to_owned()
        }
        (StreamState::Stale, Some(Silence::QuietByVenue), _) => format!("{venue} has nothing newer by REST either"),
        (_, _, Some(cause)) => cause.clone(),
        (StreamState::Initialising, _, None) => "the venue has not sent any data yet".to_owned(),
        (StreamState::Stale, None, None) => "no data for longer than usual".to_owned(),
        (StreamState::Failed, _, None) => "cause unknown".to_owned(),
    };
    format!("{word}{lasting}: {why}")
}

/// Returns how the data is delivered, including the state's word: `LIVE (WebSocket)`.
pub fn mode(state: StreamState, mode: FeedMode) -> &'static str {
    match (state, mode) {
        (StreamState::Live, FeedMode::WebSocket) => "LIVE (WebSocket)",
        (StreamState::Live, FeedMode::RestPolling) => "LIVE (REST polling)",
        (_, FeedMode::Simulated) => "Simulated",
        (_, FeedMode::WebSocket) => "WebSocket",
        (_, FeedMode::RestPolling) => "REST polling",
    }
}

/// Returns how a feed's data is delivered: by its connections as long as one of them delivers.
pub fn feed_mode<'s>(connection: &ConnectionEntry, streams: impl IntoIterator<Item = &'s StreamEntry>) -> FeedMode {
    let is_connected = |entry: &StreamEntry| (entry.state, entry.mode) == (StreamState::Live, FeedMode::WebSocket);
    if streams.into_iter().any(is_connected) { FeedMode::WebSocket } else { connection.mode }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_stale_and_dead_are_told_apart() {
        #[track_caller]
        fn check(state: StreamState, silence: Option<Silence>, cause: Option<&str>, expected: &str) {
            let stream = StreamView {
                state,
                silence,
                cause: cause.map(str::to_owned),
                age_ms: Some(12_300),
                ..StreamView::default()
            };
            assert_eq!(sentence(&stream, "Kraken"), expected);
        }
        use StreamState::{Failed, Initialising, Live, Stale};
        check(Live, None, None, "live");
        check(Live, Some(Silence::Dead), None, "live");
        check(Stale, Some(Silence::QuietBesideOthers), None, "quiet 12 s: other instruments on this feed are updating");
        check(Stale, Some(Silence::QuietByVenue), None, "quiet 12 s: Kraken has nothing newer by REST either");
        check(Stale, Some(Silence::Unexplained), None, "No update for 12 s. Checking with Kraken…");
        check(Stale, Some(Silence::Dead), None, "Kraken stopped sending 12 s ago although trades go on");
        check(Stale, None, None, "stale 12 s: no data for longer than usual");
        check(Stale, None, Some("rate limited"), "stale 12 s: rate limited");
        check(Failed, None, Some("connection closed: 1006"), "failed 12 s: connection closed: 1006");
        let waiting = StreamView { state: Initialising, ..StreamView::default() };
        let absent = StreamView { is_absent: true, state: Stale, age_ms: Some(500), ..StreamView::default() };
        assert_eq!((stream_word(&absent), sentence(&absent, "Kraken").as_str()), ("not followed", "not followed"));
        assert_eq!(sentence(&waiting, "Kraken"), "initialising: the venue has not sent any data yet");
    }
}
