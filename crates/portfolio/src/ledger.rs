//! The ledger of one account: what all its fills add up to. Same fills, same ledger.
//!
//! | account | cash moves by | a currency's balance |
//! |---|---|---|
//! | cash | −Σ(quantity · price · side) − fees | cash + the base units of the positions in it |
//! | margin | realised profit and loss − fees | cash |
//!
//! So in both kinds, in each currency, realised + unrealised − fees = equity − start, to the last digit. What open orders
//! lock is not here: it is derived from them (`funds`). In a cash account a position is what was bought or sold since
//! the start, so selling what the account was opened with makes it negative while the balance is not.
//!
//! A fill that has happened is booked whatever it does: one that overfills its order or takes a balance below zero is
//! reported, not dropped. A fill that was booked before is ignored and reported.

use std::collections::BTreeMap;

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::{Account, AccountId, AccountKind, Currency},
        fill::Fill,
        order::{OrderId, Side},
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    error::LedgerError,
    exact,
    pair::Pair,
    position::Position,
    round_trip::{RoundTrip, add},
};

/// Ledger of an account: its holdings, and how it came to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    account: AccountId,
    kind: AccountKind,
    start: BTreeMap<Currency, Notional>,
    cash: BTreeMap<Currency, Notional>,
    fees: BTreeMap<Currency, Notional>,
    traded: BTreeMap<Currency, Notional>,
    positions: BTreeMap<InstrumentId, Position>,
    orders: BTreeMap<OrderId, Progress>,
    n_round_trips: usize,
    /// They only ever grow, and a list of them is kept elsewhere: the written form of a ledger does not hold them.
    #[serde(skip)]
    round_trips: Vec<RoundTrip>,
    n_fills: u64,
}

/// Fills booked of one order until it is forgotten: a fill may come again while its order is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    n_fills: u32,
    quantity: Quantity,
}

/// Result of applying a fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was booked.
    Booked(Box<Booked>),
    /// It had been booked before; nothing changed.
    Duplicate,
}

/// The effect of a fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Profit and loss that it realised, before its fee, in the quote currency.
    pub realised_pnl: Notional,
    /// Base units of the position that it closed.
    pub closed: Quantity,
    /// The round trip that it ended.
    pub round_trip: Option<RoundTrip>,
    /// Base units of its order that have been booked in all.
    pub order_filled: Quantity,
    /// Balances of a cash account that are below zero now.
    pub overdrawn: Vec<(Currency, Notional)>,
}

impl Booked {
    /// Returns by how much more than `ordered` has filled; `None` if it has not.
    pub fn overfill(&self, ordered: Quantity) -> Option<Quantity> {
        self.order_filled.checked_sub(ordered).filter(|excess| !excess.is_zero())
    }
}

impl Ledger {
    /// Opens the ledger of an account.
    pub fn open(account: &Account) -> Self {
        Self {
            account: account.account.clone(),
            kind: account.kind,
            start: account.start.clone(),
            cash: account.start.clone(),
            fees: BTreeMap::new(),
            traded: BTreeMap::new(),
            positions: BTreeMap::new(),
            orders: BTreeMap::new(),
            n_round_trips: 0,
            round_trips: Vec::new(),
            n_fills: 0,
        }
    }

    /// Books a fill of an instrument with this pair. An order's fills come in the order of their numbers.
    ///
    /// # Errors
    /// The fill cannot be booked; the ledger is unchanged.
    pub fn apply(&mut self, fill: &Fill, pair: &Pair) -> Result<Applied, LedgerError> {
        let fill_id = fill.fill_id;
        if fill.account != self.account {
            return Err(LedgerError::OtherAccount { fill_id, account: fill.account.clone() });
        }
        if fill_id.order_id != fill.order_id {
            return Err(LedgerError::OtherOrder { fill_id });
        }
        let before = self.orders.get(&fill.order_id).copied().unwrap_or_default();
        if fill_id.number <= before.n_fills {
            return Ok(Applied::Duplicate);
        }
        let expected = before.n_fills.saturating_add(1);
        if fill_id.number != expected {
            return Err(LedgerError::Missing { fill_id, expected });
        }
        if fill.quantity.is_zero() {
            return Err(LedgerError::Empty { fill_id });
        }
        if let Some(position) = self.positions.get(&fill.instrument).filter(|position| position.pair() != pair) {
            let (booked, found) = (position.pair().to_string(), pair.to_string());
            return Err(LedgerError::OtherPair { instrument: fill.instrument.clone(), booked, found });
        }
        self.book(fill, pair, before)
            .map(|booked| Applied::Booked(Box::new(booked)))
            .ok_or(LedgerError::DoesNotFit { fill_id })
    }

