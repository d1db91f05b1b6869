//! How a command finds the platform: endpoints and a token that `redress up` left in the data
//! folder, or what the environment says.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use redress_proto::assignment::v1::agency_service_client::AgencyServiceClient;
use redress_proto::assignment::v1::contractor_service_client::ContractorServiceClient;
use redress_proto::assignment::v1::dispute_service_client::DisputeServiceClient;
use redress_proto::assignment::v1::handling_service_client::HandlingServiceClient;
use redress_proto::assignment::v1::ledger_service_client::LedgerServiceClient;
use redress_proto::assignment::v1::library_service_client::LibraryServiceClient;
use redress_proto::assignment::v1::power_service_client::PowerServiceClient;
use redress_proto::assignment::v1::promise_service_client::PromiseServiceClient;
use redress_proto::assignment::v1::register_service_client::RegisterServiceClient;
use redress_proto::assignment::v1::report_service_client::ReportServiceClient;
use redress_proto::assignment::v1::roster_plan_service_client::RosterPlanServiceClient;
use redress_proto::assignment::v1::roster_service_client::RosterServiceClient;
use redress_proto::assignment::v1::settlement_service_client::SettlementServiceClient;
use redress_proto::assignment::v1::solution_service_client::SolutionServiceClient;
use redress_proto::assignment::v1::staffing_service_client::StaffingServiceClient;
use redress_proto::assignment::v1::transfer_service_client::TransferServiceClient;
use redress_proto::assignment::v1::validity_service_client::ValidityServiceClient;
use redress_proto::assignment::v1::warranty_service_client::WarrantyServiceClient;
use redress_proto::assignment::v1::work_service_client::WorkServiceClient;
use redress_proto::crisis::v1::aftermath_service_client::AftermathServiceClient;
use redress_proto::crisis::v1::briefing_service_client::BriefingServiceClient;
use redress_proto::crisis::v1::command_service_client::CommandServiceClient;
use redress_proto::crisis::v1::incident_service_client::IncidentServiceClient;
use redress_proto::crisis::v1::lesson_service_client::LessonServiceClient;
use redress_proto::crisis::v1::matrix_service_client::MatrixServiceClient;
use redress_proto::crisis::v1::media_service_client::MediaServiceClient;
use redress_proto::crisis::v1::playbook_service_client::PlaybookServiceClient;
use redress_proto::crisis::v1::statement_service_client::StatementServiceClient;
use redress_proto::event::v1::event_admin_service_client::EventAdminServiceClient;
use redress_proto::intake::v1::case_service_client::CaseServiceClient;
use redress_proto::intake::v1::directory_service_client::DirectoryServiceClient;
use redress_proto::notification::v1::delivery_service_client::DeliveryServiceClient;
use redress_proto::notification::v1::message_service_client::MessageServiceClient;
use redress_proto::notification::v1::notice_service_client::NoticeServiceClient;
use redress_proto::notification::v1::survey_service_client::SurveyServiceClient;
use redress_proto::notification::v1::task_service_client::TaskServiceClient;
use redress_proto::notification::v1::template_service_client::TemplateServiceClient;
use redress_proto::notification::v1::voice_service_client::VoiceServiceClient;
use redress_proto::notification::v1::wording_service_client::WordingServiceClient;
use redress_proto::triage::v1::calendar_service_client::CalendarServiceClient;
use redress_proto::triage::v1::clock_service_client::ClockServiceClient;
use redress_proto::triage::v1::cluster_service_client::ClusterServiceClient;
use redress_proto::triage::v1::policy_service_client::PolicyServiceClient;
use redress_proto::triage::v1::triage_service_client::TriageServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, TimeoutExpired};
use tower::{BoxError, Service};

use crate::args::ServiceArg;
use crate::failure::Failure;

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a call that may be repeated is made.
const TRIES_MAX: u32 = 8;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many replicas of a service are asked one by one.
const REPLICAS_MAX: usize = 32;

/// Where the services listen.
pub(crate) type Endpoints = BTreeMap<String, String>;

