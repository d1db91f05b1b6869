//! What is done in a stage: tasks and exit conditions of the playbook that was frozen at the opening (M01).

use jiff::Timestamp;
use redress_clock::Length;
use redress_model::ids::new_id;
use redress_model::name::StatementName;
use redress_model::words::{ClockKind, ClockState, DutyRole};
use redress_model::{Fault, Grade};
use redress_policy::playbook::{Task as Planned, Text};
use uuid::Uuid;

use super::Turn;
use crate::domain::cadence::within;
use crate::domain::gate::{Gap, Waiver};
use crate::domain::matrix::Reach;
use crate::domain::statement::{Person, is_author};
use crate::domain::words::{Audience, LogKind, Stage, State, TaskState, TellMeans, UpdateAudience};
use crate::store::cases::CaseFile;
use crate::store::stages::{self, Word};
use crate::store::tasks::{self, Task};
use crate::store::updates::{self, Update};

/// How long somebody may take to check that nothing is new (own).
const CHECK_WITHIN: Length = Length::hours(2);

/// How long whoever commands may take to decide whether it breaks out (own).
const OUTBREAK_WITHIN: Length = Length::hours(1);

/// How long somebody may take to bring an authority what was published to it (own).
const BRING_WITHIN: Length = Length::hours(2);

/// How a task is named that checks an inside report, by its number.
const CHECK_INSIDE: &str = "check-inside-";

/// How a task is named that checks an outward update, by its number.
const CHECK_OUTWARD: &str = "check-outward-";

/// Updates looked back at, to count those in a row that say nothing new.
const LOOK_BACK_MAX: i64 = 50;

/// How a task ends.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// Done or skipped.
    pub state: TaskState,
    /// Why it is skipped.
    pub reason: &'a str,
    /// Where its result lies.
    pub reference: &'a str,
    /// Who says so.
    pub actor: &'a str,
}

