//! Real bars: 45,031 minutes of a perpetual with TA-Lib's last values, and files with odd ones.
//!
//! They are in the folder named by `TRUETAPE_CAPTURES`; without it these tests report that they are skipped.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::{fs, fs::File, io::Read as _, path::PathBuf};

use flate2::read::GzDecoder;
use indicators::{bar::Bar, indicator::Indicator, registry::definitions, spec::Spec};
use model::candle::Interval;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("TRUETAPE_CAPTURES").map(|folder| PathBuf::from(folder).join("ohlcv"));
    if folder.is_none() {
        println!("skipped: TRUETAPE_CAPTURES names no folder with recorded bars");
    }
    folder
}

/// Reads rows of a time, open, high, low, close and volume; a cell that is not a number is NaN. A bar a minute.
fn bars(text: &str) -> Vec<Bar> {
    let rows = text.lines().skip(1).zip(0_i64..);
    rows.map(|(line, minute)| {
        let cell = |idx: usize| line.split(',').nth(idx).and_then(|cell| cell.trim().parse().ok()).unwrap_or(f64::NAN);
        Bar {
            open_ms: minute * 60_000,
            open: cell(1),
            high: cell(2),
            low: cell(3),
            close: cell(4),
            volume: cell(5),
            buy_volume: None,
            book: None,
        }
    })
    .collect()
}

#[test]
fn a_month_of_minutes_ends_where_talib_ends() {
    let Some(folder) = folder() else { return };
    let file = File::open(folder.join("nautilus_btc-perp-20211231-20220201_1m.csv.gz")).unwrap();
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let bars = bars(&text);
    assert_eq!((bars.len(), bars.last().unwrap().close), (45_031, 38_544.0));
    let golden: [(&str, &[f64]); 11] = [
        ("rsi(14)", &[46.666292969556565]),
        ("macd(12,26,9)", &[-5.401194173726253, -1.6948312813867294, -3.7063628923395235]),
        ("bb(20,2)", &[38_592.72381976026, 38_556.45, 38_520.17618023974]),
        ("atr(14)", &[17.49989290517562]),
        ("adx(14)", &[14.497214914711043]),
        ("stoch(14,3,3)", &[22.222222222221532, 18.295096857988167]),
        ("obv", &[-742_948_257.2404524]),
        ("mfi(14)", &[32.80670010384506]),
        ("cci(20)", &[-69.03210234130644]),
        ("supertrend(10,3)", &[38_578.42472600686, -1.0]),
        ("sma(20)", &[38_556.45]),
    ];
    for (text, expected) in golden {
        let (_, rows) = Indicator::open(&Spec::parse(text).unwrap(), Interval::M1, &bars);
        for (idx, expected) in expected.iter().enumerate() {
            let found = rows.last().unwrap().get(idx).unwrap();
            let distance = (found - expected).abs() / expected.abs();
            println!("{text:18} {idx}: {found} ({distance:.1e})");
            assert!(distance <= 1e-9, "{text}: {found}, TA-Lib {expected}");
        }
    }
}

/// Files with zeros, missing cells, bars that do not move, and prices of 10¹³.
#[test]
fn odd_files_are_answered() {
    let Some(folder) = folder() else { return };
    for name in ["skender_bad.csv", "skender_zeros.csv", "skender_toobig.csv", "skender__issue0859.adx.nan.csv"] {
        let bars = bars(&fs::read_to_string(folder.join(name)).unwrap());
        for definition in definitions() {
            let (_, rows) = Indicator::open(&Spec::parse(definition.name).unwrap(), Interval::M1, &bars);
            let n_rows = rows.iter().filter(|row| !row.is_empty()).count();
            // Nobody's part of the volume and no book is in these files, and without volume nothing is weighed by it.
            let is_known = !matches!(definition.input, indicators::definition::Input::BuyVolume)
                && !matches!(definition.input, indicators::definition::Input::Book);
            let is_weighed = ["vwma", "vwap", "avwap"].contains(&definition.name) || definition.name == "rv";
            let is_expected = is_known && !(is_weighed && name == "skender_zeros.csv");
            assert_eq!(n_rows > 0, is_expected, "{} of {name}: {n_rows} of {} rows", definition.name, bars.len());
        }
    }
}
