//! `redress.wording.changed.v1`: what must not be said. Answers, solutions and settlements are held against it
//! (M11).

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1::WordingChanged;
use redress_store::Tx;

use crate::store::wording::{self, Rules};

/// The handler.
#[derive(Debug, Clone, Copy)]
pub struct OnWordingChanged;

impl Handler for OnWordingChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: WordingChanged = event.decode()?;
        let effective = changed.effective_time.unwrap_or_default();
        let rules = Rules {
            scope: changed.scope,
            revision: changed.revision,
            effective: from_timestamp("data.effective_time", &effective)?,
            document: changed.document,
        };
        wording::take(tx, &event.site, &rules).await?;
        Ok(Applied::Done)
    }
}
