//! Going over from one way to the other, step by step.

use proptest::prelude::*;
use wire::data::{QuoteData, TopicData};

use super::*;

fn venue(name: &str) -> Venue {
    Venue::new(name)
}

fn plan(name: &str, refusal: Option<&str>) -> DirectVenue {
    DirectVenue {
        venue: venue(name),
        title: name.to_owned(),
        refusal: refusal.map(str::to_owned),
        ws_url: "wss://x.test".to_owned(),
        rest_url: String::new(),
        symbols: vec!["A".to_owned()],
        stale_after_ms: 5_000,
        data_deadline_ms: None,
        poll_ms: None,
        backoff_min_ms: 500,
        backoff_max_ms: 30_000,
        max_attempts: None,
    }
}

fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

fn item(kind: ItemKind, text: &str) -> Item {
    Item { kind, stream: 1, topic: topic(text), offset: 1, data: TopicData::Quote(QuoteData::default()) }
}

fn demand() -> SortedSet<Topic> {
    ["quote:open:A", "book:open:A", "quote:open:B", "quote:closed:A", "status"].map(topic).into()
}

fn paths() -> Paths {
    let mut paths = Paths::default();
    paths.set_plans(&[plan("open", None), plan("closed", Some("needs a token"))]);
    paths
}

fn set_mode(paths: &mut Paths, mode: Mode) -> Vec<Venue> {
    let mut modes = paths.modes().clone();
    modes.set(&venue("open"), mode);
    paths.choose(modes, SortedMap::new())
}

fn texts(topics: Option<&SortedSet<Topic>>) -> Vec<String> {
    topics.into_iter().flatten().map(ToString::to_string).collect()
}

const ALL_BY_SERVER: [&str; 5] = ["quote:closed:A", "quote:open:A", "quote:open:B", "book:open:A", "status"];

#[test]
fn a_topic_is_followed_on_both_ways_until_the_new_one_has_delivered() {
    let mut paths = paths();
    let all: SortedSet<Topic> = ALL_BY_SERVER.map(topic).into();
    assert_eq!(paths.route(&demand()), Routes { server: all.clone(), direct: SortedMap::new() });
    for text in ALL_BY_SERVER {
        assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Snapshot, text)), Verdict::Apply);
    }

    set_mode(&mut paths, Mode::Direct);
    let routes = paths.route(&demand());
    assert_eq!(routes.server, all, "nothing is given up yet");
    // B is followed by the server alone.
    assert_eq!(texts(routes.direct.get(&venue("open"))), ["quote:open:A", "book:open:A", "status"]);
    assert_eq!(paths.judge(Mode::Direct, &item(ItemKind::Delta, "quote:open:A")), Verdict::Leave);
    assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Delta, "quote:open:A")), Verdict::Apply);
    assert_eq!(paths.direct_venues(), SortedSet::new());

    assert_eq!(paths.judge(Mode::Direct, &item(ItemKind::Snapshot, "quote:open:A")), Verdict::TakeOver);
    assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Delta, "quote:open:A")), Verdict::Leave);
    assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Snapshot, "quote:open:A")), Verdict::Leave);
    assert_eq!(paths.judge(Mode::Direct, &item(ItemKind::Delta, "quote:open:A")), Verdict::Apply);
    let routes = paths.route(&demand());
    assert!(!routes.server.contains(&topic("quote:open:A")) && routes.server.contains(&topic("book:open:A")));
    assert_eq!(paths.direct_venues(), SortedSet::from([venue("open")]));

    // And back.
    set_mode(&mut paths, Mode::Server);
    let routes = paths.route(&demand());
    assert_eq!(routes.server, all);
    assert_eq!(texts(routes.direct.get(&venue("open"))), ["quote:open:A", "status"]);
    assert_eq!(paths.judge(Mode::Direct, &item(ItemKind::Delta, "quote:open:A")), Verdict::Apply);
    assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Snapshot, "quote:open:A")), Verdict::TakeOver);
    assert_eq!(paths.route(&demand()), Routes { server: all, direct: SortedMap::new() }, "the worker is given up");
}

#[test]
fn the_first_to_come_is_shown() {
    let mut paths = paths();
    set_mode(&mut paths, Mode::Direct);
    paths.route(&demand());
    assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Delta, "quote:open:A")), Verdict::Leave, "no snapshot yet");
    assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Snapshot, "quote:open:A")), Verdict::Apply);
    assert_eq!(paths.judge(Mode::Direct, &item(ItemKind::Snapshot, "quote:open:A")), Verdict::TakeOver);
}

