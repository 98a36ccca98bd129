//! Webhooks as a way inside: addresses of this machine and of private networks get no connection, in every spelling, and
//! through no name that changes its address.
//!
//! Not here: which addresses are private (`alerts::reach`).

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::{alert::channel::HttpUrl, time::Timestamp};
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::HeaderMap,
};
use server::{
    alerts::{
        caller::{Call, Caller, Reply},
        reach::{Names, Reach},
    },
    tls,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A server that counts its connections and gives each the same answer.
struct Listener {
    port: u16,
    n_connections: Arc<AtomicUsize>,
}

impl Listener {
    /// Listens on all of this machine's addresses, as far as it has them.
    async fn start(answer: &'static str) -> Self {
        let n_connections = Arc::new(AtomicUsize::new(0));
        let v4 = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = v4.local_addr().unwrap().port();
        // A machine without IPv6 has one listener.
        for listener in [Some(v4), TcpListener::bind(("::1", port)).await.ok()].into_iter().flatten() {
            let counter = n_connections.clone();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    counter.fetch_add(1, Ordering::Relaxed);
                    let mut request = [0; 4_096];
                    let _gone = stream.read(&mut request).await;
                    let _gone = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
        Self { port, n_connections }
    }

    fn n_connections(&self) -> usize {
        self.n_connections.load(Ordering::Relaxed)
    }
}

fn caller(names: &Names) -> Caller {
    Caller::new(&tls::client_config().unwrap(), names).unwrap()
}

/// A name server of somebody else: each look-up gets the next answer, and then the last one for ever.
struct Flipping {
    answers: Vec<Vec<IpAddr>>,
    n_lookups: AtomicUsize,
}

impl Flipping {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(parsed).collect(), n_lookups: AtomicUsize::new(0) })
    }

    fn n_lookups(&self) -> usize {
        self.n_lookups.load(Ordering::Relaxed)
    }
}

impl Resolve for Flipping {
    fn resolve(&self, _name: Name) -> Resolving {
        let nth = self.n_lookups.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        let found: Vec<SocketAddr> = self.answers[nth].iter().map(|address| SocketAddr::new(*address, 0)).collect();
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

/// Saves and sends, as a webhook's channel does both.
async fn send(caller: &Caller, text: &str, reach: Reach) -> Result<Reply, String> {
    let saved = HttpUrl::parse(text).map_err(|error| error.to_string())?;
    let url = Url::parse(saved.as_str()).map_err(|error| error.to_string())?;
    let now = Timestamp::from_millis(0);
    caller.post(Call { url, reach, headers: HeaderMap::new(), body: Vec::new(), now }).await
}

#[tokio::test]
async fn no_spelling_of_an_inner_address_gets_a_connection() {
    let listener = Listener::start("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    let caller = caller(&Names::default());
    for spelling in INSIDE {
        let text = spelling.replace("PORT", &listener.port.to_string());
        let sent = send(&caller, &text, Reach::Public).await;
        assert!(sent.is_err(), "{text}: {sent:?}");
    }
    assert_eq!(listener.n_connections(), 0);
    println!("{} addresses refused", INSIDE.len());
    // The listener does count: its owner allows this one.
    let sent = send(&caller, &format!("http://127.0.0.1:{}/", listener.port), Reach::Private).await;
    assert_eq!((sent.map(|reply| reply.status), listener.n_connections()), (Ok(204), 1));
}

/// DNS rebinding: a name is looked up once a request, and an inner address among its answers is never used.
#[tokio::test]
async fn a_name_that_turns_inward_gets_no_connection() {
    let listener = Listener::start("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    let url = format!("http://rebinding.example:{}/", listener.port);
    let cases: [&[&[&str]]; 5] = [
        &[&[OUTSIDE], &["127.0.0.1"]],
        &[&[OUTSIDE], &["::1"]],
        &[&[OUTSIDE], &["::ffff:127.0.0.1"]],
        &[&[OUTSIDE], &["0.0.0.0"]],
        // Both at once, for clients that try the second once the first does not answer.
        &[&[OUTSIDE, "127.0.0.1"], &["127.0.0.1", "::1"]],
    ];
    for answers in cases {
        let names = Flipping::new(answers);
        let caller = caller(&Names::of(names.clone()));
        // Nobody is at the first address; a second look-up for the same request would lead inside.
        let first = send(&caller, &url, Reach::Public).await;
        assert_eq!((first.is_err(), names.n_lookups()), (true, 1), "{answers:?}: {first:?}");
        let second = send(&caller, &url, Reach::Public).await.unwrap_err();
        let is_refused = second.contains("private address") || second.contains("never contacted");
        assert!(is_refused && names.n_lookups() == 2, "{answers:?}: {second}");
    }
    assert_eq!(listener.n_connections(), 0);
}

/// The connection goes to the address that was checked, and not to what the name says by then.
#[tokio::test]
async fn the_connection_goes_to_the_checked_address() {
    let listener = Listener::start("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    let names = Flipping::new(&[&["127.0.0.1"], &[OUTSIDE]]);
    let caller = caller(&Names::of(names.clone()));
    let sent = send(&caller, &format!("http://rebinding.example:{}/", listener.port), Reach::Private).await;
    assert_eq!((sent.map(|reply| reply.status), names.n_lookups(), listener.n_connections()), (Ok(204), 1, 1));
}

/// A receiver cannot send the request on to another address.
#[tokio::test]
async fn redirects_are_not_followed() {
    let caller = caller(&Names::default());
    let inside = Listener::start("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    for (status, phrase) in [(301, "Moved"), (302, "Found"), (303, "See Other"), (307, "Temporary"), (308, "Permanent")]
    {
        let to = format!("http://127.0.0.1:{}/", inside.port);
        let answer =
            format!("HTTP/1.1 {status} {phrase}\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let outside = Listener::start(Box::leak(answer.into_boxed_str())).await;
        let sent = send(&caller, &format!("http://127.0.0.1:{}/", outside.port), Reach::Private).await;
        assert_eq!(sent.map(|reply| reply.status), Ok(status));
        assert_eq!((outside.n_connections(), inside.n_connections()), (1, 0));
    }
}

/// A public address at which nobody can be: its network was given back, and no route leads there.
const OUTSIDE: &str = "3ffe::1";

/// `PORT` stands for the listener's.
const INSIDE: [&str; 46] = [
    "http://127.0.0.1:PORT/",
    "http://127.0.0.2:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.0.0.1:PORT/",
    "http://0x7f.1:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://0177.1:PORT/",
    "http://017700000001:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[fe80::1]:PORT/",
    "http://[fc00::1]:PORT/",
    "http://[fd00:ec2::254]:PORT/",
    "http://[::]:PORT/",
    "http://0.0.0.0:PORT/",
    "http://0:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254.:PORT/",
    "http://100.64.0.1:PORT/",
    "http://10.0.0.1:PORT/",
    "http://172.16.0.1:PORT/",
    "http://192.168.0.1:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://localhost.:PORT/",
    "http://user:password@127.0.0.1:PORT/",
    "http://example.com@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT#@example.com/",
    // Full-width and circled digits, and an ideographic full stop, are the plain ones in a host name.
    "http://１２７.０.０.１:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://127。0。0。1:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http:\\\\127.0.0.1:PORT\\",
    "https://127.0.0.1:PORT/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/",
    "ftp://127.0.0.1:PORT/",
];
