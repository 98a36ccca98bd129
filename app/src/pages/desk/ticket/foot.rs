//! The foot of the ticket, which stays where it is: the estimate of the side in hand, question or answer, and the two
//! buttons.

use desk::rows::OrderRow;
use leptos::{ev, prelude::*};
use model::trading::order::{Order, OrderRequest, Side, TimeInForce};
use topics::{channels::Channel, topic::Topic};

use crate::{
    format::{self, UNKNOWN},
    live::{Live, use_live},
    pages::desk::{
        actions::code_and_sentence,
        order_words,
        orders_off::{NO_CONNECTION, use_orders_off},
        rows::{read_row, topic},
        ticket::{
            TicketState,
            estimate::{Line, may_rest},
            preview::{Preview, use_preview},
            preview_name,
            sending::{self, Stage},
            words,
        },
    },
};

/// Estimate, question or answer, and the buttons.
#[component]
pub fn TicketFoot(
    /// The ticket's signals.
    state: TicketState,
) -> impl IntoView {
    let live = use_live();
    let wanted = Memo::new(move |_| {
        let side = state.side.get();
        state.market.with(|market| {
            let market = market.as_ref()?;
            state.fields.with(|fields| fields.request(side, market, preview_name()).ok())
        })
    });
    let preview = use_preview(wanted, book_revision(live, state));
    view! {
        <div class="ticket__foot">
            <Estimate state wanted preview/>
            <dl class="ticket__lines ticket__lines--own">
                {line("Free", "ticket-free", None, move || own(state, |view, instrument| view.free(instrument)))}
                {line("Position", "ticket-position", None, move || own(state, |view, instrument| view.position(instrument)))}
            </dl>
        </div>
        <div class="ticket__send">
            <Answer state/>
            <div class="ticket__sides" role="group" aria-label="Send">
                <SideButton state side=Side::Buy/>
                <SideButton state side=Side::Sell/>
            </div>
        </div>
    }
}

/// Returns the number of the shown book's last change.
fn book_revision(live: Live, state: TicketState) -> Memo<u64> {
    let book = Memo::new(move |_| {
        state
            .market
            .with(|market| market.as_ref().map(|market| vec![Topic::book(&market.instrument.id)]))
            .unwrap_or_default()
    });
    Memo::new(move |_| {
        live.tick().track();
        book.with(|book| live.with_model(|model| model.revision(book))).unwrap_or_default()
    })
}

fn own(state: TicketState, of: fn(&super::market::TicketView, &model::instrument::Instrument) -> String) -> String {
    state.market.with(|market| match market {
        Some(market) => state.view.with(|view| of(view, &market.instrument)),
        None => UNKNOWN.to_owned(),
    })
}

/// Returns a line: a label, and its text.
fn line(
    label: &'static str,
    testid: &'static str,
    labelled: Option<Signal<&'static str>>,
    text: impl Fn() -> String + Send + Sync + 'static,
) -> AnyView {
    let text = Memo::new(move |_| text());
    view! {
        <div class="ticket__line">
            <dt>{move || labelled.map_or(label, |label| label.get())}</dt>
            <dd data-testid=testid>{text}</dd>
        </div>
    }
    .into_any()
}

/// Estimate for the selected side, and why the order would be refused.
#[component]
fn Estimate(
    /// The ticket's signals.
    state: TicketState,
    /// The order in the form.
    wanted: Memo<Option<OrderRequest>>,
    /// The newest answer.
    preview: Signal<Option<Preview>>,
) -> impl IntoView {
    // An answer to an earlier order is shown as old.
    let is_old = Memo::new(move |_| {
        wanted.with(|wanted| preview.with(|preview| preview.as_ref().map(|preview| &preview.of) != wanted.as_ref()))
    });
    let text = move |line: Line| {
        let text = move || {
            preview.with(|preview| {
                let preview = preview.as_ref()?;
                let answer = preview.answer.as_ref().ok()?;
                state.market.with(|market| {
                    let market = market.as_ref()?;
                    Some(line.text(answer, &preview.of, &market.instrument, market.maker))
                })
            })
        };
        move || text().unwrap_or_else(|| UNKNOWN.to_owned())
    };
    let rests = Memo::new(move |_| wanted.with(|wanted| wanted.as_ref().is_none_or(may_rest)));
    let label = move |line: Line| Signal::derive(move || line.label(state.side.get(), rests.get()));
    let note = Memo::new(move |_| note(state, wanted, preview));
    view! {
        <div class="ticket__estimate" data-testid="ticket-estimate" data-old=move || is_old.get().to_string() data-side=move || state.side.get().as_str()>
            <p class="ticket__if" data-trend=move || order_words::side_trend(state.side.get())>
                {move || match state.side.get() {
                    Side::Buy => "If you buy",
                    Side::Sell => "If you sell",
                }}
            </p>
            <dl class="ticket__lines">
                {Line::ALL.map(|one| line("", one.as_str(), Some(label(one)), text(one)))}
            </dl>
            <p class="ticket__note" data-testid="ticket-note" role="status" data-tone=move || note.with(|note| note.0)>
                {move || note.with(|note| note.1.clone())}
            </p>
        </div>
    }
}

