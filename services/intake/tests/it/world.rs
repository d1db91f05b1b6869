//! A running intake with two organizations, one site each, and callers who need no token: the test's
//! server takes the caller from a header, where the gate takes it from a token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::Timestamp;
use opentelemetry::metrics::MeterProvider as _;
use prost::Message;
use redress_events::{Event, Inbox};
use redress_intake::intake::Intake;
use redress_intake::rpc::{CaseReadServer, CaseServer, DirectoryServer};
use redress_model::words::Channel as Way;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::case_read_service_client::CaseReadServiceClient;
use redress_proto::intake::v1::case_read_service_server::CaseReadServiceServer;
use redress_proto::intake::v1::case_service_client::CaseServiceClient;
use redress_proto::intake::v1::case_service_server::CaseServiceServer;
use redress_proto::intake::v1::directory_service_client::DirectoryServiceClient;
use redress_proto::intake::v1::directory_service_server::DirectoryServiceServer;
use redress_rpc::roles::Roles;
use redress_rpc::{Caller, Fingerprints};
use redress_store::Database;
use redress_testkit::{ManualClock, TestDatabase, database};
use redress_vault::{Vault, generate_key_file};
use secrecy::{ExposeSecret as _, SecretString};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

pub(crate) type Cases = CaseServiceClient<InterceptedService<Channel, AsCaller>>;
pub(crate) type Reads = CaseReadServiceClient<InterceptedService<Channel, AsCaller>>;
pub(crate) type Directory = DirectoryServiceClient<InterceptedService<Channel, AsCaller>>;

type Known = Arc<Mutex<HashMap<String, Arc<Caller>>>>;

const HEADER: &str = "x-test-caller";

/// Puts the caller's key into the header.
#[derive(Clone)]
pub(crate) struct AsCaller(String);

impl Interceptor for AsCaller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert(HEADER, self.0.parse().expect("a header value"));
        Ok(request)
    }
}

/// One intake.
pub(crate) struct World {
    pub(crate) data: TestDatabase,
    pub(crate) intake: Arc<Intake>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) inbox: Inbox,
    pub(crate) key_file: SecretString,
    known: Known,
    channel: Channel,
}

pub(crate) fn start() -> Timestamp {
    "2026-11-20T17:30:00Z".parse().expect("valid")
}

pub(crate) fn caller(subject: &str) -> Caller {
    Caller {
        subject: subject.to_owned(),
        issuer: "test".to_owned(),
        organizations: Vec::new(),
        regions: Vec::new(),
        sites: vec!["lake".parse().expect("a slug")],
        roles: Vec::new(),
        permissions: Roles::new([("all".to_owned(), vec!["*".to_owned()])].into())
            .permissions(["all"]),
        staff: None,
        service: None,
        purpose: None,
        expires: Timestamp::MAX,
    }
}

/// Who holds these permissions alone.
pub(crate) fn may(grants: &[&str]) -> Caller {
    let grants = grants.iter().map(|g| (*g).to_owned()).collect();
    Caller {
        permissions: Roles::new([("r".to_owned(), grants)].into()).permissions(["r"]),
        ..caller("r")
    }
}

pub(crate) fn at_site(subject: &str, site: &str) -> Caller {
    Caller {
        sites: vec![site.parse().expect("a slug")],
        ..caller(subject)
    }
}

pub(crate) fn of_organization(subject: &str, organization: &str) -> Caller {
    Caller {
        sites: Vec::new(),
        organizations: vec![organization.parse().expect("a slug")],
        ..caller(subject)
    }
}

pub(crate) fn staff(subject: &str, name: &str) -> Caller {
    Caller {
        staff: Some(name.parse().expect("a staff name")),
        ..caller(subject)
    }
}

