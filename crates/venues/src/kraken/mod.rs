//! Kraken spot, public market data: WebSocket version 2, REST for history and as a fallback, no key.
//!
//! Source: <https://docs.kraken.com/api/>; recordings win where they differ. The older version 1 of the WebSocket is not
//! spoken. Not here: accounts and orders.
//!
//! # Layout
//! - `session`: inputs and outputs · `route`: what frames mean · `answers`: what REST answers mean
//! - `subscribe`: what is asked for · `purpose`: what REST is asked for · `polling`: REST where no connection can be had
//! - `book`: the book procedure · `checksum`: its proof · `quote_check`: a witness against sides that stand still
//! - `stream`: what is kept of one symbol · `image`: a verified book as the venue's own frames, for recordings
//! - `frame`: what a frame holds · `message`, `rest`, `instrument`, `time`: payloads · `limits`: the venue's figures

mod answers;
mod book;
mod checksum;
mod frame;
mod image;
mod instrument;
mod limits;
mod message;
mod polling;
mod purpose;
mod quote_check;
mod rest;
mod route;
mod session;
mod stream;
mod subscribe;
mod time;

pub use session::KrakenSession;

use crate::registry::{Capabilities, VenueInfo};

const NAME: &str = "kraken";
/// Public data only; accounts and orders have another host.
const DEFAULT_WS_URL: &str = "wss://ws.kraken.com";

/// What the venue can do.
pub const INFO: VenueInfo = VenueInfo {
    name: NAME,
    title: "Kraken",
    default_ws_url: DEFAULT_WS_URL,
    default_rest_url: "https://api.kraken.com",
    capabilities: Capabilities {
        websocket: true,
        rest: true,
        book: true,
        trades: true,
        candles: true,
        needs_token: false,
        history_needs_token: false,
        // WebSocket only; its REST lacks the headers that pages need.
        may_be_opened_from_browser: true,
        is_simulated: false,
    },
    token_header: "",
    rest_paths: &["/0/public/AssetPairs", "/0/public/OHLC", "/0/public/Ticker", "/0/public/Trades"],
    history: None,
};
