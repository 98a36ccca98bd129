//! The shown instrument: the one in the address, otherwise a sensible default.

use std::{sync::Arc, time::Duration};

use leptos::prelude::*;
use model::{
    instrument::{Instrument, InstrumentId},
    status::StreamState,
};
use topics::channels::status::StatusData;

use crate::{
    live::{Live, instruments::InstrumentList, use_live},
    route::use_route,
    settings::{Settings, use_settings},
};

/// The shown instrument.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// Its id; `None` until one could be chosen.
    pub id: Memo<Option<InstrumentId>>,
    /// Its steps and names; `None` until the list of instruments has arrived.
    pub instrument: Memo<Option<Arc<Instrument>>>,
    /// The instrument in the address, where it cannot be read as one.
    pub unreadable: Memo<Option<String>>,
}

impl Selection {
    /// Returns the asset pair as a reader knows it (`BTC/USD`), otherwise the venue's own spelling.
    pub fn name(self) -> String {
        self.instrument.with(|instrument| match instrument {
            Some(instrument) => pair(instrument),
            None => self.id.with(|id| id.as_ref().map_or_else(String::new, |id| id.symbol().to_owned())),
        })
    }

    /// Returns true if the instrument is simulated.
    pub fn is_simulated(self) -> bool {
        self.instrument.with(|instrument| instrument.as_ref().is_some_and(|instrument| instrument.is_simulated))
    }

    /// Returns true if the instrument plays from a recording.
    pub fn is_replay(self) -> bool {
        self.id.with(|id| id.as_ref().is_some_and(|id| id.venue().replayed().is_some()))
    }

    /// Returns the decimals of prices and of sizes.
    pub fn decimals(self) -> Option<(u32, u32)> {
        self.instrument.with(|instrument| {
            instrument.as_ref().map(|instrument| (instrument.price_decimals(), instrument.size_decimals()))
        })
    }
}

/// Returns the asset pair as a reader knows it (`BTC/USD`).
pub fn pair(instrument: &Instrument) -> String {
    format!("{}/{}", instrument.base, instrument.quote)
}

/// Provides the selection to the page. Needs the address.
pub fn provide_selection() -> Selection {
    let live = use_live();
    let route = use_route();
    let is_patient = RwSignal::new(true);
    Effect::new(move |_| {
        set_timeout(move || is_patient.set(false), PATIENCE);
    });
    let written = Memo::new(move |_| route.parameter("symbol"));
    let asked = Memo::new(move |_| written.with(|text| InstrumentId::parse(text.as_deref()?).ok()));
    let unreadable = Memo::new(move |_| written.get().filter(|text| !text.is_empty() && asked.with(Option::is_none)));
    let settings = use_settings();
    let last_chosen = Memo::new(move |_| settings.with(|settings| settings.last_chosen.clone()));
    remember_choice(asked, settings);
    let id = Memo::new(move |known: Option<&Option<InstrumentId>>| {
        if let Some(asked) = asked.get() {
            return Some(asked);
        }
        if let Some(Some(known)) = known {
            return Some(known.clone());
        }
        live.tick().track();
        live.instruments().with(|list| match last_chosen.get().filter(|id| list.find(id).is_some()) {
            Some(last) => Some(last),
            None => live.with_model(|model| first_choice(list, model.status(), is_patient.get())).flatten(),
        })
    });
    let instrument = Memo::new(move |_| live.instruments().with(|list| id.with(|id| list.find(id.as_ref()?).cloned())));
    let selection = Selection { id, instrument, unreadable };
    provide_context(selection);
    selection
}

/// Remembers the instrument in the address, and puts it back there where a link to the Live page leaves it out.
fn remember_choice(asked: Memo<Option<InstrumentId>>, settings: RwSignal<Settings>) {
    let route = use_route();
    let path = route.path();
    let chosen = StoredValue::new(None::<InstrumentId>);
    Effect::new(move |_| match (asked.get(), path.with(|path| path == LIVE)) {
        (Some(id), _) => {
            chosen.set_value(Some(id.clone()));
            // A replay ends: the next visit could not show it.
            if !id.venue().is_replay() && settings.with_untracked(|settings| settings.last_chosen.as_ref() != Some(&id))
            {
                settings.update(|settings| settings.last_chosen = Some(id));
            }
        }
        (None, true) => {
            if let Some(id) = chosen.get_value() {
                route.correct(&address(LIVE, &id));
            }
        }
        (None, false) => {}
    });
}

/// Returns what to show when a replay has ended: the instrument chosen last before it, otherwise the first one that is
/// not replayed.
pub fn before_replay(live: Live, settings: RwSignal<Settings>) -> Option<InstrumentId> {
    let last = settings.with_untracked(|settings| settings.last_chosen.clone());
    let first =
        |list: &InstrumentList| list.known.iter().find(|one| !one.id.venue().is_replay()).map(|one| one.id.clone());
    last.or_else(|| live.instruments().with_untracked(first))
}

/// Returns the address of the page at `path` with an instrument.
pub fn address(path: &str, id: &InstrumentId) -> String {
    let symbol = String::from(js_sys::encode_uri_component(&id.to_string()));
    // Colons and slashes are legal in a query and easier to read.
    let symbol = symbol.replace("%3A", ":").replace("%2F", "/");
    format!("{path}?symbol={symbol}")
}

