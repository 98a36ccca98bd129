//! Bars in the rows of a table (CSV): which column is what, times, and the columns to add.
//!
//! Not here: reading and writing files (`truetape indicators`, in the server).

use model::candle::Interval;

use crate::{bar::Bar, spec::Spec};

/// Why a table cannot be read. Each message names line, column and value as far as there are any, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A column is missing.
    #[error("the table has no column {wanted}; its first line must name one of {}", known.join(", "))]
    NoColumn {
        /// Content that it would have.
        wanted: &'static str,
        /// Its possible names.
        known: &'static [&'static str],
    },
    /// A column that is to be added is there.
    #[error("the table already has a column {name}; remove it or leave the indicator out")]
    ColumnExists {
        /// Its name.
        name: String,
    },
    /// A row is too short.
    #[error("line {line} has no column {column}; give each line as many cells as the first")]
    NoCell {
        /// From 1.
        line: u64,
        /// Its name.
        column: String,
    },
    /// A cell is not a time.
    #[error(
        "line {line}, column {column}: {value} is not a time; write 2024-08-09, 2024-08-09 12:30:00, or milliseconds or \
         seconds since 1970"
    )]
    NotATime {
        /// From 1.
        line: u64,
        /// Its name.
        column: String,
        /// The text seen.
        value: String,
    },
    /// A cell is not a number.
    #[error("line {line}, column {column}: {value} is not a number; leave the cell empty if there is none")]
    NotANumber {
        /// From 1.
        line: u64,
        /// Its name.
        column: String,
        /// The text seen.
        value: String,
    },
    /// Rows are not in sequence.
    #[error(
        "line {line}, column {column}: {value} is not later than the line before; sort the lines by time, each once"
    )]
    NotLater {
        /// From 1.
        line: u64,
        /// Its name.
        column: String,
        /// The text seen.
        value: String,
    },
    /// The rows are of no known interval.
    #[error("the lines are {seconds} s apart, which is none of {known}; name one of them with --interval")]
    NoInterval {
        /// The smallest distance between two lines.
        seconds: i64,
        /// The intervals.
        known: String,
    },
}

/// The columns of a table of bars.
#[derive(Clone, Debug)]
pub struct Columns {
    names: Vec<String>,
    time: usize,
    /// Open, high, low, close.
    prices: [usize; 4],
    volume: usize,
    /// The aggressors' part of the volume, if the table has it.
    buy_volume: Option<usize>,
    /// The time of the row before.
    last_ms: Option<i64>,
}

impl Columns {
    /// Finds the columns by their names in the first line; upper and lower case do not matter.
    ///
    /// # Errors
    /// A column is missing.
    pub fn find<'a>(header: impl IntoIterator<Item = &'a str>) -> Result<Self, TableError> {
        let clean = |name: &str| name.trim_start_matches('\u{feff}').trim().to_lowercase();
        let names: Vec<String> = header.into_iter().map(clean).collect();
        let named = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        let one = |wanted, known: &'static [&'static str]| named(known).ok_or(TableError::NoColumn { wanted, known });
        let prices =
            [one("open", &["open"])?, one("high", &["high"])?, one("low", &["low"])?, one("close", &["close"])?];
        Ok(Self {
            time: one("of times", &["date", "open_time", "time", "timestamp"])?,
            prices,
            volume: one("volume", &["volume"])?,
            buy_volume: named(&["buy_volume"]),
            names,
            last_ms: None,
        })
    }

    /// Returns the names of the columns to add for the indicators.
    ///
    /// # Errors
    /// One of them is there.
    pub fn added(&self, specs: &[Spec]) -> Result<Vec<String>, TableError> {
        let names =
            specs.iter().flat_map(|spec| (0..spec.definition().outputs.len()).map(|output| spec.column(output)));
        names
            .map(|name| if self.names.contains(&name) { Err(TableError::ColumnExists { name }) } else { Ok(name) })
            .collect()
    }

    /// Reads the next row. An empty cell and `nan` are no number: the bar is there, and what needs the number passes
    /// over it.
    ///
    /// # Errors
    /// A cell is not what its column says, or the row is not later than the one before.
    pub fn bar(&mut self, line: u64, cells: &[&str]) -> Result<Bar, TableError> {
        let cell = |idx: usize| {
            let missing = || TableError::NoCell { line, column: self.names[idx].clone() };
            cells.get(idx).map(|cell| cell.trim()).ok_or_else(missing)
        };
        let number = |idx: usize| {
            let text = cell(idx)?;
            if text.is_empty() {
                return Ok(f64::NAN);
            }
            let wrong = || TableError::NotANumber { line, column: self.names[idx].clone(), value: shown(text) };
            text.parse::<f64>().map_err(|_| wrong())
        };
        let (column, text) = (|| self.names[self.time].clone(), cell(self.time)?);
        let Some(open_ms) = time_ms(text) else {
            return Err(TableError::NotATime { line, column: column(), value: shown(text) });
        };
        if self.last_ms.is_some_and(|last_ms| last_ms >= open_ms) {
            return Err(TableError::NotLater { line, column: column(), value: shown(text) });
        }
        let [open, high, low, close] = self.prices.map(number);
        let buy_volume = self.buy_volume.map(number).transpose()?.filter(|volume| !volume.is_nan());
        let bar = Bar {
            open_ms,
            open: open?,
            high: high?,
            low: low?,
            close: close?,
            volume: number(self.volume)?,
            buy_volume,
            book: None,
        };
        self.last_ms = Some(open_ms);
        Ok(bar)
    }
}

