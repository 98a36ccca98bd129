//! Finds the caller behind a reverse proxy: reads `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` (RFC 7239) of
//! requests from the configured proxies, and of nobody else.
//!
//! Each proxy adds whom it was called by at the right, so what a caller wrote itself is at the left. The rightmost
//! address that is not a configured proxy is the caller. Not here: who may call (`guard`).
//!
//! | request | caller |
//! |---|---|
//! | not from a configured proxy | the connection's other end, whatever the headers say |
//! | from one, without these headers | that proxy: a program on its machine |
//! | from one, all addresses are configured proxies | the leftmost of them |
//! | from one, no address where the caller should be | none: 400, as a guess could grant what the proxy itself may do |
//! | from one, both headers with different callers | none: 400, as one of them is the caller's own invention |

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};

use super::{accept::Peer, error::ApiError};
use crate::config::Live;

/// The proxies of the newest configuration.
#[derive(Clone, Debug)]
pub struct TrustedProxies(Live);

/// The scheme by which the caller reached the first proxy, or the server; attached to every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// In clear text.
    Http,
    /// Over TLS.
    Https,
}

impl TrustedProxies {
    /// Trusts the addresses in `server.trusted_proxies`.
    pub fn new(live: impl Into<Live>) -> Self {
        Self(live.into())
    }

    /// Returns the caller of a request that came from `connected`, and how it came.
    ///
    /// # Errors
    /// [`ApiError::BadForwarded`] if a configured proxy does not say who the caller is.
    pub fn caller(&self, connected: IpAddr, headers: &HeaderMap) -> Result<(IpAddr, Scheme), ApiError> {
        let connected = connected.to_canonical();
        if !self.contains(connected) {
            return Ok((connected, Scheme::Http));
        }
        let list = values(headers, FOR)?;
        let list: Vec<&str> = list.iter().flat_map(|value| value.split(',')).filter(|entry| !is_blank(entry)).collect();
        let of_list = self.rightmost(list.iter().map(|entry| address(entry)), FOR)?;
        let elements = elements(&values(headers, FORWARDED)?)?;
        let of_elements =
            self.rightmost(elements.iter().map(|element| address(element.caller.as_deref()?)), FORWARDED)?;
        let caller = match (of_list, of_elements) {
            (Some(one), Some(other)) if one != other => {
                let reason =
                    "and X-Forwarded-For name different callers; let the proxy remove the one that it does not set";
                return Err(ApiError::BadForwarded { header: FORWARDED, reason });
            }
            (one, other) => one.or(other).unwrap_or(connected),
        };
        let words = values(headers, PROTO)?;
        let word = words.last().and_then(|value| value.split(',').next_back());
        let scheme = match word.or_else(|| elements.last()?.protocol.as_deref()) {
            None => Scheme::Http,
            Some(word) => {
                scheme(word).ok_or(ApiError::BadForwarded { header: PROTO, reason: "is neither http nor https" })?
            }
        };
        Ok((caller, scheme))
    }

    /// Returns true for the address of a configured proxy.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.config().server.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// Returns the caller among addresses that are nearer the further right they are; `None` without any.
    fn rightmost(
        &self,
        addresses: impl DoubleEndedIterator<Item = Option<IpAddr>>,
        header: &'static str,
    ) -> Result<Option<IpAddr>, ApiError> {
        let mut found = None;
        for address in addresses.rev() {
            let address = address
                .ok_or(ApiError::BadForwarded { header, reason: "has something else where the caller's address is" })?;
            found = Some(address);
            if !self.contains(address) {
                break;
            }
        }
        Ok(found)
    }
}

/// The layer that replaces the connection's other end by the caller.
pub async fn find_caller(
    State(proxies): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if let Some(Peer(connected)) = request.extensions().get().copied() {
        let (caller, scheme) = proxies.caller(connected, request.headers())?;
        // A connection to this server over TLS is one, whatever a proxy says of those before it.
        let scheme = request.extensions().get().copied().map_or(scheme, |own: Scheme| own.max(scheme));
        request.extensions_mut().insert(Peer(caller));
        request.extensions_mut().insert(scheme);
    }
    Ok(next.run(request).await)
}

/// One element of `Forwarded`: what one proxy added.
#[derive(Debug, Default, PartialEq, Eq)]
struct Element {
    caller: Option<String>,
    protocol: Option<String>,
}

/// Reads all elements, in order.
fn elements(values: &[&str]) -> Result<Vec<Element>, ApiError> {
    let unreadable = || ApiError::BadForwarded { header: FORWARDED, reason: "cannot be read" };
    let mut elements = Vec::new();
    for value in values {
        for text in unquoted_parts(value, ',').ok_or_else(unreadable)?.into_iter().filter(|text| !is_blank(text)) {
            let mut element = Element::default();
            for pair in unquoted_parts(text, ';').ok_or_else(unreadable)?.into_iter().filter(|pair| !is_blank(pair)) {
                let (name, value) = pair.split_once('=').ok_or_else(unreadable)?;
                let field = match name.trim().to_ascii_lowercase().as_str() {
                    "for" => &mut element.caller,
                    "proto" => &mut element.protocol,
                    _ => continue,
                };
                // A second one would leave open which counts.
                if field.replace(unquoted(value.trim()).ok_or_else(unreadable)?).is_some() {
                    return Err(unreadable());
                }
            }
            elements.push(element);
        }
    }
    Ok(elements)
}

/// Splits a text at a separator, but not within quotes; `None` if a quote does not end.
fn unquoted_parts(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (idx, char) in text.char_indices() {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if char == separator && !is_quoted => {
                parts.push(&text[start..idx]);
                start = idx + char.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!is_quoted).then_some(parts)
}

/// Returns a value without its quotes. No address needs an escape, so a value with one is none.
fn unquoted(value: &str) -> Option<String> {
    let inner = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'))?;
    (!inner.contains(['"', '\\'])).then(|| inner.to_owned())
}

/// Reads an address with an optional port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let is_port =
        |port: &str| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let address: IpAddr = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => IpAddr::V6(address.parse().ok().filter(|_| is_port(port))?),
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                IpAddr::V4(address.parse().ok().filter(|_| port.parse::<u16>().is_ok())?)
            }
            _ => text.parse().ok()?,
        },
    };
    Some(address.to_canonical())
}

fn scheme(word: &str) -> Option<Scheme> {
    match word.trim().to_ascii_lowercase().as_str() {
        // Some proxies name the protocol of the WebSocket.
        "http" | "ws" => Some(Scheme::Http),
        "https" | "wss" => Some(Scheme::Https),
        _ => None,
    }
}

/// Returns all lines of a header, in order.
fn values<'a>(headers: &'a HeaderMap, header: &'static str) -> Result<Vec<&'a str>, ApiError> {
    let lines = headers.get_all(header).iter().map(|value| value.to_str());
    lines.collect::<Result<_, _>>().map_err(|_| ApiError::BadForwarded { header, reason: "is not plain text" })
}

/// Lists may have empty entries, which mean nothing (RFC 9110, section 5.6.1).
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

const FOR: &str = "X-Forwarded-For";
const PROTO: &str = "X-Forwarded-Proto";
const FORWARDED: &str = "Forwarded";

#[cfg(test)]
mod tests;
