//! The candles of one instrument and interval, from live trades, the venue's history and the venue's own candles.
//!
//! The rules for the seam, by the venue's clock, so that there is no gap and no duplicate:
//! - A candle that live trades built from its start, without a known gap, stays as built.
//! - Doubtful candles (before the first live trade, around a gap, the candle of the first trade itself) use the venue's
//!   rows. A final row replaces the candle; the row of a candle that is still forming becomes its base, and trades
//!   received after it are added.
//! - When the last doubtful candle has settled, it is requested again and replaced ([`super::recovery`]).
//! - The buyers' volume of a candle is the venue's figure, otherwise the trades' while they make up the whole volume.
//! - A trade for an older candle is added to it; if that candle has the venue's final figures, it is requested again
//!   instead.
//!
//! Candles are never removed, except the oldest beyond [`N_KEPT`] (fewer where nobody looks), so that deltas are complete.
//!
//! Over 500 lines: half of them test the rules, one by one.

use std::collections::VecDeque;

use model::{
    candle::{Candle, Interval},
    decimal::Quantity,
    event::{CandleUpdate, Trade},
    time::{Monotonic, Timestamp},
};
use topics::{channels::candles::CandlesData, lane::Lane, limits::CANDLES_LENGTH};

use super::{
    flow::Continuity,
    recovery::{Answer, Doubt, Recovery, SETTLE},
};
use crate::{digits::Digits, lane_state::Lanes};

/// Candles kept: the published ones, and some that late trades and history may still change.
pub(crate) const N_KEPT: usize = CANDLES_LENGTH + 100;
/// Candles kept of a series that nobody has followed: what a chart opens with, until the venue's history has come.
const N_UNFOLLOWED: usize = 160;
/// Candles by which the room for them grows at most.
const ROOM: usize = 16;

/// The source of a candle's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Live trades, all of them as far as known.
    Live,
    /// Something may be missing: a base from the venue, live trades, or both.
    Doubtful,
    /// The venue's final figures.
    Venue,
    /// Figures of a closed candle kept by an earlier server run. The venue's figures replace them.
    Kept,
}

#[derive(Clone, Copy, Debug)]
struct Bar {
    candle: Candle,
    source: Source,
    /// Venue time of the trades that gave open and close. A base's open is older and its close is older than any trade.
    first_time: Timestamp,
    last_time: Timestamp,
    /// The series' revision at its last change.
    revision: u64,
    /// True once [`Series::take_closed`] has returned it as it is.
    is_told: bool,
}

/// Candles of one interval, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    interval: Interval,
    bars: VecDeque<Bar>,
    recovery: Recovery,
    has_trades: bool,
    is_followed: bool,
    /// True while indicators read it.
    is_studied: bool,
    /// True once the venue has sent a candle of its own: it keeps the volume of doubtful candles up to date.
    has_venue_bars: bool,
    revision: u64,
    /// For each lane the published revision.
    lanes: Lanes<u64>,
    /// True once somebody has taken care of restoring kept candles.
    is_restored: bool,
}

impl Series {
    pub(super) fn new(interval: Interval) -> Self {
        Self {
            interval,
            bars: VecDeque::new(),
            recovery: Recovery::new(interval),
            has_trades: false,
            is_followed: false,
            is_studied: false,
            has_venue_bars: false,
            revision: 0,
            lanes: Lanes::default(),
            is_restored: false,
        }
    }

    pub(crate) fn follow(&mut self) {
        self.is_followed = true;
    }

    fn is_wanted(&self) -> bool {
        self.is_followed || self.is_studied || self.lanes.is_any_started()
    }

    /// Notes whether indicators read the series.
    pub(crate) fn study(&mut self, is_studied: bool) {
        self.is_studied = is_studied;
    }

    /// Returns a number that rises with each change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Iterates over the candles that changed after a revision, oldest first, with all their digits; 0 gives all.
    pub(crate) fn changed_after(&self, revision: u64) -> impl Iterator<Item = &Candle> {
        self.bars.iter().filter(move |bar| bar.revision > revision || revision == 0).map(|bar| &bar.candle)
    }

    pub(crate) fn start(&mut self, lane: Lane) {
        let revision = self.revision;
        self.lanes.start(lane, || revision);
    }

