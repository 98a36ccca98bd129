//! The documentation of all indicators, from their definitions: `docs/indicators.md`.
//!
//! Not here: how the page shows them.

use std::fmt::{self, Write as _};

use crate::{
    definition::{Definition, Group, Pane, Style},
    registry::definitions,
};

/// Returns the whole document.
pub fn document() -> String {
    let mut text = String::from(INTRODUCTION);
    for group in Group::ALL {
        let names = of_group(group).map(|definition| format!("[`{0}`](#{0})", definition.name));
        let names = names.collect::<Vec<_>>().join(" · ");
        // Writing to a string does not fail.
        let _infallible = writeln!(text, "| {} | {names} |", group.title());
    }
    for group in Group::ALL {
        let _infallible = writeln!(text, "\n## {}", group.title());
        for definition in of_group(group) {
            let _infallible = section(&mut text, definition);
        }
    }
    text
}

fn of_group(group: Group) -> impl Iterator<Item = &'static &'static Definition> {
    definitions().iter().filter(move |definition| definition.group == group)
}

fn section(text: &mut String, definition: &Definition) -> fmt::Result {
    write!(text, "\n### {}\n\n**{}.** {}\n\n", definition.name, definition.title, definition.summary)?;
    writeln!(text, "- Formula: {}", definition.formula)?;
    writeln!(text, "- Source: {}", definition.origin)?;
    let source = if definition.takes_source { "; another `source` can be chosen" } else { "" };
    writeln!(text, "- Reads: {}{source}", definition.input.title())?;
    let parameters = definition.parameters.iter().map(|parameter| {
        let (kind, range) = (if parameter.is_whole() { "whole, " } else { "" }, (parameter.min, parameter.max));
        format!("`{}` {} ({kind}{} to {})", parameter.name, parameter.default, range.0, range.1)
    });
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    writeln!(text, "- Parameters: {}", if parameters.is_empty() { "none" } else { &parameters })?;
    let outputs = definition.outputs.iter().map(|output| format!("`{}` ({})", output.name, style(output.style)));
    writeln!(text, "- Outputs: {}; {}", outputs.collect::<Vec<_>>().join(", "), pane(definition.pane))?;
    let defaults = definition.defaults();
    let convergence = match (definition.convergence)(&defaults) {
        usize::MAX => "what came before may show for ever".to_owned(),
        n_bars => format!("what came before is forgotten to a millionth after {n_bars}"),
    };
    writeln!(
        text,
        "- Bars, with the defaults: first complete after {}; {convergence}",
        (definition.lookback)(&defaults)
    )?;
    writeln!(text, "- Seed: {}", definition.seed)?;
    writeln!(text, "- Special cases: {}", definition.zero_cases)
}

fn style(style: Style) -> &'static str {
    match style {
        Style::Line => "line",
        Style::Band => "edge of a band",
        Style::Histogram => "histogram",
        Style::Dots => "dots",
        Style::Trend => "1 rising, -1 falling; not drawn",
        Style::Hidden => "not drawn",
    }
}

fn pane(pane: Pane) -> String {
    match pane {
        Pane::Overlay => "over the candles".to_owned(),
        Pane::Own { levels, range } => {
            let levels = levels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let levels = if levels.is_empty() { String::new() } else { format!(" with lines at {levels}") };
            let range = range.map_or_else(String::new, |(low, high)| format!(", from {low} to {high}"));
            format!("in a pane of its own{levels}{range}")
        }
    }
}

const INTRODUCTION: &str = "\
# Indicators

The crate `indicators` computes them from bars, in the server and in the page with the same code and the same bits. This
document is made from their definitions: after a change run `INSTA_UPDATE=always cargo test -p indicators --test document`.

## How to write one

| text | meaning |
|---|---|
| `rsi(14)`, `rsi` | with its parameter; with its defaults |
| `bb(20,2)`, `bb(deviations=2.5)` | by position; by name, the others with their defaults |
| `sma(20,source=hl2)` | of another price: `open`, `high`, `low`, `close`, `volume`, `hl2`, `hlc3`, `ohlc4`, `hlcc4` |
| `sma(9,source=rsi(14))`, `ema(9,source=macd(12,26,9).signal)` | of another indicator, or of one of its outputs; up to three in each other |
| `ema(20,interval=1h)` | on bars of a higher interval: those that had closed when the bar began, so nothing looks ahead |
| `ema(20,interval=1h,forming=1)` | also on the forming bar of that interval, as far as it is known |

Case and spaces do not matter. A text has at most 120 bytes. A mistake is answered with the value and a remedy.

## Rules for all

- **Bars** that are missing stay missing: no bar is invented, and a window counts bars, not time.
- **The first values** are missing until there are enough bars; the page shows how many more it needs.
- **Bars that are no numbers** (absent, infinite, or beyond 10¹⁰⁰) have no value, and the next bar continues as if they had
  not been there.
- **The forming bar** is looked at and changes nothing. What it shows is bit for bit what it would leave behind if it closed
  now.
- **A late or corrected bar** is put in its place, and everything after it is computed again, from a checkpoint at most 64
  bars before it.
- **Sums over a window** never subtract: they are put together from the totals of two blocks, so they do not drift, and an
  extreme value leaves no trace when it is out of the window. Each bar costs the same on average; a block's totals are made
  once a window length.
- **Arithmetic** is `+ - × ÷ √` in double precision and logarithms of the crate `libm`: the same bits natively and in
  WebAssembly.
- **Agreement**: what TA-Lib has, too, agrees with it to 10⁻⁹ of the value, on a made series (`oracles/indicators.py`) and
  on real ones. Differences are listed with the indicators.

## List

| group | indicators |
|---|---|
";
