//! The one place where work changes.
//!
//! Events of two producers meet here in any order, so each action says what is true rather than what to do, and
//! [`settle`](Draft::settle) then brings the work back to what must always hold: exactly one responsible person, who may
//! handle the case; an offer as soon as the case is graded. Intake's epoch fences its own moves: an older one is recorded without
//! effect. A decision of an older epoch still tells the category and grade; as a move it has no effect, since whether
//! the case lives is intake's word.

use jiff::Timestamp;
use redress_model::lifecycle::{self, Mover};
use redress_model::name::{CaseName, StaffId};
use redress_model::words::{CaseStatus, Category};

use super::bench::Bench;
use super::handling::{Ending, Restatement};
use super::routing::{Need, Reason, Route, first_contact, route, stand_in, take_over};
use super::solution::Answer;
use super::work::{
    Decision, Facts, Illegal, Resolution, Step, StepKind, Work, is_in_hand, is_live,
};

/// What may happen to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Intake changed the facts.
    Facts(Facts),
    /// Intake moved the case.
    IntakeMoved {
        /// Where to.
        status: CaseStatus,
        /// Intake's epoch of the move.
        epoch: i64,
    },
    /// Triage decided.
    Graded(Decision),
    /// Somebody came, went, or has another duty.
    RosterChanged,
    /// The offered person takes it.
    Accept,
    /// The offered person does not take it. Without effect where nobody else who may handle the case is there.
    Decline(String),
    /// Something was done.
    Progress(String),
    /// The case is resolved.
    Resolve(Resolution),
    /// What was understood was said back to the complainant.
    Restate(Restatement),
    /// Somebody senior takes over, so that it becomes calm (M16).
    HandUp {
        /// Who.
        to: StaffId,
        /// Why.
        text: String,
    },
    /// Somebody was there.
    Visit(String),
    /// An approved solution was told to the complainant.
    Tell(String),
    /// The complainant answered it, or a visit brought no answer either. A no comes also after it was agreed to: what was
    /// agreed to is not carried out, and the case is investigated again.
    Answer(Answer, String),
    /// The complainant was asked after the resolution.
    FollowUp(String),
    /// Closed, with how it ended.
    Close(Ending, String),
    /// Invalid, and answered with reasons.
    Reject(String),
    /// The complainant appeals the rejection, or the appeal was decided.
    Appeal(String),
    /// The company centre takes it over (M17). Of a case that has ended it is kept until intake opens it again.
    TakeOver(String),
    /// The store reported in writing (M17), whether or not the case has ended.
    Report(String),
    /// Something that moves nothing; kept in the history of a live case.
    Note(StepKind, String),
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The work after it; the revision is one higher when anything changed.
    pub work: Work,
    /// What to add to its history.
    pub steps: Vec<Step>,
    /// Set where the responsible person or the offer changed: tell others.
    pub owner: Option<Reason>,
    /// The status moves to tell others, in order.
    pub moves: Vec<CaseStatus>,
}

impl Outcome {
    /// Whether there is anything to store.
    pub fn changed(&self, before: &Work) -> bool {
        self.work.revision != before.revision
    }
}

/// The work on a case that was just received.
pub fn receive(case: CaseName, facts: Facts, bench: &Bench, at: Timestamp) -> Outcome {
    let work = Work {
        case,
        decision: None,
        gravest: None,
        status: CaseStatus::Received,
        epoch: facts.epoch,
        responsible: None,
        offered_to: None,
        department: None,
        explanation: Vec::new(),
        assigned_at: None,
        accepted_at: None,
        resolved_at: None,
        resolution: None,
        restatement: None,
        ending: None,
        taken_over_at: None,
        created_at: at,
        updated_at: at,
        revision: 0,
        facts,
    };
    let mut draft = Draft::of(work, bench, at);
    if !is_live(draft.work.facts.status) {
        // Intake may tell of a case that ended before we heard of it first.
        draft.work.status = draft.work.facts.status;
        draft.step(StepKind::Ended, String::new());
    }
    draft.settle();
    draft.finish(None)
}

