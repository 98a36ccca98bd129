//! Plays the connection through, step by step.

use model::{instrument::InstrumentId, time::Timestamp};
use topics::channels::{TopicData, quote::QuoteData};
use wire::message::{
    Ack, Batch, Bye, Epoch, Item, Pong, RefusalCode, Refused, Reset, ResetReason, Resumed, StreamName, Subscribed,
    Welcome,
};

use super::*;

/// A link with its clock and a log of its outputs.
struct Play {
    link: Link,
    now_ms: u64,
}

impl Play {
    fn new() -> Self {
        Self { link: Link::new(LinkConfig::default(), 42), now_ms: 1_000 }
    }

    fn now(&self) -> Now {
        let monotonic = Monotonic::from_zero(Duration::from_millis(self.now_ms));
        Now { monotonic, wall: Timestamp::from_millis(1_000_000 + self.now_ms as i64) }
    }

    /// Passes an input and returns the link's outputs as text.
    fn give(&mut self, input: Input) -> Vec<String> {
        let now = self.now();
        self.link.handle(input, now);
        self.link.take_outputs().iter().map(words).collect()
    }

    fn message(&mut self, message: ServerMessage) -> Vec<String> {
        self.give(Input::Message(message))
    }

    fn wait_ms(&mut self, span_ms: u64) -> Vec<String> {
        self.now_ms += span_ms;
        self.give(Input::Timeout)
    }

    /// Advances to the link's own deadline.
    fn wait_for_deadline(&mut self) -> Vec<String> {
        let at = self.link.deadline().unwrap().since_zero();
        self.now_ms = self.now_ms.max(at.as_nanos().div_ceil(1_000_000) as u64);
        self.give(Input::Timeout)
    }

    fn welcome(&mut self, epoch: &str) -> Vec<String> {
        let epoch = Epoch::new(epoch);
        let welcome = Welcome { protocol: PROTOCOL_VERSION, epoch, client: "c1".into(), server_time_ms: 0 };
        self.message(ServerMessage::Welcome(welcome))
    }

    /// Returns the keys of the commands that wait for their answer.
    fn keys(&self) -> Vec<String> {
        self.link.commands.values().map(|sent| sent.key.clone()).collect()
    }

    /// Returns a connected link, subscribed to the topics, each with a snapshot at offset 10.
    fn up(names: &[&str]) -> Self {
        let mut play = Self::new();
        play.give(Input::Wants(topics(names)));
        play.give(Input::Start);
        play.give(Input::Opened);
        play.welcome("e1");
        play.message(batch(names.iter().map(|name| item(UpdateKind::Snapshot, name, 10)).collect()));
        play
    }
}

fn words(output: &Output) -> String {
    let join = |topics: &[TopicPattern]| topics.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match output {
        Output::Open => "open".into(),
        Output::Close => "close".into(),
        Output::Send(ClientMessage::Hello(hello)) => {
            let resume = hello.resume.iter();
            let positions = resume.map(|(topic, position)| {
                format!(" {topic}={}@{}{}", position.epoch.as_str(), position.offset, on(position.lane_ms))
            });
            format!("hello {}{}", hello.lane_ms, positions.collect::<String>())
        }
        Output::Send(ClientMessage::Subscribe(request)) => {
            format!("subscribe {}{}", join(&request.topics), on(request.lane_ms))
        }
        Output::Send(ClientMessage::Unsubscribe(request)) => format!("unsubscribe {}", join(&request.topics)),
        Output::Send(ClientMessage::Snapshot(request)) => format!("snapshot {}", join(&request.topics)),
        Output::Send(ClientMessage::Command(request)) => format!("command {}", request.command.as_str()),
        Output::Send(ClientMessage::Ping(_)) => "ping".into(),
        Output::Updates(updates) => {
            let updates = updates.iter().map(|update| format!(" {}@{}", update.topic, update.offset));
            format!("updates{}", updates.collect::<String>())
        }
        Output::Forget(topics) => format!("forget {}", join(&patterns(topics.clone()))),
        Output::Refused { topics, message } => format!("refused {}: {message}", join(&patterns(topics.clone()))),
        Output::ClockSample { server_time_ms, .. } => format!("clock {server_time_ms}"),
        Output::Recovered(recovery) => recovery.sentence(),
        Output::Answered { ticket, answer } => match answer {
            Ok(result) => format!("done {ticket} {}", result.as_str()),
            Err(message) => format!("not done {ticket}: {message}"),
        },
    }
}

