//! `redress.survey.answered.v1`: praise is recognised, the score is counted.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::time::SharedClock;
use redress_proto::event::v1::SurveyAnswered;
use redress_store::Tx;

use super::praise;

/// The handler.
#[derive(Debug, Clone)]
pub struct OnSurveyAnswered(pub SharedClock);

impl Handler for OnSurveyAnswered {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        if !event.historical {
            let answered: SurveyAnswered = event.decode()?;
            praise::take(tx, event, &answered, self.0.now()).await?;
        }
        Ok(Applied::Done)
    }
}
