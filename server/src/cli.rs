//! The command line: one file per command; `serve` is the default.
//!
//! Standard output carries only results (the ready line, events, configuration); all messages for people go to standard
//! error. Exit codes: 0 success, 1 failed while running, 2 unusable arguments, files or configuration, 78 the desk's
//! database is damaged or was written by a newer program.

pub mod api;
pub mod backtest;
pub mod backup;
pub mod config;
pub mod data;
pub mod decode;
pub mod desk;
pub mod doctor;
pub mod health;
pub mod indicators;
mod own_server;
pub mod record;
pub mod replay;
pub mod restore;
pub mod serve;
pub mod service;
pub mod store;
pub mod user;

use std::process::ExitCode;

use ::desk::error::DeskError;
use ::store::error::{StoreError, Trouble};
use clap::{Parser, Subcommand, error::ErrorKind};

/// Live prices, verified order books and charts in one server.
#[derive(Debug, Parser)]
#[command(name = "truetape", version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the description of REST (OpenAPI) or of the stream (AsyncAPI).
    Api(api::Arguments),
    /// Run a strategy over recordings.
    Backtest(backtest::Arguments),
    /// Copy the desk's database, also while a server is running.
    Backup(backup::Arguments),
    /// Check or show the configuration.
    Config(config::Arguments),
    /// Convert recorded frames to normalised events, one JSON object a line, and a summary.
    Decode(decode::Arguments),
    /// Set or lift the kill switch of a running server.
    Desk(desk::Arguments),
    /// Check everything that the server needs, and say what to do about what is missing.
    Doctor(doctor::Arguments),
    /// Ask a running server whether it accepts work.
    Health(health::Arguments),
    /// Add columns of indicators to a table of bars (CSV).
    Indicators(indicators::Arguments),
    /// Record feeds for a limited time.
    Record(record::Arguments),
    /// Serve the page with a recording instead of feeds.
    Replay(replay::Arguments),
    /// Put a backup in the place of the desk's database.
    Restore(restore::Arguments),
    /// Serve the page and the stream (the default).
    Serve(serve::Arguments),
    /// Run the server as a service of systemd.
    Service(service::Arguments),
    /// Check the desk's database.
    Store(store::Arguments),
    /// Add, change and list users and tokens, also while a server is running.
    User(user::Arguments),
}

/// Why a command ends with a code other than 0.
#[derive(Debug)]
pub enum Failure {
    /// Arguments, files or configuration cannot be used: code 2.
    Unusable(anyhow::Error),
    /// Failed while running: code 1.
    Failed(anyhow::Error),
    /// The desk's database must not be used: code 78, as `EX_CONFIG`. A supervisor should not try again.
    Database(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let is_unusable = error.downcast_ref::<StoreError>().is_some_and(|error| {
            let is_of_another_form = matches!(error, StoreError::Newer { .. } | StoreError::Altered { .. });
            is_of_another_form || error.trouble() == Trouble::Damaged
        });
        // A journal that contradicts itself was changed by something else.
        if is_unusable || error.is::<DeskError>() { Self::Database(error) } else { Self::Failed(error) }
    }
}

/// Runs the command in the process's arguments.
pub fn run() -> ExitCode {
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let result = match arguments.command {
        Some(Command::Api(arguments)) => api::run(&arguments),
        Some(Command::Backtest(arguments)) => backtest::run(&arguments),
        Some(Command::Backup(arguments)) => backup::run(&arguments),
        Some(Command::Config(arguments)) => config::run(&arguments),
        Some(Command::Decode(arguments)) => decode::run(&arguments),
        Some(Command::Desk(arguments)) => desk::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
        Some(Command::Health(arguments)) => health::run(&arguments),
        Some(Command::Indicators(arguments)) => indicators::run(&arguments),
        Some(Command::Record(arguments)) => record::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Restore(arguments)) => restore::run(&arguments),
        Some(Command::Serve(arguments)) => serve::run(&arguments),
        Some(Command::Service(arguments)) => service::run(&arguments),
        Some(Command::Store(arguments)) => store::run(&arguments),
        Some(Command::User(arguments)) => user::run(&arguments),
        None => serve::run(&arguments.serve),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Unusable(error)) => {
            eprintln!("truetape: {error:#}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            eprintln!("truetape: {error:#}");
            ExitCode::FAILURE
        }
        Err(Failure::Database(error)) => {
            eprintln!("truetape: {error:#}");
            ExitCode::from(UNUSABLE_DATABASE)
        }
    }
}

/// Prints help or why the arguments cannot be used.
fn refuse(error: &clap::Error) -> ExitCode {
    // Standard output may be closed; there is nobody left to tell.
    let _unheard = error.print();
    // The only conflict is that of flags before a command: without a command they are those of `serve`.
    if error.kind() == ErrorKind::ArgumentConflict {
        eprintln!("\n  tip: write flags after the command, as in `truetape config check --config FILE`");
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// `EX_CONFIG` of sysexits.h.
const UNUSABLE_DATABASE: u8 = 78;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default() {
        #[track_caller]
        fn check(arguments: &[&str], expected: &[&str]) {
            let parsed =
                CommandLine::try_parse_from(std::iter::once("truetape").chain(arguments.iter().copied())).unwrap();
            let serve = match parsed.command {
                Some(Command::Serve(serve)) => serve,
                None => parsed.serve,
                Some(other) => panic!("{other:?}"),
            };
            let flags: Vec<String> =
                serve.sources().flags.into_iter().map(|(_, path, text)| format!("{path}={text}")).collect();
            assert_eq!(flags, expected);
        }
        check(&[], &[]);
        check(&["--listen", "127.0.0.1:0"], &["server.listen=127.0.0.1:0"]);
        check(
            &["serve", "--venue", "a=X,Y", "--data-dir", "d", "--venue", "b=Z"],
            &["server.data_dir=d", "feeds=a=X,Y", "feeds=b=Z"],
        );
    }

    #[test]
    fn commands_that_do_not_exist_are_refused() {
        for command in ["bench", "users"] {
            assert!(CommandLine::try_parse_from(["truetape", command]).is_err(), "{command}");
        }
    }
}
