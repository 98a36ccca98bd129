//! Uniswap v3 pools on an Ethereum-like chain: swaps and prices by JSON-RPC, polled once a block. No socket, no book.
//! With figures: how often a node is asked, and for how much.
//!
//! Source: <https://docs.uniswap.org/contracts/v3/reference/core/interfaces/pool/IUniswapV3PoolEvents>,
//! <https://ethereum.org/en/developers/docs/apis/json-rpc/>. A symbol is a pool's address. The price is that of the token that is
//! no stable coin, whichever of the two comes first in the pool. A node keeps no bars: those of the past come from a
//! subgraph, where a key or an address of one is configured. Public nodes state no common figures; these are modest.
//! Not here: v2 and v4 pools, liquidity.
//!
//! # Layout
//! - `protocol`: rounds of requests · `answers`: what they bring · `rpc`: requests and answers as JSON
//! - `history`: bars of the past · `graphql`: the subgraph's requests and answers
//! - `swap`: the event's data · `pool`: what is known of a pool, exact prices

mod answers;
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

/// What the venue can do.
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
    // Uniswap v3 on the main chain. The gateway takes the key in a header, so it stands in no address.
    history: Some(HistorySource {
        path: graphql::PATH,
        default_url: "https://gateway.thegraph.com/api/subgraphs/id/5zvR82QoaXYFyDEKLZ9t6v9adgnptxYpKpSbxtgVENFV",
        token_header: "authorization",
        token_prefix: "Bearer ",
        weight_per_minute: HISTORY_WEIGHT_PER_MINUTE,
    }),
};

/// Between two rounds: a block of the main chain takes twelve seconds.
const ROUND_SPACING: Duration = Duration::from_secs(4);
/// The rules of requests; a batch weighs as much as the calls in it.
const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: 1_200,
    spacing: Duration::from_millis(100),
    in_flight: 2,
    timeout: Duration::from_secs(15),
    history_queue: 1,
    is_forbidden_a_refusal: false,
};
/// The rules of requests to the subgraph. Its gateway takes far more in a minute, but counts 100,000 a month without
/// pay.
const HISTORY_RULES: RequestRules = RequestRules {
    weight_per_minute: HISTORY_WEIGHT_PER_MINUTE,
    spacing: Duration::from_millis(250),
    in_flight: 1,
    timeout: Duration::from_secs(15),
    history_queue: POOLS,
    is_forbidden_a_refusal: true,
};
/// Requests to the subgraph in a minute, half of which are used.
const HISTORY_WEIGHT_PER_MINUTE: u32 = 60;
/// Attempts of one request.
const HISTORY_ATTEMPTS: u32 = 4;
/// Bars of one history request.
const HISTORY_BARS: usize = 500;
/// Pages of one history request: three thousand swaps are some hours of the busiest pool.
const HISTORY_PAGES: usize = 3;
/// Wait where the subgraph has not caught up with the request; it is a minute behind the chain at most times.
const LAG_RETRY: Duration = Duration::from_secs(10);
/// Such waits in a row.
const LAG_ATTEMPTS: u32 = 30;
/// Wait after the key was refused.
const REFUSED_RETRY: Duration = Duration::from_secs(600);
/// Blocks looked back at the start: some ten minutes of swaps.
const BLOCKS_BACK: u64 = 50;
/// Blocks asked for at once; nodes refuse wide ranges.
const BLOCKS_AT_ONCE: u64 = 500;
/// Pools followed at once.
const POOLS: usize = 50;
/// Swaps whose ids are remembered, so that overlapping ranges count none twice.
const REMEMBERED_SWAPS: usize = 20_000;
