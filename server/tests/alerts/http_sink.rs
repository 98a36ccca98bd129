//! A web server that keeps what it gets and answers as a test says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::rig::PATIENCE;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// An answer that waits for its request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// Time for which the server says nothing.
    pub(crate) silence: Duration,
}

impl Planned {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::status(status) }
    }

    pub(crate) fn wait(status: u16, retry_after_s: u32) -> Self {
        Self { headers: vec![("retry-after", retry_after_s.to_string())], ..Self::status(status) }
    }
}

#[derive(Default)]
struct Log {
    received: Vec<Received>,
    planned: VecDeque<Planned>,
    /// The answer when none is planned.
    usual: Planned,
}

/// The server; it ends with the value.
pub(crate) struct HttpSink {
    pub(crate) url: String,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

impl Drop for HttpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl HttpSink {
    /// Starts a server that answers 200 unless something else is planned.
    pub(crate) async fn start() -> Self {
        let log = Arc::new(Mutex::new(Log { usual: Planned::status(200), ..Log::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&log));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, log, task }
    }

    /// Plans the next answers.
    pub(crate) fn plan(&self, planned: impl IntoIterator<Item = Planned>) {
        self.log.lock().unwrap().planned.extend(planned);
    }

    /// Changes the answer when none is planned.
    pub(crate) fn usually(&self, planned: Planned) {
        self.log.lock().unwrap().usual = planned;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.log.lock().unwrap().received.clone()
    }

    /// Waits for a number of requests.
    pub(crate) async fn wait_for(&self, n_requests: usize) -> Vec<Received> {
        let begun = Instant::now();
        loop {
            let received = self.received();
            if received.len() >= n_requests {
                return received;
            }
            assert!(begun.elapsed() < PATIENCE, "{} of {n_requests} requests", received.len());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn answer(State(log): State<Arc<Mutex<Log>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let planned = {
        let mut log = log.lock().unwrap();
        log.received.push(Received { path: uri.path().to_owned(), headers, body });
        log.planned.pop_front().unwrap_or_else(|| log.usual.clone())
    };
    tokio::time::sleep(planned.silence).await;
    let mut response = (StatusCode::from_u16(planned.status).unwrap(), planned.body).into_response();
    for (name, value) in planned.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