/// The path of the Live page.
pub const LIVE: &str = "/";

/// Returns the shown instrument of this page.
pub fn use_selection() -> Selection {
    use_context().unwrap_or_else(|| {
        let (id, instrument) = (Memo::new(|_| None), Memo::new(|_| None));
        Selection { id, instrument, unreadable: Memo::new(|_| None) }
    })
}

/// Chooses a real instrument that is live; none yet while real ones may still become live; otherwise a simulated one,
/// or any.
fn first_choice(list: &InstrumentList, status: Option<&StatusData>, is_patient: bool) -> Option<InstrumentId> {
    let entry = |id: &InstrumentId| status?.streams.iter().find(|entry| entry.instrument == *id);
    let state = |id: &InstrumentId| entry(id).map(|entry| entry.state);
    let is_coming = |id: &InstrumentId| {
        entry(id).is_none_or(|entry| entry.state == StreamState::Initialising && entry.cause.is_none())
    };
    let id_of = |instrument: &Arc<Instrument>| instrument.id.clone();
    let mut known: Vec<&Arc<Instrument>> = list.known.iter().collect();
    // A replay is not current: it is shown by default only if there is nothing else.
    let is_replay = |instrument: &Arc<Instrument>| instrument.id.venue().replayed().is_some();
    if !known.iter().all(|instrument| is_replay(instrument)) {
        known.retain(|instrument| !is_replay(instrument));
    }
    // The most popular asset first; the list's order decides among equals.
    let is_popular =
        |instrument: &&Arc<Instrument>| FIRST_ASSETS.iter().any(|asset| instrument.base.starts_with(asset));
    let (mut known, others): (Vec<_>, Vec<_>) = known.into_iter().partition(is_popular);
    known.extend(others);
    let mut real = known.iter().copied().filter(|instrument| !instrument.is_simulated);
    if let Some(live) = real.clone().find(|instrument| state(&instrument.id) == Some(StreamState::Live)) {
        return Some(id_of(live));
    }
    if is_patient && real.any(|instrument| is_coming(&instrument.id)) {
        return None;
    }
    known.iter().copied().find(|instrument| instrument.is_simulated).or(known.first().copied()).map(id_of)
}

/// Base assets of the instrument shown first.
const FIRST_ASSETS: [&str; 2] = ["BTC", "XBT"];

/// Real feeds have this long to become live before a simulated one is shown.
const PATIENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use model::status::FeedMode;
    use topics::channels::status::StreamEntry;

    use super::*;

    fn list(ids: &[&str]) -> InstrumentList {
        let rows: Vec<String> = ids
            .iter()
            .map(|id| {
                let is_simulated = id.starts_with("demo");
                let base = id.rsplit(':').next().unwrap_or_default();
                format!(
                    r#"{{"id":"{id}","base":"{base}","quote":"B","tick_size":"0.1","lot_size":"1","min_notional":null,"status":"trading","is_simulated":{is_simulated}}}"#
                )
            })
            .collect();
        InstrumentList::parse(&format!(r#"{{"instruments":[{}]}}"#, rows.join(","))).unwrap()
    }

    fn status(entries: &[(&str, StreamState)]) -> StatusData {
        let streams = entries.iter().map(|(id, state)| StreamEntry {
            state: *state,
            cause: (*state == StreamState::Failed).then(|| "cannot connect".into()),
            ..StreamEntry::new(&InstrumentId::parse(id).unwrap(), FeedMode::WebSocket)
        });
        StatusData { streams: streams.collect(), ..StatusData::default() }
    }

    #[test]
    fn a_real_live_one_goes_first() {
        use StreamState::{Failed, Initialising, Live};
        #[track_caller]
        fn check(ids: &[&str], entries: &[(&str, StreamState)], is_patient: bool, expected: Option<&str>) {
            let chosen = first_choice(&list(ids), Some(&status(entries)), is_patient).map(|id| id.to_string());
            assert_eq!(chosen.as_deref(), expected);
        }
        let both = &["demo:SIM", "real:A", "real:B"];
        check(both, &[("demo:SIM", Live), ("real:A", Initialising), ("real:B", Live)], true, Some("real:B"));
        check(both, &[("demo:SIM", Live), ("real:A", Initialising), ("real:B", Failed)], true, None);
        check(both, &[("demo:SIM", Live), ("real:A", Initialising), ("real:B", Failed)], false, Some("demo:SIM"));
        check(both, &[("demo:SIM", Live), ("real:A", Failed), ("real:B", Failed)], true, Some("demo:SIM"));
        check(&["demo:SIM"], &[], true, Some("demo:SIM"));
        check(&["real:A"], &[("real:A", Failed)], true, Some("real:A"));
        check(&["demo:ADA", "demo:BTC", "demo:XRP"], &[], true, Some("demo:BTC"));
        check(&["real:A", "real:XBT"], &[("real:A", Live), ("real:XBT", Live)], true, Some("real:XBT"));
        check(&["demo:SIM", "replay-real:BTC"], &[("replay-real:BTC", Live)], true, Some("demo:SIM"));
        check(&["replay-real:BTC"], &[("replay-real:BTC", Live)], true, Some("replay-real:BTC"));
        check(&[], &[], false, None);
    }
}
