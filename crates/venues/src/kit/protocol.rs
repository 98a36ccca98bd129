//! A venue's part of the session that all venues share: its limits, messages, requests and book rules.
//!
//! Each function of a [`Protocol`] takes the whole [`FeedSession`], so that it can borrow the session's parts
//! separately. Not here: behaviour common to all sessions ([`super::feed_session`]).

use std::{fmt::Debug, sync::Arc, time::Duration};

use model::{
    candle::{Candle, Interval},
    event::{BookInterest, HistoryRequest},
    instrument::{Instrument, InstrumentId},
    proof::TrackedBook,
    status::FeedCause,
    time::{Monotonic, Now},
};

use crate::{
    catalogue::CatalogueSource,
    kit::{
        connection::Subscription,
        feed_session::FeedSession,
        pool::{LostSymbols, PoolRules},
        requests::{Purpose, RequestRules, RestRequest, Task},
    },
    registry::VenueInfo,
    session::{ConnectionId, HttpAnswer, HttpFailure, RequestId, SessionConfig, SnapshotFrame, Symbols},
};

/// A venue's protocol. The implementing type has the state that only this venue needs.
pub(crate) trait Protocol: Debug + Send + Sized + 'static {
    /// The purpose of a REST request.
    type Purpose: Purpose;
    /// The state of one symbol.
    type SymbolState: SymbolState;

    /// The venue's description in lists. Without WebSocket its data comes by REST alone.
    const INFO: &'static VenueInfo;
    /// The source of its list of instruments.
    const CATALOGUE: CatalogueSource;
    /// The rules of REST requests.
    const REQUEST_RULES: RequestRules;
    /// Time between two rounds of polling; the configuration may set another one.
    const POLL_SPACING: Duration;
    /// Longest frame that is parsed, in bytes.
    const FRAME_BYTES: usize = usize::MAX;
    /// Maximum symbols that a recording may name; further ones are ignored.
    const SYMBOLS_FROM_FRAMES: usize = 4_096;
    /// The frames that prove a connection alive.
    const SIGN_OF_LIFE: SignOfLife = SignOfLife::Data;
    /// Event that clears the reason for a refused symbol.
    const REFUSAL_ENDS: RefusalEnd = RefusalEnd::WithData;

    /// Creates the state of a session that has not started.
    fn new(config: &SessionConfig) -> Self;

    /// Returns the rules of connections to `ws_url`; `None` for a venue without any.
    fn pool_rules(_ws_url: &str) -> Option<PoolRules> {
        None
    }

    /// Removes the symbols that cannot be followed, and repeated ones; returns the former with the reason.
    fn take_unusable(symbols: &mut Symbols) -> Vec<(String, FeedCause)> {
        unknown_symbols(symbols.take_unusable(is_usable_symbol), Self::spelled)
    }

    /// Returns the venue's spelling of a symbol, if it differs: `BTCUSDT` for `btc/usdt`.
    fn spelled(_symbol: &str) -> Option<String> {
        None
    }

    /// Returns a symbol like this one that the venue may know.
    fn suggestion(_session: &FeedSession<Self>, symbol: &str) -> Option<String> {
        Self::spelled(symbol)
    }

    /// Makes the first requests. Connections are opened afterwards.
    fn start(session: &mut FeedSession<Self>, now: Now);

    /// Returns true if a further symbol can be followed without a new session.
    fn can_add(_session: &FeedSession<Self>, _symbol: &str) -> bool {
        true
    }

    /// Makes the first requests for symbols that are followed from now on.
    fn added(session: &mut FeedSession<Self>, positions: &[usize], now: Now);

    /// Returns the messages that subscribe to further symbols of a connection that is open.
    fn subscribe_more(session: &mut FeedSession<Self>, members: &[usize], now: Now) -> Vec<Subscription> {
        Self::subscribe(session, members, now)
    }

    /// Returns the messages that end a symbol's subscriptions; no answer is awaited.
    fn unsubscribe(_session: &mut FeedSession<Self>, _position: usize) -> Vec<Subscription> {
        Vec::new()
    }

    /// Returns the messages that subscribe to the symbols of a connection that has just opened.
    fn subscribe(_session: &mut FeedSession<Self>, _members: &[usize], _now: Now) -> Vec<Subscription> {
        Vec::new()
    }

    /// Processes a text frame of one of the session's connections.
    ///
    /// # Errors
    /// The frame cannot be parsed.
    fn frame(
        session: &mut FeedSession<Self>,
        _connection: ConnectionId,
        _text: &str,
        _now: Now,
    ) -> Result<(), Unreadable> {
        session.out.health.counters.unknown += 1;
        Ok(())
    }

    /// Handles a frame that could not be parsed, or was too long.
    fn frame_unreadable(_session: &mut FeedSession<Self>, _connection: ConnectionId, _now: Now) {}

    /// Handles a symbol in a recording that has not been described so far.
    fn undescribed(_session: &mut FeedSession<Self>, _position: usize, _now: Now) {}

    /// Clears pending requests for a symbol that the venue does not know.
    fn symbol_unknown(_session: &mut FeedSession<Self>, _position: usize) {}

    /// Clears pending requests on lost connections of these symbols. Returns all affected symbols.
    fn connection_lost(_session: &mut FeedSession<Self>, lost: LostSymbols) -> LostSymbols {
        lost
    }

    /// Returns the symbol whose subscription brings the data of this one.
    fn carrier(_session: &FeedSession<Self>, position: usize) -> usize {
        position
    }

    /// Called when a book has changed, or may have: requests a snapshot if one is needed.
    fn book_changed(_session: &mut FeedSession<Self>, _position: usize, _now: Now) {}

    /// Called when more of a symbol's book is looked at than before, or less.
    fn interest_changed(_session: &mut FeedSession<Self>, _position: usize, _now: Now) {}

    /// Called when a deadline has passed, before silent connections are closed.
    fn before_timeout(_session: &mut FeedSession<Self>, _now: Now) {}

    /// Called when a deadline has passed: processes everything due by [`Self::deadline`].
    fn timeout(_session: &mut FeedSession<Self>, _now: Now) {}

    /// Returns when [`Self::timeout`] is needed.
    fn deadline(_session: &FeedSession<Self>) -> Option<Monotonic> {
        None
    }

    /// Called after an input was handled: queues messages that are due because of it.
    fn before_sending(_session: &mut FeedSession<Self>, _now: Now) {}

    /// Returns from when on REST has to replace connections, if at all.
    fn polling_from(session: &FeedSession<Self>) -> Option<Monotonic> {
        session.pool.polling_from()
    }

    /// Called when a round of polling is due.
    fn poll(session: &mut FeedSession<Self>, now: Now);

    /// Called when connections deliver again and polling has ended.
    fn polling_ended(_session: &mut FeedSession<Self>) {}

    /// Returns the request for a symbol's newest print; `None` for a venue without connections.
    fn probe(_symbol: usize) -> Option<Self::Purpose> {
        None
    }

    /// Returns requests for the descriptions of these symbols; none if the venue sends changes by itself, or has no
    /// statuses.
    fn descriptions(_symbols: &[usize]) -> Vec<Self::Purpose> {
        Vec::new()
    }

    /// Returns the request for historical candles of a known symbol; `None` if the venue has none, or if it is made
    /// elsewhere.
    fn history(
        session: &mut FeedSession<Self>,
        symbol: usize,
        request: &HistoryRequest,
        now: Now,
    ) -> Option<Self::Purpose>;

    /// Returns the request in the form of the venue's REST; `None` if it is no longer needed.
    fn request(symbols: &[Symbol<Self::SymbolState>], purpose: &Self::Purpose, now: Now) -> Option<RestRequest>;

    /// Called after due requests have been sent, possibly none.
    fn requests_sent(_session: &mut FeedSession<Self>, _sent: Vec<Self::Purpose>, _now: Now) {}

    /// Processes the answer to a request not made by [`FeedSession::requests`]; returns false for any other.
    fn take_foreign_answer(
        _session: &mut FeedSession<Self>,
        _id: RequestId,
        _result: &Result<HttpAnswer<'_>, HttpFailure>,
        _now: Now,
    ) -> bool {
        false
    }

    /// Processes an answer with status 2xx.
    ///
    /// # Errors
    /// The answer cannot be parsed; the request is retried.
    fn answer(
        session: &mut FeedSession<Self>,
        task: &Task<Self::Purpose>,
        body: &str,
        now: Now,
    ) -> Result<(), Unreadable>;

    /// Handles a refused request: status 4xx other than limits and blocks.
    fn refused(session: &mut FeedSession<Self>, task: Task<Self::Purpose>, answer: HttpAnswer<'_>, now: Now);

    /// Handles the refusal of a kind of request: it is reported, and made again only after a while.
    fn forbidden(session: &mut FeedSession<Self>, purpose: Self::Purpose, cause: FeedCause) {
        session.out.not_offered(purpose.subject(), cause);
    }

    /// Handles a request whose last attempt failed ([`Purpose::attempts`]).
    fn given_up(_session: &mut FeedSession<Self>, _purpose: Self::Purpose, _now: Now) {}

    /// Returns the live books, at most `depth` levels a side, in the venue's own form.
    fn snapshot_frames(_session: &FeedSession<Self>, _depth: usize) -> Vec<SnapshotFrame> {
        Vec::new()
    }

    /// Returns candles, oldest first, as the venue's answer to a request for them; `None` for intervals it does not
    /// have.
    fn history_answer(_symbol: &str, _interval: Interval, _candles: &[Candle]) -> Option<SnapshotFrame> {
        None
    }
}