impl Turn<'_> {
    /// Enters a stage, with its tasks.
    pub(super) async fn enter_stage(&mut self, to: Stage, reason: &str) -> Result<(), Fault> {
        let (site, id, now) = (self.site(), self.incident.name.id, self.now);
        self.incident.stage = to;
        self.visit = Some(stages::enter(self.tx, &site, id, to, reason, now).await?);
        self.make_tasks(now).await
    }

    /// Makes the tasks of the stage that this visit has not seen yet. None while the incident hangs on a suspicion.
    pub(super) async fn make_tasks(&mut self, start: Timestamp) -> Result<(), Fault> {
        let stage = self.incident.stage;
        let live = self.incident.state == State::Open && !self.incident.provisional;
        let (Some(visit), true) = (self.visit, live) else {
            return Ok(());
        };
        let Some(plan) = self.terms.plan(stage) else {
            return Ok(());
        };
        let planned = plan.tasks.clone();
        let known = self.tasks().await?;
        let mut made = 0;
        for task in planned {
            if known.iter().all(|k| k.key != task.key) {
                self.make_task(visit.number, &task, start).await?;
                made += 1;
            }
        }
        if made > 0 {
            let text = format!("{made} tasks of {stage} by {}", self.playbook_name());
            self.note(LogKind::Playbook, "", &text, "").await?;
        }
        Ok(())
    }

    async fn make_task(
        &mut self,
        visit: i64,
        planned: &Planned,
        start: Timestamp,
    ) -> Result<(), Fault> {
        let deadlines = within(&self.zone, start, planned.within);
        let task = Task {
            id: new_id(self.now),
            visit,
            stage: self.incident.stage,
            key: planned.key.clone(),
            title: planned.title.clone(),
            owner: planned.owner,
            optional: planned.optional,
            state: TaskState::Open,
            start,
            due: deadlines.due,
            ended: None,
            actor: String::new(),
            reason: String::new(),
            reference: String::new(),
            origin: planned.origin.clone().unwrap_or_default(),
        };
        let site = self.site();
        tasks::insert(self.tx, &site, self.incident.name.id, &task).await?;
        self.promise(
            ClockKind::PlaybookTask,
            task.id,
            task.owner,
            start,
            deadlines,
        )
        .await
    }

    /// The tasks of this visit.
    pub(super) async fn tasks(&mut self) -> Result<Vec<Task>, Fault> {
        let Some(visit) = self.visit else {
            return Ok(Vec::new());
        };
        let site = self.site();
        tasks::of_visit(self.tx, &site, self.incident.name.id, visit.number).await
    }

    /// Ends a task of the stage. What an authority was brought by that is told. Says whether anything changed.
    ///
    /// # Errors
    /// NOT_FOUND; FAILED_PRECONDITION when it ended the other way, or checks what the same person reported.
    pub async fn end_task(
        &mut self,
        key: &str,
        ending: Ending<'_>,
        by: &Person,
    ) -> Result<bool, Fault> {
        let found = self.tasks().await?.into_iter().find(|t| t.key == key);
        let task = found.ok_or_else(|| Fault::not_found("Task", key))?;
        match task.state {
            TaskState::Open => {}
            state if state == ending.state => return Ok(false),
            state => {
                let text = format!(
                    "the task is {}; an ended task stays as it ended",
                    state.word()
                );
                return Err(Fault::illegal("TASK_ENDED", text, &self.incident.name));
            }
        }
        if let Some((audience, number)) = checks(key) {
            let (site, id) = (self.site(), self.incident.name.id);
            let made = updates::in_row(self.tx, &site, id, audience, number).await?;
            if is_author(&made, by) {
                let text = "somebody else than who reported checks that nothing is new";
                return Err(Fault::illegal(
                    "CHECKS_OWN_REPORT",
                    text,
                    &self.incident.name,
                ));
            }
        }
        let text = match ending.state {
            TaskState::Skipped => format!("task {key} is skipped: {}", ending.reason),
            TaskState::Done | TaskState::Open => format!("task {key} is done"),
        };
        self.close_task(task, ending).await?;
        self.note(LogKind::Playbook, ending.actor, &text, ending.reference)
            .await?;
        if let (TaskState::Done, Some(statement)) = (ending.state, brings(key)) {
            let statement = StatementName::new(self.site(), statement).to_string();
            let (audience, means) = (Audience::Authorities, TellMeans::Statement);
            self.told(audience, means, &statement, Reach::Everybody)
                .await?;
        }
        Ok(true)
    }

    async fn close_task(&mut self, mut task: Task, ending: Ending<'_>) -> Result<(), Fault> {
        let clock = match ending.state {
            TaskState::Done => ClockState::Met,
            TaskState::Open | TaskState::Skipped => ClockState::Cancelled,
        };
        self.settle(task.id, clock).await?;
        task.state = ending.state;
        task.ended = Some(self.now);
        ending.actor.clone_into(&mut task.actor);
        ending.reason.clone_into(&mut task.reason);
        ending.reference.clone_into(&mut task.reference);
        let site = self.site();
        tasks::end(self.tx, &site, &task).await
    }

    /// What is still open of this visit, and matches, is left undone: its waiver says why, else the reason given.
    pub(super) async fn skip_tasks(
        &mut self,
        matches: impl Fn(&Task) -> bool + Send,
        reason: &str,
        waivers: &[Waiver],
        actor: &str,
    ) -> Result<(), Fault> {
        for task in self.tasks().await? {
            if task.state != TaskState::Open || !matches(&task) {
                continue;
            }
            let gap = format!("task/{}", task.key);
            let waived = waivers.iter().find(|w| w.gap == gap);
            let ending = Ending {
                state: TaskState::Skipped,
                reason: waived.map_or(reason, |w| &w.reason),
                reference: "",
                actor,
            };
            self.close_task(task, ending).await?;
        }
        Ok(())
    }

    /// The incident has ended, and its last stage with it.
    pub(super) async fn end_stage(&mut self) -> Result<(), Fault> {
        self.skip_tasks(|_| true, "the incident ended", &[], "")
            .await?;
        let (site, id, now) = (self.site(), self.incident.name.id, self.now);
        self.visit = None;
        stages::leave(self.tx, &site, id, now).await
    }

    /// Keeps a person's word on an exit condition. Says whether it is another than before.
    ///
    /// # Errors
    /// NOT_FOUND when the stage has none of this name.
    pub async fn answer_condition(&mut self, word: &Word) -> Result<bool, Fault> {
        let plan = self.terms.plan(self.incident.stage);
        let known = plan.is_some_and(|p| p.exit.iter().any(|c| c.key == word.key));
        let (Some(visit), true) = (self.visit, known) else {
            return Err(Fault::not_found("Condition", &word.key));
        };
        let (site, id) = (self.site(), self.incident.name.id);
        let said = stages::words(self.tx, &site, id, visit.number).await?;
        if said
            .iter()
            .any(|s| s.key == word.key && s.holds == word.holds)
        {
            return Ok(false);
        }
        stages::say(self.tx, &site, id, visit.number, word).await?;
        let holds = if word.holds {
            "holds"
        } else {
            "no longer holds"
        };
        let text = format!("condition {} {holds}: {}", word.key, word.reason);
        self.note(LogKind::Playbook, &word.actor, &text, "").await?;
        Ok(true)
    }

    /// The gate of the playbook: tasks that are open and not optional, exit conditions of which nobody says that they
    /// hold.
    pub(super) async fn undone(&mut self) -> Result<Vec<Gap>, Fault> {
        let open = |t: &Task| t.state == TaskState::Open && !t.optional;
        let tasks = self.tasks().await?;
        let mut gaps: Vec<Gap> = tasks
            .iter()
            .filter(|t| open(t))
            .map(|t| Gap::new("task", &t.key, &*t.title.en))
            .collect();
        let (Some(visit), Some(plan)) = (self.visit, self.terms.plan(self.incident.stage)) else {
            return Ok(gaps);
        };
        let conditions = plan.exit.clone();
        let (site, id) = (self.site(), self.incident.name.id);
        let said = stages::words(self.tx, &site, id, visit.number).await?;
        let holds = |key: &str| said.iter().any(|s| s.key == key && s.holds);
        gaps.extend(
            conditions
                .iter()
                .filter(|c| !holds(&c.key))
                .map(|c| Gap::new("condition", &c.key, &*c.text.en)),
        );
        Ok(gaps)
    }

    /// Keeps that something was told; meets the cadence of its audience. The second in a row that says nothing new
    /// makes a task of checking that it is so.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn keep_update(&mut self, update: Update<'_>) -> Result<(), Fault> {
        let (site, id, now) = (self.site(), self.incident.name.id, self.now);
        let number = updates::add(self.tx, &site, id, update, now).await?;
        let kind = match update.audience {
            UpdateAudience::Inside => ClockKind::InsideReport,
            UpdateAudience::Outward => ClockKind::OutwardUpdate,
        };
        // One that nobody waits for is kept all the same.
        self.meet(kind, None).await?;
        let last = updates::last(self.tx, &site, id, update.audience, LOOK_BACK_MAX).await?;
        if asks_for_check(&last) {
            self.ask_for_check(update.audience, number).await?;
        }
        Ok(())
    }

    /// Somebody other than who tells looks whether nothing is new; one look at a time.
    async fn ask_for_check(&mut self, audience: UpdateAudience, number: i64) -> Result<(), Fault> {
        let (owner, prefix, title) = match audience {
            UpdateAudience::Inside => (DutyRole::TopLead, CHECK_INSIDE, INSIDE_CHECK),
            UpdateAudience::Outward => (DutyRole::DutyLead, CHECK_OUTWARD, OUTWARD_CHECK),
        };
        let check = asked(owner, format!("{prefix}{number}"), title, CHECK_WITHIN);
        let why = "nothing new twice in a row";
        self.ask(&check, prefix, why, "for a check").await
    }

    /// A case is grade 1 in an incident that is only latent: a stage moves by a person's word alone, so whoever commands is
    /// asked for that word.
    pub(super) async fn ask_whether_it_breaks_out(&mut self, case: &CaseFile) -> Result<(), Fault> {
        if self.incident.stage != Stage::Latent || case.grade != Some(Grade::ONE) {
            return Ok(());
        }
        let why = format!("case {} is grade 1 in the stage LATENT", case.number);
        self.ask_for_outbreak(&why, OUTBREAK_CHECK).await
    }

    /// Something new is exposed while it is not hot (M01): whoever commands is asked whether it breaks out.
    pub(super) async fn ask_whether_it_is_hot_again(&mut self, outlet: &str) -> Result<(), Fault> {
        let stage = self.incident.stage;
        if stage == Stage::Outbreak {
            return Ok(());
        }
        let why = format!("{outlet} reports in the stage {stage}");
        self.ask_for_outbreak(&why, EXPOSURE_CHECK).await
    }

    async fn ask_for_outbreak(&mut self, why: &str, title: (&str, &str)) -> Result<(), Fault> {
        let known = self.tasks().await?;
        let before = known.iter().filter(|t| t.key.starts_with(OUTBREAK)).count();
        let key = format!("{OUTBREAK}{}", before + 1);
        let task = asked(DutyRole::TopLead, key, title, OUTBREAK_WITHIN);
        self.ask(&task, OUTBREAK, why, "whether it breaks out")
            .await
    }

    /// An authority gets its statement from a person: until somebody brought it, it was told nothing.
    pub(super) async fn ask_to_bring(&mut self, statement: Uuid) -> Result<(), Fault> {
        let key = bringing(statement);
        let task = asked(DutyRole::DutyLead, key.clone(), BRING, BRING_WITHIN);
        let why = "a statement to AUTHORITIES was published";
        self.ask(&task, &key, why, "that somebody brings it").await
    }

    /// The statements that nobody has brought to their authority yet.
    pub(super) async fn unbrought(&mut self) -> Result<Vec<Uuid>, Fault> {
        let tasks = self.tasks().await?.into_iter();
        let open = tasks.filter(|t| t.state == TaskState::Open);
        Ok(open.filter_map(|t| brings(&t.key)).collect())
    }

    /// Another statement took its place: nobody brings the old one any more.
    pub(super) async fn leave_unbrought(
        &mut self,
        statement: Uuid,
        actor: &str,
    ) -> Result<(), Fault> {
        let key = bringing(statement);
        let reason = "another statement took its place";
        self.skip_tasks(|t| t.key == key, reason, &[], actor).await
    }

    /// Makes a task of the visit that no playbook has, unless one of its kind is open; the log says why.
    async fn ask(
        &mut self,
        task: &Planned,
        prefix: &str,
        why: &str,
        what: &str,
    ) -> Result<(), Fault> {
        let Some(visit) = self.visit else {
            return Ok(());
        };
        let open = |t: &Task| t.state == TaskState::Open && t.key.starts_with(prefix);
        if self.tasks().await?.iter().any(open) {
            return Ok(());
        }
        self.make_task(visit.number, task, self.now).await?;
        let text = format!("{why}: task {} asks {what}", task.key);
        self.note(LogKind::Playbook, "", &text, "").await
    }

    fn playbook_name(&self) -> &str {
        self.terms.playbook.as_ref().map_or("", |p| &p.name)
    }
}

