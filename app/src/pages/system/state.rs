//! A report of the server as the System page shows it: words for values, and each history as a small picture. Pure.

use topics::channels::system::report::{Figure, SystemReport, Unit};

use crate::format::{self, UNKNOWN};

/// A part of the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its figures, in the server's order.
    pub figures: Vec<ShownFigure>,
}

/// A figure as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShownFigure {
    /// Its name in the API.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The newest value.
    pub newest: String,
    /// The largest value of the hour, with its word; empty without one.
    pub most: String,
    /// The outline of the history, for a path of SVG. Time without a value is a gap.
    pub line: String,
    /// The area below it.
    pub area: String,
    /// True if the newest value needs a person.
    pub is_fault: bool,
}

/// Returns the report by part.
pub fn parts(report: &SystemReport) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for figure in &report.figures {
        let shown = ShownFigure::of(figure);
        match parts.last_mut().filter(|part| part.name == figure.part) {
            Some(part) => part.figures.push(shown),
            None => parts.push(Part { name: figure.part.clone(), figures: vec![shown] }),
        }
    }
    parts
}

impl ShownFigure {
    fn of(figure: &Figure) -> Self {
        let newest = figure.history.last().copied().flatten();
        let most = figure
            .history
            .iter()
            .copied()
            .flatten()
            .fold(None, |most: Option<f64>, value| Some(most.map_or(value, |most| most.max(value))));
        let (line, area) = picture(&figure.history, most.unwrap_or(0.0));
        Self {
            name: figure.name.clone(),
            label: figure.label.clone(),
            newest: newest.map_or_else(|| UNKNOWN.to_owned(), |value| words(value, figure.unit)),
            most: most.map(|most| format!("most {}", words(most, figure.unit))).unwrap_or_default(),
            line,
            area,
            is_fault: FAULTS.contains(&figure.name.as_str()) && newest.is_some_and(|value| value > 0.0),
        }
    }
}

/// Returns a value with its unit.
pub fn words(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => count(value),
        Unit::PerSecond => format!("{}/s", per_second(value)),
        Unit::Bytes => bytes(value),
        Unit::BytesPerSecond => format!("{}/s", bytes(value)),
        // The cast saturates.
        Unit::Seconds => format::span_us((value * 1e6) as u64),
        Unit::Processors => format!("{:.1}\u{202f}%", value * 100.0),
    }
}

