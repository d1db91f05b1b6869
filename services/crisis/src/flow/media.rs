//! The media desk within an incident: inquiries with their clock, exposures with theirs, and what follows when nobody
//! clarifies (M17).

use jiff::Timestamp;
use redress_events::NewEvent;
use redress_model::Fault;
use redress_model::name::{ExposureName, StatementName};
use redress_model::words::{ClockKind, ClockState, DutyRole};
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1 as events;
use redress_store::Keyring;
use uuid::Uuid;

use super::saying::Case;
use super::{Transition, Turn};
use crate::domain::media::{Outlet, Refusal, Words, answers, clarifies, clarify_between, exposes};
use crate::domain::mode;
use crate::domain::statement::Person;
use crate::domain::words::{
    ExposureTruth, InquiryState, LogKind, Mode, OutletRank, StatementState,
};
use crate::store::clocks::Clock;
use crate::store::media::{self, Assessment, Clarified, Exposure, Inquiry};
use crate::store::statements;

fn refused(refusal: &Refusal, name: impl std::fmt::Display) -> Fault {
    Fault::illegal(refusal.reason(), refusal.to_string(), name)
}

/// Where and when a clarification stood.
#[derive(Debug, Clone)]
pub struct Stood {
    /// The outlet.
    pub outlet: String,
    /// How far it reaches.
    pub rank: OutletRank,
    /// Where it can be read.
    pub link: String,
    /// When.
    pub at: Timestamp,
}

