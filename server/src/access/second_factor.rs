//! The second factor of a login: one-time codes of a device, and recovery codes for its loss. Turned on and off here.
//!
//! A secret counts once a code of it was typed. Until then it waits in memory: who closes the page begins again. Turning
//! codes on or off ends all sessions of the user; tokens of programs go on, as they have no second factor.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use model::{access::UserName, time::Monotonic};
use store::access::Digest;

use super::{
    Access, AccessError, NewSession, Origin,
    caller::Caller,
    lock,
    secret::{digest_of, typed_code},
    totp::TotpSecret,
};

/// Secrets that wait for their first code, by user: as many as there are users at most.
pub(super) type PendingSecrets = BTreeMap<UserName, PendingSecret>;

/// A secret that waits for its first code.
#[derive(Clone, Debug)]
pub(super) struct PendingSecret {
    secret: TotpSecret,
    recovery_codes: Vec<Digest>,
    begun: Monotonic,
}

impl PendingSecret {
    fn is_current(&self, now: Monotonic) -> bool {
        now.saturating_since(self.begun) < TIME_TO_CONFIRM
    }
}

/// The second proof of a login, after the password.
#[derive(Clone, Copy, Debug)]
pub(super) enum SecondFactor<'a> {
    /// Nothing more: whoever asks is logged in already.
    NotNeeded,
    /// A code, if the user has them on.
    Code(Option<&'a str>),
}

/// Secrets of one-time codes, shown this once.
pub struct NewCodes {
    /// For the device.
    pub secret: TotpSecret,
    /// For logins without the device; each is used once.
    pub recovery_codes: Vec<String>,
}

/// A user's second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodesState {
    /// True if logins need a code.
    pub is_on: bool,
    /// Recovery codes that are left.
    pub n_recovery_codes: i64,
}

impl Access {
    /// Returns true if any user has one-time codes: then the page of the login has a field for them.
    pub fn has_one_time_codes(&self) -> bool {
        self.roster().users().any(|user| user.totp_secret.is_some())
    }

    /// Returns the caller's own second factor; none where nobody has to log in.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn codes_state(&self, by: &Caller) -> Result<CodesState, AccessError> {
        let Some(name) = &by.user else { return Ok(CodesState::default()) };
        let n_recovery_codes = self.tables().await?.n_recovery_codes(name).await?;
        Ok(CodesState { is_on: self.totp_of(name).is_some(), n_recovery_codes })
    }

    /// Makes the secrets of one-time codes for the caller. They are not on yet.
    ///
    /// # Errors
    /// The password is wrong, the codes are on already, or nobody is logged in.
    pub async fn begin_codes(&self, by: &Caller, password: &str, from: &Origin) -> Result<NewCodes, AccessError> {
        let name = by.user.as_ref().ok_or(AccessError::NotLoggedIn)?;
        let name = self.verify(name.as_str(), password, SecondFactor::NotNeeded, from.address).await?;
        if self.totp_of(&name).is_some() {
            return Err(AccessError::CodesAreOn);
        }
        let secret = TotpSecret::random()?;
        let recovery_codes = (0..N_RECOVERY_CODES).map(|_| typed_code()).collect::<Result<Vec<_>, _>>()?;
        let begun = self.0.clock.now().monotonic;
        let digests = recovery_codes.iter().map(|code| digest_of(code)).collect();
        let mut pending = lock(&self.0.pending);
        pending.retain(|_, other| other.is_current(begun));
        pending.insert(name, PendingSecret { secret: secret.clone(), recovery_codes: digests, begun });
        Ok(NewCodes { secret, recovery_codes })
    }

    /// Turns the caller's one-time codes on with the first code of the secret that was made before, and opens a new
    /// session in place of all others.
    ///
    /// # Errors
    /// The code is wrong, no secret waits for it, or nobody is logged in.
    pub async fn confirm_codes(&self, by: &Caller, code: &str, from: &Origin) -> Result<NewSession, AccessError> {
        let name = by.user.clone().ok_or(AccessError::NotLoggedIn)?;
        let now = self.0.clock.now();
        let found = lock(&self.0.pending).get(&name).filter(|pending| pending.is_current(now.monotonic)).cloned();
        let found = found.ok_or_else(|| bad_code("begin again: the secret is no longer valid"))?;
        let step = found.secret.step_of(code, now.wall);
        let step =
            step.ok_or_else(|| bad_code("write the six digits of the app; its clock and the server's must agree"))?;
        let tables = self.tables().await?;
        tables.set_totp(&name, &found.secret.reveal(), step, &found.recovery_codes).await?;
        lock(&self.0.pending).remove(&name);
        tables.remove_sessions_of(&name).await?;
        self.reload().await?;
        self.0.audit.note(by, "enable_codes", name.as_str());
        self.open_session(&name, from).await
    }

    /// Turns the caller's one-time codes off, and opens a new session in place of all others.
    ///
    /// # Errors
    /// Password or code is wrong, or nobody is logged in.
    pub async fn remove_own_codes(
        &self,
        by: &Caller,
        password: &str,
        code: &str,
        from: &Origin,
    ) -> Result<NewSession, AccessError> {
        let name = by.user.as_ref().ok_or(AccessError::NotLoggedIn)?;
        let name = self.verify(name.as_str(), password, SecondFactor::Code(Some(code)), from.address).await?;
        self.remove_codes(by, name.as_str()).await?;
        self.open_session(&name, from).await
    }

    /// Turns a user's one-time codes off, as an admin does for somebody without the device; all of its sessions end.
    ///
    /// # Errors
    /// There is no such user, or the codes are off.
    pub async fn remove_codes(&self, by: &Caller, name: &str) -> Result<(), AccessError> {
        let name = self.known(name)?;
        let tables = self.tables().await?;
        if !tables.remove_totp(&name).await? {
            return Err(AccessError::Unknown { what: "one-time codes" });
        }
        tables.remove_sessions_of(&name).await?;
        self.reload().await?;
        self.0.audit.note(by, "remove_codes", name.as_str());
        Ok(())
    }

    /// Returns true if a login may go on: the code is right and not used yet, or the user needs none. Uses it up.
    pub(super) async fn takes(
        &self,
        name: &UserName,
        factor: SecondFactor<'_>,
        address: IpAddr,
    ) -> Result<bool, AccessError> {
        let (SecondFactor::Code(code), Some(secret)) = (factor, self.totp_of(name)) else { return Ok(true) };
        let Some(code) = code else { return Ok(false) };
        let secret = TotpSecret::parse(&secret);
        let step = secret.and_then(|secret| secret.step_of(code, self.0.clock.now().wall));
        let tables = self.tables().await?;
        if let Some(step) = step {
            return Ok(tables.use_totp_step(name, step).await?);
        }
        let is_right = tables.use_recovery_code(name, &digest_of(&code.trim().to_ascii_uppercase())).await?;
        if is_right {
            let user = Caller { user: Some(name.clone()), address: Some(address), ..Caller::OWNER };
            self.0.audit.note(&user, "use_recovery_code", "");
        }
        Ok(is_right)
    }

    fn totp_of(&self, name: &UserName) -> Option<String> {
        self.roster().user(name).and_then(|user| user.totp_secret.clone())
    }
}

fn bad_code(remedy: &str) -> AccessError {
    AccessError::BadField { field: "code", remedy: remedy.to_owned() }
}

const N_RECOVERY_CODES: usize = 8;
const TIME_TO_CONFIRM: Duration = Duration::from_secs(15 * 60);
