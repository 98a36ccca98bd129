//! The meaning of pointers, wheel and keys: pure, so that it is tested without a browser. Positions are CSS pixels from
//! the chart's top left corner.
//!
//! | input | meaning |
//! |---|---|
//! | hover, tap | crosshair |
//! | drag, one finger | pan |
//! | two fingers, wheel | zoom at the fingers, at the cursor |
//! | sideways wheel | pan |
//! | double click, Alt+R | first view |
//! | ← → (Shift: half a screen) | pan |
//! | + − | zoom |
//! | Home, End | oldest, newest bars |
//! | Esc | no crosshair |

/// An action on the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Action {
    /// Move the crosshair here.
    Point(f64, f64),
    /// Remove the crosshair.
    Leave,
    /// Move the candles by this many pixels, and the crosshair to `at`, or remove it.
    Drag { pixels: f64, at: Option<(f64, f64)> },
    /// Move the candles by this many pixels under the crosshair.
    Slide(f64),
    /// Move the candles by `pixels`, then show `factor` times as many around column `x`.
    ZoomAt { factor: f64, x: f64, pixels: f64 },
    /// Show `factor` times as many candles.
    Zoom(f64),
    /// Move the view by a share of its width, towards newer bars if positive.
    Pan(f64),
    /// Show the oldest candles.
    Start,
    /// Show the newest candles.
    End,
    /// Return to the first view.
    Reset,
}

/// The kind of a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pointer {
    /// Can hover.
    Mouse,
    /// Exists only while it presses.
    Finger,
}

/// The pressing pointers, at most two of which count.
#[derive(Debug, Default)]
pub(super) struct Gesture {
    pressed: Vec<Pressed>,
    /// True once the fingers have moved: then lifting one is not a tap.
    has_moved: bool,
}

#[derive(Clone, Copy, Debug)]
struct Pressed {
    id: i32,
    x: f64,
    y: f64,
    from: (f64, f64),
}

impl Gesture {
    /// Handles a pointer that begins to press.
    pub(super) fn down(&mut self, id: i32, x: f64, y: f64) {
        self.pressed.retain(|pressed| pressed.id != id);
        if self.pressed.is_empty() {
            self.has_moved = false;
        }
        if self.pressed.len() < MAX_POINTERS {
            self.pressed.push(Pressed { id, x, y, from: (x, y) });
        }
    }

    /// Handles a pointer that moves.
    pub(super) fn moved(&mut self, id: i32, pointer: Pointer, x: f64, y: f64) -> Option<Action> {
        let Some(idx) = self.pressed.iter().position(|pressed| pressed.id == id) else {
            return (pointer == Pointer::Mouse).then_some(Action::Point(x, y));
        };
        let other = self.pressed.iter().find(|pressed| pressed.id != id).copied();
        let pressed = &mut self.pressed[idx];
        let before = *pressed;
        (pressed.x, pressed.y) = (x, y);
        let way = (x - pressed.from.0).abs().max((y - pressed.from.1).abs());
        if way <= TAP_PX && !self.has_moved && other.is_none() {
            // Not a drag yet; the mouse's crosshair follows nevertheless.
            (pressed.x, pressed.y) = (before.x, before.y);
            return (pointer == Pointer::Mouse).then_some(Action::Point(x, y));
        }
        self.has_moved = true;
        match other {
            None => {
                let at = (pointer == Pointer::Mouse).then_some((x, y));
                Some(Action::Drag { pixels: x - before.x, at })
            }
            Some(other) => {
                let distance = |from: (f64, f64)| (from.0 - other.x).hypot(from.1 - other.y).max(LEAST_SPREAD_PX);
                let factor = distance((before.x, before.y)) / distance((x, y));
                let (middle, middle_before) = ((x + other.x) / 2.0, (before.x + other.x) / 2.0);
                Some(Action::ZoomAt { factor, x: middle, pixels: middle - middle_before })
            }
        }
    }

