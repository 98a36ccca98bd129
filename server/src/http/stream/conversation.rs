//! Answers a client's messages and keeps its subscriptions at the hub. No socket: messages in, messages out.

use std::collections::BTreeMap;

use hub::{
    error::{Closed, HubError},
    subscriber::{Delivery, DeliveryKind, ResetReason as HubReset, Resume, Subscriber},
};
use topics::{
    lane::Lane,
    topic::{Topic, TopicPattern},
};
use wire::{
    PROTOCOL_VERSION,
    close_code::CloseCode,
    message::{
        ClientMessage, Hello, Pong, Position, RefusalCode, Refused, Reset, ResetReason, Resumed, ServerMessage,
        SnapshotRequest, StreamName, Subscribe, Subscribed, Unsubscribe, Unsubscribed, Welcome,
    },
};

use super::{
    StreamContext,
    commands::{self, Pending},
    resolve,
};
use crate::access::caller::Caller;
use crate::publish::{self, SharedUpdate};

/// The conversation with one client.
#[derive(Debug)]
pub struct Conversation {
    context: StreamContext,
    /// Whose commands these are.
    caller: Caller,
    /// `None` until hello.
    subscriber: Option<Subscriber<SharedUpdate>>,
    /// The lane of topics whose subscription names none.
    lane: Lane,
}

/// The reply to a message.
#[derive(Default)]
pub struct Reply {
    /// The messages to send, in this order.
    pub messages: Vec<ServerMessage>,
    /// Closes the connection after the messages.
    pub close: Option<CloseCode>,
    /// A running command; its answer follows when it is done.
    pub pending: Option<Pending>,
}

impl Reply {
    fn of(message: ServerMessage) -> Self {
        Self { messages: vec![message], ..Self::default() }
    }

    fn refused(id: Option<u64>, code: RefusalCode, message: impl Into<String>) -> Self {
        Self::of(ServerMessage::Refused(Refused { id, code, message: message.into() }))
    }
}

impl Conversation {
    /// Creates a conversation before the client's hello.
    pub fn new(context: StreamContext, caller: Caller) -> Self {
        Self { context, caller, subscriber: None, lane: Lane::default() }
    }

    /// Returns the subscriptions; `None` until hello.
    pub fn subscriber(&self) -> Option<&Subscriber<SharedUpdate>> {
        self.subscriber.as_ref()
    }

    /// Ends all subscriptions and frees their queue.
    pub fn leave(&mut self) {
        self.subscriber = None;
    }

    /// Returns the message that precedes a batch in which event streams skip to a snapshot; `None` if none does.
    pub fn reset_before(&self, batch: &[Delivery<SharedUpdate>]) -> Option<ServerMessage> {
        let restarts = batch.iter().filter(|delivery| delivery.kind == DeliveryKind::Restart);
        let topics: Vec<StreamName> = restarts
            .map(|delivery| StreamName { topic: delivery.payload.update().topic.clone(), stream: delivery.stream })
            .collect();
        let reset = Reset { topics, reason: ResetReason::HistoryExceeded };
        (!reset.topics.is_empty()).then_some(ServerMessage::Reset(reset))
    }

    /// Answers one message.
    pub fn answer(&mut self, message: ClientMessage) -> Reply {
        match (&self.subscriber, message) {
            (None, ClientMessage::Hello(hello)) => self.hello(&hello),
            (Some(_), ClientMessage::Hello(_)) => {
                Reply::refused(None, RefusalCode::OutOfTurn, "hello was said already")
            }
            (_, ClientMessage::Ping(ping)) => {
                let server_time_ms = self.context.clock.now().wall.as_millis();
                Reply::of(ServerMessage::Pong(Pong { t: ping.t, server_time_ms }))
            }
            (None, other) => Reply::refused(id_of(&other), RefusalCode::OutOfTurn, "say hello first"),
            (Some(subscriber), ClientMessage::Subscribe(request)) => self.subscribe(subscriber, &request),
            (Some(subscriber), ClientMessage::Unsubscribe(request)) => unsubscribe(subscriber, &request),
            (Some(subscriber), ClientMessage::Snapshot(request)) => snapshot(subscriber, &request),
            (Some(_), ClientMessage::Command(request)) => {
                match commands::begin(&self.context.commands, self.caller.clone(), request) {
                    Ok(pending) => Reply { pending: Some(pending), ..Reply::default() },
                    Err(refused) => Reply::of(ServerMessage::Refused(refused)),
                }
            }
        }
    }

