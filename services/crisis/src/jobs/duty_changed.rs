//! `redress.duty.changed.v1`: the roster of a site. Incidents that opened before it was known get their
//! command now.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteName, StaffName};
use redress_proto::convert::{from_timestamp, from_wire};
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::Shop;
use crate::domain::command::Slot;
use crate::flow::{Because, staff_up};
use crate::store::{duty, lock_site};

/// Takes in rosters.
#[derive(Debug)]
pub(super) struct DutyChanged(pub(super) Shop);

impl Handler for DutyChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::DutyChanged = event.decode()?;
        let SiteName(site) = parse_field("site", &changed.site)?;
        let mut slots = Vec::with_capacity(changed.slots.len());
        for slot in &changed.slots {
            slots.extend(read(slot)?);
        }
        lock_site(tx, &site).await?;
        if duty::take_roster(tx, &site, &slots, changed.revision).await? {
            let armed = staff_up(tx, &self.0.desk, &site, Because::NewRoster).await?;
            self.0.arm(armed);
        }
        Ok(Applied::Done)
    }
}

/// A stretch of duty; none for a duty of a newer release, which no role of ours hangs on.
fn read(slot: &events::DutySlot) -> Result<Option<Slot>, Fault> {
    let Some(role) = from_wire(slot.role) else {
        return Ok(None);
    };
    let staff: StaffName = parse_field("slots.staff", &slot.staff)?;
    let instant = |field, t| from_timestamp(field, t);
    let start = slot.start_time.as_ref();
    let start = start.ok_or_else(|| Fault::invalid("slots.start_time", "must be given"))?;
    Ok(Some(Slot {
        role,
        staff: staff.id,
        rank: slot.rank,
        start: instant("slots.start_time", start)?,
        end: slot
            .end_time
            .as_ref()
            .map(|t| instant("slots.end_time", t))
            .transpose()?,
    }))
}
