//! The last hour of each figure. Pure and bounded: 360 values each, ten seconds apart.

use std::{collections::VecDeque, time::Duration};

use topics::channels::system::report::Figure;

use super::figures::{FIGURES, Span};

/// The values of all figures, oldest first.
#[derive(Clone, Debug)]
pub struct History {
    values: [VecDeque<Option<f64>>; FIGURES.len()],
}

impl Default for History {
    fn default() -> Self {
        Self { values: std::array::from_fn(|_| VecDeque::with_capacity(LENGTH)) }
    }
}

impl History {
    /// Adds the values between two looks; the oldest ones go.
    pub fn add(&mut self, span: &Span<'_>) {
        for (spec, values) in FIGURES.iter().zip(&mut self.values) {
            if values.len() == LENGTH {
                values.pop_front();
            }
            values.push_back((spec.value)(span).map(four_digits));
        }
    }

    /// Returns all figures with their values.
    pub fn figures(&self) -> Vec<Figure> {
        let figure = |(spec, values): (&super::figures::FigureSpec, &VecDeque<Option<f64>>)| Figure {
            part: spec.part.to_owned(),
            name: spec.name.to_owned(),
            label: spec.label.to_owned(),
            unit: spec.unit,
            history: values.iter().copied().collect(),
        };
        FIGURES.iter().zip(&self.values).map(figure).collect()
    }
}

/// Rounds to four significant digits: more would only make the answer longer.
fn four_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

/// The time between two values.
pub const STEP: Duration = Duration::from_secs(10);
/// Values of a figure: an hour of them.
pub const LENGTH: usize = 360;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::health::tests::look;

    #[test]
    fn an_hour_is_kept() {
        assert_eq!(STEP * u32::try_from(LENGTH).unwrap(), Duration::from_secs(3_600));
        let mut history = History::default();
        let before = look();
        for n_clients in 0..400 {
            let mut now = look();
            now.reading.n_clients = n_clients;
            history.add(&Span::new(&before, &now));
        }
        let figures = history.figures();
        assert_eq!(figures.len(), FIGURES.len());
        let clients = &figures[0];
        assert_eq!((clients.name.as_str(), clients.history.len()), ("clients", LENGTH));
        assert_eq!((clients.history[0], clients.history[LENGTH - 1]), (Some(40.0), Some(399.0)));
        assert!(history.values.iter().all(|values| values.len() == LENGTH));
    }

    #[test]
    fn four_digits_are_kept() {
        for (value, expected) in
            [(0.0, 0.0), (1_234_567.0, 1_235_000.0), (0.001_234_56, 0.001_235), (99.999, 100.0), (f64::NAN, 0.0)]
        {
            assert!((four_digits(value) - expected).abs() <= expected.abs() * 1e-12, "{value}");
        }
    }
}
