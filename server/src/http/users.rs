//! Users, for admins: `GET` and `POST /api/v1/users`, `PATCH` and `DELETE /api/v1/users/{name}`, and
//! `DELETE /api/v1/users/{name}/totp`.

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
};
use model::{
    access::{Role, UserName},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api_router::ApiRouter,
    body::JsonBody,
    documents::schemas::Schemas,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Content, Needs, Operation, Shape, Tag},
    parameters::PathParameter,
    session::finish,
};
use crate::access::{Access, caller::Caller};

/// Returns the routes of users.
pub fn routes() -> ApiRouter {
    let describe = |method, path, summary| Operation::new(method, path, Needs::ADMIN, Tag::Access, summary);
    let name = |operation: Operation| operation.path("name", "The user.", Shape::text(64));
    let added = || vec![Content::json(Shape::Type(Schemas::answer::<AddedUser>))];
    ApiRouter::default()
        .operation(describe(Method::GET, "/api/v1/users", "Users").answer::<Users>("All users, by name."), list)
        .operation(
            describe(Method::POST, "/api/v1/users", "Add a user")
                .text("The first user is an admin; from then on everybody has to log in.")
                .body::<NewUser>()
                .answer_of(201, "The user.", added())
                .errors(&[ErrorCode::BadParameter, ErrorCode::Conflict, ErrorCode::Storage]),
            add,
        )
        .operation(
            name(describe(Method::PATCH, "/api/v1/users/{name}", "Change a user"))
                .text("A new role or password ends all sessions of the user.")
                .body::<UserChange>()
                .no_content("It is changed.")
                .errors(&[ErrorCode::BadParameter, ErrorCode::UnknownUser, ErrorCode::Conflict, ErrorCode::Storage]),
            change,
        )
        .operation(
            name(describe(Method::DELETE, "/api/v1/users/{name}", "Remove a user"))
                .text("With its sessions and tokens.")
                .no_content("It is removed.")
                .errors(&[ErrorCode::UnknownUser, ErrorCode::Conflict, ErrorCode::Storage]),
            remove,
        )
        .operation(
            name(describe(Method::DELETE, "/api/v1/users/{name}/totp", "Turn off a user's one-time codes"))
                .text("For users who have lost their app and their recovery codes. All of their sessions end.")
                .no_content("They are off.")
                .errors(&[ErrorCode::UnknownUser, ErrorCode::Unknown, ErrorCode::Storage]),
            remove_codes,
        )
}

/// A user, as admins see it.
#[derive(Serialize, JsonSchema)]
pub struct User {
    name: UserName,
    role: Role,
    created_time: Timestamp,
    /// Open sessions.
    n_sessions: usize,
    /// Tokens.
    n_tokens: usize,
    /// True if logins need a one-time code.
    has_codes: bool,
}

/// All users.
#[derive(Serialize, JsonSchema)]
pub struct Users {
    users: Vec<User>,
}

/// `GET`: all users, by name.
pub async fn list(State(access): State<Access>) -> Json<Users> {
    let users = access.users().into_iter().map(|row| User {
        n_sessions: access.sessions_of(&row.name).len(),
        n_tokens: access.tokens_of(&row.name).len(),
        has_codes: row.totp_secret.is_some(),
        name: row.name,
        role: row.role,
        created_time: row.created_time,
    });
    Json(Users { users: users.collect() })
}

/// A new user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    name: String,
    role: Role,
    password: String,
}

/// The name of a user that was added.
#[derive(Serialize, JsonSchema)]
pub struct AddedUser {
    name: UserName,
}

/// `POST {"name":"ada","role":"trader","password":"…"}`.
pub async fn add(
    State(access): State<Access>,
    caller: Caller,
    JsonBody(NewUser { name, role, password }): JsonBody<NewUser>,
) -> Result<(StatusCode, Json<AddedUser>), ApiError> {
    let task = tokio::spawn(async move { access.add_user(&caller, &name, role, &password).await });
    Ok((StatusCode::CREATED, Json(AddedUser { name: finish(task).await? })))
}

/// Changes of a user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    role: Option<Role>,
    password: Option<String>,
}

/// `PATCH {"role":"viewer"}` or `{"password":"…"}`: all sessions of the user end.
pub async fn change(
    State(access): State<Access>,
    caller: Caller,
    PathParameter(name): PathParameter,
    JsonBody(UserChange { role, password }): JsonBody<UserChange>,
) -> Result<StatusCode, ApiError> {
    if role.is_none() && password.is_none() {
        let remedy = r#"write {"role":"trader"} or {"password":"…"}"#.to_owned();
        return Err(ApiError::BadParameter { parameter: "body", remedy });
    }
    let task = tokio::spawn(async move {
        if let Some(role) = role {
            access.set_role(&caller, &name, role).await?;
        }
        if let Some(password) = password {
            access.set_password(&caller, &name, &password).await?;
        }
        Ok(())
    });
    finish(task).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE`: removes a user with its sessions and tokens.
pub async fn remove(
    State(access): State<Access>,
    caller: Caller,
    PathParameter(name): PathParameter,
) -> Result<StatusCode, ApiError> {
    access.remove_user(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/users/{name}/totp`: logins of the user need no code from now on.
pub async fn remove_codes(
    State(access): State<Access>,
    caller: Caller,
    PathParameter(name): PathParameter,
) -> Result<StatusCode, ApiError> {
    access.remove_codes(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
