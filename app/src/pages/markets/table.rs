//! The table of pairs. A pair on one venue is one row; a pair on several has the best over all of them, and a row for
//! each venue below it.

use std::sync::Arc;

use leptos::prelude::*;
use model::{instrument::Instrument, status::StreamState, time::Now};
use topics::{channels::consolidated::LeftOut, topic::Topic};

use crate::{
    components::{
        flash_price::{FlashPrice, PriceFigure},
        long_table::{LongTable, RowWindow, row_index, rows_of},
        status_mark::StatusMark,
    },
    format,
    live::{browser, use_live},
    pages::{
        live::symbol_picker::use_choose,
        markets::{
            figures::{BestLine, PairGroup, Sampled, Stand, VenueLine},
            rows::MarketRow,
        },
    },
};

/// All pairs.
#[component]
pub fn MarketTable(
    /// All rows, in order.
    rows: Memo<Vec<MarketRow>>,
    /// The part in view.
    window: RowWindow,
    /// The values of the rows in view.
    value: Signal<Option<Sampled>>,
) -> impl IntoView {
    let row_at = move |place: usize, row: MarketRow| match row {
        MarketRow::Best { group, .. } => view! { <BestRow group value place/> }.into_any(),
        MarketRow::Venue { instrument, pair, .. } => {
            let id = instrument.id.clone();
            let line = move |_: Option<&VenueLine>| {
                value.with(|value| value.as_ref()?.venues.get(&id).cloned()).unwrap_or_default()
            };
            view! { <VenueRow instrument pair line=Memo::new(line) place/> }.into_any()
        }
    };
    // A row is made again only when another one takes its place.
    let row = move |place: usize| {
        let key = Memo::new(move |_| rows.with(|rows| rows.get(place).map(|row| row.key().to_owned())));
        let row = move || {
            // Read, not only tracked: a memo that was never read notices nothing.
            let is_taken = key.with(Option::is_some);
            let row = is_taken.then(|| rows.with_untracked(|rows| rows.get(place).cloned())).flatten();
            row.map(|row| row_at(place, row))
        };
        row.into_any()
    };
    let heading =
        |(label, class): (&'static str, &'static str)| view! { <span role="columnheader" class=class>{label}</span> };
    let headings = HEADINGS.map(heading).into_any();
    let body = rows_of(window, row);
    view! { <LongTable label="Pairs" class="market-table" testid="markets" window headings rows=body/> }
}

/// Headings, with the class that hides a column where there is not room for all.
const HEADINGS: [(&str, &str); 9] = [
    ("Pair", ""),
    ("Bid", ""),
    ("Size", "market__middle"),
    ("Ask", ""),
    ("Size", "market__middle"),
    ("Last", "market__wide"),
    ("Spread", ""),
    ("Age", "market__wide"),
    ("24 h", "market__wide"),
];

#[component]
fn BestRow(
    /// The pair and its venues.
    group: Arc<PairGroup>,
    /// The values of the rows in view.
    value: Signal<Option<Sampled>>,
    /// Its place in the table.
    place: usize,
) -> impl IntoView {
    let name = group.name.clone();
    let best = Memo::new(move |_| value.with(|value| value.as_ref()?.best.get(&name).cloned()).unwrap_or_default());
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
    // The first one if dollars are joined.
    let topic = group.pairs.first().map(|pair| Topic::consolidated(pair).to_string());
    view! {
        <div
            class="long-table__row market market--best"
            role="row"
            aria-rowindex=row_index(place)
            data-testid="pair"
            data-pair=group.name.clone()
            data-topic=topic
            data-stand=move || best.with(|best| best.stand.as_str())
        >
            <span class="market__pair" role="rowheader">
                <span class="market__name">{group.name.clone()}</span>
                <span class="market__stand" data-testid="best-stand" hidden=move || stand_words().is_empty()>{stand_words}</span>
                <span class="market__note" data-testid="best-counted">{text(|best| &best.counted)}</span>
                <span class="market__note" data-testid="best-left-out" title=left_out hidden=move || left_out().is_empty()>
                    "left out: "{left_out}
                </span>
            </span>
            <span class="market__side" role="cell">
                <span class="market__whose" data-testid="best-bid-venue">{text(|best| &best.bid.venue)}</span>
                <FlashPrice testid="best-bid" figure=bid/>
            </span>
            <span class="market__middle" role="cell">{text(|best| &best.bid.size.text)}</span>
            <span class="market__side" role="cell">
                <span class="market__whose" data-testid="best-ask-venue">{text(|best| &best.ask.venue)}</span>
                <FlashPrice testid="best-ask" figure=ask/>
            </span>
            <span class="market__middle" role="cell">{text(|best| &best.ask.size.text)}</span>
            <span class="market__wide" role="cell"></span>
            <span class="market__side market__spread" role="cell">
                <span class="market__gap" data-testid="best-spread" data-value=text(|best| &best.spread.value)>
                    {text(|best| &best.spread.text)}
                </span>
                <span class="market__bps" data-testid="best-bps" data-value=text(|best| &best.spread_bps.value)>
                    {text(|best| &best.spread_bps.text)}
                </span>
            </span>
            <span class="market__wide" role="cell"></span>
            <span class="market__wide" role="cell"></span>
        </div>
    }
}

