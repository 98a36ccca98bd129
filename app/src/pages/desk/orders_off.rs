//! The rule for orders without a connection to the server: the desk gets no command, so they are off. One rule for every control that
//! gives it one, by pointer or by key; each says why it does nothing.
//!
//! A recording that plays in this page has its desk here, and needs no server. Not here: what the desk refuses.

use leptos::prelude::*;

#[cfg(feature = "browser")]
use crate::live::recorder::own::plays;
use crate::{
    live::{Live, link::LinkState, recorder::use_recorder, use_live},
    pages::desk::account::is_replay,
};

/// Tells whether orders are off. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct OrdersOff(Memo<bool>);

impl OrdersOff {
    /// Returns true while orders are off.
    pub fn get(self) -> bool {
        self.0.get()
    }

    /// Returns why the control does nothing, for its tooltip; `None` while orders are on.
    pub fn reason(self) -> Option<&'static str> {
        self.get().then_some(NO_CONNECTION)
    }

    /// Returns the same as [`Self::get`], for event handlers.
    pub fn get_untracked(self) -> bool {
        self.0.get_untracked()
    }
}

/// Returns whether orders are off, from now on.
pub fn use_orders_off() -> OrdersOff {
    let live = use_live();
    let (link, is_own) = (live.link(), use_recorder().is_own());
    OrdersOff(Memo::new(move |_| {
        link.track();
        is_own.track();
        are_orders_off(live)
    }))
}

/// Returns true if orders are off now; for event handlers.
pub fn are_orders_off(live: Live) -> bool {
    live.link().with_untracked(|link| are_off(link, is_replay() && plays()))
}

fn are_off(link: &LinkState, has_own_desk: bool) -> bool {
    link.is_away() && !has_own_desk
}

/// The server plays no recording by itself.
#[cfg(not(feature = "browser"))]
fn plays() -> bool {
    false
}

/// Why orders are off.
pub const NO_CONNECTION: &str = "No connection to the server: orders are off";

#[cfg(test)]
mod tests {
    use model::time::Monotonic;

    use super::*;

    #[test]
    fn orders_are_off_without_a_connection_unless_the_desk_is_in_this_page() {
        #[track_caller]
        fn check(link: LinkState, expected: bool) {
            assert_eq!(are_off(&link, false), expected, "{link:?}");
            assert!(!are_off(&link, true), "{link:?}");
        }
        // An order given before the first answer is refused by the connection itself.
        check(LinkState::Connecting, false);
        check(LinkState::Connected, false);
        check(LinkState::Reconnecting { at: Monotonic::ZERO }, true);
        check(LinkState::Disconnected { at: Monotonic::ZERO }, true);
        check(LinkState::Error { message: "logged out".to_owned() }, true);
    }
}
