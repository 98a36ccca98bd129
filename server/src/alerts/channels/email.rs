//! E-mail: one message over SMTP, encrypted before anything is said.
//!
//! The library's own time limit ends with the connection, so a server that falls silent would hold the channel for ever:
//! the whole attempt has a limit here. Addresses and headers are built by type; text cannot add a header.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
        response::Response,
    },
};
use model::{
    alert::channel::{Email, MailTls},
    time::Timestamp,
};

use super::{Report, Verdict};
use crate::{
    alerts::{
        message::{Message, one_line, shorten},
        reach::{self, Names, Reach},
    },
    in_words::in_words,
};

/// Makes one attempt.
pub async fn send(names: &Names, email: &Email, reach: Reach, message: &Message) -> Report {
    let mail = match mail(email, message) {
        Ok(mail) => mail,
        Err(error) => return Report::new(Verdict::Gone, None, error),
    };
    let attempt = async {
        let transport = transport(names, email, reach).await?;
        transport.send(mail).await.map_err(|error| failure(&error))
    };
    match tokio::time::timeout(TOTAL_TIME, attempt).await {
        Ok(Ok(response)) => delivered(&response),
        Ok(Err(report)) => report,
        Err(_elapsed) => Report::unanswered("no answer within 25 seconds"),
    }
}

/// Builds the message: the same bytes for every attempt.
fn mail(email: &Email, message: &Message) -> Result<lettre::Message, String> {
    let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|error| format!("{text}: {error}; write it again"));
    let from = mailbox(email.from.as_str())?;
    let domain = from.email.domain().to_owned();
    let id = |part: &str| format!("<{part}@{domain}>");
    let mut builder = lettre::Message::builder().from(from);
    for to in &email.to {
        builder = builder.to(mailbox(to.as_str())?);
    }
    builder = builder
        .date(system_time(message.notice.fired_time))
        .message_id(Some(id(&format!("{}.truetape", message.id()))))
        .subject(message.subject())
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN);
    if let Some(rule) = thread(&message.notice.rule_id) {
        // All mails of a rule refer to one that was never sent, so that programs show them as one conversation.
        builder = builder.references(id(&rule)).in_reply_to(id(&rule));
    }
    builder.body(format!("{}\n\n{}\n", message.subject(), message.text())).map_err(|error| error.to_string())
}

/// Returns the local part of the identity that the mails of a rule refer to.
fn thread(rule_id: &str) -> Option<String> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let plain: String = rule_id.bytes().filter(is_plain).map(char::from).collect();
    (!plain.is_empty()).then(|| format!("rule-{plain}.truetape"))
}

/// Resolves the server and prepares the connection to a checked address.
async fn transport(names: &Names, email: &Email, reach: Reach) -> Result<AsyncSmtpTransport<Tokio1Executor>, Report> {
    let host = email.server.as_str();
    let addresses = reach::resolve(names, host, email.port, reach).await;
    let addresses = addresses.map_err(|error| Report::unanswered(error.to_string()))?;
    let Some(address) = addresses.first() else { return Err(Report::unanswered("the server has no address")) };
    let parameters = || TlsParameters::new(host.to_owned()).map_err(|error| Report::unanswered(in_words(&error)));
    let tls = match email.tls {
        MailTls::Required => Tls::Wrapper(parameters()?),
        MailTls::Starttls => Tls::Required(parameters()?),
        MailTls::None if address.ip().is_loopback() => Tls::None,
        MailTls::None => {
            let text = "mail without TLS goes to a server on this machine only; choose required or starttls";
            return Err(Report::new(Verdict::Gone, None, text));
        }
    };
    let domain = email.from.as_str().rsplit('@').next().unwrap_or_default().trim_end_matches('>');
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
        .port(email.port)
        .hello_name(ClientId::Domain(domain.to_owned()))
        .timeout(Some(CONNECT_TIME))
        .tls(tls);
    if let (Some(user), Some(password)) = (&email.user, email.password.reveal()) {
        builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
    }
    Ok(builder.build())
}

fn delivered(response: &Response) -> Report {
    let words = response.message().map(one_line).collect::<Vec<_>>().join(" ");
    let code = u16::from(response.code());
    Report::new(Verdict::Delivered, Some(code), shorten(&format!("{code} {words}"), MAX_LINE))
}

fn failure(error: &lettre::transport::smtp::Error) -> Report {
    let code = error.status().map(u16::from);
    let verdict = match code {
        // The login is refused: trying on could lock the account.
        Some(530 | 534 | 535 | 538) => Verdict::Gone,
        Some(_) if error.is_permanent() => Verdict::Rejected,
        _ => Verdict::Retry { after: None },
    };
    let words = one_line(&in_words(error));
    let text = code.map_or_else(|| words.clone(), |code| format!("{code} {words}"));
    Report::new(verdict, code, shorten(&text, MAX_LINE))
}

fn system_time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(u64::try_from(time.as_nanos()).unwrap_or(0))
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody's absence note answers an alert.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Connecting, the greeting and a dozen answers.
const TOTAL_TIME: Duration = Duration::from_secs(25);
const MAX_LINE: usize = 300;

#[cfg(test)]
mod tests {
    use model::alert::channel::ChannelId;

    use super::*;

    fn settings() -> Email {
        serde_json::from_str(
            r#"{"server":"localhost","port":25,"from":"Desk <desk@example.com>","to":["me@example.com"]}"#,
        )
        .unwrap()
    }

    fn message(title: &str) -> Message {
        let mut message = Message::test(ChannelId::parse("mail").unwrap(), Timestamp::from_millis(1_000));
        message.notice.title = title.to_owned();
        message.notice.rule_id = "level-1".to_owned();
        message
    }

    #[test]
    fn every_attempt_sends_the_same_mail_in_the_thread_of_its_rule() {
        let text = String::from_utf8(mail(&settings(), &message("up")).unwrap().formatted()).unwrap();
        assert_eq!(text, String::from_utf8(mail(&settings(), &message("up")).unwrap().formatted()).unwrap());
        for line in [
            "Message-ID: <0-1000000000-mail.truetape@example.com>\r\n",
            "References: <rule-level-1.truetape@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Thu, 01 Jan 1970 00:00:01 +0000\r\n",
            "From: Desk <desk@example.com>\r\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }

    #[test]
    fn no_text_adds_a_header() {
        let evil = "up\r\nBcc: other@example.com\r\n\r\nbody";
        let text = String::from_utf8(mail(&settings(), &message(evil)).unwrap().formatted()).unwrap();
        let headers = text.split("\r\n\r\n").next().unwrap();
        assert!(headers.lines().all(|line| !line.starts_with("Bcc")), "{headers}");
        assert!(headers.contains("Subject: "), "{headers}");
    }
}
