//! The checks of `truetape doctor`: each looks at one thing and returns one finding.

use std::{
    fs::File,
    io::ErrorKind,
    net::TcpListener,
    path::Path,
    time::{Duration, SystemTime},
};

use model::time::Timestamp;
use reqwest::Url;
use store::{
    backup,
    files::{self, DESK_FILE},
};
use venues::registry;

use super::{super::own_server, Finding};
use crate::{
    certificate::{self, expiry::Expiry, host_of},
    config::Config,
    desk::calendar::is_known,
    disk::free_bytes,
    feed, tls,
};

/// Runs all checks, in the order in which a server would need what they look at.
pub(super) async fn all(config: &Config) -> Vec<Finding> {
    let data_dir = &config.server.data_dir;
    vec![
        Finding::ok("configuration", "it is usable"),
        data_folder(data_dir),
        space(data_dir),
        sqlite().await,
        database(data_dir).await,
        open_files(config.server.max_connections),
        port(config).await,
        own_certificate(config, SystemTime::now()),
        clock(config).await,
        time_zone(&config.desk.time_zone),
    ]
}

fn data_folder(folder: &Path) -> Finding {
    const CHECK: &str = "data folder";
    let shown = folder.display();
    let Some(existing) = existing(folder) else {
        return Finding::failed(CHECK, format!("{shown} cannot be created"), "name another with --data-dir");
    };
    let remedy =
        || format!("make {} writable for this user, or name another folder with --data-dir", existing.display());
    if !existing.is_dir() {
        return Finding::failed(CHECK, format!("{} is no folder", existing.display()), "name another with --data-dir");
    }
    let trial = existing.join(format!(".truetape-doctor-{}", std::process::id()));
    let written = File::create_new(&trial).and_then(|file| file.sync_all());
    let _is_gone = std::fs::remove_file(&trial);
    match written {
        Err(error) => Finding::failed(CHECK, format!("{} cannot be written: {error}", existing.display()), remedy()),
        Ok(()) if existing == folder => Finding::ok(CHECK, format!("{shown} can be written")),
        Ok(()) => Finding::ok(CHECK, format!("{shown} will be created")),
    }
}

fn space(folder: &Path) -> Finding {
    const CHECK: &str = "disk space";
    let Some(n_bytes) = existing(folder).and_then(free_bytes) else {
        return Finding::skipped(CHECK, "the system does not say");
    };
    let found = format!("{} MB free", n_bytes / 1_000_000);
    let remedy = "free some: without space the desk takes no orders";
    match n_bytes {
        ..NO_SPACE => Finding::failed(CHECK, found, remedy),
        NO_SPACE..LITTLE_SPACE => Finding::warning(CHECK, found, remedy),
        _ => Finding::ok(CHECK, found),
    }
}

/// Returns the folder itself, or the nearest one above it that exists.
fn existing(folder: &Path) -> Option<&Path> {
    let named = |path: &&Path| !path.as_os_str().is_empty();
    folder.ancestors().filter(named).find(|path| path.exists()).or_else(|| folder.is_relative().then(|| Path::new(".")))
}

async fn sqlite() -> Finding {
    match files::sqlite_version().await {
        Ok(version) => Finding::ok("SQLite", format!("{version}, inside this program")),
        Err(error) => Finding::failed("SQLite", error.to_string(), "use a released truetape"),
    }
}

async fn database(folder: &Path) -> Finding {
    const CHECK: &str = "database";
    if !folder.join(DESK_FILE).exists() {
        return Finding::ok(CHECK, "none yet; the first start creates it");
    }
    match backup::check(folder).await {
        Ok(contents) => Finding::ok(CHECK, format!("every page and index is in order (form {})", contents.version)),
        Err(error) => Finding::failed(CHECK, error.to_string(), "see `truetape restore --help`"),
    }
}

fn open_files(max_connections: usize) -> Finding {
    const CHECK: &str = "open files";
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let needed = u64::try_from(max_connections).unwrap_or(u64::MAX).saturating_add(OTHER_FILES);
        match getrlimit(Resource::Nofile).maximum {
            Some(limit) if limit < needed => Finding::warning(
                CHECK,
                format!("at most {limit}, but {max_connections} connections need {needed}"),
                "raise the limit (ulimit -Hn, LimitNOFILE=), or lower server.max_connections",
            ),
            Some(limit) => Finding::ok(CHECK, format!("at most {limit}")),
            None => Finding::ok(CHECK, "without a limit"),
        }
    }
    #[cfg(not(unix))]
    {
        let _ = max_connections;
        Finding::skipped(CHECK, "this system has no limit to read")
    }
}

