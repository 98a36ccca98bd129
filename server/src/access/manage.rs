//! Users, sessions and tokens changed: by the page, by programs and by the command line.
//!
//! The rights are checked before (`http::routes`). A change of a password or a role ends all sessions of its user.

use std::time::Duration;

use model::{
    access::{Role, TokenLabel, UserName},
    time::Timestamp,
};
use store::access::{AuditRow, SessionRow, TokenRow, UserRow};

use super::{
    Access, AccessError, LoginState, NewSession, Origin,
    caller::{Caller, Proof},
    lock,
    password::check_new,
    second_factor::SecondFactor,
    secret::{Secret, TOKEN_PREFIX, digest_of, public_id},
};

/// A token that was made: its secret is shown this once.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The secret.
    pub secret: Secret,
    /// The row that is stored.
    pub row: TokenRow,
}

impl Access {
    /// Makes the first user with the code that the server printed, and logs in.
    ///
    /// # Errors
    /// The code is wrong, a user exists, or name or password cannot be used.
    pub async fn set_up(
        &self,
        code: &str,
        name: &str,
        password: &str,
        from: &Origin,
    ) -> Result<NewSession, AccessError> {
        let begun = lock(&self.0.attempts).begin(&super::nobody(), from.address, self.0.clock.now().monotonic);
        begun.map_err(|wait| AccessError::TooManyAttempts { wait_s: wait.as_secs().max(1) })?;
        let is_right = *lock(&self.0.set_up_code) == Some(digest_of(&code.trim().to_ascii_uppercase()));
        if self.login_state() != LoginState::SetUp || !is_right {
            return Err(AccessError::WrongSetUpCode);
        }
        let user = self
            .add_user(&Caller { address: Some(from.address), ..Caller::OWNER }, name, Role::Admin, password)
            .await?;
        *lock(&self.0.set_up_code) = None;
        self.open_session(&user, from).await
    }

    /// Adds a user.
    ///
    /// # Errors
    /// The name is taken or cannot be used, the password is weak, or the first user would be no admin.
    pub async fn add_user(&self, by: &Caller, name: &str, role: Role, password: &str) -> Result<UserName, AccessError> {
        let name = user_name(name)?;
        check_new(password, &name)?;
        if role != Role::Admin && self.roster().is_empty() {
            return Err(AccessError::FirstIsNoAdmin);
        }
        if self.roster().users().count() >= MAX_USERS {
            return Err(AccessError::TooMany { what: "users", limit: MAX_USERS });
        }
        let user = UserRow {
            name: name.clone(),
            role,
            password: self.0.passwords.hash(password).await?,
            totp_secret: None,
            created_time: self.0.clock.now().wall,
        };
        if !self.tables().await?.add_user(&user).await? {
            return Err(AccessError::NameTaken { name });
        }
        self.reload().await?;
        self.0.audit.note(by, "add_user", format!("{name}, {role}"));
        Ok(name)
    }

    /// Changes a user's role; all of its sessions end.
    ///
    /// # Errors
    /// There is no such user, or it is the only admin.
    pub async fn set_role(&self, by: &Caller, name: &str, role: Role) -> Result<(), AccessError> {
        let name = self.known(name)?;
        let tables = self.tables().await?;
        if !tables.set_role(&name, role).await? {
            return Err(AccessError::LastAdmin { name });
        }
        tables.remove_sessions_of(&name).await?;
        self.reload().await?;
        self.0.audit.note(by, "set_role", format!("{name}, {role}"));
        Ok(())
    }

    /// Changes a user's password; all of its sessions end.
    ///
    /// # Errors
    /// There is no such user, or the password is weak.
    pub async fn set_password(&self, by: &Caller, name: &str, password: &str) -> Result<(), AccessError> {
        let name = self.known(name)?;
        check_new(password, &name)?;
        let hash = self.0.passwords.hash(password).await?;
        let tables = self.tables().await?;
        // The sessions first: if the second change fails, people log in again with the old password.
        tables.remove_sessions_of(&name).await?;
        tables.set_password(&name, &hash).await?;
        self.reload().await?;
        self.0.audit.note(by, "set_password", name.as_str());
        Ok(())
    }

    /// Changes the caller's own password, and opens a new session in place of all others.
    ///
    /// # Errors
    /// The old password is wrong, the new one weak, or nobody is logged in.
    pub async fn change_password(
        &self,
        by: &Caller,
        old: &str,
        new: &str,
        from: &Origin,
    ) -> Result<NewSession, AccessError> {
        let name = by.user.clone().ok_or(AccessError::NotLoggedIn)?;
        check_new(new, &name)?;
        let name = self.verify(name.as_str(), old, SecondFactor::NotNeeded, from.address).await?;
        self.set_password(by, name.as_str(), new).await?;
        self.open_session(&name, from).await
    }

    /// Removes a user with its sessions and tokens.
    ///
    /// # Errors
    /// There is no such user, or it is the only admin.
    pub async fn remove_user(&self, by: &Caller, name: &str) -> Result<(), AccessError> {
        let name = self.known(name)?;
        if !self.tables().await?.remove_user(&name).await? {
            return Err(AccessError::LastAdmin { name });
        }
        self.reload().await?;
        self.0.audit.note(by, "remove_user", name.as_str());
        Ok(())
    }

