//! Immediate delivery or a summary: quiet hours and the channel's storm budget.
//!
//! Nothing is dropped: what waits is counted, and a summary with the count and the first titles goes out at the end.

use std::{collections::BTreeMap, time::Duration};

use model::{
    alert::{channel::ChannelId, notice::Severity},
    time::Timestamp,
};

use crate::memory::Held;

/// Alerts that one channel has had in its current span.
#[derive(Clone, Copy, Debug)]
struct Pace {
    begin: Timestamp,
    n: u32,
}

/// The channels' paces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holding {
    paces: BTreeMap<ChannelId, Pace>,
}

/// A summary that is due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) channel_id: ChannelId,
    pub(crate) held: Held,
}

/// Span of the budgets.
pub(crate) const STORM_SPAN: Duration = Duration::from_secs(60);
/// Titles in a summary.
const MAX_TITLES: usize = 10;

impl Holding {
    /// True where an alert goes to the channel at once; otherwise it waits in `held`.
    pub(crate) fn passes(
        &mut self,
        held: &mut BTreeMap<ChannelId, Held>,
        channel_id: &ChannelId,
        (title, severity): (&str, Severity),
        quiet_end: Option<Timestamp>,
        budget: u32,
        now: Timestamp,
    ) -> bool {
        let pace = self.paces.entry(channel_id.clone()).or_insert(Pace { begin: now, n: 0 });
        if now < pace.begin || now.saturating_since(pace.begin) >= STORM_SPAN {
            *pace = Pace { begin: now, n: 0 };
        }
        if quiet_end.is_none() && pace.n < budget {
            pace.n += 1;
            return true;
        }
        let until = quiet_end.unwrap_or(pace.begin + STORM_SPAN);
        let waiting = held.entry(channel_id.clone()).or_insert(Held {
            n: 0,
            titles: Vec::new(),
            severity,
            until,
            is_quiet: quiet_end.is_some(),
        });
        waiting.n += 1;
        waiting.severity = waiting.severity.max(severity);
        if waiting.titles.len() < MAX_TITLES {
            waiting.titles.push(title.to_owned());
        }
        false
    }
}

/// Takes out what is due.
pub(crate) fn take_due(held: &mut BTreeMap<ChannelId, Held>, now: Timestamp) -> Vec<Summary> {
    held.extract_if(.., |_, waiting| waiting.until <= now)
        .map(|(channel_id, held)| Summary { channel_id, held })
        .collect()
}

impl Held {
    /// Returns the title of the summary.
    pub(crate) fn title(&self) -> String {
        let alerts = if self.n == 1 { "1 alert".to_owned() } else { format!("{} alerts", self.n) };
        if self.is_quiet { format!("{alerts} in quiet hours") } else { format!("{alerts} more within 60 s") }
    }

    /// Returns the lines of the summary.
    pub(crate) fn text(&self) -> String {
        let mut lines = self.titles.clone();
        let n_further = self.n.saturating_sub(u64::try_from(self.titles.len()).unwrap_or(u64::MAX));
        if n_further > 0 {
            lines.push(format!("and {n_further} more"));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_budget_waits_and_is_counted() {
        let channel = ChannelId::parse("ops").unwrap();
        let at = |second: i64| Timestamp::from_millis(second * 1_000);
        let (mut holding, mut held) = (Holding::default(), BTreeMap::new());
        let passed: Vec<bool> = (0..14)
            .map(|second| {
                let alert = ("A", if second == 9 { Severity::Warning } else { Severity::Info });
                holding.passes(&mut held, &channel, alert, None, 2, at(second))
            })
            .collect();
        assert_eq!(passed.iter().filter(|passed| **passed).count(), 2);
        assert!(take_due(&mut held, at(59)).is_empty());
        let due = take_due(&mut held, at(60));
        assert_eq!((due[0].held.n, due[0].held.severity, due[0].held.titles.len()), (12, Severity::Warning, 10));
        assert_eq!(due[0].held.title(), "12 alerts more within 60 s");
        assert!(due[0].held.text().ends_with("and 2 more"), "{}", due[0].held.text());
        assert!(holding.passes(&mut held, &channel, ("A", Severity::Info), None, 2, at(61)));
        // In quiet hours nothing passes, however few they are.
        assert!(!holding.passes(&mut held, &channel, ("A", Severity::Info), Some(at(500)), 2, at(62)));
        assert_eq!(take_due(&mut held, at(500))[0].held.title(), "1 alert in quiet hours");
    }
}
