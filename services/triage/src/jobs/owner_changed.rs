//! Who is responsible for a case: told when a clock warns.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_proto::event::v1::OwnerChanged;
use redress_store::Tx;

use super::parse;
use crate::store::cases;

/// Takes owners in.
#[derive(Debug)]
pub struct OwnerChangedHandler;

impl Handler for OwnerChangedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: OwnerChanged = event.decode()?;
        let id = parse::case_id(event, &payload.case)?;
        if !cases::exists(tx, &event.site, id).await? {
            return Ok(Applied::Wait);
        }
        let responsible = Some(payload.responsible.as_str()).filter(|r| !r.is_empty());
        cases::set_owner(tx, &event.site, id, responsible, payload.revision).await?;
        Ok(Applied::Done)
    }
}
