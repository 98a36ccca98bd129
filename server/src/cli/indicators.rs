//! `truetape indicators`: adds columns of indicators to a table of bars (CSV), on standard output.
//!
//! The same code as on the page. All other columns are kept as they are. Not here: what the columns mean
//! (`indicators::table`).

use std::{
    fs::File,
    io::{self, BufWriter, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use ::indicators::{
    bar::Bar,
    indicator::Indicator,
    spec::Spec,
    table::{self, Columns},
    values::Values,
};
use anyhow::Context;
use csv::{ReaderBuilder, StringRecord};
use model::candle::Interval;

use super::Failure;

/// Flags of `indicators`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Indicator to add, as in rsi(14) or ema(20,source=hl2); may be repeated.
    #[arg(long = "spec", value_name = "SPEC", required = true)]
    specs: Vec<Spec>,
    /// Table with the columns date or open_time, open, high, low, close, volume.
    #[arg(long, value_name = "CSV")]
    input: PathBuf,
    /// Interval of the lines [default: the smallest distance between two].
    #[arg(long)]
    interval: Option<Interval>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let path = &arguments.input;
    let file = File::open(path).with_context(|| format!("open {}", path.display())).map_err(Failure::Unusable)?;
    let table = Table::read(file).and_then(|table| {
        let added = table.columns.added(&arguments.specs)?;
        Ok((table, added))
    });
    let (table, added) = table.with_context(|| read_context(path)).map_err(Failure::Unusable)?;
    let interval = arguments.interval.map_or_else(|| table::interval_of(&table.bars), Ok);
    let interval = interval.with_context(|| read_context(path)).map_err(Failure::Unusable)?;
    match table.write(&added, &arguments.specs, interval, BufWriter::new(io::stdout().lock())) {
        // The reader of our output has seen enough (`truetape indicators … | head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result.context("write to standard output")?),
    }
}

fn read_context(path: &Path) -> String {
    format!("read {}", path.display())
}

/// A table of bars.
struct Table {
    columns: Columns,
    header: StringRecord,
    rows: Vec<StringRecord>,
    bars: Vec<Bar>,
}

impl Table {
    fn read(input: impl Read) -> anyhow::Result<Self> {
        let mut reader = ReaderBuilder::new().from_reader(input);
        let header = reader.headers()?.clone();
        let mut columns = Columns::find(&header)?;
        let (mut rows, mut bars) = (Vec::new(), Vec::new());
        for row in reader.records() {
            let row = row?;
            let line = row.position().map_or(0, csv::Position::line);
            bars.push(columns.bar(line, &row.iter().collect::<Vec<_>>())?);
            rows.push(row);
        }
        Ok(Self { columns, header, rows, bars })
    }

    /// Writes the table with the added columns.
    fn write(&self, added: &[String], specs: &[Spec], interval: Interval, out: impl Write) -> io::Result<()> {
        let all: Vec<(usize, Vec<Values>)> = specs
            .iter()
            .map(|spec| (spec.definition().outputs.len(), Indicator::open(spec, interval, &self.bars).1))
            .collect();
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.header.iter().chain(added.iter().map(String::as_str)))?;
        for (idx, row) in self.rows.iter().enumerate() {
            let values =
                all.iter().flat_map(|(n_outputs, rows)| (0..*n_outputs).map(move |output| rows[idx].get(output)));
            let cells: Vec<String> = values.map(table::cell).collect();
            writer.write_record(row.iter().chain(cells.iter().map(String::as_str)))?;
        }
        writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_added_and_others_kept() {
        let text = "date,open,high,low,close,volume,note\n\
                    2024-08-09,1,1,1,1,1,\"a,b\"\n\
                    2024-08-10,1,1,1,2,1,\n\
                    2024-08-11,1,1,1,,1,\n\
                    2024-08-12,1,1,1,4.5,1,c\n";
        let table = Table::read(text.as_bytes()).unwrap();
        let specs = ["sma(2)", "stoch(1,1,1)"].map(|spec| Spec::parse(spec).unwrap());
        let added = table.columns.added(&specs).unwrap();
        let mut out = Vec::new();
        table.write(&added, &specs, table::interval_of(&table.bars).unwrap(), &mut out).unwrap();
        let expected = "date,open,high,low,close,volume,note,sma(2),\"stoch(1,1,1).k\",\"stoch(1,1,1).d\"\n\
                        2024-08-09,1,1,1,1,1,\"a,b\",,0,0\n\
                        2024-08-10,1,1,1,2,1,,1.5,0,0\n\
                        2024-08-11,1,1,1,,1,,,,\n\
                        2024-08-12,1,1,1,4.5,1,c,3.25,0,0\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn unusable_tables_say_where() {
        #[track_caller]
        fn check(text: &str, message: &str) {
            let error = Table::read(text.as_bytes()).err().unwrap();
            assert_eq!(format!("{error:#}"), message);
        }
        check("", "the table has no column open; its first line must name one of open");
        check(
            "date,open,high,low,close,volume\n2024-08-09,1,x,1,1,1\n",
            "line 2, column high: x is not a number; leave the cell empty if there is none",
        );
    }
}
