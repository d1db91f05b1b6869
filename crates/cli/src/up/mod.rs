//! `redress up`: the whole platform in one process, on a Postgres and a Redis of its own.
//!
//! The services run the code that runs on Kubernetes, each on its own tokio runtime and with its own
//! telemetry. Everything that must outlast a restart lies in the data folder: keys, ports, the
//! database. Whatever is left half done by a crash is finished by the next start.

pub(crate) mod lock;
mod seed;
pub(crate) mod settings;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redress_assignment::AssignmentService;
use redress_crisis::CrisisService;
use redress_intake::IntakeService;
use redress_local::{Postgres, PostgresOptions, Redis, RedisOptions};
use redress_notification::NotificationService;
use redress_rpc::auth::Grant;
use redress_runtime::Service;
use redress_runtime::config::Sources;
use redress_runtime::host::{self, Handle, Hosting};
use redress_runtime::settings::ClockSettings;
use redress_store::{Database, Role};
use redress_triage::TriageService;
use secrecy::SecretString;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;

pub(crate) use seed::Demo;

use crate::args::UpArgs;
use crate::commands::token;
use crate::connect::{Endpoints, Home, Platform};
use crate::failure::Failure;
use crate::output::{Output, line};
use crate::paint::Paint as _;

/// The database of the platform.
const DATABASE: &str = "redress";

/// How long the development token is good for.
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often the private Postgres and Redis are looked after.
const LOOK: Duration = Duration::from_millis(500);

/// Runs the platform until it is told to end.
pub(crate) async fn run(home: &Home, args: &UpArgs, out: Output) -> Result<(), Failure> {
    let started = Instant::now();
    let how = How {
        fresh: args.fresh,
        demo: args.demo.as_deref(),
        log: &args.log,
        clock: ClockSettings::default(),
    };
    let running = Running::start(home, &how).await?;
    running.announce(home, started.elapsed(), out);
    let end = running.wait_for_the_end().await;
    if !out.json {
        crate::output::say!("ending");
    }
    // Why it ended says more than what the end brought with it.
    let stopped = running.stop(home).await;
    end.and(stopped)
}

/// How a platform is started.
#[derive(Debug)]
pub(crate) struct How<'a> {
    /// Without what an earlier one left.
    pub(crate) fresh: bool,
    /// The organization that is seeded; none: the built-in one.
    pub(crate) demo: Option<&'a Path>,
    /// Log filter of the services.
    pub(crate) log: &'a str,
    /// The clock of the business.
    pub(crate) clock: ClockSettings,
}

/// A platform that is up and seeded.
pub(crate) struct Running {
    /// Calls it as its administrator.
    pub(crate) platform: Platform,
    /// Where its services listen.
    pub(crate) endpoints: Endpoints,
    handles: Vec<Handle>,
    stores: Stores,
    known: bool,
    _lock: lock::Lock,
}

