//! The account that the desk's pages show: the reader's choice in this browser, otherwise the server's default one.

use leptos::{ev, prelude::*};
use model::trading::account::AccountId;

/// The server's default account, for what it renders itself.
#[derive(Clone, Debug)]
pub struct DefaultAccount(pub AccountId);

/// Returns the account that these pages show.
pub fn account() -> AccountId {
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
        move || names.with(|names| names.iter().all(|name| *name == own))
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
    crate::live::browser::store(CHOICE, name);
    let _refused = window().location().reload();
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
        if let Ok(found) = crate::live::rest::get::<Vec<Named>>("/api/v1/accounts").await {
            // The page may be gone.
            let _gone = names.try_set(found.into_iter().map(|named| named.account).collect());
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
}
