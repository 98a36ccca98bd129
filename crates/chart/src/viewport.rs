//! The visible slots of time: zoom, pan, and following the newest bar.
//!
//! Positions are in slots (see `scale`); not here: pixels and prices. A viewport is never empty: it always spans at
//! least [`MIN_SLOTS`] slots and never leaves the bars entirely.

/// The fewest last bars in view before the user zooms.
pub const LEAST_DEFAULT_BARS: usize = 120;

/// The most last bars in view before the user zooms; a wider chart has wider bars.
pub const MOST_DEFAULT_BARS: usize = 150;

/// The closest zoom, in slots.
pub const MIN_SLOTS: f64 = 10.0;

/// The slots that bars occupy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Slot of the oldest bar.
    pub first: i64,
    /// Slot of the newest bar, not before `first`.
    pub last: i64,
    /// Slot of the oldest bar of the first view.
    pub default_first: i64,
}

#[expect(clippy::cast_precision_loss, reason = "slot numbers are below 2^53")]
impl Extent {
    fn start(self) -> f64 {
        self.first as f64
    }

    fn end(self) -> f64 {
        self.last as f64 + 1.0
    }
}

/// A window over the slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    right: f64,
    slots: f64,
    /// Slot of the newest bar at the last update, while its end is in view.
    followed: Option<i64>,
}

impl Viewport {
    /// Shows the bars from `extent.default_first` on with a small margin at the right. If trades are so rare that these
    /// spread over more than [`MAX_DEFAULT_SLOTS`] slots, shows the last that many slots.
    #[expect(clippy::cast_precision_loss, reason = "slot numbers are below 2^53")]
    pub fn new(extent: Extent) -> Self {
        let held = (extent.end() - extent.default_first as f64).clamp(LEAST_DEFAULT_SLOTS, MAX_DEFAULT_SLOTS);
        let room = (held * RIGHT_ROOM).max(1.0);
        Self { right: extent.end() + room, slots: held + room, followed: Some(extent.last) }
    }

    /// Returns the position of the left edge.
    pub fn left(&self) -> f64 {
        self.right - self.slots
    }

    /// Returns the position of the right edge.
    pub fn right(&self) -> f64 {
        self.right
    }

    /// Returns the number of slots in view.
    pub fn slots(&self) -> f64 {
        self.slots
    }

    /// Returns true while the end of the newest bar is in view, so that new bars move the viewport along.
    pub fn is_following(&self) -> bool {
        self.followed.is_some()
    }

    /// Follows new bars if the newest was in view. Returns true if it moved.
    #[expect(clippy::cast_precision_loss, reason = "slot numbers are below 2^53")]
    pub fn follow(&mut self, extent: Extent) -> bool {
        let before = *self;
        if let Some(followed) = self.followed {
            self.right += extent.last.saturating_sub(followed) as f64;
        }
        self.settle(extent);
        (self.right, self.slots) != (before.right, before.slots)
    }

    /// Moves by `slots`, to the right if positive.
    pub fn pan(&mut self, slots: f64, extent: Extent) {
        if slots.is_finite() {
            self.right += slots;
        }
        self.settle(extent);
    }

    /// Shows `factor` times as many slots; the position at `share` of the width (0 left, 1 right) stays where it is.
    pub fn zoom(&mut self, factor: f64, share: f64, extent: Extent) {
        if !factor.is_finite() || factor <= 0.0 || !share.is_finite() {
            return;
        }
        let fixed = self.left() + share * self.slots;
        self.slots = (self.slots * factor).clamp(MIN_SLOTS, most_slots(extent));
        self.right = fixed + (1.0 - share) * self.slots;
        self.settle(extent);
    }

    /// Shows the oldest bars at the same zoom.
    pub fn to_start(&mut self, extent: Extent) {
        self.right = extent.start() + self.slots;
        self.settle(extent);
    }

    /// Shows the newest bars at the same zoom.
    pub fn to_end(&mut self, extent: Extent) {
        self.right = extent.end() + (self.slots * RIGHT_ROOM).max(1.0);
        self.settle(extent);
    }

    /// Keeps at least a bar's width in view and notes whether the newest bar is followed.
    fn settle(&mut self, extent: Extent) {
        self.slots = self.slots.clamp(MIN_SLOTS, most_slots(extent));
        self.right = self.right.clamp(extent.start() + 1.0, extent.end() - 1.0 + self.slots);
        self.followed = (self.right >= extent.end()).then_some(extent.last);
    }
}

/// Returns the widest zoom: twice the extent of all bars.
fn most_slots(extent: Extent) -> f64 {
    ((extent.end() - extent.start()) * 2.0).max(LEAST_MOST_SLOTS)
}

