//! The roster: who is told when a promise is broken. Whatever waits for somebody to come on duty is asked
//! again when it changes.

use std::sync::Arc;

use jiff::Timestamp;
use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::DutyRole;
use redress_proto::convert::{from_timestamp, from_wire};
use redress_proto::event::v1::{DutyChanged, StaffChanged};
use redress_store::Tx;

use super::parse;
use crate::desk::Desk;
use crate::store::duties::{self, Slot};
use crate::store::pages;

/// Takes rosters in; each replaces the one before.
#[derive(Debug)]
pub struct DutyChangedHandler(pub Arc<Desk>);

/// Lets the clocks that wait for somebody on duty look again.
async fn wake(tx: &mut Tx, desk: &Desk, site: &SiteId, now: Timestamp) -> Result<(), Fault> {
    let mut after = None;
    loop {
        let entries = pages::wake(tx, site, after, now).await?;
        let Some(last) = entries.iter().map(|entry| entry.id).max() else {
            return Ok(());
        };
        after = Some(last);
        desk.schedule_soon(entries);
    }
}

impl Handler for DutyChangedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: DutyChanged = event.decode()?;
        let mut slots = Vec::with_capacity(payload.slots.len());
        for slot in &payload.slots {
            // A duty of a newer release means nothing to our ladder.
            let Some(role) = from_wire::<DutyRole>(slot.role) else {
                continue;
            };
            slots.push(Slot {
                role,
                staff: slot.staff.clone(),
                rank: slot.rank,
                start: parse::time("slots.start_time", slot.start_time.as_ref())?,
                end: slot
                    .end_time
                    .as_ref()
                    .map(|time| from_timestamp("slots.end_time", time))
                    .transpose()?,
            });
        }
        let people: Vec<String> = payload.members.into_iter().map(|m| m.staff).collect();
        duties::replace(tx, &event.site, payload.revision, &slots, &people).await?;
        wake(tx, &self.0, &event.site, self.0.now()).await?;
        Ok(Applied::Done)
    }
}

/// Takes people in: who left is told nothing.
#[derive(Debug)]
pub struct StaffChangedHandler(pub Arc<Desk>);

impl Handler for StaffChangedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: StaffChanged = event.decode()?;
        duties::put_staff(
            tx,
            &event.site,
            &payload.staff,
            payload.retired,
            payload.revision,
        )
        .await?;
        if !payload.retired {
            wake(tx, &self.0, &event.site, self.0.now()).await?;
        }
        Ok(Applied::Done)
    }
}