fn count(value: f64) -> String {
    let text = format::compact(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn per_second(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value < 0.1 => format!("{value:.3}"),
        value if value < 10.0 => format!("{value:.1}"),
        value => format::compact(value),
    }
}

fn bytes(value: f64) -> String {
    let (scaled, unit) = match value {
        value if value >= 1e9 => (value / 1e9, "GB"),
        value if value >= 1e6 => (value / 1e6, "MB"),
        value if value >= 1e3 => (value / 1e3, "kB"),
        value => return format!("{value:.0} B"),
    };
    let decimals = if scaled >= 100.0 { 0 } else { 1 };
    format!("{scaled:.decimals$} {unit}")
}

/// Returns outline and area of a history, in [`VIEW_BOX`]: an hour wide, the newest value at the right edge, from zero up.
fn picture(history: &[Option<f64>], most: f64) -> (String, String) {
    let begin = HOUR.saturating_sub(history.len());
    let x = |at: usize| (begin + at) as f64;
    let y = |value: f64| if most > 0.0 { HEIGHT - value.max(0.0) / most * (HEIGHT - TOP) } else { HEIGHT };
    let (mut line, mut area) = (String::new(), String::new());
    let mut at = 0;
    for stretch in history.split(Option::is_none) {
        let points: Vec<(f64, f64)> =
            stretch.iter().enumerate().filter_map(|(idx, value)| Some((x(at + idx), y((*value)?)))).collect();
        at += stretch.len() + 1;
        let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { continue };
        area.push_str(&format!("M{first} {HEIGHT}"));
        for (idx, (x, y)) in points.iter().enumerate() {
            let letter = if idx == 0 { 'M' } else { 'L' };
            line.push_str(&format!("{letter}{x} {y:.1}"));
            area.push_str(&format!("L{x} {y:.1}"));
        }
        // A value alone is a short stroke, or it would not be seen.
        if points.len() == 1 {
            line.push_str("h1");
            area.push_str("h1");
        }
        let last = if points.len() == 1 { last + 1.0 } else { *last };
        area.push_str(&format!("L{last} {HEIGHT}Z"));
    }
    (line, area)
}

/// Figures that should be zero.
const FAULTS: [&str; 2] = ["failed_commits", "failed_deliveries"];
/// Values of an hour.
const HOUR: usize = 360;
const HEIGHT: f64 = 32.0;
/// Room for the stroke of the largest value.
const TOP: f64 = 2.0;
/// The picture's own coordinates.
pub const VIEW_BOX: &str = "0 0 360 32";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_units() {
        for (value, unit, expected) in [
            (0.0, Unit::Count, "0"),
            (17.0, Unit::Count, "17"),
            (120.0, Unit::Count, "120"),
            (21_400.0, Unit::Count, "21.4K"),
            (0.0, Unit::PerSecond, "0/s"),
            (0.0167, Unit::PerSecond, "0.017/s"),
            (4.0, Unit::PerSecond, "4.0/s"),
            (250.0, Unit::PerSecond, "250/s"),
            (999.0, Unit::Bytes, "999 B"),
            (63_250_000.0, Unit::Bytes, "63.2 MB"),
            (2_500_000_000.0, Unit::Bytes, "2.5 GB"),
            (12_345.0, Unit::BytesPerSecond, "12.3 kB/s"),
            (0.002_34, Unit::Seconds, "2.3 ms"),
            (0.123, Unit::Processors, "12.3\u{202f}%"),
        ] {
            assert_eq!(words(value, unit), expected, "{value} {unit:?}");
        }
    }

    fn figure(name: &str, part: &str, history: &[Option<f64>]) -> Figure {
        Figure {
            part: part.to_owned(),
            name: name.to_owned(),
            label: "Label".to_owned(),
            unit: Unit::Count,
            history: history.to_vec(),
        }
    }

    #[test]
    fn figures_are_grouped_by_part_and_faults_marked() {
        let figures = vec![
            figure("clients", "Stream", &[Some(2.0), Some(1.0)]),
            figure("failed_commits", "Store", &[Some(0.0), Some(0.1)]),
            figure("commit_time", "Store", &[Some(0.1), None]),
        ];
        let parts = parts(&SystemReport { figures, ..SystemReport::default() });
        let names: Vec<(&str, usize)> = parts.iter().map(|part| (part.name.as_str(), part.figures.len())).collect();
        assert_eq!(names, [("Stream", 1), ("Store", 2)]);
        let clients = &parts[0].figures[0];
        assert_eq!((clients.newest.as_str(), clients.most.as_str(), clients.is_fault), ("1", "most 2", false));
        assert!(parts[1].figures[0].is_fault);
        assert_eq!(parts[1].figures[1].newest, UNKNOWN);
    }

    #[test]
    fn the_newest_value_is_at_the_right_and_gaps_stay() {
        let check = |history: &[Option<f64>], line: &str, area: &str| {
            let most = history.iter().copied().flatten().fold(0.0, f64::max);
            assert_eq!(picture(history, most), (line.to_owned(), area.to_owned()), "{history:?}");
        };
        check(&[], "", "");
        check(&[None, None], "", "");
        check(&[Some(0.0), Some(0.0)], "M358 32.0L359 32.0", "M358 32L358 32.0L359 32.0L359 32Z");
        check(
            &[Some(2.0), Some(4.0), None, Some(1.0)],
            "M356 17.0L357 2.0M359 24.5h1",
            "M356 32L356 17.0L357 2.0L357 32ZM359 32L359 24.5h1L360 32Z",
        );
    }
}
