//! Messages as frames: the bytes that go to the socket, the same for all sessions that send a message.
//!
//! A long message is several frames, so that pings fit between them. Pure. Source: RFC 6455, section 5.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame, FrameHeader,
    coding::{Data, OpCode},
};
use wire::Encoding;

/// A message in frames, or what is left of it. Clones share the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames(Bytes);

impl Frames {
    /// Puts a message into frames.
    pub fn of(message: &[u8], encoding: Encoding) -> Self {
        let mut opcode = OpCode::Data(match encoding {
            Encoding::Binary => Data::Binary,
            Encoding::Json => Data::Text,
        });
        let n_frames = message.len().div_ceil(FRAME_BYTES).max(1);
        let mut bytes = Vec::with_capacity(message.len() + n_frames * HEAD_BYTES);
        let mut rest = message;
        loop {
            let (part, later) = rest.split_at(rest.len().min(FRAME_BYTES));
            let header = FrameHeader { is_final: later.is_empty(), opcode, ..FrameHeader::default() };
            // A vector takes any bytes.
            let _written = header.format(part.len() as u64, &mut bytes);
            bytes.extend_from_slice(part);
            if later.is_empty() {
                return Self(bytes.into());
            }
            (rest, opcode) = (later, OpCode::Data(Data::Continue));
        }
    }

    /// Returns the bytes that are left, the frames' heads included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if no frame is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next frame; `None` if none is left.
    pub fn next_frame(&mut self) -> Option<Bytes> {
        // All but the last are of this length.
        let n_bytes = self.0.len().min(HEAD_BYTES + FRAME_BYTES);
        (n_bytes > 0).then(|| self.0.split_to(n_bytes))
    }
}

/// Returns a ping.
pub fn ping(content: [u8; 8]) -> Bytes {
    let mut bytes = Vec::with_capacity(2 + content.len());
    // A vector takes any bytes.
    let _written = Frame::ping(content.to_vec()).format(&mut bytes);
    bytes.into()
}

/// A message's bytes in a frame: far less than a step of the window.
pub const FRAME_BYTES: usize = (4 << 10) - 16;
/// A full frame's head.
const HEAD_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Returns the heads and contents of frames.
    fn read(mut frames: Frames) -> Vec<(bool, OpCode, Vec<u8>)> {
        std::iter::from_fn(|| frames.next_frame())
            .map(|frame| {
                let mut cursor = Cursor::new(&frame);
                let (header, length) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
                let content = frame[usize::try_from(cursor.position()).unwrap()..].to_vec();
                assert_eq!((content.len() as u64, header.mask), (length, None));
                (header.is_final, header.opcode, content)
            })
            .collect()
    }

    #[test]
    fn messages_of_all_lengths_are_whole_in_their_frames() {
        for n_bytes in [0, 1, 125, 126, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES, 100_000] {
            let message: Vec<u8> = (0..n_bytes).map(|at| (at % 251) as u8).collect();
            for (encoding, kind) in [(Encoding::Binary, Data::Binary), (Encoding::Json, Data::Text)] {
                let frames = Frames::of(&message, encoding);
                let n_all = frames.len();
                let parts = read(frames);
                assert_eq!(parts.len(), n_bytes.div_ceil(FRAME_BYTES).max(1), "{n_bytes}");
                for (part_idx, (is_final, opcode, content)) in parts.iter().enumerate() {
                    let expected = if part_idx == 0 { kind } else { Data::Continue };
                    assert_eq!((*opcode, *is_final), (OpCode::Data(expected), part_idx + 1 == parts.len()));
                    assert!(content.len() <= FRAME_BYTES);
                }
                let whole: Vec<u8> = parts.iter().flat_map(|(_, _, content)| content.clone()).collect();
                assert_eq!(whole, message);
                assert!(n_all <= n_bytes + parts.len() * HEAD_BYTES);
            }
        }
        assert!(Frames::default().next_frame().is_none());
    }

    #[test]
    fn a_ping_is_a_whole_frame() {
        assert_eq!(*ping([0, 0, 0, 0, 0, 0, 0, 7]), [0x89, 8, 0, 0, 0, 0, 0, 0, 0, 7]);
    }
}
