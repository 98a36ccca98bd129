//! Certificates from an authority by ACME (RFC 8555): orders one, proves that the names lead here, and orders the next one
//! before it ends.
//!
//! The proof is TLS-ALPN-01 (RFC 8737): the authority connects to the names' port 443 and is answered, on this server's
//! own listening socket, with a certificate that holds a digest. Port 443 has to lead to the server for that; port 80 is
//! not needed. The new certificate is written to its file, and [`super`] takes it from there like any other.
//! Only with the feature `acme`. Not here: who the authority is, and that its terms are accepted (`config::tls`).

use std::{
    collections::BTreeMap,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, HttpClient,
    Identifier, NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use model::{access::Role, time::Timestamp};
use rustls::{
    crypto::ring::sign,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::ClientHello,
    sign::CertifiedKey,
};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::http::{Request, Response};
use tokio_util::sync::CancellationToken;

use super::{
    ACME_PROTOCOL,
    details::Details,
    files::{Files, write},
};
use crate::{clock::Clock, config::TlsConfig, feed, notices::Notices, tls};

/// The certificates that answer the authority, by host name. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Challenges(Arc<RwLock<BTreeMap<String, Arc<CertifiedKey>>>>);

impl Challenges {
    /// Returns true if a client asks for a proof instead of a page.
    pub(super) fn is_asked(hello: &ClientHello<'_>) -> bool {
        hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME_PROTOCOL))
    }

    /// Returns the answer to a client that asks for one; `None` if nothing is being proven for this name.
    pub(super) fn answer(&self, hello: &ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let answers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        answers.get(&hello.server_name()?.to_ascii_lowercase()).cloned()
    }

    fn set(&self, domain: &str, digest: &[u8]) -> anyhow::Result<()> {
        let mut params = rcgen::CertificateParams::new([domain.to_owned()]).context("the name of the proof")?;
        params.custom_extensions = vec![rcgen::CustomExtension::new_acme_identifier(digest)];
        let key = rcgen::KeyPair::generate().context("make a key")?;
        let certificate = params.self_signed(&key).context("sign the proof")?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let private = sign::any_supported_type(&private).context("use the key of the proof")?;
        let answer = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], private));
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(domain.to_ascii_lowercase(), answer);
        Ok(())
    }

    fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The task that orders certificates.
#[derive(Debug)]
pub(super) struct Acme {
    pub(super) config: TlsConfig,
    pub(super) data_dir: PathBuf,
    pub(super) challenges: Challenges,
    pub(super) notices: Notices,
    pub(super) clock: Clock,
}

