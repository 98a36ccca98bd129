//! The reasons for closing a connection: the codes of `bye` and of the WebSocket close frame.
//!
//! Below 3500 the client reconnects with back-off and resumes; from 3500 on, and where the client's own frames are at
//! fault (1002, 1007, 1009), it does not, because the result would be the same.

use serde::{Deserialize, Serialize};

/// A WebSocket close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The client's bytes are not WebSocket frames; from RFC 6455.
    pub const NOT_WEBSOCKET: Self = Self(1002);
    /// A text message is not UTF-8; from RFC 6455.
    pub const NOT_UTF8: Self = Self(1007);
    /// A message of the client is larger than allowed; from RFC 6455.
    pub const TOO_LARGE: Self = Self(1009);
    /// The server stops or restarts; reconnect.
    pub const RESTART: Self = Self(1012);
    /// No sign of life from the client for too long.
    pub const IDLE: Self = Self(3001);
    /// The client read too slowly for topics that must not skip; it reconnects and resumes.
    pub const SLOW: Self = Self(3008);
    /// The server cannot prove that this client missed nothing; it reconnects and resumes.
    pub const INSUFFICIENT_STATE: Self = Self(3010);
    /// A message could not be read.
    pub const BAD_MESSAGE: Self = Self(3500);
    /// The server does not support the protocol version.
    pub const BAD_PROTOCOL: Self = Self(3501);
    /// No hello arrived within the time allowed.
    pub const NO_HELLO: Self = Self(3502);
    /// Messages came faster than allowed, for too long.
    pub const TOO_MANY_MESSAGES: Self = Self(3503);
    /// The client is not allowed to use the stream.
    pub const FORBIDDEN: Self = Self(3504);
    /// The login has ended: logged out, revoked, expired, or with other rights.
    pub const LOGGED_OUT: Self = Self(3505);

    /// Returns true if the client should reconnect.
    pub const fn is_reconnect(self) -> bool {
        self.0 < 3500 && !matches!(self, Self::NOT_WEBSOCKET | Self::NOT_UTF8 | Self::TOO_LARGE)
    }

    /// Returns the reason as one word for `bye`; `closed` for codes not named here.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NOT_WEBSOCKET => "not_websocket",
            Self::NOT_UTF8 => "not_utf8",
            Self::TOO_LARGE => "too_large",
            Self::RESTART => "restart",
            Self::IDLE => "idle",
            Self::SLOW => "slow",
            Self::INSUFFICIENT_STATE => "insufficient_state",
            Self::BAD_MESSAGE => "bad_message",
            Self::BAD_PROTOCOL => "bad_protocol",
            Self::NO_HELLO => "no_hello",
            Self::TOO_MANY_MESSAGES => "too_many_messages",
            Self::FORBIDDEN => "forbidden",
            Self::LOGGED_OUT => "logged_out",
            _ => "closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_below_3500_mean_come_back() {
        for code in [CloseCode::RESTART, CloseCode::IDLE, CloseCode::SLOW, CloseCode::INSUFFICIENT_STATE] {
            assert!(code.is_reconnect(), "{code:?}");
        }
        for code in [CloseCode::NOT_WEBSOCKET, CloseCode::NOT_UTF8, CloseCode::TOO_LARGE] {
            assert!(!code.is_reconnect(), "{code:?}");
        }
        for code in [CloseCode::BAD_MESSAGE, CloseCode::BAD_PROTOCOL, CloseCode::NO_HELLO, CloseCode::FORBIDDEN] {
            assert!(!code.is_reconnect(), "{code:?}");
        }
        assert_eq!((CloseCode::SLOW.0, CloseCode::SLOW.reason()), (3008, "slow"));
        assert_eq!(CloseCode(4999).reason(), "closed");
    }
}
