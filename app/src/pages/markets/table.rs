//! One pair: the best over all venues on top, then a row for each venue.

use std::sync::Arc;

use leptos::prelude::*;
use model::{instrument::Instrument, status::StreamState, time::Now};
use topics::{channels::consolidated::LeftOut, topic::Topic};

use crate::{
    components::{flash_price::FlashPrice, status_mark::StatusMark},
    format,
    live::{browser, use_live},
    pages::{
        live::symbol_picker::use_choose,
        markets::figures::{BestLine, PairGroup, Sampled, Stand, VenueLine},
    },
};

/// The table of one pair.
#[component]
pub fn PairTable(
    /// The pair and its venues.
    group: PairGroup,
    /// The values of all pairs.
    value: Signal<Option<Sampled>>,
) -> impl IntoView {
    let name = group.name.clone();
    let best = Memo::new(move |_| value.with(|value| value.as_ref()?.best.get(&name).cloned()).unwrap_or_default());
    let rows = group.instruments.iter().map(|instrument| {
        let id = instrument.id.clone();
        let line = Memo::new(move |_| value.with(|value| value.as_ref()?.venues.get(&id).cloned()).unwrap_or_default());
        view! { <VenueRow instrument=Arc::clone(instrument) line/> }
    });
    let topic = group.pairs.first().map(|pair| Topic::consolidated(pair).to_string());
    view! {
        <section
            class="pair"
            data-testid="pair"
            data-pair=group.name.clone()
            data-stand=move || best.with(|best| best.stand.as_str())
            aria-label=group.name.clone()
        >
            <div class="pair__row pair__row--head" aria-hidden="true">
                <span class="pair__name">{group.name.clone()}</span>
                <span>"Bid"</span>
                <span class="pair__middle">"Size"</span>
                <span>"Ask"</span>
                <span class="pair__middle">"Size"</span>
                <span class="pair__last">"Last"</span>
                <span class="pair__spread">"Spread"</span>
                <span class="pair__wide">"Age"</span>
                <span class="pair__wide">"24 h"</span>
            </div>
            <BestRow best topic/>
            {rows.collect_view()}
        </section>
    }
}

#[component]
fn BestRow(
    /// The best over all venues.
    best: Memo<BestLine>,
    /// Its topic; the first one if dollars are joined.
    topic: Option<String>,
) -> impl IntoView {
    let text = move |of: fn(&BestLine) -> &str| move || best.with(|best| of(best).to_owned());
    let stand_words = move || {
        best.with(|best| match best.stand {
            Stand::Crossed => "crossed",
            Stand::Locked => "locked",
            Stand::Unknown | Stand::Apart | Stand::OneVenue => "",
        })
    };
    let left_out = move || best.with(|best| best.left_out.clone());
    let bid = Memo::new(move |_| best.with(|best| best.bid.price.clone()));
    let ask = Memo::new(move |_| best.with(|best| best.ask.price.clone()));
    view! {
        <div class="pair__row pair__row--best" data-testid="best" data-topic=topic>
            <span class="pair__venue">
                <span class="pair__best">"Best of all"</span>
                <span class="pair__counted" data-testid="best-counted">{text(|best| &best.counted)}</span>
                <span class="pair__left-out" data-testid="best-left-out" hidden=move || left_out().is_empty()>
                    "left out: "{left_out}
                </span>
            </span>
            <span class="pair__side">
                <FlashPrice testid="best-bid" figure=bid/>
                <span class="pair__whose" data-testid="best-bid-venue">{text(|best| &best.bid.venue)}</span>
            </span>
            <span class="pair__middle">{text(|best| &best.bid.size.text)}</span>
            <span class="pair__side">
                <FlashPrice testid="best-ask" figure=ask/>
                <span class="pair__whose" data-testid="best-ask-venue">{text(|best| &best.ask.venue)}</span>
            </span>
            <span class="pair__middle">{text(|best| &best.ask.size.text)}</span>
            <span class="pair__last"></span>
            <span class="pair__side pair__spread">
                <span class="pair__gap" data-testid="best-spread" data-value=text(|best| &best.spread.value)>
                    {text(|best| &best.spread.text)}
                </span>
                <span class="pair__whose">
                    <span class="pair__stand" hidden=move || stand_words().is_empty()>{stand_words}" "</span>
                    <span data-testid="best-bps" data-value=text(|best| &best.spread_bps.value)>
                        {text(|best| &best.spread_bps.text)}
                    </span>
                </span>
            </span>
            <span class="pair__wide"></span>
            <span class="pair__wide"></span>
        </div>
    }
}

