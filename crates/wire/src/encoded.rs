//! An update and its bytes: encoded at most once in each form, however many subscribers receive it.

use std::sync::OnceLock;

use crate::{Encoding, binary, json, message::Update};

/// An update whose bytes are created on first use and kept. Share it behind an `Arc`.
#[derive(Debug)]
pub struct EncodedUpdate {
    update: Update,
    binary: OnceLock<Vec<u8>>,
    json: OnceLock<Vec<u8>>,
}

impl EncodedUpdate {
    /// Creates the update without encoding it.
    pub fn new(update: Update) -> Self {
        Self { update, binary: OnceLock::new(), json: OnceLock::new() }
    }

    /// Returns the update.
    pub fn update(&self) -> &Update {
        &self.update
    }

    /// Returns its bytes, without the stream's number, which differs between connections.
    pub fn bytes(&self, encoding: Encoding) -> &[u8] {
        match encoding {
            Encoding::Binary => self.binary.get_or_init(|| binary::server::encode_update(&self.update)),
            Encoding::Json => self.json.get_or_init(|| json::server::encode_update(&self.update)),
        }
    }

    /// Returns its share of queues and histories: its binary bytes, which this makes, and a fixed part.
    pub fn size_bytes(&self) -> usize {
        self.bytes(Encoding::Binary).len() + size_of::<Self>()
    }
}
