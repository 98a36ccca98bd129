//! Requests of channels: one `POST` to a checked address, bounded in time and size, without redirects.
//!
//! Errors never show the address: Telegram's holds the bot's token, and that of a webhook may be a secret.

use std::{sync::Arc, time::Duration};

use model::time::Timestamp;
use reqwest::{Client, Response, Url, header::HeaderMap, redirect};
use rustls::ClientConfig;

use super::{
    message::{one_line, shorten},
    reach::{self, CheckedNames, Names, Reach},
};
use crate::{
    feed::{http::retry_after, socket::USER_AGENT},
    in_words::in_words,
};

/// Makes the requests of all channels. Clones share connections.
#[derive(Clone, Debug)]
pub struct Caller {
    public: Client,
    private: Client,
}

/// A request.
#[derive(Debug)]
pub struct Call {
    /// The address.
    pub url: Url,
    /// Networks that it may reach.
    pub reach: Reach,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// The moment, for waits that are given as a date.
    pub now: Timestamp,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The wait that it asks for, if it does.
    pub retry_after: Option<Duration>,
    /// The beginning of its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// True for 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns status and body as one short line.
    pub fn line(&self) -> String {
        let body = one_line(String::from_utf8_lossy(&self.body).trim());
        shorten(format!("HTTP {} {body}", self.status).trim_end(), MAX_LINE)
    }
}

impl Caller {
    /// Creates the clients, which look names up with `names`.
    ///
    /// # Errors
    /// The TLS configuration is not usable.
    pub fn new(tls: &Arc<ClientConfig>, names: &Names) -> anyhow::Result<Self> {
        let client = |reach| {
            Client::builder()
                .tls_backend_preconfigured(ClientConfig::clone(tls))
                .user_agent(USER_AGENT)
                .dns_resolver(Arc::new(CheckedNames { names: names.clone(), reach }))
                // A redirect could lead to an address that was not checked; a proxy would connect by itself.
                .redirect(redirect::Policy::none())
                .no_proxy()
                .timeout(TOTAL_TIME)
                .pool_max_idle_per_host(1)
                .build()
        };
        Ok(Self { public: client(Reach::Public)?, private: client(Reach::Private)? })
    }

    /// Makes a request. Ends at the latest after ten seconds.
    ///
    /// # Errors
    /// There was no answer: why, in words without the address.
    pub async fn post(&self, call: Call) -> Result<Reply, String> {
        reach::check_number(&call.url, call.reach).map_err(|error| error.to_string())?;
        let client = match call.reach {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
        };
        let response = client.post(call.url).headers(call.headers).body(call.body).send().await.map_err(words)?;
        read(response, call.now).await
    }
}

/// Reads the beginning of an answer; the rest is nobody's business.
async fn read(mut response: Response, now: Timestamp) -> Result<Reply, String> {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), now);
    let mut body = Vec::new();
    while body.len() < MAX_BODY {
        match response.chunk().await.map_err(words)? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => break,
        }
    }
    body.truncate(MAX_BODY);
    Ok(Reply { status, retry_after, body })
}

fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() { "no answer within ten seconds".to_owned() } else { in_words(&error) }
}

const TOTAL_TIME: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 16 << 10;
/// UTF-16 units of an answer that people see, at most.
const MAX_LINE: usize = 300;