/// Applies one action.
///
/// # Errors
/// A move that the state does not allow, with what is legal.
pub fn transition(
    work: &Work,
    action: Action,
    bench: &Bench,
    at: Timestamp,
) -> Result<Outcome, Illegal> {
    let mut draft = Draft::of(work.clone(), bench, at);
    match action {
        Action::Facts(facts) => draft.facts(facts),
        Action::IntakeMoved { status, epoch } => draft.intake_moved(status, epoch),
        Action::Graded(decision) => draft.graded(decision),
        Action::RosterChanged => draft.settle(),
        Action::Accept => draft.accept()?,
        Action::Decline(text) => draft.decline(text)?,
        Action::Progress(text) => draft.progress(text)?,
        Action::Resolve(resolution) => draft.resolve(resolution)?,
        Action::Restate(restatement) => draft.restate(restatement)?,
        Action::HandUp { to, text } => draft.hand_up(to, text)?,
        Action::Visit(text) => draft.visit(text)?,
        Action::Tell(text) => draft.advance(CaseStatus::Proposed, StepKind::SolutionTold, text)?,
        Action::Answer(answer, text) => draft.answer(answer, text)?,
        Action::FollowUp(text) => draft.follow_up(text)?,
        Action::Close(ending, text) => draft.close(ending, text)?,
        Action::Reject(text) => draft.advance(CaseStatus::Rejected, StepKind::Rejected, text)?,
        Action::Appeal(text) => draft.appeal(text)?,
        Action::TakeOver(text) => draft.take_over(text),
        Action::Report(text) => draft.step(StepKind::Reported, text),
        Action::Note(kind, text) => draft.note(kind, text)?,
    }
    Ok(draft.finish(Some(work)))
}

struct Draft<'a> {
    work: Work,
    steps: Vec<Step>,
    owner: Option<Reason>,
    moves: Vec<CaseStatus>,
    bench: &'a Bench,
    at: Timestamp,
}

impl<'a> Draft<'a> {
    fn of(work: Work, bench: &'a Bench, at: Timestamp) -> Self {
        Self {
            work,
            steps: Vec::new(),
            owner: None,
            moves: Vec::new(),
            bench,
            at,
        }
    }

    fn finish(mut self, before: Option<&Work>) -> Outcome {
        self.tell_owner(before);
        let unchanged = self.steps.is_empty() && before == Some(&self.work);
        if !unchanged {
            self.work.revision += 1;
            self.work.updated_at = self.at;
        }
        Outcome {
            work: self.work,
            steps: self.steps,
            owner: self.owner,
            moves: self.moves,
        }
    }

    /// Others are told of every change of who has the case or is asked to take it, also where a case ends while it waits for
    /// somebody, and where nobody is left who may handle it.
    fn tell_owner(&mut self, before: Option<&Work>) {
        let Some(before) = before.filter(|_| self.owner.is_none()) else {
            return;
        };
        if before.responsible != self.work.responsible {
            self.owner = Some(Reason::HandedOver);
        } else if before.offered_to != self.work.offered_to {
            self.owner = Some(Reason::HandoverEnded);
        }
    }

    fn facts(&mut self, mut facts: Facts) {
        if facts.revision <= self.work.facts.revision {
            return;
        }
        let (status, epoch) = (facts.status, facts.epoch);
        // It never changes; an intake of an older release does not say it.
        let stated = self.work.facts.complaining_store.take();
        facts.complaining_store = facts.complaining_store.or(stated);
        self.work.facts = facts;
        // The facts may carry a move of intake's ahead of the event that tells it alone. Every other status that they
        // carry is an echo of our own or of triage's.
        let is_intakes = matches!(
            status,
            CaseStatus::Received
                | CaseStatus::Withdrawn
                | CaseStatus::Merged
                | CaseStatus::Reopened
                | CaseStatus::Archived
        );
        if is_intakes && epoch > self.work.epoch {
            self.intake_moved(status, epoch);
        } else {
            self.settle();
        }
    }