    pub(crate) fn stop(&mut self, lane: Lane) {
        self.lanes.stop(lane);
    }

    pub(super) fn on_trade(&mut self, time: Timestamp, trade: &Trade, continuity: Continuity) {
        let open_time = match self.bars.back() {
            Some(bar)
                if bar.candle.open_time <= time
                    && time.saturating_since(bar.candle.open_time) < self.interval.duration() =>
            {
                bar.candle.open_time
            }
            _ => self.interval.open_time(time),
        };
        match continuity {
            Continuity::Whole => {}
            Continuity::After(None) => self.recovery.begin(open_time),
            Continuity::After(Some(before)) => self.suspect(before, open_time),
        }
        self.has_trades = true;
        match self.find(open_time) {
            Ok(at) if matches!(self.bars[at].source, Source::Venue | Source::Kept) => {
                self.recovery.suspect(open_time, open_time);
            }
            Ok(at) => self.add(at, time, trade),
            Err(at) => {
                let source = if self.recovery.covers(open_time) { Source::Doubtful } else { Source::Live };
                let candle = Candle::of_trade(open_time, trade.price, trade.size, trade.aggressor_side);
                let bar = Bar { first_time: time, last_time: time, ..base(candle, source) };
                self.insert(at, bar);
            }
        }
    }

    /// Adds the volume of a trade whose price counts for nothing. Without a candle there is no price to show it at, and
    /// the venue's final figures include it.
    pub(super) fn on_off_market_trade(&mut self, time: Timestamp, size: Quantity) {
        let Ok(at) = self.find(self.interval.open_time(time)) else { return };
        let (bar, has_venue_bars) = (&mut self.bars[at], self.has_venue_bars);
        if bar.source == Source::Live || (bar.source == Source::Doubtful && !has_venue_bars) {
            self.revision += 1;
            bar.candle.add_volume(size, None);
            bar.revision = self.revision;
            bar.is_told = false;
        }
    }

    /// Notes that trades may be missing between the trade at `before` and those of the candle at `until`.
    pub(super) fn suspect(&mut self, before: Timestamp, until: Timestamp) {
        let (from, until) = (self.interval.open_time(before), self.interval.open_time(until));
        self.recovery.suspect(from, until);
        for bar in self.bars.iter_mut().rev().take_while(|bar| bar.candle.open_time >= from) {
            if bar.source == Source::Live && bar.candle.open_time <= until {
                bar.source = Source::Doubtful;
            }
        }
    }

    /// Processes rows by REST, the last one perhaps still forming. Rows whose start is not a multiple of the interval
    /// are skipped.
    pub(super) fn on_history(&mut self, rows: &[Candle]) {
        let mut rows: Vec<Candle> =
            rows.iter().filter(|row| self.interval.open_time(row.open_time) == row.open_time).copied().collect();
        rows.sort_by_key(|row| row.open_time);
        let (Some(oldest), Some(newest)) =
            (rows.first().map(|row| row.open_time), rows.last().map(|row| row.open_time))
        else {
            return;
        };
        let Answer { final_before, is_complete } = self.recovery.answered((oldest, newest), rows.len());
        if !self.has_trades {
            // No candle is built yet: the newest row is the last one in doubt.
            self.recovery.begin(newest);
        }
        self.bars.reserve_exact(rows.len().min(N_KEPT).saturating_sub(self.bars.len()));
        for row in rows {
            let is_final = row.open_time < final_before;
            match self.find(row.open_time) {
                Ok(at) => match self.bars[at].source {
                    Source::Live => {}
                    Source::Venue | Source::Kept if !is_final => {}
                    Source::Doubtful if !is_final => self.rebase(at, row),
                    Source::Venue | Source::Kept | Source::Doubtful => self.replace(at, row, Source::Venue),
                },
                Err(at) if self.recovery.covers(row.open_time) => {
                    let source = if is_final { Source::Venue } else { Source::Doubtful };
                    self.insert(at, base(row, source));
                }
                // Live trades build that one, or it is older than the requested range.
                Err(_) => {}
            }
        }
        if is_complete && let Some(settled) = self.recovery.settle(final_before) {
            // A candle without a row of the venue stays as the trades built it.
            for bar in self.bars.iter_mut().rev().take_while(|bar| bar.candle.open_time >= settled.from) {
                if bar.source == Source::Doubtful && Some(bar.candle.open_time) <= settled.until {
                    bar.source = Source::Live;
                }
            }
        }
    }

