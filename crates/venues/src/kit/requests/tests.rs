//! Order, pace, limits and refusals of requests.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Snapshot,
    History(usize),
}

impl Purpose for Kind {
    fn rank(&self) -> u8 {
        u8::from(self.is_history())
    }

    fn symbol(&self) -> Option<usize> {
        if let Self::History(n_bars) = self { Some(*n_bars) } else { None }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History(_))
    }

    fn subject(&self) -> &'static str {
        if self.is_history() { "bars" } else { "order books" }
    }
}

const RULES: RequestRules = RequestRules {
    weight_per_minute: 6_000,
    spacing: Duration::ZERO,
    in_flight: 4,
    timeout: Duration::from_secs(20),
    history_queue: 256,
    is_not_in_plan: None,
};

fn requests() -> Requests<Kind> {
    Requests::new(RULES, true)
}

fn now(millis: u64) -> Now {
    Now { monotonic: Monotonic::from_zero(Duration::from_millis(millis)), ..Now::default() }
}

fn request(purpose: &Kind) -> Option<RestRequest> {
    Some(RestRequest::get("/path", vec![("purpose", format!("{purpose:?}"))], 2))
}

fn history(n_bars: usize) -> Task<Kind> {
    Task::new(Kind::History(n_bars))
}

fn good(body: &str) -> Result<HttpAnswer<'_>, HttpFailure> {
    Ok(HttpAnswer { status: 200, retry_after: None, used_weight: None, body })
}

#[test]
fn urgent_ones_first_and_not_too_many_at_once() {
    let (mut requests, mut out) = (requests(), Outputs::default());
    for n_bars in 1..=RULES.in_flight {
        requests.push(history(n_bars), now(0).monotonic);
    }
    requests.push(Task::new(Kind::Snapshot), now(0).monotonic);
    requests.push(Task::new(Kind::Snapshot), now(0).monotonic);
    let sent = requests.send_due(now(0), &mut out, request);
    assert_eq!((sent.len(), &sent[0]), (RULES.in_flight, &Kind::Snapshot));
    assert!(requests.send_due(now(1), &mut out, request).is_empty());
    match requests.settle(RequestId(1), good("x"), now(2), &mut out) {
        RequestOutcome::Answered(task, "x") => assert_eq!(task.purpose, sent[0]),
        other => panic!("{other:?}"),
    }
    assert_eq!(requests.send_due(now(2), &mut out, request).len(), 1);
}

#[test]
fn of_one_kind_those_that_are_looked_at_come_first() {
    let (mut requests, mut out) = (requests(), Outputs::default());
    (1..=4).for_each(|symbol| requests.push(history(symbol), now(0).monotonic));
    requests.set_urgency(4, Urgency::Now);
    requests.set_urgency(2, Urgency::Before(now(5).monotonic));
    requests.set_urgency(3, Urgency::Before(now(9).monotonic));
    let sent = requests.send_due(now(10), &mut out, request);
    assert_eq!(sent, [4, 3, 2, 1].map(Kind::History));
}

#[test]
fn nothing_leaves_before_its_time_or_inside_retry_after() {
    let (mut requests, mut out) = (requests(), Outputs::default());
    requests.push(history(1), now(500).monotonic);
    assert!(requests.send_due(now(499), &mut out, request).is_empty());
    assert_eq!(requests.deadline(), Some(now(500).monotonic));
    requests.budget.answered(now(0).monotonic, 429, Some(Duration::from_secs(7)), None, now(499).monotonic);
    assert!(requests.send_due(now(500), &mut out, request).is_empty());
    assert_eq!(requests.deadline(), Some(now(7_499).monotonic));
    assert_eq!(requests.send_due(now(7_499), &mut out, request).len(), 1);
}

#[test]
fn overdue_requests_come_back_once() {
    let (mut requests, mut out) = (requests(), Outputs::default());
    requests.push(history(1), now(0).monotonic);
    requests.send_due(now(0), &mut out, request);
    assert_eq!(requests.deadline(), Some(now(20_000).monotonic));
    assert!(requests.take_overdue(now(19_999), &mut out).is_empty());
    assert_eq!(requests.take_overdue(now(20_000), &mut out), [history(1)]);
    assert!(matches!(requests.settle(RequestId(1), good(""), now(20_001), &mut out), RequestOutcome::Late));
}

