//! The messages of the browser socket, versioned, in a binary and a JSON form.
//!
//! The document for users of the stream is `docs/stream-protocol.md`; the bytes are written and read nowhere else. Not
//! here: sockets, clocks, offsets and queues (`hub`), and the payloads with their meaning (`topics`). Everything that decodes is
//! total: bounded counts and lengths, errors instead of panics.
//!
//! # Layout
//! - [`message`]: what client and server say · [`command`]: what a client may want done
//! - [`encoded`]: an update with its bytes, encoded once · [`names`]: stream numbers to topics, for the binary form
//! - [`direct`]: how a page may reach venues by itself
//! - [`close_code`]: why a connection ends · [`limits`]: how large anything may be · [`error`]: what did not decode

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

/// The protocol version both sides name in hello and welcome, and the first byte of each binary message.
pub const PROTOCOL_VERSION: u32 = 1;
