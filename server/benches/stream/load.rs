//! The clients of a measurement: one process, one thread. They read everything, and a few of them look at it.

use std::{
    collections::BTreeMap,
    io::Write,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};
use topics::{channels::TopicData, topic::TopicPattern};
use wire::{
    Encoding, decode_server, decode_server_json, encode_client,
    message::{ClientMessage, Hello, ServerMessage, Subscribe, UpdateKind},
    names::StreamNames,
};

use crate::{Form, floor};

/// Arguments of the clients' process.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LoadArguments {
    #[arg(long, hide = true, default_value = "127.0.0.1:0")]
    address: SocketAddr,
    #[arg(long, hide = true, default_value_t = 0)]
    pub(crate) n: usize,
    #[arg(long, hide = true, default_value_t = 0)]
    for_secs: u64,
    #[arg(long, hide = true, value_enum, default_value_t = Form::Bare)]
    of: Form,
}

/// Measurements of the clients.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Report {
    /// Bytes of all clients' messages.
    pub(crate) n_bytes: u64,
    /// Items and bytes of the clients that look at what they read.
    pub(crate) n_sample_items: u64,
    pub(crate) n_sample_bytes: u64,
    /// Deltas among them that did not follow the one before.
    pub(crate) n_holes: u64,
    /// Microseconds from publication to reading, sorted.
    ages_us: Vec<u32>,
    /// The messages of one client: microseconds since the beginning, and bytes with the frames' heads.
    pub(crate) schedule: Vec<(u64, usize)>,
}

impl Report {
    /// Returns the median, the 99th percentile and the most, in milliseconds.
    pub(crate) fn ages(&self) -> String {
        let share = |percent: usize| self.ages_us.get((self.ages_us.len().max(1) - 1) * percent / 100).unwrap_or(&0);
        let [p50, p99, most] = [50, 99, 100].map(|percent| f64::from(*share(percent)) / 1e3);
        format!("{p50:.1}/{p99:.1}/{most:.0}")
    }
}

/// State shared by all clients.
#[derive(Default)]
struct Counters {
    is_counting: AtomicBool,
    n_bytes: AtomicU64,
    looks: Mutex<Report>,
}

/// Connects all clients, says `begin` once all are served, and prints a report after the time.
pub(crate) fn run(arguments: &LoadArguments) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let counters = Arc::new(Counters::default());
        let started = Instant::now();
        for number in 0..arguments.n {
            // Spread over all, as the first of a turn gets its message before the last.
            let looks = number.is_multiple_of(arguments.n.div_ceil(MOST_LOOKING));
            let eye = looks.then(|| Eye { started, keeps_schedule: number == 0, ..Eye::new() });
            let stream = TcpStream::connect(arguments.address).await.unwrap();
            match arguments.of.encoding() {
                Some(encoding) => {
                    let client = Client::greet(stream, arguments.address, encoding).await;
                    tokio::spawn(client.read(Arc::clone(&counters), eye));
                }
                None => {
                    tokio::spawn(read_bare(stream, Arc::clone(&counters), eye));
                }
            }
        }
        tokio::time::sleep(SETTLE_TIME).await;
        counters.is_counting.store(true, Ordering::Relaxed);
        let begun = started.elapsed();
        say("begin");
        tokio::time::sleep(Duration::from_secs(arguments.for_secs)).await;
        counters.is_counting.store(false, Ordering::Relaxed);
        let mut report = std::mem::take(&mut *counters.looks.lock().unwrap());
        report.n_bytes = counters.n_bytes.load(Ordering::Relaxed);
        report.ages_us.sort_unstable();
        let begun_us = u64::try_from(begun.as_micros()).unwrap();
        report.schedule.iter_mut().for_each(|(at, _)| *at = at.saturating_sub(begun_us));
        say(&serde_json::to_string(&report).unwrap());
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

/// A client of the stream.
struct Client {
    socket: tokio_tungstenite::WebSocketStream<TcpStream>,
    encoding: Encoding,
}

impl Client {
    /// Says hello and follows the quotes.
    async fn greet(stream: TcpStream, address: SocketAddr, encoding: Encoding) -> Self {
        stream.set_nodelay(true).unwrap();
        let query = if encoding == Encoding::Json { "?format=json" } else { "" };
        let request = format!("ws://{address}/ws{query}").into_client_request().unwrap();
        let config = WebSocketConfig::default().read_buffer_size(16 << 10);
        let (socket, _response) = client_async_with_config(request, stream, Some(config)).await.unwrap();
        let mut client = Self { socket, encoding };
        client.say(&ClientMessage::Hello(Hello { protocol: 1, lane_ms: 100, resume: BTreeMap::new() })).await;
        let topics = vec![TopicPattern::parse(TOPICS).unwrap()];
        client.say(&ClientMessage::Subscribe(Subscribe { id: 1, topics, lane_ms: None })).await;
        client
    }

