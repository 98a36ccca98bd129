//! Writes values of the binary form. Cannot fail: the callers cut values that exceed a limit.

use model::decimal::{Price, Quantity};
use topics::{channels::desk::MAX_ROW_BYTES, payload::FieldWriter};

use crate::limits::MAX_TEXT_BYTES;

/// Bytes being written, and the values that later ones are relative to.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    price: Option<(i128, u32)>,
    size_scale: Option<u32>,
    time: i64,
}

impl Writer {
    pub(crate) fn with_head(version: u8, kind: u8) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend([version, kind]);
        Self { bytes, ..Self::default() }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn long_text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    fn wide(&mut self, mut value: u128) {
        while value > u128::from(u64::MAX) {
            self.bytes.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.unsigned(value as u64);
    }
}

impl FieldWriter for Writer {
    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn signed(&mut self, value: i64) {
        self.unsigned(((value << 1) ^ (value >> 63)) as u64);
    }

    /// Writes a text, cut at a character boundary if it is longer than [`MAX_TEXT_BYTES`].
    fn text(&mut self, text: &str) {
        self.long_text(&text[..text.floor_char_boundary(MAX_TEXT_BYTES)]);
    }

    fn json(&mut self, text: &str) {
        // Rows are made within the limit; nothing else may be written.
        self.long_text(if text.len() <= MAX_ROW_BYTES { text } else { "null" });
    }

    /// Writes a price relative to the previous one if the scales agree (low bit 0), otherwise in full (low bit 1).
    fn price(&mut self, price: Price) {
        let (mantissa, scale) = (price.mantissa(), price.scale());
        let coded = match self.price {
            Some((before, same)) if same == scale => zigzag(mantissa - before) << 1,
            _ => (packed(mantissa, scale) << 1) | 1,
        };
        self.price = Some((mantissa, scale));
        self.wide(coded);
    }

    /// Writes the mantissa at the scale of the previous size (low bit 0), otherwise in full (low bit 1). Zero, which
    /// removes a level, is short in full too and keeps the scale for the next size.
    fn size(&mut self, size: Quantity) {
        let (mantissa, scale) = (size.mantissa(), size.scale());
        let coded = match self.size_scale {
            Some(same) if same == scale => zigzag(mantissa) << 1,
            _ => (packed(mantissa, scale) << 1) | 1,
        };
        if mantissa != 0 {
            self.size_scale = Some(scale);
        }
        self.wide(coded);
    }

    fn time(&mut self, time: i64) {
        self.signed(time.wrapping_sub(self.time));
        self.time = time;
    }

    fn rebase_time(&mut self, time: i64) {
        self.time = time;
    }
}

fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)) as u128
}

fn packed(mantissa: i128, scale: u32) -> u128 {
    (zigzag(mantissa) << 5) | u128::from(scale)
}
