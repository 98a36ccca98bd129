//! Places of connections: how many there may be in all and for each address, and how many are in use.
//!
//! The numbers are those of the newest configuration. A lowered one closes nothing: there is no new place until fewer are in
//! use.

use std::{net::IpAddr, sync::Arc};

use crate::{
    config::Live,
    limits::{
        shares::{Share, Shares},
        subscriber,
    },
};

/// A connection's slot, held until the connection, or the WebSocket it became, ends.
#[derive(Clone, Debug)]
pub struct Slot {
    _place: Arc<Share<SlotKind>>,
    _shares: Arc<[Option<Share<IpAddr>>; 2]>,
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// All places are in use, or those of the reserve that its address may have.
    Full,
    /// Its address has all that it may have.
    OverLimit,
}

/// The kind of a connection's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlotKind {
    /// One of `max_connections`.
    Ordinary,
    /// One of the reserve, for a single request.
    Reserve,
}

/// All places. Clones share them.
#[derive(Clone, Debug)]
pub struct Places {
    live: Live,
    of_kind: Shares<SlotKind>,
    of_address: Shares<IpAddr>,
    of_reserve: Shares<IpAddr>,
}

impl Places {
    /// Makes places for `server.max_connections` and a reserve, of which an address may have
    /// `limits.connections_per_address` in all.
    pub fn new(live: impl Into<Live>) -> Self {
        Self {
            live: live.into(),
            of_kind: Shares::default(),
            of_address: Shares::default(),
            of_reserve: Shares::default(),
        }
    }

    /// Takes a place for an address, an ordinary one if there is one. `None` for a proxy, which calls for many.
    ///
    /// # Errors
    /// There is no place for it.
    pub fn take(&self, address: Option<IpAddr>) -> Result<(SlotKind, Slot), NoPlace> {
        let (config, address) = (self.live.config(), address.map(subscriber));
        let share = |shares: &Shares<IpAddr>, max, refusal| {
            address.map(|address| shares.take(&address, max).ok_or(refusal)).transpose()
        };
        let of_address = share(&self.of_address, config.limits.connections_per_address, NoPlace::OverLimit)?;
        if let Some(place) = self.of_kind.take(&SlotKind::Ordinary, config.server.max_connections) {
            return Ok((SlotKind::Ordinary, Slot::new(place, [of_address, None])));
        }
        let of_reserve = share(&self.of_reserve, RESERVE_PER_ADDRESS, NoPlace::Full)?;
        let place = self.of_kind.take(&SlotKind::Reserve, RESERVE).ok_or(NoPlace::Full)?;
        Ok((SlotKind::Reserve, Slot::new(place, [of_address, of_reserve])))
    }

    /// Returns the word of each kind, its places in use, and all of its places.
    pub fn in_use(&self) -> [(&'static str, usize, usize); 2] {
        let max_connections = self.live.config().server.max_connections;
        [
            ("ordinary", self.of_kind.n_open(&SlotKind::Ordinary), max_connections),
            ("reserve", self.of_kind.n_open(&SlotKind::Reserve), RESERVE),
        ]
    }
}

impl Slot {
    fn new(place: Share<SlotKind>, shares: [Option<Share<IpAddr>>; 2]) -> Self {
        Self { _place: Arc::new(place), _shares: Arc::new(shares) }
    }
}

/// Connections beyond `max_connections`: a page and its files at once for a dozen readers.
pub const RESERVE: usize = 64;
/// As many of them as two browsers open at once: nobody takes the others' reserve.
pub const RESERVE_PER_ADDRESS: usize = 16;

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::config::Config;

    fn config(max_connections: usize, per_address: usize) -> Config {
        let mut config = Config::default();
        config.server.max_connections = max_connections;
        config.limits.connections_per_address = per_address;
        config
    }

    #[test]
    fn the_reserve_is_used_last_and_places_come_back() {
        let places = Places::new(config(1, 10));
        let (first, second) = (places.take(address(1)), places.take(address(1)));
        assert_eq!(first.as_ref().map(|(kind, _)| *kind).ok(), Some(SlotKind::Ordinary));
        assert_eq!(second.map(|(kind, _)| kind).ok(), Some(SlotKind::Reserve), "given back at once");
        assert_eq!(places.in_use(), [("ordinary", 1, 1), ("reserve", 0, RESERVE)]);
        drop(first);
        assert_eq!(places.in_use()[0], ("ordinary", 0, 1));
    }

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let places = Places::new(config(100, 20));
        let refusal = |address| places.take(address).err();
        let mut held: Vec<_> = (0..20).map(|_| places.take(address(1)).unwrap()).collect();
        assert_eq!(refusal(address(1)), Some(NoPlace::OverLimit));
        assert_eq!((refusal(address(2)), refusal(None)), (None, None), "others, and proxies");
        held.pop();
        assert_eq!(refusal(address(1)), None, "given back");
    }

    #[test]
    fn nobody_takes_all_of_the_reserve() {
        let places = Places::new(config(1, 1_000));
        let held: Vec<_> = (0..=RESERVE_PER_ADDRESS).map(|_| places.take(address(1)).unwrap()).collect();
        assert_eq!(places.take(address(1)).err(), Some(NoPlace::Full));
        assert_eq!(places.take(address(2)).unwrap().0, SlotKind::Reserve);
        // A refused connection keeps nothing.
        drop(held);
        assert_eq!(places.take(address(1)).unwrap().0, SlotKind::Ordinary);
    }

    #[test]
    fn other_numbers_close_nothing_and_hold_for_what_comes() {
        let newest = watch::Sender::new(Arc::new(config(3, 3)));
        let places = Places::new(Live::new(newest.subscribe()));
        let kind = |last: u8| places.take(address(last)).map(|(kind, _)| kind);
        let mut held: Vec<_> = (0..3).map(|_| places.take(address(1)).unwrap()).collect();
        newest.send_replace(Arc::new(config(2, 2)));
        assert_eq!(places.in_use()[0], ("ordinary", 3, 2));
        assert_eq!((kind(1), kind(2)), (Err(NoPlace::OverLimit), Ok(SlotKind::Reserve)));
        held.pop();
        assert_eq!((kind(1), kind(2)), (Err(NoPlace::OverLimit), Ok(SlotKind::Reserve)), "as many as there may be");
        held.pop();
        assert_eq!(kind(1), Ok(SlotKind::Ordinary));
        newest.send_replace(Arc::new(config(9, 9)));
        held.extend((0..8).map(|_| places.take(address(1)).unwrap()));
        assert!(held.iter().all(|(kind, _)| *kind == SlotKind::Ordinary));
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, last]))
    }
}
