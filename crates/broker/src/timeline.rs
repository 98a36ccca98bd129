//! Scheduled events of orders: commands on their way to the market, and expiries.
//!
//! Commands settle in the order of their arrival, those of the same moment in the order of the calls; an order whose time
//! passes at that moment ends after them.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    time::Timestamp,
    trading::{
        order::{Amendment, OrderId},
        refusal::Refusal,
    },
};

/// Scheduled event of an order.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Arrive,
    Amend(Amendment),
    Cancel(Refusal),
    Expire,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    commands: BTreeMap<(Timestamp, u64), (OrderId, Command)>,
    expiries: BTreeSet<(Timestamp, OrderId)>,
    n_commands: u64,
}

impl Timeline {
    pub(crate) fn add(&mut self, arrival: Timestamp, id: OrderId, command: Command) {
        self.commands.insert((arrival, self.n_commands), (id, command));
        self.n_commands += 1;
    }

    pub(crate) fn expire(&mut self, time: Timestamp, id: OrderId) {
        self.expiries.insert((time, id));
    }

    /// An order has ended: its time does not matter any more.
    pub(crate) fn forget(&mut self, time: Timestamp, id: OrderId) {
        self.expiries.remove(&(time, id));
    }

    /// Returns when the next one is due.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        let command = self.commands.keys().next().map(|(time, _)| *time);
        let expiry = self.expiries.first().map(|(time, _)| *time);
        command.into_iter().chain(expiry).min()
    }

    /// Takes the next one out if it is due.
    pub(crate) fn pop(&mut self, is_due: impl Fn(Timestamp) -> bool) -> Option<(Timestamp, OrderId, Command)> {
        let time = self.next_time().filter(|time| is_due(*time))?;
        if let Some(entry) = self.commands.first_entry().filter(|entry| entry.key().0 == time) {
            let (id, command) = entry.remove();
            return Some((time, id, command));
        }
        self.expiries.pop_first().map(|(time, id)| (time, id, Command::Expire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_by_arrival_then_call_and_ends_of_time_after_them() {
        let mut timeline = Timeline::default();
        let at = Timestamp::from_millis;
        timeline.expire(at(5), OrderId(9));
        timeline.expire(at(5), OrderId(8));
        timeline.forget(at(5), OrderId(8));
        for (millis, id) in [(7, 1), (5, 2), (5, 3), (4, 4)] {
            timeline.add(at(millis), OrderId(id), Command::Arrive);
        }
        assert_eq!(timeline.next_time(), Some(at(4)));
        let mut ids = Vec::new();
        while let Some((_, id, _)) = timeline.pop(|time| time < at(7)) {
            ids.push(id.0);
        }
        assert_eq!((ids, timeline.next_time()), (vec![4, 2, 3, 9], Some(at(7))));
    }
}
