//! `[server]`: the listening address, the data folder, the accepted host names and the trusted proxies.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    error::{SettingError, invalid},
    network::Network,
    value::{parsed, texts},
    whole::Whole,
};

/// The listening address, the data folder, and the accepted callers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port; port 0 takes a free one. Beyond loopback only with TLS.
    #[serde(deserialize_with = "read_listen")]
    pub listen: SocketAddr,
    /// Folder of the database, recordings and certificates.
    #[serde(deserialize_with = "read_data_dir", serialize_with = "show_path")]
    pub data_dir: PathBuf,
    /// Further names accepted in `Host` and `Origin`, with a port if it is not the default: those of a reverse proxy.
    #[serde(deserialize_with = "read_allowed_hosts")]
    pub allowed_hosts: Vec<String>,
    /// Maximum number of open connections; further ones are refused, but for a reserve for the page and health checks.
    #[serde(with = "Whole::<1, 1_000_000>")]
    pub max_connections: usize,
    /// True if browsers keep the page's files, so that it starts without the server; `false` removes the kept files.
    pub offline_page: bool,
    /// Addresses and ranges of reverse proxies that are believed when they say who called them.
    #[serde(deserialize_with = "read_trusted_proxies")]
    pub trusted_proxies: Vec<Network>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3_000)),
            data_dir: default_data_dir(),
            allowed_hosts: Vec::new(),
            max_connections: 4_096,
            offline_page: true,
            trusted_proxies: Vec::new(),
        }
    }
}

impl ServerConfig {
    /// Returns true if only this machine reaches the server, and no proxy does for others.
    pub fn is_private(&self) -> bool {
        self.listen.ip().to_canonical().is_loopback() && !self.has_proxies()
    }

    /// Returns true if proxies reach the server for others: it has further names, or trusts somebody.
    pub fn has_proxies(&self) -> bool {
        !self.allowed_hosts.is_empty() || !self.trusted_proxies.is_empty()
    }
}

fn read_listen<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    parsed(from, listen)
}

fn read_data_dir<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    parsed(from, data_dir)
}

fn read_allowed_hosts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    texts(from, allowed_host)
}

fn read_trusted_proxies<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Network>, D::Error> {
    texts(from, Network::parse)
}

/// Writes a path; one that is not Unicode is approximated.
fn show_path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

fn listen(text: &str) -> Result<SocketAddr, SettingError> {
    // A name would have to be resolved, and could resolve to addresses other than loopback.
    text.strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"))
        .parse()
        .map_err(|_| invalid("write address and port, as in 127.0.0.1:3000"))
}

fn data_dir(text: &str) -> Result<PathBuf, SettingError> {
    if text.is_empty() { Err(invalid("write a folder")) } else { Ok(PathBuf::from(text)) }
}

/// Reads a host name with an optional port, without scheme or path.
fn allowed_host(name: &str) -> Result<String, SettingError> {
    let is_host = !name.is_empty()
        && name.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | ':' | '[' | ']'));
    if is_host {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(invalid(
            "write host names alone, as in recordings.example or recordings.example:8443, without http:// and without *",
        ))
    }
}

fn default_data_dir() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local/share")))
    };
    data_dir_in(base)
}

/// Returns the data folder of a user's folder for data, or of a user who has none.
fn data_dir_in(base: Option<PathBuf>) -> PathBuf {
    // Beside an unpacked program there can be no folder of its name.
    base.map_or_else(|| PathBuf::from("truetape-data"), |base| base.join("truetape"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_never_where_the_unpacked_program_is() {
        assert_eq!(data_dir_in(Some(PathBuf::from("/data/ada"))).as_os_str(), "/data/ada/truetape");
        assert_eq!(data_dir_in(None).as_os_str(), "truetape-data");
    }

    #[test]
    fn an_address_has_a_port() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(listen(text).ok().map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
        check("127.0.0.1:3000", Some("127.0.0.1:3000"));
        check("127.8.9.1:0", Some("127.8.9.1:0"));
        check("localhost:80", Some("127.0.0.1:80"));
        check("[::1]:3000", Some("[::1]:3000"));
        check("0.0.0.0:443", Some("0.0.0.0:443"));
        for bad in ["127.0.0.1", "3000", "", "recordings:3000"] {
            check(bad, None);
        }
    }

    #[test]
    fn host_names_stand_alone() {
        for good in ["recordings.example", "recordings.example:8443", "[fd00::1]:3000"] {
            assert!(allowed_host(good).is_ok(), "{good}");
        }
        for bad in ["", "*", "*.example", "https://recordings.example", "recordings.example/x", "a b"] {
            assert!(allowed_host(bad).is_err(), "{bad}");
        }
    }
}
