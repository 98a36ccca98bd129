//! The meaning of pointers, wheel and keys: pure, so that it is tested without a browser. Positions are CSS pixels from
//! the chart's top left corner.
//!
//! | input | meaning |
//! |---|---|
//! | hover, tap | crosshair |
//! | click | picks the price there |
//! | drag, one finger | pan; also up and down while the reader has chosen the range of prices |
//! | drag on an axis | stretch or squeeze prices or times |
//! | two fingers, wheel | zoom at the fingers, at the cursor; on the price axis, stretch or squeeze prices |
//! | sideways wheel | pan |
//! | double click, Alt+R | first view; on an axis, automatic prices or the newest bars |
//! | ← → (Shift: half a screen) | pan |
//! | ↑ ↓ | pan prices (Shift: stretch, squeeze) |
//! | + − | zoom |
//! | Home, End | oldest, newest bars |
//! | Esc | no crosshair |

use std::f64::consts::LN_2;

use chart::chart::Part;

/// An action on the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Action {
    /// Move the crosshair here.
    Point(f64, f64),
    /// Remove the crosshair.
    Leave,
    /// Move the candles by `pixels` and the prices by `rows`, and the crosshair to `at`, or remove it.
    Drag { pixels: f64, rows: f64, at: Option<(f64, f64)> },
    /// Move the candles by this many pixels under the crosshair.
    Slide(f64),
    /// Move the candles by `pixels`, then show `factor` times as many around column `x`.
    ZoomAt { factor: f64, x: f64, pixels: f64 },
    /// Show `factor` times as many candles.
    Zoom(f64),
    /// Move the view by a share of its width, towards newer bars if positive.
    Pan(f64),
    /// Show a range of prices `factor` times as wide.
    ScalePrices(f64),
    /// Move the prices by a share of the height, towards higher ones if positive.
    PanPrices(f64),
    /// Fit the prices to the candles.
    FitPrices,
    /// Show the newest candles at the first zoom.
    ResetTimes,
    /// Show the oldest candles.
    Start,
    /// Show the newest candles.
    End,
    /// Return to the first view.
    Reset,
    /// Pick the price at this row.
    Pick(f64),
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
    part: Part,
    x: f64,
    y: f64,
    from: (f64, f64),
}

impl Gesture {
    /// Handles a pointer that begins to press a part of the chart.
    pub(super) fn down(&mut self, id: i32, part: Part, x: f64, y: f64) {
        self.pressed.retain(|pressed| pressed.id != id);
        if self.pressed.is_empty() {
            self.has_moved = false;
        }
        if self.pressed.len() < MAX_POINTERS {
            self.pressed.push(Pressed { id, part, x, y, from: (x, y) });
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
            None => Some(match before.part {
                Part::Plot => {
                    let at = (pointer == Pointer::Mouse).then_some((x, y));
                    Action::Drag { pixels: x - before.x, rows: y - before.y, at }
                }
                Part::PriceAxis => Action::ScalePrices(((y - before.y) / AXIS_PX * LN_2).exp()),
                Part::TimeAxis => Action::Zoom(((x - before.x) / AXIS_PX * LN_2).exp()),
            }),
            Some(other) => {
                let distance = |from: (f64, f64)| (from.0 - other.x).hypot(from.1 - other.y).max(LEAST_SPREAD_PX);
                let factor = distance((before.x, before.y)) / distance((x, y));
                let (middle, middle_before) = ((x + other.x) / 2.0, (before.x + other.x) / 2.0);
                Some(Action::ZoomAt { factor, x: middle, pixels: middle - middle_before })
            }
        }
    }

