//! AcceptLesson: another revision of the organization's playbook, which open incidents do not see (P26). PERMISSION_DENIED to
//! who does not act for the whole organization, FAILED_PRECONDITION `LESSON_DECIDED`, `LESSON_DOES_NOT_FIT`.

use redress_model::Fault;
use redress_model::name::OrganizationId;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::{Command, run};
use crate::flow::{Transition, Turn};
use crate::store::lessons::Lesson;

const METHOD: &str = "redress.crisis.v1.LessonService/AcceptLesson";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::AcceptLessonRequest>,
) -> Result<wire::AcceptLessonResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::AcceptLessonRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.fingerprints.of(METHOD, &unidentified),
    };
    let decide = Decide {
        accept: true,
        reason: &r.reason,
        caller,
    };
    let lesson = run(api, caller, order, decide).await?;
    Ok(wire::AcceptLessonResponse {
        lesson: Some(lesson),
    })
}

/// The organization's word on a lesson, either way.
pub(super) struct Decide<'a> {
    pub(super) accept: bool,
    pub(super) reason: &'a str,
    pub(super) caller: &'a Caller,
}

impl Decide<'_> {
    /// Row security says the same of the playbook; this says it before anything is written, and of a word against it too.
    async fn organization(&self, turn: &mut Turn<'_>) -> Result<OrganizationId, Fault> {
        let organization = turn.organization().await?;
        organization
            .filter(|organization| self.caller.organizations.contains(organization))
            .ok_or_else(|| Fault::only("somebody who acts for the whole organization"))
    }
}

impl Command for Decide<'_> {
    const NAME: &'static str = "crisis.decide_lesson";
    const OPEN: bool = false;
    type Subject = Lesson;

    async fn act(&self, turn: &mut Turn<'_>, lesson: Lesson) -> Result<Option<Transition>, Fault> {
        let organization = self.organization(turn).await?;
        let by = &self.caller.subject;
        if self.accept {
            turn.accept_lesson(&lesson, &organization, self.reason, by)
                .await?;
        } else {
            turn.decline_lesson(&lesson, self.reason, by).await?;
        }
        Ok(Some(Transition::Noted))
    }
}
