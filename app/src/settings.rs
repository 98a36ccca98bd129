//! The reader's choices of appearance and pace, stored by the browser.
//!
//! Plain values and their text form. Reading and writing the browser's storage is done in `live`; the short script in
//! `document` reads the same text before the first paint.
//!
//! Over 500 lines: one list of settings, their text form, and the tests that both agree.

use std::time::Duration;

use chart::chart::{BarStyle, Studies};
use leptos::prelude::*;
use model::{
    candle::Interval,
    decimal::{Notional, Quantity},
    instrument::InstrumentId,
    sorted::SortedMap,
};
use topics::limits::GROUP_TICKS;

use crate::{
    cadence::{Cadence, Pace, Preset},
    live::browser,
};

/// The key of the text in the browser's storage.
pub const STORAGE_KEY: &str = "truetape.settings";

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Follow the system.
    #[default]
    System,
    /// Dark surfaces.
    Dark,
    /// Light surfaces.
    Light,
}

/// The colours of rising and falling prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpDown {
    /// Green rises, red falls.
    #[default]
    GreenRed,
    /// Red rises, green falls, as is usual in East Asia.
    RedGreen,
    /// Blue rises, orange falls: distinguishable with any colour vision.
    BlueOrange,
}

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Light or dark.
    pub theme: Theme,
    /// Colours of rising and falling prices.
    pub up_down: UpDown,
    /// Pace of all regions.
    pub preset: Preset,
    /// Flashing of changed values.
    pub flash: Flash,
    /// Data that the page may use.
    pub bandwidth: Bandwidth,
    /// The studies shown in the chart beside candles and volume.
    pub studies: Studies,
    /// The chart's indicators, in display order; at most [`MAX_INDICATORS`].
    pub indicators: Vec<ChosenIndicator>,
    /// The length of the chart's candles.
    pub interval: Interval,
    /// The shape of candles.
    pub bar_style: BarStyle,
    /// True if the chart spaces prices by their ratios.
    pub is_log: bool,
    /// The zone of times in chart and tape.
    pub time_zone: TimeZone,
    /// The unit of sizes in book and tape.
    pub size_unit: SizeUnit,
    /// Display of the order ticket beside the chart.
    pub ticket: TicketChoice,
    /// The instrument that the reader chose last.
    pub last_chosen: Option<InstrumentId>,
    /// Individual paces of regions, by name, if they differ from the preset's.
    pub paces: SortedMap<String, Pace>,
    /// Price steps of the book, in ticks, by instrument, if larger than one tick. At most [`MAX_REMEMBERED`], the most
    /// recent at the end.
    pub group_ticks: Vec<(String, u32)>,
    /// Sizes of panels in CSS pixels, where the reader has set them.
    pub panes: SortedMap<Pane, u16>,
    /// Instruments that stand first in the watchlist. At most [`MAX_REMEMBERED`].
    pub favourites: Vec<String>,
    /// Smallest trades shown by the tape, by instrument, if it does not show all. At most [`MAX_REMEMBERED`], the most
    /// recent at the end.
    pub tape_least: Vec<(String, String)>,
    /// Smallest trades that sound, in the quote currency, by instrument; none at first. At most [`MAX_REMEMBERED`], the
    /// most recent at the end.
    pub sound_least: Vec<(String, String)>,
}

/// An indicator on the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenIndicator {
    /// Spec of the indicator (`rsi(14)`).
    pub spec: String,
    /// Position of its first line's colour.
    pub colour: u8,
    /// True to draw nothing of it.
    pub is_hidden: bool,
}

impl ChosenIndicator {
    /// Parses `2h:rsi(14)`: colour, `h` if hidden, and what it is.
    fn parse(text: &str) -> Option<Self> {
        let (look, spec) = text.split_once(':')?;
        let (digits, is_hidden) = look.strip_suffix('h').map_or((look, false), |digits| (digits, true));
        let is_plain =
            !spec.is_empty() && spec.len() <= MAX_SPEC_BYTES && spec.bytes().all(|byte| byte.is_ascii_graphic());
        (is_plain && !spec.contains([';', ':'])).then_some(())?;
        Some(Self { spec: spec.to_owned(), colour: digits.parse().ok()?, is_hidden })
    }
}