    /// Computes everything that changes first: an overflow leaves the ledger as it was.
    fn book(&mut self, fill: &Fill, pair: &Pair, before: Progress) -> Option<Booked> {
        let value = exact::value(fill.price, fill.quantity)?;
        let progress = Progress {
            n_fills: before.n_fills.checked_add(1)?,
            quantity: exact::sum_quantity(before.quantity, fill.quantity)?,
        };
        let mut position =
            self.positions.get(&fill.instrument).cloned().unwrap_or_else(|| Position::flat(pair.clone()));
        let effect = position.apply(fill)?;
        let inflow = match (self.kind, fill.side) {
            (AccountKind::Margin, _) => effect.realised_pnl,
            (AccountKind::Cash, Side::Buy) => value.negated(),
            (AccountKind::Cash, Side::Sell) => value,
        };
        let (mut cash, mut fees, mut traded) = (self.cash.clone(), self.fees.clone(), self.traded.clone());
        add(&mut cash, &pair.quote, inflow)?;
        add(&mut cash, &fill.fee_currency, fill.fee.negated())?;
        add(&mut fees, &fill.fee_currency, fill.fee)?;
        add(&mut traded, &pair.quote, exact::magnitude(value))?;
        let n_fills = self.n_fills.checked_add(1)?;

        (self.cash, self.fees, self.traded, self.n_fills) = (cash, fees, traded, n_fills);
        self.positions.insert(fill.instrument.clone(), position);
        self.orders.insert(fill.order_id, progress);
        self.round_trips.extend(effect.round_trip.clone());
        self.n_round_trips = self.round_trips.len();
        Some(Booked {
            realised_pnl: effect.realised_pnl,
            closed: effect.closed,
            round_trip: effect.round_trip,
            order_filled: progress.quantity,
            overdrawn: self.overdrawn(),
        })
    }

    fn overdrawn(&self) -> Vec<(Currency, Notional)> {
        match self.kind {
            AccountKind::Cash => self.balances().into_iter().filter(|(_, balance)| balance.is_negative()).collect(),
            AccountKind::Margin => Vec::new(),
        }
    }

    /// Forgets an order that has ended; the caller takes no fill of it any more.
    pub fn forget(&mut self, order_id: OrderId) {
        self.orders.remove(&order_id);
    }

    /// Gives a ledger that was read its closed round trips back: the first ones of the account. False where they are fewer
    /// than it had.
    pub fn restore_round_trips(&mut self, round_trips: impl IntoIterator<Item = RoundTrip>) -> bool {
        self.round_trips = round_trips.into_iter().take(self.n_round_trips).collect();
        self.round_trips.len() == self.n_round_trips
    }

    /// Takes a price of an instrument into the excursions of its open round trip. The caller picks the side that the
    /// position would be closed at.
    pub fn mark(&mut self, instrument: &InstrumentId, price: Price) {
        if let Some(position) = self.positions.get_mut(instrument) {
            position.see(price);
        }
    }

    /// Returns the account's name.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns cash or margin.
    pub fn kind(&self) -> AccountKind {
        self.kind
    }

    /// Returns what the account was opened with.
    pub fn start(&self) -> &BTreeMap<Currency, Notional> {
        &self.start
    }

    /// Returns the cash outside positions, by currency (see the table at the top).
    pub fn cash(&self) -> &BTreeMap<Currency, Notional> {
        &self.cash
    }

    /// Returns the balance of each currency. One that does not fit a decimal is left out.
    pub fn balances(&self) -> BTreeMap<Currency, Notional> {
        let mut balances = self.cash.clone();
        if self.kind == AccountKind::Cash {
            for position in self.positions.values() {
                let added =
                    exact::held(position.quantity()).and_then(|held| add(&mut balances, &position.pair().base, held));
                if added.is_none() {
                    balances.remove(&position.pair().base);
                }
            }
        }
        balances
    }

    /// Returns the balance of one currency.
    pub fn balance(&self, currency: &Currency) -> Notional {
        self.balances().get(currency).copied().unwrap_or_default()
    }

    /// Returns the fees paid, by currency; below zero: rebates prevailed.
    pub fn fees(&self) -> &BTreeMap<Currency, Notional> {
        &self.fees
    }

    /// Returns Σ price × quantity of all fills, by quote currency.
    pub fn traded(&self) -> &BTreeMap<Currency, Notional> {
        &self.traded
    }