    fn hello(&mut self, hello: &Hello) -> Reply {
        let subscriber = match self.context.publishing.hub().connect() {
            Ok(subscriber) => subscriber,
            Err(error) => {
                let refused = Reply::refused(None, RefusalCode::Unavailable, error.to_string());
                return Reply { close: Some(TRY_AGAIN_LATER), ..refused };
            }
        };
        tracing::Span::current().record("client", subscriber.id());
        tracing::debug!("a client said hello");
        let welcome = Welcome {
            protocol: PROTOCOL_VERSION,
            epoch: self.context.publishing.epoch(),
            client: subscriber.id().to_string(),
            server_time_ms: self.context.clock.now().wall.as_millis(),
        };
        self.lane = Lane::from_ms(hello.lane_ms);
        let mut reply = Reply::of(ServerMessage::Welcome(welcome));
        if !hello.resume.is_empty() {
            reply.messages.extend(self.resume(&subscriber, &hello.resume));
        }
        self.subscriber = Some(subscriber);
        reply
    }

    /// Resumes each topic at its position; returns messages about the resumed, reset and refused topics.
    fn resume(
        &self,
        subscriber: &Subscriber<SharedUpdate>,
        positions: &BTreeMap<Topic, Position>,
    ) -> Vec<ServerMessage> {
        let mut resumed = Resumed { topics: Vec::new(), replayed: 0, lost: 0 };
        let mut epoch_changed = Vec::new();
        let mut history_exceeded = Vec::new();
        let mut refused = Vec::new();
        for (topic, position) in positions {
            let outcome = self.topics(&TopicPattern::from(topic.clone())).and_then(|_| {
                let Position { epoch, offset, lane_ms } = position;
                let spec = publish::spec(topic, self.lane_of(*lane_ms));
                subscriber.resume(&spec, epoch.as_str(), *offset).map_err(|error| refusal_of(&error))
            });
            let name = |stream| StreamName { topic: topic.clone(), stream };
            match outcome {
                Ok(Resume::Resumed { stream, replayed }) => {
                    resumed.topics.push(name(stream));
                    resumed.replayed += replayed;
                }
                Ok(Resume::Reset { stream, reason: HubReset::EpochChanged }) => epoch_changed.push(name(stream)),
                Ok(Resume::Reset { stream, reason: HubReset::HistoryExceeded }) => history_exceeded.push(name(stream)),
                Err((code, message)) => refused.push(ServerMessage::Refused(Refused { id: None, code, message })),
            }
        }
        let mut messages = Vec::new();
        if !resumed.topics.is_empty() {
            messages.push(ServerMessage::Resumed(resumed));
        }
        for (reason, topics) in
            [(ResetReason::EpochChanged, epoch_changed), (ResetReason::HistoryExceeded, history_exceeded)]
        {
            if !topics.is_empty() {
                messages.push(ServerMessage::Reset(Reset { topics, reason }));
            }
        }
        messages.extend(refused);
        messages
    }

    fn lane_of(&self, lane_ms: Option<u32>) -> Lane {
        lane_ms.map_or(self.lane, Lane::from_ms)
    }

    /// Returns the topics that match a pattern. Every way to follow a topic comes through here, so whoever may not follow
    /// it never holds a stream of it.
    fn topics(&self, pattern: &TopicPattern) -> Result<Vec<Topic>, (RefusalCode, String)> {
        let needed = pattern.channel().needs();
        if self.caller.role < needed {
            return Err((RefusalCode::Forbidden, format!("{pattern} needs the role {needed}")));
        }
        resolve::topics(&self.context.directory, pattern).map_err(|words| (RefusalCode::UnknownTopic, words))
    }

