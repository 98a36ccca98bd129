//! Messages to the service manager, by systemd's protocol (sd_notify(3)): ready, stopping, and that the server answers.
//!
//! A message is one datagram to the socket that the manager names; without one, nothing is sent. Not here: reading the
//! environment (`cli::serve`), what it takes to answer (`Server::is_answering`).

use std::{ffi::OsStr, io, path::Path, time::Duration};

/// The way to the service manager.
#[derive(Debug, Default)]
pub struct Notifier {
    #[cfg(unix)]
    socket: Option<std::os::unix::net::UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Reads what the manager set for this process: the socket (`NOTIFY_SOCKET`), the microseconds within which it expects
    /// signs of life (`WATCHDOG_USEC`), and the process that it expects them of (`WATCHDOG_PID`).
    ///
    /// # Errors
    /// The socket cannot be reached.
    pub fn new(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> io::Result<Self> {
        let Some(name) = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(Self::default()) };
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let is_ours = text("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let micros = text("WATCHDOG_USEC").and_then(|micros| micros.parse().ok()).filter(|micros| *micros > 0);
        Self::to(&name, micros.filter(|_| is_ours).map(Duration::from_micros))
    }

    #[cfg(unix)]
    fn to(name: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        use std::os::unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        };
        let address = match name.as_bytes() {
            // A name without a file.
            #[cfg(target_os = "linux")]
            [b'@', rest @ ..] => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(rest)?,
            _ => SocketAddr::from_pathname(Path::new(name))?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // The manager may be busy; the server must not wait for it.
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some(socket), watchdog })
    }

    #[cfg(not(unix))]
    fn to(_name: &OsStr, _watchdog: Option<Duration>) -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Says that the server serves at an address.
    pub fn ready(&self, url: &str) {
        self.send(&format!("READY=1\nSTATUS=Serving {url}"));
    }

    /// Says that the shutdown has begun.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Stopping");
    }

    /// Says three times within the manager's limit that the server answers, as long as it does; the manager restarts one
    /// that has stopped. Never returns.
    pub async fn watch(&self, is_answering: impl AsyncFn() -> bool) {
        let Some(limit) = self.watchdog else { return std::future::pending().await };
        let mut turns = tokio::time::interval(limit / 3);
        loop {
            turns.tick().await;
            if tokio::time::timeout(limit / 3, is_answering()).await.is_ok_and(|answers| answers) {
                self.send("WATCHDOG=1");
            } else {
                tracing::error!("the server does not answer its own request; the service manager will restart it");
            }
        }
    }

    fn send(&self, message: &str) {
        #[cfg(unix)]
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(message.as_bytes())
        {
            tracing::warn!(%error, "the service manager cannot be told {message:?}");
        }
        #[cfg(not(unix))]
        let _ = message;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{ffi::OsString, os::unix::net::UnixDatagram};

    use super::*;

    #[test]
    fn the_watchdog_is_fed_by_the_process_that_it_watches() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let own = std::process::id().to_string();
        #[track_caller]
        fn check(variables: &[(&str, &str)], expected: Option<u64>) {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            let notifier = Notifier::new(variable).unwrap();
            assert_eq!(notifier.watchdog, expected.map(Duration::from_micros), "{variables:?}");
        }
        let socket = ("NOTIFY_SOCKET", path.to_str().unwrap());
        check(&[], None);
        check(&[("WATCHDOG_USEC", "1000")], None);
        check(&[socket], None);
        check(&[socket, ("WATCHDOG_USEC", "0")], None);
        check(&[socket, ("WATCHDOG_USEC", "soon")], None);
        check(&[socket, ("WATCHDOG_USEC", "1000")], Some(1_000));
        check(&[socket, ("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", &own)], Some(1_000));
        check(&[socket, ("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")], None);

        let notifier = Notifier::new(|name| (name == socket.0).then(|| socket.1.into())).unwrap();
        notifier.ready("http://127.0.0.1:1/");
        notifier.stopping();
        let mut buffer = [0; 256];
        for expected in ["READY=1\nSTATUS=Serving http://127.0.0.1:1/", "STOPPING=1\nSTATUS=Stopping"] {
            let n_bytes = manager.recv(&mut buffer).unwrap();
            assert_eq!(std::str::from_utf8(&buffer[..n_bytes]).unwrap(), expected);
        }
        assert!(Notifier::new(|name| (name == socket.0).then(|| "/no/such/socket".into())).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_may_have_no_file() {
        use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
        let name = format!("truetape-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let variable = |key: &str| (key == "NOTIFY_SOCKET").then(|| OsString::from(format!("@{name}")));
        Notifier::new(variable).unwrap().stopping();
        let mut buffer = [0; 64];
        assert!(manager.recv(&mut buffer).is_ok());
    }
}
