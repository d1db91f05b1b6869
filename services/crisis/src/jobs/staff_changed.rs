//! `redress.staff.changed.v1`: people. Whoever left is no longer appointed; people in place stay until
//! the roster changes the command.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StaffName;
use redress_proto::event::v1 as events;
use redress_store::Tx;

use crate::store::duty;

/// Takes in people.
#[derive(Debug)]
pub(super) struct StaffChanged;

impl Handler for StaffChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::StaffChanged = event.decode()?;
        let staff: StaffName = parse_field("staff", &changed.staff)?;
        duty::take_person(
            tx,
            &staff.site,
            &staff.id,
            changed.retired,
            changed.revision,
        )
        .await?;
        Ok(Applied::Done)
    }
}
