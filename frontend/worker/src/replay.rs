//! A recording played in the page: playback, player, view and topics, as in the server's replay task, for one reader.
//! Pure: the time and the recording's lines in, messages out.
//!
//! Its topics carry the name `replay-<venue>`, so that the page shows and labels them like the server's. Not here: pace
//! and jumps (`recording::player`), the file's location and timers (`shell`).

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Arc,
    time::Duration,
};

use backtest::replay_desk::ReplayDesk;
use desk::config::DeskConfig;
use market::View;
use model::{
    event::{MarketEvent, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
    time::{Monotonic, Now, Timestamp},
    trading::account::AccountId,
};
use recording::{
    contents,
    feed_topics::FeedTopics,
    lines::Lines,
    playback::Playback,
    player::{Control, Pace, Player, ReplayObserver, SPEEDS, first_report},
    recording_file::Head,
};
use topics::channels::replay::{PlayState, ReplayReport};
use venues::{registry, replay::Replay, session::Session};
use wire::{
    direct::{AccountAnswer, AccountQuestion, AccountRequest, WorkerCommand, WorkerReport},
    message::{ClientMessage, JsonText, ServerMessage},
};

use crate::{
    outlet::{Outlet, Reader},
    replay_topics::ReplayTopics,
};

/// A message from the replay to the page.
#[derive(Debug)]
pub enum ReplayReply {
    /// A stream message.
    Say(ServerMessage),
    /// A report on the replay's state or instruments.
    Tell(WorkerReport),
}

/// A recording that plays for one page.
pub struct ReplayFeed<L> {
    player: Player<L>,
    outlet: Outlet,
    listeners: Listeners,
    told: VecDeque<ReplayReply>,
    /// The status reported last, so that nothing is reported twice.
    report: Option<ReplayReport>,
    next_report: Monotonic,
}

/// The receivers of events besides the view.
struct Listeners {
    /// The recording's description of its instruments.
    known: BTreeMap<InstrumentId, Arc<Instrument>>,
    is_changed: bool,
    /// The account that trades the recording.
    desk: ReplayDesk,
}

impl ReplayObserver for Listeners {
    fn event(&mut self, event: &MarketEvent, _: bool, _: &View) {
        if let MarketEventKind::Instrument(instrument) = &event.kind
            && self.known.get(&instrument.id) != Some(instrument)
        {
            self.known.insert(instrument.id.clone(), instrument.clone());
            self.is_changed = true;
        }
        self.desk.event(event);
    }

    fn entry_end(&mut self, replay: &mut Replay) {
        if self.desk.is_trading() {
            replay.settle();
            self.desk.entry_end(Session::books(replay));
        }
    }
}

impl<L: Lines> ReplayFeed<L> {
    /// Reads a recording once and prepares to play it from its beginning. `name` is the file's.
    ///
    /// # Errors
    /// The file is not a recording, or does not name its venue; as a sentence for people.
    pub fn open(name: &str, mut lines: L, now: Monotonic) -> Result<Self, String> {
        let first = lines.advance();
        let head = if matches!(first, Ok(true)) { Head::of(lines.line()) } else { Head::default() };
        lines.rewind();
        let contents = contents::read(&mut lines).map_err(|error| no_tape(name, &error))?;
        let protocol = protocol(name, &head).ok_or_else(|| {
            let venues: Vec<&str> = registry::venues().map(|info| info.name).collect();
            format!(
                "{name} does not say whose frames it holds: put the venue in front of its name ({}), or play it with \
                 `truetape replay --of VENUE {name}`",
                venues.join(", ")
            )
        })?;
        let venue = Venue::new(protocol).as_replay();
        lines.rewind();
        let mut ids = contents::instruments(&mut lines, protocol, &venue);
        ids.extend(head.symbols.iter().map(|symbol| InstrumentId::new(&venue, symbol)));
        lines.rewind();
        let playback = Playback::new(lines, protocol, &venue).map_err(|error| error.to_string())?;
        let report = first_report(vec![name.to_owned()], venue.clone(), ids.into_iter().collect(), &contents);
        let desk = ReplayDesk::new(DeskConfig::default(), contents.start);
        Ok(Self {
            player: Player::new(playback, contents, report, now),
            outlet: Outlet::new(&venue, Some(AccountId::replay()), now),
            listeners: Listeners { known: BTreeMap::new(), is_changed: false, desk },
            told: VecDeque::new(),
            report: None,
            next_report: now,
        })
    }

    /// Handles a message of the page about topics.
    pub fn message(&mut self, message: ClientMessage) {
        let (view, replay) = self.player.lend();
        let market = FeedTopics { view, session: replay };
        let mut topics = ReplayTopics { market, desk: &mut self.listeners.desk, real: self.next_report };
        let answer = self.outlet.message(message, &mut topics);
        self.told.extend(answer.map(ReplayReply::Say));
        self.player.forward_history_requests(&mut self.listeners);
    }

    /// Handles a replay command of the page. Commands that do not concern a replay are ignored.
    pub fn order(&mut self, order: &WorkerCommand, now: Monotonic) {
        let control = match order {
            WorkerCommand::Play => Control::Play,
            WorkerCommand::Pause => Control::Pause,
            WorkerCommand::Seek { position_ms } => Control::Seek(Timestamp::from_millis(*position_ms)),
            WorkerCommand::Speed(speed) if SPEEDS.contains(speed) => Control::Speed(*speed),
            WorkerCommand::Desk(request) => return self.ask_desk(request, now),
            _ => return,
        };
        self.player.control(control, now);
        if self.player.state() == PlayState::Seeking {
            self.listeners.desk.jump();
        }
        self.report(now);
    }

    /// Asks the desk at the time that the replay has come to.
    fn ask_desk(&mut self, request: &AccountRequest, now: Monotonic) {
        let desk = &mut self.listeners.desk;
        desk.pass(self.player.position());
        let answer = match &request.question {
            AccountQuestion::Command(command) => desk.command((**command).clone()).map(|reply| JsonText::of(&reply)),
            AccountQuestion::PreviewOrder(order) => desk.preview_order(order).map(|preview| JsonText::of(&preview)),
        };
        let (result, refusal) = match answer {
            Ok(text) => (Some(text.as_str().to_owned()), None),
            Err(refusal) => (None, Some(refusal)),
        };
        let answer = AccountAnswer { id: request.id, result, refusal };
        self.told.push_back(ReplayReply::Tell(WorkerReport::Desk(Box::new(answer))));
        self.outlet.changed(now);
    }

    /// Plays on and queues the results; returns when it must be called again. `is_long` is used as in
    /// [`Player::advance`].
    pub fn on_timer(&mut self, now: Now, reader: Reader, is_long: impl FnMut() -> bool) -> Monotonic {
        let state = self.player.state();
        let pace = self.player.advance(now, is_long, &mut self.listeners);
        let at = self.player.position();
        self.listeners.desk.pass(at);
        if self.player.take_jump() {
            let (view, replay) = self.player.lend();
            let desk = &mut self.listeners.desk;
            desk.begin_again(Session::instruments(replay), Session::books(replay), at);
            let market = FeedTopics { view, session: replay };
            self.outlet.begin_again(&mut ReplayTopics { market, desk, real: now.monotonic });
        }
        if self.player.state() != state || now.monotonic >= self.next_report {
            self.report(now.monotonic);
        }
        if self.outlet.is_due(now.monotonic) {
            self.turn(now, reader);
        }
        match (pace, self.player.state()) {
            (Pace::Busy, _) => now.monotonic,
            (Pace::Resting, PlayState::Playing) => self.outlet.next_turn().min(now.monotonic + PLAYING_TICK),
            (Pace::Resting, _) => self.outlet.next_turn(),
        }
    }

    fn turn(&mut self, now: Now, reader: Reader) {
        if self.player.state() == PlayState::Seeking {
            return;
        }
        let clock = self.player.clock(now);
        let (view, replay) = self.player.lend();
        let market = FeedTopics { view: &mut *view, session: &*replay };
        let mut topics = ReplayTopics { market, desk: &mut self.listeners.desk, real: now.monotonic };
        let said = self.outlet.turn(&mut topics, (clock, reader), |_, _| true);
        if reader == Reader::Behind {
            view.observe(clock, replay.health());
        }
        self.told.extend(said.map(ReplayReply::Say));
        self.player.forward_history_requests(&mut self.listeners);
    }

    /// Reports the status, if it changed.
    fn report(&mut self, now: Monotonic) {
        self.next_report = now + REPORT_EVERY;
        let report = self.player.report();
        if std::mem::take(&mut self.listeners.is_changed) {
            let known = self.listeners.known.values().map(|instrument| Instrument::clone(instrument)).collect();
            self.told.push_back(ReplayReply::Tell(WorkerReport::Instruments(known)));
        }
        if self.report.as_ref() != Some(&report) {
            self.told.push_back(ReplayReply::Tell(WorkerReport::Replay(report.clone())));
            self.report = Some(report);
        }
    }

    /// Returns the next message, in order.
    pub fn take_told(&mut self) -> Option<ReplayReply> {
        self.told.pop_front()
    }
}

/// Returns the venue in the header; otherwise the one at the beginning of the file's name.
fn protocol(name: &str, head: &Head) -> Option<&'static str> {
    let said = head.venue.as_deref().and_then(|venue| registry::info(venue).ok());
    let named = || registry::venues().find(|info| name.to_ascii_lowercase().starts_with(info.name));
    said.or_else(named).map(|info| info.name)
}

fn no_tape(name: &str, error: &io::Error) -> String {
    format!(
        "{name} is no recording that can be played ({error}): choose a .jsonl, .jsonl.gz or .jsonl.zst file that \
         Truetape has recorded"
    )
}

/// Often enough for a visible slider.
const REPORT_EVERY: Duration = Duration::from_millis(250);
const PLAYING_TICK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
