//! `redress up`: the whole platform in one process, on a Postgres and a Redis of its own.
//!
//! The services run the code that runs on Kubernetes, each on its own tokio runtime and with its own
//! telemetry. Everything that must outlast a restart lies in the data folder: keys, ports, the
//! database. Whatever is left half done by a crash is finished by the next start.

pub(crate) mod lock;
mod seed;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use owo_colors::OwoColorize as _;
use redress_assignment::AssignmentService;
use redress_crisis::CrisisService;
use redress_intake::IntakeService;
use redress_local::{Postgres, PostgresOptions, Redis, RedisOptions};
use redress_notification::NotificationService;
use redress_rpc::auth::Grant;
use redress_runtime::Service;
use redress_runtime::config::Sources;
use redress_runtime::host::{self, Handle, Hosting};
use redress_store::{Database, Role};
use redress_triage::TriageService;
use secrecy::SecretString;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;

use crate::args::UpArgs;
use crate::commands::token;
use crate::connect::{Endpoints, Home, Platform};
use crate::failure::Failure;
use crate::output::{Output, line};

/// The database of the platform.
const DATABASE: &str = "redress";

/// How long the development token is good for.
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// Runs the platform until it is told to end.
pub(crate) async fn run(home: &Home, args: &UpArgs, out: Output) -> Result<(), Failure> {
    let started = Instant::now();
    std::fs::create_dir_all(home.folder()).map_err(|source| Failure::File {
        what: "cannot make",
        path: home.folder().display().to_string(),
        source,
    })?;
    let _lock = lock::Lock::take(home)?;
    let _ = std::fs::remove_file(home.ready());
    let demo = seed::Demo::read(args.demo.as_deref())?;

    let stores = Stores::start(home.folder(), args.fresh).await?;
    let secrets = settings::Secrets::of(home, args.fresh)?;
    let admin: PgConnectOptions = stores
        .postgres
        .admin_url()
        .parse()
        .map_err(|e: sqlx::Error| Failure::platform("the private Postgres gave a bad URL", e))?;
    redress_store::bootstrap(&admin, DATABASE, |service, role| {
        Some(secrets.password(service, role))
    })
    .await
    .map_err(|e| Failure::platform("the database cannot be set up", e))?;

    let ports = settings::Ports::of(home)?;
    let endpoints = ports.endpoints();
    let overlay = |service: &str| {
        settings::overlay(
            home,
            service,
            &ports,
            &stores.redis.url(),
            &args.log,
            |role| role_url(&admin, service, role, &secrets),
        )
    };
    let handles = vec![
        start::<IntakeService>(&admin, &secrets, overlay("intake")).await?,
        start::<TriageService>(&admin, &secrets, overlay("triage")).await?,
        start::<AssignmentService>(&admin, &secrets, overlay("assignment")).await?,
        start::<NotificationService>(&admin, &secrets, overlay("notification")).await?,
        start::<CrisisService>(&admin, &secrets, overlay("crisis")).await?,
    ];
    for handle in &handles {
        handle
            .ready()
            .await
            .map_err(|e| Failure::platform("a service did not become ready", e))?;
    }

    let token = token::mint(
        home,
        Grant {
            subject: "developer".to_owned(),
            roles: vec!["admin".to_owned()],
            organizations: vec![demo.organization().to_owned()],
            ..Grant::default()
        },
        TOKEN_LIFETIME,
    )?;
    settings::write_private(&home.token(), &token)?;
    settings::write_private(
        &home.endpoints(),
        &serde_json::to_string_pretty(&endpoints)
            .map_err(|e| Failure::platform("the endpoints cannot be written", e))?,
    )?;

    let platform = Platform::connect(&endpoints, &token)?;
    let known = demo.exists(&platform).await?;
    demo.seed(&platform).await?;
    settings::write_private(&home.ready(), &std::process::id().to_string())?;
    announce(home, &endpoints, &stores, known, started.elapsed(), out);

    let end = wait_for_the_end(&handles).await;
    let _ = std::fs::remove_file(home.ready());
    if !out.json {
        anstream::println!("ending");
    }
    for handle in &handles {
        handle.shutdown();
    }
    let mut result = end;
    for handle in &handles {
        if let Err(e) = handle.ended().await {
            result = result.and(Err(Failure::platform("a service ended badly", e)));
        }
    }
    stores.stop().await;
    result
}

