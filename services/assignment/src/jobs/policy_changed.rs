//! `redress.policy.changed.v1`: what the policy of a site says of handling. Where it has hints off, those that were kept go (M14).

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_proto::event::v1::PolicyChanged;
use redress_store::Tx;

use crate::store::policy::{self, SitePolicy};
use crate::store::{bench, hints};

/// The handler.
#[derive(Debug, Clone, Copy)]
pub struct OnPolicyChanged;

impl Handler for OnPolicyChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: PolicyChanged = event.decode()?;
        let handling = serde_json::from_str(&changed.document)
            .map_err(|_| Fault::invalid("data.document", "must be sections of a policy"))?;
        let told = SitePolicy {
            profile: changed.profile,
            revision: changed.revision,
            handling,
        };
        // Nobody keeps a hint by the policy of before while this one is learned.
        bench::lock(tx, &event.site).await?;
        policy::learn(tx, &event.site, &told).await?;
        let holds = policy::of_site(tx, &event.site).await?;
        if holds.handling.hints.is_off() {
            hints::forget_site(tx, &event.site).await?;
        }
        Ok(Applied::Done)
    }
}
