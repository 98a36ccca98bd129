//! The fields of the ticket. Those that a type does not have are hidden.

use leptos::{ev, prelude::*};
use model::{
    decimal::{Price, Rounding},
    instrument::Instrument,
    trading::order::{OrderType, Side, TimeInForce},
};

use crate::{
    format,
    pages::{
        desk::{
            money,
            ticket::{
                TicketState,
                form::{Field, Fields},
                market::Market,
                size::SizeIn,
            },
        },
        live::ticket_place::TICKET_FIELD,
    },
    settings::TimeZone,
};

type Place = fn(&mut Fields) -> &mut String;

/// All fields.
#[component]
pub fn TicketFields(
    /// The ticket's signals.
    state: TicketState,
) -> impl IntoView {
    let fields = state.fields;
    let has = move |read: fn(&Fields) -> bool| Signal::derive(move || fields.with(read));
    let quote = unit(state, |instrument| &instrument.quote);
    let priced = move |label: &'static str| Signal::derive(move || format!("{label}, {}", quote.get()));
    let zone = Memo::new(move |_| state.market.with(|market| market.as_ref().map(|market| market.zone)));
    let end_label = Signal::derive(move || match zone.get() {
        Some(TimeZone::Local) => "Ends, local time".to_owned(),
        _ => "Ends, UTC".to_owned(),
    });
    let has_bracket = has(|fields| fields.has_bracket && fields.can_have_bracket());
    view! {
        <div class="ticket__fields">
            <Choice
                label="Type"
                id=TICKET_FIELD
                testid="ticket-type"
                choices=OrderType::ALL.map(|kind| (kind.as_str(), type_label(kind))).to_vec()
                value=Signal::derive(move || fields.with(|fields| fields.kind.as_str()))
                choose=move |name: String| {
                    if let Some(kind) = OrderType::ALL.into_iter().find(|kind| kind.as_str() == name) {
                        fields.update(|fields| fields.kind = kind);
                    }
                }
            />
            <Choice
                label="Time in force"
                testid="ticket-tif"
                choices=LIVES.map(|(life, label)| (life.as_str(), label)).to_vec()
                value=Signal::derive(move || fields.with(|fields| fields.time_in_force.as_str()))
                choose=move |name: String| {
                    if let Some((life, _)) = LIVES.into_iter().find(|(life, _)| life.as_str() == name) {
                        fields.update(|fields| fields.time_in_force = life);
                    }
                }
            />
            <TextField state field=Field::Stop label=priced("Trigger price") testid="ticket-stop" place=|fields| &mut fields.stop is_shown=has(Fields::has_stop)/>
            <TextField state field=Field::Price label=priced("Price") testid="ticket-price" place=|fields| &mut fields.price is_shown=has(|fields| fields.kind.has_price())>
                <BestPrices state/>
            </TextField>
            <TrailField state/>
            <TextField state field=Field::End label=end_label testid="ticket-end" kind="datetime-local" place=|fields| &mut fields.end is_shown=has(|fields| fields.time_in_force == TimeInForce::Gtd)/>
            <SizeField state/>
            <div class="ticket__checks">
                <Check label="Post-only" title="Refused rather than take liquidity" testid="ticket-post-only" state place=|fields| &mut fields.post_only is_allowed=has(Fields::can_post)/>
                <Check label="Reduce-only" title="Never opens or enlarges a position" testid="ticket-reduce-only" state place=|fields| &mut fields.reduce_only is_allowed=Signal::stored(true)/>
                <Check label="Bracket" title="Stop-loss and take-profit of what the order opens; one cancels the other" testid="ticket-bracket" state place=|fields| &mut fields.has_bracket is_allowed=has(Fields::can_have_bracket)/>
            </div>
            <TextField state field=Field::StopLoss label=priced("Stop-loss") testid="ticket-stop-loss" class="ticket__half" place=|fields| &mut fields.stop_loss is_shown=has_bracket/>
            <TextField state field=Field::TakeProfit label=priced("Take-profit") testid="ticket-take-profit" class="ticket__half" place=|fields| &mut fields.take_profit is_shown=has_bracket/>
        </div>
    }
}

/// Returns a part of the instrument's terms as a text; empty until it is known.
fn unit(state: TicketState, of: fn(&Instrument) -> &str) -> Memo<String> {
    Memo::new(move |_| {
        state.market.with(|market| market.as_ref().map(|market| of(&market.instrument).to_owned())).unwrap_or_default()
    })
}

