//! Encryption of push messages for one browser: `aes128gcm` in a single record.
//!
//! Sources: RFC 8291 sections 3 and 4, RFC 8188 section 2.

use ring::{
    aead, agreement, hkdf,
    rand::{SecureRandom, SystemRandom},
};

/// Encrypts a message for the browser with this public key (65 bytes) and authentication secret (16 bytes). `None` where
/// these are not valid or the message is longer than [`MAX_PLAIN`].
pub fn encrypt(browser: &[u8], auth: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let own = agreement::EphemeralPrivateKey::generate(&agreement::ECDH_P256, &random).ok()?;
    let own_public = own.compute_public_key().ok()?;
    let mut salt = [0; 16];
    random.fill(&mut salt).ok()?;
    let peer = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, browser);
    agreement::agree_ephemeral(own, &peer, |shared| {
        seal(&Keys { shared, own_public: own_public.as_ref(), browser, auth, salt }, plain)
    })
    .ok()?
}

/// Key material that both sides know.
struct Keys<'a> {
    /// The result of the key agreement.
    shared: &'a [u8],
    own_public: &'a [u8],
    browser: &'a [u8],
    auth: &'a [u8],
    salt: [u8; 16],
}

fn seal(keys: &Keys<'_>, plain: &[u8]) -> Option<Vec<u8>> {
    if plain.len() > MAX_PLAIN || keys.auth.len() != 16 || keys.browser.len() != 65 {
        return None;
    }
    // RFC 8291, section 3.3: mix the authentication secret in.
    let info = [b"WebPush: info\0".as_slice(), keys.browser, keys.own_public];
    let input: [u8; 32] = expand(keys.auth, keys.shared, &info)?;
    // RFC 8188, sections 2.2 and 2.3.
    let key: [u8; 16] = expand(&keys.salt, &input, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expand(&keys.salt, &input, &[b"Content-Encoding: nonce\0"])?;
    // 2 says that this is the last record.
    let mut record = [plain, &[2]].concat();
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).ok()?);
    let nonce = aead::Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, aead::Aad::empty(), &mut record).ok()?;
    let id_len = u8::try_from(keys.own_public.len()).ok()?;
    Some([&keys.salt, RECORD_SIZE.to_be_bytes().as_slice(), &[id_len], keys.own_public, &record].concat())
}

/// HKDF with SHA-256.
fn expand<const N: usize>(salt: &[u8], input: &[u8], info: &[&[u8]]) -> Option<[u8; N]> {
    struct Length(usize);

    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }

    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(input);
    let mut output = [0; N];
    key.expand(info, Length(N)).ok()?.fill(&mut output).ok()?;
    Some(output)
}

const RECORD_SIZE: u32 = 4_096;
/// The longest message: the body with its header of 86 bytes, the tag of 16 and the delimiter is no longer than a record.
pub const MAX_PLAIN: usize = 4_096 - 86 - 16 - 1;

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291, appendix A: every byte of the example.
    #[test]
    fn the_example_of_the_rfc_comes_out() {
        let own_public =
            bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let browser = bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let keys = Keys {
            shared: &bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"),
            own_public: &own_public,
            browser: &browser,
            auth: &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
            salt: bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap(),
        };
        let sealed = seal(&keys, b"When I grow up, I want to be a watermelon").unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
                        EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(sealed), expected);
    }

    #[test]
    fn unusable_keys_are_no_panic() {
        let browser = bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        assert!(encrypt(&browser, &[0; 16], b"text").is_some());
        assert!(encrypt(&browser, &[0; 15], b"text").is_none());
        assert!(encrypt(&browser[1..], &[0; 16], b"text").is_none());
        assert!(encrypt(&[4; 65], &[0; 16], b"text").is_none(), "not on the curve");
        assert!(encrypt(&browser, &[0; 16], &[0; MAX_PLAIN + 1]).is_none());
    }
}
