//! A chosen indicator with its definition, what of it the chart draws, and its words. Pure.

use chart::indicator::{IndicatorLine, IndicatorPane, IndicatorPlot, LineStyle};
use indicators::{
    definition::{Definition, Output, Pane, Parameter, Style},
    registry::definitions,
    source::Field,
    spec::{Source, Spec},
};
use model::candle::Interval;

use crate::settings::ChosenIndicator;

/// A chosen indicator.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The choice.
    pub chosen: ChosenIndicator,
    /// Parsed spec; the error says why there is none.
    pub spec: Result<Spec, String>,
}

impl Shown {
    /// Reads a choice.
    pub fn of(chosen: &ChosenIndicator) -> Self {
        let spec = Spec::parse(&chosen.spec).map_err(|error| error.to_string());
        Self { chosen: chosen.clone(), spec }
    }

    /// Returns what the chart draws; `None` for one that means nothing.
    pub fn plot(&self) -> Option<IndicatorPlot> {
        let definition = self.spec.as_ref().ok()?.definition();
        let line = |(at, output): (usize, &Output)| {
            let style = match output.style {
                Style::Line | Style::Band => LineStyle::Line,
                Style::Histogram => LineStyle::Histogram,
                Style::Dots => LineStyle::Dots,
                Style::Trend | Style::Hidden => LineStyle::Hidden,
            };
            IndicatorLine { style, colour: usize::from(self.chosen.colour) + at }
        };
        Some(IndicatorPlot {
            key: self.chosen.spec.clone(),
            lines: definition.outputs.iter().enumerate().map(line).collect(),
            pane: match definition.pane {
                Pane::Overlay => IndicatorPane::Prices,
                Pane::Own { levels, range } => IndicatorPane::Own { levels: levels.to_vec(), range },
            },
            is_hidden: self.chosen.is_hidden,
        })
    }

    /// Returns its short name: `RSI 14`, `SMA 20 hl2`, `EMA 20 1h`.
    pub fn title(&self) -> String {
        match &self.spec {
            Ok(spec) => title(spec),
            Err(_) => self.chosen.spec.clone(),
        }
    }
}

/// Returns a spec's short name.
pub fn title(spec: &Spec) -> String {
    let mut words = vec![spec.definition().name.to_uppercase()];
    words.extend(spec.parameters().iter().map(ToString::to_string));
    match spec.source() {
        Source::Field(Field::Close) => {}
        Source::Field(field) => words.push(field.to_string()),
        Source::Indicator(of, output) => words.push(format!("of {}", source_title(of, *output))),
    }
    words.extend(spec.interval().map(|interval| interval.to_string()));
    words.join(" ")
}

/// Returns the words of an indicator that another one reads: `RSI 14`, `MACD 12 26 9 Signal`.
fn source_title(spec: &Spec, output: usize) -> String {
    let outputs = spec.definition().outputs;
    match outputs.get(output).filter(|_| outputs.len() > 1) {
        Some(output) => format!("{} {}", title(spec), output.title),
        None => title(spec),
    }
}

/// The fields of an indicator's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Name of the definition.
    pub name: &'static str,
    /// One text a parameter, as typed.
    pub parameters: Vec<String>,
    /// Source that it reads, as in a spec; empty for indicators without a choice of source.
    pub source: String,
    /// The interval of its bars; empty for the chart's.
    pub interval: String,
    /// True if a higher bar counts while it forms.
    pub is_forming: bool,
}

impl Draft {
    /// Returns the fields of a spec.
    pub fn of(spec: &Spec) -> Self {
        let definition = spec.definition();
        let source = match spec.source() {
            _ if !definition.takes_source => String::new(),
            Source::Field(field) => field.to_string(),
            Source::Indicator(of, output) => of.column(*output),
        };
        Self {
            name: definition.name,
            parameters: spec.parameters().iter().map(ToString::to_string).collect(),
            source,
            interval: spec.interval().map(|interval| interval.to_string()).unwrap_or_default(),
            is_forming: spec.is_forming(),
        }
    }

    /// Reads the fields.
    ///
    /// # Errors
    /// The message to show.
    pub fn spec(&self) -> Result<Spec, String> {
        let mut parts: Vec<String> = self.parameters.iter().map(|text| text.trim().to_owned()).collect();
        if let Some(at) = parts.iter().position(String::is_empty) {
            return Err(format!("{} is empty", self.definition().map_or("A field", |own| own.parameters[at].title)));
        }
        if !self.source.is_empty() {
            parts.push(format!("source={}", self.source));
        }
        if !self.interval.is_empty() {
            parts.push(format!("interval={}", self.interval));
        }
        if self.is_forming && !self.interval.is_empty() {
            parts.push("forming=1".to_owned());
        }
        Spec::parse(&format!("{}({})", self.name, parts.join(","))).map_err(|error| error.to_string())
    }

