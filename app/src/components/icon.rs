//! Line icons of 16 pixels, drawn for this page: one stroke width, round ends, the colour of the text beside them.

use leptos::prelude::*;

/// The icons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A bell: sound.
    Bell,
    /// Candles: the Live page.
    Candles,
    /// A chevron: opens something below.
    ChevronDown,
    /// A clock with an arrow: what has been.
    Clock,
    /// A cross: close.
    Close,
    /// Columns side by side: the Markets page.
    Columns,
    /// An eye: shown.
    Eye,
    /// An eye, crossed out: hidden.
    EyeOff,
    /// A gauge: data quality.
    Gauge,
    /// Lines across a frame: a grid of prices.
    Grid,
    /// A moon: dark.
    Moon,
    /// Two bars: pause.
    Pause,
    /// A triangle: play.
    Play,
    /// A plug: the Venues page.
    Plug,
    /// A pulse: the System page.
    Pulse,
    /// A reel of tape: recordings.
    Reel,
    /// A scale that carries two weights: positions.
    Scales,
    /// A screen: follow the system.
    Screen,
    /// A lens: search.
    Search,
    /// A person: the account.
    Person,
    /// A shield: risk.
    Shield,
    /// Sliders: settings.
    Sliders,
    /// A sun: light.
    Sun,
    /// Two switches: the server's configuration.
    Switches,
    /// Four tiles: the dashboard.
    Tiles,
}

impl Icon {
    /// Returns the strokes, on a grid of 16 by 16.
    fn strokes(self) -> &'static str {
        match self {
            Self::Bell => "M4 11.5V7.5a4 4 0 0 1 8 0v4M2.5 11.5h11M6.8 14h2.4",
            Self::Candles => "M5 2v2M5 10v3M3 4h4v6H3zM11 3v3M11 11v3M9 6h4v5H9z",
            Self::ChevronDown => "M4 6.5l4 4 4-4",
            Self::Clock => "M8 2.5a5.5 5.5 0 1 1-5.3 4M2.5 3v3.5H6M8 5v3.2l2.2 1.4",
            Self::Close => "M4 4l8 8M12 4l-8 8",
            Self::Columns => "M2 3h12v10H2zM2 6.5h12M6 3v10M10 3v10",
            Self::Eye => {
                "M1.5 8s2.4-4.2 6.5-4.2S14.5 8 14.5 8 12.1 12.2 8 12.2 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z"
            }
            Self::EyeOff => "M1.5 8s2.4-4.2 6.5-4.2S14.5 8 14.5 8 12.1 12.2 8 12.2 1.5 8 1.5 8zM3 13L13 3",
            Self::Gauge => "M2.5 12a5.5 5.5 0 1 1 11 0M8 12l2.6-4M4.5 12h1M10.5 12h1",
            Self::Grid => "M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11",
            Self::Moon => "M13 9.4A5.5 5.5 0 1 1 6.6 3a4.4 4.4 0 0 0 6.4 6.4z",
            Self::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Self::Play => "M5 3.5v9l7-4.5z",
            Self::Plug => "M5.5 2v3.5M10.5 2v3.5M3.5 5.5h9v2a4.5 4.5 0 0 1-9 0zM8 12v2.5",
            Self::Pulse => "M1.5 8.5h3l1.8-5 3 9.5 2-4.5h3.2",
            Self::Reel => {
                "M8 2.2a5.8 5.8 0 1 0 0 11.6h6M8 4.4v.2M11.4 8h.2M8 11.4v.2M4.4 8h.2M8 6.8a1.2 1.2 0 1 0 0 2.4 1.2 1.2 0 0 0 0-2.4zM13.8 8a5.8 5.8 0 0 0-5.8-5.8"
            }
            Self::Scales => "M8 2.5v11M5 13.5h6M3 4.5h10M3 4.5l-1.5 4.5h3zM13 4.5l-1.5 4.5h3z",
            Self::Screen => "M2 3h12v8H2zM6 14h4M8 11v3",
            Self::Search => "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14",
            Self::Person => {
                "M8 2.5a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM2.8 13.8c.5-2.7 2.6-4.2 5.2-4.2s4.7 1.5 5.2 4.2"
            }
            Self::Shield => "M8 2l5 2v4c0 3-2.2 5-5 6-2.8-1-5-3-5-6V4z",
            Self::Sliders => "M2 4h7M12 4h2M9 2.5v3M2 12h2M7 12h7M7 10.5v3M2 8h8.5M13.5 8h.5M10.5 6.5v3",
            Self::Sun => {
                "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9"
            }
            Self::Switches => {
                "M4.7 2.5h6.6a2.3 2.3 0 0 1 0 4.6H4.7a2.3 2.3 0 0 1 0-4.6zM4.7 8.9h6.6a2.3 2.3 0 0 1 0 4.6H4.7a2.3 2.3 0 0 1 0-4.6zM4.8 4.7v.2M11.2 11.1v.2"
            }
            Self::Tiles => "M2.5 2.5h4.5v6H2.5zM9 2.5h4.5v3H9zM9 7.5h4.5v6H9zM2.5 10.5h4.5v3H2.5z",
        }
    }
}

/// The icon as an inline picture, hidden from screen readers: the text beside it says the same.
#[component]
pub fn IconMark(
    /// The icon.
    #[prop(into)]
    icon: Signal<Icon>,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
            <path d=move || icon.get().strokes()></path>
        </svg>
    }
}
