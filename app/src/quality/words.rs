//! Words for the state of a stream: quiet is distinguished from stale, and both from dead.

use model::status::{FeedMode, Silence, StreamState};

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
    word(stream.state, stream.silence)
}

/// Returns the word, the duration, and the evidence: `quiet 12 s: other instruments on this feed are updating`.
pub fn sentence(stream: &StreamView) -> String {
    let word = stream_word(stream);
    let lasting = stream.age_ms.map_or_else(String::new, |age_ms| format!(" {}", format::whole_age(age_ms)));
    let why = match (stream.state, stream.silence, &stream.cause) {
        (StreamState::Live, _, _) => return word.to_owned(),
        (StreamState::Stale, Some(silence), _) => silence_words(silence).to_owned(),
        (_, _, Some(cause)) => cause.clone(),
        (StreamState::Initialising, _, None) => "the venue has not sent any data yet".to_owned(),
        (StreamState::Stale, None, None) => "no data for longer than usual".to_owned(),
        (StreamState::Failed, _, None) => "cause unknown".to_owned(),
    };
    format!("{word}{lasting}: {why}")
}

fn silence_words(silence: Silence) -> &'static str {
    match silence {
        Silence::QuietBesideOthers => "other instruments on this feed are updating",
        Silence::QuietByVenue => "the venue has nothing newer by REST either",
        Silence::Unexplained => "not known yet whether the market is quiet or the feed is dead",
        Silence::Dead => "the venue has newer data that did not arrive",
    }
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
            assert_eq!(sentence(&stream), expected);
        }
        use StreamState::{Failed, Initialising, Live, Stale};
        check(Live, None, None, "live");
        check(Live, Some(Silence::Dead), None, "live");
        check(Stale, Some(Silence::QuietBesideOthers), None, "quiet 12 s: other instruments on this feed are updating");
        check(Stale, Some(Silence::QuietByVenue), None, "quiet 12 s: the venue has nothing newer by REST either");
        check(
            Stale,
            Some(Silence::Unexplained),
            None,
            "stale 12 s: not known yet whether the market is quiet or the feed is dead",
        );
        check(Stale, Some(Silence::Dead), None, "dead 12 s: the venue has newer data that did not arrive");
        check(Stale, None, None, "stale 12 s: no data for longer than usual");
        check(Stale, None, Some("rate limited"), "stale 12 s: rate limited");
        check(Failed, None, Some("connection closed: 1006"), "failed 12 s: connection closed: 1006");
        let waiting = StreamView { state: Initialising, ..StreamView::default() };
        assert_eq!(sentence(&waiting), "initialising: the venue has not sent any data yet");
    }
}