fn type_label(kind: OrderType) -> &'static str {
    match kind {
        OrderType::Market => "Market",
        OrderType::Limit => "Limit",
        OrderType::Stop => "Stop",
        OrderType::StopLimit => "Stop limit",
        OrderType::TakeProfit => "Take profit",
        OrderType::TakeProfitLimit => "Take-profit limit",
        OrderType::TrailingStop => "Trailing stop",
    }
}

const LIVES: [(TimeInForce, &str); 4] = [
    (TimeInForce::Gtc, "Till cancelled"),
    (TimeInForce::Ioc, "Immediate or cancel"),
    (TimeInForce::Fok, "Fill or kill"),
    (TimeInForce::Gtd, "Till a time"),
];

/// A field with its label above.
#[component]
fn TextField(
    /// The ticket's signals.
    state: TicketState,
    /// The field.
    field: Field,
    /// Its label.
    #[prop(into)]
    label: Signal<String>,
    /// The test id.
    testid: &'static str,
    /// The text in the form.
    place: Place,
    /// False for a type that has no such field.
    is_shown: Signal<bool>,
    /// Its type.
    #[prop(default = "text")]
    kind: &'static str,
    /// Its class.
    #[prop(default = "ticket__whole")]
    class: &'static str,
    /// Content beside the label.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let fields = state.fields;
    let value = Memo::new(move |_| fields.with(|fields| place(&mut fields.clone()).clone()));
    let is_wrong =
        Memo::new(move |_| state.problem().is_some_and(|problem| problem.field == field && !problem.is_empty));
    view! {
        <div class=format!("desk-field {class}") hidden=move || !is_shown.get()>
            <span class="ticket__label">
                <label for=testid>{label}</label>
                {children.map(|children| children())}
            </span>
            <input
                class="field"
                id=testid
                type=kind
                inputmode="decimal"
                autocomplete="off"
                data-testid=testid
                aria-invalid=move || is_wrong.get().to_string()
                prop:value=value
                on:input=move |event: ev::Event| fields.update(|fields| *place(fields) = event_target_value(&event))
            />
        </div>
    }
}

/// A choice with its label above.
#[component]
fn Choice(
    /// Its label.
    label: &'static str,
    /// The id of the field.
    #[prop(optional)]
    id: Option<&'static str>,
    /// The test id.
    testid: &'static str,
    /// Names and labels.
    choices: Vec<(&'static str, &'static str)>,
    /// The chosen name.
    value: Signal<&'static str>,
    /// Receives the chosen name.
    #[prop(into)]
    choose: Callback<String>,
) -> impl IntoView {
    let option = move |(name, label): (&'static str, &'static str)| {
        view! { <option value=name prop:selected=move || value.get() == name>{label}</option> }
    };
    view! {
        <label class="desk-field ticket__half">
            <span>{label}</span>
            <select class="field" id=id data-testid=testid on:change=move |event: ev::Event| choose.run(event_target_value(&event))>
                {choices.into_iter().map(option).collect_view()}
            </select>
        </label>
    }
}

/// A box to tick.
#[component]
fn Check(
    /// Its label.
    label: &'static str,
    /// Tooltip: the effect of ticking it.
    title: &'static str,
    /// The test id.
    testid: &'static str,
    /// The ticket's signals.
    state: TicketState,
    /// Its place in the form.
    place: fn(&mut Fields) -> &mut bool,
    /// False where it makes no sense.
    is_allowed: Signal<bool>,
) -> impl IntoView {
    let fields = state.fields;
    let is_on = Memo::new(move |_| fields.with(|fields| *place(&mut fields.clone())));
    view! {
        <label class="ticket__check" title=title>
            <input
                type="checkbox"
                data-testid=testid
                prop:checked=move || is_on.get() && is_allowed.get()
                prop:disabled=move || !is_allowed.get()
                on:change=move |event: ev::Event| fields.update(|fields| *place(fields) = event_target_checked(&event))
            />
            {label}
        </label>
    }
}