    /// Processes a candle built by the venue: final figures once closed; before that only if trades did not build it
    /// whole.
    pub(super) fn on_venue_bar(&mut self, update: &CandleUpdate) {
        let row = update.candle;
        if self.interval.open_time(row.open_time) != row.open_time {
            return;
        }
        self.has_venue_bars = true;
        match (self.find(row.open_time), update.is_closed) {
            (Ok(at), true) => self.replace(at, row, Source::Venue),
            (Err(at), true) => self.insert(at, base(row, Source::Venue)),
            (Ok(at), false) if self.bars[at].source == Source::Doubtful => self.rebase(at, row),
            (Err(at), false) if !self.has_trades || self.recovery.covers(row.open_time) => {
                self.insert(at, base(row, Source::Doubtful));
            }
            (_, false) => {}
        }
        let is_the_doubt = |doubt: Doubt| doubt.from >= row.open_time && doubt.until <= Some(row.open_time);
        if update.is_closed && self.recovery.doubt().is_some_and(is_the_doubt) {
            self.recovery.settle(row.open_time + self.interval.duration());
        }
    }

    /// Notes that the published digits changed: every candle is sent again.
    pub(super) fn touch(&mut self) {
        self.revision += 1;
        let revision = self.revision;
        self.bars.iter_mut().for_each(|bar| bar.revision = revision);
    }

    /// Returns the number of candles to request from the venue now, if any.
    pub(super) fn request(&mut self, venue_time: Option<Timestamp>, now: Monotonic) -> Option<usize> {
        if self.is_wanted() { self.recovery.request(venue_time, now) } else { None }
    }

    /// Returns the candles that changed since this lane's last turn.
    pub(crate) fn turn(&mut self, lane: Lane, digits: Digits) -> Option<CandlesData> {
        let revision = self.revision;
        let published = std::mem::replace(self.lanes.get_mut(lane)?, revision);
        if published == revision {
            return None;
        }
        let bars: Vec<Candle> = self
            .newest_bars(CANDLES_LENGTH)
            .filter(|bar| bar.revision > published)
            .map(|bar| digits.candle(&bar.candle))
            .collect();
        (!bars.is_empty()).then_some(CandlesData { bars })
    }

    /// Returns true the first time that it is called after somebody has begun to follow the series: kept candles are
    /// wanted then.
    pub(crate) fn take_restorable(&mut self) -> bool {
        self.is_wanted() && !std::mem::replace(&mut self.is_restored, true)
    }

    /// Adds candles that an earlier run has kept, where none is known. Places without one stay empty.
    pub(crate) fn restore(&mut self, rows: &[Candle]) {
        // The newest first: beyond the room there is, the oldest are left out.
        for row in rows.iter().rev() {
            if let Err(at) = self.find(row.open_time) {
                self.insert(at, base(*row, Source::Kept));
            }
        }
    }

    /// Returns the candles that have closed or changed since the last call, by the venue's clock, oldest first. Those in
    /// doubt are left out: it is not known whether they are whole.
    pub(crate) fn take_closed(&mut self, venue_time: Timestamp) -> Vec<Candle> {
        let settled = self.interval.duration() + SETTLE;
        let is_due = |bar: &Bar| {
            let is_whole = matches!(bar.source, Source::Live | Source::Venue);
            is_whole && !bar.is_told && venue_time >= bar.candle.open_time + settled
        };
        let told = self.bars.iter_mut().filter(|bar| is_due(bar));
        told.map(|bar| {
            bar.is_told = true;
            bar.candle
        })
        .collect()
    }

    /// Returns the last 500 candles, for a started lane. Right after its turn this is what the lane has published.
    pub(crate) fn snapshot(&self, lane: Lane, digits: Digits) -> Option<CandlesData> {
        self.lanes.get(lane)?;
        Some(CandlesData { bars: self.newest(CANDLES_LENGTH, digits) })
    }

