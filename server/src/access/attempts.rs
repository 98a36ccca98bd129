//! Failed logins, limited for each account and each address, whatever the other is.
//!
//! Pure: the time is an argument. An account or an address that has failed too often must wait, and nothing is hashed for
//! it meanwhile. Whoever is logged in already is not affected.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use model::{access::UserName, time::Monotonic};

use crate::limits::subscriber;

/// Failed logins of the last quarter of an hour.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    accounts: BTreeMap<UserName, VecDeque<Monotonic>>,
    addresses: BTreeMap<IpAddr, VecDeque<Monotonic>>,
}

impl Attempts {
    /// Counts an attempt before it is judged; a successful login takes it back.
    ///
    /// # Errors
    /// The time to wait.
    pub fn begin(&mut self, account: &UserName, address: IpAddr, now: Monotonic) -> Result<(), Duration> {
        let address = subscriber(address);
        self.forget(now);
        let waits = [
            wait(self.accounts.get(account), MAX_OF_ACCOUNT, now),
            wait(self.addresses.get(&address), MAX_OF_ADDRESS, now),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        // Bounded, whatever comes: with so many names or addresses at once, new ones wait.
        if self.accounts.len() >= MAX_KEYS || self.addresses.len() >= MAX_KEYS {
            return Err(SPAN);
        }
        self.accounts.entry(account.clone()).or_default().push_back(now);
        self.addresses.entry(address).or_default().push_back(now);
        Ok(())
    }

    /// Takes the newest attempt back, after a successful login.
    pub fn succeeded(&mut self, account: &UserName, address: IpAddr) {
        if let Some(times) = self.accounts.get_mut(account) {
            times.pop_back();
        }
        if let Some(times) = self.addresses.get_mut(&subscriber(address)) {
            times.pop_back();
        }
    }

    fn forget(&mut self, now: Monotonic) {
        for times in self.accounts.values_mut().chain(self.addresses.values_mut()) {
            while times.front().is_some_and(|time| now.saturating_since(*time) >= SPAN) {
                times.pop_front();
            }
        }
        self.accounts.retain(|_, times| !times.is_empty());
        self.addresses.retain(|_, times| !times.is_empty());
    }
}

fn wait(times: Option<&VecDeque<Monotonic>>, max: usize, now: Monotonic) -> Option<Duration> {
    let times = times.filter(|times| times.len() >= max)?;
    Some(SPAN.saturating_sub(now.saturating_since(*times.front()?)))
}

const SPAN: Duration = Duration::from_secs(15 * 60);
const MAX_OF_ACCOUNT: usize = 10;
/// Several people may share an address.
const MAX_OF_ADDRESS: usize = 30;
const MAX_KEYS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_secs(seconds))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_account_has_ten_attempts_whatever_the_address() {
        let mut attempts = Attempts::default();
        for number in 0..10_u8 {
            assert_eq!(attempts.begin(&user("ada"), IpAddr::from([10, 0, 0, number]), at(0)), Ok(()), "{number}");
        }
        let wait = attempts.begin(&user("ada"), address("10.0.1.1"), at(60));
        assert_eq!(wait, Err(Duration::from_secs(14 * 60)));
        assert_eq!(attempts.begin(&user("bob"), address("10.0.1.1"), at(60)), Ok(()), "another account");
        assert_eq!(attempts.begin(&user("ada"), address("10.0.1.1"), at(15 * 60)), Ok(()), "later");
    }

    #[test]
    fn an_address_has_thirty_whatever_the_account() {
        let mut attempts = Attempts::default();
        for number in 0..30 {
            // All of a /64 is one subscriber.
            let from = address(&format!("2001:db8::{number}"));
            assert_eq!(attempts.begin(&user(&format!("u{number}")), from, at(0)), Ok(()));
        }
        assert!(attempts.begin(&user("ada"), address("2001:db8::ffff"), at(1)).is_err());
        assert!(attempts.begin(&user("ada"), address("2001:db8:0:1::1"), at(1)).is_ok());
        assert!(attempts.begin(&user("ada"), address("::ffff:10.0.0.1"), at(1)).is_ok());
    }

    #[test]
    fn a_login_that_succeeds_does_not_count() {
        let mut attempts = Attempts::default();
        for second in 0..100 {
            assert_eq!(attempts.begin(&user("ada"), address("10.0.0.1"), at(second)), Ok(()));
            attempts.succeeded(&user("ada"), address("10.0.0.1"));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut attempts = Attempts::default();
        for number in 0..MAX_KEYS {
            let from = IpAddr::V4(u32::try_from(number).unwrap().into());
            assert_eq!(attempts.begin(&user(&format!("u{number}")), from, at(0)), Ok(()));
        }
        assert!(attempts.begin(&user("ada"), address("10.0.0.1"), at(1)).is_err());
        assert!(attempts.begin(&user("ada"), address("10.0.0.1"), at(900)).is_ok());
        assert_eq!(attempts.accounts.len(), 1);
    }
}
