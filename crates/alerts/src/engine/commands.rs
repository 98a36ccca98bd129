//! Commands of users: rules, acknowledging, quiet hours, muting.

use std::time::Duration;

use model::{
    alert::{
        command::{AlertCommand, AlertReply, CloneAlert, Deleted, RuleReply, SnoozeAlert},
        condition::{ChannelEvent, Condition, Direction},
        rule::{AlertRule, MAX_NAME_CHARS, RuleState},
        rule_id::RuleId,
        settings::{DAY_MINUTES, QuietHours},
    },
    decimal::Price,
    time::Timestamp,
    trading::refusal::{DenyCode, Refusal},
};

use crate::{
    check::check,
    engine::{Engine, index, watched::Watched},
    memory::{Kept, RuleMemory},
};

/// Most rules.
pub const MAX_RULES: usize = 20_000;
/// Longest snooze and mute.
const MAX_SNOOZE: Duration = Duration::from_secs(30 * 86_400);

impl Engine {
    /// Carries a command out; `None` for one that is not the engine's: those of signals, channels and deliveries, and the
    /// try on history ([`crate::dry_run`]). `last_price` is that of the rule's instrument, where it is known.
    ///
    /// # Errors
    /// The rule is unknown or makes no sense; the refusal names the value and what to do.
    pub fn command(
        &mut self,
        command: &AlertCommand,
        last_price: Option<Price>,
        now: Timestamp,
    ) -> Option<Result<AlertReply, Refusal>> {
        Some(match command {
            AlertCommand::SaveAlert(save) => self.save(save.rule.clone(), last_price, now),
            AlertCommand::DeleteAlert(one) => self.delete(&one.rule_id),
            AlertCommand::PauseAlert(one) => self.pause(&one.rule_id, now),
            AlertCommand::ResumeAlert(one) => self.resume(&one.rule_id, last_price, now),
            AlertCommand::SnoozeAlert(snooze) => self.snooze(snooze, now),
            AlertCommand::CloneAlert(clone) => self.clone_rule(clone, now),
            AlertCommand::AcknowledgeAlerts(these) => {
                Ok(AlertReply::Alerts(self.log.acknowledge(&these.notice_ids, these.up_to, now)))
            }
            AlertCommand::SetQuietHours(set) => self.set_quiet_hours(set.quiet_hours.clone()),
            AlertCommand::MuteAlerts(muted) => match muted.until {
                Some(until) if until <= now => refuse("the end of the muting has passed; choose a later one or none"),
                _ => {
                    self.memory.settings.muted = Some(*muted);
                    Ok(self.settings_reply())
                }
            },
            AlertCommand::UnmuteAlerts(_) => {
                self.memory.settings.muted = None;
                Ok(self.settings_reply())
            }
            AlertCommand::CheckAlert(_)
            | AlertCommand::SaveSignal(_)
            | AlertCommand::DeleteSignal(_)
            | AlertCommand::PauseSignal(_)
            | AlertCommand::ResumeSignal(_)
            | AlertCommand::SaveChannel(_)
            | AlertCommand::DeleteChannel(_)
            | AlertCommand::TestChannel(_)
            | AlertCommand::ResendDelivery(_) => return None,
        })
    }

    fn save(&mut self, rule: AlertRule, last_price: Option<Price>, now: Timestamp) -> Result<AlertReply, Refusal> {
        check(&rule, now)?;
        self.refuse_duplicate(&rule)?;
        let before = self.ids.get(&rule.rule_id).copied();
        if before.is_none() && self.ids.len() >= MAX_RULES {
            let message = format!("there are {MAX_RULES} rules already; delete one first");
            return Err(Refusal::new(DenyCode::TooManyRules, message).with(MAX_RULES, self.ids.len()));
        }
        let before = before.and_then(|place| self.take_out(place));
        let version = before.as_ref().map_or(1, |before| before.rule.version.saturating_add(1));
        let counted = before.map(|before| before.state).unwrap_or_default();
        let rule = AlertRule { version, ..rule };
        let state = RuleState { saved_time: now, ..counted };
        self.add(rule, state, RuleMemory { version, ..RuleMemory::default() }, last_price, now)
    }

