//! `redress.cluster.changed.v1`: a case moved to another cluster. When the whole cluster went, the open
//! incidents of both become one (I6); when the case went alone, it stays in its incident.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClusterName};
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::Shop;
use crate::flow::merge_matters;
use crate::store::{cases, lock_site};

/// Takes in changes of clusters.
#[derive(Debug)]
pub(super) struct ClusterChanged(pub(super) Shop);

impl Handler for ClusterChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::ClusterChanged = event.decode()?;
        let case: CaseName = parse_field("case", &changed.case)?;
        let into: ClusterName = parse_field("cluster", &changed.cluster)?;
        if changed.merged {
            let from: ClusterName = parse_field("previous_cluster", &changed.previous_cluster)?;
            lock_site(tx, &case.site).await?;
            let armed = merge_matters(tx, &self.0.desk, &case.site, from.id, into.id).await?;
            self.0.arm(armed);
        }
        cases::set_cluster(tx, &case, into.id).await?;
        Ok(Applied::Done)
    }
}
