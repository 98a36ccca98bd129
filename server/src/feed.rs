//! One task a feed: the sockets, requests and clocks around a venue's session and its market view.
//!
//! Not here: what frames mean (`venues`), what the page sees of it (`market`), who reads it (`hub`, `http`).
//!
//! # Layout
//! - [`driver`]: the task · [`socket`]: one connection · [`http`]: REST requests · [`topic_source`]: what it publishes
//! - [`endpoints`]: how each venue is reached, and its shared REST budget
//! - [`handle`]: how others talk to the task · [`queries`]: REST queries to it · [`directory`]: which instruments there are
//! - [`supervisor`]: starts and stops the tasks · [`control`]: its commands and refusals · [`restarts`]: how often
//! - [`desk_feed`]: what the trading desk reads · [`error`]: why a query has no answer

pub mod control;
pub mod desk_feed;
pub mod directory;
pub mod driver;
pub mod endpoints;
pub mod error;
pub mod handle;
pub mod http;
pub mod queries;
pub mod restarts;
pub mod socket;
pub mod supervisor;
pub mod topic_source;
