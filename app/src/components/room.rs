//! The space of an element, and the rows of a long list that fit into it: lists render only visible rows.
//!
//! Sizes come from the browser's own observer, after its layout: reading them forces no layout. On the server, and
//! before the first report, the space is unknown.

use std::ops::Range;

use leptos::{html, prelude::*};

/// The space of a list, in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Room {
    /// Visible height.
    pub height: f64,
    /// Height of one row, from the element's custom property `--row-height`; 0 if it has none.
    pub row_height: f64,
}

impl Room {
    /// Returns the number of rows that are at least partly visible.
    pub fn n_rows(&self) -> usize {
        if self.row_height <= 0.0 {
            return 0;
        }
        (self.height / self.row_height).ceil().max(0.0) as usize
    }

    /// Returns the number of rows that fit entirely; `None` if the space is unknown.
    pub fn n_whole_rows(&self) -> Option<usize> {
        (self.row_height > 0.0 && self.height > 0.0).then(|| (self.height / self.row_height) as usize)
    }
}

/// Returns the rows in view at a scroll position, of `n_rows` rows, with some before and after. The range moves in
/// whole blocks, so that rows are not replaced at each step; if the space is unknown, it is the first block.
pub fn rows_in_view(room: Room, scroll_top: f64, n_rows: usize) -> Range<usize> {
    let first = if room.row_height > 0.0 { (scroll_top / room.row_height).max(0.0) as usize } else { 0 };
    let start = first.saturating_sub(1) / BLOCK * BLOCK;
    let end = (first + room.n_rows() + 1).div_ceil(BLOCK) * BLOCK;
    start.min(n_rows)..end.min(n_rows).min(start + MAX_ROWS)
}

/// Returns the space of the element, updated whenever it changes.
pub fn use_room(element: NodeRef<html::Div>) -> Signal<Room> {
    let room = RwSignal::new(Room::default());
    #[cfg(feature = "browser")]
    watch::follow(element, room);
    #[cfg(not(feature = "browser"))]
    let _only_in_the_browser = element;
    room.into()
}

#[cfg(feature = "browser")]
mod watch {
    use leptos::{html, prelude::*};
    use wasm_bindgen::{JsCast, closure::Closure};
    use web_sys::{Element, ResizeObserver};

    use super::Room;

    struct Observer {
        observer: ResizeObserver,
        _on_resize: Closure<dyn FnMut()>,
    }

    impl Drop for Observer {
        fn drop(&mut self) {
            self.observer.disconnect();
        }
    }

    pub(super) fn follow(element: NodeRef<html::Div>, room: RwSignal<Room>) {
        let held = StoredValue::new_local(None::<Observer>);
        Effect::new(move |_| {
            let Some(element) = element.get() else { return };
            let element: Element = element.unchecked_into();
            let measured = element.clone();
            let on_resize: Closure<dyn FnMut()> = Closure::new(move || {
                let found = Room { height: f64::from(measured.client_height()), row_height: row_height(&measured) };
                if room.try_with_untracked(|known| *known != found) == Some(true) {
                    room.set(found);
                }
            });
            if let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) {
                observer.observe(&element);
                held.set_value(Some(Observer { observer, _on_resize: on_resize }));
            }
        });
        on_cleanup(move || held.set_value(None));
    }

    fn row_height(element: &Element) -> f64 {
        let style = window().get_computed_style(element).ok().flatten();
        let text = style.and_then(|style| style.get_property_value("--row-height").ok()).unwrap_or_default();
        // Whole pixels: parsing fractions would add a float parser to the page.
        text.trim().trim_end_matches("px").parse::<u16>().map_or(0.0, f64::from)
    }
}

/// Rows that are added and removed together.
pub const BLOCK: usize = 8;

/// Maximum rows at once: more than the tallest screens show. It limits what a list renders and subscribes to.
pub const MAX_ROWS: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_in_view_move_in_blocks_and_are_bounded() {
        #[track_caller]
        fn check(height: f64, scroll_top: f64, n_rows: usize, expected: Range<usize>) {
            let room = Room { height, row_height: 28.0 };
            assert_eq!(rows_in_view(room, scroll_top, n_rows), expected);
        }
        check(140.0, 0.0, 3, 0..3);
        check(140.0, 0.0, 500, 0..8);
        check(140.0, 27.0, 500, 0..8);
        check(140.0, 28.0 * 3.0, 500, 0..16);
        check(140.0, 28.0 * 9.0, 500, 8..16);
        check(140.0, 28.0 * 497.0, 500, 496..500);
        // Overscrolled, or scrolled in a list that has become short.
        check(140.0, -40.0, 500, 0..8);
        check(140.0, 9_000.0, 5, 5..5);
        check(1e9, 0.0, 5_000, 0..MAX_ROWS);
        assert_eq!(rows_in_view(Room::default(), 0.0, 500), 0..8);
    }

    #[test]
    fn only_whole_rows_fit() {
        #[track_caller]
        fn check(height: f64, row_height: f64, expected: Option<usize>) {
            assert_eq!(Room { height, row_height }.n_whole_rows(), expected);
        }
        check(219.0, 22.0, Some(9));
        check(220.0, 22.0, Some(10));
        check(10.0, 22.0, Some(0));
        check(0.0, 22.0, None);
        check(220.0, 0.0, None);
    }
}