/// One followed symbol.
#[derive(Debug)]
pub(crate) struct Symbol<S> {
    pub(crate) id: InstrumentId,
    pub(crate) instrument: Option<Arc<Instrument>>,
    /// The venue does not know it: nothing more is requested for it.
    pub(crate) is_unknown: bool,
    /// Part of its book that somebody looks at, if anybody does.
    pub(crate) interest: Option<BookInterest>,
    pub(crate) state: S,
}

impl<S: SymbolState> Symbol<S> {
    /// Creates a symbol without any data.
    pub(crate) fn new(id: InstrumentId) -> Self {
        Self { id, instrument: None, is_unknown: false, interest: None, state: S::default() }
    }

    /// Returns the venue's spelling.
    pub(crate) fn name(&self) -> &str {
        self.id.symbol()
    }
}

/// A venue's state of one symbol, with the rules of its book. The defaults suit venues without books.
pub(crate) trait SymbolState: Debug + Default + Send {
    /// Discards the book after its connection is lost.
    fn discard_book(&mut self, _tracked: &mut TrackedBook) {}

    /// Returns since when the book has been crossed; also `None` if the venue tracks that itself.
    fn crossed_since(&self) -> Option<Monotonic> {
        None
    }

    /// Doubts the book if it has been crossed for longer than [`CROSSED_TOLERANCE`].
    fn check_crossed(&mut self, _tracked: &mut TrackedBook, _now: Monotonic) {}
}