/// The private Postgres and Redis.
struct Stores {
    postgres: Postgres,
    redis: Redis,
}

impl Stores {
    async fn start(folder: &Path, fresh: bool) -> Result<Self, Failure> {
        let folder = folder.to_owned();
        blocking(move || {
            let postgres = Postgres::start(
                &folder,
                &PostgresOptions {
                    fresh,
                    max_connections: 200,
                    ..PostgresOptions::default()
                },
            )?;
            let redis = Redis::start(&folder, &RedisOptions::default())?;
            Ok::<_, redress_local::Error>(Self { postgres, redis })
        })
        .await?
        .map_err(|e| Failure::platform("the private Postgres and Redis do not start", e))
    }

    async fn stop(self) {
        let _ = blocking(move || {
            self.redis.stop();
            self.postgres.stop();
        })
        .await;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Failure::platform("a background task failed", e))
}

fn role_url(
    admin: &PgConnectOptions,
    service: &str,
    role: Role,
    secrets: &settings::Secrets,
) -> SecretString {
    redress_store::role_url(
        admin,
        DATABASE,
        service,
        role,
        Some(&secrets.password(service, role)),
    )
}

/// Migrates a service's schema and starts the service.
async fn start<S: Service>(
    admin: &PgConnectOptions,
    secrets: &settings::Secrets,
    overlay: String,
) -> Result<Handle, Failure> {
    let url = role_url(admin, S::NAME, Role::Owner, secrets);
    let owner = Database::connect_owner(&url, S::NAME)
        .await
        .map_err(|e| Failure::platform("the database cannot be reached", e))?;
    let migrated = redress_store::migrate(&owner, S::NAME, &S::migrators()).await;
    owner.close().await;
    migrated.map_err(|e| Failure::platform("a schema cannot be migrated", e))?;
    host::start::<S>(Hosting {
        sources: Sources {
            overlay: Some(overlay),
            environment: true,
            ..Sources::default()
        },
        clock: None,
    })
    .map_err(|e| Failure::platform("a service does not start", e))
}

/// Ctrl-C, SIGTERM, or a service that ended by itself.
async fn wait_for_the_end(handles: &[Handle]) -> Result<(), Failure> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|e| Failure::platform("signals cannot be taken", e))?;
    let any_ended = futures::future::select_all(handles.iter().map(|h| Box::pin(h.ended())));
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = any_ended => Err(Failure::platform(
            "a service ended by itself",
            "see its log above",
        )),
    }
}

fn announce(
    home: &Home,
    endpoints: &Endpoints,
    stores: &Stores,
    known: bool,
    took: Duration,
    out: Output,
) {
    if out.json {
        anstream::println!(
            "{}",
            json!({ "endpoints": endpoints, "token_file": home.token().display().to_string() })
        );
        return;
    }
    anstream::println!(
        "{} in {:.1} s{}",
        "Redress is up".green().bold(),
        took.as_secs_f64(),
        if known {
            ""
        } else {
            ", with a demo organization"
        }
    );
    for (service, url) in endpoints {
        line(service, url);
    }
    line("postgres", format!("127.0.0.1:{}", stores.postgres.port()));
    line("redis", format!("127.0.0.1:{}", stores.redis.port()));
    line("token", home.token().display());
    if let Some(note) = stores.postgres.note() {
        line("note", note);
    }
}

/// Service → port, kept so that endpoints stay the same over restarts.
type PortMap = BTreeMap<String, u16>;
