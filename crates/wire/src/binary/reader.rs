//! Reads values of the binary form. Total: any bytes give a value or an error, and no count is trusted before the bytes
//! for it exist.

use model::decimal::{Price, Quantity};
use topics::{
    channels::desk::MAX_ROW_BYTES,
    error::FieldError,
    limits::MAX_TOPIC_BYTES,
    payload::FieldReader,
    topic::{Topic, TopicPattern},
};

use crate::{error::WireError, limits::MAX_TEXT_BYTES};

/// The unread bytes, and the values that later ones are relative to.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    price: Option<(i128, u32)>,
    size_scale: Option<u32>,
    time: i64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, price: None, size_scale: None, time: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Checks that no bytes are left.
    pub(crate) fn end(&self) -> Result<(), WireError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(WireError::TrailingBytes { n_bytes: self.bytes.len() }) }
    }

    pub(crate) fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], FieldError> {
        let (taken, rest) = self.bytes.split_at_checked(n_bytes).ok_or(FieldError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// The first nine bytes hold 63 bits and are read in 64-bit arithmetic; few values are longer.
    fn wide(&mut self) -> Result<u128, FieldError> {
        let mut low = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            low |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(u128::from(low));
            }
        }
        let mut value = u128::from(low);
        for shift in (63..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7F);
            if (bits << shift) >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(FieldError::OutOfRange { what: "integer" })
    }

    pub(crate) fn long_text(&mut self, limit: usize) -> Result<&'a str, FieldError> {
        let length = self.count("bytes of text", limit)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| FieldError::NotUtf8)
    }

    pub(crate) fn topic(&mut self) -> Result<Topic, WireError> {
        Ok(Topic::parse(self.long_text(MAX_TOPIC_BYTES)?)?)
    }

    pub(crate) fn pattern(&mut self) -> Result<TopicPattern, WireError> {
        Ok(TopicPattern::parse(self.long_text(MAX_TOPIC_BYTES)?)?)
    }
}

impl FieldReader for Reader<'_> {
    fn byte(&mut self) -> Result<u8, FieldError> {
        let (first, rest) = self.bytes.split_first().ok_or(FieldError::Truncated)?;
        self.bytes = rest;
        Ok(*first)
    }

    fn unsigned(&mut self) -> Result<u64, FieldError> {
        u64::try_from(self.wide()?).map_err(|_| FieldError::OutOfRange { what: "integer" })
    }

    fn signed(&mut self) -> Result<i64, FieldError> {
        let coded = self.unsigned()?;
        Ok((coded >> 1) as i64 ^ -((coded & 1) as i64))
    }

    fn text(&mut self) -> Result<&str, FieldError> {
        self.long_text(MAX_TEXT_BYTES)
    }

    fn json(&mut self) -> Result<&str, FieldError> {
        let text = self.long_text(MAX_ROW_BYTES)?;
        crate::json::check(text).map_err(|_| FieldError::OutOfRange { what: "row" })?;
        Ok(text)
    }

    fn price(&mut self) -> Result<Price, FieldError> {
        let coded = self.wide()?;
        let (mantissa, scale) = match (coded & 1, self.price) {
            (0, Some((before, scale))) => (before.checked_add(unzigzag(coded >> 1)).ok_or(BAD_PRICE)?, scale),
            (0, None) => return Err(BAD_PRICE),
            _ => unpacked(coded >> 1),
        };
        self.price = Some((mantissa, scale));
        Price::from_mantissa(mantissa, scale).ok_or(BAD_PRICE)
    }

    fn size(&mut self) -> Result<Quantity, FieldError> {
        let coded = self.wide()?;
        let (mantissa, scale) = match (coded & 1, self.size_scale) {
            (0, Some(scale)) => (unzigzag(coded >> 1), scale),
            (0, None) => return Err(BAD_SIZE),
            _ => unpacked(coded >> 1),
        };
        if mantissa != 0 {
            self.size_scale = Some(scale);
        }
        Quantity::from_mantissa(mantissa, scale).ok_or(BAD_SIZE)
    }

    fn time(&mut self) -> Result<i64, FieldError> {
        self.time = self.time.wrapping_add(self.signed()?);
        Ok(self.time)
    }

    fn rebase_time(&mut self, time: i64) {
        self.time = time;
    }

    fn count(&mut self, what: &'static str, limit: usize) -> Result<usize, FieldError> {
        let found = self.unsigned()?;
        match usize::try_from(found) {
            Ok(count) if count > limit => Err(FieldError::TooMany { what, found, limit }),
            Ok(count) if count > self.bytes.len() => Err(FieldError::Truncated),
            Ok(count) => Ok(count),
            Err(_) => Err(FieldError::TooMany { what, found, limit }),
        }
    }
}