/// A frame or an answer that could not be parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unreadable;

impl From<serde_json::Error> for Unreadable {
    fn from(_error: serde_json::Error) -> Self {
        Self
    }
}

/// The evidence that a connection is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignOfLife {
    /// Data, and everything that the protocol itself counts as a sign of life.
    Data,
    /// Any frame: the venue sends heartbeats.
    Frame,
}

/// Event that clears the reason for a refused symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalEnd {
    /// Data of the symbol.
    WithData,
    /// An acceptance: one channel of a symbol may be refused while the others deliver.
    WithAcceptance,
}

/// Returns true for a symbol that can be followed: not empty and not too long.
pub(crate) fn is_usable_symbol(symbol: &str) -> bool {
    !symbol.is_empty() && symbol.chars().count() <= SYMBOL_CHARS
}

/// Returns symbols that cannot exist at the venue, each with that cause; `spelled` returns the venue's spelling.
pub(crate) fn unknown_symbols(
    symbols: Vec<String>,
    spelled: impl Fn(&str) -> Option<String>,
) -> Vec<(String, FeedCause)> {
    let with_cause = |symbol: String| {
        let suggestion = spelled(&symbol);
        (symbol.clone(), FeedCause::UnknownSymbol { symbol, suggestion })
    };
    symbols.into_iter().map(with_cause).collect()
}

/// Returns the word of `known` nearest to `word`, ignoring case, where it is near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(SYMBOL_CHARS).collect::<String>().to_lowercase();
    let by_distance = known.into_iter().map(|known| (strsim::osa_distance(&word, &known.to_lowercase()), known));
    by_distance
        .filter(|(distance, _)| *distance <= NEAREST)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Changes that make a slip of a symbol.
const NEAREST: usize = 2;

/// Time for which a book may be crossed.
pub(crate) const CROSSED_TOLERANCE: Duration = Duration::from_millis(500);
/// Longest symbol, in characters.
pub(crate) const SYMBOL_CHARS: usize = 64;
