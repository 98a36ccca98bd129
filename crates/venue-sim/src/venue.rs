//! The interface of a venue's folder, and the list of venues. One line an entry, alphabetical.
//!
//! The rest of the simulator plays frames, corrupts them on purpose and counts, without knowing their meaning.

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
    /// The limits for its clients.
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

/// One frame of a stream, before it is rendered for its readers.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The stream; only its subscribers get the frame.
    pub(crate) stream: Arc<str>,
    /// The whole text.
    pub(crate) text: Utf8Bytes,
    /// The part that a connection may treat separately: the event without its envelope, or a placeholder for a number.
    pub(crate) part: Range<usize>,
    /// The venue's number in it (update id, trade id).
    pub(crate) id: Option<u64>,
}

impl Frame {
    /// Creates a frame with a part at `part`; `None` if its ends are not character boundaries.
    pub(crate) fn with_part(stream: Arc<str>, text: String, part: Range<usize>, id: Option<u64>) -> Option<Self> {
        text.get(part.clone())?;
        Some(Self { stream, text: text.into(), part, id })
    }

    /// Creates a frame that is the same for all clients.
    pub(crate) fn whole(stream: Arc<str>, text: String, id: Option<u64>) -> Self {
        Self { stream, part: 0..text.len(), text: text.into(), id }
    }

    /// Returns the part alone.
    pub(crate) fn part(&self) -> Utf8Bytes {
        if self.part.len() == self.text.len() {
            return self.text.clone();
        }
        self.text.get(self.part.clone()).unwrap_or_default().into()
    }
}

/// A venue's protocol over any market, with each connection's subscriptions. Pure: its messages go to the [`Core`].
pub(crate) trait Protocol: Send {
    /// Called when a client requests a connection.
    ///
    /// # Errors
    /// The status and the message of the refusal.
    fn open(&mut self, core: &mut Core, connection: ConnectionId, address: &Address) -> Result<(), Refusal>;

    /// Called with a client's message.
    fn message(&mut self, core: &mut Core, connection: ConnectionId, text: &str);

    /// Called when a client exceeds the message limit.
    fn too_fast(&mut self, core: &mut Core, connection: ConnectionId) {
        core.close(connection, 1008, "Too many requests");
    }

    /// Called every second that a connection is open.
    fn second(&mut self, _core: &mut Core, _connection: ConnectionId, _n_seconds: u64) {}

    /// Called when a connection has closed.
    fn closed(&mut self, _connection: ConnectionId) {}

    /// Returns a frame as a client gets it; venues with numbered frames count it.
    fn render(&mut self, _connection: ConnectionId, frame: &Frame) -> Utf8Bytes {
        frame.text.clone()
    }

    /// Orders the streams of a slot; by name unless overridden.
    fn sort(&self, _streams: &mut [Arc<str>]) {}

    /// Returns the frames of a stream after the market has advanced to `slot`.
    fn update(&mut self, core: &mut Core, stream: &Arc<str>, slot: u64) -> Vec<Frame>;

    /// Sends a recorded frame to its readers.
    fn play(&mut self, core: &mut Core, played: &Played) {
        core.tell_readers(played.frame.clone());
    }

    /// Returns status and body of the answer to a REST request; `None` for an unknown path.
    fn answer(&mut self, core: &mut Core, request: &HttpRequest) -> Option<(u16, String)>;

    /// Returns the body of an answer that refuses a request with this status.
    fn refusal(&self, request: &HttpRequest, status: u16) -> String;

    /// Returns the weight of a REST request.
    fn weight(&self, _request: &HttpRequest) -> u32 {
        1
    }

    /// Returns the name of a REST request for faults and the log.
    fn request_name(&self, request: &HttpRequest) -> String {
        request.path.clone()
    }

    /// Returns the part of the venue that counts this request's weight.
    fn service(&self, _request: &HttpRequest) -> &'static str {
        ""
    }

    /// Returns the status of the venue's own answer to too many requests.
    fn limit_status(&self) -> u16 {
        429
    }

    /// Returns the headers that report the weight used.
    fn weight_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns the fields whose loss or change of type a client must notice.
    fn required_keys(&self) -> &'static [&'static str];

    /// Returns the length of a bar from the name used at the control endpoint.
    fn interval_ms(&self, name: &str) -> Option<i64> {
        Some(name.parse::<i64>().ok().filter(|minutes| *minutes > 0)? * 60_000)
    }

    /// Returns a number as shown in bars at the control endpoint.
    fn shown(&self, value: i128) -> String {
        fixed::shortest(value)
    }

    /// Returns the details of a book shown at the control endpoint besides its rows.
    fn book_details(&self, _ladder: &Ladder) -> Option<(&'static str, Value)> {
        None
    }

    /// Returns the bars shown at the control endpoint; `None` for an unknown symbol.
    fn shown_bars(&self, core: &Core, symbol: &str, length_ms: i64) -> Option<Vec<Bar>> {
        Some(core.market.shown_bars(symbol, length_ms))
    }
}
