//! Processes: started, killed and started again.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redress_local::free_listener;
use redress_model::time::{Clock as _, SystemClock};
use redress_store::{MIGRATOR as STORE, Role};
use redress_testkit::otlp::Collector;
use redress_testkit::{TestDatabase, TestRedis, eventually};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::callers::Callers;
use crate::seed;

/// Every service, in the order in which a complaint meets them.
pub const SERVICES: [&str; 5] = ["intake", "triage", "assignment", "notification", "crisis"];

/// How long a service may take to come up.
const START_LIMIT: Duration = Duration::from_secs(180);

/// Another process of a service beside the platform's own, as during a rollout.
pub struct Replica {
    /// Where it listens.
    pub url: String,
    child: Child,
}

impl Replica {
    /// Asks it to end and returns its exit code.
    pub fn terminate(mut self) -> Option<i32> {
        end(&mut self.child)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Five services, running.
pub struct Platform {
    /// Its database.
    pub database: TestDatabase,
    /// Its Redis.
    pub redis: TestRedis,
    /// What it says of itself.
    pub collector: Collector,
    folder: TempDir,
    ports: BTreeMap<&'static str, u16>,
    processes: Mutex<BTreeMap<&'static str, Child>>,
    /// Variables beyond those of every test, for whoever is started from now on.
    settings: Mutex<BTreeMap<(&'static str, String), String>>,
    /// Where binaries lie that are of another release.
    others: Mutex<BTreeMap<&'static str, PathBuf>>,
    /// How far the services' clock is ahead of the machine's.
    ahead: Mutex<SignedDuration>,
}

impl Platform {
    /// Starts everything and seeds two sites with people on duty.
    pub async fn start() -> Self {
        let platform = Self::start_empty().await;
        seed::organization(&platform).await;
        platform
    }

    /// Adds a site of the same organization, with people on duty; its cases' numbers begin with the prefix.
    pub async fn add_site(&self, id: &str, prefix: &str) {
        seed::site(self, id, prefix).await;
    }

    /// Brings a service's schema up to the release of its binary.
    pub fn migrate(&self, service: &'static str) {
        let status = self.command(service, "migrate").status();
        assert!(
            status.expect("the binary runs").success(),
            "{service} does not migrate"
        );
    }

    /// Starts everything, with nothing in it.
    pub async fn start_empty() -> Self {
        let schemas: Vec<(&'static str, &[&'static sqlx::migrate::Migrator])> =
            SERVICES.iter().map(|s| (*s, &[] as &[_])).collect();
        // Each binary migrates its own schema below; the testkit only makes roles and schemas.
        let _ = &STORE;
        let database = redress_testkit::database_of(&schemas).await;
        let platform = Self {
            database,
            redis: redress_testkit::redis().await,
            collector: Collector::start().await,
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            ports: ports(),
            processes: Mutex::new(BTreeMap::new()),
            settings: Mutex::default(),
            others: Mutex::default(),
            ahead: Mutex::default(),
        };
        redress_rpc::auth::Issuer::generate_key_file(&platform.issuer_key())
            .expect("the issuer key can be written");
        std::fs::write(
            platform.vault_key(),
            redress_vault::generate_key_file("test").expose_secret(),
        )
        .expect("the vault key can be written");
        for service in SERVICES {
            platform.migrate(service);
        }
        for service in SERVICES {
            platform.launch(service);
        }
        for service in SERVICES {
            platform.ready(service).await;
        }
        platform
    }

    /// The issuer's key.
    pub fn issuer_key(&self) -> PathBuf {
        self.folder.path().join("issuer.key")
    }

    fn vault_key(&self) -> PathBuf {
        self.folder.path().join("vault.key")
    }

    /// Where a service listens.
    pub fn url(&self, service: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[service])
    }

    /// Clients that carry tokens of this platform's issuer.
    pub fn callers(&self) -> Callers<'_> {
        Callers::new(self)
    }

    /// Sets a key of a service's configuration, as `SECTION__KEY`, from its next start on.
    pub fn configure(&self, service: &'static str, key: &str, value: &str) {
        let mut settings = self.settings.lock().expect("no test panics in here");
        let name = format!("REDRESS_{}__{key}", service.to_uppercase());
        settings.insert((service, name), value.to_owned());
    }

