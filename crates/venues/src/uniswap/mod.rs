//! Uniswap v3 pools on an Ethereum-like chain: swaps and prices by JSON-RPC, polled once a block. No socket, no book.
//!
//! Source: <https://docs.uniswap.org/contracts/v3/reference/core/interfaces/pool/IUniswapV3PoolEvents>,
//! <https://ethereum.org/en/developers/docs/apis/json-rpc/>. A symbol is a pool's address. The price is that of the token that is
//! no stable coin, whichever of the two comes first in the pool. A node keeps no bars: those of the past come from a
//! subgraph, where a key or an address of one is configured. Not here: v2 and v4 pools, liquidity.
//!
//! # Layout
//! - `session`: rounds and their state · `answers`: what they bring · `rpc`: requests and answers as JSON
//! - `history`: bars of the past · `graphql`: the subgraph's questions and answers
//! - `swap`: the event's data · `pool`: what is known of a pool, exact prices · `limits`: figures

mod answers;
mod graphql;
mod history;
mod limits;
mod pool;
mod rpc;
mod session;
mod swap;

pub use session::UniswapSession;

use crate::registry::{Capabilities, HistorySource, VenueInfo};

const NAME: &str = "uniswap";

/// What the venue can do.
pub const INFO: VenueInfo = VenueInfo {
    name: NAME,
    title: "Uniswap",
    default_ws_url: "",
    default_rest_url: "https://ethereum-rpc.publicnode.com",
    capabilities: Capabilities {
        websocket: false,
        rest: true,
        book: false,
        trades: true,
        candles: true,
        needs_token: false,
        history_needs_token: true,
        // Nodes differ in what they allow to pages, and a private one has its key in the address.
        may_be_opened_from_browser: false,
        is_simulated: false,
    },
    token_header: "",
    rest_paths: &["/"],
    // Uniswap v3 on the main chain. The gateway takes the key in a header, so it stands in no address.
    history: Some(HistorySource {
        path: graphql::PATH,
        default_url: "https://gateway.thegraph.com/api/subgraphs/id/5zvR82QoaXYFyDEKLZ9t6v9adgnptxYpKpSbxtgVENFV",
        token_header: "authorization",
        token_prefix: "Bearer ",
        weight_per_minute: limits::HISTORY_WEIGHT_PER_MINUTE,
    }),
};