/// Buttons that fill in the best bid, the mean of both, or the best ask.
#[component]
fn BestPrices(
    /// The ticket's signals.
    state: TicketState,
) -> impl IntoView {
    let fill = move |price: Option<Price>| {
        if let Some((price, market)) = price.zip(state.market.get_untracked()) {
            state.fields.update(|fields| fields.price = on_tick(price, &market.instrument));
        }
    };
    let of = move |read: fn(Option<Price>, Option<Price>) -> Option<Price>| {
        move |_| fill(state.view.with_untracked(|view| read(view.bid, view.ask)))
    };
    view! {
        <span class="ticket__best" role="group" aria-label="Fill in the price">
            <button class="button button--bare" type="button" data-testid="ticket-bid" on:click=of(|bid, _| bid)>"bid"</button>
            <button class="button button--bare" type="button" data-testid="ticket-mid" on:click=of(|bid, ask| bid?.mid(ask?))>"mid"</button>
            <button class="button button--bare" type="button" data-testid="ticket-ask" on:click=of(|_, ask| ask)>"ask"</button>
        </span>
    }
}

fn on_tick(price: Price, instrument: &Instrument) -> String {
    let rounded = instrument.round_price(price, Rounding::Down).unwrap_or(price);
    rounded.at_scale(instrument.price_decimals()).to_string()
}

/// The distance of a trailing stop, and its unit.
#[component]
fn TrailField(
    /// The ticket's signals.
    state: TicketState,
) -> impl IntoView {
    let fields = state.fields;
    let is_shown = Signal::derive(move || fields.with(|fields| fields.kind == OrderType::TrailingStop));
    let quote = unit(state, |instrument| &instrument.quote);
    let is_bps = move || fields.with(|fields| fields.is_trail_bps);
    let choose =
        move |event: ev::Event| fields.update(|fields| fields.is_trail_bps = event_target_value(&event) == "bps");
    view! {
        <TextField state field=Field::Trail label="Distance" testid="ticket-trail" class="ticket__half" place=|fields| &mut fields.trail is_shown/>
        <label class="desk-field ticket__half" hidden=move || !is_shown.get()>
            <span>"Distance in"</span>
            <select class="field" data-testid="ticket-trail-unit" on:change=choose>
                <option value="quote" prop:selected=move || !is_bps()>{quote}</option>
                <option value="bps" prop:selected=is_bps>"basis points"</option>
            </select>
        </label>
    }
}

/// The size, its unit, and what it amounts to.
#[component]
fn SizeField(
    /// The ticket's signals.
    state: TicketState,
) -> impl IntoView {
    let fields = state.fields;
    let (base, quote) = (unit(state, |instrument| &instrument.base), unit(state, |instrument| &instrument.quote));
    let size_in = Memo::new(move |_| fields.with(|fields| fields.size_in));
    let choose = move |event: ev::Event| {
        if let Some(size_in) = SizeIn::parse(&event_target_value(&event)) {
            fields.update(|fields| fields.size_in = size_in);
        }
    };
    let option = move |one: SizeIn| {
        let label = move || match one {
            SizeIn::Quantity => base.get(),
            SizeIn::Value => quote.get(),
            SizeIn::Risk => "% at risk".to_owned(),
        };
        view! { <option value=one.as_str() prop:selected=move || size_in.get() == one>{label}</option> }
    };
    let amounts_to = Memo::new(move |_| {
        let side = state.side.get();
        state.market.with(|market| fields.with(|fields| amount(fields, side, market.as_ref()?))).unwrap_or_default()
    });
    view! {
        <TextField state field=Field::Size label="Size" testid="ticket-size" class="ticket__half" place=|fields| &mut fields.size is_shown=Signal::stored(true)/>
        <label class="desk-field ticket__half">
            <span>"Size in"</span>
            <select class="field" data-testid="ticket-size-in" on:change=choose>
                {SizeIn::ALL.map(option).collect_view()}
            </select>
        </label>
        <p class="ticket__amount" data-testid="ticket-amount">{amounts_to}</p>
    }
}

/// Returns what the typed size amounts to: its value, or the quantity that was computed from it.
fn amount(fields: &Fields, side: Side, market: &Market) -> Option<String> {
    let quantity = fields.quantity(side, market).ok()?;
    let instrument = &market.instrument;
    Some(match fields.size_in {
        SizeIn::Quantity => {
            let value = fields.reference(side, market)?.checked_mul(quantity)?;
            format!("≈ {} {}", money::text(value), instrument.quote)
        }
        SizeIn::Value | SizeIn::Risk => {
            format!("= {} {}", format::quantity(quantity, instrument.size_decimals()), instrument.base)
        }
    })
}
