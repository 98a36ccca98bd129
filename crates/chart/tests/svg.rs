//! Tests the chart from outside: takes the page's drawing as SVG and reads it back. Checks what a trader would miss: a
//! body per bar, labels with the right price and time, gaps that stay empty.
//!
//! Over 500 lines: all pictures are read with the same helpers.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use chart::{
    Chart,
    chart::{BarStyle, Part, Studies},
    curves::{Curve, Look, draw_curves},
    indicator::{IndicatorLine, IndicatorPane, IndicatorPlot, LineStyle},
    invalidate::Level,
    layout::Surface,
    scale::PriceMode,
    theme::Theme,
    zone::Zone,
};
use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    time::Timestamp,
};
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use proptest::prelude::*;

/// 2024-08-08T22:00Z.
const EVENING: i64 = 1_723_154_400_000;
const MINUTE: i64 = 60_000;
const SIZE: (u32, u32) = (1_000, 500);

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

/// A bar `minute` minutes after the evening's start: `open high low close`.
fn bar(minute: i64, prices: [&str; 4]) -> Candle {
    let [open, high, low, close] = prices.map(price);
    Candle {
        open_time: Timestamp::from_millis(EVENING + minute * MINUTE),
        open,
        high,
        low,
        close,
        volume: Quantity::parse("1.50").unwrap(),
        buy_volume: None,
    }
}

/// Alternating rising and falling bars, at minutes `minutes`.
fn zigzag(minutes: impl IntoIterator<Item = i64>) -> Vec<Candle> {
    minutes
        .into_iter()
        .map(|minute| {
            let prices = if minute % 2 == 0 {
                ["100.00", "104.00", "98.00", "103.00"]
            } else {
                ["103.00", "105.00", "99.00", "101.00"]
            };
            bar(minute, prices)
        })
        .collect()
}

fn chart_of(bars: &[Candle]) -> Chart {
    let mut chart = Chart::new(Interval::M1);
    chart.set_surface(Surface::plain(SIZE.0, SIZE.1));
    chart.set_instrument("BTC/USDT", 2, 3);
    chart.set_bars(bars);
    chart
}

#[derive(Debug, PartialEq)]
struct Rect {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    fill: String,
    opacity: String,
}

/// The contents of an SVG.
struct Picture {
    rects: Vec<Rect>,
    texts: Vec<String>,
}

fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let from = tag.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
    &tag[from..from + tag[from..].find('"').unwrap()]
}

fn picture(svg: &str) -> Picture {
    let number = |tag: &str, name: &str| attribute(tag, name).parse::<i32>().unwrap();
    let rects = svg
        .split("<rect")
        .skip(1)
        .map(|tag| Rect {
            x: number(tag, "x"),
            y: number(tag, "y"),
            width: number(tag, "width"),
            height: number(tag, "height"),
            fill: attribute(tag, "fill").to_owned(),
            opacity: attribute(tag, "opacity").to_owned(),
        })
        .collect();
    let texts = svg
        .split("<text")
        .skip(1)
        .map(|tag| {
            let from = tag.find('>').unwrap() + 1;
            tag[from..from + tag[from..].find('<').unwrap()].trim().to_owned()
        })
        .collect();
    Picture { rects, texts }
}

fn draw(chart: &mut Chart) -> Picture {
    let mut svg = String::new();
    chart.draw(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area()).unwrap();
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    picture(&svg)
}

/// Only the layers of the bars.
fn draw_series(chart: &mut Chart) -> Picture {
    chart.prepare();
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    chart.draw_series(&area).unwrap();
    chart.draw_last(&area).unwrap();
    drop(area);
    picture(&svg)
}

