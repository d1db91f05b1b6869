//! Who calls: tokens of the platform's issuer, and clients that carry them.

use std::sync::Arc;
use std::time::Duration;

use redress_model::time::SystemClock;
use redress_proto::assignment::v1::handling_service_client::HandlingServiceClient;
use redress_proto::assignment::v1::roster_service_client::RosterServiceClient;
use redress_proto::assignment::v1::work_service_client::WorkServiceClient;
use redress_proto::crisis::v1::aftermath_service_client::AftermathServiceClient;
use redress_proto::crisis::v1::briefing_service_client::BriefingServiceClient;
use redress_proto::crisis::v1::incident_service_client::IncidentServiceClient;
use redress_proto::crisis::v1::media_service_client::MediaServiceClient;
use redress_proto::crisis::v1::playbook_service_client::PlaybookServiceClient;
use redress_proto::crisis::v1::statement_service_client::StatementServiceClient;
use redress_proto::intake::v1::case_service_client::CaseServiceClient;
use redress_proto::intake::v1::directory_service_client::DirectoryServiceClient;
use redress_proto::notification::v1::message_service_client::MessageServiceClient;
use redress_proto::triage::v1::clock_service_client::ClockServiceClient;
use redress_proto::triage::v1::triage_service_client::TriageServiceClient;
use redress_rpc::auth::{Grant, Issuer};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::platform::Platform;

/// Adds a token to every call.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A channel that shows a token.
pub type Authenticated = InterceptedService<Channel, Bearer>;

/// Makes clients for one platform.
pub struct Callers<'a> {
    platform: &'a Platform,
    grant: Grant,
}

impl<'a> Callers<'a> {
    pub(crate) fn new(platform: &'a Platform) -> Self {
        Self {
            platform,
            grant: Grant {
                subject: "tester".to_owned(),
                roles: vec!["admin".to_owned()],
                organizations: vec!["demo".to_owned()],
                ..Grant::default()
            },
        }
    }

    /// The same caller confined to these sites, in this role.
    #[must_use]
    pub fn at(mut self, sites: &[&str], role: &str) -> Self {
        self.grant.organizations.clear();
        self.grant.sites = sites.iter().map(|s| (*s).to_owned()).collect();
        self.grant.roles = vec![role.to_owned()];
        self
    }

    /// The same caller as a person on the roster.
    #[must_use]
    pub fn staff(mut self, staff: &str) -> Self {
        self.grant.staff = Some(staff.to_owned());
        self.grant.subject = staff.to_owned();
        self
    }

    /// The token.
    pub fn token(&self) -> String {
        let issuer = Issuer::from_file(
            &self.platform.issuer_key(),
            "redress",
            Arc::new(SystemClock),
        )
        .expect("the key was made by the platform");
        issuer
            .user_token(self.grant.clone(), Duration::from_secs(3600))
            .expect("the key signs")
    }

    /// A channel to a service with this caller's token.
    pub fn channel(&self, service: &str) -> Authenticated {
        self.channel_to(self.platform.url(service))
    }

    /// A channel to a process of a service with this caller's token.
    pub fn channel_to(&self, url: String) -> Authenticated {
        let channel = Endpoint::from_shared(url)
            .expect("the URL is ours")
            .connect_lazy();
        let value = format!("Bearer {}", self.token())
            .parse()
            .expect("a token is ASCII");
        InterceptedService::new(channel, Bearer(value))
    }

    /// Client of the directory.
    pub fn directory(&self) -> DirectoryServiceClient<Authenticated> {
        DirectoryServiceClient::new(self.channel("intake"))
    }

    /// Client of cases.
    pub fn cases(&self) -> CaseServiceClient<Authenticated> {
        CaseServiceClient::new(self.channel("intake"))
    }

    /// Client of triage.
    pub fn triage(&self) -> TriageServiceClient<Authenticated> {
        TriageServiceClient::new(self.channel("triage"))
    }

    /// Client of the clocks.
    pub fn clocks(&self) -> ClockServiceClient<Authenticated> {
        ClockServiceClient::new(self.channel("triage"))
    }

    /// Client of the roster.
    pub fn roster(&self) -> RosterServiceClient<Authenticated> {
        RosterServiceClient::new(self.channel("assignment"))
    }

    /// Client of work.
    pub fn work(&self) -> WorkServiceClient<Authenticated> {
        WorkServiceClient::new(self.channel("assignment"))
    }

    /// Client of handling.
    pub fn handling(&self) -> HandlingServiceClient<Authenticated> {
        HandlingServiceClient::new(self.channel("assignment"))
    }

    /// Client of messages.
    pub fn messages(&self) -> MessageServiceClient<Authenticated> {
        MessageServiceClient::new(self.channel("notification"))
    }

    /// Client of incidents.
    pub fn incidents(&self) -> IncidentServiceClient<Authenticated> {
        IncidentServiceClient::new(self.channel("crisis"))
    }

    /// Client of statements.
    pub fn statements(&self) -> StatementServiceClient<Authenticated> {
        StatementServiceClient::new(self.channel("crisis"))
    }

    /// Client of playbooks.
    pub fn playbooks(&self) -> PlaybookServiceClient<Authenticated> {
        PlaybookServiceClient::new(self.channel("crisis"))
    }

    /// Client of briefings.
    pub fn briefings(&self) -> BriefingServiceClient<Authenticated> {
        BriefingServiceClient::new(self.channel("crisis"))
    }

    /// Client of the media desk.
    pub fn media(&self) -> MediaServiceClient<Authenticated> {
        MediaServiceClient::new(self.channel("crisis"))
    }

    /// Client of what follows an incident.
    pub fn aftermath(&self) -> AftermathServiceClient<Authenticated> {
        AftermathServiceClient::new(self.channel("crisis"))
    }
}
