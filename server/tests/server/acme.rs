//! A certificate from an authority by ACME: Pebble, Let's Encrypt's server for tests, looks at the server's own port and
//! issues one. `cargo xtask acme` runs this; a program without the feature `acme` says that it is skipped.

#[cfg(not(feature = "acme"))]
#[test]
fn an_authority_issues_a_certificate() {
    println!("skipped: built without the feature acme; `cargo xtask acme` runs it");
}

#[cfg(feature = "acme")]
mod with_pebble {
    use std::{
        net::SocketAddr,
        path::Path,
        process::{Child, Command, Stdio},
        time::Instant,
    };

    use serde_json::json;
    use server::{config::Config, serve::Server};
    use tempfile::TempDir;

    use crate::{
        access::trusting,
        client::{PATIENCE, demo_config},
    };

    const DOMAIN: &str = "desk.example";

    /// Pebble with a server of names that leads every name to this machine; both end with this.
    struct Pebble {
        processes: Vec<Child>,
        directory: String,
        management: String,
        root: Vec<u8>,
        folder: TempDir,
    }

    impl Drop for Pebble {
        fn drop(&mut self) {
            for process in &mut self.processes {
                let _is_gone = process.kill();
                let _status = process.wait();
            }
        }
    }

    impl Pebble {
        /// Starts it; names are proven at `port`. `None` where it is not installed.
        async fn start(port: u16) -> Option<Self> {
            let is_there = |program: &str| Command::new(program).arg("-help").output().is_ok();
            if !is_there("pebble") || !is_there("pebble-challtestsrv") {
                println!("skipped: pebble is not installed (`cargo xtask setup` installs it on Debian)");
                return None;
            }
            let folder = tempfile::tempdir().unwrap();
            let [listen, management, names, unused] = [0; 4].map(|_| free_address());
            let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
            let [cert, key, config] = ["cert.pem", "key.pem", "pebble.json"].map(|name| folder.path().join(name));
            std::fs::write(&cert, own.cert.pem()).unwrap();
            std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
            let settings = json!({ "pebble": {
                "listenAddress": listen.to_string(),
                "managementListenAddress": management.to_string(),
                "certificate": cert,
                "privateKey": key,
                "httpPort": unused.port(),
                "tlsPort": port,
                "ocspResponderURL": "",
                "externalAccountBindingRequired": false,
            } });
            std::fs::write(&config, settings.to_string()).unwrap();
            let mut resolver = Command::new("pebble-challtestsrv");
            resolver.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "127.0.0.1"]);
            resolver.args(["-defaultIPv6", "", "-dns01", &names.to_string(), "-management", &unused.to_string()]);
            let mut authority = Command::new("pebble");
            authority.arg("-config").arg(&config).args(["-dnsserver", &names.to_string()]);
            authority.env("PEBBLE_VA_NOSLEEP", "1").env_remove("PEBBLE_VA_ALWAYS_VALID");
            let processes = [resolver, authority].map(|mut command| {
                command.stdout(Stdio::null()).stderr(Stdio::null()).current_dir(folder.path()).spawn().unwrap()
            });
            let pebble = Self {
                processes: processes.into(),
                directory: format!("https://{listen}/dir"),
                management: format!("https://{management}"),
                root: own.cert.pem().into_bytes(),
                folder,
            };
            pebble.get(&pebble.directory).await;
            Some(pebble)
        }

        /// Fetches something as soon as there is an answer.
        async fn get(&self, url: &str) -> Vec<u8> {
            let client = reqwest::Client::builder().tls_backend_preconfigured(trusting(Some(&self.root)));
            let (client, begun) = (client.build().unwrap(), Instant::now());
            loop {
                match client.get(url).send().await {
                    Ok(answer) => return answer.bytes().await.unwrap().to_vec(),
                    Err(error) => assert!(begun.elapsed() < PATIENCE, "{error:?}"),
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }

        fn config(&self, address: SocketAddr, data_dir: &Path) -> Config {
            let mut config = demo_config();
            config.server.listen = address;
            config.server.allowed_hosts = vec![format!("{DOMAIN}:{}", address.port())];
            data_dir.clone_into(&mut config.server.data_dir);
            config.tls.acme_domains = vec![DOMAIN.to_owned()];
            config.tls.acme_accept_terms = true;
            config.tls.acme_contact = Some("me@desk.example".to_owned());
            config.tls.acme_directory = self.directory.clone();
            config.tls.acme_root_file = Some(self.folder.path().join("cert.pem"));
            config
        }
    }

    /// An address that was free a moment ago.
    fn free_address() -> SocketAddr {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    /// Asks the server under its name, trusting one root alone.
    async fn ask(address: SocketAddr, root: &[u8]) -> reqwest::Result<u16> {
        let client = reqwest::Client::builder().tls_backend_preconfigured(trusting(Some(root)));
        let client = client.resolve(DOMAIN, address).build()?;
        let answer = client.get(format!("https://{DOMAIN}:{}/healthz", address.port())).send().await?;
        Ok(answer.status().as_u16())
    }

    async fn stop(server: Server) {
        server.shutdown().begin();
        server.shutdown().finish().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_authority_issues_a_certificate() {
        let (address, folder) = (free_address(), tempfile::tempdir().unwrap());
        let Some(pebble) = Pebble::start(address.port()).await else { return };
        let root = pebble.get(&format!("{}/roots/0", pebble.management)).await;
        let config = pebble.config(address, folder.path());
        let server = Server::start(config.clone()).await.unwrap();
        let begun = Instant::now();
        loop {
            match ask(address, &root).await {
                Ok(status) => break assert_eq!(status, 200),
                Err(error) => assert!(begun.elapsed() < PATIENCE, "still another certificate: {error:?}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        println!("a certificate of the authority after {:?}", begun.elapsed());
        for name in ["acme.pem", "acme.key", "acme-account.json"] {
            let data = std::fs::metadata(folder.path().join("tls").join(name)).unwrap();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o777, 0o600, "{name}");
        }
        stop(server).await;
        // The next start needs no authority.
        drop(pebble);
        let server = Server::start(config).await.unwrap();
        assert_eq!(ask(address, &root).await.unwrap(), 200);
        stop(server).await;
    }
}
