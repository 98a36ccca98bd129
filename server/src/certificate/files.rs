//! The files of the server's certificate: where they are, reading them, and making a certificate of its own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use rustls::{
    crypto::ring::sign,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use crate::config::TlsConfig;

/// The paths of certificate and key.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

impl Files {
    /// Returns the files of a configuration with TLS.
    pub(super) fn of(config: &TlsConfig, data_dir: &Path) -> Option<Self> {
        match (&config.cert, &config.key) {
            (Some(cert), Some(key)) => Some(Self { cert: cert.clone(), key: key.clone() }),
            _ if config.self_signed => Some(Self::self_signed(data_dir)),
            _ if !config.acme_domains.is_empty() => Some(Self::acme(data_dir)),
            _ => None,
        }
    }

    /// Returns those that a server of this configuration uses now; `None` without TLS, or if there are none yet.
    pub(super) fn known(config: &TlsConfig, data_dir: &Path) -> Option<Self> {
        let files = Self::of(config, data_dir)?;
        if config.cert.is_some() || files.cert.exists() {
            return Some(files);
        }
        // Until an authority has issued the first.
        Some(Self::self_signed(data_dir)).filter(|files| files.cert.exists())
    }

    /// Returns the files of a certificate from an authority.
    pub(super) fn acme(data_dir: &Path) -> Self {
        let folder = data_dir.join("tls");
        Self { cert: folder.join("acme.pem"), key: folder.join("acme.key") }
    }

    /// Returns the files of a certificate that the server makes.
    pub(super) fn self_signed(data_dir: &Path) -> Self {
        let folder = data_dir.join("tls");
        Self { cert: folder.join("self-signed.pem"), key: folder.join("self-signed.key") }
    }

    /// Reads the certificate with those that vouch for it.
    pub(super) fn chain(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let cert = &self.cert;
        let chain = CertificateDer::pem_file_iter(cert)
            .and_then(|certs| certs.collect::<Result<Vec<_>, _>>())
            .with_context(|| named(cert, "no certificate in PEM can be read"))?;
        anyhow::ensure!(!chain.is_empty(), named(cert, "there is no certificate in this file"));
        Ok(chain)
    }

    /// Reads the certificate with its key.
    pub(super) fn read(&self) -> anyhow::Result<Arc<CertifiedKey>> {
        let chain = self.chain()?;
        let Self { cert, key } = self;
        let private =
            PrivateKeyDer::from_pem_file(key).with_context(|| named(key, "no private key in PEM can be read"))?;
        let private =
            sign::any_supported_type(&private).with_context(|| named(key, "this kind of key is not supported"))?;
        let both = CertifiedKey::new(chain, private);
        // Other kinds of keys cannot be compared.
        if matches!(both.keys_match(), Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch))) {
            anyhow::bail!("{} is not the key of {}", key.display(), cert.display());
        }
        Ok(Arc::new(both))
    }

    /// Returns when the files were changed last.
    pub(super) fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.cert, &self.key].map(|path| std::fs::metadata(path).and_then(|data| data.modified()).ok())
    }
}

fn named(path: &Path, what: &str) -> String {
    format!("{}: {what}", path.display())
}

/// Makes a certificate for these names, or uses the one that was made for them before.
pub(super) fn make(files: &Files, data_dir: &Path, mut names: Vec<String>) -> anyhow::Result<()> {
    let folder = data_dir.join("tls");
    let of = folder.join("self-signed.names");
    names.sort();
    names.dedup();
    let wanted = names.join("\n");
    let age = std::fs::metadata(&files.cert).and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
    let is_young = age.is_some_and(|age| age < RENEW_AFTER);
    if is_young && std::fs::read_to_string(&of).is_ok_and(|known| known == wanted) && files.read().is_ok() {
        return Ok(());
    }
    let mut params = rcgen::CertificateParams::new(names).context("the names of the certificate")?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Truetape, self-signed");
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + VALID).into();
    let key = rcgen::KeyPair::generate().context("make a key")?;
    let cert = params.self_signed(&key).context("sign the certificate")?;
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    write(&files.key, &key.serialize_pem())?;
    write(&files.cert, &cert.pem())?;
    write(&of, &wanted)
}

/// Writes a file that its owner alone reads.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("write {}", path.display()))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(|| format!("write {}", path.display()))
}

const DAY: Duration = Duration::from_secs(86_400);
/// Browsers refuse certificates of more than 398 days.
const VALID: Duration = Duration::from_secs(397 * 86_400);
const RENEW_AFTER: Duration = Duration::from_secs(360 * 86_400);
