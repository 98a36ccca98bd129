//! The connection to the server as a state machine: greet, subscribe, resume, watch, and reconnect after a loss.
//!
//! Pure: inputs and the time in, outputs out; the socket, timers and randomness belong to the shell (`live::socket`).
//! Not here: the meaning of items (`live::model`). Offsets are checked here: within a topic they are contiguous, and an
//! item that is not contiguous is not passed on but replaced by a snapshot.
//!
//! Over 500 lines: one state machine whose inputs all share the same state; splitting it would spread each rule over
//! several files.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use model::{
    sorted::{SortedMap, SortedSet},
    time::{Monotonic, Now},
};
use topics::{
    lane::Lane,
    topic::{Topic, TopicPattern},
};
use wire::{
    PROTOCOL_VERSION,
    close_code::CloseCode,
    message::{
        ClientMessage, CommandRequest, Epoch, Hello, JsonText, Ping, Position, ServerMessage, SnapshotRequest,
        Subscribe, Unsubscribe, Update, UpdateKind,
    },
};

/// Deadlines and delays of a [`Link`].
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Maximum time for opening a socket, and then for the greeting.
    pub greeting_deadline: Duration,
    /// Time between pings; they carry the clock comparison too.
    pub ping_every: Duration,
    /// Silence after a ping before the connection is closed.
    pub pong_deadline: Duration,
    /// The same after the page returns from hiding or sleep, when a dead connection is likely.
    pub probe_deadline: Duration,
    /// First and largest window of the delay before a reconnect.
    pub backoff: (Duration, Duration),
    /// Delay before a refused subscription is tried again.
    pub refused_retry: Duration,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            greeting_deadline: Duration::from_secs(10),
            ping_every: Duration::from_secs(5),
            pong_deadline: Duration::from_secs(10),
            probe_deadline: Duration::from_secs(4),
            backoff: (Duration::from_millis(500), Duration::from_secs(30)),
            refused_retry: Duration::from_secs(5),
        }
    }
}

/// The connection's state as shown to the reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// The first connection is being made.
    #[default]
    Connecting,
    /// Data may flow.
    Connected,
    /// Lost; the next attempt begins at `at`, or is running if that has passed.
    Reconnecting {
        /// Time of the next attempt.
        at: Monotonic,
    },
    /// Lost, and the browser reports no network. Attempts continue.
    Disconnected {
        /// Time of the next attempt.
        at: Monotonic,
    },
    /// The server rejects reconnecting; only the reader can try again.
    Error {
        /// The server's message.
        message: String,
    },
}

impl LinkState {
    /// Returns true if there was no connection at the last attempt.
    pub fn is_away(&self) -> bool {
        !matches!(self, Self::Connecting | Self::Connected)
    }
}

/// The result of the last reconnect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Topics that continued where they had stopped.
    pub n_resumed: usize,
    /// Items sent again from the server's history.
    pub n_replayed: u64,
    /// Items lost, by the server's count.
    pub n_lost: u64,
    /// Topics that had to restart from a snapshot.
    pub n_reset: usize,
    /// The server is not the one of the connection before.
    pub has_restarted: bool,
}

impl Recovery {
    /// Returns the sentence shown to the reader.
    pub fn sentence(&self) -> String {
        match self {
            Self { n_reset: 0, n_resumed: 0, .. } => "Reconnected".to_owned(),
            Self { n_reset: 0, n_replayed, n_lost, .. } => {
                format!("Reconnected: resumed, {n_replayed} replayed, {n_lost} lost")
            }
            Self { has_restarted: true, .. } => "Reconnected. The server restarted, data reloaded".to_owned(),
            Self { .. } => "Reconnected, data reloaded".to_owned(),
        }
    }
}

/// An event from outside.
#[derive(Debug)]
pub enum Input {
    /// The page is ready: connect.
    Start,
    /// The socket is open.
    Opened,
    /// A message arrived.
    Message(ServerMessage),
    /// The socket is closed, or could not be opened.
    Closed {
        /// The close code.
        code: u16,
        /// The server's reason, often empty.
        reason: String,
    },
    /// The page became visible or woke up, or the network is back: check at once whether the connection lives.
    Probe,
    /// The browser reports that the network is gone.
    Offline,
    /// The browser reports that the network is back.
    Online,
    /// The reader requests another attempt now.
    Retry,
    /// The requested topics changed to exactly these, each on its lane.
    Wants(SortedMap<Topic, Lane>),
    /// The reader sends a command.
    Command {
        /// The caller's number, returned with the answer.
        ticket: u64,
        /// The command.
        command: JsonText,
        /// Whom it may be sent to again.
        repeat: Repeat,
    },
    /// A deadline may have passed.
    Timeout,
}

