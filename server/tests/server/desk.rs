//! The trading desk as its users see it: REST, the stream, restarts, kills and a full disk.
//!
//! # Layout
//! - [`rest`]: a client · [`orders`], [`lists`], [`risk`], [`strategies`]: resources · [`restart`]: stopped and started
//! - [`process`]: the binary as a process · [`kill_nine`]: killed under load · [`duplicates`]: the same name at once
//! - [`fsync_first`]: no answer before its sync · [`full_disk`]: a disk that refuses · [`writers`]: fifty at once
//! - [`drain`]: stopped under load · [`damaged`]: files that were changed · [`tampered`]: lists that differ · [`backups`]: copies during load
//! - [`command_line`]: its commands · [`backtests`]: strategies over recordings · [`replays`]: the account of a replay
//! - [`figures`]: every figure, computed again in Python · [`kept_candles`]: closed candles over a restart

mod backtests;
mod backups;
mod command_line;
mod damaged;
mod drain;
mod duplicates;
mod figures;
mod fsync_first;
mod full_disk;
mod kept_candles;
mod kill_nine;
mod lists;
mod orders;
pub(super) mod process;
mod replays;
pub(super) mod rest;
mod restart;
mod risk;
mod strategies;
mod tampered;
mod writers;
