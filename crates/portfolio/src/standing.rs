//! The standing of an account: its day, its peak, and whether it may only reduce positions.
//!
//! A fold over `DayBegan`, `EquitySampled` and `ReduceOnly`, so it is the same after a restart: a daily loss is not
//! forgotten by starting the server again. [`Standing::breach`] says when an account must go to reduce-only; whoever
//! keeps the journal writes the record. A daily loss ends with the next day, a drawdown when somebody resets it, which
//! also begins a new peak at the equity last seen.

use model::{
    decimal::{Notional, Rate},
    time::Timestamp,
    trading::{
        account::{AccountId, Currency, RiskLimits},
        record::Record,
        refusal::{DenyCode, Refusal},
    },
};
use serde::{Deserialize, Serialize};

use crate::exact;

/// The begin of a day of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Time at which it began.
    pub day_start: Timestamp,
    /// The equity then, in the account's currency.
    pub equity: Notional,
}

/// Reference values of an account's limits on losses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    account: AccountId,
    days: Vec<Day>,
    peak: Option<Notional>,
    latest: Option<Notional>,
    reduce_only: Option<Refusal>,
}

impl Standing {
    /// Returns the standing of an account that has just been opened.
    pub fn new(account: AccountId) -> Self {
        Self { account, days: Vec::new(), peak: None, latest: None, reduce_only: None }
    }

    /// Takes a record in; records of other accounts and other kinds change nothing.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::DayBegan { account, day_start, equity, .. } if *account == self.account => {
                self.begin_day(Day { day_start: *day_start, equity: *equity });
            }
            Record::EquitySampled { account, equity, .. } if *account == self.account => self.see(*equity),
            Record::ReduceOnly { account, cause, .. } if *account == self.account => {
                let is_reset = cause.is_none() && self.latched() == Some(DenyCode::Drawdown);
                if is_reset {
                    self.peak = self.latest;
                }
                self.reduce_only.clone_from(cause);
            }
            _ => {}
        }
    }

    fn begin_day(&mut self, day: Day) {
        if self.latched() == Some(DenyCode::DailyLoss) {
            self.reduce_only = None;
        }
        match self.days.last_mut() {
            // A day's first equity may be corrected, not its past.
            Some(last) if last.day_start == day.day_start => *last = day,
            _ => self.days.push(day),
        }
        self.see(day.equity);
    }

    fn see(&mut self, equity: Notional) {
        self.latest = Some(equity);
        self.peak = Some(self.peak.map_or(equity, |peak| peak.max(equity)));
    }

    fn latched(&self) -> Option<DenyCode> {
        self.reduce_only.as_ref().map(|cause| cause.code)
    }

    /// Returns the day that runs; `None` before the first one's equity is known.
    pub fn day(&self) -> Option<Day> {
        self.days.last().copied()
    }

    /// Returns all days, oldest first: the points of daily returns.
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// Returns the highest equity seen since the account was opened or its drawdown was reset.
    pub fn peak(&self) -> Option<Notional> {
        self.peak
    }

    /// Returns why the account may only reduce positions; `None`: it may open them.
    pub fn reduce_only(&self) -> Option<&Refusal> {
        self.reduce_only.as_ref()
    }

    /// Returns the loss since the day began, below zero for a profit; `None` before the day's first equity is known.
    pub fn daily_loss(&self, equity: Notional) -> Option<Notional> {
        exact::difference(self.day()?.equity, equity)
    }

    /// Returns the distance from the peak as a share of it, rounded at 12 decimals, at least 0; `None` without a peak
    /// above zero.
    pub fn drawdown(&self, equity: Notional) -> Option<Rate> {
        let peak = self.peak?.max(equity);
        let lost = exact::difference(peak, equity)?;
        exact::ratio(lost, peak, exact::MONEY_DECIMALS).filter(|_| exact::is_positive(peak))
    }

    /// Returns why the account must go to reduce-only at this equity: its daily loss or its drawdown has reached the
    /// limit. `None` if neither has, or if there is nothing to measure from yet.
    pub fn breach(&self, limits: &RiskLimits, equity: Notional, currency: &Currency) -> Option<Refusal> {
        self.daily_loss_breach(limits, equity, currency).or_else(|| self.drawdown_breach(limits, equity))
    }

    fn daily_loss_breach(&self, limits: &RiskLimits, equity: Notional, currency: &Currency) -> Option<Refusal> {
        let limit = limits.max_daily_loss?;
        let loss = self.daily_loss(equity)?;
        (loss >= limit).then(|| {
            let message = format!(
                "The day's loss of {loss} {currency} has reached the limit of {limit} {currency}. Only orders that reduce \
                 positions are accepted until the next day."
            );
            Refusal::new(DenyCode::DailyLoss, message).with(format!("{limit} {currency}"), format!("{loss} {currency}"))
        })
    }

    fn drawdown_breach(&self, limits: &RiskLimits, equity: Notional) -> Option<Refusal> {
        let limit = limits.max_drawdown?;
        let drawdown = self.drawdown(equity)?;
        (drawdown >= limit).then(|| {
            let (limit, drawdown) = (percent(limit), percent(drawdown));
            let message = format!(
                "The drawdown of {drawdown} from the highest equity has reached the limit of {limit}. Only orders that \
                 reduce positions are accepted until it is reset."
            );
            Refusal::new(DenyCode::Drawdown, message).with(limit, drawdown)
        })
    }
}

