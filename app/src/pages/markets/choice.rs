//! The pairs that the reader wants to see, and their order: a plain value, stored by the browser.
//!
//! Not here: its controls (`controls`), and the browser's storage (the page).

use std::{cmp::Reverse, collections::BTreeSet};

use crate::pages::markets::figures::{Dollars, PairGroup, Sampled};

/// The order of pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Most venues first, then by name.
    #[default]
    Venues,
    /// By name.
    Name,
    /// Largest change of the day first.
    Change,
    /// Narrowest first; crossed ones are the narrowest.
    Spread,
}

impl SortOrder {
    /// All orders, as displayed.
    pub const ALL: [Self; 4] = [Self::Venues, Self::Name, Self::Change, Self::Spread];

    /// Returns its name, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Venues => "venues",
            Self::Name => "name",
            Self::Change => "change",
            Self::Spread => "spread",
        }
    }

    /// Returns its displayed name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Venues => "Venues",
            Self::Name => "Name",
            Self::Change => "24 h change",
            Self::Spread => "Spread",
        }
    }

    /// Returns true if the order depends on figures.
    pub fn needs_figures(self) -> bool {
        matches!(self, Self::Change | Self::Spread)
    }

    /// Parses an order from its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == text)
    }
}

/// The reader's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The filter: letters of a pair or a venue.
    pub text: String,
    /// The order of pairs.
    pub order: SortOrder,
    /// Treatment of the dollar and dollar tokens.
    pub dollars: Dollars,
    /// Only pairs on more than one venue.
    pub is_shared_only: bool,
    /// Names of hidden pairs.
    pub hidden: BTreeSet<String>,
}

impl Choice {
    /// Parses the output of [`Self::to_text`]; invalid parts keep their defaults.
    pub fn parse(text: &str) -> Self {
        let mut choice = Self::default();
        for (key, value) in text.split(';').filter_map(|part| part.split_once('=')) {
            match key {
                "order" => choice.order = SortOrder::parse(value).unwrap_or_default(),
                "dollars" if value == "joined" => choice.dollars = Dollars::Joined,
                "shared" => choice.is_shared_only = value == "only",
                "hidden" => {
                    choice.hidden = value.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect();
                }
                _ => {}
            }
        }
        choice
    }

    /// Returns the text for the browser's storage; the filter is not stored.
    pub fn to_text(&self) -> String {
        let hidden: Vec<&str> = self.hidden.iter().map(String::as_str).collect();
        let dollars = if self.dollars == Dollars::Joined { "joined" } else { "apart" };
        let shared = if self.is_shared_only { "only" } else { "any" };
        format!("order={};dollars={dollars};shared={shared};hidden={}", self.order.as_str(), hidden.join(" "))
    }
}

/// Returns the pairs to show, in order.
pub fn listed(groups: &[PairGroup], sampled: &Sampled, choice: &Choice) -> Vec<PairGroup> {
    let words: Vec<String> = choice.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let is_listed = |group: &PairGroup| {
        let has = |word: &String| {
            group.name.to_lowercase().contains(word)
                || group.instruments.iter().any(|one| one.id.to_string().to_lowercase().contains(word))
        };
        !choice.hidden.contains(&group.name)
            && (!choice.is_shared_only || group.n_venues() > 1)
            && words.iter().all(has)
    };
    let mut found: Vec<PairGroup> = groups.iter().filter(|group| is_listed(group)).cloned().collect();
    let change = |group: &PairGroup| {
        let lines = group.instruments.iter().filter_map(|one| sampled.venues.get(&one.id));
        lines.filter_map(|line| line.figures.change.value.parse::<f64>().ok()).next().map(|percent| -percent.abs())
    };
    let bps = |group: &PairGroup| sampled.best.get(&group.name)?.spread_bps.value.parse::<f64>().ok();
    // Unknown values come last.
    let by = |left: Option<f64>, right: Option<f64>| match (left, right) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        (left, right) => right.is_some().cmp(&left.is_some()),
    };
    match choice.order {
        SortOrder::Name => {}
        SortOrder::Venues => found.sort_by_key(|group| Reverse(group.n_venues())),
        SortOrder::Change => found.sort_by(|left, right| by(change(left), change(right))),
        SortOrder::Spread => found.sort_by(|left, right| by(bps(left), bps(right))),
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        components::figure::Figure,
        pages::{
            live::headline_figures::Figures,
            markets::figures::{BestLine, VenueLine, groups, tests::some},
        },
    };

    #[test]
    fn a_choice_is_remembered_without_its_filter() {
        let hidden = BTreeSet::from(["BTC/USD".to_owned(), "ETH/BTC".to_owned()]);
        let choice = Choice {
            text: String::new(),
            order: SortOrder::Spread,
            dollars: Dollars::Joined,
            is_shared_only: true,
            hidden,
        };
        assert_eq!(Choice::parse(&choice.to_text()), choice);
        assert_eq!(Choice::parse("order=none;x;dollars=;hidden="), Choice::default());
    }

    #[test]
    fn filter_and_order_say_which_pairs_stand_where() {
        let groups = groups(&some(), Dollars::Apart);
        let mut sampled = Sampled::default();
        for (group, (change, bps)) in groups.iter().zip([("1.00", "5"), ("-3.00", "-1"), ("", "")]) {
            let figure = |value: &str| Figure { text: String::new(), value: value.to_owned() };
            let figures = Figures { change: figure(change), ..Figures::default() };
            let line = VenueLine { figures, ..VenueLine::default() };
            sampled.venues.insert(group.instruments[0].id.clone(), line);
            let best = BestLine { spread_bps: figure(bps), ..BestLine::default() };
            sampled.best.insert(group.name.clone(), best);
        }
        #[track_caller]
        fn check(groups: &[PairGroup], sampled: &Sampled, choice: Choice, expected: &[&str]) {
            let found = listed(groups, sampled, &choice);
            let found: Vec<&str> = found.iter().map(|group| group.name.as_str()).collect();
            assert_eq!(found, expected, "{choice:?}");
        }
        let of = |order| Choice { order, ..Choice::default() };
        check(&groups, &sampled, of(SortOrder::Name), &["BTC/USD", "BTC/USDT", "ETH/BTC"]);
        check(&groups, &sampled, of(SortOrder::Venues), &["BTC/USD", "BTC/USDT", "ETH/BTC"]);
        check(&groups, &sampled, of(SortOrder::Change), &["BTC/USDT", "BTC/USD", "ETH/BTC"]);
        check(&groups, &sampled, of(SortOrder::Spread), &["BTC/USDT", "BTC/USD", "ETH/BTC"]);
        let text = |text: &str| Choice { text: text.to_owned(), ..Choice::default() };
        check(&groups, &sampled, text("one btc"), &["BTC/USD"]);
        check(&groups, &sampled, text("eth"), &["ETH/BTC"]);
        check(&groups, &sampled, text("nothing"), &[]);
        check(&groups, &sampled, Choice { is_shared_only: true, ..Choice::default() }, &["BTC/USD"]);
        let hidden = BTreeSet::from(["BTC/USD".to_owned()]);
        check(&groups, &sampled, Choice { hidden, ..Choice::default() }, &["BTC/USDT", "ETH/BTC"]);
    }
}
