//! `/ws`: the live stream, one session a browser tab or program.
//!
//! The session owns nothing but its socket and a subscription at the hub; every update was made and encoded once for
//! all. Not here: the messages' bytes (`wire`), queues and history (`hub`).
//!
//! # Layout
//! - [`session`]: one task a connection · [`conversation`]: what is answered to what · [`writer`]: frames on their way out
//! - [`commands`]: what a client wants done · [`limiter`]: how many messages a client may send · [`resolve`]: which topics there are

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

use super::{accept::Slot, error::ApiError, parameters::Parameters};
use crate::{
    clock::Clock, commands::CommandRouter, config::StreamConfig, feed::directory::Directory, publish::Publishing,
    shutdown::Shutdown,
};

/// What every session needs.
#[derive(Clone, Debug)]
pub struct StreamContext {
    /// Where updates come from.
    pub publishing: Publishing,
    /// Which instruments there are.
    pub directory: Directory,
    /// Carries commands out.
    pub commands: CommandRouter,
    /// Limits and times.
    pub config: Arc<StreamConfig>,
    /// Stamps answers.
    pub clock: Clock,
}

/// `GET /ws[?format=json]`: becomes a session. The guard in front has judged `Host` and `Origin` already.
pub async fn upgrade(
    State(context): State<StreamContext>,
    State(shutdown): State<Shutdown>,
    parameters: Parameters,
    slot: Option<Extension<Slot>>,
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
    // Taken before the answer goes out, so that a shutdown in between waits for this session, too.
    let token = shutdown.sockets.token();
    let upgrade = upgrade
        .max_message_size(MAX_CLIENT_MESSAGE_BYTES)
        .max_frame_size(MAX_CLIENT_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER);
    Ok(upgrade.on_upgrade(async move |socket| {
        session::run(socket, context, encoding, shutdown.draining).await;
        drop((slot, token));
    }))
}

/// What browsers send is small; the library's 128 KiB, for each connection, would be most of its memory.
const READ_BUFFER: usize = 4 << 10;
/// A frame is flushed as soon as it is written; nothing gathers here.
const WRITE_BUFFER: usize = 0;
/// One frame: a batch is cut at [`session::MAX_FRAME`], so this leaves room for a single large snapshot.
const MAX_WRITE_BUFFER: usize = 4 << 20;
