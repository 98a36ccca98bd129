//! Everybody who has access, in memory: looked up on each request, read again from disk on each change.
//!
//! Pure but for the tokens that tell sockets of the end of their session. Not here: the tables (`store::access`).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use model::{
    access::{Role, UserName},
    time::Timestamp,
};
use store::access::{AccessRows, Digest, SessionRow, TokenRow, UserRow};
use tokio_util::sync::CancellationToken;

use super::caller::{Caller, Proof};

/// Lifetimes of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// Without any request.
    pub idle: Duration,
    /// In all.
    pub max: Duration,
}

/// Users, sessions and tokens.
#[derive(Debug, Default)]
pub struct Roster {
    users: BTreeMap<UserName, UserRow>,
    sessions: BTreeMap<Digest, Held<SessionRow>>,
    tokens: BTreeMap<Digest, Held<TokenRow>>,
    /// Sockets of callers that did not have to log in.
    open: CancellationToken,
}

/// A session or token with what hangs on it.
#[derive(Debug)]
struct Held<T> {
    row: T,
    /// Public identity, shared with callers.
    id: Arc<str>,
    role: Role,
    seen: Timestamp,
    /// The last time of use that is on disk.
    seen_on_disk: Timestamp,
    ended: CancellationToken,
}

impl Roster {
    /// Takes over what is on disk. What is gone, or has other rights, ends at once.
    pub fn replace(&mut self, rows: AccessRows) {
        self.users = rows.users.into_iter().map(|user| (user.name.clone(), user)).collect();
        let role_of = |name: &UserName| self.users.get(name).map(|user| user.role);
        let sessions = rows.sessions.into_iter().filter_map(|row| {
            let role = role_of(&row.user)?;
            let (id, seen) = (row.session_id.as_str().into(), row.seen_time);
            Some((row.digest, Held { row, id, role, seen, seen_on_disk: seen, ended: CancellationToken::new() }))
        });
        let tokens = rows.tokens.into_iter().filter_map(|row| {
            let role = role_of(&row.user)?.min(row.scope);
            let (id, seen) = (row.token_id.as_str().into(), row.seen_time.unwrap_or(row.created_time));
            Some((row.digest, Held { row, id, role, seen, seen_on_disk: seen, ended: CancellationToken::new() }))
        });
        let (sessions, tokens) = (sessions.collect(), tokens.collect());
        keep_or_end(&mut self.sessions, sessions);
        keep_or_end(&mut self.tokens, tokens);
        if !self.users.is_empty() {
            self.open.cancel();
        }
    }

    /// Returns true while there are no users.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Returns a user.
    pub fn user(&self, name: &UserName) -> Option<&UserRow> {
        self.users.get(name)
    }

    /// All users, by name.
    pub fn users(&self) -> impl Iterator<Item = &UserRow> {
        self.users.values()
    }

    /// The sessions of a user, the newest first, with the time of their last use.
    pub fn sessions_of(&self, user: &UserName) -> Vec<(SessionRow, Timestamp)> {
        let mut sessions: Vec<_> = self
            .sessions
            .values()
            .filter(|held| held.row.user == *user)
            .map(|held| (held.row.clone(), held.seen))
            .collect();
        sessions.sort_by_key(|(row, _)| std::cmp::Reverse(row.created_time));
        sessions
    }

    /// The tokens of a user, the newest first, with the time of their last use.
    pub fn tokens_of(&self, user: &UserName) -> Vec<(TokenRow, Option<Timestamp>)> {
        let used = |held: &Held<TokenRow>| (held.seen > held.row.created_time).then_some(held.seen);
        let mut tokens: Vec<_> = self
            .tokens
            .values()
            .filter(|held| held.row.user == *user)
            .map(|held| (held.row.clone(), used(held)))
            .collect();
        tokens.sort_by_key(|(row, _)| std::cmp::Reverse(row.created_time));
        tokens
    }