/// A task of our own.
fn asked(owner: DutyRole, key: String, title: (&str, &str), within: Length) -> Planned {
    Planned {
        key,
        title: Text {
            zh_cn: title.0.to_owned(),
            en: title.1.to_owned(),
        },
        owner,
        within,
        optional: false,
        origin: None,
    }
}

/// What a task checks: the update of this number, and those in a row before it that said nothing new; none: it is another task.
pub(super) fn checks(key: &str) -> Option<(UpdateAudience, i64)> {
    let number = |prefix| key.strip_prefix(prefix).and_then(|n: &str| n.parse().ok());
    let inside = number(CHECK_INSIDE).map(|n| (UpdateAudience::Inside, n));
    inside.or_else(|| number(CHECK_OUTWARD).map(|n| (UpdateAudience::Outward, n)))
}

/// How a task is named by which a statement is brought to its authority.
fn bringing(statement: Uuid) -> String {
    format!("bring-{statement}")
}

/// The statement that a task brings; none: it is another task.
pub(super) fn brings(key: &str) -> Option<Uuid> {
    key.strip_prefix("bring-")?.parse().ok()
}

/// How tasks are named that ask whether it breaks out.
const OUTBREAK: &str = "outbreak-";

const OUTBREAK_CHECK: (&str, &str) = (
    "潜伏阶段出现一级投诉：请决定是否转入爆发阶段",
    "A case is grade 1 while the incident is latent: decide whether it breaks out",
);
const EXPOSURE_CHECK: (&str, &str) = (
    "出现新的曝光：请决定是否转入爆发阶段",
    "Something new was reported: decide whether it breaks out",
);
const BRING: (&str, &str) = (
    "对主管部门的声明已发布：请当面送达，并注明送达对象与方式",
    "A statement to an authority was published: bring it to them, and say to whom and how",
);
const INSIDE_CHECK: (&str, &str) = (
    "内部通报连续两次“暂无进展”：请核实是否确无新情况",
    "Two inside reports in a row said nothing new: check that it is so",
);
const OUTWARD_CHECK: (&str, &str) = (
    "对外通报连续两次“暂无进展”：请核实是否确无新情况",
    "Two outward updates in a row said nothing new: check that it is so",
);

