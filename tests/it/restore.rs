//! The drills of docs/runbook.md, by its own commands: a platform restored from a dump goes on where the dump was taken,
//! and a server goes back to a moment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use redress_local::{Postgres, PostgresOptions};
use redress_model::words::{Channel, ClockKind, ClockState, Word as _};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::intake::v1::{
    Case, CreateCaseRequest, GetCaseRequest, ListTimelineRequest, VerifyTimelinesRequest,
};
use redress_proto::triage::v1::ListClocksRequest;
use redress_store::Role;
use redress_testkit::eventually;
use redress_tests::{Platform, SERVICES, SITE};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use uuid::Uuid;

use crate::PATIENCE;

const RUNBOOK: &str = include_str!("../../docs/runbook.md");
/// Of a grade-1 complaint, the promise that is due first.
const FIRST_PROMISE: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

/// The commands that the runbook gives for a drill.
fn commands(drill: &str) -> &'static str {
    let rest = RUNBOOK.split_once(&format!("```sh {drill}\n"));
    let (_, rest) = rest.unwrap_or_else(|| panic!("the runbook has no {drill}"));
    rest.split_once("```").expect("a block ends").0
}

/// Where PostgreSQL's programs are; not all of them are on the path everywhere.
fn programs() -> String {
    let output = Command::new("pg_config").arg("--bindir").output();
    let found = output.ok().filter(|o| o.status.success());
    let folder = match found {
        Some(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        None => std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin").display().to_string())
            .max()
            .unwrap_or_default(),
    };
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}

/// Follows the runbook, in the root of this repository, whose files its commands name.
fn follow(drill: &str, variables: &[(&str, &str)], scratch: &Path) {
    let script = commands(drill).replace(
        "redress.dump",
        &scratch.join("redress.dump").display().to_string(),
    );
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .env("PATH", programs())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{drill}: {told}");
}

async fn start(home: PathBuf, options: PostgresOptions) -> Postgres {
    tokio::task::spawn_blocking(move || Postgres::start(&home, &options))
        .await
        .expect("it does not panic")
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn complain(platform: &Platform, text: &str, received: jiff::Timestamp) -> Case {
    let request = CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(Case {
            channel: to_wire(Channel::Visit),
            headcount: 12,
            text: text.to_owned(),
            received_time: Some(to_timestamp(received)),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = platform.callers().cases().create_case(request).await;
    let answer = answer.expect("the complaint is taken in").into_inner();
    answer.case.expect("the answer carries the case")
}

async fn read(platform: &Platform, name: &str) -> Result<Case, String> {
    let request = GetCaseRequest {
        name: name.to_owned(),
    };
    let answer = platform.callers().cases().get_case(request).await;
    let answer = answer.map_err(|s| s.to_string())?.into_inner();
    answer.case.ok_or_else(|| "an empty answer".to_owned())
}

/// What is on a case's timeline: each entry by its hash, which covers all of it and all before it.
async fn timeline(platform: &Platform, case: &str) -> Vec<(i64, String)> {
    let request = ListTimelineRequest {
        parent: case.to_owned(),
        page_size: 200,
        ..Default::default()
    };
    let answer = platform.callers().cases().list_timeline(request).await;
    let entries = answer.expect("listed").into_inner().entries;
    entries.into_iter().map(|e| (e.sequence, e.hash)).collect()
}

async fn promise(platform: &Platform, case: &str) -> Result<i32, String> {
    let request = ListClocksRequest {
        parent: format!("sites/{SITE}"),
        case: case.to_owned(),
        ..Default::default()
    };
    let answer = platform.callers().clocks().list_clocks(request).await;
    let clocks = answer.map_err(|s| s.to_string())?.into_inner().clocks;
    let found = clocks
        .iter()
        .find(|c| c.kind == ClockKind::Acknowledge.number());
    found
        .map(|c| c.state)
        .ok_or_else(|| "no promise yet".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_platform_restored_from_a_dump_has_its_cases_fires_its_clocks_and_verifies() {
    let platform = Platform::start().await;
    // Due after the dump, so that only the restored platform can fire it.
    let due_soon = jiff::Timestamp::now() - FIRST_PROMISE + jiff::SignedDuration::from_secs(40);
    let kept = complain(&platform, "三期规划图纸改了,中心绿地变成了停车场", due_soon).await;
    let settled = eventually(PATIENCE, async || {
        let case = read(&platform, &kept.name).await?;
        let settled = !case.incident.is_empty() && case.clocks.len() >= 3;
        promise(&platform, &kept.name).await?;
        settled.then_some(case).ok_or("not settled".to_owned())
    })
    .await;
    let running = promise(&platform, &kept.name).await;
    assert_eq!(
        running,
        Ok(ClockState::Running.number()),
        "it is not due yet"
    );

    // The dump is taken from the running platform; what comes later is not in it.
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    let home = scratch.path().join("restored");
    let options = PostgresOptions::for_tests();
    let server = start(home, options).await;
    let admin = server.admin_url();
    let to = admin
        .strip_suffix("/postgres")
        .expect("it names a database");
    let from = platform.database.admin_options().to_url_lossy();
    // What follows the name is sqlx's own; PostgreSQL's programs do not know it.
    let from = from.as_str().split('?').next().unwrap_or_default();
    let entries = timeline(&platform, &kept.name).await;
    follow("drill-dump", &[("FROM", from), ("TO", to)], scratch.path());
    let lost = complain(
        &platform,
        "电梯每天停运,老人上下楼非常困难",
        jiff::Timestamp::now(),
    )
    .await;
    for service in SERVICES {
        platform.kill(service);
    }

    // Passwords, addresses, an empty Redis: as the runbook says.
    let mut connection = PgConnection::connect(&format!("{to}/redress"))
        .await
        .expect("it answers");
    let password = Uuid::new_v4().simple().to_string();
    for service in SERVICES {
        for role in Role::ALL {
            let alter = format!("ALTER ROLE {} PASSWORD '{password}'", role.name(service));
            sqlx::query(AssertSqlSafe(alter))
                .execute(&mut connection)
                .await
                .expect("the roles were made");
            let key = match role {
                Role::Owner => "DATABASE__OWNER_URL",
                Role::App => "DATABASE__APP_URL",
                Role::Worker => "DATABASE__WORKER_URL",
            };
            let url = server.url(&role.name(service), &password, "redress");
            platform.configure(service, key, &url);
        }
    }
    platform.redis.renew().await;
    for service in SERVICES {
        // Nothing to do for the same release, but its Job runs.
        platform.migrate(service);
        platform.launch(service);
    }
    for service in SERVICES {
        platform.ready(service).await;
    }

    let again = read(&platform, &kept.name)
        .await
        .expect("it was in the dump");
    assert_eq!(again.number, settled.number);
    assert_eq!(again.incident, settled.incident);
    let now = timeline(&platform, &kept.name).await;
    let missing: Vec<_> = entries.iter().filter(|e| !now.contains(e)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let gone = read(&platform, &lost.name).await;
    assert!(gone.is_err(), "what came after the dump is not in it");
    eventually(PATIENCE, async || {
        let state = promise(&platform, &kept.name).await?;
        (state == ClockState::Breached.number())
            .then_some(())
            .ok_or_else(|| format!("the promise is {state}"))
    })
    .await;
    let request = VerifyTimelinesRequest {
        parent: format!("sites/{SITE}"),
        ..Default::default()
    };
    let verified = platform.callers().cases().verify_timelines(request).await;
    let verified = verified.expect("verified").into_inner();
    assert_eq!(
        (verified.case_count, verified.broken),
        (1, Vec::new()),
        "I12"
    );
    // New complaints get numbers that nobody had.
    let next = complain(&platform, "地下室墙体开裂漏水", jiff::Timestamp::now()).await;
    assert_ne!(next.number, kept.number);
    connection.close().await.expect("closes");
}

/// Runs one of PostgreSQL's programs, which refuse to be root.
fn as_postgres(program: &str, arguments: &[&str]) {
    let root = Command::new("id").arg("-u").output().expect("id runs");
    let mut command = if root.stdout.trim_ascii() == b"0" {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", program]);
        command
    } else {
        Command::new(program)
    };
    let status = command
        .args(arguments)
        .current_dir("/")
        .env("PATH", programs())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert!(
        status.expect("it runs").success(),
        "{program} {arguments:?}"
    );
}

/// A folder that the server may write to, whoever it runs as.
fn open_folder(name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("{name}-{}", Uuid::new_v4().simple()));
    std::fs::create_dir(&folder).expect("a temporary folder can be made");
    let mode = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&folder, mode).expect("it is ours");
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_goes_back_to_a_moment_by_the_runbook() {
    let (archive, copy) = (open_folder("redress-archive"), open_folder("redress-copy"));
    let data = copy.join("data");
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let archived = format!("test ! -f {0}/%f && cp %p {0}/%f", archive.display());
    let options = PostgresOptions {
        settings: [
            ("wal_level", "replica"),
            ("max_wal_senders", "4"),
            ("archive_mode", "on"),
            ("archive_command", archived.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..PostgresOptions::for_tests()
    };
    let folder = home.path().to_owned();
    let server = start(folder, options).await;
    let mut admin = PgConnection::connect(&server.admin_url())
        .await
        .expect("it answers");
    let run = async |connection: &mut PgConnection, statement: &'static str| {
        sqlx::raw_sql(statement)
            .execute(connection)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    run(&mut admin, "CREATE TABLE complaint (number int)").await;
    let (at, place) = (data.display().to_string(), archive.display().to_string());
    let url = server.admin_url();
    follow(
        "drill-base",
        &[("SERVER", url.as_str()), ("DATA", at.as_str())],
        home.path(),
    );
    run(&mut admin, "INSERT INTO complaint VALUES (1)").await;
    let moment: String = sqlx::query_scalar("SELECT clock_timestamp()::text")
        .fetch_one(&mut admin)
        .await
        .expect("it knows the time");
    run(&mut admin, "SELECT pg_sleep(0.05)").await;
    run(&mut admin, "DELETE FROM complaint").await;
    run(&mut admin, "SELECT pg_switch_wal()").await;
    eventually(Duration::from_secs(30), async || {
        let behind: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'",
        )
        .fetch_one(&mut admin)
        .await
        .map_err(|e| e.to_string())?;
        (behind == 0)
            .then_some(())
            .ok_or("not archived yet".to_owned())
    })
    .await;

    let variables = [
        ("DATA", at.as_str()),
        ("ARCHIVE", place.as_str()),
        ("MOMENT", moment.as_str()),
    ];
    follow("drill-moment", &variables, home.path());
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port();
    let root = Command::new("id").arg("-u").output().expect("id runs");
    if root.stdout.trim_ascii() == b"0" {
        let owned = Command::new("chown")
            .args(["-R", "postgres"])
            .arg(&copy)
            .status();
        assert!(owned.expect("chown runs").success());
    }
    let own = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c archive_mode=off -c max_connections=400"
    );
    let log = copy.join("log").display().to_string();
    as_postgres(
        "pg_ctl",
        &["-D", &at, "-w", "-l", &log, "-o", &own, "start"],
    );
    let restored = server
        .admin_url()
        .replace(&format!(":{}/", server.port()), &format!(":{port}/"));
    let mut restored = PgConnection::connect(&restored).await.expect("it answers");
    let found = eventually(Duration::from_secs(30), async || {
        sqlx::query_scalar::<_, Vec<i32>>(
            "SELECT array_agg(number) FROM complaint WHERE NOT pg_is_in_recovery()",
        )
        .fetch_one(&mut restored)
        .await
    })
    .await;
    assert_eq!(
        found,
        [1],
        "the deletion that came after the moment never happened"
    );
    restored.close().await.expect("closes");
    as_postgres("pg_ctl", &["-D", &at, "-m", "immediate", "stop"]);
    for folder in [archive, copy] {
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
