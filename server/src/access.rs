//! Access: users, browsers' sessions, programs' tokens, and the log of what was done with them.
//!
//! Everything is kept by `store::access` and looked up in memory ([`roster`]). The command line changes the same tables
//! beside a running server, so the server reads them again whenever their counter has moved: what was revoked anywhere
//! closes its sockets within a second. Not here: what a role may do (`http::routes`, `wire::command`), cookies and HTTP
//! (`http::entry`).
//!
//! # Layout
//! - [`caller`]: who asks · [`roster`]: everybody, in memory · [`password`], [`secret`]: passwords and random secrets
//! - [`totp`], [`second_factor`]: one-time codes, and how they are turned on and off
//! - [`attempts`]: limits of failed logins · [`manage`]: users, sessions and tokens changed · [`audit`]: the log
//! - [`task`]: reading changes, ending what is over by time

pub mod attempts;
pub mod audit;
pub mod caller;
pub mod manage;
pub mod password;
pub mod roster;
pub mod second_factor;
pub mod secret;
mod task;
pub mod totp;

use std::{
    fmt,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use model::access::{Role, UserName};
use store::{
    access::{AccessTables, Digest, SessionRow},
    error::StoreError,
};
use tokio::sync::{OnceCell, mpsc};

use self::{
    attempts::Attempts,
    audit::{AuditLog, Entry},
    caller::Caller,
    password::Passwords,
    roster::{Roster, SessionTimes, oldest_beyond},
    second_factor::{PendingSecrets, SecondFactor},
    secret::{Secret, digest_of, public_id, typed_code},
};
use crate::{
    clock::Clock,
    config::{Live, access::Login},
    shutdown::Shutdown,
};

/// Why access is refused, or was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No valid session or token.
    #[error("log in first; programs send a token as Authorization: Bearer")]
    NotLoggedIn,
    /// The caller's role is too low.
    #[error("this needs the role {needed}, and you are {role}")]
    TooLowRole {
        /// The caller's role.
        role: Role,
        /// The least role.
        needed: Role,
    },
    /// Name, password or code is wrong; which one is not told.
    #[error("name, password or code is wrong")]
    WrongLogin,
    /// Too many failed logins.
    #[error("too many failed logins; try again in {wait_s} s")]
    TooManyAttempts {
        /// Seconds to wait.
        wait_s: u64,
    },
    /// The code of the first set-up is wrong, or the set-up is done.
    #[error("the set-up code is wrong, or a user exists already; the server prints the code when it starts")]
    WrongSetUpCode,
    /// A password that is guessed too soon.
    #[error("this password is too easy to guess. {remedy}")]
    WeakPassword {
        /// The remedy.
        remedy: String,
    },
    /// A name, label or time that cannot be used.
    #[error("{field}: {remedy}")]
    BadField {
        /// The field.
        field: &'static str,
        /// The remedy.
        remedy: String,
    },
    /// The name is taken.
    #[error("there is a user {name} already")]
    NameTaken {
        /// The name.
        name: UserName,
    },
    /// No such user.
    #[error("there is no user {name}")]
    UnknownUser {
        /// The name.
        name: String,
    },
    /// A second secret beside one that is in use.
    #[error("one-time codes are on already; remove them first")]
    CodesAreOn,
    /// No such session, token or second factor.
    #[error("there is no such {what}")]
    Unknown {
        /// A session, a token or one-time codes.
        what: &'static str,
    },
    /// Somebody must be able to change the server.
    #[error("{name} is the only admin; make another user admin first")]
    LastAdmin {
        /// The user.
        name: UserName,
    },
    /// The first user of a server.
    #[error("the first user must be an admin")]
    FirstIsNoAdmin,
    /// A list is full.
    #[error("{what} are limited to {limit}; remove one first")]
    TooMany {
        /// The entries of the list, in the plural.
        what: &'static str,
        /// The most that there may be.
        limit: usize,
    },
    /// The tables refuse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The server ends.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// Callers who have to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginState {
    /// Nobody: everybody is the owner.
    Open,
    /// There is no user yet, and the server is reachable from elsewhere: the first one is made with the set-up code.
    SetUp,
    /// Everybody.
    Needed,
}

impl LoginState {
    /// Returns its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SetUp => "set_up",
            Self::Needed => "needed",
        }
    }
}

/// Parts that access needs at its start.
#[derive(Debug)]
pub struct AccessParts {
    /// The configuration: the times of sessions follow it. Who has to log in is that of the start, but a server that gets its
    /// first proxy is private no longer.
    pub live: Live,
    /// The folder of the database.
    pub data_dir: PathBuf,
    /// True if only this machine reaches the server, and no proxy does for others.
    pub is_private: bool,
    /// True to make the tables at once, as the desk does with its file.
    pub has_file: bool,
    /// The port, for the name of the cookie.
    pub port: u16,
    /// The clock.
    pub clock: Clock,
}

