//! Bounded hand-over between producers and fragments.
