//! Feeds: one task per feed, with the sockets, requests and clocks around a venue's session and its market view.
//!
//! Not here: the meaning of frames (`venues`), the data that pages show (`market`), its readers (`hub`, `http`).
//!
//! # Layout
//! - [`driver`]: the task · [`socket`]: one connection · [`http`]: REST requests
//! - [`endpoints`]: each venue's addresses and shared REST budget
//! - [`handle`]: handles to the tasks · [`queries`]: REST queries · [`directory`]: the list of instruments
//! - [`supervisor`]: starts and stops the tasks · [`control`]: its commands and refusals · [`restarts`]: limits starts
//! - [`desk_feed`]: updates for the trading desk · [`error`]: why a query has no answer

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
