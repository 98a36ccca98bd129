//! The head of the desk's pages: the title, whose money it is, and what stops it from trading.

use desk::rows::{AccountRow, JournalState};
use leptos::prelude::*;
use leptos_meta::Title;
use model::time::Now;
use topics::{channels::Channel, lane::Lane};

use crate::{
    components::page_head::PageHead,
    format,
    live::{
        model::{Freshness, LiveModel},
        use_live,
    },
    pages::desk::{
        account::{AccountChoice, account, is_replay},
        rows::{read_row, topic},
    },
    route::PageLink,
};

/// Whose money it is, and what stops the account from trading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Presence of the account.
    pub account: AccountPresence,
    /// Time and reason of the kill switch; `None` while it is not set.
    pub kill: Option<String>,
    /// True while the kill switch is set in memory alone.
    pub is_kill_unwritten: bool,
    /// Why the account may only reduce positions.
    pub reduce_only: Option<String>,
    /// State of the journal.
    pub journal: JournalState,
}

/// Presence of the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccountPresence {
    /// Nothing has arrived yet.
    #[default]
    Unknown,
    /// The server has no such topic: no desk, or no such account.
    Refused(String),
    /// The desk has no account of the name.
    Absent,
    /// The desk has it.
    Present,
}

impl Standing {
    /// Reads the account's row.
    pub fn of(model: &LiveModel, now: Now) -> Self {
        let row = match read_row::<AccountRow>(model, Channel::Dashboard, "account") {
            Ok(Some(Some(row))) => row,
            Ok(Some(None)) => return Self { account: AccountPresence::Absent, ..Self::default() },
            Ok(None) | Err(_) => {
                let account = match model.freshness(&[topic(Channel::Dashboard)], now) {
                    Freshness::Refused { message } => AccountPresence::Refused(message),
                    _ => AccountPresence::Unknown,
                };
                return Self { account, ..Self::default() };
            }
        };
        let kill = row.kill.map(|kill| {
            let reason = if kill.reason.is_empty() { "no reason given" } else { &kill.reason };
            format!("set at {} UTC: {reason}", format::time_of_day(kill.time))
        });
        let reduce_only = row.reduce_only.map(|cause| cause.message);
        Self {
            account: AccountPresence::Present,
            kill,
            is_kill_unwritten: row.is_kill_unwritten,
            reduce_only,
            journal: row.journal,
        }
    }

    /// True if there is no account to trade on, as far as the server has said.
    pub fn has_none(&self) -> bool {
        matches!(self.account, AccountPresence::Refused(_) | AccountPresence::Absent)
    }

    /// Returns whose money it is, in words.
    pub fn words(&self) -> String {
        match &self.account {
            AccountPresence::Refused(words) => format!("No paper account {}: {words}", account()),
            AccountPresence::Unknown => format!("Paper account {} · waiting for the desk", account()),
            AccountPresence::Absent => {
                format!("This server has no account named {}; see [desk] in its configuration", account())
            }
            AccountPresence::Present => format!("Paper account {} · {}", account(), journal_words(self.journal)),
        }
    }
}

/// Returns whether what happens reaches the disk, in words.
fn journal_words(journal: JournalState) -> &'static str {
    match journal {
        JournalState::OnDisk => "journal on disk",
        JournalState::Full => "journal cannot be written: disk full",
        JournalState::Busy => "journal cannot be written: another program holds it",
        JournalState::Damaged => "journal damaged",
        JournalState::Fault => "journal stopped after a fault",
        JournalState::InMemory => REPLAY_ENDS,
    }
}

/// Returns what the kill switch does while it is set, in words.
fn kill_words(is_unwritten: bool) -> &'static str {
    if is_unwritten {
        "Nothing new is accepted. The disk is full: once there is room, open orders are cancelled; a restart before that \
         forgets the switch."
    } else {
        "Open orders were cancelled and nothing new is accepted."
    }
}

/// The head of a desk page.
#[component]
pub fn DeskHead(
    /// The title.
    title: &'static str,
) -> impl IntoView {
    let standing = use_standing();
    view! {
        <Title text=format!("{title} · Truetape")/>
        <PageHead title help=view! { <ReplayTag/> <span data-testid="desk-account">{move || standing.with(Standing::words)}</span> <AccountChoice/> }.into_any()/>
        <StandingBanners standing/>
    }
}

/// Returns whose money it is, and what stops it; requests the account's topic while the calling component exists.
pub fn use_standing() -> Memo<Standing> {
    let live = use_live();
    let topics = vec![topic(Channel::Dashboard)];
    live.use_topics(Signal::stored(topics.clone()), Signal::stored(Lane::Medium));
    let revision = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.revision(&topics))
    });
    Memo::new(move |_| {
        // Read, not only tracked: a memo that was never read notices nothing.
        let _revision = revision.get();
        // The time of the frame: the server renders this too, and has no clock here.
        let now = live.tick().get_untracked();
        live.with_model(|model| Standing::of(model, now)).unwrap_or_default()
    })
}

/// Says that the account is the replay's; nothing for another one.
#[component]
pub fn ReplayTag() -> impl IntoView {
    is_replay().then(
        || view! { <span class="tag tag--replay" data-testid="replay-account" title=REPLAY_ENDS>"REPLAY"</span> " " },
    )
}

/// The end of a replay's account, for people.
pub const REPLAY_ENDS: &str = "it ends with the replay, and a jump begins it again";

/// Banners for the kill switch and for reduce-only; hidden while the account may trade.
#[component]
pub fn StandingBanners(
    /// Whose money it is, and what stops it.
    #[prop(into)]
    standing: Signal<Standing>,
) -> impl IntoView {
    let kill = move || standing.with(|standing| standing.kill.clone());
    let reduce_only =
        move || standing.with(|standing| standing.reduce_only.clone().filter(|_| standing.kill.is_none()));
    view! {
        <p class="desk-banner" data-tone="bad" role="alert" data-testid="kill-banner" hidden=move || kill().is_none()>
            <strong>"Kill switch "</strong>
            {kill}
            ". "
            {move || standing.with(|standing| kill_words(standing.is_kill_unwritten))}
            " "
            <PageLink href="/risk">"Risk page"</PageLink>
        </p>
        <p class="desk-banner" data-tone="warn" role="alert" data-testid="reduce-banner" hidden=move || reduce_only().is_none()>
            <strong>"Reduce only: "</strong>
            {reduce_only}
            " "
            <PageLink href="/risk">"Risk page"</PageLink>
        </p>
    }
}
