//! Tests that the same recording gives the same events at any pace, with a clock that never goes back.

use model::candle::Interval;
use topics::{lane::Lane, topic::Topic};

use super::*;
use crate::{
    contents, event_line,
    testing::{MemoryLines, memory, playback, recording},
};

/// A replay, the time, and what was observed.
struct Play {
    player: Player<MemoryLines>,
    now: Duration,
    n_jumps: u32,
}

impl Play {
    fn new(text: &str, begin: impl FnOnce(ReplayReport) -> ReplayReport) -> Self {
        let contents = contents::read(&mut memory(&[text])).unwrap();
        let report = first_report(vec!["a.jsonl".into()], Venue::new("binance").as_replay(), vec![], &contents);
        let player = Player::new(playback(&[text]), contents, begin(report), Monotonic::ZERO);
        Self { player, now: Duration::ZERO, n_jumps: 0 }
    }

    fn now(&self) -> Now {
        Now { monotonic: Monotonic::from_zero(self.now), wall: Timestamp::EPOCH }
    }

    /// Advances every `step_ms` for that long, as a caller would.
    fn run(&mut self, millis: u64, step_ms: u64) {
        for _ in 0..millis / step_ms {
            self.now += Duration::from_millis(step_ms);
            while self.player.advance(self.now(), || false, &mut ()) == Pace::Busy {}
            self.n_jumps += u32::from(self.player.take_jump());
        }
    }

    fn tell(&mut self, control: Control) {
        let now = self.now().monotonic;
        self.player.control(control, now);
    }

    fn position(&mut self) -> i64 {
        let report = self.player.report();
        report.position_ms - report.start_ms
    }

    fn at(&self, millis: i64) -> Timestamp {
        Timestamp::from_millis(999_500 + millis)
    }

    /// Plays to the end as fast as possible.
    fn finish(&mut self) -> String {
        self.tell(Control::Speed(100.0));
        self.tell(Control::Play);
        self.run(20_000, 10);
        let report = self.player.report();
        assert_eq!(report.state, PlayState::Ended);
        assert_eq!(report.position_ms, report.end_ms);
        report.events_sha256.unwrap()
    }
}

#[test]
fn every_speed_pause_and_jump_gives_the_same_events() {
    let text = recording(600);
    let expected = Play::new(&text, |report| report).finish();
    let mut whole = playback(&[&text]);
    while whole.play(Timestamp::from_nanos(i64::MAX), 1_000_000, |_| {}) != Step::End {}
    assert_eq!(whole.hash().to_hex(), expected, "that of a playback that is played at once");
    let mut slow = Play::new(&text, |report| ReplayReport { speed: 0.5, ..report });
    slow.run(7_000, 7);
    assert_eq!(slow.position(), 3_500);
    assert_eq!(slow.finish(), expected);
    let mut to_and_fro = Play::new(&text, |report| ReplayReport { speed: 16.0, ..report });
    for (idx, millis) in [30_000, 2_000, 2_001, 59_000, 100].into_iter().enumerate() {
        let target = to_and_fro.at(millis);
        to_and_fro.tell(Control::Seek(target));
        to_and_fro.run(200, 10);
        to_and_fro.tell(if idx % 2 == 0 { Control::Pause } else { Control::Play });
        to_and_fro.run(300, 10);
    }
    assert_eq!(to_and_fro.n_jumps, 5, "each is told once");
    assert_eq!(to_and_fro.finish(), expected);
    // Play at the end restarts from the beginning.
    assert_eq!(to_and_fro.finish(), expected);
}