/// A panel of the Live page whose size the reader may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pane {
    /// The width of book and tape.
    Side,
    /// The height of the watchlist.
    Watch,
    /// The height of the book above the tape.
    Book,
}

/// The zone of displayed times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeZone {
    /// UTC, like the venues.
    #[default]
    Utc,
    /// The reader's own.
    Local,
}

/// The unit of displayed sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeUnit {
    /// Units of the base asset, exact.
    #[default]
    Base,
    /// Price times size in the quote currency, rounded.
    Quote,
}

/// Display of the order ticket beside the chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TicketChoice {
    /// It is shown where there is room for it.
    #[default]
    Auto,
    /// It is.
    Shown,
    /// It is not.
    Hidden,
}

/// Flashing of changed values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flash {
    /// They flash.
    #[default]
    On,
    /// They do not.
    Off,
}

/// Data that the page may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bandwidth {
    /// As much as the other settings need.
    #[default]
    Full,
    /// Little: everything once a second, few levels of the book, nothing flashes.
    Low,
}

impl Bandwidth {
    /// Returns a region's pace, given that of its other settings.
    fn pace(self, pace: Pace) -> Pace {
        match (self, pace) {
            (Self::Low, Pace::Every(span)) => Pace::Every(span.max(LOW_PACE)),
            (_, pace) => pace,
        }
    }

    /// Returns the most levels of a book's side; `None` for as many as there is room for.
    pub fn max_levels(self) -> Option<usize> {
        (self == Self::Low).then_some(LOW_LEVELS)
    }
}

/// The server's slowest lane.
const LOW_PACE: Duration = Duration::from_secs(1);

const LOW_LEVELS: usize = 10;

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal, $label:literal;)* }) => {
        impl $type {
            /// All choices, in display order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns its name, as stored and as read by CSS.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Returns its displayed name.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }

            /// Parses a choice from its name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.as_str() == text)
            }
        }
    };
}

named!(Theme { System = "system", "System"; Dark = "dark", "Dark"; Light = "light", "Light"; });
named!(UpDown {
    GreenRed = "green-red", "Green / red";
    RedGreen = "red-green", "Red / green";
    BlueOrange = "blue-orange", "Blue / orange";
});
named!(Pane {
    Side = "side", "Width of book and tape";
    Watch = "watch", "Height of the watchlist";
    Book = "book", "Height of the book";
});
named!(TimeZone { Utc = "utc", "UTC"; Local = "local", "Local"; });
named!(SizeUnit { Base = "base", "Base"; Quote = "quote", "Quote"; });
named!(TicketChoice { Auto = "auto", "Where there is room"; Shown = "shown", "Shown"; Hidden = "hidden", "Hidden"; });
named!(Bandwidth { Full = "full", "Full"; Low = "low", "Low"; });
named!(Flash { On = "on", "On"; Off = "off", "Off"; });

impl TimeZone {
    /// Returns its offset from UTC in milliseconds, positive to the east, at an instant in milliseconds since the epoch.
    pub fn offset_ms(self, time_ms: i64) -> i64 {
        match self {
            Self::Utc => 0,
            Self::Local => browser::offset_ms(time_ms),
        }
    }
}

impl Pane {
    /// Returns true for a width, false for a height.
    pub fn is_width(self) -> bool {
        self == Self::Side
    }

    /// Returns true if the panel grows when its divider moves right or down.
    pub fn grows_forward(self) -> bool {
        self == Self::Book
    }

    /// Returns the selectors of the panels that have this size; the first one in view tells it.
    pub fn selectors(self) -> [&'static str; 2] {
        match self {
            Self::Side => [".book-panel", ".tape-panel"],
            Self::Watch => [".watch-panel"; 2],
            Self::Book => [".book-panel"; 2],
        }
    }

