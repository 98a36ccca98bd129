//! One venue: its capabilities, its state, its symbols, and the controls to start and stop it.

use leptos::{ev, prelude::*};
use wire::command::{Command, FeedSymbols};

use crate::{
    components::status_mark::StatusMark,
    live::{commands::CommandState, use_live, venue_list::VenueRow},
    pages::venues::{
        figures::{VenueState, abilities, history_note, offered, typed},
        symbols::Followed,
    },
};

/// One venue.
#[component]
pub fn VenuePanel(
    /// The venue.
    venue: VenueRow,
    /// Its state.
    state: Memo<VenueState>,
) -> impl IntoView {
    let light = Signal::derive(move || state.with(|state| state.state));
    let is_running = Memo::new(move |_| state.with(|state| state.is_running));
    let text = move |of: fn(&VenueState) -> &str| move || state.with(|state| of(state).to_owned());
    let answer = RwSignal::new(CommandState::default());
    let can = venue.capabilities;
    let (name, title, followed) = (venue.name.clone(), venue.title.clone(), venue.name.clone());
    let note = history_note(&venue);
    let live = use_live();
    let stopped = name.clone();
    // Stopping takes the data away from all readers: it is asked for twice.
    let is_doomed = RwSignal::new(false);
    let stop = move |_| {
        is_doomed.set(false);
        let all = FeedSymbols { venue: stopped.clone(), symbols: Vec::new() };
        live.command(Command::StopFeed(all), answer);
    };
    view! {
        <section
            class="venue"
            data-testid="venue-panel"
            data-venue=name.clone()
            data-running=move || is_running.get().to_string()
            data-state=move || light.get().as_str()
            aria-label=title.clone()
        >
            <div class="venue__top">
                <div class="venue__name">
                    <span class="venue__light" hidden=move || !is_running.get()><StatusMark state=light/></span>
                    <h2 class="venue__title">{title.clone()}</h2>
                    <span class="venue__id">{name.clone()}</span>
                    {can.is_simulated.then(|| view! { <span class="tag tag--simulated">"simulated"</span> })}
                    <span class="venue__words" data-testid="venue-words">{text(|state| &state.words)}</span>
                </div>
                <p class="venue__can" data-testid="venue-can">{abilities(&venue)}</p>
                <span class="venue__action">
                    <button
                        class="button"
                        data-testid="venue-stop"
                        hidden=move || !is_running.get() || is_doomed.get()
                        disabled=move || answer.get() == CommandState::Pending
                        on:click=move |_| is_doomed.set(true)
                    >
                        "Stop"
                    </button>
                    <span class="venue__question" hidden=move || !(is_running.get() && is_doomed.get())>
                        "Stop for everyone?"
                        <button class="button button--danger" data-testid="venue-stop-yes" on:click=stop>"Stop"</button>
                        <button class="button" data-testid="venue-stop-no" on:click=move |_| is_doomed.set(false)>"Cancel"</button>
                    </span>
                </span>
            </div>
            {(!note.is_empty()).then(|| view! { <p class="venue__note" data-testid="venue-note">{note}</p> })}
            <p class="venue__trouble" data-testid="venue-trouble" hidden=move || text(|state| &state.trouble)().is_empty()>
                {text(|state| &state.trouble)}
            </p>
            <p class="venue__trouble" data-testid="venue-breaker" hidden=move || text(|state| &state.breaker)().is_empty()>
                {text(|state| &state.breaker)}
            </p>
            <Followed venue=followed state answer/>
            <Starter venue state answer/>
        </section>
    }
}

