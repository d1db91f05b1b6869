//! `redress.message.changed.v1`: somebody who was summoned acknowledged the message.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StaffName;
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1::MessageChanged;
use redress_store::Tx;

use super::case_of;
use crate::store::summonses;

/// What is asked of the message.
const TEMPLATE: &str = "work.summoned";
/// The one state that says it.
const ACKNOWLEDGED: &str = "ACKNOWLEDGED";

/// The handler.
#[derive(Debug, Clone, Copy)]
pub struct OnMessageChanged;

impl Handler for OnMessageChanged {
    type Prepared = ();

    fn concerns(&self, event: &Event) -> bool {
        let message: Result<MessageChanged, Fault> = event.decode();
        message.map_or(true, |m| m.template == TEMPLATE && m.state == ACKNOWLEDGED)
    }

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let message: MessageChanged = event.decode()?;
        let case = case_of(event, &message.case)?;
        let staff: StaffName = parse_field("data.staff", &message.staff)?;
        let at = from_timestamp("data.change_time", &message.change_time.unwrap_or_default())?;
        if staff.site == case.site {
            summonses::acknowledge_of(tx, &case, &staff.id, at).await?;
        }
        Ok(Applied::Done)
    }
}
