//! The only TLS configuration, for sockets and requests alike: rustls with the Mozilla roots compiled in.

use std::sync::Arc;

use anyhow::Context;
use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// Creates the configuration; share it, as it holds the session cache.
///
/// # Errors
/// Never with the built-in provider; the library leaves it open.
pub fn client_config() -> anyhow::Result<Arc<ClientConfig>> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // The provider is named here instead of installed for the process: no global state, no start-up order.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("set up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
