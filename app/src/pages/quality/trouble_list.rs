//! The troubles since the page was opened: whose, what, since and until when. The list is bounded
//! (`quality::troubles`).

use leptos::prelude::*;

use crate::{format, quality::troubles::Trouble, shell::alert_line::use_troubles};

/// The list, newest first.
#[component]
pub fn TroubleList() -> impl IntoView {
    let troubles = use_troubles();
    let all = Memo::new(move |_| troubles.with(|troubles| troubles.all().cloned().collect::<Vec<_>>()));
    view! {
        <section class="panel trouble-list" aria-label="Problems since this page was opened">
            <div class="panel__head">
                <h2 class="panel__title">"Problems since this page was opened"</h2>
            </div>
            <p class="trouble-list__note" hidden=move || !all.with(Vec::is_empty)>"None so far."</p>
            <ol class="trouble-list__lines" data-testid="trouble-list">
                {move || all.get().iter().map(line).collect_view()}
            </ol>
        </section>
    }
}

fn line(trouble: &Trouble) -> impl IntoView + use<> {
    let since = format::time_of_day(trouble.since);
    let until = trouble.until.map_or_else(|| "now".to_owned(), format::time_of_day);
    view! {
        <li class="trouble-list__line" data-testid="trouble" data-lasting=trouble.until.is_none().to_string()>
            <span class="trouble-list__time">{format!("{since} – {until}")}</span>
            <strong>{trouble.who.clone()}</strong>
            <span>{trouble.what.clone()}</span>
        </li>
    }
}
