//! `/api/v1/replay`: the replay of a recording. `GET` returns its state, `POST` controls it.
//!
//! `{"load":{"files":["…"],"venue":"…","at_ms":…,"speed":1,"is_paused":false}}` (all but `files` optional) · `"play"` ·
//! `"pause"` · `{"seek":{"position_ms":…}}` · `{"speed":4}` · `"stop"`. The answer is the state then.

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

/// The body of a `POST`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayRequest {
    /// Loads these files in place of the current replay.
    Load(LoadReplay),
    /// Plays on.
    Play,
    /// Pauses.
    Pause,
    /// Jumps to another time.
    Seek(SeekRequest),
    /// Plays at a multiple of the recorded speed.
    Speed(f64),
    /// Ends the replay.
    Stop,
}

/// The target of a jump.
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

/// Returns the replay's state.
pub async fn show(State(replays): State<Replays>) -> Json<ReplayData> {
    Json(ReplayData { replay: replays.report() })
}

/// Loads, controls or ends the replay; returns its state then.
pub async fn tell(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    JsonBody(request): JsonBody<ReplayRequest>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, key, request.into()).await
}
