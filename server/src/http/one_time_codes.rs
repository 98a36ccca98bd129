//! `/api/v1/totp`: a user's own one-time codes, as the second factor of logins.
//!
//! `GET` says whether they are on · `POST {"password":"…"}` makes a secret · `PUT {"code":"…"}` turns them on with its
//! first code · `POST /remove {"password":"…","code":"…"}` turns them off. An admin turns off those of another user
//! (`super::users`). Not here: the codes themselves (`access::totp`).

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use qrcodegen::{QrCode, QrCodeEcc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api_router::ApiRouter,
    body::JsonBody,
    entry::SessionCookie,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Tag},
    session::{SessionState, answer, finish},
};
use crate::access::{Access, Origin, caller::Caller, second_factor::NewCodes};

/// Returns the routes of one's own one-time codes.
pub fn routes() -> ApiRouter {
    let describe = |method, path, summary| Operation::new(method, path, Needs::VIEWER, Tag::Access, summary);
    let errors = [ErrorCode::BadParameter, ErrorCode::WrongLogin, ErrorCode::TooManyAttempts, ErrorCode::Storage];
    ApiRouter::default()
        .operation(
            describe(Method::GET, "/api/v1/totp", "One-time codes")
                .answer::<TotpState>("Whether logins of the caller need a code.")
                .errors(&[ErrorCode::Storage]),
            show,
        )
        .operation(
            describe(Method::POST, "/api/v1/totp", "Begin one-time codes")
                .text("Makes a secret for an authenticator app. It counts once a code of it was sent by `PUT`.")
                .body::<TotpWish>()
                .answer::<TotpSetUp>("The secret and recovery codes, shown this once.")
                .errors(&errors)
                .errors(&[ErrorCode::Conflict]),
            begin,
        )
        .operation(
            describe(Method::PUT, "/api/v1/totp", "Turn one-time codes on")
                .text("All sessions of the user end; the cookie of the answer is a new one. Tokens go on.")
                .body::<TotpConfirmation>()
                .answer::<SessionState>("Who is logged in.")
                .errors(&[ErrorCode::BadParameter, ErrorCode::Storage]),
            confirm,
        )
        .operation(
            describe(Method::POST, "/api/v1/totp/remove", "Turn one-time codes off")
                .text("All sessions of the user end; the cookie of the answer is a new one.")
                .body::<TotpRemoval>()
                .answer::<SessionState>("Who is logged in.")
                .errors(&errors)
                .errors(&[ErrorCode::Unknown]),
            remove,
        )
}

/// The second factor of the caller's logins.
#[derive(Serialize, JsonSchema)]
pub struct TotpState {
    /// True if logins need a code.
    is_on: bool,
    /// Recovery codes that are left.
    n_recovery_codes: i64,
}

/// `GET`: whether they are on.
pub async fn show(State(access): State<Access>, caller: Caller) -> Result<Json<TotpState>, ApiError> {
    let state = access.codes_state(&caller).await?;
    Ok(Json(TotpState { is_on: state.is_on, n_recovery_codes: state.n_recovery_codes }))
}

/// A wish for one-time codes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpWish {
    /// The caller's password.
    password: String,
}

/// A secret for an authenticator app.
#[derive(Serialize, JsonSchema)]
pub struct TotpSetUp {
    /// In base 32, to type.
    secret: String,
    /// As a link that apps open.
    address: String,
    /// The link as a picture.
    qr: QrPicture,
    /// Codes for logins without the app, each for one.
    recovery_codes: Vec<String>,
}

/// A QR code.
#[derive(Serialize, JsonSchema)]
pub struct QrPicture {
    /// Squares a side.
    size: i32,
    /// The dark squares as an SVG path in units of squares.
    path: String,
}

/// `POST {"password":"…"}`: makes a secret.
pub async fn begin(
    State(access): State<Access>,
    caller: Caller,
    origin: Origin,
    JsonBody(TotpWish { password }): JsonBody<TotpWish>,
) -> Result<Response, ApiError> {
    let user = caller.user.clone();
    let task = tokio::spawn(async move { access.begin_codes(&caller, &password, &origin).await });
    let NewCodes { secret, recovery_codes } = finish(task).await?;
    let address = user.map(|user| secret.address(&user)).unwrap_or_default();
    let body = TotpSetUp { qr: picture(&address)?, secret: secret.reveal(), address, recovery_codes };
    let not_kept = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(([not_kept], Json(body)).into_response())
}

/// The first code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpConfirmation {
    /// Six digits.
    code: String,
}

/// `PUT {"code":"…"}`: turns them on.
pub async fn confirm(
    State(access): State<Access>,
    cookie: SessionCookie,
    caller: Caller,
    origin: Origin,
    JsonBody(TotpConfirmation { code }): JsonBody<TotpConfirmation>,
) -> Result<Response, ApiError> {
    let task = tokio::spawn({
        let access = access.clone();
        async move { access.confirm_codes(&caller, &code, &origin).await }
    });
    answer(&access, &cookie, finish(task).await?)
}

/// The end of one-time codes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpRemoval {
    /// The caller's password.
    password: String,
    /// A one-time code or a recovery code.
    code: String,
}

/// `POST /remove {"password":"…","code":"…"}`: turns them off.
pub async fn remove(
    State(access): State<Access>,
    cookie: SessionCookie,
    caller: Caller,
    origin: Origin,
    JsonBody(TotpRemoval { password, code }): JsonBody<TotpRemoval>,
) -> Result<Response, ApiError> {
    let task = tokio::spawn({
        let access = access.clone();
        async move { access.remove_own_codes(&caller, &password, &code, &origin).await }
    });
    answer(&access, &cookie, finish(task).await?)
}

/// Draws a text as a QR code.
fn picture(text: &str) -> Result<QrPicture, ApiError> {
    let qr = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_too_long| ApiError::BadParameter { parameter: "user", remedy: "its name is too long".to_owned() })?;
    let size = qr.size();
    let squares = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    let path = squares.filter(|(x, y)| qr.get_module(*x, *y)).map(|(x, y)| format!("M{x},{y}h1v1h-1z")).collect();
    Ok(QrPicture { size, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The finder patterns stand in three corners of every QR code, and in the fourth there is none.
    #[test]
    fn a_link_is_drawn_as_a_qr_code() {
        let QrPicture { size, path } = picture("otpauth://totp/Truetape:ada?secret=GEZDGNBVGY3TQOJQ").unwrap();
        let is_dark = |x: i32, y: i32| path.contains(&format!("M{x},{y}h"));
        assert!((21..60).contains(&size) && (size - 17) % 4 == 0, "{size}");
        for (left, top) in [(0, 0), (size - 7, 0), (0, size - 7)] {
            assert!((0..7).all(|n| is_dark(left + n, top) && is_dark(left, top + n)), "{left} {top}");
            assert!((1..6).all(|n| !is_dark(left + n, top + 1)), "{left} {top}");
        }
        assert!(!(0..7).all(|n| is_dark(size - 7 + n, size - 7)));
    }
}
