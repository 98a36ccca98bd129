//! JSON bodies, refused in the API's own words. Every route that takes one has the limit of [`MAX_BODY`].
//!
//! Not here: what a body says (the resources' own files).

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::StatusCode,
};
use serde::de::DeserializeOwned;
use wire::limits::MAX_CLIENT_MESSAGE_BYTES;

use super::error::ApiError;

/// A JSON body; refused as the parameter `body`.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        // The type is asked for, so that a form of another page cannot pass for it.
        Json::from_request(request, state)
            .await
            .map(|Json(body)| Self(body))
            .map_err(|rejection| refusal(&rejection, |remedy| ApiError::BadParameter { parameter: "body", remedy }))
    }
}

/// Returns why a body was not taken: its size, or `otherwise` with the reader's words.
pub fn refusal(rejection: &JsonRejection, otherwise: impl FnOnce(String) -> ApiError) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::BodyTooLarge { limit_bytes: MAX_BODY }
    } else {
        otherwise(rejection.body_text())
    }
}

/// Largest body of a request: the size a message on the stream may have.
pub const MAX_BODY: usize = MAX_CLIENT_MESSAGE_BYTES;
