//! Dry run of a rule over the last day, before it is saved.

use leptos::prelude::*;
use model::alert::command::CheckReport;

use crate::{
    format,
    pages::{alerts::actions::Answer, recordings::state::moment},
};

/// The times at which a rule would have fired, and their number.
#[component]
pub fn DryRun(
    /// The server's answer.
    answer: RwSignal<Answer<CheckReport>>,
) -> impl IntoView {
    let words = move || {
        answer.with(|answer| match answer {
            Answer::None => String::new(),
            Answer::Pending => "Looking at the last 24 hours…".to_owned(),
            Answer::Reply(report) => sentence(report),
            Answer::Refused(_) => answer.refusal().unwrap_or_default(),
        })
    };
    let times = move || {
        answer.with(|answer| {
            let Answer::Reply(report) = answer else { return None };
            let line = |fire: &model::alert::command::CheckFire| {
                view! { <li>{moment(fire.time.as_millis())}" at "{format::grouped(&fire.value)}</li> }
            };
            let newest: Vec<_> = report.fires.iter().rev().map(line).collect();
            (!newest.is_empty())
                .then(|| view! { <ol class="dry-run__times" tabindex="0" aria-label="When">{newest}</ol> })
        })
    };
    let note = move || {
        answer.with(|answer| if let Answer::Reply(report) = answer { report.note.clone() } else { String::new() })
    };
    view! {
        <div class="dry-run" data-testid="dry-run" hidden=move || answer.with(|answer| *answer == Answer::None)>
            <p role="status" data-testid="dry-run-words" data-tone=move || answer.with(|answer| answer.refusal().is_some()).then_some("bad")>{words}</p>
            <p class="dry-run__note">{note}</p>
            {times}
        </div>
    }
}

/// Returns how often a rule would have fired (`Would have fired 7 times in the last 24 hours`).
fn sentence(report: &CheckReport) -> String {
    let times = match report.n_fires {
        0 => "Would not have fired".to_owned(),
        1 => "Would have fired once".to_owned(),
        n_fires => format!("Would have fired {} times", format::grouped(&n_fires.to_string())),
    };
    match report.hours {
        hours if hours >= 23.95 => format!("{times} in the last {hours:.0} hours."),
        hours if hours >= 1.0 => format!("{times} in the last {hours:.1} hours; there is no more history."),
        hours => format!("{times} in the last {:.0} minutes; there is no more history.", hours * 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_much_history_there_was() {
        for (hours, n_fires, expected) in [
            (24.0, 7, "Would have fired 7 times in the last 24 hours."),
            (3.25, 1, "Would have fired once in the last 3.2 hours; there is no more history."),
            (0.5, 0, "Would not have fired in the last 30 minutes; there is no more history."),
        ] {
            assert_eq!(sentence(&CheckReport { hours, n_fires, ..CheckReport::default() }), expected);
        }
    }
}
