//! AnswerRole: whoever a role is offered to takes it, or does not. PERMISSION_DENIED for anybody else;
//! FAILED_PRECONDITION `NO_OFFER`.

use redress_model::Fault;
use redress_model::name::StaffName;
use redress_model::words::DutyRole;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::{self, Command, Order};
use super::Commanding;
use super::view::read;
use crate::flow::{Transition, Turn};

const METHOD: &str = "redress.crisis.v1.CommandService/AnswerRole";

pub(super) async fn handle(
    api: &Commanding,
    request: &Request<wire::AnswerRoleRequest>,
) -> Result<wire::AnswerRoleResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::AnswerRoleRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
    };
    let answer = Answer {
        role: required("role", r.role)?,
        by: caller.staff.as_ref(),
        accept: r.accept,
        reason: &r.reason,
        actor: &caller.subject,
    };
    command::run(&api.incidents, caller, order, answer).await?;
    let command = read(api, caller, &r.name).await?;
    Ok(wire::AnswerRoleResponse {
        command: Some(command),
    })
}

struct Answer<'a> {
    role: DutyRole,
    by: Option<&'a StaffName>,
    accept: bool,
    reason: &'a str,
    actor: &'a str,
}

impl Command for Answer<'_> {
    const NAME: &'static str = "crisis.answer_role";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        let site = &turn.incident.name.site;
        let by = self.by.filter(|s| s.site == *site).map(|s| &s.id);
        turn.answer_offer(self.role, by, self.accept, self.reason, self.actor)
            .await?;
        Ok(Some(Transition::Changed))
    }
}
