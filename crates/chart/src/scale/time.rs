//! Time to x by slots of one interval each, and ticks at round times of a zone.
//!
//! A slot is a bar's place, whether there was a bar or not: its number is the open time divided by the interval. So an
//! interval without trades remains an empty place of full width.

use crate::{
    format::{Civil, DAY_MS, Seconds, days_from_civil},
    zone::Zone,
};

/// A linear axis of slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeScale {
    left_slot: f64,
    slots: f64,
    left: i32,
    width: i32,
    interval_ms: i64,
}

/// A labelled time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeTick {
    /// Pixel column: the middle of the bar that contains the time.
    pub x: i32,
    /// Time of day, or the date at the start of a day, the month at the start of a month, the year at the start of a
    /// year.
    pub label: String,
    /// True at the start of a unit larger than the step (a day among hours, a year among months).
    pub is_major: bool,
}

impl TimeScale {
    /// Creates the axis that shows `slots` slots from `left_slot` over `width` pixels from column `left`.
    pub fn new(left_slot: f64, slots: f64, left: i32, width: i32, interval_ms: i64) -> Self {
        Self { left_slot, slots, left, width: width.max(1), interval_ms: interval_ms.max(1) }
    }

    /// Returns the slot number of a time.
    pub fn slot_of_time(&self, time_ms: i64) -> i64 {
        time_ms.div_euclid(self.interval_ms)
    }

    /// Returns the start of a slot.
    pub fn time_of_slot(&self, slot: i64) -> i64 {
        slot.saturating_mul(self.interval_ms)
    }

    /// Returns the length of a slot in milliseconds.
    pub fn interval_ms(&self) -> i64 {
        self.interval_ms
    }

    /// Returns the width of a slot in pixels.
    pub fn slot_width(&self) -> f64 {
        f64::from(self.width) / self.slots
    }

    /// Returns the exact pixel column of a position in slots (a bar's left edge is its slot number, its middle half a
    /// slot on).
    pub fn x_of_slot(&self, slot: f64) -> f64 {
        f64::from(self.left) + (slot - self.left_slot) * self.slot_width()
    }

    /// Returns the position in slots at pixel column `x`.
    pub fn slot_of_x(&self, x: f64) -> f64 {
        self.left_slot + (x - f64::from(self.left)) / self.slot_width()
    }

    /// Returns the pixel column of the middle of the bar that opens at `time_ms`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "clamped; slot numbers are below 2^53"
    )]
    pub fn column_of_time(&self, time_ms: i64) -> i32 {
        let middle = self.slot_of_time(time_ms) as f64 + 0.5;
        self.x_of_slot(middle).floor().clamp(-super::price::FAR, super::price::FAR) as i32
    }

    /// Returns ticks at least `gap` pixels apart, oldest first, all within the axis, at round times in `zone`. Where no
    /// bar opens at a round time (bars of four hours in a zone of two), ticks are at the opens of bars.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "float casts saturate")]
    pub fn ticks(&self, gap: f64, zone: Zone) -> Vec<TimeTick> {
        let ms_per_pixel = self.interval_ms as f64 / self.slot_width();
        let step = Step::at_least((gap * ms_per_pixel) as i64, self.interval_ms);
        let first_ms = self.time_of_slot(self.slot_of_x(f64::from(self.left)).floor() as i64);
        let right = self.left + self.width;
        let mut ticks = Vec::new();
        let mut time_ms = step.at_or_after(first_ms, self.interval_ms, zone);
        for _ in 0..MAX_TICKS {
            let x = self.column_of_time(time_ms);
            if x >= right {
                break;
            }
            if x >= self.left {
                let (label, is_major) = step.label(zone.local_ms(time_ms), self.interval_ms);
                ticks.push(TimeTick { x, label, is_major });
            }
            time_ms = step.at_or_after(time_ms.saturating_add(1), self.interval_ms, zone);
        }
        ticks
    }
}

/// Distance between ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Up to a whole day, counted from midnight.
    Millis(i64),
    /// Mondays.
    Week,
    /// The first day of every that many months; divides twelve.
    Months(u32),
    /// The first day of the years divisible by it.
    Years(i64),
}

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const SHORT_STEPS: [i64; 18] = [
    SECOND_MS,
    2 * SECOND_MS,
    5 * SECOND_MS,
    10 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
];
/// 1970-01-05 was a Monday.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;
const MAX_TICKS: usize = 200;

