//! Metrics of a running server: their form, their size, the tools of Prometheus, and the files in `deploy/`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use server::serve::Server;
use tempfile::TempDir;
use wire::Encoding;

use crate::client::{Client, PATIENCE, demo_config};

/// A server with everything that counts: the simulated market, the desk, clients, requests.
struct Rig {
    server: Server,
    http: reqwest::Client,
    _folder: TempDir,
}

impl Rig {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = demo_config();
        config.desk.enabled = true;
        config.server.data_dir = folder.path().to_owned();
        let server = Server::start(config).await.unwrap();
        let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
        let rig = Self { server, http, _folder: folder };
        for path in ["", "markets", "healthz", "api/v1/status", "api/v1/nothing", "metrics"] {
            rig.get(path, "").await;
        }
        rig
    }

    async fn get(&self, path: &str, accept: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.server.url())).header("accept", accept).send().await.unwrap()
    }

    async fn metrics(&self) -> String {
        let response = self.get("metrics", "application/openmetrics-text;version=1.0.0,*/*;q=0.1").await;
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(media_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        response.text().await.unwrap()
    }

    async fn stop(self) {
        self.server.shutdown().begin();
        self.server.shutdown().finish().await;
    }
}

/// One metric with all of its series.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    unit: String,
    help: String,
    labels: BTreeSet<String>,
    n_series: usize,
}

/// Reads the text of OpenMetrics; every line must belong to the family before it.
fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut name = String::new();
    let lines: Vec<&str> = text.lines().collect();
    let (last, lines) = lines.split_last().unwrap();
    assert_eq!(*last, "# EOF");
    for line in lines {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, of, text) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            if what == "HELP" {
                of.clone_into(&mut name);
                assert!(!families.contains_key(of), "{of} comes twice");
            }
            assert_eq!(of, name);
            let family = families.entry(name.clone()).or_default();
            match what {
                "HELP" => text.clone_into(&mut family.help),
                "TYPE" => text.clone_into(&mut family.kind),
                "UNIT" => text.clone_into(&mut family.unit),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        assert!(value.is_finite() && value >= 0.0, "{line}");
        let (sample, labels) = series.split_once('{').unwrap_or((series, "}"));
        let family = families.get_mut(&name).unwrap();
        let suffix = sample.strip_prefix(&*name).unwrap();
        let allowed: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            kind => panic!("{name} is a {kind}"),
        };
        assert!(allowed.contains(&suffix), "{line}");
        family.n_series += 1;
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        family.labels.extend(labels.map(|label| label.split_once('=').unwrap().0.to_owned()).filter(|key| key != "le"));
    }
    families
}

/// The name as queries use it.
fn queried(name: &str, family: &Family) -> String {
    if family.kind == "counter" { format!("{name}_total") } else { name.to_owned() }
}

/// The table of `docs/observability.md`.
fn table(families: &BTreeMap<String, Family>) -> String {
    let mut table = "| metric | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for (name, family) in families {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        let Family { kind, help, .. } = family;
        let help = help.trim_end_matches('.');
        writeln!(table, "| `{}` | {kind} | {} | {help} |", queried(name, family), labels.join(", ")).unwrap();
    }
    table
}

