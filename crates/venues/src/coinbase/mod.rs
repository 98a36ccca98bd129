//! Coinbase Advanced Trade, public market data only: one WebSocket with a channel a message, REST for products and
//! history, no key.
//!
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview>; recordings win where they
//! differ. The older Exchange feed speaks another language: its frames count as unknown here. Not here: accounts and
//! orders.
//!
//! # Layout
//! - `session`: inputs and outputs · `route`: what frames mean · `answers`: what REST answers mean
//! - `sequence`: nothing missing on a connection · `book`: the book's rules · `stream`: what is kept of a product
//! - `alias`: products whose data comes under another name · `resync`: fresh snapshots without storms
//! - `image`: verified books as the venue's own frames, for recordings
//! - `subscribe`: what is asked for · `polling`: REST where no connection can be had
//! - `frame`: what a frame holds · `message`, `rest`, `instrument`, `time`: payloads · `purpose`, `limits`: what REST is asked for,
//!   the venue's figures

mod alias;
mod answers;
mod book;
mod frame;
mod image;
mod instrument;
mod limits;
mod message;
mod polling;
mod purpose;
mod rest;
mod resync;
mod route;
mod sequence;
mod session;
mod stream;
mod subscribe;
mod time;

pub use session::CoinbaseSession;

use crate::registry::{Capabilities, VenueInfo};

const NAME: &str = "coinbase";
const DEFAULT_WS_URL: &str = "wss://advanced-trade-ws.coinbase.com";

/// What the venue can do.
pub const INFO: VenueInfo = VenueInfo {
    name: NAME,
    title: "Coinbase",
    default_ws_url: DEFAULT_WS_URL,
    default_rest_url: "https://api.coinbase.com",
    capabilities: Capabilities {
        websocket: true,
        rest: true,
        book: true,
        trades: true,
        candles: true,
        needs_token: false,
        history_needs_token: false,
        may_be_opened_from_browser: true,
        is_simulated: false,
    },
    token_header: "",
    rest_paths: &[
        "/api/v3/brokerage/market/product_book",
        "/api/v3/brokerage/market/products",
        "/api/v3/brokerage/market/products/*",
        "/api/v3/brokerage/market/products/*/candles",
        "/api/v3/brokerage/market/products/*/ticker",
    ],
    history: None,
};