#[test]
fn where_a_venue_cannot_be_had_directly_the_server_is_used() {
    let mut paths = paths();
    assert_eq!(paths.choose(Modes::parse("closed"), SortedMap::new()), [venue("closed")]);
    assert_eq!(paths.obstacle(&venue("closed")), Some("needs a token"));
    assert!(paths.route(&demand()).direct.is_empty());

    set_mode(&mut paths, Mode::Direct);
    paths.route(&demand());
    paths.judge(Mode::Direct, &item(ItemKind::Snapshot, "quote:open:A"));
    let failed = SortedMap::from([(venue("open"), "it stopped".to_owned())]);
    assert!(paths.choose(paths.modes().clone(), failed).is_empty());
    assert_eq!(paths.obstacle(&venue("open")), Some("it stopped"));
    assert!(paths.route(&demand()).direct.is_empty());
    assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Snapshot, "quote:open:A")), Verdict::Apply);
    // Asking again tries again.
    assert_eq!(set_mode(&mut paths, Mode::Direct), [venue("open")]);
    assert_eq!(paths.obstacle(&venue("open")), None);
    assert!(!paths.route(&demand()).direct.is_empty());
}

#[test]
fn a_compared_instrument_is_followed_on_both_ways() {
    let mut paths = paths();
    paths.compared = InstrumentId::parse("open:A").ok();
    let routes = paths.route(&SortedSet::new());
    assert_eq!(texts(Some(&routes.server)), ["quote:open:A", "tape:open:A"]);
    assert_eq!(texts(routes.direct.get(&venue("open"))), ["quote:open:A", "tape:open:A", "status"]);
    paths.compared = InstrumentId::parse("closed:A").ok();
    assert_eq!(paths.route(&SortedSet::new()), Routes::default());
}

#[test]
fn what_was_compared_gets_a_snapshot_when_it_goes_over() {
    let mut paths = paths();
    paths.compared = InstrumentId::parse("open:A").ok();
    paths.route(&demand());
    paths.judge(Mode::Server, &item(ItemKind::Snapshot, "quote:open:A"));
    assert_eq!(paths.judge(Mode::Direct, &item(ItemKind::Snapshot, "quote:open:A")), Verdict::Leave);
    set_mode(&mut paths, Mode::Direct);
    let routes = paths.route(&demand());
    let fewer = routes.without_pending(&venue("open"), &paths);
    assert_eq!(fewer.server, routes.server);
    // The tape and the book belong to nobody yet, so their snapshots are still to come.
    assert_eq!(texts(fewer.direct.get(&venue("open"))), ["tape:open:A", "book:open:A", "status"]);
}

#[test]
fn other_symbols_need_another_worker() {
    let mut paths = paths();
    assert!(paths.set_plans(&[plan("open", None), plan("closed", Some("needs a token"))]).is_empty());
    let more = DirectVenue { symbols: vec!["A".into(), "B".into()], ..plan("open", None) };
    assert_eq!(paths.set_plans(std::slice::from_ref(&more)), [venue("closed"), venue("open")]);
    assert!(paths.is_open(&InstrumentId::parse("open:B").unwrap()));
}

proptest! {
    #[test]
    fn any_remembered_text_is_readable(text in ".{0,80}") {
        let modes = Modes::parse(&text);
        prop_assert_eq!(Modes::parse(&modes.to_text()), modes);
    }
}

#[test]
fn what_a_tape_in_this_page_brings_comes_from_its_worker() {
    let mut paths = paths();
    let wanted: SortedSet<Topic> = ["quote:replay-open:A", "quote:open:A"].map(topic).into();
    assert!(paths.route(&wanted).direct.is_empty(), "the server plays it, if anybody");
    assert_eq!(paths.judge(Mode::Server, &item(ItemKind::Snapshot, "quote:replay-open:A")), Verdict::Apply);
    paths.replay = Some(venue("replay-open"));
    let routes = paths.route(&wanted);
    assert_eq!(texts(routes.direct.get(&venue("replay-open"))), ["quote:replay-open:A", "status"]);
    assert_eq!(paths.judge(Mode::Direct, &item(ItemKind::Snapshot, "quote:replay-open:A")), Verdict::TakeOver);
    assert_eq!(texts(Some(&paths.route(&wanted).server)), ["quote:open:A"]);
    // It ends: what the server has of that name is asked for again.
    paths.replay = None;
    paths.disown(&venue("replay-open"));
    let routes = paths.route(&wanted);
    assert_eq!(texts(Some(&routes.server)), ["quote:open:A", "quote:replay-open:A"]);
    assert!(routes.direct.is_empty());
}

#[test]
fn a_worker_that_records_stays_whatever_is_wanted() {
    let mut paths = paths();
    set_mode(&mut paths, Mode::Direct);
    paths.kept.insert(venue("open"));
    set_mode(&mut paths, Mode::Server);
    let routes = paths.route(&SortedSet::new());
    assert_eq!(texts(routes.direct.get(&venue("open"))), ["status"]);
    paths.kept.remove(&venue("open"));
    assert!(paths.route(&SortedSet::new()).direct.is_empty());
}
