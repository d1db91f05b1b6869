//! `redress.wording.changed.v1`: what must not be said. Statements are held against it (M11).

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1 as events;
use redress_store::Tx;

use crate::store::wording::{self, Rules};

/// Takes in wording rules.
#[derive(Debug)]
pub(super) struct WordingChanged;

impl Handler for WordingChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::WordingChanged = event.decode()?;
        let effective = changed.effective_time.unwrap_or_default();
        let rules = Rules {
            scope: changed.scope,
            revision: changed.revision,
            effective: from_timestamp("effective_time", &effective)?,
            document: changed.document,
        };
        wording::take(tx, &event.site, &rules).await?;
        Ok(Applied::Done)
    }
}
