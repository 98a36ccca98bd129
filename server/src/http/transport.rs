//! A connection's TCP socket, shared by the HTTP connection and the stream session it may become.
//!
//! The WebSocket library shows neither how many bytes of a frame the client has taken nor lets anyone read on after an
//! error. This socket remembers when bytes last went out, so that a slow client differs from one that has stopped, and
//! can discard what still comes in, so that the last words are not lost. Not here: HTTP, frames, time limits.

use std::{
    io::{self, ErrorKind, IoSlice},
    net::Shutdown,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

/// A connection's socket. Clones share it; it closes with the last one.
#[derive(Clone, Debug)]
pub struct Transport(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    opened: Instant,
    /// Microseconds after `opened`; 0 before the first byte.
    written: AtomicU64,
    /// Microseconds after `opened`; 0 before the first time.
    made_room: AtomicU64,
    is_full: AtomicBool,
}

impl Transport {
    /// Shares a connected socket.
    pub fn new(stream: TcpStream) -> Self {
        let (written, made_room, is_full) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self(Arc::new(Shared { stream, opened: Instant::now(), written, made_room, is_full }))
    }

    /// Returns when bytes last went out; when the connection was opened if none ever did.
    pub fn written_at(&self) -> Instant {
        self.at(&self.0.written).unwrap_or(self.0.opened)
    }

    /// Returns when bytes last went out after the way had been full, which shows that the client reads; `None` if the
    /// way was never full.
    pub fn made_room_at(&self) -> Option<Instant> {
        self.at(&self.0.made_room)
    }

    /// Tunes a new connection: files go out as fast as the way to the client allows.
    pub fn begin_http(&self) {
        let socket = self.socket();
        note(socket.set_tcp_nodelay(true));
        limit_unsent(&socket, UNSENT_FILES);
        limit_unacknowledged(&socket, UNACKNOWLEDGED_TIME);
    }

    /// Tunes the connection for a stream: what waits in the kernel can no longer be replaced by something newer, so
    /// little may wait there. The stream has a time limit of its own: the kernel counts a client that reads slowly
    /// through a small window as silent, although it takes bytes all the time.
    pub fn begin_stream(&self) {
        let socket = self.socket();
        limit_unsent(&socket, UNSENT_UPDATES);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        note(socket.set_send_buffer_size(SEND_BUFFER));
        limit_unacknowledged(&socket, Duration::ZERO);
    }

    /// Ends our side, then reads and drops what the client still sends, until it ends its side or `limit` has passed.
    /// Without this, the system would reset the connection and the client would lose what it has not read yet.
    pub async fn discard(&self, limit: Duration) {
        let stream = &self.0.stream;
        let reading = async {
            self.end_writing()?;
            // On the heap, or every session would have room for it from its beginning.
            let mut buffer = vec![0; DISCARD_BUFFER];
            loop {
                stream.readable().await?;
                match stream.try_read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        };
        let outcome: Result<io::Result<()>, _> = tokio::time::timeout(limit, reading).await;
        if let Ok(Err(error)) = outcome {
            tracing::debug!(%error, "a connection ended before its last words were read");
        }
    }

    /// Waits until something may have come in, or the connection has ended. Like reading, for one task at a time.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.stream.poll_read_ready(context).map(drop)
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.0.stream)
    }

    fn end_writing(&self) -> io::Result<()> {
        match self.socket().shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }

    fn poll_try<T>(
        &self,
        context: &mut Context<'_>,
        poll: impl Fn(&TcpStream, &mut Context<'_>) -> Poll<io::Result<()>>,
        mut work: impl FnMut(&TcpStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(poll(&self.0.stream, context))?;
            match work(&self.0.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_send(
        &self,
        context: &mut Context<'_>,
        work: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let result = self.poll_try(context, TcpStream::poll_write_ready, work);
        match &result {
            Poll::Ready(Ok(n_bytes)) if *n_bytes > 0 => {
                // At least 1, which differs from never.
                let now = u64::try_from(self.0.opened.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
                self.0.written.store(now, Ordering::Relaxed);
                if self.0.is_full.swap(false, Ordering::Relaxed) {
                    self.0.made_room.store(now, Ordering::Relaxed);
                }
            }
            Poll::Ready(_) => {}
            Poll::Pending => self.0.is_full.store(true, Ordering::Relaxed),
        }
        result
    }

    fn at(&self, stamp: &AtomicU64) -> Option<Instant> {
        let micros = Some(stamp.load(Ordering::Relaxed)).filter(|micros| *micros > 0)?;
        self.0.opened.checked_add(Duration::from_micros(micros))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The kernel goes on trying to deliver what a client does not take, and holds the memory meanwhile.
        limit_unacknowledged(&SockRef::from(&self.stream), ORPHAN_TIME);
    }
}

/// Limits the bytes that wait in the kernel beside those that are on their way, which the network bounds. A fast client
/// does not notice, because we are asked for more before they are gone.
fn limit_unsent(socket: &SockRef<'_>, n_bytes: u32) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    note(socket.set_tcp_notsent_lowat(n_bytes));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (socket, n_bytes);
}

/// Limits how long the client's system may take nothing of what was sent; zero: as long as ours allows.
fn limit_unacknowledged(socket: &SockRef<'_>, time: Duration) {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia", target_os = "cygwin"))]
    note(socket.set_tcp_user_timeout(Some(time)));
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "fuchsia", target_os = "cygwin")))]
    let _ = (socket, time);
}

fn note(tuned: io::Result<()>) {
    if let Err(error) = tuned {
        tracing::debug!(%error, "a connection could not be tuned");
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_try(context, TcpStream::poll_read_ready, |stream| stream.try_read_buf(buffer).map(|_| ()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(context, |stream| stream.try_write_vectored(parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.end_writing())
    }
}

const DISCARD_BUFFER: usize = 4 << 10;
/// Send buffer for systems that cannot limit unsent bytes by themselves: 5 Mbit/s for a client 100 ms away.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEND_BUFFER: usize = 32 << 10;
const UNSENT_UPDATES: u32 = 4 << 10;
/// Keeps the way busy while we wait for a turn of the processor.
const UNSENT_FILES: u32 = 128 << 10;
/// The time that a client may take nothing of an answer. The kernel counts it, without a word to the client.
const UNACKNOWLEDGED_TIME: Duration = Duration::from_secs(20);
/// The time for a client to take our last bytes after we have let go.
const ORPHAN_TIME: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn only_a_stream_keeps_little_in_the_kernel() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let default = SockRef::from(&stream).send_buffer_size().unwrap();
        let transport = Transport::new(stream);
        transport.begin_http();
        assert_eq!(transport.socket().send_buffer_size().unwrap(), default, "the system fits it to the way");
        transport.begin_stream();
        #[cfg(any(target_os = "linux", target_os = "android"))]
        assert_eq!(transport.socket().tcp_notsent_lowat().unwrap(), UNSENT_UPDATES);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        assert!(transport.socket().send_buffer_size().unwrap() < default);
    }
}
