//! `/ws`: the live stream, one session per browser tab or program.
//!
//! A session owns only its socket and its subscriptions at the hub; every update is created and encoded once for all
//! sessions. Not here: the messages' bytes (`wire`), queues and history (`hub`).
//!
//! # Layout
//! - [`handshake`]: from a request to a socket · [`session`]: one task per connection · [`conversation`]: answers to messages
//! - [`writer`]: outgoing frames · [`window`]: what a client has not read yet · [`commands`]: a client's commands
//! - [`limiter`]: limits a client's messages · [`resolve`]: the list of topics

pub mod commands;
pub mod conversation;
pub mod handshake;
pub mod limiter;
pub mod resolve;
pub mod session;
pub mod window;
pub mod writer;

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use wire::{Encoding, limits::MAX_CLIENT_MESSAGE_BYTES};

use self::handshake::Handshake;
use super::{accept::Slot, error::ApiError, parameters::Parameters, transport::Transport};
use crate::{
    clock::Clock, commands::CommandRouter, config::StreamConfig, feed::directory::Directory, publish::Publishing,
    shutdown::Shutdown,
};

/// The context of every session.
#[derive(Clone, Debug)]
pub struct StreamContext {
    /// The source of updates.
    pub publishing: Publishing,
    /// The instruments of all feeds.
    pub directory: Directory,
    /// Carries commands out.
    pub commands: CommandRouter,
    /// The stream's configuration.
    pub config: Arc<StreamConfig>,
    /// Timestamps answers.
    pub clock: Clock,
}

/// Turns `GET /ws[?format=json]` into a session. The guard has checked `Host` and `Origin` already.
pub async fn upgrade(
    State(context): State<StreamContext>,
    State(shutdown): State<Shutdown>,
    parameters: Parameters,
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
    let response = handshake.response();
    let socket_config = WebSocketConfig::default()
        .max_message_size(Some(MAX_CLIENT_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_CLIENT_MESSAGE_BYTES))
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER);
    // Counted before the answer is sent, so that a shutdown in between waits for this session, too.
    shutdown.sockets.spawn(async move {
        match handshake.socket(socket_config).await {
            Ok(socket) => {
                let transport = transport.map(|Extension(transport)| transport);
                session::run(socket, transport, context, encoding, shutdown.draining).await;
            }
            Err(error) => tracing::debug!(%error, "a connection ended before its first message"),
        }
        drop(slot);
    });
    Ok(response)
}

/// Browsers' messages are small; the library's 128 KiB would be most of a connection's memory. It grows for a larger one.
const READ_BUFFER: usize = 1 << 10;
/// Every frame is flushed as soon as it is written.
const WRITE_BUFFER: usize = 0;
/// One frame and the library's answers to pings.
const MAX_WRITE_BUFFER: usize = 64 << 10;