impl Step {
    /// Returns the smallest step not below `least_ms` whose ticks coincide with bars.
    fn at_least(least_ms: i64, interval_ms: i64) -> Self {
        if let Some(&millis) = SHORT_STEPS.iter().find(|&&step| step >= least_ms && step % interval_ms == 0) {
            return Self::Millis(millis);
        }
        if least_ms <= 7 * DAY_MS {
            return Self::Week;
        }
        if let Some(months) = [1, 3, 6].into_iter().find(|&months| least_ms <= i64::from(months) * 28 * DAY_MS) {
            return Self::Months(months);
        }
        let (mut years, mut factors) = (1_i64, [2, 5, 10].into_iter().cycle());
        let mut power = 1_i64;
        while years.saturating_mul(365 * DAY_MS) < least_ms && years < 1_000_000_000 {
            let factor = factors.next().unwrap_or(10);
            years = power * factor;
            power *= if factor == 10 { 10 } else { 1 };
        }
        Self::Years(years)
    }

    /// Returns the first tick not before the instant `time_ms`.
    fn at_or_after(self, time_ms: i64, interval_ms: i64, zone: Zone) -> i64 {
        let offset_ms = zone.offset_ms(time_ms);
        let local_ms = time_ms.saturating_add(offset_ms);
        let ahead_ms = self.at_or_after_local(local_ms, offset_ms.rem_euclid(interval_ms)).saturating_sub(local_ms);
        let tick_ms = time_ms.saturating_add(ahead_ms);
        // The clocks may change on the way.
        tick_ms.saturating_add(offset_ms - zone.offset_ms(tick_ms)).max(time_ms)
    }

    /// Returns the first tick not before a time of the zone's clock; bars open `shift_ms` after its round times.
    fn at_or_after_local(self, time_ms: i64, shift_ms: i64) -> i64 {
        let round_up = |step: i64, origin: i64| {
            let rest = time_ms.saturating_sub(origin).rem_euclid(step);
            if rest == 0 { time_ms } else { time_ms.saturating_add(step - rest) }
        };
        match self {
            Self::Millis(step) => round_up(step, shift_ms),
            Self::Week => round_up(7 * DAY_MS, FIRST_MONDAY_MS),
            Self::Months(months) => {
                let civil = Civil::of(time_ms.saturating_sub(1));
                // The first multiple after the month that contains the previous instant.
                let next = (civil.month - 1) / months * months + months;
                let (year, month) = if next >= 12 { (civil.year + 1, 1) } else { (civil.year, next + 1) };
                days_from_civil(year, month, 1).saturating_mul(DAY_MS)
            }
            Self::Years(years) => {
                let civil = Civil::of(time_ms.saturating_sub(1));
                let year = civil.year.div_euclid(years) * years + years;
                days_from_civil(year, 1, 1).saturating_mul(DAY_MS)
            }
        }
    }

