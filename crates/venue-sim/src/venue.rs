//! What a venue's folder provides, and the list of venues. One line an entry, alphabetical.
//!
//! The rest of the simulator plays frames, breaks them on purpose and counts, without knowing what they mean.

use std::{ops::Range, sync::Arc};

use serde_json::Value;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    bars::Bar,
    config::{Limits, SimConfig},
    core::Core,
    exchange::{Address, ConnectionId, HttpRequest, Refusal},
    fixed,
    ladder::Ladder,
    market::{Market, Played},
};

/// All venues.
pub(crate) const VENUES: [Venue; 5] = [
    Venue::new("binance", crate::binance::protocol, crate::binance::market, Limits::default),
    Venue::new("coinbase", crate::coinbase::protocol, crate::coinbase::market, crate::coinbase::limits),
    Venue::new("finnhub", crate::finnhub::protocol, crate::finnhub::market, crate::finnhub::limits),
    Venue::new("kraken", crate::kraken::protocol, crate::kraken::market, crate::kraken::limits),
    Venue::new("uniswap", crate::uniswap::protocol, crate::uniswap::market, crate::uniswap::limits),
];

/// One entry of the list.
pub(crate) struct Venue {
    /// Name as on the command line.
    pub(crate) name: &'static str,
    /// Its protocol, without connections.
    pub(crate) protocol: fn() -> Box<dyn Protocol>,
    /// Reads the source.
    pub(crate) market: fn(&SimConfig) -> anyhow::Result<Box<dyn Market>>,
    /// What it allows its clients.
    pub(crate) limits: fn() -> Limits,
}

impl Venue {
    const fn new(
        name: &'static str,
        protocol: fn() -> Box<dyn Protocol>,
        market: fn(&SimConfig) -> anyhow::Result<Box<dyn Market>>,
        limits: fn() -> Limits,
    ) -> Self {
        Self { name, protocol, market, limits }
    }

    /// Returns the entry of a name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        VENUES.iter().find(|venue| venue.name == name)
    }
}

/// One frame of a stream, before it is told to its readers.
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

/// A venue's protocol over any market, with what each connection has subscribed to. Pure: what it says goes to the
/// [`Core`].
pub(crate) trait Protocol: Send {
    /// A client wants a connection.
    ///
    /// # Errors
    /// The status and the words with which it is refused.
    fn open(&mut self, core: &mut Core, connection: ConnectionId, address: &Address) -> Result<(), Refusal>;

    /// A client sent a message.
    fn message(&mut self, core: &mut Core, connection: ConnectionId, text: &str);

    /// A client sends more than it may.
    fn too_fast(&mut self, core: &mut Core, connection: ConnectionId) {
        core.close(connection, 1008, "Too many requests");
    }

    /// A connection has been open for so many seconds.
    fn second(&mut self, _core: &mut Core, _connection: ConnectionId, _n_seconds: u64) {}

    /// A connection is gone.
    fn closed(&mut self, _connection: ConnectionId) {}

    /// Returns a frame as a client gets it; venues that number frames count it.
    fn render(&mut self, _connection: ConnectionId, frame: &Frame) -> Utf8Bytes {
        frame.text.clone()
    }

    /// Orders the streams of a slot; by name where nothing is said.
    fn sort(&self, _streams: &mut [Arc<str>]) {}

    /// Returns the frames of a stream after the market has gone on to `slot`.
    fn update(&mut self, core: &mut Core, stream: &Arc<str>, slot: u64) -> Vec<Frame>;

    /// Tells readers of a recorded frame.
    fn play(&mut self, core: &mut Core, played: &Played) {
        core.tell_readers(played.frame.clone());
    }

    /// Returns status and body of the answer to a REST request; `None` at an unknown path.
    fn answer(&mut self, core: &mut Core, request: &HttpRequest) -> Option<(u16, String)>;

    /// Returns the body of an answer that refuses a request with this status.
    fn refusal(&self, request: &HttpRequest, status: u16) -> String;

    /// Returns the weight that a REST request counts for.
    fn weight(&self, _request: &HttpRequest) -> u32 {
        1
    }

    /// Returns the name of a REST request for faults and the log.
    fn request_name(&self, request: &HttpRequest) -> String {
        request.path.clone()
    }

    /// Returns the part of the venue that counts this request for itself.
    fn service(&self, _request: &HttpRequest) -> &'static str {
        ""
    }

    /// The status of the venue's own answer to too many requests.
    fn limit_status(&self) -> u16 {
        429
    }

    /// Headers that tell the weight used.
    fn weight_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// Fields whose loss or change of type a client must notice.
    fn required_keys(&self) -> &'static [&'static str];

    /// Returns the length of a bar by the name that the control endpoint takes.
    fn interval_ms(&self, name: &str) -> Option<i64> {
        Some(name.parse::<i64>().ok().filter(|minutes| *minutes > 0)? * 60_000)
    }

    /// Returns a number as the control endpoint shows it in bars.
    fn shown(&self, value: i128) -> String {
        fixed::shortest(value)
    }

    /// Returns what the control endpoint shows about a book besides its rows.
    fn book_details(&self, _ladder: &Ladder) -> Option<(&'static str, Value)> {
        None
    }

    /// Returns the bars that the control endpoint shows; `None` for an unknown symbol.
    fn shown_bars(&self, core: &Core, symbol: &str, length_ms: i64) -> Option<Vec<Bar>> {
        Some(core.market.shown_bars(symbol, length_ms))
    }
}
