//! Starts all parts of the server and joins them: feeds, server_topics, router, listening socket.
//!
//! In the order that nothing is announced before it works: the port is bound first, so that a second server fails before
//! it has opened any venue connection; the ready line comes last (`cli::serve`).

use std::{io::ErrorKind, net::SocketAddr, sync::Arc};

use anyhow::Context;
use hub::{config::HubConfig, hub::Hub};
use model::instrument::Venue;
use store::files::Store;
use tokio::net::TcpListener;

use crate::{
    alerts::{
        channels::{Senders, push::vapid},
        handle::AlertsHandle,
        outbox,
        sources::Sources,
        task::{self as alert_task, AlertParts},
    },
    backtests::Backtests,
    candle_keeper::{self, CandleKeeper},
    catalogue::{following::Following, kept::Kept, lists::Lists},
    clock::Clock,
    commands::CommandRouter,
    config::{Config, StreamConfig},
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
    http::{self, AppState, accept, guard::Hosts, page, stream::StreamContext, venues::RestProxy},
    notices::Notices,
    publish::{Publishing, SharedUpdate},
    recorder::{
        library::Library,
        recordings::Recordings,
        replays::{ReplayParts, Replays},
    },
    server_topics,
    shutdown::Shutdown,
    tls,
};

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    commands: CommandRouter,
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
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_observed(config, |_| None).await
    }

    /// As [`Self::start`], with an observer of each venue's events where `observe` makes one, each time its feed starts;
    /// for recorders and tests.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_observed(
        config: Config,
        observe: impl FnMut(&Venue) -> Option<EventObserver> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let listener = bind(config.server.listen).await?;
        let address = listener.local_addr().context("ask for the address that was bound")?;
        let (clock, shutdown, notices) = (Clock::start(), Shutdown::default(), Notices::default());
        let (publishing, directory) = (Publishing::new(hub(&config.stream), clock), Directory::default());
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
        let library = Library::new(&config.server.data_dir, config.recordings);
        let replay_desks = ReplayDesks::new(config.desk.enabled.then(|| config.desk.settings()), directory.clone());
        let replays = Replays::new(ReplayParts {
            library: library.clone(),
            feeds: feeds.clone(),
            publishing: publishing.clone(),
            desks: replay_desks.clone(),
            clock,
            shutdown: shutdown.clone(),
        });
        shutdown.tasks.spawn(server_topics::run(
            publishing.clone(),
            feeds.clone(),
            replays.clone(),
            notices.clone(),
            clock,
            shutdown.stopping.clone(),
        ));
        let backtests = Backtests::new(library.clone(), shutdown.clone());
        let desk_notices = notices.clone();
        let recordings = Recordings::new(library, feeds.clone(), clock, notices, shutdown.clone());
        let with_token = config.venues.iter().filter(|(_, venue)| venue.token.is_some());
        let holders = with_token.map(|(name, _)| name.clone()).collect();
        let lists = Lists::new(endpoints.clone(), clock, shutdown.clone());
        let following = Following::new(feeds.clone(), lists, kept);
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
                let senders = Senders::new(&tls, push_key).context("set up deliveries")?;
                let parts = AlertParts {
                    push_key: senders.push_key().to_owned(),
                    outbox: outbox::start(tables.clone(), senders, clock, &shutdown),
                    alerts: tables,
                    recording_ends: recordings.ends(),
                    sources: Sources::new(feeds.clone(), directory.clone(), publishing.clone()),
                    publishing: publishing.clone(),
                    data_dir: config.server.data_dir.clone(),
                    clock,
                    notices: desk_notices.clone(),
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
                };
                (alerts, task::start(parts, &shutdown).await?)
            }
        };
        let commands = CommandRouter::new(
            following.clone(),
            recordings.clone(),
            replays.clone(),
            backtests.clone(),
            desk.clone(),
            alerts.clone(),
            clock,
            shutdown.clone(),
        );
        let state = AppState {
            alerts,
            backtests,
            endpoints: RestProxy::new(endpoints, clock),
            commands: commands.clone(),
            desk,
            feeds: feeds.clone(),
            following: following.clone(),
            holders: Arc::new(holders),
            hosts: Hosts::new(address, &config.server.allowed_hosts),
            leptos: page::options(),
            recordings: recordings.clone(),
            replays: replays.clone(),
            shutdown: shutdown.clone(),
            stream: StreamContext {
                publishing,
                directory,
                commands: commands.clone(),
                config: Arc::new(config.stream),
                clock,
            },
        };
        let max_connections = config.server.max_connections;
        shutdown.tasks.spawn(accept::accept(listener, http::router(state), shutdown.clone(), max_connections));
        tracing::info!(%address, "listening");
        Ok(Self { address, commands, shutdown, feeds, following, recordings, replays })
    }

    /// Returns the listening address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
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

fn hub(config: &StreamConfig) -> Hub<SharedUpdate> {
    let defaults = HubConfig::default();
    Hub::new(HubConfig {
        history_bytes: config.history_bytes,
        history_len: config.history_len,
        queue_bytes: config.queue_bytes,
        retain_idle: config.retain_idle,
        max_topics: config.max_topics,
        ..defaults
    })
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
