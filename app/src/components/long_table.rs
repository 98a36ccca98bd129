//! A long table: rows of equal height in a scrolling element, of which only those in view exist.
//!
//! The space of all rows is kept, so that the browser scrolls as it does anywhere. Screen readers get the table's full
//! length (`aria-rowcount`) and each row's place in it (`aria-rowindex`, set by the row with [`row_index`]). Not here:
//! which rows are in view (`room`).

use std::ops::Range;

use leptos::{html, prelude::*};

use crate::components::room::{BLOCK, Room, rows_in_view, use_room};

/// The part of a long table that is in view.
#[derive(Clone, Copy, Debug)]
pub struct RowWindow {
    element: NodeRef<html::Div>,
    scroll_top: RwSignal<f64>,
    n_rows: Memo<usize>,
    in_view: Memo<Range<usize>>,
}

impl RowWindow {
    /// Returns the positions of the rows in view, with some before and after.
    pub fn in_view(self) -> Memo<Range<usize>> {
        self.in_view
    }

    /// Returns the element that scrolls.
    pub fn element(self) -> NodeRef<html::Div> {
        self.element
    }
}

/// Follows the part in view of a table; `n_rows` returns the number of its rows, for the space it has. [`LongTable`]
/// shows it.
pub fn use_row_window(n_rows: impl Fn(Room) -> usize + Send + Sync + 'static) -> RowWindow {
    let element = NodeRef::<html::Div>::new();
    let room = use_room(element);
    let scroll_top = RwSignal::new(0.0);
    let n_rows = Memo::new(move |_| n_rows(room.get()));
    let in_view = Memo::new(move |_| rows_in_view(room.get(), scroll_top.get(), n_rows.get()));
    RowWindow { element, scroll_top, n_rows, in_view }
}

/// Returns the rows in view; `row` makes the one at a position. They come and go in blocks, which stay where they are: a
/// keyed list would move the elements of rows that remain, and a moved element loses the focus.
pub fn rows_of(window: RowWindow, row: impl Fn(usize) -> AnyView + Copy + Send + Sync + 'static) -> AnyView {
    let RowWindow { n_rows, in_view, .. } = window;
    let block = move |block_idx: usize| {
        let start = block_idx * BLOCK;
        let n_own = move || n_rows.get().saturating_sub(start).min(BLOCK);
        let n_drawn = Memo::new(move |_| if in_view.get().contains(&start) { n_own() } else { 0 });
        view! {
            <div role="presentation" style:height=move || height(n_own())>
                <For each=move || start..start + n_drawn.get() key=|place| *place children=row/>
            </div>
        }
    };
    view! { <For each=move || 0..n_rows.get().div_ceil(BLOCK) key=|block_idx| *block_idx children=block/> }.into_any()
}

/// Returns the height of some rows.
fn height(n_rows: usize) -> Option<String> {
    (n_rows > 0).then(|| format!("calc({n_rows} * var(--row-height))"))
}

/// Returns the `aria-rowindex` of the row at a position: the heading is the first row.
pub fn row_index(position: usize) -> String {
    (position + 2).to_string()
}

/// The table. Its style sheet sets `--columns`, and `--row-height` in whole pixels.
#[component]
pub fn LongTable(
    /// Its name for screen readers.
    label: &'static str,
    /// A class for its columns.
    class: &'static str,
    /// The test id.
    testid: &'static str,
    /// The part in view.
    window: RowWindow,
    /// The headings, each with the role of a column header.
    headings: AnyView,
    /// The rows, each of the class `long-table__row`: those of [`rows_of`].
    rows: AnyView,
    /// True if `rows` has nothing but the rows in view.
    #[prop(optional)]
    is_slice: bool,
    /// True if nothing in the rows takes the focus: the table does then, so that keys scroll it.
    #[prop(optional)]
    is_focusable: bool,
    /// Content below the rows.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let RowWindow { element, scroll_top, n_rows, in_view } = window;
    view! {
        <div
            class=format!("long-table {class}")
            role="table"
            aria-label=label
            aria-rowcount=move || (n_rows.get() + 1).to_string()
            data-testid=testid
            tabindex=is_focusable.then_some("0")
            node_ref=element
            on:scroll=move |_| {
                if let Some(element) = element.get_untracked() {
                    scroll_top.set(f64::from(element.scroll_top()));
                }
            }
        >
            <div class="long-table__row long-table__row--head" role="row" aria-rowindex="1">{headings}</div>
            <div
                class="long-table__rows"
                role="rowgroup"
                style:padding-top=move || height(if is_slice { in_view.get().start } else { 0 })
                style:height=move || height(n_rows.get())
            >
                {rows}
            </div>
            {children.map(|children| children())}
        </div>
    }
}

/// A heading that sorts the rows.
#[component]
pub fn SortHeading(
    /// Its text.
    label: &'static str,
    /// Its class.
    #[prop(optional)]
    class: &'static str,
    /// The value of `aria-sort`; the style sheet shows it.
    #[prop(into)]
    sort: Signal<&'static str>,
    /// Called on a click.
    #[prop(into)]
    click: Callback<()>,
) -> impl IntoView {
    view! {
        <span role="columnheader" class=class aria-sort=move || sort.get()>
            <button class="long-table__sort" on:click=move |_| click.run(())>{label}</button>
        </span>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn only_rows_in_view_exist_and_each_tells_its_place() {
        let html = Owner::new().with(|| {
            let window = use_row_window(|_| 400);
            let rows = rows_of(window, |at| view! { <p aria-rowindex=row_index(at)></p> }.into_any());
            view! { <LongTable label="Books" class="" testid="books" window headings=().into_any() rows/> }.to_html()
        });
        assert!(html.contains("aria-rowcount=\"401\""), "{html}");
        assert_eq!(html.matches("<p ").count(), 8, "{html}");
        assert!(html.contains("<p aria-rowindex=\"2\">"), "{html}");
        assert!(html.contains("height:calc(400 * var(--row-height))"), "{html}");
        assert_eq!(html.matches("height:calc(8 * var(--row-height))").count(), 50, "the space of all: {html}");
    }
}
