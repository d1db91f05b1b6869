//! The TaskService. One RPC a file; this one only knows which file is which, and how a task looks on the wire.

mod claim_task;
mod complete_task;
mod get_task;
mod list_tasks;

use std::sync::Arc;

use redress_model::time::SharedClock;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::task_service_server::TaskService;
use redress_rpc::{Fingerprints, etag, status};
use redress_store::{Database, Keyring};
use tonic::{Request, Response, Status};

use crate::jobs::metrics::Metrics;
use crate::store::tasks::{Task, TaskText};

/// Answers people who call and write.
#[derive(Debug)]
pub struct Tasks {
    /// The database.
    pub db: Database,
    /// Keys of what is sealed.
    pub keys: Arc<Keyring>,
    /// Time.
    pub clock: SharedClock,
    /// What tells a repeated request from another one.
    pub fingerprints: Fingerprints,
    /// What is counted.
    pub metrics: Metrics,
}

#[tonic::async_trait]
impl TaskService for Tasks {
    async fn list_tasks(
        &self,
        request: Request<proto::ListTasksRequest>,
    ) -> Result<Response<proto::ListTasksResponse>, Status> {
        list_tasks::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn get_task(
        &self,
        request: Request<proto::GetTaskRequest>,
    ) -> Result<Response<proto::GetTaskResponse>, Status> {
        get_task::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn claim_task(
        &self,
        request: Request<proto::ClaimTaskRequest>,
    ) -> Result<Response<proto::ClaimTaskResponse>, Status> {
        claim_task::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn complete_task(
        &self,
        request: Request<proto::CompleteTaskRequest>,
    ) -> Result<Response<proto::CompleteTaskResponse>, Status> {
        complete_task::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

fn task(task: &Task) -> proto::Task {
    proto::Task {
        name: task.name.to_string(),
        etag: etag::of(task.revision),
        kind: convert::to_wire(task.kind),
        state: convert::to_wire(task.state),
        role: task.role.clone(),
        offered_to: task.offered_to.clone(),
        message: task.message.to_string(),
        case: task
            .case
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        reason: task.reason.clone(),
        due_time: Some(convert::to_timestamp(task.due_time)),
        taken_by: task.taken_by.clone(),
        take_time: task.take_time.map(convert::to_timestamp),
        outcome: convert::to_wire_opt(task.outcome),
        done_by: task.done_by.clone(),
        done_time: task.done_time.map(convert::to_timestamp),
        create_time: Some(convert::to_timestamp(task.create_time)),
        survey: task
            .survey
            .map(|id| format!("sites/{}/surveys/{id}", task.name.site))
            .unwrap_or_default(),
    }
}

fn text(text: TaskText) -> proto::TaskText {
    proto::TaskText {
        reader: text.reader,
        address: text.address,
        subject: text.subject,
        body: text.body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::task::{TaskKind, TaskOutcome, TaskState};
    use redress_model::words::Word as _;

    #[test]
    fn our_words_of_tasks_are_the_wires_words() {
        for word in TaskKind::ALL {
            let wire = proto::TaskKind::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("TASK_KIND_{word}"));
        }
        for word in TaskState::ALL {
            let wire = proto::TaskState::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("TASK_STATE_{word}"));
        }
        for word in TaskOutcome::ALL {
            let wire = proto::TaskOutcome::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("TASK_OUTCOME_{word}"));
        }
    }
}
