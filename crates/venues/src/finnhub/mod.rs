//! Finnhub: prints of stocks, currencies and crypto pairs by WebSocket; quotes and bars by REST. Asks for a token.
//!
//! Source: <https://finnhub.io/docs/api>; recordings win where they differ. It has no book, no best bid and ask, no ids
//! and no sides. A token may hold one connection only, and stands in the address, so a page never opens it itself. Symbols
//! are `EXCHANGE:PAIR` or a plain ticker. Not here: news, fundamentals, and what paid plans add.
//!
//! # Layout
//! - `session`: inputs and outputs · `route`: what frames mean · `answers`: what REST answers mean
//! - `purpose`, `rest`: REST · `frame`: what a frame holds · `ticks`: steps that the venue does not state · `limits`: figures

mod answers;
mod frame;
mod limits;
mod purpose;
mod rest;
mod route;
mod session;
mod ticks;

pub use session::FinnhubSession;

use crate::registry::{Capabilities, VenueInfo};

const NAME: &str = "finnhub";
const DEFAULT_WS_URL: &str = "wss://ws.finnhub.io";

/// What the venue can do.
pub const INFO: VenueInfo = VenueInfo {
    name: NAME,
    title: "Finnhub",
    default_ws_url: DEFAULT_WS_URL,
    default_rest_url: "https://finnhub.io",
    capabilities: Capabilities {
        websocket: true,
        rest: true,
        book: false,
        trades: true,
        candles: true,
        needs_token: true,
        history_needs_token: false,
        // The token stands in the address: the page would show it to everyone who looks.
        may_be_opened_from_browser: false,
        is_simulated: false,
    },
    token_header: "X-Finnhub-Token",
    rest_paths: &["/api/v1/quote", "/api/v1/crypto/candle", "/api/v1/forex/candle", "/api/v1/stock/candle"],
    history: None,
};
