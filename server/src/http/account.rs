//! A user's own account: password, sessions and tokens.
//!
//! `GET /api/v1/sessions`, `/api/v1/tokens`; an admin may name another user, as in `?user=ada`.

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::Response,
};
use model::{
    access::{Role, TokenLabel, UserName},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api_router::ApiRouter,
    body::JsonBody,
    documents::schemas::Schemas,
    entry::SessionCookie,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Content, Needs, Operation, Shape, Tag, optional},
    parameters::{Parameters, PathParameter},
    session::{SessionState, answer, finish},
};
use crate::access::{
    Access, AccessError, Origin,
    caller::{Caller, Proof},
};

/// Returns the routes of one's own account.
pub fn routes() -> ApiRouter {
    let describe = |method, path, summary| Operation::new(method, path, Needs::VIEWER, Tag::Access, summary);
    let of_user = || optional("user", "Of another user, for admins.", Shape::request::<UserName>());
    let made = || vec![Content::json(Shape::Type(Schemas::answer::<MadeToken>))];
    ApiRouter::default()
        .operation(
            describe(Method::PUT, "/api/v1/password", "Change the own password")
                .text("All sessions of the user end; the cookie of the answer is a new one.")
                .body::<PasswordChange>()
                .answer::<SessionState>("Who is logged in.")
                .errors(&[
                    ErrorCode::BadParameter,
                    ErrorCode::WrongLogin,
                    ErrorCode::TooManyAttempts,
                    ErrorCode::Storage,
                ]),
            change_password,
        )
        .operation(
            describe(Method::GET, "/api/v1/sessions", "Sessions")
                .query([of_user()])
                .answer::<Sessions>("The sessions, newest first.")
                .errors(&[ErrorCode::Forbidden]),
            sessions,
        )
        .operation(
            describe(Method::DELETE, "/api/v1/sessions/{session_id}", "End a session")
                .path("session_id", "As the list has it.", Shape::text(64))
                .no_content("It has ended; its sockets close.")
                .errors(&[ErrorCode::Unknown, ErrorCode::Storage]),
            end_session,
        )
        .operation(
            describe(Method::GET, "/api/v1/tokens", "Tokens")
                .query([of_user()])
                .answer::<Tokens>("The tokens without their secrets, newest first.")
                .errors(&[ErrorCode::Forbidden]),
            tokens,
        )
        .operation(
            describe(Method::POST, "/api/v1/tokens", "Make a token")
                .text("Its secret is in this answer alone.")
                .body::<NewToken>()
                .answer_of(201, "The token.", made())
                .errors(&[ErrorCode::BadParameter, ErrorCode::Forbidden, ErrorCode::Conflict, ErrorCode::Storage]),
            add_token,
        )
        .operation(
            describe(Method::DELETE, "/api/v1/tokens/{token_id}", "Revoke a token")
                .path("token_id", "As the list has it.", Shape::text(64))
                .no_content("It is revoked; its sockets close.")
                .errors(&[ErrorCode::Unknown, ErrorCode::Storage]),
            remove_token,
        )
}

/// A change of the own password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    old: String,
    new: String,
}

/// `PUT /api/v1/password {"old":"…","new":"…"}`: all sessions of the user end, and this one gets a new secret.
pub async fn change_password(
    State(access): State<Access>,
    cookie: SessionCookie,
    caller: Caller,
    origin: Origin,
    JsonBody(PasswordChange { old, new }): JsonBody<PasswordChange>,
) -> Result<Response, ApiError> {
    let task = tokio::spawn({
        let access = access.clone();
        async move { access.change_password(&caller, &old, &new, &origin).await }
    });
    answer(&access, &cookie, finish(task).await?)
}

/// A login in one browser.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BrowserSession")]
pub struct Session {
    session_id: String,
    user: UserName,
    created_time: Timestamp,
    seen_time: Timestamp,
    address: String,
    agent: String,
    /// True for the session that asks.
    is_own: bool,
}

