//! Keeps who is on duty and which account is which person.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StaffName;
use redress_proto::convert::{from_timestamp, required};
use redress_proto::event::v1 as events;
use redress_store::Tx;

use crate::store::announce::instant;
use crate::store::roster::{Slot, put_staff, replace_duties};

/// `redress.duty.changed.v1`: the whole roster of a site.
#[derive(Debug)]
pub struct DutyChanged;

impl Handler for DutyChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::DutyChanged = event.decode()?;
        let slots = changed
            .slots
            .iter()
            .map(|s| {
                Ok(Slot {
                    role: required("role", s.role)?,
                    staff: own_staff(event, &s.staff)?,
                    rank: s.rank,
                    start: instant("start_time", s.start_time.as_ref())?,
                    end: s
                        .end_time
                        .as_ref()
                        .map(|t| from_timestamp("end_time", t))
                        .transpose()?,
                })
            })
            .collect::<Result<Vec<_>, Fault>>()?;
        replace_duties(tx, &event.site, changed.revision, &slots).await?;
        Ok(Applied::Done)
    }
}

/// `redress.staff.changed.v1`.
#[derive(Debug)]
pub struct StaffChanged;

impl Handler for StaffChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::StaffChanged = event.decode()?;
        let staff = own_staff(event, &changed.staff)?;
        put_staff(
            tx,
            &staff,
            &changed.account,
            changed.retired,
            changed.revision,
        )
        .await?;
        Ok(Applied::Done)
    }
}

fn own_staff(event: &Event, text: &str) -> Result<StaffName, Fault> {
    let staff: StaffName = parse_field("staff", text)?;
    if staff.site != event.site {
        return Err(Fault::invalid("staff", "must be of the event's site"));
    }
    Ok(staff)
}
