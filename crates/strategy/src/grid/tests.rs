//! Tests of the grid: golden lines and returns, and runs over made-up prices.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    decimal::Rate,
    instrument::{InstrumentId, InstrumentStatus},
    trading::strategy::{LevelState, StopChoice},
};
use proptest::{prelude::prop, prop_assert_eq, proptest};

use super::{
    lines::lines,
    preview::preview,
    settings::{LevelSize, Spacing},
    *,
};

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

fn instrument(tick: &str, lot: &str) -> Instrument {
    Instrument {
        id: InstrumentId::parse("demo:AAABBB").unwrap(),
        base: "AAA".into(),
        quote: "BBB".into(),
        tick_size: price(tick),
        lot_size: quantity(lot),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: true,
    }
}

fn fees(maker: &str) -> FeeRates {
    FeeRates { maker: Rate::parse(maker).unwrap(), taker: Rate::parse(maker).unwrap() }
}

fn settings(lower: &str, upper: &str, n_lines: u32, mode: GridMode) -> GridSettings {
    GridSettings {
        lower: price(lower),
        upper: price(upper),
        n_lines,
        spacing: Spacing::Arithmetic,
        mode,
        size: LevelSize::Base(quantity("1")),
        trigger_price: None,
        stop_loss: None,
        take_profit: None,
        at_exit: StopChoice::Flatten,
        trail_up_to: None,
        trail_down_to: None,
    }
}

#[test]
fn lines_are_the_golden_ones() {
    #[track_caller]
    fn check(spacing: Spacing, tick: &str, expected: &str) {
        let settings = GridSettings { spacing, ..settings("100", "200", 5, GridMode::Long) };
        let lines = lines(&settings, &instrument(tick, "1")).unwrap();
        let lines: Vec<String> = lines.iter().map(|line| line.at_scale(line.significant_scale()).to_string()).collect();
        assert_eq!(lines.join(" "), expected);
    }
    check(Spacing::Arithmetic, "0.01", "100 125 150 175 200");
    check(Spacing::Geometric, "0.000001", "100 118.920712 141.421356 168.179283 200");
    check(Spacing::Geometric, "0.5", "100 119 141.5 168 200");
}

/// bbgo #434: an endless loop where the spacing rounds to nothing.
#[test]
fn lines_on_the_same_tick_are_refused() {
    let error = lines(&settings("100", "101", 5, GridMode::Long), &instrument("0.5", "1")).unwrap_err();
    assert_eq!((error.code, error.limit.as_deref()), (DenyCode::BadStrategy, Some("0.5")), "{error}");
}

#[test]
fn a_preview_has_the_golden_return_and_refuses_where_fees_eat_it() {
    let geometric = GridSettings { spacing: Spacing::Geometric, ..settings("100", "200", 5, GridMode::Long) };
    let preview_of =
        |settings: &GridSettings, tick: &str, fee: &str| preview(settings, &instrument(tick, "1"), fees(fee));
    let shown = preview_of(&geometric, "0.000001", "0.001").unwrap();
    // r (1 − f) − (1 + f) with r = 2^(1/4): 0.187018.
    assert_eq!((shown.least_return.to_string(), shown.most_return.to_string()), ("0.187018".into(), "0.187018".into()));
    assert_eq!(shown.levels[0].net_profit, Notional::parse("18.70179129").unwrap(), "all digits are kept");
    // Break-even at 0.1 % is r = 1.002002: just below it and just above it.
    let narrow = |upper: &str| settings("100", upper, 2, GridMode::Long);
    let error = preview_of(&narrow("100.200"), "0.001", "0.001").unwrap_err();
    assert_eq!(error.code, DenyCode::FeesEatSpacing, "{error}");
    assert!(preview_of(&narrow("100.201"), "0.001", "0.001").is_ok());
    // The tick decides: the lines before rounding would have earned.
    assert_eq!(preview_of(&narrow("100.24"), "0.1", "0.001").unwrap_err().code, DenyCode::FeesEatSpacing);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    #[track_caller]
    fn check(change: impl Fn(&mut GridSettings), code: DenyCode, words: &str) {
        let mut bad = settings("100", "200", 5, GridMode::Long);
        change(&mut bad);
        let error = Grid::new(bad, &instrument("0.01", "0.1"), fees("0")).unwrap_err();
        assert!(error.code == code && error.message.contains(words), "{error:?}");
    }
    check(|bad| bad.lower = price("0"), DenyCode::BadStrategy, "above zero");
    check(|bad| bad.upper = price("100"), DenyCode::BadStrategy, "lower first");
    check(|bad| bad.n_lines = 1, DenyCode::BadStrategy, "1 lines");
    check(|bad| bad.n_lines = 1_000, DenyCode::BadStrategy, "1000 lines");
    check(|bad| bad.stop_loss = Some(price("150")), DenyCode::BadStrategy, "stop-loss 150 is inside");
    check(|bad| bad.stop_loss = Some(price("250")), DenyCode::BadStrategy, "where this grid earns");
    check(|bad| bad.trail_up_to = Some(price("200")), DenyCode::BadStrategy, "not above 200");
    check(|bad| bad.trail_down_to = Some(price("100")), DenyCode::BadStrategy, "not between");
    check(|bad| bad.size = LevelSize::Base(quantity("0.05")), DenyCode::QuantityBelowMinimum, "less than one lot");
    check(|bad| bad.size = LevelSize::Quote(Notional::parse("5").unwrap()), DenyCode::QuantityBelowMinimum, "one lot");
}

