//! Shared text: keeping a socket's text copies nothing.

use bytes::Bytes;

/// UTF-8 text whose clones share its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Bytes);

impl Text {
    /// Creates the text from bytes; bytes that are not UTF-8 become empty text, as no venue sends them in a text frame.
    pub fn new(bytes: Bytes) -> Self {
        Self(if std::str::from_utf8(&bytes).is_ok() { bytes } else { Bytes::new() })
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        // Checked when it was created.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_text() {
        for (bytes, expected) in [(b"a\xc3\xa4".as_slice(), "aä"), (b"", ""), (b"\xff", ""), (b"a\xc3", "")] {
            let text = Text::new(Bytes::copy_from_slice(bytes));
            assert_eq!((text.as_str(), text.len(), text.is_empty()), (expected, expected.len(), expected.is_empty()));
        }
    }
}