/// The files that a running platform leaves in its data folder.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Service → address.
    pub(crate) fn endpoints(&self) -> PathBuf {
        self.0.join("endpoints.json")
    }

    /// An administrator's token for this machine.
    pub(crate) fn token(&self) -> PathBuf {
        self.0.join("token")
    }

    /// Exists while the platform is up and seeded.
    pub(crate) fn ready(&self) -> PathBuf {
        self.0.join("ready")
    }

    /// Held by the running platform; carries its process id.
    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("up.pid")
    }

    /// The clock of a rehearsal; absent where the business runs on the machine's.
    pub(crate) fn clock(&self) -> PathBuf {
        self.0.join("clock.json")
    }

    /// The rehearsal below this data folder: a platform of its own.
    pub(crate) fn drill(&self) -> Self {
        Self(self.0.join("drill"))
    }

    /// The keys that seal what is personal.
    pub(crate) fn vault_key(&self) -> PathBuf {
        self.0.join("vault.key")
    }

    /// The platform issuer's key.
    pub(crate) fn issuer_key(&self) -> PathBuf {
        self.0.join("issuer.key")
    }
}

/// Adds the token to every call.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A channel that says of which service a call took too long, and which: what tonic says of it by itself is no other than
/// of a connection that failed.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    service: &'static str,
    /// None where the address of the service is not known: who calls it is told so, and nobody else.
    channel: Option<Channel>,
}

impl Service<http::Request<tonic::body::Body>> for Named {
    type Response = http::Response<tonic::body::Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match &mut self.channel {
            Some(channel) => Service::poll_ready(channel, cx).map_err(BoxError::from),
            None => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let service = self.service;
        let path = request.uri().path().to_owned();
        let Some(channel) = &mut self.channel else {
            return std::future::ready(Err(BoxError::from(unknown(service)))).boxed();
        };
        let answer = Service::call(channel, request);
        async move {
            match answer.await {
                Err(error) if is_late(&error) => Err(BoxError::from(late(service, &path))),
                Err(error) => Err(BoxError::from(error)),
                Ok(answer) => match Status::from_header_map(answer.headers()) {
                    Some(status) if status.code() == Code::DeadlineExceeded => {
                        Err(BoxError::from(late(service, &path)))
                    }
                    _ => Ok(answer),
                },
            }
        }
        .boxed()
    }
}

/// Whether a call ended because its time was over.
fn is_late(error: &tonic::transport::Error) -> bool {
    let mut below = error.source();
    while let Some(cause) = below {
        if cause.is::<TimeoutExpired>() {
            return true;
        }
        below = cause.source();
    }
    false
}

/// What a call ends with whose time was over, wherever that was noticed.
fn late(service: &str, path: &str) -> Status {
    // `/redress.triage.v1.ClockService/ListClocks`
    let call = path.rsplit('.').next().unwrap_or(path);
    Status::deadline_exceeded(format!("{service} did not answer {call} in time"))
}

/// What a call ends with whose service has no address.
fn unknown(service: &'static str) -> Status {
    Status::failed_precondition(format!(
        "{}; set {}",
        Failure::NoEndpoint { service },
        variable(service)
    ))
}

/// The variable that says where a service is.
pub(crate) fn variable(service: &str) -> String {
    format!("REDRESS_{}_URL", service.to_uppercase())
}

/// A channel that shows the token.
pub(crate) type Authenticated = InterceptedService<Named, Bearer>;

/// The running platform.
#[derive(Debug, Clone)]
pub(crate) struct Platform {
    places: BTreeMap<&'static str, Place>,
    bearer: Bearer,
}

/// Where a service is, and the way there.
#[derive(Debug, Clone)]
struct Place {
    uri: http::Uri,
    channel: Channel,
}

/// The processes of a service that can be asked one by one.
pub(crate) struct Replicas {
    /// A channel to each, at most [`REPLICAS_MAX`].
    pub(crate) asked: Vec<Authenticated>,
    /// How many there are.
    pub(crate) found: usize,
}

impl Platform {
    /// Finds the platform of this data folder.
    pub(crate) fn find(home: &Home, token: Option<&str>) -> Result<Self, Failure> {
        let endpoints = endpoints(home)?;
        let token = match token {
            Some(token) => token.to_owned(),
            None => std::fs::read_to_string(home.token()).map_err(|_| Failure::NoToken {
                path: home.token().display().to_string(),
            })?,
        };
        Self::connect(&endpoints, token.trim())
    }