/// A market of one price: orders fill when it reaches them, in whole or in parts.
struct Market {
    grid: Grid,
    context: Context,
    open: BTreeMap<String, (Side, Price, Quantity)>,
    ended: Option<Refusal>,
    cash: Notional,
    held: SignedQuantity,
}

impl Market {
    fn new(settings: GridSettings, fee: &str, at: &str) -> Self {
        let instrument = instrument("0.01", "0.1");
        let fees = fees(fee);
        let context = Context {
            instrument: Arc::new(instrument.clone()),
            fees,
            now: Timestamp::from_millis(0),
            best_bid: None,
            best_ask: None,
            last_price: None,
        };
        let grid = Grid::new(settings, &instrument, fees).unwrap();
        let (open, held, cash) = (BTreeMap::new(), SignedQuantity::ZERO, Notional::ZERO);
        let mut market = Self { grid, context, open, ended: None, cash, held };
        market.go(at);
        market
    }

    fn send(&mut self, event: &Event) {
        for intent in self.grid.on_event(event, &self.context) {
            match intent {
                Intent::Place { tag, side, kind: OrderType::Market, quantity, .. } => {
                    let price = self.context.last_price.unwrap();
                    self.open.insert(tag.clone(), (side, price, quantity));
                    self.fill(&tag, price, quantity);
                }
                Intent::Place { tag, side, quantity, price, .. } => {
                    assert!(self.open.insert(tag, (side, price.unwrap(), quantity)).is_none(), "tags are new");
                }
                Intent::Cancel { tag } => {
                    self.open.remove(&tag);
                }
                Intent::End { reason, .. } => self.ended = Some(reason),
                Intent::Begin | Intent::Remember | Intent::WakeAt(_) => {}
            }
        }
    }

    /// Moves the price, filling what it reaches at the orders' own prices.
    fn go(&mut self, to: &str) {
        let to = price(to);
        self.context.now = self.context.now + std::time::Duration::from_secs(60);
        self.context.last_price = Some(to);
        self.context.best_bid = to.checked_sub(price("0.01"));
        self.context.best_ask = to.checked_add(price("0.01"));
        self.send(&Event::Trade { price: to, size: quantity("1"), time: self.context.now });
        loop {
            let reached = |(side, at, _): &(Side, Price, Quantity)| match side {
                Side::Buy => to <= *at,
                Side::Sell => to >= *at,
            };
            let found = self.open.iter().find(|(_, order)| reached(order));
            let Some((tag, (_, at, quantity))) = found.map(|(tag, order)| (tag.clone(), *order)) else { break };
            self.fill(&tag, at, quantity);
        }
    }

    fn fill(&mut self, tag: &str, at: Price, quantity: Quantity) {
        let (side, limit, open) = self.open.remove(tag).unwrap();
        let left = open.checked_sub(quantity).unwrap();
        if !left.is_zero() {
            self.open.insert(tag.to_owned(), (side, limit, left));
        }
        let value = at.checked_mul(quantity).unwrap();
        let fee = value.share(self.context.fees.maker, 8).unwrap();
        let paid = if side == Side::Buy { value.negated() } else { value };
        self.cash = self.cash.checked_add(paid).unwrap().checked_sub(fee).unwrap();
        let change = if side == Side::Buy { quantity.long() } else { quantity.short() };
        self.held = self.held.checked_add(change).unwrap();
        self.send(&Event::Filled { tag: tag.to_owned(), price: at, quantity, fee, is_done: left.is_zero() });
    }

