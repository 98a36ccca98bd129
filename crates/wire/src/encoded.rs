//! An item with its bytes: encoded at most once in each form, however many subscribers it goes to.

use std::sync::OnceLock;

use crate::{Encoding, encode_item, message::Item};

/// An item whose bytes are made when first asked for and kept. Share it behind an `Arc`.
#[derive(Debug)]
pub struct EncodedItem {
    item: Item,
    binary: OnceLock<Vec<u8>>,
    json: OnceLock<Vec<u8>>,
}

impl EncodedItem {
    /// Of this item.
    pub fn new(item: Item) -> Self {
        Self { item, binary: OnceLock::new(), json: OnceLock::new() }
    }

    /// The item.
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// Its bytes, for [`crate::encode_batch`].
    pub fn bytes(&self, encoding: Encoding) -> &[u8] {
        let kept = match encoding {
            Encoding::Binary => &self.binary,
            Encoding::Json => &self.json,
        };
        kept.get_or_init(|| encode_item(&self.item, encoding))
    }

    /// What it counts for in queues and histories: its binary bytes, which this makes, and a fixed part.
    pub fn size_bytes(&self) -> usize {
        self.bytes(Encoding::Binary).len() + size_of::<Self>()
    }
}
