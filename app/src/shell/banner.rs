//! The banner: a fault of the connection, and for a few seconds how it was resolved.

use std::time::Duration;

use leptos::prelude::*;
use model::{
    instrument::Venue,
    time::{Monotonic, Now},
};

use wire::close_code::CloseCode;

use crate::live::{
    browser,
    link::{LinkState, Recovery},
    use_live,
};

/// The text of the banner and its tone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Notice {
    /// The value for `data-state`; empty if there is nothing to show.
    tone: &'static str,
    words: String,
    /// The action that the reader can take.
    way: Way,
}

/// An action that the reader can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    /// Nothing.
    #[default]
    None,
    /// Ask for another attempt.
    Retry,
    /// Log in: the server shows the page of the login to whoever is not.
    LogIn,
}

/// The strip above the status bar. It overlays the page, so that nothing moves when it appears or disappears.
#[component]
pub fn Banner() -> impl IntoView {
    let live = use_live();
    let notice = Memo::new(move |_| match live.tick().get() {
        now if now == Now::default() => Notice::default(),
        _ => {
            let now = browser::now();
            let going_on = live.with_model(|model| model.direct_going_on(now)).unwrap_or_default();
            let title = |venue: &Venue| live.venues().with(|venues| venues.title(venue).to_owned());
            let direct: Vec<String> = going_on.iter().map(title).collect();
            notice(&live.link().get(), live.recovery().get(), now.monotonic, &direct)
        }
    });
    view! {
        <div
            class="banner"
            data-testid="banner"
            data-state=move || notice.with(|notice| notice.tone)
            hidden=move || notice.with(|notice| notice.tone.is_empty())
        >
            <span role="status" aria-live="polite">{move || notice.with(|notice| notice.words.clone())}</span>
            <button class="button" hidden=move || notice.with(|notice| notice.way != Way::Retry) on:click=move |_| live.retry()>
                "Try now"
            </button>
            <button class="button" data-testid="log-in-again" hidden=move || notice.with(|notice| notice.way != Way::LogIn) on:click=move |_| browser::reload()>
                "Log in"
            </button>
        </div>
    }
}

/// Returns the notice; `direct` are the venues whose data continues without the server.
fn notice(link: &LinkState, recovery: Option<(Recovery, Monotonic)>, now: Monotonic, direct: &[String]) -> Notice {
    let seconds_to = |at: &Monotonic| at.saturating_since(now).as_secs_f64().ceil() as u64;
    let attempt = |at: &Monotonic| match seconds_to(at) {
        0 => "trying again now".to_owned(),
        seconds => format!("next attempt in {seconds} s"),
    };
    match link {
        LinkState::Connecting => Notice::default(),
        LinkState::Connected => match recovery {
            Some((recovery, at)) if now.saturating_since(at) < SHOWN_FOR => {
                Notice { tone: "recovered", words: recovery.sentence(), way: Way::None }
            }
            _ => Notice::default(),
        },
        LinkState::Reconnecting { at } => {
            let words = format!("Connection to the server lost, {}. {}", attempt(at), what_is_old(direct));
            Notice { tone: "reconnecting", words, way: Way::Retry }
        }
        LinkState::Disconnected { at } => {
            let words = format!("No network, {}. {}", attempt(at), what_is_old(direct));
            Notice { tone: "disconnected", words, way: Way::Retry }
        }
        LinkState::Error { message } if message == LOGGED_OUT => {
            let words = "You are logged out. Log in to go on; values on this page are old.".to_owned();
            Notice { tone: "error", words, way: Way::LogIn }
        }
        LinkState::Error { message } => {
            let words = format!("The server refused the connection: {message}. Reload the page, or try again.");
            Notice { tone: "error", words, way: Way::Retry }
        }
    }
}

/// Names the data that is old while the server is away: all data from the server, and nothing else.
fn what_is_old(direct: &[String]) -> String {
    match direct {
        [] => "Values on this page are old.".to_owned(),
        direct => {
            format!("Values from the server are old; data from {} comes directly and continues.", direct.join(", "))
        }
    }
}

/// The server's reason for ending the stream of a session that has ended.
const LOGGED_OUT: &str = CloseCode::LOGGED_OUT.reason();
/// A successful reconnect is shown for this long.
const SHOWN_FOR: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now_ms: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(now_ms))
    }

    #[test]
    fn says_what_is_wrong_and_when_it_is_tried_again() {
        #[track_caller]
        fn check(link: &LinkState, tone: &str, words: &str) {
            let notice = notice(link, None, at(10_000), &[]);
            assert_eq!((notice.tone, notice.words.as_str()), (tone, words));
        }
        check(&LinkState::Connecting, "", "");
        check(&LinkState::Connected, "", "");
        check(
            &LinkState::Reconnecting { at: at(12_400) },
            "reconnecting",
            "Connection to the server lost, next attempt in 3 s. Values on this page are old.",
        );
        check(
            &LinkState::Reconnecting { at: at(9_000) },
            "reconnecting",
            "Connection to the server lost, trying again now. Values on this page are old.",
        );
        check(
            &LinkState::Disconnected { at: at(11_000) },
            "disconnected",
            "No network, next attempt in 1 s. Values on this page are old.",
        );
        check(
            &LinkState::Error { message: "bad_protocol".into() },
            "error",
            "The server refused the connection: bad_protocol. Reload the page, or try again.",
        );
    }

    #[test]
    fn a_recovery_is_told_for_six_seconds() {
        let recovery = Recovery { n_resumed: 4, n_replayed: 412, n_lost: 0, ..Recovery::default() };
        let told = |now_ms| notice(&LinkState::Connected, Some((recovery, at(10_000))), at(now_ms), &[]).words;
        assert_eq!(told(10_000), "Reconnected: resumed, 412 replayed, 0 lost");
        assert_eq!(told(15_999), told(10_000));
        assert_eq!(told(16_000), "");
    }

    #[test]
    fn only_what_came_from_the_server_is_called_old() {
        let direct = ["Binance".to_owned(), "Kraken".to_owned()];
        let words = |link: &LinkState, direct: &[String]| notice(link, None, at(10_000), direct).words;
        let lost = LinkState::Reconnecting { at: at(12_400) };
        assert_eq!(
            words(&lost, &direct[..1]),
            "Connection to the server lost, next attempt in 3 s. Values from the server are old; data from Binance comes directly and continues.",
        );
        let offline = LinkState::Disconnected { at: at(11_000) };
        assert!(words(&offline, &direct).ends_with("data from Binance, Kraken comes directly and continues."));
        assert_eq!(words(&LinkState::Connected, &direct), "");
    }
}