/// One layer.
fn layer(svg_of: impl FnOnce(&chart::draw::Area<SVGBackend<'_>>)) -> Picture {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    svg_of(&area);
    drop(area);
    picture(&svg)
}

/// The legend with plain blanks.
fn words(chart: &Chart) -> String {
    chart.legend().unwrap().to_string().replace('\u{a0}', " ")
}

fn hex(rgb: chart::theme::Rgb) -> String {
    format!("#{:02X}{:02X}{:02X}", rgb.0, rgb.1, rgb.2)
}

#[test]
fn every_bar_has_a_body_and_a_volume() {
    let bars = zigzag(0..100);
    let found = draw_series(&mut chart_of(&bars));
    let volumes: Vec<_> = found.rects.iter().filter(|rect| rect.opacity == "0.3").collect();
    assert_eq!(volumes.len(), 100);
    let bodies = |fill: &str| {
        found
            .rects
            .iter()
            .filter(|rect| {
                rect.fill == fill && rect.opacity == "1" && rect.width == volumes[0].width && rect.height > 1
            })
            .count()
    };
    // 100 bars over 102 slots of about 9 pixels: bodies are 7 wide, dashes one line high, wicks one line wide.
    assert_eq!(volumes[0].width, 7);
    assert_eq!((bodies(&hex(Theme::DARK.up)), bodies(&hex(Theme::DARK.down))), (50, 50));
    let wicks = found.rects.iter().filter(|rect| rect.opacity == "1" && rect.width == 1 && rect.height > 1).count();
    assert_eq!(wicks, 200);
}

#[test]
fn opens_at_120_to_150_bars_and_zooms_out_to_all() {
    for (width, ratio, expected) in [(360, 1.0, 120), (1_080, 3.0, 120), (800, 1.0, 133), (2_560, 1.0, 150)] {
        let mut chart = chart_of(&zigzag(0..500));
        chart.set_surface(Surface { width, ratio, ..Surface::plain(SIZE.0, SIZE.1) });
        chart.prepare();
        let shown = format!(": {expected} bars shown");
        assert!(chart.summary().contains(&shown), "{width}: {}", chart.summary());
        chart.zoom(10.0);
        chart.prepare();
        assert!(chart.summary().contains(": 500 bars shown"), "{}", chart.summary());
    }
}

#[test]
fn a_gap_stays_empty() {
    let with_gap = draw_series(&mut chart_of(&zigzag((0..40).chain(60..100))));
    let volumes: Vec<_> = with_gap.rects.iter().filter(|rect| rect.opacity == "0.3").collect();
    assert_eq!(volumes.len(), 80);
    let widest = volumes.windows(2).map(|pair| pair[1].x - pair[0].x).max().unwrap();
    let narrowest = volumes.windows(2).map(|pair| pair[1].x - pair[0].x).min().unwrap();
    // Bars 39 and 60 are 21 slots apart.
    assert!((widest - 21 * narrowest).abs() <= 21, "{narrowest} {widest}");
}

#[test]
fn labels_say_prices_and_times() {
    let mut chart = chart_of(&zigzag(0..180));
    chart.prepare();
    chart.zoom(1.2);
    let texts = draw(&mut chart).texts;
    assert_eq!(
        texts,
        [
            "97.00", "98.00", "99.00", "100.00", "101.00", "102.00", "103.00", "104.00", "105.00", // prices
            "22:15", "22:30", "22:45", "23:00", "23:15", "23:30", "23:45", "9 Aug", "00:15", "00:30", "00:45",
            "01:00", // times
            "UTC", "101.00", // zone, last price
        ]
    );
}

#[test]
fn leading_digits_are_never_cut() {
    /// A close beside the end of its label on an axis of `SIZE`, and the decimals of the instrument.
    #[track_caller]
    fn check(close: &str, price_decimals: u32, width: u32, expected: &str) {
        let mut chart = chart_of(&[bar(0, [close; 4]), bar(1, [close; 4])]);
        chart.set_instrument("WETH/USDT", price_decimals, 18);
        chart.set_surface(Surface { width, ..Surface::plain(SIZE.0, SIZE.1) });
        chart.prepare();
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, (width, SIZE.1)).into_drawing_area();
        chart.draw_base(&area).unwrap();
        chart.draw_last(&area).unwrap();
        drop(area);
        let found = picture(&svg);
        assert_eq!(found.texts.last().unwrap().replace('\u{202f}', ""), expected);
        let (down, last_down) = (hex(Theme::DARK.up), found.rects.last().unwrap());
        assert_eq!(last_down.fill, down, "the last price's label");
        let room = f64::from(last_down.width) / 6.6;
        let labels = found.texts.iter().filter(|text| text.contains('.') || text.contains('…'));
        let longest = labels.map(|text| text.chars().count()).max().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a label's length")]
        let is_inside = longest as f64 <= room;
        assert!(is_inside, "{longest} characters in the room of {room}: {:?}", found.texts);
    }
    check("2890.90123404111", 4, 1_000, "2890.90123404111");
    check("2890.9", 4, 1_000, "2890.9000");
    check("61602.01", 2, 1_000, "61602.01");
    check("0.000000001234567891", 18, 1_000, "0.000000001234567891");
    // Half of a narrow chart is the most: then the last decimals go.
    check("2890.901234567890123456", 4, 200, "2890.901234…");
}

#[test]
fn the_countdown_stands_under_the_last_price() {
    let mut chart = chart_of(&zigzag(0..180));
    chart.set_clock(Some(Timestamp::from_millis(EVENING + 179 * MINUTE + 18_000)));
    assert_eq!(draw_series(&mut chart).texts, ["101.00", "0:42"]);
    // A clock past the bar's end: no countdown.
    chart.set_clock(Some(Timestamp::from_millis(EVENING + 180 * MINUTE)));
    assert_eq!(draw_series(&mut chart).texts, ["101.00"]);
}

#[test]
fn the_crosshair_names_price_time_and_bar() {
    let mut chart = chart_of(&zigzag(0..100));
    chart.prepare();
    chart.set_cursor(Some((500.0, 200.0)));
    assert_eq!(chart.pending(), Level::Cursor);
    assert_eq!(chart.prepare(), Level::Cursor);
    let mut svg = String::new();
    chart.draw_cursor(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area()).unwrap();
    let texts = picture(&svg).texts;
    assert_eq!(texts, ["101.70", "8 Aug 2024 22:53"]);
    assert_eq!(words(&chart), "8 Aug 2024 22:53  O 103.00  H 105.00  L 99.00  C 101.00  −1.94 %  V 1.500");
    // Beyond the newest bar there is no bar; outside the plot the newest is shown.
    chart.set_cursor(Some((940.0, 200.0)));
    assert_eq!(chart.legend(), None);
    chart.set_cursor(Some((990.0, 200.0)));
    assert_eq!(chart.legend().unwrap().close, "101.00");
}