pub(crate) fn service(name: &str) -> Caller {
    Caller {
        service: Some(name.to_owned()),
        ..caller(name)
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let data = database(
            "intake",
            &[
                &redress_store::MIGRATOR,
                &redress_events::MIGRATOR,
                &redress_intake::store::MIGRATOR,
            ],
        )
        .await;
        let clock = ManualClock::new(start());
        let key_file = generate_key_file("k1");
        let vault = Vault::parse(key_file.expose_secret()).expect("a key file");
        let (intake, inbox, known, channel) = serve(&data.db, &clock, Arc::new(vault)).await;
        let world = Self {
            data,
            intake,
            clock,
            inbox,
            key_file,
            known,
            channel,
        };
        world.seed().await;
        world
    }

    /// Another replica over the same database and keys.
    pub(crate) async fn replica(&self) -> (Arc<Intake>, Database) {
        let db = self.data.connect("intake");
        let clock: Arc<ManualClock> = Arc::clone(&self.clock);
        let mut other = Intake::new(
            db.clone(),
            clock,
            Arc::new(Vault::parse(generate_key_file("x").expose_secret()).expect("a key file")),
            Fingerprints::new(b"test"),
        );
        other.keyring = Arc::clone(&self.intake.keyring);
        (Arc::new(other), db)
    }

    async fn seed(&self) {
        for (organization, region, site, prefix) in [
            ("demo", "east", "lake", "LX"),
            ("other", "west", "river", "RV"),
        ] {
            let mut directory = self.directory(of_organization("root", organization));
            directory
                .create_organization(pb::CreateOrganizationRequest {
                    organization_id: organization.to_owned(),
                    organization: Some(pb::Organization {
                        display_name: organization.to_owned(),
                        ..Default::default()
                    }),
                    request_id: String::new(),
                })
                .await
                .expect("an organization");
            directory
                .create_region(pb::CreateRegionRequest {
                    parent: format!("organizations/{organization}"),
                    region_id: region.to_owned(),
                    region: Some(pb::Region {
                        display_name: region.to_owned(),
                        ..Default::default()
                    }),
                    request_id: String::new(),
                })
                .await
                .expect("a region");
            directory
                .create_site(site_request(organization, region, site, prefix))
                .await
                .expect("a site");
        }
    }

    fn know(&self, caller: Caller) -> AsCaller {
        let key = format!(
            "{}-{}-{}",
            caller.subject,
            self.known.lock().expect("no test panics inside").len(),
            uuid::Uuid::new_v4().simple()
        );
        self.known
            .lock()
            .expect("no test panics inside")
            .insert(key.clone(), Arc::new(caller));
        AsCaller(key)
    }

    pub(crate) fn cases(&self, caller: Caller) -> Cases {
        CaseServiceClient::with_interceptor(self.channel.clone(), self.know(caller))
    }

    pub(crate) fn reads(&self, caller: Caller) -> Reads {
        CaseReadServiceClient::with_interceptor(self.channel.clone(), self.know(caller))
    }

    pub(crate) fn directory(&self, caller: Caller) -> Directory {
        DirectoryServiceClient::with_interceptor(self.channel.clone(), self.know(caller))
    }

    /// Takes a complaint in at the lake, as a clerk.
    pub(crate) async fn create(&self, case: pb::Case) -> pb::Case {
        create(&mut self.cases(caller("clerk")), case)
            .await
            .expect("a case")
    }

    pub(crate) async fn get(&self, name: &str) -> pb::Case {
        get(&mut self.cases(caller("clerk")), name)
            .await
            .expect("a case")
    }

    /// Delivers an event about a case.
    pub(crate) async fn deliver(
        &self,
        source: &str,
        event_type: &str,
        subject: &str,
        payload: &impl Message,
    ) {
        let results = self
            .inbox
            .receive(vec![event(source, event_type, subject, payload)])
            .await
            .expect("received");
        assert_eq!(results[0].reason, "", "{event_type}");
    }

    /// Payloads of a type in the outbox, oldest first.
    pub(crate) async fn said<M: Message + Default>(&self, event_type: &str) -> Vec<M> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT payload FROM intake.outbox WHERE type = $1 ORDER BY id")
                .bind(event_type)
                .fetch_all(&self.data.admin)
                .await
                .expect("an outbox");
        rows.iter()
            .map(|(bytes,)| M::decode(bytes.as_slice()).expect("the payload"))
            .collect()
    }
}

pub(crate) fn event(
    source: &str,
    event_type: &str,
    subject: &str,
    payload: &impl Message,
) -> Event {
    Event {
        id: uuid::Uuid::new_v4(),
        source: source.to_owned(),
        event_type: event_type.to_owned(),
        site: "lake".parse().expect("a slug"),
        subject: subject.to_owned(),
        historical: false,
        time: start(),
        traceparent: String::new(),
        data: Bytes::from(payload.encode_to_vec()),
    }
}

