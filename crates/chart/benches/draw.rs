//! Measures a full redraw of 500 bars without a canvas: into a backend that only counts, and into SVG text. Both in one
//! run, so that the machine's load cancels out.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{convert::Infallible, hint::black_box};

use chart::{Chart, chart::Studies, layout::Surface};
use criterion::{Criterion, criterion_group, criterion_main};
use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    time::Timestamp,
};
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

const SIZE: (u32, u32) = (1_000, 500);

/// Counts rectangles and texts.
#[derive(Default)]
struct Counter {
    n_rects: usize,
    n_texts: usize,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Counter {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        SIZE
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Drawn {
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        black_box((from, to, style.color().rgb, fill));
        self.n_rects += 1;
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        black_box((text, style.size(), at));
        self.n_texts += 1;
        Ok(())
    }
}

fn bars(n_bars: i64) -> Vec<Candle> {
    let price = |cents: i64| Price::from_mantissa(i128::from(cents), 2).expect("invariant: small");
    let mut cents = 6_160_000_i64;
    let mut noise = 1_u64;
    (0..n_bars)
        .map(|minute| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let step = i64::try_from(noise >> 52).unwrap_or(0) - 2_048;
            let open = cents;
            cents += step;
            Candle {
                open_time: Timestamp::from_millis(1_723_154_400_000 + minute * 60_000),
                open: price(open),
                high: price(open.max(cents) + 900),
                low: price(open.min(cents) - 700),
                close: price(cents),
                volume: Quantity::from_mantissa(i128::from(step.abs() + 1), 3).expect("invariant: not negative"),
                buy_volume: Quantity::from_mantissa(i128::from(step.abs() / 3), 3),
            }
        })
        .collect()
}

fn chart_of(bars: &[Candle]) -> Chart {
    let mut chart = Chart::new(Interval::M1);
    chart.set_surface(Surface::plain(SIZE.0, SIZE.1));
    chart.set_instrument("BTC/USDT", 2, 3);
    chart.set_bars(bars);
    chart.prepare();
    // All bars, not only those of the first view.
    chart.zoom(3.6);
    chart.prepare();
    chart
}

fn draw(criterion: &mut Criterion) {
    let bars = bars(500);
    let mut group = criterion.benchmark_group("500 bars");
    group.bench_function("all layers, counting backend", |bencher| {
        let mut chart = chart_of(&bars);
        bencher.iter(|| {
            let area = Counter::default().into_drawing_area();
            chart.draw(&area).expect("invariant: infallible");
        });
    });
    group.bench_function("all layers with volume delta and profile, counting backend", |bencher| {
        let mut chart = chart_of(&bars);
        chart.set_studies(Studies { delta: true, profile: true });
        bencher.iter(|| {
            let area = Counter::default().into_drawing_area();
            chart.draw(&area).expect("invariant: infallible");
        });
    });
    group.bench_function("tick: upsert, prepare, last layer, hash", |bencher| {
        let mut chart = chart_of(&bars);
        let mut last = bars[499];
        bencher.iter(|| {
            last.volume = last
                .volume
                .checked_add(Quantity::from_mantissa(1, 3).expect("invariant: small"))
                .expect("invariant: small");
            chart.upsert(&[last]);
            black_box(chart.prepare());
            let area = Counter::default().into_drawing_area();
            chart.draw_last(&area).expect("invariant: infallible");
            black_box(chart.bars_hash())
        });
    });
    group.bench_function("all layers, svg", |bencher| {
        let mut chart = chart_of(&bars);
        bencher.iter(|| {
            let mut svg = String::new();
            chart.draw(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area()).expect("invariant: into a string");
            black_box(svg.len())
        });
    });
    group.finish();
}

criterion_group!(benches, draw);
criterion_main!(benches);