#[test]
fn requests_for_history_are_bounded() {
    let mut requests = requests();
    for n_bars in 0..(RULES.history_queue + 10) {
        requests.push(history(n_bars), now(0).monotonic);
    }
    assert_eq!(requests.waiting.len(), RULES.history_queue);
    assert_eq!(requests.waiting[0].1, history(10));
}

#[test]
fn a_spacing_is_kept() {
    let (mut requests, mut out) =
        (Requests::<Kind>::new(RequestRules { spacing: Duration::from_secs(1), ..RULES }, true), Outputs::default());
    (0..3).for_each(|n_bars| requests.push(history(n_bars), now(0).monotonic));
    let mut sent = Vec::new();
    for millis in (0..4_000).step_by(50) {
        sent.extend(requests.send_due(now(millis), &mut out, request).iter().map(|_| millis));
    }
    assert_eq!(sent, [0, 1_000, 2_000]);
}

#[test]
fn a_status_decides() {
    for (status, expected) in
        [(200, "answered"), (404, "refused"), (403, "forbidden"), (429, "failed"), (451, "failed"), (503, "failed")]
    {
        let (mut requests, mut out) = (requests(), Outputs::default());
        requests.push(history(1), now(0).monotonic);
        requests.send_due(now(0), &mut out, request);
        let answer = HttpAnswer { status, retry_after: None, used_weight: None, body: "" };
        let found = match requests.settle(RequestId(1), Ok(answer), now(1), &mut out) {
            RequestOutcome::Late => "late",
            RequestOutcome::Answered(..) => "answered",
            RequestOutcome::Refused(..) => "refused",
            RequestOutcome::Forbidden(..) => "forbidden",
            RequestOutcome::Failed(_) => "failed",
        };
        assert_eq!(found, expected, "{status}");
        assert_eq!(out.health.cause.is_some(), matches!(status, 429 | 451), "{status}");
        let is_open = matches!(out.health.breaker, model::status::BreakerState::Open { .. });
        assert_eq!(is_open, matches!(status, 429 | 451), "{status}");
    }
}

/// A kind of request that is refused, by status or in words, is not made for a while; others are.
#[test]
fn a_forbidden_kind_leaves_the_others() {
    #[track_caller]
    fn check(is_not_in_plan: Option<fn(&str) -> bool>, status: u16, body: &str, expected: &str) {
        let rules = RequestRules { is_not_in_plan, ..RULES };
        let (mut requests, mut out) = (Requests::<Kind>::new(rules, true), Outputs::default());
        let path = |purpose: &Kind| {
            let path = if purpose.is_history() { "/bars" } else { "/book" };
            Some(RestRequest::get(path, Vec::new(), 2))
        };
        let asked = |requests: &mut Requests<Kind>, out: &mut Outputs, millis: u64| {
            requests.push(history(2), now(millis).monotonic);
            requests.push(Task::new(Kind::Snapshot), now(millis).monotonic);
            let sent = requests.send_due(now(millis), out, path);
            sent.iter().for_each(|_| drop(requests.take_overdue(now(millis + 20_000), out)));
            sent
        };
        requests.push(history(1), now(0).monotonic);
        requests.send_due(now(0), &mut out, path);
        let answer = HttpAnswer { status, retry_after: None, used_weight: None, body };
        match requests.settle(RequestId(1), Ok(answer), now(1), &mut out) {
            RequestOutcome::Forbidden(_, cause) => assert_eq!(cause.to_string(), expected),
            other => panic!("{other:?}"),
        }
        assert_eq!((&out.health.cause, out.health.breaker), (&None, model::status::BreakerState::Closed));
        assert_eq!(asked(&mut requests, &mut out, 100_000), [Kind::Snapshot]);
        assert_eq!(asked(&mut requests, &mut out, 120_001), [Kind::Snapshot, Kind::History(2)]);
    }
    let is_not_in_plan: Option<fn(&str) -> bool> = Some(|body| body.contains("no access"));
    check(is_not_in_plan, 403, "", "bars are not in your plan");
    check(is_not_in_plan, 402, "", "bars are not in your plan");
    check(is_not_in_plan, 401, "no access", "bars are not in your plan");
    check(is_not_in_plan, 200, "no access", "bars are not in your plan");
    check(None, 403, "<html>", "the venue refuses requests for bars (403)");
}

#[test]
fn retries_wait_longer_each_time() {
    let mut task = history(1);
    let waits: Vec<u64> = (0..7).map(|_| task.fail().as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
}
