//! Every mistake that a configuration can have: what is said of it, and that the source which has it is named.

use std::{fs, path::PathBuf};

use server::config::{self, Config, ConfigError, Sources, load::KnownVenue};

use crate::snapshots;

type Flag = (&'static str, &'static str, &'static str);

/// A configuration: a file's text, variables and flags.
#[derive(Clone, Copy, Default)]
struct Case<'a> {
    file: &'a str,
    variables: &'a [(&'a str, &'a str)],
    flags: &'a [Flag],
}

impl Case<'_> {
    fn load(&self) -> Result<Config, ConfigError> {
        let path = file_path();
        fs::write(&path, self.file).unwrap();
        let venue = |name: &str, symbols: &[&str]| KnownVenue {
            name: name.into(),
            default_symbols: symbols.iter().map(ToString::to_string).collect(),
        };
        let result = config::load(&Sources {
            file: Some(path.clone()),
            variables: self.variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            flags: self.flags.iter().map(|(flag, path, text)| (*flag, *path, (*text).into())).collect(),
            known_venues: vec![venue("alpha", &[]), venue("demo", &["AAABBB"])],
        });
        fs::remove_file(path).unwrap();
        result
    }

    /// The configuration, and what is said of it.
    fn shown(&self) -> String {
        let mut text = String::new();
        for line in self.file.lines() {
            text += &format!("{}\n", short(line));
        }
        for (name, value) in self.variables {
            text += &format!("{name}={}\n", short(&value.escape_debug().to_string()));
        }
        for (flag, _, value) in self.flags {
            text += &format!("{flag} {value}\n");
        }
        let Err(error) = self.load() else { panic!("accepted:\n{text}") };
        // As the command line shows it, with its cause.
        let error = format!("{:#}", anyhow::Error::from(error));
        format!("{text}  -> {}\n\n", error.replace(&file_path().display().to_string(), "truetape.toml"))
    }
}

/// One a thread: each test writes its own.
fn file_path() -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "");
    std::env::temp_dir().join(format!("truetape-config-{}-{thread}.toml", std::process::id()))
}

fn short(text: &str) -> String {
    if text.len() > 100 { format!("{}…", &text[..100]) } else { text.to_owned() }
}

fn file(text: &str) -> Case<'_> {
    Case { file: text, ..Case::default() }
}

