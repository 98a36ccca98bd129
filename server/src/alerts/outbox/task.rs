//! The outbox's loop: reads what waits, starts what is due, writes what was answered.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{
    alert::channel::{Channel, ChannelId, ChannelRow, ChannelTest, SubscriptionId},
    time::{Monotonic, Now, Timestamp},
};
use ring::rand::{SecureRandom, SystemRandom};
use store::{
    alerts::{
        Alerts,
        outbox::{Attempt, Waiting},
    },
    error::StoreError,
};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::{Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    Test,
    budget::{Budget, Pace},
    outcome,
    plan::{Plan, Situation, plan},
};
use crate::{
    alerts::{
        channels::{Report, Senders, Verdict},
        message::Message,
    },
    clock::Clock,
    metrics::counters::{StoreCounters, trading::AlertCounters},
};

/// The task.
pub struct Outbox {
    alerts: Alerts,
    senders: Senders,
    counters: AlertCounters,
    commits: StoreCounters,
    clock: Clock,
    changed: watch::Sender<u64>,
    budgets: BTreeMap<ChannelId, Budget>,
    sends: JoinSet<Report>,
    /// Jobs under way.
    jobs: BTreeMap<Id, Job>,
    /// Answers that are not on disk yet. Nothing is sent before they are.
    unwritten: Vec<Answer>,
    /// True once the log says that the store refuses.
    has_complained: bool,
}

enum Job {
    Delivery { notice_id: u64, channel_id: ChannelId, kind: &'static str, n_attempts: u32 },
    Test { channel_id: ChannelId, reply: oneshot::Sender<ChannelTest> },
}

/// Answer that has to be written.
enum Answer {
    Attempt(Attempt),
    Test {
        channel_id: ChannelId,
        verified_time: Option<Timestamp>,
        ended: Vec<SubscriptionId>,
        /// Receiver of the result, until it has been sent.
        result: Option<(oneshot::Sender<ChannelTest>, ChannelTest)>,
    },
}

impl Outbox {
    pub(super) fn new(
        alerts: Alerts,
        senders: Senders,
        (counters, commits): (AlertCounters, StoreCounters),
        clock: Clock,
        changed: watch::Sender<u64>,
    ) -> Self {
        Self {
            alerts,
            senders,
            counters,
            commits,
            clock,
            changed,
            budgets: BTreeMap::new(),
            sends: JoinSet::new(),
            jobs: BTreeMap::new(),
            unwritten: Vec::new(),
            has_complained: false,
        }
    }

    pub(super) async fn run(mut self, mut tests: mpsc::Receiver<Test>, wake: Arc<Notify>, stop: CancellationToken) {
        loop {
            let next = self.turn().await;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = self.sends.join_next_with_id() => self.take(done),
                Some(test) = tests.recv(), if self.has_room() => self.test(test),
                () = wake.notified() => {}
                () = tokio::time::sleep_until(self.clock.instant(next)) => {}
            }
        }
        self.finish().await;
    }

