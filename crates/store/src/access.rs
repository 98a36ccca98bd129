//! Storage of users, sessions, tokens, recovery codes and the audit log.
//!
//! In the desk's file, so a backup has them, with a connection of its own. Unlike the rest of the file, other processes
//! write it too: `truetape user` works beside a running server, which sees each change by its counter. One statement
//! decides every change, so none can be half done. One-time codes are in `second_factor`. Not here: passwords and secrets
//! themselves (`server::access`).

mod second_factor;

use std::{path::Path, sync::Arc};

use model::{
    access::{Role, TokenLabel, UserName},
    time::Timestamp,
};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection, sqlite::SqliteRow};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::{
    error::StoreError,
    files::{self, DESK_FILE, Lock},
};

/// SHA-256 of the secret of a session or token, or of a recovery code.
pub type Digest = [u8; 32];

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// The name.
    pub name: UserName,
    /// The rights.
    pub role: Role,
    /// The password's hash in the PHC form.
    pub password: String,
    /// The secret of one-time codes in base 32; absent while the user has none.
    pub totp_secret: Option<String>,
    /// Time at which the user was added.
    pub created_time: Timestamp,
}

/// A login in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Digest of the secret in the browser's cookie.
    pub digest: Digest,
    /// Public identity, for lists.
    pub session_id: String,
    /// The user.
    pub user: UserName,
    /// The login.
    pub created_time: Timestamp,
    /// The last request, to the minute.
    pub seen_time: Timestamp,
    /// The address at login.
    pub address: String,
    /// The browser at login, in its own words.
    pub agent: String,
}

/// A program's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Digest of the secret.
    pub digest: Digest,
    /// Public identity, for lists.
    pub token_id: String,
    /// The user whose rights it has, as far as its scope goes.
    pub user: UserName,
    /// The user's label of it.
    pub label: TokenLabel,
    /// The most it may do.
    pub scope: Role,
    /// Time at which it was made.
    pub created_time: Timestamp,
    /// Time at which it expires; absent: never.
    pub expires_time: Option<Timestamp>,
    /// The last request, to the minute.
    pub seen_time: Option<Timestamp>,
}

/// Everybody who has access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRows {
    /// The state of the counter of changes.
    pub n_changes: i64,
    /// Users by name.
    pub users: Vec<UserRow>,
    /// Sessions.
    pub sessions: Vec<SessionRow>,
    /// Tokens.
    pub tokens: Vec<TokenRow>,
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place; zero for one that is not written yet.
    pub number: i64,
    /// The moment.
    pub time: Timestamp,
    /// The user; absent while nobody is logged in.
    pub user: Option<UserName>,
    /// The address; absent on the command line.
    pub address: Option<String>,
    /// The action, as in `login`.
    pub action: String,
    /// The person or thing that it concerns. Never a secret.
    pub detail: String,
}

/// The tables of access. Clones share the connection.
#[derive(Clone, Debug)]
pub struct AccessTables {
    /// `None` once it was closed. One connection: a counter read by another one might be older than a change made here.
    connection: Arc<Mutex<Option<SqliteConnection>>>,
}