/// Returns the interval of bars by the smallest distance of two; that of a single bar is a minute.
///
/// # Errors
/// The distance is not an interval.
pub fn interval_of(bars: &[Bar]) -> Result<Interval, TableError> {
    let distances = bars.windows(2).map(|pair| pair[1].open_ms.saturating_sub(pair[0].open_ms));
    let Some(smallest_ms) = distances.min() else { return Ok(Interval::M1) };
    let found = Interval::ALL.into_iter().find(|interval| interval.duration().as_millis() == smallest_ms as u128);
    found.ok_or_else(|| TableError::NoInterval {
        seconds: smallest_ms / 1_000,
        known: Interval::ALL.map(Interval::as_str).join(", "),
    })
}

/// Returns the text of a value: the shortest that reads back as the same number, empty for none.
pub fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Reads a time: whole milliseconds or seconds since 1970, a date, or a date and a time of day, in UTC unless an offset
/// follows. Returns milliseconds since 1970.
fn time_ms(text: &str) -> Option<i64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().ok().filter(|number| *number <= LAST_MS)?;
        // Milliseconds since 1973 have 12 digits; seconds will have 12 in 3,000 years.
        return if text.len() >= 12 { Some(number) } else { number.checked_mul(1_000) };
    }
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = numbers(date, '-')?;
    let (days_in_month, days) = (days_in(year, month)?, days_before(year, month)?);
    if !(1..=days_in_month).contains(&day) || date.len() != 10 {
        return None;
    }
    let midnight_ms = (days + day - 1) * DAY_MS;
    if rest.is_empty() {
        return Some(midnight_ms);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let end = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(end);
    let offset_ms = match offset {
        "" | "Z" | "z" => 0,
        offset => {
            let [hours, minutes] = numbers(&offset[1..], ':')?;
            let size = (hours <= 23 && minutes <= 59).then_some((hours * 60 + minutes) * 60_000)?;
            if offset.starts_with('-') { -size } else { size }
        }
    };
    Some(midnight_ms + clock_ms(clock)? - offset_ms)
}

/// Reads `12:30`, `12:30:59` or `12:30:59.123456`; what is below a millisecond is dropped.
fn clock_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let [hours, minutes, seconds] = numbers(whole, ':').or_else(|| numbers(&format!("{whole}:00"), ':'))?;
    if hours > 23 || minutes > 59 || seconds > 59 || fraction.len() > 9 {
        return None;
    }
    let millis = match fraction {
        "" => 0,
        fraction if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{fraction:0<3}")[..3].parse().ok()?
        }
        _ => return None,
    };
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis)
}

