//! Contacts with complainants: they meet and restart clocks, and the case is decided again.

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1::{ContactDirection, ContactRecorded};
use redress_store::Tx;

use super::parse;
use crate::casework::{self, Contact, Work};
use crate::desk::Desk;
use crate::domain::Cause;
use crate::store::{cases, sites};

/// Takes contacts in.
#[derive(Debug)]
pub struct ContactRecordedHandler(pub Arc<Desk>);

impl Handler for ContactRecordedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let Some(site) = sites::get(tx, &event.site, self.0.now()).await? else {
            return Ok(Applied::Wait);
        };
        let payload: ContactRecorded = event.decode()?;
        let contact = Contact {
            outbound: match payload.direction() {
                ContactDirection::Outbound => true,
                ContactDirection::Inbound => false,
                ContactDirection::Unspecified => {
                    return Err(Fault::invalid("direction", "must be INBOUND or OUTBOUND"));
                }
            },
            by_person: payload.by_person,
            substantive: payload.substantive,
            visit: payload.visit,
            follow_up: payload.follow_up,
            promised: payload
                .promised_next_time
                .as_ref()
                .map(|time| from_timestamp("promised_next_time", time))
                .transpose()?,
            at: parse::time("contact_time", payload.contact_time.as_ref())?,
        };
        let id = parse::case_id(event, &payload.case)?;
        let Some(mut case) = cases::lock(tx, &site.id, id).await? else {
            return Ok(Applied::Wait);
        };
        if case.facts.historical {
            return Ok(Applied::Done);
        }
        let mut work = Work::new(tx, &site, self.0.now());
        work.entered = self.0.clock.at(event.time).min(work.now);
        casework::contact(&mut work, &mut case, contact).await?;
        casework::decide(&mut work, &mut case, Cause::Contact).await?;
        self.0.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}