/// A few bars are not enlarged to the whole width.
const LEAST_DEFAULT_SLOTS: f64 = 60.0;

/// Most slots of the first view: bars further apart would have no bodies.
pub const MAX_DEFAULT_SLOTS: f64 = 300.0;

/// The widest zoom if there are few bars.
const LEAST_MOST_SLOTS: f64 = 4_000.0;

/// Share of the width left empty right of the newest bar.
const RIGHT_ROOM: f64 = 0.02;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extent(first: i64, n_bars: i64) -> Extent {
        let last = first + n_bars - 1;
        Extent { first, last, default_first: first.max(last - 149) }
    }

    #[test]
    fn starts_with_the_last_bars() {
        let viewport = Viewport::new(extent(0, 900));
        assert_eq!((viewport.left(), viewport.right()), (750.0, 903.0));
        assert!(viewport.is_following());
        // One bar is at the right, not over the whole width.
        let viewport = Viewport::new(extent(7, 1));
        assert_eq!((viewport.right(), viewport.slots()), (9.2, 61.2));
        let rare = Extent { first: 0, last: 1_000_000, default_first: 0 };
        assert_eq!(Viewport::new(rare).slots(), 306.0);
    }

    #[test]
    fn follows_the_newest_bar_until_it_is_panned_away() {
        let mut viewport = Viewport::new(extent(0, 600));
        assert!(viewport.follow(extent(0, 603)));
        assert_eq!(viewport.right(), 606.0);
        assert!(!viewport.follow(extent(0, 603)));

        viewport.pan(-50.0, extent(0, 603));
        assert!(!viewport.is_following());
        assert!(!viewport.follow(extent(0, 610)));
        assert_eq!(viewport.right(), 556.0);

        viewport.to_end(extent(0, 610));
        assert!(viewport.is_following());
        viewport.to_start(extent(0, 610));
        assert_eq!(viewport.left(), 0.0);
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut viewport = Viewport::new(extent(0, 600));
        let before = viewport;
        viewport.zoom(f64::NAN, 0.5, extent(0, 600));
        viewport.zoom(0.0, 0.5, extent(0, 600));
        viewport.zoom(2.0, f64::INFINITY, extent(0, 600));
        viewport.pan(f64::NAN, extent(0, 600));
        assert_eq!(viewport, before);
    }

    #[derive(Clone, Debug)]
    enum Action {
        Zoom(f64, f64),
        Pan(f64),
        Grow(i64),
        Start,
        End,
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            (0.01..100.0_f64, 0.0..=1.0_f64).prop_map(|(factor, share)| Action::Zoom(factor, share)),
            (-1e6..1e6_f64).prop_map(Action::Pan),
            (0_i64..50).prop_map(Action::Grow),
            Just(Action::Start),
            Just(Action::End),
        ]
    }

    proptest! {
        #[test]
        fn is_never_empty(first in 0_i64..2_000_000_000, n_bars in 1_i64..1_000, actions in prop::collection::vec(action(), 0..40)) {
            let mut bars = extent(first, n_bars);
            let mut viewport = Viewport::new(bars);
            for action in actions {
                match action {
                    Action::Zoom(factor, share) => viewport.zoom(factor, share, bars),
                    Action::Pan(slots) => viewport.pan(slots, bars),
                    Action::Grow(n_bars) => {
                        bars = extent(first, bars.last - first + 1 + n_bars);
                        viewport.follow(bars);
                    }
                    Action::Start => viewport.to_start(bars),
                    Action::End => viewport.to_end(bars),
                }
                prop_assert!(viewport.slots() >= MIN_SLOTS && viewport.slots().is_finite());
                // At least one whole slot of the bars' extent is in view.
                prop_assert!(viewport.right() >= bars.start() + 1.0 && viewport.left() <= bars.end() - 1.0 + 1e-6, "{:?}", viewport);
                prop_assert_eq!(viewport.is_following(), viewport.right() >= bars.end());
            }
        }

        #[test]
        fn zoom_keeps_the_bar_under_the_cursor(
            n_bars in 50_i64..1_000, pan in -400.0..0.0_f64, factor in 0.1..10.0_f64, share in 0.0..1.0_f64,
        ) {
            let bars = extent(1_000_000, n_bars);
            let mut viewport = Viewport::new(bars);
            viewport.pan(pan, bars);
            let under = viewport.left() + share * viewport.slots();
            // Over a bar: elsewhere the edge of the bars may win.
            prop_assume!((bars.start() + 1.0..bars.end() - 1.0).contains(&under));
            viewport.zoom(factor, share, bars);
            prop_assert!((viewport.left() + share * viewport.slots() - under).abs() < 1e-6);
        }
    }
}