    fn figures(&self) -> (String, String, u64) {
        let report = self.grid.report(self.context.last_price);
        let text = |value: Notional| value.at_scale(value.significant_scale()).to_string();
        (text(report.realised_pnl), text(report.floating_pnl.unwrap()), report.n_round_trips)
    }

    /// The report adds up to what an account would show.
    #[track_caller]
    fn check_account(&self) {
        let report = self.grid.report(self.context.last_price);
        assert_eq!(report.position, self.held);
        let worth = self.held.value(self.context.last_price.unwrap()).unwrap();
        let total = self.cash.checked_add(worth).unwrap();
        assert_eq!(
            report
                .total_pnl()
                .unwrap()
                .round_to(Notional::parse("0.0000000001").unwrap(), model::decimal::Rounding::NearestEven),
            total.round_to(Notional::parse("0.0000000001").unwrap(), model::decimal::Rounding::NearestEven)
        );
    }
}

#[test]
fn a_long_grid_earns_each_level_it_crosses() {
    let mut market = Market::new(settings("100", "200", 5, GridMode::Long), "0", "200.5");
    assert_eq!(market.open.len(), 4, "all levels below the price wait to buy");
    market.go("160");
    assert_eq!(market.figures(), ("0".into(), "-15".into(), 0), "bought at 175");
    market.go("176");
    assert_eq!(market.figures(), ("0".into(), "1".into(), 0));
    market.go("201");
    assert_eq!(market.figures(), ("25".into(), "0".into(), 1));
    market.check_account();
    assert_eq!(market.open.len(), 4, "and buys again");
}

#[test]
fn a_long_grid_that_starts_inside_holds_what_the_levels_above_sell() {
    let mut market = Market::new(settings("100", "200", 5, GridMode::Long), "0.001", "140");
    // Levels 150–175 and 175–200 hold one each, bought at 140; 125–150 holds nothing until 125.
    assert_eq!(market.held, quantity("2").long());
    market.go("175");
    market.check_account();
    assert_eq!(market.grid.report(None).n_round_trips, 1);
    market.go("200");
    market.go("100");
    market.check_account();
    assert_eq!(market.held, quantity("4").long());
}

#[test]
fn short_and_neutral_grids_mirror_it() {
    let mut market = Market::new(settings("100", "200", 5, GridMode::Short), "0", "99");
    assert_eq!(market.open.len(), 4);
    market.go("130");
    market.go("99");
    assert_eq!(market.figures(), ("25".into(), "0".into(), 1));
    let mut market = Market::new(settings("100", "200", 5, GridMode::Neutral), "0.0005", "150.5");
    assert_eq!(market.open.len(), 4);
    for at in ["180", "150", "120", "155", "99", "201", "150"] {
        market.go(at);
        market.check_account();
    }
    assert!(market.grid.report(None).n_round_trips >= 4);
}

/// hummingbot: a cancelled entry that had filled in part began again, without its inventory.
#[test]
fn a_part_that_filled_is_never_forgotten() {
    let mut market = Market::new(settings("100", "200", 3, GridMode::Long), "0", "201");
    let tag = market.open.iter().find(|(_, order)| order.1 == price("150")).map(|(tag, _)| tag.clone()).unwrap();
    market.fill(&tag, price("150"), quantity("0.4"));
    // The rest of the entry is cancelled by somebody else.
    market.open.remove(&tag);
    market.send(&Event::Ended { tag, reason: Refusal::new(DenyCode::CancelledByTrader, "cancelled") });
    market.go("190");
    let exit = market.open.values().find(|(side, ..)| *side == Side::Sell);
    assert_eq!(exit, Some(&(Side::Sell, price("200"), quantity("0.4"))));
    let exit = market.open.iter().find(|(_, order)| order.0 == Side::Sell).map(|(tag, _)| tag.clone()).unwrap();
    market.fill(&exit, price("200"), quantity("0.1"));
    market.open.remove(&exit);
    market.send(&Event::Ended { tag: exit, reason: Refusal::new(DenyCode::CancelledByTrader, "cancelled") });
    market.go("191");
    assert!(
        market.open.values().any(|order| *order == (Side::Sell, price("200"), quantity("0.3"))),
        "{:?}",
        market.open
    );
    market.go("200");
    assert_eq!(market.figures(), ("20".into(), "0".into(), 1));
    market.check_account();
}

