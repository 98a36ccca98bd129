//! Writes values of the binary form. Cannot fail: what exceeds a limit is cut by the callers.

use topics::exact::Exact;

use crate::limits::MAX_TEXT_BYTES;

/// Bytes under construction, with the values that later ones are relative to.
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

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn wide(&mut self, mut value: u128) {
        while value > u128::from(u64::MAX) {
            self.bytes.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.unsigned(value as u64);
    }

    pub(crate) fn count(&mut self, value: usize) {
        self.unsigned(value as u64);
    }

    pub(crate) fn signed(&mut self, value: i64) {
        self.unsigned(zigzag(value));
    }

    /// Cut at a character's boundary where it is longer than [`MAX_TEXT_BYTES`].
    pub(crate) fn text(&mut self, text: &str) {
        let text = cut(text, MAX_TEXT_BYTES);
        self.long_text(text);
    }

    pub(crate) fn long_text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    /// Relative to the price before where the scales agree (low bit 0), else in full (low bit 1).
    pub(crate) fn price<T: Exact>(&mut self, value: T) {
        let (mantissa, scale) = value.parts();
        let coded = match self.price {
            Some((before, same)) if same == scale => zigzag_wide(mantissa - before) << 1,
            _ => (packed(mantissa, scale) << 1) | 1,
        };
        self.price = Some((mantissa, scale));
        self.wide(coded);
    }

    /// The mantissa at the scale of the size before (low bit 0), else in full (low bit 1). Zero, which removes a level,
    /// is short in full too and leaves the scale for the next size.
    pub(crate) fn size<T: Exact>(&mut self, value: T) {
        let (mantissa, scale) = value.parts();
        let coded = match self.size_scale {
            Some(same) if same == scale => zigzag_wide(mantissa) << 1,
            _ => (packed(mantissa, scale) << 1) | 1,
        };
        if mantissa != 0 {
            self.size_scale = Some(scale);
        }
        self.wide(coded);
    }

    /// Relative to the time before, in the same unit.
    pub(crate) fn time(&mut self, value: i64) {
        self.signed(value.wrapping_sub(self.time));
        self.time = value;
    }

    /// Makes `value` the time before.
    pub(crate) fn rebase_time(&mut self, value: i64) {
        self.time = value;
    }
}

pub(crate) fn cut(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn zigzag_wide(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)) as u128
}

fn packed(mantissa: i128, scale: u32) -> u128 {
    (zigzag_wide(mantissa) << 5) | u128::from(scale)
}
