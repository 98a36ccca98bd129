//! The messages of the browser socket, versioned, in a binary and a JSON form.
//!
//! Users of the stream find its document in `docs/stream-protocol.md`; no other crate reads or writes the bytes. Not
//! here: sockets, clocks, offsets and queues (`hub`), and the payloads with their meaning (`topics`). All decoding is
//! total: bounded counts and lengths, errors instead of panics.
//!
//! # Layout
//! - [`message`]: messages of client and server · [`command`]: commands of clients
//! - [`encoded`]: an update and its bytes, encoded once · [`names`]: stream numbers to topics, for the binary form
//! - [`direct`]: how a page may reach venues by itself · [`backtest`]: back-tests of recordings
//! - [`close_code`]: why a connection ends · [`limits`]: maximum sizes · [`error`]: decoding errors

pub mod backtest;
pub mod close_code;
pub mod command;
pub mod direct;
pub mod encoded;
pub mod error;
pub mod limits;
pub mod message;
pub mod names;

mod binary;
mod codec;
mod json;

pub use codec::{
    Encoding, Frame, decode_client, decode_server, decode_server_json, encode_batch, encode_client, encode_server,
};

/// The protocol version in hello and welcome, and the first byte of each binary message.
pub const PROTOCOL_VERSION: u32 = 1;
