//! The order ticket of the Live page: one form, two sides, an estimate, a question, an answer.
//!
//! # Layout
//! - [`form`], [`size`], [`ending`]: what is typed, and the order that it asks for · [`market`]: what the ticket samples
//! - [`pacer`], [`preview`], [`estimate`]: what the order would get · [`words`], [`sending`]: question and answer
//! - [`fields`], [`foot`]: the components · [`memory`]: what outlives them

pub mod ending;
pub mod estimate;
pub mod fields;
pub mod foot;
pub mod form;
pub mod market;
pub mod memory;
pub mod pacer;
pub mod preview;
pub mod sending;
pub mod size;
pub mod words;

use leptos::{ev, prelude::*};
use model::{
    instrument::InstrumentId,
    trading::order::{ClientOrderId, Side},
};
use topics::{channels::Channel, topic::Topic};

use crate::{
    cadence::Cadence,
    fragment::Fragment,
    live::{Live, browser, model::LiveModel, use_live},
    pages::{
        desk::{
            account::account,
            head::{ReplayTag, Standing, StandingBanners},
            rows::topic,
            ticket::{
                fields::TicketFields,
                foot::TicketFoot,
                form::{Fields, Problem},
                market::{Market, TicketView},
                sending::Stage,
            },
        },
        live::picked_price::use_picked_price,
    },
    selection::Selection,
    settings::use_settings,
};

/// The ticket of the shown instrument.
#[component]
pub fn Ticket(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let live = use_live();
    // The account's first: the region is as fresh as the desk, and the book says for itself how far it can be trusted.
    let topics = Signal::derive(move || {
        let own = [Channel::Dashboard, Channel::Positions, Channel::Orders].map(topic);
        let shown = selection.id.get().map(|id| [Topic::quote(&id), Topic::book(&id)]);
        own.into_iter().chain(shown.into_iter().flatten()).collect::<Vec<_>>()
    });
    let source = move |model: &LiveModel| {
        // The time of the frame: the server renders this too, and has no clock here.
        let now = live.tick().get_untracked();
        selection.id.with_untracked(|id| id.as_ref().map(|id| TicketView::sample(model, id, now)).transpose())
    };
    view! {
        <Fragment name="ticket" cadence=Cadence::Positions topics source let:view>
            <TicketForm view selection/>
        </Fragment>
    }
}

/// The signals that the parts of the ticket share.
#[derive(Clone, Copy)]
pub struct TicketState {
    /// As typed.
    pub fields: RwSignal<Fields>,
    /// The side that the estimate is about: the one that was pointed at last.
    pub side: RwSignal<Side>,
    /// Stage of the order.
    pub stage: RwSignal<Stage>,
    /// True if a press sends without a question.
    pub is_one_click: RwSignal<bool>,
    /// The account, the position and the market.
    pub view: Memo<TicketView>,
    /// Market data that the form needs; `None` until the instrument is known.
    pub market: Memo<Option<Market>>,
}

impl TicketState {
    fn new(view: Signal<Option<TicketView>>, selection: Selection) -> Self {
        let settings = use_settings();
        let view = Memo::new(move |_| view.get().unwrap_or_default());
        let zone = Memo::new(move |_| settings.with(|settings| settings.time_zone));
        let market = Memo::new(move |_| {
            let instrument = selection.instrument.get()?;
            Some(view.with(|view| view.market(&instrument, zone.get())))
        });
        Self {
            fields: RwSignal::new(memory::draft(selection.id.get_untracked().as_ref())),
            side: RwSignal::new(Side::Buy),
            stage: RwSignal::new(Stage::default()),
            is_one_click: RwSignal::new(memory::is_one_click()),
            view,
            market,
        }
    }

    /// Switches one-click on or off, for this visit.
    fn set_one_click(self, is_on: bool) {
        memory::set_one_click(is_on);
        self.is_one_click.set(is_on);
    }

    /// Returns what keeps the form from being an order of the side in hand; tracked.
    fn problem(self) -> Option<Problem> {
        let side = self.side.get();
        self.market.with(|market| {
            let name = preview_name();
            self.fields.with(|fields| fields.request(side, market.as_ref()?, name).err())
        })
    }

    /// Asks whether to send the order of a side, sends it if that is the answer, or goes back if the other side was asked
    /// about.
    fn press(self, live: Live, side: Side) {
        match self.stage.get_untracked() {
            Stage::Sending(_) => return,
            Stage::Asking { request, .. } if request.side == side => return sending::send(live, request, self.stage),
            Stage::Asking { .. } => return self.stage.set(Stage::Editing),
            _ => {}
        }
        self.side.set(side);
        let Some(market) = self.market.get_untracked() else { return };
        let fields = self.fields.get_untracked();
        match fields.request(side, &market, fresh_name()) {
            Ok(request) if self.is_one_click.get_untracked() => sending::send(live, Box::new(request), self.stage),
            Ok(request) => {
                let words = words::question(&request, &market.instrument, fields.reference(side, &market));
                self.stage.set(Stage::Asking { request: Box::new(request), words });
            }
            Err(problem) => self.stage.set(Stage::Refused { code: String::new(), sentence: problem.words }),
        }
    }
}