    fn add(
        &mut self,
        rule: AlertRule,
        state: RuleState,
        memory: RuleMemory,
        last_price: Option<Price>,
        now: Timestamp,
    ) -> Result<AlertReply, Refusal> {
        let rule_id = rule.rule_id.clone();
        self.effects.saved.insert(rule_id.clone());
        self.effects.deleted.remove(&rule_id);
        let place = self.place(Watched::new(rule, Kept { state, memory }), now);
        self.touch(place);
        self.reply(place, last_price)
    }

    fn delete(&mut self, rule_id: &RuleId) -> Result<AlertReply, Refusal> {
        let place = self.find(rule_id)?;
        self.take_out(place);
        for rules in [&mut self.effects.saved, &mut self.effects.changed, &mut self.effects.shown] {
            rules.remove(rule_id);
        }
        self.effects.deleted.insert(rule_id.clone());
        Ok(AlertReply::Deleted(Deleted { deleted: rule_id.to_string() }))
    }

    fn pause(&mut self, rule_id: &RuleId, now: Timestamp) -> Result<AlertReply, Refusal> {
        let place = self.find(rule_id)?;
        self.detach(place);
        if let Some(watched) = self.at_mut(place) {
            watched.restart();
            watched.memory.is_paused = true;
        }
        self.touch(place);
        self.reschedule(place, now);
        self.reply(place, None)
    }

    fn resume(&mut self, rule_id: &RuleId, last_price: Option<Price>, now: Timestamp) -> Result<AlertReply, Refusal> {
        let place = self.find(rule_id)?;
        let Some(watched) = self.at(place) else { return self.reply(place, None) };
        let rule = watched.rule.clone();
        check(&rule, now)?;
        self.refuse_duplicate(&rule)?;
        self.detach(place);
        if let Some(watched) = self.at_mut(place) {
            watched.restart();
        }
        self.attach(place, now);
        self.touch(place);
        self.reply(place, last_price)
    }

    fn snooze(&mut self, snooze: &SnoozeAlert, now: Timestamp) -> Result<AlertReply, Refusal> {
        let place = self.find(&snooze.rule_id)?;
        let until = match (snooze.until, snooze.minutes) {
            (Some(until), None) => until,
            (None, Some(minutes)) => now + Duration::from_secs(u64::from(minutes) * 60),
            _ => return refuse("give either the end of the snooze or its minutes"),
        };
        if until > now + MAX_SNOOZE {
            return refuse("a snooze lasts at most 30 days; pause the rule instead");
        }
        if let Some(watched) = self.at_mut(place) {
            watched.memory.snoozed_until = (until > now).then_some(until);
        }
        self.touch(place);
        self.reschedule(place, now);
        self.reply(place, None)
    }

    fn clone_rule(&mut self, clone: &CloneAlert, now: Timestamp) -> Result<AlertReply, Refusal> {
        let place = self.find(&clone.rule_id)?;
        if self.ids.contains_key(&clone.new_rule_id) {
            let message = format!("the name {} is used already; choose another", clone.new_rule_id);
            return Err(Refusal::new(DenyCode::DuplicateRule, message));
        }
        if self.ids.len() >= MAX_RULES {
            let message = format!("there are {MAX_RULES} rules already; delete one first");
            return Err(Refusal::new(DenyCode::TooManyRules, message));
        }
        let Some(watched) = self.at(place) else { return self.reply(place, None) };
        let mut rule = watched.rule.clone();
        rule.rule_id = clone.new_rule_id.clone();
        rule.version = 1;
        let room = MAX_NAME_CHARS - COPY.len();
        rule.name = rule.name.chars().take(room).chain(COPY.chars()).collect();
        let memory = RuleMemory { version: 1, is_paused: true, ..RuleMemory::default() };
        self.add(rule, RuleState { saved_time: now, ..RuleState::default() }, memory, None, now)
    }

    fn set_quiet_hours(&mut self, quiet_hours: Option<QuietHours>) -> Result<AlertReply, Refusal> {
        if let Some(hours) = &quiet_hours {
            if hours.from_minute >= DAY_MINUTES || hours.until_minute >= DAY_MINUTES {
                return refuse("begin and end of quiet hours are minutes of a day; use 0 to 1439");
            }
            if hours.from_minute == hours.until_minute {
                return refuse("quiet hours begin when they end; choose another end, or mute all alerts");
            }
        }
        self.memory.settings.quiet_hours = quiet_hours;
        Ok(self.settings_reply())
    }

    fn settings_reply(&mut self) -> AlertReply {
        self.effects.has_memory_changed = true;
        AlertReply::Settings(self.memory.settings.clone())
    }