    fn intake_moved(&mut self, status: CaseStatus, epoch: i64) {
        if epoch <= self.work.epoch {
            if epoch < self.work.epoch {
                self.step(StepKind::Outdated, format!("{status} of epoch {epoch}"));
            }
            return;
        }
        self.work.epoch = epoch;
        self.work.offered_to = None;
        let was_in_hand = is_in_hand(self.work.status);
        if is_live(status) {
            self.work.ending = None;
            let resumes = is_in_hand(status) && self.work.accepted_at.is_some();
            if !resumes {
                self.work.department = None;
            }
            self.work.status = match status {
                CaseStatus::Received => CaseStatus::Received,
                // Merged by mistake: it goes on where it was.
                _ if resumes => status,
                _ => CaseStatus::Reopened,
            };
            self.step(StepKind::Reopened, String::new());
            self.settle();
        } else {
            if !was_in_hand {
                self.work.department = None;
            }
            self.work.status = status;
            self.step(StepKind::Ended, String::new());
        }
    }

    fn graded(&mut self, decision: Decision) {
        let gravest = self.work.gravest.unwrap_or(decision.grade);
        // 1 is the gravest.
        self.work.gravest = Some(gravest.min(decision.grade));
        let before = self.work.decision.as_ref();
        if before.is_some_and(|d| decision.revision <= d.revision) {
            return;
        }
        let category_changed = before.is_some_and(|d| d.category != decision.category);
        let text = format!(
            "grade {}, {}",
            decision.grade,
            decision.category.map_or("no category", Category::word)
        );
        let outdated = decision.epoch < self.work.epoch;
        self.work.decision = Some(decision);
        if outdated {
            self.step(StepKind::Outdated, text);
        } else {
            self.step(StepKind::Graded, text);
        }
        if self.work.status == CaseStatus::Assigned && category_changed {
            self.offer(None);
        }
        self.settle();
    }

    fn accept(&mut self) -> Result<(), Illegal> {
        let (CaseStatus::Assigned, Some(staff)) = (self.work.status, &self.work.offered_to) else {
            return Err(self.illegal(CaseStatus::Accepted));
        };
        self.work.responsible = Some(staff.clone());
        self.work.offered_to = None;
        self.work.accepted_at = Some(self.at);
        self.owner = Some(Reason::Accepted);
        self.moved(CaseStatus::Accepted);
        self.step(StepKind::Accepted, String::new());
        Ok(())
    }

    fn decline(&mut self, text: String) -> Result<(), Illegal> {
        let (CaseStatus::Assigned, Some(staff)) = (self.work.status, &self.work.offered_to) else {
            return Err(self.illegal(CaseStatus::Assigned));
        };
        let mut excluded = self.work.facts.excluded.clone();
        excluded.insert(staff.clone());
        // Whoever is on leave takes nothing: the next rung is asked at once (P14).
        excluded.extend(self.bench.away.iter().cloned());
        let need = Need {
            excluded: &excluded,
            ..self.need(None)
        };
        if let Some(other) = route(need, self.bench, self.at) {
            self.step(StepKind::Declined, text);
            self.give(other);
        }
        Ok(())
    }

    fn progress(&mut self, text: String) -> Result<(), Illegal> {
        match self.work.status {
            CaseStatus::Accepted => self.moved(CaseStatus::Investigating),
            CaseStatus::Investigating | CaseStatus::Proposed | CaseStatus::Resolving => {}
            _ => return Err(self.illegal(CaseStatus::Investigating)),
        }
        self.step(StepKind::Progress, text);
        Ok(())
    }

    fn resolve(&mut self, resolution: Resolution) -> Result<(), Illegal> {
        let summary = resolution.summary.clone();
        self.advance(CaseStatus::Resolved, StepKind::Resolved, summary)?;
        self.work.resolved_at = Some(self.at);
        self.work.resolution = Some(resolution);
        Ok(())
    }