/// The field for symbols, the suggested symbols, and the result of the last command.
#[component]
fn Starter(
    /// The venue.
    venue: VenueRow,
    /// Its state.
    state: Memo<VenueState>,
    /// Receives the state of a command.
    answer: RwSignal<CommandState>,
) -> impl IntoView {
    let live = use_live();
    let text = RwSignal::new(String::new());
    let is_running = Memo::new(move |_| state.with(|state| state.is_running));
    let is_pending = Memo::new(move |_| answer.with(|answer| *answer == CommandState::Pending));
    let name = StoredValue::new(venue.name.clone());
    let start = move |symbols: Vec<String>| {
        let wanted = FeedSymbols { venue: name.get_value(), symbols };
        live.command(Command::StartFeed(wanted.into()), answer);
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        start(typed(&text.get_untracked()));
    };
    // The typed text is removed once the server has accepted it; after a refusal it stays, to be corrected.
    Effect::new(move |_| {
        if answer.get() == CommandState::Done {
            text.set(String::new());
        }
    });
    let example = venue.first_symbols.first().cloned().unwrap_or_default();
    let field_label = format!("Symbols to start on {}", venue.title);
    let offers = Memo::new(move |_| {
        state.with(|state| offered(&venue, &state.symbols).into_iter().map(str::to_owned).collect::<Vec<_>>())
    });
    let all_offered = move || {
        let symbols = offers.get();
        (!is_running.get() && !symbols.is_empty()).then(|| {
            let label = format!("Start with {}", symbols.join(", "));
            view! {
                <button
                    class="button button--primary"
                    type="button"
                    data-testid="venue-quick"
                    disabled=move || is_pending.get()
                    on:click=move |_| start(symbols.clone())
                >
                    {label}
                </button>
            }
        })
    };
    let single_offers = move || {
        let symbols = if is_running.get() { offers.get() } else { Vec::new() };
        let one = |symbol: String| {
            let wanted = symbol.clone();
            view! {
                <button
                    class="button button--tool"
                    type="button"
                    data-testid="venue-add"
                    disabled=move || is_pending.get()
                    on:click=move |_| start(vec![wanted.clone()])
                >
                    "+ "{symbol}
                </button>
            }
        };
        symbols.into_iter().map(one).collect_view()
    };
    let words = move || match answer.get() {
        CommandState::Idle | CommandState::Done => String::new(),
        CommandState::Pending => "In progress…".to_owned(),
        CommandState::Refused(words) => words,
    };
    view! {
        <form class="venue__starter" on:submit=submit>
            <input
                class="field venue__field"
                data-testid="venue-symbols"
                type="text"
                autocomplete="off"
                autocapitalize="characters"
                spellcheck="false"
                placeholder=format!("Symbols, e.g. {example}")
                aria-label=field_label
                prop:value=move || text.get()
                on:input=move |event: ev::Event| text.set(event_target_value(&event))
            />
            <button
                class="button venue__start"
                type="submit"
                data-testid="venue-start"
                disabled=move || is_pending.get() || typed(&text.read()).is_empty()
            >
                {move || if is_running.get() { "Add" } else { "Start" }}
            </button>
            {all_offered}
            {single_offers}
            <span
                class="venue__answer"
                data-testid="venue-answer"
                data-refused=move || answer.with(|answer| matches!(answer, CommandState::Refused(_))).to_string()
                role="status"
            >
                {words}
            </span>
        </form>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::live::venue_list::Capabilities;

    /// Enter in a field presses the form's first submit button.
    #[test]
    fn enter_submits_what_was_typed() {
        let html = Owner::new().with(|| {
            let venue = VenueRow {
                name: "one".into(),
                title: "One".into(),
                capabilities: Capabilities::default(),
                token: "not_needed".into(),
                history: "own".into(),
                first_symbols: vec!["A".into(), "B".into()],
            };
            let both = [VenueState::stopped(), VenueState { is_running: true, ..VenueState::stopped() }];
            let starter = |state: VenueState| {
                let (venue, answer) = (venue.clone(), RwSignal::new(CommandState::default()));
                view! { <Starter venue state=Memo::new(move |_| state.clone()) answer/> }.to_html()
            };
            both.map(starter).concat()
        });
        let buttons: Vec<&str> = html.split("<button").skip(1).filter_map(|rest| rest.split('>').next()).collect();
        let presets = buttons.iter().filter(|button| button.contains("type=\"button\"")).count();
        let submits: Vec<_> = buttons.iter().filter(|button| !button.contains("type=\"button\"")).collect();
        assert_eq!((presets, submits.len()), (3, 2), "{html}");
        assert!(submits.iter().all(|button| button.contains("venue-start")), "{submits:?}");
    }
}
