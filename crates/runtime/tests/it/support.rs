//! A small service: redriving an event waits until the test lets it go on.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redress_model::Fault;
use redress_model::time::SystemClock;
use redress_proto::event::v1::event_admin_service_client::EventAdminServiceClient;
use redress_proto::event::v1::event_admin_service_server::{
    EventAdminService, EventAdminServiceServer,
};
use redress_proto::event::v1::{
    ListParkedEventsRequest, ListParkedEventsResponse, RedriveEventRequest, RedriveEventResponse,
};
use redress_rpc::auth::{Grant, Issuer, JwkSet};
use redress_rpc::client::{Call, Peers};
use redress_rpc::{fault_of, status};
use redress_runtime::config::Sources;
use redress_runtime::host::{self, Handle, Hosting};
use redress_runtime::{App, BoxError, Context, NoSettings, Service};
use redress_store::DatabaseSettings;
use redress_testkit::TestDatabase;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// What happens inside of the hosted services of one test process, by database.
pub(crate) struct Inside {
    pub(crate) entered: AtomicU32,
    pub(crate) go_on: Semaphore,
    pub(crate) worker: Mutex<Worker>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Worker {
    Obeys,
    Ends,
    Fails,
    Panics,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            entered: AtomicU32::new(0),
            go_on: Semaphore::new(0),
            worker: Mutex::new(Worker::Obeys),
        }
    }
}

/// A service is built without arguments, so a test leaves what is inside under the database's URL.
static INSIDES: Mutex<Vec<(String, Arc<Inside>)>> = Mutex::new(Vec::new());

fn inside_of(settings: &DatabaseSettings) -> Arc<Inside> {
    let url = settings.app_url.expose_secret();
    let insides = INSIDES.lock().expect("no test panics inside");
    let found = insides.iter().rev().find(|(u, _)| u == url);
    Arc::clone(&found.expect("left by the test").1)
}

struct Admin {
    inside: Arc<Inside>,
    peers: Peers,
}

#[tonic::async_trait]
impl EventAdminService for Admin {
    /// Asks triage the same, when it is configured to be somewhere else.
    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        let request = request.into_inner();
        if request.page_token == "ask triage" {
            let peer = self
                .peers
                .call("triage", Call::new("test").idempotent())
                .map_err(status)?;
            let blank = ListParkedEventsRequest::default();
            EventAdminServiceClient::new(peer)
                .list_parked_events(blank)
                .await
                .map_err(|s| status(fault_of("triage", s)))?;
        }
        Ok(Response::new(ListParkedEventsResponse::default()))
    }

    async fn redrive_event(
        &self,
        _: Request<RedriveEventRequest>,
    ) -> Result<Response<RedriveEventResponse>, Status> {
        self.inside.entered.fetch_add(1, Ordering::SeqCst);
        let permit = self.inside.go_on.acquire().await;
        permit.map_err(|e| status(Fault::internal(e)))?.forget();
        Ok(Response::new(RedriveEventResponse { redriven: 1 }))
    }
}

async fn build(context: Context<NoSettings>) -> Result<App, BoxError> {
    let inside = inside_of(&context.common.database);
    let worker = *inside.worker.lock().expect("no test panics inside");
    let admin = Admin {
        inside,
        peers: context.peers,
    };
    Ok(App::new().serve(EventAdminServiceServer::new(admin)).work(
        "relay",
        move |shutdown| async move {
            match worker {
                Worker::Obeys => {
                    shutdown.cancelled().await;
                    Ok(())
                }
                Worker::Ends => Ok(()),
                Worker::Fails => Err("no route"),
                Worker::Panics => panic!("out of bounds"),
            }
        },
    ))
}

macro_rules! small_service {
    ($type:ident, $name:literal) => {
        pub(crate) struct $type;

        impl Service for $type {
            const NAME: &'static str = $name;
            const DEFAULT_CONFIG: &'static str = "[server]\nthreads = 2";
            type Settings = NoSettings;

            fn migrators() -> Vec<&'static sqlx::migrate::Migrator> {
                vec![&redress_store::MIGRATOR]
            }

            async fn build(context: Context<NoSettings>) -> Result<App, BoxError> {
                build(context).await
            }
        }
    };
}

