//! E-mail: a mail server that works, refuses, falls silent, or does not encrypt.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::alert::channel::{Channel, ChannelKind, HostName};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use server::alerts::{channels::Verdict, reach::Names};

use crate::{
    mail_sink::{Fault, MailSink},
    rig::{attempt, attempt_with, channel},
};

fn email(port: u16, tls: &str) -> Channel {
    let login = r#""user":"desk","password":"hunter2""#;
    let addresses = r#""from":"Desk <desk@example.com>","to":["me@example.com","you@example.com"]"#;
    channel("mail", &format!(r#"{{"email":{{"server":"127.0.0.1","port":{port},"tls":"{tls}",{login},{addresses}}}}}"#))
}

#[tokio::test]
async fn a_mail_arrives() {
    let sink = MailSink::start(Fault::None).await;
    let report = attempt(&email(sink.port, "none")).await;
    assert_eq!(
        (report.verdict, report.status, report.text.as_str()),
        (Verdict::Delivered, Some(250), "250 queued as 7")
    );
    let log = sink.log();
    for command in
        ["EHLO example.com", "MAIL FROM:<desk@example.com>", "RCPT TO:<me@example.com>", "RCPT TO:<you@example.com>"]
    {
        assert!(log.commands.iter().any(|line| line.starts_with(command)), "{command}: {:?}", log.commands);
    }
    let mail = &log.mails[0];
    for line in [
        "Subject: BTCUSDT rose to 7\r\n",
        "\r\n\r\nBTCUSDT rose to 7\r\n\r\nA longer text.\r\n",
        "References: <rule-level.",
    ] {
        assert!(mail.contains(line), "{line}: {mail}");
    }
}

#[tokio::test]
async fn answers_mean_what_smtp_says() {
    for (command, answer, verdict, text) in [
        ("RCPT", "450 4.2.1 mailbox busy", Verdict::Retry { after: None }, "mailbox busy"),
        ("RCPT", "550 5.1.1 no such user", Verdict::Rejected, "no such user"),
        ("DATA", "421 4.3.2 shutting down", Verdict::Retry { after: None }, "shutting down"),
        ("AUTH", "535 5.7.8 wrong hunter2", Verdict::Gone, "wrong (hidden)"),
    ] {
        let sink = MailSink::start(Fault::Refuse(command, answer)).await;
        let report = attempt(&email(sink.port, "none")).await;
        let code: u16 = answer[..3].parse().unwrap();
        assert_eq!((report.verdict, report.status), (verdict, Some(code)), "{}", report.text);
        assert!(report.text.contains(text), "{}", report.text);
        assert!(sink.log().mails.is_empty());
    }
}

#[tokio::test]
async fn nothing_is_said_before_it_is_encrypted() {
    for (fault, tls) in [(Fault::None, "starttls"), (Fault::BrokenTls, "starttls"), (Fault::None, "required")] {
        let sink = MailSink::start(fault).await;
        let report = attempt(&email(sink.port, tls)).await;
        assert_eq!(report.verdict, Verdict::Retry { after: None }, "{fault:?} {tls}: {}", report.text);
        let log = sink.log();
        assert!(log.commands.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")), "{log:?}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_holds_nothing_for_ever() {
    let (early, late) = (MailSink::start(Fault::SilentGreeting).await, MailSink::start(Fault::SilentAfterData).await);
    let (early_channel, late_channel) = (email(early.port, "none"), email(late.port, "none"));
    let reports = tokio::join!(attempt(&early_channel), attempt(&late_channel));
    for report in [reports.0, reports.1] {
        assert_eq!(
            (report.verdict, report.text.as_str()),
            (Verdict::Retry { after: None }, "no answer within 25 seconds")
        );
    }
    assert_eq!(late.log().mails.len(), 1, "it may come twice, with the same identity");
}

#[tokio::test]
async fn a_private_server_needs_leave() {
    let sink = MailSink::start(Fault::None).await;
    let mut channel = email(sink.port, "none");
    channel.allows_private = false;
    let report = attempt(&channel).await;
    assert!(report.text.contains("private address"), "{}", report.text);
    assert!(sink.log().commands.is_empty());
}

/// A mail server whose name leads outside when it is looked up first, and inside afterwards.
#[tokio::test]
async fn a_name_that_turns_inward_gets_no_connection() {
    #[derive(Default)]
    struct Flipping(AtomicUsize);

    impl Resolve for Flipping {
        fn resolve(&self, _name: Name) -> Resolving {
            // Nobody is at the first one.
            let address = if self.0.fetch_add(1, Ordering::Relaxed) == 0 { "[3ffe::1]:0" } else { "127.0.0.1:0" };
            let address: SocketAddr = address.parse().unwrap();
            Box::pin(async move { Ok(Box::new([address].into_iter()) as Addrs) })
        }
    }

    let sink = MailSink::start(Fault::None).await;
    let mut channel = email(sink.port, "starttls");
    channel.allows_private = false;
    if let ChannelKind::Email(email) = &mut channel.kind {
        email.server = HostName::parse("rebinding.example").unwrap();
    }
    let resolver = Arc::new(Flipping::default());
    let names = Names::of(resolver.clone());
    let first = attempt_with(&channel, names.clone()).await;
    assert_eq!(
        (first.verdict, resolver.0.load(Ordering::Relaxed)),
        (Verdict::Retry { after: None }, 1),
        "{}",
        first.text
    );
    let second = attempt_with(&channel, names).await;
    assert!(second.text.contains("private address"), "{}", second.text);
    assert!(sink.log().commands.is_empty());
}