    /// Returns the size while the reader has set none, roughly, in CSS pixels.
    pub fn default_size(self) -> u16 {
        match self {
            Self::Side => 328,
            Self::Watch => 200,
            Self::Book => 400,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            up_down: UpDown::GreenRed,
            preset: Preset::Live,
            flash: Flash::On,
            bandwidth: Bandwidth::Full,
            studies: Studies::default(),
            indicators: Vec::new(),
            interval: Interval::M1,
            bar_style: BarStyle::default(),
            is_log: false,
            time_zone: TimeZone::Utc,
            size_unit: SizeUnit::Base,
            ticket: TicketChoice::Auto,
            last_chosen: None,
            paces: SortedMap::new(),
            group_ticks: Vec::new(),
            panes: SortedMap::new(),
            favourites: Vec::new(),
            tape_least: Vec::new(),
            sound_least: Vec::new(),
        }
    }
}

impl Settings {
    /// Parses
    /// `theme=dark;updown=blue-orange;cadence=calm;flash=off;studies=delta+profile;indicator=2:rsi(14);interval=5m;`
    /// `bars=line;scale=log;zone=local;last=demo:BTC-SIM;pace.book=500;group.demo:BTC-SIM=10`.
    /// Invalid parts keep their defaults, so that a newer or broken text never stops the page.
    pub fn parse(text: &str) -> Self {
        let mut settings = Self::default();
        for (key, value) in text.split(';').filter_map(|part| part.split_once('=')) {
            match key {
                "theme" => settings.theme = Theme::parse(value).unwrap_or_default(),
                "updown" => settings.up_down = UpDown::parse(value).unwrap_or_default(),
                "cadence" => settings.preset = Preset::parse(value).unwrap_or_default(),
                "flash" => settings.flash = Flash::parse(value).unwrap_or_default(),
                "bandwidth" => settings.bandwidth = Bandwidth::parse(value).unwrap_or_default(),
                "studies" => {
                    let has = |name| value.split('+').any(|part| part == name);
                    settings.studies = Studies { delta: has("delta"), profile: has("profile") };
                    // Versions before 0.3 had one moving average, of 20 candles unless `average` says otherwise.
                    if has("average") {
                        settings.add_indicator("sma(20)");
                    }
                }
                "average" => {
                    if let (Some(known), Ok(n_bars)) = (settings.indicators.first_mut(), value.parse::<u16>()) {
                        known.spec = format!("sma({n_bars})");
                    }
                }
                "indicator" => {
                    if let Some(chosen) = ChosenIndicator::parse(value) {
                        settings.take_indicator(chosen);
                    }
                }
                "bars" => settings.bar_style = BarStyle::parse(value).unwrap_or_default(),
                "scale" => settings.is_log = value == "log",
                "zone" => settings.time_zone = TimeZone::parse(value).unwrap_or_default(),
                "size" => settings.size_unit = SizeUnit::parse(value).unwrap_or_default(),
                "ticket" => settings.ticket = TicketChoice::parse(value).unwrap_or_default(),
                "interval" => settings.interval = value.parse().unwrap_or(Interval::M1),
                "last" => settings.last_chosen = InstrumentId::parse(&unescaped(value)).ok(),
                _ => settings.parse_named(key, value),
            }
        }
        settings
    }

    fn parse_named(&mut self, key: &str, value: &str) {
        let Some((kind, name)) = key.split_once('.') else { return };
        match kind {
            "pace" => {
                if let Some(pace) = Pace::parse(value) {
                    self.paces.insert(name.to_owned(), pace);
                }
            }
            "pane" => {
                if let Some(pane) = Pane::parse(name) {
                    self.set_pane(pane, value.parse().ok());
                }
            }
            "favourite" => self.toggle_favourite(&unescaped(name)),
            "group" => self.set_group_ticks(&unescaped(name), value.parse().unwrap_or(1)),
            "tape" => self.set_tape_least(&unescaped(name), value),
            "sound" => self.set_sound_least(&unescaped(name), value),
            _ => {}
        }
    }

