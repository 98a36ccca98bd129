//! `truetape health`: whether a running server accepts work, and which of its feeds are not live; for `HEALTHCHECK` of a
//! container and for scripts.
//!
//! A feed that is not live is said, but is no failure: restarting the server would not bring its venue back.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::{Context, anyhow, bail};
use model::status::StreamState;
use reqwest::{Client, Url};
use topics::channels::status::StatusData;

use super::{Failure, own_server};
use crate::{
    config::{self, Sources},
    feed, tls,
};

/// Flags of `health`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Address of the running server [default: that of the configuration].
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// Configuration file [default: truetape.toml in the working folder, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (url, client) = match &arguments.url {
        Some(url) => (url.clone(), any_client()?),
        None => configured(arguments.config.clone())?,
    };
    super::serve::block_on(async {
        let lines = ask(&url, &client).await?;
        writeln!(std::io::stdout(), "{}", lines.join("\n")).context("write to standard output")
    })
}

/// Returns a client that trusts what browsers trust.
fn any_client() -> anyhow::Result<Client> {
    feed::http::client(&tls::client_config()?).context("set up the request")
}

/// Returns the address of the configuration's server and a client that knows its certificate.
fn configured(file: Option<PathBuf>) -> Result<(Url, Client), Failure> {
    let sources = Sources { file, ..Sources::of_process() };
    let config = config::load(&sources).map_err(|error| Failure::Unusable(error.into()))?;
    Ok((own_server::url(&config)?, own_server::client(&config)?))
}

/// Asks a server; returns the lines to print.
async fn ask(url: &Url, client: &Client) -> anyhow::Result<Vec<String>> {
    let at = url.origin().ascii_serialization();
    let get = async |path: &str| -> anyhow::Result<(u16, String)> {
        let answer = client.get(url.join(path).context("--url")?).timeout(ANSWER_TIME).send().await;
        let answer = answer.map_err(|error| {
            anyhow::Error::new(error.without_url())
                .context(format!("no server answers at {at}; start it, or use --url"))
        })?;
        Ok((answer.status().as_u16(), answer.text().await.with_context(|| format!("read the answer of {at}"))?))
    };
    let (code, text) = get("readyz").await?;
    let word = serde_json::from_str::<serde_json::Value>(&text).ok();
    let word = word.as_ref().and_then(|body| body["status"].as_str());
    let word = word.ok_or_else(|| anyhow!("{at} is no truetape: it answers {code}"))?;
    if code != READY {
        bail!("the server at {at} accepts no work: {word}");
    }
    let mut lines = vec![word.to_owned()];
    // Whoever may not read the state of the feeds still learns that the server is ready.
    if let Ok((READY, text)) = get("api/v1/status").await {
        let status: StatusData = serde_json::from_str(&text).with_context(|| format!("read the status of {at}"))?;
        lines.extend(degraded(&status));
    }
    Ok(lines)
}

/// Returns a line for each stream that is not live.
fn degraded(status: &StatusData) -> impl Iterator<Item = String> {
    status.streams.iter().filter(|stream| stream.state != StreamState::Live).map(|stream| {
        let cause = stream.cause.as_deref().unwrap_or("it has no data yet");
        format!("degraded: {}: {cause}", stream.instrument)
    })
}

const READY: u16 = 200;
/// Container engines wait 30 s for a health check; a server that takes longer than this is not well.
const ANSWER_TIME: Duration = Duration::from_secs(5);
