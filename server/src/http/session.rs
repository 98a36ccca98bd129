//! Logging in and out: `GET`, `POST` and `DELETE /api/v1/session`, and the first user, `POST /api/v1/setup`.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use model::access::{Role, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api_router::ApiRouter,
    body::JsonBody,
    entry::SessionCookie,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Tag},
};
use crate::access::{Access, NewSession, Origin, caller::Caller};

/// Returns the routes of logins.
pub fn routes() -> ApiRouter {
    let describe = |method, path, needs, summary| {
        Operation::new(method, path, needs, Tag::Access, summary).answer::<SessionState>("Who is logged in.")
    };
    ApiRouter::default()
        .operation(describe(Method::GET, "/api/v1/session", Needs::Public, "Who is logged in"), show)
        .operation(
            describe(Method::POST, "/api/v1/session", Needs::Public, "Log in")
                .text("Sets the cookie of the session. For pages; programs use a token.")
                .body::<Credentials>()
                .errors(&[
                    ErrorCode::BadParameter,
                    ErrorCode::WrongLogin,
                    ErrorCode::TooManyAttempts,
                    ErrorCode::Storage,
                ]),
            login,
        )
        .operation(
            describe(Method::DELETE, "/api/v1/session", Needs::VIEWER, "Log out")
                .text("All sockets of the session close.")
                .errors(&[ErrorCode::Storage]),
            logout,
        )
        .operation(
            describe(Method::POST, "/api/v1/setup", Needs::Public, "Make the first user")
                .text("With the code that the server prints when it starts without users. Logs in, too.")
                .body::<SetUp>()
                .errors(&[
                    ErrorCode::BadParameter,
                    ErrorCode::WrongCode,
                    ErrorCode::TooManyAttempts,
                    ErrorCode::Storage,
                ]),
            set_up,
        )
}

/// The login that a browser has, and whether it needs one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionState {
    /// `open`: nobody has to log in; `set_up`: the first user is missing; `needed`: everybody has to.
    login: &'static str,
    /// The user; absent where nobody has to log in, or has.
    user: Option<UserName>,
    /// The rights; absent for whoever has to log in first.
    role: Option<Role>,
}

impl SessionState {
    fn of(access: &Access, caller: Option<&Caller>) -> Self {
        Self {
            login: access.login_state().as_str(),
            user: caller.and_then(|caller| caller.user.clone()),
            role: caller.map(|caller| caller.role),
        }
    }
}

/// `GET`: the state, for everybody.
pub async fn show(State(access): State<Access>, caller: Option<axum::Extension<Caller>>) -> Json<SessionState> {
    Json(SessionState::of(&access, caller.as_ref().map(|caller| &caller.0)))
}

/// A login.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    user: String,
    password: String,
    /// A one-time code or a recovery code, from users who have them on.
    code: Option<String>,
}

/// `POST {"user":"ada","password":"…","code":"…"}`: logs in and sets the cookie.
pub async fn login(
    State(access): State<Access>,
    cookie: SessionCookie,
    old: Option<axum::Extension<Caller>>,
    origin: Origin,
    JsonBody(Credentials { user, password, code }): JsonBody<Credentials>,
) -> Result<Response, ApiError> {
    // In a task of its own: a client that leaves does not stop it half-way.
    let task = tokio::spawn({
        let access = access.clone();
        async move {
            let session = access.login(&user, &password, code.as_deref(), &origin).await?;
            // A login in the place of another one: its session ends.
            if let Some(axum::Extension(old)) = old {
                access.logout(&old).await?;
            }
            Ok(session)
        }
    });
    answer(&access, &cookie, finish(task).await?)
}

/// The first user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    code: String,
    user: String,
    password: String,
}

/// `POST {"code":"…","user":"ada","password":"…"}`: makes the first user, an admin, and logs in.
pub async fn set_up(
    State(access): State<Access>,
    cookie: SessionCookie,
    origin: Origin,
    JsonBody(SetUp { code, user, password }): JsonBody<SetUp>,
) -> Result<Response, ApiError> {
    let task = tokio::spawn({
        let access = access.clone();
        async move { access.set_up(&code, &user, &password, &origin).await }
    });
    answer(&access, &cookie, finish(task).await?)
}

/// `DELETE`: logs out; all sockets of the session close.
pub async fn logout(State(access): State<Access>, cookie: SessionCookie, caller: Caller) -> Result<Response, ApiError> {
    access.logout(&caller).await?;
    let headers = headers(cookie.clear());
    Ok((headers, Json(SessionState::of(&access, None))).into_response())
}

/// Answers with a new session.
///
/// # Errors
/// Never; the form suits handlers.
pub fn answer(access: &Access, cookie: &SessionCookie, session: NewSession) -> Result<Response, ApiError> {
    let NewSession { secret, caller } = session;
    Ok((headers(cookie.set(&secret)), Json(SessionState::of(access, Some(&caller)))).into_response())
}

/// Waits for a task of access.
///
/// # Errors
/// Its error.
pub async fn finish<T>(task: tokio::task::JoinHandle<Result<T, crate::access::AccessError>>) -> Result<T, ApiError> {
    match task.await {
        Ok(result) => Ok(result?),
        Err(_) => Err(ApiError::ShuttingDown),
    }
}

fn headers(cookie: Option<HeaderValue>) -> HeaderMap {
    cookie.map(|cookie| (header::SET_COOKIE, cookie)).into_iter().collect()
}