#[test]
fn files_name_key_value_and_remedy() {
    let many = (0..1_001).map(|number| format!("\"S{number}\"")).collect::<Vec<_>>().join(",");
    let (first, second) = many.split_at(many.find("\"S600\"").unwrap());
    let many_joined = format!(
        "[[feeds]]\nvenue = \"alpha\"\nsymbols = [{first}]\n[[feeds]]\nvenue = \"alpha\"\nsymbols = [{second}]"
    );
    let cases = [
        // Keys.
        "[server]\nlisen = 1",
        "[sever]\nlisten = 1",
        "[sever]",
        "[venues.alpa]",
        "port = 1",
        "[server]\nwidth = 1",
        "[stream]\nping = 1",
        "[recordings]\nmax_age = 1",
        "[venues.alpa]\nws_url = \"ws://x\"",
        "[venues.zzz]\nws_url = \"ws://x\"",
        "[venues.alpha]\nws = \"ws://x\"",
        "[venues.alpha]\nToken = \"secret\"",
        "[venues.alpha]\ntokens = \"secret\"",
        "[server.listen]\nport = 1",
        "[[feeds]]\nvenue = \"alpha\"\nsymbol = [\"X\"]",
        // Sections.
        "server = 1",
        "stream = \"x\"",
        "venues = 1",
        "venues = []",
        "[venues]\nalpha = 1",
        "feeds = 1",
        "feeds = \"alpha=X\"",
        "feeds = [1]",
        "[feeds]\nvenue = \"alpha\"",
        "[[server]]\nlisten = \"127.0.0.1:1\"",
        // Values.
        "[server]\nlisten = 3000",
        "[server]\nlisten = \"\"",
        "[server]\nlisten = \"0.0.0.0:3000\"",
        "[server]\nlisten = \"recordings.example:3000\"",
        "[server]\ndata_dir = \"\"",
        "[server]\ndata_dir = 1",
        "[server]\nallowed_hosts = \"a\"",
        "[server]\nallowed_hosts = [1]",
        "[server]\nallowed_hosts = [\"ok\", \"https://a\"]",
        "[server]\ntrusted_proxies = \"127.0.0.1\"",
        "[server]\ntrusted_proxies = [\"127.0.0.1\", \"proxy.example\"]",
        "[server]\ntrusted_proxies = [\"192.168.1.7/24\"]",
        "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]",
        "[server]\noffline_page = \"no\"",
        "[stream]\nping_ms = \"often\"",
        "[stream]\nping_ms = \"1000\"",
        "[stream]\nping_ms = 1.5",
        "[stream]\nping_ms = -1",
        "[stream]\nping_ms = true",
        "[stream]\nping_ms = [1000]",
        "[stream]\nping_ms = 99999999999999999999",
        "[venues.alpha]\nws_url = \"http://x\"",
        "[venues.alpha]\nws_url = \"ws://x?y=1\"",
        "[venues.alpha]\nws_url = 1",
        "[venues.alpha]\nrest_url = \"ws://x\"",
        "[venues.alpha]\nrest_url = \"https://x#y\"",
        "[venues.alpha]\nhistory_url = \"x\"",
        "[venues.alpha]\ntoken = \"se cret\"",
        "[venues.alpha]\ntoken = 5",
        "[venues.alpha]\nbackoff_min_ms = 200\nbackoff_max_ms = 100",
        "[venues.alpha]\nbackoff_min_ms = 60000",
        "[venues.alpha]\nbackoff_max_ms = 100",
        "[[feeds]]\nvenue = \"alfa\"\nsymbols = [\"X\"]",
        "[[feeds]]\nvenue = \"zzz\"\nsymbols = [\"X\"]",
        "[[feeds]]\nvenue = 1",
        "[[feeds]]\nsymbols = [\"X\"]",
        "[[feeds]]",
        "[[feeds]]\nvenue = \"alpha\"",
        "[[feeds]]\nvenue = \"alpha\"\nsymbols = []",
        "[[feeds]]\nvenue = \"alpha\"\nsymbols = \"X\"",
        "[[feeds]]\nvenue = \"alpha\"\nsymbols = [\"\"]",
        "[[feeds]]\nvenue = \"alpha\"\nsymbols = [\"A\\u0007B\"]",
        "[[feeds]]\nvenue = \"demo\"\n[[feeds]]\nvenue = \"alpha\"\nsymbols = [1]",
        "[[feeds]]\nvenue = \"demo\"\n[[feeds]]\nvenue = \"alfa\"\nsymbols = [\"X\"]",
        "[[feeds]]\nvenue = \"alpha\"\nsymbols = [\"X\"]\nmode = \"rest\"",
        &many_joined,
        // No TOML.
        "[server",
        "listen = ",
        "[server]\nlisten = \"a\"\nlisten = \"b\"",
    ];
    snapshots::check("config_files", &cases.map(|text| file(text).shown()).concat());
}

#[test]
fn variables_and_flags_are_named_as_they_were_written() {
    let variables = [
        ("TRUETAPE__STREAM__PINGMS", "1"),
        ("TRUETAPE__STREM__PING_MS", "1"),
        ("TRUETAPE__STREAM", "1"),
        ("TRUETAPE__", "1"),
        ("TRUETAPE__SERVER__LISTEN__PORT", "80"),
        ("TRUETAPE__SERVER__LISTEN", "0.0.0.0:1"),
        ("TRUETAPE__SERVER__ALLOWED_HOSTS", "a,https://b"),
        ("TRUETAPE__STREAM__PING_MS", "often"),
        ("TRUETAPE__STREAM__PING_MS", "1_000"),
        ("TRUETAPE__STREAM__PING_MS", ""),
        ("TRUETAPE__VENUES", "alpha"),
        ("TRUETAPE__VENUES__ALPHA", "x"),
        ("TRUETAPE__VENUES__ALPA__WS_URL", "ws://x"),
        ("TRUETAPE__VENUES__ALPHA__WSURL", "ws://x"),
        ("TRUETAPE__VENUES__ALPHA__WS_URL", "wss://me:x@y"),
        ("TRUETAPE__VENUES__ALPHA__WS_URL__X", "1"),
        ("TRUETAPE__VENUES__ALPHA__TOKEN", "se cret"),
        ("TRUETAPE__VENUES__ALPHA__TOKEN__X", "secret"),
        ("TRUETAPE__VENUES__ALPHA__BACKOFF_MIN_MS", "60000"),
        ("TRUETAPE__FEEDS", "alfa=X"),
        ("TRUETAPE__FEEDS", "demo;alpha"),
        ("TRUETAPE__FEEDS", "demo;alpha=X,\u{7}"),
        ("TRUETAPE__FEEDS", "=X"),
        ("TRUETAPE__FEEDS__0__VENUE", "alpha"),
    ];
    let mut text: String =
        variables.iter().map(|variable| Case { variables: &[*variable], ..Case::default() }.shown()).collect();
    let flags: [&[Flag]; 7] = [
        &[("--listen", "server.listen", "3000")],
        &[("--data-dir", "server.data_dir", "")],
        &[("--behind-proxy", "server.trusted_proxies", "127.0.0.1,*")],
        &[("--venue", "feeds", "alfa=X")],
        &[("--venue", "feeds", "alpha")],
        &[("--venue", "feeds", "demo"), ("--venue", "feeds", "alpha=\u{7}")],
        &[("--venue", "feeds", "")],
    ];
    text.extend(flags.iter().map(|flags| Case { flags, ..Case::default() }.shown()));
    snapshots::check("config_variables_and_flags", &text);
}

