//! The account's statistics: each figure with its unit, its definition, and why it is not known yet.

use desk::performance::FigureRow;
use leptos::prelude::*;
use model::decimal::Notional;
use portfolio::statistics::figure::Unit;
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    format::{self, UNKNOWN},
    fragment::Fragment,
    live::model::LiveModel,
    pages::desk::{
        money,
        rows::{read_rows, topic},
    },
};

/// A panel with some of the statistics.
#[component]
pub fn FigurePanel(
    /// The name of its region.
    name: &'static str,
    /// Its title.
    title: &'static str,
    /// True for the keys of the figures that it shows.
    is_shown: fn(&str) -> bool,
) -> impl IntoView {
    let source = move |model: &LiveModel| {
        let rows = read_rows::<FigureRow>(model, Channel::Performance, is_shown)?;
        Ok(rows.map(|rows| {
            let mut rows: Vec<FigureRow> = rows.into_iter().map(|(_, row)| row).collect();
            rows.sort_by_key(|row| row.place);
            rows
        }))
    };
    view! {
        <section class="panel" aria-label=title>
            <div class="panel__head">
                <h2 class="panel__title">{title}</h2>
            </div>
            <Fragment name cadence=Cadence::Status topics=Signal::stored(vec![topic(Channel::Performance)]) source let:rows>
                <Figures rows/>
            </Fragment>
        </section>
    }
}

#[component]
fn Figures(
    /// In the order of their places.
    rows: Signal<Option<Vec<FigureRow>>>,
) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let keys =
        Memo::new(move |_| rows.with(|rows| rows.iter().flatten().map(|row| row.key.clone()).collect::<Vec<_>>()));
    let figure = move |key: String| {
        let testid = format!("figure-{key}");
        let row = Memo::new(move |_| rows.with(|rows| rows.iter().flatten().find(|row| row.key == key).cloned()));
        let of =
            move |read: fn(&FigureRow) -> String| move || row.with(|row| row.as_ref().map(read).unwrap_or_default());
        view! {
            <div class="desk-figure" title=of(definition)>
                <dt>{of(|row| row.label.clone())}</dt>
                <dd data-testid=testid data-value=of(|row| row.value.clone().unwrap_or_default())>
                    {of(text)}
                    <span class="desk-figure__reason">{of(|row| row.reason.clone().unwrap_or_default())}</span>
                </dd>
            </div>
        }
    };
    let definitions = move || {
        let rows = rows.get_untracked().unwrap_or_default();
        rows.into_iter()
            .map(|row| {
                view! {
                    <dt>{row.label}</dt>
                    <dd>{row.formula}". "{row.convention}</dd>
                }
            })
            .collect_view()
    };
    view! {
        <dl class="desk-figures desk-figures--named">
            <For each=move || keys.get() key=Clone::clone children=figure/>
        </dl>
        <details class="definitions" on:toggle=move |_| is_open.update(|is_open| *is_open = !*is_open)>
            <summary>"How these are computed"</summary>
            {move || is_open.get().then(|| view! { <dl class="definitions__list">{definitions()}</dl> })}
        </details>
    }
}

/// Returns formula and conventions, for a tooltip.
fn definition(row: &FigureRow) -> String {
    format!("{}. {}", row.formula, row.convention)
}

/// Returns a figure in its unit.
fn text(row: &FigureRow) -> String {
    let Some(value) = &row.value else { return UNKNOWN.to_owned() };
    if row.unit == Unit::Money {
        return Notional::parse(value).map_or_else(|_| value.clone(), money::text);
    }
    let Ok(number) = value.parse::<f64>() else { return value.clone() };
    // With the minus sign of other figures.
    let plain = |text: String| text.replace('-', "\u{2212}");
    match row.unit {
        Unit::Share => plain(format!("{:.2}\u{202f}%", number * 100.0)),
        Unit::Ratio | Unit::Money => plain(format!("{number:.2}")),
        Unit::Count => plain(format!("{number:.0}")),
        Unit::Days => plain(format!("{number:.1} days")),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
        Unit::Seconds => format::whole_age((number * 1e3) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(unit: Unit, value: Option<&str>) -> FigureRow {
        FigureRow {
            key: "k".to_owned(),
            place: 0,
            label: "Figure".to_owned(),
            unit,
            value: value.map(str::to_owned),
            reason: None,
            formula: "a ÷ b".to_owned(),
            convention: "Needs 1 day.".to_owned(),
        }
    }

    #[test]
    fn a_figure_is_shown_in_its_unit() {
        for (unit, value, expected) in [
            (Unit::Share, Some("0.01234"), "1.23\u{202f}%"),
            (Unit::Share, Some("-0.5"), "\u{2212}50.00\u{202f}%"),
            (Unit::Ratio, Some("-1.005"), "\u{2212}1.00"),
            (Unit::Money, Some("-1234.5"), "\u{2212}1\u{202f}234.50"),
            (Unit::Count, Some("7"), "7"),
            (Unit::Days, Some("1.25"), "1.2 days"),
            (Unit::Ratio, None, UNKNOWN),
            (Unit::Ratio, Some("inf"), "inf"),
        ] {
            assert_eq!(text(&row(unit, value)), expected);
        }
        assert_eq!(definition(&row(Unit::Ratio, None)), "a ÷ b. Needs 1 day.");
    }
}
