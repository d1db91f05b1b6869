//! `redress.policy.changed.v1`: when the weekly briefing of a site is (M01). Open incidents keep what was frozen at their
//! opening (P26).

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_policy::Handling;
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::Shop;
use crate::store::policy;

/// Takes in what policies say of incidents.
#[derive(Debug)]
pub(super) struct PolicyChanged(pub(super) Shop);

impl Handler for PolicyChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::PolicyChanged = event.decode()?;
        let wrong = |what: &str| Fault::invalid("data.document", what);
        let handling: Handling = serde_json::from_str(&changed.document)
            .map_err(|_| wrong("must be sections of a policy"))?;
        // What is kept opens incidents: one that does not fit never gets that far.
        let settings = self.0.desk.settings.clone();
        settings
            .briefed(&handling.briefing)
            .policy()
            .map_err(|_| wrong("must have a day and a time for the briefing"))?;
        policy::learn(tx, &event.site, changed.revision, &handling.briefing).await?;
        Ok(Applied::Done)
    }
}
