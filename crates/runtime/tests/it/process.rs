//! A real process: its command line, its signals, its exit codes.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use redress_proto::event::v1::ListParkedEventsRequest;
use redress_proto::event::v1::event_admin_service_client::EventAdminServiceClient;
use redress_store::{DatabaseSettings, Role};
use redress_testkit::eventually;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tonic::transport::Channel;

use crate::support::Keys;

const LIMIT: Duration = Duration::from_secs(20);

/// The example, which cargo builds beside the tests.
fn smallest() -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let target = test.ancestors().nth(2).expect("target/debug/deps/it");
    let path = target.join("examples/smallest");
    assert!(
        path.exists(),
        "`cargo test` builds it; before `cargo test --test it` run `cargo build -p redress-runtime --example smallest`"
    );
    path
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

struct Process {
    keys: Keys,
    settings: DatabaseSettings,
    owner_url: String,
    port: u16,
}

impl Process {
    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(smallest());
        let keys = self.keys.path();
        command
            .arg(subcommand)
            .env_clear()
            .env(
                "REDRESS_INTAKE__SERVER__LISTEN",
                format!("127.0.0.1:{}", self.port),
            )
            .env(
                "REDRESS__DATABASE__APP_URL",
                self.settings.app_url.expose_secret(),
            )
            .env(
                "REDRESS__DATABASE__WORKER_URL",
                self.settings.worker_url.expose_secret(),
            )
            .env("REDRESS__DATABASE__OWNER_URL", &self.owner_url)
            .env("REDRESS__PLATFORM__KEY_FILE", keys.join("issuer.pem"))
            .env("REDRESS__VAULT__KEY_FILE", keys.join("vault.keys"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, subcommand: &str) -> Output {
        self.command(subcommand).output().await.expect("runs")
    }

    async fn succeed(&self, subcommand: &str) -> bool {
        self.run(subcommand).await.status.success()
    }

    fn client(&self) -> EventAdminServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://127.0.0.1:{}", self.port));
        EventAdminServiceClient::new(channel.expect("a URL").connect_lazy())
    }
}

fn terminate(child: &Child) {
    let pid = child.id().expect("runs").to_string();
    let status = std::process::Command::new("sh")
        .args(["-c", "kill -TERM $0", &pid])
        .status();
    assert!(status.expect("kill runs").success());
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[tokio::test]
async fn a_process_migrates_serves_drains_at_sigterm_and_ends_with_zero() {
    // Roles and schema, no tables.
    let database = redress_testkit::database("intake", &[]).await;
    let process = Process {
        keys: Keys::new(),
        settings: database.settings("intake"),
        owner_url: database
            .url("intake", Role::Owner)
            .expose_secret()
            .to_owned(),
        port: free_port(),
    };
    let serve = process.run("serve").await;
    assert_eq!(serve.status.code(), Some(1));
    let error = text(&serve.stderr);
    assert!(error.contains("run `redress-intake migrate`"), "{error}");
    assert!(!process.succeed("healthcheck").await);
    assert!(process.succeed("check-config").await);
    assert!(process.succeed("migrate").await);
    assert!(process.succeed("migrate").await, "repeating it is harmless");

    let mut child = process.command("serve").spawn().expect("starts");
    let mut log = BufReader::new(child.stderr.take().expect("piped")).lines();
    eventually(LIMIT, async || process.succeed("healthcheck").await).await;

    let mut request = tonic::Request::new(ListParkedEventsRequest::default());
    let bearer = format!("Bearer {}", process.keys.token(&["sre"]));
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().expect("a header"));
    let mut client = process.client();
    let call = tokio::spawn(async move { client.list_parked_events(request).await });
    // The handler says so, and answers a second later.
    read_until(&mut log, "asked for parked events").await;
    terminate(&child);
    call.await
        .expect("no panic")
        .expect("answered in spite of SIGTERM");
    read_until(&mut log, "stopped").await;
    assert_eq!(child.wait().await.expect("ends").code(), Some(0));
    assert!(!process.succeed("healthcheck").await);
}

async fn read_until(log: &mut Lines<BufReader<ChildStderr>>, text: &str) {
    while let Some(line) = log.next_line().await.expect("readable") {
        if line.contains(text) {
            return;
        }
    }
    panic!("the log ended without {text:?}");
}

#[tokio::test]
async fn a_wrong_configuration_is_one_sentence_and_exit_code_one() {
    let output = Command::new(smallest())
        .arg("check-config")
        .env_clear()
        .env("REDRESS_INTAKE__SERVER__LISTN", "127.0.0.1:1")
        .output()
        .await
        .expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    let expected = "redress-intake: server.listn is not a known key (in `REDRESS_INTAKE__` environment variable(s)); remove it";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1);
}

/// What `smallest` says to a subcommand with these variables on top of a right configuration.
async fn said(keys: &Keys, subcommand: &str, variables: &[(&str, &str)]) -> Output {
    let database = "postgres://somebody:x@127.0.0.1:1/nothing";
    let run = Command::new(smallest())
        .arg(subcommand)
        .env_clear()
        .env("REDRESS__SERVER__LISTEN", "127.0.0.1:0")
        .env("REDRESS__DATABASE__APP_URL", database)
        .env("REDRESS__DATABASE__WORKER_URL", database)
        .env(
            "REDRESS__PLATFORM__KEY_FILE",
            keys.path().join("issuer.pem"),
        )
        .env("REDRESS__VAULT__KEY_FILE", keys.path().join("vault.keys"))
        .envs(variables.iter().copied())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(LIMIT, run)
        .await
        .unwrap_or_else(|_| panic!("{subcommand} goes on with {variables:?}"))
        .expect("runs")
}

