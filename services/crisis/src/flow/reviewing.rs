//! The review of an incident that was stood down (M01): what it came from and what people are to do.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{ReviewActionName, StaffId};
use redress_model::time::whole_micros;
use redress_model::words::{ClockKind, ClockState};

use super::Turn;
use super::briefing::DUE_WITHIN_MAX;
use crate::domain::aftermath::{ActionState, ReviewState, Written, incomplete};
use crate::domain::lesson::LessonState;
use crate::domain::words::{LogKind, State};
use crate::store::lessons;
use crate::store::reviews::{self, Action, Review};

/// What is written in a review.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Why it came to this.
    pub causes: Vec<String>,
    /// What worked.
    pub worked: Vec<String>,
    /// What was lacking.
    pub lacking: Vec<String>,
}

impl Turn<'_> {
    /// Writes a review, whole. Says whether anything changed.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when the incident was not stood down, or the review is closed.
    pub async fn write_review(
        &mut self,
        mut review: Review,
        findings: &Findings,
        by: &str,
    ) -> Result<bool, Fault> {
        self.require_review(&review)?;
        let Findings {
            causes,
            worked,
            lacking,
        } = findings;
        if (causes, worked, lacking) == (&review.causes, &review.worked, &review.lacking) {
            return Ok(false);
        }
        review.causes.clone_from(causes);
        review.worked.clone_from(worked);
        review.lacking.clone_from(lacking);
        by.clone_into(&mut review.author);
        review.version += 1;
        reviews::write(self.tx, &review, self.now).await?;
        let text = format!("version {} of the review was written", review.version);
        self.touch_review(review).await?;
        self.note(LogKind::Review, by, &text, "").await?;
        Ok(true)
    }

    /// Asks somebody to do something.
    ///
    /// # Errors
    /// FAILED_PRECONDITION as for writing, or when the person has no place here; INVALID_ARGUMENT for a time that cannot
    /// be.
    pub async fn ask_for_action(
        &mut self,
        review: Review,
        text: &str,
        owner: &StaffId,
        due: Timestamp,
        by: &str,
    ) -> Result<ReviewActionName, Fault> {
        self.require_review(&review)?;
        let due = whole_micros(due);
        if due <= self.now || self.now.duration_until(due) > DUE_WITHIN_MAX {
            return Err(Fault::invalid(
                "due_time",
                "must be ahead, and within a year",
            ));
        }
        self.require_on_roster(owner)?;
        let name = ReviewActionName::new(self.site(), new_id(self.now));
        let action = Action {
            name: name.clone(),
            incident: self.incident.name.id,
            text: text.to_owned(),
            owner: owner.clone(),
            due,
            state: ActionState::Open,
            settled: None,
            revision: 1,
            clock: ClockState::Running,
        };
        reviews::add_action(self.tx, &action).await?;
        self.touch_review(review).await?;
        let text = format!("the review asks {owner} by {due}: {text}");
        self.note(LogKind::Review, by, &text, &name.to_string())
            .await?;
        self.start_until(ClockKind::ReviewAction, name.id, due)
            .await?;
        Ok(name)
    }

    /// Settles an action.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it is settled.
    pub async fn settle_action(
        &mut self,
        action: &Action,
        state: ActionState,
        outcome: &str,
        by: &str,
    ) -> Result<(), Fault> {
        if action.state != ActionState::Open {
            let text = format!("it is {}, and stays so", action.state);
            return Err(Fault::illegal("REVIEW_ACTION_SETTLED", text, &action.name));
        }
        let name = &action.name;
        reviews::settle_action(self.tx, name, state, self.now, by, outcome).await?;
        let word = state.word().to_lowercase();
        let text = format!("{word}: {} ({}): {outcome}", action.text, action.owner);
        self.note(LogKind::Review, by, &text, &name.to_string())
            .await?;
        let clock = if state == ActionState::Done {
            ClockState::Met
        } else {
            ClockState::Cancelled
        };
        self.settle(name.id, clock).await?;
        Ok(())
    }

    /// Closes a review. Says whether anything changed.
    ///
    /// # Errors
    /// FAILED_PRECONDITION naming what is missing.
    pub async fn close_review(&mut self, mut review: Review, by: &str) -> Result<bool, Fault> {
        if review.state == ReviewState::Closed {
            return Ok(false);
        }
        self.require_review(&review)?;
        let site = self.site();
        let actions = reviews::actions(self.tx, &site, self.incident.name.id).await?;
        let written = Written {
            causes: review.causes.len(),
            worked: review.worked.len(),
            lacking: review.lacking.len(),
            open_actions: actions
                .iter()
                .filter(|a| a.state == ActionState::Open)
                .count(),
            open_lessons: lessons::of_incident(self.tx, &site, self.incident.name.id)
                .await?
                .iter()
                .filter(|l| l.state == LessonState::Proposed)
                .count(),
        };
        if let Some(missing) = incomplete(written) {
            let name = &self.incident.name;
            return Err(Fault::illegal("REVIEW_INCOMPLETE", missing, name));
        }
        review.state = ReviewState::Closed;
        review.closed = Some((self.now, by.to_owned()));
        self.touch_review(review).await?;
        self.note(LogKind::Review, by, "the review was closed", "")
            .await?;
        Ok(true)
    }

    pub(super) async fn touch_review(&mut self, mut review: Review) -> Result<(), Fault> {
        review.revision += 1;
        reviews::update(self.tx, &review, self.now).await
    }

    pub(super) fn require_review(&self, review: &Review) -> Result<(), Fault> {
        let name = &self.incident.name;
        if self.incident.state != State::StoodDown || review.revision == 0 {
            let text = "a review begins when the incident is stood down";
            return Err(Fault::illegal("NOT_STOOD_DOWN", text, name));
        }
        if review.state == ReviewState::Closed {
            let text = "the review is closed; what comes later is another incident's";
            return Err(Fault::illegal("REVIEW_CLOSED", text, name));
        }
        Ok(())
    }
}
