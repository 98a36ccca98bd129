//! The names and dates of a certificate. Source: RFC 5280, sections 4.1.2.5 and 4.2.1.6.
//!
//! For warnings and checks alone: who trusts a certificate decides for itself.

use std::net::IpAddr;

use anyhow::Context;
use model::time::Timestamp;
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

/// The contents of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Start of its validity.
    pub begins: Timestamp,
    /// End of its validity.
    pub expires: Timestamp,
    /// The host names and addresses it is for, in lower case; `*.` stands for one label.
    pub names: Vec<String>,
}

impl Details {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// It is not a certificate of X.509.
    pub fn read(der: &[u8]) -> anyhow::Result<Self> {
        let (_rest, certificate) = parse_x509_certificate(der).context("read the certificate")?;
        let names = certificate.subject_alternative_name().context("read the certificate's names")?;
        let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            GeneralName::IPAddress(bytes) => Some(address(bytes)?.to_string()),
            _ => None,
        });
        let at = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1_000));
        Ok(Self {
            begins: at(certificate.validity().not_before.timestamp()),
            expires: at(certificate.validity().not_after.timestamp()),
            names: names.collect(),
        })
    }

    /// Returns true if it is for this host name or address.
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(domain) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == domain),
            None => *name == host,
        })
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn names_and_dates_are_those_of_the_certificate() {
        let names = ["Desk.example", "*.wild.example", "10.0.0.7", "fd00::1"].map(str::to_owned);
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.not_before = (UNIX_EPOCH + Duration::from_secs(1_000_000)).into();
        params.not_after = (UNIX_EPOCH + Duration::from_secs(2_000_000)).into();
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let details = Details::read(certificate.der()).unwrap();
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        assert_eq!((details.begins, details.expires), (at(1_000_000), at(2_000_000)));
        for (host, expected) in [
            ("desk.example", true),
            ("DESK.EXAMPLE", true),
            ("a.desk.example", false),
            ("a.wild.example", true),
            ("wild.example", false),
            (".wild.example", false),
            ("a.b.wild.example", false),
            ("10.0.0.7", true),
            ("10.0.0.8", false),
            ("fd00::1", true),
        ] {
            assert_eq!(details.is_for(host), expected, "{host}");
        }
        assert!(Details::read(b"nothing").is_err());
    }
}
