//! The newest alerts with their deliveries and who has seen them.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    alert::{delivery::Delivery, rule::AlertRow},
    time::Timestamp,
};

/// The newest alerts by number.
#[derive(Clone, Debug, Default)]
pub struct AlertLog {
    rows: BTreeMap<u64, AlertRow>,
    changed: BTreeSet<u64>,
    removed: Vec<u64>,
}

/// Most alerts that are kept.
pub const MAX_ALERTS: usize = 1_000;

impl AlertLog {
    /// Starts with the rows that were kept.
    pub fn new(rows: impl IntoIterator<Item = AlertRow>) -> Self {
        let mut log = Self::default();
        for row in rows {
            log.push(row);
        }
        log.changed.clear();
        log.removed.clear();
        log
    }

    pub(crate) fn push(&mut self, row: AlertRow) {
        let id = row.notice.notice_id;
        self.rows.insert(id, row);
        self.changed.insert(id);
        while self.rows.len() > MAX_ALERTS {
            if let Some((oldest, _)) = self.rows.pop_first() {
                self.changed.remove(&oldest);
                self.removed.push(oldest);
            }
        }
    }

    /// Returns the rows, oldest first.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &AlertRow> {
        self.rows.values()
    }

    /// Acknowledges alerts; returns those that were not before.
    pub(crate) fn acknowledge(&mut self, ids: &[u64], up_to: Option<u64>, now: Timestamp) -> Vec<AlertRow> {
        let ids: BTreeSet<u64> = ids.iter().copied().collect();
        let mut acknowledged = Vec::new();
        for (id, row) in &mut self.rows {
            let is_meant = ids.contains(id) || up_to.is_some_and(|newest| *id <= newest);
            if is_meant && row.acknowledged_time.is_none() {
                row.acknowledged_time = Some(now);
                self.changed.insert(*id);
                acknowledged.push(row.clone());
            }
        }
        acknowledged
    }

    /// Takes in how far a delivery is.
    pub fn set_delivery(&mut self, delivery: Delivery) {
        let Some(row) = self.rows.get_mut(&delivery.notice_id) else { return };
        match row.deliveries.iter_mut().find(|known| known.channel_id == delivery.channel_id) {
            Some(known) if *known == delivery => return,
            Some(known) => *known = delivery.clone(),
            None => row.deliveries.push(delivery.clone()),
        }
        self.changed.insert(delivery.notice_id);
    }

    /// Returns the rows that changed since the last call, and the numbers of those that are no longer kept.
    pub fn take_changes(&mut self) -> (Vec<AlertRow>, Vec<u64>) {
        let changed = std::mem::take(&mut self.changed);
        let rows = changed.iter().filter_map(|id| self.rows.get(id).cloned()).collect();
        (rows, std::mem::take(&mut self.removed))
    }
}
