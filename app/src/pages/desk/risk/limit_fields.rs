//! The fields of the form that sets an account's limits: as typed, and as the desk reads them.

use model::{
    decimal::{Notional, Rate},
    trading::account::RiskLimits,
};

/// The fields in order: label, help, test id.
pub const FIELDS: [(&str, &str, &str); 9] = [
    ("Order value", "largest value of one order, in the account's currency", "limit-order-value"),
    ("Price collar, bps", "how far a limit price may be beyond the best price", "limit-collar"),
    ("Position value", "largest value of one position", "limit-position-value"),
    ("Gross exposure", "largest sum of the values of all positions", "limit-gross"),
    ("Leverage", "exposure as a multiple of the total value", "limit-leverage"),
    ("Open orders", "most orders open at once", "limit-open-orders"),
    ("Orders a second", "orders and amendments", "limit-rate"),
    ("Loss of a day", "then positions can only be reduced until the next day", "limit-daily-loss"),
    ("Drawdown, %", "from the highest total value; then positions can only be reduced", "limit-drawdown"),
];

/// Returns the limits as a form shows them; an absent one is empty.
pub fn typed(limits: &RiskLimits) -> [String; FIELDS.len()] {
    fn text(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    // A share of 28 digits does not fit as per cent; the form then begins empty.
    let percent =
        limits.max_drawdown.and_then(|share| Rate::from_mantissa(share.mantissa().checked_mul(100)?, share.scale()));
    [
        text(limits.max_order_value),
        text(limits.price_collar_bps),
        text(limits.max_position_value),
        text(limits.max_gross_exposure),
        text(limits.max_leverage),
        text(limits.max_open_orders),
        text(limits.max_orders_per_second),
        text(limits.max_daily_loss),
        text(percent.map(|percent| percent.at_scale(percent.significant_scale()))),
    ]
}

/// Reads what was typed; an empty field is no limit.
///
/// # Errors
/// The first field that cannot be read, and what it should be.
pub fn read(values: &[String; FIELDS.len()]) -> Result<RiskLimits, (usize, String)> {
    let plain = |idx: usize| {
        let text: String = values[idx].chars().filter(|char| !char.is_whitespace()).collect();
        (!text.is_empty()).then(|| text.replace(',', "."))
    };
    let wrong = |idx: usize, what: &str| (idx, format!("{:?} is not {what}", values[idx]));
    let money = |idx: usize| {
        let amount = plain(idx)
            .map(|text| Notional::parse(&text))
            .transpose()
            .ok()
            .filter(|amount| amount.is_none_or(|amount| amount > Notional::ZERO));
        amount.ok_or_else(|| wrong(idx, "an amount above zero, as in 5000"))
    };
    let count = |idx: usize| plain(idx).map(|text| text.parse()).transpose().map_err(|_| wrong(idx, "a whole number"));
    let rate = |idx: usize| {
        let rate = plain(idx)
            .map(|text| Rate::parse(&text))
            .transpose()
            .ok()
            .filter(|rate| rate.is_none_or(|rate| rate > Rate::ZERO));
        rate.ok_or_else(|| wrong(idx, "a number above zero, as in 2.5"))
    };
    let drawdown = rate(8)?.map(|percent| {
        percent
            .scale()
            .checked_add(2)
            .and_then(|scale| Rate::from_mantissa(percent.mantissa(), scale))
            .ok_or_else(|| wrong(8, "a per cent"))
    });
    Ok(RiskLimits {
        max_order_value: money(0)?,
        price_collar_bps: count(1)?,
        max_position_value: money(2)?,
        max_gross_exposure: money(3)?,
        max_leverage: rate(4)?,
        max_open_orders: count(5)?,
        max_orders_per_second: count(6)?,
        max_daily_loss: money(7)?,
        max_drawdown: drawdown.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_back_the_same() {
        let limits = RiskLimits {
            max_order_value: Notional::parse("5000").ok(),
            price_collar_bps: Some(500),
            max_leverage: Rate::parse("2.5").ok(),
            max_drawdown: Rate::parse("0.125").ok(),
            ..RiskLimits::default()
        };
        let shown = typed(&limits);
        assert_eq!((shown[0].as_str(), shown[2].as_str(), shown[8].as_str()), ("5000", "", "12.5"));
        assert_eq!(read(&shown), Ok(limits));
    }

    #[test]
    fn the_wrong_field_is_named() {
        let mut values = typed(&RiskLimits::default());
        values[1] = "many".to_owned();
        assert_eq!(read(&values).unwrap_err(), (1, "\"many\" is not a whole number".to_owned()));
        values[1] = "10".to_owned();
        values[0] = "0".to_owned();
        assert_eq!(read(&values).unwrap_err().0, 0);
    }
}
