//! Switches from one source to the other, step by step.

use proptest::prelude::*;
use topics::channels::{TopicData, quote::QuoteData};

use super::*;

fn venue(name: &str) -> Venue {
    Venue::new(name)
}

fn direct_venue(name: &str, refusal: Option<&str>) -> DirectEntry {
    DirectEntry {
        venue: venue(name),
        title: name.to_owned(),
        refusal: refusal.map(str::to_owned),
        symbols: vec!["A".to_owned()],
        text: "{}".into(),
    }
}

fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

fn item(kind: UpdateKind, text: &str) -> Update {
    Update { kind, epoch: None, topic: topic(text), offset: 1, data: TopicData::Quote(QuoteData::default()) }
}

fn demand() -> SortedSet<Topic> {
    ["quote:open:A", "book:open:A", "quote:open:B", "quote:closed:A", "status"].map(topic).into()
}

fn router() -> SourceRouter {
    let mut router = SourceRouter::default();
    router.set_direct_venues(&[direct_venue("open", None), direct_venue("closed", Some("needs a token"))]);
    router
}

fn set_source(router: &mut SourceRouter, source: Source) -> Vec<Venue> {
    let mut sources = router.sources().clone();
    sources.set(&venue("open"), source);
    router.choose(sources, SortedMap::new())
}

fn texts(topics: Option<&SortedSet<Topic>>) -> Vec<String> {
    topics.into_iter().flatten().map(ToString::to_string).collect()
}

const ALL_BY_SERVER: [&str; 5] = ["quote:closed:A", "quote:open:A", "quote:open:B", "book:open:A", "status"];

#[test]
fn a_topic_is_followed_on_both_ways_until_the_new_one_has_delivered() {
    let mut router = router();
    let all: SortedSet<Topic> = ALL_BY_SERVER.map(topic).into();
    assert_eq!(router.route(&demand()), Subscriptions { server: all.clone(), direct: SortedMap::new() });
    for text in ALL_BY_SERVER {
        assert_eq!(router.judge(Source::Server, &item(UpdateKind::Snapshot, text)), Ruling::Apply);
    }

    set_source(&mut router, Source::Direct);
    let routes = router.route(&demand());
    assert_eq!(routes.server, all, "nothing is given up yet");
    // B is followed by the server alone.
    assert_eq!(texts(routes.direct.get(&venue("open"))), ["quote:open:A", "book:open:A", "status"]);
    assert_eq!(router.judge(Source::Direct, &item(UpdateKind::Delta, "quote:open:A")), Ruling::Leave);
    assert_eq!(router.judge(Source::Server, &item(UpdateKind::Delta, "quote:open:A")), Ruling::Apply);
    assert_eq!(router.shown_directly(), SortedSet::new());

    assert_eq!(router.judge(Source::Direct, &item(UpdateKind::Snapshot, "quote:open:A")), Ruling::TakeOver);
    assert_eq!(router.judge(Source::Server, &item(UpdateKind::Delta, "quote:open:A")), Ruling::Leave);
    assert_eq!(router.judge(Source::Server, &item(UpdateKind::Snapshot, "quote:open:A")), Ruling::Leave);
    assert_eq!(router.judge(Source::Direct, &item(UpdateKind::Delta, "quote:open:A")), Ruling::Apply);
    let routes = router.route(&demand());
    assert!(!routes.server.contains(&topic("quote:open:A")) && routes.server.contains(&topic("book:open:A")));
    assert_eq!(router.shown_directly(), SortedSet::from([venue("open")]));

    // And back.
    set_source(&mut router, Source::Server);
    let routes = router.route(&demand());
    assert_eq!(routes.server, all);
    assert_eq!(texts(routes.direct.get(&venue("open"))), ["quote:open:A", "status"]);
    assert_eq!(router.judge(Source::Direct, &item(UpdateKind::Delta, "quote:open:A")), Ruling::Apply);
    assert_eq!(router.judge(Source::Server, &item(UpdateKind::Snapshot, "quote:open:A")), Ruling::TakeOver);
    assert_eq!(
        router.route(&demand()),
        Subscriptions { server: all, direct: SortedMap::new() },
        "the worker is given up"
    );
}

#[test]
fn the_first_to_come_is_shown() {
    let mut router = router();
    set_source(&mut router, Source::Direct);
    router.route(&demand());
    assert_eq!(
        router.judge(Source::Server, &item(UpdateKind::Delta, "quote:open:A")),
        Ruling::Leave,
        "no snapshot yet"
    );
    assert_eq!(router.judge(Source::Server, &item(UpdateKind::Snapshot, "quote:open:A")), Ruling::Apply);
    assert_eq!(router.judge(Source::Direct, &item(UpdateKind::Snapshot, "quote:open:A")), Ruling::TakeOver);
}

#[test]
fn where_a_venue_cannot_be_had_directly_the_server_is_used() {
    let mut router = router();
    assert_eq!(router.choose(SourceChoices::parse("closed"), SortedMap::new()), [venue("closed")]);
    assert_eq!(router.obstacle(&venue("closed")), Some("needs a token"));
    assert!(router.route(&demand()).direct.is_empty());

    set_source(&mut router, Source::Direct);
    router.route(&demand());
    router.judge(Source::Direct, &item(UpdateKind::Snapshot, "quote:open:A"));
    let failed = SortedMap::from([(venue("open"), "it stopped".to_owned())]);
    assert!(router.choose(router.sources().clone(), failed).is_empty());
    assert_eq!(router.obstacle(&venue("open")), Some("it stopped"));
    assert!(router.route(&demand()).direct.is_empty());
    assert_eq!(router.judge(Source::Server, &item(UpdateKind::Snapshot, "quote:open:A")), Ruling::Apply);
    // Choosing direct again retries it.
    assert_eq!(set_source(&mut router, Source::Direct), [venue("open")]);
    assert_eq!(router.obstacle(&venue("open")), None);
    assert!(!router.route(&demand()).direct.is_empty());
}

