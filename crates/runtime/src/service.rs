//! What a service says about itself ([`Service`]), what it is given ([`Context`]) and what it makes of
//! it ([`App`]).

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use opentelemetry::metrics::Meter;
use redress_model::time::SharedClock;
use redress_rpc::Fingerprints;
use redress_rpc::client::Peers;
use redress_store::Database;
use redress_vault::Vault;
use serde::de::DeserializeOwned;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};

use crate::redis::Redis;
use crate::settings::Common;

/// Any error, for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One of the five services.
pub trait Service: Sized + Send + Sync + 'static {
    /// Its name: of its schema, its token audience, its environment prefix.
    const NAME: &'static str;
    /// Its `config.toml`, compiled in: `[server] listen`, and keys of its own under `[service]`.
    const DEFAULT_CONFIG: &'static str;
    /// Section `[service]`. Derive `Deserialize` with `deny_unknown_fields`.
    type Settings: DeserializeOwned + Send + Sync + 'static;

    /// What is wrong with its settings beside the shared ones, in one sentence; asked before it starts.
    ///
    /// # Errors
    /// What is wrong.
    fn check(_common: &Common, _settings: &Self::Settings) -> Result<(), BoxError> {
        Ok(())
    }

    /// The migrations of its schema, in order: store, events, its own.
    fn migrators() -> Vec<&'static Migrator>;

    /// Wires the service together. The database is connected and its schema is right.
    fn build(
        context: Context<Self::Settings>,
    ) -> impl Future<Output = Result<App, BoxError>> + Send;
}

/// What a service is given.
#[derive(Debug)]
pub struct Context<S> {
    /// Its own settings.
    pub settings: S,
    /// What every service shares.
    pub common: Arc<Common>,
    /// Its database.
    pub db: Database,
    /// The time of the business; tokens and deadlines run by the machine's.
    pub clock: SharedClock,
    /// Redis, where there is one.
    pub redis: Option<Redis>,
    /// Instruments.
    pub meter: Meter,
    /// The other services.
    pub peers: Peers,
    /// Fingerprints of requests for receipts.
    pub fingerprints: Fingerprints,
    /// Keys for personal data.
    pub vault: Arc<Vault>,
    /// Unique among all processes that ever ran: the owner of leases (P20).
    pub instance: String,
}

/// A wired service: what it serves, and what it does in the background.
#[derive(Default)]
pub struct App {
    pub(crate) routes: RoutesBuilder,
    pub(crate) served: Vec<&'static str>,
    pub(crate) workers: Vec<Worker>,
}

pub(crate) struct Worker {
    pub(crate) name: &'static str,
    pub(crate) start: Box<dyn FnOnce(CancellationToken) -> Work + Send>,
}

pub(crate) type Work = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

impl App {
    /// An app that serves and does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves a gRPC service. Who may call its methods is read from the contract.
    #[must_use]
    pub fn serve<S>(mut self, service: S) -> Self
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self.served.push(S::NAME);
        self
    }

    /// Runs something in the background until shutdown. When it panics, fails or ends before that, the
    /// whole process fails, loudly: a service without its relay only looks alive.
    #[must_use]
    pub fn work<F, R>(
        mut self,
        name: &'static str,
        run: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: Ended,
    {
        self.workers.push(Worker {
            name,
            start: Box::new(move |shutdown| {
                let work = run(shutdown);
                Box::pin(async move { work.await.ended() })
            }),
        });
        self
    }

    pub(crate) fn take_routes(&mut self) -> Routes {
        std::mem::take(&mut self.routes).routes()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let workers: Vec<_> = self.workers.iter().map(|w| w.name).collect();
        f.debug_struct("App")
            .field("served", &self.served)
            .field("workers", &workers)
            .finish_non_exhaustive()
    }
}

/// What a worker may end with.
pub trait Ended {
    /// How it ended.
    ///
    /// # Errors
    /// What made it fail.
    fn ended(self) -> Result<(), BoxError>;
}

impl Ended for () {
    fn ended(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> Ended for Result<(), E> {
    fn ended(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}
