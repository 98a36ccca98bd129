//! TLS towards others: rustls with the Mozilla roots compiled in, for sockets and requests alike; and, for commands that ask
//! the server of their own machine, one that accepts its certificate alone. Not here: the server's side
//! ([`crate::certificate`]).

use std::sync::Arc;

use anyhow::Context;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

/// Creates the configuration; share it, as it holds the session cache.
///
/// # Errors
/// Never with the built-in provider; the library leaves it open.
pub fn client_config() -> anyhow::Result<Arc<ClientConfig>> {
    config_of(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

fn config_of(roots: RootCertStore) -> anyhow::Result<Arc<ClientConfig>> {
    // The provider is named here instead of installed for the process: no global state, no start-up order.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("set up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// As [`client_config`], with the roots of a file in place of Mozilla's: for an authority of one's own.
///
/// # Errors
/// The file cannot be read or has no certificate in PEM.
#[cfg(feature = "acme")]
pub fn client_config_with_roots(file: &std::path::Path) -> anyhow::Result<Arc<ClientConfig>> {
    use rustls::pki_types::pem::PemObject;
    let unreadable = || format!("{}: no root certificate in PEM can be read", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
        roots.add(certificate.with_context(unreadable)?).with_context(unreadable)?;
    }
    config_of(roots)
}

/// Creates the configuration of a client that accepts one certificate and no other.
///
/// # Errors
/// Never with the built-in provider; the library leaves it open.
pub fn client_config_for(certificate: CertificateDer<'static>) -> anyhow::Result<Arc<ClientConfig>> {
    let provider = Arc::new(ring::default_provider());
    let verifier = SameCertificate { certificate, algorithms: provider.signature_verification_algorithms };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("set up TLS")?
        // Stricter than the usual check: not who signed the certificate counts, but that it is this one.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Compares a server's certificate with the expected one; that the server has its key is checked as always.
#[derive(Debug)]
struct SameCertificate {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for SameCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