    /// Returns the text that [`Self::parse`] reads.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "theme={};updown={};cadence={};flash={}",
            self.theme.as_str(),
            self.up_down.as_str(),
            self.preset.as_str(),
            self.flash.as_str()
        );
        if self.bandwidth != Bandwidth::default() {
            text.push_str(&format!(";bandwidth={}", self.bandwidth.as_str()));
        }
        let Studies { delta, profile } = self.studies;
        let studies: Vec<&str> =
            [(delta, "delta"), (profile, "profile")].iter().filter(|study| study.0).map(|study| study.1).collect();
        if !studies.is_empty() {
            text.push_str(&format!(";studies={}", studies.join("+")));
        }
        for ChosenIndicator { spec, colour, is_hidden } in &self.indicators {
            text.push_str(&format!(";indicator={colour}{}:{spec}", if *is_hidden { "h" } else { "" }));
        }
        if self.bar_style != BarStyle::default() {
            text.push_str(&format!(";bars={}", self.bar_style.as_str()));
        }
        if self.is_log {
            text.push_str(";scale=log");
        }
        if self.time_zone != TimeZone::default() {
            text.push_str(&format!(";zone={}", self.time_zone.as_str()));
        }
        if self.size_unit != SizeUnit::default() {
            text.push_str(&format!(";size={}", self.size_unit.as_str()));
        }
        if self.ticket != TicketChoice::default() {
            text.push_str(&format!(";ticket={}", self.ticket.as_str()));
        }
        if self.interval != Interval::M1 {
            text.push_str(&format!(";interval={}", self.interval));
        }
        if let Some(id) = &self.last_chosen {
            text.push_str(&format!(";last={}", escaped(&id.to_string())));
        }
        for (name, pace) in &self.paces {
            text.push_str(&format!(";pace.{name}={}", pace.name()));
        }
        for (pane, size) in &self.panes {
            text.push_str(&format!(";pane.{}={size}", pane.as_str()));
        }
        for id in &self.favourites {
            text.push_str(&format!(";favourite.{}=on", escaped(id)));
        }
        for (id, n_ticks) in &self.group_ticks {
            text.push_str(&format!(";group.{}={n_ticks}", escaped(id)));
        }
        for (id, least) in &self.tape_least {
            text.push_str(&format!(";tape.{}={least}", escaped(id)));
        }
        for (id, least) in &self.sound_least {
            text.push_str(&format!(";sound.{}={least}", escaped(id)));
        }
        text
    }

    /// Adds an indicator to the chart, in the first colour that none has. One that is there already is only shown; a
    /// full chart takes no more.
    pub fn add_indicator(&mut self, spec: &str) {
        if let Some(known) = self.indicators.iter_mut().find(|known| known.spec == spec) {
            known.is_hidden = false;
            return;
        }
        let is_free = |colour: &u8| self.indicators.iter().all(|known| known.colour != *colour);
        let colour = (0..=u8::MAX).find(is_free).unwrap_or_default();
        self.take_indicator(ChosenIndicator { spec: spec.to_owned(), colour, is_hidden: false });
    }

    fn take_indicator(&mut self, chosen: ChosenIndicator) {
        let is_known = self.indicators.iter().any(|known| known.spec == chosen.spec);
        if !is_known && self.indicators.len() < MAX_INDICATORS {
            self.indicators.push(chosen);
        }
    }

    /// Returns the price step of an instrument's book, in ticks.
    pub fn group_ticks(&self, id: &str) -> u32 {
        self.group_ticks.iter().find(|(of, _)| of == id).map_or(1, |(_, n_ticks)| *n_ticks)
    }

    /// Sets the price step of an instrument's book; a step that is not offered counts as one tick.
    pub fn set_group_ticks(&mut self, id: &str, n_ticks: u32) {
        let wanted = GROUP_TICKS.contains(&n_ticks).then_some(n_ticks).filter(|n_ticks| *n_ticks > 1);
        remember(&mut self.group_ticks, id, wanted);
    }

    /// Returns the size of a panel in CSS pixels; `None` if the reader has set none.
    pub fn pane(&self, pane: Pane) -> Option<u16> {
        self.panes.get(&pane).copied()
    }

    /// Sets the size of a panel; `None` restores the default.
    pub fn set_pane(&mut self, pane: Pane, size: Option<u16>) {
        match size {
            Some(size) => self.panes.insert(pane, size),
            None => self.panes.remove(&pane),
        };
    }

    /// Makes an instrument a favourite, or an ordinary one again. A full list takes no more.
    pub fn toggle_favourite(&mut self, id: &str) {
        match self.favourites.iter().position(|known| known == id) {
            Some(idx) => {
                self.favourites.remove(idx);
            }
            None if self.favourites.len() < MAX_REMEMBERED => self.favourites.push(id.to_owned()),
            None => {}
        }
    }

    /// Returns the smallest trade shown by an instrument's tape, as typed; `None` if it shows all.
    pub fn tape_least_text(&self, id: &str) -> Option<&str> {
        self.tape_least.iter().find(|(of, _)| of == id).map(|(_, text)| text.as_str())
    }

    /// Returns the same as a quantity.
    pub fn tape_least(&self, id: &str) -> Option<Quantity> {
        self.tape_least_text(id).and_then(|text| Quantity::parse(text).ok())
    }

    /// Sets the smallest trade shown by an instrument's tape; text that is not a positive quantity shows all.
    pub fn set_tape_least(&mut self, id: &str, text: &str) {
        let is_filter = Quantity::parse(text).is_ok_and(|least| !least.is_zero());
        remember(&mut self.tape_least, id, is_filter.then(|| text.to_owned()));
    }

    /// Returns the smallest trade of an instrument that sounds, as typed; `None` if none does.
    pub fn sound_least_text(&self, id: &str) -> Option<&str> {
        self.sound_least.iter().find(|(of, _)| of == id).map(|(_, text)| text.as_str())
    }

    /// Sets the smallest trade of an instrument that sounds; text that is not a positive amount silences it.
    pub fn set_sound_least(&mut self, id: &str, text: &str) {
        let is_amount = Notional::parse(text).is_ok_and(|least| !least.is_zero() && !least.is_negative());
        remember(&mut self.sound_least, id, is_amount.then(|| text.to_owned()));
    }

    /// Sets the pace of a region; `None` follows the preset.
    pub fn set_pace(&mut self, name: &str, pace: Option<Pace>) {
        match pace {
            Some(pace) => self.paces.insert(name.to_owned(), pace),
            None => self.paces.remove(name),
        };
    }

    /// Returns the pace of the region `name` of a group.
    pub fn pace(&self, name: &str, cadence: Cadence) -> Pace {
        let pace = self.paces.get(name).copied().unwrap_or_else(|| cadence.pace(self.preset));
        self.bandwidth.pace(pace)
    }
}

