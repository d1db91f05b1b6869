//! A case that joined wrongly leaves its incident, visibly; nothing that was done for it is undone.

use redress_model::name::{CaseName, IncidentName};
use redress_model::words::ClockKind;
use redress_model::{Fault, Grade};
use redress_store::Tx;
use redress_timers::Entry;
use uuid::Uuid;

use super::keeping::Carried;
use super::matter::{Cause, open_by_hand};
use super::turn::CASES_MAX;
use super::{Because, Desk, Transition, Turn};
use crate::domain::words::{LogKind, Stage, State};
use crate::store::cases::{self, CaseFile};
use crate::store::incidents;

/// Where a case goes.
#[derive(Debug, Clone)]
pub enum Goal {
    /// An incident of its own, for its own matter.
    Own,
    /// Another open one of its site.
    Other(Uuid),
    /// None: only another rise to grade 1 brings it into one.
    Nowhere,
}

/// A person's word.
#[derive(Debug, Clone, Copy)]
pub struct Splitting<'a> {
    /// Where it goes.
    pub goal: &'a Goal,
    /// Why.
    pub reason: &'a str,
    /// Who says so.
    pub actor: &'a str,
}

impl Turn<'_> {
    /// Refuses what cannot be split, before anything is written. The caller holds the site's lock.
    ///
    /// # Errors
    /// FAILED_PRECONDITION.
    pub async fn may_split(&mut self, case: &CaseFile, goal: &Goal) -> Result<(), Fault> {
        let site = self.site();
        let name = CaseName::new(site.clone(), case.id);
        let illegal = |reason, text| Err(Fault::illegal(reason, text, &name));
        if case.incident != Some(self.incident.name.id) {
            return illegal("NOT_A_MEMBER", "the case does not belong to this incident");
        }
        // What has ended opens and joins nothing, and calls nobody (P06, decision 50): not by this word either.
        if case.ended && !matches!(goal, Goal::Nowhere) {
            let text = "the case was ended; reopen it first, or take it into none";
            return illegal("CASE_ENDED", text);
        }
        match goal {
            Goal::Nowhere => Ok(()),
            Goal::Other(other) => {
                let found = incidents::lock(self.tx, &site, *other).await?;
                let open = found.is_some_and(|o| o.state == State::Open);
                if *other == self.incident.name.id || !open {
                    let text = "must be another open incident of the site";
                    return Err(Fault::invalid("other", text));
                }
                Ok(())
            }
            Goal::Own => {
                let Some(cluster) = case.cluster else {
                    return illegal(
                        "CASE_NOT_GRADED",
                        "the case has no matter before it is graded",
                    );
                };
                let matter = cases::cluster_now(self.tx, &site, cluster).await?;
                match incidents::lock_open(self.tx, &site, matter).await? {
                    // I6: one open incident of a matter.
                    Some(_) => illegal(
                        "SAME_MATTER",
                        "the case's matter has an open incident; split its cluster first, or name that incident",
                    ),
                    None => Ok(()),
                }
            }
        }
    }

    async fn part(
        &mut self,
        case: &CaseFile,
        splitting: Splitting<'_>,
        to: &str,
    ) -> Result<(), Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        cases::part(self.tx, &site, case.id, id, self.now).await?;
        let text = format!("case {} leaves for {to}: {}", case.number, splitting.reason);
        self.note(LogKind::CaseLeft, splitting.actor, &text, "")
            .await?;
        self.suspect().await?;
        let now = self.now;
        self.reconcile(now, &Carried::new()).await
    }

    /// A case has left: where it was what confirmed the incident, and all that stay hang on a suspicion, so does the incident
    /// again. What a person opened stands by that person's word.
    async fn suspect(&mut self) -> Result<(), Fault> {
        if self.incident.provisional || !self.incident.opened_by.is_empty() {
            return Ok(());
        }
        let site = self.site();
        let id = self.incident.name.id;
        let stay = cases::of_incident(self.tx, &site, id, CASES_MAX).await?;
        if !stay.is_empty() && stay.iter().all(|c| c.provisional) {
            self.incident.provisional = true;
            let text = "provisional again: the cases that stay hang on a suspicion";
            self.note(LogKind::CaseChanged, "", text, "").await?;
        }
        Ok(())
    }

    async fn receive(
        &mut self,
        case: &CaseFile,
        splitting: Splitting<'_>,
        from: &str,
        carried: &Carried,
    ) -> Result<(), Fault> {
        let now = self.now;
        let text = format!(
            "case {} comes from {from}: {}",
            case.number, splitting.reason
        );
        self.note(LogKind::CaseJoined, splitting.actor, &text, "")
            .await?;
        self.weigh(case, now).await?;
        if case.grade == Some(Grade::ONE) && !case.provisional {
            self.confirm(case, now, carried).await?;
        }
        self.fill_roles(Because::TimePassed).await?;
        self.ask_whether_it_breaks_out(case).await?;
        self.reconcile(now, carried).await
    }
}

/// Splits a case off its incident. The caller holds the site's lock and has asked [`Turn::may_split`].
///
/// # Errors
/// When Postgres is away.
pub async fn split(
    tx: &mut Tx,
    desk: &Desk,
    name: &IncidentName,
    case: &CaseFile,
    splitting: Splitting<'_>,
) -> Result<Vec<Entry>, Fault> {
    let (site, now) = (&name.site, desk.clock.now());
    let other = match splitting.goal {
        Goal::Other(other) => incidents::get(tx, site, *other).await?,
        Goal::Own | Goal::Nowhere => None,
    };
    let to = match (&splitting.goal, &other) {
        (_, Some(other)) => other.number.clone(),
        (Goal::Own, None) => "an incident of its own".to_owned(),
        (Goal::Other(_) | Goal::Nowhere, None) => "none".to_owned(),
    };
    let mut turn = Turn::take_open(tx, desk, now, name).await?;
    let from = turn.incident.number.clone();
    // Whom a leader owes a word, and whom the company does, get no new time by that, and a missed one stays so.
    let mut carried = turn.promises().await?;
    carried.retain(|promise, _| {
        *promise == (ClockKind::LeaderContact, Some(case.id))
            || *promise == (ClockKind::HoldingStatement, None)
    });
    turn.part(case, splitting, &to).await?;
    let mut armed = turn.finish(Transition::Changed).await?.1;
    // What a leader said to the complainant before counts on.
    let joined = case.join_time.unwrap_or(now);
    if let Some(other) = other {
        cases::join(tx, site, case.id, other.name.id, joined).await?;
        let mut turn = Turn::take_open(tx, desk, now, &other.name).await?;
        turn.receive(case, splitting, &from, &carried).await?;
        armed.extend(turn.finish(Transition::Joined).await?.1);
    } else if let (Goal::Own, Some(cluster)) = (splitting.goal, case.cluster) {
        let cause = Cause {
            reason: splitting.reason.to_owned(),
            actor: splitting.actor.to_owned(),
            mode: None,
            stage: Stage::Outbreak,
            at: now,
            joined,
            provisional: case.provisional,
            carried,
        };
        let parted = CaseFile {
            incident: None,
            ..case.clone()
        };
        armed.extend(
            open_by_hand(tx, desk, site, &parted, cluster, &cause)
                .await?
                .1,
        );
    }
    Ok(armed)
}