#[component]
fn TicketForm(
    /// The account, the position and the market.
    view: Signal<Option<TicketView>>,
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let state = TicketState::new(view, selection);
    let standing = Memo::new(move |_| state.view.with(|view| view.standing.clone()));
    follow_instrument(state, selection);
    follow_edits(state, selection);
    fill_in_picked(state, selection);
    let live = use_live();
    let is_absent = Memo::new(move |_| {
        live.tick().track();
        let is_absent = |id: &InstrumentId| live.with_model(|model| model.is_absent(id)).unwrap_or_default();
        selection.id.with(|id| id.as_ref().is_some_and(is_absent))
    });
    // Recordings from elsewhere may lack the list of instruments.
    let has_no_steps = Memo::new(move |_| {
        let is_replay = selection.id.with(|id| id.as_ref().is_some_and(|id| id.venue().is_replay()));
        is_replay && live.instruments().with(|list| list.is_known) && selection.instrument.with(Option::is_none)
    });
    // Why there is nothing to trade with, or nothing to trade.
    let absence = Memo::new(move |_| {
        let no_account = standing.with(|standing| standing.has_none().then(|| standing.words()));
        no_account
            .or_else(|| is_absent.get().then(|| "Nothing trades here until the instrument is followed.".to_owned()))
            .or_else(|| has_no_steps.get().then(|| NO_STEPS.to_owned()))
    });
    let has_form = Memo::new(move |_| absence.with(Option::is_none));
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Escape" if state.stage.with_untracked(|stage| stage.asked().is_some()) => {
            event.stop_propagation();
            state.stage.set(Stage::Editing);
        }
        // Enter in a field sends nothing: it moves to the button of the side in hand.
        "Enter" if browser::is_typing() => {
            event.prevent_default();
            browser::focus_soon(foot::button_id(state.side.get_untracked()));
        }
        _ => {}
    };
    let set_one_click = move |event: ev::Event| state.set_one_click(event_target_checked(&event));
    view! {
        <div class="panel__head ticket__head">
            <h2 class="panel__title">"Ticket"</h2>
            <span class="tag ticket__paper" title="Paper money: nothing is sent to the venue">"PAPER"</span>
            <ReplayTag/>
            <span class="ticket__account" data-testid="ticket-account" title=move || standing.with(Standing::words)>{account().to_string()}</span>
            <label class="ticket__check ticket__one-click" hidden=move || !has_form.get() title="One press sends, without a question. Until the page is loaded again.">
                <input type="checkbox" data-testid="one-click" prop:checked=state.is_one_click on:change=set_one_click/>
                "One-click"
            </label>
        </div>
        <p class="desk-note" data-testid="ticket-absent" hidden=move || has_form.get()>{move || absence.get().unwrap_or_default()}</p>
        <form
            class="ticket"
            data-testid="ticket"
            data-stage=move || state.stage.with(stage_name)
            data-one-click=move || state.is_one_click.get().to_string()
            aria-label="Order ticket"
            novalidate
            hidden=move || !has_form.get()
            on:submit=|event: ev::SubmitEvent| event.prevent_default()
            on:keydown=on_key
        >
            <div class="ticket__scroll">
                <StandingBanners standing/>
                <TicketFields state/>
            </div>
            <TicketFoot state/>
        </form>
    }
}

/// Another instrument has other prices, and an order for the one before is not asked about any more.
fn follow_instrument(state: TicketState, selection: Selection) {
    Effect::new(move |known: Option<Option<InstrumentId>>| {
        let id = selection.id.get();
        if known.flatten().is_some_and(|known| Some(&known) != id.as_ref()) {
            state.fields.update(Fields::leave_instrument);
            if !matches!(state.stage.get_untracked(), Stage::Sending(_)) {
                state.stage.set(Stage::Editing);
            }
        }
        id
    });
}

/// Cancels a pending confirmation when the form changes, and keeps the draft of a hidden ticket.
fn follow_edits(state: TicketState, selection: Selection) {
    Effect::new(move |known: Option<()>| {
        memory::keep_draft(selection.id.get_untracked(), state.fields.get());
        if known.is_some() && state.stage.with_untracked(|stage| stage.asked().is_some()) {
            state.stage.set(Stage::Editing);
        }
    });
}

fn fill_in_picked(state: TicketState, selection: Selection) {
    let picked = use_picked_price();
    Effect::new(move |_| {
        let Some(instrument) = selection.instrument.get() else { return };
        if let Some(price) = picked.take(&instrument.id) {
            state.fields.update(|fields| fields.fill_in(price, &instrument));
        }
    });
}

fn stage_name(stage: &Stage) -> &'static str {
    match stage {
        Stage::Editing => "editing",
        Stage::Asking { .. } => "asking",
        Stage::Sending(_) => "sending",
        Stage::Accepted(_) => "accepted",
        Stage::Refused { .. } => "refused",
        Stage::Unsettled { .. } => "unsettled",
    }
}

/// The name of an order that is not placed.
fn preview_name() -> ClientOrderId {
    ClientOrderId::parse("preview").expect("invariant: the name is valid")
}

/// The name of the next order.
fn fresh_name() -> ClientOrderId {
    ClientOrderId::parse(&browser::fresh_name("page")).unwrap_or_else(|_| preview_name())
}

const NO_STEPS: &str =
    "The recording does not tell the steps of price and size of this instrument, so it cannot be traded.";
