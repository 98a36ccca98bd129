//! Every instrument that the venues offer: searched by readers, checked before one is followed, kept over a restart.
//!
//! Not here: reading a venue's list (`venues::catalogue`), following (`feed`), the words of REST (`http`).
//!
//! # Layout
//! - [`lists`]: the venues' lists, fetched when first needed · [`search`]: the best matches of what is typed
//! - [`spelling`]: what a typed symbol may mean · [`following`]: checks, follows and keeps · [`kept`]: the file

pub mod following;
pub mod kept;
pub mod lists;
pub mod search;
pub mod spelling;