impl Theme {
    /// Returns the next choice, for a button that cycles through all.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Dark,
            Self::Dark => Self::Light,
            Self::Light => Self::System,
        }
    }
}

/// Sets or removes an entry. A full list drops its oldest entry: a choice for one instrument is quickly made again.
fn remember<T>(list: &mut Vec<(String, T)>, id: &str, value: Option<T>) {
    list.retain(|(of, _)| of != id);
    if let Some(value) = value {
        if list.len() == MAX_REMEMBERED {
            list.remove(0);
        }
        list.push((id.to_owned(), value));
    }
}

/// Symbols may contain any character; separators of the text are written by number.
fn escaped(id: &str) -> String {
    id.replace('%', "%25").replace(';', "%3B").replace('=', "%3D")
}

fn unescaped(text: &str) -> String {
    text.replace("%3D", "=").replace("%3B", ";").replace("%25", "%")
}

/// Indicators on a chart.
pub const MAX_INDICATORS: usize = 12;

/// Longest text of an indicator.
const MAX_SPEC_BYTES: usize = 120;

/// Instruments for which a choice is remembered.
pub const MAX_REMEMBERED: usize = 50;

/// Returns the settings of this page. Defaults until the browser's storage has been read.
pub fn use_settings() -> RwSignal<Settings> {
    use_context().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn low_bandwidth_slows_everything_down() {
        let mut settings = Settings::parse("cadence=live;bandwidth=low;pace.book=33;pace.tape=5000;pace.chart=manual");
        let ms = |pace| match pace {
            Pace::Every(span) => Some(span.as_millis()),
            Pace::OnDemand => None,
        };
        assert_eq!(ms(settings.pace("book", Cadence::Shown)), Some(1_000));
        assert_eq!(ms(settings.pace("watch", Cadence::Price)), Some(1_000));
        assert_eq!(ms(settings.pace("tape", Cadence::Shown)), Some(5_000));
        assert_eq!(ms(settings.pace("chart", Cadence::Chart)), None);
        assert_eq!(settings.bandwidth.max_levels(), Some(10));
        assert_eq!(Settings::parse(&settings.to_text()), settings);
        settings.bandwidth = Bandwidth::Full;
        assert_eq!(ms(settings.pace("book", Cadence::Shown)), Some(33));
        assert_eq!(settings.bandwidth.max_levels(), None);
    }

    #[test]
    fn text_round_trips() {
        let mut settings = Settings::parse("theme=dark;updown=blue-orange;cadence=calm;flash=off;pace.book=500");
        assert_eq!((settings.theme, settings.up_down), (Theme::Dark, UpDown::BlueOrange));
        assert_eq!((settings.preset, settings.flash), (Preset::Calm, Flash::Off));
        assert_eq!(settings.paces.get("book"), Pace::parse("500").as_ref());
        settings.paces.insert("chart".into(), Pace::OnDemand);
        assert_eq!(Settings::parse(&settings.to_text()), settings);
        for (delta, profile) in [(false, false), (true, false), (false, true), (true, true)] {
            settings.studies = Studies { delta, profile };
            assert_eq!(Settings::parse(&settings.to_text()), settings);
        }
    }

    #[test]
    fn the_chart_is_remembered() {
        let mut settings = Settings::default();
        for (style, zone) in [(BarStyle::Line, TimeZone::Local), (BarStyle::Area, TimeZone::Utc)] {
            (settings.bar_style, settings.time_zone, settings.is_log) = (style, zone, style == BarStyle::Line);
            assert_eq!(Settings::parse(&settings.to_text()), settings);
        }
        assert_eq!(Settings::parse("bars=x;scale=x;zone=x;average=0"), Settings::default());
    }

    #[test]
    fn indicators_keep_their_order_colour_and_place() {
        let mut settings = Settings::default();
        for spec in ["rsi(14)", "bb(20,2)", "sma(9,source=hl2)", "rsi(14)"] {
            settings.add_indicator(spec);
        }
        let colours = |settings: &Settings| settings.indicators.iter().map(|known| known.colour).collect::<Vec<_>>();
        assert_eq!(colours(&settings), [0, 1, 2]);
        settings.indicators[1].is_hidden = true;
        assert_eq!(Settings::parse(&settings.to_text()), settings);
        settings.indicators.remove(0);
        settings.add_indicator("ema(12)");
        assert_eq!(colours(&settings), [1, 2, 0]);
        settings.add_indicator("bb(20,2)");
        assert!(!settings.indicators[0].is_hidden, "chosen again, it is shown");
        (0..50).for_each(|length| settings.add_indicator(&format!("sma({length})")));
        assert_eq!(settings.indicators.len(), MAX_INDICATORS);
        for nonsense in ["indicator=x", "indicator=:rsi", "indicator=1:", "indicator=1:a b", "indicator=300:rsi(14)"] {
            assert_eq!(Settings::parse(nonsense), Settings::default(), "{nonsense}");
        }
    }

    #[test]
    fn the_moving_average_of_earlier_versions_is_an_indicator() {
        let specs =
            |text: &str| Settings::parse(text).indicators.into_iter().map(|known| known.spec).collect::<Vec<_>>();
        assert_eq!(specs("studies=delta+average"), ["sma(20)"]);
        assert_eq!(specs("studies=average;average=50"), ["sma(50)"]);
        assert_eq!(specs("studies=delta;average=50"), [""; 0]);
    }

    #[test]
    fn interval_and_last_choice_survive_a_reload() {
        let mut settings = Settings::default();
        assert_eq!((settings.interval, &settings.last_chosen), (Interval::M1, &None));
        settings.interval = Interval::M15;
        settings.last_chosen = InstrumentId::parse("venue:a;b=c%3B.d").ok();
        assert!(settings.last_chosen.is_some());
        assert_eq!(Settings::parse(&settings.to_text()), settings);
        assert_eq!(Settings::parse("interval=2m;last=x"), Settings::default());
    }

    #[test]
    fn a_region_may_have_its_own_pace() {
        let settings = Settings::parse("cadence=calm;pace.book=100");
        assert_eq!(settings.pace("book", Cadence::Price), Cadence::Price.pace(Preset::Live));
        assert_eq!(settings.pace("tape", Cadence::Price), Cadence::Price.pace(Preset::Calm));
        let mut settings = settings;
        settings.set_pace("book", None);
        assert_eq!(settings.pace("book", Cadence::Price), Cadence::Price.pace(Preset::Calm));
    }

    #[test]
    fn choices_for_an_instrument_are_remembered() {
        let mut settings = Settings::default();
        let odd = "venue:a;b=c%3B.d";
        settings.set_group_ticks(odd, 50);
        settings.set_tape_least(odd, "0.50");
        settings.set_sound_least(odd, "100000");
        settings.size_unit = SizeUnit::Quote;
        let read = Settings::parse(&settings.to_text());
        assert_eq!((read.sound_least_text(odd), read.sound_least_text("other")), (Some("100000"), None));
        assert_eq!(read.size_unit, SizeUnit::Quote);
        settings.size_unit = SizeUnit::Base;
        assert_eq!((read.group_ticks(odd), read.tape_least(odd)), (50, Quantity::parse("0.50").ok()));
        assert_eq!((read.group_ticks("other"), read.tape_least("other")), (1, None));
        // Steps that are not offered, and texts that are not sizes, count as no choice.
        for (n_ticks, least) in [(7, "x"), (0, "-1"), (1, "0.00")] {
            settings.set_group_ticks(odd, n_ticks);
            settings.set_tape_least(odd, least);
            settings.set_sound_least(odd, least);
            assert_eq!(settings, Settings::default(), "{n_ticks} {least}");
        }
    }

    #[test]
    fn favourites_are_remembered_and_bounded() {
        let mut settings = Settings::default();
        settings.toggle_favourite("venue:a;b=c%3B.d");
        settings.toggle_favourite("venue:B");
        assert_eq!(Settings::parse(&settings.to_text()), settings);
        settings.toggle_favourite("venue:B");
        assert_eq!(settings.favourites, ["venue:a;b=c%3B.d"]);
        (0..200).for_each(|idx| settings.toggle_favourite(&idx.to_string()));
        assert_eq!(settings.favourites.len(), MAX_REMEMBERED);
    }

    #[test]
    fn sizes_of_panels_are_remembered() {
        let mut settings = Settings::parse("pane.side=400;pane.watch=x;pane.other=3;pane.book=70000");
        assert_eq!(Pane::ALL.iter().map(|pane| settings.pane(*pane)).collect::<Vec<_>>(), [Some(400), None, None]);
        settings.set_pane(Pane::Book, Some(333));
        assert_eq!(Settings::parse(&settings.to_text()), settings);
        settings.set_pane(Pane::Side, None);
        settings.set_pane(Pane::Book, None);
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn the_place_of_the_ticket_is_remembered() {
        for choice in TicketChoice::ALL {
            let settings = Settings { ticket: *choice, ..Settings::default() };
            assert_eq!(Settings::parse(&settings.to_text()), settings);
        }
        assert_eq!(Settings::parse("ticket=x"), Settings::default());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut settings = Settings::default();
        for idx in 0..200 {
            settings.set_group_ticks(&format!("venue:{idx}"), 10);
            assert_eq!(settings.group_ticks(&format!("venue:{idx}")), 10);
        }
        assert_eq!(settings.group_ticks.len(), MAX_REMEMBERED);
    }

    proptest! {
        #[test]
        fn any_text_is_readable(text in ".{0,200}") {
            let settings = Settings::parse(&text);
            prop_assert_eq!(Settings::parse(&settings.to_text()), settings);
        }
    }
}
