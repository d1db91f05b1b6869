//! `redress.staff.changed.v1`: people. Whoever left is no longer appointed, and is followed by the next in
//! the roles of open incidents.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StaffName;
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::Shop;
use crate::flow::{Because, staff_up};
use crate::store::{duty, lock_site};

/// Takes in people.
#[derive(Debug)]
pub(super) struct StaffChanged(pub(super) Shop);

impl Handler for StaffChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::StaffChanged = event.decode()?;
        let staff: StaffName = parse_field("staff", &changed.staff)?;
        let retired = changed.retired;
        lock_site(tx, &staff.site).await?;
        duty::take_person(tx, &staff.site, &staff.id, retired, changed.revision).await?;
        if retired {
            let armed = staff_up(tx, &self.0.desk, &staff.site, Because::TimePassed).await?;
            self.0.arm(armed);
        }
        Ok(Applied::Done)
    }
}
