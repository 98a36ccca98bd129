//! The latency budget: a bar with a part for each stage, and the figures at its right.

use leptos::prelude::*;

use crate::{
    format::{UNKNOWN, span_us},
    quality::budget::{Budget, Stage, StageFigures},
};

/// The bar and its figures. An unknown stage keeps its line, so that nothing moves when it becomes known.
#[component]
pub fn BudgetBar(
    /// The known latencies.
    #[prop(into)]
    budget: Signal<Budget>,
    /// Omits the column of the 95th percentile, for narrow places.
    #[prop(default = false)]
    is_compact: bool,
) -> impl IntoView {
    let part = move |stage: Stage| {
        let share = move || {
            budget.with(|budget| budget.parts().iter().find(|part| part.0 == stage).map(|part| part.1.to_string()))
        };
        view! { <span class="budget__part" data-stage=stage.as_str() style:--share=share></span> }
    };
    let figures = move |stage: Stage| {
        Memo::new(move |_| budget.with(|budget| budget.stages.iter().find(|one| one.stage == stage).copied()))
    };
    view! {
        <div class="budget" data-testid="budget" data-compact=is_compact.then_some("true")>
            <div class="budget__bar" aria-hidden="true">{Stage::ALL.map(part).collect_view()}</div>
            <table class="budget__table">
                <thead>
                    <tr>
                        <th scope="col">"Latency"</th>
                        <th scope="col">"p50"</th>
                        <th scope="col" class="budget__wide">"p95"</th>
                        <th scope="col">"p99"</th>
                    </tr>
                </thead>
                <tbody>
                    {Stage::ALL.map(|stage| view! { <StageLine stage figures=figures(stage)/> }).collect_view()}
                    <TotalLine budget/>
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn StageLine(
    /// The stage.
    stage: Stage,
    /// Its figures, if known.
    figures: Memo<Option<StageFigures>>,
) -> impl IntoView {
    let cell = move |of: fn(&StageFigures) -> u64| {
        move || figures.with(|figures| figures.as_ref().map_or_else(|| UNKNOWN.to_owned(), |one| span_us(of(one))))
    };
    let note = move || figures.with(|figures| figures.as_ref().map(note).unwrap_or_default());
    view! {
        <tr class="budget__line" data-stage=stage.as_str() data-testid=format!("stage-{}", stage.as_str())>
            <th scope="row">
                <span class="budget__key" data-stage=stage.as_str() aria-hidden="true"></span>
                {stage.label()}
                <span class="budget__note">{note}</span>
            </th>
            <td>{cell(|one| one.took.p50_us)}</td>
            <td class="budget__wide">{cell(|one| one.took.p95_us)}</td>
            <td>{cell(|one| one.took.p99_us)}</td>
        </tr>
    }
}

/// Returns a note on the accuracy of a stage's figures.
fn note(figures: &StageFigures) -> String {
    match (figures.is_above_fastest, figures.error_us) {
        (true, _) => "above the fastest".to_owned(),
        (false, 0) => String::new(),
        (false, error_us) => format!("±{}", span_us(error_us)),
    }
}

#[component]
fn TotalLine(
    /// The known latencies.
    budget: Signal<Budget>,
) -> impl IntoView {
    let total = Memo::new(move |_| budget.with(Budget::total));
    let cell = move |of: fn(&model::histogram::Quantiles) -> u64| {
        move || total.with(|total| total.as_ref().map_or_else(|| UNKNOWN.to_owned(), |total| span_us(of(total))))
    };
    view! {
        <tr class="budget__total" data-testid="stage-total">
            <th scope="row" title="Sum of all stages; they are not all at their worst at the same time">"Total"</th>
            <td>{cell(|total| total.p50_us)}</td>
            <td class="budget__wide">{cell(|total| total.p95_us)}</td>
            <td>{cell(|total| total.p99_us)}</td>
        </tr>
    }
}
