//! The command line: one file per command; `serve` is the default.
//!
//! Standard output carries only results (the ready line, events, configuration); all messages for people go to standard
//! error. Exit codes: 0 success, 1 failed while running, 2 unusable arguments, files or configuration.

pub mod config;
pub mod decode;
pub mod record;
pub mod replay;
pub mod serve;

use std::process::ExitCode;

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
    /// Check or show the configuration.
    Config(config::Arguments),
    /// Convert recorded frames to normalised events, one JSON object a line, and a summary.
    Decode(decode::Arguments),
    /// Record feeds for a limited time.
    Record(record::Arguments),
    /// Serve the page with a recording instead of feeds.
    Replay(replay::Arguments),
    /// Serve the page and the stream (the default).
    Serve(serve::Arguments),
}

/// Why a command ends with a code other than 0.
#[derive(Debug)]
pub enum Failure {
    /// Arguments, files or configuration cannot be used: code 2.
    Unusable(anyhow::Error),
    /// Failed while running: code 1.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// Runs the command in the process's arguments.
pub fn run() -> ExitCode {
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let result = match arguments.command {
        Some(Command::Config(arguments)) => config::run(&arguments),
        Some(Command::Decode(arguments)) => decode::run(&arguments),
        Some(Command::Record(arguments)) => record::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Serve(arguments)) => serve::run(&arguments),
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
        for command in ["bench", "user"] {
            assert!(CommandLine::try_parse_from(["truetape", command]).is_err(), "{command}");
        }
    }
}
