//! `redress.survey.answered.v1` from notification: praise is recognised and the score counted; what a complainant says
//! after the resolution is the follow-up, and whoever says that it is not solved has the case opened again (M12, M16), unless
//! the company's last word stands.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::time::SharedClock;
use redress_model::words::CaseStatus;
use redress_policy::TakeOver;
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1::{SurveyAnswered, SurveyKind};
use redress_store::Tx;

use super::{apply, case_of, praise};
use crate::domain::handling::{FollowUp, Satisfaction};
use crate::domain::person::Person;
use crate::domain::transition::Action;
use crate::store::take_over::take_over;
use crate::store::{bench, outbox, visits, work};

/// Why intake is asked to open a case again.
pub const DISSATISFIED: &str = "dissatisfied";

/// The handler.
#[derive(Debug, Clone)]
pub struct OnSurveyAnswered(pub SharedClock);

impl Handler for OnSurveyAnswered {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let answered: SurveyAnswered = event.decode()?;
        // The other visits ask about no resolution.
        let asks = matches!(answered.kind(), SurveyKind::Complaint | SurveyKind::Repair);
        if event.historical {
            return Ok(Applied::Done);
        }
        if asks && !answered.case.is_empty() {
            self.follow_up(tx, event, &answered).await?;
        }
        praise::take(tx, event, &answered, self.0.now()).await?;
        Ok(Applied::Done)
    }
}

impl OnSurveyAnswered {
    /// What the complainant says of the resolution.
    async fn follow_up(
        &self,
        tx: &mut Tx,
        event: &Event,
        answered: &SurveyAnswered,
    ) -> Result<(), Fault> {
        let case = case_of(event, &answered.case)?;
        let at = answered
            .answer_time
            .as_ref()
            .ok_or_else(|| Fault::invalid("data.answer_time", "must be given"))?;
        let at = from_timestamp("data.answer_time", at)?;
        bench::lock(tx, &event.site).await?;
        // A survey follows a resolution of ours: where there is no work, nothing was resolved.
        let Some(known) = work::find(tx, &case).await? else {
            return Ok(());
        };
        // Answered before it was resolved again, or about what is in hand again: of no effect now.
        let is_asked = matches!(known.status, CaseStatus::Resolved | CaseStatus::Closed)
            && known.resolved_at.is_some_and(|resolved| resolved <= at);
        if !is_asked {
            return Ok(());
        }
        let satisfaction = Satisfaction::of_survey(answered.score, answered.solved);
        let is_dissatisfied = satisfaction == Satisfaction::Dissatisfied;
        let said = FollowUp {
            satisfaction,
            last_word: is_dissatisfied && visits::last_word_stands(tx, &known).await?,
            at,
        };
        let now = self.0.now();
        visits::add_follow_up(tx, &case, &said, "", &event.source, now).await?;
        let text = format!("{} by survey, score {}", said.satisfaction, answered.score);
        apply(tx, &known, Action::FollowUp(text), &event.source, &self.0).await?;
        if is_dissatisfied && !said.last_word {
            outbox::reopening_asked(tx, &known, DISSATISFIED, now).await?;
            if let Some(known) = work::find(tx, &case).await? {
                let (cause, by) = (TakeOver::Dissatisfied, Person::service(&event.source));
                take_over(tx, &known, cause, &by, now).await?;
            }
        }
        Ok(())
    }
}
