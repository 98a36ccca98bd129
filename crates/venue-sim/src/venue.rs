//! What a venue's folder provides, and the list of venues. One line an entry, alphabetical.
//!
//! The rest of the simulator plays frames, breaks them on purpose and counts, without knowing what they mean.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::Router;
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

use crate::{config::Source, sim::Stage};

/// All venues.
pub(crate) const VENUES: [Venue; 1] = [Venue { name: "binance", open: crate::binance::open }];

/// One entry of the list.
pub(crate) struct Venue {
    /// Name as on the command line.
    pub(crate) name: &'static str,
    /// Reads the source.
    pub(crate) open: fn(&Source) -> anyhow::Result<Opened>,
}

/// A market ready to be played.
pub(crate) struct Opened {
    /// Its state.
    pub(crate) backend: Arc<dyn Backend>,
    /// Its WebSocket and REST addresses.
    pub(crate) routes: Box<dyn FnOnce(Arc<Stage>) -> Router + Send>,
}

/// One frame as clients get it.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The stream that carries it; only its subscribers get it.
    pub(crate) stream: Arc<str>,
    /// Text inside the envelope that names the stream.
    pub(crate) wrapped: Utf8Bytes,
    /// Text without the envelope.
    pub(crate) bare: Utf8Bytes,
    /// The venue's number in it (update id, trade id).
    pub(crate) id: Option<u64>,
}

impl Frame {
    /// A frame whose wrapped text holds the bare text at `bare`; both must cut at character boundaries.
    pub(crate) fn within(
        stream: Arc<str>,
        wrapped: String,
        bare: std::ops::Range<usize>,
        id: Option<u64>,
    ) -> Option<Self> {
        let bytes = Bytes::from(wrapped);
        let inner = bytes.get(bare.clone()).map(|_| bytes.slice(bare))?;
        Some(Self { stream, bare: Utf8Bytes::try_from(inner).ok()?, wrapped: Utf8Bytes::try_from(bytes).ok()?, id })
    }
}

/// The market behind a venue's protocol, with its true state.
pub(crate) trait Backend: Send + Sync {
    /// The frames of a tape with the time each is due, in order; `None` for a market that makes its frames as it goes.
    fn tape(&self) -> Option<&[(Duration, Arc<Frame>)]>;

    /// A frame of the tape is played now: the market's true state follows it.
    fn learn(&self, frame_idx: usize);

    /// The tape starts anew.
    fn reset(&self);

    /// A made-up market goes on to `slot`: returns the frames of the streams somebody wants.
    fn advance(&self, slot: u64, wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>>;

    /// The true book now or, where asked, at a sequence number; at most `depth` rows a side.
    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value>;

    /// The true best bid and offer now.
    fn top(&self, symbol: &str) -> Option<Value>;

    /// Bars built from the trades played so far.
    fn candles(&self, symbol: &str, interval: &str) -> Option<Value>;

    /// Fields whose loss or change of type a client must notice.
    fn required_keys(&self) -> &'static [&'static str];
}
