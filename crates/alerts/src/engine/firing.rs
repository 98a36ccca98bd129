//! From a met condition to an alert: how conditions count together, how often, what is folded, what it says and where it
//! goes.

use model::{
    alert::{
        notice::{Notice, Severity},
        rule::{AlertRow, Frequency, Join},
        template,
    },
    decimal::Price,
    time::Timestamp,
};

use crate::{
    engine::{Engine, FiredAlert, Moment, index, watched::Watched},
    holding::{self, STORM_SPAN, Summary},
    level_index::Slot,
    tracker::Met,
    words,
};

/// Data from which an alert is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) met: Met,
    /// The last price of the rule's instrument.
    pub(super) price: Option<Price>,
    pub(super) event_time: Option<Timestamp>,
    pub(super) is_late: bool,
}

/// The alerts of a rule within the current span.
#[derive(Clone, Debug, Default)]
pub(super) struct Storm {
    pub(super) begin: Timestamp,
    pub(super) n: u32,
    /// The newest that was folded.
    pub(super) last: Option<Draft>,
}

impl Engine {
    /// Gives conditions of one rule a value, then looks at the rule as a whole.
    pub(super) fn step(
        &mut self,
        slots: &[Slot],
        moment: Moment,
        mut look: impl FnMut(&mut Self, Slot) -> Option<Met>,
    ) {
        let Some(place) = slots.first().map(|slot| slot.rule) else { return };
        let Some(watched) = self.at(place).filter(|watched| watched.is_live()) else { return };
        let had_seen = watched.trackers.iter().all(|tracker| tracker.has_seen());
        let before: Vec<_> = watched.trackers.iter().map(|tracker| tracker.state.clone()).collect();
        let mut met: Vec<(u8, Met)> = Vec::new();
        for &slot in slots {
            met.extend(look(self, slot).map(|met| (slot.condition, met)));
        }
        let Some(watched) = self.rules.get_mut(index(place)).and_then(Option::as_deref_mut) else { return };
        let mut has_changed = watched.trackers.iter().zip(&before).any(|(tracker, before)| tracker.state != *before);
        if watched.memory.pending_since.is_some() && !watched.holds() {
            watched.memory.pending_since = None;
            has_changed = true;
        }
        let is_met = match watched.rule.join {
            _ if met.is_empty() => false,
            Join::Any => true,
            Join::All => (0_u8..)
                .zip(&watched.trackers)
                .all(|(at, tracker)| tracker.holds() || met.iter().any(|(condition, _)| *condition == at)),
        };
        // A rule on closes says at each of them that it holds; the first bars that it sees are history.
        let is_close = has_changed && had_seen && watched.is_of_closes();
        let lasts = is_close && !is_met && watched.is_lasting() && watched.holds();
        if let Some((_, met)) = met.into_iter().next() {
            watched.memory.last_met = Some(met);
        }
        if has_changed {
            self.effects.changed.insert(watched.rule.rule_id.clone());
        }
        if is_met || lasts {
            let moment = Moment { is_late: moment.is_late && had_seen, ..moment };
            self.begin(place, moment);
        }
        if has_changed {
            self.reschedule(place, moment.now);
        }
    }

    /// The rule is met: it fires, or waits until it has lasted.
    fn begin(&mut self, place: u32, moment: Moment) {
        let Some(watched) = self.rules.get_mut(index(place)).and_then(Option::as_deref_mut) else { return };
        if watched.rule.pending_for_s == 0 {
            self.fire(place, moment);
        } else if watched.memory.pending_since.is_none() {
            watched.memory.pending_since = Some(moment.now);
        }
    }

    /// The rule fires, if it may.
    pub(super) fn fire(&mut self, place: u32, moment: Moment) {
        let Some(watched) = self.rules.get_mut(index(place)).and_then(Option::as_deref_mut) else { return };
        let event_time = moment.event_time.unwrap_or(moment.now);
        watched.memory.pending_since = None;
        if !watched.may_fire(moment.now, event_time) {
            return;
        }
        watched.state.n_fired += 1;
        watched.state.last_fired_time = Some(moment.now);
        if let Frequency::OncePerBar { interval } = watched.rule.frequency {
            watched.memory.fired_bar = Some(interval.open_time(event_time));
        }
        self.effects.changed.insert(watched.rule.rule_id.clone());
        if watched.memory.snoozed_until.is_some() {
            watched.state.n_suppressed += 1;
            return;
        }
        let market = watched.rule.instrument.as_ref().and_then(|instrument| self.markets.get(instrument));
        let price = market.and_then(|market| market.price);
        let draft = Draft { price, event_time: moment.event_time, is_late: moment.is_late, ..watched.last_draft() };
        if watched.rule.frequency == Frequency::Once {
            watched.memory.is_done = true;
            self.detach(place);
        }
        if moment.is_late {
            let said = self.late.entry(place).and_modify(|(_, n_more)| *n_more += 1);
            said.or_insert((draft, 0));
        } else {
            self.say(place, draft, 0, moment.now);
        }
    }

    /// Says what lies behind: once a rule, with the number of the others.
    pub(super) fn say_late(&mut self, now: Timestamp) {
        if self.late.is_empty() {
            return;
        }
        for (place, (draft, n_more)) in std::mem::take(&mut self.late) {
            if let Some(watched) = self.at_mut(place) {
                watched.state.n_suppressed += n_more;
            }
            self.say(place, draft, n_more, now);
        }
    }

