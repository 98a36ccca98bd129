//! What a venue's folder provides, and the list of venues. One line an entry, alphabetical.
//!
//! The rest of the simulator plays frames, breaks them on purpose and counts, without knowing what they mean.

use std::{collections::BTreeSet, ops::Range, sync::Arc, time::Duration};

use axum::Router;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    config::{Limits, SimConfig},
    sim::Shared,
};

/// All venues.
pub(crate) const VENUES: [Venue; 5] = [
    Venue { name: "binance", open: crate::binance::open, limits: Limits::default },
    Venue { name: "coinbase", open: crate::coinbase::open, limits: crate::coinbase::limits },
    Venue { name: "finnhub", open: crate::finnhub::open, limits: crate::finnhub::limits },
    Venue { name: "kraken", open: crate::kraken::open, limits: crate::kraken::limits },
    Venue { name: "uniswap", open: crate::uniswap::open, limits: crate::uniswap::limits },
];

/// One entry of the list.
pub(crate) struct Venue {
    /// Name as on the command line.
    pub(crate) name: &'static str,
    /// Reads the source.
    pub(crate) open: fn(&SimConfig) -> anyhow::Result<Opened>,
    /// What it allows its clients.
    pub(crate) limits: fn() -> Limits,
}

/// A market ready to be played.
pub(crate) struct Opened {
    /// Its state.
    pub(crate) backend: Arc<dyn Backend>,
    /// Its WebSocket and REST addresses.
    pub(crate) routes: Box<dyn FnOnce(Arc<Shared>) -> Router + Send>,
}

/// One frame as clients get it.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The stream that carries it; only its subscribers get it.
    pub(crate) stream: Arc<str>,
    /// The whole text.
    pub(crate) text: Utf8Bytes,
    /// The part of it that a connection may treat on its own: the event without its envelope, a place for a number.
    pub(crate) part: Range<usize>,
    /// The venue's number in it (update id, trade id).
    pub(crate) id: Option<u64>,
}

impl Frame {
    /// A frame with a part at `part`; `None` where that does not cut at character boundaries.
    pub(crate) fn with_part(stream: Arc<str>, text: String, part: Range<usize>, id: Option<u64>) -> Option<Self> {
        text.get(part.clone())?;
        Some(Self { stream, text: text.into(), part, id })
    }

    /// A frame that is the same for everyone.
    pub(crate) fn whole(stream: Arc<str>, text: String, id: Option<u64>) -> Self {
        Self { stream, part: 0..text.len(), text: text.into(), id }
    }

    /// The part alone.
    pub(crate) fn part(&self) -> Utf8Bytes {
        if self.part.len() == self.text.len() {
            return self.text.clone();
        }
        self.text.get(self.part.clone()).unwrap_or_default().into()
    }
}

/// The market behind a venue's protocol, with its true state.
pub(crate) trait Backend: Send + Sync {
    /// When each frame of a recording is due, in order; `None` for a market that makes its frames as it goes.
    fn due(&self) -> Option<&[Duration]>;

    /// A frame of the recording is played now: the market's true state follows it. Returns what goes out; `wanted` says
    /// whether a stream has subscribers, so that nothing is made for nobody.
    fn play(&self, frame_idx: usize, wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>>;

    /// The recording starts anew.
    fn reset(&self);

    /// A made-up market goes on to `slot`: returns the frames of the streams somebody wants.
    fn advance(&self, slot: u64, wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>>;

    /// The true book now or, where asked, at a sequence number; at most `depth` rows a side.
    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value>;

    /// The true best bid and ask now.
    fn top(&self, symbol: &str) -> Option<Value>;

    /// Bars built from the trades played so far.
    fn candles(&self, symbol: &str, interval: &str) -> Option<Value>;

    /// Fields whose loss or change of type a client must notice.
    fn required_keys(&self) -> &'static [&'static str];
}