    /// Handles a lifted pointer: a tap with a finger moves the crosshair there, a click picks a price.
    pub(super) fn up(&mut self, id: i32, pointer: Pointer, x: f64, y: f64) -> Option<Action> {
        let lifted = self.pressed.iter().position(|pressed| pressed.id == id).map(|idx| self.pressed.remove(idx))?;
        if self.has_moved || !self.pressed.is_empty() {
            return None;
        }
        match pointer {
            Pointer::Finger => Some(Action::Point(x, y)),
            Pointer::Mouse => (lifted.part == Part::Plot).then_some(Action::Pick(y)),
        }
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

/// Handles a wheel movement over a part at column `x`: mostly sideways pans, otherwise it zooms (up: closer).
pub(super) fn wheel((dx, dy): (f64, f64), unit: WheelUnit, part: Part, x: f64) -> Option<Action> {
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
    let factor = ((dy / NOTCH_PX).clamp(-3.0, 3.0) * LN_NOTCH).exp();
    Some(if part == Part::PriceAxis { Action::ScalePrices(factor) } else { Action::ZoomAt { factor, x, pixels: 0.0 } })
}

/// Handles a double click on a part.
pub(super) fn double_click(part: Part) -> Action {
    match part {
        Part::Plot => Action::Reset,
        Part::PriceAxis => Action::FitPrices,
        Part::TimeAxis => Action::ResetTimes,
    }
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
        "ArrowUp" if shift => Some(Action::ScalePrices(1.0 / KEY_ZOOM)),
        "ArrowDown" if shift => Some(Action::ScalePrices(KEY_ZOOM)),
        "ArrowUp" => Some(Action::PanPrices(step)),
        "ArrowDown" => Some(Action::PanPrices(-step)),
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

/// A drag this long on an axis doubles or halves what it shows.
const AXIS_PX: f64 = 100.0;

/// One notch of a typical mouse.
const NOTCH_PX: f64 = 100.0;

/// A notch is a step of 15 %; this is the logarithm of 1.15. (Powers are written with `exp` throughout the chart: `exp2`
/// would add a table of 4 kB to the page, and `powf` 2 kB of code.)
const LN_NOTCH: f64 = 0.139_761_942_375_158_7;

const KEY_ZOOM: f64 = 1.25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mouse_hovers_and_drags() {
        let mut gesture = Gesture::default();
        assert_eq!(gesture.moved(1, Pointer::Mouse, 10.0, 20.0), Some(Action::Point(10.0, 20.0)));
        gesture.down(1, Part::Plot, 10.0, 20.0);
        assert_eq!(gesture.moved(1, Pointer::Mouse, 12.0, 20.0), Some(Action::Point(12.0, 20.0)));
        // The first pixels of a drag are not lost.
        assert_eq!(
            gesture.moved(1, Pointer::Mouse, 17.0, 21.0),
            Some(Action::Drag { pixels: 7.0, rows: 1.0, at: Some((17.0, 21.0)) })
        );
        assert_eq!(
            gesture.moved(1, Pointer::Mouse, 16.0, 21.0),
            Some(Action::Drag { pixels: -1.0, rows: 0.0, at: Some((16.0, 21.0)) })
        );
        assert_eq!(gesture.left(Pointer::Mouse), None);
        assert_eq!(gesture.up(1, Pointer::Mouse, 16.0, 21.0), None);
        assert_eq!(gesture.left(Pointer::Mouse), Some(Action::Leave));
        for (part, expected) in [(Part::Plot, Some(Action::Pick(21.0))), (Part::PriceAxis, None)] {
            gesture.down(1, part, 16.0, 20.0);
            assert_eq!(gesture.up(1, Pointer::Mouse, 17.0, 21.0), expected);
        }
    }

    #[test]
    fn a_finger_taps_pans_and_pinches() {
        let mut gesture = Gesture::default();
        assert_eq!(gesture.moved(1, Pointer::Finger, 10.0, 20.0), None);
        gesture.down(1, Part::Plot, 100.0, 50.0);
        assert_eq!(gesture.up(1, Pointer::Finger, 101.0, 50.0), Some(Action::Point(101.0, 50.0)));

        gesture.down(2, Part::Plot, 100.0, 50.0);
        assert_eq!(
            gesture.moved(2, Pointer::Finger, 90.0, 50.0),
            Some(Action::Drag { pixels: -10.0, rows: 0.0, at: None })
        );
        gesture.down(3, Part::Plot, 190.0, 50.0);
        // Fingers 100 apart move to 200 apart: half as many candles, and the middle moves along.
        assert_eq!(
            gesture.moved(3, Pointer::Finger, 290.0, 50.0),
            Some(Action::ZoomAt { factor: 0.5, x: 190.0, pixels: 50.0 })
        );
        // A third finger has no effect.
        gesture.down(4, Part::Plot, 0.0, 0.0);
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
        assert_eq!(factor(wheel((0.0, 100.0), WheelUnit::Pixels, Part::Plot, 7.0)), 1.15);
        assert!((factor(wheel((0.0, -100.0), WheelUnit::Pixels, Part::Plot, 7.0)) - 1.0 / 1.15).abs() < 1e-12);
        assert!(factor(wheel((0.0, 1e9), WheelUnit::Pages, Part::Plot, 7.0)) < 1.6);
        assert_eq!(wheel((40.0, 3.0), WheelUnit::Pixels, Part::Plot, 7.0), Some(Action::Slide(-40.0)));
        assert_eq!(wheel((0.0, 0.0), WheelUnit::Pixels, Part::Plot, 7.0), None);
        assert_eq!(wheel((f64::NAN, 1.0), WheelUnit::Lines, Part::Plot, 7.0), None);
        assert_eq!(WheelUnit::from_mode(1), WheelUnit::Lines);
    }

    #[test]
    fn an_axis_is_stretched_squeezed_and_reset() {
        for pointer in [Pointer::Mouse, Pointer::Finger] {
            let mut gesture = Gesture::default();
            gesture.down(1, Part::PriceAxis, 500.0, 100.0);
            // Down squeezes, and sideways has no meaning.
            assert_eq!(gesture.moved(1, pointer, 480.0, 200.0), Some(Action::ScalePrices(2.0)));
            assert_eq!(gesture.moved(1, pointer, 480.0, 100.0), Some(Action::ScalePrices(0.5)));
            // Outside of the axis the drag goes on.
            assert_eq!(gesture.moved(1, pointer, 10.0, 200.0), Some(Action::ScalePrices(2.0)));
            gesture.up(1, pointer, 10.0, 200.0);
            gesture.down(1, Part::TimeAxis, 300.0, 490.0);
            // To the left stretches.
            assert_eq!(gesture.moved(1, pointer, 200.0, 400.0), Some(Action::Zoom(0.5)));
            gesture.up(1, pointer, 200.0, 400.0);
        }
        let notch = |part| wheel((0.0, 100.0), WheelUnit::Pixels, part, 7.0);
        assert_eq!(notch(Part::PriceAxis), Some(Action::ScalePrices(1.15)));
        assert_eq!(notch(Part::TimeAxis), notch(Part::Plot));
        assert_eq!(
            [Part::Plot, Part::PriceAxis, Part::TimeAxis].map(double_click),
            [Action::Reset, Action::FitPrices, Action::ResetTimes]
        );
    }

    #[test]
    fn keys_move_the_view() {
        for (name, shift, alt, expected) in [
            ("ArrowLeft", false, false, Some(Action::Pan(-0.1))),
            ("ArrowRight", true, false, Some(Action::Pan(0.5))),
            ("+", true, false, Some(Action::Zoom(0.8))),
            ("-", false, false, Some(Action::Zoom(1.25))),
            ("ArrowUp", false, false, Some(Action::PanPrices(0.1))),
            ("ArrowDown", false, false, Some(Action::PanPrices(-0.1))),
            ("ArrowUp", true, false, Some(Action::ScalePrices(0.8))),
            ("ArrowDown", true, false, Some(Action::ScalePrices(1.25))),
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
