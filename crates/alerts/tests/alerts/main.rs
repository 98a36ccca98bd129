//! The alert engine through its public interface.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod commands;
mod conditions;
mod delivery;
mod document;
mod frequency;
mod history;
mod levels;
mod restart;
mod support;
mod trust;