/// Whether the newest update, and an even number in a row with it, said nothing new. Newest first.
fn asks_for_check(nothing_new: &[bool]) -> bool {
    let row = nothing_new.iter().take_while(|nothing| **nothing).count();
    row > 0 && row % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::{asks_for_check, bringing, brings};
    use proptest::prelude::*;
    use uuid::Uuid;

    #[test]
    fn a_task_brings_one_statement_and_one_of_a_playbook_none() {
        let statement = Uuid::from_u128(7);
        assert_eq!(brings(&bringing(statement)), Some(statement));
        assert_eq!(brings("bring-plan"), None);
        assert_eq!(brings("outbreak-1"), None);
    }

    #[test]
    fn two_in_a_row_that_say_nothing_new_ask_for_a_check() {
        assert!(!asks_for_check(&[true]));
        assert!(asks_for_check(&[true, true]));
        assert!(!asks_for_check(&[true, true, true]), "asked before");
        assert!(asks_for_check(&[true, true, true, true]));
        assert!(!asks_for_check(&[false, true, true]), "there was news");
        assert!(!asks_for_check(&[]));
    }

    proptest! {
        #[test]
        fn of_any_history_each_second_in_a_row_asks(history in prop::collection::vec(any::<bool>(), 0..40)) {
            let (mut row, mut newest_first) = (0_usize, Vec::new());
            for nothing in history {
                row = if nothing { row + 1 } else { 0 };
                newest_first.insert(0, nothing);
                prop_assert_eq!(asks_for_check(&newest_first), row > 0 && row % 2 == 0);
            }
        }
    }
}
