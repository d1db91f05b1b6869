//! CompleteTask: meets the task's clock, and tells an authority what was brought to it. FAILED_PRECONDITION `TASK_ENDED` when it was skipped. A repeat changes
//! nothing and succeeds.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::{self, Command, Order};
use super::super::statements;
use super::Playbooks;
use super::get_incident_plan::read;
use crate::domain::statement::Person;
use crate::domain::words::TaskState;
use crate::flow::{Ending, Transition, Turn};

const METHOD: &str = "redress.crisis.v1.PlaybookService/CompleteTask";

pub(super) async fn handle(
    api: &Playbooks,
    request: &Request<wire::CompleteTaskRequest>,
) -> Result<wire::CompleteTaskResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::CompleteTaskRequest {
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
    let end = EndTask {
        task: &r.task,
        ending: Ending {
            state: TaskState::Done,
            reason: "",
            reference: &r.reference,
            actor: &caller.subject,
        },
        by: statements::person(caller),
    };
    command::run(&api.incidents, caller, order, end).await?;
    let plan = read(api, caller, "name", &r.name).await?;
    Ok(wire::CompleteTaskResponse { plan: Some(plan) })
}

/// Ends a task, one way or the other.
pub(super) struct EndTask<'a> {
    pub(super) task: &'a str,
    pub(super) ending: Ending<'a>,
    pub(super) by: Person,
}

impl Command for EndTask<'_> {
    const NAME: &'static str = "crisis.end_task";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        let ended = turn.end_task(self.task, self.ending, &self.by).await?;
        Ok(ended.then_some(Transition::Noted))
    }
}
