//! Starts all parts of the server and joins them: feeds, board, router, listening socket.
//!
//! In the order that nothing is announced before it works: the port is bound first, so that a second server fails before
//! it has opened any venue connection; the ready line comes last (`cli::serve`).

use std::{collections::BTreeMap, io::ErrorKind, net::SocketAddr, sync::Arc};

use anyhow::Context;
use hub::{config::HubConfig, hub::Hub};
use market::{View, ViewConfig};
use model::instrument::{InstrumentId, Venue};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use venues::{
    registry,
    session::{SessionConfig, Symbols},
};

use crate::{
    board,
    clock::Clock,
    config::{Config, FeedConfig, StreamConfig, VenueConfig},
    feed::{
        directory::Directory,
        driver::{self, EventObserver, FeedParts},
        handle::{FeedHandle, FeedStatus, Feeds},
        http::{self as feed_http, HttpClient},
        publisher::{Payload, Publisher},
        socket::Connections,
    },
    http::{self, AppState, accept, guard::Hosts, page, stream::StreamContext},
    notices::Notices,
    recorder::{desk::Desk, replays::Replays, shelf::Shelf, tap::Tap},
    shutdown::Shutdown,
    tls,
};

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shutdown: Shutdown,
    recordings: Desk,
    replays: Replays,
}

impl Server {
    /// Starts everything; returns when connections are accepted.
    ///
    /// # Errors
    /// The port is taken, or a venue of the configuration does not exist.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_observed(config, |_| None).await
    }

    /// As [`Self::start`], with an observer of each venue's events where `observe` makes one; for recorders and tests.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_observed(
        config: Config,
        mut observe: impl FnMut(&Venue) -> Option<EventObserver>,
    ) -> anyhow::Result<Self> {
        let listener = bind(config.server.listen).await?;
        let address = listener.local_addr().context("ask for the address that was bound")?;
        let parts = Parts {
            clock: Clock::start(),
            shutdown: Shutdown::default(),
            directory: Directory::default(),
            hub: hub(&config.stream),
            notices: Notices::default(),
        };
        let tls = tls::client_config()?;
        let requests = feed_http::client(&tls).context("set up REST requests")?;
        let connections = Connections { tls, clock: parts.clock };
        let mut by_venue = BTreeMap::new();
        for feed in &config.feeds {
            let venue = Venue::new(&feed.venue);
            let observer = observe(&venue);
            let handle = parts.feed(feed, &config.venue(&feed.venue), &connections, requests.clone(), observer)?;
            by_venue.insert(venue, handle);
        }
        let feeds = Feeds::new(by_venue, parts.directory.clone());
        let (recordings, replays) = parts.recorder(&config, &feeds);
        parts.serve(listener, address, &config, feeds, (recordings.clone(), replays.clone()));
        tracing::info!(%address, "listening");
        Ok(Self { address, shutdown: parts.shutdown, recordings, replays })
    }

    /// Recordings of its feeds.
    pub fn recordings(&self) -> &Desk {
        &self.recordings
    }

    /// The replay.
    pub fn replays(&self) -> &Replays {
        &self.replays
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The way to end it.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }
}

/// What is shared by all that is started.
struct Parts {
    clock: Clock,
    shutdown: Shutdown,
    directory: Directory,
    hub: Hub<Payload>,
    notices: Notices,
}

impl Parts {
    fn recorder(&self, config: &Config, feeds: &Feeds) -> (Desk, Replays) {
        let shelf = Shelf::new(&config.server.data_dir, config.recordings);
        let replays = Replays::new(shelf.clone(), feeds.clone(), self.hub.clone(), self.clock, self.shutdown.clone());
        (Desk::new(shelf, feeds.clone(), self.clock, self.notices.clone(), self.shutdown.clone()), replays)
    }

