//! The entrance: finds out who asks, by a browser's cookie or a program's token, and lets a route's callers in.
//!
//! Every route names what it needs ([`super::operation`]); there is no way to add one without. Pages and their files are
//! public: they hold no data. Not here: passwords, sessions and tokens (`access`), and `Host` and `Origin` (`guard`).

use std::net::{IpAddr, Ipv4Addr};

use super::{accept::Peer, error::ApiError, forwarded::Scheme, operation::Needs};
use crate::access::{Access, AccessError, Origin, caller::Caller, secret::Secret};
use axum::{
    extract::{FromRef, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    middleware::Next,
    response::Response,
};

/// Checks a caller; `None` is one that is not logged in.
///
/// # Errors
/// Not logged in, or a role that is too low.
pub fn check(needs: Needs, caller: Option<&Caller>) -> Result<(), AccessError> {
    let Needs::Role(needed) = needs else { return Ok(()) };
    match caller {
        None => Err(AccessError::NotLoggedIn),
        Some(caller) if caller.role < needed => Err(AccessError::TooLowRole { role: caller.role, needed }),
        Some(_) => Ok(()),
    }
}

/// The layer that finds out who asks. Whoever shows nothing valid has no [`Caller`].
pub async fn identify(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    let address = address_of(request.extensions().get::<Peer>());
    let secret = cookie(request.headers(), &cookie_name(&access, is_secure(&request)));
    if let Ok(caller) = access.authenticate(bearer(request.headers()), secret, address) {
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

/// The layer of each route: lets in whoever has what it needs.
pub async fn admit(needs: Needs, request: Request, next: Next) -> Result<Response, ApiError> {
    check(needs, request.extensions().get::<Caller>())?;
    Ok(next.run(request).await)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(parts.extensions.get::<Self>().cloned().ok_or(AccessError::NotLoggedIn)?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Ok(Self { address: address_of(parts.extensions.get::<Peer>()), agent: agent.to_owned() })
    }
}

/// Sets and clears the cookie of sessions.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    name: String,
    is_secure: bool,
    max_age_s: u64,
}

impl<S> FromRequestParts<S> for SessionCookie
where
    S: Send + Sync,
    Access: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let access = Access::from_ref(state);
        let is_secure = parts.extensions.get() == Some(&Scheme::Https);
        let max_age_s = access.times().max.as_secs();
        Ok(Self { name: cookie_name(&access, is_secure), is_secure, max_age_s })
    }
}

impl SessionCookie {
    /// Returns the header that gives the browser a session.
    pub fn set(&self, secret: &Secret) -> Option<HeaderValue> {
        self.header(secret.reveal(), self.max_age_s)
    }

    /// Returns the header that takes it away.
    pub fn clear(&self) -> Option<HeaderValue> {
        self.header("", 0)
    }

    fn header(&self, value: &str, max_age_s: u64) -> Option<HeaderValue> {
        let Self { name, is_secure, .. } = self;
        let secure = if *is_secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// Returns the name of the cookie. Browsers take one that begins with `__Host-` over TLS alone, from this host alone.
/// Cookies know no ports, so the name has it: two servers on a machine do not end each other's sessions.
fn cookie_name(access: &Access, is_secure: bool) -> String {
    let prefix = if is_secure { "__Host-" } else { "" };
    format!("{prefix}truetape-{}", access.port())
}

fn is_secure(request: &Request) -> bool {
    request.extensions().get() == Some(&Scheme::Https)
}

/// Returns the caller's address; loopback where the router is called without a connection.
pub(super) fn address_of(peer: Option<&Peer>) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0)
}

/// Returns the token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).find_map(|cookie| {
        let (found, value) = cookie.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use model::access::Role;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = HeaderMap::from_iter([(
            header::COOKIE,
            HeaderValue::from_static("truetape-30001=a; xtruetape-3000=b;truetape-3000=c=; truetape-3000=d"),
        )]);
        assert_eq!(cookie(&headers, "truetape-3000"), Some("c="));
        assert_eq!(cookie(&headers, "truetape"), None);
    }

    #[test]
    fn a_token_is_a_bearers() {
        #[track_caller]
        fn check(value: &'static str, expected: Option<&str>) {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            assert_eq!(bearer(&headers), expected, "{value}");
        }
        check("Bearer truetape_x", Some("truetape_x"));
        check("bearer  truetape_x ", Some("truetape_x"));
        check("Basic dTpw", None);
        check("Bearer", None);
    }

    #[test]
    fn roles_include_the_ones_before() {
        let caller = |role| Caller { role, ..Caller::OWNER };
        for (needs, by_role) in [
            (Needs::Public, [true, true, true, true]),
            (Needs::Role(Role::Viewer), [false, true, true, true]),
            (Needs::Role(Role::Trader), [false, false, true, true]),
            (Needs::Role(Role::Admin), [false, false, false, true]),
        ] {
            let callers = [None, Some(Role::Viewer), Some(Role::Trader), Some(Role::Admin)];
            let admitted = callers.map(|role| check(needs, role.map(caller).as_ref()).is_ok());
            assert_eq!(admitted, by_role, "{needs:?}");
        }
    }
}