    /// Returns the caller of a session and notes the use; `None` if there is no such session, or its time is over.
    pub fn session(&mut self, digest: &Digest, address: IpAddr, now: Timestamp, times: SessionTimes) -> Option<Caller> {
        let held = self.sessions.get_mut(digest).filter(|held| held.is_current(now, times))?;
        held.seen = held.seen.max(now);
        Some(Caller {
            role: held.role,
            user: Some(held.row.user.clone()),
            proof: Proof::Session { session_id: held.id.clone(), digest: *digest },
            address: Some(address),
            ended: Some(held.ended.clone()),
        })
    }

    /// Returns the caller of a token and notes the use; `None` if there is no such token, or its time is over.
    pub fn token(&mut self, digest: &Digest, address: IpAddr, now: Timestamp) -> Option<Caller> {
        let held = self.tokens.get_mut(digest).filter(|held| held.is_current(now))?;
        held.seen = held.seen.max(now);
        Some(Caller {
            role: held.role,
            user: Some(held.row.user.clone()),
            proof: Proof::Token { token_id: held.id.clone() },
            address: Some(address),
            ended: Some(held.ended.clone()),
        })
    }

    /// Returns the caller where nobody has to log in, until there is a user.
    pub fn owner(&self, address: IpAddr) -> Caller {
        Caller { address: Some(address), ended: Some(self.open.clone()), ..Caller::OWNER }
    }

    /// Notes that a session is in use, by a socket that is open.
    pub fn note_use(&mut self, digest: &Digest, now: Timestamp) {
        if let Some(held) = self.sessions.get_mut(digest) {
            held.seen = held.seen.max(now);
        }
    }

    /// Ends what is over by time. Returns the sessions to remove.
    pub fn expire(&mut self, now: Timestamp, times: SessionTimes) -> Vec<Digest> {
        // Clones of a cancelled token remain valid; a session in memory ends even where the disk refuses.
        let over: Vec<Digest> =
            self.sessions.iter().filter(|(_, held)| !held.is_current(now, times)).map(|(digest, _)| *digest).collect();
        for digest in &over {
            if let Some(held) = self.sessions.remove(digest) {
                held.ended.cancel();
            }
        }
        for held in self.tokens.values().filter(|held| !held.is_current(now)) {
            held.ended.cancel();
        }
        over
    }

    /// Returns the times of use that are not on disk yet.
    pub fn take_seen(&mut self) -> Vec<(Digest, Timestamp)> {
        fn take<T>(held: &mut BTreeMap<Digest, Held<T>>) -> impl Iterator<Item = (Digest, Timestamp)> {
            held.iter_mut().filter(|(_, held)| held.seen > held.seen_on_disk).map(|(digest, held)| {
                held.seen_on_disk = held.seen;
                (*digest, held.seen)
            })
        }
        take(&mut self.sessions).chain(take(&mut self.tokens)).collect()
    }
}

impl Held<SessionRow> {
    fn is_current(&self, now: Timestamp, times: SessionTimes) -> bool {
        now.saturating_since(self.seen) < times.idle && now.saturating_since(self.row.created_time) < times.max
    }
}

impl Held<TokenRow> {
    fn is_current(&self, now: Timestamp) -> bool {
        self.row.expires_time.is_none_or(|end| now < end)
    }
}

/// Replaces `known` by `found`, keeping what stands in both with the same rights.
fn keep_or_end<T>(known: &mut BTreeMap<Digest, Held<T>>, mut found: BTreeMap<Digest, Held<T>>) {
    for (digest, old) in std::mem::take(known) {
        match found.get_mut(&digest) {
            Some(new) if new.role == old.role => {
                (new.ended, new.seen) = (old.ended, new.seen.max(old.seen));
            }
            _ => old.ended.cancel(),
        }
    }
    *known = found;
}

