//! `truetape desk kill` and `truetape desk lift`: the kill switch of a running server, over HTTP.

use std::{io::Write, time::Duration};

use anyhow::{Context, anyhow, bail};
use reqwest::Url;
use serde_json::{Value, json};

use super::{Failure, serve};
use crate::{feed, tls};

/// Flags of `desk`: the action.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Set the kill switch: cancel every open order and accept nothing more.
    Kill {
        /// Close all positions at the market, too.
        #[arg(long)]
        flatten: bool,
        /// Why, in words.
        #[arg(long, value_name = "TEXT", default_value = "truetape desk kill")]
        reason: String,
        #[command(flatten)]
        server: ServerAddress,
    },
    /// Lift the kill switch.
    Lift {
        /// Why, in words.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        server: ServerAddress,
    },
}

#[derive(Clone, Debug, clap::Args)]
struct ServerAddress {
    /// Address of the running server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    url: Url,
}

/// Runs the command. Prints the server's report as JSON.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (path, server, body) = match &arguments.action {
        Action::Kill { flatten, reason, server } => {
            ("api/v1/risk/kill", server, json!({ "reason": reason, "flatten": flatten }))
        }
        Action::Lift { reason, server } => ("api/v1/risk/lift", server, json!({ "reason": reason })),
    };
    let url = server.url.join(path).context("--url").map_err(Failure::Unusable)?;
    serve::block_on(async {
        let report = post(&url, &body).await?;
        writeln!(std::io::stdout(), "{report:#}").context("write to standard output")
    })
}

async fn post(url: &Url, body: &Value) -> anyhow::Result<Value> {
    let client = feed::http::client(&tls::client_config()?).context("set up the request")?;
    let request = client.post(url.clone()).header("content-type", "application/json").body(body.to_string());
    let at = url.origin().ascii_serialization();
    let answer = request.timeout(ANSWER_TIME).send().await.map_err(|error| {
        let error = anyhow::Error::new(error.without_url());
        error.context(format!("no server answers at {at}; start it, or name its address with --url"))
    })?;
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("read the answer of {at}"))?;
    let answer: Value = serde_json::from_str(&text).map_err(|_| anyhow!("{at} is no truetape: {status}"))?;
    if !status.is_success() {
        let message = answer["message"].as_str().or(answer["error"]["message"].as_str()).unwrap_or(&text);
        bail!("the server refuses: {message}");
    }
    Ok(answer)
}

/// A switch that waits for a slow disk is still worth waiting for.
const ANSWER_TIME: Duration = Duration::from_secs(30);
