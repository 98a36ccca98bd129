//! Starts and stops feeds while the server runs: one task that owns them all and carries out one command at a time.
//!
//! A feed whose list of symbols changes goes on with the new list; only if its session cannot do that (an alias of a
//! followed product), it is stopped and started again, and its topics continue with a snapshot. So is one whose venue is
//! configured otherwise. Stopping waits for the feed's task; its sockets, requests and timers end with it, its topics leave
//! the hub, its instruments the directory, its entries the status.
//! Not here: running a feed (`driver`), access control (`http`). Changes are not stored: after a restart of the server
//! the configuration counts.

use std::{collections::BTreeMap, time::Duration};

use market::{View, ViewConfig};
use model::instrument::{InstrumentId, Venue};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use venues::{
    registry,
    session::{Session, SessionConfig, Symbols},
};
use wire::command::FeedSymbols;

use super::{
    control::{ControlError, ControlKind, FeedControl},
    directory::Directory,
    driver::{self, EventObserver, FeedParts},
    endpoints::{VenueEndpoint, VenueEndpoints},
    handle::{FeedHandle, FeedStatus, Feeds},
    restarts::Restarts,
    socket::Connections,
};
use crate::{
    candle_keeper::CandleKeeper,
    clock::Clock,
    config::{FeedConfig, VenueConfig, feeds::MAX_SYMBOLS},
    publish::Publishing,
    recorder::tap::Tap,
    shutdown::Shutdown,
    venue_list,
};

/// Creates an observer of a venue's events each time its feed starts; `None` if there is no observer.
pub type Observe = Box<dyn FnMut(&Venue) -> Option<EventObserver> + Send>;

/// The parts common to all feeds.
pub struct FeedKit {
    /// Keeps closed candles.
    pub candles: CandleKeeper,
    /// The server's clock.
    pub clock: Clock,
    /// Creates the owner of a feed's topics.
    pub publishing: Publishing,
    /// The TLS configuration and clock of all connections.
    pub connections: Connections,
    /// The venues' endpoints.
    pub endpoints: VenueEndpoints,
    /// Creates observers of events.
    pub observe: Observe,
    /// The server's shutdown.
    pub shutdown: Shutdown,
}

/// The owner of all feeds.
pub struct Supervisor {
    kit: FeedKit,
    feeds: Feeds,
    running: BTreeMap<Venue, Running>,
    restarts: Restarts,
}

struct Running {
    symbols: Vec<String>,
    /// Ends when the feed ends, also after a panic.
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Creates a supervisor without any feeds.
    pub fn new(kit: FeedKit, feeds: Feeds) -> Self {
        Self { kit, feeds, running: BTreeMap::new(), restarts: Restarts::default() }
    }

    /// Starts a configured feed.
    ///
    /// # Errors
    /// Why the feed cannot be started.
    pub async fn start(&mut self, feed: &FeedConfig) -> Result<FeedSymbols, ControlError> {
        self.follow(FeedSymbols { venue: feed.venue.clone(), symbols: feed.symbols.clone() }).await
    }