small_service!(Intake, "intake");
small_service!(Triage, "triage");

/// The keys of one installation.
pub(crate) struct Keys {
    folder: TempDir,
    issuer: Issuer,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("issuer.pem");
        Issuer::generate_key_file(&path).expect("writable");
        let vault = redress_vault::generate_key_file("k1");
        std::fs::write(folder.path().join("vault.keys"), vault.expose_secret()).expect("writable");
        let issuer = Issuer::from_file(&path, "redress", Arc::new(SystemClock)).expect("a key");
        Self { folder, issuer }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn jwks(&self) -> JwkSet {
        self.issuer.jwks()
    }

    pub(crate) fn token(&self, roles: &[&str]) -> String {
        let grant = Grant {
            subject: "li".to_owned(),
            roles: roles.iter().map(|r| (*r).to_owned()).collect(),
            sites: vec!["lake".to_owned()],
            ..Grant::default()
        };
        let hour = Duration::from_secs(3600);
        self.issuer.user_token(grant, hour).expect("signable")
    }

    /// The configuration of a service with these keys on this database, and more.
    pub(crate) fn hosting(&self, settings: &DatabaseSettings, more: &str) -> Hosting {
        let overlay = format!(
            "{more}\n[database]\napp_url = {:?}\nworker_url = {:?}\n[platform]\nkey_file = {:?}\n[vault]\nkey_file = {:?}\n",
            settings.app_url.expose_secret(),
            settings.worker_url.expose_secret(),
            self.path().join("issuer.pem"),
            self.path().join("vault.keys"),
        );
        Hosting {
            sources: Sources {
                overlay: Some(overlay),
                ..Sources::default()
            },
            clock: None,
        }
    }
}

pub(crate) async fn database() -> TestDatabase {
    redress_testkit::database("intake", &[&redress_store::MIGRATOR]).await
}

/// Leaves a fresh inside for the service that will run on this database.
pub(crate) fn leave_inside(settings: &DatabaseSettings) -> Arc<Inside> {
    let inside = Arc::new(Inside::default());
    let url = settings.app_url.expose_secret().to_owned();
    INSIDES
        .lock()
        .expect("no test panics inside")
        .push((url, Arc::clone(&inside)));
    inside
}

/// A service that serves, with everything that belongs to it.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) keys: Keys,
    pub(crate) inside: Arc<Inside>,
    pub(crate) database: TestDatabase,
}

impl Running {
    pub(crate) async fn start(more: &str) -> Self {
        let (keys, database) = (Keys::new(), database().await);
        let settings = database.settings("intake");
        let inside = leave_inside(&settings);
        let handle = host::start::<Intake>(keys.hosting(&settings, more)).expect("right");
        handle.ready().await.expect("serves");
        Self {
            handle,
            keys,
            inside,
            database,
        }
    }

    pub(crate) fn client(&self) -> Client {
        client(&self.handle, &self.keys.token(&["sre"]))
    }

    pub(crate) async fn end(self) {
        self.handle.shutdown();
        self.handle.ended().await.expect("in good order");
        drop(self.database);
    }
}

pub(crate) type Client = EventAdminServiceClient<InterceptedService<Channel, Bearer>>;

#[derive(Clone)]
pub(crate) struct Bearer(String);

impl Bearer {
    pub(crate) fn of(token: &str) -> Self {
        Self(format!("Bearer {token}"))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = self.0.parse().expect("a header");
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

pub(crate) fn channel(handle: &Handle) -> Channel {
    Channel::from_shared(format!("http://{}", handle.address()))
        .expect("a URL")
        .connect_lazy()
}

pub(crate) fn client(handle: &Handle, token: &str) -> Client {
    let bearer = Bearer::of(token);
    EventAdminServiceClient::with_interceptor(channel(handle), bearer)
}

pub(crate) fn redrive() -> RedriveEventRequest {
    RedriveEventRequest {
        event_id: "e".to_owned(),
        subscriber: "triage".to_owned(),
    }
}