    fn restate(&mut self, restatement: Restatement) -> Result<(), Illegal> {
        let said = if restatement.confirmed {
            "confirmed"
        } else {
            "not confirmed"
        };
        let text = format!("{said}: {}", restatement.text);
        self.note(StepKind::Restated, text)?;
        self.work.restatement = Some(restatement);
        Ok(())
    }

    fn hand_up(&mut self, to: StaffId, text: String) -> Result<(), Illegal> {
        if !is_in_hand(self.work.status) {
            return Err(self.illegal(CaseStatus::Accepted));
        }
        if self.work.responsible.as_ref() != Some(&to) {
            self.work.explanation = vec![format!("{to} took it over so that it becomes calm")];
            self.work.responsible = Some(to);
            // A hand-over that waits ends with the duty of its giver.
            self.work.offered_to = None;
            self.owner = Some(Reason::HandedUp);
        }
        self.step(StepKind::Calmed, text);
        Ok(())
    }

    /// The first look of an accepted case begins its investigation; so does going there.
    fn visit(&mut self, text: String) -> Result<(), Illegal> {
        if self.work.status == CaseStatus::Accepted {
            return self.advance(CaseStatus::Investigating, StepKind::Visited, text);
        }
        self.note(StepKind::Visited, text)
    }

    fn answer(&mut self, answer: Answer, text: String) -> Result<(), Illegal> {
        let (to, is_asked) = match (answer, self.work.status) {
            (Answer::Agreed | Answer::Silence, status) => {
                (CaseStatus::Resolving, status == CaseStatus::Proposed)
            }
            (Answer::Declined, status) => (
                CaseStatus::Investigating,
                matches!(status, CaseStatus::Proposed | CaseStatus::Resolving),
            ),
        };
        if !is_asked {
            return Err(self.illegal(to));
        }
        self.advance(to, StepKind::SolutionAnswered, text)
    }

    fn follow_up(&mut self, text: String) -> Result<(), Illegal> {
        match self.work.status {
            CaseStatus::Resolved | CaseStatus::Closed => {
                self.step(StepKind::FollowedUp, text);
                Ok(())
            }
            _ => Err(self.illegal(CaseStatus::Closed)),
        }
    }

    fn close(&mut self, ending: Ending, text: String) -> Result<(), Illegal> {
        self.advance(CaseStatus::Closed, StepKind::Closed, text)?;
        self.work.ending = Some((ending, self.at));
        Ok(())
    }

    fn appeal(&mut self, text: String) -> Result<(), Illegal> {
        if self.work.status != CaseStatus::Rejected {
            return Err(self.illegal(CaseStatus::Reopened));
        }
        self.step(StepKind::Appealed, text);
        Ok(())
    }

    /// Once: what the centre has, it keeps.
    fn take_over(&mut self, text: String) {
        if self.work.taken_over_at.is_some() {
            return;
        }
        self.work.taken_over_at = Some(self.at);
        if is_live(self.work.status) {
            self.give_to_centre();
        }
        self.step(StepKind::TakenOver, text);
    }

    /// Somebody of the centre has the case from here on, without an offer: whoever had it, or was offered it, has it no more.
    /// Returns whether there is anybody.
    fn give_to_centre(&mut self) -> bool {
        let keep = self.work.responsible.as_ref();
        let Some(found) = take_over(keep, &self.work.facts.excluded, self.bench, self.at) else {
            self.work.offered_to = None;
            return false;
        };
        if self.work.responsible.as_ref() != Some(&found.staff) || self.work.offered_to.is_some() {
            self.owner = Some(found.reason);
        }
        self.work.responsible = Some(found.staff);
        self.work.offered_to = None;
        self.work.department = found.department.or(self.work.department.take());
        self.work.explanation = found.explanation;
        if self.work.status == CaseStatus::Triaged {
            self.work.assigned_at = Some(self.at);
            self.moved(CaseStatus::Assigned);
        }
        if self.work.status == CaseStatus::Assigned {
            self.work.accepted_at = Some(self.at);
            self.moved(CaseStatus::Accepted);
        }
        true
    }

