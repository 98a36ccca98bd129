//! Telegram: one `sendMessage` as plain text, because a slip in its markup would lose the alert.
//!
//! Source: <https://core.telegram.org/bots/api#sendmessage>, <https://core.telegram.org/bots/api#making-requests>.

use std::time::Duration;

use model::{alert::channel::Telegram, time::Timestamp};
use reqwest::{
    Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use serde_json::json;

use super::{Report, Verdict};
use crate::alerts::{
    caller::{Call, Caller, Reply},
    message::{Message, shorten},
    reach::Reach,
};

/// Makes one attempt.
pub async fn send(caller: &Caller, telegram: &Telegram, reach: Reach, message: &Message, now: Timestamp) -> Report {
    let token = telegram.token.reveal().unwrap_or_default();
    let api = telegram.api.as_ref().map_or(API, |api| api.as_str());
    let Ok(url) = Url::parse(&format!("{}/bot{token}/sendMessage", api.trim_end_matches('/'))) else {
        return Report::new(Verdict::Gone, None, "the address of the Bot API is not valid; write it again");
    };
    let text = shorten(&format!("{}\n{}", message.subject(), message.text()), MAX_UNITS);
    let preview = json!({ "is_disabled": true });
    let body = json!({ "chat_id": telegram.chat_id, "text": text, "link_preview_options": preview });
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    match caller.post(Call { url, reach, headers, body: body.to_string().into_bytes(), now }).await {
        Ok(reply) => report(&reply),
        Err(error) => Report::unanswered(error),
    }
}

/// An answer of the Bot API.
#[derive(Default, Deserialize)]
struct BotAnswer {
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

fn report(reply: &Reply) -> Report {
    let answer: BotAnswer = serde_json::from_slice(&reply.body).unwrap_or_default();
    let asked = answer.parameters.retry_after.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT_S)));
    let verdict = match reply.status {
        200 if answer.ok => Verdict::Delivered,
        // The bot was blocked or thrown out, or its token is void: only a person can change that.
        401 | 403 | 404 => Verdict::Gone,
        400 => Verdict::Rejected,
        _ => Verdict::Retry { after: asked.or(reply.retry_after) },
    };
    let moved = answer.parameters.migrate_to_chat_id;
    let text = match (moved, answer.description.as_str()) {
        (Some(_), _) => "the group has a new number: a test of the channel tells it".to_owned(),
        (None, "") => reply.line(),
        (None, description) => shorten(description, MAX_REASON),
    };
    let advice = moved.map(|chat_id| format!("the group has a new number: write {chat_id} as the chat"));
    Report { advice, ..Report::new(verdict, Some(reply.status), text) }
}

const API: &str = "https://api.telegram.org";
/// The longest message.
const MAX_UNITS: usize = 4_096;
const MAX_REASON: usize = 300;
const LONGEST_WAIT_S: u64 = 86_400;