/// Whom a command may be sent to again if its answer is lost with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The server that it was sent to, which knows it by its key.
    SameServer,
    /// A server that has restarted, too: the command carries a name of its own, by which the journal knows it.
    AnyServer,
}

/// An action for the shell.
#[derive(Debug)]
pub enum Output {
    /// Open a socket and drop any older one.
    Open,
    /// Drop the socket without waiting for its closing handshake.
    Close,
    /// Send a message.
    Send(ClientMessage),
    /// Apply these, in order.
    Updates(Vec<Update>),
    /// Topics that are no longer requested: their data can be dropped.
    Forget(Vec<Topic>),
    /// A subscription was refused.
    Refused {
        /// The requested topics.
        topics: Vec<Topic>,
        /// The server's message.
        message: String,
    },
    /// A command was answered, or can no longer be answered.
    Answered {
        /// The caller's number.
        ticket: u64,
        /// The result, or the reason for the failure.
        answer: Result<JsonText, String>,
    },
    /// Two clocks were compared.
    ClockSample {
        /// Time of the request.
        sent: Now,
        /// The server's wall clock when it answered, in milliseconds since the epoch.
        server_time_ms: i64,
    },
    /// A connection was re-established after a loss; sent again as more becomes known.
    Recovered(Recovery),
}

#[derive(Debug)]
enum Phase {
    Idle,
    /// Waiting for the socket, then for the welcome.
    Greeting {
        until: Monotonic,
    },
    Up,
    Waiting {
        until: Monotonic,
    },
    Stopped {
        message: String,
    },
}

/// A command on its way.
#[derive(Debug)]
struct Sent {
    ticket: u64,
    /// Its name for the server, which does nothing twice.
    key: String,
    command: JsonText,
    repeat: Repeat,
    since: Monotonic,
}

/// The connection's state.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    phase: Phase,
    wants: SortedMap<Topic, Lane>,
    subscribed: SortedMap<Topic, Lane>,
    positions: SortedMap<Topic, Position>,
    resuming: SortedMap<Topic, Lane>,
    /// Topics of the resume that the server has not answered yet. What it resets later is no recovery.
    n_resuming: usize,
    recovery: Recovery,
    requests: SortedMap<u64, Vec<Topic>>,
    /// Commands that wait for their answer, by the request's id.
    commands: SortedMap<u64, Sent>,
    /// The epoch of the server of the last connection, to which they were sent.
    server: Option<Epoch>,
    next_id: u64,
    attempt: u32,
    has_been_up: bool,
    is_offline: bool,
    last_heard: Monotonic,
    ping_at: Monotonic,
    pings: VecDeque<(i64, Now)>,
    silent_until: Option<Monotonic>,
    refused_at: Option<Monotonic>,
    random: u64,
    outputs: Vec<Output>,
}

impl Link {
    /// Creates a link that waits for [`Input::Start`]. `seed` determines the jitter.
    pub fn new(config: LinkConfig, seed: u64) -> Self {
        Self {
            config,
            phase: Phase::Idle,
            wants: SortedMap::new(),
            subscribed: SortedMap::new(),
            positions: SortedMap::new(),
            resuming: SortedMap::new(),
            n_resuming: 0,
            recovery: Recovery::default(),
            requests: SortedMap::new(),
            commands: SortedMap::new(),
            server: None,
            next_id: 1,
            attempt: 0,
            has_been_up: false,
            is_offline: false,
            last_heard: Monotonic::ZERO,
            ping_at: Monotonic::ZERO,
            pings: VecDeque::new(),
            silent_until: None,
            refused_at: None,
            random: seed | 1,
            outputs: Vec::new(),
        }
    }