    /// Handles a lifted pointer: a tap with a finger moves the crosshair there.
    pub(super) fn up(&mut self, id: i32, pointer: Pointer, x: f64, y: f64) -> Option<Action> {
        let n_before = self.pressed.len();
        self.pressed.retain(|pressed| pressed.id != id);
        let is_tap = n_before == 1 && self.pressed.is_empty() && !self.has_moved;
        (is_tap && pointer == Pointer::Finger).then_some(Action::Point(x, y))
    }

    /// Handles a pointer cancelled by the browser (scrolling, a lost window).
    pub(super) fn cancel(&mut self, id: i32) {
        self.pressed.retain(|pressed| pressed.id != id);
    }

    /// Handles a mouse that left the chart; during a drag it still belongs to us.
    pub(super) fn left(&self, pointer: Pointer) -> Option<Action> {
        (self.pressed.is_empty() && pointer == Pointer::Mouse).then_some(Action::Leave)
    }
}

/// The unit of a wheel movement, as numbered by browsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WheelUnit {
    Pixels,
    Lines,
    Pages,
}

impl WheelUnit {
    /// Returns the unit with the number `mode`.
    pub(super) fn from_mode(mode: u32) -> Self {
        match mode {
            1 => Self::Lines,
            2 => Self::Pages,
            _ => Self::Pixels,
        }
    }
}

/// Handles a wheel movement at column `x`: mostly sideways pans, otherwise it zooms (up: closer).
pub(super) fn wheel((dx, dy): (f64, f64), unit: WheelUnit, x: f64) -> Option<Action> {
    let unit_px = match unit {
        WheelUnit::Pixels => 1.0,
        WheelUnit::Lines => 30.0,
        WheelUnit::Pages => 300.0,
    };
    let (dx, dy) = (dx * unit_px, dy * unit_px);
    if !dx.is_finite() || !dy.is_finite() || (dx == 0.0 && dy == 0.0) {
        return None;
    }
    if dx.abs() > dy.abs() {
        return Some(Action::Slide(-dx));
    }
    // One notch of a typical mouse (100 pixels) is a step of 15 %.
    Some(Action::ZoomAt { factor: 1.15_f64.powf((dy / 100.0).clamp(-3.0, 3.0)), x, pixels: 0.0 })
}

/// Handles a key with the modifiers Shift and Alt, as named by the browser; `None` for keys that the chart does not
/// use.
pub(super) fn key(key: &str, shift: bool, alt: bool) -> Option<Action> {
    let step = if shift { 0.5 } else { 0.1 };
    match key {
        "r" | "R" if alt => Some(Action::Reset),
        _ if alt => None,
        "ArrowLeft" => Some(Action::Pan(-step)),
        "ArrowRight" => Some(Action::Pan(step)),
        "+" | "=" => Some(Action::Zoom(1.0 / KEY_ZOOM)),
        "-" | "_" => Some(Action::Zoom(KEY_ZOOM)),
        "Home" => Some(Action::Start),
        "End" => Some(Action::End),
        "Escape" => Some(Action::Leave),
        _ => None,
    }
}

/// The maximum number of pressing pointers with a meaning.
const MAX_POINTERS: usize = 2;

/// A press that moved no further than this is a tap.
const TAP_PX: f64 = 4.0;

/// Two fingers closer than this zoom no further.
const LEAST_SPREAD_PX: f64 = 20.0;