/// Returns what the reader must know before a press, and its tone.
fn note(
    state: TicketState,
    wanted: Memo<Option<OrderRequest>>,
    preview: Signal<Option<Preview>>,
) -> (&'static str, String) {
    if let Some(problem) = state.problem() {
        return (if problem.is_empty { "" } else { "bad" }, problem.words);
    }
    let refusal = preview.with(|preview| match &preview.as_ref()?.answer {
        Ok(answer) => answer.refusal.as_ref().map(|refusal| refused(refusal.code.as_str(), &refusal.message)),
        Err(words) => {
            let (code, sentence) = code_and_sentence(words);
            // The ticket has words of its own for a book that is not live.
            (code != "book_not_tradable").then(|| refused(code, sentence))
        }
    });
    if let Some(words) = refusal {
        return ("bad", words);
    }
    let says_no_book = preview.with(|preview| preview.as_ref().is_some_and(|preview| preview.answer.is_err()));
    let trouble = state.view.with(|view| view.book_trouble()).or(says_no_book.then_some("The book is not live"));
    wanted.with(|wanted| match (trouble, wanted) {
        (Some(trouble), Some(request)) if is_immediate(request) => {
            ("warn", format!("{trouble}: nothing fills, and an order that must fill at once is refused."))
        }
        (Some(trouble), _) => ("warn", format!("{trouble}: nothing fills until it is live. An order would wait.")),
        (None, Some(request)) if request.kind.is_conditional() => {
            ("", "By the book as it is now; it trades once its trigger is reached.".to_owned())
        }
        (None, _) => ("", String::new()),
    })
}

fn refused(code: &str, sentence: &str) -> String {
    let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
    format!("Would be refused: {sentence}{code}")
}

fn is_immediate(request: &OrderRequest) -> bool {
    matches!(request.time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
}

/// The question before an order is sent, or its outcome.
#[component]
fn Answer(
    /// The ticket's signals.
    state: TicketState,
) -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let row = follow_accepted(live, state);
    let words = Memo::new(move |_| {
        let outcome = |order: &Order, waiting: Option<&str>| {
            let known = state.market.with(|market| {
                let market = market.as_ref().filter(|market| market.instrument.id == order.instrument)?;
                Some(words::outcome(order, waiting, &market.instrument))
            });
            known.unwrap_or_else(|| ("ok", format!("Accepted: order {}.", order.order_id)))
        };
        state.stage.with(|stage| match stage {
            // The outcome of an order that was sent takes precedence.
            Stage::Editing | Stage::Asking { .. } if off.get() => ("bad", format!("{NO_CONNECTION}.")),
            Stage::Editing if state.is_one_click.get() => {
                ("warn", "One-click is on: a press sends at once.".to_owned())
            }
            Stage::Editing => ("", String::new()),
            Stage::Asking { words, .. } => ("ask", format!("{words}?")),
            Stage::Sending(_) => ("wait", "Sending…".to_owned()),
            Stage::Accepted(order) => row.with(|row| match row {
                Some(row) => outcome(&row.order, row.waiting_for.as_deref()),
                None => outcome(order, None),
            }),
            Stage::Refused { code, sentence } if code.is_empty() => ("bad", sentence.clone()),
            Stage::Refused { code, sentence } => ("bad", format!("Refused: {sentence} ({code})")),
            Stage::Unsettled { sentence, .. } => {
                ("bad", format!("Not settled: {sentence}. Sent again, it has the same name and is never placed twice."))
            }
        })
    });
    let is_unsettled = move || state.stage.with(|stage| matches!(stage, Stage::Unsettled { .. }));
    let again = move |_| {
        if let Stage::Unsettled { request, .. } = state.stage.get_untracked()
            && !off.get_untracked()
        {
            sending::send(live, request, state.stage);
        }
    };
    view! {
        <p
            class="ticket__answer"
            role="status"
            data-testid="ticket-answer"
            data-tone=move || words.with(|words| words.0)
            hidden=move || words.with(|words| words.1.is_empty())
        >
            {move || words.with(|words| words.1.clone())}
        </p>
        <button class="button" type="button" data-testid="ticket-again" hidden=move || !is_unsettled() aria-disabled=move || off.get().to_string() title=move || off.reason() on:click=again>
            "Send again"
        </button>
    }
}

