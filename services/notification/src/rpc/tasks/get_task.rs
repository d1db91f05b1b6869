//! GetTask: one task; what to say or print for whoever has taken it.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::TaskName;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::Tasks;
use crate::domain::task::TaskState;
use crate::store::tasks::{self, Task, TaskText};

struct GetTask<'a> {
    name: &'a TaskName,
    keys: &'a Keyring,
    subject: &'a str,
}

impl Operation for GetTask<'_> {
    const NAME: &'static str = "notification.get_task";
    type Output = (Task, Option<TaskText>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let task = tasks::get(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Task", self.name))?;
        let mine = task.state == TaskState::Claimed && task.taken_by == self.subject;
        let text = if mine {
            tasks::text(tx, self.keys, self.name).await?
        } else {
            None
        };
        Ok((task, text))
    }
}

pub(super) async fn handle(
    service: &Tasks,
    request: Request<proto::GetTaskRequest>,
) -> Result<proto::GetTaskResponse, Fault> {
    let caller = Caller::of(&request)?;
    let name: TaskName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let operation = GetTask {
        name: &name,
        keys: &service.keys,
        subject: &caller.subject,
    };
    let (task, text) = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    Ok(proto::GetTaskResponse {
        task: Some(super::task(&task)),
        text: text.map(super::text),
    })
}
