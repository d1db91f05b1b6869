//! Answered surveys: they meet the follow-up visit.

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_proto::event::v1::SurveyAnswered;
use redress_store::Tx;

use super::parse;
use crate::casework::{self, Work};
use crate::desk::Desk;
use crate::store::{cases, sites};

/// Takes answers in.
#[derive(Debug)]
pub struct SurveyAnsweredHandler(pub Arc<Desk>);

impl Handler for SurveyAnsweredHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: SurveyAnswered = event.decode()?;
        // Asked after a sale or a handover: no promise of a case hangs on it.
        if payload.case.is_empty() {
            return Ok(Applied::Done);
        }
        let at = parse::time("answer_time", payload.answer_time.as_ref())?;
        let Some(site) = sites::get(tx, &event.site, self.0.now()).await? else {
            return Ok(Applied::Wait);
        };
        let id = parse::case_id(event, &payload.case)?;
        let Some(mut case) = cases::lock(tx, &site.id, id).await? else {
            return Ok(Applied::Wait);
        };
        if case.facts.historical || case.is_ended() {
            return Ok(Applied::Done);
        }
        let mut work = Work::new(tx, &site, self.0.now());
        let known = casework::surveyed(&mut work, &mut case, at).await?;
        self.0.schedule_soon(work.entries);
        Ok(if known { Applied::Done } else { Applied::Wait })
    }
}