/// Access to the server. Clones share everything.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    live: Live,
    login: Login,
    data_dir: PathBuf,
    is_private: bool,
    port: u16,
    clock: Clock,
    /// Opened when there is a file, at the latest for the first user.
    tables: OnceCell<AccessTables>,
    /// The counter of changes that the roster was read at.
    n_changes: AtomicI64,
    roster: Mutex<Roster>,
    attempts: Mutex<Attempts>,
    passwords: Passwords,
    pending: Mutex<PendingSecrets>,
    set_up_code: Mutex<Option<Digest>>,
    audit: AuditLog,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("login", &self.login_state()).finish_non_exhaustive()
    }
}

/// A login: the secret for the browser's cookie, and its caller.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The cookie's value.
    pub secret: Secret,
    /// The caller.
    pub caller: Caller,
}

/// The origin of a login.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The address.
    pub address: IpAddr,
    /// The browser, in its own words.
    pub agent: String,
}

impl Access {
    /// Reads who has access, and keeps watching for changes until the shutdown.
    ///
    /// # Errors
    /// The tables cannot be read.
    pub async fn start(parts: AccessParts, shutdown: &Shutdown) -> Result<Self, AccessError> {
        let has_file = parts.has_file;
        let (access, entries) = Self::new(parts)?;
        if has_file || access.login_state() != LoginState::Open || access.has_file() {
            access.reload().await?;
        }
        shutdown.tasks.spawn(task::run(access.clone(), entries, shutdown.stopping.clone()));
        Ok(access)
    }