    /// Returns the definition.
    pub fn definition(&self) -> Option<&'static Definition> {
        definitions().iter().copied().find(|definition| definition.name == self.name)
    }

    /// Returns the parameters that the fields are of.
    pub fn fields(&self) -> &'static [Parameter] {
        self.definition().map_or(&[], |definition| definition.parameters)
    }
}

/// Returns what an indicator can read: prices, then the outputs of the others on the chart, each with its words.
pub fn sources(own: usize, shown: &[Shown]) -> Vec<(String, String)> {
    let fields = Field::ALL.into_iter().map(|field| (field.to_string(), field.title().to_owned()));
    let others =
        shown.iter().enumerate().filter(|(at, _)| *at != own).filter_map(|(_, other)| other.spec.as_ref().ok());
    let outputs = others.flat_map(|spec| {
        let outputs = 0..spec.definition().outputs.len();
        outputs.map(|output| (spec.column(output), source_title(spec, output)))
    });
    fields.chain(outputs).collect()
}

/// Returns the intervals above the chart's.
pub fn higher_intervals(than: Interval) -> impl Iterator<Item = Interval> {
    Interval::ALL.into_iter().filter(move |interval| *interval > than)
}

/// Returns the definitions that match what is typed: each word in name, title, summary or group.
pub fn search(text: &str) -> Vec<&'static Definition> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let is_match = |definition: &&&'static Definition| {
        let Definition { name, title, summary, group, .. } = definition;
        let all = format!("{name} {title} {summary} {}", group.title()).to_lowercase();
        words.iter().all(|word| all.contains(word))
    };
    let mut found: Vec<_> = definitions().iter().filter(is_match).copied().collect();
    // A typed name means the indicator of that name: it comes first.
    found.sort_by_key(|definition| {
        (words.iter().all(|word| !definition.name.starts_with(&**word)), definition.group, definition.title)
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spec: &str) -> Shown {
        Shown::of(&ChosenIndicator { spec: spec.to_owned(), colour: 2, is_hidden: false })
    }

    #[test]
    fn titles_are_short_and_say_what_differs() {
        for (spec, expected) in [
            ("rsi(14)", "RSI 14"),
            ("sma(20,source=hl2)", "SMA 20 hl2"),
            ("ema(20,interval=1h)", "EMA 20 1h"),
            ("sma(9,source=rsi(14))", "SMA 9 of RSI 14"),
            ("ema(9,source=macd(12,26,9).signal)", "EMA 9 of MACD 12 26 9 Signal"),
            ("nonsense(1)", "nonsense(1)"),
        ] {
            assert_eq!(shown(spec).title(), expected);
        }
        assert_eq!(shown("nonsense(1)").plot(), None);
    }

    #[test]
    fn a_plot_has_a_line_an_output_in_colours_that_follow_each_other() {
        let plot = shown("macd(12,26,9)").plot().unwrap();
        assert_eq!(plot.lines.iter().map(|line| line.colour).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(plot.lines[2].style, LineStyle::Histogram);
        assert!(matches!(plot.pane, IndicatorPane::Own { .. }));
        assert_eq!(shown("sma(9)").plot().unwrap().pane, IndicatorPane::Prices);
    }

    #[test]
    fn fields_and_spec_are_the_same_thing() {
        for definition in definitions() {
            let spec = Spec::parse(definition.name).unwrap();
            assert_eq!(Draft::of(&spec).spec().as_ref(), Ok(&spec), "{}", definition.name);
        }
        for text in ["sma(9,source=rsi(14))", "ema(20,interval=1h,forming=1)", "bb(20,2.5,source=hlc3)"] {
            let spec = Spec::parse(text).unwrap();
            assert_eq!(Draft::of(&spec).spec().as_ref(), Ok(&spec), "{text}");
        }
        let mut draft = Draft::of(&Spec::parse("macd(12,26,9)").unwrap());
        draft.parameters[0] = "30".into();
        assert!(draft.spec().is_err(), "the fast one is slower");
        draft.parameters[0] = " ".into();
        assert!(draft.spec().unwrap_err().ends_with("is empty"));
    }

    #[test]
    fn a_source_is_a_price_or_another_indicator_of_the_chart() {
        let all = [shown("rsi(14)"), shown("macd(12,26,9)"), shown("nonsense")];
        let found = sources(0, &all);
        assert!(found.iter().any(|(value, _)| value == "hl2"));
        assert!(found.iter().any(|(value, words)| value == "macd(12,26,9).signal" && words == "MACD 12 26 9 Signal"));
        assert!(!found.iter().any(|(value, _)| value.starts_with("rsi")));
    }

    #[test]
    fn what_is_typed_finds_names_first() {
        assert_eq!(search("rsi")[0].name, "rsi");
        assert_eq!(search("bollinger").first().map(|found| found.name), Some("bb"));
        assert!(search("order flow").iter().any(|found| found.name == "cvd"));
        assert_eq!(search("").len(), definitions().len());
        assert!(search("nothing like it").is_empty());
    }
}
