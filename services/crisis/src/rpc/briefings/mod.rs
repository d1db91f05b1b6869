//! Weekly briefings and what is promised at them: one RPC a file.

mod add_briefing_notes;
mod answer_briefing_question;
mod get_briefing;
mod hold_briefing;
mod keep_commitment;
mod list_briefings;
mod list_commitments;
mod release_briefing;
pub(super) mod view;
mod waive_commitment;

use std::sync::Arc;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId, StaffId, StaffName};
use redress_proto::convert::from_timestamp;
use redress_proto::crisis::v1::briefing_service_server::BriefingService;
use redress_proto::crisis::v1::{
    AddBriefingNotesRequest, AddBriefingNotesResponse, AnswerBriefingQuestionRequest,
    AnswerBriefingQuestionResponse, GetBriefingRequest, GetBriefingResponse, HoldBriefingRequest,
    HoldBriefingResponse, KeepCommitmentRequest, KeepCommitmentResponse, ListBriefingsRequest,
    ListBriefingsResponse, ListCommitmentsRequest, ListCommitmentsResponse, NewCommitment,
    NewQuestion, ReleaseBriefingRequest, ReleaseBriefingResponse, WaiveCommitmentRequest,
    WaiveCommitmentResponse,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Incidents, answer};
use crate::flow::{Notes, Pledge};

/// What the handlers need: incidents, in whose turns briefings move.
#[derive(Debug)]
pub struct Briefings {
    /// Incidents.
    pub incidents: Arc<Incidents>,
}

/// A person of a site, as sent.
fn staff(field: &str, text: &str, site: &SiteId) -> Result<StaffId, Fault> {
    let name: StaffName = parse_field(field, text)?;
    if name.site == *site {
        Ok(name.id)
    } else {
        Err(Fault::invalid(field, "must belong to the incident's site"))
    }
}

/// Who of the company was there, as sent.
fn present(staff: &[String], site: &SiteId) -> Result<Vec<StaffId>, Fault> {
    staff
        .iter()
        .map(|s| self::staff("staff", s, site))
        .collect()
}

/// Whose complainants were told, as sent, each once.
fn cases(cases: &[String], site: &SiteId) -> Result<Vec<Uuid>, Fault> {
    let mut ids = Vec::with_capacity(cases.len());
    for case in cases {
        let case: CaseName = parse_field("cases", case)?;
        if case.site != *site {
            let text = "must belong to the incident's site";
            return Err(Fault::invalid("cases", text));
        }
        ids.push(case.id);
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// What is to be noted, as sent.
fn notes(
    site: &SiteId,
    questions: &[NewQuestion],
    commitments: &[NewCommitment],
) -> Result<Notes, Fault> {
    let mut pledges = Vec::with_capacity(commitments.len());
    for (at, new) in commitments.iter().enumerate() {
        let due = new.due_time.as_ref().ok_or_else(|| {
            Fault::invalid(format!("commitments[{at}].due_time"), "must be given")
        })?;
        pledges.push(Pledge {
            text: new.text.clone(),
            owner: staff(&format!("commitments[{at}].owner"), &new.owner, site)?,
            due: from_timestamp(&format!("commitments[{at}].due_time"), due)?,
        });
    }
    Ok(Notes {
        questions: questions
            .iter()
            .map(|q| (q.text.clone(), q.answer.clone()))
            .collect(),
        commitments: pledges,
    })
}

#[tonic::async_trait]
impl BriefingService for Briefings {
    async fn get_briefing(
        &self,
        request: Request<GetBriefingRequest>,
    ) -> Result<Response<GetBriefingResponse>, Status> {
        answer(get_briefing::handle(&self.incidents, &request).await)
    }

    async fn list_briefings(
        &self,
        request: Request<ListBriefingsRequest>,
    ) -> Result<Response<ListBriefingsResponse>, Status> {
        answer(list_briefings::handle(&self.incidents, &request).await)
    }

    async fn hold_briefing(
        &self,
        request: Request<HoldBriefingRequest>,
    ) -> Result<Response<HoldBriefingResponse>, Status> {
        answer(hold_briefing::handle(&self.incidents, &request).await)
    }

    async fn add_briefing_notes(
        &self,
        request: Request<AddBriefingNotesRequest>,
    ) -> Result<Response<AddBriefingNotesResponse>, Status> {
        answer(add_briefing_notes::handle(&self.incidents, &request).await)
    }

    async fn answer_briefing_question(
        &self,
        request: Request<AnswerBriefingQuestionRequest>,
    ) -> Result<Response<AnswerBriefingQuestionResponse>, Status> {
        answer(answer_briefing_question::handle(&self.incidents, &request).await)
    }

    async fn release_briefing(
        &self,
        request: Request<ReleaseBriefingRequest>,
    ) -> Result<Response<ReleaseBriefingResponse>, Status> {
        answer(release_briefing::handle(&self.incidents, &request).await)
    }

    async fn list_commitments(
        &self,
        request: Request<ListCommitmentsRequest>,
    ) -> Result<Response<ListCommitmentsResponse>, Status> {
        answer(list_commitments::handle(&self.incidents, &request).await)
    }

    async fn keep_commitment(
        &self,
        request: Request<KeepCommitmentRequest>,
    ) -> Result<Response<KeepCommitmentResponse>, Status> {
        answer(keep_commitment::handle(&self.incidents, &request).await)
    }

    async fn waive_commitment(
        &self,
        request: Request<WaiveCommitmentRequest>,
    ) -> Result<Response<WaiveCommitmentResponse>, Status> {
        answer(waive_commitment::handle(&self.incidents, &request).await)
    }
}
