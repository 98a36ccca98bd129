//! The way from a command to the running server of the same configuration, on the same machine. Not here: what is asked.

use std::net::IpAddr;

use anyhow::Context;
use reqwest::{Client, Url};

use crate::{certificate, config::Config, feed, tls};

/// Returns the address at which the server is reached from this machine.
///
/// # Errors
/// Never with an address that the configuration accepts.
pub(super) fn url(config: &Config) -> anyhow::Result<Url> {
    let mut listen = config.server.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(if listen.is_ipv4() { IpAddr::from([127, 0, 0, 1]) } else { IpAddr::from([0; 16]) });
    }
    let scheme = if config.tls.is_on() { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{listen}/")).context("make the server's address")
}

/// Returns a client for it. Over TLS it accepts the configured certificate itself and no other, whatever its names and
/// whoever signed it: it is compared with the server's file.
///
/// # Errors
/// The certificate cannot be read.
pub(super) fn client(config: &Config) -> anyhow::Result<Client> {
    let own = certificate::in_file(&config.tls, &config.server.data_dir)?;
    let tls = match own {
        Some(certificate) => tls::client_config_for(certificate)?,
        None => tls::client_config()?,
    };
    feed::http::client(&tls).context("set up the request")
}
