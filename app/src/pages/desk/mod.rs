//! The pages of the trading desk, and what they share.
//!
//! All of it is loaded lazily: the rows of the desk's channels are JSON that only these pages read.
//!
//! # Layout
//! - [`account`]: the account that they show
//! - [`rows`]: the rows of the desk's channels · [`money`]: amounts as text · [`order_words`]: orders in words
//! - [`chart_lines`]: orders and position over a chart
//! - [`figure_list`]: statistics with their definitions
//! - [`head`]: title, account, kill switch · [`actions`]: commands and their confirmation · [`orders_off`]: when there are none
//! - [`table`]: cells of tables
//! - [`typed`]: figures as typed · [`ticket`], [`live_panel`]: the desk's parts of the Live page
//! - a folder for each page

pub mod account;
pub mod actions;
pub mod chart_lines;
pub mod dashboard;
pub mod figure_list;
pub mod grid;
pub mod head;
pub mod history;
pub mod live_panel;
pub mod money;
pub mod order_words;
pub mod orders_off;
pub mod positions;
pub mod risk;
pub mod rows;
pub mod table;
pub mod ticket;
pub mod typed;
