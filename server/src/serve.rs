//! Starts all parts of the server and joins them: feeds, server_topics, router, listening socket.
//!
//! In the order that nothing is announced before it works: the port is bound first, so that a second server fails before
//! it has opened any venue connection; the ready line comes last (`cli::serve`).

use std::{io::ErrorKind, net::SocketAddr};

use anyhow::Context;
use hub::{config::HubConfig, hub::Hub};
use model::instrument::Venue;
use store::files::Store;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    access::{Access, AccessParts},
    alerts::{
        channels::{Senders, push::vapid},
        handle::AlertsHandle,
        outbox,
        reach::Names,
        sources::Sources,
        task::{self as alert_task, AlertParts},
    },
    backtests::Backtests,
    candle_keeper::{self, CandleKeeper},
    catalogue::{following::Following, kept::Kept, lists::Lists},
    certificate::{Certificate, own_names},
    clock::Clock,
    commands::CommandRouter,
    config::{Config, StartConfig, StreamConfig},
    configuration::{Configuration, feeds::FeedSettings},
    desk::{
        handle::DeskHandle,
        market::Market,
        publisher::Publisher,
        replay::ReplayDesks,
        task::{self, DeskParts},
    },
    feed::{
        directory::Directory,
        driver::EventObserver,
        endpoints::VenueEndpoints,
        handle::Feeds,
        http as feed_http,
        socket::Connections,
        supervisor::{FeedKit, Supervisor},
    },
    http::{
        self, AppState,
        accept::{self, Service},
        forwarded::TrustedProxies,
        guard::Hosts,
        page::OfflinePage,
        stream::StreamContext,
        venues::RestProxy,
    },
    limits::Limits,
    log,
    metrics::{Metrics, counters::Counters, reading},
    notices::Notices,
    open_files,
    places::Places,
    publish::Publishing,
    recorder::{
        library::Library,
        recordings::Recordings,
        replays::{ReplayParts, Replays},
    },
    server_topics,
    shutdown::Shutdown,
    system::monitor::{HealthCell, monitor},
    tls,
};

/// A running server.
#[derive(Debug)]
pub struct Server {
    access: Access,
    address: SocketAddr,
    is_secure: bool,
    commands: CommandRouter,
    desk: DeskHandle,
    shutdown: Shutdown,
    feeds: Feeds,
    following: Following,
    recordings: Recordings,
    replays: Replays,
}

impl Server {
    /// Starts everything; returns when connections are accepted.
    ///
    /// # Errors
    /// The port is taken, or a venue of the configuration does not exist.
    pub async fn start(settings: impl Into<StartConfig>) -> anyhow::Result<Self> {
        Self::start_observed(settings, |_| None).await
    }

