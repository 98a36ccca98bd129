//! The instruments of all feeds and the accounts of the desk, for checking topics and listing instruments.
//!
//! Each feed task writes its own venue's part, the desk its accounts; everyone else reads. Not here: prices.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use model::{
    instrument::{Instrument, InstrumentId, Venue},
    trading::account::AccountId,
};

use crate::suggest::nearest;

/// The instruments of all feeds. Clones share the list.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// `None` until the venue has described the instrument. Locked for a look-up only, never across an await.
    entries: Arc<RwLock<BTreeMap<InstrumentId, Option<Arc<Instrument>>>>>,
    accounts: Arc<RwLock<Accounts>>,
}

#[derive(Debug, Default)]
struct Accounts {
    live: BTreeSet<AccountId>,
    /// True while a recording plays that can be traded.
    has_replay: bool,
}

impl Directory {
    /// Adds an instrument that is followed but not described yet.
    pub fn expect(&self, id: InstrumentId) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_default();
    }

    /// Stores a venue's descriptions of its instruments.
    pub fn describe(&self, instruments: &[Arc<Instrument>]) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for instrument in instruments {
            entries.insert(instrument.id.clone(), Some(instrument.clone()));
        }
    }

    /// Drops an instrument.
    pub fn remove(&self, id: &InstrumentId) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Drops the venue's instruments except those with these symbols.
    pub fn retain(&self, venue: &Venue, symbols: &[String]) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|id, _| id.venue() != venue || symbols.iter().any(|symbol| symbol == id.symbol()));
    }

    /// Stores the accounts of the live desk.
    pub fn set_accounts(&self, accounts: BTreeSet<AccountId>) {
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).live = accounts;
    }

    /// Stores whether the replay has its account.
    pub fn set_replay_account(&self, has_replay: bool) {
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).has_replay = has_replay;
    }

    /// Returns all accounts, that of the replay included.
    pub fn accounts(&self) -> BTreeSet<AccountId> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.live.iter().cloned().chain(accounts.has_replay.then(AccountId::replay)).collect()
    }

    /// Returns the pairs of all described instruments, sorted and without duplicates.
    pub fn pairs(&self) -> BTreeSet<String> {
        self.instruments().iter().map(|instrument| instrument.pair()).collect()
    }

    /// Returns true if a feed follows the instrument.
    pub fn contains(&self, id: &InstrumentId) -> bool {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Returns the ids of all followed instruments, sorted.
    pub fn ids(&self) -> Vec<InstrumentId> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Returns the venue's description of an instrument, once it has come.
    pub fn described(&self, id: &InstrumentId) -> Option<Arc<Instrument>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned().flatten()
    }

    /// Returns all described instruments, sorted by id.
    pub fn instruments(&self) -> Vec<Arc<Instrument>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).values().flatten().cloned().collect()
    }

    /// Returns up to five followed instruments that `text` may mean: those with the same symbol on another venue or in
    /// another spelling, otherwise the one with the nearest name.
    pub fn nearest(&self, text: &str) -> Vec<String> {
        let plain = |text: &str| text.chars().filter(|char| char.is_alphanumeric()).collect::<String>().to_lowercase();
        let symbol = |text: &str| plain(text.split_once(':').map_or(text, |(_, symbol)| symbol));
        let names: Vec<String> = self.ids().iter().map(ToString::to_string).collect();
        let wanted = symbol(text);
        let mut found: Vec<String> = names
            .iter()
            .filter(|name| !wanted.is_empty() && symbol(name).contains(&wanted))
            .take(MAX_NEAREST)
            .cloned()
            .collect();
        if found.is_empty() {
            found.extend(nearest(text, names.iter().map(String::as_str)).map(str::to_owned));
        }
        found
    }
}

const MAX_NEAREST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_probably_meant() {
        let directory = Directory::default();
        for id in ["alpha:BTCUSDT", "alpha:ETHUSDT", "beta:BTC/USDT", "beta:X:Y"] {
            directory.expect(InstrumentId::parse(id).unwrap());
        }
        #[track_caller]
        fn check(directory: &Directory, text: &str, expected: &[&str]) {
            assert_eq!(directory.nearest(text), expected, "{text}");
        }
        check(&directory, "alpha:BTC", &["alpha:BTCUSDT", "beta:BTC/USDT"]);
        check(&directory, "gamma:btc-usdt", &["alpha:BTCUSDT", "beta:BTC/USDT"]);
        check(&directory, "alpha:ETHUSDC", &["alpha:ETHUSDT"]);
        check(&directory, "nothing like it", &[]);
        check(&directory, "", &[]);
        assert!(directory.contains(&InstrumentId::parse("beta:X:Y").unwrap()));
        assert!(directory.instruments().is_empty());
        directory.retain(&Venue::new("alpha"), &["ETHUSDT".to_owned()]);
        let left: Vec<String> = directory.ids().iter().map(ToString::to_string).collect();
        assert_eq!(left, ["alpha:ETHUSDT", "beta:BTC/USDT", "beta:X:Y"]);
    }
}
