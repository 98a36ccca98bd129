//! One-time codes (TOTP, RFC 6238) as authenticator apps compute them: SHA-1, six digits, 30 seconds.
//!
//! Pure: the time is an argument. SHA-1 is what the apps know; a keyed hash of it is not weak. Not here: which steps were
//! used already (`store::access`), and who needs a code ([`super::second_factor`]).

use std::fmt;

use data_encoding::BASE32_NOPAD;
use model::{access::UserName, time::Timestamp};
use ring::hmac;

use super::{AccessError, secret::random};

/// The secret that a user's device and the server share: 160 bits, as RFC 4226 recommends.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; 20]);

impl TotpSecret {
    /// Makes a new one.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn random() -> Result<Self, AccessError> {
        Ok(Self(random()?))
    }

    /// Reads a secret in base 32; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        BASE32_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// Returns the secret in base 32, for the store and the one answer that shows it.
    pub fn reveal(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Returns the address that authenticator apps read, from a link or a QR code.
    pub fn address(&self, user: &UserName) -> String {
        format!("otpauth://totp/Truetape:{user}?secret={}&issuer=Truetape", self.reveal())
    }

    /// Returns the step of a code, in units of 30 s since 1970: the current one, the one before or the one after, as
    /// clocks differ. `None` for any other text.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code = code.trim();
        let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
        let typed: u32 = code.parse().ok().filter(|_| is_code)?;
        let current = now.as_millis().div_euclid(STEP_MS);
        // All of them are computed, and numbers compared as a whole: the time tells nothing of the code.
        let found = [current - 1, current, current + 1].map(|step| (step, self.code(step) ^ typed));
        found.into_iter().filter(|(_, difference)| *difference == 0).map(|(step, _)| step).max()
    }

    /// Returns the code of a step: RFC 4226, section 5.3.
    fn code(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 0xf);
        let word = tag[offset..offset + 4].iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        (word & 0x7fff_ffff) % 1_000_000
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

const STEP_MS: i64 = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret(*b"12345678901234567890")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        #[track_caller]
        fn check(seconds: i64, code: &str) {
            assert_eq!(secret().step_of(code, at(seconds)), Some(seconds / 30), "{code}");
        }
        check(59, "287082");
        check(1_111_111_109, "081804");
        check(1_111_111_111, "050471");
        check(1_234_567_890, "005924");
        check(2_000_000_000, "279037");
    }

    /// RFC 4226, appendix D: the counters 0 to 9.
    #[test]
    fn a_step_counts_as_a_counter() {
        let codes = [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(secret().code(step), code);
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_before_and_after() {
        let step_at = |seconds| secret().step_of("287082", at(seconds));
        for (seconds, expected) in
            [(-1, None), (0, Some(1)), (29, Some(1)), (30, Some(1)), (59, Some(1)), (89, Some(1)), (90, None)]
        {
            assert_eq!(step_at(seconds), expected, "{seconds} s");
        }
    }

    #[test]
    fn other_texts_are_no_codes() {
        assert_eq!(secret().step_of(" 287082 ", at(59)), Some(1), "blanks around it are the browser's");
        for text in ["", "287083", "28708", "2870820", "+287082", "0287082", "287 082", "２８７０８２", "94287082", "x"]
        {
            assert_eq!(secret().step_of(text, at(59)), None, "{text}");
        }
    }

    #[test]
    fn it_is_read_back_and_hidden() {
        let text = secret().reveal();
        assert_eq!(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSecret::parse(&text), Some(secret()));
        assert_eq!(TotpSecret::parse(&text[..16]), None, "too short");
        assert_eq!(TotpSecret::parse("not base 32"), None);
        assert_eq!(format!("{:?}", secret()), "(hidden)");
        assert_ne!(TotpSecret::random().unwrap(), TotpSecret::random().unwrap());
        let user = UserName::parse("ada").unwrap();
        assert_eq!(secret().address(&user), format!("otpauth://totp/Truetape:ada?secret={text}&issuer=Truetape"));
    }
}