    /// Processes an event. Events that do not fit the state do nothing.
    pub fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Start => {
                if matches!(self.phase, Phase::Idle) {
                    self.open(now);
                }
            }
            Input::Opened => self.greet(now),
            Input::Message(message) => self.on_message(message, now),
            Input::Closed { code, reason } => self.on_closed(code, &reason, now),
            Input::Probe => self.probe(now),
            Input::Offline => {
                self.is_offline = true;
                self.probe(now);
            }
            Input::Online => {
                self.is_offline = false;
                self.probe(now);
            }
            Input::Retry => match self.phase {
                Phase::Waiting { .. } | Phase::Stopped { .. } => self.open(now),
                // Refused subscriptions are requested again.
                Phase::Up if self.refused_at.take().is_some() => self.settle_wants(),
                Phase::Idle | Phase::Greeting { .. } | Phase::Up => {}
            },
            Input::Wants(wants) => {
                self.wants = wants;
                self.settle_wants();
            }
            Input::Command { ticket, command, repeat } => self.command(ticket, command, repeat, now),
            Input::Timeout => self.on_timeout(now),
        }
    }

    /// Returns the pending actions, in order.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// Returns when [`Input::Timeout`] is due; `None` means never.
    pub fn deadline(&self) -> Option<Monotonic> {
        match &self.phase {
            Phase::Idle | Phase::Stopped { .. } => None,
            Phase::Greeting { until } | Phase::Waiting { until } => Some(*until),
            Phase::Up => [Some(self.ping_at), self.silent_until, self.refused_at].into_iter().flatten().min(),
        }
    }

    /// Returns the state shown to the reader.
    pub fn state(&self) -> LinkState {
        match &self.phase {
            Phase::Up => LinkState::Connected,
            Phase::Stopped { message } => LinkState::Error { message: message.clone() },
            Phase::Idle => LinkState::Connecting,
            Phase::Greeting { .. } if !self.has_been_up && self.attempt == 0 => LinkState::Connecting,
            Phase::Greeting { until } | Phase::Waiting { until } => {
                // The end of a running attempt is not shown: the attempt is now.
                let at = if matches!(self.phase, Phase::Waiting { .. }) { *until } else { Monotonic::ZERO };
                if self.is_offline { LinkState::Disconnected { at } } else { LinkState::Reconnecting { at } }
            }
        }
    }

    /// Returns when the server was last heard.
    pub fn last_heard(&self) -> Monotonic {
        self.last_heard
    }

    fn open(&mut self, now: Now) {
        // A command that was lost long ago must not take effect now, when nobody expects it any more.
        self.give_up_commands(|sent| now.monotonic.saturating_since(sent.since) > COMMAND_PATIENCE);
        self.phase = Phase::Greeting { until: now.monotonic + self.config.greeting_deadline };
        self.outputs.push(Output::Open);
    }

    fn greet(&mut self, now: Now) {
        if !matches!(self.phase, Phase::Greeting { .. }) {
            return;
        }
        self.phase = Phase::Greeting { until: now.monotonic + self.config.greeting_deadline };
        let wants = &self.wants;
        self.positions.retain(|topic, _| wants.contains_key(topic));
        // On the lanes they came on, even if others are wanted by now.
        let lane_of = |position: &Position| position.lane_ms.map(Lane::from_ms).unwrap_or_default();
        self.resuming = self.positions.iter().map(|(topic, position)| (topic.clone(), lane_of(position))).collect();
        let resume: BTreeMap<Topic, Position> =
            self.positions.iter().map(|(topic, position)| (topic.clone(), position.clone())).collect();
        let hello = Hello { protocol: PROTOCOL_VERSION, lane_ms: Lane::default().ms(), resume };
        self.outputs.push(Output::Send(ClientMessage::Hello(hello)));
    }

    fn on_message(&mut self, message: ServerMessage, now: Now) {
        if matches!(self.phase, Phase::Idle | Phase::Waiting { .. } | Phase::Stopped { .. }) {
            return;
        }
        self.last_heard = now.monotonic;
        self.silent_until = None;
        match message {
            ServerMessage::Welcome(welcome) => self.on_welcome(welcome.epoch, now),
            ServerMessage::Batch(batch) => self.on_updates(batch.items.into_iter().map(|item| item.update).collect()),
            ServerMessage::Resumed(resumed) => {
                self.n_resuming = self.n_resuming.saturating_sub(resumed.topics.len());
                self.recovery.n_resumed += resumed.topics.len();
                self.recovery.n_replayed += resumed.replayed;
                self.recovery.n_lost += resumed.lost;
                self.announce_recovery();
            }
            ServerMessage::Reset(reset) => {
                for name in &reset.topics {
                    self.positions.remove(&name.topic);
                }
                if self.n_resuming > 0 {
                    self.n_resuming = self.n_resuming.saturating_sub(reset.topics.len());
                    self.recovery.n_reset += reset.topics.len();
                    self.announce_recovery();
                }
            }
            ServerMessage::Refused(refused) => self.on_refused(refused.id, refused.message, now),
            ServerMessage::Subscribed(subscribed) => {
                self.requests.remove(&subscribed.id);
            }
            ServerMessage::Pong(pong) => {
                while let Some((t, sent)) = self.pings.pop_front() {
                    if t == pong.t {
                        self.outputs.push(Output::ClockSample { sent, server_time_ms: pong.server_time_ms });
                        break;
                    }
                }
            }
            ServerMessage::Bye(bye) if !bye.code.is_reconnect() => self.stop(&bye.reason),
            ServerMessage::Ack(ack) => self.answer(ack.id, Ok(ack.result)),
            ServerMessage::Bye(_) | ServerMessage::Unsubscribed(_) => {}
        }
    }

    fn on_welcome(&mut self, server: Epoch, now: Now) {
        if !matches!(self.phase, Phase::Greeting { .. }) {
            return;
        }
        self.phase = Phase::Up;
        // A resume names its topics and subscribes them; only the others are requested.
        self.subscribed = std::mem::take(&mut self.resuming);
        self.n_resuming = self.subscribed.len();
        let has_restarted = self.server.as_ref().is_some_and(|known| *known != server);
        self.recovery = Recovery { has_restarted, ..Recovery::default() };
        if self.has_been_up {
            self.outputs.push(Output::Recovered(self.recovery));
        }
        self.has_been_up = true;
        self.requests.clear();
        self.pings.clear();
        self.refused_at = None;
        self.settle_wants();
        self.repeat_commands(server);
        self.ping(now, self.config.pong_deadline);
    }

    /// Sends the commands again whose answers were lost with the connection: the server knows them by their keys and does
    /// none twice. One that has restarted does not know them, and gets only those that have names of their own.
    fn repeat_commands(&mut self, server: Epoch) {
        if self.server.replace(server.clone()).is_some_and(|known| known != server) {
            self.give_up_commands(|sent| sent.repeat == Repeat::SameServer);
        }
        for sent in std::mem::take(&mut self.commands).into_values() {
            self.send_command(sent);
        }
    }

    fn announce_recovery(&mut self) {
        self.outputs.push(Output::Recovered(self.recovery));
    }

    fn on_updates(&mut self, updates: Vec<Update>) {
        if !updates.is_empty() {
            // Data proves the connection is good; a welcome alone does not.
            self.attempt = 0;
        }
        let mut kept = Vec::with_capacity(updates.len());
        let mut broken = SortedSet::new();
        for update in updates {
            let Some(lane) = self.subscribed.get(&update.topic).copied() else { continue };
            match (update.kind, self.positions.get_mut(&update.topic)) {
                (UpdateKind::Snapshot, _) => {
                    let epoch = update.epoch.clone().unwrap_or_default();
                    let position = Position { epoch, offset: update.offset, lane_ms: Some(lane.ms()) };
                    self.positions.insert(update.topic.clone(), position);
                }
                (UpdateKind::Delta, Some(known)) if update.offset == known.offset + 1 => known.offset = update.offset,
                (UpdateKind::Delta, Some(known)) if update.offset <= known.offset => continue,
                (UpdateKind::Delta, Some(_)) => {
                    self.positions.remove(&update.topic);
                    broken.insert(update.topic);
                    continue;
                }
                // Its snapshot is on the way.
                (UpdateKind::Delta, None) => continue,
            }
            broken.remove(&update.topic);
            kept.push(update);
        }
        if !kept.is_empty() {
            self.outputs.push(Output::Updates(kept));
        }
        if !broken.is_empty() {
            let request = SnapshotRequest { id: self.take_id(), topics: patterns(broken) };
            self.outputs.push(Output::Send(ClientMessage::Snapshot(request)));
        }
    }

    fn on_refused(&mut self, id: Option<u64>, message: String, now: Now) {
        if let Some(id) = id.filter(|id| self.commands.contains_key(id)) {
            return self.answer(id, Err(message));
        }
        let Some(topics) = id.and_then(|id| self.requests.remove(&id)) else { return };
        for topic in &topics {
            self.subscribed.remove(topic);
        }
        if topics.len() > 1 {
            // One bad topic refuses the whole request: requested one by one, the good ones succeed.
            for topic in topics {
                let lane = self.wants.get(&topic).copied().unwrap_or_default();
                self.subscribe(vec![topic], lane);
            }
            return;
        }
        self.refused_at = Some(now.monotonic + self.config.refused_retry);
        self.outputs.push(Output::Refused { topics, message });
    }

    fn command(&mut self, ticket: u64, command: JsonText, repeat: Repeat, now: Now) {
        if !matches!(self.phase, Phase::Up) {
            let answer = Err("no connection to the server; try again once it is back".to_owned());
            return self.outputs.push(Output::Answered { ticket, answer });
        }
        let key = format!("{:x}", self.next_random());
        self.send_command(Sent { ticket, key, command, repeat, since: now.monotonic });
    }

    fn send_command(&mut self, sent: Sent) {
        let id = self.take_id();
        let request = CommandRequest { id, key: Some(sent.key.clone()), command: sent.command.clone() };
        self.commands.insert(id, sent);
        self.outputs.push(Output::Send(ClientMessage::Command(request)));
    }

    fn answer(&mut self, id: u64, answer: Result<JsonText, String>) {
        if let Some(Sent { ticket, .. }) = self.commands.remove(&id) {
            self.outputs.push(Output::Answered { ticket, answer });
        }
    }

    /// The answers of these commands will not come any more: whether they took effect is unknown.
    fn give_up_commands(&mut self, is_lost: impl Fn(&Sent) -> bool) {
        let lost: Vec<u64> = self.commands.iter().filter(|(_, sent)| is_lost(sent)).map(|(id, _)| *id).collect();
        for Sent { ticket, .. } in lost.iter().filter_map(|id| self.commands.remove(id)).collect::<Vec<_>>() {
            let answer =
                Err("the connection was lost before the answer came; check whether the command took effect".to_owned());
            self.outputs.push(Output::Answered { ticket, answer });
        }
    }

    fn on_closed(&mut self, code: u16, reason: &str, now: Now) {
        match self.phase {
            Phase::Idle | Phase::Waiting { .. } | Phase::Stopped { .. } => {}
            Phase::Greeting { .. } | Phase::Up if CloseCode(code).is_reconnect() => self.wait(now),
            Phase::Greeting { .. } | Phase::Up => self.stop(reason),
        }
    }

    fn on_timeout(&mut self, now: Now) {
        let is_past = |at: Monotonic| at <= now.monotonic;
        match self.phase {
            Phase::Idle | Phase::Stopped { .. } => {}
            Phase::Greeting { until } if is_past(until) => self.drop_socket(now),
            Phase::Waiting { until } if is_past(until) => self.open(now),
            Phase::Greeting { .. } | Phase::Waiting { .. } => {}
            Phase::Up => {
                match self.silent_until {
                    // A timer this late means that we were frozen, and the answer may be unread: ping once more.
                    Some(until) if now.monotonic.saturating_since(until) > Duration::from_secs(2) => {
                        self.ping(now, self.config.probe_deadline);
                    }
                    Some(until) if is_past(until) => return self.drop_socket(now),
                    _ => {}
                }
                if is_past(self.ping_at) {
                    self.ping(now, self.config.pong_deadline);
                }
                if self.refused_at.is_some_and(is_past) {
                    self.refused_at = None;
                    self.settle_wants();
                }
            }
        }
    }

    fn probe(&mut self, now: Now) {
        match self.phase {
            Phase::Up => self.ping(now, self.config.probe_deadline),
            Phase::Waiting { .. } if !self.is_offline => self.open(now),
            _ => {}
        }
    }

    fn ping(&mut self, now: Now, deadline: Duration) {
        let t = now.wall.as_millis();
        self.pings.push_back((t, now));
        if self.pings.len() > MAX_PINGS {
            self.pings.pop_front();
        }
        let until = now.monotonic + deadline;
        // An earlier ping without an answer keeps its sooner deadline.
        let earlier = self.silent_until.filter(|known| *known > now.monotonic);
        self.silent_until = Some(earlier.map_or(until, |known| known.min(until)));
        self.ping_at = now.monotonic + self.config.ping_every;
        self.outputs.push(Output::Send(ClientMessage::Ping(Ping { t })));
    }

    fn drop_socket(&mut self, now: Now) {
        self.outputs.push(Output::Close);
        self.wait(now);
    }

    fn wait(&mut self, now: Now) {
        let (base, cap) = self.config.backoff;
        let window = base.saturating_mul(1 << self.attempt.min(16)).min(cap);
        self.attempt = self.attempt.saturating_add(1);
        // Full jitter: after a restart of the server all pages reconnect spread over the window.
        let delay = window.mul_f64(self.random_unit()).max(MIN_DELAY);
        self.subscribed.clear();
        self.silent_until = None;
        self.phase = Phase::Waiting { until: now.monotonic + delay };
    }

    fn stop(&mut self, reason: &str) {
        let message = if reason.is_empty() { "the server closed the connection permanently" } else { reason };
        self.subscribed.clear();
        self.give_up_commands(|_| true);
        self.phase = Phase::Stopped { message: message.to_owned() };
        self.outputs.push(Output::Close);
    }

    fn settle_wants(&mut self) {
        let wants = &self.wants;
        let is_gone = |topic: &&Topic| !wants.contains_key(*topic);
        let gone: Vec<Topic> = self.subscribed.keys().filter(is_gone).cloned().collect();
        let forgotten: Vec<Topic> = self.positions.keys().filter(is_gone).cloned().collect();
        for topic in &forgotten {
            self.positions.remove(topic);
        }
        if !forgotten.is_empty() {
            self.outputs.push(Output::Forget(forgotten));
        }
        if !matches!(self.phase, Phase::Up) {
            return;
        }
        if !gone.is_empty() {
            self.subscribed.retain(|topic, _| !gone.contains(topic));
            for part in gone.chunks(MAX_TOPICS) {
                let request = Unsubscribe { id: self.take_id(), topics: patterns(part.to_vec()) };
                self.outputs.push(Output::Send(ClientMessage::Unsubscribe(request)));
            }
        }
        for lane in Lane::ALL {
            let is_new =
                |(topic, wanted): &(&Topic, &Lane)| **wanted == lane && self.subscribed.get(topic) != Some(&lane);
            let new: Vec<Topic> = self.wants.iter().filter(is_new).map(|(topic, _)| topic.clone()).collect();
            for part in new.chunks(MAX_TOPICS) {
                self.subscribe(part.to_vec(), lane);
            }
        }
    }

    fn subscribe(&mut self, topics: Vec<Topic>, lane: Lane) {
        let id = self.take_id();
        for topic in &topics {
            if self.subscribed.insert(topic.clone(), lane).is_some_and(|earlier| earlier != lane) {
                // Another lane begins with a snapshot.
                self.positions.remove(topic);
            }
        }
        let request = Subscribe { id, topics: patterns(topics.clone()), lane_ms: Some(lane.ms()) };
        self.requests.insert(id, topics);
        self.outputs.push(Output::Send(ClientMessage::Subscribe(request)));
    }

    fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Returns a number from 0 to 1 (xorshift64, Marsaglia 2003).
    fn random_unit(&mut self) -> f64 {
        (self.next_random() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

fn patterns(topics: impl IntoIterator<Item = Topic>) -> Vec<TopicPattern> {
    topics.into_iter().map(TopicPattern::from).collect()
}

/// Topics in one request: the server's maximum.
const MAX_TOPICS: usize = 200;

/// Unanswered pings; older ones are dropped.
const MAX_PINGS: usize = 8;

/// Minimum delay before an attempt, whatever the jitter.
const MIN_DELAY: Duration = Duration::from_millis(100);

/// Time within which an unanswered command may be sent again.
const COMMAND_PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