    /// Carries out commands until the server stops.
    pub async fn run(mut self, mut orders: mpsc::Receiver<FeedControl>) {
        let stopping = self.kit.shutdown.stopping.clone();
        loop {
            let order = tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                order = orders.recv() => order,
            };
            let Some(FeedControl { kind, reply }) = order else { break };
            let outcome = match kind.clone() {
                ControlKind::Start(wanted) => match self.refuse_without_token(&wanted) {
                    Ok(()) => self.follow(wanted).await,
                    Err(error) => Err(error),
                },
                ControlKind::Stop(unwanted) => self.unfollow(unwanted).await,
                ControlKind::Restart { venue } => self.restart(&Venue::new(&venue)).await,
            };
            match &outcome {
                Ok(followed) => tracing::info!(?kind, symbols = ?followed.symbols, "an order is carried out"),
                Err(error) => tracing::info!(?kind, %error, "an order is refused"),
            }
            // A caller that is gone can see the outcome in the status.
            let _unheard = reply.send(outcome);
        }
    }

    /// Refuses to start a venue whose token is missing. A configured feed runs without it and reports the fault; the
    /// caller of a command can be told at once.
    fn refuse_without_token(&self, wanted: &FeedSymbols) -> Result<(), ControlError> {
        let info = registry::info(&wanted.venue.trim().to_lowercase())?;
        let has_token = self.kit.endpoints.find(info.name).is_some_and(|endpoint| endpoint.config.token.is_some());
        if info.capabilities.needs_token && !has_token {
            return Err(ControlError::NeedsToken { venue: info.name.to_owned() });
        }
        Ok(())
    }

    async fn follow(&mut self, wanted: FeedSymbols) -> Result<FeedSymbols, ControlError> {
        let info = registry::info(&wanted.venue.trim().to_lowercase())?;
        let n_asked = wanted.symbols.len();
        if n_asked > MAX_SYMBOLS {
            return Err(ControlError::TooManySymbols {
                venue: info.name.to_owned(),
                found: n_asked,
                limit: MAX_SYMBOLS,
            });
        }
        let asked = checked(&wanted.symbols)?;
        let asked = if asked.is_empty() { venue_list::default_symbols(info) } else { asked };
        if asked.is_empty() {
            let example = registry::first_symbols(info.name).first().copied().unwrap_or("SYMBOL");
            return Err(ControlError::BadSymbols { remedy: format!("name at least one symbol, as in {example}") });
        }
        let venue = Venue::new(info.name);
        let mut symbols = self.followed(&venue).to_vec();
        let n_before = symbols.len();
        symbols.extend(asked.iter().filter(|symbol| !self.followed(&venue).contains(symbol)).cloned());
        if symbols.len() == n_before {
            return Err(ControlError::AlreadyRunning { venue: info.name.to_owned(), symbols: shown(&asked) });
        }
        if symbols.len() > MAX_SYMBOLS {
            let found = symbols.len();
            return Err(ControlError::TooManySymbols { venue: info.name.to_owned(), found, limit: MAX_SYMBOLS });
        }
        self.replace(&venue, symbols).await
    }

    async fn unfollow(&mut self, unwanted: FeedSymbols) -> Result<FeedSymbols, ControlError> {
        let name = unwanted.venue.trim().to_lowercase();
        let venue = Venue::new(&name);
        if !self.running.contains_key(&venue) {
            registry::info(&name)?;
            let running: Vec<String> = self.running.keys().map(ToString::to_string).collect();
            return Err(ControlError::NotRunning { what: name, running: shown(&running) });
        }
        let followed = self.followed(&venue);
        let left: Vec<String> = followed.iter().filter(|symbol| !unwanted.symbols.contains(symbol)).cloned().collect();
        if unwanted.symbols.is_empty() {
            return self.replace(&venue, Vec::new()).await;
        }
        if left.len() == followed.len() {
            let what = format!("{venue} {}", shown(&unwanted.symbols));
            return Err(ControlError::NotRunning { what, running: shown(followed) });
        }
        self.replace(&venue, left).await
    }

    /// Returns the symbols that a venue's feed follows; none if its task has ended.
    fn followed(&self, venue: &Venue) -> &[String] {
        self.running.get(venue).filter(|running| !running.task.is_finished()).map_or(&[], |running| &running.symbols)
    }

    /// Lets the venue's feed follow these symbols: the running one if it can, otherwise a new one. Without symbols it
    /// stops.
    async fn replace(&mut self, venue: &Venue, symbols: Vec<String>) -> Result<FeedSymbols, ControlError> {
        if self.change(venue, &symbols).await {
            return Ok(FeedSymbols { symbols, venue: venue.to_string() });
        }
        self.renew(venue, symbols).await
    }

    /// Starts a venue's feed again with its symbols, also one that has failed; does nothing without one.
    async fn restart(&mut self, venue: &Venue) -> Result<FeedSymbols, ControlError> {
        match self.running.get(venue).map(|running| running.symbols.clone()) {
            Some(symbols) => self.renew(venue, symbols).await,
            None => Ok(FeedSymbols { symbols: Vec::new(), venue: venue.to_string() }),
        }
    }

    /// Stops the venue's feed, if there is one, and starts a new one with these symbols, if there are any.
    async fn renew(&mut self, venue: &Venue, symbols: Vec<String>) -> Result<FeedSymbols, ControlError> {
        // Only the venue's own servers limit starts: a simulator or proxy belongs to the user, a simulated market has
        // no connections.
        let is_own = self.kit.endpoints.find(venue.as_str()).is_none_or(|endpoint| endpoint.config.ws_url.is_none())
            && registry::info(venue.as_str()).is_ok_and(|info| !info.default_ws_url.is_empty());
        if is_own && !symbols.is_empty() {
            let now = self.kit.clock.now().monotonic;
            self.restarts
                .note(venue, now)
                .map_err(|wait| ControlError::TooOften { venue: venue.to_string(), wait_s: wait.as_secs() + 1 })?;
        }
        if let Some(running) = self.running.get_mut(venue) {
            self.feeds.end(venue);
            if tokio::time::timeout(STOP_TIME, &mut running.task).await.is_err() {
                tracing::error!(%venue, "a feed does not end");
                return Err(ControlError::Stuck { venue: venue.to_string() });
            }
            self.running.remove(venue);
        }
        let directory = self.feeds.directory();
        directory.retain(venue, &symbols);
        if symbols.is_empty() {
            self.feeds.remove(venue);
        } else {
            self.launch(venue, symbols.clone())?;
        }
        Ok(FeedSymbols { symbols, venue: venue.to_string() })
    }

    /// Changes the symbols of a running feed while the rest goes on; returns false, with nothing changed, if that is not
    /// possible.
    async fn change(&mut self, venue: &Venue, symbols: &[String]) -> bool {
        let followed = self.followed(venue);
        let missing_in = |some: &[String], all: &[String]| -> Vec<String> {
            all.iter().filter(|symbol| !some.contains(symbol)).cloned().collect()
        };
        let (added, dropped) = (missing_in(followed, symbols), missing_in(symbols, followed));
        if followed.is_empty() || symbols.is_empty() {
            return false;
        }
        let Some(feed) = self.feeds.of_venue(venue) else { return false };
        let is_changed = feed.change(added, dropped).await;
        if let Some(running) = self.running.get_mut(venue).filter(|_| is_changed) {
            running.symbols = symbols.to_vec();
        }
        is_changed
    }

    fn launch(&mut self, venue: &Venue, symbols: Vec<String>) -> Result<(), ControlError> {
        let kit = &mut self.kit;
        let info = registry::info(venue.as_str())?;
        let Some(endpoint) = kit.endpoints.find(info.name) else {
            return Err(ControlError::Stuck { venue: venue.to_string() });
        };
        let config = &endpoint.config;
        let session = registry::open(venue.as_str(), &session_config(&symbols, &endpoint, kit.clock))?;
        let directory = self.feeds.directory().clone();
        let view = view(session.as_ref(), &symbols, config, &directory);
        let (status, newest_status) = watch::channel(FeedStatus::of(session.as_ref(), &view, kit.clock.now()));
        let (commands, queue) = mpsc::channel(COMMAND_QUEUE);
        let parts = FeedParts {
            candles: kit.candles.clone(),
            topics: kit.publishing.own(session.venue().as_str()),
            tap: Tap::new(endpoint.http.base()),
            http: endpoint.http.clone(),
            token: config.token.clone(),
            connections: kit.connections.clone(),
            directory,
            session,
            view,
            status,
            observer: (kit.observe)(venue),
        };
        let stop = kit.shutdown.stopping.child_token();
        let (task_stop, name) = (stop.clone(), venue.clone());
        let task = kit.shutdown.tasks.spawn(async move {
            // In its own task, so that a panic in one venue's code leaves the others running and becomes visible: the
            // status channel closes, which turns the feed's lights red.
            if let Err(error) = tokio::spawn(driver::run(parts, queue, task_stop)).await {
                tracing::error!(venue = %name, %error, "a feed has stopped working");
            }
        });
        self.running.insert(venue.clone(), Running { symbols, task });
        self.feeds.insert(venue, FeedHandle { commands, status: newest_status, stop });
        Ok(())
    }
}

