//! A stream client for tests, in both forms, that checks what every client may rely on: contiguous offsets.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures::{SinkExt, StreamExt};
use server::{
    config::{self, Config, FeedConfig, LimitsConfig},
    serve::Server,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, handshake::client::Response, http::HeaderName},
};
use topics::{
    channels::TopicData,
    topic::{Topic, TopicPattern},
};
use wire::{
    Encoding, decode_server, decode_server_json, encode_client,
    message::{ClientMessage, Hello, Position, ServerMessage, Subscribe, Update, UpdateKind},
    names::StreamNames,
};

/// Longer than anything here may take on a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Two instruments of the simulated market: all twenty take a debug build most of a core.
pub(crate) fn demo_config() -> Config {
    let symbols = vec!["ADA-SIM".to_owned(), "XRP-SIM".to_owned()];
    let feeds = vec![FeedConfig { venue: "demo".into(), symbols }];
    let mut config = Config { feeds, ..Config::default() };
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    // Never the data of whoever runs the tests; nothing is written there unless a test names a folder of its own.
    // Tests of the desk ask for one, in a folder of their own.
    config.desk.enabled = false;
    // All clients of a test call from one address, and fast.
    config.limits = LimitsConfig {
        connections_per_address: 1_000_000,
        streams_per_address: 1_000_000,
        streams_per_account: 1_000_000,
        requests_burst: 1_000_000,
        ..LimitsConfig::default()
    };
    config.server.data_dir = std::env::temp_dir().join(format!("truetape-no-data-{}", std::process::id()));
    config
}

/// A server over the simulated market, its `[stream]` changed by `adjust`.
pub(crate) async fn demo_server(adjust: impl FnOnce(&mut config::StreamConfig)) -> Server {
    let mut config = demo_config();
    adjust(&mut config.stream);
    Server::start(config).await.unwrap()
}

/// One connection to `/ws`.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    encoding: Encoding,
    names: StreamNames,
    /// The epoch and the last offset of each topic.
    pub(crate) positions: BTreeMap<Topic, Position>,
    /// Each topic's snapshot with all deltas since merged into it.
    pub(crate) state: BTreeMap<Topic, TopicData>,
}

impl Client {
    /// Connects without saying anything.
    pub(crate) async fn connect(server: &Server, encoding: Encoding) -> Self {
        Self::over(TcpStream::connect(server.address()).await.unwrap(), server, encoding).await
    }

    /// Connects over a socket made before.
    pub(crate) async fn over(stream: TcpStream, server: &Server, encoding: Encoding) -> Self {
        Self::with_headers(stream, server, encoding, &[]).await
    }

    async fn with_headers(stream: TcpStream, server: &Server, encoding: Encoding, headers: &[(&str, String)]) -> Self {
        let query = if encoding == Encoding::Json { "?format=json" } else { "" };
        let mut request = format!("ws://{}/ws{query}", server.address()).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let (socket, _response): (_, Response) = client_async(request, stream).await.unwrap();
        let (names, positions, state) = (StreamNames::new(), BTreeMap::new(), BTreeMap::new());
        Self { socket, encoding, names, positions, state }
    }

    /// Connects and says hello on the lane of 100 ms.
    pub(crate) async fn greet(server: &Server, encoding: Encoding) -> Self {
        let mut client = Self::connect(server, encoding).await;
        assert!(matches!(client.hello(BTreeMap::new()).await.as_slice(), [ServerMessage::Welcome(_)]));
        client
    }

    /// Connects as a program with a token, and says hello with the positions to resume; returns what came with the welcome.
    pub(crate) async fn with_token(
        server: &Server,
        token: &str,
        resume: BTreeMap<Topic, Position>,
    ) -> (Self, Vec<ServerMessage>) {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        let headers = [("authorization", format!("Bearer {token}"))];
        let mut client = Self::with_headers(stream, server, Encoding::Json, &headers).await;
        let answers = client.hello(resume).await;
        (client, answers)
    }