/// Names a lane other than that of 100 ms.
fn on(lane_ms: Option<u32>) -> String {
    lane_ms.filter(|lane_ms| *lane_ms != 100).map(|lane_ms| format!(" on {lane_ms}")).unwrap_or_default()
}

fn topics(names: &[&str]) -> SortedMap<Topic, Lane> {
    names.iter().map(|name| (topic(name), Lane::Fast)).collect()
}

/// `a` means the quote topic of `demo:a`.
fn topic(name: &str) -> Topic {
    Topic::quote(&InstrumentId::parse(&format!("demo:{name}")).unwrap())
}

fn item(kind: UpdateKind, name: &str, offset: u64) -> Item {
    let epoch = (kind == UpdateKind::Snapshot).then(|| Epoch::new("e1"));
    let update = Update { kind, epoch, topic: topic(name), offset, data: TopicData::Quote(QuoteData::default()) };
    Item { stream: 1, update }
}

fn batch(items: Vec<Item>) -> ServerMessage {
    ServerMessage::Batch(Batch { items })
}

fn named(names: &[&str]) -> Vec<StreamName> {
    names.iter().map(|name| StreamName { topic: topic(name), stream: 1 }).collect()
}

fn closed(code: u16) -> Input {
    Input::Closed { code, reason: "gone".into() }
}

#[test]
fn greets_subscribes_and_passes_items_on() {
    let mut play = Play::new();
    play.give(Input::Wants(topics(&["a", "b"])));
    assert_eq!(play.give(Input::Start), ["open"]);
    assert_eq!(play.link.state(), LinkState::Connecting);
    assert_eq!(play.give(Input::Opened), ["hello 100"]);
    assert_eq!(play.welcome("e1"), ["subscribe quote:demo:a quote:demo:b", "ping"]);
    assert_eq!(play.link.state(), LinkState::Connected);
    let first = batch(vec![item(UpdateKind::Snapshot, "a", 3), item(UpdateKind::Delta, "a", 4)]);
    assert_eq!(play.message(first), ["updates quote:demo:a@3 quote:demo:a@4"]);
    // Unrequested and duplicate items are not passed on.
    let second = batch(vec![
        item(UpdateKind::Snapshot, "z", 1),
        item(UpdateKind::Delta, "a", 4),
        item(UpdateKind::Delta, "b", 9),
    ]);
    assert!(play.message(second).is_empty());
}

#[test]
fn a_gap_is_never_applied_but_asked_for() {
    let mut play = Play::up(&["a"]);
    let gap = batch(vec![item(UpdateKind::Delta, "a", 12), item(UpdateKind::Delta, "a", 13)]);
    assert_eq!(play.message(gap), ["snapshot quote:demo:a"]);
    assert!(play.message(batch(vec![item(UpdateKind::Delta, "a", 14)])).is_empty());
    assert_eq!(play.message(batch(vec![item(UpdateKind::Snapshot, "a", 20)])), ["updates quote:demo:a@20"]);
    assert_eq!(play.message(batch(vec![item(UpdateKind::Delta, "a", 21)])), ["updates quote:demo:a@21"]);
}

#[test]
fn resumes_where_it_stopped_and_says_so() {
    let mut play = Play::up(&["a", "b"]);
    assert!(play.give(closed(1006)).is_empty());
    assert!(matches!(play.link.state(), LinkState::Reconnecting { .. }));
    assert_eq!(play.wait_for_deadline(), ["open"]);
    play.give(Input::Wants(topics(&["a", "b", "c"])));
    assert_eq!(play.give(Input::Opened), ["hello 100 quote:demo:a=e1@10 quote:demo:b=e1@10"]);
    assert_eq!(play.welcome("e1"), ["Reconnected", "subscribe quote:demo:c", "ping"]);
    let resumed = Resumed { topics: named(&["a", "b"]), replayed: 412, lost: 0 };
    assert_eq!(play.message(ServerMessage::Resumed(resumed)), ["Reconnected: resumed, 412 replayed, 0 lost"]);
    assert_eq!(play.message(batch(vec![item(UpdateKind::Delta, "a", 11)])), ["updates quote:demo:a@11"]);
    // A later reset, of a page that reads too slowly, is no recovery.
    let reset = Reset { topics: named(&["a"]), reason: ResetReason::HistoryExceeded };
    assert!(play.message(ServerMessage::Reset(reset)).is_empty());
    assert_eq!(play.message(batch(vec![item(UpdateKind::Snapshot, "a", 30)])), ["updates quote:demo:a@30"]);
}

