//! The figures of the headline, and of each row of the watchlist: a quote as text.

use model::decimal::{Price, Quantity};
use topics::channels::quote::QuoteData;

use crate::{
    components::{figure::Figure, flash_price::PriceFigure},
    format,
};

/// The figures of one instrument, ready to display.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Price of the last trade.
    pub last: PriceFigure,
    /// Change over 24 hours.
    pub change: Figure,
    /// The direction of the price against 24 hours ago.
    pub trend: Trend,
    /// Highest price of 24 hours.
    pub high: Figure,
    /// Lowest price of 24 hours.
    pub low: Figure,
    /// Base units traded in 24 hours.
    pub volume: Figure,
    /// Highest bid.
    pub bid: PriceFigure,
    /// Lowest ask.
    pub ask: PriceFigure,
    /// Mean of bid and ask.
    pub mid: Figure,
    /// Ask minus bid.
    pub spread: Figure,
}

/// Above or below; the sign beside the colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trend {
    /// Unchanged, or unknown.
    #[default]
    Level,
    /// Above.
    Up,
    /// Below.
    Down,
}

impl Trend {
    /// Returns the value for `data-trend`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// Returns the sign that shows it without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Level => "",
            Self::Up => "▲",
            Self::Down => "▼",
        }
    }
}

impl Figures {
    /// Builds the figures of a quote of `of`. Without known decimals each number keeps its own digits.
    pub fn new(of: &str, quote: &QuoteData, decimals: Option<(u32, u32)>) -> Self {
        let own = |price: Option<Price>| price.map_or(0, Price::scale);
        let price_decimals =
            decimals.map_or_else(|| own(quote.last).max(own(quote.bid)).max(own(quote.ask)), |(prices, _)| prices);
        let price_figure = |price| PriceFigure::new(of.to_owned(), price, price_decimals);
        let figure = |price: Option<Price>| price.map(|price| plain(price, price_decimals)).unwrap_or_default();
        let percent = format::change_percent(quote.day_open, quote.last);
        let quoted = quote.bid.zip(quote.ask);
        Self {
            last: price_figure(quote.last),
            change: percent.map(change).unwrap_or_default(),
            trend: percent.map(trend).unwrap_or_default(),
            high: figure(quote.day_high),
            low: figure(quote.day_low),
            volume: quote.day_volume.map(volume).unwrap_or_default(),
            bid: price_figure(quote.bid),
            ask: price_figure(quote.ask),
            // Half a tick needs one more decimal.
            mid: quoted
                .and_then(|(bid, ask)| bid.mid(ask))
                .map(|price| plain(price, price_decimals + 1))
                .unwrap_or_default(),
            spread: quoted
                .and_then(|(bid, ask)| ask.checked_sub(bid))
                .map(|price| plain(price, price_decimals))
                .unwrap_or_default(),
        }
    }
}

fn plain(price: Price, decimals: u32) -> Figure {
    Figure { text: format::price(price, decimals), value: price.at_scale(decimals).to_string() }
}

fn change(percent: f64) -> Figure {
    Figure { text: format::percent(percent), value: format!("{percent:.2}") }
}

fn trend(percent: f64) -> Trend {
    match percent {
        percent if percent >= 0.005 => Trend::Up,
        percent if percent <= -0.005 => Trend::Down,
        _ => Trend::Level,
    }
}

fn volume(volume: Quantity) -> Figure {
    Figure { text: format::compact(volume.to_f64_lossy()), value: volume.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote() -> QuoteData {
        let price = |text| Price::parse(text).ok();
        QuoteData {
            bid: price("61602.01"),
            ask: price("61602.02"),
            last: price("61602.02"),
            day_open: price("60850"),
            day_high: price("62110"),
            day_low: price("60804.2"),
            day_volume: Quantity::parse("21437.2").ok(),
            ..QuoteData::default()
        }
    }

    #[test]
    fn figures_have_the_instruments_decimals() {
        let figures = Figures::new("a", &quote(), Some((2, 5)));
        let shown = |figure: &Figure| figure.text.replace(format::GROUP, " ");
        assert_eq!(figures.last.text.replace(format::GROUP, " "), "61 602.02");
        assert_eq!((shown(&figures.high), shown(&figures.low)), ("62 110.00".into(), "60 804.20".into()));
        assert_eq!((shown(&figures.mid), figures.mid.value.as_str()), ("61 602.015".into(), "61602.015"));
        assert_eq!(shown(&figures.spread), "0.01");
        assert_eq!((shown(&figures.change), figures.trend), ("+1.24 %".into(), Trend::Up));
        assert_eq!((shown(&figures.volume), figures.volume.value.as_str()), ("21.4K".into(), "21437.2"));
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let figures = Figures::new("a", &QuoteData::default(), None);
        assert_eq!(figures.change, Figure::default());
        assert_eq!((figures.last.text.as_str(), figures.trend), ("–", Trend::Level));
        let falling = QuoteData { last: Price::parse("60000").ok(), ..quote() };
        assert_eq!(Figures::new("a", &falling, Some((2, 5))).trend, Trend::Down);
    }
}
