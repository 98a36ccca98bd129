//! The view as its callers see it: events in random order, lanes turning at their own pace, history at the worst moment.

mod common;
mod deltas;
mod memory;
mod seam;
