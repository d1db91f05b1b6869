//! What a review teaches the playbooks (M01): proposed at the site, accepted by the organization into another revision.

use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{LessonName, OrganizationId};

use super::Turn;
use crate::domain::lesson::{LessonState, Teaching};
use crate::domain::words::LogKind;
use crate::store::lessons::{self, Decision, Lesson};
use crate::store::playbooks::{self, Revision};
use crate::store::reviews::Review;

impl Turn<'_> {
    /// Proposes a lesson, which the playbook that holds at the site could take today.
    ///
    /// # Errors
    /// FAILED_PRECONDITION as for writing a review; NOT_FOUND when there is no such playbook; INVALID_ARGUMENT by the
    /// field that it could not take.
    pub async fn propose_lesson(
        &mut self,
        review: Review,
        teaching: Teaching,
        reason: &str,
        by: &str,
    ) -> Result<LessonName, Fault> {
        self.require_review(&review)?;
        let site = self.site();
        let known = playbooks::of_site(self.tx, &site).await?;
        let known = known
            .into_iter()
            .find(|k| k.playbook.name == teaching.playbook)
            .ok_or_else(|| Fault::not_found("Playbook", &teaching.playbook))?;
        let fits = teaching.into_document(&known.playbook, &known.document, &self.origin());
        let problem = fits
            .err()
            .and_then(|problems| problems.0.into_iter().next());
        if let Some(problem) = problem {
            return Err(Fault::invalid(field(&problem.field), problem.description));
        }
        let name = LessonName::new(site, new_id(self.now));
        let lesson = Lesson {
            name: name.clone(),
            incident: self.incident.name.id,
            teaching,
            reason: reason.to_owned(),
            proposed_by: by.to_owned(),
            proposed: self.now,
            state: LessonState::Proposed,
            decided: None,
            revision: 1,
        };
        lessons::insert(self.tx, &lesson).await?;
        self.touch_review(review).await?;
        let text = format!("lesson proposed: {}: {reason}", what(&lesson.teaching));
        self.note(LogKind::Review, by, &text, &name.to_string())
            .await?;
        Ok(name)
    }

    /// Takes a lesson into the organization's playbook, as another revision of it.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it was decided, or the playbook of today cannot take it.
    pub async fn accept_lesson(
        &mut self,
        lesson: &Lesson,
        organization: &OrganizationId,
        reason: &str,
        by: &str,
    ) -> Result<(), Fault> {
        require_undecided(lesson)?;
        let teaching = &lesson.teaching;
        let newest = playbooks::lock(self.tx, organization, &teaching.playbook).await?;
        let illegal = |text: String| Fault::illegal("LESSON_DOES_NOT_FIT", text, &lesson.name);
        let known = playbooks::get(self.tx, organization, &teaching.playbook).await?;
        let known = known
            .filter(|k| k.revision == newest)
            .ok_or_else(|| illegal("the newest revision of the playbook cannot be read".into()))?;
        let origin = self.origin();
        let document = teaching
            .into_document(&known.playbook, &known.document, &origin)
            .map_err(|problems| illegal(problems.to_string()))?;
        let revision = Revision {
            organization,
            name: &teaching.playbook,
            revision: newest + 1,
            document: &document,
            author: by,
            reason: &format!("lesson of {origin}: {}", lesson.reason),
            created: self.now,
        };
        playbooks::insert(self.tx, &revision).await?;
        let decision = Decision {
            at: self.now,
            by: by.to_owned(),
            reason: reason.to_owned(),
            playbook_revision: Some(revision.revision),
        };
        self.decide_lesson(lesson, LessonState::Accepted, &decision)
            .await
    }

    /// Decides that a lesson is not taken.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it was decided.
    pub async fn decline_lesson(
        &mut self,
        lesson: &Lesson,
        reason: &str,
        by: &str,
    ) -> Result<(), Fault> {
        require_undecided(lesson)?;
        let decision = Decision {
            at: self.now,
            by: by.to_owned(),
            reason: reason.to_owned(),
            playbook_revision: None,
        };
        self.decide_lesson(lesson, LessonState::Declined, &decision)
            .await
    }

    async fn decide_lesson(
        &mut self,
        lesson: &Lesson,
        state: LessonState,
        decision: &Decision,
    ) -> Result<(), Fault> {
        lessons::decide(self.tx, &lesson.name, state, decision).await?;
        let became = match decision.playbook_revision {
            Some(revision) => format!("is in revision {revision}"),
            None => "is not taken".to_owned(),
        };
        let (what, reason) = (what(&lesson.teaching), &decision.reason);
        let text = format!("lesson {what} {became}: {reason}");
        let name = lesson.name.to_string();
        self.note(LogKind::Review, &decision.by, &text, &name).await
    }

    /// How the incident is named in the playbooks that learned from it, as people name it.
    fn origin(&self) -> String {
        format!("{}/{}", self.incident.name.site, self.incident.number)
    }
}

fn require_undecided(lesson: &Lesson) -> Result<(), Fault> {
    if lesson.state == LessonState::Proposed {
        return Ok(());
    }
    let text = format!("it is {}, and stays so", lesson.state);
    Err(Fault::illegal("LESSON_DECIDED", text, &lesson.name))
}

/// A lesson in a few words.
fn what(teaching: &Teaching) -> String {
    let (playbook, stage) = (&teaching.playbook, teaching.stage);
    match &teaching.task {
        Some(work) => format!("task {} for {stage} of {playbook}", work.key),
        None => format!("a goal for {stage} of {playbook}"),
    }
}

/// The field of the request behind a field of the playbook that learned from it.
fn field(of_playbook: &str) -> String {
    let last = of_playbook.rsplit('.').next().unwrap_or_default();
    match last {
        "key" | "owner" | "within" => format!("lesson.{last}"),
        "zh-CN" => "lesson.text.zh_cn".to_owned(),
        "en" => "lesson.text.en".to_owned(),
        _ => "lesson.stage".to_owned(),
    }
}
