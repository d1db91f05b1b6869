//! Contacts with complainants: they meet and restart clocks, what a message of the customer tells is suspected, and the case is
//! decided again.

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::convert::{from_timestamp, from_wire};
use redress_proto::event::v1::{ContactDirection, ContactRecorded};
use redress_store::Tx;
use uuid::Uuid;

use super::{TextSource, parse};
use crate::casework::{self, Contact, Heard, Work};
use crate::desk::Desk;
use crate::domain::Cause;
use crate::store::{cases, sites};

/// Takes contacts in. What was said is read only where the customer said it and intake keeps words of it, since each reading
/// stands on the case's timeline.
#[derive(Debug)]
pub struct ContactRecordedHandler<T> {
    desk: Arc<Desk>,
    texts: T,
}

impl<T> ContactRecordedHandler<T> {
    /// A handler that reads messages there.
    pub fn new(desk: Arc<Desk>, texts: T) -> Self {
        Self { desk, texts }
    }
}

/// Whether the customer told us something that is to be read.
fn is_message(event: &Event, payload: &ContactRecorded) -> bool {
    !event.historical && payload.has_note && payload.direction() == ContactDirection::Inbound
}

impl<T: TextSource> Handler for ContactRecordedHandler<T> {
    type Prepared = Heard;

    fn asks_nothing(&self, event: &Event) -> bool {
        let payload = event.decode::<ContactRecorded>();
        !payload.is_ok_and(|payload| is_message(event, &payload))
    }

    async fn prepare(&self, event: &Event) -> Result<Heard, Fault> {
        let payload: ContactRecorded = event.decode()?;
        if !is_message(event, &payload) {
            return Ok(Heard::default());
        }
        let id = parse::case_id(event, &payload.case)?;
        let contact: Uuid = payload
            .contact_id
            .parse()
            .map_err(|_| Fault::invalid("contact_id", "must be a UUID"))?;
        let name = CaseName::new(event.site.clone(), id);
        let note = self.texts.note(&name, contact).await?;
        // Reading a long text is work for the processor.
        tokio::task::spawn_blocking(move || Heard::of(&note))
            .await
            .map_err(Fault::internal)
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, heard: &Heard) -> Result<Applied, Fault> {
        let Some(site) = sites::get(tx, &event.site, self.desk.now()).await? else {
            return Ok(Applied::Wait);
        };
        let payload: ContactRecorded = event.decode()?;
        let outbound = match payload.direction() {
            ContactDirection::Outbound => true,
            ContactDirection::Inbound => false,
            ContactDirection::Unspecified => {
                return Err(Fault::invalid("direction", "must be INBOUND or OUTBOUND"));
            }
        };
        let contact = Contact {
            outbound,
            channel: from_wire(payload.channel),
            // An intake of a former release believes a portal that says so of what came in; nobody is named then.
            by_person: payload.by_person && (outbound || !payload.staff.is_empty()),
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
        let mut work = Work::new(tx, &site, self.desk.now());
        work.entered = self.desk.clock.at(event.time).min(work.now);
        casework::contact(&mut work, &mut case, contact).await?;
        casework::hear(&mut work, &mut case, heard, contact.at).await?;
        casework::decide(&mut work, &mut case, Cause::Contact).await?;
        self.desk.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}