    /// Returns all candles with all their digits, oldest first, if some of them are the venue's history.
    pub(crate) fn history(&self) -> Option<Vec<Candle>> {
        let is_known = self.bars.iter().any(|bar| bar.source == Source::Venue);
        is_known.then(|| self.bars.iter().map(|bar| bar.candle).collect())
    }

    /// Returns the newest candles, oldest first.
    pub(crate) fn newest(&self, limit: usize, digits: Digits) -> Vec<Candle> {
        self.newest_bars(limit.min(CANDLES_LENGTH)).map(|bar| digits.candle(&bar.candle)).collect()
    }

    fn newest_bars(&self, limit: usize) -> impl Iterator<Item = &Bar> {
        self.bars.range(self.bars.len().saturating_sub(limit)..)
    }

    fn find(&self, open_time: Timestamp) -> Result<usize, usize> {
        match self.bars.back() {
            Some(newest) if newest.candle.open_time == open_time => Ok(self.bars.len() - 1),
            Some(newest) if newest.candle.open_time > open_time => {
                self.bars.binary_search_by_key(&open_time, |bar| bar.candle.open_time)
            }
            _ => Err(self.bars.len()),
        }
    }

    fn insert(&mut self, at: usize, bar: Bar) {
        let n_kept = if self.is_wanted() { N_KEPT } else { N_UNFOLLOWED };
        if at == 0 && self.bars.len() >= n_kept {
            return;
        }
        if self.bars.len() == self.bars.capacity() {
            // Of hundreds of instruments, doubled room would be most of the memory, and so would room for days to come in
            // the series of hours and days.
            self.bars.reserve_exact(self.bars.len().clamp(2, ROOM));
        }
        self.revision += 1;
        self.bars.insert(at, Bar { revision: self.revision, ..bar });
        if self.bars.len() > n_kept {
            self.bars.pop_front();
        }
    }

    fn add(&mut self, at: usize, time: Timestamp, trade: &Trade) {
        self.revision += 1;
        let (revision, has_venue_bars) = (self.revision, self.has_venue_bars);
        let bar = &mut self.bars[at];
        let candle = &mut bar.candle;
        let before = *candle;
        candle.add(trade.price, trade.size, trade.aggressor_side);
        if time >= bar.last_time {
            bar.last_time = time;
        } else {
            candle.close = before.close;
        }
        if time < bar.first_time {
            bar.first_time = time;
            candle.open = trade.price;
        }
        // The venue's next update of a doubtful candle includes this trade.
        if has_venue_bars && bar.source == Source::Doubtful {
            (candle.volume, candle.buy_volume) = (before.volume, before.buy_volume);
        }
        bar.revision = revision;
        bar.is_told = false;
    }

    fn replace(&mut self, at: usize, row: Candle, source: Source) {
        let Bar { candle: known, is_told, .. } = self.bars[at];
        // If the trades make up all of the venue's volume, their sides are the candle's sides.
        let of_trades = known.buy_volume.filter(|_| known.volume == row.volume);
        let row = Candle { buy_volume: row.buy_volume.or(of_trades), ..row };
        let is_changed = known != row;
        self.revision += u64::from(is_changed);
        let revision = if is_changed { self.revision } else { self.bars[at].revision };
        self.bars[at] = Bar { revision, is_told: is_told && !is_changed, ..base(row, source) };
    }

    /// Rebases on the row of a forming candle, which includes trades received before it. Figures already shown stay
    /// shown.
    fn rebase(&mut self, at: usize, row: Candle) {
        let bar = self.bars[at];
        let close = if bar.last_time == NO_TRADE { row.close } else { bar.candle.close };
        // The two figures of one source belong together.
        let of_volume = if row.volume < bar.candle.volume { bar.candle } else { row };
        let candle = Candle {
            high: row.high.max(bar.candle.high),
            low: row.low.min(bar.candle.low),
            close,
            volume: of_volume.volume,
            buy_volume: of_volume.buy_volume,
            ..row
        };
        self.replace(at, candle, Source::Doubtful);
        self.bars[at].last_time = bar.last_time;
    }
}

/// Creates a candle from the venue's figures.
fn base(candle: Candle, source: Source) -> Bar {
    Bar { candle, source, first_time: NO_TRADE, last_time: NO_TRADE, revision: 0, is_told: false }
}