    /// A platform at these addresses, `https://` ones by the authorities that this machine trusts. Connects at the first call,
    /// and misses no address that nobody calls.
    pub(crate) fn connect(endpoints: &Endpoints, token: &str) -> Result<Self, Failure> {
        let trust = ClientTlsConfig::new().with_native_roots();
        Self::trusting(endpoints, token, &trust)
    }

    /// The same by these authorities.
    fn trusting(
        endpoints: &Endpoints,
        token: &str,
        trust: &ClientTlsConfig,
    ) -> Result<Self, Failure> {
        let value = format!("Bearer {token}")
            .parse()
            .map_err(|_| Failure::BadToken)?;
        let mut places = BTreeMap::new();
        for service in ServiceArg::ALL {
            let name = service.name();
            let Some(url) = endpoints.get(name) else {
                continue;
            };
            let endpoint = Endpoint::from_shared(url.clone());
            let endpoint = endpoint.map_err(|_| Failure::BadEndpoint {
                service: name,
                url: url.clone(),
            })?;
            let mut endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
            if endpoint.uri().scheme_str() == Some("https") {
                let encrypted = endpoint.tls_config(trust.clone());
                endpoint = encrypted.map_err(|error| Failure::NoTrust {
                    service: name,
                    why: first_cause(&error),
                })?;
            }
            let place = Place {
                uri: endpoint.uri().clone(),
                channel: endpoint.connect_lazy(),
            };
            places.insert(name, place);
        }
        Ok(Self {
            places,
            bearer: Bearer(value),
        })
    }

    fn channel(&self, service: ServiceArg) -> Authenticated {
        let place = self.places.get(service.name());
        self.by(service, place.map(|place| place.channel.clone()))
    }

    fn by(&self, service: ServiceArg, channel: Option<Channel>) -> Authenticated {
        let service = service.name();
        InterceptedService::new(Named { service, channel }, self.bearer.clone())
    }