/// The sessions of a user.
#[derive(Serialize, JsonSchema)]
pub struct Sessions {
    sessions: Vec<Session>,
}

/// `GET /api/v1/sessions`: the newest first.
pub async fn sessions(
    State(access): State<Access>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<Sessions>, ApiError> {
    let own = match &caller.proof {
        Proof::Session { session_id, .. } => Some(session_id.clone()),
        _ => None,
    };
    let sessions = user_of(&caller, &parameters)?.map(|user| access.sessions_of(&user)).unwrap_or_default();
    let sessions = sessions.into_iter().map(|(row, seen_time)| Session {
        is_own: own.as_deref() == Some(row.session_id.as_str()),
        session_id: row.session_id,
        user: row.user,
        created_time: row.created_time,
        seen_time,
        address: row.address,
        agent: row.agent,
    });
    Ok(Json(Sessions { sessions: sessions.collect() }))
}

/// `DELETE /api/v1/sessions/{session_id}`: ends it; its sockets close.
pub async fn end_session(
    State(access): State<Access>,
    caller: Caller,
    PathParameter(session_id): PathParameter,
) -> Result<StatusCode, ApiError> {
    access.end_session(&caller, &session_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A program's access, without its secret.
#[derive(Serialize, JsonSchema)]
pub struct Token {
    token_id: String,
    user: UserName,
    label: TokenLabel,
    scope: Role,
    created_time: Timestamp,
    expires_time: Option<Timestamp>,
    seen_time: Option<Timestamp>,
}

/// The tokens of a user.
#[derive(Serialize, JsonSchema)]
pub struct Tokens {
    tokens: Vec<Token>,
}

/// `GET /api/v1/tokens`: the newest first.
pub async fn tokens(
    State(access): State<Access>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<Tokens>, ApiError> {
    let tokens = user_of(&caller, &parameters)?.map(|user| access.tokens_of(&user)).unwrap_or_default();
    let tokens = tokens.into_iter().map(|(row, seen_time)| Token {
        token_id: row.token_id,
        user: row.user,
        label: row.label,
        scope: row.scope,
        created_time: row.created_time,
        expires_time: row.expires_time,
        seen_time,
    });
    Ok(Json(Tokens { tokens: tokens.collect() }))
}

/// A wish for a token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    label: String,
    scope: Role,
    /// Absent: it does not expire.
    days: Option<u32>,
}

/// A token that was made: the only answer with its secret.
#[derive(Serialize, JsonSchema)]
pub struct MadeToken {
    token_id: String,
    token: String,
}

/// `POST /api/v1/tokens {"label":"bot","scope":"viewer","days":90}`: makes a token of the caller.
pub async fn add_token(
    State(access): State<Access>,
    caller: Caller,
    JsonBody(NewToken { label, scope, days }): JsonBody<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), ApiError> {
    let made = access.add_token(&caller, &label, scope, days).await?;
    let body = MadeToken { token_id: made.row.token_id, token: made.secret.reveal().to_owned() };
    Ok((StatusCode::CREATED, Json(body)))
}

/// `DELETE /api/v1/tokens/{token_id}`: revokes it; its sockets close.
pub async fn remove_token(
    State(access): State<Access>,
    caller: Caller,
    PathParameter(token_id): PathParameter,
) -> Result<StatusCode, ApiError> {
    access.remove_token(&caller, &token_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the user that is asked about: the caller, or for admins any user.
fn user_of(caller: &Caller, parameters: &Parameters) -> Result<Option<UserName>, ApiError> {
    let Some(named) = parameters.text("user") else { return Ok(caller.user.clone()) };
    let named = UserName::parse(named)
        .map_err(|error| ApiError::BadParameter { parameter: "user", remedy: error.to_string() })?;
    if caller.role < Role::Admin && caller.user.as_ref() != Some(&named) {
        return Err(AccessError::TooLowRole { role: caller.role, needed: Role::Admin }.into());
    }
    Ok(Some(named))
}
