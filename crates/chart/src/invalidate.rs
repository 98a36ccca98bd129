//! Invalidation: the part of a chart that must be redrawn. Requests within one animation frame merge by maximum; one
//! draw answers them all.

/// The part of the screen that is out of date, smallest first. Each level includes the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// The crosshair and its labels.
    Cursor,
    /// The forming bar, the last price line and the countdown; all other bars are unchanged.
    Last,
    /// Bars and volume; the scales are unchanged.
    Light,
    /// Everything: scales, axes, size or colours changed.
    Full,
}

/// Collects levels until the next frame takes them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mask(Level);

impl Mask {
    /// Adds a request.
    pub fn add(&mut self, level: Level) {
        self.0 = self.0.max(level);
    }

    /// Returns the strongest request so far.
    pub fn level(self) -> Level {
        self.0
    }

    /// Returns the strongest request and resets.
    pub fn take(&mut self) -> Level {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_merge_by_maximum_and_are_taken_once() {
        let mut mask = Mask::default();
        for level in [Level::Cursor, Level::Full, Level::Light, Level::Last, Level::None] {
            mask.add(level);
        }
        assert_eq!(mask.level(), Level::Full);
        assert_eq!(mask.take(), Level::Full);
        assert_eq!(mask.take(), Level::None);
    }
}
