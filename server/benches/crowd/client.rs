//! One client of the crowd: a WebSocket that may read slowly, and the age of what it gets.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use futures::{SinkExt, StreamExt};
use socket2::{Domain, Socket, Type};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use topics::{
    channels::TopicData,
    topic::{Topic, TopicPattern},
};
use wire::{
    Encoding, decode_server, decode_server_json, encode_client,
    message::{ClientMessage, Hello, ServerMessage, Subscribe, Update, UpdateKind},
    names::StreamNames,
};

/// A connection on the fastest lane.
pub(crate) struct Client {
    socket: WebSocketStream<Throttled>,
    encoding: Encoding,
    names: StreamNames,
    offsets: BTreeMap<Topic, u64>,
}

impl Client {
    /// Connects and says hello. With a rate, it reads no faster, and its system takes little in advance.
    pub(crate) async fn connect(address: SocketAddr, encoding: Encoding, bytes_per_second: Option<u32>) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if bytes_per_second.is_some() {
            socket.set_recv_buffer_size(NARROW).unwrap();
        }
        socket.connect(&address.into()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let stream = Throttled::new(TcpStream::from_std(socket.into()).unwrap(), bytes_per_second);
        let query = if encoding == Encoding::Json { "?format=json" } else { "" };
        let request = format!("ws://{address}/ws{query}").into_client_request().unwrap();
        let (socket, _response) = client_async(request, stream).await.unwrap();
        let mut client = Self { socket, encoding, names: StreamNames::new(), offsets: BTreeMap::new() };
        client.say(&ClientMessage::Hello(Hello { protocol: 1, lane_ms: 100, resume: BTreeMap::new() })).await;
        client
    }

    /// Subscribes, without reading the answer.
    pub(crate) async fn follow(&mut self, patterns: &[&str]) {
        let topics = patterns.iter().map(|pattern| TopicPattern::parse(pattern).unwrap()).collect();
        self.say(&ClientMessage::Subscribe(Subscribe { id: 1, topics, lane_ms: None })).await;
    }

    /// Reads one message and notes its ages; `Err` with the close code, 0 without one, at the end.
    pub(crate) async fn next(&mut self, ages: &mut Ages) -> Result<(), u16> {
        let message = match self.socket.next().await {
            Some(Ok(Message::Text(text))) => decode_server_json(text.as_str()).unwrap(),
            Some(Ok(Message::Binary(bytes))) => decode_server(&bytes, &self.names).unwrap(),
            Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
            Some(Ok(_)) => return Ok(()),
            Some(Err(_)) | None => return Err(0),
        };
        self.names.learn(&message);
        if let ServerMessage::Batch(batch) = &message {
            for item in &batch.items {
                self.take(&item.update, ages);
            }
        }
        ages.n_resets += usize::from(matches!(message, ServerMessage::Reset(_)));
        Ok(())
    }

    /// Reads one message and drops it; returns false at the end. Without decoding, hundreds of clients a second need so
    /// little that the server is what is measured.
    pub(crate) async fn skip(&mut self) -> bool {
        matches!(self.socket.next().await, Some(Ok(_)))
    }

    /// Returns the number of bytes read.
    pub(crate) fn n_bytes(&self) -> usize {
        self.socket.get_ref().n_bytes
    }

    async fn say(&mut self, message: &ClientMessage) {
        let bytes = encode_client(message, self.encoding);
        let frame = match self.encoding {
            Encoding::Binary => Message::binary(bytes),
            Encoding::Json => Message::text(String::from_utf8(bytes).unwrap()),
        };
        self.socket.send(frame).await.unwrap();
    }

    fn take(&mut self, update: &Update, ages: &mut Ages) {
        let before = self.offsets.insert(update.topic.clone(), update.offset);
        if update.kind == UpdateKind::Delta {
            ages.n_holes += usize::from(before.is_none_or(|offset| offset + 1 != update.offset));
        } else {
            ages.n_snapshots += 1;
        }
        let (channel, time_us) = match &update.data {
            TopicData::Quote(quote) => ("quote", quote.publish_time_us),
            TopicData::Book(book) => ("book", book.publish_time_us),
            TopicData::Tape(tape) => ("tape", tape.trades.last().map(|trade| trade.venue_time_ms * 1_000)),
            _ => return,
        };
        // An instrument that has long been quiet has an old snapshot; that is its own age, not the way's.
        if let Some(time_us) = time_us.filter(|_| update.kind == UpdateKind::Delta || channel != "tape") {
            let now_us = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
            let age_us = i64::try_from(now_us).unwrap() - time_us;
            ages.by_channel.entry(channel).or_default().push(u32::try_from(age_us.max(0) / 1_000).unwrap_or(u32::MAX));
        }
    }
}

/// Milliseconds from publication to reading, by channel; of trades, from the trade itself.
#[derive(Default)]
pub(crate) struct Ages {
    by_channel: BTreeMap<&'static str, Vec<u32>>,
    n_holes: usize,
    n_resets: usize,
    n_snapshots: usize,
}

impl Ages {
    /// Returns the number of deltas that did not follow the one before.
    pub(crate) fn n_holes(&self) -> usize {
        self.n_holes
    }

    /// Adds another client's.
    pub(crate) fn add(&mut self, other: &Self) {
        for (channel, ages) in &other.by_channel {
            self.by_channel.entry(channel).or_default().extend(ages);
        }
        self.n_holes += other.n_holes;
        self.n_resets += other.n_resets;
        self.n_snapshots += other.n_snapshots;
    }
}

impl fmt::Display for Ages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (channel, ages) in &self.by_channel {
            let mut sorted = ages.clone();
            sorted.sort_unstable();
            let share = |percent: usize| sorted.get((sorted.len() - 1) * percent / 100).copied().unwrap_or(0);
            let (n, p50, p99, most) = (sorted.len(), share(50), share(99), share(100));
            writeln!(f, "  {channel:<6} {n:>8} items, age p50 {p50} ms, p99 {p99} ms, most {most} ms")?;
        }
        write!(f, "  {} snapshots, {} resets, {} holes", self.n_snapshots, self.n_resets, self.n_holes)
    }
}

/// A socket that gives its reader only so many bytes a second.
struct Throttled {
    stream: TcpStream,
    bytes_per_second: Option<u32>,
    pause: Pin<Box<Sleep>>,
    n_bytes: usize,
}

impl Throttled {
    fn new(stream: TcpStream, bytes_per_second: Option<u32>) -> Self {
        Self { stream, bytes_per_second, pause: Box::pin(tokio::time::sleep(Duration::ZERO)), n_bytes: 0 }
    }
}

impl AsyncRead for Throttled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        let Some(rate) = this.bytes_per_second else { return Pin::new(&mut this.stream).poll_read(context, buffer) };
        std::task::ready!(this.pause.as_mut().poll(context));
        let mut part = [0; SIP];
        let mut part = ReadBuf::new(&mut part[..buffer.remaining().min(SIP)]);
        std::task::ready!(Pin::new(&mut this.stream).poll_read(context, &mut part))?;
        let n_bytes = part.filled().len();
        buffer.put_slice(part.filled());
        this.n_bytes += n_bytes;
        let pause = Duration::from_secs(1) * u32::try_from(n_bytes).unwrap_or(u32::MAX) / rate;
        // From the end of the last pause, so that the rate holds although timers are late; none is saved up.
        let from = this.pause.deadline().max(Instant::now() - Duration::from_millis(20));
        this.pause.as_mut().reset(from + pause);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Throttled {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A receive buffer so small that what is measured is the server's delay, not the reader's own.
const NARROW: usize = 4_096;
const SIP: usize = 512;