/// Older than any trade: a base's open stays, its close does not.
const NO_TRADE: Timestamp = Timestamp::from_nanos(i64::MIN);

#[cfg(test)]
mod tests {
    use model::event::AggressorSide;

    use super::*;
    use crate::testing::{price, size, trade};

    const MINUTE: i64 = 60_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn row(minute: i64, figures: [&str; 5]) -> Candle {
        let [open, high, low, close, volume] = figures;
        Candle {
            open_time: at(minute * MINUTE),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: size(volume),
            buy_volume: None,
        }
    }

    fn on(series: &mut Series, millis: i64, paid: &str, lots: &str, continuity: Continuity) {
        series.on_trade(at(millis), &trade(0, paid, lots), continuity);
    }

    /// Followed since 12:00:30 (minute 0 is the seam), requested and answered with a row that lacks the last trade.
    fn seamed() -> Series {
        let mut series = Series::new(Interval::M1);
        series.start(Lane::Fast);
        on(&mut series, 30_000, "10", "1", Continuity::After(None));
        assert_eq!(series.request(Some(at(30_000)), Monotonic::ZERO), Some(500));
        series.on_history(&[row(-1, ["5", "6", "4", "5", "9"]), row(0, ["8", "11", "7", "9", "20"])]);
        series
    }

    #[track_caller]
    fn check(series: &Series, expected: &[Candle]) {
        assert_eq!(sideless(&series.newest(500, Digits::default())), expected);
    }

    /// The candles of a venue that does not report the buyers' volume.
    fn sideless(bars: &[Candle]) -> Vec<Candle> {
        bars.iter().map(|bar| Candle { buy_volume: None, ..*bar }).collect()
    }

    #[test]
    fn the_running_row_is_the_base_of_the_seam() {
        let mut series = seamed();
        on(&mut series, 31_000, "12", "2", Continuity::Whole);
        check(&series, &[row(-1, ["5", "6", "4", "5", "9"]), row(0, ["8", "12", "7", "12", "22"])]);
    }

    #[test]
    fn closed_candles_are_told_once_and_those_in_doubt_never() {
        let mut series = Series::new(Interval::M1);
        let told = |series: &mut Series, millis: i64| -> Vec<i64> {
            series.take_closed(at(millis)).iter().map(|bar| bar.open_time.as_millis() / MINUTE).collect()
        };
        on(&mut series, 30_000, "10", "1", Continuity::After(None));
        on(&mut series, MINUTE, "11", "1", Continuity::Whole);
        assert_eq!(told(&mut series, MINUTE + 5_000), [0; 0], "the first candle has begun before we listened");
        on(&mut series, 2 * MINUTE, "12", "1", Continuity::Whole);
        assert_eq!(told(&mut series, 2 * MINUTE + 1_000), [0; 0], "a late trade may come");
        assert_eq!(told(&mut series, 2 * MINUTE + 2_000), [1]);
        on(&mut series, 3 * MINUTE, "13", "1", Continuity::Whole);
        assert_eq!(told(&mut series, 4 * MINUTE + 3_000), [2, 3]);
        assert_eq!(told(&mut series, 9 * MINUTE), [0; 0], "no candle where nothing was traded");
        on(&mut series, 2 * MINUTE + 1, "9", "1", Continuity::Whole);
        assert_eq!(told(&mut series, 9 * MINUTE), [2], "changed by a late trade");
        on(&mut series, 12 * MINUTE, "9", "1", Continuity::After(Some(at(3 * MINUTE))));
        on(&mut series, 13 * MINUTE, "9", "1", Continuity::Whole);
        assert_eq!(told(&mut series, 14 * MINUTE), [0; 0], "after a gap the candles around it are in doubt");
    }

