//! The kill switch: set and on disk first, then everything is cancelled, then it says what is open still.

use model::{
    time::Timestamp,
    trading::{
        command::{DeskReply, Kill, KillReport, LiftKill},
        order::{OrderId, Side},
        record::Record,
        refusal::{DenyCode, Refusal},
    },
};

use crate::desk::Desk;

impl Desk {
    /// Sets the switch. Its effect comes with [`Desk::sweep`], once the switch is on disk.
    pub(super) fn kill(&mut self, kill: Kill, now: Timestamp) -> Result<DeskReply, Refusal> {
        let reason = if kill.reason.trim().is_empty() { "no reason given".to_owned() } else { kill.reason };
        self.emit(Record::KillSwitch { is_on: true, flatten: kill.flatten, reason, time: now });
        self.must_sweep = true;
        Ok(DeskReply::Kill(self.kill_report(0)))
    }

    /// Cancels every open order, ends every strategy and, if the switch says so, closes every position. Does nothing
    /// while the switch is not set. Returns what is open afterwards.
    pub fn sweep(&mut self, now: Timestamp) -> KillReport {
        self.must_sweep = false;
        let Some(kill) = self.state.kill.clone() else { return self.kill_report(0) };
        let reason = || Refusal::new(DenyCode::KillSwitch, format!("cancelled by the kill switch ({})", kill.reason));
        self.halt_strategies(&reason(), now);
        // Orders that close a position stay.
        let is_closing = |name: &str| name.starts_with("@kill-");
        let doomed: Vec<OrderId> = self
            .state
            .orders
            .values()
            .filter(|order| !is_closing(order.client_order_id.as_str()))
            .map(|order| order.order_id)
            .collect();
        for order_id in &doomed {
            self.broker.cancel(*order_id, reason(), now);
            self.drain_broker();
        }
        if kill.flatten {
            self.flatten_all(now);
        }
        self.settle(now);
        let n_cancelled = doomed.iter().filter(|order_id| !self.state.orders.contains_key(order_id)).count();
        self.kill_report(u32::try_from(n_cancelled).unwrap_or(u32::MAX))
    }

    fn flatten_all(&mut self, now: Timestamp) {
        let mut held = Vec::new();
        for account in self.state.accounts.values() {
            for (instrument, position) in account.ledger.positions() {
                let name = account.account.account.clone();
                let is_closing = self.state.orders.values().any(|order| {
                    order.account == name
                        && order.instrument == *instrument
                        && order.client_order_id.as_str().starts_with("@kill-")
                });
                if !position.quantity().is_zero() && !is_closing {
                    held.push((name, instrument.clone(), position.quantity()));
                }
            }
        }
        for (account, instrument, quantity) in held {
            let side = if quantity.is_negative() { Side::Buy } else { Side::Sell };
            let request = self.market_order("kill", &instrument, side, quantity.size());
            self.accept(request, account, None, now);
        }
    }

    /// Returns the switch and what is open.
    pub fn kill_report(&self, n_cancelled: u32) -> KillReport {
        let positions = self.state.accounts.values().flat_map(|account| {
            let open = account.ledger.positions().iter().filter(|(_, position)| !position.quantity().is_zero());
            open.map(|(instrument, _)| (account.account.account.clone(), instrument.clone()))
        });
        KillReport {
            is_on: self.state.kill.is_some(),
            is_on_disk: true,
            reason: self.state.kill.as_ref().map(|kill| kill.reason.clone()).unwrap_or_default(),
            n_cancelled,
            open_orders: self.state.orders.keys().copied().collect(),
            open_positions: positions.collect(),
        }
    }

    /// True where the switch has been set and [`Desk::sweep`] has not followed yet.
    pub fn must_sweep(&self) -> bool {
        self.must_sweep
    }

    pub(super) fn lift_kill(&mut self, lift: &LiftKill, now: Timestamp) -> Result<DeskReply, Refusal> {
        if lift.reason.trim().is_empty() {
            return Err(Refusal::new(DenyCode::BadRequest, "say why the kill switch is lifted"));
        }
        if self.state.kill.is_some() {
            let reason = lift.reason.clone();
            self.emit(Record::KillSwitch { is_on: false, flatten: false, reason, time: now });
        }
        Ok(DeskReply::Kill(self.kill_report(0)))
    }
}
