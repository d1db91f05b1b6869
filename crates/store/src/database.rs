//! The pools of a service and the runner of its transactions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};
use redress_model::Fault;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};
use tokio::sync::{broadcast, watch};
use tracing::Instrument as _;

use crate::fault::{is_retryable, why_away};
use crate::operation::Operation;
use crate::pool::Pool;
use crate::schema::{SchemaError, check_schema};
use crate::scope::Scope;
use crate::tx::{Leaves, Mode, Tx, UrgentEvent};

/// How often a transaction is run at most before its caller hears of it.
const ATTEMPTS_MAX: u32 = 6;
/// Upper bound of the first pause between two attempts; it doubles each time.
const BACKOFF_FIRST: Duration = Duration::from_millis(10);
/// Upper bound of any pause between two attempts.
const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// How long a request waits for a free connection before it is shed.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may have been idle and be used without asking whether it still works.
const ASKED_AFTER: Duration = Duration::from_secs(1);
/// How many statements a connection keeps prepared: more than a service has on its busiest paths.
const STATEMENTS_KEPT: usize = 400;
/// How many urgent events are kept for whoever listens slowly.
const URGENT_EVENTS_KEPT: usize = 1024;
/// Pause between two attempts to reach Postgres at start.
const START_PAUSE: Duration = Duration::from_millis(500);
/// How often waiting for Postgres at start is mentioned.
const START_REMINDER: Duration = Duration::from_secs(30);

/// Where a service's Postgres is. Each URL names its own role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// URL of the role `redress_<service>_app`.
    pub app_url: SecretString,
    /// URL of the role `redress_<service>_worker`.
    pub worker_url: SecretString,
    /// URL of the role `redress_<service>_owner`; only `migrate` needs it.
    #[serde(default)]
    pub owner_url: Option<SecretString>,
    /// Connections of requests and handlers.
    #[serde(default = "default_max_connections")]
    pub max_connections: u32,
    /// Connections of background scans.
    #[serde(default = "default_max_worker_connections")]
    pub max_worker_connections: u32,
    /// How long a schema that is behind is waited for.
    #[serde(default)]
    pub schema_wait_seconds: u64,
}

impl DatabaseSettings {
    /// What can be told of it before anybody connects.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn check(&self) -> Result<(), ConnectError> {
        options(&self.app_url, "app_url")?;
        options(&self.worker_url, "worker_url")?;
        if let Some(owner_url) = &self.owner_url {
            options(owner_url, "owner_url")?;
        }
        for (setting, connections) in [
            ("max_connections", self.max_connections),
            ("max_worker_connections", self.max_worker_connections),
        ] {
            if connections == 0 {
                return Err(ConnectError::NoConnections { setting });
            }
        }
        Ok(())
    }
}

fn default_max_connections() -> u32 {
    20
}

fn default_max_worker_connections() -> u32 {
    6
}

/// Why a service cannot use its database. Its text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A URL is not one of Postgres.
    #[error(
        "database.{setting} is not a URL of Postgres; write it like postgres://role:password@host/database"
    )]
    Url {
        /// The setting.
        setting: &'static str,
    },
    /// A pool that could never hand out a connection.
    #[error("database.{setting} is 0, so nothing could be read; set it to 1 or more")]
    NoConnections {
        /// The setting.
        setting: &'static str,
    },
    /// The schema and this release do not fit together.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// The database of one service. Cloning shares the pools.
#[derive(Debug, Clone)]
pub struct Database {
    app: Pool,
    worker: Pool,
    service: &'static str,
    wakes: Arc<watch::Sender<u64>>,
    publications: Arc<watch::Sender<u64>>,
    urgent_events: broadcast::Sender<UrgentEvent>,
    hurries: Arc<watch::Sender<Option<Instant>>>,
    duration: Histogram<f64>,
    retries: Counter<u64>,
}

