//! The results of a back-test as files: a report, a picture, and tables. The same results give the same bytes.

use std::{collections::BTreeMap, io};

use backtest::{bounds::Bounds, report::RunReport};
use bytes::Bytes;
use model::time::Timestamp;

/// The report with everything, as JSON.
pub const REPORT: &str = "report.json";
/// The equity of both runs.
pub const PICTURE: &str = "equity.svg";

/// Returns all files by name.
///
/// # Errors
/// Something cannot be written as JSON or CSV.
pub fn of(bounds: &Bounds) -> io::Result<BTreeMap<String, Bytes>> {
    let mut files = BTreeMap::from([
        (REPORT.to_owned(), Bytes::from(serde_json::to_vec(bounds)?)),
        (PICTURE.to_owned(), Bytes::from(bounds.equity_svg())),
    ]);
    for report in bounds.reports() {
        files.insert(format!("fills-{}.csv", report.queue), fills(report)?);
        files.insert(format!("equity-{}.csv", report.queue), equity(report)?);
    }
    Ok(files)
}

fn fills(report: &RunReport) -> io::Result<Bytes> {
    let columns = ["time", "fill_id", "side", "price", "quantity", "fee", "fee_currency", "liquidity"];
    table(
        columns,
        report.fills.iter().map(|fill| {
            [
                fill.time.to_string(),
                fill.fill_id.to_string(),
                fill.side.to_string(),
                fill.price.to_string(),
                fill.quantity.to_string(),
                fill.fee.to_string(),
                fill.fee_currency.to_string(),
                fill.liquidity.as_str().to_owned(),
            ]
        }),
    )
}

fn equity(report: &RunReport) -> io::Result<Bytes> {
    let row = |(millis, equity): &(i64, _)| -> [String; 2] {
        let equity: &model::decimal::Notional = equity;
        [Timestamp::from_millis(*millis).to_string(), equity.to_string()]
    };
    table(["time", "equity"], report.equity.iter().map(row))
}

fn table<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> io::Result<Bytes> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map(Bytes::from).map_err(|error| error.into_error())
}