async fn port(config: &Config) -> Finding {
    const CHECK: &str = "address";
    let listen = config.server.listen;
    let Err(error) = TcpListener::bind(listen) else { return Finding::ok(CHECK, format!("{listen} is free")) };
    match error.kind() {
        ErrorKind::AddrInUse if is_truetape(config).await => {
            Finding::ok(CHECK, format!("a truetape serves on {listen}"))
        }
        ErrorKind::AddrInUse => Finding::failed(
            CHECK,
            format!("another program listens on {listen}"),
            "stop it, or choose another port with --listen",
        ),
        ErrorKind::PermissionDenied => Finding::failed(
            CHECK,
            format!("this user may not listen on {listen}"),
            "choose a port above 1023, or use `truetape service install --low-ports`",
        ),
        _ => Finding::failed(CHECK, format!("cannot listen on {listen}: {error}"), "choose another with --listen"),
    }
}

async fn is_truetape(config: &Config) -> bool {
    let ask = async {
        let client = own_server::client(config)?;
        let url = own_server::url(config)?.join("healthz")?;
        let answer: serde_json::Value =
            serde_json::from_str(&client.get(url).timeout(ANSWER_TIME).send().await?.text().await?)?;
        anyhow::Ok(answer["status"] == "ok")
    };
    ask.await.unwrap_or(false)
}