    /// Ends the caller's own session.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn logout(&self, by: &Caller) -> Result<(), AccessError> {
        let Proof::Session { digest, .. } = &by.proof else { return Ok(()) };
        self.tables().await?.remove_sessions(&[*digest]).await?;
        self.reload().await?;
        self.0.audit.note(by, "logout", "");
        Ok(())
    }

    /// Ends a session of the caller by its public identity; an admin ends anybody's.
    ///
    /// # Errors
    /// There is no such session.
    pub async fn end_session(&self, by: &Caller, session_id: &str) -> Result<(), AccessError> {
        let owners = self.owners(by);
        let mut sessions = owners.iter().flat_map(|user| self.roster().sessions_of(user));
        let found = sessions.find(|(row, _)| row.session_id == session_id);
        let (row, _) = found.ok_or(AccessError::Unknown { what: "session" })?;
        self.tables().await?.remove_sessions(&[row.digest]).await?;
        self.reload().await?;
        self.0.audit.note(by, "end_session", row.user.as_str());
        Ok(())
    }

    /// Makes a token of the caller.
    ///
    /// # Errors
    /// The scope is beyond the caller's role, the label cannot be used, or nobody is logged in.
    pub async fn add_token(
        &self,
        by: &Caller,
        label: &str,
        scope: Role,
        days: Option<u32>,
    ) -> Result<NewToken, AccessError> {
        let user = by.user.clone().ok_or(AccessError::NotLoggedIn)?;
        if scope > by.role {
            return Err(AccessError::TooLowRole { role: by.role, needed: scope });
        }
        self.add_token_of(by, &user, label, scope, days).await
    }

    /// Makes a token of any user, as the command line does.
    ///
    /// # Errors
    /// There is no such user, or the label or time cannot be used.
    pub async fn add_token_of(
        &self,
        by: &Caller,
        user: &UserName,
        label: &str,
        scope: Role,
        days: Option<u32>,
    ) -> Result<NewToken, AccessError> {
        let user = self.known(user.as_str())?;
        let label = TokenLabel::parse(label)
            .map_err(|error| AccessError::BadField { field: "label", remedy: error.to_string() })?;
        if days.is_some_and(|days| !(1..=MAX_TOKEN_DAYS).contains(&days)) {
            let remedy = format!("write 1 to {MAX_TOKEN_DAYS} days, or none for a token that does not expire");
            return Err(AccessError::BadField { field: "days", remedy });
        }
        if self.roster().tokens_of(&user).len() >= MAX_TOKENS {
            return Err(AccessError::TooMany { what: "tokens of a user", limit: MAX_TOKENS });
        }
        let secret = Secret::random(TOKEN_PREFIX)?;
        let now = self.0.clock.now().wall;
        let row = TokenRow {
            digest: secret.digest(),
            token_id: public_id()?,
            user,
            label,
            scope,
            created_time: now,
            expires_time: days.map(|days| now + Duration::from_secs(u64::from(days) * 86_400)),
            seen_time: None,
        };
        self.tables().await?.add_token(&row).await?;
        self.reload().await?;
        self.0.audit.note(by, "add_token", format!("{} of {}, {scope}", row.label, row.user));
        Ok(NewToken { secret, row })
    }

    /// Revokes a token of the caller by its public identity; an admin revokes anybody's.
    ///
    /// # Errors
    /// There is no such token.
    pub async fn remove_token(&self, by: &Caller, token_id: &str) -> Result<(), AccessError> {
        let owners = self.owners(by);
        let mut tokens = owners.iter().flat_map(|user| self.roster().tokens_of(user));
        let found = tokens.find(|(row, _)| row.token_id == token_id);
        let (row, _) = found.ok_or(AccessError::Unknown { what: "token" })?;
        self.tables().await?.remove_token(token_id).await?;
        self.reload().await?;
        self.0.audit.note(by, "remove_token", format!("{} of {}", row.label, row.user));
        Ok(())
    }

    /// All users, by name.
    pub fn users(&self) -> Vec<UserRow> {
        self.roster().users().cloned().collect()
    }

    /// The sessions of a user, the newest first, with the time of their last use.
    pub fn sessions_of(&self, user: &UserName) -> Vec<(SessionRow, Timestamp)> {
        self.roster().sessions_of(user)
    }

    /// The tokens of a user, the newest first, with the time of their last use.
    pub fn tokens_of(&self, user: &UserName) -> Vec<(TokenRow, Option<Timestamp>)> {
        self.roster().tokens_of(user)
    }

    /// Returns lines of the audit log before a number, newest first; none where there is no log.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn audit_rows(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>, AccessError> {
        match self.0.tables.get() {
            Some(tables) => {
                self.0.audit.wait_written().await;
                Ok(tables.audit(before, limit).await?)
            }
            None => Ok(Vec::new()),
        }
    }

    /// The users whose sessions and tokens a caller may end.
    fn owners(&self, by: &Caller) -> Vec<UserName> {
        match &by.user {
            Some(user) if by.role < Role::Admin => vec![user.clone()],
            _ => self.roster().users().map(|user| user.name.clone()).collect(),
        }
    }

    pub(super) fn known(&self, name: &str) -> Result<UserName, AccessError> {
        let known = UserName::parse(name).ok().filter(|name| self.roster().user(name).is_some());
        known.ok_or_else(|| AccessError::UnknownUser { name: name.chars().take(64).collect() })
    }
}

fn user_name(name: &str) -> Result<UserName, AccessError> {
    UserName::parse(name).map_err(|error| AccessError::BadField { field: "name", remedy: error.to_string() })
}

const MAX_USERS: usize = 1_000;
const MAX_TOKENS: usize = 100;
const MAX_TOKEN_DAYS: u32 = 3_650;