#[test]
fn stale_bars_are_muted() {
    let mut chart = chart_of(&zigzag(0..100));
    chart.set_stale(true);
    let found = draw_series(&mut chart);
    let coloured = [hex(Theme::DARK.up), hex(Theme::DARK.down)];
    assert!(found.rects.iter().filter(|rect| coloured.contains(&rect.fill)).all(|rect| rect.opacity != "1"));
    assert!(found.rects.iter().any(|rect| rect.fill == hex(Theme::DARK.muted)));
    assert!(chart.summary().ends_with(", stale"));
}

#[test]
fn draws_no_more_than_needed() {
    let mut chart = chart_of(&zigzag(0..100));
    assert_eq!(chart.prepare(), Level::Full);
    assert_eq!(chart.prepare(), Level::None);
    // A tick inside the range: the axes and all other bars are unchanged.
    chart.upsert(&[bar(99, ["103.00", "105.00", "99.00", "102.00"])]);
    assert_eq!(chart.prepare(), Level::Last);
    chart.upsert(&[bar(99, ["103.00", "105.00", "99.00", "102.00"])]);
    assert_eq!(chart.prepare(), Level::None);
    // A new high moves the price axis, a new bar the time axis.
    chart.upsert(&[bar(99, ["103.00", "109.00", "99.00", "102.00"])]);
    assert_eq!(chart.prepare(), Level::Full);
    chart.upsert(&zigzag([100]));
    assert_eq!(chart.prepare(), Level::Full);
    // After panning into the past, new bars change nothing in view except the last price.
    chart.zoom(0.2);
    chart.pan(-1.5);
    assert_eq!(chart.prepare(), Level::Full);
    chart.upsert(&zigzag([101]));
    assert_eq!(chart.prepare(), Level::Light);
    chart.set_clock(Some(Timestamp::from_millis(EVENING + 101 * MINUTE + 500)));
    assert_eq!(chart.prepare(), Level::Last);
    chart.set_clock(Some(Timestamp::from_millis(EVENING + 101 * MINUTE + 600)));
    assert_eq!(chart.prepare(), Level::None);
}

#[test]
fn the_forming_bar_stands_on_a_layer_of_its_own() {
    #[track_caller]
    fn check(n_bars: i64, zoom: f64, pan: f64, n_forming: usize) {
        let mut chart = chart_of(&zigzag(0..n_bars));
        chart.prepare();
        chart.zoom(zoom);
        chart.pan(pan);
        chart.prepare();
        let volumes = |picture: &Picture| picture.rects.iter().filter(|rect| rect.opacity == "0.3").count();
        let settled = layer(|area| chart.draw_series(area).unwrap());
        let forming = layer(|area| chart.draw_last(area).unwrap());
        assert_eq!(volumes(&forming), n_forming, "{n_bars} bars, zoom {zoom}, pan {pan}");
        assert!(settled.texts.is_empty());
        assert_eq!(forming.texts.len(), 1);
        // Together they are all bars: no pixel column twice, none missing.
        let columns = |picture: &Picture| -> Vec<i32> {
            picture.rects.iter().filter(|rect| rect.opacity == "0.3").map(|rect| rect.x).collect()
        };
        let mut all = columns(&settled);
        all.extend(columns(&forming));
        let n_all = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n_all);
        assert_eq!(n_all, volumes(&draw_series(&mut chart)));
    }
    check(100, 1.0, 0.0, 1);
    check(1, 1.0, 0.0, 1);
    // Several bars per pixel column: the ones that share the last column are drawn with it.
    check(1_000, 20.0, 0.0, 1);
    // Out of view.
    check(300, 0.2, -1.5, 0);
}

#[test]
fn only_a_volume_beyond_the_top_redraws_the_bars() {
    let mut chart = chart_of(&zigzag(0..100));
    chart.prepare();
    let with_volume = |volume: &str| Candle {
        volume: Quantity::parse(volume).unwrap(),
        ..bar(99, ["103.00", "105.00", "99.00", "101.00"])
    };
    // All bars have 1.50, which is exactly one step.
    for (volume, level) in
        [("1.51", Level::Light), ("1.55", Level::Last), ("1.62", Level::Last), ("1.63", Level::Light)]
    {
        chart.upsert(&[with_volume(volume)]);
        assert_eq!(chart.prepare(), level, "{volume}");
    }
}

#[test]
fn a_new_snapshot_keeps_a_moved_view_and_a_new_interval_does_not() {
    let bars = zigzag(0..300);
    let mut chart = chart_of(&bars);
    chart.prepare();
    chart.zoom_at(0.5, 100.0);
    chart.prepare();
    let moved = *chart.viewport().unwrap();
    chart.set_bars(&bars);
    chart.prepare();
    assert_eq!(*chart.viewport().unwrap(), moved);
    chart.set_interval(Interval::M5);
    chart.prepare();
    assert_ne!(*chart.viewport().unwrap(), moved);
}

#[test]
fn says_what_it_shows() {
    let mut chart = chart_of(&[]);
    assert_eq!(chart.summary(), "BTC/USDT, 1m candles: no bars yet");
    chart.set_bars(&zigzag(0..100));
    chart.prepare();
    assert_eq!(
        chart.summary(),
        "BTC/USDT, 1m candles: 100 bars shown, last 101.00, +1.00 % since 8 Aug 2024 22:00 UTC, low 98.00, high 105.00"
    );
}