impl Acme {
    /// Orders a certificate whenever one is due, until `stopping`.
    pub(super) async fn run(self, stopping: CancellationToken) {
        let files = Files::acme(&self.data_dir);
        let mut retry = RETRY_FIRST;
        loop {
            let now = self.clock.now();
            let due_in = due_in(&files, &self.config.acme_domains, now.wall);
            let wait = if due_in > Duration::ZERO {
                due_in.min(LOOK_EVERY)
            } else {
                match self.order_until(&files, &stopping).await {
                    None => return,
                    Some(Ok(())) => {
                        retry = RETRY_FIRST;
                        self.notices.end(NOTICE);
                        tracing::info!(domains = self.config.acme_domains.join(", "), "a certificate was issued");
                        // Even one that is due at once is not ordered again and again.
                        RETRY_FIRST
                    }
                    Some(Err(error)) => {
                        let wait = retry;
                        retry = (retry * 2).min(RETRY_LONGEST);
                        let error = format!("{error:#}");
                        tracing::warn!(error, wait_s = wait.as_secs(), "no certificate was issued");
                        let sentence = format!("The certificate authority issued no certificate: {error}");
                        self.notices.show(NOTICE, Role::Admin, sentence, now.monotonic);
                        wait
                    }
                }
            };
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Orders one; `None` if the server stops meanwhile.
    async fn order_until(&self, files: &Files, stopping: &CancellationToken) -> Option<anyhow::Result<()>> {
        let outcome = tokio::select! {
            biased;
            () = stopping.cancelled() => None,
            outcome = tokio::time::timeout(ORDER_TIME, self.order(files)) => {
                Some(outcome.unwrap_or_else(|_| Err(anyhow::anyhow!("it did not end in time"))))
            }
        };
        self.challenges.clear();
        outcome
    }

    async fn order(&self, files: &Files) -> anyhow::Result<()> {
        let domains = &self.config.acme_domains;
        let account = self.account().await?;
        let identifiers: Vec<Identifier> = domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await.context("order a certificate")?;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.context("read what is to be proven")?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let mut challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .context("the authority does not offer the proof TLS-ALPN-01")?;
            let Identifier::Dns(domain) = challenge.identifier().identifier.clone() else {
                anyhow::bail!("the authority asks about something that is no host name");
            };
            self.challenges.set(&domain, challenge.key_authorization().digest().as_ref())?;
            challenge.set_ready().await.with_context(|| format!("announce the proof for {domain}"))?;
        }
        let status = order.poll_ready(&POLLING).await.context("prove the names: port 443 of each has to lead here")?;
        anyhow::ensure!(
            status == OrderStatus::Ready,
            "the authority did not accept the proof: port 443 has to lead here"
        );
        let key = rcgen::KeyPair::generate().context("make a key")?;
        let mut params = rcgen::CertificateParams::new(domains.clone()).context("the names of the certificate")?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let request = params.serialize_request(&key).context("make the request")?;
        order.finalize_csr(request.der()).await.context("send the request")?;
        let chain = order.poll_certificate(&POLLING).await.context("fetch the certificate")?;
        // One after the other: a pair that does not fit yet is looked at again.
        write(&files.key, &key.serialize_pem())?;
        write(&files.cert, &chain)
    }

    /// Returns the account at the authority, made at the first time.
    async fn account(&self) -> anyhow::Result<Account> {
        let TlsConfig { acme_directory: directory, acme_root_file, acme_contact, .. } = &self.config;
        let file = self.data_dir.join("tls/acme-account.json");
        let tls = match acme_root_file {
            Some(file) => tls::client_config_with_roots(file)?,
            None => tls::client_config()?,
        };
        let requests = || anyhow::Ok(Box::new(Requests(feed::http::client(&tls)?)));
        // One that cannot be read, or is of another authority, is replaced: accounts cost nothing.
        let kept = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice::<AccountFile>(&text).ok());
        if let Some(kept) = kept.filter(|kept| kept.directory == *directory) {
            let account = Account::builder_with_http(requests()?).from_credentials(kept.credentials).await;
            return account.context("use the account at the certificate authority");
        }
        let contact = acme_contact.as_ref().map(|address| format!("mailto:{address}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let made = Account::builder_with_http(requests()?).create(&new, directory.clone(), None).await;
        let (account, credentials) = made.context("make an account at the certificate authority")?;
        let kept = AccountFile { directory: directory.clone(), credentials };
        write(&file, &serde_json::to_string(&kept).context("write down the account")?)?;
        Ok(account)
    }
}

/// An account as it is kept, with the authority it is at.
#[derive(Deserialize, Serialize)]
struct AccountFile {
    directory: String,
    credentials: AccountCredentials,
}

/// Requests to the authority.
struct Requests(reqwest::Client);

impl HttpClient for Requests {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let client = self.0.clone();
        let failure = |error: reqwest::Error| instant_acme::Error::Other(error.into());
        Box::pin(async move {
            let request = request.map(reqwest::Body::wrap);
            let request = reqwest::Request::try_from(request).map_err(failure)?;
            let answer = client.execute(request).await.map_err(failure)?;
            Ok(BytesResponse::from(Response::<reqwest::Body>::from(answer)))
        })
    }
}

/// Returns how long the certificate in its files will do; zero if a new one is due.
fn due_in(files: &Files, domains: &[String], now: Timestamp) -> Duration {
    let details = files.read().ok().and_then(|key| Details::read(key.cert.first()?).ok());
    let Some(details) = details.filter(|details| domains.iter().all(|domain| details.is_for(domain))) else {
        return Duration::ZERO;
    };
    renewal_of(&details).saturating_since(now)
}

/// Returns when the next certificate is ordered: after two thirds of the time of this one.
fn renewal_of(details: &Details) -> Timestamp {
    details.begins + details.expires.saturating_since(details.begins) * 2 / 3
}

const NOTICE: &str = "acme";
/// Authorities allow a handful of failures an hour.
const RETRY_FIRST: Duration = Duration::from_secs(15 * 60);
const RETRY_LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// The machine may sleep, and its clock may be set.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
const ORDER_TIME: Duration = Duration::from_secs(5 * 60);
const POLLING: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_is_ordered_in_the_last_third() {
        let day = |days: u64| Timestamp::EPOCH + Duration::from_secs(days * 86_400);
        let details = Details { begins: day(10), expires: day(100), names: Vec::new() };
        assert_eq!(renewal_of(&details), day(70));
    }

    #[test]
    fn a_certificate_is_due_without_one_for_all_names() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::acme(folder.path());
        std::fs::create_dir_all(folder.path().join("tls")).unwrap();
        let names = ["a.example", "b.example"].map(str::to_owned);
        let at = |seconds: u64| Timestamp::EPOCH + Duration::from_secs(seconds);
        assert_eq!(due_in(&files, &names, at(0)), Duration::ZERO, "no file");
        let mut params = rcgen::CertificateParams::new(names.to_vec()).unwrap();
        params.not_before = std::time::UNIX_EPOCH.into();
        params.not_after = (std::time::UNIX_EPOCH + Duration::from_secs(300)).into();
        let key = rcgen::KeyPair::generate().unwrap();
        write(&files.key, &key.serialize_pem()).unwrap();
        write(&files.cert, &params.self_signed(&key).unwrap().pem()).unwrap();
        assert_eq!(due_in(&files, &names, at(50)), Duration::from_secs(150));
        assert_eq!(due_in(&files, &names, at(200)), Duration::ZERO, "the last third");
        let more = [names.as_slice(), &["c.example".to_owned()]].concat();
        assert_eq!(due_in(&files, &more, at(50)), Duration::ZERO, "another name");
        std::fs::remove_file(&files.key).unwrap();
        assert_eq!(due_in(&files, &names, at(50)), Duration::ZERO, "no key");
    }
}