    fn note(&mut self, kind: StepKind, text: String) -> Result<(), Illegal> {
        if !is_live(self.work.status) {
            return Err(self.illegal(CaseStatus::Investigating));
        }
        self.step(kind, text);
        Ok(())
    }

    /// Moves where the table of what is legal next lets it, and nowhere else.
    fn advance(&mut self, to: CaseStatus, kind: StepKind, text: String) -> Result<(), Illegal> {
        if !lifecycle::allows(self.work.status, to, Mover::Assignment) {
            return Err(self.illegal(to));
        }
        if !is_live(to) {
            // What has ended waits for nobody.
            self.work.offered_to = None;
        }
        self.moved(to);
        self.step(kind, text);
        Ok(())
    }

    /// Brings the work to what must always hold.
    fn settle(&mut self) {
        if !is_live(self.work.status) {
            return;
        }
        self.ensure_responsible();
        match self.work.status {
            CaseStatus::Received | CaseStatus::Triaged | CaseStatus::Reopened
                if self.work.decision.is_some() =>
            {
                let keep = self
                    .work
                    .accepted_at
                    .and_then(|_| self.work.responsible.clone());
                self.work.status = CaseStatus::Triaged;
                self.offer(keep);
            }
            CaseStatus::Assigned => {
                if !self.offer_stands() {
                    self.offer(None);
                }
            }
            _ => self.settle_handover(),
        }
    }

    /// An offer waits for nobody who may not handle the case, nor for somebody on leave while another could take it.
    fn offer_stands(&self) -> bool {
        let Some(staff) = &self.work.offered_to else {
            return false;
        };
        if !self.bench.may_handle(staff, &self.work.facts.excluded) {
            return false;
        }
        !self.bench.is_away(staff)
            || route(self.need(None), self.bench, self.at)
                .is_none_or(|found| self.bench.is_away(&found.staff))
    }

    /// Nobody can take over who may not handle the case, is on leave, or is responsible already.
    fn settle_handover(&mut self) {
        let excluded = &self.work.facts.excluded;
        let Some(receiver) = &self.work.offered_to else {
            return;
        };
        let stands = is_in_hand(self.work.status)
            && self.bench.may_handle(receiver, excluded)
            && !self.bench.is_away(receiver)
            && self.work.responsible.as_ref() != Some(receiver);
        if !stands {
            self.work.offered_to = None;
            self.owner.get_or_insert(Reason::HandoverEnded);
            self.step(
                StepKind::HandoverDeclined,
                "the receiver may not handle the case, or is on leave".to_owned(),
            );
        }
    }

    fn ensure_responsible(&mut self) {
        let excluded = &self.work.facts.excluded;
        let before = self.work.responsible.clone();
        let may = |s: &StaffId| self.bench.may_handle(s, excluded);
        if let Some(before) = before.as_ref().filter(|s| may(s)) {
            if self.bench.is_away(before) {
                self.stand_in(before.clone());
            }
            return;
        }
        let choice = if self.work.taken_over_at.is_some() {
            take_over(None, excluded, self.bench, self.at)
        } else if is_in_hand(self.work.status) {
            route(self.need(None), self.bench, self.at)
        } else {
            first_contact(
                self.work.facts.first_contact.as_ref(),
                excluded,
                self.bench,
                self.at,
            )
        };
        // Nobody on leave comes next while somebody else is there.
        let choice = choice.map(|chosen| {
            let present = || {
                stand_in(
                    chosen.department.as_ref(),
                    self.need(None),
                    self.bench,
                    self.at,
                )
            };
            match self.bench.is_away(&chosen.staff) {
                true => present().unwrap_or(chosen),
                false => chosen,
            }
        });
        let (kind, reason) = match before {
            Some(_) => (StepKind::HandedOver, Reason::HandedOver),
            None => (StepKind::Received, Reason::FirstContact),
        };
        match choice {
            Some(chosen) => {
                self.work.responsible = Some(chosen.staff);
                if is_in_hand(self.work.status) {
                    // Whoever was handing it over has nothing to give any more.
                    self.work.offered_to = None;
                    let kept = self.work.department.take();
                    let kept = kept.filter(|_| self.work.taken_over_at.is_some());
                    self.work.department = chosen.department.or(kept);
                }
                self.work.explanation = chosen.explanation;
                self.owner = Some(reason);
                self.step(kind, self.work.explanation.join("; "));
            }
            None if before.is_some() || self.work.revision == 0 => {
                self.work.responsible = None;
                self.step(kind, "nobody at the site may handle the case".to_owned());
            }
            None => {}
        }
    }

