//! `[server]`: the listening address, the data folder, and the accepted host names.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    error::{SettingError, invalid},
    value::{parsed, texts},
    whole::Whole,
};

/// The listening address, the data folder, and the accepted callers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port; port 0 takes a free one. Loopback only, until there are logins.
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
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3_000)),
            data_dir: default_data_dir(),
            allowed_hosts: Vec::new(),
            max_connections: 4_096,
        }
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

/// Writes a path; one that is not Unicode is approximated.
fn show_path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

fn listen(text: &str) -> Result<SocketAddr, SettingError> {
    // A name would have to be resolved, and could resolve to addresses other than loopback.
    let address: SocketAddr = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"))
        .parse()
        .map_err(|_| invalid("write address and port, as in 127.0.0.1:3000"))?;
    if address.ip().to_canonical().is_loopback() {
        Ok(address)
    } else {
        Err(invalid(
            "the server has no logins yet, so it listens on loopback only: write 127.0.0.1 or [::1], and put a reverse \
             proxy with a login in front to reach it from elsewhere",
        ))
    }
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
    base.unwrap_or_else(|| PathBuf::from(".")).join("truetape")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listens_on_loopback_only() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(listen(text).ok().map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
        check("127.0.0.1:3000", Some("127.0.0.1:3000"));
        check("127.8.9.1:0", Some("127.8.9.1:0"));
        check("localhost:80", Some("127.0.0.1:80"));
        check("[::1]:3000", Some("[::1]:3000"));
        for bad in [
            "0.0.0.0:3000",
            "[::]:3000",
            "192.168.1.2:3000",
            "[::ffff:10.0.0.1]:1",
            "127.0.0.1",
            "3000",
            "",
            "recordings:3000",
        ] {
            check(bad, None);
        }
        let Err(SettingError::Invalid(remedy)) = listen("0.0.0.0:3000") else { panic!("accepted") };
        assert!(remedy.contains("loopback only"), "{remedy}");
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
