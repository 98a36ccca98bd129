//! `POST /login`: the form of the login page, and that page in the place of pages that need a login.
//!
//! For people; programs use `POST /api/v1/session`. The answer to a login leads back to the page that was asked for,
//! never elsewhere.

use app::{
    login::{LoginForm, login_page},
    pages::is_page,
};
use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use leptos::nonce::Nonce;
use serde::Deserialize;

use super::{
    api_router::ApiRouter,
    entry::SessionCookie,
    error::{ApiError, with_causes},
    error_code::ErrorCode,
    operation::{Content, Needs, Operation, Tag},
    security::page_policy,
    session::finish,
    site,
};
use crate::access::{Access, AccessError, LoginState, Origin, caller::Caller};

/// Returns the route of the form.
pub fn routes() -> ApiRouter {
    let page = || vec![Content::other("text/html")];
    ApiRouter::default().operation(
        Operation::post("/login", Needs::Public, Tag::Access, "Log in with the form of the login page")
            .body_of(Content::other("application/x-www-form-urlencoded"))
            .answer_of(303, "Logged in: back to the page that was asked for.", Vec::new())
            .answer_of(401, "The form again, with what is wrong.", page())
            .errors(&[ErrorCode::BadParameter]),
        submit,
    )
}

/// The fields of the form.
#[derive(Deserialize)]
pub struct Fields {
    user: String,
    password: String,
    /// Of the first set-up.
    code: Option<String>,
    /// Of users who have them on; others leave it empty.
    #[serde(default)]
    one_time_code: String,
    #[serde(default)]
    next: String,
}

/// Logs in, or makes the first user; shows the form again if that fails.
pub async fn submit(
    State(access): State<Access>,
    cookie: SessionCookie,
    old: Option<Extension<Caller>>,
    origin: Origin,
    headers: HeaderMap,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(Fields { user, password, code, one_time_code, next }) =
        form.map_err(|error| ApiError::BadParameter { parameter: "body", remedy: error.body_text() })?;
    let task = tokio::spawn({
        let (access, user) = (access.clone(), user.clone());
        async move {
            let session = match code {
                Some(code) => access.set_up(&code, &user, &password, &origin).await?,
                None => {
                    let one_time_code = Some(one_time_code.as_str()).filter(|code| !code.is_empty());
                    access.login(&user, &password, one_time_code, &origin).await?
                }
            };
            if let Some(Extension(old)) = old {
                access.logout(&old).await?;
            }
            Ok(session)
        }
    });
    match finish(task).await {
        Ok(session) => {
            let mut headers = HeaderMap::from_iter([(header::LOCATION, location(&next))]);
            headers.extend(cookie.set(&session.secret).map(|cookie| (header::SET_COOKIE, cookie)));
            Ok((StatusCode::SEE_OTHER, headers).into_response())
        }
        Err(ApiError::Access(error)) => {
            let status = ApiError::from(AccessError::WrongLogin).kind().0;
            let problem = format!("{}.", capitalised(&with_causes(&error)));
            Ok(page(&access, &headers, LoginForm { next, user, problem, ..LoginForm::default() }, status).await)
        }
        Err(error) => Err(error),
    }
}

/// Returns the page of the login for a request that needs one; `None` if its caller may see the page.
pub async fn in_place_of(access: &Access, caller: Option<&Caller>, headers: &HeaderMap, uri: &Uri) -> Option<Response> {
    if caller.is_some() || access.login_state() == LoginState::Open {
        return None;
    }
    let next = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    Some(page(access, headers, LoginForm { next, ..LoginForm::default() }, StatusCode::UNAUTHORIZED).await)
}

async fn page(access: &Access, headers: &HeaderMap, form: LoginForm, status: StatusCode) -> Response {
    let build = site::build().await;
    let is_set_up = access.login_state() == LoginState::SetUp;
    let form = LoginForm { is_set_up, has_codes: access.has_one_time_codes(), ..form };
    let nonce = Nonce::new().to_string();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let policy = HeaderValue::from_str(&page_policy(&nonce, host)).ok();
    let headers = [
        (header::CACHE_CONTROL, Some(HeaderValue::from_static("no-store"))),
        // With the usual policy, browsers send the form without naming this site as its origin.
        (header::REFERRER_POLICY, Some(HeaderValue::from_static("same-origin"))),
        (header::CONTENT_TYPE, Some(HeaderValue::from_static("text/html; charset=utf-8"))),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    let headers: HeaderMap =
        headers.into_iter().filter_map(|(name, value): (HeaderName, _)| Some((name, value?))).collect();
    (status, headers, login_page(&build, form, &nonce)).into_response()
}

/// Returns the address of a page, relative to the form's: it works under any prefix, and leads nowhere else.
fn location(next: &str) -> HeaderValue {
    let (path, query) = next.split_once('?').map_or((next, None), |(path, query)| (path, Some(query)));
    if !is_page(path) {
        return HeaderValue::from_static("./");
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    HeaderValue::from_str(&format!(".{path}{query}")).unwrap_or(HeaderValue::from_static("./"))
}

fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_a_page_of_ours() {
        for (next, expected) in [
            ("/", "./"),
            ("/positions", "./positions"),
            ("/markets?symbol=demo%3ABTC-SIM", "./markets?symbol=demo%3ABTC-SIM"),
            ("", "./"),
            ("//evil.example", "./"),
            ("https://evil.example/", "./"),
            ("/\\evil.example", "./"),
            ("/api/v1/session", "./"),
            ("/positions?a\r\nset-cookie: x=y", "./"),
        ] {
            assert_eq!(location(next), expected, "{next}");
        }
    }
}
