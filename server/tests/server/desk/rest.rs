//! A client of the desk's REST, a data folder of its own, and a server with a desk in this process.

use std::path::{Path, PathBuf};

use model::decimal::{Price, Quantity};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use server::{feed, serve::Server, tls};

use crate::client::{PATIENCE, demo_config};

/// Instrument that the tests trade.
pub(crate) const ADA: &str = "demo:ADA-SIM";

/// A folder that goes with its test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("truetape-desk-{name}-{}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts a server with a desk over a folder; it follows two instruments.
pub(crate) async fn serve(folder: &Path) -> Server {
    let mut config = demo_config();
    config.desk.enabled = true;
    config.server.data_dir = folder.to_owned();
    Server::start(config).await.unwrap()
}

/// Stops a server; its files are closed then.
pub(crate) async fn stop(server: Server) {
    server.shutdown().begin();
    server.shutdown().finish().await;
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) next: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the body of an answer that must have a status.
    #[track_caller]
    pub(crate) fn with(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// Checks a refusal of the desk: its status, its code, and a message beside it.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        let body = self.with(status);
        assert_eq!(body["code"], code, "{body}");
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        body
    }
}

/// A client.
#[derive(Clone)]
pub(crate) struct Rest {
    http: reqwest::Client,
    base: String,
}

impl Rest {
    /// Of a server's address, as in `http://127.0.0.1:3000/`.
    pub(crate) fn new(url: &str) -> Self {
        Self { http: feed::http::client(&tls::client_config().unwrap()).unwrap(), base: url.to_owned() }
    }

    pub(crate) fn of(server: &Server) -> Self {
        Self::new(&server.url())
    }

    /// Asks; an error is that of the connection.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        self.try_send(method, path, body.map(|body| ("application/json", body.to_string()))).await
    }

    /// Sends a body of any media type.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<(&str, String)>) -> Answer {
        self.try_send(method, path, body).await.unwrap()
    }

    async fn try_send(&self, method: Method, path: &str, body: Option<(&str, String)>) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, format!("{}api/v1/{path}", self.base));
        if let Some((media_type, body)) = body {
            request = request.header("content-type", media_type).body(body);
        }
        let response: Response = request.send().await?;
        let next = response.headers().get("next-cursor").map(|cursor| cursor.to_str().unwrap().to_owned());
        Ok(Answer { status: response.status().as_u16(), next, text: response.text().await? })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(&body)).await.unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(&body)).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path, Some(&body)).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await.unwrap()
    }

    /// Returns all rows of a list, page by page.
    pub(crate) async fn all(&self, list: &str, limit: usize) -> Vec<Value> {
        let separator = if list.contains('?') { '&' } else { '?' };
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = self.get(&format!("{list}{separator}limit={limit}{cursor}")).await;
            let next = answer.next.clone();
            rows.extend(answer.with(200).as_array().unwrap().iter().cloned());
            let Some(next) = next else { return rows };
            let next = format!("&cursor={next}");
            assert_ne!(next, cursor, "the page comes again");
            cursor = next;
        }
    }

    /// Waits for the book of [`ADA`]; returns its best bid and ask.
    pub(crate) async fn best(&self) -> (Price, Price) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.get(&format!("book?instrument={ADA}&depth=1")).await;
            if answer.status == 200 {
                let book = answer.json();
                let price = |side: &str| Price::parse(book[side][0][0].as_str()?).ok();
                if let (Some(bid), Some(ask)) = (price("bids"), price("asks")) {
                    return (bid, ask);
                }
            }
            assert!(tokio::time::Instant::now() < deadline, "no book: {answer:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Buys at the market and waits until it has filled.
    pub(crate) async fn buy(&self, name: &str, quantity: &str) -> Value {
        let order = self.post("orders", market(name, "buy", quantity)).await.with(201);
        assert_eq!((&order["state"], &order["filled"]), (&json!("filled"), &json!(quantity)), "{order}");
        order
    }
}

/// A market order's body.
pub(crate) fn market(name: &str, side: &str, quantity: &str) -> Value {
    json!({ "client_order_id": name, "instrument": ADA, "side": side, "type": "market", "quantity": quantity })
}

/// The body of a limit order far below the market, which rests.
pub(crate) fn resting(name: &str, quantity: &str) -> Value {
    json!({
        "client_order_id": name, "instrument": ADA, "side": "buy", "type": "limit", "quantity": quantity,
        "price": "0.1000"
    })
}

/// Returns a quantity of a JSON field.
#[track_caller]
pub(crate) fn quantity(value: &Value) -> Quantity {
    Quantity::parse(value.as_str().unwrap()).unwrap()
}
