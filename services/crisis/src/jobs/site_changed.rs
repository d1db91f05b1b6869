//! `redress.site.changed.v1`: the directory.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{RegionName, SiteName};
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::word;
use crate::store::sites::{self, Site};

/// Takes in directory entries.
#[derive(Debug)]
pub(super) struct SiteChanged;

impl Handler for SiteChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::SiteChanged = event.decode()?;
        let SiteName(id) = parse_field("site", &changed.site)?;
        let site = Site {
            id,
            region: parse_field::<RegionName>("region", &changed.region)?,
            kind: word("kind", changed.kind)?,
            time_zone: changed.time_zone,
            revision: changed.revision,
        };
        sites::take(tx, &site).await?;
        Ok(Applied::Done)
    }
}
