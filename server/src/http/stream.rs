//! `/ws`: the live stream, one session per browser tab or program.
//!
//! A session owns only its socket and its subscriptions at the hub; every update is created and encoded once for all
//! sessions. Not here: the messages' bytes (`wire`), queues and history (`hub`).
//!
//! # Layout
//! - [`handshake`]: from a request to a socket · [`session`]: one task per connection · [`conversation`]: answers to messages
//! - [`socket`]: the library's half · [`writer`]: the other half · [`window`]: what a client has not read yet
//! - [`frames`]: messages as bytes of the socket · [`batches`]: those of updates, shared by sessions
//! - [`limiter`]: limits a client's messages · [`resolve`]: the list of topics · [`commands`]: a client's commands

pub mod batches;
pub mod commands;
pub mod conversation;
pub mod frames;
pub mod handshake;
pub mod limiter;
pub mod resolve;
pub mod session;
pub mod socket;
pub mod window;
pub mod writer;

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use wire::Encoding;

use self::{batches::Batches, handshake::Handshake};
use super::{
    accept::Peer,
    api_router::ApiRouter,
    entry::address_of,
    error::ApiError,
    error_code::ErrorCode,
    observe::RequestId,
    operation::{Needs, Operation, Shape, Tag, optional},
    parameters::Parameters,
    transport::Transport,
};
use crate::{
    access::{Access, caller::Caller},
    clock::Clock,
    commands::CommandRouter,
    config::Live,
    feed::directory::Directory,
    limits::Limits,
    metrics::counters::clients::StreamCounters,
    places::Slot,
    publish::Publishing,
    shutdown::Shutdown,
};

/// Returns the route of the stream.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/ws", Needs::VIEWER, Tag::Server, "The stream")
            .text("A WebSocket handshake; `asyncapi.json` beside this document describes the messages.")
            .query([optional(
                "format",
                "The form of the messages; programs use json.",
                Shape::Plain(serde_json::json!({ "type": "string", "enum": ["binary", "json"], "default": "binary" })),
            )])
            .answer_of(101, "The connection is a WebSocket from here on.", Vec::new())
            .errors(&[ErrorCode::NotAWebSocket, ErrorCode::TooManyStreams]),
        upgrade,
    )
}

/// The context of every session.
#[derive(Clone, Debug)]
pub struct StreamContext {
    /// The source of updates.
    pub publishing: Publishing,
    /// The instruments of all feeds.
    pub directory: Directory,
    /// Users, sessions and tokens.
    pub access: Access,
    /// Carries commands out.
    pub commands: CommandRouter,
    /// The configuration; each session keeps to that of its beginning.
    pub live: Live,
    /// Timestamps answers.
    pub clock: Clock,
    /// Counts messages.
    pub counters: StreamCounters,
    /// Frames for all sessions.
    pub batches: Arc<Batches>,
}

/// Turns `GET /ws[?format=json]` into a session. The guard has checked `Host` and `Origin` already.
#[expect(clippy::too_many_arguments, reason = "one an extractor")]
pub async fn upgrade(
    State(context): State<StreamContext>,
    State(shutdown): State<Shutdown>,
    State(limits): State<Limits>,
    peer: Option<Extension<Peer>>,
    caller: Caller,
    parameters: Parameters,
    id: Option<Extension<RequestId>>,
    slot: Option<Extension<Slot>>,
    transport: Option<Extension<Transport>>,
    handshake: Result<Handshake, ApiError>,
) -> Result<Response, ApiError> {
    let encoding = match parameters.text("format") {
        None | Some("binary") => Encoding::Binary,
        Some("json") => Encoding::Json,
        Some(_) => {
            return Err(ApiError::BadParameter { parameter: "format", remedy: "write json or binary".to_owned() });
        }
    };
    if shutdown.has_begun() {
        return Err(ApiError::ShuttingDown);
    }
    let handshake = handshake?;
    let address = address_of(peer.as_deref());
    let share = limits.stream(address, caller.user.as_ref())?;
    let response = handshake.response();
    let id = id.map(|Extension(RequestId(id))| id).unwrap_or_default();
    // The client's number comes with its hello.
    let span = tracing::error_span!("session", request_id = %id, client = tracing::field::Empty);
    // Counted before the answer is sent, so that a shutdown in between waits for this session, too.
    let session = async move {
        match handshake.socket(transport.map(|Extension(transport)| transport)).await {
            Ok(socket) => session::run(socket, context, (caller, encoding), shutdown.draining, span).await,
            Err(error) => tracing::debug!(parent: &span, %error, "a connection ended before its first message"),
        }
        drop((slot, share));
    };
    shutdown.sockets.spawn(session);
    Ok(response)
}