/// Returns a share as a percentage, `0.125` as `12.5 %`, with at most four decimals.
pub(crate) fn percent(share: Rate) -> String {
    let hundredfold = Notional::from_mantissa(share.mantissa(), share.scale())
        .and_then(|share| share.share(Rate::from_mantissa(100, 0)?, 4))
        .map(exact::tight);
    hundredfold.map_or_else(|| share.to_string(), |percent| format!("{percent} %"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{currency, notional, rate, seconds};

    const DAY: i64 = 86_400;

    fn id() -> AccountId {
        AccountId::parse("main").unwrap()
    }

    fn day(number: i64, equity: &str) -> Record {
        let day_start = seconds(number * DAY);
        Record::DayBegan { account: id(), day_start, equity: notional(equity), time: day_start }
    }

    fn sample(equity: &str) -> Record {
        Record::EquitySampled { account: id(), time: seconds(0), equity: notional(equity) }
    }

    fn latch(cause: Option<DenyCode>) -> Record {
        Record::ReduceOnly { account: id(), cause: cause.map(|code| Refusal::new(code, "")), time: seconds(0) }
    }

    fn after(records: &[Record]) -> Standing {
        let mut standing = Standing::new(id());
        records.iter().for_each(|record| standing.apply(record));
        standing
    }

    #[track_caller]
    fn check(records: &[Record], equity: &str, expected: Option<DenyCode>) {
        let limits = RiskLimits {
            max_daily_loss: Some(notional("50")),
            max_drawdown: Some(rate("0.1")),
            ..RiskLimits::default()
        };
        let breach = after(records).breach(&limits, notional(equity), &currency("Q"));
        assert_eq!(breach.map(|breach| breach.code), expected, "{records:?} at {equity}");
    }

    #[test]
    fn losses_are_measured_from_the_day_and_the_peak() {
        check(&[], "1", None);
        check(&[day(0, "1000")], "950.01", None);
        check(&[day(0, "1000")], "950", Some(DenyCode::DailyLoss));
        check(&[day(0, "1000"), day(1, "960")], "911", None);
        check(&[day(0, "1000"), day(1, "960"), day(2, "940")], "900", Some(DenyCode::Drawdown));
        check(&[day(0, "1000"), sample("1100")], "991", None);
        check(&[day(0, "1000"), sample("1100")], "990", Some(DenyCode::Drawdown));
        check(&[day(0, "1000"), day(0, "1040")], "991", None);
    }

    #[test]
    fn a_daily_loss_ends_with_the_day_and_a_drawdown_with_a_reset() {
        let latched = |records: &[Record]| after(records).reduce_only().map(|cause| cause.code);
        let (loss, drawdown) = (latch(Some(DenyCode::DailyLoss)), latch(Some(DenyCode::Drawdown)));
        assert_eq!(latched(&[day(0, "1000"), loss.clone()]), Some(DenyCode::DailyLoss));
        assert_eq!(latched(&[day(0, "1000"), loss.clone(), sample("1100")]), Some(DenyCode::DailyLoss));
        assert_eq!(latched(&[day(0, "1000"), loss, day(1, "950")]), None);
        assert_eq!(latched(&[day(0, "1000"), drawdown.clone(), day(1, "950")]), Some(DenyCode::Drawdown));
        let latched = after(&[day(0, "1000"), sample("890"), drawdown.clone()]);
        assert_eq!(latched.peak(), Some(notional("1000")));
        let reset = after(&[day(0, "1000"), sample("890"), drawdown, latch(None)]);
        assert_eq!((reset.reduce_only(), reset.peak()), (None, Some(notional("890"))));
    }

    #[test]
    fn records_of_other_accounts_change_nothing() {
        let account = AccountId::parse("other").unwrap();
        let (day_start, equity) = (seconds(0), notional("5"));
        let began = Record::DayBegan { account: account.clone(), day_start, equity, time: day_start };
        let sampled = Record::EquitySampled { account, time: day_start, equity };
        assert_eq!(after(&[began, sampled]), Standing::new(id()));
    }

    #[test]
    fn refusals_name_limit_and_value() {
        let limits = RiskLimits { max_drawdown: Some(rate("0.1")), ..RiskLimits::default() };
        let breach = after(&[day(0, "900")]).breach(&limits, notional("600"), &currency("Q")).unwrap();
        assert_eq!((breach.limit.as_deref(), breach.value.as_deref()), (Some("10 %"), Some("33.3333 %")));
        assert!(breach.message.starts_with("The drawdown of 33.3333 % from the highest equity has reached"));
    }
}