/// Creates a view that expects the symbols, and adds them to the directory.
fn view(session: &dyn Session, symbols: &[String], config: &VenueConfig, directory: &Directory) -> View {
    let mut view = View::new(ViewConfig { stale_after: config.stale_after, ..ViewConfig::default() });
    for symbol in symbols {
        let id = InstrumentId::new(session.venue(), symbol);
        view.expect(&id);
        directory.expect(id);
    }
    directory.describe(session.instruments());
    view
}

fn session_config(symbols: &[String], endpoint: &VenueEndpoint, clock: Clock) -> SessionConfig {
    let venue = &endpoint.config;
    SessionConfig {
        symbols: Symbols::Listed(symbols.to_vec()),
        venue_name: None,
        ws_url: venue.ws_url.clone(),
        has_history: endpoint.has_history(),
        data_deadline: venue.data_deadline,
        poll_every: venue.poll_every,
        backoff_min: venue.backoff_min,
        backoff_max: venue.backoff_max,
        max_attempts: venue.max_attempts,
        // Jitter only has to differ between servers that lost the same venue at the same moment.
        seed: clock.now().wall.as_nanos().unsigned_abs(),
    }
}

/// Returns the symbols without duplicates, checked by the rules of the configuration.
///
/// # Errors
/// The symbols are missing or invalid; the error gives the remedy.
pub fn checked(symbols: &[String]) -> Result<Vec<String>, ControlError> {
    let trimmed = symbols.iter().map(|symbol| symbol.trim().to_owned()).collect();
    let mut feed = FeedConfig::default();
    match feed.add_symbols(trimmed) {
        Ok(()) => Ok(feed.symbols),
        Err(error) => Err(ControlError::BadSymbols { remedy: error.to_string() }),
    }
}

/// Returns a list as a refusal shows it.
fn shown(names: &[String]) -> String {
    let more = if names.len() > MAX_LISTED { ", …" } else { "" };
    match names {
        [] => "none".to_owned(),
        names => names[..names.len().min(MAX_LISTED)].join(", ") + more,
    }
}

const MAX_LISTED: usize = 10;
/// A feed's loop checks its stop token first; this long is for a very busy machine.
const STOP_TIME: Duration = Duration::from_secs(5);
/// Commands that wait for a feed; it handles all of them between two frames.
const COMMAND_QUEUE: usize = 64;