#[test]
fn a_compared_instrument_is_followed_on_both_ways() {
    let mut router = router();
    router.compared = InstrumentId::parse("open:A").ok();
    let routes = router.route(&SortedSet::new());
    assert_eq!(texts(Some(&routes.server)), ["quote:open:A", "tape:open:A"]);
    assert_eq!(texts(routes.direct.get(&venue("open"))), ["quote:open:A", "tape:open:A", "status"]);
    router.compared = InstrumentId::parse("closed:A").ok();
    assert_eq!(router.route(&SortedSet::new()), Subscriptions::default());
}

#[test]
fn what_was_compared_gets_a_snapshot_when_it_goes_over() {
    let mut router = router();
    router.compared = InstrumentId::parse("open:A").ok();
    router.route(&demand());
    router.judge(Source::Server, &item(UpdateKind::Snapshot, "quote:open:A"));
    assert_eq!(router.judge(Source::Direct, &item(UpdateKind::Snapshot, "quote:open:A")), Ruling::Leave);
    set_source(&mut router, Source::Direct);
    let routes = router.route(&demand());
    let fewer = routes.without_pending(&venue("open"), &router);
    assert_eq!(fewer.server, routes.server);
    // The tape and the book have no owner yet, so their snapshots are still to come.
    assert_eq!(texts(fewer.direct.get(&venue("open"))), ["tape:open:A", "book:open:A", "status"]);
}

#[test]
fn other_symbols_need_another_worker() {
    let mut router = router();
    assert!(
        router
            .set_direct_venues(&[direct_venue("open", None), direct_venue("closed", Some("needs a token"))])
            .is_empty()
    );
    let more = DirectEntry { symbols: vec!["A".into(), "B".into()], ..direct_venue("open", None) };
    assert_eq!(router.set_direct_venues(std::slice::from_ref(&more)), [venue("closed"), venue("open")]);
    assert!(router.is_open(&InstrumentId::parse("open:B").unwrap()));
}

proptest! {
    #[test]
    fn any_remembered_text_is_readable(text in ".{0,80}") {
        let sources = SourceChoices::parse(&text);
        prop_assert_eq!(SourceChoices::parse(&sources.to_text()), sources);
    }
}

#[test]
fn what_a_tape_in_this_page_brings_comes_from_its_worker() {
    let mut router = router();
    let wanted: SortedSet<Topic> = ["quote:replay-open:A", "quote:open:A"].map(topic).into();
    assert!(router.route(&wanted).direct.is_empty(), "the server plays it, if anybody");
    assert_eq!(router.judge(Source::Server, &item(UpdateKind::Snapshot, "quote:replay-open:A")), Ruling::Apply);
    router.replay = Some(venue("replay-open"));
    let routes = router.route(&wanted);
    assert_eq!(texts(routes.direct.get(&venue("replay-open"))), ["quote:replay-open:A", "status"]);
    assert_eq!(router.judge(Source::Direct, &item(UpdateKind::Snapshot, "quote:replay-open:A")), Ruling::TakeOver);
    assert_eq!(texts(Some(&router.route(&wanted).server)), ["quote:open:A"]);
    // The replay ends: the server's data under that name is requested again.
    router.replay = None;
    router.disown(&venue("replay-open"));
    let routes = router.route(&wanted);
    assert_eq!(texts(Some(&routes.server)), ["quote:open:A", "quote:replay-open:A"]);
    assert!(routes.direct.is_empty());
}

#[test]
fn a_worker_that_records_stays_whatever_is_wanted() {
    let mut router = router();
    set_source(&mut router, Source::Direct);
    router.kept.insert(venue("open"));
    set_source(&mut router, Source::Server);
    let routes = router.route(&SortedSet::new());
    assert_eq!(texts(routes.direct.get(&venue("open"))), ["status"]);
    router.kept.remove(&venue("open"));
    assert!(router.route(&SortedSet::new()).direct.is_empty());
}

#[test]
fn the_account_of_the_replay_belongs_to_the_replay_of_this_page() {
    let account = ["orders:account:replay", "orders:account:paper"].map(topic);
    let mut router = router();
    let by_server = router.route(&account.clone().into());
    assert_eq!((texts(Some(&by_server.server)).len(), by_server.direct.len()), (2, 0));
    router.judge(Source::Server, &item(UpdateKind::Snapshot, "orders:account:replay"));

    // A worker whose recording is not open yet has no topics.
    router.replay = Some(venue("replay"));
    assert_eq!(texts(router.route(&account.clone().into()).direct.get(&venue("replay"))), ["status"]);
    let name = venue("replay-open");
    router.replay = Some(name.clone());
    let both = router.route(&account.clone().into());
    assert_eq!(texts(both.direct.get(&name)), ["status", "orders:account:replay"]);
    assert_eq!(router.judge(Source::Direct, &item(UpdateKind::Snapshot, "orders:account:replay")), Ruling::TakeOver);
    let after = router.route(&account.clone().into());
    assert_eq!(texts(Some(&after.server)), ["orders:account:paper"]);

    // It ends, and the server's replay, if there is one, is shown again.
    router.replay = None;
    router.disown(&name);
    let after = router.route(&account.into());
    assert_eq!((texts(Some(&after.server)).len(), after.direct.len()), (2, 0));
    assert_eq!(router.judge(Source::Server, &item(UpdateKind::Snapshot, "orders:account:replay")), Ruling::Apply);
}
