//! Colours of a chart as plain RGB. The page sets them from its CSS tokens; the presets here are the same tokens for
//! drawing without a page. Not here: reading CSS.

/// One opaque colour, sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(
    /// Red.
    pub u8,
    /// Green.
    pub u8,
    /// Blue.
    pub u8,
);

/// Every colour a chart uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// The background; also the text on filled labels.
    pub background: Rgb,
    /// Grid lines, barely visible.
    pub grid: Rgb,
    /// The line between plot and axes.
    pub border: Rgb,
    /// Fills the crosshair labels.
    pub text: Rgb,
    /// Axis labels, the crosshair, and stale data.
    pub muted: Rgb,
    /// Lines of indicators, in the order of their use.
    pub indicators: [Rgb; 6],
    /// Bars that closed at or above their open.
    pub up: Rgb,
    /// Bars that closed below their open.
    pub down: Rgb,
}

impl Theme {
    /// The dark preset.
    pub const DARK: Self = Self {
        background: Rgb(9, 14, 17),
        grid: Rgb(24, 30, 34),
        border: Rgb(41, 47, 51),
        text: Rgb(226, 233, 238),
        muted: Rgb(157, 166, 173),
        indicators: [
            Rgb(218, 210, 103),
            Rgb(101, 178, 241),
            Rgb(223, 134, 215),
            Rgb(87, 212, 212),
            Rgb(248, 154, 86),
            Rgb(164, 148, 246),
        ],
        up: Rgb(64, 205, 155),
        down: Rgb(247, 93, 89),
    };

    /// The light preset.
    pub const LIGHT: Self = Self {
        background: Rgb(250, 252, 254),
        grid: Rgb(232, 236, 239),
        border: Rgb(208, 213, 217),
        text: Rgb(25, 35, 42),
        muted: Rgb(76, 87, 95),
        indicators: [
            Rgb(123, 108, 1),
            Rgb(17, 107, 181),
            Rgb(166, 46, 147),
            Rgb(0, 119, 129),
            Rgb(163, 83, 3),
            Rgb(111, 65, 193),
        ],
        up: Rgb(0, 127, 78),
        down: Rgb(201, 35, 36),
    };

    /// The dark preset with blue for up and orange for down.
    pub const DARK_COLOUR_BLIND: Self = Self { up: Rgb(86, 172, 240), down: Rgb(238, 151, 51), ..Self::DARK };

    /// The light preset with blue for up and orange for down; the orange is slightly darker than in the style guide's
    /// first version (lightness 0.58 reached only 4.4 : 1).
    pub const LIGHT_COLOUR_BLIND: Self = Self { up: Rgb(0, 101, 180), down: Rgb(184, 89, 0), ..Self::LIGHT };

    /// Returns the colour of an indicator's line; beyond the last it begins again.
    pub fn indicator(&self, position: usize) -> Rgb {
        self.indicators[position % self.indicators.len()]
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::DARK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens of the page's style guide: lightness, chroma, hue.
    const TOKENS: [((f64, f64, f64), Rgb); 30] = [
        ((0.16, 0.01, 240.0), Theme::DARK.background),
        ((0.23, 0.012, 240.0), Theme::DARK.grid),
        ((0.30, 0.012, 240.0), Theme::DARK.border),
        ((0.93, 0.01, 240.0), Theme::DARK.text),
        ((0.72, 0.015, 240.0), Theme::DARK.muted),
        ((0.85, 0.13, 105.0), Theme::DARK.indicators[0]),
        ((0.74, 0.12, 245.0), Theme::DARK.indicators[1]),
        ((0.74, 0.15, 330.0), Theme::DARK.indicators[2]),
        ((0.80, 0.11, 195.0), Theme::DARK.indicators[3]),
        ((0.77, 0.14, 55.0), Theme::DARK.indicators[4]),
        ((0.72, 0.14, 290.0), Theme::DARK.indicators[5]),
        ((0.76, 0.14, 165.0), Theme::DARK.up),
        ((0.68, 0.19, 25.0), Theme::DARK.down),
        ((0.72, 0.13, 245.0), Theme::DARK_COLOUR_BLIND.up),
        ((0.75, 0.15, 65.0), Theme::DARK_COLOUR_BLIND.down),
        ((0.99, 0.003, 240.0), Theme::LIGHT.background),
        ((0.94, 0.006, 240.0), Theme::LIGHT.grid),
        ((0.87, 0.008, 240.0), Theme::LIGHT.border),
        ((0.25, 0.02, 240.0), Theme::LIGHT.text),
        ((0.45, 0.02, 240.0), Theme::LIGHT.muted),
        ((0.53, 0.11, 100.0), Theme::LIGHT.indicators[0]),
        ((0.52, 0.14, 250.0), Theme::LIGHT.indicators[1]),
        ((0.52, 0.19, 335.0), Theme::LIGHT.indicators[2]),
        ((0.52, 0.09, 205.0), Theme::LIGHT.indicators[3]),
        ((0.53, 0.13, 55.0), Theme::LIGHT.indicators[4]),
        ((0.50, 0.19, 295.0), Theme::LIGHT.indicators[5]),
        ((0.52, 0.13, 160.0), Theme::LIGHT.up),
        ((0.54, 0.20, 27.0), Theme::LIGHT.down),
        ((0.50, 0.15, 250.0), Theme::LIGHT_COLOUR_BLIND.up),
        ((0.57, 0.15, 55.0), Theme::LIGHT_COLOUR_BLIND.down),
    ];

    /// Converts from Oklch. Source: Björn Ottosson, "A perceptual color space for image processing"; out-of-gamut
    /// channels are clipped.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
    fn from_oklch((lightness, chroma, hue): (f64, f64, f64)) -> Rgb {
        let (a, b) = (chroma * hue.to_radians().cos(), chroma * hue.to_radians().sin());
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        let channel = |x: f64| {
            let encoded = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
            (encoded * 255.0).round().clamp(0.0, 255.0) as u8
        };
        Rgb(
            channel(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
            channel(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
            channel(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s),
        )
    }

    fn luminance(Rgb(r, g, b): Rgb) -> f64 {
        let linear = |x: u8| {
            let x = f64::from(x) / 255.0;
            if x <= 0.040_45 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(one: Rgb, other: Rgb) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn presets_are_the_tokens() {
        for (token, expected) in TOKENS {
            assert_eq!(from_oklch(token), expected, "{token:?}");
        }
    }

    #[test]
    fn text_meets_its_contrast() {
        for theme in [Theme::DARK, Theme::LIGHT, Theme::DARK_COLOUR_BLIND, Theme::LIGHT_COLOUR_BLIND] {
            for (name, colour, least) in [
                ("axis labels", theme.muted, 4.5),
                ("crosshair labels", theme.text, 4.5),
                ("indicator in the legend", theme.indicators[0], 4.5),
                ("second indicator", theme.indicators[1], 4.5),
                ("third indicator", theme.indicators[2], 4.5),
                ("fourth indicator", theme.indicators[3], 4.5),
                ("fifth indicator", theme.indicators[4], 4.5),
                ("sixth indicator", theme.indicators[5], 4.5),
                ("last price label, up", theme.up, 4.5),
                ("last price label, down", theme.down, 4.5),
            ] {
                let found = contrast(colour, theme.background);
                assert!(found >= least, "{name}: {found:.2} in {theme:?}");
            }
        }
    }
}
