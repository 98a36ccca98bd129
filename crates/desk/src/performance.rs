//! The statistics of an account as rows of the channel `performance`: each figure with its unit and its definition.

use model::{decimal::Notional, time::Timestamp, trading::account::Currency};
use portfolio::{
    statistics::{
        FigureValue, History, Statistics,
        curve::EquityPoint,
        figure::{Figure, Unit},
    },
    valuation::start_value,
};
use serde::{Deserialize, Serialize};

use crate::{desk::Desk, state::AccountState};

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FigureRow {
    /// Its key.
    pub key: String,
    /// Its place among the figures, from 0.
    pub place: u32,
    /// Its name for a reader.
    pub label: String,
    /// Its unit.
    pub unit: Unit,
    /// The value: money exact, other figures as the shortest number that is the same.
    pub value: Option<String>,
    /// Why there is no value.
    pub reason: Option<String>,
    /// Its formula.
    pub formula: String,
    /// The conventions it follows.
    pub convention: String,
}

impl Desk {
    /// Returns the statistics of an account; empty where the account's start has no value.
    pub fn performance(&self, account: &AccountState, now: Timestamp) -> Vec<FigureRow> {
        let Some(statistics) = self.statistics(account, now) else { return Vec::new() };
        let row = |(place, (info, value)): (u32, (&portfolio::statistics::figure::FigureInfo, FigureValue))| {
            let (value, reason) = match value {
                FigureValue::Money(Figure::Known(value)) => (Some(value.to_string()), None),
                FigureValue::Number(Figure::Known(value)) => (Some(value.to_string()), None),
                FigureValue::Money(Figure::Unknown(reason)) | FigureValue::Number(Figure::Unknown(reason)) => {
                    (None, Some(reason.into_owned()))
                }
            };
            FigureRow {
                key: info.key.to_owned(),
                place,
                label: info.label.to_owned(),
                unit: info.unit,
                value,
                reason,
                formula: info.formula.to_owned(),
                convention: info.convention.to_owned(),
            }
        };
        (0..).zip(statistics.figures()).map(row).collect()
    }

    fn statistics(&self, account: &AccountState, now: Timestamp) -> Option<Statistics> {
        let ledger = &account.ledger;
        let start = self.view(account, start_value).ok()?;
        let spans = ledger.open_spans(now);
        let currency = &account.account.currency;
        let history = History {
            currency,
            start: EquityPoint { time: account.account.opened_time, equity: start },
            days: account.standing.days(),
            round_trips: ledger.round_trips(),
            rates: self.rates(),
            open_spans: &spans,
            traded: self.sum(ledger.traded().iter(), currency),
            now,
        };
        Some(Statistics::of(&history))
    }

    /// Returns a sum of amounts in one currency; `None` where a rate is not known or the sum does not fit.
    fn sum<'a>(
        &self,
        mut amounts: impl Iterator<Item = (&'a Currency, &'a Notional)>,
        currency: &Currency,
    ) -> Option<Notional> {
        amounts.try_fold(Notional::ZERO, |sum, (of, amount)| {
            sum.checked_add(self.rates().route(of, currency)?.convert(*amount)?)
        })
    }
}