/// Returns the sessions of a user beyond the newest `n_kept`.
pub fn oldest_beyond(sessions: &[(SessionRow, Timestamp)], n_kept: usize) -> Vec<Digest> {
    let beyond: BTreeSet<Digest> = sessions.iter().skip(n_kept).map(|(row, _)| row.digest).collect();
    beyond.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use model::access::TokenLabel;

    use super::*;

    const TIMES: SessionTimes = SessionTimes { idle: Duration::from_secs(100), max: Duration::from_secs(1_000) };
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn name() -> UserName {
        UserName::parse("ada").unwrap()
    }

    fn rows(role: Role, with_session: bool) -> AccessRows {
        let user = UserRow { name: name(), role, password: String::new(), totp_secret: None, created_time: at(0) };
        let session = SessionRow {
            digest: [1; 32],
            session_id: "s".to_owned(),
            user: name(),
            created_time: at(0),
            seen_time: at(0),
            address: String::new(),
            agent: String::new(),
        };
        let token = TokenRow {
            digest: [2; 32],
            token_id: "t".to_owned(),
            user: name(),
            label: TokenLabel::parse("bot").unwrap(),
            scope: Role::Trader,
            created_time: at(0),
            expires_time: Some(at(500)),
            seen_time: None,
        };
        let sessions = if with_session { vec![session] } else { Vec::new() };
        AccessRows { n_changes: 0, users: vec![user], sessions, tokens: vec![token] }
    }

    fn roster(role: Role) -> Roster {
        let mut roster = Roster::default();
        roster.replace(rows(role, true));
        roster
    }

    #[test]
    fn a_token_has_at_most_the_rights_of_its_user_and_its_scope() {
        for (role, expected) in
            [(Role::Viewer, Role::Viewer), (Role::Trader, Role::Trader), (Role::Admin, Role::Trader)]
        {
            assert_eq!(roster(role).token(&[2; 32], HERE, at(1)).unwrap().role, expected);
            assert_eq!(roster(role).session(&[1; 32], HERE, at(1), TIMES).unwrap().role, role);
        }
        assert!(roster(Role::Admin).token(&[2; 32], HERE, at(500)).is_none(), "expired");
        assert!(roster(Role::Admin).token(&[1; 32], HERE, at(1)).is_none(), "a session is no token");
    }

    #[test]
    fn a_session_ends_when_idle_and_in_any_case() {
        let mut roster = roster(Role::Admin);
        for second in (0..1_000).step_by(99) {
            assert!(roster.session(&[1; 32], HERE, at(second), TIMES).is_some(), "{second}");
        }
        assert!(roster.session(&[1; 32], HERE, at(1_000), TIMES).is_none());
        let caller = {
            let mut roster = self::roster(Role::Admin);
            let caller = roster.session(&[1; 32], HERE, at(1), TIMES).unwrap();
            assert_eq!(roster.expire(at(100), TIMES), Vec::<Digest>::new());
            assert_eq!(roster.expire(at(101), TIMES), [[1; 32]]);
            caller
        };
        assert!(caller.ended.unwrap().is_cancelled());
    }

    #[test]
    fn what_is_gone_or_changed_ends() {
        let ended = |after: AccessRows| {
            let mut roster = roster(Role::Admin);
            let session = roster.session(&[1; 32], HERE, at(1), TIMES).unwrap().ended.unwrap();
            let token = roster.token(&[2; 32], HERE, at(1)).unwrap().ended.unwrap();
            roster.replace(after);
            (session.is_cancelled(), token.is_cancelled())
        };
        assert_eq!(ended(rows(Role::Admin, true)), (false, false));
        assert_eq!(ended(rows(Role::Admin, false)), (true, false), "logged out");
        // The token may trade before and after: it goes on.
        assert_eq!(ended(rows(Role::Trader, true)), (true, false));
        assert_eq!(ended(rows(Role::Viewer, true)), (true, true));
        assert_eq!(ended(AccessRows::default()), (true, true), "the user is gone");
    }

    #[test]
    fn open_callers_end_with_the_first_user() {
        let mut roster = Roster::default();
        let owner = roster.owner(HERE).ended.unwrap();
        assert!(!owner.is_cancelled() && roster.is_empty());
        roster.replace(rows(Role::Admin, false));
        assert!(owner.is_cancelled() && !roster.is_empty());
    }

    #[test]
    fn use_is_told_once() {
        let mut roster = roster(Role::Admin);
        assert_eq!(roster.take_seen(), Vec::new());
        roster.session(&[1; 32], HERE, at(5), TIMES);
        roster.token(&[2; 32], HERE, at(6));
        assert_eq!(roster.take_seen(), [([1; 32], at(5)), ([2; 32], at(6))]);
        assert_eq!(roster.take_seen(), Vec::new());
    }
}