impl AccessTables {
    /// Opens the tables of a data folder, and brings the file to the newest form if no server runs on it.
    ///
    /// # Errors
    /// The file cannot be used, or a running server has an older form of it.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(DESK_FILE);
        if !Self::is_current(&path).await? {
            let _lock = Lock::take(data_dir)?;
            files::prepare_desk(&path).await?;
        }
        let connection = files::shared_options(&path).connect().await?;
        Ok(Self { connection: Arc::new(Mutex::new(Some(connection))) })
    }

    /// Returns true if the data folder has a file, which may have users.
    pub fn exist_in(data_dir: &Path) -> bool {
        data_dir.join(DESK_FILE).exists()
    }

    async fn is_current(path: &Path) -> Result<bool, StoreError> {
        if !path.exists() {
            return Ok(false);
        }
        let mut connection = files::shared_options(path).connect().await?;
        let found = files::version(&mut connection).await?;
        connection.close().await?;
        let known = files::newest_version();
        if found > known {
            return Err(files::newer(path, found, known));
        }
        Ok(found == known)
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// It refuses; nothing is lost, the next start reads the log.
    pub async fn close(&self) -> Result<(), StoreError> {
        match self.connection.lock().await.take() {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }

    async fn connection(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        MutexGuard::try_map(self.connection.lock().await, Option::as_mut)
            .map_err(|_closed| StoreError::Sql(sqlx::Error::PoolClosed))
    }

    /// Returns the counter of changes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn n_changes(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT n FROM access_changes").fetch_one(&mut *self.connection().await?).await?)
    }

    /// Reads everybody who has access.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn load(&self) -> Result<AccessRows, StoreError> {
        // The counter first: a change meanwhile is then seen again, instead of never.
        let n_changes = self.n_changes().await?;
        let users = "SELECT name, role, password, totp_secret, created_ns FROM users ORDER BY name";
        let users = sqlx::query(users).fetch_all(&mut *self.connection().await?).await?;
        let sessions = "SELECT digest, session_id, user, created_ns, seen_ns, address, agent FROM sessions";
        let sessions = sqlx::query(sessions).fetch_all(&mut *self.connection().await?).await?;
        let tokens = "SELECT digest, token_id, user, label, scope, created_ns, expires_ns, seen_ns FROM tokens";
        let tokens = sqlx::query(tokens).fetch_all(&mut *self.connection().await?).await?;
        Ok(AccessRows {
            n_changes,
            users: users.iter().map(user).collect::<Result<_, _>>()?,
            sessions: sessions.iter().map(session).collect::<Result<_, _>>()?,
            tokens: tokens.iter().map(token).collect::<Result<_, _>>()?,
        })
    }

    /// Adds a user. Returns false if the name is taken.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn add_user(&self, user: &UserRow) -> Result<bool, StoreError> {
        let insert = "INSERT INTO users (name, role, password, totp_secret, created_ns) VALUES (?1, ?2, ?3, ?4, ?5) \
                      ON CONFLICT DO NOTHING";
        let insert = sqlx::query(insert)
            .bind(user.name.as_str())
            .bind(user.role.as_str())
            .bind(&user.password)
            .bind(&user.totp_secret)
            .bind(user.created_time.as_nanos());
        Ok(insert.execute(&mut *self.connection().await?).await?.rows_affected() > 0)
    }

    /// Changes a user's role. Returns false if that would leave no admin.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn set_role(&self, name: &UserName, role: Role) -> Result<bool, StoreError> {
        let update = "UPDATE users SET role = ?2 WHERE name = ?1 AND (?2 = 'admin' OR EXISTS \
                      (SELECT 1 FROM users WHERE role = 'admin' AND name <> ?1))";
        let update = sqlx::query(update).bind(name.as_str()).bind(role.as_str());
        Ok(update.execute(&mut *self.connection().await?).await?.rows_affected() > 0)
    }

    /// Changes a user's password.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn set_password(&self, name: &UserName, hash: &str) -> Result<bool, StoreError> {
        let update = sqlx::query("UPDATE users SET password = ?2 WHERE name = ?1").bind(name.as_str()).bind(hash);
        Ok(update.execute(&mut *self.connection().await?).await?.rows_affected() > 0)
    }

    /// Removes a user with its sessions and tokens. Returns false if there is no such user, or it is the last admin.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn remove_user(&self, name: &UserName) -> Result<bool, StoreError> {
        let delete = "DELETE FROM users WHERE name = ?1 AND (role <> 'admin' OR EXISTS \
                      (SELECT 1 FROM users WHERE role = 'admin' AND name <> ?1))";
        Ok(sqlx::query(delete).bind(name.as_str()).execute(&mut *self.connection().await?).await?.rows_affected() > 0)
    }

    /// Adds a session.
    ///
    /// # Errors
    /// The disk refuses, or the user is gone.
    pub async fn add_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        let insert = "INSERT INTO sessions (digest, session_id, user, created_ns, seen_ns, address, agent) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let insert = sqlx::query(insert)
            .bind(session.digest.as_slice())
            .bind(&session.session_id)
            .bind(session.user.as_str())
            .bind(session.created_time.as_nanos())
            .bind(session.seen_time.as_nanos())
            .bind(&session.address)
            .bind(&session.agent);
        insert.execute(&mut *self.connection().await?).await?;
        Ok(())
    }

    /// Removes sessions by digest.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn remove_sessions(&self, digests: &[Digest]) -> Result<(), StoreError> {
        for digest in digests {
            sqlx::query("DELETE FROM sessions WHERE digest = ?1")
                .bind(digest.as_slice())
                .execute(&mut *self.connection().await?)
                .await?;
        }
        Ok(())
    }

    /// Removes all sessions of a user.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn remove_sessions_of(&self, name: &UserName) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE user = ?1")
            .bind(name.as_str())
            .execute(&mut *self.connection().await?)
            .await?;
        Ok(())
    }

    /// Adds a token.
    ///
    /// # Errors
    /// The disk refuses, or the user is gone.
    pub async fn add_token(&self, token: &TokenRow) -> Result<(), StoreError> {
        let insert = "INSERT INTO tokens (digest, token_id, user, label, scope, created_ns, expires_ns) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let insert = sqlx::query(insert)
            .bind(token.digest.as_slice())
            .bind(&token.token_id)
            .bind(token.user.as_str())
            .bind(token.label.as_str())
            .bind(token.scope.as_str())
            .bind(token.created_time.as_nanos())
            .bind(token.expires_time.map(Timestamp::as_nanos));
        insert.execute(&mut *self.connection().await?).await?;
        Ok(())
    }

    /// Removes a token by its public identity. Returns false if there is none.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn remove_token(&self, token_id: &str) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM tokens WHERE token_id = ?1").bind(token_id);
        Ok(delete.execute(&mut *self.connection().await?).await?.rows_affected() > 0)
    }

    /// Notes when sessions and tokens were last seen.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn note_seen(&self, seen: &[(Digest, Timestamp)]) -> Result<(), StoreError> {
        for (digest, time) in seen {
            for update in [
                "UPDATE sessions SET seen_ns = ?2 WHERE digest = ?1",
                "UPDATE tokens SET seen_ns = ?2 WHERE digest = ?1",
            ] {
                sqlx::query(update)
                    .bind(digest.as_slice())
                    .bind(time.as_nanos())
                    .execute(&mut *self.connection().await?)
                    .await?;
            }
        }
        Ok(())
    }

    /// Appends to the audit log, and forgets the oldest beyond [`N_AUDIT`].
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn note(&self, row: &AuditRow) -> Result<(), StoreError> {
        let insert = "INSERT INTO audit (time_ns, user, address, action, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
        let insert = sqlx::query(insert)
            .bind(row.time.as_nanos())
            .bind(row.user.as_ref().map(UserName::as_str))
            .bind(&row.address)
            .bind(&row.action)
            .bind(&row.detail);
        let number = insert.execute(&mut *self.connection().await?).await?.last_insert_rowid();
        if number % FORGET_EVERY == 0 {
            sqlx::query("DELETE FROM audit WHERE number <= ?1")
                .bind(number - N_AUDIT)
                .execute(&mut *self.connection().await?)
                .await?;
        }
        Ok(())
    }

    /// Returns at most `limit` lines of the audit log before a number, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let select = "SELECT number, time_ns, user, address, action, detail FROM audit WHERE number < ?1 \
                      ORDER BY number DESC LIMIT ?2";
        let select = sqlx::query(select).bind(before.unwrap_or(i64::MAX)).bind(limit);
        select.fetch_all(&mut *self.connection().await?).await?.iter().map(audit).collect()
    }
}

