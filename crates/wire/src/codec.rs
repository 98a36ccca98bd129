//! Messages to bytes and back, in both forms. Decoding is total; encoding cannot fail.

use crate::{
    PROTOCOL_VERSION, binary,
    encoded::EncodedUpdate,
    error::{ClientError, WireError},
    json,
    limits::MAX_CLIENT_MESSAGE_BYTES,
    message::{ClientMessage, ServerMessage},
    names::StreamNames,
};

/// The form of a connection's messages: binary for the page, JSON (`?format=json`) for other programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Compact; binary frames.
    #[default]
    Binary,
    /// Readable; text frames. The encoded bytes are valid UTF-8.
    Json,
}

/// A WebSocket frame from a client; its kind determines the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// JSON.
    Text(&'a str),
    /// The binary form.
    Binary(&'a [u8]),
}

/// Combines updates, each with its stream's number on this connection, into one batch message of at most
/// [`crate::limits::MAX_ITEMS`], by copying.
pub fn encode_batch<'a>(updates: impl IntoIterator<Item = (u32, &'a EncodedUpdate)>, encoding: Encoding) -> Vec<u8> {
    let updates = updates.into_iter().map(|(stream, update)| (stream, update.update().kind, update.bytes(encoding)));
    match encoding {
        Encoding::Binary => binary::server::encode_batch(updates),
        Encoding::Json => json::server::encode_batch(updates.map(|(_, _, bytes)| bytes)),
    }
}

/// Encodes a server message. Lists and texts longer than their limit are cut.
pub fn encode_server(message: &ServerMessage, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Binary => binary::server::encode(message),
        Encoding::Json => json::server::encode(message),
    }
}

/// Decodes a server message of the binary form; feed the result to [`StreamNames::learn`].
///
/// # Errors
/// The bytes are not a message of this version, or contain an item of a stream that no message introduced.
pub fn decode_server(bytes: &[u8], names: &StreamNames) -> Result<ServerMessage, WireError> {
    binary::server::decode(bytes, names)
}

/// Decodes a server message of the JSON form, which has no stream numbers: they are [`crate::message::NO_STREAM`].
///
/// # Errors
/// The text is not a server message.
pub fn decode_server_json(text: &str) -> Result<ServerMessage, WireError> {
    json::server::decode(text)
}

/// Encodes a client message.
// Inlined: the page always sends the binary form, so it has no code for the other.
#[inline(always)]
pub fn encode_client(message: &ClientMessage, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Binary => binary::client::encode(message),
        Encoding::Json => json::client::encode(message),
    }
}

/// Decodes a client message; the frame's kind determines the form.
///
/// # Errors
/// The answer for the client: [`ClientError::refused`], and [`ClientError::close_code`] if the connection must end.
pub fn decode_client(frame: Frame<'_>) -> Result<ClientMessage, ClientError> {
    let n_bytes = match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(bytes) => bytes.len(),
    };
    if n_bytes > MAX_CLIENT_MESSAGE_BYTES {
        return Err(ClientError::too_large(n_bytes));
    }
    let message = match frame {
        Frame::Text(text) => json::client::decode(text)?,
        Frame::Binary(bytes) => binary::client::decode(bytes).map_err(|(id, error)| ClientError::of(id, &error))?,
    };
    match &message {
        ClientMessage::Hello(hello) if hello.protocol != PROTOCOL_VERSION => {
            Err(ClientError::unsupported_protocol(hello.protocol))
        }
        _ => Ok(message),
    }
}
