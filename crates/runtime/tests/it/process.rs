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
    let status = std::process::Command::new("kill")
        .args(["-TERM", &pid])
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