#[test]
fn the_source_with_the_mistake_is_named_although_another_hides_it() {
    let good_listen = ("TRUETAPE__SERVER__LISTEN", "127.0.0.1:2");
    let bad_listen = ("TRUETAPE__SERVER__LISTEN", "0.0.0.0");
    let listen: &[Flag] = &[("--listen", "server.listen", "127.0.0.1:3")];
    let venue: &[Flag] = &[("--venue", "feeds", "demo")];
    let min = |text| ("TRUETAPE__VENUES__ALPHA__BACKOFF_MIN_MS", text);
    let max = |text| ("TRUETAPE__VENUES__ALPHA__BACKOFF_MAX_MS", text);
    let cases = [
        Case { file: "[server]\nlisten = \"bad\"", variables: &[good_listen], flags: listen },
        Case { file: "[server]\nlisten = \"127.0.0.1:1\"", variables: &[bad_listen], flags: listen },
        Case {
            file: "[server]\nlisten = \"127.0.0.1:1\"",
            variables: &[good_listen],
            flags: &[("--listen", "server.listen", "x")],
        },
        Case { file: "[stream]\nping_ms = 1", variables: &[("TRUETAPE__STREAM__PING_MS", "1000")], flags: &[] },
        Case { file: "[stream]\nping_ms = 1000", variables: &[("TRUETAPE__STREAM__PING_MS", "1")], flags: &[] },
        Case { file: "[[feeds]]\nvenue = \"alfa\"", variables: &[], flags: venue },
        Case { file: "", variables: &[("TRUETAPE__FEEDS", "alfa")], flags: venue },
        Case { file: "[[feeds]]\nvenue = \"demo\"", variables: &[("TRUETAPE__FEEDS", "alfa")], flags: &[] },
        Case { file: "[venues.alpha]\nbackoff_min_ms = 200", variables: &[max("100")], flags: &[] },
        Case { file: "[venues.alpha]\nbackoff_max_ms = 100", variables: &[min("200")], flags: &[] },
        Case { file: "[venues.alpha]\nbackoff_min_ms = 200", variables: &[min("60000")], flags: &[] },
        Case { file: "", variables: &[max("100")], flags: &[] },
    ];
    snapshots::check("config_sources", &cases.map(|case| case.shown()).concat());
}