/// hummingbot #5503: a refused post-only order lost its level for good; condor #198: three hours without orders, and no word.
#[test]
fn a_refused_entry_is_tried_again_and_says_why() {
    let mut market = Market::new(settings("100", "200", 2, GridMode::Long), "0", "201");
    let tag = market.open.keys().next().unwrap().clone();
    market.open.clear();
    let reason = Refusal::new(DenyCode::PostOnlyWouldTake, "it would have taken");
    market.send(&Event::Ended { tag, reason });
    let level = market.grid.report(None).levels[0].clone();
    assert_eq!((level.state, level.last_reason.as_deref()), (LevelState::Waiting, Some("it would have taken")));
    assert_eq!(market.grid.report(None).n_missing, 1);
    market.send(&Event::Timer);
    assert!(market.open.is_empty(), "not at once");
    market.go("201.5");
    assert_eq!(market.open.len(), 1);
    assert_eq!(market.grid.report(None).n_missing, 0);
}

/// bbgo #1764: a grid that was stuck after its stop-loss.
#[test]
fn bounds_end_it_with_their_reason() {
    let bounded = GridSettings {
        stop_loss: Some(price("90")),
        take_profit: Some(price("210")),
        ..settings("100", "200", 5, GridMode::Long)
    };
    let mut market = Market::new(bounded.clone(), "0", "150");
    market.go("91");
    assert_eq!(market.ended, None);
    market.go("90");
    assert_eq!(market.ended.map(|reason| reason.code), Some(DenyCode::StopLossReached));
    let mut market = Market::new(bounded, "0", "150");
    market.go("210.5");
    assert_eq!(market.ended.map(|reason| reason.code), Some(DenyCode::TakeProfitReached));
}

#[test]
fn a_trigger_price_is_waited_for() {
    let triggered = GridSettings { trigger_price: Some(price("150")), ..settings("100", "200", 5, GridMode::Long) };
    let mut market = Market::new(triggered, "0", "180");
    assert!(market.grid.is_waiting() && market.open.is_empty());
    market.go("151");
    assert!(market.grid.is_waiting());
    market.go("149.5");
    assert!(!market.grid.is_waiting() && !market.open.is_empty());
}

#[test]
fn a_trailing_grid_follows_up_to_its_bound() {
    let trailing = GridSettings { trail_up_to: Some(price("250")), ..settings("100", "200", 5, GridMode::Long) };
    let mut market = Market::new(trailing, "0", "201");
    market.go("226");
    let lines = |market: &Market| {
        let report = market.grid.report(None);
        (report.levels[0].buy_price.to_string(), report.levels.last().unwrap().sell_price.to_string())
    };
    assert_eq!(lines(&market), ("125.00".into(), "225.00".into()));
    for at in ["251", "276", "301"] {
        market.go(at);
    }
    assert_eq!(lines(&market), ("150.00".into(), "250.00".into()));
    assert_eq!(market.open.len(), 4, "the order of the level that left is cancelled");
}

proptest! {
    /// Whatever the path: the report is what an account would show, and a restart anywhere changes nothing.
    #[test]
    fn any_path_adds_up_and_restarts_equal(
        steps in prop::collection::vec(75_u32..256, 1..60),
        mode in prop::sample::select(vec![GridMode::Long, GridMode::Short, GridMode::Neutral]),
    ) {
        let (trail_up_to, trail_down_to) = (Some(price("225")), Some(price("90")));
        let settings = GridSettings { trail_up_to, trail_down_to, ..settings("100", "200", 7, mode) };
        let settings = GridSettings { spacing: Spacing::Geometric, ..settings };
        let mut memory = BTreeMap::new();
        let mut market = Market::new(settings.clone(), "0.001", "150");
        for step in steps {
            market.go(&step.to_string());
            market.check_account();
            memory.extend(market.grid.changed_memory());
            let made = Grid::new(settings.clone(), &market.context.instrument, market.context.fees).unwrap();
            let restored = made.restored(&memory).unwrap();
            prop_assert_eq!(&restored.memory, &market.grid.memory);
            market.grid = restored;
        }
    }
}
