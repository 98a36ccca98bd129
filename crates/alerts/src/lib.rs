//! Alert rules as a state machine: market, signals, desk and time in, notices out.
//!
//! Not here: the rules' own types (`model::alert`), delivery and the disk (`server::alerts`), signals
//! (`strategy::signals`).