    /// As [`Self::start`], with an observer of each venue's events where `observe` makes one, each time its feed starts;
    /// for recorders and tests.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_observed(
        settings: impl Into<StartConfig>,
        observe: impl FnMut(&Venue) -> Option<EventObserver> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let loaded = settings.into();
        let mut config = loaded.config.clone();
        // Whoever has a certificate for a name is called by it.
        config.server.allowed_hosts.extend_from_slice(&config.tls.acme_domains);
        let listener = bind(config.server.listen).await?;
        let address = listener.local_addr().context("ask for the address that was bound")?;
        let names = own_names(address.ip(), &config.server.allowed_hosts);
        let certificate = Certificate::open(&config.tls, &config.server.data_dir, names)?;
        let (clock, shutdown, notices) = (Clock::start(), Shutdown::default(), Notices::default());
        let (publishing, directory) =
            (Publishing::new(Hub::new(hub_config(&config.stream)), clock), Directory::default());
        let (streams, started) = (publishing.clone(), loaded.config.clone());
        let configuration = Configuration::new(loaded, move |config| apply(config, &streams));
        let (feeds, orders) = Feeds::new(directory.clone());
        let tls = tls::client_config()?;
        let requests = feed_http::client(&tls).context("set up REST requests")?;
        let endpoints = VenueEndpoints::new(&requests, clock, |venue| config.venue(venue));
        let (candles, candle_wishes) = CandleKeeper::new();
        let kit = FeedKit {
            candles,
            clock,
            publishing: publishing.clone(),
            endpoints: endpoints.clone(),
            connections: Connections { tls: tls.clone(), clock },
            observe: Box::new(observe),
            shutdown: shutdown.clone(),
        };
        let mut supervisor = Supervisor::new(kit, feeds.clone());
        for feed in &config.feeds {
            supervisor.start(feed).await.with_context(|| format!("start the feed of {}", feed.venue))?;
        }
        shutdown.tasks.spawn(supervisor.run(orders));
        let kept = Kept::open(&config.server.data_dir, &notices, clock.now());
        let library = Library::new(&config.server.data_dir, configuration.live());
        let replay_desks = ReplayDesks::new(config.desk.enabled.then(|| config.desk.settings()), directory.clone());
        let replays = Replays::new(ReplayParts {
            library: library.clone(),
            feeds: feeds.clone(),
            publishing: publishing.clone(),
            desks: replay_desks.clone(),
            clock,
            shutdown: shutdown.clone(),
        });
        let (counters, health) = (Counters::default(), HealthCell::default());
        shutdown.tasks.spawn(server_topics::run(
            publishing.clone(),
            feeds.clone(),
            replays.clone(),
            notices.clone(),
            health.newest(),
            clock,
            shutdown.stopping.clone(),
        ));
        let backtests = Backtests::new(library.clone(), shutdown.clone());
        let (desk_notices, server_notices) = (notices.clone(), notices.clone());
        let recordings = Recordings::new(library, feeds.clone(), clock, notices, shutdown.clone());
        let lists = Lists::new(endpoints.clone(), clock, shutdown.clone());
        let following = Following::new(feeds.clone(), lists, kept);
        let feed_settings = FeedSettings {
            live: configuration.live(),
            endpoints: endpoints.clone(),
            feeds: feeds.clone(),
            following: following.clone(),
            notices: server_notices.clone(),
            clock,
        };
        shutdown.tasks.spawn(feed_settings.run(started, shutdown.stopping.clone()));
        let (alerts, desk) = match config.desk.enabled {
            // Without the desk's file there is no place for rules either.
            false => (AlertsHandle::closed(), DeskHandle::closed(replay_desks, config.desk.account.clone())),
            true => {
                let mut store = Store::open(&config.server.data_dir).await.context("open the desk's files")?;
                if let Some(candles) = store.candles.take() {
                    let (notices, stop) = (desk_notices.clone(), shutdown.stopping.clone());
                    shutdown.tasks.spawn(candle_keeper::run(candles, candle_wishes, notices, clock, stop));
                }
                let tables = store.alerts.take().context("the tables of alerts were handed out already")?;
                let push_key = vapid::VapidKey::kept(&tables).await.context("read the key of browser notifications")?;
                let senders = Senders::new(&tls, push_key, Names::default()).context("set up deliveries")?;
                let parts = AlertParts {
                    push_key: senders.push_key().to_owned(),
                    outbox: outbox::start(
                        tables.clone(),
                        senders,
                        (counters.alerts.clone(), counters.store.clone()),
                        clock,
                        &shutdown,
                    ),
                    alerts: tables,
                    recording_ends: recordings.ends(),
                    sources: Sources::new(feeds.clone(), directory.clone(), publishing.clone()),
                    publishing: publishing.clone(),
                    data_dir: config.server.data_dir.clone(),
                    clock,
                    notices: desk_notices.clone(),
                    counters: counters.alerts.clone(),
                    commits: counters.store.clone(),
                };
                let alerts = alert_task::start(parts, &shutdown).await?;
                let parts = DeskParts {
                    config: config.desk.settings(),
                    store,
                    market: Market::new(feeds.clone(), directory.clone()),
                    publisher: Publisher::new(&publishing, clock.now().monotonic),
                    replay: replay_desks,
                    clock,
                    notices: desk_notices,
                    counters: counters.desk.clone(),
                    commits: counters.store.clone(),
                };
                (alerts, task::start(parts, &shutdown).await?)
            }
        };
        let access = AccessParts {
            live: configuration.live(),
            data_dir: config.server.data_dir.clone(),
            is_private: config.server.is_private(),
            has_file: config.desk.enabled,
            port: address.port(),
            clock,
        };
        let access = Access::start(access, &shutdown).await.context("read who has access")?;
        let commands = CommandRouter::new(
            following.clone(),
            recordings.clone(),
            replays.clone(),
            backtests.clone(),
            desk.clone(),
            alerts.clone(),
            access.audit().clone(),
            clock,
            shutdown.clone(),
        );
        let places = Places::new(configuration.live());
        let limits = Limits::new(configuration.live(), counters.limits.clone(), clock);
        let proxies = TrustedProxies::new(configuration.live());
        let sources = reading::Sources {
            certificate: certificate.clone(),
            clock,
            data_dir: config.server.data_dir.clone(),
            desk: desk.clone(),
            feeds: feeds.clone(),
            places: places.clone(),
            publishing: publishing.clone(),
            sockets: shutdown.sockets.clone(),
        };
        let (monitor, looking) = monitor(sources.clone(), counters.clone(), health, shutdown.stopping.clone());
        shutdown.tasks.spawn(looking);
        let state = AppState {
            access: access.clone(),
            alerts,
            backtests,
            endpoints: RestProxy::new(endpoints, clock),
            commands: commands.clone(),
            configuration: configuration.clone(),
            desk: desk.clone(),
            feeds: feeds.clone(),
            following: following.clone(),
            hosts: Hosts::new(address, &config.tls.acme_domains, certificate.is_some(), configuration.live()),
            limits: limits.clone(),
            proxies: proxies.clone(),
            metrics: Metrics::new(counters.clone(), sources),
            monitor,
            offline: OfflinePage(configuration.live()),
            recordings: recordings.clone(),
            replays: replays.clone(),
            shutdown: shutdown.clone(),
            stream: StreamContext {
                publishing,
                directory,
                access: access.clone(),
                commands: commands.clone(),
                live: configuration.live(),
                clock,
                counters: counters.stream,
                batches: Default::default(),
            },
        };
        if let Some(certificate) = &certificate {
            #[cfg(feature = "acme")]
            certificate.order(&config.tls, &config.server.data_dir, server_notices.clone(), clock, &shutdown);
            certificate.watch(server_notices, clock, &shutdown);
            tracing::info!(fingerprint = certificate.fingerprint(), "TLS is on; SHA-256 of the certificate");
        }
        let tls = certificate.as_ref().map(Certificate::configs).transpose()?;
        let service = Service {
            router: http::router(state),
            tls,
            places,
            limits,
            proxies,
            counters: counters.connections,
            shutdown: shutdown.clone(),
        };
        shutdown.tasks.spawn(accept::accept(listener, service));
        tracing::info!(%address, "listening");
        Ok(Self {
            access,
            address,
            is_secure: certificate.is_some(),
            commands,
            desk,
            shutdown,
            feeds,
            following,
            recordings,
            replays,
        })
    }

    /// Returns the listening address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's address.
    pub fn url(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}/", self.address)
    }

    /// Returns the users, sessions and tokens.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Returns true if both the listening socket and the trading desk answer: a connection of our own gets bytes back, and
    /// the desk can be looked at. A server without a desk needs none. Takes as long as they take. Cancel-safe.
    pub async fn is_answering(&self) -> bool {
        let asked = async {
            let mut connection = TcpStream::connect(self.address).await?;
            let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
            connection.write_all(request.as_bytes()).await?;
            connection.read_u8().await
        };
        let (asked, _refused_is_an_answer) = tokio::join!(asked, self.desk.look(|_, _| ()));
        asked.is_ok()
    }

    /// Carries commands out.
    pub fn commands(&self) -> &CommandRouter {
        &self.commands
    }

    /// The feeds, replays included.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Follows and keeps instruments.
    pub fn following(&self) -> &Following {
        &self.following
    }

    /// Recordings of its feeds.
    pub fn recordings(&self) -> &Recordings {
        &self.recordings
    }

    /// The replay.
    pub fn replays(&self) -> &Replays {
        &self.replays
    }

    /// The way to end it.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }
}

/// Applies a changed configuration to parts that do not read it by themselves.
fn apply(config: &Config, publishing: &Publishing) {
    publishing.hub().set_config(hub_config(&config.stream));
    log::set_level(config.log.level);
    open_files::allow(config.server.max_connections);
}

fn hub_config(config: &StreamConfig) -> HubConfig {
    let defaults = HubConfig::default();
    HubConfig {
        history_bytes: config.history_bytes,
        history_len: config.history_len,
        queue_bytes: config.queue_bytes,
        retain_idle: config.retain_idle,
        max_topics: config.max_topics,
        ..defaults
    }
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