    fn label(self, local_ms: i64, interval_ms: i64) -> (String, bool) {
        let civil = Civil::of(local_ms);
        match self {
            // The first bar of a day has its date.
            Self::Millis(step) if civil.day_ms >= interval_ms => {
                let seconds = if step < MINUTE_MS { Seconds::Shown } else { Seconds::Hidden };
                (civil.time_of_day(seconds), false)
            }
            Self::Millis(DAY_MS) => match (civil.month, civil.day) {
                (1, 1) => (civil.year.to_string(), true),
                (_, 1) => (civil.month_name().to_owned(), true),
                _ => (civil.date(), false),
            },
            Self::Millis(_) => (civil.date(), true),
            Self::Week => (civil.date(), false),
            Self::Months(_) if civil.month == 1 => (civil.year.to_string(), true),
            Self::Months(_) => (civil.month_name().to_owned(), false),
            Self::Years(_) => (civil.year.to_string(), false),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The labels of an axis of `slots` bars from `from_ms`, 1,000 pixels wide, ticks 80 pixels apart; major ones are
    /// starred.
    #[track_caller]
    fn check(from_ms: i64, slots: i64, interval_ms: i64, expected: &[&str]) {
        check_in(Zone::UTC, from_ms, slots, interval_ms, expected);
    }

    #[track_caller]
    fn check_in(zone: Zone, from_ms: i64, slots: i64, interval_ms: i64, expected: &[&str]) {
        let scale = TimeScale::new((from_ms / interval_ms) as f64, slots as f64, 0, 1_000, interval_ms);
        let labels: Vec<_> = scale
            .ticks(80.0, zone)
            .into_iter()
            .map(|tick| if tick.is_major { format!("*{}", tick.label) } else { tick.label })
            .collect();
        assert_eq!(labels, expected);
    }

    /// 2024-08-08T22:00Z.
    const EVENING: i64 = 1_723_154_400_000;

    #[test]
    fn ticks_stand_at_round_times() {
        check(EVENING, 240, MINUTE_MS, &["22:00", "22:30", "23:00", "23:30", "*9 Aug", "00:30", "01:00", "01:30"]);
        check(
            EVENING + 1_500,
            60,
            SECOND_MS,
            &[
                "22:00:05", "22:00:10", "22:00:15", "22:00:20", "22:00:25", "22:00:30", "22:00:35", "22:00:40",
                "22:00:45", "22:00:50", "22:00:55", "22:01:00",
            ],
        );
        check(
            EVENING,
            60,
            HOUR_MS,
            &["*9 Aug", "06:00", "12:00", "18:00", "*10 Aug", "06:00", "12:00", "18:00", "*11 Aug", "06:00"],
        );
        check(
            EVENING,
            30,
            4 * HOUR_MS,
            &["*9 Aug", "12:00", "*10 Aug", "12:00", "*11 Aug", "12:00", "*12 Aug", "12:00", "*13 Aug", "12:00"],
        );
        check(EVENING, 60, DAY_MS, &["12 Aug", "19 Aug", "26 Aug", "2 Sep", "9 Sep", "16 Sep", "23 Sep", "30 Sep"]);
        check(EVENING, 8, DAY_MS, &["8 Aug", "9 Aug", "10 Aug", "11 Aug", "12 Aug", "13 Aug", "14 Aug", "15 Aug"]);
        check(EVENING, 300, DAY_MS, &["Sep", "Oct", "Nov", "Dec", "*2025", "Feb", "Mar", "Apr", "May", "Jun"]);
        check(EVENING, 3_000, DAY_MS, &["2025", "2026", "2027", "2028", "2029", "2030", "2031", "2032"]);
    }

    #[test]
    fn ticks_are_at_round_times_of_the_zone() {
        // 2024-08-08T22:00Z is 03:30 in India, 18:00 in New York.
        let (india, new_york) = (Zone::of(|_| 5 * HOUR_MS + HOUR_MS / 2), Zone::of(|_| -4 * HOUR_MS));
        check_in(
            india,
            EVENING,
            180,
            MINUTE_MS,
            &[
                "03:30", "03:45", "04:00", "04:15", "04:30", "04:45", "05:00", "05:15", "05:30", "05:45", "06:00",
                "06:15",
            ],
        );
        check_in(
            new_york,
            EVENING,
            24,
            HOUR_MS,
            &[
                "18:00", "20:00", "22:00", "*9 Aug", "02:00", "04:00", "06:00", "08:00", "10:00", "12:00", "14:00",
                "16:00",
            ],
        );
        // Bars of four hours open at 01:30, 05:30, …: the first of a day has the date.
        check_in(
            india,
            EVENING,
            12,
            4 * HOUR_MS,
            &[
                "*9 Aug", "05:30", "09:30", "13:30", "17:30", "21:30", "*10 Aug", "05:30", "09:30", "13:30", "17:30",
                "21:30",
            ],
        );
    }

    #[test]
    fn ticks_survive_a_change_of_the_clocks() {
        // Berlin, 2024-10-27: at 01:00Z 03:00 becomes 02:00, which has one label.
        let berlin = Zone::of(|time_ms| if time_ms < 1_729_990_800_000 { 2 * HOUR_MS } else { HOUR_MS });
        let midnight_ms = 1_729_980_000_000;
        check_in(
            berlin,
            midnight_ms,
            12,
            HOUR_MS,
            &["*27 Oct", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00", "07:00", "08:00", "09:00", "10:00"],
        );
    }

    #[test]
    fn a_gap_keeps_its_place() {
        let scale = TimeScale::new(0.0, 10.0, 0, 100, MINUTE_MS);
        assert_eq!([0, 1, 5].map(|minute| scale.column_of_time(minute * MINUTE_MS)), [5, 15, 55]);
    }

    proptest! {
        #[test]
        fn bar_to_column_to_bar(first in 0_i64..2_000_000_000, slots in 1_i64..2_000, share in 0.0..1.0_f64, width in 1..4_000) {
            prop_assume!(i64::from(width) >= slots);
            let scale = TimeScale::new(first as f64, slots as f64, 7, width, 1_000);
            let slot = first + (share * slots as f64) as i64;
            let x = scale.x_of_slot(slot as f64 + 0.5);
            prop_assert_eq!(scale.slot_of_x(x).floor() as i64, slot);
            let column = scale.column_of_time(scale.time_of_slot(slot));
            prop_assert!((7..7 + width).contains(&column));
        }

        #[test]
        fn ticks_are_in_range_and_apart(
            left in -1e6..2e9_f64, slots in 0.5..1e9_f64, width in 1..4_000,
            interval_ms in prop::sample::select(vec![1_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000_i64]),
        ) {
            let scale = TimeScale::new(left, slots, 0, width, interval_ms);
            let ticks = scale.ticks(80.0, Zone::UTC);
            prop_assert!(ticks.len() <= 2 + width as usize / 70);
            for tick in &ticks {
                prop_assert!((0..width).contains(&tick.x));
            }
            for pair in ticks.windows(2) {
                // Months and years vary in length.
                prop_assert!(pair[1].x - pair[0].x >= 70, "{:?}", pair);
            }
        }
    }
}