fn unzigzag(coded: u128) -> i128 {
    (coded >> 1) as i128 ^ -((coded & 1) as i128)
}

fn unpacked(coded: u128) -> (i128, u32) {
    (unzigzag(coded >> 5), (coded & 31) as u32)
}

const BAD_PRICE: FieldError = FieldError::OutOfRange { what: "price" };
const BAD_SIZE: FieldError = FieldError::OutOfRange { what: "size" };

#[cfg(test)]
mod tests {
    use model::decimal::{Price, Quantity};
    use proptest::prelude::*;
    use topics::payload::FieldWriter;

    use super::*;
    use crate::binary::writer::Writer;

    #[test]
    fn prices_beside_each_other_are_short() {
        let mut writer = Writer::default();
        for text in ["61602.01", "61602.02", "61601.95", "61602"] {
            writer.price(Price::parse(text).unwrap());
        }
        let bytes = writer.finish();
        assert_eq!(bytes.len(), 5 + 1 + 1 + 4, "{bytes:?}");
        let mut reader = Reader::new(&bytes);
        for text in ["61602.01", "61602.02", "61601.95", "61602"] {
            assert_eq!(reader.price().unwrap().to_string(), text);
        }
        reader.end().unwrap();
    }

    #[test]
    fn counts_are_not_trusted() {
        let mut writer = Writer::default();
        writer.unsigned(5_000);
        assert_eq!(Reader::new(&writer.finish()).count("rows", 10_000), Err(FieldError::Truncated));
        let mut writer = Writer::default();
        writer.unsigned(u64::MAX);
        let error = FieldError::TooMany { what: "rows", found: u64::MAX, limit: 10 };
        assert_eq!(Reader::new(&writer.finish()).count("rows", 10), Err(error));
    }

    proptest! {
        #[test]
        fn integers_come_back(value in any::<u64>(), shift in 0_u32..64, signed in any::<i64>()) {
            let mut writer = Writer::default();
            writer.unsigned(value >> shift);
            writer.signed(signed >> shift);
            writer.time(signed);
            writer.time(value as i64);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.unsigned(), Ok(value >> shift));
            prop_assert_eq!(reader.signed(), Ok(signed >> shift));
            prop_assert_eq!(reader.time(), Ok(signed));
            prop_assert_eq!(reader.time(), Ok(value as i64));
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn decimals_come_back(parts in prop::collection::vec((any::<i128>(), 31_u32..127, 0_u32..=28), 0..20)) {
            let price = |(mantissa, shift, scale): &(i128, u32, u32)| Price::from_mantissa(mantissa >> shift, *scale);
            let prices: Vec<Price> = parts.iter().filter_map(price).collect();
            let size = |price: &Price| Quantity::from_mantissa(price.mantissa().abs(), price.scale());
            let sizes: Vec<Quantity> = prices.iter().filter_map(size).collect();
            let mut writer = Writer::default();
            prices.iter().for_each(|price| writer.price(*price));
            sizes.iter().for_each(|size| writer.size(*size));
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            for price in prices {
                prop_assert_eq!(reader.price().unwrap().to_string(), price.to_string());
            }
            for size in sizes {
                prop_assert_eq!(reader.size().unwrap().to_string(), size.to_string());
            }
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            while !reader.is_empty() {
                let _ = (reader.price(), reader.size(), reader.time());
                let _ = (reader.text().is_ok(), reader.topic().is_ok());
            }
        }
    }
}
