//! Web Push: a push service that decrypts, checks who sent, and ends subscriptions.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::alert::{
    channel::{Channel, ChannelKind},
    delivery::DeliveryState,
};
use ring::{
    aead,
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    hkdf,
    rand::SystemRandom,
    signature,
};
use server::{
    alerts::{channels::Verdict, message::Message},
    clock::Clock,
};

use crate::{
    http_sink::{HttpSink, Planned, Received},
    rig::{Rig, channel, notice, open, senders},
};

const AUTH: [u8; 16] = *b"sixteen bytes ok";

/// A browser's half of a subscription. Its key agrees once.
struct Browser {
    key: EphemeralPrivateKey,
    public: Vec<u8>,
}

impl Browser {
    fn new() -> Self {
        let key = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
        let public = key.compute_public_key().unwrap().as_ref().to_vec();
        Self { key, public }
    }

    fn subscription(&self, name: &str, endpoint: &str) -> String {
        let (key, auth) = (URL_SAFE_NO_PAD.encode(&self.public), URL_SAFE_NO_PAD.encode(AUTH));
        format!(
            r#"{{"subscription_id":"{name}","label":"{name}","endpoint":"{endpoint}","p256dh":"{key}","auth":"{auth}"}}"#
        )
    }

    /// Decrypts as a browser does: RFC 8188 and RFC 8291 from the reader's side.
    fn decrypt(self, body: &[u8]) -> serde_json::Value {
        let (salt, rest) = body.split_at(16);
        let (record_size, rest) = rest.split_at(4);
        assert_eq!(record_size, 4_096_u32.to_be_bytes());
        let (sender, sealed) = rest[1..].split_at(usize::from(rest[0]));
        let browser = self.public;
        let plain = agree_ephemeral(self.key, &UnparsedPublicKey::new(&ECDH_P256, sender), |shared| {
            let info = [b"WebPush: info\0".as_slice(), &browser, sender].concat();
            let input = expand(&AUTH, shared, &info, 32);
            let key = expand(salt, &input, b"Content-Encoding: aes128gcm\0", 16);
            let nonce = expand(salt, &input, b"Content-Encoding: nonce\0", 12);
            let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).unwrap());
            let nonce = aead::Nonce::try_assume_unique_for_key(&nonce).unwrap();
            let mut sealed = sealed.to_vec();
            key.open_in_place(nonce, aead::Aad::empty(), &mut sealed).unwrap().to_vec()
        });
        let plain = plain.unwrap();
        assert_eq!(plain.last(), Some(&2), "the last record");
        serde_json::from_slice(&plain[..plain.len() - 1]).unwrap()
    }
}

fn expand(salt: &[u8], input: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut output = vec![0; len];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(input);
    key.expand(&[info], Length(len)).unwrap().fill(&mut output).unwrap();
    output
}

fn push(subscriptions: &[String]) -> Channel {
    let list = subscriptions.join(",");
    channel("push", &format!(r#"{{"push":{{"contact":"mailto:me@example.com","subscriptions":[{list}]}}}}"#))
}

fn assert_signed(received: &Received, public_key: &str, service: &str) {
    let (token, key) = received.header("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(key, public_key);
    let (signed, tag) = token.rsplit_once('.').unwrap();
    let (tag, key) = (URL_SAFE_NO_PAD.decode(tag).unwrap(), URL_SAFE_NO_PAD.decode(key).unwrap());
    let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, key);
    key.verify(signed.as_bytes(), &tag).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["aud"], &claims["sub"]), (&service.into(), &"mailto:me@example.com".into()));
    let ahead_s = claims["exp"].as_i64().unwrap() - Clock::start().now().wall.as_millis() / 1_000;
    assert!((3_600..=86_400).contains(&ahead_s), "{ahead_s}");
}