    /// Says hello; returns the welcome and what came with it before any item.
    pub(crate) async fn hello(&mut self, resume: BTreeMap<Topic, Position>) -> Vec<ServerMessage> {
        let n_expected = 1 + usize::from(!resume.is_empty());
        self.say(&ClientMessage::Hello(Hello { protocol: 1, lane_ms: 100, resume })).await;
        let mut answers = Vec::new();
        while answers.len() < n_expected {
            answers.push(self.next().await.unwrap());
        }
        answers
    }

    /// Sends a message.
    pub(crate) async fn say(&mut self, message: &ClientMessage) {
        let bytes = encode_client(message, self.encoding);
        let frame = match self.encoding {
            Encoding::Binary => Message::binary(bytes),
            Encoding::Json => Message::text(String::from_utf8(bytes).unwrap()),
        };
        self.socket.send(frame).await.unwrap();
    }

    /// Sends text as it stands.
    pub(crate) async fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Subscribes; returns the answer.
    pub(crate) async fn subscribe(&mut self, id: u64, topics: &[&str]) -> ServerMessage {
        let topics = topics.iter().map(|topic| TopicPattern::parse(topic).unwrap()).collect();
        self.say(&ClientMessage::Subscribe(Subscribe { id, topics, lane_ms: None })).await;
        self.until(|message| matches!(message, ServerMessage::Subscribed(_) | ServerMessage::Refused(_))).await
    }

    /// The next message; `Err` with the close frame's code once the connection has ended (0 without a frame).
    pub(crate) async fn next(&mut self) -> Result<ServerMessage, u16> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("the server says something");
            let message = match frame {
                Some(Ok(Message::Text(text))) => decode_server_json(text.as_str()).unwrap(),
                Some(Ok(Message::Binary(bytes))) => decode_server(&bytes, &self.names).unwrap(),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Err(0),
            };
            self.names.learn(&message);
            if let ServerMessage::Batch(batch) = &message {
                batch.items.iter().for_each(|item| self.take(&item.update));
            }
            return Ok(message);
        }
    }

    /// Reads until a message that fits has come.
    pub(crate) async fn until(&mut self, mut is_wanted: impl FnMut(&ServerMessage) -> bool) -> ServerMessage {
        loop {
            let message = self.next().await.expect("the connection stays open");
            if is_wanted(&message) {
                return message;
            }
        }
    }

    /// Reads until `topic` has come to an offset of `n_more` above the one it has, or above its snapshot's.
    pub(crate) async fn advance(&mut self, topic: &str, n_more: u64) {
        let topic = Topic::parse(topic).unwrap();
        while !self.positions.contains_key(&topic) {
            self.next().await.unwrap();
        }
        let wanted = self.offset(&topic) + n_more;
        while self.offset(&topic) < wanted {
            self.next().await.unwrap();
        }
    }

    /// Reads to the end; the close code.
    pub(crate) async fn drain(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    /// The last offset of a topic that something has come of.
    pub(crate) fn offset(&self, topic: &Topic) -> u64 {
        self.positions[topic].offset
    }

    fn take(&mut self, update: &Update) {
        let topic = &update.topic;
        match update.kind {
            UpdateKind::Snapshot => {
                let epoch = update.epoch.clone().expect("a snapshot names its epoch");
                self.positions.insert(topic.clone(), Position { epoch, offset: update.offset, lane_ms: None });
                self.state.insert(topic.clone(), update.data.clone());
            }
            UpdateKind::Delta => {
                let known = self.positions.get_mut(topic);
                let known = known.unwrap_or_else(|| panic!("a delta before a snapshot: {update:?}"));
                assert_eq!(update.offset, known.offset + 1, "{topic}");
                known.offset = update.offset;
                if let Some(state) = self.state.get_mut(topic) {
                    state.merge(&update.data);
                }
            }
        }
    }
}
