//! The private servers against the programs that are installed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use redress_local::{Durability, Error, Postgres, PostgresOptions, Redis, RedisOptions};
use sqlx::{Connection, PgConnection};

/// Set for the process that a test starts in order to kill it.
const HOME_OF_VICTIM: &str = "REDRESS_LOCAL_TEST_HOME";

/// A home that everybody can pass through, removed afterwards.
struct Home(tempfile::TempDir);

impl Home {
    fn new(mode: u32) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("redress-local-")
            .tempdir()
            .expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode))
            .expect("a mode");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn small() -> PostgresOptions {
    PostgresOptions {
        durability: Durability::None,
        shared_buffers: "16MB".to_owned(),
        max_connections: 20,
        ..PostgresOptions::default()
    }
}

async fn connect(server: &Postgres) -> PgConnection {
    PgConnection::connect(&server.admin_url())
        .await
        .expect("the server answers")
}

fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let started = Instant::now();
    while !reached() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "not in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(pid: &str) {
    let killed = Command::new("sh")
        .args(["-c", "kill -KILL $0", pid.trim()])
        .status();
    assert!(killed.expect("runs").success());
}

fn refused(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_err()
}

#[tokio::test]
async fn a_second_start_finds_the_data_of_the_first_on_the_same_port() {
    let home = Home::new(0o755);
    assert!(!Postgres::has_data(home.path()));
    let first = Postgres::start(home.path(), &small()).expect("starts");
    let port = first.port();
    let mut connection = connect(&first).await;
    sqlx::raw_sql("CREATE TABLE kept AS SELECT '投诉' AS word")
        .execute(&mut connection)
        .await
        .expect("is made");
    drop(connection);
    assert!(matches!(
        Postgres::start(home.path(), &small()),
        Err(Error::AlreadyRunning { .. })
    ));
    first.stop();
    assert!(refused(port));
    assert!(Postgres::has_data(home.path()));

    let second = Postgres::start(home.path(), &small()).expect("starts again");
    assert_eq!(second.port(), port);
    let mut connection = connect(&second).await;
    let (word, encoding): (String, String) =
        sqlx::query_as("SELECT word, current_setting('server_encoding') FROM kept")
            .fetch_one(&mut connection)
            .await
            .expect("was kept");
    assert_eq!((word.as_str(), encoding.as_str()), ("投诉", "UTF8"));
    drop(connection);
    second.stop();

    let fresh = Postgres::start(
        home.path(),
        &PostgresOptions {
            fresh: true,
            ..small()
        },
    )
    .expect("starts empty");
    let mut connection = connect(&fresh).await;
    let kept: bool = sqlx::query_scalar("SELECT to_regclass('kept') IS NOT NULL")
        .fetch_one(&mut connection)
        .await
        .expect("answers");
    assert!(!kept, "a fresh start keeps nothing");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_right_one_is_kept_from_others() {
    let home = Home::new(0o755);
    let server = Postgres::start(
        home.path(),
        &PostgresOptions {
            ephemeral: true,
            ..small()
        },
    )
    .expect("starts");
    let wrong = PgConnection::connect(&server.url("postgres", "guess", "postgres")).await;
    assert!(wrong.is_err(), "scram asks for the password");
    let mode = |path: PathBuf| {
        std::fs::metadata(path)
            .expect("exists")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(home.path().join("postgres.json")), 0o600);
    assert_eq!(mode(server.data_folder()), 0o700);
}

#[tokio::test]
async fn a_home_that_the_servers_user_cannot_reach_keeps_its_data_elsewhere() {
    let home = Home::new(0o700);
    let options = PostgresOptions {
        ephemeral: true,
        ..small()
    };
    let server = Postgres::start(home.path(), &options).expect("starts");
    connect(&server).await;
    let is_root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    assert_eq!(server.note().is_some(), is_root);
    if let Some(note) = server.note() {
        let folder = server.data_folder();
        let folder = folder.parent().expect("the server's").display().to_string();
        assert!(note.contains(&folder), "{note} names {folder}");
    }
    assert_eq!(
        server
            .data_folder()
            .starts_with(home.path().canonicalize().expect("exists")),
        !is_root
    );
    let folder = server.data_folder();
    server.stop();
    assert!(
        !folder.exists(),
        "an ephemeral server takes its files along"
    );
}

#[test]
fn cleaning_takes_the_home_and_what_lies_elsewhere_and_nothing_that_is_no_home() {
    let around = Home::new(0o700);
    let home = around.path().join("home");
    let server = Postgres::start(&home, &small()).expect("starts");
    let data = server.data_folder();
    server.stop();
    let clean = |home: &Path| {
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/clean"))
            .env("REDRESS_HOME", home)
            .output()
            .expect("runs")
    };
    let refused = clean(around.path());
    assert!(!refused.status.success(), "no home: {refused:?}");
    assert!(home.exists() && data.exists());
    let cleaned = clean(&home);
    assert!(cleaned.status.success(), "{cleaned:?}");
    assert!(!home.exists() && !data.exists());
    let again = clean(&home);
    assert!(
        again.status.success(),
        "nothing is left to clean: {again:?}"
    );
}

#[tokio::test]
async fn a_killed_server_that_left_its_pid_file_starts_again() {
    let home = Home::new(0o755);
    let server = Postgres::start(home.path(), &small()).expect("starts");
    let pid_file = server.data_folder().join("postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).expect("is there");
    let pid = text.lines().next().expect("a pid").to_owned();
    assert!(server.ended().is_none());
    kill(&pid);
    wait_until("its end is seen", || server.ended().is_some());
    drop(server);
    assert!(pid_file.exists(), "a killed server leaves it");
    // The number now belongs to a process that is no PostgreSQL.
    std::fs::write(
        &pid_file,
        text.replacen(&pid, &std::process::id().to_string(), 1),
    )
    .expect("is written");
    let again = Postgres::start(home.path(), &small()).expect("starts again");
    connect(&again).await;
}

#[tokio::test]
async fn data_of_a_version_that_is_not_installed_is_left_alone_and_named() {
    let home = Home::new(0o755);
    let server = Postgres::start(home.path(), &small()).expect("starts");
    let version = server.data_folder().join("PG_VERSION");
    server.stop();
    std::fs::write(&version, "9\n").expect("is written");
    let error = Postgres::start(home.path(), &small()).expect_err("cannot open it");
    assert!(
        error.to_string().contains("made by PostgreSQL 9"),
        "{error}"
    );
    assert!(version.exists());
}

#[test]
fn both_servers_die_with_a_parent_that_is_killed() {
    let home = Home::new(0o755);
    let mut victim = Command::new(std::env::current_exe().expect("a test binary"))
        .args([
            "--ignored",
            "--exact",
            "victim_that_starts_both_servers_and_waits",
        ])
        .env(HOME_OF_VICTIM, home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("runs");
    let ready = home.path().join("ready");
    wait_until("the victim's servers run", || ready.exists());
    let ports: Vec<u16> = std::fs::read_to_string(&ready)
        .expect("is there")
        .split_whitespace()
        .map(|port| port.parse().expect("a port"))
        .collect();
    assert!(ports.iter().all(|port| !refused(*port)));
    victim.kill().expect("is killed");
    victim.wait().expect("ends");
    wait_until("both servers are gone", || {
        ports.iter().all(|port| refused(*port))
    });
    wait_until("their files are gone", || {
        ["postgres", "redis"]
            .iter()
            .all(|folder| !home.path().join(folder).exists())
    });
}

#[test]
#[ignore = "is started by both_servers_die_with_a_parent_that_is_killed"]
fn victim_that_starts_both_servers_and_waits() {
    let home = PathBuf::from(std::env::var_os(HOME_OF_VICTIM).expect("a home"));
    let postgres = Postgres::start(
        &home,
        &PostgresOptions {
            ephemeral: true,
            ..small()
        },
    )
    .expect("postgres starts");
    let redis = Redis::start(&home, &RedisOptions::for_tests()).expect("redis starts");
    let ports = format!("{} {}", postgres.port(), redis.port());
    std::fs::write(home.join("ready.new"), ports).expect("is written");
    std::fs::rename(home.join("ready.new"), home.join("ready")).expect("is renamed");
    std::thread::sleep(Duration::from_secs(60));
}

#[tokio::test]
async fn redis_is_emptied_frozen_ended_and_started_again() {
    let home = Home::new(0o700);
    let server = Redis::start(home.path(), &RedisOptions::for_tests()).expect("starts");
    let client = redis::Client::open(server.url()).expect("a url");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("connects");
    let exists =
        async |connection: &mut redis::aio::MultiplexedConnection| -> redis::RedisResult<bool> {
            redis::cmd("EXISTS")
                .arg("word")
                .query_async(connection)
                .await
        };
    let set = async |connection: &mut redis::aio::MultiplexedConnection| {
        redis::cmd("SET")
            .arg("word")
            .arg("x")
            .query_async::<()>(connection)
            .await
            .expect("is set");
    };
    set(&mut connection).await;
    server.flush().expect("is flushed");
    assert!(!exists(&mut connection).await.expect("answers"));

    set(&mut connection).await;
    server.pause();
    assert!(
        exists(&mut connection).await.is_err(),
        "a frozen server answers nothing"
    );
    server.resume();
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("connects again");
    assert!(exists(&mut connection).await.expect("answers"));

    let port = server.port();
    assert!(server.ended().is_none());
    kill(&std::fs::read_to_string(server.folder().join("redis.pid")).expect("is there"));
    wait_until("its end is seen", || server.ended().is_some());
    server.restart().expect("starts again");
    assert!(server.ended().is_none());
    assert_eq!(server.port(), port);

    server.halt();
    assert!(refused(port));
    server.restart().expect("starts again");
    assert_eq!(server.port(), port);
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("connects again");
    assert!(
        !exists(&mut connection).await.expect("answers"),
        "it keeps nothing"
    );

    let open = redis::Client::open(format!("redis://127.0.0.1:{port}/")).expect("a url");
    let mut stranger = open
        .get_multiplexed_async_connection()
        .await
        .expect("connects");
    assert!(
        exists(&mut stranger).await.is_err(),
        "it asks for the password"
    );
    let folder = server.folder().to_owned();
    server.stop();
    assert!(!folder.exists());
}

#[test]
fn doctor_names_what_is_there() {
    let findings = redress_local::doctor();
    assert_eq!(findings.len(), 3);
    assert!(
        findings.iter().all(|finding| finding.state.is_ok()),
        "{findings:?}"
    );
}