#[tokio::test]
async fn the_browser_reads_the_message() {
    let sink = HttpSink::start().await;
    sink.usually(Planned::status(201));
    let browser = Browser::new();
    let channel = push(&[browser.subscription("one", &format!("{}/send/abc", sink.url))]);
    let folder = tempfile::tempdir().unwrap();
    let alerts = open(folder.path()).await;
    let senders = senders(&alerts).await;
    let now = Clock::start().now().wall;
    let message = Message { notice: notice(7, "level", now), channel_id: channel.channel_id.clone() };
    let report = senders.send(&channel, &message, &[], now).await;
    assert_eq!((report.verdict, report.status, report.reached.len()), (Verdict::Delivered, Some(201), 1), "{report:?}");
    let received = sink.received().remove(0);
    assert_signed(&received, senders.push_key(), &sink.url);
    let headers = ["content-encoding", "ttl", "urgency"].map(|name| received.header(name).to_owned());
    assert_eq!(headers, ["aes128gcm", "43200", "high"]);
    assert_eq!(received.header("topic").len(), 32);
    let shown = browser.decrypt(&received.body);
    assert_eq!((&shown["title"], &shown["notice_id"]), (&"BTCUSDT rose to 7".into(), &7.into()));
    assert_eq!(senders.push_key(), crate::rig::senders(&alerts).await.push_key(), "the key is kept");
}

#[tokio::test]
async fn a_service_that_takes_less_gets_the_title_alone() {
    let sink = HttpSink::start().await;
    sink.plan([Planned::status(413), Planned::status(201)]);
    let browser = Browser::new();
    let channel = push(&[browser.subscription("one", &sink.url)]);
    assert_eq!(crate::rig::attempt(&channel).await.verdict, Verdict::Delivered);
    assert_eq!(browser.decrypt(&sink.received()[1].body)["text"], "");
}

#[tokio::test]
async fn each_browser_gets_it_once_and_those_that_ended_are_forgotten() {
    let [works, ended, busy] = [HttpSink::start().await, HttpSink::start().await, HttpSink::start().await];
    ended.usually(Planned::status(410));
    busy.plan([Planned::wait(503, 1)]);
    let names = [("works", &works), ("ended", &ended), ("busy", &busy)];
    let channel = push(&names.map(|(name, sink)| Browser::new().subscription(name, &sink.url)));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    rig.put(&channel).await;
    rig.fire([1], "level", &channel.channel_id).await;
    let sent = rig.wait_until(1, DeliveryState::Sent).await;
    assert_eq!(sent.n_attempts, 2);
    assert_eq!([works.received().len(), ended.received().len(), busy.received().len()], [1, 1, 2]);
    let ChannelKind::Push(left) = rig.alerts.channel(&channel.channel_id).await.unwrap().unwrap().channel.kind else {
        unreachable!()
    };
    assert_eq!(left.subscriptions.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(), ["works", "busy"]);
    rig.stop().await;
}

#[tokio::test]
async fn a_refused_signature_is_said() {
    let sink = HttpSink::start().await;
    sink.plan([Planned::json(403, r#"{"reason":"BadJwtToken"}"#)]);
    let report = crate::rig::attempt(&push(&[Browser::new().subscription("phone", &sink.url)])).await;
    assert_eq!((report.verdict, report.status), (Verdict::Rejected, Some(403)));
    assert_eq!(report.text, r#"phone: HTTP 403 {"reason":"BadJwtToken"}"#);
}

#[tokio::test]
async fn a_push_service_is_public_and_encrypted() {
    let sink = HttpSink::start().await;
    for (endpoint, text) in [(sink.url.clone(), "https"), (sink.url.replace("http", "https"), "private address")] {
        let mut channel = push(&[Browser::new().subscription("one", &endpoint)]);
        channel.allows_private = false;
        let report = crate::rig::attempt(&channel).await;
        assert!(report.text.contains(text), "{}", report.text);
    }
    assert!(sink.received().is_empty());
    assert_eq!(crate::rig::attempt(&push(&[])).await.text, "no browser is subscribed");
}