    async fn say(&mut self, message: &ClientMessage) {
        let bytes = encode_client(message, self.encoding);
        let frame = match self.encoding {
            Encoding::Binary => Message::binary(bytes),
            Encoding::Json => Message::text(String::from_utf8(bytes).unwrap()),
        };
        self.socket.send(frame).await.unwrap();
    }

    /// Reads to the end; the library answers pings meanwhile.
    async fn read(mut self, counters: Arc<Counters>, mut eye: Option<Eye>) {
        while let Some(Ok(message)) = self.socket.next().await {
            let n_bytes = message.len() + frame_heads(message.len());
            match &mut eye {
                Some(eye) => eye.see(&message, n_bytes, &counters),
                None if message.is_ping() => {}
                None => counters.count(n_bytes),
            }
        }
    }
}

/// Reads what the floor writes.
async fn read_bare(mut stream: TcpStream, counters: Arc<Counters>, eye: Option<Eye>) {
    let mut buffer = vec![0; 64 << 10];
    let Some(_eye) = eye else {
        while let Ok(n_bytes @ 1..) = stream.read(&mut buffer).await {
            counters.count(n_bytes);
        }
        return;
    };
    let mut head = [0; floor::HEAD_BYTES];
    while stream.read_exact(&mut head).await.is_ok() {
        let (n_bytes, publish_time_us) = floor::read_head(head);
        if stream.read_exact(&mut buffer[..n_bytes - floor::HEAD_BYTES]).await.is_err() {
            return;
        }
        counters.count(n_bytes);
        counters.look(|report| report.ages_us.push(age_us(publish_time_us)));
    }
}

impl Counters {
    fn count(&self, n_bytes: usize) {
        if self.is_counting.load(Ordering::Relaxed) {
            self.n_bytes.fetch_add(n_bytes as u64, Ordering::Relaxed);
        }
    }

    fn look(&self, note: impl FnOnce(&mut Report)) {
        if self.is_counting.load(Ordering::Relaxed) {
            note(&mut self.looks.lock().unwrap());
        }
    }
}

/// One of the few clients that decode what they read.
struct Eye {
    names: StreamNames,
    offsets: BTreeMap<String, u64>,
    started: Instant,
    keeps_schedule: bool,
}

impl Eye {
    fn new() -> Self {
        Self { names: StreamNames::new(), offsets: BTreeMap::new(), started: Instant::now(), keeps_schedule: false }
    }

    fn see(&mut self, message: &Message, n_bytes: usize, counters: &Counters) {
        let decoded = match message {
            Message::Text(text) => decode_server_json(text.as_str()).unwrap(),
            Message::Binary(bytes) => decode_server(bytes, &self.names).unwrap(),
            _ => return,
        };
        counters.count(n_bytes);
        self.names.learn(&decoded);
        let ServerMessage::Batch(batch) = &decoded else { return };
        let (mut n_holes, mut ages) = (0, Vec::new());
        for item in &batch.items {
            let before = self.offsets.insert(item.update.topic.to_string(), item.update.offset);
            let follows = before.is_some_and(|offset| offset + 1 == item.update.offset);
            n_holes += u64::from(item.update.kind == UpdateKind::Delta && !follows);
            if let TopicData::Quote(quote) = &item.update.data {
                ages.extend(quote.publish_time_us.map(age_us));
            }
        }
        let at_us = u64::try_from(self.started.elapsed().as_micros()).unwrap();
        counters.look(|report| {
            report.n_sample_items += batch.items.len() as u64;
            report.n_sample_bytes += n_bytes as u64;
            report.n_holes += n_holes;
            report.ages_us.extend(ages);
            if self.keeps_schedule {
                report.schedule.push((at_us, n_bytes));
            }
        });
    }
}

/// Bytes of the heads of a message's frames, for the sizes that occur here.
fn frame_heads(n_bytes: usize) -> usize {
    if n_bytes < 126 { 2 } else { 4 * n_bytes.div_ceil(4_080) }
}

fn age_us(publish_time_us: i64) -> u32 {
    let now_us = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
    u32::try_from(i64::try_from(now_us).unwrap() - publish_time_us).unwrap_or(0)
}

/// Twenty instruments.
const TOPICS: &str = "quote:demo:*";
/// Few, so that decoding is a small part of the clients' time.
const MOST_LOOKING: usize = 20;
/// For the snapshots of the last ones, and for frames to grow to their usual size.
const SETTLE_TIME: Duration = Duration::from_secs(3);