/// Returns the accepted order as the desk has it now; what it had last once it is long gone.
fn follow_accepted(live: Live, state: TicketState) -> Memo<Option<OrderRow>> {
    let number = Memo::new(move |_| {
        state.stage.with(|stage| match stage {
            Stage::Accepted(order) => Some(order.order_id),
            _ => None,
        })
    });
    let topics = [topic(Channel::Orders)];
    let revision = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.revision(&topics))
    });
    Memo::new(move |known: Option<&Option<OrderRow>>| {
        let _revision = revision.get();
        let number = number.get()?;
        let row = live.with_model(|model| read_row::<OrderRow>(model, Channel::Orders, &number.to_string()));
        let known = known.cloned().flatten().filter(|row| row.order.order_id == number);
        row.and_then(Result::ok).flatten().flatten().or(known)
    })
}

/// Buy or Sell, always in its place. While the reader is asked, it confirms, and the other one goes back.
#[component]
fn SideButton(
    /// The ticket's signals.
    state: TicketState,
    /// Its side.
    side: Side,
) -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let asked = Memo::new(move |_| state.stage.with(Stage::asked));
    let role = move || match asked.get() {
        None => "press",
        Some(asked) if asked == side => "confirm",
        Some(_) => "back",
    };
    let label = move || match (role(), side) {
        ("confirm", Side::Buy) => "Confirm buy",
        ("confirm", Side::Sell) => "Confirm sell",
        ("back", _) => "Back",
        (_, side) => order_words::side(side),
    };
    let best = Memo::new(move |_| {
        let decimals = state.market.with(|market| market.as_ref().map(|market| market.instrument.price_decimals()));
        let price = state.view.with(|view| if side == Side::Buy { view.ask } else { view.bid });
        price.zip(decimals).map_or_else(|| UNKNOWN.to_owned(), |(price, decimals)| format::price(price, decimals))
    });
    let is_sending = move || state.stage.with(|stage| matches!(stage, Stage::Sending(_)));
    let point = move || {
        // The estimate of an order that is asked about stays.
        if state.stage.with_untracked(|stage| stage.asked().is_none()) && state.side.get_untracked() != side {
            state.side.set(side);
        }
    };
    let press = move |event: ev::MouseEvent| {
        // The second click of a double-click confirms nothing.
        if event.detail() < 2 && !off.get_untracked() {
            state.press(live, side);
        }
    };
    view! {
        <button
            class="ticket__side"
            type="button"
            id=button_id(side)
            data-testid=format!("ticket-{side}")
            data-side=side.as_str()
            data-role=role
            aria-disabled=move || (is_sending() || off.get()).to_string()
            title=move || off.reason()
            on:click=press
            on:focus=move |_| point()
            on:pointerenter=move |_| point()
        >
            <span>{label}</span>
            <span class="ticket__best-price" hidden=move || asked.get().is_some()>{best}</span>
        </button>
    }
}

/// Returns the id of a side's button.
pub fn button_id(side: Side) -> &'static str {
    match side {
        Side::Buy => "ticket-buy",
        Side::Sell => "ticket-sell",
    }
}
