//! The writing half of a client's socket: writes messages in order, one at a time, and never blocks the reading half.
//!
//! A message leaves the queue only when the previous one is in the kernel, so the session alone controls how many messages
//! wait here, and what waits can be dropped. Of a long message two frames are on their way at once, with pings between
//! them. A usual message is one call of the system, its ping included.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{
    frames::{self, FRAME_BYTES, Frames},
    socket::Socket,
    window::Window,
};

/// A queue of outgoing messages.
#[derive(Debug)]
pub struct Writer {
    queue: VecDeque<Entry>,
    /// The frames of the current message that are not on their way yet.
    rest: Frames,
    /// Whole frames on their way, the first one maybe in part in the kernel.
    unwritten: VecDeque<Bytes>,
    n_unwritten: usize,
    /// False if the connection may still hold something back, as one with TLS does.
    is_flushed: bool,
    window: Window,
    /// The ping that is due before anything else.
    ping: Option<[u8; 8]>,
    /// Time at which the last frame was put on its way; `None` when all messages are in the kernel.
    busy_since: Option<Instant>,
}

/// An entry of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A message.
    Message(Frames),
    /// A ping.
    Ping([u8; 8]),
    /// The end: nothing may follow.
    Close(CloseFrame),
}

impl Writer {
    /// Creates an empty queue.
    pub fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            rest: Frames::default(),
            unwritten: VecDeque::new(),
            n_unwritten: 0,
            is_flushed: true,
            window: Window::new(Instant::now()),
            ping: None,
            busy_since: None,
        }
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: Entry) {
        self.queue.push_back(entry);
        self.begin();
    }

    /// Notes that there is something to write: an entry, or the library's frames.
    pub fn begin(&mut self) {
        self.busy_since.get_or_insert_with(Instant::now);
    }

    /// Drops the entries of which nothing is on its way. The current message must be completed.
    pub fn drop_waiting(&mut self) {
        self.queue.clear();
    }

    /// Drops everything that is not on its way, if nothing follows.
    pub fn drop_all(&mut self) {
        self.queue.clear();
        self.rest = Frames::default();
        self.ping = None;
    }

    /// Returns true when everything is in the kernel.
    pub fn is_idle(&self) -> bool {
        self.busy_since.is_none()
    }

    /// Returns what the client has not read yet. While it is closed, updates should wait; the writer itself holds nothing
    /// back, or replies would.
    pub fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Returns since when the client has read nothing of what waits for that; `None` if nothing does.
    pub fn unread_since(&self) -> Option<Instant> {
        self.window.closed_since()
    }

    /// Returns the number of entries of which nothing is on its way.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Returns true if no entry waits; the last one may not be in the kernel yet.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns when the last frame was put on its way; `None` when everything is in the kernel.
    pub fn busy_since(&self) -> Option<Instant> {
        self.busy_since
    }

    /// Writes until everything is in the kernel.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn poll_flush<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        socket: &mut Socket<S>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            while let Some(frame) = self.next_frame(socket) {
                self.busy_since = Some(Instant::now());
                self.n_unwritten += frame.len();
                self.unwritten.push_back(frame);
            }
            if self.n_unwritten > 0 {
                let mut parts = [IoSlice::new(&[]); PARTS];
                let n_parts = self.unwritten.len().min(PARTS);
                parts.iter_mut().zip(&self.unwritten).for_each(|(part, frame)| *part = IoSlice::new(frame));
                self.is_flushed = false;
                let n_bytes = ready!(socket.stream().poll_write_vectored(context, &parts[..n_parts]))?;
                if n_bytes == 0 {
                    return Poll::Ready(Err(ErrorKind::WriteZero.into()));
                }
                self.note_written(n_bytes);
            } else if !self.is_flushed {
                ready!(socket.stream().poll_flush(context))?;
                self.is_flushed = true;
            } else {
                self.busy_since = None;
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn note_written(&mut self, mut n_bytes: usize) {
        self.n_unwritten -= n_bytes;
        while let Some(frame) = self.unwritten.front_mut() {
            let n_of_frame = frame.len().min(n_bytes);
            frame.advance(n_of_frame);
            n_bytes -= n_of_frame;
            if !frame.is_empty() {
                return;
            }
            self.unwritten.pop_front();
        }
    }

    /// Takes the next frame, if it may be put on its way: the library's frames at any time, a further one of a message if
    /// little is on its way, and another message only if nothing is.
    fn next_frame<S: AsyncRead + AsyncWrite + Unpin>(&mut self, socket: &mut Socket<S>) -> Option<Bytes> {
        if let Some(answers) = socket.take_answers() {
            return Some(answers);
        }
        if self.n_unwritten >= FRAME_BYTES * FRAMES_AT_ONCE {
            return None;
        }
        if let Some(content) = self.ping.take() {
            return Some(frames::ping(content));
        }
        if self.rest.is_empty() {
            if self.n_unwritten > 0 || !self.is_flushed {
                return None;
            }
            match self.queue.pop_front()? {
                Entry::Message(frames) => self.rest = frames,
                Entry::Ping(content) => return Some(frames::ping(content)),
                Entry::Close(frame) => {
                    socket.close(frame);
                    return socket.take_answers();
                }
            }
        }
        let frame = self.rest.next_frame()?;
        self.ping = self.window.sent(frame.len(), Instant::now());
        Some(frame)
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

/// Frames of a message that are on their way at once: a turn of twenty quotes in JSON.
const FRAMES_AT_ONCE: usize = 2;
/// Buffers of one call of the system: these, their ping, and the library's frames.
const PARTS: usize = 4;

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use tokio::io::ReadBuf;
    use tokio_tungstenite::tungstenite::protocol::frame::{
        FrameHeader,
        coding::{Control, Data, OpCode},
    };
    use wire::Encoding;

    use super::*;

    /// A connection that takes as many bytes as the test allows.
    #[derive(Default)]
    struct Stuck {
        n_free: usize,
        n_calls: usize,
        taken: Vec<u8>,
    }

    impl AsyncRead for Stuck {
        fn poll_read(self: Pin<&mut Self>, _context: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Stuck {
        fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(context, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            parts: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).take(self.n_free).collect();
            if bytes.is_empty() {
                return Poll::Pending;
            }
            (self.n_free, self.n_calls) = (self.n_free - bytes.len(), self.n_calls + 1);
            self.taken.extend_from_slice(&bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    struct Bench {
        writer: Writer,
        socket: Socket<Stuck>,
    }

    impl Bench {
        async fn new() -> Self {
            Self { writer: Writer::new(), socket: Socket::new(Stuck::default(), None).await }
        }

        fn push(&mut self, message: &[u8]) {
            self.writer.push(Entry::Message(Frames::of(message, Encoding::Json)));
        }

        /// Lets the connection take bytes; returns true if all is written.
        fn flush(&mut self, n_free: usize) -> bool {
            self.socket.stream().n_free = n_free;
            // Polled again, as a `select!` does.
            let mut context = Context::from_waker(std::task::Waker::noop());
            let first = self.writer.poll_flush(&mut self.socket, &mut context).is_ready();
            let again = self.writer.poll_flush(&mut self.socket, &mut context).is_ready();
            assert_eq!((first, self.writer.is_idle()), (again, again));
            again
        }

        /// Returns the frames that the connection took: kind, whether it is a message's last, length.
        fn taken(&mut self) -> Vec<(OpCode, bool, usize)> {
            let bytes = self.socket.stream().taken.clone();
            let (mut cursor, mut frames) = (io::Cursor::new(&bytes), Vec::new());
            while let Some((header, length)) = FrameHeader::parse(&mut cursor).unwrap() {
                frames.push((header.opcode, header.is_final, usize::try_from(length).unwrap()));
                cursor.set_position(cursor.position() + length);
            }
            frames
        }
    }

    const TEXT: OpCode = OpCode::Data(Data::Text);
    const MORE: OpCode = OpCode::Data(Data::Continue);
    const PING: OpCode = OpCode::Control(Control::Ping);
    const CLOSE: OpCode = OpCode::Control(Control::Close);

    #[tokio::test]
    async fn one_message_at_a_time_whatever_the_connection_takes() {
        let mut bench = Bench::new().await;
        (0..5).for_each(|_| bench.push(b"x"));
        for n_sent in 0..5 {
            assert!(!bench.flush(if n_sent == 0 { 2 } else { 3 }));
            assert_eq!((bench.socket.stream().taken.len(), bench.writer.len()), (3 * n_sent + 2, 4 - n_sent));
        }
        assert!(bench.flush(1));
        assert_eq!(bench.taken(), vec![(TEXT, true, 1); 5]);
    }

    #[tokio::test]
    async fn each_frame_is_timed_from_when_it_was_put_on_its_way() {
        let mut bench = Bench::new().await;
        assert_eq!(bench.writer.busy_since(), None);
        let pushed = Instant::now();
        (0..2).for_each(|_| bench.push(b"x"));
        assert!(bench.writer.busy_since() >= Some(pushed));
        assert!(!bench.flush(0));
        let freed = Instant::now();
        assert!(!bench.flush(3));
        assert!(bench.writer.busy_since() >= Some(freed));
        assert!(bench.flush(3));
        assert_eq!(bench.writer.busy_since(), None);
    }

    #[tokio::test]
    async fn a_usual_message_is_one_call_with_its_ping() {
        let mut bench = Bench::new().await;
        for n_calls in 1..=5 {
            bench.push(&[b'x'; 4_000]);
            assert!(bench.flush(99_999));
            assert_eq!(bench.socket.stream().n_calls, n_calls);
        }
        assert_eq!(bench.taken()[5..], [(PING, true, 8)]);
        bench.push(&[b'x'; 2 * FRAME_BYTES]);
        assert!(bench.flush(99_999));
        assert_eq!(bench.socket.stream().n_calls, 6);
    }

    #[tokio::test]
    async fn a_ping_that_is_due_can_be_dropped() {
        let mut bench = Bench::new().await;
        for n_bytes in [4_000, 4_000, 4_000, 2 * FRAME_BYTES] {
            bench.push(&vec![b'x'; n_bytes]);
        }
        // The last message's two frames are as much as goes out at once.
        assert!(!bench.flush(3 * 4_004));
        bench.writer.drop_all();
        assert!(bench.flush(99_999));
        assert_eq!(bench.taken()[3..], [(TEXT, false, FRAME_BYTES), (MORE, true, FRAME_BYTES)]);
    }

    #[tokio::test]
    async fn long_messages_go_out_in_parts_that_are_completed() {
        let text = "0123456789".repeat(1_000);
        let mut bench = Bench::new().await;
        bench.push(text.as_bytes());
        bench.push(b"waits");
        assert!(!bench.flush(1));
        // Waiting messages can be dropped, but a message that the client has begun to read must be completed.
        bench.writer.drop_waiting();
        bench.writer.push(Entry::Close(CloseFrame { code: 3_000.into(), reason: "".into() }));
        assert!(bench.flush(99_999));
        let parts = [(TEXT, false, FRAME_BYTES), (MORE, false, FRAME_BYTES), (MORE, true, 10_000 - 2 * FRAME_BYTES)];
        assert_eq!(bench.taken(), [&parts[..], &[(CLOSE, true, 2)]].concat());

        // Pings between the parts tell how much of the message the client has read.
        let mut bench = Bench::new().await;
        bench.push(&[7; 35_000]);
        assert!(bench.flush(99_999));
        let kinds: Vec<OpCode> = bench.taken().into_iter().map(|(kind, ..)| kind).collect();
        let pings: Vec<usize> = (0..kinds.len()).filter(|idx| kinds[*idx] == PING).collect();
        assert_eq!((pings, kinds.len(), bench.writer.window().is_open()), (vec![5, 10], 11, false));

        let mut bench = Bench::new().await;
        bench.push(&[7; 10_000]);
        assert!(!bench.flush(0));
        bench.writer.drop_all();
        assert!(bench.flush(99_999));
        assert_eq!(bench.taken().len(), 2);
    }
}