#[tokio::test]
async fn check_config_refuses_in_one_sentence_and_the_same_words_what_serve_refuses() {
    let keys = Keys::new();
    let right = said(&keys, "check-config", &[]).await;
    assert!(right.status.success(), "{}", text(&right.stderr));
    // While keys are exchanged, with that of another process only: this one's tokens would be refused everywhere.
    let (mut set, another) = (keys.jwks(), Keys::new().jwks());
    let without = keys.path().join("without.json");
    let json = serde_json::to_vec(&another).expect("plain data");
    std::fs::write(&without, json).expect("writable");
    let without = without.to_str().expect("UTF-8");
    set.keys.extend(another.keys);
    let both = keys.path().join("both.json");
    std::fs::write(&both, serde_json::to_vec(&set).expect("plain data")).expect("writable");
    let both = both.to_str().expect("UTF-8");
    let right = said(
        &keys,
        "check-config",
        &[("REDRESS__PLATFORM__JWKS_FILE", both)],
    )
    .await;
    assert!(right.status.success(), "{}", text(&right.stderr));
    let garbage = keys.path().join("garbage.json");
    std::fs::write(&garbage, "{}").expect("writable");
    let garbage = garbage.to_str().expect("UTF-8");
    let torn = keys.path().join("torn.pem");
    let pem = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    std::fs::write(&torn, pem).expect("writable");
    let torn = torn.to_str().expect("UTF-8");
    let committed = |name: &str| format!("{}/tests/it/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    let certificate = committed("server.pem");
    let key_of_another = committed("client.key");
    let (certificate, key_of_another) = (certificate.as_str(), key_of_another.as_str());
    let issuer = ("REDRESS__AUTH__ISSUERS__COMPANY__ISSUER", "https://login");
    let company = "REDRESS__AUTH__ISSUERS__COMPANY__JWKS_URL";
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "vault.key_file",
            &[("REDRESS__VAULT__KEY_FILE", "/nowhere/vault.keys")],
        ),
        (
            "platform.key_file",
            &[("REDRESS__PLATFORM__KEY_FILE", "/nowhere/issuer.pem")],
        ),
        (
            "platform.jwks_file",
            &[("REDRESS__PLATFORM__JWKS_FILE", "/nowhere/jwks.json")],
        ),
        (
            "platform.jwks_file",
            &[("REDRESS__PLATFORM__JWKS_FILE", garbage)],
        ),
        (
            "platform.jwks_file",
            &[("REDRESS__PLATFORM__JWKS_FILE", without)],
        ),
        (
            "auth.issuers.company.jwks_url",
            &[issuer, (company, "ftp:/ /x")],
        ),
        (
            "auth.issuers.company.issuer",
            &[
                ("REDRESS__AUTH__ISSUERS__COMPANY__ISSUER", "redress"),
                (company, "https://login/jwks"),
            ],
        ),
        ("database.app_url", &[("REDRESS__DATABASE__APP_URL", "a")]),
        (
            "database.worker_url",
            &[("REDRESS__DATABASE__WORKER_URL", "mysql://x")],
        ),
        ("peers.triage", &[("REDRESS__PEERS__TRIAGE", "foo bar")]),
        ("peers.triag", &[("REDRESS__PEERS__TRIAG", "http://x:1")]),
        ("redis.url", &[("REDRESS__REDIS__URL", "http://x")]),
        (
            "telemetry.filter",
            &[("REDRESS__TELEMETRY__FILTER", "info,redress=loud")],
        ),
        (
            "server.tls.cert_file",
            &[
                ("REDRESS__SERVER__TLS__CERT_FILE", "/nowhere/tls.crt"),
                ("REDRESS__SERVER__TLS__KEY_FILE", "/nowhere/tls.key"),
            ],
        ),
        (
            "server.tls:",
            &[
                ("REDRESS__SERVER__TLS__CERT_FILE", certificate),
                ("REDRESS__SERVER__TLS__KEY_FILE", key_of_another),
            ],
        ),
        (
            "peers_tls.cert_file",
            &[("REDRESS__PEERS_TLS__CERT_FILE", certificate)],
        ),
        (
            "peers_tls.ca_file",
            &[("REDRESS__PEERS_TLS__CA_FILE", garbage)],
        ),
        ("peers_tls:", &[("REDRESS__PEERS_TLS__CA_FILE", torn)]),
        (
            "server.cors_origins",
            &[("REDRESS__SERVER__CORS_ORIGINS", "[\"portal.example.com\"]")],
        ),
    ];
    for (key, variables) in cases {
        let checked = said(&keys, "check-config", variables).await;
        let error = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(1), "{key}: {error}");
        assert!(
            error.starts_with(&format!("redress-intake: {key}")),
            "{error}"
        );
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        let served = said(&keys, "serve", variables).await;
        assert_eq!(text(&served.stderr), error);
    }
}