    /// Takes a service's binary from this folder, from its next start on; `None`: that of this build.
    pub fn use_binary(&self, service: &'static str, folder: Option<PathBuf>) {
        let mut others = self.others.lock().expect("no test panics in here");
        match folder {
            Some(folder) => others.insert(service, folder),
            None => others.remove(service),
        };
    }

    /// Kills a service where it stands: no drain, no goodbye.
    pub fn kill(&self, service: &str) {
        let mut processes = self.processes.lock().expect("no test panics in here");
        if let Some(mut child) = processes.remove(service) {
            child.kill().expect("the process is ours");
            child.wait().expect("the process is ours");
        }
    }

    /// Asks a service to end and returns its exit code.
    pub fn terminate(&self, service: &str) -> Option<i32> {
        let mut processes = self.processes.lock().expect("no test panics in here");
        let mut child = processes.remove(service)?;
        drop(processes);
        end(&mut child)
    }

    /// Starts another process of a service and waits until it is ready.
    pub async fn replicate(&self, service: &'static str) -> Replica {
        let listener = free_listener(None).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let command = |subcommand| {
            let mut command = self.command(service, subcommand);
            let listen = format!("REDRESS_{}__SERVER__LISTEN", service.to_uppercase());
            command.env(listen, address.to_string());
            command
        };
        let child = command("serve").spawn().expect("the binary runs");
        let replica = Replica {
            url: format!("http://{address}"),
            child,
        };
        eventually(START_LIMIT, async || is_healthy(command("healthcheck"))).await;
        replica
    }

    /// Starts a service again and waits until it is ready.
    pub async fn restart(&self, service: &'static str) {
        self.launch(service);
        self.ready(service).await;
    }

    /// What the services' clock shows.
    pub fn now(&self) -> Timestamp {
        SystemClock.now() + self.ahead()
    }

    fn ahead(&self) -> SignedDuration {
        *self.ahead.lock().expect("no test panics in here")
    }

    /// Lets time go by at once: every service is killed, and started again by a clock that is so far ahead of what it showed,
    /// as fast as the machine's. They run as a rehearsal from then on (decision 55): nothing can reach anybody.
    pub async fn pass(&self, time: SignedDuration) {
        let started = SystemClock.now();
        *self.ahead.lock().expect("no test panics in here") += time;
        let origin = started + self.ahead();
        for service in SERVICES {
            self.kill(service);
        }
        for service in SERVICES {
            self.configure(service, "CLOCK__RATE", "1");
            self.configure(service, "CLOCK__ORIGIN", &origin.to_string());
            self.configure(service, "CLOCK__STARTED", &started.to_string());
            self.launch(service);
        }
        for service in SERVICES {
            self.ready(service).await;
        }
    }

    /// Starts a service without waiting.
    pub fn launch(&self, service: &'static str) {
        let child = self
            .command(service, "serve")
            .spawn()
            .expect("the binary runs");
        self.processes
            .lock()
            .expect("no test panics in here")
            .insert(service, child);
    }

    /// Waits until a service says that it serves.
    pub async fn ready(&self, service: &'static str) {
        eventually(START_LIMIT, async || {
            is_healthy(self.command(service, "healthcheck"))
        })
        .await;
    }

    fn command(&self, service: &str, subcommand: &str) -> Command {
        let others = self.others.lock().expect("no test panics in here");
        let mut command = Command::new(match others.get(service) {
            Some(folder) => folder.join(format!("redress-{service}")),
            None => binary(&format!("redress-{service}")),
        });
        drop(others);
        let prefix = format!("REDRESS_{}__", service.to_uppercase());
        let database = |role| self.database.url(service, role).expose_secret().to_owned();
        command
            .arg(subcommand)
            .env(
                format!("{prefix}SERVER__LISTEN"),
                format!("127.0.0.1:{}", self.ports[service]),
            )
            .env(format!("{prefix}DATABASE__APP_URL"), database(Role::App))
            .env(
                format!("{prefix}DATABASE__WORKER_URL"),
                database(Role::Worker),
            )
            .env(
                format!("{prefix}DATABASE__OWNER_URL"),
                database(Role::Owner),
            )
            .env("REDRESS__REDIS__URL", self.redis.url())
            .env("REDRESS__PLATFORM__KEY_FILE", self.issuer_key())
            .env("REDRESS__VAULT__KEY_FILE", self.vault_key())
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", self.collector.endpoint())
            .env("OTEL_BSP_SCHEDULE_DELAY", "200")
            .env("OTEL_METRIC_EXPORT_INTERVAL", "1000")
            .stdin(Stdio::null());
        // Nothing of a rehearsal leads to a page.
        if service == "notification" && self.ahead().is_zero() {
            command.env(
                format!("{prefix}SERVICE__SURVEY_URL"),
                "https://portal.example.com/survey?token=",
            );
        }
        for peer in SERVICES {
            command.env(
                format!("REDRESS__PEERS__{}", peer.to_uppercase()),
                self.url(peer),
            );
        }
        for ((of, name), value) in &*self.settings.lock().expect("no test panics in here") {
            if *of == service {
                command.env(name, value);
            }
        }
        let log = self.folder.path().join(format!("{service}.log"));
        if let Ok(file) = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
        {
            if let Ok(copy) = file.try_clone() {
                command.stdout(copy);
            }
            command.stderr(file);
        }
        command
    }

