//! `/ws`: the live stream, one session per browser tab or program.
//!
//! A session owns only its socket and its subscriptions at the hub; every update is created and encoded once for all
//! sessions. Not here: the messages' bytes (`wire`), queues and history (`hub`).
//!
//! # Layout
//! - [`session`]: one task per connection · [`conversation`]: answers to messages · [`writer`]: outgoing frames
//! - [`commands`]: a client's commands · [`limiter`]: limits a client's messages · [`resolve`]: the list of topics

pub mod commands;
pub mod conversation;
pub mod limiter;
pub mod resolve;
pub mod session;
pub mod writer;

use std::sync::Arc;

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::Response,
};
use wire::{Encoding, limits::MAX_CLIENT_MESSAGE_BYTES};

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
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
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
    let upgrade = upgrade.map_err(|_| ApiError::NotAWebSocket)?;
    // Taken before the answer is sent, so that a shutdown in between waits for this session, too.
    let token = shutdown.sockets.token();
    let upgrade = upgrade
        .max_message_size(MAX_CLIENT_MESSAGE_BYTES)
        .max_frame_size(MAX_CLIENT_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER);
    Ok(upgrade.on_upgrade(async move |socket| {
        let transport = transport.map(|Extension(transport)| transport);
        session::run(socket, transport, context, encoding, shutdown.draining).await;
        drop((slot, token));
    }))
}

/// Browsers' messages are small; the library's 128 KiB would be most of a connection's memory.
const READ_BUFFER: usize = 4 << 10;
/// Every frame is flushed as soon as it is written.
const WRITE_BUFFER: usize = 0;
/// One frame: batches are far smaller, so this allows for a single large snapshot.
const MAX_WRITE_BUFFER: usize = 4 << 20;
