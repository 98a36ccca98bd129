//! `[tls]`: the server's own certificate, from files, from an authority by ACME, or made by itself.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    error::{SettingError, invalid},
    value::{parsed, texts},
};

/// The certificate. Without one, the server speaks plain HTTP.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// File with the certificate and those that vouch for it, in PEM.
    #[serde(deserialize_with = "read_path", serialize_with = "show_path", skip_serializing_if = "Option::is_none")]
    pub cert: Option<PathBuf>,
    /// File with its private key, in PEM.
    #[serde(deserialize_with = "read_path", serialize_with = "show_path", skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// True for a certificate that the server makes by itself and that browsers warn of.
    pub self_signed: bool,
    /// Host names for which an authority issues the certificate by ACME. Port 443 of each has to lead to this server.
    #[serde(deserialize_with = "read_domains", skip_serializing_if = "Vec::is_empty")]
    pub acme_domains: Vec<String>,
    /// True if the authority's terms of service are accepted.
    pub acme_accept_terms: bool,
    /// E-mail address where the authority can reach the admin of this server.
    #[serde(deserialize_with = "read_contact", skip_serializing_if = "Option::is_none")]
    pub acme_contact: Option<String>,
    /// The authority's directory.
    #[serde(deserialize_with = "read_directory")]
    pub acme_directory: String,
    /// PEM file with the root certificates of the authority's own address, in place of the built-in ones.
    #[serde(deserialize_with = "read_path", serialize_with = "show_path", skip_serializing_if = "Option::is_none")]
    pub acme_root_file: Option<PathBuf>,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            cert: None,
            key: None,
            self_signed: false,
            acme_domains: Vec::new(),
            acme_accept_terms: false,
            acme_contact: None,
            acme_directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            acme_root_file: None,
        }
    }
}

impl TlsConfig {
    /// Returns true if the server speaks TLS.
    pub fn is_on(&self) -> bool {
        self.self_signed || self.cert.is_some() || !self.acme_domains.is_empty()
    }

    /// Checks the keys together.
    ///
    /// # Errors
    /// The key at fault, and the remedy.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        match (&self.cert, &self.key, self.self_signed) {
            (Some(_), None, _) => Err(("cert", "name its private key too, as tls.key")),
            (None, Some(_), _) => Err(("key", "name its certificate too, as tls.cert")),
            (Some(_), Some(_), true) => Err(("self_signed", "write either files or self_signed")),
            _ if self.acme_domains.is_empty() => Ok(()),
            (Some(_), ..) | (.., true) => Err(("acme_domains", "write either these, or files, or self_signed")),
            _ if !cfg!(feature = "acme") => Err((
                "acme_domains",
                "this program was built without the feature acme; build it with --features acme, or use tls.cert",
            )),
            _ if !self.acme_accept_terms => {
                Err(("acme_domains", "read the authority's terms of service, then write acme_accept_terms = true"))
            }
            _ => Ok(()),
        }
    }
}

fn read_path<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    parsed(from, path).map(Some)
}

fn read_domains<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    texts(from, domain)
}

fn read_contact<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    parsed(from, contact).map(Some)
}

fn read_directory<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    parsed(from, directory)
}

fn domain(text: &str) -> Result<String, SettingError> {
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= 253 && text.contains('.') && text.split('.').all(is_label) && text.parse::<Ipv4Addr>().is_err() {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(invalid("write host names alone, as in desk.example, without a port and without *"))
    }
}

fn contact(text: &str) -> Result<String, SettingError> {
    let is_address = |text: &str| {
        text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if is_address(text) { Ok(text.to_owned()) } else { Err(invalid("write an e-mail address, as in me@desk.example")) }
}

fn directory(text: &str) -> Result<String, SettingError> {
    let is_url = reqwest::Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.password().is_none());
    if is_url { Ok(text.to_owned()) } else { Err(invalid("write the https address of the authority's directory")) }
}

fn path(text: &str) -> Result<PathBuf, SettingError> {
    if text.is_empty() { Err(invalid("write the path of a file in PEM")) } else { Ok(PathBuf::from(text)) }
}

/// Writes a path; one that is not Unicode is approximated.
fn show_path<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.as_deref().unwrap_or(Path::new("")).display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_stand_alone() {
        for good in ["desk.example", "Desk.Example", "a-b.c.example", "xn--bcher-kva.example"] {
            assert_eq!(domain(good).ok(), Some(good.to_ascii_lowercase()), "{good}");
        }
        for bad in
            ["", "desk", "*.example", "desk.example:443", "https://desk.example", "10.0.0.1", "a..b", "-a.b", "a_b.c"]
        {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn contacts_and_directories_have_their_form() {
        assert!(contact("me@desk.example").is_ok());
        for bad in ["", "me", "@desk.example", "me@desk", "mailto:me @desk.example"] {
            assert!(contact(bad).is_err(), "{bad}");
        }
        assert!(directory(&TlsConfig::default().acme_directory).is_ok());
        for bad in ["", "acme.example/directory", "http://acme.example/directory", "https://a:b@acme.example"] {
            assert!(directory(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_authority_needs_the_feature_and_a_yes_to_its_terms() {
        let acme = TlsConfig { acme_domains: vec!["desk.example".to_owned()], ..TlsConfig::default() };
        let accepted = TlsConfig { acme_accept_terms: true, ..acme.clone() };
        assert_eq!(acme.check().map_err(|(key, _)| key), Err("acme_domains"));
        assert_eq!(accepted.check().is_ok(), cfg!(feature = "acme"));
        let with_both = TlsConfig { self_signed: true, ..accepted };
        assert!(with_both.check().is_err_and(|(_, remedy)| remedy.starts_with("write either")));
    }
}
