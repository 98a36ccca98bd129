//! The command line's help, and its errors for unusable arguments.

use std::process::{Command, Output};

use server::http::documents;

use crate::snapshots;

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truetape"));
    // Neither the configuration of whoever runs the tests, nor a colour.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TRUETAPE__")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").current_dir(std::env::temp_dir()).args(arguments).output().unwrap()
}

#[test]
fn every_command_has_its_help() {
    for command in [
        "",
        "api",
        "backtest",
        "backup",
        "config",
        "config check",
        "config show",
        "decode",
        "desk",
        "desk kill",
        "desk lift",
        "doctor",
        "health",
        "indicators",
        "record",
        "replay",
        "restore",
        "serve",
        "service",
        "service install",
        "service show",
        "service status",
        "service uninstall",
        "store",
        "store check",
        "user",
        "user add",
        "user list",
        "user passwd",
        "user remove",
        "user revoke",
        "user role",
        "user token",
        "user totp",
        "user totp remove",
    ] {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let output = run(&words);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let name = format!("help {}", if command.is_empty() { "truetape" } else { command }).replace(' ', "_");
        snapshots::check(&name, &String::from_utf8(output.stdout).unwrap());
    }
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    for line in help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty()) {
        let command = line.split_whitespace().next().unwrap();
        let is_covered = [
            "api",
            "backtest",
            "backup",
            "config",
            "decode",
            "desk",
            "doctor",
            "health",
            "indicators",
            "record",
            "replay",
            "restore",
            "serve",
            "service",
            "store",
            "user",
            "help",
        ]
        .contains(&command);
        assert!(is_covered, "{command} has no snapshot of its help");
    }
}

#[test]
fn unusable_arguments_say_what_to_write() {
    let mut text = String::new();
    for arguments in [
        "bench",
        "--lisen 127.0.0.1:0",
        "--listen",
        "serve --venue",
        "serve --listen 0.0.0.0:3000",
        "serve --venue binanse=BTCUSDT",
        "serve --config no/such/file.toml",
        "--config truetape.toml config check",
        "decode",
        "decode --venue binanse x.jsonl",
        "decode --venue binance no-such-file.jsonl",
        "record --for soon",
        "record --venue demo --venue binance=A --out a.jsonl.zst",
        "record --venue binance=A --out a.txt",
        "replay",
        "replay --speed 1000 no-such-file.jsonl",
        "replay --at -1 no-such-file.jsonl",
        "replay --at 1e99 no-such-file.jsonl",
        "replay no-such-file.jsonl",
        "config",
        "config change",
        "backup",
        "desk",
        "desk lift",
        "desk kill --url nowhere",
        "doctor --config no/such/file.toml --jsn",
        "health --url nowhere",
        "health --config no/such/file.toml",
        "indicators --input bars.csv",
        "indicators --spec rsy(14) --input bars.csv",
        "indicators --spec macd(26,12) --input bars.csv",
        "indicators --spec rsi --input no-such-file.csv",
        "indicators --spec rsi --interval 2m --input bars.csv",
        "service",
        "service install --program /run/user/1/truetape",
        "store",
    ] {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let output = run(&words);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments}");
        let said = String::from_utf8(output.stderr).unwrap();
        text += &format!("$ truetape {arguments}\n{}\n\n", said.trim_end());
    }
    snapshots::check("unusable_arguments", &text);
}

#[test]
fn the_documents_of_the_api_are_printed_as_the_server_sends_them() {
    for (name, document) in [("openapi", documents::openapi()), ("asyncapi", documents::asyncapi())] {
        let output = run(&["api", name]);
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(String::from_utf8(output.stdout).unwrap() == document, "{name}");
    }
}