#[test]
fn odd_markets_draw_without_nonsense() {
    #[track_caller]
    fn check(bars: &[Candle], decimals: u32, expected_label: Option<&str>) {
        for (width, height) in [(1_000, 500), (0, 0), (1, 1), (30, 10)] {
            let mut chart = chart_of(bars);
            chart.set_instrument("X", decimals, 0);
            chart.set_surface(Surface::plain(width, height));
            chart.set_cursor(Some((5.0, 5.0)));
            let found = draw(&mut chart);
            if width == 1_000 {
                if let Some(label) = expected_label {
                    assert!(found.texts.iter().any(|text| text == label), "{:?}", found.texts);
                }
                assert!(found.rects.iter().all(|rect| rect.width > 0 && rect.height > 0 && rect.x >= 0 && rect.y >= 0));
                assert!(found.rects.iter().all(|rect| rect.x + rect.width <= 1_000 && rect.y + rect.height <= 500));
            }
            chart.zoom(0.5);
            chart.drag(300.0);
            chart.to_start();
            draw(&mut chart);
        }
    }
    let flat = |text: &str, minutes: i64| (0..minutes).map(|minute| bar(minute, [text; 4])).collect::<Vec<_>>();
    check(&[], 2, None);
    check(&flat("100.00", 1), 2, Some("100.00"));
    check(&flat("100.00", 500), 2, Some("100.01"));
    check(&flat("0", 3), 0, Some("1"));
    check(&flat("79228162514264337593543950335", 3), 0, None);
    check(&flat("79228162514264337593543950335", 3), 28, None);
    check(&flat("0.0000000000000000000000000001", 3), 28, Some("0.0000000000000000000000000002"));
    check(&flat("-3.50", 3), 2, Some("−3.51"));
    let extremes = [bar(0, ["0.0000000001"; 4]), bar(1, ["79228162514264337593543950335"; 4])];
    check(&extremes, 10, None);
    // Half a century apart.
    let far = Candle { open_time: Timestamp::from_millis(0), ..bar(0, ["1.00"; 4]) };
    check(&[far, bar(0, ["2.00"; 4])], 2, Some("2.00"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bars_and_gestures_stay_on_the_surface(
        minutes in prop::collection::btree_set(0_i64..5_000, 0..300),
        cents in prop::collection::vec((-1_000_000_i64..1_000_000, 0_i64..500), 300),
        gestures in prop::collection::vec((0.05..20.0_f64, -500.0..1_500.0_f64, -2_000.0..2_000.0_f64), 0..8),
    ) {
        let cents_price = |cents: i64| Price::from_mantissa(i128::from(cents), 2).unwrap();
        let bars: Vec<_> = minutes.iter().zip(&cents).map(|(&minute, &(low, span))| Candle {
            open_time: Timestamp::from_millis(EVENING + minute * MINUTE),
            open: cents_price(low + span / 2),
            high: cents_price(low + span),
            low: cents_price(low),
            close: cents_price(low + span / 3),
            volume: Quantity::from_mantissa(i128::from(span), 1).unwrap(),
            buy_volume: None,
        }).collect();
        let mut chart = chart_of(&bars);
        draw(&mut chart);
        chart.set_indicators(vec![plot("a", IndicatorPane::Prices), plot("b", IndicatorPane::Own { levels: vec![1e9], range: None })]);
        for (key, scale) in [("a", 0.01), ("b", 1e6)] {
            let value = |&(low, _): &(i64, i64)| Some(f64::from(i32::try_from(low).unwrap()) * scale);
            let rows: Vec<_> = minutes.iter().zip(&cents).map(|(minute, low)| (EVENING + minute * MINUTE, [value(low)])).collect();
            chart.upsert_indicator(key, rows.iter().map(|(open_ms, values)| (*open_ms, values.as_slice())));
        }
        for (idx, (factor, x, pixels)) in gestures.into_iter().enumerate() {
            chart.zoom_at(factor, x);
            chart.drag(pixels);
            chart.scale_prices(factor);
            chart.drag_prices(pixels);
            chart.set_price_mode(if idx % 3 == 0 { PriceMode::Log } else { PriceMode::Linear });
            chart.set_bar_style([BarStyle::Candles, BarStyle::Line, BarStyle::Area][idx % 3]);
            chart.set_cursor(Some((x, 100.0)));
            for rect in draw(&mut chart).rects {
                prop_assert!(rect.width > 0 && rect.height > 0 && rect.x >= 0 && rect.y >= 0, "{:?}", rect);
                prop_assert!(rect.x + rect.width <= 1_000 && rect.y + rect.height <= 500, "{:?}", rect);
            }
        }
    }
}

/// Bars of 1.50 each, of which that many hundredths were bought; `None` if unknown.
fn sided(bought: impl IntoIterator<Item = Option<i128>>) -> Vec<Candle> {
    let hundredths = |lots| Quantity::from_mantissa(lots, 2).unwrap();
    let bars = bought.into_iter().zip(0..);
    bars.map(|(lots, minute)| Candle { buy_volume: lots.map(hundredths), ..zigzag([minute])[0] }).collect()
}

#[test]
fn the_delta_has_a_pane_below_the_prices() {
    let mut chart = chart_of(&sided((0..100).map(|minute| Some(if minute % 4 == 0 { 25 } else { 100 }))));
    chart.set_studies(Studies { delta: true, profile: false });
    let found = draw(&mut chart);
    // 75 bars of +0.50 and 25 of −1.00.
    assert!(found.texts.contains(&"CVD +12.500 since 8 Aug 2024 22:00".to_owned()), "{:?}", found.texts);
    assert!(found.texts.contains(&"5".to_owned()) && found.texts.contains(&"10".to_owned()), "{:?}", found.texts);
    assert!(chart.summary().ends_with(", cumulative volume delta +12.500 since 8 Aug 2024 22:00"));
    // The pane gets 115 of the plot's 478 rows.
    let bars = draw_series(&mut chart);
    assert!(bars.rects.iter().filter(|rect| rect.opacity == "0.3").all(|rect| rect.y + rect.height <= 363));
    let steps: Vec<_> = bars.rects.iter().filter(|rect| rect.fill == hex(Theme::DARK.text)).collect();
    assert!(steps.iter().all(|rect| rect.y > 363 && rect.y + rect.height < 478), "{steps:?}");
    // A level and a vertical for each bar; the first has none to its left.
    assert_eq!(steps.len(), 2 * 99 + 1);
    chart.set_cursor(Some((500.0, 420.0)));
    let cursor = layer(|area| {
        chart.prepare();
        chart.draw_cursor(area).unwrap();
    });
    assert_eq!(cursor.texts, ["CVD +6.000 since 8 Aug 2024 22:00", "6.8", "8 Aug 2024 22:53"]);
    assert!(words(&chart).ends_with("V 1.500  Δ +0.500"));
}

#[test]
fn a_delta_that_is_not_known_is_not_drawn() {
    let mut chart = chart_of(&sided((0..100).map(|minute| (minute != 60).then_some(100))));
    chart.set_studies(Studies { delta: true, profile: false });
    let found = draw(&mut chart);
    assert!(found.texts.contains(&"CVD +19.500 since 8 Aug 2024 23:01".to_owned()), "{:?}", found.texts);
    let found = draw_series(&mut chart);
    let steps: Vec<_> = found.rects.iter().filter(|rect| rect.fill == hex(Theme::DARK.text)).collect();
    let widest = steps.iter().map(|rect| rect.width).max().unwrap();
    assert!(widest < 12, "nothing stands over the bar that is not known: {widest}");

    let mut chart = chart_of(&zigzag(0..100));
    chart.set_studies(Studies { delta: true, profile: true });
    let found = draw(&mut chart);
    let words = "CVD unknown: the newest trades have no aggressor side";
    assert!(found.texts.contains(&words.to_owned()), "{:?}", found.texts);
    assert_eq!(chart.legend().unwrap().delta, None);
    chart.set_cursor(Some((500.0, 420.0)));
    let cursor = layer(|area| {
        chart.prepare();
        chart.draw_cursor(area).unwrap();
    });
    assert_eq!(cursor.texts, ["CVD unknown here", "8 Aug 2024 22:53"]);
}

#[test]
fn the_profile_grows_from_the_right() {
    let mut chart = chart_of(&sided((0..100).map(|minute| (minute < 90).then_some(100))));
    chart.set_studies(Studies { delta: false, profile: true });
    let found = draw_series(&mut chart);
    let of = |opacity: &str, fill: String| {
        let rects = found.rects.iter().filter(|rect| rect.opacity == opacity && rect.fill == fill);
        (rects.clone().count(), rects.map(|rect| rect.width).sum::<i32>())
    };
    let (dark, inside) = (Theme::DARK, "0.28");
    let [bought, sold, unsided] = [dark.up, dark.down, dark.muted].map(|colour| of(inside, hex(colour)));
    assert!(bought.0 > 5 && bought.0 == sold.0 && bought.0 == unsided.0, "{bought:?} {sold:?} {unsided:?}");
    // Two thirds of nine tenths, one third of them, one tenth.
    let share = |part: (usize, i32)| f64::from(part.1) / f64::from(bought.1 + sold.1 + unsided.1);
    for (part, expected) in [(bought, 0.6), (sold, 0.3), (unsided, 0.1)] {
        assert!((share(part) - expected).abs() < 0.02, "{} {expected}", share(part));
    }
    assert!(of("0.14", hex(dark.up)).0 > 2, "and rows outside of the value area");
    let right = found.rects.iter().filter(|rect| rect.opacity == inside).map(|rect| rect.x + rect.width).max().unwrap();
    assert_eq!(right, 948, "the plot's edge: six digits and their margins are left free");
    assert!(chart.summary().contains(", most volume at 10"), "{}", chart.summary());
    chart.set_stale(true);
    assert_eq!(draw_series(&mut chart).rects.iter().filter(|rect| rect.opacity == inside).count(), 0);
}

#[test]
fn the_profile_takes_in_the_forming_bar_once_a_second() {
    let mut chart = chart_of(&zigzag(0..100));
    let at = |millis: i64| Some(Timestamp::from_millis(EVENING + 99 * MINUTE + millis));
    chart.set_studies(Studies { delta: false, profile: true });
    chart.set_clock(at(0));
    chart.prepare();
    let tick = |close: &str| bar(99, ["103.00", "105.00", "99.00", close]);
    chart.upsert(&[tick("102.00")]);
    assert_eq!(chart.prepare(), Level::Last);
    chart.set_clock(at(1_500));
    assert_eq!(chart.prepare(), Level::Light);
    chart.set_clock(at(2_500));
    assert_eq!(chart.prepare(), Level::Last, "nothing was traded since");
    chart.upsert(&[tick("101.50")]);
    chart.set_studies(Studies::default());
    chart.prepare();
    chart.set_clock(at(3_500));
    assert_eq!(chart.prepare(), Level::Last, "no profile, no more than the countdown");
}

/// Closes from 100.00 upwards, one a minute.
fn rising(closes: impl IntoIterator<Item = &'static str>) -> Vec<Candle> {
    closes.into_iter().zip(0..).map(|(close, minute)| bar(minute, [close; 4])).collect()
}

/// The points of all polylines in an SVG.
fn polylines(svg: &str) -> Vec<Vec<(i32, i32)>> {
    let point = |pair: &str| pair.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap();
    svg.split("<polyline").skip(1).map(|tag| attribute(tag, "points").split_whitespace().map(point).collect()).collect()
}

fn series_svg(chart: &mut Chart) -> String {
    chart.prepare();
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    chart.draw_series(&area).unwrap();
    chart.draw_last(&area).unwrap();
    drop(area);
    svg
}

/// The values of an indicator with one output at the minutes of [`rising`].
fn at_minutes(values: &[Option<f64>]) -> Vec<(i64, [Option<f64>; 1])> {
    values.iter().zip(0..).map(|(value, minute)| (EVENING + minute * MINUTE, [*value])).collect()
}

fn plot(key: &str, pane: IndicatorPane) -> IndicatorPlot {
    IndicatorPlot { key: key.to_owned(), lines: vec![IndicatorLine::default()], pane, is_hidden: false }
}

fn give(chart: &mut Chart, key: &str, values: &[Option<f64>]) {
    let rows = at_minutes(values);
    chart.upsert_indicator(key, rows.iter().map(|(open_ms, values)| (*open_ms, values.as_slice())));
}

fn readings(chart: &Chart) -> Vec<(String, Option<String>, usize)> {
    let readings = chart.indicator_readings().into_iter();
    readings.map(|reading| (reading.key, reading.values[0].clone(), reading.n_rows)).collect()
}

const CLOSES: [&str; 8] = ["100.00", "101.50", "99.25", "103.75", "102.00", "98.50", "97.25", "105.00"];

#[test]
fn an_indicator_over_the_prices_is_a_line_on_their_axis() {
    let mut chart = chart_of(&rising(CLOSES));
    chart.set_indicators(vec![plot("sma(3)", IndicatorPane::Prices)]);
    // Python: [round(sum(c[i-2:i+1])/3, 2) for i in range(2, 8)]
    let means = [100.25, 101.50, 101.67, 101.42, 99.25, 100.25];
    let values: Vec<_> = [None, None].into_iter().chain(means.map(Some)).collect();
    give(&mut chart, "sma(3)", &values);
    give(&mut chart, "another", &values);
    chart.prepare();
    assert_eq!(readings(&chart), [("sma(3)".to_owned(), Some("100.25".to_owned()), 8)]);
    chart.set_cursor(Some((1.0, 200.0)));
    assert_eq!(readings(&chart), [("sma(3)".to_owned(), None, 0)], "no bar is there");
    chart.set_cursor(None);
    // A line through six means: the newest bar's stroke is on its own layer.
    let lines = polylines(&series_svg(&mut chart));
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [5, 2]);
    assert_eq!(lines[0].last(), lines[1].first());
    // The axis runs from 97.25 at row 382 to 105.00 at row 38.
    let row_of = |mean: f64| 382.0 - (mean - 97.25) / (105.0 - 97.25) * (382.0 - 38.0);
    for ((_, y), mean) in lines[0].iter().zip(means) {
        assert!((f64::from(*y) - row_of(mean)).abs() <= 1.0, "{y} {mean}");
    }
    chart.set_indicators(vec![IndicatorPlot { is_hidden: true, ..plot("sma(3)", IndicatorPane::Prices) }]);
    assert!(polylines(&series_svg(&mut chart)).is_empty());
    chart.set_indicators(vec![plot("sma(3)", IndicatorPane::Prices)]);
    assert_eq!(polylines(&series_svg(&mut chart)).len(), 2, "its values were kept");
    chart.clear();
    assert_eq!(readings(&chart), [("sma(3)".to_owned(), None, 0)]);
}

#[test]
fn bands_widen_the_axis_up_to_half_of_what_the_bars_take() {
    let mut chart = chart_of(&rising(CLOSES));
    let ends = |chart: &mut Chart| {
        chart.prepare();
        let rows = chart.price_rows().unwrap();
        (rows.price_at(38.0).round(), rows.price_at(382.0).round())
    };
    assert_eq!(ends(&mut chart), (105.0, 97.0));
    chart.set_indicators(vec![plot("bb", IndicatorPane::Prices)]);
    give(&mut chart, "bb", &[Some(107.0); 8]);
    assert_eq!(ends(&mut chart), (107.0, 97.0));
    give(&mut chart, "bb", &[Some(9_000.0); 8]);
    assert_eq!(ends(&mut chart), (109.0, 97.0));
}

#[test]
fn an_indicator_of_its_own_has_a_pane_with_an_axis_and_levels() {
    let mut chart = chart_of(&rising(CLOSES));
    let rsi = IndicatorPane::Own { levels: vec![30.0, 70.0], range: Some((0.0, 100.0)) };
    let momentum = IndicatorPane::Own { levels: vec![0.0], range: None };
    let bars = vec![IndicatorLine { style: LineStyle::Histogram, colour: 1 }];
    chart.set_studies(Studies { delta: true, profile: false });
    chart.set_indicators(vec![
        plot("rsi(2)", rsi),
        IndicatorPlot { lines: bars, ..plot("mom(1)", momentum.clone()) },
        IndicatorPlot { is_hidden: true, ..plot("hidden", momentum) },
    ]);
    give(
        &mut chart,
        "rsi(2)",
        &[None, Some(50.0), Some(20.0), Some(80.0), Some(50.0), Some(50.0), Some(0.0), Some(61.5)],
    );
    give(
        &mut chart,
        "mom(1)",
        &[None, Some(1.5), Some(-2.25), Some(4.5), Some(-1.75), Some(-3.5), Some(-1.25), Some(7.75)],
    );
    let picture = draw(&mut chart);
    let shown: Vec<_> = chart.indicator_readings();
    let panes: Vec<_> = shown.iter().map(|reading| reading.pane_top).collect();
    let [Some(top), Some(middle), None] = panes[..] else { panic!("{panes:?}") };
    #[expect(clippy::cast_possible_truncation, reason = "whole pixels")]
    let [top, middle] = [top as i32, middle as i32];
    let (edge, bottom) = (middle, 478);
    assert!(190 < top && top < middle && middle < bottom, "{panes:?}");
    assert_eq!(
        shown.iter().map(|reading| reading.values[0].as_deref()).collect::<Vec<_>>(),
        [Some("61.5"), Some("7.8"), None]
    );
    let labels: Vec<_> = picture.texts.iter().map(String::as_str).collect();
    assert!(labels.contains(&"0") && labels.contains(&"100"), "{labels:?}");
    // The crosshair reads the pane's own axis.
    chart.set_cursor(Some((400.0, f64::from(middle - 1))));
    let texts = draw(&mut chart).texts;
    assert!(texts[texts.len() - 2].starts_with('−'), "the rows below zero of the upper pane: {texts:?}");
    // Rising and falling bars from one row of zero.
    let (up, down) = (hex(Theme::DARK.up), hex(Theme::DARK.down));
    let in_pane = |rect: &&Rect| rect.y >= edge && rect.y + rect.height <= bottom;
    let series = draw_series(&mut chart);
    let of = |fill: &str| series.rects.iter().filter(in_pane).filter(|rect| rect.fill == fill).collect::<Vec<_>>();
    assert_eq!((of(&up).len(), of(&down).len()), (3, 4));
    let zero = of(&up)[0].y + of(&up)[0].height;
    assert!(of(&down).iter().all(|rect| rect.y == zero), "{zero}");
}

#[test]
fn closes_are_a_line_or_an_area() {
    let mut chart = chart_of(&zigzag(0..100));
    let candles = draw_series(&mut chart).rects.len();
    chart.set_bar_style(BarStyle::Line);
    assert_eq!(chart.prepare(), Level::Light, "the axes stay");
    let svg = series_svg(&mut chart);
    assert_eq!(polylines(&svg).iter().map(Vec::len).collect::<Vec<_>>(), [99, 2]);
    assert!(picture(&svg).rects.len() < candles, "no bodies, no wicks");
    chart.set_bar_style(BarStyle::Area);
    let svg = series_svg(&mut chart);
    let tint: Vec<_> = picture(&svg).rects.into_iter().filter(|rect| rect.opacity == "0.1").collect();
    let (first, last) = (polylines(&svg)[0][0], *polylines(&svg)[1].last().unwrap());
    // One column of tint for each pixel between the first and the last close, down to the plot's edge, none twice.
    let columns: Vec<_> = tint.iter().map(|rect| rect.x).collect();
    assert_eq!(columns, (first.0..last.0).collect::<Vec<_>>());
    assert!(tint.iter().all(|rect| rect.width == 1 && rect.y + rect.height == 478));
}

#[test]
fn a_log_scale_spaces_ratios_evenly() {
    let mut chart = chart_of(&rising(["100.00", "200.00", "400.00", "800.00"]));
    chart.set_bar_style(BarStyle::Line);
    let rows = |chart: &mut Chart| {
        let lines = polylines(&series_svg(chart));
        let mut rows: Vec<_> = lines[0].iter().map(|point| point.1).collect();
        rows.push(lines[1][1].1);
        rows
    };
    assert_eq!(rows(&mut chart), [382, 333, 235, 38]);
    chart.set_price_mode(PriceMode::Log);
    assert_eq!(rows(&mut chart), [382, 267, 153, 38], "each doubling is 114.67 rows");
    chart.set_bars(&rising(["-1.00", "3.00"]));
    assert_eq!(chart.prepare(), Level::Full);
    assert!(draw(&mut chart).texts.contains(&"0.00".to_owned()), "prices below zero are linear");
}

#[test]
fn a_chosen_price_range_stays_until_it_is_reset() {
    let labels = |chart: &mut Chart| -> Vec<String> {
        let texts = draw(chart).texts;
        texts.into_iter().take_while(|text| !text.contains(':')).collect()
    };
    let mut chart = chart_of(&zigzag(0..100));
    let first = labels(&mut chart);
    // Prices that fit themselves cannot be dragged away.
    chart.drag_prices(80.0);
    assert_eq!((chart.prepare(), chart.has_chosen_prices()), (Level::None, false));
    chart.scale_prices(2.0);
    assert_eq!(chart.prepare(), Level::Full);
    // 98.00 to 105.00 were 344 rows; 94.50 to 108.50 are now.
    assert_eq!(
        labels(&mut chart),
        ["92.00", "94.00", "96.00", "98.00", "100.00", "102.00", "104.00", "106.00", "108.00"]
    );
    chart.drag_prices(344.0);
    assert_eq!(labels(&mut chart).first().unwrap(), "106.00");
    // Bars far away change nothing, two gestures of one frame add up, and other bars keep the range.
    chart.upsert(&[bar(100, ["300.00"; 4])]);
    chart.drag_prices(-172.0);
    chart.drag_prices(-172.0);
    assert_eq!(labels(&mut chart).first().unwrap(), "92.00");
    chart.reset_times();
    assert!(chart.has_chosen_prices());
    chart.set_bars(&zigzag(0..100));
    chart.reset_view();
    assert_eq!((labels(&mut chart), chart.has_chosen_prices()), (first, false));
    chart.scale_prices(0.5);
    chart.set_price_mode(PriceMode::Log);
    assert!(!chart.has_chosen_prices());
}

#[test]
fn a_pointer_is_over_the_plot_or_an_axis() {
    let mut chart = chart_of(&zigzag(0..100));
    chart.prepare();
    for (x, y, expected) in [
        (10.0, 10.0, Part::Plot),
        (947.0, 477.0, Part::Plot),
        (948.0, 10.0, Part::PriceAxis),
        (10.0, 478.0, Part::TimeAxis),
        (990.0, 490.0, Part::TimeAxis),
        (-5.0, -5.0, Part::Plot),
    ] {
        assert_eq!(chart.part_at(x, y), expected, "{x} {y}");
    }
    assert_eq!(chart.price_axis_width(), 52);
}

#[test]
fn times_are_in_the_chosen_zone() {
    let mut chart = chart_of(&zigzag(0..100));
    chart.set_zone(Zone::of(|_| -(3 * 60 + 30) * MINUTE));
    chart.set_cursor(Some((500.0, 200.0)));
    let texts = draw(&mut chart).texts;
    for expected in ["18:40", "19:00", "UTC−3:30", "8 Aug 2024 19:24"] {
        assert!(texts.iter().any(|text| text == expected), "{expected}: {texts:?}");
    }
    assert_eq!(chart.legend().unwrap().time, "8 Aug 2024 19:24");
    assert!(chart.summary().contains("since 8 Aug 2024 18:30 UTC−3:30"), "{}", chart.summary());
    // Days begin at midnight UTC: in another zone they would have the wrong date.
    chart.set_interval(Interval::D1);
    assert!(draw(&mut chart).texts.contains(&"UTC".to_owned()));
}

#[test]
fn curves_have_their_axes_a_legend_and_one_line_each() {
    let day: Vec<(i64, f64)> =
        (0..600).map(|minute| (EVENING + minute * MINUTE, 100.0 + (minute % 7) as f64)).collect();
    let flat = [(EVENING, 95.0), (EVENING + 600 * MINUTE, 95.0)];
    let draw = |curves: &[Curve<'_>]| {
        let look = Look { theme: Theme::LIGHT, font_family: "sans-serif", caption: "Equity in USD", decimals: 2 };
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            draw_curves(&area, SIZE, curves, &look).unwrap();
            area.present().unwrap();
        }
        svg
    };
    let one = Curve { name: "one", rgb: Theme::LIGHT.up, points: &day };
    let other = Curve { name: "other", rgb: Theme::LIGHT.down, points: &flat };
    let svg = draw(&[one, other]);
    assert_eq!(svg, draw(&[one, other]), "the same curves, the same bytes");
    let texts = picture(&svg).texts;
    for expected in ["Equity in USD", "one", "other", "96.00", "104.00", "9 Aug", "UTC"] {
        assert!(texts.iter().any(|text| text == expected), "{expected}: {texts:?}");
    }
    // The flat curve lies below the others' lowest point, at one height from edge to edge.
    let lines: Vec<&str> = svg.lines().filter(|line| line.contains("<polyline")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let points = |line: &str| -> Vec<(f64, f64)> {
        let pairs = attribute(line, "points").split_whitespace();
        pairs.map(|pair| pair.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap()).collect()
    };
    let flat = points(lines[1]);
    assert!(flat.windows(2).all(|pair| pair[0].1 == pair[1].1) && flat[0].0 == 0.0, "{flat:?}");
    assert!(points(lines[0]).iter().all(|(_, y)| *y < flat[0].1));
    let none = picture(&draw(&[Curve { points: &[], ..one }])).texts;
    assert!(none.contains(&"No data".to_owned()), "{none:?}");
}
