//! The account that the desk's pages show: that of the replay while a replayed instrument is in view, otherwise the
//! reader's choice in this browser or the server's default one.
//!
//! Parts that show an account are built again when it changes from one to the other (`lazy`).

use leptos::{ev, prelude::*};
use model::trading::account::AccountId;

use crate::selection::Selection;

/// The server's default account, for what it renders itself.
#[derive(Clone, Debug)]
pub struct DefaultAccount(pub AccountId);

/// True while the instrument in view plays from a recording.
#[derive(Clone, Copy, Debug)]
struct IsReplay(Memo<bool>);

/// Lets the account follow the instrument in view; for the frame around all pages. True while it plays from a recording.
pub fn provide_account(selection: Selection) -> Memo<bool> {
    let is_replay = Memo::new(move |_| selection.is_replay());
    provide_context(IsReplay(is_replay));
    #[cfg(feature = "browser")]
    OF_PAGE.set(Some(is_replay));
    is_replay
}

/// Subscribes the caller to changes between the replay's account and another one.
pub fn track_account() {
    if let Some(IsReplay(is_replay)) = use_context() {
        is_replay.track();
    }
}

/// Returns true if the account shown is the replay's.
pub fn is_replay() -> bool {
    #[cfg(feature = "browser")]
    let is_replay = OF_PAGE.get();
    #[cfg(not(feature = "browser"))]
    let is_replay = use_context::<IsReplay>().map(|shown| shown.0);
    is_replay.and_then(|is_replay| is_replay.try_get_untracked()).unwrap_or_default()
}

#[cfg(feature = "browser")]
thread_local! {
    /// For event handlers, which have no context.
    static OF_PAGE: std::cell::Cell<Option<Memo<bool>>> = const { std::cell::Cell::new(None) };
}

/// Returns the account that these pages show.
pub fn account() -> AccountId {
    if is_replay() {
        return AccountId::replay();
    }
    shown().unwrap_or_else(|| AccountId::parse("paper").expect("invariant: the name is valid"))
}

#[cfg(not(feature = "browser"))]
fn shown() -> Option<AccountId> {
    use_context::<DefaultAccount>().map(|default| default.0)
}

/// For as long as the page lives: another choice loads it again.
#[cfg(feature = "browser")]
fn shown() -> Option<AccountId> {
    use std::cell::OnceCell;

    use crate::live::browser;

    thread_local! {
        static SHOWN: OnceCell<Option<AccountId>> = const { OnceCell::new() };
    }
    let read = || {
        let default = document().document_element().and_then(|root| root.get_attribute("data-account"));
        [browser::stored(CHOICE), default].into_iter().flatten().find_map(|name| AccountId::parse(&name).ok())
    };
    SHOWN.with(|shown| shown.get_or_init(read).clone())
}

/// A choice of the account; nothing where there is only the one shown.
#[component]
pub fn AccountChoice() -> impl IntoView {
    let own = account().to_string();
    let names = RwSignal::new(Vec::<String>::new());
    Effect::new(move |_| load(names));
    let is_alone = {
        let own = own.clone();
        move || is_replay() || names.with(|names| names.iter().all(|name| *name == own))
    };
    let option = move |name: String| {
        let is_own = name == own;
        view! { <option value=name.clone() selected=is_own>{name.clone()}</option> }
    };
    view! {
        <label class="account-choice" hidden=is_alone>
            "Account "
            <select class="field" data-testid="account-choice" on:change=move |event: ev::Event| choose(&event_target_value(&event))>
                {move || names.get().into_iter().map(option.clone()).collect_view()}
            </select>
        </label>
    }
}

/// Shows another account: the page loads again with it.
#[cfg(feature = "browser")]
fn choose(name: &str) {
    use crate::live::browser;

    browser::store(CHOICE, name);
    browser::reload();
}

#[cfg(not(feature = "browser"))]
fn choose(_: &str) {}

/// Loads the names of all accounts. Without an answer there is no choice.
#[cfg(feature = "browser")]
fn load(names: RwSignal<Vec<String>>) {
    #[derive(serde::Deserialize)]
    struct Named {
        account: String,
    }
    leptos::task::spawn_local(async move {
        if let Ok(found) = crate::live::rest::get::<Vec<Named>>("api/v1/accounts").await {
            // The page may be gone.
            let live = |name: &String| !AccountId::parse(name).is_ok_and(|account| account.is_replay());
            let _gone = names.try_set(found.into_iter().map(|named| named.account).filter(live).collect());
        }
    });
}

#[cfg(not(feature = "browser"))]
fn load(_: RwSignal<Vec<String>>) {}

/// The key of the choice in the browser's storage.
#[cfg(feature = "browser")]
const CHOICE: &str = "truetape.account";

#[cfg(test)]
mod tests {
    use model::instrument::InstrumentId;

    use super::*;

    #[test]
    fn the_servers_default_is_shown() {
        let owner = Owner::new();
        owner.with(|| {
            assert_eq!(account().as_str(), "paper");
            provide_context(DefaultAccount(AccountId::parse("main").unwrap()));
            assert_eq!(account().as_str(), "main");
        });
    }

    #[test]
    fn a_replayed_instrument_shows_the_account_of_the_replay() {
        let owner = Owner::new();
        owner.with(|| {
            let shown = RwSignal::new(InstrumentId::parse("demo:A").ok());
            let id = Memo::new(move |_| shown.get());
            let (instrument, unreadable) = (Memo::new(|_| None), Memo::new(|_| None));
            let is_replay = provide_account(Selection { id, instrument, unreadable });
            assert_eq!((account().as_str(), is_replay.get_untracked()), ("paper", false));
            shown.set(InstrumentId::parse("replay-demo:A").ok());
            assert_eq!((account().as_str(), is_replay.get_untracked()), ("replay", true));
            shown.set(InstrumentId::parse("demo:B").ok());
            assert_eq!(account().as_str(), "paper");
        });
    }
}
