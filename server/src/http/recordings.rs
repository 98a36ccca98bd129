//! `/api/v1/recordings`: the recorded files and the running recordings.
//!
//! `GET` lists · `POST /start {"venue":"…","symbols":["…"]}` (symbols optional) · `POST /stop {"venue":"…"}` ·
//! `POST /save-last {"venue":"…"}` saves the last 30 s · `GET /{name}` downloads · `DELETE /{name}` deletes.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use tokio::io::AsyncReadExt;
use wire::command::{Command, CommandResult, FeedRecording, FeedSymbols, OneRecording, OneVenue};

use super::{
    api_router::ApiRouter,
    body::JsonBody,
    commands::{self, CommandSource},
    error::ApiError,
    error_code::ErrorCode,
    operation::{Content, Needs, Operation, Shape, Tag},
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

/// Returns the routes of recordings, without those of single files.
pub fn routes() -> ApiRouter {
    let post = |path, summary| {
        Operation::post(path, Needs::ADMIN, Tag::Recordings, summary)
            .command()
            .errors(&[ErrorCode::Conflict, ErrorCode::Storage])
    };
    ApiRouter::default()
        .operation(
            Operation::get("/api/v1/recordings", Needs::VIEWER, Tag::Recordings, "Recorded files")
                .answer::<RecordingList>("The files, newest name first, and the newest recording of each feed.")
                .errors(&[ErrorCode::Storage]),
            list,
        )
        .operation(
            post("/api/v1/recordings/start", "Start a recording")
                .text("Of some symbols, or of the whole feed.")
                .body::<FeedSymbols>()
                .answer::<FeedRecording>("The recording."),
            start,
        )
        .operation(
            post("/api/v1/recordings/stop", "Stop a recording")
                .body::<OneVenue>()
                .answer::<FeedRecording>("The recording."),
            stop,
        )
        .operation(
            post("/api/v1/recordings/save-last", "Save the last half minute")
                .body::<OneVenue>()
                .answer::<OneRecording>("The new file."),
            save_last,
        )
}

/// Returns the routes of single files. They are compressed already.
pub fn files() -> ApiRouter {
    let path = "/api/v1/recordings/{name}";
    let errors = [ErrorCode::BadParameter, ErrorCode::UnknownRecording];
    let bytes = Content::other("application/octet-stream");
    ApiRouter::default()
        .operation(
            Operation::get(path, Needs::VIEWER, Tag::Recordings, "Download a recording")
                .text("One that is still being written is sent up to its last whole block.")
                .path("name", "The file.", Shape::text(255))
                .answer_of(200, "The file.", vec![bytes])
                .errors(&errors),
            download,
        )
        .operation(
            Operation::new(Method::DELETE, path, Needs::ADMIN, Tag::Recordings, "Delete a recording")
                .path("name", "The file.", Shape::text(255))
                .command()
                .answer::<OneRecording>("The file that was deleted.")
                .errors(&errors)
                .errors(&[ErrorCode::Conflict, ErrorCode::Storage]),
            delete,
        )
}

/// Lists files and recordings.
pub async fn list(State(recordings): State<Recordings>) -> Result<Json<RecordingList>, ApiError> {
    let list = tokio::task::spawn_blocking(move || recordings.list()).await.map_err(|_| ApiError::ShuttingDown)?;
    Ok(Json(list?))
}

/// Starts a recording.
pub async fn start(
    State(router): State<CommandRouter>,
    source: CommandSource,
    JsonBody(symbols): JsonBody<FeedSymbols>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, source, Command::StartRecording(symbols)).await
}

/// Stops a recording.
pub async fn stop(
    State(router): State<CommandRouter>,
    source: CommandSource,
    JsonBody(venue): JsonBody<OneVenue>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, source, Command::StopRecording(venue)).await
}

/// Saves the last half minute.
pub async fn save_last(
    State(router): State<CommandRouter>,
    source: CommandSource,
    JsonBody(venue): JsonBody<OneVenue>,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, source, Command::SaveLast(venue)).await
}

/// Deletes a file.
pub async fn delete(
    State(router): State<CommandRouter>,
    source: CommandSource,
    PathParameter(name): PathParameter,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, source, Command::DeleteRecording(OneRecording { name })).await
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