impl Database {
    /// Connects. Waits for as long as Postgres is away and says so in the log once, then every 30
    /// seconds; then for a schema that is behind, for as long as the settings say; then refuses a
    /// schema that does not fit the given migrations.
    ///
    /// # Errors
    /// A wrong URL, or a schema that is behind, ahead or changed.
    pub async fn connect(
        settings: &DatabaseSettings,
        service: &'static str,
        migrators: &[&Migrator],
        meter: &Meter,
    ) -> Result<Self, ConnectError> {
        let app = pool(
            &settings.app_url,
            "app_url",
            service,
            settings.max_connections,
        )?;
        let worker = pool(
            &settings.worker_url,
            "worker_url",
            service,
            settings.max_worker_connections,
        )?;
        wait_for(&app, "app_url").await;
        wait_for(&worker, "worker_url").await;
        let patience = Duration::from_secs(settings.schema_wait_seconds);
        wait_for_schema(&app, service, migrators, patience).await?;
        Ok(Self::from_pools(app, worker, service, meter))
    }

    /// A database over pools that exist already: for tests and tools that checked the schema.
    pub fn from_pools(app: PgPool, worker: PgPool, service: &'static str, meter: &Meter) -> Self {
        show_saturation(meter, [("app", app.clone()), ("worker", worker.clone())]);
        Self {
            app: Pool::new(app),
            worker: Pool::new(worker),
            service,
            wakes: Arc::new(watch::Sender::new(0)),
            publications: Arc::new(watch::Sender::new(0)),
            urgent_events: broadcast::Sender::new(URGENT_EVENTS_KEPT),
            hurries: Arc::new(watch::Sender::new(None)),
            duration: meter
                .f64_histogram("db.client.operation.duration")
                .with_unit("s")
                .with_description("Duration of a named transaction, all attempts together.")
                .with_boundaries(vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0])
                .build(),
            retries: meter
                .u64_counter("redress.db.transaction.retries")
                .with_unit("{attempt}")
                .with_description("Attempts of a transaction beyond its first.")
                .build(),
        }
    }

    /// A pool of the owner role, for migrations. Waits for Postgres as [`connect`](Self::connect) does.
    ///
    /// # Errors
    /// A wrong URL.
    pub async fn connect_owner(
        owner_url: &SecretString,
        service: &str,
    ) -> Result<PgPool, ConnectError> {
        let owner = pool(owner_url, "owner_url", service, 2)?;
        wait_for(&owner, "owner_url").await;
        Ok(owner)
    }

    /// Name of the service, which is its schema's name too.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// The pool of the worker role: statements that look across all sites.
    pub fn worker(&self) -> &PgPool {
        &self.worker.connections
    }

    /// Changes whenever a transaction that called [`Tx::wake`] has committed in this process.
    pub fn wakes(&self) -> watch::Receiver<u64> {
        self.wakes.subscribe()
    }

    /// Changes whenever a transaction that called [`Tx::wake_relay`] has committed in this process.
    pub fn publications(&self) -> watch::Receiver<u64> {
        self.publications.subscribe()
    }

    /// The events for which a transaction of this process called [`Tx::hurry_relay`], once it has committed. Whoever
    /// listens too slowly misses some.
    pub fn urgent_events(&self) -> broadcast::Receiver<UrgentEvent> {
        self.urgent_events.subscribe()
    }

    /// When something urgent was last said, as far as is known here: what can wait gives way to what follows from it.
    pub fn hurries(&self) -> watch::Receiver<Option<Instant>> {
        self.hurries.subscribe()
    }

    /// Something urgent was said, here or by another service.
    pub fn hurry(&self) {
        self.hurries.send_replace(Some(Instant::now()));
    }

    /// Wakes everyone who waits on [`wakes`](Self::wakes) or [`publications`](Self::publications): for news from other
    /// replicas.
    pub fn wake(&self) {
        self.tell(Leaves::Events);
    }

    fn tell(&self, leaves: Leaves) {
        let more = |n: &mut u64| *n = n.wrapping_add(1);
        for (what, heard) in [
            (Leaves::Events, &self.publications),
            (Leaves::Work, &self.wakes),
        ] {
            if leaves >= what {
                heard.send_modify(more);
            }
        }
    }

    /// Closes both pools after their connections have come back.
    pub async fn close(&self) {
        self.app.connections.close().await;
        self.worker.connections.close().await;
    }

    /// Whether Postgres answers now: for readiness.
    pub async fn is_reachable(&self) -> bool {
        let app = &self.app.connections;
        sqlx::query("SELECT 1").execute(app).await.is_ok()
    }

    /// Runs the operation in one transaction confined to `scope`. A lost race or a connection that
    /// breaks before the commit is tried again, at most 6 times over about a second.
    ///
    /// # Errors
    /// The operation's fault; UNAVAILABLE when Postgres is away or it is unknown whether the commit
    /// happened.
    pub async fn run<O: Operation>(
        &self,
        scope: &Scope,
        operation: &O,
    ) -> Result<O::Output, Fault> {
        self.retrying(&self.app, Mode::Write, Some(scope), operation)
            .await
    }

    /// Runs an operation that only reads, in one snapshot.
    ///
    /// # Errors
    /// As [`run`](Self::run); INTERNAL when it writes after all.
    pub async fn read<O: Operation>(
        &self,
        scope: &Scope,
        operation: &O,
    ) -> Result<O::Output, Fault> {
        self.retrying(&self.app, Mode::Read, Some(scope), operation)
            .await
    }

    /// Runs an operation of the worker role, which sees due, outbox and inbox columns of all sites.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn work<O: Operation>(&self, operation: &O) -> Result<O::Output, Fault> {
        self.retrying(&self.worker, Mode::Write, None, operation)
            .await
    }

    /// Runs an operation of the worker role that does a batch and says how much, until it finds less than that. Returns
    /// how much it did in all.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn work_off<O: Operation<Output = u64>>(
        &self,
        operation: &O,
        batch: i64,
    ) -> Result<u64, Fault> {
        let mut all = 0;
        loop {
            let done = self.work(operation).await?;
            all += done;
            if done < batch.unsigned_abs() {
                return Ok(all);
            }
        }
    }

    async fn retrying<O: Operation>(
        &self,
        pool: &Pool,
        mode: Mode,
        scope: Option<&Scope>,
        operation: &O,
    ) -> Result<O::Output, Fault> {
        let span = tracing::info_span!(
            "db.transaction",
            otel.name = O::NAME,
            otel.kind = "client",
            db.system.name = "postgresql",
            db.operation.name = O::NAME,
            db.namespace = self.service,
            redress.attempts = tracing::field::Empty,
            error.type = tracing::field::Empty,
        );
        async {
            let started = Instant::now();
            let mut attempt = 1;
            let result = loop {
                match self.attempt(pool, mode, scope, operation).await {
                    Err(fault) if is_retryable(&fault) && attempt < ATTEMPTS_MAX => {
                        let pause = backoff(attempt);
                        tracing::debug!(reason = fault.reason(), %fault, attempt, ?pause, "transaction is tried again");
                        self.retries.add(1, &[KeyValue::new("db.operation.name", O::NAME)]);
                        tokio::time::sleep(pause).await;
                        attempt += 1;
                    }
                    result => break result,
                }
            };
            let current = tracing::Span::current();
            current.record("redress.attempts", attempt);
            let mut attributes = vec![
                KeyValue::new("db.system.name", "postgresql"),
                KeyValue::new("db.operation.name", O::NAME),
                KeyValue::new("db.namespace", self.service),
            ];
            if let Err(fault) = &result {
                current.record("error.type", fault.reason());
                attributes.push(KeyValue::new("error.type", fault.reason()));
            }
            self.duration.record(started.elapsed().as_secs_f64(), &attributes);
            result
        }
        .instrument(span)
        .await
    }

    async fn attempt<O: Operation>(
        &self,
        pool: &Pool,
        mode: Mode,
        scope: Option<&Scope>,
        operation: &O,
    ) -> Result<O::Output, Fault> {
        let mut tx = Tx::begin(pool, mode, scope, O::SAVEPOINT).await?;
        match operation.run(&mut tx).await {
            Ok(output) => {
                let (leaves, urgent) = tx.leaves();
                tx.commit().await?;
                if !urgent.is_empty() {
                    self.hurry();
                }
                for event in urgent {
                    // Fails where nobody listens.
                    let _ = self.urgent_events.send(event);
                }
                self.tell(leaves);
                Ok(output)
            }
            Err(fault) => {
                tx.rollback().await;
                Err(fault)
            }
        }
    }
}

