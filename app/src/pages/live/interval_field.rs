//! The field for the chart's interval. A digit typed anywhere on the page opens it: `15`, `60`, `4h` or `1d`, then Enter.

use leptos::{ev, html, prelude::*};
use model::candle::Interval;

use crate::{live::browser, settings::use_settings};

/// The field that a typed digit opens. Enter chooses, Esc or another click closes.
#[component]
pub fn IntervalField() -> impl IntoView {
    let settings = use_settings();
    let text = RwSignal::new(String::new());
    let field = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, move |event| {
            let key = event.key();
            let is_digit = key.len() == 1 && key.as_bytes()[0].is_ascii_digit();
            let is_plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
            if is_digit
                && is_plain
                && !browser::is_typing()
                && let Some(field) = field.get_untracked()
            {
                event.prevent_default();
                field.set_value(&key);
                text.set(key);
                let _refused = field.focus();
            }
        });
        on_cleanup(move || listener.remove());
    });
    let close = move || {
        if let Some(field) = field.get_untracked() {
            let _refused = field.blur();
        }
    };
    let press = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            if let Some(interval) = text.with_untracked(|text| typed_interval(text)) {
                settings.update(|settings| settings.interval = interval);
                close();
            }
        }
        "Escape" => close(),
        _ => {}
    };
    let answer = move || {
        text.with(|text| match typed_interval(text) {
            Some(interval) => interval.to_string(),
            None => Interval::ALL.map(Interval::as_str).join(" "),
        })
    };
    view! {
        <label class="interval-field" data-open=move || text.with(|text| (!text.is_empty()).to_string())>
            "Interval"
            <input
                node_ref=field
                class="field field--tool interval-field__input"
                data-testid="interval-field"
                aria-label="Interval, in minutes or as 4h or 1d"
                aria-invalid=move || text.with(|text| typed_interval(text).is_none()).to_string()
                autocomplete="off"
                maxlength="5"
                tabindex="-1"
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=press
                on:blur=move |_| text.set(String::new())
            />
            <span class="interval-field__answer" role="status">{answer}</span>
        </label>
    }
}

/// Returns the interval that a reader means: a number of minutes, or a number with its unit.
fn typed_interval(text: &str) -> Option<Interval> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let unit_s = match unit {
        "s" | "S" => 1,
        "" | "m" => 60,
        "h" | "H" => 3_600,
        "d" | "D" => 86_400,
        _ => return None,
    };
    Interval::from_seconds(number.parse::<u64>().ok()?.checked_mul(unit_s)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_typed_as_minutes_or_with_a_unit() {
        for (text, expected) in [
            ("1", Some(Interval::M1)),
            ("5", Some(Interval::M5)),
            ("15", Some(Interval::M15)),
            ("30", Some(Interval::M30)),
            ("60", Some(Interval::H1)),
            ("240", Some(Interval::H4)),
            ("1440", Some(Interval::D1)),
            ("1s", Some(Interval::S1)),
            ("1h", Some(Interval::H1)),
            ("4H", Some(Interval::H4)),
            ("1d", Some(Interval::D1)),
            (" 24h ", Some(Interval::D1)),
            ("30m", Some(Interval::M30)),
            // A month in every other program.
            ("1M", None),
            ("7", None),
            ("", None),
            ("h", None),
            ("4hh", None),
            ("99999999999999999999", None),
            ("18446744073709551615d", None),
            ("1é", None),
        ] {
            assert_eq!(typed_interval(text), expected, "{text:?}");
        }
    }
}
