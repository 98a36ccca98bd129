//! Asks the desk what an order would get, while the ticket is open and something has changed. Answers about another order
//! than the one in the form are dropped.

use desk::preview::OrderPreview;
use leptos::prelude::*;
use model::trading::order::OrderRequest;

use crate::pages::desk::ticket::pacer::{Change, Pacer};

/// The newest answer, and the order that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The order.
    pub of: OrderRequest,
    /// Preview of the order; otherwise `code: sentence`.
    pub answer: Result<OrderPreview, String>,
}

/// Returns the newest answer about `wanted`, asked again after each change of it or of `book`, the number of the book's
/// last change. While an answer is awaited, it is that to an earlier order.
pub fn use_preview(wanted: Memo<Option<OrderRequest>>, book: Memo<u64>) -> Signal<Option<Preview>> {
    let asking = Asking {
        wanted,
        pacer: StoredValue::new(Pacer::default()),
        is_timed: StoredValue::new(false),
        shown: RwSignal::new(None),
    };
    Effect::new(move |known: Option<(Option<OrderRequest>, u64)>| {
        let next = (wanted.get(), book.get());
        if next.0.is_none() {
            asking.pacer.update_value(Pacer::forget);
            asking.shown.set(None);
        } else {
            let is_same = known.is_some_and(|known| known.0 == next.0);
            asking.pacer.update_value(|pacer| pacer.note(if is_same { Change::Book } else { Change::Request }));
            asking.turn();
        }
        next
    });
    asking.shown.into()
}

#[derive(Clone, Copy)]
struct Asking {
    wanted: Memo<Option<OrderRequest>>,
    pacer: StoredValue<Pacer>,
    is_timed: StoredValue<bool>,
    shown: RwSignal<Option<Preview>>,
}

impl Asking {
    /// Asks if it is time, or comes back when it will be. The ticket may be gone by then.
    #[cfg(feature = "browser")]
    fn turn(self) {
        use crate::live::browser;

        let now = browser::now().monotonic;
        let Some(due) = self.pacer.try_with_value(Pacer::due).flatten() else { return };
        if due > now {
            if self.is_timed.try_update_value(|is_timed| std::mem::replace(is_timed, true)) == Some(false) {
                let again = move || {
                    self.is_timed.try_update_value(|is_timed| *is_timed = false);
                    self.turn();
                };
                set_timeout(again, due.saturating_since(now));
            }
            return;
        }
        let Some(of) = self.wanted.try_get_untracked().flatten() else { return };
        self.pacer.try_update_value(|pacer| pacer.begin(now));
        leptos::task::spawn_local(async move {
            let answer = preview(&of).await;
            if self.pacer.try_update_value(Pacer::end).is_none() {
                return;
            }
            if self.wanted.try_get_untracked().flatten().as_ref() == Some(&of) {
                let _gone = self.shown.try_set(Some(Preview { of, answer }));
            }
            self.turn();
        });
    }

    #[cfg(not(feature = "browser"))]
    fn turn(self) {
        let _only_browsers_ask = (self.wanted, self.is_timed);
    }
}

/// Asks the desk of this page's replay, if the order is for that, otherwise the server.
#[cfg(feature = "browser")]
async fn preview(of: &OrderRequest) -> Result<OrderPreview, String> {
    use model::trading::desk_choice::DeskChoice;
    use wire::direct::AccountQuestion;

    use crate::live::{recorder::own, rest};

    if DeskChoice::of(of.account.as_ref(), Some(&of.instrument)) == Ok(DeskChoice::Replay)
        && let Some(answer) = own::ask_desk(AccountQuestion::PreviewOrder(Box::new(of.clone()))).await
    {
        return serde_json::from_str(answer?.as_str()).map_err(|_| "The answer cannot be read.".to_owned());
    }
    rest::post_json("api/v1/orders/preview", of).await
}