    #[test]
    fn kept_candles_fill_what_is_not_known_and_leave_gaps() {
        let mut series = Series::new(Interval::M1);
        assert!(!series.take_restorable(), "nobody looks");
        series.start(Lane::Fast);
        assert!(series.take_restorable() && !series.take_restorable());
        on(&mut series, 9 * MINUTE, "10", "1", Continuity::After(None));
        let kept =
            [row(2, ["1", "2", "1", "2", "5"]), row(4, ["2", "3", "2", "3", "6"]), row(9, ["7", "7", "7", "7", "7"])];
        series.restore(&kept);
        let open_times: Vec<i64> =
            series.newest(500, Digits::default()).iter().map(|bar| bar.open_time.as_millis() / MINUTE).collect();
        assert_eq!(open_times, [2, 4, 9]);
        assert_eq!(series.newest(1, Digits::default())[0].open, price("10"), "what trades built stays");
        assert_eq!(series.take_closed(at(20 * MINUTE)), [], "they are kept already");
        // The venue's own figures count more.
        assert!(series.request(Some(at(9 * MINUTE)), Monotonic::ZERO).is_some());
        let of_venue = [row(4, ["2", "4", "2", "3", "8"]), row(9, ["9", "10", "9", "10", "1"])];
        series.on_history(&of_venue);
        check(&series, &[kept[0], of_venue[0], of_venue[1]]);
    }

    #[test]
    fn final_figures_replace_the_seam_and_leave_whole_bars_alone() {
        let mut series = seamed();
        on(&mut series, 61_000, "13", "1", Continuity::Whole);
        let now = Monotonic::from_zero(std::time::Duration::from_secs(40));
        assert_eq!(series.request(Some(at(61_999)), now), None);
        assert_eq!(series.request(Some(at(62_000)), now), Some(3));
        series.on_history(&[row(0, ["8", "11", "7", "10", "21"]), row(1, ["13", "14", "13", "14", "7"])]);
        check(
            &series,
            &[
                row(-1, ["5", "6", "4", "5", "9"]),
                row(0, ["8", "11", "7", "10", "21"]),
                row(1, ["13", "13", "13", "13", "1"]),
            ],
        );
        assert_eq!(series.recovery.doubt(), None);
        on(&mut series, 59_000, "1", "1", Continuity::Whole);
        assert_eq!(series.newest(500, Digits::default())[1].volume, size("21"), "the venue's figures are final");
        assert!(series.recovery.covers(at(0)), "but asked for again");
    }

    #[test]
    fn a_gap_puts_its_bars_in_doubt_and_history_fills_them() {
        let mut series = seamed();
        on(&mut series, 61_000, "13", "1", Continuity::Whole);
        series.on_history(&[row(0, ["8", "11", "7", "10", "21"]), row(1, ["13", "13", "13", "13", "1"])]);
        on(&mut series, 4 * MINUTE + 1, "20", "1", Continuity::After(Some(at(61_000))));
        series.on_history(&[
            row(1, ["13", "15", "13", "15", "3"]),
            row(3, ["16", "16", "16", "16", "1"]),
            row(4, ["19", "20", "19", "20", "2"]),
        ]);
        let all = series.newest(500, Digits::default());
        let volumes: Vec<String> = all.iter().map(|bar| bar.volume.to_string()).collect();
        assert_eq!(volumes, ["9", "21", "3", "1", "2"]);
        assert_eq!(series.recovery.doubt().map(|doubt| doubt.from), Some(at(4 * MINUTE)));
    }

    #[test]
    fn late_trades_find_their_bar_by_venue_time() {
        let mut series = Series::new(Interval::M1);
        on(&mut series, 10, "10", "1", Continuity::Whole);
        on(&mut series, 2 * MINUTE, "20", "1", Continuity::Whole);
        on(&mut series, 20, "12", "1", Continuity::Whole);
        on(&mut series, 15, "9", "1", Continuity::Whole);
        on(&mut series, 5, "11", "1", Continuity::Whole);
        on(&mut series, MINUTE, "15", "1", Continuity::Whole);
        check(
            &series,
            &[
                row(0, ["11", "12", "9", "12", "4"]),
                row(1, ["15", "15", "15", "15", "1"]),
                row(2, ["20", "20", "20", "20", "1"]),
            ],
        );
    }

