//! Uniswap's session under virtual time, against a node played by the test.

use crate::node::{Node, POOL, text_of};
use crate::support::{Rig, listed};
use model::{
    event::MarketEventKind,
    instrument::InstrumentId,
    status::{FeedCause, FeedMode, Silence},
};

fn trades(rig: &Rig) -> Vec<String> {
    let trades = rig.events().into_iter().filter_map(|event| match &event.kind {
        MarketEventKind::Trade(trade) => {
            let price: String = trade.price.to_string().chars().take(7).collect();
            Some(format!("{price} {} {:?} {}", trade.size, trade.aggressor_side, trade.id))
        }
        _ => None,
    });
    trades.collect()
}

#[test]
fn swaps_come_once_with_exact_prices() {
    let mut node = Node { block: 1_000, logs: Vec::new() };
    node.swap(990, 3, 2_000_000_000, 1_000_000_000_000_000_000);
    node.swap(900, 1, 1, 1);
    let mut rig = Rig::of("uniswap", &listed(&[POOL]));
    node.serve(&mut rig, 6_000);
    let one = "2000.00 1.000000000000000000 Buyer 0xab#3";
    assert_eq!(trades(&rig), [one]);
    let instrument = &rig.session.instruments()[0];
    assert_eq!((instrument.base.as_str(), instrument.quote.as_str(), instrument.price_decimals()), ("WETH", "USDC", 4));
    let health = rig.session.health();
    assert_eq!((health.mode, health.is_connected, health.cause.clone()), (FeedMode::RestPolling, true, None));
    node.block = 1_001;
    node.swap(1_001, 7, 1_950_500_000, 1_000_000_000_000_000_000);
    node.serve(&mut rig, 10_000);
    assert_eq!(trades(&rig), [one, "1950.50 1.000000000000000000 Buyer 0xab#7"]);
    node.block = 1_002;
    node.serve(&mut rig, 10_000);
    let id = InstrumentId::parse(&format!("uniswap:{POOL}")).unwrap();
    assert_eq!(rig.session.health().silences[&id], Silence::QuietByVenue);
}

/// A token shows its own name in any script; one without a name that can be shown whole, its address.
#[test]
fn tokens_keep_their_own_names() {
    let node = Node { block: 1_000, logs: Vec::new() };
    let c0 = format!("0x{:0>40}", "c0");
    for (name, expected) in [("USD₮0", "USD₮0"), ("哈基米", "哈基米"), ("US\u{200b}DC", c0.as_str()), ("", c0.as_str())]
    {
        let mut rig = Rig::of("uniswap", &listed(&[POOL]));
        for _ in 0..3 {
            for asked in rig.requests("/") {
                let body = node.answer(&asked).replace(&text_of("USDC"), &text_of(name));
                rig.answer(asked.id, 200, None, &body);
            }
            rig.run(1_000);
        }
        let instrument = &rig.session.instruments()[0];
        let tokens = [instrument.base.as_str(), instrument.quote.as_str()];
        assert!(tokens.contains(&expected) && tokens.contains(&"WETH"), "{name:?} {tokens:?}");
    }
}

#[test]
fn what_is_no_pool_is_said() {
    let mut rig = Rig::of("uniswap", &listed(&["WETH", POOL]));
    let asked = rig.requests("/");
    rig.answer(asked[0].id, 200, None, r#"[{"id":0,"result":"0x"},{"id":1,"result":"0x"}]"#);
    let health = rig.session.health();
    assert_eq!(health.instrument_causes.len(), 2);
    assert_eq!(health.cause, Some(FeedCause::UnknownSymbol { symbol: POOL.into(), suggestion: None }));
    rig.run(60_000);
    assert!(rig.requests("/").is_empty());
}

#[test]
fn limits_refusals_and_rubbish_are_survived() {
    let mut rig = Rig::of("uniswap", &listed(&[POOL]));
    let asked = rig.requests("/");
    rig.answer(asked[0].id, 200, None, r#"{"id":null,"error":{"code":-32005,"message":"daily limit"}}"#);
    assert!(matches!(rig.session.health().cause, Some(FeedCause::RateLimited { .. })));
    rig.run(59_000);
    assert!(rig.requests("/").is_empty(), "nothing goes out inside the limit");
    rig.run(5_000);
    let asked = rig.requests("/");
    rig.answer(asked[0].id, 200, None, r#"[{"id":0,"error":{"code":-32000,"message":"header not found"}}]"#);
    assert_eq!(rig.session.health().cause.as_ref().unwrap().to_string(), "refused: header not found (code -32000)");
    for body in ["", "[]", "5", r#"[{"id":0,"result":7},{"id":1,"result":"0x"}]"#, r#"[{"id":0,"result":"0xzz"}]"#] {
        let request = (0..100).find_map(|_| {
            rig.run(1_000);
            rig.requests("/").pop()
        });
        rig.answer(request.expect("it is asked again").id, 200, None, body);
    }
    assert_eq!(rig.session.health().counters.malformed, 5);
    Node { block: 5, logs: Vec::new() }.serve(&mut rig, 48_000);
    assert_eq!((rig.session.instruments().len(), rig.session.health().cause.clone()), (1, None));
}
