//! `/api/v1/replay`: the replay of a recording. `GET` returns its state, `POST` controls it.
//!
//! `{"load":{"files":["…"],"venue":"…","at_ms":…,"speed":1,"is_paused":false}}` (all but `files` optional) · `"play"` ·
//! `"pause"` · `{"seek":{"position_ms":…}}` · `{"speed":4}` · `"stop"`. The answer is the state then.

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use topics::channels::replay::ReplayData;
use wire::command::{Command, CommandResult, LoadReplay, ReplayControl};

use super::{
    api_router::ApiRouter,
    body::JsonBody,
    commands::{self, CommandSource},
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Tag},
};
use crate::{commands::CommandRouter, recorder::replays::Replays};

/// Returns the routes of the replay.
pub fn routes() -> ApiRouter {
    ApiRouter::default()
        .operation(
            Operation::get("/api/v1/replay", Needs::VIEWER, Tag::Recordings, "State of the replay")
                .answer::<ReplayData>("The state; `replay` is null if nothing is loaded."),
            show,
        )
        .operation(
            Operation::post("/api/v1/replay", Needs::ADMIN, Tag::Recordings, "Load, control or end the replay")
                .command()
                .body::<ReplayRequest>()
                .answer::<ReplayData>("The state then.")
                .errors(&[
                    ErrorCode::UnknownRecording,
                    ErrorCode::Conflict,
                    ErrorCode::NothingPlays,
                    ErrorCode::FeedBusy,
                    ErrorCode::Storage,
                ]),
            tell,
        )
}

/// The body of a `POST`.
#[derive(Deserialize, JsonSchema)]
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
#[derive(Deserialize, JsonSchema)]
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
    source: CommandSource,
    JsonBody(request): JsonBody<ReplayRequest>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, source, request.into()).await
}