    #[test]
    fn the_venues_own_bars_count_once_closed() {
        let update = |candle: Candle, is_closed: bool| CandleUpdate { interval: Interval::M1, candle, is_closed };
        let mut series = Series::new(Interval::M1);
        series.on_venue_bar(&update(row(0, ["1", "2", "1", "2", "3"]), false));
        on(&mut series, 50_000, "5", "1", Continuity::After(None));
        check(&series, &[row(0, ["1", "5", "1", "5", "3"])]);
        series.on_venue_bar(&update(row(0, ["1", "5", "1", "5", "4"]), true));
        on(&mut series, MINUTE, "6", "1", Continuity::Whole);
        series.on_venue_bar(&update(row(1, ["6", "7", "6", "7", "9"]), false));
        check(&series, &[row(0, ["1", "5", "1", "5", "4"]), row(1, ["6", "6", "6", "6", "1"])]);
        series.on_venue_bar(&update(row(1, ["6", "7", "6", "7", "9"]), true));
        check(&series, &[row(0, ["1", "5", "1", "5", "4"]), row(1, ["6", "7", "6", "7", "9"])]);
    }

    #[test]
    fn what_buyers_took_is_the_venues_word_or_that_of_all_trades() {
        let sided = |candle: Candle, bought: &str| Candle { buy_volume: Some(size(bought)), ..candle };
        let closed = |candle: Candle| CandleUpdate { interval: Interval::M1, candle, is_closed: true };
        let last = |series: &Series| {
            let bar = series.newest(1, Digits::default())[0];
            (bar.volume.to_string(), bar.buy_volume.map(|size| size.to_string()))
        };
        let whole = || {
            let mut series = Series::new(Interval::M1);
            on(&mut series, 1, "5", "2", Continuity::Whole);
            let sold = Trade { aggressor_side: AggressorSide::Seller, ..trade(0, "5", "1") };
            series.on_trade(at(2), &sold, Continuity::Whole);
            series
        };
        assert_eq!(last(&whole()), ("3".into(), Some("2".into())));
        for (row, expected) in [
            (row(0, ["5", "5", "5", "5", "3.00"]), ("3.00", Some("2"))),
            (row(0, ["5", "5", "5", "5", "4"]), ("4", None)),
            (sided(row(0, ["5", "5", "5", "5", "4"]), "1"), ("4", Some("1"))),
        ] {
            let mut series = whole();
            series.on_venue_bar(&closed(row));
            assert_eq!(last(&series), (expected.0.to_owned(), expected.1.map(str::to_owned)), "{row:?}");
        }
        let mut doubtful = Series::new(Interval::M1);
        on(&mut doubtful, 1, "5", "2", Continuity::After(None));
        doubtful.on_history(&[sided(row(0, ["5", "5", "5", "5", "9"]), "4")]);
        on(&mut doubtful, 2, "5", "1", Continuity::Whole);
        assert_eq!(last(&doubtful), ("10".into(), Some("5".into())), "the base and what came after it");
        doubtful.on_history(&[row(0, ["5", "5", "5", "5", "11"])]);
        assert_eq!(last(&doubtful), ("11".into(), None));
    }

    #[test]
    fn a_lane_gets_what_changed() {
        let mut series = seamed();
        assert_eq!(series.turn(Lane::Fast, Digits::default()).map(|data| data.bars.len()), Some(2));
        assert_eq!(series.turn(Lane::Fast, Digits::default()), None);
        on(&mut series, 31_000, "12", "2", Continuity::Whole);
        let delta = series.turn(Lane::Fast, Digits::default()).unwrap();
        assert_eq!(sideless(&delta.bars), [row(0, ["8", "12", "7", "12", "22"])]);
        assert_eq!(series.turn(Lane::Slow, Digits::default()), None, "not started");
    }

    #[test]
    fn keeps_a_bounded_number() {
        let started = |lane: Option<Lane>| {
            let mut series = Series::new(Interval::S1);
            lane.into_iter().for_each(|lane| series.start(lane));
            series
        };
        let followed = Series { is_followed: true, ..Series::new(Interval::S1) };
        for (mut series, n_kept) in
            [(started(None), N_UNFOLLOWED), (started(Some(Lane::Fast)), N_KEPT), (followed, N_KEPT)]
        {
            (0..2_000).for_each(|second| on(&mut series, second * 1_000, "1", "1", Continuity::Whole));
            on(&mut series, 5, "1", "1", Continuity::Whole);
            assert_eq!(series.bars.len(), n_kept);
            assert!(series.bars.capacity() <= n_kept + 2 * ROOM, "{}", series.bars.capacity());
            assert_eq!(series.newest(9_999, Digits::default()).len(), n_kept.min(CANDLES_LENGTH));
        }
    }
}