#[tokio::test]
async fn names_units_and_sizes_are_as_promised() {
    let rig = Rig::start().await;
    let mut clients = Vec::new();
    for encoding in [Encoding::Binary, Encoding::Json] {
        let mut client = Client::greet(&rig.server, encoding).await;
        client.subscribe(1, &["quote:demo:*", "status", "system"]).await;
        client.advance("quote:demo:ADA-SIM", 2).await;
        client.advance("quote:demo:XRP-SIM", 2).await;
        clients.push(client);
    }
    let text = rig.metrics().await;
    let families = families(&text);
    let n_series: usize = families.values().map(|family| family.n_series).sum();
    println!("{n_series} series of {} metrics, {} bytes", families.len(), text.len());
    assert!(n_series <= 200, "{n_series} series");
    let known = [
        "change", "channel", "code", "encoding", "file", "kind", "lane", "limit", "outcome", "part", "place", "reason",
        "route", "severity", "state", "status", "venue", "version",
    ];
    for (name, family) in &families {
        assert!(name.starts_with("truetape_") || name.starts_with("process_"), "{name}");
        assert!(!name.ends_with("_total") && family.help.ends_with('.'), "{name}");
        for unit in ["seconds", "bytes"] {
            assert_eq!(
                name.ends_with(&format!("_{unit}")),
                family.unit == unit,
                "{name} has the unit {:?}",
                family.unit
            );
        }
        for label in &family.labels {
            assert!(known.contains(&label.as_str()), "{name} has the label {label}");
        }
    }
    let value = |series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
    };
    assert_eq!(value("truetape_stream_clients"), 2.0);
    assert_eq!(value("truetape_stream_sessions"), 2.0);
    assert!(value("truetape_connections_open{place=\"ordinary\"}") >= 2.0);
    assert!(value("truetape_stream_sent_bytes_total{encoding=\"json\"}") > 0.0);
    assert!(value("truetape_stream_messages_sent_total{encoding=\"binary\"}") > 0.0);
    assert!(value("truetape_hub_deliveries_total") >= 4.0);
    assert!(value("truetape_lane_turn_duration_seconds_count{lane=\"100ms\"}") >= 1.0);
    assert!(value("truetape_feed_events_total{venue=\"demo\"}") >= 1.0);
    assert_eq!(value("truetape_feed_streams{venue=\"demo\",state=\"live\"}"), 2.0);
    assert!(value("truetape_store_commit_duration_seconds_count{part=\"journal\"}") >= 1.0);
    assert!(value("truetape_store_file_bytes{file=\"truetape.db\"}") > 0.0);
    assert_eq!(value("truetape_http_requests_total{route=\"/api/v1/status\",status=\"2xx\"}"), 1.0);
    assert_eq!(value("truetape_http_errors_total{code=\"not_found\"}"), 1.0);
    assert!(value("truetape_http_request_duration_seconds_count{kind=\"page\"}") >= 2.0);

    let path = root().join("docs/observability.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let expected = format!("\n\n{}\n", table(&families));
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
    } else {
        assert_eq!(found, expected, "docs/observability.md; INSTA_UPDATE=always with this test writes it");
    }
    for file in ["deploy/prometheus/alerts.yml", "deploy/grafana/truetape.json"] {
        let names: BTreeSet<String> = families.iter().map(|(name, family)| queried(name, family)).collect();
        for name in metrics_in(&fs::read_to_string(root().join(file)).unwrap()) {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            assert!(names.contains(base.unwrap_or(&name)), "{file} uses {name}");
        }
    }
    drop(clients);
    rig.stop().await;
}

/// Returns the names of metrics in a text of queries.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("truetape_") || word.starts_with("process_")).map(str::to_owned).collect()
}

#[tokio::test]
async fn promtool_finds_no_fault() {
    if !has("promtool") {
        return;
    }
    let rig = Rig::start().await;
    let response = rig.get("metrics", "text/plain").await;
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = response.text().await.unwrap();
    let mut check = Command::new("promtool");
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && words.is_empty(), "{words}");
    rig.stop().await;
}

#[test]
fn the_rules_pass_their_tests() {
    if !has("promtool") {
        return;
    }
    for words in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let output =
            Command::new("promtool").args(words).current_dir(root().join("deploy/prometheus")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {text}");
    }
}

#[tokio::test]
async fn a_prometheus_scrapes_the_server_and_answers_queries() {
    if !has("prometheus") {
        return;
    }
    let rig = Rig::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\nscrape_configs:\n- job_name: truetape\n  \
         static_configs: [{{targets: ['{}']}}]\n",
        root().join("deploy/prometheus/alerts.yml").display(),
        rig.server.address()
    );
    fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _prometheus = Killed(prometheus);
    let query = async |text: &str| -> Option<serde_json::Value> {
        let url =
            reqwest::Url::parse_with_params(&format!("http://{address}/api/v1/query"), [("query", text)]).unwrap();
        let answer = rig.http.get(url).send().await.ok()?.text().await.ok()?;
        let answer: serde_json::Value = serde_json::from_str(&answer).ok()?;
        let rows = answer["data"]["result"].as_array()?.clone();
        rows.first().cloned()
    };
    for (text, expected) in [
        ("up{job=\"truetape\"}", "1"),
        ("truetape_feed_connected{venue=\"demo\"}", "1"),
        ("count(rate(truetape_feed_events_total[30s]) > 0)", "1"),
        ("count(truetape_lane_turn_duration_seconds_bucket{lane=\"100ms\", le=\"+Inf\"} > 0)", "1"),
    ] {
        let begun = Instant::now();
        loop {
            let row = query(text).await;
            if row.as_ref().is_some_and(|row| row["value"][1] == expected) {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{text}: {row:?}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    let rules = rig.http.get(format!("http://{address}/api/v1/rules")).send().await.unwrap().text().await.unwrap();
    assert!(rules.contains("TruetapeFeedSilent"), "{rules}");
    assert!(!rules.contains("\"state\":\"firing\""), "nothing is wrong: {rules}");
    rig.stop().await;
}

/// Ends with the test, whatever its outcome.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Returns true if a program is installed; says otherwise that its test is skipped.
fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        println!("skipped: {program} is not installed (`cargo xtask setup` installs it on Debian)");
    }
    is_there
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

const BEGIN: &str = "<!-- metrics: begin -->";
const END: &str = "<!-- metrics: end -->";
