//! `/api/v1/recordings`: the recorded files and the running recordings.
//!
//! `GET` lists · `POST /start {"venue":"…","symbols":["…"]}` (symbols optional) · `POST /stop {"venue":"…"}` ·
//! `POST /save-last {"venue":"…"}` saves the last 30 s · `GET /{name}` downloads · `DELETE /{name}` deletes.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use tokio::io::AsyncReadExt;
use wire::command::{Command, CommandResult, FeedSymbols, OneRecording, OneVenue};

use super::{
    body::JsonBody,
    commands::{self, IdempotencyKey},
    error::ApiError,
    parameters::PathParameter,
};
use crate::{
    commands::CommandRouter,
    recorder::{
        error::RecorderError,
        library::{RecordingName, Use},
        recordings::{RecordingList, Recordings},
    },
};

/// Lists files and recordings.
pub async fn list(State(recordings): State<Recordings>) -> Result<Json<RecordingList>, ApiError> {
    let list = tokio::task::spawn_blocking(move || recordings.list()).await.map_err(|_| ApiError::ShuttingDown)?;
    Ok(Json(list?))
}

/// Starts a recording.
pub async fn start(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    JsonBody(symbols): JsonBody<FeedSymbols>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, key, Command::StartRecording(symbols)).await
}

/// Stops a recording.
pub async fn stop(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    JsonBody(venue): JsonBody<OneVenue>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, key, Command::StopRecording(venue)).await
}

/// Saves the last half minute.
pub async fn save_last(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    JsonBody(venue): JsonBody<OneVenue>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, key, Command::SaveLast(venue)).await
}

/// Deletes a file.
pub async fn delete(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    PathParameter(name): PathParameter,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, key, Command::DeleteRecording(OneRecording { name })).await
}

/// Sends a file. One that is still being written is sent up to its last whole block.
pub async fn download(
    State(recordings): State<Recordings>,
    PathParameter(name): PathParameter,
) -> Result<Response, ApiError> {
    let name = RecordingName::parse(&name).ok_or(RecorderError::BadName)?;
    let unknown = || RecorderError::UnknownRecording { name: name.clone() };
    let about = recordings.library().find(&name).ok_or_else(unknown)?;
    let held = recordings.library().hold(&name, Use::Reading);
    let file = tokio::fs::File::open(recordings.library().path(&name)).await.map_err(|_| unknown())?;
    // Later writes are not part of the answer: its length is fixed by now.
    let file = file.take(about.size_bytes);
    let body = Body::from_stream(stream::try_unfold((file, held), async |(mut file, held)| {
        let mut chunk = Vec::with_capacity(CHUNK);
        let n_bytes = (&mut file).take(CHUNK as u64).read_to_end(&mut chunk).await?;
        std::io::Result::Ok((n_bytes > 0).then(|| (Bytes::from(chunk), (file, held))))
    }));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_LENGTH, HeaderValue::from(about.size_bytes)),
        (header::CONTENT_DISPOSITION, disposition(&name)),
    ];
    Ok((headers, body).into_response())
}

fn disposition(name: &RecordingName) -> HeaderValue {
    // Names contain no characters that are invalid in a header.
    HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// Bytes read and sent at a time.
const CHUNK: usize = 64 << 10;
