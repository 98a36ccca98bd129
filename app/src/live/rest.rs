//! Answers of the server's REST API, with its errors as sentences.

use serde::{Deserialize, de::DeserializeOwned};

#[derive(Deserialize)]
struct Refusal {
    error: Words,
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
    let answer = gloo_net::http::Request::get(path).send().await;
    // The browser's own words ("TypeError: Failed to fetch") help nobody.
    let answer = answer.map_err(|_| "The server does not answer.".to_owned())?;
    let text = answer.text().await.map_err(|_| "The server's answer was cut off.".to_owned())?;
    if answer.ok() {
        return serde_json::from_str(&text).map_err(|_| "The server's answer cannot be read.".to_owned());
    }
    Err(match serde_json::from_str::<Refusal>(&text) {
        Ok(refusal) => refusal.error.message,
        Err(_) => format!("the server answered {}", answer.status()),
    })
}
