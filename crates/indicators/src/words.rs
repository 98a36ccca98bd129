//! The state of a running indicator as a list of 64-bit words: one function of a state both saves and loads it, so the
//! two cannot disagree, and each number keeps its bits.
//!
//! Not here: the text form of a checkpoint ([`crate::indicator`]).

/// Writes a state out, or reads one in.
#[derive(Debug)]
pub(crate) enum Words<'a> {
    /// Collects words.
    Save(&'a mut Vec<u64>),
    /// Hands words out.
    Load(Reader<'a>),
}

/// The words still to be read.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u64],
    is_sound: bool,
}

impl<'a> Words<'a> {
    /// Starts to read.
    pub(crate) fn load(words: &'a [u64]) -> Self {
        Self::Load(Reader { rest: words, is_sound: true })
    }

    /// Returns true if everything read was sound and nothing is left over.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Save(_) => true,
            Self::Load(reader) => reader.is_sound && reader.rest.is_empty(),
        }
    }

    fn word(&mut self, word: u64) -> u64 {
        match self {
            Self::Save(words) => {
                words.push(word);
                word
            }
            Self::Load(reader) => match reader.rest {
                [first, rest @ ..] => {
                    reader.rest = rest;
                    *first
                }
                [] => {
                    reader.is_sound = false;
                    word
                }
            },
        }
    }

    /// A number that is always finite, or always may be absent as NaN.
    pub(crate) fn float(&mut self, value: &mut f64) {
        *value = f64::from_bits(self.word(value.to_bits()));
    }

    /// Numbers; their count is the state's own.
    pub(crate) fn floats(&mut self, values: &mut [f64]) {
        for value in values {
            self.float(value);
        }
    }

    /// A count or position of at most `max`; a larger one makes what is read unsound and counts as `max`.
    pub(crate) fn count(&mut self, value: &mut usize, max: usize) {
        let word = self.word(*value as u64);
        let read = usize::try_from(word).unwrap_or(usize::MAX);
        if let Self::Load(reader) = self {
            reader.is_sound &= read <= max;
        }
        *value = read.min(max);
    }

    /// A time in milliseconds.
    pub(crate) fn time(&mut self, value: &mut i64) {
        *value = self.word(value.cast_unsigned()).cast_signed();
    }

    /// A truth.
    pub(crate) fn truth(&mut self, value: &mut bool) {
        let mut count = usize::from(*value);
        self.count(&mut count, 1);
        *value = count == 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(words: &mut Words<'_>, state: &mut (f64, usize, i64, bool)) {
        words.float(&mut state.0);
        words.count(&mut state.1, 10);
        words.time(&mut state.2);
        words.truth(&mut state.3);
    }

    #[test]
    fn a_state_comes_back() {
        let mut saved = Vec::new();
        let mut state = (-0.1, 7, -5, true);
        visit(&mut Words::Save(&mut saved), &mut state);
        let mut loaded = (0.0, 0, 0, false);
        let mut words = Words::load(&saved);
        visit(&mut words, &mut loaded);
        assert!(words.is_complete());
        assert_eq!(loaded, state);
    }

    #[test]
    fn unsound_words_are_recognised() {
        #[track_caller]
        fn check(words: &[u64]) {
            let mut words = Words::load(words);
            visit(&mut words, &mut (0.0, 0, 0, false));
            assert!(!words.is_complete());
        }
        check(&[]);
        check(&[0, 11, 0, 0]);
        check(&[0, u64::MAX, 0, 0]);
        check(&[0, 1, 0, 2]);
        check(&[0, 1, 0, 0, 0]);
    }
}
