//! `redress.evidence.added.v1`: a case has a piece of evidence that decisions on it may name.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_proto::event::v1::EvidenceAdded;
use redress_store::Tx;
use uuid::Uuid;

use super::case_of;
use crate::store::evidence;

/// The handler.
#[derive(Debug, Clone, Copy)]
pub struct OnEvidenceAdded;

impl Handler for OnEvidenceAdded {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let added: EvidenceAdded = event.decode()?;
        let case = case_of(event, &added.case)?;
        let id = added.evidence.rsplit('/').next().unwrap_or_default();
        let id: Uuid = parse_field("data.evidence", id)?;
        evidence::learn(tx, &case, id).await?;
        Ok(Applied::Done)
    }
}
