//! SkipTask: leaves a task undone, with a reason. FAILED_PRECONDITION `TASK_ENDED` when it was done. A repeat changes
//! nothing and succeeds.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::{self, Order};
use super::super::statements;
use super::Playbooks;
use super::complete_task::EndTask;
use super::get_incident_plan::read;
use crate::domain::words::TaskState;
use crate::flow::Ending;

const METHOD: &str = "redress.crisis.v1.PlaybookService/SkipTask";

pub(super) async fn handle(
    api: &Playbooks,
    request: &Request<wire::SkipTaskRequest>,
) -> Result<wire::SkipTaskResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::SkipTaskRequest {
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
            state: TaskState::Skipped,
            reason: &r.reason,
            reference: "",
            actor: &caller.subject,
        },
        by: statements::person(caller),
    };
    command::run(&api.incidents, caller, order, end).await?;
    let plan = read(api, caller, "name", &r.name).await?;
    Ok(wire::SkipTaskResponse { plan: Some(plan) })
}
