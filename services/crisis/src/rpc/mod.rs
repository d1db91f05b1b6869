//! The API: one RPC a file. Parse, run one transaction, render.

mod aftermath;
mod briefings;
mod command;
mod commanding;
mod get_incident;
mod lessons;
mod list_incidents;
mod list_late_firings;
pub mod matrix;
pub mod media;
mod move_stage;
mod open_incident;
mod playbooks;
mod record_briefing;
mod record_leader_contact;
mod record_update;
mod room;
mod statements;
mod subject;
mod switch_mode;
mod verify_incidents;
mod view;
mod watch_incident;

use std::sync::Arc;

use redress_model::Fault;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use redress_proto::crisis::v1::{
    GetIncidentRequest, GetIncidentResponse, ListIncidentsRequest, ListIncidentsResponse,
    ListLateFiringsRequest, ListLateFiringsResponse, MoveStageRequest, MoveStageResponse,
    OpenIncidentRequest, OpenIncidentResponse, RecordBriefingRequest, RecordBriefingResponse,
    RecordLeaderContactRequest, RecordLeaderContactResponse, RecordUpdateRequest,
    RecordUpdateResponse, SwitchModeRequest, SwitchModeResponse, VerifyIncidentsRequest,
    VerifyIncidentsResponse, WatchIncidentRequest, WatchIncidentResponse,
};
use redress_rpc::watch::{Bell, Stream};
use redress_rpc::{Fingerprints, status};
use redress_store::Database;
use redress_timers::{Entry, Timers};
use tonic::{Request, Response, Status};

use crate::flow::Desk;

pub use aftermath::{Aftermath, EXPORT_TYPE, SignExport, export_signer};
pub use briefings::Briefings;
pub use commanding::Commanding;
pub use lessons::Lessons;
pub use playbooks::Playbooks;
pub use statements::{FEED_TYPE, Statements, signer};

/// What the handlers need.
#[derive(Debug)]
pub struct Incidents {
    /// Where incidents lie.
    pub db: Database,
    /// How they are run.
    pub desk: Arc<Desk>,
    /// Where clocks are armed.
    pub timers: Timers,
    /// For receipts of repeated requests.
    pub fingerprints: Fingerprints,
    /// Rung when an incident changed.
    pub bell: Bell,
}

impl Incidents {
    /// After a commit: arms what was started.
    fn committed(&self, armed: Vec<Entry>) {
        for entry in armed {
            self.timers.schedule(entry);
        }
    }
}

fn answer<T>(result: Result<T, Fault>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(status)
}

#[tonic::async_trait]
impl IncidentService for Incidents {
    async fn get_incident(
        &self,
        request: Request<GetIncidentRequest>,
    ) -> Result<Response<GetIncidentResponse>, Status> {
        answer(get_incident::handle(self, &request).await)
    }

    async fn list_incidents(
        &self,
        request: Request<ListIncidentsRequest>,
    ) -> Result<Response<ListIncidentsResponse>, Status> {
        answer(list_incidents::handle(self, &request).await)
    }

    type WatchIncidentStream = Stream<WatchIncidentResponse>;

    async fn watch_incident(
        &self,
        request: Request<WatchIncidentRequest>,
    ) -> Result<Response<Self::WatchIncidentStream>, Status> {
        answer(watch_incident::handle(self, &request).await)
    }

    async fn open_incident(
        &self,
        request: Request<OpenIncidentRequest>,
    ) -> Result<Response<OpenIncidentResponse>, Status> {
        answer(open_incident::handle(self, &request).await)
    }

    async fn switch_mode(
        &self,
        request: Request<SwitchModeRequest>,
    ) -> Result<Response<SwitchModeResponse>, Status> {
        answer(switch_mode::handle(self, &request).await)
    }

    async fn move_stage(
        &self,
        request: Request<MoveStageRequest>,
    ) -> Result<Response<MoveStageResponse>, Status> {
        answer(move_stage::handle(self, &request).await)
    }

    async fn record_leader_contact(
        &self,
        request: Request<RecordLeaderContactRequest>,
    ) -> Result<Response<RecordLeaderContactResponse>, Status> {
        answer(record_leader_contact::handle(self, &request).await)
    }

    async fn record_update(
        &self,
        request: Request<RecordUpdateRequest>,
    ) -> Result<Response<RecordUpdateResponse>, Status> {
        answer(record_update::handle(self, &request).await)
    }

    async fn record_briefing(
        &self,
        request: Request<RecordBriefingRequest>,
    ) -> Result<Response<RecordBriefingResponse>, Status> {
        answer(record_briefing::handle(self, &request).await)
    }

    async fn verify_incidents(
        &self,
        request: Request<VerifyIncidentsRequest>,
    ) -> Result<Response<VerifyIncidentsResponse>, Status> {
        answer(verify_incidents::handle(self, &request).await)
    }

    async fn list_late_firings(
        &self,
        request: Request<ListLateFiringsRequest>,
    ) -> Result<Response<ListLateFiringsResponse>, Status> {
        answer(list_late_firings::handle(self, &request).await)
    }
}
