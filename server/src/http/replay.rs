//! `/api/v1/replay`: the recording that plays. `GET` says how it stands, `POST` tells it what to do.
//!
//! `{"load":{"files":["…"],"venue":"…","at_ms":…,"speed":1,"is_paused":false}}` (all but `files` optional) · `"play"` ·
//! `"pause"` · `{"seek":{"position_ms":…}}` · `{"speed":4}` · `"stop"`. The answer is how it stands then.

use axum::{Json, extract::State};
use serde::Deserialize;
use topics::channels::replay::ReplayData;
use wire::command::{Command, CommandResult, LoadReplay, ReplayControl};

use super::{
    body::JsonBody,
    commands::{self, IdempotencyKey},
    error::ApiError,
};
use crate::{commands::CommandRouter, recorder::replays::Replays};

/// A body of `POST`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayRequest {
    /// Play these files of the list in place of the loaded replay.
    Load(LoadReplay),
    /// Play on.
    Play,
    /// Pause.
    Pause,
    /// Go to another moment.
    Seek(SeekRequest),
    /// Play at a multiple of the recorded speed.
    Speed(f64),
    /// End the replay.
    Stop,
}

/// Where to go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeekRequest {
    position_ms: i64,
}

impl From<ReplayRequest> for Command {
    fn from(request: ReplayRequest) -> Self {
        Self::ControlReplay(match request {
            ReplayRequest::Load(load) => return Self::LoadReplay(load),
            ReplayRequest::Play => ReplayControl::Play,
            ReplayRequest::Pause => ReplayControl::Pause,
            ReplayRequest::Seek(SeekRequest { position_ms }) => ReplayControl::Seek { position_ms },
            ReplayRequest::Speed(speed) => ReplayControl::Speed(speed),
            ReplayRequest::Stop => ReplayControl::Stop,
        })
    }
}

/// How it stands.
pub async fn show(State(replays): State<Replays>) -> Json<ReplayData> {
    Json(ReplayData { replay: replays.report() })
}

/// Loads, controls or ends the replay; the answer is its state then.
pub async fn tell(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    JsonBody(request): JsonBody<ReplayRequest>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, key, request.into()).await
}
