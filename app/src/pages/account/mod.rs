//! The Account page: one's own password, one-time codes, sessions and tokens; for admins also users and the audit log. Loaded lazily.
//!
//! Everything comes by REST and on request: nothing here changes by the second. Not here: the page of the login
//! (`login`), and what a role may do (the server).
//!
//! # Layout
//! - [`state`]: lists, and requests to the server · [`password`], [`codes`], [`sessions`], [`tokens`]: one's own
//! - [`users`], [`audit`]: for admins

pub mod audit;
pub mod codes;
pub mod password;
pub mod sessions;
pub mod state;
pub mod tokens;
pub mod users;

use leptos::prelude::*;
use leptos_meta::Title;
use model::{access::Role, time::Timestamp};

use self::{
    audit::AuditPanel, codes::CodesPanel, password::PasswordPanel, sessions::SessionsPanel, state::use_account_lists,
    tokens::TokensPanel, users::UsersPanel,
};
use crate::{
    components::page_head::PageHead,
    live::browser,
    pages::{FragmentSpec, recordings::state::moment},
};

/// The regions of this page: none samples the stream.
pub const FRAGMENTS: &[FragmentSpec] = &[];

/// The page.
#[component]
pub fn AccountPage() -> impl IntoView {
    let lists = use_account_lists();
    // The document tells; the server's rendering comes before it.
    let reader = RwSignal::new(None::<Reader>);
    Effect::new(move |_| {
        let user = browser::root_data("user").filter(|user| !user.is_empty());
        reader.set(Role::from_name(&browser::root_data("role").unwrap_or_default()).map(|role| Reader { user, role }));
    });
    let who = move || reader.with(|reader| reader.as_ref().map(Reader::words).unwrap_or_default());
    let has_user = move || reader.with(|reader| reader.as_ref().is_some_and(|reader| reader.user.is_some()));
    let panels = move || {
        reader.get().map(|Reader { user, role }| {
            let has_user = user.is_some();
            view! {
                {has_user.then(|| view! {
                    <div class="desk-page__pair">
                        <SessionsPanel lists/>
                        <PasswordPanel lists/>
                    </div>
                    <CodesPanel lists/>
                    <TokensPanel lists role/>
                })}
                {(role == Role::Admin).then(|| view! {
                    <UsersPanel lists is_first=!has_user/>
                    <AuditPanel lists/>
                })}
            }
        })
    };
    view! {
        <Title text="Account · Truetape"/>
        <div class="desk-page account-page" data-testid="account-page">
            <PageHead title="Account" help=view! { <span data-testid="account-who">{who}</span> }.into_any()>
                <button class="button" data-testid="logout" hidden=move || !has_user() on:click=move |_| lists.logout()>"Log out"</button>
            </PageHead>
            <p
                class="account-page__note"
                role="status"
                data-testid="account-note"
                data-tone=move || lists.note.with(|note| if note.is_bad { "bad" } else { "good" })
                hidden=move || lists.note.with(|note| note.words.is_empty())
            >
                {move || lists.note.with(|note| note.words.clone())}
            </p>
            {panels}
        </div>
    }
}

/// Whoever reads the page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reader {
    /// Absent where nobody has to log in.
    user: Option<String>,
    role: Role,
}

impl Reader {
    fn words(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}, {}: {}", self.role, may(self.role)),
            None => "Nobody has to log in: only this machine reaches the server, and it has no users".to_owned(),
        }
    }
}

/// Returns what a role may do, in words.
pub fn may(role: Role) -> &'static str {
    match role {
        Role::Viewer => "looks on",
        Role::Trader => "looks on and trades",
        Role::Admin => "trades and changes the server",
    }
}

/// Returns a time for lists.
pub fn when(time: Timestamp) -> String {
    moment(time.as_millis()).chars().take(16).collect()
}