    /// Writes what was answered, then starts what is due. Returns when to look again.
    async fn turn(&mut self) -> Monotonic {
        let now = self.clock.now();
        match self.try_turn(now).await {
            Ok(next) => {
                self.has_complained = false;
                next
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_complained, true) {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the outbox of alerts cannot use the store; it tries again");
                }
                now.monotonic + TRY_EVERY
            }
        }
    }

    async fn try_turn(&mut self, now: Now) -> Result<Monotonic, StoreError> {
        self.write().await?;
        let mut next = now.monotonic + LOOK_EVERY;
        let waiting = self.alerts.waiting().await?;
        self.counters.outbox_length.set(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
        if waiting.is_empty() {
            return Ok(next);
        }
        let channels = self.alerts.channels().await?;
        for of_channel in waiting.chunk_by(|one, other| one.delivery.channel_id == other.delivery.channel_id) {
            let channel_id = &of_channel[0].delivery.channel_id;
            let closed = match channels.iter().find(|row| row.channel.channel_id == *channel_id) {
                None => "there is no such channel",
                Some(ChannelRow { state, channel }) => match &state.disabled {
                    None => {
                        next = next.min(self.serve(channel, of_channel, now).await?);
                        continue;
                    }
                    Some(reason) => reason,
                },
            };
            let numbers: Vec<u64> = of_channel.iter().map(|one| one.delivery.notice_id).collect();
            self.give_up(channel_id, &numbers, closed).await?;
        }
        Ok(next)
    }

    /// Does what is due for one channel; returns when to look again.
    async fn serve(&mut self, channel: &Channel, waiting: &[Waiting], now: Now) -> Result<Monotonic, StoreError> {
        let channel_id = &channel.channel_id;
        let pace = Pace::of(&channel.kind);
        let budget = *self.budgets.entry(channel_id.clone()).or_insert_with(Budget::full);
        let situation = Situation {
            n_allowed: budget.available(pace, now.monotonic),
            sending: self.sending(channel_id),
            is_held: channel.is_paused || !self.has_room(),
        };
        let Plan { given_up, folds, send, wake_time } = plan(waiting, situation, now.wall);
        let reason = if channel.is_paused { "the channel was paused for too long" } else { "it is too old" };
        self.give_up(channel_id, &given_up, reason).await?;
        for (into, from) in folds {
            self.alerts.fold(channel_id, into, &from).await?;
            self.count_change();
        }
        if let Some(one) = waiting.iter().find(|one| Some(one.delivery.notice_id) == send) {
            self.send(channel, one, now).await?;
        }
        let far = now.monotonic + LOOK_EVERY;
        let by_time = wake_time.map_or(far, |time| now.monotonic + time.saturating_since(now.wall));
        let by_budget = match situation.n_allowed {
            0 => now.monotonic + budget.wait(pace, now.monotonic),
            _ => far,
        };
        Ok(by_time.min(by_budget))
    }

    async fn send(&mut self, channel: &Channel, one: &Waiting, now: Now) -> Result<(), StoreError> {
        let (notice_id, channel_id) = (one.delivery.notice_id, channel.channel_id.clone());
        let Some(parcel) = self.alerts.parcel(notice_id, &channel_id).await? else { return Ok(()) };
        let message = Message { notice: parcel.notice, channel_id: channel_id.clone() };
        if let Some(budget) = self.budgets.get_mut(&channel_id) {
            budget.take(Pace::of(&channel.kind), now.monotonic);
        }
        let (senders, channel, kind) = (self.senders.clone(), channel.clone(), channel.kind.word());
        let send = async move { senders.send(&channel, &message, &parcel.reached, now.wall).await };
        let id = self.sends.spawn(send).id();
        let n_attempts = one.delivery.n_attempts.saturating_add(1);
        self.jobs.insert(id, Job::Delivery { notice_id, channel_id, kind, n_attempts });
        Ok(())
    }

    fn test(&mut self, test: Test) {
        let now = self.clock.now().wall;
        let Test { channel, reply } = test;
        let channel_id = channel.channel_id.clone();
        let (senders, message) = (self.senders.clone(), Message::test(channel_id.clone(), now));
        let id = self.sends.spawn(async move { senders.send(&channel, &message, &[], now).await }).id();
        self.jobs.insert(id, Job::Test { channel_id, reply });
    }

    /// Takes the result of an attempt; it is on disk after the next turn.
    fn take(&mut self, done: Result<(Id, Report), JoinError>) {
        let (id, report) = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "an attempt to deliver an alert ended in a fault");
                (error.id(), Report::unanswered("a fault of the server; see its log"))
            }
        };
        let Some(job) = self.jobs.remove(&id) else { return };
        let now = self.clock.now().wall;
        match job {
            Job::Delivery { notice_id, channel_id, kind, n_attempts } => {
                self.counters.attempted(kind, report.verdict.word());
                let Report { verdict, status, text, .. } = &report;
                if *verdict != Verdict::Delivered {
                    tracing::warn!(notice_id, channel = %channel_id, n_attempts, ?status, reason = text, "an alert was not delivered");
                }
                let attempt = outcome::attempt(notice_id, channel_id, n_attempts, report, chance(), now);
                self.unwritten.push(Answer::Attempt(attempt));
            }
            Job::Test { channel_id, reply } => {
                let result = outcome::test_result(&report);
                let verified_time = result.is_delivered.then_some(now);
                let (ended, result) = (report.ended, Some((reply, result)));
                self.unwritten.push(Answer::Test { channel_id, verified_time, ended, result });
            }
        }
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        while let Some(answer) = self.unwritten.first_mut() {
            match answer {
                Answer::Attempt(attempt) => {
                    let begun = self.clock.now().monotonic;
                    let written = self.alerts.attempted(attempt).await;
                    let took = self.clock.now().monotonic.saturating_since(begun);
                    self.commits.committed("outbox", took, written.is_ok());
                    written?;
                }
                Answer::Test { channel_id, verified_time, ended, result } => {
                    let written = self.alerts.tested(channel_id, *verified_time, ended).await;
                    // The other server's answer is true, whether or not the store takes it. The caller may have gone.
                    let _gone = result.take().map(|(reply, result)| reply.send(result));
                    written?;
                }
            }
            self.unwritten.remove(0);
            self.count_change();
        }
        Ok(())
    }

    async fn give_up(&self, channel_id: &ChannelId, numbers: &[u64], reason: &str) -> Result<(), StoreError> {
        for &notice_id in numbers {
            self.alerts.give_up(notice_id, channel_id, reason).await?;
            tracing::warn!(notice_id, channel = %channel_id, reason, "an alert was given up");
            self.count_change();
        }
        Ok(())
    }

    /// Lets what is on its way end for a moment, and writes it. The rest goes out again at the next start.
    async fn finish(mut self) {
        let end = tokio::time::Instant::now() + LAST_WAIT;
        while let Ok(Some(done)) = tokio::time::timeout_at(end, self.sends.join_next_with_id()).await {
            self.take(done);
        }
        if let Err(error) = self.write().await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "what was delivered last could not be written; it is delivered again");
        }
    }

    fn sending(&self, channel_id: &ChannelId) -> Option<u64> {
        self.jobs.values().find_map(|job| match job {
            Job::Delivery { notice_id, channel_id: other, .. } if other == channel_id => Some(*notice_id),
            _ => None,
        })
    }

    fn has_room(&self) -> bool {
        self.sends.len() < MAX_AT_ONCE
    }

    fn count_change(&self) {
        self.changed.send_modify(|n_changes| *n_changes += 1);
    }
}

/// Returns a number from 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 2];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX),
        // Without chance, retries come together: no harm but to the pace.
        Err(_) => 0.5,
    }
}

/// Messages on their way at once, over all channels.
const MAX_AT_ONCE: usize = 8;
/// Interval at which a store that refused is tried again.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// The longest time without a look: the wall clock may have been set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Within the time that a shutdown gives all tasks.
const LAST_WAIT: Duration = Duration::from_secs(3);
