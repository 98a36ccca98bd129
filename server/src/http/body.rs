//! JSON bodies, with the API's own errors. Every route that takes one has the limit [`MAX_BODY`].
//!
//! Not here: the contents of bodies (the resources' own files).

use std::error::Error;

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::StatusCode,
};
use serde::de::DeserializeOwned;
use wire::limits::MAX_CLIENT_MESSAGE_BYTES;

use super::{error::ApiError, timed_body::TooSlow};

/// A JSON body; errors name it as the parameter `body`.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        // Requires the JSON content type, so that another site's form cannot be accepted.
        Json::from_request(request, state)
            .await
            .map(|Json(body)| Self(body))
            .map_err(|rejection| refusal(&rejection, |remedy| ApiError::BadParameter { parameter: "body", remedy }))
    }
}

/// Returns the error for a rejected body: its size, its time, or `otherwise` with the reader's message.
pub fn refusal(rejection: &JsonRejection, otherwise: impl FnOnce(String) -> ApiError) -> ApiError {
    if is_too_slow(rejection) {
        ApiError::BodyTooSlow
    } else if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::BodyTooLarge { limit_bytes: MAX_BODY }
    } else {
        otherwise(rejection.body_text())
    }
}

/// Returns true if the body's time was over.
fn is_too_slow(rejection: &JsonRejection) -> bool {
    let mut cause: Option<&dyn Error> = Some(rejection);
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The maximum body of a request, the same as for a message on the stream.
pub const MAX_BODY: usize = MAX_CLIENT_MESSAGE_BYTES;
