//! The life of one service in a process: its own telemetry, its own tokio runtime, from opening the
//! port to the last flushed span. `serve` hosts one, `redress up` hosts five, by the same code.
//!
//! Up: bind → health says NOT_SERVING → database reached and schema right → app built → workers run →
//! SERVING. Down: NOT_SERVING → wait, so that balancers notice → stop accepting, end watches → calls in
//! flight end → workers stop → telemetry is flushed. A worker that ends by itself takes the process down.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redress_model::time::{SharedClock, SystemClock};
use redress_proto::operations::v1::status_service_server::StatusServiceServer;
use redress_rpc::Fingerprints;
use redress_rpc::auth::{Issuer, JwksSource, Trusted, Verifier};
use redress_rpc::client::Peers;
use redress_rpc::gate::Gate;
use redress_rpc::roles::Roles;
use redress_store::Database;
use redress_vault::Vault;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::{ClientTlsConfig, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::config::{self, Sources};
use crate::redis::Redis;
use crate::server::{self, Front};
use crate::service::{App, BoxError, Context, Service, Worker};
use crate::settings::Common;
use crate::status::{Readings, StatusRpc};
use crate::telemetry::{self, Telemetry};
use crate::tls;

/// How long workers get to end after the calls did.
const WORKERS_LIMIT: Duration = Duration::from_secs(10);

/// How long threads of the runtime get to end after everything else did.
const THREADS_LIMIT: Duration = Duration::from_secs(2);

/// How a service is to be hosted.
#[derive(Debug, Clone, Default)]
pub struct Hosting {
    /// Where its configuration comes from.
    pub sources: Sources,
    /// The time of its business; what its configuration says when none is given.
    pub clock: Option<SharedClock>,
}

/// A service that runs.
#[derive(Debug)]
pub struct Handle {
    name: &'static str,
    address: SocketAddr,
    shutdown: CancellationToken,
    state: watch::Receiver<State>,
}

#[derive(Debug, Clone)]
enum State {
    Starting,
    Serving,
    Ended(Result<(), String>),
}

impl Handle {
    /// Name of the service.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where it listens; known from the start, also when the port was chosen by the system.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it serves.
    ///
    /// # Errors
    /// Why it ended instead.
    pub async fn ready(&self) -> Result<(), BoxError> {
        let mut state = self.state.clone();
        match &*state
            .wait_for(|s| !matches!(s, State::Starting))
            .await
            .map_err(|_| gone(self.name))?
        {
            State::Starting | State::Serving => Ok(()),
            State::Ended(Ok(())) => Err(format!("{} ended before it served", self.name).into()),
            State::Ended(Err(text)) => Err(text.clone().into()),
        }
    }

    /// Asks it to end in good order. Repeating it is harmless.
    pub fn shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// What made it fail.
    pub async fn ended(&self) -> Result<(), BoxError> {
        let mut state = self.state.clone();
        match &*state
            .wait_for(|s| matches!(s, State::Ended(_)))
            .await
            .map_err(|_| gone(self.name))?
        {
            State::Ended(Err(text)) => Err(text.clone().into()),
            State::Ended(Ok(())) | State::Starting | State::Serving => Ok(()),
        }
    }
}

fn gone(name: &str) -> BoxError {
    format!("the thread of {name} died").into()
}

/// Starts a service and returns as soon as its port is open. Dropping the handle does not end it.
///
/// # Errors
/// What is wrong with its configuration, keys or address, in one sentence. What goes wrong later is told by
/// [`Handle::ready`] and [`Handle::ended`].
pub fn start<S: Service>(hosting: Hosting) -> Result<Handle, BoxError> {
    let prepared = prepare::<S>(&hosting.sources)?;
    let common = &prepared.common;
    let clock = match hosting.clock {
        Some(clock) => clock,
        // The configuration was checked for making sense.
        None => (common.clock.clock()).unwrap_or_else(|| Arc::clone(&prepared.tokens)),
    };
    let listener = server::listen(common.server.listen)?;
    let address = listener.local_addr()?;
    let instance = format!("{}-{}", S::NAME, uuid::Uuid::new_v4());
    let telemetry = Telemetry::start(S::NAME, &instance, &common.telemetry)?;
    let (report, state) = watch::channel(State::Starting);
    let shutdown = CancellationToken::new();
    let host = Host::<S> {
        prepared,
        clock,
        instance,
        listener,
        shutdown: shutdown.clone(),
        report: report.clone(),
    };
    std::thread::Builder::new()
        .name(format!("redress-{}", S::NAME))
        .spawn(move || {
            let result = run(host, &telemetry);
            telemetry.shutdown();
            report.send_replace(State::Ended(result.map_err(|e| e.to_string())));
        })?;
    Ok(Handle {
        name: S::NAME,
        address,
        shutdown,
        state,
    })
}

/// A configuration that was found right, and what was made of it.
pub(crate) struct Prepared<S: Service> {
    common: Arc<Common>,
    settings: S::Settings,
    vault: Arc<Vault>,
    issuer: Issuer,
    verifier: Verifier,
    tokens: SharedClock,
    redis: Option<Redis>,
    tls: Option<ServerTlsConfig>,
    trust: ClientTlsConfig,
}

/// Everything that can be said of a configuration without the network. `check-config` does no more than this, and
/// `serve` does it first: what the one calls right the other does not refuse.
///
/// # Errors
/// The first thing that is wrong, in one sentence that names the key.
pub(crate) fn prepare<S: Service>(sources: &Sources) -> Result<Prepared<S>, BoxError> {
    let (common, settings) = config::load::<S::Settings>(S::NAME, S::DEFAULT_CONFIG, sources)?;
    config::check_serving(&common, S::NAME)?;
    S::check(&common, &settings)?;
    let vault = Vault::from_file(&common.vault.key_file)
        .map_err(|e| format!("vault.key_file: {}", whole(&e)))?;
    let tokens: SharedClock = Arc::new(SystemClock);
    let issuer = Issuer::from_file(
        &common.platform.key_file,
        &common.platform.issuer,
        Arc::clone(&tokens),
    )
    .map_err(|e| format!("platform.key_file: {e}"))?;
    let verifier = verifier(S::NAME, &common, &issuer, Arc::clone(&tokens))?;
    let redis = Redis::open(&common.redis.urls())?;
    let tls = common.server.tls.as_ref().map(tls::server).transpose()?;
    let trust = tls::peers(&common.peers_tls)?;
    Ok(Prepared {
        common: Arc::new(common),
        settings,
        vault: Arc::new(vault),
        issuer,
        verifier,
        tokens,
        redis,
        tls,
        trust,
    })
}

/// The error and its causes in one sentence.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

fn verifier(
    service: &str,
    common: &Common,
    issuer: &Issuer,
    clock: SharedClock,
) -> Result<Verifier, BoxError> {
    let own_keys = if common.platform.jwks_file.as_os_str().is_empty() {
        JwksSource::Fixed(issuer.jwks())
    } else {
        let file = JwksSource::File(common.platform.jwks_file.clone());
        file.check()
            .map_err(|what| format!("platform.jwks_file: {what}"))?;
        // It would start, and hear from every other service that its tokens are of a key that is not known.
        if !file.has_key_of(issuer) {
            return Err(format!(
                "platform.jwks_file: {file} lacks the public key of platform.key_file (kid {}), without which every service refuses what this one signs; write into it what `redress jwks` prints of that key and of the one before it",
                issuer.key_id()
            )
            .into());
        }
        file
    };
    let mut trusted = vec![Trusted {
        issuer: issuer.name().to_owned(),
        audience: redress_rpc::auth::USER_AUDIENCE.to_owned(),
        keys: own_keys,
        platform: true,
    }];
    for (name, other) in &common.auth.issuers {
        let (key, keys) = match (&other.jwks_url, &other.jwks_file) {
            (Some(url), _) => ("jwks_url", JwksSource::Url(url.clone())),
            (None, Some(file)) => ("jwks_file", JwksSource::File(file.clone())),
            // The configuration was checked for exactly one.
            (None, None) => continue,
        };
        keys.check()
            .map_err(|what| format!("auth.issuers.{name}.{key}: {what}"))?;
        if trusted.iter().any(|t| t.issuer == other.issuer) {
            return Err(format!(
                "auth.issuers.{name}.issuer is {:?}, which another issuer is too; correct one of them",
                other.issuer
            )
            .into());
        }
        trusted.push(Trusted {
            issuer: other.issuer.clone(),
            audience: other.audience.clone(),
            keys,
            platform: false,
        });
    }
    let roles = Roles::new(common.roles.clone());
    let leeway = common.auth.leeway_seconds;
    Ok(Verifier::new(service, trusted, roles, leeway, clock)?)
}

struct Host<S: Service> {
    prepared: Prepared<S>,
    clock: SharedClock,
    instance: String,
    listener: TcpListener,
    shutdown: CancellationToken,
    report: watch::Sender<State>,
}

/// Runs the service on a runtime of its own; returns when it ended.
fn run<S: Service>(host: Host<S>, telemetry: &Telemetry) -> Result<(), BoxError> {
    telemetry::install(telemetry.dispatch());
    let dispatch = telemetry.dispatch().clone();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let threads = host.prepared.common.server.threads;
    if threads > 0 {
        builder.worker_threads(threads);
    }
    let runtime = builder
        .enable_all()
        .thread_name(format!("redress-{}", S::NAME))
        .on_thread_start(move || telemetry::install(&dispatch))
        .build()?;
    let (meter, readings) = (telemetry.meter(), telemetry.readings());
    // As a task, so that a panic while starting is an end like any other.
    let result = runtime.block_on(async {
        match tokio::spawn(live(host, meter, readings)).await {
            Ok(result) => result,
            Err(panic) => Err(format!("{} panicked: {panic}", S::NAME).into()),
        }
    });
    runtime.shutdown_timeout(THREADS_LIMIT);
    if let Err(error) = &result {
        tracing::error!(%error, service = S::NAME, "the service failed");
    }
    result
}

async fn live<S: Service>(
    host: Host<S>,
    meter: opentelemetry::metrics::Meter,
    readings: Readings,
) -> Result<(), BoxError> {
    let Host {
        prepared:
            Prepared {
                common,
                settings,
                vault,
                issuer,
                verifier,
                tokens,
                redis,
                tls,
                trust,
            },
        clock,
        instance,
        listener,
        shutdown,
        report,
    } = host;
    let (front, health) = Front::new();
    health
        .set_service_status("", ServingStatus::NotServing)
        .await;
    let (stop, draining) = (CancellationToken::new(), CancellationToken::new());
    let address = listener.local_addr()?;
    let mut server = tokio::spawn({
        let (front, stop) = (front.clone(), stop.clone());
        let origins = common.server.cors_origins.clone();
        async move { server::serve(listener, front, &origins, tls, stop).await }
    });
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    if common.clock.is_rehearsal() {
        let rate = clock.rate();
        tracing::warn!(rate, "a rehearsal: the business runs on a clock of its own");
    }

    let peers = Peers::trusting(S::NAME, issuer, &common.peers, &trust, &meter)?;
    let watched = redis.clone();
    let status = StatusRpc {
        service: S::NAME,
        instance: instance.clone(),
        start: SystemTime::now(),
        readings,
    };
    let start = async {
        let db = Database::connect(&common.database, S::NAME, &S::migrators(), &meter).await?;
        let context = Context {
            settings,
            common: Arc::clone(&common),
            db: db.clone(),
            clock,
            redis,
            meter: meter.clone(),
            peers,
            fingerprints: Fingerprints::new(vault.fingerprint_key(S::NAME).as_bytes()),
            vault,
            instance,
        };
        let app = S::build(context).await?;
        Ok::<_, BoxError>((db, app))
    };
    let started = tokio::select! {
        started = start => Some(started?),
        () = shutdown.cancelled() => None,
        ended = &mut server => return Err(server_ended(ended)),
    };
    let Some((db, mut app)) = started else {
        tracing::info!("stopped before it served");
        return Ok(());
    };
    app = app.serve(StatusServiceServer::new(status));
    let (methods, routes) = server::routes(&mut app)?;
    let gate = Gate::new(
        methods,
        verifier,
        common.limits.into(),
        &meter,
        tokens,
        draining.clone(),
    );
    front.open(&gate, routes);
    if let Some(redis) = watched {
        let meter = meter.clone();
        app = app.work("redis", |shutdown| redis.watch(meter, shutdown));
    }
    let App {
        served, workers, ..
    } = app;
    let mut working = Working::start(workers);
    serving(&health, &served, ServingStatus::Serving).await;
    report.send_replace(State::Serving);
    tracing::info!("serving");

    let failure = tokio::select! {
        () = shutdown.cancelled() => None,
        error = working.failed() => Some(error),
        ended = &mut server => return Err(server_ended(ended)),
    };

    serving(&health, &served, ServingStatus::NotServing).await;
    match &failure {
        None => {
            tracing::info!("stopping");
            tokio::time::sleep(Duration::from_secs(common.server.drain_wait_seconds)).await;
        }
        Some(error) => tracing::error!(%error, "stopping because of a failure"),
    }
    stop.cancel();
    draining.cancel();
    forget(health, &served).await;
    let limit = Duration::from_secs(common.server.drain_limit_seconds);
    if tokio::time::timeout(limit, &mut server).await.is_err() {
        tracing::warn!(
            "calls were still in flight at the end of drain_limit_seconds; they are cut"
        );
        server.abort();
    }
    working.stop().await;
    db.close().await;
    tracing::info!("stopped");
    failure.map_or(Ok(()), Err)
}

fn server_ended(ended: Result<Result<(), BoxError>, tokio::task::JoinError>) -> BoxError {
    match ended {
        Ok(Ok(())) => "the server ended by itself".into(),
        Ok(Err(error)) => error,
        Err(panic) => format!("the server panicked: {panic}").into(),
    }
}

async fn serving(health: &HealthReporter, served: &[&str], status: ServingStatus) {
    health.set_service_status("", status).await;
    for name in served {
        health.set_service_status(name, status).await;
    }
}

/// Ends the streams of whoever watches our health: the last that they heard is NOT_SERVING.
async fn forget(mut health: HealthReporter, served: &[&str]) {
    health.clear_service_status("").await;
    for name in served {
        health.clear_service_status(name).await;
    }
}

/// The workers of a service.
struct Working {
    tasks: JoinSet<(&'static str, Result<(), BoxError>)>,
    names: std::collections::HashMap<tokio::task::Id, &'static str>,
    stop: CancellationToken,
}

impl Working {
    fn start(workers: Vec<Worker>) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let mut names = std::collections::HashMap::new();
        for Worker { name, start } in workers {
            let work = start(stop.clone());
            let task = tasks.spawn(async move { (name, work.await) });
            names.insert(task.id(), name);
        }
        Self { tasks, names, stop }
    }

    /// Waits until one ends that should not; forever when all is well.
    async fn failed(&mut self) -> BoxError {
        match self.tasks.join_next().await {
            None => std::future::pending().await,
            Some(Ok((name, Ok(())))) => format!("the worker {name} ended by itself").into(),
            Some(Ok((name, Err(error)))) => format!("the worker {name} failed: {error}").into(),
            Some(Err(panic)) => {
                let name = self.names.get(&panic.id()).copied().unwrap_or("?");
                format!("the worker {name} panicked: {panic}").into()
            }
        }
    }

    /// Asks them to end and waits for it, to a limit.
    async fn stop(mut self) {
        self.stop.cancel();
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok((worker, Err(error))) = ended {
                    tracing::warn!(worker, %error, "a worker failed while stopping");
                }
            }
        };
        if tokio::time::timeout(WORKERS_LIMIT, all).await.is_err() {
            tracing::warn!("workers did not stop in time; they are cut");
        }
    }
}
