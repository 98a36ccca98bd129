//! A client's WebSocket: the library reads and knows the protocol's state, the session's writer writes.
//!
//! The library copies each message into a buffer of its connection, which it keeps, and clears a part of its other
//! buffer with each look whether something has come. So the writer writes by itself what many sessions share, and the
//! library is asked only when the socket has something. Its own frames, pongs and the end, wait here for the writer,
//! which alone knows where a frame may begin. Not here: the order of frames, time limits.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Sink, Stream};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};
use wire::limits::MAX_CLIENT_MESSAGE_BYTES;

use crate::http::transport::Transport;

/// A connection after the handshake.
#[derive(Debug)]
pub struct Socket<S = TokioIo<Upgraded>> {
    websocket: WebSocketStream<ReadSide<S>>,
    transport: Option<Transport>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Takes a connection whose handshake is done. `transport` is the TCP socket under it; without one, the library is
    /// asked whenever the session looks.
    pub async fn new(stream: S, transport: Option<Transport>) -> Self {
        let side = ReadSide { stream, answers: Vec::new(), is_dry: false };
        let websocket = WebSocketStream::from_raw_socket(side, Role::Server, Some(config())).await;
        Self { websocket, transport }
    }

    /// Returns the TCP socket under it; `None` where the router is called without one.
    pub fn transport(&self) -> Option<&Transport> {
        self.transport.as_ref()
    }

    /// Waits for the next message. The library answers pings and a close frame, see [`Self::take_answers`].
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if let Some(transport) = self.transport.as_ref().filter(|_| self.websocket.get_ref().is_dry) {
            // An error of the socket shows when it is read.
            ready!(transport.poll_readable(context));
        }
        Pin::new(&mut self.websocket).poll_next(context)
    }

    /// Takes the library's frames, which are whole; `None` if there are none.
    pub fn take_answers(&mut self) -> Option<Bytes> {
        let answers = &mut self.websocket.get_mut().answers;
        (!answers.is_empty()).then(|| std::mem::take(answers).into())
    }

    /// Returns the bytes of the library's frames.
    pub fn n_answer_bytes(&self) -> usize {
        self.websocket.get_ref().answers.len()
    }

    /// Makes a close frame, the last one of ours, unless the client's was first. It is the last of the library's frames.
    pub fn close(&mut self, frame: CloseFrame) {
        // Fails only if the connection is over, of which the next look tells.
        let _over = Pin::new(&mut self.websocket).start_send(Message::Close(Some(frame)));
    }

    /// Returns the connection, to write whole frames.
    pub fn stream(&mut self) -> Pin<&mut S> {
        Pin::new(&mut self.websocket.get_mut().stream)
    }
}

/// Returns the library's limits and buffers.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_CLIENT_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_CLIENT_MESSAGE_BYTES))
        .read_buffer_size(READ_BUFFER)
}

/// The connection as the library sees it: what it writes stays here.
#[derive(Debug)]
struct ReadSide<S> {
    stream: S,
    answers: Vec<u8>,
    /// True if the last look found nothing more.
    is_dry: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadSide<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.is_dry = result.is_pending();
        result
    }
}

impl<S: Unpin> AsyncWrite for ReadSide<S> {
    fn poll_write(mut self: Pin<&mut Self>, _context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.answers.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Browsers' messages are small; the library's 128 KiB would be most of a connection's memory. It grows for a larger one.
const READ_BUFFER: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    /// A client's masked frame, with a mask of zeros.
    fn frame(opcode: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80 | opcode, 0x80 | u8::try_from(content.len()).unwrap(), 0, 0, 0, 0];
        bytes.extend_from_slice(content);
        bytes
    }

    async fn pair() -> (Socket<DuplexStream>, DuplexStream) {
        let (client, server) = tokio::io::duplex(1 << 10);
        (Socket::new(server, None).await, client)
    }

    fn look(socket: &mut Socket<DuplexStream>) -> Option<Option<Message>> {
        std::future::poll_fn(|context| socket.poll_next(context)).now_or_never().map(|read| read.map(Result::unwrap))
    }

    #[tokio::test]
    async fn answers_wait_until_they_are_taken() {
        let (mut socket, mut client) = pair().await;
        assert_eq!(look(&mut socket), None);
        client.write_all(&[frame(9, b"a"), frame(9, b"b"), frame(1, b"text")].concat()).await.unwrap();
        for expected in [Message::Ping("a".into()), Message::Ping("b".into()), Message::text("text")] {
            assert_eq!(look(&mut socket), Some(Some(expected)));
        }
        assert_eq!(look(&mut socket), None);
        assert_eq!(
            (socket.n_answer_bytes(), socket.take_answers()),
            (6, Some(Bytes::from_static(b"\x8a\x01a\x8a\x01b")))
        );
        assert_eq!((socket.n_answer_bytes(), socket.take_answers()), (0, None));
        // Nothing went to the client.
        assert!(client.read_u8().now_or_never().is_none());
    }

    #[tokio::test]
    async fn the_first_close_frame_of_each_side_counts() {
        let frame_of = |code: u16| CloseFrame { code: code.into(), reason: "bye".into() };
        let (mut socket, mut client) = pair().await;
        client.write_all(&frame(8, &1_000_u16.to_be_bytes())).await.unwrap();
        assert!(matches!(look(&mut socket), Some(Some(Message::Close(Some(_))))));
        socket.close(frame_of(3_000));
        assert_eq!(look(&mut socket), Some(None));
        assert_eq!(socket.take_answers(), Some(Bytes::from_static(b"\x88\x02\x03\xe8")));

        let (mut socket, mut client) = pair().await;
        socket.close(frame_of(3_000));
        socket.close(frame_of(3_001));
        assert_eq!(socket.take_answers(), Some(Bytes::from_static(b"\x88\x05\x0b\xb8bye")));
        client.write_all(&frame(8, &3_000_u16.to_be_bytes())).await.unwrap();
        assert!(matches!(look(&mut socket), Some(Some(Message::Close(Some(_))))));
        assert_eq!((look(&mut socket), socket.take_answers()), (Some(None), None));
    }
}