#[test]
fn says_when_a_snapshot_was_needed() {
    let mut play = Play::up(&["a"]);
    play.give(closed(1012));
    play.wait_for_deadline();
    play.give(Input::Opened);
    play.welcome("e2");
    let reset = Reset { topics: named(&["a"]), reason: ResetReason::EpochChanged };
    assert_eq!(play.message(ServerMessage::Reset(reset)), ["Reconnected. The server restarted, data reloaded"]);
    assert!(play.message(batch(vec![item(UpdateKind::Delta, "a", 11)])).is_empty());
    assert_eq!(play.message(batch(vec![item(UpdateKind::Snapshot, "a", 1)])), ["updates quote:demo:a@1"]);
}

#[test]
fn codes_from_3500_end_it_until_the_reader_asks() {
    let mut play = Play::up(&["a"]);
    assert_eq!(play.give(closed(3501)), ["close"]);
    assert_eq!(play.link.state(), LinkState::Error { message: "gone".into() });
    assert_eq!(play.link.deadline(), None);
    assert_eq!(play.give(Input::Retry), ["open"]);

    let mut play = Play::up(&["a"]);
    let bye = Bye { code: CloseCode::FORBIDDEN, reason: "forbidden".into() };
    assert_eq!(play.message(ServerMessage::Bye(bye)), ["close"]);
    assert!(matches!(play.link.state(), LinkState::Error { .. }));
}

#[test]
fn back_off_grows_to_its_cap_and_ends_only_with_data() {
    let mut play = Play::up(&["a"]);
    let mut longest_ms = 0;
    for attempt in 0..40_u32 {
        play.give(closed(1006));
        let delay_ms = play.link.deadline().unwrap().since_zero().as_millis() as u64 - play.now_ms;
        let window_ms = (500_u64 << attempt.min(16)).min(30_000);
        assert!((100..=window_ms.max(100)).contains(&delay_ms), "attempt {attempt}: {delay_ms} ms");
        longest_ms = longest_ms.max(delay_ms);
        assert_eq!(play.wait_for_deadline(), ["open"]);
        // A welcome alone does not end the back-off.
        play.give(Input::Opened);
        play.welcome("e1");
    }
    assert!(longest_ms > 15_000, "{longest_ms}");
    play.message(batch(vec![item(UpdateKind::Delta, "a", 11)]));
    play.give(closed(1006));
    assert!(play.link.deadline().unwrap().since_zero().as_millis() as u64 - play.now_ms <= 500);
}

#[test]
fn a_silent_connection_is_dropped_ten_seconds_after_the_ping() {
    let mut play = Play::up(&["a"]);
    assert_eq!(play.wait_ms(5_000), ["ping"]);
    assert_eq!(play.wait_ms(5_000), ["ping"]);
    assert!(play.wait_ms(4_999).iter().all(|word| word == "ping"));
    assert_eq!(play.wait_ms(1), ["close"]);
    assert!(matches!(play.link.state(), LinkState::Reconnecting { .. }));
}

#[test]
fn any_message_is_a_sign_of_life() {
    let mut play = Play::up(&["a"]);
    for offset in 11..31 {
        play.message(batch(vec![item(UpdateKind::Delta, "a", offset)]));
        assert!(!play.wait_ms(5_000).contains(&"close".to_owned()));
    }
}