#[component]
fn VenueRow(
    /// The venue's instrument.
    instrument: Arc<Instrument>,
    /// Its values.
    line: Memo<VenueLine>,
) -> impl IntoView {
    let live = use_live();
    let choose = use_choose();
    let id = instrument.id.clone();
    let (of_stream, chosen) = (id.clone(), id.clone());
    // State and age advance without any data: they are read at each tick, not with the figures.
    let stream = Memo::new(move |_| {
        if live.tick().get() == Now::default() {
            return Default::default();
        }
        let stream = live.with_model(|model| model.stream(&of_stream, browser::now())).unwrap_or_default();
        (stream.state, stream.age_ms.map(format::whole_age).unwrap_or_default(), stream.cause.unwrap_or_default())
    });
    let state = Signal::derive(move || stream.with(|stream| stream.0));
    // The light already shows initialising; a real reason is written out.
    let left_out = Memo::new(move |_| line.with(|line| line.left_out));
    let words = move || match (left_out.get(), state.get()) {
        (Some(reason), StreamState::Live) => reason.as_str(),
        (_, state) => state.as_str(),
    };
    let price = move |of: fn(&VenueLine) -> &crate::components::flash_price::PriceFigure| {
        Memo::new(move |_| line.with(|line| of(line).clone()))
    };
    let (bid, ask, last) =
        (price(|line| &line.figures.bid), price(|line| &line.figures.ask), price(|line| &line.figures.last));
    let text = move |of: fn(&VenueLine) -> &str| move || line.with(|line| of(line).to_owned());
    let best = move |of: fn(&VenueLine) -> bool| move || line.with(of).then_some("true");
    // Every row of simulated or replayed data is tagged.
    let tag_words = match () {
        () if instrument.is_simulated => Some("simulated"),
        () if instrument.id.venue().is_replay() => Some("replay"),
        () => None,
    };
    let tag = tag_words.map(|words| view! { <span class="tag tag--simulated">{words}</span> });
    view! {
        <div
            class="pair__row"
            data-testid="venue-row"
            data-symbol=id.to_string()
            data-topic=Topic::quote(&id).to_string()
            data-state=move || state.get().as_str()
            data-left-out=move || left_out.get().map(LeftOut::as_str)
        >
            <span class="pair__venue">
                <StatusMark state/>
                // The button covers the whole row.
                <button class="pair__choose" title=format!("Show {id} on the Live page") on:click=move |_| choose(&chosen)>
                    {instrument.id.venue().to_string()}
                </button>
                <span class="pair__symbol">{instrument.id.symbol().to_owned()}</span>
                {tag}
                <span class="pair__state" data-testid="venue-state" title=move || stream.with(|stream| stream.2.clone())>
                    {words}
                </span>
            </span>
            <span class="pair__figure" data-best=best(|line| line.is_best.0)><FlashPrice testid="venue-bid" figure=bid/></span>
            <span class="pair__middle">{text(|line| &line.bid_size.text)}</span>
            <span class="pair__figure" data-best=best(|line| line.is_best.1)><FlashPrice testid="venue-ask" figure=ask/></span>
            <span class="pair__middle">{text(|line| &line.ask_size.text)}</span>
            <span class="pair__last"><FlashPrice testid="venue-last" figure=last/></span>
            <span class="pair__spread"><span class="pair__gap">{text(|line| &line.figures.spread.text)}</span></span>
            <span class="pair__wide">{move || stream.with(|stream| stream.1.clone())}</span>
            <span class="pair__wide" data-trend=move || line.with(|line| line.figures.trend.as_str())>
                {text(|line| &line.figures.change.text)}
            </span>
        </div>
    }
}
