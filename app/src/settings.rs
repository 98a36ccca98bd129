//! What the reader has chosen about looks and pace, remembered by the browser.
//!
//! Plain values and their text form. Reading and writing the browser's storage is done in `live`; the little script in
//! `shell` reads the same text before the first paint.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::fragment::cadence::{Cadence, Pace, Preset};

/// Under this name the text stands in the browser's storage.
pub const STORAGE_KEY: &str = "truetape.settings";

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system is set.
    #[default]
    System,
    /// Dark surfaces.
    Dark,
    /// Light surfaces.
    Light,
}

/// Which colours rising and falling prices have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpDown {
    /// Green rises, red falls.
    #[default]
    GreenRed,
    /// Red rises, green falls, as is usual in East Asia.
    RedGreen,
    /// Blue rises, orange falls: told apart with any colour vision.
    BlueOrange,
}

/// All choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Light or dark.
    pub theme: Theme,
    /// Colours of rising and falling prices.
    pub up_down: UpDown,
    /// Pace of all regions.
    pub preset: Preset,
    /// Whether changed values flash.
    pub flash: Flash,
    /// Pace of single regions, by name, where it differs from the preset's.
    pub paces: BTreeMap<String, Pace>,
}

/// Whether changed values flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flash {
    /// They do.
    #[default]
    On,
    /// They do not.
    Off,
}

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal, $label:literal;)* }) => {
        impl $type {
            /// All choices, in the order they are offered.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, as remembered and as CSS reads it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Its name for a reader.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }

            /// The choice of that name.
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
named!(Flash { On = "on", "On"; Off = "off", "Off"; });

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            up_down: UpDown::GreenRed,
            preset: Preset::Live,
            flash: Flash::On,
            paces: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Reads `theme=dark;updown=blue-orange;cadence=calm;flash=off;pace.book=500`. What is not understood keeps its
    /// default, so that a newer or broken text never stops the page.
    pub fn parse(text: &str) -> Self {
        let mut settings = Self::default();
        for (key, value) in text.split(';').filter_map(|part| part.split_once('=')) {
            match key {
                "theme" => settings.theme = Theme::parse(value).unwrap_or_default(),
                "updown" => settings.up_down = UpDown::parse(value).unwrap_or_default(),
                "cadence" => settings.preset = Preset::parse(value).unwrap_or_default(),
                "flash" => settings.flash = Flash::parse(value).unwrap_or_default(),
                _ => {
                    if let (Some(name), Some(pace)) = (key.strip_prefix("pace."), Pace::parse(value)) {
                        settings.paces.insert(name.to_owned(), pace);
                    }
                }
            }
        }
        settings
    }

    /// The text that [`Self::parse`] reads.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "theme={};updown={};cadence={};flash={}",
            self.theme.as_str(),
            self.up_down.as_str(),
            self.preset.as_str(),
            self.flash.as_str()
        );
        for (name, pace) in &self.paces {
            text.push_str(&format!(";pace.{name}={}", pace.name()));
        }
        text
    }

    /// The pace of the region `name` of a group.
    pub fn pace(&self, name: &str, cadence: Cadence) -> Pace {
        self.paces.get(name).copied().unwrap_or_else(|| cadence.pace(self.preset))
    }
}

impl Theme {
    /// The next choice for a button that goes round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Dark,
            Self::Dark => Self::Light,
            Self::Light => Self::System,
        }
    }
}

/// The settings of this page. Defaults until the browser's storage has been read.
pub fn use_settings() -> RwSignal<Settings> {
    use_context().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_round_trips() {
        let mut settings = Settings::parse("theme=dark;updown=blue-orange;cadence=calm;flash=off;pace.book=500");
        assert_eq!((settings.theme, settings.up_down), (Theme::Dark, UpDown::BlueOrange));
        assert_eq!((settings.preset, settings.flash), (Preset::Calm, Flash::Off));
        assert_eq!(settings.paces.get("book"), Pace::parse("500").as_ref());
        settings.paces.insert("chart".into(), Pace::OnDemand);
        assert_eq!(Settings::parse(&settings.to_text()), settings);
    }

    #[test]
    fn a_region_may_have_its_own_pace() {
        let settings = Settings::parse("cadence=calm;pace.book=100");
        assert_eq!(settings.pace("book", Cadence::Price), Cadence::Price.pace(Preset::Live));
        assert_eq!(settings.pace("tape", Cadence::Price), Cadence::Price.pace(Preset::Calm));
    }

    proptest! {
        #[test]
        fn any_text_is_readable(text in ".{0,200}") {
            let settings = Settings::parse(&text);
            prop_assert_eq!(Settings::parse(&settings.to_text()), settings);
        }
    }
}
