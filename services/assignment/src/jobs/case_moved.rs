//! `redress.case.moved.v1` from intake: a withdrawn or merged case needs no work any more (P06), a reopened one does again.
//! What was agreed to before is carried out no more, so the clocks of its steps end.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::time::SharedClock;
use redress_proto::convert::required;
use redress_proto::event::v1::CaseMoved;
use redress_store::Tx;

use super::{apply, case_of};
use crate::domain::transition::Action;
use crate::store::{bench, solutions, work};

/// The service whose moves count here; triage's come with its decisions, the rest are our own.
const MOVER: &str = "intake";

/// The handler.
#[derive(Debug, Clone)]
pub struct OnCaseMoved(pub SharedClock);

impl Handler for OnCaseMoved {
    type Prepared = ();

    fn concerns(&self, event: &Event) -> bool {
        !event.historical && event.source == MOVER
    }

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let moved: CaseMoved = event.decode()?;
        let case = case_of(event, &moved.case)?;
        let action = Action::IntakeMoved {
            status: required("data.status", moved.status)?,
            epoch: moved.epoch,
        };
        bench::lock(tx, &event.site).await?;
        let Some(known) = work::find(tx, &case).await? else {
            return Ok(Applied::Wait);
        };
        apply(tx, &known, action, &event.source, &self.0).await?;
        if moved.epoch > known.epoch {
            solutions::end_outdated(tx, &case, moved.epoch).await?;
        }
        Ok(Applied::Done)
    }
}
