//! Watches what people were asked to do (P14): a task that nobody was there to be asked for is put to somebody once there is one,
//! and one that is late goes up the site's ladder, step by step, whoever had it. What nobody needs any more ends instead. Each step
//! is a transaction of its own under the task's lock, which looks again whether its time has come: two replicas make it once, and
//! one that dies leaves it to the other.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::TaskName;
use redress_model::time::SharedClock;
use redress_model::words::DutyRole;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use super::carry::Asked;
use super::metrics::Metrics;
use super::{carry, steps, voice};
use crate::domain::survey;
use crate::domain::task::{self, TaskKind, TaskState};
use crate::store::messages::{self, Message};
use crate::store::tasks::{self, Task};
use crate::store::{matters, word};

/// How often it is looked for tasks whose time has come.
const POLL: Duration = Duration::from_secs(30);
/// Tasks that one look takes up.
const TASKS_MAX: i64 = 100;
/// Why nobody takes a task any more.
pub(crate) const TASK_DONE: &str = "TASK_DONE";
/// Up to which priority a message waits for no morning.
const GRAVE: i16 = 1;

/// Puts tasks to the next person.
#[derive(Debug)]
pub struct TaskWatch {
    /// The database.
    pub db: Database,
    /// Time.
    pub clock: SharedClock,
    /// What is counted.
    pub metrics: Metrics,
}

impl TaskWatch {
    /// Until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let pause = self.clock.wait(POLL);
        every(pause, &shutdown, "late tasks cannot be read", || async {
            self.look().await
        })
        .await;
    }

    /// Looks once at the tasks whose time has come.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn look(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        for name in tasks::to_look_at(&self.db, now, TASKS_MAX).await? {
            if let Err(fault) = self.step(&name).await {
                // The others are looked at all the same.
                tracing::warn!(task.name = %name, reason = fault.reason(), fault = %fault.chain(), "a task could not be put to the next person");
            }
        }
        self.metrics.late_tasks(tasks::late(&self.db, now).await?);
        Ok(())
    }

    /// Puts one task to the next person, where its time has come.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn step(&self, name: &TaskName) -> Result<(), Fault> {
        let put_on = PutOn {
            name,
            now: self.clock.now(),
        };
        let scope = Scope::site(name.site.clone());
        if let Some(kind) = self.db.run(&scope, &put_on).await? {
            self.metrics.task_put_on(kind);
            tracing::info!(task.name = %name, "a task was put to the next person");
        }
        Ok(())
    }
}

/// Where a call or a letter was refused with `TASK_DONE` since nobody needs it any more, ends it. Gives the fault back.
pub(crate) async fn end_refused(
    db: &Database,
    refused: Fault,
    name: &TaskName,
    now: Timestamp,
) -> Fault {
    if refused.reason() != TASK_DONE {
        return refused;
    }
    let scope = Scope::site(name.site.clone());
    match db.run(&scope, &End { name, now }).await {
        Ok(()) => refused,
        Err(fault) => fault,
    }
}

struct End<'a> {
    name: &'a TaskName,
    now: Timestamp,
}

impl Operation for End<'_> {
    const NAME: &'static str = "notification.end_needless_task";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let task = tasks::lock(tx, self.name).await?;
        if let Some(task) = task.filter(|task| task.state != TaskState::Done) {
            steps::end_needless(tx, &task.message, self.now).await?;
        }
        Ok(())
    }
}

struct PutOn<'a> {
    name: &'a TaskName,
    now: Timestamp,
}

impl Operation for PutOn<'_> {
    const NAME: &'static str = "notification.put_task_on";
    /// What is to be done, where it was put to somebody.
    type Output = Option<TaskKind>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let Some(mut task) = tasks::lock(tx, self.name).await? else {
            return Ok(None);
        };
        let is_time = task.look_time.unwrap_or(task.due_time) <= self.now;
        if task.state == TaskState::Done || !is_time {
            return Ok(None);
        }
        let Some(message) = messages::get(tx, &task.message).await? else {
            return Ok(None);
        };
        let in_hand = self.in_hand(&task);
        // Whoever is at it says what came of it.
        if in_hand.is_none() && steps::end_needless(tx, &message.name, self.now).await? {
            return Ok(None);
        }
        let later = match in_hand {
            Some(until) => Some(until),
            None => self.waits(tx, &task, &message).await?,
        };
        if let Some(later) = later {
            task.look_time = Some(later);
            tasks::settle(tx, &mut task).await?;
            return Ok(None);
        }
        let next = self.next(tx, &mut task, &message).await?;
        let holder = carry::put_to(&mut task, next);
        tasks::settle(tx, &mut task).await?;
        let told = holder.is_some().then_some(task.kind);
        carry::tell_holder(tx, &self.name.site, holder, &message.facts.number, self.now).await?;
        Ok(told)
    }
}

impl PutOn<'_> {
    /// How long somebody has it who has just taken it.
    fn in_hand(&self, task: &Task) -> Option<Timestamp> {
        let taken = task.take_time.filter(|_| task.state == TaskState::Claimed);
        let until = taken.and_then(|time| time.checked_add(task::STEP).ok());
        until.filter(|until| *until > self.now)
    }

    /// Until when nobody else is asked, though its time has come: nobody may say it now, or it is night and nobody would be
    /// called.
    async fn waits(
        &self,
        tx: &mut Tx,
        task: &Task,
        message: &Message,
    ) -> Result<Option<Timestamp>, Fault> {
        if voice::is_silenced(tx, &task.message).await? {
            return Ok(self.now.checked_add(task::AGAIN).ok());
        }
        let nobody = task.state == TaskState::Open && task.offered_to.is_empty();
        if nobody || message.priority <= GRAVE {
            return Ok(None);
        }
        let site = matters::site(tx, &self.name.site).await?;
        let zone = site
            .and_then(|site| TimeZone::get(&site.time_zone).ok())
            .unwrap_or(TimeZone::UTC);
        Ok(Some(survey::opening(self.now, &zone)).filter(|opening| *opening > self.now))
    }

    /// Who is asked now, and when it is looked at again. Up the ladder goes what somebody had; what went up all the way begins anew
    /// with whoever has the duty.
    async fn next(
        &self,
        tx: &mut Tx,
        task: &mut Task,
        message: &Message,
    ) -> Result<Option<Asked>, Fault> {
        let role: DutyRole = word(&task.role)?;
        let roles = task::asked(role);
        let barred = carry::barred(tx, task, message).await?;
        let site = &self.name.site;
        let had: Vec<String> = [&task.offered_to, &task.taker]
            .into_iter()
            .filter(|name| !name.is_empty())
            .cloned()
            .collect();
        let after = |span| self.now.saturating_add(span).unwrap_or(self.now);
        if !had.is_empty() || !task.taken_by.is_empty() {
            let above = usize::try_from(task.step).unwrap_or_default() + 1;
            let others: Vec<String> = barred.iter().chain(&had).cloned().collect();
            let found = carry::holder(tx, site, (&roles, above), &others, self.now).await?;
            if found.is_some() {
                task.look_time = Some(after(task::STEP));
                return Ok(found);
            }
            let found = carry::holder(tx, site, (&roles, 0), &barred, self.now).await?;
            let span = match found {
                Some(_) => task::ANEW,
                None => task::AGAIN,
            };
            task.look_time = Some(after(span));
            return Ok(found);
        }
        let found = carry::holder(tx, site, (&roles, 0), &barred, self.now).await?;
        task.look_time = task::look_at(found.is_some(), task.due_time, self.now);
        Ok(found)
    }
}
