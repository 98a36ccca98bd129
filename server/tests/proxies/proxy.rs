//! The four proxies: their configuration as the documents print it, with the addresses of a test in it, and their
//! programs, as children of the test.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A route of a proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// Begins and ends with a slash.
    pub(crate) prefix: &'static str,
    /// The server gets the prefix.
    pub(crate) is_kept: bool,
    pub(crate) is_secure: bool,
    /// Time for which a silent connection stays open.
    pub(crate) idle: Duration,
}

/// One of the proxies.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    program: &'static str,
    /// Debian's package.
    package: &'static str,
    /// The file of `docs/proxies`.
    snippet: &'static str,
    /// Returns a line of the file, adapted to a route.
    adapt: fn(&str, &Place<'_>) -> String,
    arguments: fn(&Path) -> Vec<String>,
}

/// The addresses and files of one test.
struct Place<'a> {
    route: Route,
    port: u16,
    server: u16,
    folder: &'a Path,
}

impl Place<'_> {
    fn in_folder(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

pub(crate) const NGINX: Kind = Kind {
    name: "nginx",
    program: "nginx",
    package: "nginx-light",
    snippet: include_str!("../../../docs/proxies/nginx.conf"),
    adapt: |text, place| {
        let mut text = text.replace("listen 443 ssl;", &format!("listen 127.0.0.1:{} ssl;", place.port));
        if !place.route.is_secure {
            text = without_lines(&text.replace(" ssl;", ";"), &["ssl_certificate"]);
        }
        if place.route.is_kept {
            text = text.replace(":3000/;", ":3000;");
        }
        let text = text.replace("read_timeout 60s", &format!("read_timeout {}s", place.route.idle.as_secs()));
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let folders = kinds.map(|kind| format!("    {kind}_temp_path {};\n", place.in_folder(kind))).concat();
        let log = place.in_folder("error.log");
        format!(
            "daemon off;\nmaster_process off;\npid {};\nerror_log {log};\nevents {{}}\nhttp {{\n    access_log off;\n\
             {folders}{text}}}\n",
            place.in_folder("pid"),
        )
    },
    arguments: |file| {
        // Its own default of the error log, before it has read the file, is not for everyone to write.
        ["-c", &text(file), "-p", &text(file.parent().unwrap()), "-e", &text(&file.with_file_name("error.log"))]
            .map(str::to_owned)
            .to_vec()
    },
};

pub(crate) const CADDY: Kind = Kind {
    name: "Caddy",
    program: "caddy",
    package: "caddy",
    snippet: include_str!("../../../docs/proxies/Caddyfile"),
    adapt: |text, place| {
        let scheme = if place.route.is_secure { "https" } else { "http" };
        let mut text =
            text.replace("https://trading.example.org {", &format!("{scheme}://127.0.0.1:{} {{", place.port));
        if !place.route.is_secure {
            text = without_lines(&text, &["\ttls /"]);
        }
        if place.route.is_kept {
            text = text.replace("\thandle_path ", "\thandle ");
        }
        // No time-out to shorten: Caddy does not cut silent connections.
        let storage = place.in_folder("storage");
        format!("{{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n\tstorage file_system {storage}\n}}\n{text}")
    },
    arguments: |file| ["run", "--adapter", "caddyfile", "--config", &text(file)].map(str::to_owned).to_vec(),
};

pub(crate) const HAPROXY: Kind = Kind {
    name: "HAProxy",
    program: "haproxy",
    package: "haproxy",
    snippet: include_str!("../../../docs/proxies/haproxy.cfg"),
    adapt: |text, place| {
        let mut text = text.replace("bind :443 ssl", &format!("bind 127.0.0.1:{} ssl", place.port));
        text = match place.route.is_secure {
            true => text.replace("example.org.pem", "example.org.both.pem"),
            false => text.replace(" ssl crt /etc/ssl/trading.example.org.pem", ""),
        };
        if place.route.is_kept {
            text = without_lines(&text, &["replace-path"]);
        }
        let idle = place.route.idle.as_secs();
        text.replace("timeout tunnel  60s", &format!("timeout tunnel  {idle}s"))
    },
    arguments: |file| ["-db", "-f", &text(file)].map(str::to_owned).to_vec(),
};

pub(crate) const APACHE: Kind = Kind {
    name: "Apache",
    program: "apache2",
    package: "apache2",
    snippet: include_str!("../../../docs/proxies/apache.conf"),
    adapt: |text, place| {
        let mut text = text.replace("<VirtualHost *:443>", &format!("<VirtualHost 127.0.0.1:{}>", place.port));
        if !place.route.is_secure {
            text = without_lines(&text, &["SSL"]);
        }
        if place.route.is_kept {
            text = text.replace(":3000/ upgrade", ":3000/desk/live/ upgrade");
        }
        let text = text.replace("ProxyTimeout 60", &format!("ProxyTimeout {}", place.route.idle.as_secs()));
        let modules = ["mpm_event", "authz_core", "headers", "proxy", "proxy_http", "socache_shmcb", "ssl"];
        let modules = modules.map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
        format!(
            "ServerRoot {root}\nServerName 127.0.0.1\nListen 127.0.0.1:{port}\nPidFile {root}/pid\nErrorLog {root}/error.log\n\
             DefaultRuntimeDir {root}\nUser #{user}\nGroup #{user}\n{modules}{text}",
            root = place.folder.display(),
            port = place.port,
            // Only the superuser changes it; www-data of Debian.
            user = 33,
            modules = modules.concat(),
        )
    },
    arguments: |file| ["-DFOREGROUND", "-f", &text(file)].map(str::to_owned).to_vec(),
};

impl Kind {
    /// Returns an empty folder for the proxy's files and a certificate; `None`, and the reason in the log, if something is
    /// not installed.
    pub(crate) fn folder(&self) -> Option<TempDir> {
        let missing =
            [(self.program, self.package), ("openssl", "openssl")].into_iter().find(|(name, _)| find(name).is_none());
        if let Some((_, package)) = missing {
            eprintln!("skipped: {} needs Debian's package {package}", self.name);
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        make_certificate(folder.path());
        Some(folder)
    }
}

/// A running proxy; it ends with this.
pub(crate) struct Running {
    child: Child,
    pub(crate) port: u16,
    pub(crate) route: Route,
    pub(crate) certificate: PathBuf,
}

impl Running {
    /// Starts a proxy on `port` in front of the server's port, and waits until it accepts connections.
    pub(crate) fn start(kind: &Kind, folder: &TempDir, route: Route, port: u16, server: u16) -> Self {
        let folder = folder.path();
        let place = Place { route, port, server, folder };
        let text = (kind.adapt)(kind.snippet, &place)
            .replace("/desk/live/", if route.prefix == "/" { "/" } else { "/desk/live/" })
            .replace("127.0.0.1:3000", &format!("127.0.0.1:{}", place.server))
            .replace("/etc/ssl", &folder.display().to_string());
        // A port taken at random may begin with the same digits.
        let names =
            |port: &str| text.split(port).skip(1).any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()));
        assert!(!names(":443") && !names(":3000"), "{}: a line was not adapted:\n{text}", kind.name);
        let file = folder.join("proxy.conf");
        fs::write(&file, &text).unwrap();
        let log = fs::File::create(folder.join("output.log")).unwrap();
        let mut command = Command::new(find(kind.program).unwrap());
        command.args((kind.arguments)(&file)).current_dir(folder).env("HOME", folder);
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut running = Self { child, port, route, certificate: folder.join("trading.example.org.pem") };
        for _ in 0..600 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return running;
            }
            let ended = running.child.try_wait().unwrap();
            let said = || fs::read_to_string(folder.join("output.log")).unwrap();
            assert!(ended.is_none(), "{} ended: {}\n{text}", kind.name, said());
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{} does not listen", kind.name);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not killed: Apache's children would outlive it.
        if let Some(id) = Pid::from_raw(self.child.id().cast_signed()) {
            let _is_gone = kill_process(id, Signal::TERM);
        }
        let _status = self.child.wait();
    }
}

/// Returns a port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Writes a certificate for 127.0.0.1 that signs itself: certificate and key alone, and both in one file.
fn make_certificate(folder: &Path) {
    let config = "[req]\ndistinguished_name = name\nx509_extensions = facts\nprompt = no\n[name]\nCN = 127.0.0.1\n\
                  [facts]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = critical, CA:FALSE\n";
    fs::write(folder.join("openssl.cnf"), config).unwrap();
    let names = ["trading.example.org.pem", "trading.example.org.key", "trading.example.org.both.pem"];
    let [certificate, key, both] = names.map(|name| folder.join(name));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    command.args(["-config", "openssl.cnf", "-keyout", &text(&key), "-out", &text(&certificate)]);
    assert!(command.current_dir(folder).output().unwrap().status.success());
    fs::write(both, [certificate, key].map(|file| fs::read_to_string(file).unwrap()).concat()).unwrap();
}

/// Returns a program of PATH, or of the folder for the superuser's programs, which is not in everybody's PATH.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn without_lines(text: &str, marks: &[&str]) -> String {
    let lines = text.lines().filter(|line| !marks.iter().any(|mark| line.contains(mark)));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
