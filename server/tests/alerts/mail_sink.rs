//! A mail server that keeps what it gets and fails where a test says. RFC 5321 as far as a client of one message needs it.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Misbehaviour of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It takes the connection and never says a word.
    SilentGreeting,
    /// It takes the message and never says so.
    SilentAfterData,
    /// It answers the named command with this line.
    Refuse(&'static str, &'static str),
    /// It offers STARTTLS and then speaks no TLS.
    BrokenTls,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// The commands, as they came.
    pub(crate) commands: Vec<String>,
    /// The messages.
    pub(crate) mails: Vec<String>,
}

/// The server; it ends with the value.
pub(crate) struct MailSink {
    pub(crate) port: u16,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl MailSink {
    pub(crate) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::<Mutex<Log>>::default();
        let shared = Arc::clone(&log);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // A client that goes away is no fault of the test.
                let _gone = serve(socket, fault, &shared).await;
            }
        });
        Self { port, log, task }
    }

    pub(crate) fn log(&self) -> Log {
        self.log.lock().unwrap().clone()
    }
}

async fn serve(socket: TcpStream, fault: Fault, log: &Mutex<Log>) -> std::io::Result<()> {
    let mut stream = BufReader::new(socket);
    if fault == Fault::SilentGreeting {
        return std::future::pending().await;
    }
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        log.lock().unwrap().commands.push(command.clone());
        let word = command.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let reply = match fault {
            Fault::Refuse(refused, answer) if refused == word => answer,
            _ => match word.as_str() {
                "EHLO" if fault == Fault::BrokenTls => "250-sink\r\n250 STARTTLS",
                "EHLO" => "250-sink\r\n250 AUTH PLAIN LOGIN",
                "AUTH" => "235 welcome",
                "STARTTLS" => "220 go on",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 fine",
            },
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        match word.as_str() {
            "DATA" if reply.starts_with("354") => {
                let mail = read_mail(&mut stream).await?;
                log.lock().unwrap().mails.push(mail);
                if fault == Fault::SilentAfterData {
                    return std::future::pending().await;
                }
                stream.write_all(b"250 queued as 7\r\n").await?;
            }
            "STARTTLS" => {
                let mut hello = [0; 1];
                stream.read_exact(&mut hello).await?;
                stream.write_all(b"this is no TLS\r\n").await?;
                return Ok(());
            }
            "QUIT" => return Ok(()),
            _ => {}
        }
    }
}

/// Reads a message up to the dot on a line of its own.
async fn read_mail(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(mail);
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
