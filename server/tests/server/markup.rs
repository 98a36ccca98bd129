//! Text of callers in the pages that the server writes, and of files in what the page writes of them: it stays text, read
//! back by an HTML parser of a browser's rules.
//!
//! The same texts go through every list of the page in `end2end/tests/xss.spec.ts`. Not here: what the program in the
//! browser draws.

use std::cell::RefCell;

use app::{
    document::Build,
    login::{LoginForm, login_page},
    pages::configuration::{
        import::{ImportPanel, ImportPanelProps},
        requests::Settings,
        state::{Change, Check, Fault},
    },
};
use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states::RawKind,
    },
};
use leptos::prelude::{IntoView, Owner, RenderHtml, Set};
use server::{config::access::Login, serve::Server};

use crate::{access::http, client::demo_config};

/// The parts of a document that a parser finds.
#[derive(Debug, Default)]
struct Document {
    /// Each tag with the names of its attributes, in order.
    tags: Vec<String>,
    /// Values of attributes.
    values: Vec<String>,
    /// Texts between tags.
    texts: Vec<String>,
    n_comments: usize,
}

#[derive(Default)]
struct Collector(RefCell<Document>);

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut document = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => return document.add(&tag),
            Token::CharacterTokens(text) => document.texts.last_mut().expect("invariant: one at least").push_str(&text),
            Token::CommentToken(_) => document.n_comments += 1,
            Token::DoctypeToken(_) | Token::NullCharacterToken | Token::EOFToken | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

impl Document {
    fn of(html: &str) -> Self {
        let collector = Collector(RefCell::new(Self { texts: vec![String::new()], ..Self::default() }));
        let tokenizer = Tokenizer::new(collector, TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        while !input.is_empty() {
            let _script = tokenizer.feed(&input);
        }
        tokenizer.end();
        tokenizer.sink.0.take()
    }

    fn add(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let names: Vec<&str> = tag.attrs.iter().map(|attribute| &*attribute.name.local).collect();
        self.tags.push(format!("{:?} {} {}", tag.kind, tag.name, names.join(" ")));
        self.values.extend(tag.attrs.iter().map(|attribute| attribute.value.to_string()));
        self.texts.push(String::new());
        // As the builder of a tree would say: what is inside of these is no markup.
        match (tag.kind, &*tag.name) {
            (TagKind::StartTag, "script") => TokenSinkResult::RawData(RawKind::ScriptData),
            (TagKind::StartTag, "title" | "textarea") => TokenSinkResult::RawData(RawKind::Rcdata),
            (TagKind::StartTag, "style") => TokenSinkResult::RawData(RawKind::Rawtext),
            _ => TokenSinkResult::Continue,
        }
    }

    /// Returns how often a text is a whole attribute or a whole text.
    fn n_found(&self, text: &str) -> usize {
        self.values.iter().chain(&self.texts).filter(|found| *found == text).count()
    }

    /// Returns how often a text is in an attribute or a text, between other words too.
    fn n_within(&self, text: &str) -> usize {
        self.values.iter().chain(&self.texts).map(|found| found.matches(text).count()).sum()
    }
}

fn payloads() -> Vec<String> {
    let payloads: Vec<String> = serde_json::from_str(include_str!("../../../end2end/support/payloads.json")).unwrap();
    assert_eq!(payloads.len(), 60);
    payloads
}

/// The form of the login: the name, the page to go to and the problem are a caller's.
#[test]
fn the_login_page_writes_text_as_text() {
    let page = |text: &str| {
        let form = LoginForm {
            next: text.to_owned(),
            user: text.to_owned(),
            problem: text.to_owned(),
            ..LoginForm::default()
        };
        Document::of(&login_page(&Build::default(), form, "n0nce"))
    };
    let plain = page("plain");
    assert_eq!(plain.n_found("plain"), 3);
    for payload in payloads() {
        let found = page(&payload);
        assert_eq!(found.n_found(&payload), 3, "{payload}: {found:?}");
        assert_eq!((&found.tags, found.n_comments), (&plain.tags, plain.n_comments), "{payload}");
    }
}

/// A file of settings before it is applied: keys, values and what is wrong with them are the file's.
#[test]
fn an_imported_file_is_written_as_text() {
    let panel = |text: &str| {
        let text = || text.to_owned();
        let fault = Fault { key: text(), value: text(), remedy: text() };
        let change = Change {
            key: text(),
            title: text(),
            before: text(),
            after: "other".to_owned(),
            is_set: true,
            applies: "restart".to_owned(),
        };
        let html = Owner::new().with(|| {
            let settings = Settings::new();
            settings.import.set(Some((text(), Check { changes: vec![change], faults: vec![fault] })));
            ImportPanel(ImportPanelProps { settings }).into_view().to_html()
        });
        Document::of(&html)
    };
    let plain = panel("plain");
    assert_eq!(plain.n_within("plain"), 6, "{plain:?}");
    for payload in payloads() {
        let found = panel(&payload);
        assert_eq!(found.n_within(&payload), 6, "{payload}: {found:?}");
        assert_eq!((&found.tags, found.n_comments), (&plain.tags, plain.n_comments), "{payload}");
    }
}

/// Pages, also those that do not exist: the address is a caller's, the path and the query.
#[tokio::test]
async fn pages_write_their_address_as_text() {
    for login in [Login::Never, Login::Always] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = demo_config();
        config.server.data_dir = folder.path().to_owned();
        config.access.login = login;
        let server = Server::start(config).await.unwrap();
        let client = http();
        let page = async |address: String| {
            let request = client.get(format!("{}{address}", server.url())).header("accept", "text/html");
            Document::of(&request.send().await.unwrap().text().await.unwrap())
        };
        for before in ["markets?symbol=", "?", "no-page-"] {
            let plain = page(format!("{before}plain")).await;
            assert!(plain.tags.len() > 10, "{plain:?}");
            for payload in payloads() {
                let encoded: String = payload.bytes().map(|byte| format!("%{byte:02X}")).collect();
                let found = page(format!("{before}{encoded}")).await;
                assert_eq!((&found.tags, found.n_comments), (&plain.tags, plain.n_comments), "{before}{payload}");
            }
        }
    }
}