    fn find(&self, rule_id: &RuleId) -> Result<u32, Refusal> {
        self.ids.get(rule_id).copied().ok_or_else(|| {
            Refusal::new(
                DenyCode::UnknownRule,
                format!("no alert rule is called {rule_id}; the list of rules has all names"),
            )
        })
    }

    fn refuse_duplicate(&self, rule: &AlertRule) -> Result<(), Refusal> {
        let mut others =
            self.rules.iter().flatten().filter(|other| other.rule.rule_id != rule.rule_id && other.is_live());
        others.find(|other| other.rule.is_duplicate_of(rule)).map_or(Ok(()), |other| {
            let (name, rule_id) = (&other.rule.name, &other.rule.rule_id);
            let message =
                format!("{name:?} ({rule_id}) looks for the same; change one of the two, or delete the other");
            Err(Refusal::new(DenyCode::DuplicateRule, message))
        })
    }

    fn reply(&self, place: u32, last_price: Option<Price>) -> Result<AlertReply, Refusal> {
        let watched = self.rules.get(index(place)).and_then(Option::as_deref).ok_or_else(|| {
            Refusal::new(DenyCode::UnknownRule, "the rule is no longer there; load the list of rules again")
        })?;
        let warnings = last_price.map(|price| warnings(&watched.rule, price)).unwrap_or_default();
        Ok(AlertReply::Rule(Box::new(RuleReply { row: self.row_of(watched), warnings })))
    }
}

/// End of a copy's name.
const COPY: &str = " (copy)";

fn refuse(message: &str) -> Result<AlertReply, Refusal> {
    Err(Refusal::new(DenyCode::BadRule, message))
}

/// Returns warnings for a rule at this price: a level that is already met must be left first.
fn warnings(rule: &AlertRule, price: Price) -> Vec<String> {
    let of = |condition: &Condition| match condition {
        Condition::PriceCrosses { direction: Direction::Up, level, .. } if price >= *level => {
            Some(format!("the price {price} is already at or above {level}; it has to fall below it first"))
        }
        Condition::PriceCrosses { direction: Direction::Down, level, .. } if price <= *level => {
            Some(format!("the price {price} is already at or below {level}; it has to rise above it first"))
        }
        Condition::PriceAbove { level, .. } if price >= *level => {
            Some(format!("the price {price} is already at or above {level}; the rule fires at once"))
        }
        Condition::PriceBelow { level, .. } if price <= *level => {
            Some(format!("the price {price} is already at or below {level}; the rule fires at once"))
        }
        Condition::Channel { event, low, high } => {
            let is_inside = *low <= price && price <= *high;
            match event {
                ChannelEvent::Entering if is_inside => {
                    Some(format!("the price {price} is already inside; it has to leave the channel first"))
                }
                ChannelEvent::Exiting if !is_inside => {
                    Some(format!("the price {price} is already outside; it has to enter the channel first"))
                }
                ChannelEvent::Inside if is_inside => {
                    Some(format!("the price {price} is already inside; the rule fires at once"))
                }
                ChannelEvent::Outside if !is_inside => {
                    Some(format!("the price {price} is already outside; the rule fires at once"))
                }
                _ => None,
            }
        }
        _ => None,
    };
    rule.conditions.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_met_already_is_a_warning() {
        let price = |text: &str| Price::parse(text).unwrap();
        let warned = |condition: &str| {
            let text = format!(r#"{{"rule_id":"a","name":"A","instrument":"demo:AAABBB","conditions":[{condition}]}}"#);
            !warnings(&serde_json::from_str(&text).unwrap(), price("100")).is_empty()
        };
        for (condition, expected) in [
            (r#"{"kind":"price_crosses","direction":"up","level":"100"}"#, true),
            (r#"{"kind":"price_crosses","direction":"up","level":"100.1"}"#, false),
            (r#"{"kind":"price_crosses","direction":"down","level":"99.9"}"#, false),
            (r#"{"kind":"price_crosses","direction":"either","level":"100"}"#, false),
            (r#"{"kind":"price_above","level":"99"}"#, true),
            (r#"{"kind":"price_below","level":"99"}"#, false),
            (r#"{"kind":"channel","event":"entering","low":"100","high":"101"}"#, true),
            (r#"{"kind":"channel","event":"exiting","low":"100","high":"101"}"#, false),
        ] {
            assert_eq!(warned(condition), expected, "{condition}");
        }
    }
}
