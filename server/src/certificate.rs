//! The server's own certificate: from files, read again when they change, from an authority, or made by itself.
//!
//! A file that cannot be used changes nothing: the certificate that works stays, and the log says why. Two weeks before its
//! end people are told. Not here: TLS to venues ([`crate::tls`]), and connections (`http::accept`).
//!
//! # Layout
//! - [`details`]: names and dates of a certificate · [`expiry`]: how near its end is · `files`: its files
//! - `acme`: certificates from an authority, with the feature `acme`

#[cfg(feature = "acme")]
mod acme;
pub mod details;
pub mod expiry;
mod files;

use std::{
    net::IpAddr,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use model::{access::Role, time::Timestamp};
use ring::digest::{SHA256, digest};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::CertificateDer,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_util::sync::CancellationToken;

use self::{
    details::Details,
    expiry::Expiry,
    files::{Files, make},
};
use crate::{clock::Clock, config::TlsConfig, notices::Notices, shutdown::Shutdown};

/// The certificate in use. Clones share it.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<Current>);

#[derive(Debug)]
struct Current {
    files: Files,
    /// True if an authority issues it, and looks whether its names lead here.
    has_authority: bool,
    /// The remedy for its end, for whoever runs the server.
    remedy: &'static str,
    key: RwLock<Arc<CertifiedKey>>,
    #[cfg(feature = "acme")]
    challenges: acme::Challenges,
}

impl Certificate {
    /// Reads the configured certificate, or makes one for these names; `None` without TLS.
    ///
    /// # Errors
    /// A file cannot be read or does not hold what it should, or certificate and key do not fit.
    pub fn open(config: &TlsConfig, data_dir: &Path, names: Vec<String>) -> anyhow::Result<Option<Self>> {
        let Some(files) = Files::of(config, data_dir) else { return Ok(None) };
        let made = || {
            let files = Files::self_signed(data_dir);
            make(&files, data_dir, names).context("make a certificate")?;
            files.read()
        };
        let (key, remedy) = if config.self_signed {
            (made()?, "Restart the server, and it makes a new one")
        } else if config.acme_domains.is_empty() {
            (files.read()?, "Renew the file of tls.cert; the server reads it again by itself")
        } else {
            // The authority can only look at a server that is there.
            (files.read().or_else(|_| made())?, "The authority issues no new one; the log says why")
        };
        let key = RwLock::new(key);
        Ok(Some(Self(Arc::new(Current {
            files,
            has_authority: !config.acme_domains.is_empty(),
            remedy,
            key,
            #[cfg(feature = "acme")]
            challenges: acme::Challenges::default(),
        }))))
    }

    /// Returns the configurations of connections: with HTTP/2, and without it.
    ///
    /// # Errors
    /// Never with the built-in provider; the library leaves it open.
    pub fn configs(&self) -> anyhow::Result<[Arc<ServerConfig>; 2]> {
        let config = |protocols: &[&[u8]]| {
            let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()
                .context("set up TLS")?
                .with_no_client_auth()
                .with_cert_resolver(self.0.clone());
            let proof = self.0.has_authority.then_some(ACME_PROTOCOL);
            config.alpn_protocols = protocols.iter().copied().chain(proof).map(<[u8]>::to_vec).collect();
            anyhow::Ok(Arc::new(config))
        };
        Ok([config(&[b"h2", b"http/1.1"])?, config(&[b"http/1.1"])?])
    }

    /// Returns the SHA-256 fingerprint, as browsers show it.
    pub fn fingerprint(&self) -> String {
        let key = self.0.current();
        let der = key.cert.first().map(|cert| cert.as_ref()).unwrap_or_default();
        let bytes = digest(&SHA256, der);
        bytes.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Returns when it expires; `None` if it does not say so in a way that can be read.
    pub fn expires(&self) -> Option<Timestamp> {
        let key = self.0.current();
        let details = Details::read(key.cert.first()?);
        Some(details.ok()?.expires)
    }

    /// Reads the files again whenever they change, and announces the end, until the shutdown.
    pub fn watch(&self, notices: Notices, clock: Clock, shutdown: &Shutdown) {
        shutdown.tasks.spawn(watch(self.clone(), notices, clock, shutdown.stopping.clone()));
    }

    /// Orders certificates of an authority whenever one is due, until the shutdown. [`Self::watch`] takes them from their
    /// file.
    #[cfg(feature = "acme")]
    pub fn order(&self, config: &TlsConfig, data_dir: &Path, notices: Notices, clock: Clock, shutdown: &Shutdown) {
        if !config.acme_domains.is_empty() {
            let (config, data_dir) = (config.clone(), data_dir.to_owned());
            let acme = acme::Acme { config, data_dir, challenges: self.0.challenges.clone(), notices, clock };
            shutdown.tasks.spawn(acme.run(shutdown.stopping.clone()));
        }
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// They cannot be used; the certificate stays as it was.
    pub fn reload(&self) -> anyhow::Result<()> {
        let key = self.0.files.read()?;
        *self.0.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }
}

impl Current {
    fn current(&self) -> Arc<CertifiedKey> {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Current {
    #[cfg_attr(not(feature = "acme"), expect(unused_variables, reason = "one certificate for all clients"))]
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        #[cfg(feature = "acme")]
        if acme::Challenges::is_asked(&client_hello) {
            return self.challenges.answer(&client_hello);
        }
        Some(self.current())
    }
}

/// Reads the certificate of a configuration from its file; `None` without TLS, or if the server has made none yet.
///
/// # Errors
/// The file cannot be read or has no certificate.
pub fn in_file(config: &TlsConfig, data_dir: &Path) -> anyhow::Result<Option<CertificateDer<'static>>> {
    match Files::known(config, data_dir) {
        Some(files) => Ok(files.chain()?.into_iter().next()),
        None => Ok(None),
    }
}

/// Reads the certificate of a configuration with its key, and what it says of itself; `None` as in [`in_file`].
///
/// # Errors
/// As for the server: a file cannot be read, or certificate and key do not fit.
pub fn check(config: &TlsConfig, data_dir: &Path) -> anyhow::Result<Option<Details>> {
    let Some(files) = Files::known(config, data_dir) else { return Ok(None) };
    let key = files.read()?;
    key.cert.first().map(|certificate| Details::read(certificate)).transpose()
}

async fn watch(certificate: Certificate, notices: Notices, clock: Clock, stopping: CancellationToken) {
    let mut known = certificate.0.files.changed();
    let mut announced = None;
    loop {
        // The words change with the day, so they are shown again each day.
        let words = certificate.expires().and_then(|expires| Expiry::of(expires, clock.now().wall).words());
        if words != announced {
            match &words {
                Some(words) => {
                    let sentence = format!("The server's certificate {words}. {}.", certificate.0.remedy);
                    tracing::warn!("{sentence}");
                    notices.show(NOTICE, Role::Admin, sentence, clock.now().monotonic);
                }
                None => notices.end(NOTICE),
            }
            announced = words;
        }
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let found = certificate.0.files.changed();
        if found == known {
            continue;
        }
        // Both files change one after the other: a pair that does not fit yet is looked at again.
        match certificate.reload() {
            Ok(()) => {
                known = found;
                tracing::info!(fingerprint = certificate.fingerprint(), "a new certificate is in use");
            }
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the changed certificate cannot be used; the old one stays"
            ),
        }
    }
}

/// The protocol of an authority that asks for a proof (RFC 8737); after the handshake nothing follows.
pub const ACME_PROTOCOL: &[u8] = b"acme-tls/1";

/// Returns the names of a certificate of our own: this machine's, its address, and those that the server accepts.
pub fn own_names(listen: IpAddr, allowed_hosts: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !listen.is_unspecified() {
        names.push(listen.to_string());
    }
    names.extend(allowed_hosts.iter().map(|host| host_of(host).to_owned()));
    names
}

/// Returns an accepted host without its port; an address of IPv6 without its brackets.
pub fn host_of(accepted: &str) -> &str {
    let host = match accepted.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => accepted.split(':').next(),
    };
    host.unwrap_or_default()
}

const NOTICE: &str = "certificate";
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn self_signed(folder: &Path, names: &[&str]) -> Certificate {
        let config = TlsConfig { self_signed: true, ..TlsConfig::default() };
        Certificate::open(&config, folder, names.iter().map(ToString::to_string).collect()).unwrap().unwrap()
    }

    #[test]
    fn a_certificate_of_our_own_is_kept_for_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let first = self_signed(folder.path(), &["localhost", "127.0.0.1"]).fingerprint();
        assert_eq!(first.len(), 32 * 3 - 1);
        assert_eq!(self_signed(folder.path(), &["127.0.0.1", "localhost"]).fingerprint(), first);
        assert_ne!(self_signed(folder.path(), &["desk.example"]).fingerprint(), first);
        #[cfg(unix)]
        {
            let key = std::fs::metadata(folder.path().join("tls/self-signed.key")).unwrap();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777, 0o600);
        }
    }

    #[test]
    fn files_that_do_not_fit_are_named_and_change_nothing() {
        let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let certificate = self_signed(one.path(), &["localhost"]);
        self_signed(other.path(), &["localhost"]);
        let before = certificate.fingerprint();
        let [cert, key] = ["tls/self-signed.pem", "tls/self-signed.key"].map(|name| one.path().join(name));
        std::fs::copy(other.path().join("tls/self-signed.key"), &key).unwrap();
        let error = format!("{:#}", certificate.reload().unwrap_err());
        assert!(error.contains("self-signed.key is not the key of"), "{error}");
        std::fs::write(&cert, "nothing").unwrap();
        let error = format!("{:#}", certificate.reload().unwrap_err());
        assert!(error.contains("self-signed.pem"), "{error}");
        assert_eq!(certificate.fingerprint(), before);
        std::fs::copy(other.path().join("tls/self-signed.pem"), &cert).unwrap();
        certificate.reload().unwrap();
        assert_ne!(certificate.fingerprint(), before);
    }

    #[test]
    fn names_have_no_port() {
        let hosts = ["desk.example:8443", "[fd00::1]:3000", "a.example"].map(str::to_owned);
        let names = own_names("0.0.0.0".parse().unwrap(), &hosts);
        assert_eq!(names, ["localhost", "127.0.0.1", "::1", "desk.example", "fd00::1", "a.example"]);
        assert_eq!(own_names("10.0.0.7".parse().unwrap(), &[]).last().unwrap(), "10.0.0.7");
    }
}
