//! Binance spot, public market data: one combined WebSocket, REST for snapshots and history, no key.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs>; recordings win where they differ. Binance.US is another
//! venue of the same shape (other addresses). Not here: accounts and orders.
//!
//! # Layout
//! - `session`: inputs and outputs · `route`: what frames mean · `answers`: what REST answers mean
//! - `subscribe`: what is asked for on a connection · `polling`: REST where no connection can be had
//! - `book`: the local book procedure · `quote_check`: its cross-check · `stream`: ids seen of one symbol
//! - `purpose`: what REST is asked for · `frame`: what a frame holds · `message`, `rest`, `instrument`: payloads · `limits`: the venue's figures

mod answers;
mod book;
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

pub use session::BinanceSession;

use crate::registry::{Capabilities, VenueInfo};

const NAME: &str = "binance";
/// The mirror that carries market data only.
const DEFAULT_WS_URL: &str = "wss://data-stream.binance.vision";

/// What the venue can do.
pub const INFO: VenueInfo = VenueInfo {
    name: NAME,
    title: "Binance",
    default_ws_url: DEFAULT_WS_URL,
    default_rest_url: "https://data-api.binance.vision",
    capabilities: Capabilities {
        websocket: true,
        rest: true,
        book: true,
        trades: true,
        candles: true,
        needs_token: false,
        history_needs_token: false,
        // WebSocket only; its REST often lacks the headers that pages need.
        may_be_opened_from_browser: true,
        is_simulated: false,
    },
    token_header: "",
    rest_paths: &[
        "/api/v3/aggTrades",
        "/api/v3/depth",
        "/api/v3/exchangeInfo",
        "/api/v3/klines",
        "/api/v3/ticker/24hr",
        "/api/v3/trades",
    ],
    history: None,
};
