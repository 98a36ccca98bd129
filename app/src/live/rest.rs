//! Answers of the server's REST API, with its errors as sentences.

use gloo_net::http::{Request, RequestBuilder, Response};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The desk's refusals have their message without anything around it.
#[derive(Deserialize)]
struct Refusal {
    error: Option<Words>,
    code: Option<String>,
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
    let answer = arrived(Request::get(path).send().await)?;
    let next = answer.headers().get("next-cursor");
    match read(answer).await? {
        Ok(rows) => Ok((rows, next)),
        Err((_, message)) => Err(message),
    }
}

/// Sends `body` as JSON to `path` and reads the answer.
///
/// # Errors
/// As for [`post`].
pub async fn post_json<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, String> {
    send_json(Request::post(path), body).await
}

/// Sends `body` as JSON to `path`, to replace what is there, and reads the answer.
///
/// # Errors
/// As for [`post`].
pub async fn put_json<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, String> {
    send_json(Request::put(path), body).await
}

/// Sends `body` as JSON to `path`, to change parts of what is there, and reads the answer.
///
/// # Errors
/// As for [`post`].
pub async fn patch_json<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, String> {
    send_json(Request::patch(path), body).await
}

/// As [`patch_json`], but only if what is there is still the named revision.
///
/// # Errors
/// As for [`post`].
pub async fn patch_json_if<T: DeserializeOwned>(
    path: &str,
    revision: &str,
    body: &impl Serialize,
) -> Result<T, String> {
    send_json(Request::patch(path).header("if-match", revision), body).await
}

async fn send_json<T: DeserializeOwned>(request: RequestBuilder, body: &impl Serialize) -> Result<T, String> {
    let request = request.json(body).map_err(|_| "The request cannot be written.".to_owned())?;
    coded(read(arrived(request.send().await)?).await?)
}

/// Sends a text of a media type to `path` and reads the answer.
///
/// # Errors
/// As for [`get`]; a refusal of the desk has its code first: `code: sentence`.
pub async fn post<T: DeserializeOwned>(path: &str, media_type: &str, body: &str) -> Result<T, String> {
    let request = Request::post(path).header("content-type", media_type).body(body);
    let request = request.map_err(|_| "The request cannot be written.".to_owned())?;
    coded(read(arrived(request.send().await)?).await?)
}

/// Asks for `path` to be deleted or ended, and reads the answer.
///
/// # Errors
/// As for [`post`].
pub async fn delete<T: DeserializeOwned>(path: &str) -> Result<T, String> {
    coded(read(arrived(Request::delete(path).send().await)?).await?)
}

fn coded<T>(answer: Result<T, (Option<String>, String)>) -> Result<T, String> {
    answer.map_err(|(code, message)| match code {
        Some(code) => format!("{code}: {message}"),
        None => message,
    })
}

/// The browser's own words ("TypeError: Failed to fetch") help nobody.
fn arrived(answer: Result<Response, gloo_net::Error>) -> Result<Response, String> {
    answer.map_err(|_| "The server does not answer.".to_owned())
}

/// Reads an answer, or the code and the sentence of a refusal.
async fn read<T: DeserializeOwned>(answer: Response) -> Result<Result<T, (Option<String>, String)>, String> {
    let text = answer.text().await.map_err(|_| "The server's answer was cut off.".to_owned())?;
    if answer.ok() {
        // Without content, as after a deletion.
        let text = if text.is_empty() { "null" } else { &text };
        let content = serde_json::from_str(text).map_err(|_| "The server's answer cannot be read.".to_owned())?;
        return Ok(Ok(content));
    }
    let refusal = serde_json::from_str::<Refusal>(&text).ok();
    let (code, message) = refusal
        .map_or((None, None), |refusal| (refusal.code, refusal.error.map(|error| error.message).or(refusal.message)));
    Ok(Err((code, message.unwrap_or_else(|| format!("the server answered {}.", answer.status())))))
}