    /// Subscribes to all topics of the request, or to none.
    fn subscribe(&self, subscriber: &Subscriber<SharedUpdate>, request: &Subscribe) -> Reply {
        let mut wanted: Vec<Topic> = Vec::new();
        for pattern in &request.topics {
            match self.topics(pattern) {
                Ok(topics) => wanted.extend(topics),
                Err((code, message)) => return Reply::refused(Some(request.id), code, message),
            }
        }
        let lane = self.lane_of(request.lane_ms);
        let mut names: Vec<StreamName> = Vec::with_capacity(wanted.len());
        let mut added = Vec::new();
        for topic in wanted {
            let spec = publish::spec(&topic, lane);
            let is_new = subscriber.stream_of(&spec.topic).is_none();
            match subscriber.subscribe(&spec) {
                Ok(stream) if names.iter().all(|known| known.stream != stream) => {
                    names.push(StreamName { topic, stream });
                    if is_new {
                        added.push(spec.topic);
                    }
                }
                Ok(_named_twice) => {}
                Err(error) => {
                    for topic in added {
                        subscriber.unsubscribe(&topic);
                    }
                    let (code, message) = refusal_of(&error);
                    return Reply::refused(Some(request.id), code, message);
                }
            }
        }
        Reply::of(ServerMessage::Subscribed(Subscribed { id: request.id, topics: names }))
    }
}

fn unsubscribe(subscriber: &Subscriber<SharedUpdate>, request: &Unsubscribe) -> Reply {
    let gone = matching(subscriber, &request.topics);
    for topic in &gone {
        subscriber.unsubscribe(&topic.to_string());
    }
    Reply::of(ServerMessage::Unsubscribed(Unsubscribed { id: request.id, topics: gone }))
}

fn snapshot(subscriber: &Subscriber<SharedUpdate>, request: &SnapshotRequest) -> Reply {
    for pattern in &request.topics {
        if matching(subscriber, std::slice::from_ref(pattern)).is_empty() {
            let message = format!("{pattern} is not subscribed to");
            return Reply::refused(Some(request.id), RefusalCode::NotSubscribed, message);
        }
    }
    for topic in matching(subscriber, &request.topics) {
        subscriber.request_snapshot(&topic.to_string());
    }
    // The snapshots themselves are the answer.
    Reply::default()
}

/// Returns the followed topics that match the patterns.
fn matching(subscriber: &Subscriber<SharedUpdate>, patterns: &[TopicPattern]) -> Vec<Topic> {
    let followed = subscriber.topics();
    followed
        .iter()
        .filter_map(|(text, _)| Topic::parse(text).ok())
        .filter(|topic| patterns.iter().any(|pattern| pattern.is_match(topic)))
        .collect()
}

fn refusal_of(error: &HubError) -> (RefusalCode, String) {
    let code = match error {
        HubError::TooManyTopics { .. } => RefusalCode::TooManyTopics,
        HubError::TooManyStreams { .. } | HubError::TooManySubscribers { .. } | HubError::Closed(_) => {
            RefusalCode::Unavailable
        }
    };
    (code, error.to_string())
}

/// Returns the close code for the hub's reason to end a subscription.
pub fn close_code_of(closed: Closed) -> CloseCode {
    match closed {
        Closed::InsufficientState => CloseCode::INSUFFICIENT_STATE,
        Closed::Shutdown => CloseCode::RESTART,
    }
}

fn id_of(message: &ClientMessage) -> Option<u64> {
    match message {
        ClientMessage::Hello(_) | ClientMessage::Ping(_) => None,
        ClientMessage::Subscribe(request) => Some(request.id),
        ClientMessage::Unsubscribe(request) => Some(request.id),
        ClientMessage::Snapshot(request) => Some(request.id),
        ClientMessage::Command(request) => Some(request.id),
    }
}

/// From the registry of RFC 6455: the server is overloaded. Below 3500, so clients reconnect.
const TRY_AGAIN_LATER: CloseCode = CloseCode(1013);