/// Splits whole numbers without signs, as many as there must be.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for number in &mut found {
        let part = parts.next()?;
        let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(found)
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => Some(if is_leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// Returns the days from 1970 to the first of a month.
fn days_before(year: i64, month: i64) -> Option<i64> {
    let before = year - 1;
    // From the year 1 to the start of this one, and of 1970.
    let days = before * 365 + before / 4 - before / 100 + before / 400 - 719_162;
    (1..month).try_fold(days, |days, month| Some(days + days_in(year, month)?))
}

/// At most 40 characters of a text, for a message.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

const DAY_MS: i64 = 86_400_000;
/// The end of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use model::time::civil_from_days;

    use super::*;

    #[test]
    fn times_are_read() {
        #[track_caller]
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(time_ms(text), expected, "{text}");
        }
        check("1970-01-01", Some(0));
        check("2024-08-09", Some(1_723_161_600_000));
        check("2024-08-09 00:01", Some(1_723_161_660_000));
        check("2024-08-09T00:00:01Z", Some(1_723_161_601_000));
        check("2024-08-09 00:00:01.5", Some(1_723_161_601_500));
        check("2024-08-09 00:00:01.000250", Some(1_723_161_601_000));
        check("2024-08-09T05:30:00+05:30", Some(1_723_161_600_000));
        check("2024-08-08T23:00:00-01:00", Some(1_723_161_600_000));
        check("1723161600000", Some(1_723_161_600_000));
        check("1723161600", Some(1_723_161_600_000));
        check("0", Some(0));
        check("2024-02-29", Some(1_709_164_800_000));
        for wrong in [
            "",
            "x",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "01/03/2017",
            "2024-8-9",
            "2024-08-09 24:00",
            "2024-08-09 00:60",
            "2024-08-09T",
            "2024-08-09x",
            "2024-08-09 00:00:00+5",
            "-1",
            "99999999999999999999",
            "2024-08-09 00:00:00.x",
            "２０24-08-09",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for days in (0..40_000).step_by(13) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(time_ms(&format!("{year:04}-{month:02}-{day:02}")), Some(days * DAY_MS));
        }
    }

    fn columns() -> Columns {
        Columns::find(["\u{feff}Date", "Open", "High", "Low", "Close", "Volume", "note"]).unwrap()
    }

    #[test]
    fn rows_become_bars() {
        let mut columns = columns();
        let bar = columns.bar(2, &["2024-08-09", "1", "3", "0.5", "2", "", "x"]).unwrap();
        assert_eq!((bar.open_ms, bar.open, bar.high, bar.low, bar.close), (1_723_161_600_000, 1.0, 3.0, 0.5, 2.0));
        assert!(bar.volume.is_nan() && bar.buy_volume.is_none());
        let later = columns.bar(3, &["2024-08-10", "NaN", "3", "0.5", "2", "7", ""]).unwrap();
        assert!(later.open.is_nan());
        assert_eq!(interval_of(&[bar, later]), Ok(Interval::D1));
        assert_eq!(interval_of(&[bar]), Ok(Interval::M1));
    }

    #[test]
    fn errors_name_line_column_value_and_remedy() {
        #[track_caller]
        fn check(cells: &[&str], message: &str) {
            let mut columns = columns();
            columns.bar(2, &["2024-08-09", "1", "1", "1", "1", "1", ""]).unwrap();
            assert_eq!(columns.bar(3, cells).unwrap_err().to_string(), message);
        }
        check(
            &["01/03/2017", "1", "1", "1", "1", "1", ""],
            "line 3, column date: 01/03/2017 is not a time; write 2024-08-09, 2024-08-09 12:30:00, or milliseconds or seconds \
             since 1970",
        );
        check(
            &["2024-08-10", "1", "1,5", "1", "1", "1", ""],
            "line 3, column high: 1,5 is not a number; leave the cell empty if there is none",
        );
        check(
            &["2024-08-09", "1", "1", "1", "1", "1", ""],
            "line 3, column date: 2024-08-09 is not later than the line before; sort the lines by time, each once",
        );
        check(&["2024-08-10", "1"], "line 3 has no column high; give each line as many cells as the first");
        assert_eq!(
            Columns::find(["date", "open", "high", "low", "close"]).unwrap_err().to_string(),
            "the table has no column volume; its first line must name one of volume"
        );
        let apart = |seconds: i64| Bar { open_ms: seconds * 1_000, ..crate::testing::bar(0, 1.0, 1.0, 1.0, 1.0) };
        assert_eq!(
            interval_of(&[apart(0), apart(180), apart(400)]).unwrap_err().to_string(),
            "the lines are 180 s apart, which is none of 1s, 1m, 5m, 15m, 30m, 1h, 4h, 1d; name one of them with --interval"
        );
    }

    #[test]
    fn added_columns_are_named_after_the_indicators() {
        let specs = ["rsi", "macd"].map(|text| Spec::parse(text).unwrap());
        let names = ["rsi(14)", "macd(12,26,9).macd", "macd(12,26,9).signal", "macd(12,26,9).histogram"];
        assert_eq!(columns().added(&specs).unwrap(), names);
        let columns = Columns::find(["date", "open", "high", "low", "close", "volume", "rsi(14)"]).unwrap();
        assert_eq!(
            columns.added(&specs).unwrap_err().to_string(),
            "the table already has a column rsi(14); remove it or leave the indicator out"
        );
    }

    #[test]
    fn cells_read_back() {
        for value in [0.1, 1.0 / 3.0, 1e-7, 38_592.723_819_760_26, -0.0] {
            assert_eq!(cell(Some(value)).parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
        assert_eq!(cell(None), "");
    }
}
