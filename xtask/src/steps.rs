//! A run of named steps: a heading before each, its duration after it, and a table of all at the end.
//!
//! Not a task graph: steps run one after the other, and the first failure ends the run.

use std::time::{Duration, Instant};

use anyhow::Context as _;

/// The steps so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    took: Duration,
    is_ok: bool,
}

impl Steps {
    /// Runs one step and returns its value.
    ///
    /// # Errors
    /// The step's error, with the step's name.
    pub(crate) fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let result = step();
        let row = Row { name, took: start.elapsed(), is_ok: result.is_ok() };
        eprintln!("=== {name}: {} in {}", row.outcome(), seconds(row.took));
        self.rows.push(row);
        result.with_context(|| format!("step `{name}` failed"))
    }

    /// Returns the table of all steps and their durations.
    pub(crate) fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max("total".len());
        let mut table = String::new();
        for row in &self.rows {
            table += &format!("{:width$}  {:>8}  {}\n", row.name, seconds(row.took), row.outcome());
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        table + &format!("{:width$}  {:>8}\n", "total", seconds(total))
    }
}

impl Row {
    fn outcome(&self) -> &'static str {
        if self.is_ok { "ok" } else { "FAILED" }
    }
}

/// Formats `7.3 s`, or `2 min 05 s` from one minute on.
pub(crate) fn seconds(span: Duration) -> String {
    match span.as_secs() {
        0..60 => format!("{:.1} s", span.as_secs_f64()),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_named_and_stands_in_the_table() {
        let mut steps = Steps::default();
        steps.run("first", || Ok(())).unwrap();
        let error = steps.run("second", || anyhow::bail!("no luck") as anyhow::Result<()>).unwrap_err();
        assert_eq!(format!("{error:#}"), "step `second` failed: no luck");
        let table = steps.table();
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows.len(), 3);
        assert!(rows[0].starts_with("first") && rows[0].ends_with("ok"));
        assert!(rows[1].starts_with("second") && rows[1].ends_with("FAILED"));
        assert!(rows[2].starts_with("total"));
    }

    #[test]
    fn durations_are_readable() {
        assert_eq!(seconds(Duration::from_millis(7_340)), "7.3 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