/// Full jitter: between nothing and the bound, so that two who raced do not race again.
fn backoff(attempt: u32) -> Duration {
    let bound = BACKOFF_FIRST
        .saturating_mul(1 << attempt.min(10))
        .min(BACKOFF_MAX);
    bound.mul_f64(rand::random_range(0.0..1.0))
}

/// What an operator sees of the pools, as semantic conventions name it: how many connections there are, how
/// many of them are at work, and how many there may be.
fn show_saturation(meter: &Meter, pools: [(&'static str, PgPool); 2]) {
    let name = |pool: &'static str| KeyValue::new("db.client.connection.pool.name", pool);
    let measured = pools.clone();
    meter
        .i64_observable_up_down_counter("db.client.connection.count")
        .with_unit("{connection}")
        .with_description("Connections to Postgres, by pool and by whether they are at work.")
        .with_callback(move |observer| {
            for (pool, connections) in &measured {
                let all = i64::from(connections.size());
                let idle = i64::try_from(connections.num_idle())
                    .unwrap_or(i64::MAX)
                    .min(all);
                for (state, count) in [("idle", idle), ("used", all - idle)] {
                    let state = KeyValue::new("db.client.connection.state", state);
                    observer.observe(count, &[name(pool), state]);
                }
            }
        })
        .build();
    meter
        .i64_observable_up_down_counter("db.client.connection.max")
        .with_unit("{connection}")
        .with_description("How many connections to Postgres a pool may hold.")
        .with_callback(move |observer| {
            for (pool, connections) in &pools {
                let max = connections.options().get_max_connections();
                observer.observe(i64::from(max), &[name(pool)]);
            }
        })
        .build();
}

fn pool(
    url: &SecretString,
    setting: &'static str,
    service: &str,
    max_connections: u32,
) -> Result<PgPool, ConnectError> {
    let options = options(url, setting)?.statement_cache_capacity(STATEMENTS_KEPT);
    Ok(PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // One that was at work a moment ago was asked then, as it came back.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= ASKED_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options.application_name(&format!("redress-{service}"))))
}

fn options(url: &SecretString, setting: &'static str) -> Result<PgConnectOptions, ConnectError> {
    let wrong = || ConnectError::Url { setting };
    let url = url.expose_secret();
    // The driver would take any scheme for its own.
    match url.split_once("://") {
        Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
            url.parse().map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

/// Returns once Postgres answers. A wrong password or a missing database may be mended while we
/// wait, so they are waited for too, and named.
async fn wait_for(pool: &PgPool, setting: &'static str) {
    let mut mentioned: Option<Instant> = None;
    loop {
        let Err(error) = sqlx::query("SELECT 1").execute(pool).await else {
            if mentioned.is_some() {
                tracing::info!(setting, "postgres answers");
            }
            return;
        };
        if mentioned.is_none_or(|at| at.elapsed() >= START_REMINDER) {
            mentioned = Some(Instant::now());
            let options = pool.connect_options();
            tracing::warn!(
                setting,
                server.address = options.get_host(),
                server.port = options.get_port(),
                reason = why_away(&error),
                "waiting for postgres",
            );
        }
        tokio::time::sleep(START_PAUSE).await;
    }
}

/// Returns once the schema fits. A rollout starts together with its migration, so one that is behind (or that
/// the app role may not read yet) is waited for; one that a newer release took apart never gets better.
async fn wait_for_schema(
    app: &PgPool,
    service: &str,
    migrators: &[&Migrator],
    patience: Duration,
) -> Result<(), SchemaError> {
    let started = Instant::now();
    let mut mentioned: Option<Instant> = None;
    loop {
        let error = match check_schema(app, service, migrators).await {
            Err(error @ (SchemaError::Behind { .. } | SchemaError::Unreadable { .. }))
                if started.elapsed() < patience =>
            {
                error
            }
            result => return result,
        };
        if mentioned.is_none_or(|at| at.elapsed() >= START_REMINDER) {
            mentioned = Some(Instant::now());
            tracing::warn!(schema = service, %error, "waiting for the migration of the schema");
        }
        tokio::time::sleep(START_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_below_their_bound() {
        for attempt in 1..40 {
            assert!(backoff(attempt) <= BACKOFF_MAX);
        }
    }
}