    /// Says it at once while the rule's budget lasts, and folds it otherwise.
    fn say(&mut self, place: u32, draft: Draft, n_more: u64, now: Timestamp) {
        let budget = self.budget.per_rule;
        let Some(watched) = self.at_mut(place) else { return };
        let storm = &mut watched.storm;
        let is_over = now < storm.begin || now.saturating_since(storm.begin) >= STORM_SPAN;
        if is_over && watched.memory.n_folded == 0 {
            *storm = Storm { begin: now, n: 0, last: None };
        }
        if storm.n < budget && watched.memory.n_folded == 0 {
            storm.n += 1;
            self.tell(place, draft, n_more, now);
        } else {
            storm.last = Some(draft);
            watched.memory.n_folded += 1 + n_more;
            watched.state.n_suppressed += 1;
            self.reschedule(place, now);
        }
    }

    /// Returns when what was folded is said.
    pub(super) fn storm_due(watched: &Watched) -> Option<Timestamp> {
        (watched.memory.n_folded > 0).then_some(watched.storm.begin + STORM_SPAN)
    }

    /// Says how many were folded. While they keep coming, this is one alert a span.
    pub(super) fn say_folded(&mut self, place: u32, now: Timestamp) {
        let budget = self.budget.per_rule;
        let Some(watched) = self.at_mut(place) else { return };
        let n_folded = std::mem::take(&mut watched.memory.n_folded);
        let draft = watched.storm.last.take().unwrap_or_else(|| watched.last_draft());
        watched.storm = Storm { begin: now, n: budget, last: None };
        self.touch(place);
        if n_folded > 0 {
            self.tell(place, draft, n_folded, now);
        }
    }

    /// Makes the alert.
    fn tell(&mut self, place: u32, draft: Draft, n_folded: u64, now: Timestamp) {
        let Some(watched) = self.rules.get(index(place)).and_then(Option::as_deref) else { return };
        let rule = &watched.rule;
        let sentence = words::sentence(rule);
        let what = if draft.met.what.is_empty() { sentence.clone() } else { words::capitalised(&draft.met.what) };
        let mut title = what.clone();
        if n_folded == 1 && draft.is_late {
            title.push_str(" (and once more)");
        } else if n_folded > 0 && draft.is_late {
            title.push_str(&format!(" (and {n_folded} times more)"));
        } else if n_folded > 0 {
            title.push_str(&format!(" (+{n_folded} more in {} s)", STORM_SPAN.as_secs()));
        }
        if draft.is_late {
            title.push_str(" (late)");
        }
        let instrument = draft.met.instrument.clone().or_else(|| rule.instrument.clone());
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        let fill = |name: &str| match name {
            "rule" => rule.name.clone(),
            "sentence" => sentence.clone(),
            "what" => what.clone(),
            "instrument" => or_none(instrument.as_ref().map(ToString::to_string)),
            "symbol" => or_none(instrument.as_ref().map(words::symbol)),
            "venue" => or_none(instrument.as_ref().map(|instrument| instrument.venue().to_string())),
            "value" => or_none(draft.met.value.clone()),
            "level" => or_none(draft.met.level.clone()),
            "price" => or_none(draft.price.map(|price| price.to_string())),
            "event_time" => or_none(draft.event_time.map(|time| time.to_string())),
            "bar_time" => or_none(draft.met.bar_time.map(|time| time.to_string())),
            "severity" => severity(rule.severity).to_owned(),
            _ => now.to_string(),
        };
        let text = match &rule.message {
            // It was checked when the rule was saved.
            Some(message) => template::fill(message, fill).unwrap_or_else(|_| message.clone()),
            None => format!("{}: {sentence}", rule.name),
        };
        let notice = Notice {
            notice_id: self.memory.next_notice_id,
            rule_id: rule.rule_id.to_string(),
            rule_version: rule.version,
            severity: rule.severity,
            title,
            text,
            instrument,
            value: draft.met.value,
            level: draft.met.level,
            bar_time: draft.met.bar_time,
            event_time: draft.event_time,
            receive_time: draft.event_time.is_some_and(|_| !draft.is_late).then(|| self.received.unwrap_or(now)),
            fired_time: now,
            is_late: draft.is_late,
            n_folded,
        };
        let is_muted = self.memory.settings.muted.is_some();
        let has_sound = rule.has_sound && !is_muted;
        let quiet_end =
            self.quiet_end(now).filter(|_| rule.severity != Severity::Critical && !rule.ignores_quiet_hours);
        let mut channels = Vec::new();
        for channel in rule.channels.iter().filter(|_| !is_muted) {
            let alert = (notice.title.as_str(), rule.severity);
            let held = &mut self.memory.held;
            if self.holding.passes(held, channel, alert, quiet_end, self.budget.per_channel, now) {
                channels.push(channel.clone());
            }
        }
        self.memory.next_notice_id += 1;
        self.effects.has_memory_changed = true;
        let row = AlertRow { notice: notice.clone(), has_sound, acknowledged_time: None, deliveries: Vec::new() };
        self.log.push(row);
        self.effects.fired.push(FiredAlert { notice, channels, is_summary: false });
    }

    fn quiet_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.memory.settings.quiet_hours.as_ref()?.end(now, self.zone_offset_minutes)
    }

    /// Sends the summaries that are due.
    pub(super) fn summarise(&mut self, now: Timestamp) {
        for Summary { channel_id, held } in holding::take_due(&mut self.memory.held, now) {
            let notice = Notice {
                notice_id: self.memory.next_notice_id,
                rule_id: String::new(),
                rule_version: 0,
                severity: held.severity,
                title: held.title(),
                text: held.text(),
                instrument: None,
                value: None,
                level: None,
                bar_time: None,
                event_time: None,
                receive_time: None,
                fired_time: now,
                is_late: false,
                n_folded: held.n,
            };
            self.memory.next_notice_id += 1;
            self.effects.has_memory_changed = true;
            self.effects.fired.push(FiredAlert { notice, channels: vec![channel_id], is_summary: true });
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}