#[test]
fn a_page_that_woke_up_asks_before_it_judges() {
    // Hidden for ten minutes, timers asleep; the answer to the last ping is unread.
    let mut play = Play::up(&["a"]);
    assert_eq!(play.wait_ms(5_000), ["ping"]);
    assert_eq!(play.wait_ms(600_000), ["ping"]);
    assert_eq!(play.link.state(), LinkState::Connected);
    let pong = ServerMessage::Pong(Pong { t: 1_000_000 + 6_000, server_time_ms: 7 });
    assert_eq!(play.message(pong), ["clock 7"]);
    assert_eq!(play.link.state(), LinkState::Connected);

    // The same with a dead connection: detected within the probe's deadline.
    let mut play = Play::up(&["a"]);
    play.now_ms += 600_000;
    assert_eq!(play.give(Input::Probe), ["ping"]);
    assert!(play.wait_ms(3_999).is_empty());
    assert_eq!(play.wait_ms(1), ["close"]);
}

#[test]
fn the_network_coming_back_ends_the_waiting() {
    let mut play = Play::up(&["a"]);
    play.give(Input::Offline);
    play.give(closed(1006));
    assert!(matches!(play.link.state(), LinkState::Disconnected { .. }));
    assert_eq!(play.give(Input::Online), ["open"]);
}

#[test]
fn a_server_that_does_not_greet_is_left() {
    let mut play = Play::new();
    play.give(Input::Start);
    assert!(play.wait_ms(9_999).is_empty());
    assert_eq!(play.wait_ms(1), ["close"]);
    assert_eq!(play.wait_for_deadline(), ["open"]);
}

#[test]
fn another_symbol_leaves_the_old_topics() {
    let mut play = Play::up(&["a", "b"]);
    assert_eq!(
        play.give(Input::Wants(topics(&["b", "c"]))),
        ["forget quote:demo:a", "unsubscribe quote:demo:a", "subscribe quote:demo:c"]
    );
    assert!(play.message(batch(vec![item(UpdateKind::Delta, "a", 11)])).is_empty());
    assert!(play.give(Input::Wants(topics(&["b", "c"]))).is_empty());
}

#[test]
fn a_topic_on_another_lane_begins_with_a_snapshot() {
    let mut play = Play::up(&["a", "b"]);
    let mut wants = topics(&["a", "b"]);
    wants.insert(topic("a"), Lane::Screen);
    assert_eq!(play.give(Input::Wants(wants.clone())), ["subscribe quote:demo:a on 33"]);
    // Items of the other lane that are still in flight are ignored.
    assert!(play.message(batch(vec![item(UpdateKind::Delta, "a", 11)])).is_empty());
    assert_eq!(play.message(batch(vec![item(UpdateKind::Snapshot, "a", 70)])), ["updates quote:demo:a@70"]);
    assert_eq!(play.message(batch(vec![item(UpdateKind::Delta, "b", 11)])), ["updates quote:demo:b@11"]);
    // Each resumes on its own lane, and then goes to the one that is wanted by now.
    play.give(closed(1006));
    wants.insert(topic("b"), Lane::Slow);
    assert!(play.give(Input::Wants(wants)).is_empty());
    play.wait_for_deadline();
    assert_eq!(play.give(Input::Opened), ["hello 100 quote:demo:a=e1@70 on 33 quote:demo:b=e1@11"]);
    let answers = play.welcome("e1");
    assert!(answers.contains(&"subscribe quote:demo:b on 1000".to_owned()), "{answers:?}");
    assert!(!answers.iter().any(|answer| answer.starts_with("subscribe quote:demo:a")), "{answers:?}");
}

#[test]
fn one_bad_topic_does_not_take_the_others_with_it() {
    let mut play = Play::new();
    play.give(Input::Wants(topics(&["a", "bad"])));
    play.give(Input::Start);
    play.give(Input::Opened);
    play.welcome("e1");
    let refuse = |id| {
        let message = "no such instrument".to_owned();
        ServerMessage::Refused(Refused { id: Some(id), code: RefusalCode::UnknownTopic, message })
    };
    assert_eq!(play.message(refuse(1)), ["subscribe quote:demo:a", "subscribe quote:demo:bad"]);
    play.message(ServerMessage::Subscribed(Subscribed { id: 2, topics: named(&["a"]) }));
    assert_eq!(play.message(refuse(3)), ["refused quote:demo:bad: no such instrument"]);
    assert!(play.wait_ms(5_000).contains(&"subscribe quote:demo:bad".to_owned()));
    // The reader need not wait for that.
    play.message(refuse(4));
    assert_eq!(play.give(Input::Retry), ["subscribe quote:demo:bad"]);
    assert!(play.give(Input::Retry).is_empty());
}