impl Turn<'_> {
    /// Takes an inquiry in; it waits for an answer until its deadline.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn inquire(
        &mut self,
        keys: &Keyring,
        inquiry: &Inquiry,
        journalist: &str,
    ) -> Result<(), Fault> {
        media::insert_inquiry(self.tx, keys, inquiry, journalist).await?;
        self.start_from(
            ClockKind::MediaAnswer,
            inquiry.name.id,
            inquiry.received,
            inquiry.due,
        )
        .await?;
        let text = format!("{} asks, and waits until {}", inquiry.outlet, inquiry.due);
        let name = inquiry.name.to_string();
        self.note(LogKind::Media, &inquiry.recorded_by, &text, &name)
            .await
    }

    /// Answers an inquiry by a statement of this incident.
    ///
    /// # Errors
    /// PERMISSION_DENIED when the person does not speak for the company; FAILED_PRECONDITION by what stands.
    pub async fn answer_inquiry(
        &mut self,
        inquiry: Inquiry,
        statement: &StatementName,
        by: &Person,
    ) -> Result<(), Fault> {
        self.require_chain(&[DutyRole::Spokesperson], by).await?;
        if inquiry.state != InquiryState::Open {
            return Err(refused(&Refusal::Decided, &inquiry.name));
        }
        let (words, case) = self.words(statement).await?;
        answers(words, inquiry.embargo, self.now).map_err(|why| refused(&why, &inquiry.name))?;
        let decided = Inquiry {
            state: InquiryState::Answered,
            statement: Some(statement.id),
            digest: Some(case.digest.to_vec()),
            ..self.decided(inquiry, by)
        };
        media::decide_inquiry(self.tx, &decided).await?;
        let id = decided.name.id;
        self.settle(id, ClockState::Met).await?;
        let text = format!("{} was answered", decided.outlet);
        self.note(LogKind::Media, &by.subject, &text, &statement.to_string())
            .await
    }

    /// Declines an inquiry.
    ///
    /// # Errors
    /// As [`Turn::answer_inquiry`].
    pub async fn decline_inquiry(
        &mut self,
        inquiry: Inquiry,
        reason: &str,
        by: &Person,
    ) -> Result<(), Fault> {
        self.require_chain(&[DutyRole::Spokesperson], by).await?;
        if inquiry.state != InquiryState::Open {
            return Err(refused(&Refusal::Decided, &inquiry.name));
        }
        let declined = Inquiry {
            state: InquiryState::Declined,
            reason: reason.to_owned(),
            ..self.decided(inquiry, by)
        };
        media::decide_inquiry(self.tx, &declined).await?;
        self.settle(declined.name.id, ClockState::Cancelled).await?;
        let text = format!("{} gets no answer: {reason}", declined.outlet);
        let name = declined.name.to_string();
        self.note(LogKind::Media, &by.subject, &text, &name).await
    }

    fn decided(&self, inquiry: Inquiry, by: &Person) -> Inquiry {
        Inquiry {
            decided_by: by.subject.clone(),
            decided: Some(self.now),
            revision: inquiry.revision + 1,
            ..inquiry
        }
    }

    /// Takes an exposure in, with what is known to be true of it. Says whether it switched the mode.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn expose(&mut self, exposure: Exposure) -> Result<Transition, Fault> {
        let truth = exposure.truth;
        let recorded = Exposure {
            truth: None,
            ..exposure
        };
        media::insert_exposure(self.tx, &recorded).await?;
        let text = format!("{} reports, reach {}", recorded.outlet, recorded.reach);
        let (name, actor) = (recorded.name.to_string(), recorded.recorded_by.clone());
        self.note(LogKind::Media, &actor, &text, &name).await?;
        let heeded = self.heed(&recorded).await?;
        if let Some(truth) = truth {
            let reach = recorded.reach;
            self.assess_exposure(recorded, truth, reach, "as recorded", &actor)
                .await?;
        }
        Ok(heeded)
    }

    /// What is newly exposed (G1.2) makes a private incident public, and asks whoever commands whether it breaks out; true or
    /// not, since people read it. Once a report, so that the commander's word after it holds. What could be read before the
    /// incident opened, it opened with.
    async fn heed(&mut self, exposure: &Exposure) -> Result<Transition, Fault> {
        let causes = mode::causes(exposure.name.id, &[mode::EXPOSED]);
        let weighed = &self.incident.weighed;
        let known = causes.iter().all(|cause| weighed.contains(cause));
        let new = exposure.published >= self.incident.opened && !known;
        if !new || !exposes(exposure.medium, exposure.reach) {
            return Ok(Transition::Noted);
        }
        let weighing = mode::weigh(self.incident.mode, weighed, &causes);
        self.incident.weighed = weighing.weighed;
        self.ask_whether_it_is_hot_again(&exposure.outlet).await?;
        let Some(criterion) = weighing.switches else {
            return Ok(Transition::Noted);
        };
        let reason = format!("{criterion}: {}", exposure.outlet);
        self.set_mode(Mode::Public, &reason, "", self.now).await?;
        Ok(Transition::Changed)
    }

    /// Says what is true of an exposure, and how far it has reached. A false one has to be clarified; a post may have reached
    /// enough by now to switch the mode, which it says.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it is settled.
    pub async fn assess_exposure(
        &mut self,
        exposure: Exposure,
        truth: ExposureTruth,
        reach: i64,
        reason: &str,
        actor: &str,
    ) -> Result<Transition, Fault> {
        let taken = exposure.truth == Some(ExposureTruth::TakenAsTrue);
        if exposure.clarified.is_some() || taken {
            return Err(refused(&Refusal::Settled, &exposure.name));
        }
        let was_false = exposure.truth == Some(ExposureTruth::False);
        let is_false = truth == ExposureTruth::False;
        // Whoever calls it false again gets no more time: the first word began it.
        let found = media::found_false(self.tx, &exposure.name).await?;
        let found = found.unwrap_or(self.now);
        let (start, due) = clarify_between(&self.zone, exposure.created, found);
        let due = match exposure.clarify_due {
            Some(known) if was_false => known,
            _ => due,
        };
        let assessed = Exposure {
            clarify_due: is_false.then_some(due),
            ..exposure
        };
        self.say_of(assessed.clone(), truth, reach, reason, actor)
            .await?;
        let (kind, id) = (ClockKind::MediaClarification, assessed.name.id);
        match (was_false, is_false) {
            (false, true) => self.start_from(kind, id, start, due).await?,
            (true, false) => self.settle(id, ClockState::Cancelled).await.map(drop)?,
            _ => {}
        }
        self.tell_truth(&assessed, truth).await?;
        self.tell_assessed().await?;
        if exposes(assessed.medium, assessed.reach) {
            // It was heeded when it was recorded.
            return Ok(Transition::Noted);
        }
        self.heed(&Exposure { reach, ..assessed }).await
    }

    /// A true report costs its site something, and a false one does not (M17): whoever books that hears each word of the desk.
    /// `exposure` is as it was before the word. They are heard in their order (I3), in whatever incident each was said: the report
    /// stays the same when incidents merge.
    async fn tell_truth(&mut self, exposure: &Exposure, truth: ExposureTruth) -> Result<(), Fault> {
        let payload = events::ExposureAssessed {
            incident: self.incident.name.to_string(),
            exposure: exposure.name.to_string(),
            cases: self.case_names().await?,
            truth: truth.word().to_owned(),
            publish_time: Some(to_timestamp(exposure.published)),
            assess_time: Some(to_timestamp(self.now)),
            revision: exposure.revision + 1,
        };
        let event = NewEvent {
            event_type: "redress.exposure.assessed.v1",
            site: &self.incident.name.site,
            subject: &exposure.name.to_string(),
            historical: false,
            payload: &payload,
        };
        redress_events::publish(self.tx, &event).await?;
        Ok(())
    }

    /// Once the desk has said of every report what is true of it, the clarifications that its cases owed are its own (M17).
    /// Whoever joins later hears of it too.
    pub(super) async fn tell_assessed(&mut self) -> Result<(), Fault> {
        let (site, id) = (self.site(), self.incident.name.id);
        let Some(until) = media::assessed(self.tx, &site, id).await? else {
            return Ok(());
        };
        let payload = events::ExposuresAssessed {
            incident: self.incident.name.to_string(),
            cases: self.case_names().await?,
            assess_time: Some(to_timestamp(until)),
        };
        self.publish("redress.exposures.assessed.v1", &payload)
            .await
    }

    /// What whoever books a missed clarification has to know: the cases that it is about, and since when it can be read.
    pub(super) async fn report_of(
        &mut self,
        clock: &Clock,
    ) -> Result<(Vec<String>, Option<Timestamp>), Fault> {
        let (ClockKind::MediaClarification, Some(id)) = (clock.kind, clock.subject) else {
            return Ok((Vec::new(), None));
        };
        let name = ExposureName::new(self.site(), id);
        let exposure = media::exposure(self.tx, &name).await?;
        Ok((self.case_names().await?, exposure.map(|e| e.published)))
    }

    /// A false exposure was set right in an outlet that reaches as far.
    ///
    /// # Errors
    /// PERMISSION_DENIED when the person does not speak for the company; FAILED_PRECONDITION by what stands.
    pub async fn clarify_exposure(
        &mut self,
        exposure: Exposure,
        statement: &StatementName,
        stood: Stood,
        by: &Person,
    ) -> Result<(), Fault> {
        self.require_chain(&[DutyRole::Spokesperson], by).await?;
        if exposure.clarified.is_some() {
            return Err(refused(&Refusal::Settled, &exposure.name));
        }
        let (words, case) = self.words(statement).await?;
        let stood_in = Outlet {
            name: &exposure.outlet,
            rank: exposure.rank,
        };
        let stands_in = Outlet {
            name: &stood.outlet,
            rank: stood.rank,
        };
        clarifies(exposure.truth, stood_in, words, stands_in)
            .map_err(|why| refused(&why, &exposure.name))?;
        let left = case.statement.published.map(|p| p.at);
        if stood.at < exposure.published || left.is_some_and(|left| stood.at < left) {
            let text = "must not lie before the report, nor before the statement left";
            return Err(Fault::invalid("clarify_time", text));
        }
        let clarified = Clarified {
            statement: statement.id,
            in_time: exposure.clarify_due.is_some_and(|due| stood.at <= due)
                && exposure.truth == Some(ExposureTruth::False),
            rank: stood.rank.word().to_owned(),
            outlet: stood.outlet,
            link: stood.link,
            at: stood.at,
        };
        let text = format!(
            "what {} reported is set right in {}",
            exposure.outlet, clarified.outlet
        );
        let set_right = Exposure {
            clarified: Some(clarified),
            updated: self.now,
            revision: exposure.revision + 1,
            ..exposure
        };
        media::update_exposure(self.tx, &set_right).await?;
        self.settle(set_right.name.id, ClockState::Met).await?;
        self.note(LogKind::Media, &by.subject, &text, &statement.to_string())
            .await
    }

    /// Nobody clarified a false exposure in time: it is taken as true (M17).
    pub(super) async fn not_clarified(&mut self, id: Uuid) -> Result<(), Fault> {
        let name = ExposureName::new(self.site(), id);
        let Some(exposure) = media::exposure(self.tx, &name).await? else {
            return Ok(());
        };
        if exposure.truth != Some(ExposureTruth::False) || exposure.clarified.is_some() {
            return Ok(());
        }
        let reach = exposure.reach;
        let reason = "nobody clarified it in time";
        self.say_of(exposure, ExposureTruth::TakenAsTrue, reach, reason, "")
            .await
    }

    async fn say_of(
        &mut self,
        exposure: Exposure,
        truth: ExposureTruth,
        reach: i64,
        reason: &str,
        actor: &str,
    ) -> Result<(), Fault> {
        let said = Exposure {
            truth: Some(truth),
            reach,
            updated: self.now,
            revision: exposure.revision + 1,
            ..exposure
        };
        media::update_exposure(self.tx, &said).await?;
        let assessment = Assessment {
            number: 0,
            truth,
            reach,
            reason: reason.to_owned(),
            actor: actor.to_owned(),
            at: self.now,
        };
        media::assess(self.tx, &said.name, &assessment).await?;
        let text = format!("what {} reported is {truth}: {reason}", said.outlet);
        let name = said.name.to_string();
        self.note(LogKind::Media, actor, &text, &name).await
    }

    /// A statement of this incident, and it as an answer or a clarification sees it. What came here with the desk of a merged
    /// incident may be answered by what had left there; nothing else of that one leaves any more.
    async fn words(&mut self, name: &StatementName) -> Result<(Words, Case), Fault> {
        let found = statements::get(self.tx, &name.site, name.id).await?;
        let statement = found.ok_or_else(|| Fault::not_found("Statement", name))?;
        let own = statement.incident == self.incident.name.id;
        if !own && (statement.published.is_none() || !self.has(statement.incident).await?) {
            return Err(Fault::not_found("Statement", name));
        }
        let case = Case::load(self.tx, self.desk, statement, self.incident.stage).await?;
        let content = &case.statement.content;
        let words = Words {
            audience: content.audience,
            kind: content.kind,
            published: case.statement.state == StatementState::Published,
            superseded: case.statement.state == StatementState::Superseded,
            approved: own && self.may_leave(&case),
        };
        Ok((words, case))
    }

    /// Whether a fired clock has just found that nobody clarified.
    pub(super) async fn missed(
        &mut self,
        kind: ClockKind,
        state: ClockState,
        subject: Option<Uuid>,
    ) -> Result<(), Fault> {
        match (kind, state, subject) {
            (ClockKind::MediaClarification, ClockState::Breached, Some(id)) => {
                self.not_clarified(id).await
            }
            _ => Ok(()),
        }
    }
}