#[test]
fn every_number_has_its_range() {
    let mut text = String::new();
    for (section, key, min, max) in [
        ("access", "idle_minutes", 5_u64, 525_600_u64),
        ("access", "max_minutes", 5, 525_600),
        ("desk", "cancel_latency_ms", 0, 60_000),
        ("desk", "entry_latency_ms", 0, 60_000),
        ("desk", "max_book_age_ms", 100, 600_000),
        ("desk", "max_leverage", 1, 100),
        ("desk", "protection_bps", 1, 10_000),
        ("limits", "answer_timeout_ms", 100, 3_600_000),
        ("limits", "body_timeout_ms", 100, 600_000),
        ("limits", "connections_per_address", 1, 1_000_000),
        ("limits", "header_timeout_ms", 100, 600_000),
        ("limits", "requests_burst", 1, 1_000_000),
        ("limits", "requests_per_second", 1, 1_000_000),
        ("limits", "streams_per_account", 1, 1_000_000),
        ("limits", "streams_per_address", 1, 1_000_000),
        ("recordings", "max_age_days", 1, 36_500),
        ("recordings", "max_file_mib", 1, 1_048_576),
        ("recordings", "max_file_minutes", 1, 10_080),
        ("recordings", "max_total_mib", 1, 16_777_216),
        ("server", "max_connections", 1, 1_000_000),
        ("stream", "hello_timeout_ms", 100, 60_000),
        ("stream", "history_bytes", 0, 64 << 20),
        ("stream", "history_len", 0, 1_000_000),
        ("stream", "max_topics", 1, 100_000),
        ("stream", "messages_burst", 1, 100_000),
        ("stream", "messages_per_second", 1, 100_000),
        ("stream", "ping_ms", 100, 600_000),
        ("stream", "pong_timeout_ms", 100, 60_000),
        ("stream", "queue_bytes", 4_096, 256 << 20),
        ("stream", "retain_idle_ms", 0, 86_400_000),
        ("stream", "write_timeout_ms", 100, 60_000),
        ("venues.alpha", "backoff_max_ms", 10, 600_000),
        ("venues.alpha", "backoff_min_ms", 10, 600_000),
        ("venues.alpha", "data_deadline_ms", 100, 86_400_000),
        ("venues.alpha", "max_attempts", 1, 1_000_000),
        ("venues.alpha", "poll_ms", 1_000, 3_600_000),
        ("venues.alpha", "stale_after_ms", 100, 86_400_000),
    ] {
        // The two that have to agree with each other do.
        let other = match key {
            "backoff_max_ms" => "backoff_min_ms = 10\n",
            "backoff_min_ms" => "backoff_max_ms = 600000\n",
            _ => "",
        };
        let with = |number: u64| format!("[{section}]\n{other}{key} = {number}");
        for number in [min, max] {
            let loaded = file(&with(number)).load();
            assert!(loaded.is_ok(), "{section}.{key} = {number}: {:?}", loaded.err());
            let config = loaded.unwrap().to_toml();
            assert!(config.contains(&format!("{key} = {number}\n")), "{section}.{key} = {number}:\n{config}");
        }
        for number in min.checked_sub(1).into_iter().chain([max + 1]) {
            let Err(error) = file(&with(number)).load() else { panic!("{section}.{key} = {number} is accepted") };
            let error = error.to_string();
            text += &format!("{}\n", error.replace(&file_path().display().to_string(), "truetape.toml"));
        }
    }
    snapshots::check("config_ranges", &text);
    // A key that this table does not have would go unchecked.
    let all =
        file("[venues.alpha]\ndata_deadline_ms = 700\npoll_ms = 2500\nmax_attempts = 3").load().unwrap().to_toml();
    let numbers =
        all.lines().filter(|line| line.split_once(" = ").is_some_and(|(_, value)| value.parse::<u64>().is_ok()));
    assert_eq!(numbers.count(), 37, "{all}");
}

#[test]
fn no_mistake_shows_a_secret() {
    const SECRET: &str = "c0ffee12345678901234567890";
    for text in [
        // Syntax: a missing quote, equals sign or key; a quote too many; a number; a line break.
        "[venues.alpha]\ntoken = \"SECRET",
        "[venues.alpha]\ntoken = SECRET\"",
        "[venues.alpha]\ntoken = SECRET",
        "[venues.alpha]\ntoken \"SECRET\"",
        "[venues.alpha]\n\"SECRET\"",
        "[venues.alpha]\ntoken = \"SECRET\"\"",
        "[venues.alpha]\ntoken = 12345678901234567890",
        "[venues.alpha]\ntoken = \"SECRET\ntoken = \"SECRET\"",
        "[venues.alpha]\ntoken = \"SECRET\"\ntoken = \"SECRET\"",
        "[venues.alpha]\ntoken = \"SECRET\"\ntoken.x = \"SECRET\"",
        // Values.
        "[venues.alpha]\ntoken = [\"SECRET\"]",
        "[venues.alpha]\ntoken = \"SECRET!\"",
        "[venues.alpha]\ntoken = { text = \"SECRET\" }",
        "[venues.alpha]\ntokens = \"SECRET\"",
        "[venues]\nalpha = \"SECRET\"",
        "venues = \"SECRET\"",
        "[venues.alpha]\nws_url = \"wss://user:SECRET@x\"",
        "[venues.alpha]\nrest_url = \"https://x?token=SECRET\"",
    ] {
        let text = text.replace("SECRET", SECRET);
        let error = anyhow::Error::from(file(&text).load().unwrap_err());
        for shown in [format!("{error:#}"), format!("{error:?}")] {
            assert!(!shown.contains("c0ffee") && !shown.contains("1234567890"), "{text}\n{shown}");
        }
        assert_eq!(format!("{error:#}").lines().count(), 1, "{error:#}");
    }
    let error = file("[venues.alpha]\n  token = \"SECRET").load().unwrap_err();
    assert!(matches!(error, ConfigError::NotToml { line: 2, column: 11.., .. }), "{error}");
    let secret = Case { variables: &[("TRUETAPE__VENUES__ALPHA", SECRET)], ..Case::default() };
    assert!(!secret.load().unwrap_err().to_string().contains(SECRET));
}

#[test]
fn an_unreadable_file_is_named() {
    let sources = Sources { file: Some("no/such/file.toml".into()), ..Sources::default() };
    let error = config::load(&sources).unwrap_err();
    assert_eq!(error.to_string(), "cannot read configuration file no/such/file.toml");
    assert!(std::error::Error::source(&error).is_some());
}
