//! A browser's view of a proxy: requests and sockets from one address of this machine.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer, pki_types::pem::PemObject};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::proxy::Running;

/// A caller with an address of its own.
pub(crate) struct Caller {
    client: reqwest::Client,
    tls: Arc<ClientConfig>,
    address: String,
    port: u16,
    is_secure: bool,
    prefix: &'static str,
}

/// An answer, decompressed by hand where needed: nothing here is compressed.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    headers: HeaderMap,
}

impl Answer {
    /// Returns a header's text; empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Caller {
    /// Calls the proxy from `address`, an address of loopback.
    pub(crate) fn new(proxy: &Running, address: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&proxy.certificate).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let local: std::net::IpAddr = address.parse().unwrap();
        let client = reqwest::Client::builder().local_address(local).tls_backend_preconfigured(tls.clone());
        Self {
            client: client.redirect(reqwest::redirect::Policy::none()).build().unwrap(),
            tls: Arc::new(tls),
            address: address.to_owned(),
            port: proxy.port,
            is_secure: proxy.route.is_secure,
            prefix: proxy.route.prefix,
        }
    }

    fn url(&self, scheme: &str, path: &str) -> String {
        let s = if self.is_secure { "s" } else { "" };
        format!("{scheme}{s}://127.0.0.1:{}{}{path}", self.port, self.prefix)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    /// Requests an address relative to the page, as a person would, with further headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        let mut request = self.client.get(self.url("http", path));
        let wants = if path.starts_with("api/") { "application/json" } else { "text/html,*/*" };
        request = request.header("accept", wants);
        for (name, value) in headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, text: answer.text().await.unwrap() }
    }

    /// Opens a WebSocket at an address relative to the page.
    pub(crate) async fn socket(&self, path: &str) -> Socket {
        let mut request = self.url("ws", path).into_client_request().unwrap();
        let origin = self.url("http", "");
        let origin = origin.strip_suffix(self.prefix).unwrap();
        request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(self.address.parse().unwrap(), 0)).unwrap();
        let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], self.port))).await.unwrap();
        let tls = Some(Connector::Rustls(self.tls.clone()));
        let (socket, _response) = client_async_tls_with_config(request, stream, None, tls).await.unwrap();
        Socket(socket)
    }
}

/// An open WebSocket.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Sends a text and returns the next one that comes.
    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.0.send(Message::text(text)).await.unwrap();
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("an answer");
            if let Message::Text(text) = frame.expect("an open connection").unwrap() {
                return text.to_string();
            }
        }
    }

    /// Says hello, and then only answers pings; returns false if the connection ends within the time.
    pub(crate) async fn stays_open_for(&mut self, time: Duration) -> bool {
        self.ask("{\"type\":\"hello\",\"protocol\":1,\"lane_ms\":100}").await;
        let end = tokio::time::Instant::now() + time;
        while let Ok(frame) = tokio::time::timeout_at(end, self.0.next()).await {
            if !matches!(frame, Some(Ok(Message::Ping(_)))) {
                return false;
            }
        }
        true
    }
}

/// Longer than anything here may take on a busy machine; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);