#[test]
fn inputs_out_of_turn_do_nothing() {
    let mut play = Play::new();
    for input in [Input::Opened, closed(1006), Input::Timeout, Input::Probe, Input::Retry] {
        assert!(play.give(input).is_empty());
    }
    assert!(play.message(batch(vec![item(UpdateKind::Snapshot, "a", 1)])).is_empty());
    assert_eq!(play.link.state(), LinkState::Connecting);
}

fn command(ticket: u64) -> Input {
    named_command(ticket, Repeat::SameServer)
}

fn named_command(ticket: u64, repeat: Repeat) -> Input {
    Input::Command { ticket, command: JsonText::parse(r#"{"stop_feed":{}}"#).unwrap(), repeat }
}

#[test]
fn a_command_gets_its_own_answer() {
    let mut play = Play::up(&["a"]);
    assert_eq!(play.give(command(7)), [r#"command {"stop_feed":{}}"#]);
    play.give(command(8));
    let result = JsonText::parse("{}").unwrap();
    let (first, second) = (play.link.next_id - 2, play.link.next_id - 1);
    assert_eq!(play.message(ServerMessage::Ack(Ack { id: second, result: result.clone() })), ["done 8 {}"]);
    let refused = Refused { id: Some(first), code: RefusalCode::NotRunning, message: "not running".into() };
    assert_eq!(play.message(ServerMessage::Refused(refused)), ["not done 7: not running"]);
    assert!(play.message(ServerMessage::Ack(Ack { id: first, result })).is_empty(), "answered once");
}

#[test]
fn a_lost_answer_is_asked_for_again_under_the_same_key() {
    let mut play = Play::up(&["a"]);
    play.give(command(7));
    let key = play.keys().remove(0);
    assert!(play.give(closed(1006)).is_empty(), "the outcome is not known yet");
    play.wait_for_deadline();
    play.give(Input::Opened);
    let sent = play.welcome("e1");
    assert!(sent.contains(&r#"command {"stop_feed":{}}"#.to_owned()), "{sent:?}");
    assert_eq!(play.keys(), [key]);
    let (id, result) = (play.link.next_id - 1, JsonText::parse("{}").unwrap());
    assert_eq!(play.message(ServerMessage::Ack(Ack { id, result })), ["done 7 {}"]);
    assert!(play.keys().is_empty());
}

#[test]
fn a_command_is_not_repeated_to_a_server_that_does_not_know_its_key() {
    let mut play = Play::up(&["a"]);
    play.give(command(7));
    play.give(closed(1012));
    play.wait_for_deadline();
    play.give(Input::Opened);
    let lost = "not done 7: the connection was lost before the answer came; check whether the command took effect";
    assert!(play.welcome("e2").contains(&lost.to_owned()));
    assert!(play.keys().is_empty());
}

#[test]
fn a_command_with_a_name_of_its_own_is_repeated_to_a_server_that_has_restarted() {
    let mut play = Play::up(&["a"]);
    play.give(command(7));
    play.give(named_command(8, Repeat::AnyServer));
    play.give(closed(1012));
    play.wait_for_deadline();
    play.give(Input::Opened);
    let words = play.welcome("e2");
    let sent = words.iter().filter(|words| words.starts_with("command ")).count();
    assert!(sent == 1 && words.iter().any(|words| words.starts_with("not done 7")), "{words:?}");
    let (id, result) = (play.link.next_id - 1, JsonText::parse("{}").unwrap());
    assert_eq!(play.message(ServerMessage::Ack(Ack { id, result })), ["done 8 {}"]);
}

#[test]
fn a_command_is_not_repeated_long_after_it_was_given() {
    let mut play = Play::up(&["a"]);
    play.give(command(7));
    play.give(closed(1006));
    play.now_ms += 31_000;
    let words = play.give(Input::Timeout);
    assert!(words[0].starts_with("not done 7: the connection was lost") && words[1] == "open", "{words:?}");
}

#[test]
fn a_command_without_a_connection_is_refused() {
    let mut play = Play::up(&["a"]);
    play.give(closed(1006));
    assert_eq!(play.give(command(8)), ["not done 8: no connection to the server; try again once it is back"]);
}
