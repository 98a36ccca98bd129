//! The server's identity towards push services (VAPID, RFC 8292): a key pair, and a signed token for each service.
//!
//! The key is made once and kept in the store: browsers subscribe with it, so another one would end all subscriptions.

use std::fmt;

use anyhow::{Context, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::time::Timestamp;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;
use store::alerts::{Alerts, Document};

/// The key pair.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    public_text: String,
}

impl VapidKey {
    /// Reads the key from the store; makes one where there is none.
    ///
    /// # Errors
    /// The store refuses, or holds something else.
    pub async fn kept(alerts: &Alerts) -> anyhow::Result<Self> {
        let kept = alerts.documents(Document::Setting).await.context("read the push key")?;
        let kept = kept.into_iter().find(|(id, _)| id == SETTING);
        let text = match kept {
            Some((_, text)) => text,
            None => {
                alerts.keep_first(Document::Setting, SETTING, &Self::generate()?).await.context("keep the push key")?
            }
        };
        Self::parse(&text)
    }

    /// Makes a key; returns its PKCS #8 form as base64url.
    fn generate() -> anyhow::Result<String> {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let key = key.map_err(|_| anyhow!("the system gives no random numbers"))?;
        Ok(URL_SAFE_NO_PAD.encode(key))
    }

    /// Reads a key's text.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let key = URL_SAFE_NO_PAD.decode(text).context("the push key is not base64url")?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &SystemRandom::new());
        let pair = pair.map_err(|error| anyhow!("the push key cannot be used: {error}"))?;
        let public_text = URL_SAFE_NO_PAD.encode(pair.public_key());
        Ok(Self { pair, public_text })
    }

    /// Returns the public key as browsers take it.
    pub fn public_text(&self) -> &str {
        &self.public_text
    }

    /// Returns the header `Authorization` for a push service, valid for twelve hours. `None` where it cannot be signed.
    pub fn authorization(&self, service: &str, contact: &str, now: Timestamp) -> Option<String> {
        let expires = now.as_millis().div_euclid(1_000) + VALID_S;
        let header = json!({ "alg": "ES256", "typ": "JWT" });
        let claims = json!({ "aud": service, "exp": expires, "sub": contact });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.public_text))
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VapidKey({})", self.public_text)
    }
}

const SETTING: &str = "push_key";
/// A day is the most that services take.
const VALID_S: i64 = 12 * 3_600;
