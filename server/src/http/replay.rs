//! `/api/v1/replay`: the recording that plays. `GET` says how it stands, `POST` tells it what to do.
//!
//! `{"load":{"files":["…"],"venue":"…","at_ms":…,"speed":1,"is_paused":false}}` (all but `files` optional) · `"play"` ·
//! `"pause"` · `{"seek":{"position_ms":…}}` · `{"speed":4}` · `"stop"`. The answer is how it stands then.

use axum::{Json, extract::State};
use model::time::Timestamp;
use recording::player::Control;
use serde::Deserialize;
use topics::channels::replay::ReplayData;

use super::{body::JsonBody, error::ApiError, recordings::known};
use crate::recorder::replays::{Load, Replays};

/// What to do.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayCommand {
    /// Play these files of the list instead of what plays.
    Load(LoadCommand),
    /// Go on.
    Play,
    /// Stand still.
    Pause,
    /// Go elsewhere.
    Seek(SeekCommand),
    /// So many times as fast as it was recorded.
    Speed(f64),
    /// End it.
    Stop,
}

/// What to play.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadCommand {
    files: Vec<String>,
    venue: Option<String>,
    at_ms: Option<i64>,
    #[serde(default = "recorded_speed")]
    speed: f64,
    #[serde(default)]
    is_paused: bool,
}

/// Where to go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeekCommand {
    position_ms: i64,
}

/// How it stands.
pub async fn show(State(replays): State<Replays>) -> Json<ReplayData> {
    Json(ReplayData { replay: replays.report() })
}

/// Does what it is told.
pub async fn tell(
    State(replays): State<Replays>,
    JsonBody(order): JsonBody<ReplayCommand>,
) -> Result<Json<ReplayData>, ApiError> {
    match order {
        ReplayCommand::Load(order) => {
            if order.files.len() > FILES {
                let remedy = format!("name at most {FILES} files");
                return Err(ApiError::BadParameter { parameter: "files", remedy });
            }
            let names = order.files.iter().map(|name| known(name)).collect::<Result<Vec<_>, _>>()?;
            let load = Load {
                paths: Vec::new(),
                venue: order.venue,
                at: order.at_ms.map(Timestamp::from_millis),
                speed: order.speed,
                is_paused: order.is_paused,
            };
            return Ok(Json(ReplayData { replay: Some(replays.load_named(&names, load).await?) }));
        }
        ReplayCommand::Play => replays.control(Control::Play)?,
        ReplayCommand::Pause => replays.control(Control::Pause)?,
        ReplayCommand::Seek(order) => replays.control(Control::Seek(Timestamp::from_millis(order.position_ms)))?,
        ReplayCommand::Speed(speed) => replays.control(Control::Speed(speed))?,
        ReplayCommand::Stop => replays.stop().await,
    }
    // The player listens a hundred times a second; its answer is what the caller wants to see.
    tokio::time::sleep(HEARD_AFTER).await;
    Ok(Json(ReplayData { replay: replays.report() }))
}

fn recorded_speed() -> f64 {
    1.0
}

/// Files of one replay: a recording of a week with an hour a file.
const FILES: usize = 256;
const HEARD_AFTER: std::time::Duration = std::time::Duration::from_millis(60);