impl Running {
    /// Starts a platform in its data folder.
    pub(crate) async fn start(home: &Home, how: &How<'_>) -> Result<Self, Failure> {
        std::fs::create_dir_all(home.folder()).map_err(|source| Failure::File {
            what: "cannot make",
            path: home.folder().display().to_string(),
            source,
        })?;
        let lock = lock::Lock::take(home)?;
        let _ = std::fs::remove_file(home.ready());
        let demo = seed::Demo::read(how.demo)?;

        if !how.fresh {
            settings::keep_sealing_keys(home)?;
        }
        let stores = Stores::start(home.folder(), how.fresh).await?;
        if how.fresh {
            settings::new_sealing_keys(home)?;
        }
        let secrets = settings::Secrets::of(home)?;
        let admin: PgConnectOptions =
            stores
                .postgres
                .admin_url()
                .parse()
                .map_err(|e: sqlx::Error| {
                    Failure::platform("the private Postgres gave a bad URL", e)
                })?;
        redress_store::bootstrap(&admin, DATABASE, |service, role| {
            Some(secrets.password(service, role))
        })
        .await
        .map_err(|e| Failure::platform("the database cannot be set up", e))?;

        let ports = settings::Ports::of(home)?;
        let endpoints = ports.endpoints();
        let sources = |service: &str| Sources {
            overlay: Some(settings::overlay(
                home,
                service,
                &ports,
                &stores.redis.url(),
                how.log,
                how.clock,
                |role| role_url(&admin, service, role, &secrets),
            )),
            // What the environment says of gateways is for the real platform.
            environment: !how.clock.is_rehearsal(),
            ..Sources::default()
        };
        let handles = vec![
            start::<IntakeService>(&admin, &secrets, sources("intake")).await?,
            start::<TriageService>(&admin, &secrets, sources("triage")).await?,
            start::<AssignmentService>(&admin, &secrets, sources("assignment")).await?,
            start::<NotificationService>(&admin, &secrets, sources("notification")).await?,
            start::<CrisisService>(&admin, &secrets, sources("crisis")).await?,
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
        Ok(Self {
            platform,
            endpoints,
            handles,
            stores,
            known,
            _lock: lock,
        })
    }

    /// Ends it in good order.
    pub(crate) async fn stop(self, home: &Home) -> Result<(), Failure> {
        let _ = std::fs::remove_file(home.ready());
        for handle in &self.handles {
            handle.shutdown();
        }
        let mut result = Ok(());
        for handle in &self.handles {
            if let Err(e) = handle.ended().await {
                result = result.and(Err(Failure::platform("a service ended badly", e)));
            }
        }
        self.stores.stop().await;
        result
    }

    /// Ctrl-C, SIGTERM, or a service or Postgres that ended by itself.
    pub(crate) async fn wait_for_the_end(&self) -> Result<(), Failure> {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .map_err(|e| Failure::platform("signals cannot be taken", e))?;
        let any_ended =
            futures::future::select_all(self.handles.iter().map(|h| Box::pin(h.ended())));
        tokio::select! {
            _ = tokio::signal::ctrl_c() => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = any_ended => Err(Failure::platform(
                "a service ended by itself",
                "see its log above",
            )),
            failure = self.stores.look_after() => Err(failure),
        }
    }

    fn announce(&self, home: &Home, took: Duration, out: Output) {
        if out.json {
            crate::output::object(&json!({
                "endpoints": self.endpoints,
                "token_file": home.token().display().to_string(),
                "data": self.stores.postgres.data_folder().display().to_string(),
            }));
            return;
        }
        crate::output::say!(
            "{} in {:.1} s{}",
            "Redress is up".green().bold(),
            took.as_secs_f64(),
            if self.known {
                ""
            } else {
                ", with a demo organization"
            }
        );
        for (service, url) in &self.endpoints {
            line(service, url);
        }
        let stores = &self.stores;
        line("postgres", format!("127.0.0.1:{}", stores.postgres.port()));
        line("redis", format!("127.0.0.1:{}", stores.redis.port()));
        line("token", home.token().display());
        if let Some(note) = stores.postgres.note() {
            line("note", note);
        }
    }
}

/// The private Postgres and Redis.
struct Stores {
    postgres: Postgres,
    redis: Arc<Redis>,
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
            let redis = Arc::new(Redis::start(&folder, &RedisOptions::default())?);
            Ok::<_, redress_local::Error>(Self { postgres, redis })
        })
        .await?
        .map_err(|e| Failure::platform("the private Postgres and Redis do not start", e))
    }

    /// Starts Redis again whenever it ended: it holds no truth (I4). Ends when nothing can go on.
    async fn look_after(&self) -> Failure {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            if let Some(how) = self.postgres.ended() {
                return Failure::PostgresEnded {
                    how: how.to_string(),
                    log: self.postgres.log().display().to_string(),
                };
            }
            let Some(how) = self.redis.ended() else {
                continue;
            };
            let redis = Arc::clone(&self.redis);
            match blocking(move || redis.restart()).await {
                Ok(Ok(())) => anstream::eprintln!("Redis ended ({how}) and was started again"),
                Ok(Err(e)) => {
                    return Failure::platform("Redis ended and does not start again", e);
                }
                Err(failure) => return failure,
            }
        }
    }

    async fn stop(self) {
        let _ = blocking(move || {
            self.redis.halt();
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
    sources: Sources,
) -> Result<Handle, Failure> {
    let url = role_url(admin, S::NAME, Role::Owner, secrets);
    let owner = Database::connect_owner(&url, S::NAME)
        .await
        .map_err(|e| Failure::platform("the database cannot be reached", e))?;
    let migrated = redress_store::migrate(&owner, S::NAME, &S::migrators()).await;
    owner.close().await;
    migrated.map_err(|e| Failure::platform("a schema cannot be migrated", e))?;
    host::start::<S>(Hosting {
        sources,
        clock: None,
    })
    .map_err(|e| Failure::platform("a service does not start", e))
}

/// Service → port, kept so that endpoints stay the same over restarts.
type PortMap = BTreeMap<String, u16>;