    fn feed(
        &self,
        feed: &FeedConfig,
        venue: &VenueConfig,
        connections: &Connections,
        requests: reqwest::Client,
        observer: Option<EventObserver>,
    ) -> anyhow::Result<FeedHandle> {
        let info = registry::info(&feed.venue)?;
        let session = registry::open(&feed.venue, &session_config(feed, venue, self.clock))?;
        let mut view = View::new(ViewConfig { stale_after: venue.stale_after, ..ViewConfig::default() });
        for symbol in &feed.symbols {
            let id = InstrumentId::new(session.venue(), symbol);
            view.expect(&id);
            self.directory.expect(id);
        }
        self.directory.describe(session.instruments());
        let rest =
            venue.rest_url.clone().or_else(|| Some(info.default_rest_url.to_owned()).filter(|url| !url.is_empty()));
        let (status, newest_status) = watch::channel(FeedStatus::of(session.as_ref(), &view, self.clock.now()));
        let (commands, queue) = mpsc::channel(COMMAND_QUEUE);
        let parts = FeedParts {
            publisher: Publisher::new(self.hub.clone(), session.venue().as_str()),
            tap: Tap::new(rest.as_deref()),
            http: HttpClient::new(
                requests,
                rest,
                venue.token.clone().filter(|_| !info.token_header.is_empty()).map(|token| (info.token_header, token)),
            ),
            token: venue.token.clone(),
            connections: connections.clone(),
            directory: self.directory.clone(),
            session,
            view,
            status,
            observer,
        };
        let (stop, name) = (self.shutdown.stopping.clone(), feed.venue.clone());
        self.shutdown.tasks.spawn(async move {
            // In a task of its own, so that a fault in one venue's code leaves the others running, and is seen: its
            // status cell closes, which turns its lights red.
            if let Err(error) = tokio::spawn(driver::run(parts, queue, stop)).await {
                tracing::error!(venue = name, %error, "a feed has stopped working");
            }
        });
        Ok(FeedHandle { commands, status: newest_status })
    }

    fn serve(
        &self,
        listener: TcpListener,
        address: SocketAddr,
        config: &Config,
        feeds: Feeds,
        (recordings, replays): (Desk, Replays),
    ) {
        let stopping = self.shutdown.stopping.clone();
        self.shutdown.tasks.spawn(board::run(
            self.hub.clone(),
            feeds.clone(),
            self.notices.clone(),
            self.clock,
            stopping,
        ));
        let state = AppState {
            feeds,
            hosts: Hosts::new(address, &config.server.allowed_hosts),
            leptos: page::options(),
            shutdown: self.shutdown.clone(),
            stream: StreamContext {
                hub: self.hub.clone(),
                directory: self.directory.clone(),
                config: Arc::new(config.stream.clone()),
                clock: self.clock,
            },
            recordings,
            replays,
        };
        let router = http::router(state);
        let max_connections = config.server.max_connections;
        self.shutdown.tasks.spawn(accept::accept(listener, router, self.shutdown.clone(), max_connections));
    }
}

fn session_config(feed: &FeedConfig, venue: &VenueConfig, clock: Clock) -> SessionConfig {
    SessionConfig {
        symbols: Symbols::Listed(feed.symbols.clone()),
        venue_name: None,
        ws_url: venue.ws_url.clone(),
        data_deadline: venue.data_deadline,
        backoff_min: venue.backoff_min,
        backoff_max: venue.backoff_max,
        max_attempts: venue.max_attempts,
        // Jitter only has to differ between servers that lost the same venue at the same moment.
        seed: clock.now().wall.as_nanos().unsigned_abs(),
    }
}

fn hub(config: &StreamConfig) -> Hub<Payload> {
    let defaults = HubConfig::default();
    Hub::new(
        &epoch(),
        HubConfig {
            history_bytes: config.history_bytes,
            history_len: config.history_len,
            queue_bytes: config.queue_bytes,
            retain_idle: config.retain_idle,
            max_topics: config.max_topics,
            ..defaults
        },
    )
}

/// Different at each start: the moment of it, and the process, for two that start at once.
fn epoch() -> String {
    format!("{:x}-{:x}", Clock::start().now().wall.as_nanos().unsigned_abs(), std::process::id())
}

async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "cannot listen on {listen}: the port is in use; stop the program that has it, or choose another with \
             --listen 127.0.0.1:PORT (0 takes a free one)"
        ),
        ErrorKind::PermissionDenied => anyhow::anyhow!(
            "cannot listen on {listen}: the system does not allow it; ports below 1024 need a privilege, choose a higher \
             one with --listen"
        ),
        _ => anyhow::Error::new(error).context(format!("listen on {listen}")),
    })
}

/// REST questions that wait for a feed; it answers all of them between two frames.
const COMMAND_QUEUE: usize = 64;