#[component]
fn VenueRow(
    /// The venue's instrument.
    instrument: Arc<Instrument>,
    /// The pair's name, if this is its only row.
    pair: Option<Arc<str>>,
    /// Its values.
    line: Memo<VenueLine>,
    /// Its place in the table.
    place: usize,
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
    // The mark already shows that all is well, or that it is initialising; a real reason is written out.
    let left_out = Memo::new(move |_| line.with(|line| line.left_out));
    let words = move || match (left_out.get(), state.get()) {
        (Some(reason), StreamState::Live) => reason.as_str(),
        (None, StreamState::Live) => "",
        (_, state) => state.as_str(),
    };
    let price = move |of: fn(&VenueLine) -> &PriceFigure| Memo::new(move |_| line.with(|line| of(line).clone()));
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
    let venue = instrument.id.venue().to_string();
    let is_alone = pair.is_some();
    // The button covers the whole row.
    let button = {
        let label = pair.as_ref().map_or_else(|| venue.clone(), ToString::to_string);
        let class = if is_alone { "market__choose market__name" } else { "market__choose" };
        view! { <button class=class title=format!("Show {id} on the Live page") on:click=move |_| choose(&chosen)>{label}</button> }
    };
    view! {
        <div
            class="long-table__row market"
            class:market--venue=!is_alone
            role="row"
            aria-rowindex=row_index(place)
            data-testid=if is_alone { "pair" } else { "venue-row" }
            data-pair=pair.as_ref().map(ToString::to_string)
            data-symbol=id.to_string()
            data-topic=Topic::quote(&id).to_string()
            data-state=move || state.get().as_str()
            data-left-out=move || left_out.get().map(LeftOut::as_str)
        >
            <span class="market__pair" role="rowheader">
                <StatusMark state/>
                {button}
                {is_alone.then(|| view! { <span class="market__note market__venue">{venue.clone()}</span> })}
                <span class="market__note market__symbol">{instrument.id.symbol().to_owned()}</span>
                {tag}
                <span class="market__state" data-testid="venue-state" title=move || stream.with(|stream| stream.2.clone())>
                    {words}
                </span>
            </span>
            <span class="market__side market__figure" role="cell" data-best=best(|line| line.is_best.0)>
                <FlashPrice testid="venue-bid" figure=bid/>
            </span>
            <span class="market__middle" role="cell">{text(|line| &line.bid_size.text)}</span>
            <span class="market__side market__figure" role="cell" data-best=best(|line| line.is_best.1)>
                <FlashPrice testid="venue-ask" figure=ask/>
            </span>
            <span class="market__middle" role="cell">{text(|line| &line.ask_size.text)}</span>
            <span class="market__wide" role="cell"><FlashPrice testid="venue-last" figure=last/></span>
            <span class="market__side market__spread" role="cell">
                <span class="market__gap">{text(|line| &line.figures.spread.text)}</span>
                <span class="market__bps" data-testid="venue-bps">{text(|line| &line.spread_bps.text)}</span>
            </span>
            <span class="market__wide" role="cell">{move || stream.with(|stream| stream.1.clone())}</span>
            <span class="market__wide" role="cell" data-trend=move || line.with(|line| line.figures.trend.as_str())>
                {text(|line| &line.figures.change.text)}
            </span>
        </div>
    }
}
