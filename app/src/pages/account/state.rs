//! The lists of the page, as REST gives them, and the requests that change them.

use leptos::prelude::*;
use model::{
    access::{Role, TokenLabel, UserName},
    time::Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::live::{browser, kept};

/// A login in one browser.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Session {
    /// Its identity.
    pub session_id: String,
    /// The login.
    pub created_time: Timestamp,
    /// The last request.
    pub seen_time: Timestamp,
    /// The address at login.
    pub address: String,
    /// The browser, in its own words.
    pub agent: String,
    /// True for this browser's.
    pub is_own: bool,
}

/// A program's access.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Token {
    /// Its identity.
    pub token_id: String,
    /// Its label.
    pub label: TokenLabel,
    /// The most it may do.
    pub scope: Role,
    /// Time of its creation.
    pub created_time: Timestamp,
    /// Time at which it ends; absent: never.
    pub expires_time: Option<Timestamp>,
    /// The last request; absent: none yet.
    pub seen_time: Option<Timestamp>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct User {
    /// The name.
    pub name: UserName,
    /// The rights.
    pub role: Role,
    /// Time of its creation.
    pub created_time: Timestamp,
    /// Open sessions.
    pub n_sessions: usize,
    /// Tokens.
    pub n_tokens: usize,
    /// True if logins need a one-time code.
    pub has_codes: bool,
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AuditLine {
    /// Its place.
    pub number: i64,
    /// The moment.
    pub time: Timestamp,
    /// The user; absent while nobody was logged in.
    pub user: Option<UserName>,
    /// Its address.
    pub address: Option<String>,
    /// The action.
    pub action: String,
    /// The person or thing that it concerns.
    pub detail: String,
}

/// The outcome of the last request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The sentence; empty before the first request.
    pub words: String,
    /// True if it was refused.
    pub is_bad: bool,
}

#[derive(Deserialize)]
struct Sessions {
    sessions: Vec<Session>,
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<Token>,
}

#[derive(Deserialize)]
struct Users {
    users: Vec<User>,
}

#[derive(Deserialize)]
struct AuditLines {
    audit: Vec<AuditLine>,
}

/// One's own one-time codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct CodesState {
    /// True if logins need a code.
    pub is_on: bool,
    /// Recovery codes that are left.
    pub n_recovery_codes: i64,
}

/// Secrets of one-time codes, before the first code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CodesSetUp {
    /// For the app, to type.
    pub secret: String,
    /// The same as a link.
    pub address: String,
    /// The link as a picture.
    pub qr: QrPicture,
    /// Codes for logins without the app.
    pub recovery_codes: Vec<String>,
}

/// A QR code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QrPicture {
    /// Squares a side.
    pub size: i32,
    /// The dark squares as an SVG path.
    pub path: String,
}

/// A token that was made, with its secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MadeToken {
    /// The secret.
    pub token: String,
}

/// All lists; `None` until they have arrived.
#[derive(Clone, Copy)]
pub struct AccountLists {
    /// One's own sessions.
    pub sessions: RwSignal<Option<Vec<Session>>>,
    /// One's own tokens.
    pub tokens: RwSignal<Option<Vec<Token>>>,
    /// All users, for admins.
    pub users: RwSignal<Option<Vec<User>>>,
    /// The audit log, for admins.
    pub audit: RwSignal<Option<Vec<AuditLine>>>,
    /// One's own one-time codes.
    pub codes: RwSignal<Option<CodesState>>,
    /// The secrets of codes that are being turned on.
    pub set_up: RwSignal<Option<CodesSetUp>>,
    /// The token that was just made.
    pub made: RwSignal<Option<MadeToken>>,
    /// The outcome of the last request.
    pub note: RwSignal<Note>,
}

/// Returns the lists, and requests them.
pub fn use_account_lists() -> AccountLists {
    let lists = AccountLists {
        sessions: RwSignal::new(None),
        tokens: RwSignal::new(None),
        users: RwSignal::new(None),
        audit: RwSignal::new(None),
        codes: RwSignal::new(None),
        set_up: RwSignal::new(None),
        made: RwSignal::new(None),
        note: RwSignal::default(),
    };
    Effect::new(move |_| lists.reload());
    lists
}

/// The kind of change that a request makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Adds.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl AccountLists {
    /// Requests all lists that the reader may have.
    pub fn reload(self) {
        fetch("api/v1/sessions", self.sessions, |answer: Sessions| answer.sessions);
        fetch("api/v1/tokens", self.tokens, |answer: Tokens| answer.tokens);
        fetch("api/v1/totp", self.codes, |answer: CodesState| answer);
        if !browser::is_admin() {
            return;
        }
        fetch("api/v1/users", self.users, |answer: Users| answer.users);
        fetch("api/v1/audit?limit=200", self.audit, |answer: AuditLines| answer.audit);
    }

    /// Sends a change; `then` gets the answer. The lists are requested again, and the note says `done` or what went wrong.
    pub fn change<T: DeserializeOwned + 'static>(
        self,
        verb: Verb,
        path: String,
        body: impl Serialize + 'static,
        done: impl Into<String>,
        then: impl FnOnce(T) + 'static,
    ) {
        let done = done.into();
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            use crate::live::rest;
            let answer = match verb {
                Verb::Post => rest::post_json(&path, &body).await,
                Verb::Put => rest::put_json(&path, &body).await,
                Verb::Patch => rest::patch_json(&path, &body).await,
                Verb::Delete => rest::delete(&path).await,
            };
            // The page may be gone.
            let _gone = self.note.try_set(match answer {
                Ok(answer) => {
                    then(answer);
                    self.reload();
                    Note { words: done, is_bad: false }
                }
                Err(words) => Note { words, is_bad: true },
            });
        });
        #[cfg(not(feature = "browser"))]
        let _ = (verb, path, body, done, then);
    }

    /// Logs out; the server then shows the page of the login. What the browser kept for a start without the server goes.
    pub fn logout(self) {
        self.change(Verb::Delete, "api/v1/session".to_owned(), (), "", |_: serde_json::Value| {
            for key in [kept::STORAGE_KEY, kept::INSTRUMENTS_KEY, kept::VENUES_KEY] {
                browser::store(key, "");
            }
            browser::reload();
        });
    }
}

/// Requests a list. One that is refused stays as it is: its panel is not shown.
fn fetch<A: DeserializeOwned + 'static, T: Send + Sync + 'static>(
    path: &'static str,
    list: RwSignal<Option<T>>,
    of: impl FnOnce(A) -> T + 'static,
) {
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        if let Ok(answer) = crate::live::rest::get::<A>(path).await {
            let _gone = list.try_set(Some(of(answer)));
        }
    });
    #[cfg(not(feature = "browser"))]
    let _ = (path, list, of);
}