async fn serve(
    db: &Database,
    clock: &Arc<ManualClock>,
    vault: Arc<Vault>,
) -> (Arc<Intake>, Inbox, Known, Channel) {
    let shared: Arc<ManualClock> = Arc::clone(clock);
    let intake = Arc::new(Intake::new(
        db.clone(),
        shared.clone(),
        vault,
        Fingerprints::new(b"test"),
    ));
    let meter = opentelemetry::metrics::noop::NoopMeterProvider::new().meter("test");
    let clock: redress_model::time::SharedClock = shared;
    let inbox = redress_intake::app::inbox(db.clone(), &clock, &meter);
    let known = Known::default();
    let lookup = Arc::clone(&known);
    let identify = move |mut request: Request<()>| {
        let key = request.metadata().get(HEADER).and_then(|v| v.to_str().ok());
        let caller = key.and_then(|k| {
            lookup
                .lock()
                .expect("no test panics inside")
                .get(k)
                .cloned()
        });
        let caller = caller.ok_or_else(|| Status::unauthenticated("no caller"))?;
        request.extensions_mut().insert(caller);
        Ok(request)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = Server::builder()
        .add_service(CaseServiceServer::with_interceptor(
            CaseServer(Arc::clone(&intake)),
            identify.clone(),
        ))
        .add_service(CaseReadServiceServer::with_interceptor(
            CaseReadServer(Arc::clone(&intake)),
            identify.clone(),
        ))
        .add_service(DirectoryServiceServer::with_interceptor(
            DirectoryServer(Arc::clone(&intake)),
            identify,
        ));
    tokio::spawn(
        server.serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)),
    );
    let bell = Arc::clone(&intake);
    let shutdown = tokio_util::sync::CancellationToken::new();
    tokio::spawn(redress_intake::jobs::housekeeping::ring(bell, shutdown));
    let channel = Channel::from_shared(format!("http://{address}"))
        .expect("a URL")
        .connect_lazy();
    (intake, inbox, known, channel)
}

pub(crate) fn site_request(
    organization: &str,
    region: &str,
    site: &str,
    prefix: &str,
) -> pb::CreateSiteRequest {
    pb::CreateSiteRequest {
        site_id: site.to_owned(),
        site: Some(pb::Site {
            region: format!("organizations/{organization}/regions/{region}"),
            kind: 1,
            display_name: site.to_owned(),
            number_prefix: prefix.to_owned(),
            ..Default::default()
        }),
        request_id: String::new(),
    }
}

/// A complaint by hotline of one person.
pub(crate) fn leak() -> pb::Case {
    pb::Case {
        channel: to_wire(Way::Hotline),
        text: "厨房天花板漏水，多次报修无人处理".to_owned(),
        complainants: vec![person("13800138000")],
        place: Some(pb::Place {
            building: "3栋".to_owned(),
            unit: "1202".to_owned(),
            detail: String::new(),
        }),
        ..Default::default()
    }
}

pub(crate) fn person(phone: &str) -> pb::Complainant {
    pb::Complainant {
        display_name: "李伟".to_owned(),
        phone: phone.to_owned(),
        ..Default::default()
    }
}

pub(crate) async fn create(cases: &mut Cases, case: pb::Case) -> Result<pb::Case, Status> {
    create_with(cases, "sites/lake", case, "").await
}

pub(crate) async fn create_with(
    cases: &mut Cases,
    parent: &str,
    case: pb::Case,
    request_id: &str,
) -> Result<pb::Case, Status> {
    cases
        .create_case(pb::CreateCaseRequest {
            parent: parent.to_owned(),
            case: Some(case),
            request_id: request_id.to_owned(),
            validate_only: false,
        })
        .await
        .map(|r| r.into_inner().case.expect("a case"))
}

pub(crate) async fn get(cases: &mut Cases, name: &str) -> Result<pb::Case, Status> {
    cases
        .get_case(pb::GetCaseRequest {
            name: name.to_owned(),
        })
        .await
        .map(|r| r.into_inner().case.expect("a case"))
}

pub(crate) async fn list(
    cases: &mut Cases,
    request: pb::ListCasesRequest,
) -> Result<Vec<pb::Case>, Status> {
    cases
        .list_cases(request)
        .await
        .map(|r| r.into_inner().cases)
}

pub(crate) async fn update(
    cases: &mut Cases,
    case: pb::Case,
    paths: &[&str],
) -> Result<pb::Case, Status> {
    cases
        .update_case(pb::UpdateCaseRequest {
            case: Some(case),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|p| (*p).to_owned()).collect(),
            }),
            request_id: String::new(),
        })
        .await
        .map(|r| r.into_inner().case.expect("a case"))
}

/// The machine-readable reason of a refusal.
#[track_caller]
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Status>, code: Code) -> String {
    let status = result.expect_err("a refusal");
    assert_eq!(status.code(), code, "{status}");
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// Everything in a table as text, past row security.
pub(crate) async fn dump(data: &TestDatabase, table: &str) -> String {
    let sql = format!("SELECT COALESCE(string_agg(t::text, E'\\n'), '') FROM intake.{table} t");
    let (text,): (String,) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_one(&data.admin)
        .await
        .expect("a table");
    text
}
