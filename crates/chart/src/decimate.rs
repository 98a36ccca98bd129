//! Draws never more marks than pixel columns: bars on one column merge into one, lines keep at most four points a
//! column.
//!
//! No visible detail is lost: a merged bar has the column's first open, highest high, lowest low, last close and total
//! volume; a decimated line has the column's first, lowest, highest and last point.

use std::ops::Range;

use crate::{
    scale::TimeScale,
    series::{Bar, Series},
};

/// A bar at the pixel column of its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Pixel column.
    pub x: i32,
    /// The bar, or all bars of this column merged.
    pub bar: Bar,
}

/// Returns the bars in `range` column by column, oldest first; `range` must be within the series.
pub fn columns<'a>(series: &'a Series, range: Range<usize>, time: &'a TimeScale) -> impl Iterator<Item = Column> + 'a {
    let times = series.open_time_ms();
    let mut rest = range.map(|idx| Column { x: time.column_of_time(times[idx]), bar: series.bar(idx) }).peekable();
    std::iter::from_fn(move || {
        let mut column = rest.next()?;
        while let Some(next) = rest.next_if(|next| next.x == column.x) {
            column.bar.merge(next.bar);
        }
        Some(column)
    })
}

/// Returns at most four points of each run on one column: the first, lowest, highest and last, in their original order.
pub fn line(points: impl IntoIterator<Item = (i32, i32)>) -> Vec<(i32, i32)> {
    let mut kept: Vec<(i32, i32)> = Vec::new();
    let mut run: Option<Run> = None;
    for (x, y) in points {
        match &mut run {
            Some(run) if run.x == x => run.add(y),
            _ => {
                if let Some(run) = run.replace(Run::new(x, y)) {
                    run.write(&mut kept);
                }
            }
        }
    }
    if let Some(run) = run {
        run.write(&mut kept);
    }
    kept
}

/// Points on one column. Each extreme keeps its position in the order.
struct Run {
    x: i32,
    first: i32,
    last: i32,
    lowest: (usize, i32),
    highest: (usize, i32),
    n_points: usize,
}

impl Run {
    fn new(x: i32, y: i32) -> Self {
        Self { x, first: y, last: y, lowest: (0, y), highest: (0, y), n_points: 1 }
    }

    fn add(&mut self, y: i32) {
        if y < self.lowest.1 {
            self.lowest = (self.n_points, y);
        }
        if y > self.highest.1 {
            self.highest = (self.n_points, y);
        }
        self.last = y;
        self.n_points += 1;
    }

    fn write(self, kept: &mut Vec<(i32, i32)>) {
        let mut marks = [(0, self.first), self.lowest, self.highest, (self.n_points - 1, self.last)];
        marks.sort_unstable_by_key(|mark| mark.0);
        let mut written = None;
        for (idx, y) in marks {
            if written != Some(idx) {
                kept.push((self.x, y));
                written = Some(idx);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::series::tests::bar;

    #[test]
    fn bars_of_one_column_merge() {
        let mut series = Series::default();
        series.set(&[bar(0, 100), bar(60_000, 300), bar(120_000, 200), bar(180_000, 250)]);
        // Half a pixel a bar.
        let time = TimeScale::new(0.0, 4.0, 0, 2, 60_000);
        let found: Vec<_> = columns(&series, 0..4, &time).collect();
        let expected = |idx: usize, next: usize| {
            let (one, two) = (series.bar(idx), series.bar(next));
            Bar {
                high: one.high.max(two.high),
                low: one.low.min(two.low),
                close: two.close,
                volume: one.volume + two.volume,
                ..one
            }
        };
        assert_eq!(found, [Column { x: 0, bar: expected(0, 1) }, Column { x: 1, bar: expected(2, 3) }]);
    }

    #[test]
    fn a_run_keeps_first_lowest_highest_last() {
        assert_eq!(line([(0, 5), (0, 1), (0, 4), (0, 9), (0, 6), (1, 2)]), [(0, 5), (0, 1), (0, 9), (0, 6), (1, 2)]);
        assert_eq!(line([(0, 5), (0, 5)]), [(0, 5), (0, 5)]);
        assert_eq!(line([]), []);
    }

    proptest! {
        #[test]
        fn columns_lose_nothing(minutes in prop::collection::btree_set(0_i64..3_000, 1..400), width in 1..2_000) {
            let bars: Vec<_> = minutes.iter().map(|&minute| bar(minute * 60_000, 1_000 + minute * 7 % 90)).collect();
            let mut series = Series::default();
            series.set(&bars);
            let time = TimeScale::new(0.0, 3_000.0, 0, width, 60_000);
            let found: Vec<_> = columns(&series, 0..series.len(), &time).collect();
            prop_assert!(found.len() <= width as usize && found.len() <= series.len());
            prop_assert!(found.windows(2).all(|pair| pair[0].x < pair[1].x));
            let extent = found.iter().fold((f64::MAX, f64::MIN), |(low, high), column| (low.min(column.bar.low), high.max(column.bar.high)));
            prop_assert_eq!(Some(extent), series.price_extent(0..series.len()));
            let volume: f64 = (0..series.len()).map(|idx| series.bar(idx).volume).sum();
            prop_assert!((found.iter().map(|column| column.bar.volume).sum::<f64>() - volume).abs() < 1e-9);
            if f64::from(width) >= 3_000.0 {
                prop_assert_eq!(found.len(), series.len());
            }
        }

        #[test]
        fn lines_keep_extremes_with_four_points_a_column(mut points in prop::collection::vec((0_i32..20, -50_i32..50), 0..400)) {
            points.sort_by_key(|point| point.0);
            let kept = line(points.iter().copied());
            for x in 0..20 {
                let of = |points: &[(i32, i32)]| points.iter().filter(|point| point.0 == x).map(|point| point.1).collect::<Vec<_>>();
                let (before, after) = (of(&points), of(&kept));
                prop_assert!(after.len() <= 4);
                prop_assert_eq!(after.iter().min(), before.iter().min());
                prop_assert_eq!(after.iter().max(), before.iter().max());
                prop_assert_eq!((after.first(), after.last()), (before.first(), before.last()));
            }
        }
    }
}
