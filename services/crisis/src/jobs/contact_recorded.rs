//! `redress.contact.recorded.v1`: somebody spoke with a complainant. Outward contacts by a person may be
//! the leader's contact that a private incident promises.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StaffName;
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::Shop;
use crate::flow::contacted;
use crate::store::cases::Contact;

/// Takes in contacts.
#[derive(Debug)]
pub(super) struct ContactRecorded(pub(super) Shop);

impl Handler for ContactRecorded {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let recorded: events::ContactRecorded = event.decode()?;
        let outward = recorded.direction() == events::ContactDirection::Outbound;
        if event.historical || !outward || !recorded.by_person || recorded.staff.is_empty() {
            return Ok(Applied::Done);
        }
        let staff: StaffName = parse_field("staff", &recorded.staff)?;
        let at = recorded.contact_time.as_ref();
        let at = at.ok_or_else(|| Fault::invalid("contact_time", "must be given"))?;
        let contact = Contact {
            case: parse_field("case", &recorded.case)?,
            id: parse_field("contact_id", &recorded.contact_id)?,
            staff: staff.id.to_string(),
            at: from_timestamp("contact_time", at)?,
            lead: false,
        };
        self.0.arm(contacted(tx, &self.0.desk, &contact).await?);
        Ok(Applied::Done)
    }
}
