//! Passwords: Argon2id, two at a time, and rules for new ones.
//!
//! Hashing takes 19 MiB and a tenth of a second of a processor: without a limit, logins would be the way to stop the
//! server. A login of an unknown user takes as long as one with a wrong password.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use model::access::UserName;
use tokio::sync::Semaphore;

use super::AccessError;

/// Hashes and compares passwords. Clones share the limit.
#[derive(Clone, Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// The hash that the password of an unknown user is compared with.
    stranger: Arc<str>,
}

impl Passwords {
    /// Prepares the hash for unknown users.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new() -> Result<Self, AccessError> {
        let stranger = hash_now("nobody has this password").map_err(|()| AccessError::NoRandomness)?;
        Ok(Self { permits: Arc::new(Semaphore::new(AT_ONCE)), stranger: stranger.into() })
    }

    /// Returns the PHC form of a password's hash.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub async fn hash(&self, password: &str) -> Result<String, AccessError> {
        let password = password.to_owned();
        self.work(move || hash_now(&password)).await?.map_err(|()| AccessError::NoRandomness)
    }

    /// Compares a password with a hash; `None` stands for an unknown user and takes as long.
    ///
    /// # Errors
    /// The server is shutting down.
    pub async fn is_right(&self, password: &str, hash: Option<&str>) -> Result<bool, AccessError> {
        let is_known = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(&self.stranger).to_owned());
        let is_equal = self
            .work(move || {
                let hash = PasswordHash::new(&hash);
                hash.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(is_equal && is_known)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccessError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| AccessError::ShuttingDown)?;
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        work.await.map_err(|_| AccessError::ShuttingDown)
    }
}

fn hash_now(password: &str) -> Result<String, ()> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| ())
}

/// Returns true if a hash was made with other parameters than today's.
pub fn is_outdated(hash: &str) -> bool {
    let wanted = Argon2::default();
    let is_current = PasswordHash::new(hash).is_ok_and(|hash| {
        let found = argon2::Params::try_from(&hash);
        hash.algorithm.as_str() == "argon2id"
            && found.is_ok_and(|found| {
                let wanted = wanted.params();
                (found.m_cost(), found.t_cost(), found.p_cost()) == (wanted.m_cost(), wanted.t_cost(), wanted.p_cost())
            })
    });
    !is_current
}

/// Checks a new password.
///
/// # Errors
/// The weakness and its remedy.
pub fn check_new(password: &str, user: &UserName) -> Result<(), AccessError> {
    let refuse = |remedy: &str| Err(AccessError::WeakPassword { remedy: remedy.to_owned() });
    if password.chars().count() < MIN_CHARS {
        return refuse("use at least 10 characters; four unrelated words are easy to remember");
    }
    if password.len() > MAX_BYTES {
        return refuse("use at most 256 bytes");
    }
    // Only the beginning is judged: the estimate takes long for long texts, which are strong.
    let head: String = password.chars().take(JUDGED_CHARS).collect();
    let judged = zxcvbn::zxcvbn(&head, &[user.as_str(), "truetape"]);
    if judged.score() >= zxcvbn::Score::Three {
        return Ok(());
    }
    let why = judged.feedback().and_then(zxcvbn::feedback::Feedback::warning).map(|warning| format!("{warning} "));
    refuse(&format!("{}Use four unrelated words, or a password manager", why.unwrap_or_default()))
}

const AT_ONCE: usize = 2;
const MIN_CHARS: usize = 10;
const MAX_BYTES: usize = 256;
const JUDGED_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_alone() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse battery staple").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.is_right("correct horse battery staple", Some(&hash)).await.unwrap());
        assert!(!passwords.is_right("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!passwords.is_right("nobody has this password", None).await.unwrap(), "an unknown user");
        assert!(!passwords.is_right("x", Some("not a hash")).await.unwrap());
        assert!(!is_outdated(&hash));
        assert!(is_outdated(&hash.replace("t=2", "t=1")));
    }

    #[test]
    fn weak_passwords_are_refused_with_a_remedy() {
        let user = UserName::parse("ada").unwrap();
        for weak in ["", "short", "password123", "aaaaaaaaaaaaaaaa", "qwertyuiop", "truetape-ada", &"x".repeat(257)] {
            assert!(check_new(weak, &user).is_err(), "{weak}");
        }
        // Hard to guess, but short.
        let refused = check_new("x9$Kq2!vZ", &user).unwrap_err().to_string();
        assert!(refused.contains("at least 10 characters"), "{refused}");
        for strong in ["correct horse battery staple", "rj7Q-vw0p-Lm2x", "grüne Fensterläden im Nebel"] {
            assert!(check_new(strong, &user).is_ok(), "{strong}");
        }
    }
}
