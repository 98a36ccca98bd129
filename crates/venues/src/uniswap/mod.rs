//! Uniswap v3 pools on an Ethereum-like chain: swaps and prices by JSON-RPC, polled once a block. No socket, no book.
//! Includes how often and for how much a node is asked.
//!
//! Source: <https://docs.uniswap.org/contracts/v3/reference/core/interfaces/pool/IUniswapV3PoolEvents>,
//! <https://ethereum.org/en/developers/docs/apis/json-rpc/>. A symbol is a pool's address. The price is that of the
//! token that is not a stablecoin, whichever comes first in the pool. A node keeps no candles: historical ones come
//! from a subgraph, if a key or an address for one is configured. Public nodes state no common limits; these are
//! modest. Not here: v2 and v4 pools, liquidity.
//!
//! # Layout
//! - `protocol`: rounds of requests · `answers`: their processing · `rpc`: requests and answers as JSON
//! - `history`: historical candles · `graphql`: the subgraph's requests and answers
//! - `swap`: the event's data · `pool`: a pool's description, exact prices

mod answers;
mod catalogue;
mod graphql;
mod history;
mod pool;
mod protocol;
mod rpc;
mod swap;

pub(crate) use protocol::Uniswap;

use std::time::Duration;

use crate::{
    kit::requests::RequestRules,
    registry::{Capabilities, HistorySource, VenueInfo},
};

/// The venue's capabilities.
const INFO: VenueInfo = VenueInfo {
    name: "uniswap",
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
    // Uniswap v3 on the main chain. The gateway takes the key in a header, so no address contains it.
    history: Some(HistorySource {
        path: graphql::PATH,
        default_url: "https://gateway.thegraph.com/api/subgraphs/id/5zvR82QoaXYFyDEKLZ9t6v9adgnptxYpKpSbxtgVENFV",
        token_header: "authorization",
        token_prefix: "Bearer ",
        weight_per_minute: HISTORY_WEIGHT_PER_MINUTE,
    }),
};

/// Time between two rounds: a block of the main chain takes twelve seconds.
const ROUND_SPACING: Duration = Duration::from_secs(4);
/// The rules of requests; a batch weighs as much as its calls.
const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: 1_200,
    spacing: Duration::from_millis(100),
    in_flight: 2,
    timeout: Duration::from_secs(15),
    history_queue: 1,
    is_not_in_plan: None,
};
/// The rules of requests to the subgraph. Its gateway accepts far more per minute, but allows only 100,000 a month
/// without payment.
const HISTORY_RULES: RequestRules = RequestRules {
    weight_per_minute: HISTORY_WEIGHT_PER_MINUTE,
    spacing: Duration::from_millis(250),
    in_flight: 1,
    timeout: Duration::from_secs(15),
    history_queue: POOLS,
    is_not_in_plan: Some(|_| false),
};
/// Requests to the subgraph per minute, half of which are used.
const HISTORY_WEIGHT_PER_MINUTE: u32 = 60;
/// Attempts per request.
const HISTORY_ATTEMPTS: u32 = 4;
/// Candles per history request.
const HISTORY_BARS: usize = 500;
/// Pages per history request: three thousand swaps are several hours of the busiest pool.
const HISTORY_PAGES: usize = 3;
/// Wait if the subgraph has not caught up with the request; it is usually a minute behind the chain.
const LAG_RETRY: Duration = Duration::from_secs(10);
/// Maximum consecutive waits of this kind.
const LAG_ATTEMPTS: u32 = 30;
/// Wait after the key was refused.
const REFUSED_RETRY: Duration = Duration::from_secs(600);
/// Blocks read at the start: about ten minutes of swaps.
const BLOCKS_BACK: u64 = 50;
/// Blocks requested at once; nodes refuse wide ranges.
const BLOCKS_AT_ONCE: u64 = 500;
/// Pools followed at once.
const POOLS: usize = 50;
/// Swaps whose ids are remembered, so that overlapping ranges count none twice.
const REMEMBERED_SWAPS: usize = 20_000;
