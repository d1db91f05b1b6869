//! Messages that wait for the spokesperson of an open incident: what they would have kept stands still, with that reason,
//! until the last of them is decided (domain.md section 9).

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::words::HoldReason;
use redress_proto::event::v1::MessageHeld;
use redress_store::Tx;

use crate::casework::{self, Work};
use crate::desk::Desk;
use crate::domain::Cause;
use crate::store::{cases, holds, sites};

/// Takes in what waits.
#[derive(Debug)]
pub struct MessageHeldHandler(pub Arc<Desk>);

impl Handler for MessageHeldHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: MessageHeld = event.decode()?;
        if payload.case.is_empty() {
            // Of no case, so that no promise of one stands still.
            return Ok(Applied::Done);
        }
        let name: CaseName = parse_field("case", &payload.case)?;
        if name.site != event.site {
            return Err(Fault::invalid("case", "must be of the event's site"));
        }
        let now = self.0.now();
        let Some(site) = sites::get(tx, &event.site, now).await? else {
            return Ok(Applied::Wait);
        };
        let Some(mut case) = cases::lock(tx, &event.site, name.id).await? else {
            return Ok(Applied::Wait);
        };
        let reason = HoldReason::SingleVoice;
        let lasting = holds::lasting(tx, &event.site, case.id).await?;
        let held = lasting.iter().any(|hold| hold.reason == reason);
        case.voice_waits = payload.waiting_count > 0;
        cases::set_voice_waits(tx, &event.site, &case).await?;
        let mut work = Work::new(tx, &site, now);
        let changed = if case.voice_waits {
            casework::wait_for_voice(&mut work, &mut case).await?
        } else {
            held && casework::release(&mut work, &mut case, reason, casework::DECIDED).await?
        };
        if changed {
            // Another hold may have ended with its time: the age counts again.
            casework::decide(&mut work, &mut case, Cause::Age).await?;
        }
        self.0.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}