    /// The service at one address of its name.
    fn at(
        &self,
        service: ServiceArg,
        uri: &http::Uri,
        address: &SocketAddr,
    ) -> Option<Authenticated> {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).ok()?;
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
        let channel = endpoint.origin(uri.clone()).connect_lazy();
        Some(self.by(service, Some(channel)))
    }

    /// Every replica of a service: one for each address of its name, where it has several. What one connection reaches is
    /// one of them, and says nothing of the others.
    pub(crate) async fn replicas(&self, service: ServiceArg) -> Result<Replicas, Failure> {
        let name = service.name();
        let place = self.places.get(name);
        let Place { uri, .. } = place.ok_or(Failure::NoEndpoint { service: name })?;
        let is_plain = uri.scheme_str() == Some("http");
        let addresses = match (uri.host(), uri.port_u16()) {
            (Some(host), Some(port)) if is_plain => {
                let resolved = tokio::net::lookup_host((host.trim_matches(['[', ']']), port));
                resolved.await.map_or_else(|_| Vec::new(), several)
            }
            _ => Vec::new(),
        };
        // A name that leads nowhere is told by the call.
        if addresses.is_empty() {
            return Ok(Replicas {
                asked: vec![self.channel(service)],
                found: 1,
            });
        }
        let way = |address: &SocketAddr| self.at(service, uri, address);
        Ok(Replicas {
            asked: addresses
                .iter()
                .take(REPLICAS_MAX)
                .filter_map(way)
                .collect(),
            found: addresses.len(),
        })
    }

    pub(crate) fn cases(&self) -> CaseServiceClient<Authenticated> {
        CaseServiceClient::new(self.channel(ServiceArg::Intake))
    }

    pub(crate) fn directory(&self) -> DirectoryServiceClient<Authenticated> {
        DirectoryServiceClient::new(self.channel(ServiceArg::Intake))
    }

    pub(crate) fn triage(&self) -> TriageServiceClient<Authenticated> {
        TriageServiceClient::new(self.channel(ServiceArg::Triage))
    }

    pub(crate) fn statements(&self) -> StatementServiceClient<Authenticated> {
        StatementServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn tasks(&self) -> TaskServiceClient<Authenticated> {
        TaskServiceClient::new(self.channel(ServiceArg::Notification))
    }

    pub(crate) fn templates(&self) -> TemplateServiceClient<Authenticated> {
        TemplateServiceClient::new(self.channel(ServiceArg::Notification))
    }

    pub(crate) fn wording(&self) -> WordingServiceClient<Authenticated> {
        WordingServiceClient::new(self.channel(ServiceArg::Notification))
    }

    pub(crate) fn clusters(&self) -> ClusterServiceClient<Authenticated> {
        ClusterServiceClient::new(self.channel(ServiceArg::Triage))
    }

    pub(crate) fn clocks(&self) -> ClockServiceClient<Authenticated> {
        ClockServiceClient::new(self.channel(ServiceArg::Triage))
    }

    pub(crate) fn policies(&self) -> PolicyServiceClient<Authenticated> {
        PolicyServiceClient::new(self.channel(ServiceArg::Triage))
    }

    pub(crate) fn calendars(&self) -> CalendarServiceClient<Authenticated> {
        CalendarServiceClient::new(self.channel(ServiceArg::Triage))
    }

    pub(crate) fn roster(&self) -> RosterServiceClient<Authenticated> {
        RosterServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn roster_plan(&self) -> RosterPlanServiceClient<Authenticated> {
        RosterPlanServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn contractors(&self) -> ContractorServiceClient<Authenticated> {
        ContractorServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn disputes(&self) -> DisputeServiceClient<Authenticated> {
        DisputeServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn library(&self) -> LibraryServiceClient<Authenticated> {
        LibraryServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn register(&self) -> RegisterServiceClient<Authenticated> {
        RegisterServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn settlements(&self) -> SettlementServiceClient<Authenticated> {
        SettlementServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn transfers(&self) -> TransferServiceClient<Authenticated> {
        TransferServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn warranties(&self) -> WarrantyServiceClient<Authenticated> {
        WarrantyServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn reports(&self) -> ReportServiceClient<Authenticated> {
        ReportServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn agency(&self) -> AgencyServiceClient<Authenticated> {
        AgencyServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn powers(&self) -> PowerServiceClient<Authenticated> {
        PowerServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn promises(&self) -> PromiseServiceClient<Authenticated> {
        PromiseServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn ledger(&self) -> LedgerServiceClient<Authenticated> {
        LedgerServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn staffing(&self) -> StaffingServiceClient<Authenticated> {
        StaffingServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn work(&self) -> WorkServiceClient<Authenticated> {
        WorkServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn handling(&self) -> HandlingServiceClient<Authenticated> {
        HandlingServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn solutions(&self) -> SolutionServiceClient<Authenticated> {
        SolutionServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn validity(&self) -> ValidityServiceClient<Authenticated> {
        ValidityServiceClient::new(self.channel(ServiceArg::Assignment))
    }

    pub(crate) fn messages(&self) -> MessageServiceClient<Authenticated> {
        MessageServiceClient::new(self.channel(ServiceArg::Notification))
    }

    pub(crate) fn voice(&self) -> VoiceServiceClient<Authenticated> {
        VoiceServiceClient::new(self.channel(ServiceArg::Notification))
    }

    pub(crate) fn delivery(&self) -> DeliveryServiceClient<Authenticated> {
        DeliveryServiceClient::new(self.channel(ServiceArg::Notification))
    }

    pub(crate) fn surveys(&self) -> SurveyServiceClient<Authenticated> {
        SurveyServiceClient::new(self.channel(ServiceArg::Notification))
    }

    pub(crate) fn notices(&self) -> NoticeServiceClient<Authenticated> {
        NoticeServiceClient::new(self.channel(ServiceArg::Notification))
    }

    pub(crate) fn incidents(&self) -> IncidentServiceClient<Authenticated> {
        IncidentServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn aftermath(&self) -> AftermathServiceClient<Authenticated> {
        AftermathServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn briefings(&self) -> BriefingServiceClient<Authenticated> {
        BriefingServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn media(&self) -> MediaServiceClient<Authenticated> {
        MediaServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn matrices(&self) -> MatrixServiceClient<Authenticated> {
        MatrixServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn commands(&self) -> CommandServiceClient<Authenticated> {
        CommandServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn lessons(&self) -> LessonServiceClient<Authenticated> {
        LessonServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn playbooks(&self) -> PlaybookServiceClient<Authenticated> {
        PlaybookServiceClient::new(self.channel(ServiceArg::Crisis))
    }

    pub(crate) fn events(&self, service: ServiceArg) -> EventAdminServiceClient<Authenticated> {
        EventAdminServiceClient::new(self.channel(service))
    }
}

/// Addresses that are replicas of one service; none where they are no several. The names of a machine for itself lead to
/// one process by several ways, and so do two families of addresses.
fn several(resolved: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses: BTreeSet<SocketAddr> = resolved.collect();
    if addresses.iter().any(SocketAddr::is_ipv4) {
        addresses.retain(SocketAddr::is_ipv4);
    }
    if addresses.len() < 2 || addresses.iter().all(|a| a.ip().is_loopback()) {
        return Vec::new();
    }
    addresses.into_iter().collect()
}

/// A request with a deadline.
pub(crate) fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// A new `request_id`: by it a call that is tried again is known as the same.
pub(crate) fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Whether the same call may succeed in a moment.
pub(crate) fn is_transient(status: &Status) -> bool {
    let passes = matches!(
        status.code(),
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded
    );
    (passes || is_broken(status)) && distrust(status).is_none()
}

/// What a client says whose connection gave way before the call began.
const NOT_READY: &str = "Service was not ready: ";

/// Whether the connection failed, and no service answered: what a service answers comes without a source. Whether the call
/// was carried out is unknown.
pub(crate) fn is_broken(status: &Status) -> bool {
    let not_ready = status.code() == Code::Unknown && status.message().starts_with(NOT_READY);
    not_ready || status.source().is_some()
}

/// Why the connection failed: the first cause, since all above it say no more than that it did.
pub(crate) fn cause(status: &Status) -> String {
    match status.source() {
        Some(cause) => first_cause(cause),
        None => status.message().trim_start_matches(NOT_READY).to_owned(),
    }
}

/// What mends a connection that TLS refused, which waiting does not; none where something else broke it.
pub(crate) fn distrust(status: &Status) -> Option<&'static str> {
    let cause = is_broken(status).then(|| cause(status))?;
    let known = REFUSALS.iter().find(|(words, _)| cause.contains(words));
    known.map(|(_, mend)| *mend)
}

/// Why TLS refuses a connection, as it words it, and what mends that. The first that fits.
const REFUSALS: [(&str, &str); 13] = [
    ("UnknownIssuer", NAME_THE_AUTHORITY),
    // Made anew under the same name.
    ("BadSignature", NAME_THE_AUTHORITY),
    ("certificate expired", "its certificate has to be renewed"),
    (
        "not valid yet",
        "its certificate begins later, or this machine's clock is wrong",
    ),
    (
        "not valid for name",
        "its certificate has to name the host of the address",
    ),
    (
        "invalid peer certificate",
        "its certificate has to be mended",
    ),
    (
        "CertificateRequired",
        "it asks callers for a certificate, and this command has none to show",
    ),
    (
        "corrupt message",
        "the address has to lead to a port that speaks TLS",
    ),
    ("peer is incompatible", NO_COMMON_TLS),
    ("ProtocolVersion", NO_COMMON_TLS),
    ("HTTP/2 was not negotiated", NO_GRPC),
    ("NoApplicationProtocol", NO_GRPC),
    (
        "fatal alert",
        "what answers at the address refuses to speak TLS with this command, and its log says why",
    ),
];

/// See [`REFUSALS`].
const NO_COMMON_TLS: &str = "what answers at the address speaks no TLS that this command does";

/// See [`REFUSALS`].
const NO_GRPC: &str = "the address has to lead to a port that speaks gRPC";

/// See [`REFUSALS`].
const NAME_THE_AUTHORITY: &str =
    "set SSL_CERT_FILE to the file of the authority that vouches for it";

/// What an error began with.
fn first_cause(error: &dyn std::error::Error) -> String {
    let mut first = error;
    while let Some(cause) = first.source() {
        first = cause;
    }
    first.to_string()
}

/// Calls until the answer is not "in a moment", at most [`TRIES_MAX`] times. For calls that may be
/// repeated.
pub(crate) async fn patiently<T, F, Fut>(mut call: F) -> Result<T, Status>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Status>>,
{
    let mut pause = Duration::from_millis(100);
    for _ in 1..TRIES_MAX {
        match call().await {
            Err(status) if is_transient(&status) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            answer => return answer,
        }
    }
    call().await
}

/// Where the services listen: `REDRESS_<SERVICE>_URL` over what the data folder says.
fn endpoints(home: &Home) -> Result<Endpoints, Failure> {
    let mut endpoints: Endpoints = match std::fs::read_to_string(home.endpoints()) {
        Ok(text) => serde_json::from_str(&text).map_err(|_| Failure::BrokenHome {
            path: home.endpoints().display().to_string(),
        })?,
        Err(_) => Endpoints::new(),
    };
    // What the environment says leads to the real platform, and a rehearsal stays in its own.
    let variables = if home.clock().exists() {
        &[][..]
    } else {
        &ServiceArg::ALL[..]
    };
    for service in variables {
        if let Ok(url) = std::env::var(variable(service.name())) {
            endpoints.insert(service.name().to_owned(), url);
        }
    }
    if endpoints.is_empty() {
        return Err(Failure::NotUp {
            home: home.folder().display().to_string(),
        });
    }
    Ok(endpoints)
}

/// Every page of a list, or the first `limit` rows.
pub(crate) async fn all_pages<T, F, Fut>(
    limit: Option<usize>,
    mut page: F,
) -> Result<Vec<T>, Failure>
where
    F: FnMut(i32, String) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, String), Status>>,
{
    let limit = limit.unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    let mut token = String::new();
    while rows.len() < limit {
        let size = i32::try_from((limit - rows.len()).min(500)).unwrap_or(500);
        let (mut next, next_token) = page(size, token).await?;
        rows.append(&mut next);
        if next_token.is_empty() {
            break;
        }
        token = next_token;
    }
    rows.truncate(limit);
    Ok(rows)
}

/// `sites/{site}`, or all sites of the token.
pub(crate) fn parent(site: Option<&str>) -> String {
    match site {
        Some(site) if site.starts_with("sites/") => site.to_owned(),
        Some(site) => format!("sites/{site}"),
        None => "sites/-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use redress_proto::intake::v1::GetCaseRequest;
    use tokio::net::TcpListener;
    use tonic::service::Routes;
    use tonic::transport::server::TcpIncoming;
    use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

    use super::*;

    /// What a call of a platform ends with whose services are all at this address.
    async fn asked(address: std::net::SocketAddr, within: Duration) -> Status {
        let service = |s: ServiceArg| (s.name().to_owned(), format!("http://{address}"));
        let endpoints: Endpoints = ServiceArg::ALL.map(service).into_iter().collect();
        let platform = Platform::connect(&endpoints, "token").expect("right addresses");
        let name = "sites/a/cases/b".to_owned();
        let mut call = Request::new(GetCaseRequest { name });
        call.set_timeout(within);
        let answer = platform.cases().get_case(call).await;
        answer.expect_err("nobody answers")
    }

    #[tokio::test]
    async fn i2_a_connection_that_fails_or_breaks_is_asked_again_and_says_what_is_away() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let hangs_up = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream);
            }
        });
        let broken = asked(address, CALL_TIMEOUT).await;
        hangs_up.abort();
        let _ = hangs_up.await;
        // Nobody listens there any more.
        let closed = asked(address, CALL_TIMEOUT).await;
        for status in [broken, closed] {
            assert!(is_broken(&status) && is_transient(&status), "{status:?}");
            let told = Failure::from(status).to_string();
            assert!(told.starts_with("the platform cannot be reached"), "{told}");
            assert!(!told.contains("transport error"), "{told}");
            assert!(told.contains("`redress up`"), "{told}");
        }
    }

    #[tokio::test]
    async fn an_https_address_is_spoken_to_under_tls_and_only_where_its_authority_is_trusted() {
        let pem = |name: &str| {
            let file = [env!("CARGO_MANIFEST_DIR"), "../runtime/tests/it/keys", name];
            std::fs::read(file.iter().collect::<PathBuf>()).expect("committed")
        };
        let own = Certificate::from_pem(pem("ca.pem"));
        let gateway = async |tls: Option<ServerTlsConfig>| {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let port = listener.local_addr().expect("bound").port();
            let mut server = match tls {
                Some(tls) => Server::builder().tls_config(tls).expect("a key"),
                None => Server::builder(),
            };
            let server = server.add_routes(Routes::default());
            tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
            port
        };
        let identity = Identity::from_pem(pem("server.pem"), pem("server.key"));
        let tls = ServerTlsConfig::new().identity(identity);
        let ask = async |port: u16, trust: &ClientTlsConfig| {
            let endpoints = [("intake".to_owned(), format!("https://127.0.0.1:{port}"))];
            let platform = Platform::trusting(&endpoints.into(), "token", trust);
            let name = "sites/a/cases/b".to_owned();
            let mut cases = platform.expect("right addresses").cases();
            let answer = cases.get_case(request(GetCaseRequest { name })).await;
            answer.expect_err("no service is there")
        };
        let (trust, nobody) = (ClientTlsConfig::new(), ClientTlsConfig::new());
        let trust = trust.ca_certificate(own.clone());
        let port = gateway(Some(tls.clone())).await;
        let told = ask(port, &trust).await;
        assert_eq!(told.code(), Code::Unimplemented, "{told:?}");
        assert!(!is_broken(&told), "{told:?}");

        let plain = gateway(None).await;
        let asks_back = gateway(Some(tls.client_ca_root(own))).await;
        for (port, trust, cause, mend) in [
            // Nobody vouches for it.
            (port, &nobody, "UnknownIssuer", "SSL_CERT_FILE"),
            (plain, &trust, "corrupt message", "speaks TLS"),
            (asks_back, &trust, "CertificateRequired", "none to show"),
        ] {
            let told = ask(port, trust).await;
            assert!(is_broken(&told) && !is_transient(&told), "{told:?}");
            let said = Failure::from(told).to_string();
            assert!(said.contains(cause) && said.contains(mend), "{said}");
            assert!(!said.contains("redress up"), "{said}");
        }
        // As the libraries word what takes more than that to cause.
        for (cause, mend) in [
            ("invalid peer certificate: BadSignature", "SSL_CERT_FILE"),
            ("invalid peer certificate: certificate expired", "renewed"),
            ("invalid peer certificate: CaUsedAsEndEntity", "be mended"),
            ("received fatal alert: NoApplicationProtocol", "speaks gRPC"),
            ("received fatal alert: HandshakeFailure", "its log says why"),
        ] {
            let told = Status::unknown(format!("{NOT_READY}{cause}"));
            assert!(!is_transient(&told), "{told:?}");
            let said = Failure::from(told).to_string();
            assert!(said.contains(mend), "{said}");
        }
        // What no certificate can name is told as that.
        let endpoints = [("intake".to_owned(), "https://1.2.3.4.5:1".to_owned())];
        let wrong = Platform::trusting(&endpoints.into(), "token", &trust);
        let said = wrong.expect_err("no server name").to_string();
        assert!(
            said.contains("intake") && !said.contains("authorities"),
            "{said}"
        );
    }

    #[tokio::test]
    async fn only_a_call_to_a_service_without_an_address_is_told_so_and_which_variable_says_it() {
        let endpoints = [("intake".to_owned(), "http://127.0.0.1:1".to_owned())];
        let platform = Platform::connect(&endpoints.into(), "token").expect("one is enough");
        let name = "sites/a/cases/b".to_owned();
        let get = request(GetCaseRequest { name });
        let known = platform.cases().get_case(get).await;
        assert!(is_broken(&known.expect_err("nobody listens")));
        let list = request(Default::default());
        let told = platform.triage().list_decisions(list).await;
        let told = told.expect_err("no address");
        assert!(!is_broken(&told) && !is_transient(&told), "{told:?}");
        let said = "the address of triage is not known; set REDRESS_TRIAGE_URL";
        assert_eq!(Failure::from(told).to_string(), said);
        let none = platform.replicas(ServiceArg::Crisis).await.err();
        let none = none.map(|failure| failure.to_string());
        assert_eq!(none.as_deref(), Some("the address of crisis is not known"));
    }

    #[test]
    fn each_address_of_a_name_is_a_replica_and_the_names_of_one_machine_are_none() {
        let found = |texts: &[&str]| {
            let addresses = texts.iter().map(|text| text.parse().expect("an address"));
            let addresses = several(addresses);
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let pods = ["10.1.0.7:7400", "10.1.2.9:7400"];
        assert_eq!(found(&[pods[1], pods[0], pods[1]]), pods);
        assert_eq!(
            found(&[pods[0], "[fd00::7]:7400", pods[1], "[fd00::9]:7400"]),
            pods
        );
        let none: [&str; 0] = [];
        assert_eq!(found(&["[::1]:7400", "127.0.0.1:7400"]), none);
        assert_eq!(found(&["127.0.0.1:7400", "127.0.0.2:7400"]), none);
        assert_eq!(found(&[pods[0], "[fd00::7]:7400"]), none);
        let six = ["[fd00::7]:7400", "[fd00::9]:7400"];
        assert_eq!(found(&six), six);
    }

    #[tokio::test]
    async fn a_replica_is_asked_at_its_own_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let reached = tokio::spawn(async move { listener.accept().await.map(drop) });
        let endpoints = [("intake".to_owned(), "http://127.0.0.1:1".to_owned())];
        let platform = Platform::connect(&endpoints.into(), "token").expect("right");
        let uri = http::Uri::from_static("http://redress-intake:7400");
        let replica = platform.at(ServiceArg::Intake, &uri, &address);
        let name = "sites/a/cases/b".to_owned();
        let get = request(GetCaseRequest { name });
        let mut client = CaseServiceClient::new(replica.expect("a channel"));
        let told = client.get_case(get).await;
        assert!(is_broken(&told.expect_err("it hangs up")));
        reached.await.expect("joined").expect("reached");
    }

    #[tokio::test]
    async fn a_service_by_its_one_address_is_one_replica() {
        let endpoints = [("intake".to_owned(), "http://127.0.0.1:1".to_owned())];
        let platform = Platform::connect(&endpoints.into(), "token").expect("right");
        let replicas = platform.replicas(ServiceArg::Intake).await.expect("known");
        assert_eq!((replicas.asked.len(), replicas.found), (1, 1));
    }

    #[tokio::test]
    async fn a_call_whose_time_is_over_is_told_as_slow_with_its_service_and_not_as_away() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let silent = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        });
        let status = asked(address, Duration::from_millis(300)).await;
        silent.abort();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert!(!is_broken(&status) && is_transient(&status), "{status:?}");
        let told = Failure::from(status).to_string();
        assert!(
            told.starts_with("intake did not answer CaseService/GetCase in time"),
            "{told}"
        );
        assert!(told.contains("slow"), "{told}");
        assert!(!told.contains("cannot be reached"), "{told}");
    }

    #[test]
    fn what_a_service_refuses_is_not_asked_again_and_keeps_its_words() {
        for code in [
            Code::Unknown,
            Code::Internal,
            Code::Cancelled,
            Code::InvalidArgument,
        ] {
            let status = Status::new(code, "said by a service");
            assert!(!is_broken(&status) && !is_transient(&status), "{code:?}");
            assert_eq!(Failure::from(status).to_string(), "said by a service");
        }
        for code in [
            Code::Unavailable,
            Code::ResourceExhausted,
            Code::DeadlineExceeded,
        ] {
            let status = Status::new(code, "");
            assert!(!is_broken(&status) && is_transient(&status), "{code:?}");
        }
        let gone = Status::from_error("connection reset".into());
        assert!(is_broken(&gone) && is_transient(&gone));
        assert_eq!(cause(&gone), "connection reset");
        let gone = Status::unknown("Service was not ready: closed");
        assert!(is_broken(&gone) && is_transient(&gone));
        assert_eq!(cause(&gone), "closed");
    }
}
