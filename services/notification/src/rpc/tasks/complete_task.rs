//! CompleteTask: how a call or a letter ended. It is what became of the message; in vain, it goes on by its next way.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::TaskName;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Tasks;
use crate::domain::task::{TaskOutcome, TaskState};
use crate::jobs::carry;
use crate::jobs::voice::{self, ByHand};
use crate::store::tasks::{self, Task};

const METHOD: &str = "redress.notification.v1.TaskService/CompleteTask";

struct CompleteTask<'a> {
    name: &'a TaskName,
    subject: &'a str,
    outcome: TaskOutcome,
    etag: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for CompleteTask<'_> {
    const NAME: &'static str = "notification.complete_task";
    type Output = (Task, bool);

    async fn run(&self, tx: &mut Tx) -> Result<(Task, bool), Fault> {
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let mut task = tasks::lock(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Task", self.name))?;
        if matches!(claim, Claim::Seen { .. }) {
            return Ok((task, false));
        }
        if task.survey.is_some() {
            return Err(Fault::illegal(
                "SURVEY_TASK",
                "what came of a call about a survey is recorded with the survey (RecordSurveyCall), which ends the task",
                self.name,
            ));
        }
        let ends = match task.state {
            TaskState::Done if task.outcome == Some(self.outcome) => false,
            TaskState::Done => {
                return Err(Fault::illegal(
                    "TASK_DONE",
                    "this task is done with another outcome",
                    self.name,
                ));
            }
            TaskState::Claimed if task.taken_by == self.subject => true,
            TaskState::Open | TaskState::Claimed => {
                return Err(Fault::illegal(
                    "TASK_NOT_TAKEN",
                    "only who has taken a task ends it; claim it first",
                    self.name,
                ));
            }
        };
        if ends {
            etag::check(self.etag, task.revision, self.name)?;
            if self.outcome == TaskOutcome::Delivered {
                voice::may_speak(tx, &task.message, self.name).await?;
            }
            task.state = TaskState::Done;
            task.outcome = Some(self.outcome);
            self.subject.clone_into(&mut task.done_by);
            task.done_time = Some(self.now);
            tasks::settle(tx, &mut task).await?;
            if task.attempt > 0 {
                let (message, attempt) = (&task.message, task.attempt);
                carry::came_of(tx, message, attempt, self.outcome, self.now).await?;
            }
        }
        let etag = etag::of(task.revision);
        receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        Ok((task, ends))
    }
}

pub(super) async fn handle(
    service: &Tasks,
    request: Request<proto::CompleteTaskRequest>,
) -> Result<proto::CompleteTaskResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let name: TaskName = parse_field("name", &asked.name)?;
    let outcome: TaskOutcome = convert::required("outcome", asked.outcome)?;
    caller.require_site(&name.site)?;
    let unnumbered = proto::CompleteTaskRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = CompleteTask {
        name: &name,
        subject: &caller.subject,
        outcome,
        etag: &asked.etag,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: name.site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    let done = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await;
    let (task, ended) = match done {
        Ok(done) => done,
        Err(refused) => {
            let (what, now) = (ByHand::Task(&name), operation.now);
            return Err(voice::put_before(&service.db, refused, what, now).await);
        }
    };
    if ended {
        service.metrics.task_ended(task.kind, outcome);
    }
    Ok(proto::CompleteTaskResponse {
        task: Some(super::task(&task)),
    })
}