    /// A case waits for nobody on leave while somebody else is there (own): a colleague stands in at once, without an offer, and
    /// keeps the case until it is handed over again. Where everybody is on leave it stays where it is: never nobody.
    fn stand_in(&mut self, away: StaffId) {
        let (bench, excluded) = (self.bench, &self.work.facts.excluded);
        let in_hand = is_in_hand(self.work.status);
        let found = if self.work.taken_over_at.is_some() {
            take_over(None, excluded, bench, self.at)
        } else if in_hand {
            None
        } else {
            let stated = self.work.facts.first_contact.as_ref();
            first_contact(stated, excluded, bench, self.at)
        };
        let department = self.work.department.as_ref();
        let found = found
            .filter(|found| !bench.is_away(&found.staff))
            .or_else(|| stand_in(department, self.need(None), bench, self.at));
        let Some(found) = found else {
            return;
        };
        if in_hand {
            self.work.offered_to = None;
        }
        self.work.responsible = Some(found.staff);
        self.work.explanation = found.explanation;
        self.work
            .explanation
            .insert(0, format!("{away} is on leave"));
        self.owner = Some(Reason::HandedOver);
        self.step(StepKind::HandedOver, self.work.explanation.join("; "));
    }

    fn offer(&mut self, keep: Option<StaffId>) {
        if self.work.taken_over_at.is_none() && self.work.facts.complaining_store.is_some() {
            // Neither store decides between them, and neither is asked (M17).
            self.work.taken_over_at = Some(self.at);
            let text = "one store complains about another: the company centre has it";
            self.step(StepKind::TakenOver, text.to_owned());
        }
        if self.work.taken_over_at.is_some() {
            if self.give_to_centre() {
                self.step(StepKind::Accepted, self.work.explanation.join("; "));
            }
            return;
        }
        match route(self.need(keep.as_ref()), self.bench, self.at) {
            Some(found) => self.give(found),
            None => self.work.offered_to = None,
        }
    }

    fn give(&mut self, found: Route) {
        let Route {
            staff,
            department,
            reason,
            explanation,
        } = found;
        let same = self.work.offered_to.as_ref() == Some(&staff);
        self.work.department = department;
        self.work.explanation = explanation;
        if same {
            return;
        }
        self.work.offered_to = Some(staff);
        self.work.assigned_at = Some(self.at);
        self.owner = Some(reason);
        if self.work.status != CaseStatus::Assigned {
            self.moved(CaseStatus::Assigned);
        }
        self.step(StepKind::Offered, self.work.explanation.join("; "));
    }

    fn need<'b>(&'b self, keep: Option<&'b StaffId>) -> Need<'b> {
        Need {
            category: self.work.category(),
            language: &self.work.facts.language,
            excluded: &self.work.facts.excluded,
            keep,
        }
    }

    fn moved(&mut self, to: CaseStatus) {
        self.work.status = to;
        self.moves.push(to);
    }

    fn step(&mut self, kind: StepKind, text: String) {
        self.steps.push(Step {
            kind,
            status: self.work.status,
            responsible: self.work.responsible.clone(),
            offered_to: self.work.offered_to.clone(),
            text,
        });
    }

    fn illegal(&self, wanted: CaseStatus) -> Illegal {
        Illegal {
            status: self.work.status,
            wanted,
        }
    }
}

#[cfg(test)]
mod tests;
