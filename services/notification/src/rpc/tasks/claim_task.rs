//! ClaimTask: somebody takes a task, so that nobody else does it too.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{StaffName, TaskName};
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::Tasks;
use crate::domain::task::TaskState;
use crate::jobs::steps;
use crate::jobs::task_watch::{self, TASK_DONE};
use crate::jobs::voice::{self, ByHand};
use crate::rpc::survey;
use crate::store::tasks::{self, Task, TaskText};
use crate::store::{messages, surveys};

const METHOD: &str = "redress.notification.v1.TaskService/ClaimTask";
/// What a caller needs besides the method's own permission to take over.
const TAKE_OVER: &str = "tasks.take_over";

struct ClaimTask<'a> {
    name: &'a TaskName,
    keys: &'a Keyring,
    subject: &'a str,
    staff: Option<&'a StaffName>,
    take_over: bool,
    etag: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for ClaimTask<'_> {
    const NAME: &'static str = "notification.claim_task";
    type Output = (Task, Option<TaskText>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let mut task = tasks::lock(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Task", self.name))?;
        let mine = |task: &Task| task.state == TaskState::Claimed && task.taken_by == self.subject;
        if matches!(claim, Claim::New) && !mine(&task) {
            etag::check(self.etag, task.revision, self.name)?;
            self.may_call(tx, &task).await?;
            match task.state {
                TaskState::Open => {}
                TaskState::Claimed if self.take_over => {}
                TaskState::Claimed => {
                    return Err(Fault::illegal(
                        "TASK_TAKEN",
                        "somebody else has taken this task; take it over or choose an open one",
                        self.name,
                    ));
                }
                TaskState::Done => {
                    return Err(Fault::illegal(
                        TASK_DONE,
                        "a task that is done is not taken any more",
                        self.name,
                    ));
                }
            }
            if task.survey.is_none() {
                self.is_needed(tx, &task).await?;
                voice::may_speak(tx, &task.message, self.name).await?;
            }
            task.state = TaskState::Claimed;
            self.subject.clone_into(&mut task.taken_by);
            task.taker = self.staff.map(ToString::to_string).unwrap_or_default();
            task.take_time = Some(self.now);
            tasks::settle(tx, &mut task).await?;
        }
        if matches!(claim, Claim::New) {
            let etag = etag::of(task.revision);
            receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        }
        // A late repeat finds that somebody else has it, and reads nothing.
        let text = if mine(&task) {
            tasks::text(tx, self.keys, self.name).await?
        } else {
            None
        };
        Ok((task, text))
    }
}

impl ClaimTask<'_> {
    /// Of what has ended nobody calls or writes, though it was asked for before (P06).
    async fn is_needed(&self, tx: &mut Tx, task: &Task) -> Result<(), Fault> {
        let Some(message) = messages::get(tx, &task.message).await? else {
            return Ok(());
        };
        match steps::needless(tx, &message).await? {
            None => Ok(()),
            Some(reason) => Err(Fault::illegal(
                TASK_DONE,
                format!("nobody needs this any more ({reason}), and the task has ended with that"),
                self.name,
            )),
        }
    }

    /// Whoever may not ask the customer learns it before the call. What has ended is told as such.
    async fn may_call(&self, tx: &mut Tx, task: &Task) -> Result<(), Fault> {
        let Some(id) = task.survey.filter(|_| task.state != TaskState::Done) else {
            return Ok(());
        };
        let staff = self
            .staff
            .filter(|staff| staff.site == self.name.site)
            .ok_or_else(|| Fault::only("a person on the roster"))?;
        let survey = surveys::get(tx, &self.name.site, id)
            .await?
            .ok_or_else(|| Fault::not_found("Task", self.name))?;
        survey::may_call(tx, &survey, staff, self.now).await?;
        Ok(())
    }
}

pub(super) async fn handle(
    service: &Tasks,
    request: Request<proto::ClaimTaskRequest>,
) -> Result<proto::ClaimTaskResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let name: TaskName = parse_field("name", &asked.name)?;
    caller.require_site(&name.site)?;
    if asked.take_over {
        caller.require(TAKE_OVER)?;
    }
    let unnumbered = proto::ClaimTaskRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = ClaimTask {
        name: &name,
        keys: &service.keys,
        subject: &caller.subject,
        staff: caller.staff.as_ref(),
        take_over: asked.take_over,
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
    let claimed = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await;
    let (task, text) = match claimed {
        Ok(claimed) => claimed,
        Err(refused) => {
            let (what, now) = (ByHand::Task(&name), operation.now);
            let refused = voice::put_before(&service.db, refused, what, now).await;
            return Err(task_watch::end_refused(&service.db, refused, &name, now).await);
        }
    };
    Ok(proto::ClaimTaskResponse {
        task: Some(super::task(&task)),
        text: text.map(super::text),
    })
}