/// Looks at the server's own certificate: its files, its dates, and its names.
fn own_certificate(config: &Config, now: SystemTime) -> Finding {
    const CHECK: &str = "certificate";
    let details = match certificate::check(&config.tls, &config.server.data_dir) {
        Ok(Some(details)) => details,
        Ok(None) if config.tls.is_on() => return Finding::ok(CHECK, "the first start makes it"),
        Ok(None) => return Finding::ok(CHECK, "none: the server speaks plain HTTP"),
        Err(error) => {
            return Finding::failed(CHECK, format!("{error:#}"), "see tls.cert and tls.key, both in PEM");
        }
    };
    let now = timestamp(now);
    let renew = "renew it; the server reads a changed file by itself";
    let expiry = Expiry::of(details.expires, now);
    if details.begins > now {
        return Finding::failed(CHECK, "it is not valid yet", "check the clock, or use another certificate");
    }
    match expiry.words() {
        Some(words) if expiry == Expiry::Passed => return Finding::failed(CHECK, format!("it {words}"), renew),
        Some(words) => return Finding::warning(CHECK, format!("it {words}"), renew),
        None => {}
    }
    let hosts = config.server.allowed_hosts.iter().map(|host| host_of(host));
    let missing: Vec<&str> = hosts.filter(|host| !details.is_for(host)).collect();
    if missing.is_empty() {
        let days = details.expires.saturating_since(now).as_secs() / 86_400;
        return Finding::ok(CHECK, format!("valid for another {days} days, for {}", details.names.join(", ")));
    }
    Finding::warning(
        CHECK,
        format!("it is not for {}, but for {}", missing.join(", "), details.names.join(", ")),
        "use one with all names of server.allowed_hosts, unless a proxy in front has one",
    )
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Compares the clock with the `Date` of the first venue that answers.
async fn clock(config: &Config) -> Finding {
    const CHECK: &str = "clock";
    for feed in &config.feeds {
        let default = registry::venues().find(|info| info.name == feed.venue).map(|info| info.default_rest_url);
        let address = config.venue(&feed.venue).rest_url.or(default.map(str::to_owned));
        let Some(url) = address.and_then(|address| Url::parse(&address).ok()) else { continue };
        let Some(ahead_ms) = ahead_of(&url).await else { continue };
        let host = url.host_str().unwrap_or_default();
        let found =
            format!("{:.1} s {} {host}", ahead_ms.abs() / 1e3, if ahead_ms < 0.0 { "behind" } else { "ahead of" });
        let remedy =
            "set it by NTP (timedatectl set-ntp true): ages and latencies are compared with the venues' clocks";
        return if ahead_ms.abs() > MOST_AHEAD_MS {
            Finding::warning(CHECK, found, remedy)
        } else {
            Finding::ok(CHECK, format!("agrees with {host} to the second"))
        };
    }
    Finding::skipped(CHECK, "no venue of the configuration answers")
}

/// Returns by how many milliseconds our clock is ahead of a server's; `None` if it does not answer.
async fn ahead_of(url: &Url) -> Option<f64> {
    let client = feed::http::client(&tls::client_config().ok()?).ok()?;
    let asked = SystemTime::now();
    let answer = client.head(url.clone()).timeout(ANSWER_TIME).send().await.ok()?;
    let way = asked.elapsed().unwrap_or_default();
    let date = httpdate::parse_http_date(answer.headers().get("date")?.to_str().ok()?).ok()?;
    // The date was written about half way, and its second had begun.
    let theirs = date + Duration::from_millis(500);
    let ours = asked + way / 2;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    Some(ours.duration_since(theirs).map_or_else(|error| -ms(error.duration()), ms))
}

fn time_zone(name: &str) -> Finding {
    // The tables are inside the program, so a name that the configuration accepted is known.
    match is_known(name) {
        true => Finding::ok("time zones", format!("{name}, from the tables inside this program")),
        false => Finding::failed("time zones", format!("{name} is not known"), "write an IANA time zone, as in UTC"),
    }
}

/// A day of quotes and candles of a small server.
const LITTLE_SPACE: u64 = 1_000_000_000;
/// Less than one recording.
const NO_SPACE: u64 = 50_000_000;
/// For feeds, recordings and connections beyond the maximum, as `serve` adds them.
const OTHER_FILES: u64 = 1_024;
const ANSWER_TIME: Duration = Duration::from_secs(3);
/// A clock kept by NTP is within a tenth of a second; the date of HTTP has whole seconds.
const MOST_AHEAD_MS: f64 = 2_000.0;

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let state = |path: &Path| (data_folder(path).state, space(path).state == State::Failed);
        assert_eq!(state(folder.path()), (State::Ok, false));
        let new = folder.path().join("a/b/c");
        assert_eq!(state(&new), (State::Ok, false));
        assert!(data_folder(&new).detail.ends_with("will be created") && !new.exists());
        assert_eq!(data_folder(&file).state, State::Failed);
        assert_eq!(data_folder(&file.join("below")).state, State::Failed);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn few_files_are_a_warning() {
        assert_eq!(open_files(usize::MAX).state, State::Warning);
        assert_eq!(open_files(1).state, State::Ok);
    }

    #[tokio::test]
    async fn the_clock_is_compared_with_a_date() {
        for (date, expected) in [
            (SystemTime::now(), State::Ok),
            (SystemTime::now() - Duration::from_secs(60), State::Warning),
            (SystemTime::now() + Duration::from_secs(60), State::Warning),
        ] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let mut config = Config::default();
            config.feeds.push(crate::config::FeedConfig { venue: "somewhere".to_owned(), symbols: Vec::new() });
            config.venues.entry("somewhere".to_owned()).or_default().rest_url = Some(url);
            let answer = async {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let (mut connection, _) = listener.accept().await.unwrap();
                connection.read_u8().await.unwrap();
                let date = httpdate::fmt_http_date(date);
                let text = format!("HTTP/1.1 404 Not Found\r\ndate: {date}\r\ncontent-length: 0\r\n\r\n");
                connection.write_all(text.as_bytes()).await.unwrap();
                connection
            };
            let (finding, _connection) = tokio::join!(clock(&config), answer);
            assert_eq!(finding.state, expected, "{finding}");
        }
        assert_eq!(clock(&Config::default()).await.state, State::Skipped);
    }

    #[test]
    fn the_certificate_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let [cert, key, other_key] = ["cert.pem", "key.pem", "other.pem"].map(|name| folder.path().join(name));
        let (now, day) = (SystemTime::now(), Duration::from_secs(86_400));
        let mut config = Config::default();
        assert_eq!(own_certificate(&config, now).state, State::Ok, "plain HTTP");
        (config.tls.cert, config.tls.key) = (Some(cert.clone()), Some(key.clone()));
        let check = |config: &Config, at: SystemTime, state: State, words: &str| {
            let finding = own_certificate(config, at);
            assert!(finding.state == state && finding.detail.contains(words), "{finding}");
        };
        check(&config, now, State::Failed, "cert.pem");
        let mut params = rcgen::CertificateParams::new(["desk.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = ((now - day).into(), (now + day * 30).into());
        let pair = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&cert, params.self_signed(&pair).unwrap().pem()).unwrap();
        check(&config, now, State::Failed, "key.pem");
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        config.server.allowed_hosts = vec!["desk.example:8443".to_owned()];
        check(&config, now, State::Ok, "for another 2");
        check(&config, now + day * 20, State::Warning, "expires in 9 days");
        check(&config, now + day * 31, State::Failed, "has expired");
        check(&config, now - day * 2, State::Failed, "not valid yet");
        config.server.allowed_hosts.push("else.example".to_owned());
        check(&config, now, State::Warning, "it is not for else.example, but for desk.example");
        std::fs::write(&other_key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        config.tls.key = Some(other_key);
        check(&config, now, State::Failed, "is not the key of");
    }

    #[tokio::test]
    async fn a_taken_port_is_a_failure() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.server.listen = taken.local_addr().unwrap();
        assert_eq!(port(&config).await.state, State::Failed);
        drop(taken);
        assert_eq!(port(&config).await.state, State::Ok);
    }
}