#[test]
fn it_stands_while_paused_and_goes_where_it_is_sent() {
    let mut play = Play::new(&recording(600), |report| ReplayReport { state: PlayState::Paused, ..report });
    play.run(1_000, 10);
    assert_eq!((play.position(), play.player.state()), (0, PlayState::Paused));
    let target = play.at(20_000);
    play.tell(Control::Seek(target));
    assert_eq!(play.player.state(), PlayState::Seeking);
    play.run(10, 10);
    assert_eq!((play.position(), play.player.state()), (20_000, PlayState::Paused));
    let trades = play.player.report().n_events;
    play.run(1_000, 10);
    assert_eq!(play.player.report().n_events, trades, "nothing moves");
    play.tell(Control::Play);
    play.run(1_000, 10);
    assert_eq!(play.position(), 21_000);
    play.tell(Control::Speed(4.0));
    play.run(1_000, 10);
    assert_eq!(play.position(), 25_000);
    // Seeks beyond either end stop at that end.
    let far = play.at(-5_000);
    play.tell(Control::Seek(far));
    play.tell(Control::Pause);
    play.run(10, 10);
    assert_eq!((play.position(), play.player.state()), (0, PlayState::Paused));
    assert!(play.player.report().n_events < trades / 10, "it starts over");
    let target = play.at(20_000);
    play.tell(Control::Seek(target));
    play.run(10, 10);
    assert_eq!(play.player.report().n_events, trades, "the same moment, the same events");
    play.tell(Control::Speed(1e9));
    assert!((play.player.report().speed - 100.0).abs() < 1e-9);
}

#[test]
fn the_clock_of_views_never_goes_back() {
    let mut play =
        Play::new(&recording(600), |report| ReplayReport { position_ms: report.start_ms + 30_000, ..report });
    play.run(10, 10);
    let early = play.player.clock(play.now()).monotonic;
    assert_eq!((play.position(), early), (30_000, Monotonic::from_zero(Duration::from_secs(30))));
    let target = play.at(1_000);
    play.tell(Control::Seek(target));
    play.run(10, 10);
    assert!(play.player.clock(play.now()).monotonic >= early);
}

#[test]
fn a_machine_that_is_too_slow_says_so_and_takes_everything() {
    let text = recording(600);
    let expected = Play::new(&text, |report| report).finish();
    let mut play = Play::new(&text, |report| ReplayReport { speed: 100.0, ..report });
    let mut was_behind = false;
    for _ in 0..10_000 {
        play.now += Duration::from_millis(1_000);
        play.player.advance(play.now(), || true, &mut ());
        was_behind |= play.player.report().is_behind;
    }
    assert!(was_behind);
    assert_eq!(play.player.report().events_sha256, Some(expected));
}

#[test]
fn an_audience_hears_of_each_instrument_once() {
    #[derive(Default)]
    struct Ears {
        n_new: u32,
        n_events: u64,
    }
    impl ReplayObserver for Ears {
        fn event(&mut self, _: &MarketEvent, is_new: bool, _: &View) {
            self.n_new += u32::from(is_new);
            self.n_events += 1;
        }
    }
    let mut play = Play::new(&recording(20), |report| report);
    play.now += Duration::from_secs(100);
    let mut ears = Ears::default();
    let now = play.now();
    play.player.advance(now, || false, &mut ears);
    assert_eq!((ears.n_new, ears.n_events), (1, play.player.report().n_events));
}

/// The calls, in order.
#[derive(Default)]
struct Heard(Vec<&'static str>);

impl ReplayObserver for Heard {
    fn event(&mut self, event: &MarketEvent, _: bool, _: &View) {
        self.0.push(event_line::kind(event));
    }
}

#[test]
fn bars_of_the_past_are_there_before_the_first_trade() {
    let bars = r#"{"t":"http","ts":999.5,"url":"https://x.test/api/v3/klines?symbol=AAABBB&interval=1m&limit=500","data":"[[900000,\"1\",\"1\",\"1\",\"1\",\"1\",959999,\"1\",1,\"1\",\"1\",\"0\"]]"}"#;
    let text = format!("{bars}\n{}", recording(30));
    let mut play = Play::new(&text, |report| report);
    let id = InstrumentId::new(&Venue::new("binance").as_replay(), "AAABBB");
    let (view, _) = play.player.lend();
    view.start_topic(&Topic::candles(Interval::M1, &id), Lane::Fast);
    play.now += Duration::from_secs(1);
    let (now, mut heard) = (play.now(), Heard::default());
    play.player.advance(now, || false, &mut heard);
    let first = |kind: &str| heard.0.iter().position(|heard| *heard == kind);
    assert!(first("history").is_some() && first("history") < first("trade"), "{:?}", heard.0);
}
