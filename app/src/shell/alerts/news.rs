//! New alerts, and which of them are shown as toasts. Pure.

use std::time::Duration;

use model::{
    alert::{notice::Severity, rule::AlertRow},
    time::Monotonic,
};

/// The alerts seen so far, and the toasts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// Number of the newest alert seen; `None` before the first look, at which nothing is new.
    seen: Option<u64>,
    /// The toasts, newest first; at most [`MOST_TOASTS`].
    toasts: Vec<Toast>,
    /// Alerts that found no room among the toasts.
    n_more: usize,
}

/// An alert that is shown for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// The alert.
    pub row: AlertRow,
    /// Time at which it goes.
    ends: Monotonic,
}

impl News {
    /// Takes in the alerts, newest first. Returns what is new and open, oldest first. Toasts of acknowledged alerts go.
    pub fn follow(&mut self, alerts: &[AlertRow], now: Monotonic) -> Vec<AlertRow> {
        let newest = alerts.first().map_or(0, |row| row.notice.notice_id);
        let is_open = |row: &&AlertRow| row.acknowledged_time.is_none();
        let open = alerts.iter().filter(is_open);
        // A server that counts from the beginning again: nothing it has is new.
        let seen = self.seen.filter(|seen| *seen <= newest).unwrap_or(newest);
        self.seen = Some(newest);
        self.toasts.retain(|toast| open.clone().any(|row| row.notice.notice_id == toast.row.notice.notice_id));
        let mut fresh: Vec<AlertRow> = open.filter(|row| row.notice.notice_id > seen).cloned().collect();
        fresh.reverse();
        // Critical ones have a dialog.
        for row in fresh.iter().filter(|row| row.notice.severity != Severity::Critical) {
            self.toasts.insert(0, Toast { row: row.clone(), ends: now + SHOWN_FOR });
        }
        self.n_more += self.toasts.len().saturating_sub(MOST_TOASTS);
        self.toasts.truncate(MOST_TOASTS);
        self.tidy();
        fresh
    }

    /// Removes toasts whose time is over. While the reader holds them, with the pointer or the focus, all stay.
    pub fn advance(&mut self, now: Monotonic, is_held: bool) {
        for toast in &mut self.toasts {
            if is_held {
                toast.ends = toast.ends.max(now + AFTER_HOLD);
            }
        }
        self.toasts.retain(|toast| toast.ends > now);
        self.tidy();
    }

    /// Removes a toast.
    pub fn close(&mut self, notice_id: u64) {
        self.toasts.retain(|toast| toast.row.notice.notice_id != notice_id);
        self.tidy();
    }

    fn tidy(&mut self) {
        if self.toasts.is_empty() {
            self.n_more = 0;
        }
    }

    /// Returns the toasts, newest first.
    pub fn toasts(&self) -> &[Toast] {
        &self.toasts
    }

    /// Returns the number of alerts that found no room.
    pub fn n_more(&self) -> usize {
        self.n_more
    }
}

/// Toasts at the same time.
pub const MOST_TOASTS: usize = 3;

/// Time for which a toast is shown.
const SHOWN_FOR: Duration = Duration::from_secs(5);

/// Time for which toasts stay after the reader lets go of them.
const AFTER_HOLD: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use crate::pages::alerts::rows::tests::alert;

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_secs(seconds))
    }

    /// Alerts of these numbers, newest first; acknowledged where the number is negative, critical where it is above 100.
    fn alerts(numbers: &[i64]) -> Vec<AlertRow> {
        let row = |number: &i64| {
            let severity = if number.abs() > 100 { "critical" } else { "info" };
            let mut row = alert(number.unsigned_abs(), severity);
            if *number < 0 {
                row["acknowledged_time"] = serde_json::json!(1);
            }
            serde_json::from_value(row).unwrap()
        };
        numbers.iter().map(row).collect()
    }

    fn ids(rows: &[AlertRow]) -> Vec<u64> {
        rows.iter().map(|row| row.notice.notice_id).collect()
    }

    fn shown(news: &News) -> (Vec<u64>, usize) {
        (news.toasts().iter().map(|toast| toast.row.notice.notice_id).collect(), news.n_more())
    }

    #[test]
    fn what_was_there_before_is_not_new() {
        let mut news = News::default();
        assert!(news.follow(&alerts(&[2, 1]), at(0)).is_empty());
        assert_eq!(ids(&news.follow(&alerts(&[4, 3, 2, 1]), at(1))), [3, 4]);
        assert!(news.follow(&alerts(&[4, 3, 2, 1]), at(1)).is_empty());
        assert_eq!(shown(&news), (vec![4, 3], 0));
        // The first alert ever is new.
        let mut news = News::default();
        news.follow(&[], at(0));
        assert_eq!(ids(&news.follow(&alerts(&[1]), at(1))), [1]);
        // Another server begins again.
        assert!(news.follow(&[], at(2)).is_empty());
        assert_eq!(ids(&news.follow(&alerts(&[1]), at(3))), [1]);
    }

    #[test]
    fn three_toasts_at_most_and_the_rest_is_counted() {
        let mut news = News::default();
        news.follow(&[], at(0));
        news.follow(&alerts(&[40, 30, 20, 10, 5]), at(0));
        assert_eq!(shown(&news), (vec![40, 30, 20], 2));
        news.advance(at(5), false);
        assert_eq!(shown(&news), (vec![], 0));
    }

    #[test]
    fn toasts_stay_while_they_are_held() {
        let mut news = News::default();
        news.follow(&[], at(0));
        news.follow(&alerts(&[1]), at(0));
        news.advance(at(4), true);
        news.advance(at(30), true);
        assert_eq!(shown(&news), (vec![1], 0), "held");
        news.advance(at(31), false);
        assert_eq!(shown(&news), (vec![1], 0), "and a little longer");
        news.advance(at(32), false);
        assert_eq!(shown(&news), (vec![], 0));
    }

    #[test]
    fn acknowledged_elsewhere_is_gone_here_and_critical_has_no_toast() {
        let mut news = News::default();
        news.follow(&[], at(0));
        assert_eq!(ids(&news.follow(&alerts(&[102, 1]), at(0))), [1, 102]);
        assert_eq!(shown(&news), (vec![1], 0));
        news.follow(&alerts(&[102, -1]), at(1));
        assert_eq!(shown(&news), (vec![], 0));
        // Acknowledged before this page saw it.
        assert!(news.follow(&alerts(&[-103, 102, -1]), at(2)).is_empty());
    }
}