    /// Runs the command line as an administrator of this platform.
    pub fn redress(&self, arguments: &[&str]) -> Output {
        let mut command = self.administered(&binary("redress"));
        command.args(arguments).stdin(Stdio::null());
        command.output().expect("the binary runs")
    }

    /// Starts the command line as an administrator before a terminal of 80×24; what the terminal is sent comes by its output.
    pub fn redress_in_terminal(&self, arguments: &str) -> Child {
        let redress = binary("redress");
        let line = format!(
            "stty rows 24 cols 80; exec {} {arguments}",
            redress.display()
        );
        self.administered(Path::new("script"))
            .args([
                "--quiet",
                "--flush",
                "--return",
                "--command",
                &line,
                "/dev/null",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux is installed")
    }

    fn administered(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            // Of another platform on this machine it knows nothing.
            .env("REDRESS_HOME", self.folder.path().join("home"))
            .env("REDRESS_TOKEN", self.callers().token());
        for service in SERVICES {
            let variable = format!("REDRESS_{}_URL", service.to_uppercase());
            command.env(variable, self.url(service));
        }
        command
    }

    /// What a service wrote to its log so far.
    pub fn log(&self, service: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{service}.log")))
            .unwrap_or_default()
    }

    /// Every event is delivered once more: the relays forget how far they came.
    pub async fn deliver_everything_again(&self) {
        for service in SERVICES {
            self.kill(service);
        }
        for service in SERVICES {
            let forget = format!(
                "UPDATE {service}.outbox_cursor SET low_stamp = '0', high_stamp = '0', last_id = 0, \
                 lease_token = NULL, lease_until = NULL"
            );
            sqlx::query(sqlx::AssertSqlSafe(forget))
                .execute(&self.database.admin)
                .await
                .expect("the cursors can be set back");
        }
        for service in SERVICES {
            self.launch(service);
        }
        for service in SERVICES {
            self.ready(service).await;
        }
    }
}

impl Drop for Platform {
    #[allow(clippy::print_stderr)] // a failed test shows what the services said
    fn drop(&mut self) {
        let panicking = std::thread::panicking();
        for service in SERVICES {
            self.kill(service);
            if panicking {
                let log = self.log(service);
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                for line in tail.into_iter().rev() {
                    eprintln!("{service}: {line}");
                }
            }
        }
    }
}

fn is_healthy(mut healthcheck: Command) -> bool {
    let quiet = healthcheck.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().expect("the binary runs").success()
}

/// Asks a process to end and waits until it has.
fn end(child: &mut Child) -> Option<i32> {
    let status = Command::new("sh")
        .args(["-c", "kill -TERM $0", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success());
    child.wait().expect("the process is ours").code()
}

/// A binary built beside this test.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test
        .ancestors()
        .find(|p| p.ends_with("debug") || p.ends_with("release"))
        .unwrap_or_else(|| Path::new("target/debug"))
        .to_owned();
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: run `make test`, or `cargo build --workspace --bins` first",
        path.display()
    );
    path
}

/// A free port for each service. All are held until the last is found.
fn ports() -> BTreeMap<&'static str, u16> {
    let held: Vec<(&'static str, TcpListener)> = SERVICES
        .iter()
        .map(|s| (*s, free_listener(None).expect("a port is free")))
        .collect();
    held.iter()
        .map(|(s, l)| (*s, l.local_addr().expect("it is bound").port()))
        .collect()
}