    /// Returns the realised profit and loss before fees, by quote currency.
    pub fn realised_pnl(&self) -> BTreeMap<Currency, Notional> {
        let mut realised = BTreeMap::new();
        for position in self.positions.values() {
            // Each position's own figure fits; should the sum not, what fits is kept.
            let _ = add(&mut realised, &position.pair().quote, position.realised_pnl());
        }
        realised
    }

    /// Returns the positions, flat ones of instruments that were traded included.
    pub fn positions(&self) -> &BTreeMap<InstrumentId, Position> {
        &self.positions
    }

    /// Returns the position in an instrument; `None` if it was never traded.
    pub fn position(&self, instrument: &InstrumentId) -> Option<&Position> {
        self.positions.get(instrument)
    }

    /// Returns the closed round trips, in the order in which they were closed.
    pub fn round_trips(&self) -> &[RoundTrip] {
        &self.round_trips
    }

    /// Returns the number of fills booked.
    pub fn n_fills(&self) -> u64 {
        self.n_fills
    }

    /// Returns the spans in which a position was open, as begin and end, up to `now` for those that still are. They
    /// overlap where several instruments were held at once.
    pub fn open_spans(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let closed = self.round_trips.iter().map(|trip| (trip.entry_time, trip.exit_time));
        let open = self.positions.values().filter_map(|position| position.trip());
        closed.chain(open.map(|trip| (trip.entry_time(), now))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, currency, fill, instrument, notional, price, quantity};

    fn pair() -> Pair {
        Pair::new("B", "Q")
    }

    fn ledger(kind: AccountKind, start: &[(&str, &str)]) -> Ledger {
        Ledger::open(&account(kind, 1, start))
    }

    #[track_caller]
    fn book(ledger: &mut Ledger, fill: &Fill) -> Booked {
        match ledger.apply(fill, &pair()).unwrap() {
            Applied::Booked(booked) => *booked,
            Applied::Duplicate => panic!("{} was booked before", fill.fill_id),
        }
    }

    /// The five fills of the golden account, a tenth of a per cent of each value as its fee.
    fn golden() -> Vec<Fill> {
        let fills = [
            (Side::Buy, "1", "100", "0.1"),
            (Side::Buy, "2", "106", "0.212"),
            (Side::Sell, "2", "110", "0.22"),
            (Side::Sell, "3", "108", "0.324"),
            (Side::Buy, "2", "105", "0.21"),
        ];
        let fills = fills.iter().zip(1..);
        fills.map(|((side, size, at, fee), id)| Fill { fee: notional(fee), ..fill(id, 1, *side, size, at) }).collect()
    }

    #[test]
    fn the_golden_account() {
        for kind in [AccountKind::Cash, AccountKind::Margin] {
            let mut ledger = ledger(kind, &[("Q", "1000")]);
            for (fill, realised) in golden().iter().zip(["0", "0", "12", "16", "22"]) {
                book(&mut ledger, fill);
                let position = ledger.position(&fill.instrument).unwrap();
                assert_eq!(position.realised_pnl(), notional(realised), "{kind:?} {}", fill.fill_id);
            }
            assert_eq!(ledger.fees()[&currency("Q")], notional("1.066"));
            assert_eq!(ledger.balance(&currency("Q")), notional("1020.934"));
            assert!(ledger.positions()[&instrument("BQ")].quantity().is_zero());
            let nets: Vec<_> = ledger.round_trips().iter().map(|trip| trip.net_pnl().unwrap()).collect();
            assert_eq!(
                nets.iter().try_fold(Notional::ZERO, |sum, net| exact::sum(sum, *net)),
                Some(notional("20.934"))
            );
        }
    }

    #[test]
    fn a_fill_that_came_before_changes_nothing() {
        let mut ledger = ledger(AccountKind::Margin, &[("Q", "1000")]);
        for fill in golden() {
            book(&mut ledger, &fill);
            let once = ledger.clone();
            assert_eq!(ledger.apply(&fill, &pair()), Ok(Applied::Duplicate));
            assert_eq!(ledger, once);
        }
        assert_eq!(ledger.n_fills(), 5);
    }

    #[test]
    fn what_cannot_be_booked_changes_nothing() {
        let mut ledger = ledger(AccountKind::Margin, &[("Q", "1000")]);
        book(&mut ledger, &fill(1, 1, Side::Buy, "1", "100"));
        let check = |fill: Fill, pair: &Pair, expected: &str| {
            let mut changed = ledger.clone();
            assert_eq!(changed.apply(&fill, pair).unwrap_err().to_string(), expected);
            assert_eq!(changed, ledger);
        };
        check(fill(1, 3, Side::Buy, "1", "100"), &pair(), "fill 1-3 came, but fill 2 of that order is missing");
        check(fill(2, 1, Side::Buy, "0.00", "100"), &pair(), "fill 2-1 has no quantity");
        check(fill(2, 1, Side::Buy, "1", "100"), &Pair::new("B", "X"), "demo:BQ was booked as B/Q, not as B/X");
        let other = AccountId::parse("other").unwrap();
        let other = Fill { account: other, ..fill(2, 1, Side::Buy, "1", "1") };
        check(other, &pair(), "fill 2-1 belongs to account other");
        let order_id = OrderId(3);
        check(
            Fill { order_id, ..fill(2, 1, Side::Buy, "1", "1") },
            &pair(),
            "fill 2-1 names another order than its id",
        );
        let huge = fill(2, 1, Side::Buy, "79228162514264337593543950335", "2");
        check(huge, &pair(), "fill 2-1 does not fit the account's figures");
        let fine = fill(2, 1, Side::Buy, "0.00000000000001", "0.000000000000001");
        check(fine, &pair(), "fill 2-1 does not fit the account's figures");
    }

    #[test]
    fn an_overfill_and_an_overdraft_are_booked_and_reported() {
        let mut ledger = ledger(AccountKind::Cash, &[("Q", "150")]);
        let first = book(&mut ledger, &fill(1, 1, Side::Buy, "1", "100"));
        assert_eq!((first.overfill(quantity("1")), first.overdrawn), (None, Vec::new()));
        let second = book(&mut ledger, &fill(1, 2, Side::Buy, "0.6", "100"));
        assert_eq!(second.overfill(quantity("1")), Some(quantity("0.6")));
        assert_eq!(second.overdrawn, [(currency("Q"), notional("-10"))]);
        assert_eq!(ledger.balance(&currency("B")), notional("1.6"));
    }

    #[test]
    fn a_cash_account_sells_what_it_was_opened_with() {
        let mut ledger = ledger(AccountKind::Cash, &[("B", "2"), ("Q", "0")]);
        let sold = book(&mut ledger, &fill(1, 1, Side::Sell, "0.5", "100"));
        assert_eq!(sold.overdrawn, []);
        assert_eq!((ledger.balance(&currency("B")), ledger.balance(&currency("Q"))), (notional("1.5"), notional("50")));
        assert_eq!(ledger.cash()[&currency("B")], notional("2"));
    }

    #[test]
    fn a_fee_in_the_base_asset_leaves_the_balance() {
        let mut ledger = ledger(AccountKind::Cash, &[("Q", "100")]);
        let fee = Fill { fee: notional("0.001"), fee_currency: currency("B"), ..fill(1, 1, Side::Buy, "1", "100") };
        book(&mut ledger, &fee);
        assert_eq!(ledger.balance(&currency("B")), notional("0.999"));
        assert_eq!(ledger.position(&instrument("BQ")).unwrap().quantity(), quantity("1").long());
    }

    #[test]
    fn a_snapshot_reads_as_it_was_written() {
        let mut ledger = ledger(AccountKind::Margin, &[("Q", "1000")]);
        golden().iter().for_each(|fill| drop(book(&mut ledger, fill)));
        ledger.mark(&instrument("BQ"), price("1"));
        let json = serde_json::to_string(&ledger).unwrap();
        let mut read: Ledger = serde_json::from_str(&json).unwrap();
        assert!(!read.clone().restore_round_trips([]), "they are missing");
        assert!(
            read.restore_round_trips([ledger.round_trips(), ledger.round_trips()].concat()),
            "later ones are not its own"
        );
        assert_eq!(read, ledger);
    }

    #[test]
    fn what_is_written_does_not_grow_with_orders_that_ended() {
        let mut ledger = ledger(AccountKind::Margin, &[("Q", "1000")]);
        let mut written = |order_id: u64| {
            for (order_id, side) in [(order_id, Side::Buy), (order_id + 1, Side::Sell)] {
                book(&mut ledger, &fill(order_id, 1, side, "1", "100"));
                ledger.forget(OrderId(order_id));
            }
            serde_json::to_string(&ledger).unwrap().len()
        };
        let few = written(1);
        let many = (2..1_000).map(|number| written(2 * number)).last();
        assert!(many.is_some_and(|many| many < few + 20), "{few} {many:?}");
    }
}
