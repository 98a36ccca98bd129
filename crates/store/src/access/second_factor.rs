//! The tables of one-time codes: a user's secret, the last step that was used, and recovery codes.
//!
//! Not here: the codes themselves (`server::access::totp`).

use model::access::UserName;

use super::{AccessTables, Digest};
use crate::error::StoreError;

impl AccessTables {
    /// Turns a user's one-time codes on, with the step of the code that confirmed them and recovery codes in place of
    /// earlier ones.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn set_totp(
        &self,
        name: &UserName,
        secret: &str,
        step: i64,
        recovery_codes: &[Digest],
    ) -> Result<(), StoreError> {
        // The secret comes last: recovery codes without it open nothing.
        self.remove_recovery_codes(name).await?;
        for digest in recovery_codes {
            sqlx::query("INSERT INTO recovery_codes (user, digest) VALUES (?1, ?2)")
                .bind(name.as_str())
                .bind(digest.as_slice())
                .execute(&mut *self.connection().await?)
                .await?;
        }
        let update = "UPDATE users SET totp_secret = ?2, totp_step = ?3 WHERE name = ?1";
        let update = sqlx::query(update).bind(name.as_str()).bind(secret).bind(step);
        update.execute(&mut *self.connection().await?).await?;
        Ok(())
    }

    /// Turns a user's one-time codes off. Returns false if they were off.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn remove_totp(&self, name: &UserName) -> Result<bool, StoreError> {
        let update = "UPDATE users SET totp_secret = NULL, totp_step = 0 WHERE name = ?1 AND totp_secret IS NOT NULL";
        let update = sqlx::query(update).bind(name.as_str());
        let was_on = update.execute(&mut *self.connection().await?).await?.rows_affected() > 0;
        self.remove_recovery_codes(name).await?;
        Ok(was_on)
    }

    async fn remove_recovery_codes(&self, name: &UserName) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM recovery_codes WHERE user = ?1").bind(name.as_str());
        delete.execute(&mut *self.connection().await?).await?;
        Ok(())
    }

    /// Uses up a recovery code. Returns false if the user has no such code, or no longer.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn use_recovery_code(&self, name: &UserName, digest: &Digest) -> Result<bool, StoreError> {
        let delete = "DELETE FROM recovery_codes WHERE user = ?1 AND digest = ?2";
        let delete = sqlx::query(delete).bind(name.as_str()).bind(digest.as_slice());
        Ok(delete.execute(&mut *self.connection().await?).await?.rows_affected() > 0)
    }

    /// Returns the number of recovery codes that a user has left.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn n_recovery_codes(&self, name: &UserName) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar("SELECT count(*) FROM recovery_codes WHERE user = ?1").bind(name.as_str());
        Ok(count.fetch_one(&mut *self.connection().await?).await?)
    }

    /// Marks a step of one-time codes as used. Returns false if it, or a later one, was used before.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn use_totp_step(&self, name: &UserName, step: i64) -> Result<bool, StoreError> {
        let update = "UPDATE users SET totp_step = ?2 WHERE name = ?1 AND totp_step < ?2";
        let update = sqlx::query(update).bind(name.as_str()).bind(step);
        Ok(update.execute(&mut *self.connection().await?).await?.rows_affected() > 0)
    }
}
