//! How much of a chart must be drawn again. Requests of one animation frame merge by maximum; one draw answers them all.

/// What has become wrong on screen, least first. Each level includes the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// The crosshair and its labels.
    Cursor,
    /// The forming bar, the last price line and the countdown; all other bars stand.
    Last,
    /// Bars and volume; scales stand.
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

    /// The strongest request so far.
    pub fn level(self) -> Level {
        self.0
    }

    /// Hands over the strongest request and restarts.
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
