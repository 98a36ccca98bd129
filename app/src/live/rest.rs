//! Answers of the server's REST API, with its errors as sentences.

use serde::{Deserialize, de::DeserializeOwned};

/// The desk's refusals have their message without anything around it.
#[derive(Deserialize)]
struct Refusal {
    error: Option<Words>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Words {
    message: String,
}

/// Requests `path` and reads the answer.
///
/// # Errors
/// The server's reason, or what went wrong, for people.
pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, String> {
    page(path).await.map(|(answer, _)| answer)
}

/// Requests `path` and reads the answer, with the cursor of the list's next page if there is one.
///
/// # Errors
/// As for [`get`].
pub async fn page<T: DeserializeOwned>(path: &str) -> Result<(T, Option<String>), String> {
    read(gloo_net::http::Request::get(path).send().await).await
}

/// Posts a text of a media type to `path` and reads the answer.
///
/// # Errors
/// As for [`get`].
pub async fn post<T: DeserializeOwned>(path: &str, media_type: &str, body: &str) -> Result<T, String> {
    let request = gloo_net::http::Request::post(path).header("content-type", media_type).body(body);
    let request = request.map_err(|_| "The request cannot be made.".to_owned())?;
    read(request.send().await).await.map(|(answer, _)| answer)
}

/// Asks for `path` to be deleted or ended, and reads the answer.
///
/// # Errors
/// As for [`get`].
pub async fn delete<T: DeserializeOwned>(path: &str) -> Result<T, String> {
    read(gloo_net::http::Request::delete(path).send().await).await.map(|(answer, _)| answer)
}

async fn read<T: DeserializeOwned>(
    answer: Result<gloo_net::http::Response, gloo_net::Error>,
) -> Result<(T, Option<String>), String> {
    // The browser's own words ("TypeError: Failed to fetch") help nobody.
    let answer = answer.map_err(|_| "The server does not answer.".to_owned())?;
    let text = answer.text().await.map_err(|_| "The server's answer was cut off.".to_owned())?;
    if answer.ok() {
        let next = answer.headers().get("next-cursor");
        let rows = serde_json::from_str(&text).map_err(|_| "The server's answer cannot be read.".to_owned())?;
        return Ok((rows, next));
    }
    let refusal = serde_json::from_str::<Refusal>(&text).ok();
    let message = refusal.and_then(|refusal| refusal.error.map(|error| error.message).or(refusal.message));
    Err(message.unwrap_or_else(|| format!("the server answered {}.", answer.status())))
}
