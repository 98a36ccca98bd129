//! One sentence and one button where nobody follows the shown instrument: it was stopped, its replay has ended, it was
//! never followed, or the address names no instrument.

use leptos::prelude::*;
use model::instrument::InstrumentId;
use wire::command::{Command, FollowSymbols};

use crate::{
    live::{commands::CommandState, use_live},
    route::use_route,
    selection::{LIVE, Selection, address, before_replay},
    settings::use_settings,
};

/// Why there is no data for the address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Absence {
    /// The address has this where an instrument belongs.
    Unreadable(String),
    /// No venue has the name.
    UnknownVenue(InstrumentId),
    /// The replay of the instrument has ended.
    ReplayEnded,
    /// It was followed while the page showed it.
    Stopped(InstrumentId),
    /// Nobody follows it.
    NotFollowed(InstrumentId),
}

impl Absence {
    /// Returns the sentence; `name` and `venue` as a reader knows them.
    fn sentence(&self, name: &str, venue: &str) -> String {
        match self {
            Self::Unreadable(text) => {
                format!("“{text}” is not an instrument. Write the venue, a colon and its symbol.")
            }
            Self::UnknownVenue(id) => format!("There is no venue “{}”.", id.venue()),
            Self::ReplayEnded => "The replay has ended. These are its last values.".to_owned(),
            Self::Stopped(_) => format!("{name} on {venue} was stopped. These are its last values."),
            Self::NotFollowed(_) => format!("{name} is not followed on {venue}."),
        }
    }

    fn deed(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::ReplayEnded => "Back to live data",
            Self::UnknownVenue(_) => "Show all venues",
            Self::Stopped(_) => "Start again",
            Self::NotFollowed(_) => "Follow it",
        }
    }
}

/// The strip below the headline; nothing while the instrument is followed.
#[component]
pub fn AbsenceStrip(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let live = use_live();
    let (route, settings) = (use_route(), use_settings());
    let absence = Memo::new(move |_| {
        live.tick().track();
        if let Some(text) = selection.unreadable.get() {
            return Some(Absence::Unreadable(text.chars().take(64).collect()));
        }
        let id = selection.id.get()?;
        let (is_absent, has_values) = live.with_model(|model| (model.is_absent(&id), model.has_values(&id)))?;
        let is_unknown = live.venues().with(|venues| venues.is_known && venues.find(id.venue()).is_none());
        is_absent.then(|| match (id.venue().is_replay(), is_unknown, has_values) {
            (_, true, _) => Absence::UnknownVenue(id),
            (true, _, _) => Absence::ReplayEnded,
            (_, _, true) => Absence::Stopped(id),
            (_, _, false) => Absence::NotFollowed(id),
        })
    });
    let answer = RwSignal::new(CommandState::default());
    let words = move || {
        let venue = selection.id.with(|id| {
            live.venues().with(|venues| id.as_ref().map(|id| venues.title(id.venue()).to_owned())).unwrap_or_default()
        });
        absence.with(|absence| absence.as_ref().map(|absence| absence.sentence(&selection.name(), &venue)))
    };
    let act = move |_| match absence.get_untracked() {
        Some(Absence::Unreadable(_) | Absence::ReplayEnded) => {
            let shown = before_replay(live, settings);
            route.correct(&shown.map_or_else(|| LIVE.to_owned(), |shown| address(LIVE, &shown)));
        }
        Some(Absence::UnknownVenue(_)) => route.go("/venues"),
        Some(Absence::Stopped(id) | Absence::NotFollowed(id)) => {
            let (venue, symbols) = (id.venue().to_string(), vec![id.symbol().to_owned()]);
            let one = FollowSymbols { venue, symbols, keep: false };
            live.command(Command::StartFeed(one), answer);
        }
        None => {}
    };
    let refusal = move || match answer.get() {
        CommandState::Refused(words) => words,
        CommandState::Pending => "In progress…".to_owned(),
        CommandState::Idle | CommandState::Done => String::new(),
    };
    view! {
        <div class="absence" data-testid="absence" hidden=move || absence.with(Option::is_none)>
            <p role="status">{move || words().unwrap_or_default()}</p>
            <button
                class="button button--primary"
                data-testid="absence-deed"
                disabled=move || answer.with(|answer| *answer == CommandState::Pending)
                on:click=act
            >
                {move || absence.with(|absence| absence.as_ref().map(Absence::deed).unwrap_or_default())}
            </button>
            <span class="absence__answer" role="status">{refusal}</span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_absence_has_its_sentence_and_its_deed() {
        #[track_caller]
        fn check(absence: &Absence, sentence: &str, deed: &str) {
            assert_eq!((absence.sentence("XRP/USD", "Kraken").as_str(), absence.deed()), (sentence, deed));
        }
        let id = InstrumentId::parse("kraken:XRP/USD").unwrap();
        check(&Absence::NotFollowed(id.clone()), "XRP/USD is not followed on Kraken.", "Follow it");
        check(
            &Absence::Stopped(id.clone()),
            "XRP/USD on Kraken was stopped. These are its last values.",
            "Start again",
        );
        check(&Absence::UnknownVenue(id), "There is no venue “kraken”.", "Show all venues");
        check(&Absence::ReplayEnded, "The replay has ended. These are its last values.", "Back to live data");
        check(
            &Absence::Unreadable("foo".to_owned()),
            "“foo” is not an instrument. Write the venue, a colon and its symbol.",
            "Back to live data",
        );
    }
}