const KEY_ZOOM: f64 = 1.25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mouse_hovers_and_drags() {
        let mut gesture = Gesture::default();
        assert_eq!(gesture.moved(1, Pointer::Mouse, 10.0, 20.0), Some(Action::Point(10.0, 20.0)));
        gesture.down(1, 10.0, 20.0);
        assert_eq!(gesture.moved(1, Pointer::Mouse, 12.0, 20.0), Some(Action::Point(12.0, 20.0)));
        // The first pixels of a drag are not lost.
        assert_eq!(
            gesture.moved(1, Pointer::Mouse, 17.0, 21.0),
            Some(Action::Drag { pixels: 7.0, at: Some((17.0, 21.0)) })
        );
        assert_eq!(
            gesture.moved(1, Pointer::Mouse, 16.0, 21.0),
            Some(Action::Drag { pixels: -1.0, at: Some((16.0, 21.0)) })
        );
        assert_eq!(gesture.left(Pointer::Mouse), None);
        assert_eq!(gesture.up(1, Pointer::Mouse, 16.0, 21.0), None);
        assert_eq!(gesture.left(Pointer::Mouse), Some(Action::Leave));
    }

    #[test]
    fn a_finger_taps_pans_and_pinches() {
        let mut gesture = Gesture::default();
        assert_eq!(gesture.moved(1, Pointer::Finger, 10.0, 20.0), None);
        gesture.down(1, 100.0, 50.0);
        assert_eq!(gesture.up(1, Pointer::Finger, 101.0, 50.0), Some(Action::Point(101.0, 50.0)));

        gesture.down(2, 100.0, 50.0);
        assert_eq!(gesture.moved(2, Pointer::Finger, 90.0, 50.0), Some(Action::Drag { pixels: -10.0, at: None }));
        gesture.down(3, 190.0, 50.0);
        // Fingers 100 apart move to 200 apart: half as many candles, and the middle moves along.
        assert_eq!(
            gesture.moved(3, Pointer::Finger, 290.0, 50.0),
            Some(Action::ZoomAt { factor: 0.5, x: 190.0, pixels: 50.0 })
        );
        // A third finger has no effect.
        gesture.down(4, 0.0, 0.0);
        assert_eq!(gesture.moved(4, Pointer::Finger, 50.0, 0.0), None);
        gesture.cancel(3);
        assert_eq!(gesture.up(2, Pointer::Finger, 90.0, 50.0), None);
        assert_eq!(gesture.pressed.len(), 0);
    }

    #[test]
    fn a_wheel_zooms_and_pans() {
        let factor = |action: Option<Action>| match action {
            Some(Action::ZoomAt { factor, x: 7.0, .. }) => factor,
            other => panic!("{other:?}"),
        };
        assert_eq!(factor(wheel((0.0, 100.0), WheelUnit::Pixels, 7.0)), 1.15);
        assert!((factor(wheel((0.0, -100.0), WheelUnit::Pixels, 7.0)) - 1.0 / 1.15).abs() < 1e-12);
        assert!(factor(wheel((0.0, 1e9), WheelUnit::Pages, 7.0)) < 1.6);
        assert_eq!(wheel((40.0, 3.0), WheelUnit::Pixels, 7.0), Some(Action::Slide(-40.0)));
        assert_eq!(wheel((0.0, 0.0), WheelUnit::Pixels, 7.0), None);
        assert_eq!(wheel((f64::NAN, 1.0), WheelUnit::Lines, 7.0), None);
        assert_eq!(WheelUnit::from_mode(1), WheelUnit::Lines);
    }

    #[test]
    fn keys_move_the_view() {
        for (name, shift, alt, expected) in [
            ("ArrowLeft", false, false, Some(Action::Pan(-0.1))),
            ("ArrowRight", true, false, Some(Action::Pan(0.5))),
            ("+", true, false, Some(Action::Zoom(0.8))),
            ("-", false, false, Some(Action::Zoom(1.25))),
            ("Home", false, false, Some(Action::Start)),
            ("End", false, false, Some(Action::End)),
            ("Escape", false, false, Some(Action::Leave)),
            ("r", false, true, Some(Action::Reset)),
            ("r", false, false, None),
            ("ArrowLeft", false, true, None),
            ("Tab", false, false, None),
        ] {
            assert_eq!(key(name, shift, alt), expected, "{name}");
        }
    }
}