fn user(row: &SqliteRow) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        name: name(row, 0)?,
        role: role(row, 1)?,
        password: row.try_get(2)?,
        totp_secret: row.try_get(3)?,
        created_time: time(row, 4)?,
    })
}

fn session(row: &SqliteRow) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        digest: digest(row)?,
        session_id: row.try_get(1)?,
        user: name(row, 2)?,
        created_time: time(row, 3)?,
        seen_time: time(row, 4)?,
        address: row.try_get(5)?,
        agent: row.try_get(6)?,
    })
}

fn token(row: &SqliteRow) -> Result<TokenRow, StoreError> {
    let moment = |column| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_nanos));
    Ok(TokenRow {
        digest: digest(row)?,
        token_id: row.try_get(1)?,
        user: name(row, 2)?,
        label: TokenLabel::parse(row.try_get(3)?).map_err(unreadable)?,
        scope: role(row, 4)?,
        created_time: time(row, 5)?,
        expires_time: moment(6)?,
        seen_time: moment(7)?,
    })
}

fn audit(row: &SqliteRow) -> Result<AuditRow, StoreError> {
    let user = row.try_get::<Option<&str>, _>(2)?.map(UserName::parse).transpose().map_err(unreadable)?;
    Ok(AuditRow {
        number: row.try_get(0)?,
        time: time(row, 1)?,
        user,
        address: row.try_get(3)?,
        action: row.try_get(4)?,
        detail: row.try_get(5)?,
    })
}

fn digest(row: &SqliteRow) -> Result<Digest, StoreError> {
    Digest::try_from(row.try_get::<&[u8], _>(0)?).map_err(unreadable)
}

fn name(row: &SqliteRow, column: usize) -> Result<UserName, StoreError> {
    UserName::parse(row.try_get(column)?).map_err(unreadable)
}

fn role(row: &SqliteRow, column: usize) -> Result<Role, StoreError> {
    let text: &str = row.try_get(column)?;
    Role::from_name(text).ok_or_else(|| unreadable(format!("{text} is no role")))
}

fn time(row: &SqliteRow, column: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_nanos(row.try_get(column)?))
}

/// A value that this program did not write.
fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Sql(sqlx::Error::Decode(error.into()))
}

/// Lines of the audit log that are kept, at least.
pub const N_AUDIT: i64 = 100_000;
const FORGET_EVERY: i64 = 1_000;
