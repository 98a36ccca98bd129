//! Secrets of sessions, tokens and the first set-up: made at random, shown once, kept as their SHA-256.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use store::access::Digest;

use super::AccessError;

/// A secret of 256 random bits. Its text is shown once and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a new one; `prefix` tells scanners for leaked secrets what it is.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn random(prefix: &str) -> Result<Self, AccessError> {
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<32>()?))))
    }

    /// Returns its text, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns what is kept of it.
    pub fn digest(&self) -> Digest {
        digest_of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Returns what is kept of a secret's text. A plain hash is enough: nobody guesses 256 random bits.
pub fn digest_of(text: &str) -> Digest {
    let mut out = Digest::default();
    out.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    out
}

/// Returns a short public identity.
///
/// # Errors
/// The system has no random numbers.
pub fn public_id() -> Result<String, AccessError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<9>()?))
}

/// Returns a code of twelve letters and digits to type, without those that look alike: 60 bits.
///
/// # Errors
/// The system has no random numbers.
pub fn typed_code() -> Result<String, AccessError> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let chars: Vec<char> =
        random::<12>()?.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
    let groups: Vec<String> = chars.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

/// Returns random bytes.
///
/// # Errors
/// The system has none.
pub fn random<const N: usize>() -> Result<[u8; N], AccessError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| AccessError::NoRandomness)?;
    Ok(bytes)
}

/// The beginning of every token.
pub const TOKEN_PREFIX: &str = "truetape_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_hide() {
        let [one, other] = [Secret::random(TOKEN_PREFIX).unwrap(), Secret::random(TOKEN_PREFIX).unwrap()];
        assert_ne!(one.digest(), other.digest());
        assert_eq!((one.reveal().len(), format!("{one:?}")), (TOKEN_PREFIX.len() + 43, "(hidden)".to_owned()));
        assert_eq!(digest_of(one.reveal()), one.digest());
    }

    #[test]
    fn codes_are_typed_easily() {
        let code = typed_code().unwrap();
        assert_eq!((code.len(), code.matches('-').count()), (14, 2), "{code}");
        assert!(!code.contains(['0', '1', 'I', 'O']), "{code}");
        assert_ne!(code, typed_code().unwrap());
    }

    #[test]
    fn a_digest_is_sha_256() {
        let hex: String = digest_of("abc").iter().map(|byte| format!("{byte:02x}")).collect();
        // FIPS 180-2, appendix B.1.
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