    /// Prepares access without reading anything yet; the entries of its log are the caller's.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(parts: AccessParts) -> Result<(Self, mpsc::Receiver<Entry>), AccessError> {
        let AccessParts { live, data_dir, is_private, port, clock, .. } = parts;
        let (audit, entries) = AuditLog::new();
        let access = Self(Arc::new(Inner {
            login: live.config().access.login,
            live,
            data_dir,
            is_private,
            port,
            clock,
            tables: OnceCell::new(),
            n_changes: AtomicI64::new(-1),
            roster: Mutex::default(),
            attempts: Mutex::default(),
            passwords: Passwords::new()?,
            pending: Mutex::default(),
            set_up_code: Mutex::default(),
            audit,
        }));
        Ok((access, entries))
    }

    /// Returns whether callers have to log in.
    pub fn login_state(&self) -> LoginState {
        let has_users = !self.roster().is_empty();
        match self.0.login {
            Login::Never => LoginState::Open,
            _ if has_users => LoginState::Needed,
            Login::Auto if self.is_private() => LoginState::Open,
            Login::Auto | Login::Always => LoginState::SetUp,
        }
    }

    /// Makes the code of the first set-up, if one is needed; an earlier one is no longer valid.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn set_up_code(&self) -> Result<Option<String>, AccessError> {
        if self.login_state() != LoginState::SetUp {
            return Ok(None);
        }
        let code = typed_code()?;
        *lock(&self.0.set_up_code) = Some(digest_of(&code));
        Ok(Some(code))
    }

    /// Returns the caller of a request by the secret of its token or session.
    ///
    /// # Errors
    /// [`AccessError::NotLoggedIn`].
    pub fn authenticate(
        &self,
        token: Option<&str>,
        session: Option<&str>,
        address: IpAddr,
    ) -> Result<Caller, AccessError> {
        let now = self.0.clock.now().wall;
        let is_open = self.login_state() == LoginState::Open;
        let mut roster = self.roster();
        if let Some(token) = token {
            return roster.token(&digest_of(token), address, now).ok_or(AccessError::NotLoggedIn);
        }
        let session = session.and_then(|secret| roster.session(&digest_of(secret), address, now, self.times()));
        match session {
            Some(caller) => Ok(caller),
            None if self.0.login == Login::Never => Ok(Caller { address: Some(address), ..Caller::OWNER }),
            None if is_open => Ok(roster.owner(address)),
            None => Err(AccessError::NotLoggedIn),
        }
    }

    /// Logs a user in; the code is needed from users who have one-time codes on, and may be a recovery code.
    ///
    /// # Errors
    /// Name, password or code is wrong, or there were too many failed logins.
    pub async fn login(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
        from: &Origin,
    ) -> Result<NewSession, AccessError> {
        let user = self.verify(name, password, SecondFactor::Code(code), from.address).await?;
        let session = self.open_session(&user, from).await?;
        self.0.audit.note(&session.caller, "login", "");
        Ok(session)
    }

    /// Checks a user's password and second factor, within the limits of failed logins. A wrong code is refused as a wrong
    /// password is, and counts as one.
    async fn verify(
        &self,
        name: &str,
        password: &str,
        factor: SecondFactor<'_>,
        address: IpAddr,
    ) -> Result<UserName, AccessError> {
        let known = UserName::parse(name).ok();
        // A text that cannot be a name counts against the address alone.
        let account = known.clone().unwrap_or_else(nobody);
        let begun = lock(&self.0.attempts).begin(&account, address, self.0.clock.now().monotonic);
        begun.map_err(|wait| AccessError::TooManyAttempts { wait_s: wait.as_secs().max(1) })?;
        let hash = known.as_ref().and_then(|name| self.roster().user(name).map(|user| user.password.clone()));
        let is_right = self.0.passwords.is_right(password, hash.as_deref()).await?;
        let user = match known.filter(|_| is_right) {
            Some(user) if self.takes(&user, factor, address).await? => user,
            _ => {
                let stranger = Caller { role: Role::Viewer, address: Some(address), ..Caller::OWNER };
                // People type passwords into the wrong field: what is nobody's name is not kept.
                let who = if hash.is_some() { account.as_str() } else { "an unknown name" };
                self.0.audit.note(&stranger, "login_failed", who);
                return Err(AccessError::WrongLogin);
            }
        };
        lock(&self.0.attempts).succeeded(&account, address);
        if hash.is_some_and(|hash| password::is_outdated(&hash)) {
            let hash = self.0.passwords.hash(password).await?;
            self.tables().await?.set_password(&user, &hash).await?;
        }
        Ok(user)
    }

    /// Opens a session; the user's oldest ends if there are too many.
    async fn open_session(&self, user: &UserName, from: &Origin) -> Result<NewSession, AccessError> {
        let secret = Secret::random("")?;
        let now = self.0.clock.now().wall;
        let session = SessionRow {
            digest: secret.digest(),
            session_id: public_id()?,
            user: user.clone(),
            created_time: now,
            seen_time: now,
            address: from.address.to_string(),
            agent: from.agent.chars().filter(|char| !char.is_control()).take(MAX_AGENT).collect(),
        };
        let tables = self.tables().await?;
        let beyond = oldest_beyond(&self.roster().sessions_of(user), MAX_SESSIONS - 1);
        tables.remove_sessions(&beyond).await?;
        tables.add_session(&session).await?;
        self.reload().await?;
        let caller = self.roster().session(&session.digest, from.address, now, self.times());
        Ok(NewSession { secret, caller: caller.ok_or(AccessError::NotLoggedIn)? })
    }

    /// The log of what was done with access and by admins.
    pub fn audit(&self) -> &AuditLog {
        &self.0.audit
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Returns the lifetimes of sessions.
    pub fn times(&self) -> SessionTimes {
        let config = self.0.live.config();
        SessionTimes { idle: config.access.idle, max: config.access.max }
    }

    /// Notes that a caller's session is in use by an open socket.
    pub fn note_use(&self, caller: &Caller) {
        if let caller::Proof::Session { digest, .. } = &caller.proof {
            self.roster().note_use(digest, self.0.clock.now().wall);
        }
    }

    /// Returns true if only this machine reaches the server, since its start and now.
    fn is_private(&self) -> bool {
        self.0.is_private && !self.0.live.config().server.has_proxies()
    }

    fn has_file(&self) -> bool {
        AccessTables::exist_in(&self.0.data_dir)
    }

    async fn tables(&self) -> Result<&AccessTables, AccessError> {
        Ok(self.0.tables.get_or_try_init(|| AccessTables::open(&self.0.data_dir)).await?)
    }

    /// Reads everybody who has access again.
    async fn reload(&self) -> Result<(), AccessError> {
        let rows = self.tables().await?.load().await?;
        let n_changes = rows.n_changes;
        self.roster().replace(rows);
        self.0.n_changes.store(n_changes, Ordering::Relaxed);
        Ok(())
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        lock(&self.0.roster)
    }
}

/// Nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The account of names that cannot be one.
fn nobody() -> UserName {
    UserName::parse("nobody").expect("invariant: a valid name")
}

/// Sessions of a user at once.
const MAX_SESSIONS: usize = 50;
const MAX_AGENT: usize = 200;
/// Time between two looks at the counter of changes.
const LOOK_EVERY: Duration = Duration::from_millis(250);
