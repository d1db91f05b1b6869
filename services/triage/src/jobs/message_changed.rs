//! What became of messages: somebody who was paged about a broken promise acknowledged.

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{ClockName, StaffName};
use redress_proto::event::v1::MessageChanged;
use redress_store::Tx;

use super::parse;
use crate::casework::{self, Work};
use crate::desk::Desk;
use crate::store::sites;

/// The one state that ends paging.
const ACKNOWLEDGED: &str = "ACKNOWLEDGED";

/// Takes acknowledgements in.
#[derive(Debug)]
pub struct MessageChangedHandler(pub Arc<Desk>);

impl Handler for MessageChangedHandler {
    type Prepared = ();

    fn concerns(&self, event: &Event) -> bool {
        let message: Result<MessageChanged, Fault> = event.decode();
        message.map_or(true, |m| m.state == ACKNOWLEDGED && !m.clock.is_empty())
    }

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: MessageChanged = event.decode()?;
        let clock: ClockName = parse_field("clock", &payload.clock)?;
        let staff: StaffName = parse_field("staff", &payload.staff)?;
        if clock.site != event.site || staff.site != event.site {
            return Err(Fault::invalid(
                "clock",
                "must belong to the site of the event, like the person",
            ));
        }
        let at = parse::time("change_time", payload.change_time.as_ref())?;
        let Some(site) = sites::get(tx, &event.site, self.0.now()).await? else {
            return Ok(Applied::Wait);
        };
        let mut work = Work::new(tx, &site, self.0.now());
        let generation = payload.clock_generation;
        casework::acknowledge(&mut work, clock.id, generation, &staff.to_string(), at).await?;
        self.0.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}
